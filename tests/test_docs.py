"""The documentation: nothing is missing from it, nothing in it is stale, every block of code runs."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

import spinekit
from spinekit.formats.measurement_csv import COLUMNS
from spinekit.formats.registry import annotation_formats, image_formats
from spinekit.measures import measurement_names
from spinekit.models.weights import shipped_names
from spinekit.schemas import load_schema, schema_names
from tests.conftest import CHECKOUT, environment

DOCS = CHECKOUT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted([*CHECKOUT.glob("*.md"), *DOCS.rglob("*.md")])
FENCE = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<language>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
LINK = re.compile(
    r"(?<!!)\[[^\]]*\]\((?P<target>[^)#\s]+)?(?P<anchor>#[^)\s]+)?\)|!\[[^\]]*\]\((?P<image>[^)]+)\)"
)
NOT_RUN = "not run: "
LANGUAGES = {"bash", "python", "yaml", "text"}


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    code: str
    mark: str

    @property
    def runs(self) -> bool:
        return self.language in {"bash", "python"} and not self.mark.startswith((NOT_RUN, "set-up: "))


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, found.start("code")),
            found["language"],
            found["code"],
            found["mark"] or "",
        )
        for found in FENCE.finditer(text)
    ]


def name_of(page: Path) -> str:
    return page.relative_to(CHECKOUT).as_posix()


def generator() -> dict[str, Any]:
    return runpy.run_path(str(DOCS / "generate.py"))


def format_names() -> list[str]:
    return [*(item.name for item in image_formats()), *(item.name for item in annotation_formats())]


# --- nothing missing, nothing stale ---


def test_generated_pages_are_current() -> None:
    pages: dict[Path, str] = generator()["pages"]()
    stale = [
        name_of(path) for path, text in pages.items() if not path.exists() or path.read_text("utf-8") != text
    ]
    assert not stale, f"run python docs/generate.py: {stale}"
    assert {path for path in REFERENCE.rglob("*") if path.is_file()} == set(pages)


def test_every_command_and_option_is_documented() -> None:
    text = (REFERENCE / "commands.md").read_text("utf-8")
    commands = list(generator()["commands"]())
    assert {"spinekit predict", "spinekit models info", "spinekit dataset split"} <= {
        c.path for c in commands
    }
    for path, command, _ in commands:
        section = re.split(r"^## ", text.split(f"## {path}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
        assert command.help.strip().splitlines()[0] in section
        for parameter in command.params:
            for option in (*parameter.opts, *parameter.secondary_opts):
                if option.startswith("--") and option != "--help":
                    assert f"`{option}`" in section, f"{path} {option}"


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("formats.md", format_names),
        ("schemas.md", schema_names),
        ("schemas.md", lambda: [p for s in schema_names() for p in load_schema(s).landmark_names]),
        ("measurements.md", lambda: [m for s in schema_names() for m in measurement_names(load_schema(s))]),
        ("models.md", shipped_names),
        ("python.md", lambda: [name for name in spinekit.__all__ if name != "__version__"]),
    ],
    ids=["formats", "schemas", "points", "measurements", "models", "python"],
)
def test_everything_that_can_be_named_is_documented(page: str, names: Callable[[], list[str]]) -> None:
    further = sorted((REFERENCE / page.removesuffix(".md")).glob("*.md"))
    text = "\n".join(path.read_text("utf-8") for path in (REFERENCE / page, *further))
    wanted = list(names())
    assert wanted
    missing = [
        n for n in wanted if f"`{n}" not in text and f"## {n}\n" not in text and f"spinekit.{n}" not in text
    ]
    assert not missing


@pytest.mark.parametrize(
    "page", sorted((REFERENCE / "measurements").glob("*.md")), ids=lambda path: path.stem
)
def test_every_measurement_says_what_it_is_and_from_where(page: Path) -> None:
    """A drawing or why there is none, the formula or method, the convention and the source, of each."""
    sections = re.split(r"^## ", page.read_text("utf-8"), flags=re.MULTILINE)[1:]
    assert sections
    for section in sections:
        name = section.splitlines()[0]
        if "- Formula:" in section:
            wanted = ["- Convention: ", "- Unit: ", "- Source: "]
            assert f"![{name} on a phantom]" in section or "Not drawn: " in section, name
        else:
            wanted = ["Results: "]
            assert "Method: " in section or "Not drawn: " in section, name
        assert all(word in section for word in wanted), name
    for picture in re.findall(r"\]\((img/[^)]+)\)", page.read_text("utf-8")):
        assert (page.parent / picture).is_file(), picture


def test_every_column_and_key_of_the_outputs_is_documented(tmp_path: Path) -> None:
    from spinekit.runs import FileRecord, RunRecord
    from spinekit.workflows.outputs import write_failures

    text = (DOCS / "outputs.md").read_text("utf-8")
    sections = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    record = RunRecord({}, {}, files=[FileRecord("a", "failed", "b")])
    record.write(tmp_path / "run.json")
    write_failures(tmp_path / "failures.csv", record.files)
    keys = set(re.findall(r'^ {1,4}"(\w+)":', (tmp_path / "run.json").read_text("utf-8"), re.MULTILINE))
    header = (tmp_path / "failures.csv").read_text("utf-8").splitlines()[0].split(",")
    assert {"counts", "sha256"} <= keys
    for section, names in (("measurements.csv", COLUMNS), ("run.json", keys), ("failures.csv", header)):
        assert not [name for name in names if f"`{name}`" not in sections[section]], section


def test_every_key_of_a_prediction_is_documented() -> None:
    import json

    import numpy as np

    from spinekit.core.image import ImageRef
    from spinekit.core.landmarks import landmarks
    from spinekit.core.scene import Instance, Scene
    from spinekit.core.spacing import Spacing, SpacingOrigin
    from spinekit.formats.scenes import to_line

    schema = load_schema("orbit-4")
    points = landmarks(schema.landmark_names, np.zeros((4, 2)), np.ones(4))
    spacing = Spacing(1.0, 1.0, SpacingOrigin.STATED)
    item = Instance("orbits", (0, 0, 1, 1), None, points, 1.0)
    line = to_line(Scene(ImageRef(Path("a"), 2, 2, spacing), schema, (item,)))

    def keys(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            yield from value
        for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from keys(below)

    text = (DOCS / "outputs.md").read_text("utf-8").split("## measurements.csv")[0]
    missing = {key for key in keys(json.loads(line)) if f"`{key}`" not in text}
    assert not missing


def test_exit_codes_are_documented() -> None:
    from spinekit.cli import console

    text = (DOCS / "outputs.md").read_text("utf-8").split("## Exit codes")[1]
    codes = [
        console.OK,
        console.SOME_FAILED,
        console.USAGE,
        console.NOTHING,
        console.ENVIRONMENT,
        console.INTERRUPTED,
    ]
    assert re.findall(r"^\| (\d+) \|", text, re.MULTILINE) == [str(code) for code in codes]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8"))
    for found in LINK.finditer(text):
        target = found["target"] or found["image"]
        if target and "://" in target:
            continue
        place = (page.parent / target).resolve() if target else page
        if found["image"] and not place.exists():
            assert name_of(place) == "docs/img/overlay.png", place
            pytest.skip("the picture is not made yet: python docs/picture.py")
        assert place.exists(), f"{name_of(page)}: {target}"
        if found["anchor"]:
            heads = re.findall(r"^#+ (.+)$", place.read_text("utf-8"), re.MULTILINE)
            anchors = {"#" + re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
            assert found["anchor"] in anchors, f"{name_of(page)}: {target}{found['anchor']}"


def test_the_changelog_knows_this_version() -> None:
    text = (CHECKOUT / "CHANGELOG.md").read_text("utf-8")
    assert f"## [{spinekit.__version__}]" in text
    project = (CHECKOUT / "pyproject.toml").read_text("utf-8")
    assert f'\nversion = "{spinekit.__version__}"\n' in project


# --- the two commands of the README ---


@pytest.mark.parametrize(("mark", "ends"), [("run", "predict datasets/samples"), ("test", "bin/pytest")])
def test_one_line_sets_everything_up(mark: str, ends: str) -> None:
    (block,) = (b for b in blocks(CHECKOUT / "README.md") if b.mark == f"set-up: {mark}")
    (line,) = block.code.splitlines()
    assert line.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert line.endswith(ends)


def test_the_gate_runs_the_second_command_word_for_word() -> None:
    script = CHECKOUT / ".ci" / "run"
    assert script.stat().st_mode & stat.S_IXUSR
    text = script.read_text("utf-8")
    assert "set -euo pipefail" in text
    program = re.search(r'setup="\$\((awk .*?README\.md)\)"', text, re.DOTALL)
    assert program
    printed = subprocess.run(
        ["bash", "-c", program[1]], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    (block,) = (b for b in blocks(CHECKOUT / "README.md") if b.mark == "set-up: test")
    assert printed.stdout == block.code
    assert 'bash -c "$setup"' in text


# --- every block runs ---


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_say_what_they_are(page: Path) -> None:
    text = page.read_text("utf-8")
    assert len(re.findall(r"^```", text, re.MULTILINE)) == 2 * len(blocks(page))
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{name_of(page)}:{block.line}"
        if block.mark.startswith(NOT_RUN):
            assert len(block.mark.removeprefix(NOT_RUN).split()) > 3, "say why it is not run"
        if block.language == "yaml":
            yaml.safe_load(block.code)
        if block.language == "bash":
            checked = subprocess.run(
                ["bash", "-n"], input=block.code, capture_output=True, text=True, check=False
            )
            assert checked.returncode == 0, checked.stderr


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A copy of what the pages speak of, and the console script on the search path."""
    place = tmp_path / "copy"
    shutil.copytree(CHECKOUT / "datasets", place / "datasets")
    if (CHECKOUT / "experiments").is_dir():
        shutil.copytree(CHECKOUT / "experiments", place / "experiments")
    (tmp_path / "bin").mkdir()
    entry = '-c "from spinekit.cli.app import main; main()"'
    for name, first in (("spinekit", entry), ("python", "")):
        script = tmp_path / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {first} "$@"\n')
        script.chmod(0o755)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if any(b.runs for b in blocks(p))], ids=name_of)
def test_blocks_run(page: Path, workplace: Path) -> None:
    """The blocks of a page, one after another in one folder, as a reader would."""
    path = f"{workplace.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    for block in (b for b in blocks(page) if b.runs):
        code = block.code if block.language == "python" else f"set -euo pipefail\n{block.code}"
        program = [sys.executable, "-c"] if block.language == "python" else ["bash", "-c"]
        done = subprocess.run(
            [*program, code],
            cwd=workplace, env={**environment(), "PATH": path},
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (
            f"{name_of(page)}:{block.line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )


def test_examples_of_the_help_can_be_said() -> None:
    """Every example below a command names options and arguments that there are."""
    import typer

    from spinekit.cli.app import app

    root = typer.main.get_command(app)
    examples = re.findall(
        r"^\* `(spinekit [^`]+)`$", (REFERENCE / "commands.md").read_text("utf-8"), re.MULTILINE
    )
    assert len(examples) >= len(list(generator()["commands"]()))
    for example in examples:
        command: Any = root
        words = shlex.split(example)[1:]
        while getattr(command, "commands", None):
            command = command.commands[words.pop(0)]
        context = command.make_context(example, words)
        assert set(context.params) == {p.name for p in command.params if p.name != "help"}
