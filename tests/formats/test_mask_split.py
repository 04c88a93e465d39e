"""Bodies that touch are parted at their necks; single bodies stay whole whatever their shape."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.formats.mask_split import bodies
from tests.formats.mask_samples import chain


def discs(*circles: tuple[int, int, int]) -> npt.NDArray[np.bool_]:
    """Discs of centre x, y and radius."""
    mask = np.zeros((120, 160), dtype=np.uint8)
    for x, y, radius in circles:
        cv2.circle(mask, (x, y), radius, 1, -1)
    return mask > 0


def partition(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """How many bodies hold each pixel."""
    together = np.zeros(mask.shape, dtype=np.int64)
    for body in bodies(mask, True)[0]:
        together[body.place] += body.mask
    return together


@pytest.mark.parametrize("count", [2, 3, 7])
def test_a_chain_falls_into_its_bodies(count: int) -> None:
    mask = chain(count) > 0
    found, _ = bodies(mask, True)
    assert len(found) == count
    assert all(body.split for body in found)
    np.testing.assert_array_equal(partition(mask), mask)
    tops = [body.place[0].start for body in found]
    assert tops == sorted(tops)
    assert bodies(mask, False)[0][0].split is False
    assert len(bodies(mask, False)[0]) == 1


def test_discs_that_touch_and_discs_that_overlap_much() -> None:
    assert len(bodies(discs((40, 60, 20), (78, 60, 20)), True)[0]) == 2
    assert len(bodies(discs((40, 60, 20), (55, 60, 20)), True)[0]) == 1


@pytest.mark.parametrize(
    "mask",
    [
        discs((60, 60, 30)),
        discs((60, 60, 30)) & ~discs((60, 60, 12)),  # a ring
        discs((50, 60, 30), (88, 60, 10)),  # a body with a process
        np.pad(np.ones((12, 90), dtype=np.bool_), 10),  # a long bar
        np.pad(np.tri(60, dtype=np.bool_), 10),  # a triangle
        discs((60, 60, 30)) & ~discs((60, 20, 20)),  # a concave endplate
    ],
    ids=["disc", "ring", "process", "bar", "triangle", "concave"],
)
def test_a_single_body_stays_whole(mask: npt.NDArray[np.bool_]) -> None:
    found, specks = bodies(mask, True)
    assert len(found) == 1
    assert not found[0].split
    assert specks == 0


@pytest.mark.parametrize("angle", [0, 15, 30, 45])
def test_turned_vertebrae_with_waists_stay_whole(angle: int) -> None:
    """The outline of a body is drawn in at its sides."""
    mask = np.zeros((160, 160), dtype=np.uint8)
    ring = np.array([[-40, -28], [40, -28], [33, 0], [40, 28], [-40, 28], [-33, 0]], dtype=np.float64)
    turn = np.deg2rad(angle)
    turned = ring @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) + 80
    cv2.fillPoly(mask, [turned.round().astype(np.int32)], 1)
    assert len(bodies(mask > 0, True)[0]) == 1


def test_specks_are_counted_and_left_out() -> None:
    mask = discs((60, 60, 30))
    mask[5, 5] = mask[110:112, 150] = True
    found, specks = bodies(mask, True)
    assert (len(found), specks) == (1, 2)
    assert bodies(np.zeros((9, 9), dtype=np.bool_), True) == ([], 0)
    small = np.zeros((9, 9), dtype=np.bool_)
    small[2, 2] = True
    assert len(bodies(small, True)[0]) == 1  # where all are small, none is a speck


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(15, 145), st.integers(15, 105), st.integers(3, 25)), min_size=1, max_size=6
    )
)
def test_nothing_is_lost_and_nothing_is_twice(circles: list[tuple[int, int, int]]) -> None:
    mask = discs(*circles)
    found, specks = bodies(mask, True)
    together = partition(mask)
    assert together.max() == 1
    assert specks > 0 or bool((together == mask).all())
    assert not (together.astype(bool) & ~mask).any()
    assert len(found) <= len(circles)
