"""What cannot be done is said in one line with the right exit code, before anything is read or written."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import spinekit
from spinekit.models.weights import find_card, shipped_names
from tests.cli.conftest import Say
from tests.cli.films import MODEL, good
from tests.conftest import CommandLine

GIVEN = ("--task", "pose", "--data", ".", "--format", "via")


def test_the_version_says_research_use(say: Say) -> None:
    ended = say("--version")
    assert ended.code == 0
    assert ended.out.splitlines()[0] == f"spinekit {spinekit.__version__}"
    assert "not a medical device" in ended.out


@pytest.mark.parametrize("words", [(), ("predict",), ("train",), ("samples",), ("models",), ("dataset",)])
def test_without_arguments_the_help_is_shown(say: Say, words: tuple[str, ...]) -> None:
    ended = say(*words)
    assert ended.code in {0, 2}  # typer's own choice; it has changed
    assert "Usage:" in ended.out + ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ("segment", "films"),
        ("predict", "films", "--colour", "blue"),
        ("predict", "films", "--threads", "0"),
        ("predict", "films", "--threads", "many"),
        ("predict", "films", "--max-pixels", "0"),
        ("models", "info"),
        ("samples", "films", "--count", "0"),
        ("dataset", "split", "films", "--format", "via", "--schema", "orbit-4", "--train", "1.5"),
    ],
)
def test_what_cannot_be_parsed_ends_with_2(say: Say, words: tuple[str, ...]) -> None:
    ended = say(*words)
    assert ended.code == 2
    assert "Usage:" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--save", "vai"), "via"),
        (("--save", "isbi"), "choose from"),
        (("--spacing", "none"), "0.143"),
        (("--window", "300,0"), "at least 1"),
        (("--window", "0"), "C,W like 300,1500"),
        (("--spacing", "0"), "0.143"),
        (("--spacing", "-1"), "0.143"),
        (("--spacing", "nan"), "0.143"),
        (("--spacing", "0.1x0.1x0.1"), "0.2x0.1"),
        (("--spacing", "0,143"), "0.143"),
        (("--spacing", "100"), "10"),
    ],
)
def test_options_that_cannot_be(say: Say, tmp_path: Path, words: tuple[str, ...], hint: str) -> None:
    good(tmp_path / "films")
    ended = say("predict", "films", *words)
    assert ended.code == 2
    assert hint in ended.error()
    assert not (tmp_path / "spinekit-out").exists()


def test_a_source_must_exist(say: Say) -> None:
    ended = say("predict", "nowhere")
    assert ended.code == 2
    assert "nowhere" in ended.error()


@pytest.mark.parametrize("address", ["https://example.org/film.png", "http://127.0.0.1/a.dcm", "ftp://x/y"])
def test_addresses_are_not_opened(say: Say, address: str) -> None:
    ended = say("predict", address)
    assert ended.code == 2
    assert "address" in ended.error()


def test_models_are_not_downloaded(say: Say, tmp_path: Path) -> None:
    good(tmp_path / "films")
    for name in ("yolo11n.pt", "yolo11n-pose.pt", "no-such-model"):
        ended = say("predict", "films", "--model", name)
        assert ended.code == 4
        line = ended.error()
        assert "nothing is downloaded" in line
        assert all(shipped in line for shipped in shipped_names())
        assert not list(tmp_path.rglob("*.pt"))
    ended = say("predict", "films", "--model", "https://example.org/yolo11n.pt")
    assert ended.code == 2
    assert "nothing is downloaded" in ended.error()
    assert say("models", "info", "spine-ap-pse").error().count("did you mean spine-ap-pose?") == 1


def card_beside(folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy of a shipped model whose card says something else."""
    card = find_card(MODEL)
    folder.mkdir()
    for source in card.weights.parent.glob("*.pt"):
        shutil.copyfile(source, folder / source.name)
    text = (card.weights.parent / "card.yaml").read_text("utf-8")
    for key, value in changes:
        text, found = re.subn(rf"^{key}: .*$", f"{key}: {value}", text, flags=re.MULTILINE)
        assert found == 1, key
    (folder / "card.yaml").write_text(text, "utf-8")
    return folder


def test_weights_of_another_task_are_refused(say: Say, tmp_path: Path) -> None:
    from spinekit.schemas import load_schema

    good(tmp_path / "films")
    other = load_schema("spine-ap-levels")
    model = card_beside(
        tmp_path / "model",
        ("task", "seg"),
        ("schema", other.name),
        ("fingerprint", f'"{other.fingerprint()}"'),
    )
    ended = say("predict", "films", "--model", model)
    assert ended.code == 4
    assert "a pose model, but its card says segment" in ended.error()


def test_weights_that_are_not_what_their_card_says_are_refused_unopened(say: Say, tmp_path: Path) -> None:
    good(tmp_path / "films")
    model = card_beside(tmp_path / "model", ("sha256", '"' + "0" * 64 + '"'))
    ended = say("predict", "films", "--model", model)
    assert ended.code == 4
    assert "sha256" in ended.error()
    for content in (b"", b"not a model", (model / "weights.pt").read_bytes()[:4000]):
        (model / "weights.pt").write_bytes(content)
        ended = say("predict", "films", "--model", model)
        assert ended.code == 4
        assert "weights.pt" in ended.error()
    (model / "card.yaml").unlink()
    ended = say("predict", "films", "--model", model)
    assert ended.code == 2
    assert "card.yaml" in ended.error()


@pytest.mark.parametrize(
    ("source", "out"), [("films", "films"), ("films/deep", "films"), ("films/a.png", "films")]
)
def test_results_never_go_over_the_input(say: Say, tmp_path: Path, source: str, out: str) -> None:
    good(tmp_path / "films", "a.png")
    good(tmp_path / "films" / "deep", "b.png")
    before = sorted(tmp_path.rglob("*"))
    ended = say("predict", source, "--out", out)
    assert ended.code == 2
    assert "--out" in ended.error()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_with_something_in_it_is_not_written_to(say: Say, tmp_path: Path) -> None:
    good(tmp_path / "films")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "precious.txt").write_text("mine")
    ended = say("predict", "films", "--out", "results")
    assert ended.code == 2
    assert "not empty" in ended.error()
    assert [p.name for p in (tmp_path / "results").iterdir()] == ["precious.txt"]


def test_a_folder_that_cannot_be_made_is_the_environment(say: Say, tmp_path: Path) -> None:
    good(tmp_path / "films")
    (tmp_path / "file").write_text("")
    ended = say("predict", "films", "--model", MODEL, "--out", "file/results")
    assert ended.code == 4
    assert "--out" in ended.error()


def test_an_interrupt_ends_with_130(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    good(tmp_path / "films")
    monkeypatch.setattr("spinekit.api.predict", interrupted)
    ended = say("predict", "films")
    assert ended.code == 130
    assert ended.err.strip() == "interrupted"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("train", "recipe.yaml"), "epochs"),
        (("train", "absent.yaml"), "absent.yaml"),
        (("train", "--data", "films"), "--task"),
        (("train", *GIVEN, "--schema", "orbit", "--split", "s.csv"), "orbit-4"),
        (("dataset", "split", ".", "--format", "vai", "--schema", "orbit-4"), "via"),
        (("dataset", "split", ".", "--format", "via", "--schema", "orbit-5"), "orbit-4"),
        (("samples", "films", "--kind", "knee"), "orbit"),
    ],
)
def test_other_commands_teach_as_well(say: Say, tmp_path: Path, words: tuple[str, ...], hint: str) -> None:
    recipe = "name: x\ntask: pose\ndata: .\nformat: via\nschema: orbit-4\nsplit: s.csv\nepocs: 3\n"
    (tmp_path / "recipe.yaml").write_text(recipe)
    (tmp_path / "s.csv").write_text("name,group,part\n")
    ended = say(*words)
    assert ended.code == 2
    assert hint in ended.error()


def test_a_setting_that_cannot_be_is_named_with_what_it_may_be(say: Say) -> None:
    ended = say("train", *GIVEN, "--task", "dance", "--schema", "orbit-4", "--split", "s.csv")
    assert ended.code == 2
    assert "'pose', 'seg', 'sem' or 'detect'" in ended.error(mends=False)


def test_the_console_script_ends_with_the_same_codes(console: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words, code in ((("predict", "empty"), 3), (("predict", "nowhere"), 2), (("models", "info", "x"), 4)):
        done = console(*words)
        assert done.returncode == code, done.stderr
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")
        assert len(done.stderr.splitlines()) == 1
