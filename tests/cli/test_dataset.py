"""``spinekit dataset``: each command as a user says it, and what it answers to what cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

import pytest

from spinekit.core.schema import Schema
from tests.cli.conftest import Say
from tests.workflows.labelled_films import block, data_set

LEVELS = ("L1", "L2", "L3")
SCHEMA = Schema("lumbar", 1, "Lumbar", "seg", "", LEVELS, LEVELS)


@pytest.fixture
def films(tmp_path: Path) -> Path:
    names = [f"P{k // 2}_{k % 2}.png" for k in range(12)]
    return data_set(
        tmp_path / "films", SCHEMA, {name: [block("L1", 10, 10), block("L2", 10, 40)] for name in names}
    )


def test_split(say: Say, films: Path, tmp_path: Path) -> None:
    ended = say("dataset", "split", films, "--by", r"^(P\d)_", "--folds", "3", "--stratify", "classes")
    assert ended.code == 0, ended.err
    assert {path.name for path in tmp_path.glob("*.csv")} == {"split-1.csv", "split-2.csv", "split-3.csv"}
    assert "classes: L1" in ended.err


def test_a_split_by_film_alone_is_doubted(say: Say, films: Path) -> None:
    alone = say("dataset", "split", films)
    assert "note: nothing says which films are of one patient" in alone.err
    assert "nothing says" not in say("dataset", "split", films, "--by", r"^(P\d)_").err


def test_groups_of_a_converted_set_lie_in_its_manifest(say: Say, tmp_path: Path) -> None:
    names = [f"{k}.png" for k in range(6)]
    whose = {name: f"patient {k // 2}" for k, name in enumerate(names)}
    films = data_set(
        tmp_path / "films", SCHEMA, {name: [block("L1", 10, 10)] for name in names}, groups=whose
    )
    assert say("convert", films, "yolo", "--to", "yolo").code == 0
    ended = say("dataset", "split", "yolo")
    assert ended.code == 0
    assert "nothing says" not in ended.err
    rows = [row.split(",") for row in (tmp_path / "split.csv").read_text().splitlines()[1:]]
    assert len({group for _, group, _ in rows}) == 3


def test_notes_of_one_kind_are_one_line(say: Say, films: Path) -> None:
    assert say("convert", films, "coco", "--to", "coco").code == 0
    for number in range(3):
        (films / f"P{number}_0.png").unlink()
    ended = say("dataset", "stats", "coco", "--images", films)
    (line,) = [line for line in ended.err.splitlines() if line.startswith("note: ")]
    assert line.startswith("note: 3 x, e.g. ")
    assert "P0_0.png" in line


def test_split_as_json(say: Say, films: Path, tmp_path: Path) -> None:
    ended = say("dataset", "split", films, "--stratify", "classes", "--json")
    assert ended.code == 0, ended.err
    account = json.loads(ended.out)
    assert sum(held["films"] for held in account["tables"]["split.csv"].values()) == 12
    assert (tmp_path / "split.csv").read_text().startswith("name,group,part\n")


def test_from_and_format_mean_the_same(say: Say, films: Path, tmp_path: Path) -> None:
    tables = []
    for word in ("--from", "--format"):
        assert say("dataset", "split", films, word, "scenes", "--salt", "x").code == 0
        tables.append((tmp_path / "split.csv").read_bytes())
    assert tables[0] == tables[1]


def test_merge(say: Say, films: Path, tmp_path: Path) -> None:
    other = data_set(tmp_path / "other", SCHEMA, {"P0_0.png": [block("L3", 10, 10)]}, first_seed=90)
    ended = say("dataset", "merge", films, other, "--schema", "vertebrae", "--to", "coco", "--out", "both")
    assert ended.code == 0, ended.err
    assert "13 images as coco" in ended.err
    assert "renamed: other: P0_0.png is now other-P0_0.png" in ended.err
    assert "films never labels L3" in ended.err
    assert len(list((tmp_path / "both" / "images").iterdir())) == 13


def test_merge_refuses_a_source_without_images(say: Say, films: Path, tmp_path: Path) -> None:
    assert say("convert", films, "empty", "--to", "coco").code == 0
    other = data_set(tmp_path / "other", SCHEMA, {"a.png": [block("L3", 10, 10)]}, first_seed=90)
    ended = say("dataset", "merge", other, "empty", "--schema", "vertebrae", "--out", "both")
    assert ended.code == 3
    assert "empty: has no labelled image whose pixels are there" in ended.error()
    assert not (tmp_path / "both").exists()
    words = ("--images", "-", "--images", "films")
    assert say("dataset", "merge", other, "empty", "--schema", "vertebrae", "--out", "both", *words).code == 0


def test_augment(say: Say, films: Path, tmp_path: Path) -> None:
    words = ("--flip", "horizontal", "--rotate", "5", "--copies", "2", "--to", "yolo", "--out", "more")
    ended = say("dataset", "augment", films, *words)
    assert ended.code == 0, ended.err
    assert "12 originals and 24 copies as yolo" in ended.err
    assert "groups stand in more/sources.csv" in ended.err
    assert len(list((tmp_path / "more" / "labels").rglob("*.txt"))) == 36
    ended = say("dataset", "preview", "more", "--from", "yolo", "--n", "4", "--cell", "64")
    assert ended.code == 0, ended.err
    assert "sheet.png: 4 of 36 images" in ended.err


def test_copies_stay_with_their_film_in_a_split(say: Say, films: Path, tmp_path: Path) -> None:
    assert say("dataset", "augment", films, "--rotate", "5", "--to", "coco", "--out", "more").code == 0
    words = ("--from", "coco", "--schema", "vertebrae", "--images", "more/images")
    ended = say("dataset", "split", "more", *words)
    assert ended.code == 0, ended.err
    rows = [line.split(",") for line in (tmp_path / "split.csv").read_text().splitlines()[1:]]
    parts = {name: part for name, _, part in rows}
    assert len(parts) == 24
    assert all(parts[name] == parts[name.replace(".png", "_aug1.png")] for name in parts if "aug" not in name)


def test_the_parts_of_a_table_become_folders(say: Say, films: Path, tmp_path: Path) -> None:
    assert say("dataset", "split", films, "--by", r"^(P\d)_", "--stratify", "classes").code == 0
    for number, words in enumerate((
        ("convert", films, "yolo", "--to", "yolo"),
        ("dataset", "merge", films, "--schema", "vertebrae", "--to", "yolo", "--out", "yolo"),
        ("dataset", "augment", films, "--rotate", "5", "--to", "yolo", "--out", "yolo"),
    )):  # fmt: skip
        ended = say(*words, "--split", "split.csv")
        assert ended.code == 0, ended.err
        assert " train, " in ended.err
        assert "the same images" not in ended.err
        (tmp_path / "yolo").rename(tmp_path / str(number))
        held = {path.name for path in (tmp_path / str(number) / "images").iterdir()}
        assert held == {"train", "val", "test"}
        train = [path.name for path in (tmp_path / str(number) / "images" / "train").iterdir()]
        assert any("aug" in name for name in train) == (words[1] == "augment")
        ended = say("dataset", "augment", films, "--rotate", "5", "--to", "yolo", "--out", f"whole-{number}")
        assert "note: data.yaml names the same images for train and val" in ended.err


def test_stats(say: Say, films: Path, tmp_path: Path) -> None:
    ended = say("dataset", "stats", films, "--out", "counted")
    assert ended.code == 0, ended.err
    assert "12 images" in ended.out
    assert "never labelled: L3" in ended.out
    assert (tmp_path / "counted" / "positions.png").is_file()
    ended = say("dataset", "stats", films, "--json")
    assert json.loads(ended.out)["classes"]["L2"]["instances"] == 12


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("split", "films", "--stratify", "size"), "--stratify size"),
        (("split", "films", "--by", "("), "--by"),
        (("split", "none"), "no such file"),
        (("merge", "films", "--schema", "vertebra", "--out", "o"), "did you mean vertebrae"),
        (("merge", "films", "films", "--map", "a", "--map", "b", "--map", "c", "--schema", "vertebrae", "--out", "o"),
         "--map: given 3 times for 2 sources"),
        (("augment", "films", "--out", "o"), "nothing is to be altered"),
        (("augment", "films", "--out", "o", "--flip", "up"), "--flip up"),
        (("augment", "films", "--out", "o", "--turn"), "named levels"),
        (("augment", "films", "--out", "films", "--rotate", "3"), "not empty"),
        (("stats", "films", "--from", "coc"), "did you mean coco"),
        (("preview", "films", "--out", "sheet.gif"), "sheet.gif"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(say: Say, films: Path, words: tuple[str, ...], wrong: str) -> None:
    assert films.is_dir()
    ended = say("dataset", *words)
    assert ended.code == 2
    assert wrong in ended.error()


@pytest.mark.parametrize("command", ["augment", "merge"])
def test_a_data_set_appears_whole_or_not_at_all(
    say: Say, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    other = data_set(tmp_path / "other", SCHEMA, {"a.png": [block("L3", 10, 10)]}, first_seed=90)
    words = {
        "augment": ("augment", films, "--flip", "horizontal", "--force"),
        "merge": ("merge", films, other, "--schema", "vertebrae"),
    }[command]
    inside = say("dataset", *words, "--out", films / "new")
    assert inside.code == 2
    assert "lies inside the input" in inside.error()
    assert not (films / "new").exists()

    def interrupt(*_: object) -> NoReturn:
        assert any(path.name.startswith(".new.") for path in tmp_path.iterdir())
        raise KeyboardInterrupt

    before = sorted(tmp_path.iterdir())
    with monkeypatch.context() as patched:
        patched.setattr(f"spinekit.workflows.dataset_{command}.write_annotations", interrupt)
        assert say("dataset", *words, "--out", "new").code == 130
    assert sorted(tmp_path.iterdir()) == before
    assert say("dataset", *words, "--out", "new").code == 0
    assert (tmp_path / "new" / "sources.csv").is_file()
