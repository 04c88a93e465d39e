"""Signs and conventions of the reference, written out by atan2 on the golden head and on faces of all kinds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from spinekit.core.geometry import angle_at, direction, fold, wrap
from spinekit.core.image import FloatArray
from spinekit.measures import measure
from spinekit.phantoms.skull_face import Face, face_points
from tests.measures.heads import faces, full_set, numbers, photographed
from tests.measures.scenes import CEPH, head

GOLDEN = {
    "sna": 75.662, "snb": 73.563, "anb": 2.099, "fma": 26.081, "facial_angle": 83.678, "y_axis": 66.249,
    "jarabak_ratio": 71.256, "bjork_sum": 394.172, "convexity": 0.153,
}  # fmt: skip


def test_golden_head_in_a_set_of_all_points() -> None:
    found = numbers(measure(head(CEPH, full_set())))
    assert {name: found[name] for name in GOLDEN} == pytest.approx(GOLDEN, abs=6e-4)


def unit(start: FloatArray, end: FloatArray) -> FloatArray:
    return np.asarray((end - start) / np.hypot(*(end - start)))


def offset(point: FloatArray, on: FloatArray, along: FloatArray) -> float:
    return float((point - on) @ along)


def by_hand(p: dict[str, FloatArray]) -> dict[str, float]:
    """The definitions of the reference for a face that looks right."""
    fh = direction(p["Po"], p["Or"])
    forward = unit(p["Po"], p["Or"])
    op = ((p["U6"] + p["L6"]) / 2, (p["U1t"] + p["L1t"]) / 2)
    op_unit = unit(*op)
    functional = unit(op[0], (p["U4"] + p["L4"]) / 2)

    def front_of(point: str, upper: str, lower: str) -> float:
        down = unit(p[upper], p[lower])
        return float((p[point] - p[upper]) @ np.array([down[1], -down[0]]))

    def foot(point: str, start: str, end: str) -> FloatArray:
        way = unit(p[start], p[end])
        return np.asarray(p[start] + (p[point] - p[start]) @ way * way)

    def between(a: tuple[str, str], b: tuple[str, str]) -> float:
        return wrap(direction(p[a[0]], p[a[1]]) - direction(p[b[0]], p[b[1]]))

    return {
        "sn_gogn": fold(direction(p["Go"], p["Gn"]) - direction(p["S"], p["N"])),
        "sn_gome": fold(direction(p["Go"], p["Me"]) - direction(p["S"], p["N"])),
        "op_sn": fold(direction(*op) - direction(p["S"], p["N"])),
        "cant_of_op": fold(direction(*op) - fh),
        "fma": wrap(direction(p["Go"], p["Me"]) - fh),
        "y_axis": wrap(direction(p["S"], p["Gn"]) - fh),
        "convexity": between(("A", "Pog"), ("N", "A")),
        "mmpa": fold(direction(p["Go"], p["Me"]) - direction(p["PNS"], p["ANS"])),
        "u1_sn": abs(between(("U1a", "U1t"), ("N", "S"))),
        "snd": angle_at(p["N"], p["S"], p["D"]),
        "lower_facial_height": angle_at(p["Xi"], p["ANS"], p["Pm"]),
        "yen_angle": angle_at(p["M"], p["S"], p["D"]),
        "w_angle": angle_at(p["M"], p["D"], foot("M", "S", "D")),
        "beta_angle": angle_at(p["A"], p["B"], foot("A", "Cc", "B")),
        "convexity_mm": front_of("A", "N", "Pog"),
        "u1_na_mm": front_of("U1t", "N", "A"),
        "l1_nb_mm": front_of("L1t", "N", "B"),
        "pog_nb_mm": front_of("Pog", "N", "B"),
        "e_line_upper_lip": front_of("Ls", "Prn", "Pog'"),
        "wits_downs": offset(p["A"], p["B"], op_unit),
        "wits_functional": offset(p["A"], p["B"], functional),
        "overjet": offset(p["U1t"], p["L1t"], op_unit),
        "overbite": offset(p["U1t"], p["L1t"], np.array([-op_unit[1], op_unit[0]])),
        "n_perp_a": offset(p["A"], p["N"], forward),
        "n_perp_pog": offset(p["Pog"], p["N"], forward),
    }


@settings(max_examples=20, deadline=None)
@given(face=faces())
def test_the_definitions_of_the_reference(face: Face) -> None:
    expected = by_hand(face_points(face))
    found = numbers(measure(photographed(face, full_set(), to_the_left=True, posture=4.0)))
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6)


def changed(name: str, **face: float) -> float:
    """By how much a measurement grows when the face is changed so."""
    usual, other = Face(), Face(**face)
    return (
        numbers(measure(photographed(other, full_set())))[name]
        - numbers(measure(photographed(usual, full_set())))[name]
    )


@pytest.mark.parametrize(
    ("name", "face", "grows"),
    [
        ("anb", {"sna": 88.0}, True),  # maxilla ahead: class II
        ("wits_functional", {"sna": 88.0}, True),
        ("convexity", {"sna": 88.0}, True),
        ("ab_plane", {"sna": 88.0}, False),
        ("beta_angle", {"beta_angle": 24.0}, False),
        ("apdi", {"snb": 84.0}, True),  # class III tendency
        ("u1_sn", {"u1_na": 35.0}, True),  # leaning forward
        ("u1_pp", {"u1_na": 35.0}, True),
        ("interincisal", {"u1_na": 35.0}, False),
        ("impa", {"l1_nb": 35.0}, True),
        ("l1_op", {"l1_nb": 35.0}, True),
        ("fmia", {"l1_nb": 35.0}, False),
        ("e_line_upper_lip", {"upper_lip": 0.0}, True),
        ("sn_gogn", {"fma": 36.0}, True),  # long face
        ("jarabak_ratio", {"fma": 36.0}, False),
        ("odi", {"fma": 36.0}, False),  # open bite tendency
        ("overbite", {"overbite": 5.0}, True),
    ],
)
def test_which_way_a_sign_points(name: str, face: dict[str, float], grows: bool) -> None:
    assert (changed(name, **face) > 0.5) is grows
