"""Faces made to measure: every cephalometric number is the one that the face was built by."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.core.image import ImageRef
from spinekit.measures import measure
from spinekit.phantoms import to_scene
from spinekit.phantoms.skull_face import Face, face_truth, skull_of
from spinekit.schemas import load_schema
from tests.measures.heads import faces, full_set, numbers, photographed

WITHIN = 0.1  # degrees and mm
AGAINST_ROWS = {"mw_isbi"}  # its sign is that of the film's columns, not of the face


@settings(max_examples=25, deadline=None)
@given(
    face=faces(),
    posture=st.floats(-12, 12),
    to_the_left=st.booleans(),
    row=st.sampled_from([0.1, 0.2, 0.35]),
    column=st.sampled_from([0.1, 0.15]),
)
def test_every_number_is_the_one_the_face_was_built_by(
    face: Face, posture: float, to_the_left: bool, row: float, column: float
) -> None:
    truth = face_truth(face)
    scene = photographed(face, full_set(), row=row, column=column, posture=posture, to_the_left=to_the_left)
    found = numbers(measure(scene))
    assert set(found) - set(truth) == AGAINST_ROWS
    assert {name: found[name] for name in truth} == pytest.approx(truth, abs=1e-6)


@pytest.mark.parametrize(("name", "fewest"), [("ceph-19", 40), ("ceph-27", 54)])
@settings(max_examples=10, deadline=None)
@given(face=faces())
def test_the_smaller_sets_give_the_same_numbers(name: str, fewest: int, face: Face) -> None:
    truth = face_truth(face)
    found = numbers(measure(photographed(face, name)))
    assert len(found) >= fewest
    assert {one: found[one] for one in found if one in truth} == pytest.approx(
        {one: truth[one] for one in found if one in truth}, abs=1e-6
    )


@settings(max_examples=20, deadline=None)
@given(face=faces())
def test_what_triangles_demand(face: Face) -> None:
    found = numbers(measure(photographed(face, full_set(), posture=5.0)))
    assert found["fma"] + found["impa"] + found["fmia"] == pytest.approx(180)
    assert found["interincisal"] + found["u1_na"] + found["l1_nb"] + found["anb"] == pytest.approx(180)
    assert found["apdi"] == pytest.approx(
        found["facial_angle"] + found["ab_plane"] + found["palatal_plane_fh"]
    )
    assert found["mw_isbi"] ** 2 == pytest.approx(found["overjet"] ** 2 + found["overbite"] ** 2, abs=1e-6)


@pytest.mark.parametrize("face", [Face(), Face(fma=36.0, saddle_angle=128.0), Face(fma=14.0, snb=84.0)])
def test_what_the_quadrilateral_of_bjork_demands(face: Face) -> None:
    """Where the ramus stands behind the line from the sella to the gonion, as it does in people."""
    found = numbers(measure(photographed(face, full_set())))
    assert found["bjork_sum"] - found["sn_gome"] == pytest.approx(360)
    assert found["upper_gonial_angle"] + found["lower_gonial_angle"] == pytest.approx(found["gonial_angle"])


@pytest.mark.parametrize("height", [300, 600])
def test_a_drawn_skull_measures_as_its_facts_say(height: int) -> None:
    face = Face(sna=86.0, snb=75.0, fma=33.0, overjet=7.0, overbite=-2.0)
    phantom = skull_of(face, seed=3, height=height, posture=-6.0)
    ref = ImageRef(Path("film.png"), phantom.height, phantom.width, phantom.spacing)
    for schema in (load_schema("ceph-27"), full_set()):
        found = numbers(measure(to_scene(phantom, ref, schema)))
        known = {name: phantom.facts[name] for name in found if name in phantom.facts}
        assert len(known) > 50
        assert {name: found[name] for name in known} == pytest.approx(known, abs=1e-6)
    assert found["anb"] == pytest.approx(11.0, abs=WITHIN)
    assert found["overbite"] == pytest.approx(-2.0, abs=WITHIN)


def test_a_usual_face_is_drawn_as_one() -> None:
    phantom = skull_of(Face(), height=600)
    film = phantom.pixels.astype(float)
    assert (phantom.points >= 0).all()
    assert (phantom.points[0] < [phantom.width, phantom.height]).all()
    for name in ("EN pn", "UL", "DT pog"):  # skin behind, air before
        x, y = (round(float(value)) for value in phantom.point("skull", name))
        assert film[y - 1 : y + 2, x - 9 : x - 4].mean() > film[y - 1 : y + 2, x + 4 : x + 9].mean() + 5
