"""Constructions and measurements by name in formulas."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spinekit.core.measurement import Measurement, NotMeasured
from spinekit.core.schema import MeasurementFormula, Schema
from spinekit.measures import measure
from spinekit.measures.formula import FormulaError, compile_formula
from spinekit.schemas import load_schema
from tests.measures.scenes import CEPH, head


def schema(*lines: tuple[str, str, str], **constructions: str) -> Schema:
    formulas = tuple(MeasurementFormula(name, unit, formula, "") for name, unit, formula in lines)
    return replace(
        load_schema("ceph-19"), measurements=formulas, constructions=constructions, lacking={"D": "a centre"}
    )


def values(used: Schema) -> dict[str, float]:
    return {r.name: r.value for r in measure(head(CEPH, used)) if isinstance(r, Measurement)}


def test_names_stand_for_what_they_are() -> None:
    used = schema(
        ("a", "deg", "angle(N; S, A)"), ("b", "deg", "angle(N; S, B)"), ("anb", "deg", "a - b"),
        ("fma", "deg", "signed_angle(FH, MP)"), ("rest", "deg", "180 deg - fma - abs(anb)"),
        ("mid", "length", "distance(mid_sn, A)"),
        FH="line(Po, Or)", MP="line(Go, Me)", mid_sn="midpoint(S, N)",
    )  # fmt: skip
    found = values(used)
    assert found["anb"] == pytest.approx(2.099, abs=6e-4)
    assert found["fma"] == pytest.approx(26.081, abs=6e-4)
    assert found["rest"] == pytest.approx(180 - found["fma"] - found["anb"])
    result = measure(head(CEPH, used), only=["mid"])[0]
    assert isinstance(result, Measurement)
    assert result.landmarks_used == ("S", "N", "A")
    assert result.geometry.points["mid_sn"] == (135, 94)


def test_a_landmark_goes_before_a_construction() -> None:
    used = schema(("x", "length", "distance(S, N)"), N="midpoint(A, B)")
    assert values(used)["x"] == pytest.approx(71.02, abs=0.01)


@pytest.mark.parametrize(
    ("formula", "constructions", "message"),
    [
        ("distance(S, q)", {"q": "midpoint(q, A)"}, "goes round in a circle: q -> q"),
        ("distance(S, q)", {"q": "midpoint(r, A)", "r": "midpoint(q, A)"}, "circle"),
        ("distance(S, q)", {"q": "midpoint(Z, A)"}, "'Z' is not a landmark"),
        ("distance(S, q)", {"q": "midpoint("}, r"q \(midpoint\(\) is wrong: line 1, column 10"),
        ("distance(S, q)", {"q": "line(S, A)"}, "is a line, a point is wanted"),
        ("distance(S, qq)", {"q_q": "midpoint(S, A)"}, "did you mean q_q"),
        ('distance(S, "q")', {"q": "midpoint(S, A)"}, "'q' is not a landmark"),
    ],
)
def test_wrong_names(formula: str, constructions: dict[str, str], message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        compile_formula(formula, schema(**constructions))


def test_names_of_names_cannot_grow_without_end() -> None:
    doubling = {f"p{i}": f"midpoint(p{i + 1}, p{i + 1})" for i in range(15)} | {"p15": "midpoint(S, N)"}
    with pytest.raises(FormulaError, match="more than 2000 pieces"):
        compile_formula("distance(p0, A)", schema(**doubling))


def test_what_a_set_lacks_is_named() -> None:
    used = schema(("x", "deg", "angle(N; S, D)"))
    (refused,) = measure(head(CEPH, used))
    assert isinstance(refused, NotMeasured)
    assert refused.reason == "ceph-19 has no D (a centre)"


def test_along_min_and_max() -> None:
    used = schema(
        ("over", "length", "along(B, A, line(PNS, ANS))"), ("back", "length", "along(A, B, line(PNS, ANS))"),
        ("small", "length", "min(distance(S, N), distance(A, B))"),
        ("large", "length", "max(distance(S, N), distance(A, B))"),
    )  # fmt: skip
    points = CEPH | {"PNS": (100, 150), "ANS": (160, 150)}
    found = {r.name: r.value for r in measure(head(points, used)) if isinstance(r, Measurement)}
    assert found["over"] == pytest.approx(7)
    assert found["back"] == pytest.approx(-7)
    assert found["small"] < found["large"]
    level = measure(head(points | {"ANS": (100, 150)}, used), only=["over"])[0]
    assert isinstance(level, NotMeasured)
    assert "coincide" in level.reason
