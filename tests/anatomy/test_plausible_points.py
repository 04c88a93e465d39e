from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.anatomy.plausible_points import implausible_instances, same_instance
from spinekit.core.image import ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.outline import Outline
from spinekit.core.scene import Box, Instance, Scene
from spinekit.schemas import load_schema

ORBITS = load_schema("orbit-4")
IMAGE = ImageRef(Path("a.png"), 400, 512, name="a.png")
RIMS = np.array([[100, 260], [210, 220], [300, 221], [410, 262]], dtype=np.float64)
BOX: Box = (90, 210, 420, 270)


def rules(*items: Instance) -> set[tuple[str, str]]:
    found = implausible_instances(Scene(IMAGE, ORBITS, items))
    return {(finding.rule.name, finding.place) for finding in found}


def posed(xy: np.ndarray, box: Box = BOX) -> Instance:
    return Instance("orbits", box, landmarks=landmarks(ORBITS.landmark_names, xy))


def shaped(*points: tuple[float, float]) -> Instance:
    outline = Outline((np.array(points, dtype=np.float64),))
    return Instance("orbits", outline.box, outline)


def test_a_sound_instance_is_silent() -> None:
    assert rules(posed(RIMS)) == set()
    assert rules(shaped((10, 10), (60, 10), (60, 80))) == set()


@given(x=st.floats(-0.49, 511.49), y=st.floats(-0.49, 399.49))
def test_the_image_reaches_half_a_pixel_beyond_its_outer_centres(x: float, y: float) -> None:
    xy = RIMS.copy()
    xy[0] = x, y
    assert "point-outside" not in {rule for rule, _ in rules(posed(xy))}


@pytest.mark.parametrize("point", [(-0.6, 5), (511.6, 5), (5, -0.6), (5, 399.6)])
def test_what_lies_beyond_is_told(point: tuple[float, float]) -> None:
    xy = RIMS.copy()
    xy[0] = point
    assert ("point-outside", "orbits") in rules(posed(xy))
    assert ("point-outside", "orbits") in rules(shaped((50, 50), (90, 50), point))


def test_a_box_alone_may_not_reach_beyond_either() -> None:
    assert rules(Instance("orbits", (-3, 5, 60, 60))) == {("point-outside", "orbits")}


def test_points_at_one_place() -> None:
    xy = np.full((4, 2), 50.0)
    assert ("points-together", "orbits") in rules(posed(xy, (40, 40, 60, 60)))
    xy = RIMS.copy()
    xy[2] = xy[1] + 0.2
    assert rules(posed(xy)) == {("points-coincide", "orbits")}


def test_absent_points_lie_nowhere() -> None:
    xy = RIMS.copy()
    xy[[1, 2]] = np.nan
    assert rules(posed(xy)) == set()
    assert rules(posed(np.full((4, 2), np.nan))) == set()


def test_a_box_that_leaves_points_out() -> None:
    assert rules(posed(RIMS, (90, 210, 380, 270))) == {("box-misses-points", "orbits")}


def test_small_and_empty_shapes() -> None:
    assert rules(Instance("orbits", (10, 10, 12, 60))) == {("tiny-box", "orbits")}
    assert rules(Instance("orbits", (10, 10, 10, 60))) == {("empty-shape", "orbits")}


def test_what_is_small_is_judged_at_the_size_of_training_too() -> None:
    large = replace(IMAGE, height=4000, width=3000)
    scene = Scene(large, ORBITS, (Instance("orbits", (10, 10, 20, 60)),))
    assert [finding.rule.name for finding in implausible_instances(scene)] == ["tiny-box"]


def test_two_instances_on_each_other() -> None:
    item = Instance("orbits", (10, 10, 110, 60))
    near = Instance("orbits", (10, 10, 111, 60))
    assert rules(item, near) == {("doubled-instance", "orbits (instances 1 and 2)")}
    assert rules(item, replace(near, reader="B")) == set()
    assert rules(item, Instance("orbits", (60, 10, 160, 60))) == set()


def test_same_instance_asks_for_everything() -> None:
    item = posed(RIMS)
    assert same_instance(item, posed(RIMS.copy()))
    assert not same_instance(item, posed(RIMS + 1))
    assert not same_instance(item, replace(item, landmarks=None))
    assert not same_instance(shaped((0, 0), (9, 0), (9, 9)), shaped((0, 0), (9, 9), (9, 0)))
