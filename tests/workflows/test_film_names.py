"""What films are called in a run: nobody is named, each is found again, and nothing that happens changes a name."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from spinekit.core.errors import NothingUsableError, UsageError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Absent
from spinekit.files import sha256_of
from spinekit.formats.neutral import is_neutral, neutral_name
from spinekit.formats.reading import find_files
from spinekit.formats.sources import image_folder
from spinekit.workflows import predict as workflow
from spinekit.workflows.compare import CompareSettings, compare
from spinekit.workflows.evaluate import evaluate
from spinekit.workflows.evaluation import EvaluateSettings
from spinekit.workflows.film_names import FilmNames, own_name
from spinekit.workflows.predict import PredictRun, PredictSettings
from spinekit.workflows.review import ReviewSettings, open_review
from tests.conftest import CHECKOUT
from tests.workflows.batch_films import MODEL, StandIn, write_films
from tests.workflows.test_batch import tree

SAMPLE = CHECKOUT / "datasets" / "samples" / "spine-ap-01.dcm"


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "ModelChoice", StandIn)


def film(path: Path, row: int = 0) -> Path:
    """A DICOM film of 96 x 64 pixels, another one for each row; of each an object of its own."""
    item = dcmread(SAMPLE)
    item.decompress()
    item.PixelData = item.pixel_array[row + 300 : row + 396, 150:214].copy().tobytes()
    item.Rows, item.Columns = 96, 64
    item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{row}"
    path.parent.mkdir(parents=True, exist_ok=True)
    item.save_as(path)
    return path


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Two patients with films of one name, a copy, a picture beside them and one apart, and what is no film."""
    folder = tmp_path / "films"
    film(folder / "Ivanov" / "1.dcm", 1)
    film(folder / "Petrov" / "1.dcm", 2)
    shutil.copyfile(folder / "Ivanov" / "1.dcm", folder / "Petrov" / "2")
    write_films(folder, 2)  # a/film-00000.png, b/film-00001.png
    shutil.copyfile(folder / "a" / "film-00000.png", folder / "Ivanov" / "photo.png")
    (folder / "Ivanov" / "broken.dcm").write_bytes(b"x" * 300)
    (folder / "Ivanov" / "letter.txt").write_text("to whom it may concern")
    (folder / "Sidorov.dcm").symlink_to(folder / "Ivanov" / "1.dcm")
    return folder


def run(films: Path, out: Path, **options: Any) -> PredictRun:  # noqa: ANN401  (settings of many types)
    return workflow.predict(
        PredictSettings(sources=(films,), out=out, model=MODEL, overlays=False, report=False, **options)
    )


def expected(films: Path) -> dict[str, str]:
    """Own names by those in the results, in the order of the files."""
    ivanov, petrov = (sha256_of(films / who / "1.dcm") for who in ("Ivanov", "Petrov"))
    broken, photo = (sha256_of(films / "Ivanov" / name) for name in ("broken.dcm", "photo.png"))
    return {
        neutral_name(ivanov, ".dcm"): "Ivanov/1.dcm",
        neutral_name(broken, ".dcm"): "Ivanov/broken.dcm",
        "file-00003": "Ivanov/letter.txt",
        neutral_name(photo, ".png"): "Ivanov/photo.png",
        neutral_name(petrov, ".dcm"): "Petrov/1.dcm",
        neutral_name(ivanov, ".dcm", 2): "Petrov/2",
        "file-00007": "Sidorov.dcm",
    }


def test_dicom_goes_by_its_content_and_pictures_by_their_names(films: Path, tmp_path: Path) -> None:
    made = run(films, tmp_path / "out", save=("via", "labelme"))
    names = expected(films)
    assert made.own_names == names
    assert [file.name for file in made.record.files] == [*names, "a/film-00000.png", "b/film-00001.png"]
    assert all(is_neutral(name) or name.startswith("file-") for name in names)
    for name, content in tree_of_text(tmp_path / "out"):
        assert not any(word in name + content for word in ("Ivanov", "Petrov", "Sidorov", "letter")), name
    by_name = {one.image.name: one.image.path for one in made.predictions}
    assert by_name[next(iter(names))] == films / "Ivanov" / "1.dcm", "in Python the film is at hand"
    assert own_name(f"{next(iter(names))}#3", names) == "Ivanov/1.dcm#3"


def tree_of_text(folder: Path) -> list[tuple[str, str]]:
    return [(name, (folder / name).read_text("utf-8", "replace")) for name in tree(folder)]


def test_own_names_are_kept_where_that_is_asked_for_or_nothing_is_dicom(films: Path, tmp_path: Path) -> None:
    kept = run(films, tmp_path / "kept", names="keep")
    assert kept.own_names == {}
    assert kept.record.files[0].name == "Ivanov/1.dcm"
    assert kept.record.images == ("../films",)
    (films / "a" / "notes.txt").write_text("nothing")
    pictures = run(films / "a", tmp_path / "pictures")
    assert [file.name for file in pictures.record.files] == ["film-00000.png", "notes.txt"]
    with pytest.raises(UsageError, match="other settings"):
        run(films, tmp_path / "kept", resume=True)


def test_a_run_that_goes_on_calls_films_the_same(films: Path, tmp_path: Path) -> None:
    run(films, tmp_path / "whole")
    whole = tree(tmp_path / "whole")
    for done in range(7):
        out = tmp_path / f"cut-{done}"
        run(films, out)
        lines = (out / "records.jsonl").read_text("utf-8").splitlines(keepends=True)
        kept = lines[:done] if done % 2 else lines[-done - 1 :]
        (out / "records.jsonl").write_text("".join(kept), "utf-8")
        again = run(films, out, resume=True)
        assert again.earlier == len([one for one in kept if '"failed"' not in one])
        assert tree(out) == whole


def test_films_that_were_left_out_are_not_named_either(films: Path, tmp_path: Path) -> None:
    made = run(films, tmp_path / "out", fail_fast=True)
    assert made.left_out > 0
    assert {file.status for file in made.record.files} >= {"failed", "skipped"}
    for name, content in tree_of_text(tmp_path / "out"):
        assert not any(word in name + content for word in ("Ivanov", "Petrov", "Sidorov", "letter")), name
    for file in made.record.files:
        assert (films / made.own_names.get(file.name, file.name)).is_symlink() or (
            films / made.own_names.get(file.name, file.name)
        ).is_file()
    run(films, tmp_path / "out", resume=True)
    assert tree(tmp_path / "out") == tree(run(films, tmp_path / "whole").out)


def test_a_film_that_is_added_or_renamed_costs_no_other(films: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(films, out)
    film(films / "Abramov" / "0.dcm", 5)
    (films / "Petrov" / "1.dcm").rename(films / "Petrov" / "9.dcm")
    again = run(films, out, resume=True)
    # The file that cannot be read is tried again, and what goes by its place has another one.
    assert len(again.record.files) - again.earlier == 4
    assert tree(out) == tree(run(films, tmp_path / "fresh").out)


def test_which_is_which_is_written_apart_and_for_its_owner_alone(films: Path, tmp_path: Path) -> None:
    table = tmp_path / "names.csv"
    run(films, tmp_path / "out", name_table=table)
    with table.open(encoding="utf-8", newline="") as stream:
        assert {row["name"]: row["file"] for row in csv.DictReader(stream)} == expected(films)
    assert table.stat().st_mode & 0o777 == 0o600
    later = tmp_path / "later.csv"
    run(films, tmp_path / "out", resume=True, name_table=later)
    assert later.read_bytes() == table.read_bytes()
    run(films, tmp_path / "again", name_table=table)
    with pytest.raises(UsageError, match="lies among the results"):
        run(films, tmp_path / "other", name_table=tmp_path / "other" / "names.csv")
    for taken in (films / "a" / "film-00000.png", films / "Ivanov" / "letter.txt"):
        before = taken.read_bytes()
        with pytest.raises(UsageError, match="is a file of another kind"):
            run(films, tmp_path / "other", name_table=taken)
        assert taken.read_bytes() == before


def test_two_files_of_one_object_are_told(films: Path, tmp_path: Path) -> None:
    made = run(films, tmp_path / "out")
    names = list(expected(films))
    assert made.doubles == ((names[0], names[5]),)
    (note,) = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))["notes"]
    assert note.startswith(f"{names[0]} and {names[5]} hold the same object")
    assert run(films, tmp_path / "out", resume=True).doubles == made.doubles
    other = dcmread(films / "Petrov" / "1.dcm")
    other.SOPInstanceUID = "1.2.3.1"
    other.save_as(films / "Petrov" / "1.dcm")
    (files,) = run(films, tmp_path / "out", resume=True).doubles
    assert len(files) == 3


def test_films_are_found_again_by_their_content(films: Path, tmp_path: Path) -> None:
    run(films, tmp_path / "out")
    name = next(iter(expected(films)))
    folder = image_folder(films)
    ref = folder.find(name)
    assert isinstance(ref, ImageRef)
    assert (ref.name, ref.path, ref.height) == (name, films / "Ivanov" / "1.dcm", 96)
    assert folder.path_of(name) == ref.path
    assert isinstance(folder.find("film-000000000000.dcm"), Absent)
    blind = open_review(ReviewSettings(source=tmp_path / "out"))
    assert {one.name for one in blind.films if one.path is None} >= {name}
    shown = open_review(ReviewSettings(source=tmp_path / "out", images=films))
    assert all(one.path is not None for one in shown.films)


def test_whoever_pairs_by_name_is_told_how(films: Path, tmp_path: Path) -> None:
    """Two studies of one patient, whose films are called alike but hold others."""
    film(tmp_path / "later" / "1.dcm", 3)
    film(tmp_path / "later" / "2.dcm", 4)
    for folder, out in ((films / "Petrov", "before"), (tmp_path / "later", "after")):
        run(folder, tmp_path / out)
        run(folder, tmp_path / f"{out}-kept", names="keep")
    with pytest.raises(NothingUsableError, match="predict with --names keep"):
        compare(CompareSettings(before=tmp_path / "before", after=tmp_path / "after"))
    with pytest.raises(NothingUsableError, match="predict with --names keep"):
        evaluate(EvaluateSettings(predicted=tmp_path / "before", truth=tmp_path / "after"))
    made = compare(CompareSettings(before=tmp_path / "before-kept", after=tmp_path / "after-kept"))
    assert [pair.before for pair in made.pairs] == ["1.dcm"]
    made_again = evaluate(EvaluateSettings(predicted=tmp_path / "before", truth=tmp_path / "before-kept"))
    assert sorted(made_again.names) == ["1.dcm", "2"]


def test_nothing_is_opened_more_than_once_to_be_named(films: Path) -> None:
    """A fresh run hashes no film before it is read."""
    names = FilmNames(list(find_files([films])))
    assert all(not is_neutral(names.of(item)) for item in find_files([films]))
