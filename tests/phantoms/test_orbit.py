from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.core.image import ImageRef
from spinekit.phantoms import orbit_slice, to_scene
from spinekit.phantoms.orbit import HU_OFFSET
from spinekit.schemas import load_schema


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_rim_points_run_from_left_to_right_inside_the_slice(seed: int) -> None:
    phantom = orbit_slice(seed, size=256)
    (points,) = phantom.points
    assert phantom.pixels.shape == (256, 256)
    assert (np.diff(points[:, 0]) > 20).all()
    assert points.min() > 0
    assert points.max() < 256
    # Medial rims lie before (above) the line of the lateral ones, whatever the head's turn.
    (x1, y1), (x4, y4) = points[0], points[3]
    for x, y in points[1:3]:
        assert y < y1 + (y4 - y1) * (x - x1) / (x4 - x1)


@pytest.mark.parametrize("seed", range(6))
def test_bone_stands_at_each_rim_and_none_before_it(seed: int) -> None:
    phantom = orbit_slice(seed, bits=12)
    hounsfield = phantom.pixels.astype(float) - HU_OFFSET
    for x, y in np.round(phantom.points[0]).astype(int):
        assert hounsfield[y - 1 : y + 4, x - 2 : x + 3].max() > 500
    for x, y in np.round(phantom.points[0][[0, 3]]).astype(int):
        assert hounsfield[y - 9 : y - 5, x - 2 : x + 3].max() < 300


def test_eight_bits_are_the_window_of_the_ct_numbers() -> None:
    deep, flat = orbit_slice(4, bits=12), orbit_slice(4)
    centre, width = flat.facts["window_center"], flat.facts["window_width"]
    hounsfield = deep.pixels.astype(float) - HU_OFFSET
    expected = np.clip((hounsfield - centre + width / 2) / width, 0, 1) * 255
    inside = (hounsfield > -HU_OFFSET) & (hounsfield < 3000)
    assert np.abs(expected - flat.pixels)[inside].max() <= 0.5 + 255 * 0.5 / width


def test_the_scene_holds_the_four_points_and_spacing_is_that_of_a_head() -> None:
    phantom = orbit_slice(7)
    scene = to_scene(phantom, ImageRef(Path("slice.png"), 512, 512), load_schema("orbit-4"))
    assert np.array_equal(np.asarray(scene.point("P4")), phantom.points[0, 3])
    assert phantom.spacing is not None
    apart = float(np.linalg.norm(phantom.points[0, 3] - phantom.points[0, 0])) * phantom.spacing.col_mm
    assert 80 < apart < 115  # mm between the lateral rims of adults: 90 to 105


def test_the_same_seed_gives_the_same_slice() -> None:
    assert np.array_equal(orbit_slice(3).pixels, orbit_slice(3).pixels)
    assert not np.array_equal(orbit_slice(3).pixels, orbit_slice(4).pixels)
