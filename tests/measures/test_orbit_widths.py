"""Orbits: golden row, slices made to measure, asymmetry that is refused for a turned head, and the public slices."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.core.image import ImageRef
from spinekit.core.measurement import Measurement, NotMeasured, Result, Status
from spinekit.core.norm import Person, Verdict
from spinekit.core.scene import Scene
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats import via
from spinekit.formats.plugin import LabelOptions
from spinekit.measures import group_names, measure
from spinekit.measures.orbit import MOST_TILT, THICKNESS_HINT
from spinekit.phantoms import to_scene
from spinekit.phantoms.orbit_rims import Orbits, orbit_truth, orbits_of, rim_points
from spinekit.schemas import load_schema
from tests.measures.heads import numbers
from tests.measures.scenes import ORBIT, head, image, mirrored, moved, turned, without

WITHIN = 0.1  # degrees and mm
GOLDEN = {
    "orbit_width_right": 69.857, "orbit_width_left": 75.392, "iod": 65.031, "lod": 199.010,
    "orbit_asymmetry": -7.622, "iod_lod_ratio": 0.3268,
}  # fmt: skip

orbits = st.builds(
    Orbits,
    width_right=st.floats(28, 48),
    width_left=st.floats(28, 48),
    iod=st.floats(18, 45),
    depth_right=st.floats(2, 24),
    depth_left=st.floats(2, 19),
    tilt=st.floats(-9, 9),
)


def asymmetry(scene: Scene) -> Result:
    (result,) = measure(scene, only=["orbit_asymmetry"])
    return result


def sliced(shape: Orbits, row: float = 0.42, column: float = 0.42) -> Scene:
    """The rims of orbits on a slice with a spacing in mm."""
    points = (rim_points(shape) + np.array([110.0, 60.0])) / np.array([column, row])
    ref = ImageRef(Path("slice.png"), 512, 512, Spacing(row, column, SpacingOrigin.TOMOGRAPHIC))
    return head(dict(zip(("P1", "P2", "P3", "P4"), points, strict=True)), "orbit-4", ref=ref)


def test_golden_row_of_a_real_slice() -> None:
    found = numbers(measure(head(ORBIT, "orbit-4")))
    assert {name: found[name] for name in GOLDEN} == pytest.approx(GOLDEN, abs=6e-4)


@settings(max_examples=60, deadline=None)
@given(shape=orbits, row=st.sampled_from([0.42, 0.3, 0.9]), column=st.sampled_from([0.42, 0.35]))
def test_every_number_is_the_one_the_orbits_were_built_by(shape: Orbits, row: float, column: float) -> None:
    truth = dict(orbit_truth(shape))
    results = measure(sliced(shape, row, column))
    if abs(shape.tilt) > MOST_TILT:
        refused = results[-1]
        assert isinstance(refused, NotMeasured)
        assert f"tilt by {abs(shape.tilt):.2f} deg" in refused.reason
        del truth["orbit_asymmetry"]
    assert numbers(results) == pytest.approx(truth, abs=1e-6)


@pytest.mark.parametrize("size", [256, 512])
def test_a_drawn_slice_measures_as_its_facts_say(size: int) -> None:
    shape = Orbits(width_right=41.0, iod=31.0, tilt=-2.5)
    phantom = orbits_of(shape, seed=2, size=size)
    ref = ImageRef(Path("slice.png"), size, size, phantom.spacing)
    found = numbers(measure(to_scene(phantom, ref, load_schema("orbit-4"))))
    assert found == pytest.approx({name: phantom.facts[name] for name in found}, abs=WITHIN)
    assert found["iod"] == pytest.approx(31.0, abs=WITHIN)
    assert "orbit_asymmetry" in found


def test_bone_stands_at_the_rims_of_a_slice_made_to_measure() -> None:
    phantom = orbits_of(Orbits(tilt=2.0), bits=12)
    hounsfield = phantom.pixels.astype(float) - 1024
    for x, y in np.round(phantom.points[0]).astype(int):
        assert hounsfield[y - 1 : y + 4, x - 2 : x + 3].max() > 500


@settings(max_examples=30, deadline=None)
@given(shape=orbits)
def test_a_slice_turned_over_swaps_the_sides(shape: Orbits) -> None:
    scene = sliced(shape)
    plain, over = numbers(measure(scene)), numbers(measure(mirrored(scene)))
    sides = {"orbit_width_right": "orbit_width_left", "medial_depth_right": "medial_depth_left"}
    swap = sides | {left: right for right, left in sides.items()}
    negated = {"orbit_asymmetry", "medial_depth_difference"}
    expected = {swap.get(n, n): -value if n in negated else value for n, value in plain.items()}
    assert over == pytest.approx(expected, abs=1e-9)


def test_all_belongs_to_one_group_and_a_missing_rim_is_named() -> None:
    assert group_names(load_schema("orbit-4")) == ("orbit",)
    scene = head(ORBIT, "orbit-4")
    assert len(measure(scene, only=["orbit"])) == 10
    assert asymmetry(without(scene, "P3")) == NotMeasured("orbit_asymmetry", "P3 is absent")
    same = head(ORBIT | {"P2": ORBIT["P1"], "P4": ORBIT["P3"]}, "orbit-4")
    assert "divides by zero" in getattr(asymmetry(same), "reason", "")


@pytest.mark.parametrize("degrees", [-11.0, -3.7, 4.0, 8.0])
def test_a_turned_head_has_no_asymmetry(degrees: float) -> None:
    scene = moved(head(ORBIT, "orbit-4"), turned(degrees), (60, 60))
    result = asymmetry(scene)
    assert isinstance(result, NotMeasured)
    assert "the head is turned" in result.reason
    assert "house rule" in result.reason
    assert " -- " in result.reason
    assert numbers(measure(scene))["iod"] == pytest.approx(65.031, abs=6e-4)


def test_a_head_that_may_be_turned_is_for_review() -> None:
    sure = asymmetry(head(ORBIT, "orbit-4", spread=1.0))
    assert isinstance(sure, Measurement)
    assert sure.status is Status.OK
    assert sure.details == {"head tilt": "0.58 deg"}
    assert sure.low is not None
    assert sure.high is not None
    assert sure.low < sure.value < sure.high
    unsure = asymmetry(head(ORBIT, "orbit-4", spread=6.0))
    assert isinstance(unsure, Measurement)
    assert unsure.status is Status.REVIEW
    assert "may be turned by more than 3 deg" in unsure.reason


@pytest.mark.parametrize(
    ("told", "measured"), [("1.25", True), ("2", True), ("5.0", False), ("THICK", True), ("-3", True)]
)
def test_a_thick_slice_has_no_asymmetry(told: str, measured: bool) -> None:
    ref = replace(image(), hints={THICKNESS_HINT: told})
    result = asymmetry(head(ORBIT, "orbit-4", ref=ref))
    assert isinstance(result, Measurement) is measured
    if isinstance(result, NotMeasured):
        assert result.reason.startswith("the slice is 5 mm thick, more than 2 mm blur the rims")


def test_the_interorbital_distance_beside_its_norm() -> None:
    scene = sliced(Orbits(iod=33.0))
    for sex, expected in (("M", "22.9 to 32.1"), ("F", "22.9 to 32")):
        (result,) = measure(scene, only=["iod"], person=Person(sex=sex, age_years=30))
        assert isinstance(result, Measurement)
        (norm,) = result.norms
        assert (norm.expected, norm.verdict, norm.z) == (expected, Verdict.ABOVE, None)
    (unscaled,) = measure(head(ORBIT, "orbit-4"), only=["iod"], person=Person(sex="M", age_years=30))
    assert isinstance(unscaled, Measurement)
    assert unscaled.norms[0].verdict is Verdict.NONE


def test_the_public_slices() -> None:
    root = os.environ.get("SPINEKIT_DATA")
    if not root or not (Path(root) / "orbit").is_dir():
        pytest.skip("SPINEKIT_DATA names no folder with orbit")
    folder = Path(root) / "orbit"
    options = LabelOptions(folder / "train", notice=lambda _: None)
    scenes = [s for s in via.read(folder / "bmp.csv", load_schema("orbit-4"), options) if s.instances]
    assert len(scenes) == 30
    found = [numbers(measure(scene)) for scene in scenes]
    assert 0.2 < np.median([one["iod_lod_ratio"] for one in found]) < 0.4
    for one in found:
        assert ("orbit_asymmetry" in one) is (one["head_tilt"] <= MOST_TILT)
        assert one["lod"] < one["orbit_width_right"] + one["iod"] + one["orbit_width_left"]
