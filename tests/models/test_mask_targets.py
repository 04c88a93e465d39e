"""The masks that a network learns are as large as the outlines that they come from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.models.environment import load_library

load_library()
from spinekit.models.mask_targets import covered, learn_covered_cells  # noqa: E402  (after the library's environment)


def ellipse(
    x: float, y: float, a: float, b: float, turn: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    t = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    u, v = a * np.cos(t), b * np.sin(t)
    points = np.stack(
        [x + u * np.cos(turn) - v * np.sin(turn), y + u * np.sin(turn) + v * np.cos(turn)], axis=1
    )
    return points.astype(np.float32)


@settings(max_examples=50, deadline=None)
@given(st.floats(100, 156), st.floats(100, 156), st.floats(24, 60), st.floats(20, 50), st.floats(-1, 1))
def test_a_body_keeps_its_area_and_its_middle(x: float, y: float, a: float, b: float, turn: float) -> None:
    for ratio in (1, 4):
        mask = covered((256, 256), [ellipse(x, y, a, b, turn).reshape(-1)], 1, ratio)
        assert mask.shape == (256 // ratio, 256 // ratio)
        assert mask.sum() * ratio**2 == pytest.approx(np.pi * a * b, rel=0.05)
        rows, columns = np.nonzero(mask)
        middle = (columns.mean() + 0.5) * ratio, (rows.mean() + 0.5) * ratio
        assert middle == pytest.approx((x, y), abs=0.5)


def test_a_square_on_the_grid_is_exact() -> None:
    square = np.array([8, 8, 24, 8, 24, 32, 8, 32], np.float32)
    mask = covered((64, 64), [square], 3, 4)
    expected = np.zeros((16, 16), np.uint8)
    expected[2:8, 2:6] = 3
    np.testing.assert_array_equal(mask, expected)


def test_the_library_makes_its_targets_so() -> None:
    from ultralytics.data import utils

    before = utils.polygon2mask
    try:
        learn_covered_cells()
        masks, order = utils.polygons2masks_overlap(
            (64, 64), [np.array([[8, 8], [24, 8], [24, 32], [8, 32.0]])], 4
        )
        assert int((masks > 0).sum()) == 4 * 6
        assert list(order) == [0]
    finally:
        utils.polygon2mask = before
