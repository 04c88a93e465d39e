from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spinekit.core.image import BoolArray
from spinekit.core.outline import Outline, ring_area, to_mask, to_outline, to_outlines

masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))


@given(masks)
def test_any_mask_survives_as_rings_and_holes(mask: BoolArray) -> None:
    assert np.array_equal(to_mask(to_outline(mask), *mask.shape), mask)


@given(masks)
def test_areas_of_rings_less_holes_count_the_pixels(mask: BoolArray) -> None:
    outline = to_outline(mask)
    area = sum(ring_area(r) for r in outline.rings) + sum(ring_area(r) for r in outline.holes)
    assert area == pytest.approx(float(mask.sum()))
    assert all(ring_area(ring) < 0 for ring in outline.holes)


@given(st.lists(masks, max_size=5))
def test_masks_that_are_followed_together_come_out_as_alone(several: list[BoolArray]) -> None:
    found = to_outlines([*several, np.zeros((0, 0), bool)])
    assert found.pop().rings == ()
    for outline, mask in zip(found, several, strict=True):
        alone = to_outline(mask)
        for ours, theirs in ((outline.rings, alone.rings), (outline.holes, alone.holes)):
            assert [ring.tolist() for ring in ours] == [ring.tolist() for ring in theirs]
        assert np.array_equal(to_mask(outline, *mask.shape), mask)


def test_the_border_between_pixels_0_and_1_lies_at_a_half() -> None:
    mask = np.zeros((6, 6), bool)
    mask[1:4, 2:5] = True
    outline = to_outline(mask)
    assert outline.box == (1.5, 0.5, 4.5, 3.5)
    assert len(outline.rings[0]) == 4


def test_two_parts_and_a_hole() -> None:
    mask = np.zeros((12, 12), bool)
    mask[1:8, 1:8] = True
    mask[3:5, 3:5] = False
    mask[9:11, 9:11] = True
    outline = to_outline(mask)
    assert (len(outline.rings), len(outline.holes)) == (2, 1)


@given(st.floats(0.1, 3), st.floats(-2, 2))
def test_a_disc_has_its_area_without_rounding_of_vertices(stretch: float, shift: float) -> None:
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    ring = np.stack([50 + shift + 20 * np.cos(angle), 50 + 10 * stretch * np.sin(angle)], axis=1)
    area = int(to_mask(Outline((ring,)), 100, 100).sum())
    assert area == pytest.approx(abs(ring_area(ring)), abs=25)


def test_what_lies_off_the_image_is_cut() -> None:
    ring = np.array([[-10.0, -10], [200, -10], [200, 200], [-10, 200]])
    assert to_mask(Outline((ring,)), 7, 9).all()
    assert not to_mask(Outline((ring + 500,)), 7, 9).any()
    assert not to_mask(Outline(()), 3, 3).any()
