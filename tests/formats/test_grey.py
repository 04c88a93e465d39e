from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from spinekit.formats import grey

SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, max_side=12)


def numbers(kind: str) -> st.SearchStrategy[npt.NDArray[Any]]:
    return arrays.arrays(np.dtype(kind), SHAPES)


@given(st.one_of(numbers("u2"), numbers("i2"), numbers("u1"), numbers("i4")))
def test_levels_give_the_image_back(values: npt.NDArray[Any]) -> None:
    levels = grey.levels_of(values)
    table = (levels.values % 251).astype(np.uint8)
    assert np.array_equal(levels.picture(table), values.astype(np.int64) % 251)
    assert levels.counts.sum() == values.size


@given(numbers("i2"), st.integers(0, 2**32 - 1))
def test_percentiles_by_levels_are_those_of_the_pixels(values: npt.NDArray[Any], seed: int) -> None:
    kept = np.random.default_rng(seed).random(values.shape) < 0.7
    levels = grey.levels_of(values, kept)
    low, high = grey.percentile_window(levels.values, levels.counts)
    if not kept.any():
        assert (low, high) == (0, 0)
        return
    expected = np.percentile(values[kept], (0.5, 99.5), method="inverted_cdf")
    if expected[0] == expected[1]:
        expected = values[kept].min(), values[kept].max()
    assert (low, high) == tuple(expected)


@given(st.one_of(numbers("u2"), numbers("u1"), numbers("i4"), numbers("f4"), numbers("i2")))
def test_full_range_never_turns_the_order_round(values: npt.NDArray[Any]) -> None:
    pixels, rule = grey.full_range(values)
    assert pixels.dtype == np.uint8
    assert pixels.shape == values.shape
    assert rule
    order = np.argsort(values.ravel(), kind="stable")
    finite = np.isfinite(values.ravel()[order])
    assert (np.diff(pixels.ravel()[order][finite].astype(int)) >= 0).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.float64])
def test_grey_stored_as_colour_keeps_its_values(dtype: type) -> None:
    ramp: npt.NDArray[Any] = np.arange(250).astype(dtype).reshape(10, 25)
    assert np.array_equal(grey.luma(np.dstack([ramp] * 3)), ramp)


@given(arrays.arrays(np.uint16, (3, 3, 3)))
def test_luma_is_that_of_bt_601(colour: npt.NDArray[Any]) -> None:
    expected = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(grey.luma(colour) - expected).max() <= 1.0


def test_a_window_without_width_is_black() -> None:
    assert not grey.linear(np.array([1.0, 2.0]), 2.0, 2.0).any()
    assert grey.linear(np.array([np.nan, -np.inf, np.inf]), 0.0, 1.0).tolist() == [0, 0, 255]
