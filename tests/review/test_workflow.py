"""A review without its page: what is opened, in which order, and what comes out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spinekit.core.errors import AnnotationError, NothingUsableError, SpinekitError, UsageError
from spinekit.formats.coco_file import FILE as COCO
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.registry import annotation_format
from spinekit.formats.scenes import read
from spinekit.review.store import ReviewStore
from spinekit.schemas import load_schema
from spinekit.workflows.evaluate import evaluate
from spinekit.workflows.evaluation import EvaluateSettings
from spinekit.workflows.measure import MeasureSettings, measure_files
from spinekit.workflows.report import make_report
from spinekit.workflows.review import ReviewSettings, export, open_review
from spinekit.workflows.review_queue import ResultSummary, Sign, summaries, urgency, worst_first

SPINE = load_schema("spine-ap")


def accept(run: Path, *numbers: int, reader: str = "") -> None:
    """Accepts films without a page."""
    store = ReviewStore(open_review(ReviewSettings(source=run, reader=reader)))
    for number in numbers:
        store.save(number, store.film(number).state.version, "anna", "accepted", {"status": "accepted"})
    store.close()


def test_what_is_graver_comes_first(run: Path) -> None:
    plain, one, two = read(run, SPINE)
    unmeasured = ResultSummary(measured=0, refused=3)
    wide = ResultSummary(measured=3, width_deg=14.0)
    found = [
        urgency(plain), urgency(plain, results=wide), urgency(one), urgency(two), urgency(plain, results=unmeasured),
        urgency(plain, "no model knows it"),
    ]  # fmt: skip
    assert worst_first(found) == [5, 4, 3, 1, 2, 0]
    assert found[5].signs.keys() >= {Sign.REFUSED}
    assert found[1].signs[Sign.WIDE] == 14.0


def test_measurements_speak_for_their_films(tmp_path: Path) -> None:
    table = tmp_path / "measurements.csv"
    table.write_text(
        "image,name,value,unit,low,high,status\n"
        "'=a.png,cobb,20,deg,14,30,review\n'=a.png,length,3,mm,1,9,ok\n'=a.png,slip,,,,,refused\n",
        "utf-8",
    )
    assert summaries(table) == {"=a.png": ResultSummary(2, 1, 1, 16.0)}
    assert summaries(tmp_path / "none.csv") == {}
    table.write_text("name\n", "utf-8")
    with pytest.raises(AnnotationError, match=r"measurements\.csv: line 1: is no table"):
        summaries(table)


def test_a_review_is_exported(run: Path) -> None:
    with pytest.raises(NothingUsableError, match="nothing has been reviewed yet"):
        export(ReviewSettings(source=run), "coco", None, allow_loss=False, copy_images=None)
    accept(run, 0, 2)
    done = export(ReviewSettings(source=run), "coco", None, allow_loss=True, copy_images=None)
    assert done.out == run / "review-coco"
    assert (done.images, done.instances) == (2, 34)
    assert any("left out 1 not reviewed" in line for line in done.passed_over)
    assert (done.out / COCO).is_file()


def test_machine_against_reader_and_reader_against_reader(run: Path) -> None:
    for reader in ("anna", "ben"):
        accept(run, 0, 1, reader=reader)
    both = evaluate(EvaluateSettings(predicted=run / "review" / "anna", truth=run / "review" / "ben"))
    assert len(both.names) == 2
    machine = evaluate(EvaluateSettings(predicted=run / "predictions.jsonl", truth=run / "review" / "anna"))
    assert len(machine.names) == 2
    with pytest.raises(SpinekitError, match="name one of them"):
        evaluate(EvaluateSettings(predicted=run / "predictions.jsonl", truth=run))


def test_measure_takes_the_run_as_reviewed(run: Path) -> None:
    assert len(measure_files(MeasureSettings(source=run)).images) == 3
    accept(run, 1)
    reviewed = measure_files(MeasureSettings(source=run))
    assert [one.image.name for one in reviewed.images] == ["film-1.png"]
    assert any("1 accepted; left out 2 not reviewed" in line for line in reviewed.notices)
    assert len(measure_files(MeasureSettings(source=run / "predictions.jsonl")).images) == 3


def test_a_report_shows_what_a_person_left(run: Path) -> None:
    assert "film-0.png" in make_report(run).read_text("utf-8")
    accept(run, 1)
    store = ReviewStore(open_review(ReviewSettings(source=run)))
    store.save(0, 0, "anna", "rejected", {"status": "rejected"})
    store.close()
    page = make_report(run).read_text("utf-8")
    assert "2 images shown as reviewed by a person; rejected and left out: film-0.png" in page
    assert "film-2.png" in page
    assert page.count("film-0.png") == 1


def test_annotations_are_reviewed_beside_themselves(run: Path, tmp_path: Path) -> None:
    form = annotation_format("via")
    assert form.write is not None
    labels = tmp_path / "labels"
    labels.mkdir()
    form.write(list(read(run, SPINE)), labels)
    file = labels / "via_project.json"
    before = file.read_bytes()
    settings = ReviewSettings(source=file, images=tmp_path / "films", schema_name="spine-ap")
    review = open_review(settings)
    assert len(review.films) == 3
    assert review.run == labels / f"{file.stem}-review"
    assert all(film.path is not None for film in review.films)
    store = ReviewStore(review)
    store.save(0, 0, "anna", "accepted", {"status": "accepted"})
    store.close()
    again = open_review(settings)
    assert again.films[0].state.status == "accepted"
    assert any("the review begun there goes on" in line for line in again.notices)
    assert file.read_bytes() == before
    (scene,) = read(review.run, SPINE)
    assert scene.image.path.is_file()


def test_odd_sources_are_one_line(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder -- "):
        open_review(ReviewSettings(source=tmp_path / "nothing"))
    with pytest.raises(UsageError, match="becomes the name of a folder -- "):
        open_review(ReviewSettings(source=run, reader="../anna"))
    with pytest.raises(UsageError, match=r"--images: .*no such folder -- "):
        open_review(ReviewSettings(source=run, images=tmp_path / "nothing"))
    accept(run, 0)
    with pytest.raises(UsageError, match="holds a review that all share -- "):
        open_review(ReviewSettings(source=run, reader="anna"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 2"),
        ("[]", "is misshapen"),
        ('{"number":1}', "is misshapen"),
        (
            '{"number":1,"image":"film-0.png","version":2,"who":"a","when":"","action":"","before":{},"after":{}}',
            "makes version 2 of version 0",
        ),
        (
            '{"number":1,"image":"film-0.png","version":1,"who":"a","when":"","action":"","before":{},'
            '"after":{"instances":{"0":{"label":3}}}}',
            "edit 1 of film-0.png: is misshapen",
        ),
        (
            '{"number":1,"image":"../x.png","version":1,"who":"a","when":"","action":"","before":{},"after":{}}',
            "is of no image of the predictions",
        ),
    ],
)
def test_broken_records_name_their_place(run: Path, line: str, words: str) -> None:
    accept(run, 0)
    path = run / "review" / "edits.jsonl"
    head = path.read_text("utf-8").splitlines()[0]
    path.write_text(f"{head}\n{line}\n", "utf-8")
    with pytest.raises(AnnotationError) as told:
        list(read(run, SPINE, LabelOptions()))
    assert words in str(told.value)
    assert " -- " in str(told.value)
    assert "\n" not in str(told.value)


def test_a_record_of_another_version_is_refused(run: Path) -> None:
    accept(run, 0)
    path = run / "review" / "edits.jsonl"
    head = json.loads(path.read_text("utf-8").splitlines()[0])
    path.write_text(json.dumps({**head, "version": 2}) + "\n", "utf-8")
    with pytest.raises(AnnotationError, match="of version 2, this spinekit reads 1 -- update it"):
        list(read(run, SPINE))
