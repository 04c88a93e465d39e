"""Clean copies of a folder: numbered, searched, refused where in doubt, and told about in one line each."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image as PillowImage

import spinekit
from spinekit.core.errors import NothingUsableError, UsageError
from spinekit.workflows.deidentify import DeidentifySettings, deidentify, parse_box
from spinekit.workflows.private_key import private_key
from tests.conftest import CommandLine
from tests.formats.seg_objects import film
from tests.formats.test_dicom_clean import planted
from tests.test_privacy import MARK

GREY = (np.add.outer(np.arange(20), np.arange(30)) * 4).astype(np.uint8)


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """DICOM films in folders that name people, a picture, and what is no image."""
    folder = tmp_path / "films"
    (folder / f"{MARK}_19610203").mkdir(parents=True)
    planted(folder / f"{MARK}_19610203" / f"{MARK}.dcm")
    item = pydicom.dcmread(folder / f"{MARK}_19610203" / f"{MARK}.dcm")
    item.BurnedInAnnotation = "NO"
    item.save_as(folder / f"{MARK}_19610203" / f"{MARK}.dcm")
    PillowImage.fromarray(GREY).save(folder / f"{MARK}.jpg", comment=MARK.encode())
    (folder / "notes.txt").write_text(MARK, "utf-8")
    return folder


def settings(films: Path, **more: object) -> DeidentifySettings:
    place = films.parent
    return DeidentifySettings.model_validate(
        {"sources": (films,), "out": place / "clean", "key": place / "secret.key", **more}
    )


def test_no_mark_is_left_in_content_or_names(films: Path) -> None:
    done = deidentify(settings(films))
    copies = sorted(path for path in done.out.rglob("*") if path.is_file())
    assert [path.name for path in copies] == ["000001.png", "000002.dcm"]
    for path in copies:
        assert MARK.encode().lower() not in path.read_bytes().lower()
        assert path.stat().st_mode & 0o077 == 0
    assert [(file.skipped, len(file.copies)) for file in done.files] == [(False, 1), (False, 1), (True, 0)]


def test_the_table_of_names_is_written_on_request_alone_and_apart(films: Path) -> None:
    table = films.parent / "private" / "names.csv"
    deidentify(settings(films, table=table))
    assert table.read_text("utf-8").splitlines() == [
        "source,copy", f"{MARK}.jpg,000001.png", f"{MARK}_19610203/{MARK}.dcm,000002.dcm"
    ]  # fmt: skip
    assert table.stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="keep it apart"):
        deidentify(settings(films, table=films.parent / "clean" / "names.csv"))


def test_one_secret_gives_the_same_copies_again_and_another_gives_others(films: Path) -> None:
    runs = [
        deidentify(settings(films, out=films.parent / name, key=films.parent / key))
        for name, key in (("1", "a.key"), ("2", "a.key"), ("3", "b.key"))
    ]
    one, two, three = ((run.out / "000002.dcm").read_bytes() for run in runs)
    assert one == two
    assert one != three
    assert (films.parent / "a.key").stat().st_mode & 0o077 == 0


def test_a_film_with_text_in_it_fails_alone_and_parts_are_blackened(films: Path) -> None:
    film(films / "burned.dcm", attributes={"BurnedInAnnotation": "YES"})
    done = deidentify(settings(films))
    assert [(file.source, "--blank" in file.reason) for file in done.failed] == [("burned.dcm", True)]
    done = deidentify(settings(films, out=films.parent / "again", blank=(parse_box("0,0,10,3"),)))
    assert not done.failed
    for path in sorted(done.out.glob("*.dcm")):
        pixels = pydicom.dcmread(path).pixel_array
        assert (pixels[:3, :10] == pixels.min()).all()


@pytest.mark.parametrize("text", ["1,2,3", "0,0,0,5", "-1,0,5,5", "a,b,c,d", ""])
def test_a_part_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no part of a picture"):
        parse_box(text)


def test_nothing_usable_is_said(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "notes.txt").write_text("nothing", "utf-8")
    with pytest.raises(NothingUsableError, match="no file gave a clean copy"):
        deidentify(settings(tmp_path / "films"))


def test_a_damaged_film_stops_no_other(films: Path) -> None:
    whole = film(films / "cut.dcm").read_bytes()
    (films / "cut.dcm").write_bytes(whole[: len(whole) // 2])
    done = deidentify(settings(films))
    assert [file.source for file in done.failed] == ["cut.dcm"]
    assert done.copies == 2


def test_a_key_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("no key", "utf-8")
    with pytest.raises(UsageError, match="is no key"):
        private_key(tmp_path / "key")
    made = private_key(tmp_path / "new.key")
    assert private_key(tmp_path / "new.key") == made


def test_python_and_the_command_line_say_the_same(films: Path, console: CommandLine) -> None:
    done = spinekit.deidentify(
        films, films.parent / "py", key=films.parent / "k", dates="shift", keep_person=True
    )
    said = console(
        "deidentify",
        films,
        "--out",
        "cli",
        "--key",
        films.parent / "k",
        "--dates",
        "shift",
        "--keep-person",
        "--json",
    )
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    assert told["copies"] == done.copies == 2
    for path in done.out.iterdir():
        assert path.read_bytes() == (films.parent / "cli" / path.name).read_bytes()
    wrong = console("deidentify", films, "--out", "x", "--dates", "guess")
    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr
    assert len(wrong.stderr.strip().splitlines()) == 1
