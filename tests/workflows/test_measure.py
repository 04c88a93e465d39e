"""Measuring and comparing scenes that a test has written: numbers, tables, one line for what is wrong."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.errors import NothingUsableError, SpinekitError, UsageError
from spinekit.core.measurement import Measurement, Result
from spinekit.core.norm import LeastChange
from spinekit.core.scene import Scene
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.measurement_csv import COLUMNS
from spinekit.formats.scenes import write
from spinekit.workflows.compare import CompareSettings, Verdict, compare, compared
from spinekit.workflows.measure import MeasureRun, MeasureSettings, measure_files
from tests.measures.scenes import CEPH, ORBIT, head, image, spine, spine_corners
from tests.measures.scenes import UPPER as TILTS


def named(scene: Scene, name: str) -> Scene:
    return replace(scene, image=replace(scene.image, name=name, path=Path(name)))


def saved(folder: Path, *scenes: Scene) -> Path:
    write(scenes, folder)
    return folder


def orbits(folder: Path, name: str = "a.png", spacing: Spacing | None = None, spread: float = 1.0) -> Path:
    return saved(folder, named(head(ORBIT, "orbit-4", ref=image(spacing), spread=spread), name))


def only(run: MeasureRun, name: str) -> Result:
    (found,) = [result for result in run.images[0].results if result.name == name]
    return found


def value(run: MeasureRun, name: str) -> Measurement:
    found = only(run, name)
    assert isinstance(found, Measurement)
    return found


def test_the_table_holds_what_was_measured(tmp_path: Path) -> None:
    source = orbits(tmp_path / "run", spacing=Spacing(0.5, 0.5, SpacingOrigin.TOMOGRAPHIC))
    run = measure_files(MeasureSettings(source=source, out=tmp_path / "out"))
    assert run.schema.name == "orbit-4"
    assert run.table is not None
    with run.table.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    width = next(row for row in rows if row["name"] == "orbit_width_right")
    assert float(width["value"]) == pytest.approx(69.857 / 2, abs=1e-3)
    assert (width["unit"], width["spacing_origin"], width["landmarks"]) == ("mm", "tomographic", "P1 P2")
    assert float(width["low"]) < float(width["value"]) < float(width["high"])


def test_scales_that_the_user_states(tmp_path: Path) -> None:
    source = orbits(tmp_path / "run")
    plain = value(measure_files(MeasureSettings(source=source)), "iod")
    assert plain.unit == "px"
    stated = Spacing(0.5, 0.5, SpacingOrigin.STATED)
    spaced = value(measure_files(MeasureSettings(source=source, spacing=stated)), "iod")
    ruled = value(measure_files(MeasureSettings(source=source, ruler="0,0,0,200=100mm")), "iod")
    for found in (spaced, ruled):
        assert (found.unit, found.spacing_origin) == ("mm", SpacingOrigin.STATED)
        assert found.value == pytest.approx(plain.value / 2)


def test_no_intervals_without_draws(tmp_path: Path) -> None:
    source = orbits(tmp_path / "run")
    assert value(measure_files(MeasureSettings(source=source, draws=0)), "iod").low is None
    assert value(measure_files(MeasureSettings(source=source, draws=50)), "iod").low is not None


def test_age_and_sex_are_asked_for(tmp_path: Path) -> None:
    person: dict[str, float | str] = {"age_years": 9.0, "sex": "F"}
    source = saved(tmp_path / "run", replace(named(head(CEPH, "ceph-19"), "a.png"), covariates=person))
    norms = tmp_path / "own.yaml"
    norms.write_text(
        "norms: {sna: [{author: A, year: 2000, population: x, kind: growth, mean: 80, at_age: 9, per_year: 1, "
        "until: 18}]}",
        "utf-8",
    )

    def expected(**more: object) -> str:
        settings = MeasureSettings.model_validate(
            {"source": source, "norms": norms, "only": ("sna",), **more}
        )
        return value(measure_files(settings), "sna").norms[0].expected

    assert expected() == ""  # what the file knows is not told unasked
    assert expected(covariates=True) == "80"
    assert expected(age=12) == "83"
    assert expected(age=12, covariates=True) == "83"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"only": ("iodd",)}, "no measurement 'iodd' -- did you mean iod"),
        ({"ruler": "1,2,3"}, "is no ruler"),
        ({"ruler": "0,0,0,100=9mm", "spacing": Spacing(1, 1, SpacingOrigin.STATED)}, "both calibrate"),
        ({"schema_name": "em-membrane"}, "has no measurements|no place|none of its"),
        ({"schema_name": "orbit"}, "did you mean orbit-4"),
        ({"source": Path("nowhere")}, "no such file or folder"),
        ({"norms": Path("nowhere.yaml")}, "nowhere.yaml"),
        ({"reader": "me"}, "me"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path: Path, more: dict[str, object], message: str) -> None:
    source = orbits(tmp_path / "run")
    with pytest.raises(SpinekitError, match=message) as caught:
        measure_files(MeasureSettings.model_validate({"source": source, "out": tmp_path / "out", **more}))
    assert "\n" not in str(caught.value)


def test_a_norm_of_something_else(tmp_path: Path) -> None:
    norms = tmp_path / "own.yaml"
    norms.write_text("norms: {sna: [{author: A, year: 2000, population: x, kind: range, low: 1}]}", "utf-8")
    with pytest.raises(UsageError, match="orbit-4 has no measurement 'sna'"):
        measure_files(MeasureSettings(source=orbits(tmp_path / "run"), norms=norms))


def test_a_ruler_lies_on_one_film(tmp_path: Path) -> None:
    scenes = [named(head(ORBIT, "orbit-4"), name) for name in ("a.png", "b.png")]
    with pytest.raises(UsageError, match="lies on one film"):
        measure_files(MeasureSettings(source=saved(tmp_path / "run", *scenes), ruler="0,0,0,200=100mm"))


def test_nothing_measured_is_an_error(tmp_path: Path) -> None:
    empty = named(replace(head(ORBIT, "orbit-4"), instances=()), "a.png")
    with pytest.raises(NothingUsableError, match="nothing could be measured on 1 image: nothing was found"):
        measure_files(MeasureSettings(source=saved(tmp_path / "run", empty)))
    with pytest.raises(SpinekitError):
        measure_files(MeasureSettings(source=saved(tmp_path / "none")))


def test_a_study_beside_itself_has_not_changed(tmp_path: Path) -> None:
    scenes = [named(head(CEPH, "ceph-19", spread=1.0), name) for name in ("a.png", "b.png")]
    folder = saved(tmp_path / "run", *scenes)
    found = compare(CompareSettings(before=folder, after=folder, out=tmp_path / "out"))
    assert [pair.before for pair in found.pairs] == ["a.png", "b.png"]
    for pair in found.pairs:
        told = [one for one in pair.changes if one.verdict is not Verdict.REFUSED]
        assert told
        assert {one.verdict for one in told} == {Verdict.WITHIN_ERROR}
        assert {one.change for one in told} == {0}
    assert found.table is not None
    assert found.table.read_text("utf-8").startswith("before,after,name,unit,value_before")


def test_changes_are_seen_where_they_are_larger_than_their_error(tmp_path: Path) -> None:
    before = saved(tmp_path / "one", named(spine(spine_corners(TILTS), spread=0.5), "first.png"))
    bent = spine_corners([1.5 * tilt for tilt in TILTS])
    after = saved(tmp_path / "two", named(spine(bent, spread=0.5), "second.png"))
    found = compare(CompareSettings(before=before, after=after, only=("cobb_aasce_main",)))
    (change,) = found.pairs[0].changes
    assert change.verdict is Verdict.INCREASED
    assert change.change == pytest.approx(12, abs=1e-6)
    assert change.least is not None
    assert change.low is not None
    assert 0 < change.low < 12
    back = compare(CompareSettings(before=after, after=before, only=("cobb_aasce_main",)))
    assert back.pairs[0].changes[0].verdict is Verdict.DECREASED


def test_readers_differ_by_five_degrees(tmp_path: Path) -> None:
    before = saved(tmp_path / "one", named(spine(spine_corners(TILTS), spread=0.01), "first.png"))
    bent = spine_corners([1.15 * tilt for tilt in TILTS])
    after = saved(tmp_path / "two", named(spine(bent, spread=0.01), "second.png"))
    found = compare(CompareSettings(before=before, after=after, only=("cobb_aasce_main",)))
    (change,) = found.pairs[0].changes
    assert change.change == pytest.approx(3.6, abs=1e-6)
    assert (change.verdict, change.least) == (Verdict.WITHIN_ERROR, 5)
    assert "2403.12115" in change.reason


def measured(number: float, half: float | None, unit: str = "deg", **details: str) -> Measurement:
    low, high = (None, None) if half is None else (number - half, number + half)
    return Measurement("x", number, unit, "", low=low, high=high, details=details)


def test_the_least_change() -> None:
    change = compared(measured(10, 3), measured(15.1, 4))
    assert change.least == pytest.approx(5)  # 3 and 4 and 5
    assert change.verdict is Verdict.INCREASED
    assert compared(measured(10, 3), measured(14.9, 4)).verdict is Verdict.WITHIN_ERROR
    known = LeastChange(5, "repeated readings")
    small = compared(measured(10, 0.1), measured(14, 0.1), known)
    assert (small.verdict, small.least) == (Verdict.WITHIN_ERROR, 5)
    assert "repeated readings" in small.reason
    assert compared(measured(10, None), measured(16, 1), known).verdict is Verdict.INCREASED
    assert compared(measured(10, None), measured(16, 1)).verdict is Verdict.UNKNOWN


def test_the_error_of_a_change_is_what_it_says() -> None:
    random = np.random.default_rng(4)
    first, second = random.normal(20, 1, 4000), random.normal(20, 2, 4000)
    changes = [
        compared(measured(a, 1.959964), measured(b, 2 * 1.959964)) for a, b in zip(first, second, strict=True)
    ]
    share = np.mean([change.verdict is Verdict.WITHIN_ERROR for change in changes])
    assert 0.94 < share < 0.96


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (measured(1, 1, "px"), measured(1, 1, "px"), "no common measure"),
        (measured(1, 1, "px"), measured(1, 1, "mm"), "one is in px, the other in mm"),
        (measured(1, 1, side="image left"), measured(1, 1, side="image right"), "not the same curve"),
    ],
)
def test_what_is_not_compared(first: Measurement, second: Measurement, words: str) -> None:
    change = compared(first, second)
    assert change.verdict is Verdict.REFUSED
    assert words in change.reason


def pairs_of(
    tmp_path: Path, before: Sequence[Scene], after: Sequence[Scene], pair: str = "auto"
) -> list[tuple[str, str]]:
    one, two = saved(tmp_path / "before", *before), saved(tmp_path / "after", *after)
    settings = CompareSettings.model_validate({"before": one, "after": two, "pair": pair})
    return [(pair.before, pair.after) for pair in compare(settings).pairs]


def test_films_are_paired_by_name_then_by_patient(tmp_path: Path) -> None:
    def film(name: str, group: str = "") -> Scene:
        return replace(named(head(ORBIT, "orbit-4"), name), group=group)

    assert pairs_of(tmp_path / "1", [film("a"), film("b")], [film("b"), film("c")]) == [("b", "b")]
    mixed = [film("a", "p1"), film("b", "p2")], [film("c", "p2"), film("d", "p3")]
    assert pairs_of(tmp_path / "2", *mixed) == [("b", "c")]
    with pytest.raises(NothingUsableError, match="no image belongs to one of"):
        pairs_of(tmp_path / "3", [film("a"), film("b")], [film("c"), film("d")])
    with pytest.raises(NothingUsableError):
        pairs_of(tmp_path / "4", *mixed, "name")
