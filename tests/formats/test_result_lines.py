"""Results go through a line of JSON without losing a bit, and a broken line is told in one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spinekit
from spinekit.core.errors import AnnotationError
from spinekit.core.measurement import Measurement, MeasurementGeometry, NotMeasured, Result, Status
from spinekit.core.norm import Comparison, Norm, NormBand, NormKind, Verdict
from spinekit.core.spacing import SpacingOrigin
from spinekit.formats.result_lines import read_results, results_from_line, results_to_line
from tests.measures.columns import lateral_profile, masked

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
MAYBE = st.none() | NUMBER
PAIR = st.tuples(NUMBER, NUMBER)

BANDS = st.builds(
    NormBand, st.none() | st.sampled_from("FM"), st.none() | PAIR, *[MAYBE] * 8
)  # fmt: skip
NORMS = st.builds(
    Norm, TEXT, st.none() | st.integers(1800, 2100), TEXT, st.sampled_from(NormKind),
    st.lists(BANDS, max_size=2).map(tuple), TEXT, st.booleans(),
)  # fmt: skip
BESIDE = st.builds(Comparison, NORMS, TEXT, st.sampled_from(Verdict), MAYBE, TEXT)
GEOMETRY = st.builds(
    MeasurementGeometry,
    st.dictionaries(TEXT, PAIR, max_size=2),
    st.dictionaries(TEXT, st.tuples(PAIR, PAIR), max_size=2),
    st.none() | PAIR,
)
MEASUREMENTS = st.builds(
    Measurement, TEXT, NUMBER, TEXT, TEXT, st.lists(TEXT, max_size=2).map(tuple), MAYBE, MAYBE,
    st.none() | st.sampled_from(SpacingOrigin), st.sampled_from(Status), TEXT, GEOMETRY,
    st.dictionaries(TEXT, TEXT, max_size=2), TEXT, st.lists(BESIDE, max_size=1).map(tuple),
)  # fmt: skip
RESULTS = st.lists(MEASUREMENTS | st.builds(NotMeasured, TEXT, TEXT), max_size=3).map(tuple)


@given(TEXT, RESULTS)
@settings(max_examples=150)
def test_a_line_comes_back_as_it_went(image: str, results: tuple[Result, ...]) -> None:
    line = results_to_line(image, results)
    assert "\n" not in line
    assert results_from_line(line, "line") == (image, results)


def test_measured_films_come_back_from_their_file(tmp_path: Path) -> None:
    results = spinekit.measure(masked(lateral_profile()))
    written = [("a/x.png", tuple(results)), ("b.dcm#0", ())]
    text = "".join(results_to_line(*item) + "\n" for item in written)
    (tmp_path / "measurements.jsonl").write_text(text, "utf-8")
    assert list(read_results(tmp_path)) == written
    assert any(isinstance(result, Measurement) and result.geometry.lines for result in results)


def test_a_number_that_is_none_is_never_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        results_to_line("x", [Measurement("a", float("nan"), "mm", "m")])


def without(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["results"][0].pop(key)


def with_member(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["results"][0].update({key: value})


FAULTS: dict[str, Callable[[dict[str, Any]], None]] = {
    "lacks 'name'": without("name"),
    "lacks 'value'": without("value"),
    "instead of a number": with_member("value", "3"),
    "True' instead of a number": with_member("value", True),
    "'colour' is no member of a measurement": with_member("colour", "red"),
    "instead of a list": with_member("landmarks_used", "L1"),
    "instead of an object": with_member("geometry", []),
    "values to unpack": with_member("geometry", {"points": {"a": [1, 2, 3]}}),
    "is not a valid Status": with_member("status", "fine"),
    "lacks 'norm'": with_member("norms", [{"expected": "1"}]),
    "this spinekit reads 1": lambda content: content.update(version=2),
    "is no spinekit-results": lambda content: content.update(format="spinekit-scene"),
    "'more' is no member of a line": lambda content: content.update(more=1),
}


@pytest.mark.parametrize("said", FAULTS)
def test_a_broken_line_is_told_in_one(said: str) -> None:
    content = json.loads(results_to_line("x", [Measurement("a", 1.0, "mm", "m")]))
    FAULTS[said](content)
    with pytest.raises(AnnotationError, match="run: line 7: ") as error:
        results_from_line(json.dumps(content), "run: line 7")
    assert said in str(error.value)
    assert " -- " in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "line", ["{", "[]", "1", '{"format":"spinekit-results","version":1,"image":"x","results":[NaN]}']
)
def test_a_line_that_is_no_object_is_told_in_one(line: str) -> None:
    with pytest.raises(AnnotationError, match=r"^run: ") as error:
        results_from_line(line, "run")
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="cannot be read"):
        list(read_results(tmp_path))
    path = tmp_path / "measurements.jsonl"
    path.write_bytes(results_to_line("x", []).encode() + b"\n\n\xff\n")
    with pytest.raises(AnnotationError, match="line 3: is not UTF-8"):
        list(read_results(path))
