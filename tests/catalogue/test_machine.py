"""Odd machines: terminals without letters, no home, folders called like libraries, names at their limit."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from spinekit.models.environment import cache_folder
from spinekit.workflows import predict as workflow
from tests.cli.conftest import Say, say
from tests.conftest import environment
from tests.workflows.batch_films import MODEL, StandIn

__all__ = ["say"]

ENTRY = "from spinekit.cli.entry import main; main()"


@pytest.mark.parametrize("words", [("formats",), ("models", "list"), ("predict", "--help")])
def test_letters_that_a_terminal_does_not_know_break_nothing(words: tuple[str, ...], tmp_path: Path) -> None:
    narrow = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "COLUMNS": "30"}
    done = subprocess.run(
        [sys.executable, "-c", ENTRY, *words],
        cwd=tmp_path, env={**environment(), **narrow}, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stdout.isascii()
    assert b"\x1b" not in done.stdout, "no colours where there is no terminal"


def test_folders_called_like_libraries_are_not_imported(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("spinekit")
    if not script.is_file():
        pytest.skip("spinekit is not installed as a script")
    for name in ("torch", "yaml", "numpy", "dl", "json"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('a folder of the user was imported')")
    done = subprocess.run(
        [script, "models", "verify"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "as its card says" in done.stdout


def test_without_a_home_there_is_a_folder_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPINEKIT_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert cache_folder().parent == tmp_path
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))  # a home in which nothing can be made
    assert cache_folder().parent == tmp_path
    monkeypatch.setenv("SPINEKIT_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


NAMES = ("=HYPERLINK(1).png", "@x.png", "+1.png", "-rf.png", "＝x.png", '"><img src=x onerror=alert(1)>.png',
         "<svg onload=alert(1)>.png", "</script><script>alert(1).png".replace("/", "\\"))  # fmt: skip


class Markup(HTMLParser):
    """What would run in a browser."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag] if tag in {"script", "iframe", "object", "embed", "base", "form"} else []
        self.found += [f"{tag} {name}" for name, _ in attrs if name.startswith("on")]


def test_names_that_are_formulas_or_markup_stay_text(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "ModelChoice", StandIn)
    (tmp_path / "films").mkdir()
    for name in NAMES:
        noise = np.random.default_rng(len(name)).integers(1, 255, (96, 64), dtype=np.uint8)
        PillowImage.fromarray(noise).save(tmp_path / "films" / name, "png")
        (tmp_path / "films" / f"{name}-broken.png").write_bytes(b"no image")
    ended = say("predict", "films", "--model", MODEL, "--save", "via,landmarks", "--out", "out")
    assert ended.code == 1, ended.err
    tables = sorted((tmp_path / "out").rglob("*.csv"))
    assert {"failures.csv", "measurements.csv"} <= {path.name for path in tables}
    for path in tables:
        with path.open(newline="", encoding="utf-8") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        assert any("HYPERLINK" in cell for cell in cells), path.name
        for cell in cells:
            assert not cell.startswith(("=", "+", "@", "＝")), (path.name, cell)
            assert not cell.startswith("-") or float(cell) < 0, (path.name, cell)
    report = Markup()
    report.feed((tmp_path / "out" / "report.html").read_text("utf-8"))
    assert report.found == []


def test_names_that_grow_too_long_in_the_output(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "ModelChoice", StandIn)
    (tmp_path / "films").mkdir()
    for name in ("good.png", "y" * 251 + ".png", "ж" * 125 + ".png"):
        noise = np.random.default_rng(len(name)).integers(1, 255, (96, 64), dtype=np.uint8)
        PillowImage.fromarray(noise).save(tmp_path / "films" / name)
    ended = say("predict", "films", "--model", MODEL, "--save", "via", "--save", "coco", "--out", "out")
    assert "Traceback" not in ended.err
    assert ended.code in {0, 1}, ended.err
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert all(len(os.fsencode(path.name)) <= 255 for path in written)
    assert any("good" in path.name for path in written)
    if ended.code:
        assert ended.err.count("failed: ") == 2
