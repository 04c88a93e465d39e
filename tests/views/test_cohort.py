"""All images together: distributions, unusually wide intervals, levels side by side."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.measurement import Measurement, NotMeasured, Status
from spinekit.core.norm import Comparison, Norm, NormBand, NormKind, Verdict
from spinekit.views.cohort import Cohort, add_image, distributions, widest
from spinekit.views.language import load_language
from spinekit.views.report_rows import card_rows
from spinekit.views.report_terms import Terms, add_terms

EN = load_language("en")


def value(number: float, name: str = "cobb", unit: str = "deg", half: float | None = 2.0) -> Measurement:
    low, high = (None, None) if half is None else (number - half, number + half)
    return Measurement(name, number, unit, "as it is measured", low=low, high=high)


def cohort(*numbers: float, half: float | None = 2.0) -> Cohort:
    found = Cohort()
    for image, number in enumerate(numbers, start=1):
        add_image(found, image, (value(number, half=half),))
    return found


def test_quartiles_are_those_of_the_values() -> None:
    (shown,) = distributions(cohort(10.0, 20.0, 30.0, 40.0, 50.0), {3: "c.png"}, EN)
    assert (shown.images, shown.median, shown.quartiles, shown.ends) == (
        5, "30.0°", ("20.0°", "40.0°"), ("10.0°", "50.0°"),
    )  # fmt: skip
    assert 'href="#image-3"' in shown.drawing
    assert "<title>c.png: 30.0°</title>" in shown.drawing


def test_two_images_are_no_distribution_and_units_are_kept_apart() -> None:
    found = cohort(10.0, 20.0)
    add_image(found, 3, (value(5.0, unit="px"), NotMeasured("cobb", "no curve")))
    assert distributions(found, {}, EN) == []
    add_image(found, 4, (value(15.0),))
    (shown,) = distributions(found, {}, EN)
    assert (shown.images, shown.refused) == (3, 1)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=3, max_size=120))
def test_every_mark_lies_on_its_drawing(numbers: list[float]) -> None:
    (shown,) = distributions(cohort(*numbers), {}, EN)
    places = [float(x) for x in re.findall(r' (?:x|cx|x1|x2)="([^"]+)"', shown.drawing)]
    assert places
    assert all(0 <= x <= 300 for x in places)
    assert "nan" not in shown.drawing


def test_many_images_are_bars() -> None:
    (shown,) = distributions(cohort(*np.linspace(0, 9, 200).tolist()), {}, EN)
    assert 'class="bar"' in shown.drawing
    assert "<circle" not in shown.drawing


def test_a_hostile_name_stays_text() -> None:
    (shown,) = distributions(cohort(1.0, 2.0, 3.0), {1: "<script>", 2: '"><a', 3: "\u202e"}, EN)
    assert "<script" not in shown.drawing
    assert "\u202e" not in shown.drawing


def test_an_interval_far_wider_than_usual_is_named() -> None:
    found = cohort(1.0, 2.0, 3.0, 4.0, 5.0)
    add_image(found, 6, (value(9.0, half=7.0),))
    ((image, (name, times)),) = widest(found).items()
    assert (image, name) == (6, "cobb")
    assert times == pytest.approx(3.5)
    assert widest(cohort(1.0, 2.0, 3.0, 4.0, 5.0, half=None)) == {}


LEVELS = tuple(value(k, f"body_height_l{k}", "mm") for k in (1, 2, 3))


def test_what_is_measured_at_three_levels_stands_side_by_side() -> None:
    results = (value(30.0, "lordosis_l1_l5"), *LEVELS, value(1.0, "disc_l1_l2"))
    rows = card_rows(results, None, EN)
    assert [row.name for row in rows.rows] == ["lordosis_l1_l5", "disc_l1_l2"]
    (table,) = rows.levels
    assert table.places == ("L1", "L2", "L3")
    ((name, cells),) = table.rows
    assert (name, [cell and cell.value for cell in cells]) == ("body_height", ["1.0 mm", "2.0 mm", "3.0 mm"])
    assert rows.measured == 5
    terms: Terms = {}
    add_terms(terms, results, None, rows.levelled, EN)
    assert list(terms) == ["lordosis_l1_l5", "body_height", "disc_l1_l2"]


def test_refusals_and_reasons_stand_once() -> None:
    look = replace(value(1.0), status=Status.REVIEW, reason="near the edge")
    refused = (NotMeasured("a", "S1 was not found"), NotMeasured("b", "S1 was not found"))
    rows = card_rows((look, *refused), None, EN)
    assert [(found.reason, found.names) for found in rows.refusals] == [("S1 was not found", ("a", "b"))]
    assert (rows.review, rows.refused, rows.reasons) == (1, 2, ("near the edge",))


@pytest.mark.parametrize(
    ("z", "verdict", "reason", "words"),
    [
        (0.4, Verdict.WITHIN, "", "82 ± 2, Steiner 1953, z +0.4"),
        (-2.6, Verdict.BELOW, "", "82 ± 2, Steiner 1953, z −2.6, below"),
        (None, Verdict.ABOVE, "", "82 ± 2, Steiner 1953, above"),
        (None, Verdict.NONE, "it depends on age, which is not known", "82 ± 2, Steiner 1953, needs an age"),
    ],
)
def test_a_norm_is_told_in_a_few_words(z: float | None, verdict: Verdict, reason: str, words: str) -> None:
    norm = Norm("Steiner", 1953, "adults", NormKind.SD, (NormBand(mean=82, sd=2),), "a caution")
    beside = Comparison(norm, "82 ± 2", verdict, z, reason)
    rows = card_rows((replace(value(80.0), norms=(beside,)),), None, EN)
    (line,) = rows.rows[0].norms
    assert line.words == words
    assert line.outside == (verdict in {Verdict.BELOW, Verdict.ABOVE})
    terms: Terms = {}
    add_terms(terms, (replace(value(80.0), norms=(beside,)),), None, (), EN)
    assert terms["cobb"].norms == ["Steiner 1953: adults (a caution)"]
