from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spinekit.core.landmarks import landmarks
from spinekit.core.outline import Outline, ring_area, to_mask, to_outline
from spinekit.formats.rings import (
    bridged,
    clipped,
    corner_outline,
    crosses_itself,
    encloses_nothing,
    unbridged,
    within,
)
from tests.formats.annotation_samples import CORNERS, POSE, SEG

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))).filter(
    lambda mask: bool(mask.any())
)


@settings(deadline=None)
@given(MASKS)
def test_bridges_change_no_pixel_and_come_apart_again(mask: npt.NDArray[np.bool_]) -> None:
    outline = to_outline(mask)
    ring = bridged(outline)
    assert (to_mask(Outline((ring,)), *mask.shape) == mask).all()
    parted = unbridged(ring)
    assert (to_mask(parted, *mask.shape) == mask).all()
    assert (len(parted.rings), len(parted.holes)) == (len(outline.rings), len(outline.holes))


@settings(deadline=None)
@given(MASKS, st.integers(-4, 4), st.integers(-4, 4))
def test_clipping_leaves_the_pixels_within(mask: npt.NDArray[np.bool_], dx: int, dy: int) -> None:
    height, width = mask.shape
    moved = bridged(to_outline(mask)) + np.array([dx, dy])
    expected = to_mask(Outline((moved,)), height, width)
    ring = clipped(moved, height, width)
    if len(ring):
        assert ring.min() >= -0.5
        assert (ring.max(axis=0) <= [width - 0.5, height - 0.5]).all()
        assert (to_mask(Outline((ring,)), height, width) == expected).all()
    else:
        assert not expected.any()


def test_a_plain_ring_stays_as_it_is() -> None:
    square = np.array([[0.0, 0.0], [4, 0], [4, 4], [0, 4]])
    assert unbridged(square).rings[0] is square
    assert bridged(Outline((square,))) is square
    assert clipped(square, 10, 10) is square


def test_corners_are_joined_along_the_edges_of_the_schema() -> None:
    xy = np.array([[0.0, 0], [4, 0], [0, 3], [4, 3]])
    outline = corner_outline(landmarks(CORNERS, xy), POSE)
    assert outline is not None
    assert abs(ring_area(outline.rings[0])) == 12
    xy[2] = np.nan
    assert corner_outline(landmarks(CORNERS, xy), POSE) is None
    assert corner_outline(landmarks(CORNERS, np.ones((4, 2))), SEG) is None


def test_a_bow_tie_crosses_itself_and_encloses_something() -> None:
    bow = np.array([[0.0, 0], [4, 4], [4, 0], [0, 4]])
    assert crosses_itself(bow)
    assert not encloses_nothing(bow)
    square = np.array([[0.0, 0], [4, 0], [4, 4], [0, 4]])
    assert not crosses_itself(square)
    there_and_back = np.array([[0.0, 0], [4, 4], [8, 0], [4, 4]])
    assert encloses_nothing(there_and_back)
    assert encloses_nothing(np.array([[0.0, 0], [4, 4], [8, 8]]))


@given(MASKS)
def test_the_border_of_a_mask_crosses_itself_nowhere(mask: npt.NDArray[np.bool_]) -> None:
    outline = to_outline(mask)
    assert not any(crosses_itself(ring) for ring in (*outline.rings, *outline.holes, bridged(outline)))


@given(MASKS, st.integers(-4, 4), st.integers(-4, 4))
def test_within_an_image_the_pixels_stay_the_same(mask: npt.NDArray[np.bool_], dx: int, dy: int) -> None:
    height, width = mask.shape
    shape = to_outline(mask)
    shift = np.array([dx, dy], dtype=np.float64)
    moved = Outline(*(tuple(ring + shift for ring in part) for part in (shape.rings, shape.holes)))
    inner = within(moved, height, width)
    expected = to_mask(moved, height, width)
    assert (to_mask(inner, height, width) == expected).all() if inner else not expected.any()


def test_two_hundred_parts_and_holes_are_joined_and_parted_in_a_moment() -> None:
    coarse = np.random.default_rng(3).random((40, 40)) > 0.5
    mask = np.kron(coarse, np.ones((3, 3), dtype=bool))
    outline = to_outline(mask)
    assert len(outline.rings) + len(outline.holes) > 100
    parted = unbridged(bridged(outline))
    assert (to_mask(parted, *mask.shape) == mask).all()
    assert len(parted.rings) == len(outline.rings)
