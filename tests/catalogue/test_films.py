"""The catalogue's bad films, all in one run among good ones: each ends as it must, and stops no other."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spinekit.cli.app import app
from spinekit.core.errors import ReadError
from spinekit.core.image import Image
from spinekit.core.scene import Scene
from spinekit.formats.reading import find_files, read_images
from spinekit.workflows import predict as workflow
from spinekit.workflows.reading import Reading, unreadable
from tests.catalogue.dicom_films import FILMS as DICOM
from tests.catalogue.entry import FAILED, READ, Film
from tests.catalogue.picture_films import FILMS as PICTURES
from tests.cli.films import good
from tests.workflows.batch_films import MODEL, StandIn

FILMS = (*DICOM, *PICTURES)


class NothingFound(StandIn):
    """In place of a network: what counts here is what is read and told, not what is found."""

    def read(self, image: Image) -> Reading:
        """A scene without a thing in it, or the refusal of an image that can hold no anatomy."""
        reason = unreadable(image.pixels)
        scene = None if reason else Scene(image.ref, self.schema, (), model=MODEL)
        return Reading(scene, 1.0, reason, MODEL)


@dataclass(frozen=True, slots=True)
class Ran:
    """A run on all films.

    Attributes:
        root: The films, each entry in a folder of its own.
        out: The results.
        code: Exit code.
        err: Standard error.
        files: What ``run.json`` says of every image, by its name.
    """

    root: Path
    out: Path
    code: int
    err: str
    files: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    place = tmp_path_factory.mktemp("catalogue")
    root, out = place / "films", place / "out"
    good(root, "good.png")
    for film in FILMS:
        (root / film.folder).mkdir()
        film.make(root / film.folder)
    before = sorted(str(path) for path in root.rglob("*"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setattr(workflow, "ModelChoice", NothingFound)
        words = ["predict", "films", "--model", MODEL, "--no-report", "--no-overlays", "--names", "keep"]
        words += ["--out", "out"]
        ended = CliRunner().invoke(app, words)
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    assert sorted(str(path) for path in root.rglob("*")) == before, "films are only read"
    record = json.loads((out / "run.json").read_text("utf-8"))
    yield Ran(root, out, ended.exit_code, ended.stderr, {file["name"]: file for file in record["files"]})
    shutil.rmtree(place)


def notes(folder: Path) -> str:
    """What reading says of the images in a folder: reasons, warnings, how greys and scale were made."""
    said: list[object] = []
    for found in find_files([folder]):
        try:
            for image in read_images(found.path):
                spacing = image.ref.spacing
                said += [*image.warnings, dict(image.ref.provenance), spacing and spacing.origin]
        except ReadError as error:
            said.append(error)
    return "\n".join(map(str, said))


@pytest.mark.parametrize("film", FILMS, ids=lambda film: film.number)
def test_a_bad_film_ends_as_it_must(ran: Ran, film: Film) -> None:
    files = [file for name, file in ran.files.items() if name.split("/")[0] == film.folder]
    assert [file["status"] for file in files] == [film.status] * film.images, files
    said = "\n".join(file["reason"] for file in files)
    words = said + notes(ran.root / film.folder) if film.status == READ else said
    assert re.search(film.says, words), words
    if film.status == FAILED:
        assert " -- " in said, "a failure says how to mend it"
        (line,) = (line for line in ran.err.splitlines() if line.startswith(f"failed: {film.folder}/"))
        assert re.search(film.says, line), line


def test_two_files_of_one_object_are_told_in_one_line(ran: Ran) -> None:
    (line,) = (line for line in ran.err.splitlines() if "same object" in line and "D29" in line)
    assert line.startswith("D29/a.dcm and D29/b.dcm hold the same object (one SOP Instance UID)")


def test_the_rest_goes_on_and_the_run_ends_with_1(ran: Ran) -> None:
    assert ran.code == 1
    assert ran.files["good.png"]["status"] == "ok"
    assert "Traceback" not in ran.err
    assert len(ran.files) >= len(FILMS)


def test_tables_stay_whole_whatever_the_names(ran: Ran) -> None:
    with (ran.out / "failures.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    failed = {name for name, file in ran.files.items() if file["status"] == "failed"}
    assert {row["file"] for row in rows} >= failed
    assert all(None not in row and row["reason"].isprintable() for row in rows)
    for line in (ran.out / "predictions.jsonl").read_text("utf-8").splitlines():
        json.loads(line)


def test_what_is_printed_moves_no_cursor(ran: Ran) -> None:
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", ran.err)
