"""Norms, grades and borrowed analyses as they stand in YAML: what is wrong is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from spinekit.core.errors import UsageError
from spinekit.core.norm import Grade, NormKind
from spinekit.schemas import analysis_names, load_norms, load_schema, parse_yaml, schema_names
from spinekit.schemas.norm_content import grades_of, norms_of, rules_of
from spinekit.schemas.place import Place

STEINER = "author: Steiner, year: 1953, population: adults"


def place(text: str) -> Place:
    return Place("norms.yaml", "here", parse_yaml(text, "norms.yaml"))


def test_each_kind_is_read() -> None:
    norms = norms_of(
        place(
            f"""
- {{{STEINER}, kind: sd, mean: 82, sd: 2}}
- {{author: B, year: 1950, population: x, kind: range, high: 40}}
- {{author: C, year: 1950, population: x, kind: target, mean: 25, tolerance: 5}}
- {{author: D, year: 1950, population: x, kind: growth, mean: 87, at_age: 9, per_year: 0.33, until: 18}}
- {{author: E, year: 1950, population: x, kind: sex, bands: [{{sex: F, mean: 0}}, {{sex: M, mean: -1}}]}}
- author: F
  year: 1950
  population: x
  kind: sd
  bands: [{{ages: [0, 18], mean: 1, sd: 1}}, {{ages: [18, 130], sex: F, mean: 2, sd: 1}}]
"""
        )
    )
    assert [norm.kind for norm in norms] == [
        NormKind.SD, NormKind.RANGE, NormKind.TARGET, NormKind.GROWTH, NormKind.SEX, NormKind.SD,
    ]  # fmt: skip
    assert norms[0].source == "Steiner 1953"
    assert norms[0].bands[0].sd == 2
    assert norms[4].bands[1].mean == -1
    assert norms[5].bands[1].ages == (18, 130)


def test_a_year_that_is_not_known_is_said() -> None:
    (norm,) = norms_of(
        place("[{author: A, year: unknown, population: x, kind: target, asks_age: true, mean: 1}]")
    )
    assert (norm.year, norm.source, norm.asks_age) == (None, "A (year not known)", True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{STEINER}, kind: sd, mean: 1, sd: 1, asks_age: 9", "asks_age must be true or false"),
        ("author: A, population: x, kind: sd, mean: 1, sd: 1", "lacks the key 'year'"),
        ("author: A, year: 53, population: x, kind: sd, mean: 1, sd: 1", "must be a year"),
        (f"{STEINER}, kind: mean, mean: 1", "is 'mean' -- "),
        (f"{STEINER}, kind: sd, mean: 1", "lacks 'sd'"),
        (f"{STEINER}, kind: sd, mean: 1, sd: 0", "sd must be above 0"),
        (f"{STEINER}, kind: sd, mean: one, sd: 1", "must be a number"),
        (f"{STEINER}, kind: sd, mean: .nan, sd: 1", "finite"),
        (f"{STEINER}, kind: target, mean: 1, sd: 1", "has 'sd', which a norm of kind target has not"),
        (f"{STEINER}, kind: range, mean: 1", "a range without low or high"),
        (f"{STEINER}, kind: range, low: 2, high: 1", "low that is not below"),
        (f"{STEINER}, kind: growth, mean: 1, at_age: 18, per_year: 1, until: 9", "until a later age"),
        (f"{STEINER}, kind: sex, mean: 1", "needs a band for F and one for M"),
        (f"{STEINER}, kind: sd, mean: 1, sd: 1, ages: [18]", "must be two ages"),
        (f"{STEINER}, kind: sd, mean: 1, sd: 1, sex: W", "'W'"),
        (f"{STEINER}, kind: sd, mean: 1, bands: [{{mean: 1, sd: 1}}]", "numbers stand in the bands"),
        (f"{STEINER}, kind: sd, bands: []", "has no band"),
        (
            f"{STEINER}, kind: sd, bands: [{{sex: F, mean: 1, sd: 1}}, {{ages: [1, 9], mean: 1, sd: 1}}]",
            "two bands that hold for one person",
        ),
        (f"{STEINER}, kind: sd, mean: 1, sd: 1, median: 3", "unknown key 'median' -- did you mean mean"),
    ],
)
def test_wrong_norms(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        norms_of(place(f"- {{{text}}}"))
    assert str(caught.value).startswith("norms.yaml: here[0]")
    assert "\n" not in str(caught.value)


def test_a_source_stands_once() -> None:
    with pytest.raises(UsageError, match="tells Steiner 1953 twice"):
        norms_of(place(f"- {{{STEINER}, kind: sd, mean: 1, sd: 1}}\n- {{{STEINER}, kind: range, low: 1}}"))


def test_grades() -> None:
    assert grades_of(place("[{name: III, below: 0}, {name: I, up_to: 4}, {name: II}]")) == (
        Grade("III", 0), Grade("I", 4, inclusive=True), Grade("II"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[{name: I}]", "fewer than two"),
        ("[{name: I, below: 0}, {name: II, below: 1}]", "each grade but the last"),
        ("[{name: I}, {name: II}]", "each grade but the last"),
        ("[{name: I, below: 1}, {name: II, below: 1}, {name: III}]", "do not ascend"),
        ("[{name: I, below: 1, up_to: 1}, {name: II}]", "one of them"),
    ],
)
def test_wrong_grades(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        grades_of(place(text))


def test_rules_of_results() -> None:
    (rule,) = rules_of(
        place("{cobb_*: {grades: [{name: a, below: 10}, {name: b}], least_change: {value: 5, source: x}}}")
    )
    assert rule.pattern == "cobb_*"
    assert rule.least_change is not None
    assert rule.least_change.value == 5
    with pytest.raises(UsageError, match="unknown key 'norm' -- did you mean norms"):
        rules_of(place("{cobb_*: {norm: []}}"))
    with pytest.raises(UsageError, match="must be above 0"):
        rules_of(place("{cobb_*: {least_change: {value: 0, source: x}}}"))


def test_a_users_file(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(f"norms: {{sna: [{{{STEINER}, kind: sd, mean: 80, sd: 3}}]}}\n", "utf-8")
    assert load_norms(path)["sna"][0].bands[0].mean == 80
    path.write_text("sna: []\n", "utf-8")
    with pytest.raises(UsageError, match=r"own\.yaml: the file has an unknown key 'sna'"):
        load_norms(path)


SMALL = """
name: small
version: 1
title: Few points
task: pose
view: skull, lateral
classes: [skull]
landmarks:
  - {name: sella, definition: x}
  - {name: N, definition: x}
  - {name: A, definition: x}
"""


def test_a_set_of_ones_own_borrows_what_its_points_allow(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(f"{SMALL}measurements_from: [cephalometry]\n", "utf-8")
    schema = load_schema(path)
    assert schema.resolve("S") == "sella"  # by the alias that the analyses know
    assert "B" in schema.lacking
    assert "sna" in {line.name for line in schema.measurements}
    path.write_text(f"{SMALL}measurements_from: cephalometri\n", "utf-8")
    with pytest.raises(UsageError, match="did you mean cephalometry"):
        load_schema(path)


def test_no_measurement_is_told_by_two(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    line = '  - {name: sna, unit: deg, formula: "angle(N; sella, A)", definition: x}\n'
    path.write_text(f"{SMALL}measurements_from: cephalometry\nmeasurements:\n{line}", "utf-8")
    with pytest.raises(UsageError, match="sna, which cephalometry has too"):
        load_schema(path)


def test_what_ships_is_found() -> None:
    assert "cephalometry" in analysis_names()
    assert not set(analysis_names()) & set(schema_names())
