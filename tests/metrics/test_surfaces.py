"""Distances of borders against all pairs of border pixels, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import cdist

from spinekit.core.image import BoolArray, FloatArray
from spinekit.metrics.surfaces import hausdorff_95, mean_surface_distance, surface_distances

masks = hnp.arrays(np.bool_, (7, 9))
pixels = st.tuples(st.floats(0.1, 3), st.floats(0.1, 3))


def border(mask: BoolArray, pixel: tuple[float, float]) -> FloatArray:
    """Places of pixels with an outside neighbour, by looking at each."""
    padded = np.pad(mask, 1)
    return np.array(
        [
            (y * pixel[0], x * pixel[1])
            for y, x in np.argwhere(mask).tolist()
            if not (padded[y, x + 1] and padded[y + 2, x + 1] and padded[y + 1, x] and padded[y + 1, x + 2])
        ]
    )


@settings(max_examples=40)
@given(masks, masks, pixels)
def test_against_all_pairs_of_border_pixels(a: BoolArray, b: BoolArray, pixel: tuple[float, float]) -> None:
    assume(a.any() and b.any())
    found = surface_distances(a, b, pixel)
    assert found is not None
    apart = cdist(border(a, pixel), border(b, pixel))
    forth, back = apart.min(axis=1), apart.min(axis=0)
    # The formulas of medpy (assd) and of MONAI (hd95).
    assert mean_surface_distance(found) == pytest.approx((forth.mean() + back.mean()) / 2)
    assert hausdorff_95(found) == pytest.approx(max(np.percentile(forth, 95), np.percentile(back, 95)))


@settings(max_examples=40)
@given(masks, masks)
def test_symmetric_not_negative_and_zero_for_itself(a: BoolArray, b: BoolArray) -> None:
    assume(a.any() and b.any())
    one, other, itself = (surface_distances(*pair) for pair in ((a, b), (b, a), (a, a)))
    assert one is not None
    assert other is not None
    assert itself is not None
    for figure in (hausdorff_95, mean_surface_distance):
        assert figure(one) == pytest.approx(figure(other))
        assert figure(one) >= 0
        assert figure(itself) == 0


def test_a_shift_of_two_columns_by_hand() -> None:
    a, b = np.zeros((12, 20), bool), np.zeros((12, 20), bool)
    a[3:9, 4:10], b[3:9, 6:12] = True, True
    found = surface_distances(a, b, (1.0, 0.5))
    assert found is not None
    assert hausdorff_95(found) == pytest.approx(1.0)  # two columns of half a millimetre
    assert hausdorff_95(found.scaled(3)) == pytest.approx(3.0)


def test_nothing_against_something_has_no_distance() -> None:
    empty, full = np.zeros((4, 4), bool), np.ones((4, 4), bool)
    assert surface_distances(empty, full) is None
    assert surface_distances(full, empty) is None
