"""The masks that a network learns are as large as the outlines that they come from."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_bodies_keep_their_area_and_their_middle() -> None:
    rng = np.random.default_rng(0)
    areas = []
    for _ in range(200):
        x, y = rng.uniform(100, 156, 2)
        a, b, turn = rng.uniform(24, 60), rng.uniform(20, 50), rng.uniform(-1, 1)
        mask = covered((256, 256), [ellipse(x, y, a, b, turn).reshape(-1)], 1, 4)
        assert mask.shape == (64, 64)
        areas.append(mask.sum() * 16 / (np.pi * a * b))
        rows, columns = np.nonzero(mask)
        middle = (columns.mean() + 0.5) * 4, (rows.mean() + 0.5) * 4
        assert middle == pytest.approx((x, y), abs=0.8)
    # The library's own targets are 1.09 of the area on the mean.
    assert np.mean(areas) == pytest.approx(1.0, abs=0.015)
    assert np.abs(np.array(areas) - 1).max() < 0.06


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
