"""A value beside norms and between decision limits: z only by a true standard deviation, no verdict by a guess."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinekit.core.landmarks import Visibility
from spinekit.core.measurement import Measurement, NotMeasured, Status
from spinekit.core.norm import (
    Grade,
    Norm,
    NormBand,
    NormKind,
    Person,
    ResultRule,
    Verdict,
    norm_words,
)
from spinekit.core.scene import Scene
from spinekit.core.schema import MeasurementFormula
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.measures import group_names, measure, person_of
from spinekit.measures.norms import compared, judged
from spinekit.schemas import load_schema
from tests.measures.scenes import CEPH, ORBIT, UPPER, head, image, spine, spine_corners

ADULT_WOMAN, NOBODY = Person(30, "F"), Person()
GRADES = (Grade("III", 0), Grade("I", 4, inclusive=True), Grade("II"))


def norm(kind: NormKind, *bands: NormBand) -> Norm:
    return Norm("Doe", 1950, "students", kind, bands)


def anb(value: float, low: float | None = None, high: float | None = None, unit: str = "deg") -> Measurement:
    return Measurement("anb", value, unit, "", low=low, high=high)


def test_a_z_score_needs_a_standard_deviation() -> None:
    found = compared(norm(NormKind.SD, NormBand(mean=82, sd=2)), 87, "deg", NOBODY)
    assert (found.z, found.verdict, found.expected) == (2.5, Verdict.ABOVE, "82 ± 2")
    assert norm_words(found) == "Doe 1950 82 ± 2: z +2.50"
    for kind, band in (
        (NormKind.TARGET, NormBand(mean=25, tolerance=5)),
        (NormKind.RANGE, NormBand(low=20, high=30)),
        (NormKind.GROWTH, NormBand(mean=25, at_age=9, per_year=0, until=18, tolerance=5)),
    ):
        other = compared(norm(kind, band), 31, "deg", ADULT_WOMAN)
        assert other.z is None
        assert other.verdict is Verdict.ABOVE
        assert compared(norm(kind, band), 30, "deg", ADULT_WOMAN).verdict is Verdict.WITHIN
        assert compared(norm(kind, band), 19.9, "deg", ADULT_WOMAN).verdict is Verdict.BELOW


def test_growth_stops() -> None:
    depth = norm(NormKind.GROWTH, NormBand(mean=87, at_age=9, per_year=0.33, until=18))
    expected = {age: compared(depth, 88, "deg", Person(age)).expected for age in (5, 9, 12, 18, 60)}
    assert expected == {5: "87", 9: "87", 12: "87.99", 18: "89.97", 60: "89.97"}
    assert compared(depth, 88, "deg", Person(12)).verdict is Verdict.NONE
    assert compared(depth, 88, "deg", NOBODY).reason == "it depends on age, which is not known"


def test_sex_and_age_are_never_guessed() -> None:
    wits = norm(NormKind.SEX, NormBand("F", mean=0), NormBand("M", mean=-1))
    assert compared(wits, 1, "mm", NOBODY).reason == "it depends on sex, which is not known"
    assert compared(wits, 1, "mm", Person(sex="M")).expected == "-1"
    adults = norm(NormKind.SD, NormBand("F", (18, 130), 10, 1), NormBand("M", (18, 130), 12, 1))
    assert "sex and age, which are not known" in compared(adults, 1, "mm", NOBODY).reason
    assert compared(adults, 11, "mm", ADULT_WOMAN).z == 1
    assert (
        compared(adults, 11, "mm", Person(8, "F")).reason == "it says nothing of persons of this age or sex"
    )
    assert compared(adults, 11, "px", ADULT_WOMAN).reason == "a length in pixels has no norm"


@pytest.mark.parametrize(
    ("value", "grade"), [(-0.1, "III"), (0, "I"), (4, "I"), (4.01, "II")]
)  # the limit below belongs to the next, the limit up_to to its own
def test_grades(value: float, grade: str) -> None:
    assert judged(anb(value), (), GRADES, NOBODY).grade == grade


def test_an_interval_over_a_limit_asks_for_review_and_names_both() -> None:
    found = judged(anb(3.5, 2.8, 4.4), (), GRADES, NOBODY)
    assert (found.grade, found.status, found.reason) == ("I or II", Status.REVIEW, "the interval holds 4 deg")
    wide = judged(anb(3.5, -1, 5), (), GRADES, NOBODY)
    assert wide.grade == "III or I or II"
    assert judged(anb(2, 1, 3), (), GRADES, NOBODY).status is Status.OK
    assert judged(anb(2, 1, 5, "px"), (), GRADES, NOBODY).grade == ""


def test_norms_reach_the_results_of_a_scene() -> None:
    line = MeasurementFormula(
        "snasal", "deg", "angle(N; S, A)", "", norms=(norm(NormKind.SD, NormBand(mean=82, sd=2)),),
        grades=(Grade("back", 75), Grade("front")), groups=("mine",),
    )  # fmt: skip
    schema = replace(load_schema("ceph-19"), measurements=(line,))
    (result,) = measure(head(CEPH, schema))
    assert isinstance(result, Measurement)
    assert result.grade == "front"
    assert result.norms[0].z == pytest.approx((75.662 - 82) / 2, abs=1e-3)
    assert group_names(schema) == ("mine",)
    assert measure(head(CEPH, schema), only=["mine"]) == (result,)
    own = {"snasal": (norm(NormKind.RANGE, NormBand(low=70)),)}
    (other,) = measure(head(CEPH, schema), norms=own)
    assert isinstance(other, Measurement)
    assert [beside.verdict for beside in other.norms] == [Verdict.WITHIN]


def test_results_of_code_are_judged_by_the_rules_of_the_schema() -> None:
    rules = (
        ResultRule("cobb_*", grades=(Grade("asymmetry", 10), Grade("scoliosis"))),
        ResultRule("cobb_aasce_third", grades=(Grade("low", 90), Grade("high"))),
    )
    schema = replace(load_schema("spine-ap"), results=rules)
    scene = replace(spine(spine_corners(UPPER)), schema=schema)
    found = {r.name: r.grade for r in measure(scene) if isinstance(r, Measurement)}
    assert found["cobb_aasce_main"] == "scoliosis"
    assert found["cobb_aasce_third"] == "low"  # its own name goes before the pattern


def test_age_and_sex_of_a_scene() -> None:
    scene = replace(head(CEPH, "ceph-19"), covariates={"age_years": 12.5, "sex": "F"})
    assert person_of(scene) == Person(12.5, "F")
    assert person_of(replace(scene, covariates={"age_years": "old", "sex": "O"})) == NOBODY


def weakened(scene: Scene, index: int, visibility: Visibility, score: float) -> Scene:
    item = scene.instances[0]
    assert item.landmarks is not None
    seen, scores = item.landmarks.visibility.copy(), np.ones(len(item.landmarks.names))
    seen[index], scores[index] = visibility, score
    return replace(
        scene, instances=(replace(item, landmarks=replace(item.landmarks, visibility=seen, score=scores)),)
    )


def test_weak_and_hidden_points_ask_for_review() -> None:
    plain = head(ORBIT, "orbit-4")
    for scene, words in (
        (weakened(plain, 0, Visibility.VISIBLE, 0.1), "P1 is weak (score 0.10)"),
        (weakened(plain, 0, Visibility.OCCLUDED, 1.0), "P1 is hidden"),
    ):
        found = {r.name: r for r in measure(scene)}
        width, between = found["orbit_width_right"], found["iod"]
        assert isinstance(width, Measurement)
        assert isinstance(between, Measurement)
        assert (width.status, width.reason) == (Status.REVIEW, words)
        assert between.status is Status.OK


@pytest.mark.parametrize(("view", "fits"), [("AP", False), ("LL", True), ("", True), ("OBLIQUE", True)])
def test_a_film_of_another_view_is_refused(view: str, fits: bool) -> None:
    scene = head(CEPH, "ceph-19", ref=replace(image(), hints={"view": view}))
    results = measure(scene, only=["sna", "snb"])
    assert [result.name for result in results] == ["sna", "snb"]
    assert all(isinstance(result, Measurement) == fits for result in results)
    if not fits:
        assert isinstance(results[0], NotMeasured)
        assert results[0].reason == "the file says that its view is AP, but ceph-19 is of lateral films"


def test_millimetres_are_refused_without_a_scale() -> None:
    line = MeasurementFormula("sn", "mm", "distance(S, N)", "")
    schema = replace(load_schema("ceph-19"), measurements=(line,))
    (refused,) = measure(head(CEPH, schema))
    assert isinstance(refused, NotMeasured)
    assert "needs a scale in mm" in refused.reason
    (found,) = measure(head(CEPH, schema, ref=image(Spacing(0.5, 0.5, SpacingOrigin.STATED))))
    assert isinstance(found, Measurement)
    assert found.value == pytest.approx(np.hypot(70, 12) / 2)
