from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spinekit.core.image import FloatArray
from spinekit.metrics import (
    circular_mean_error,
    dice,
    match_bodies,
    pixel_accuracy,
    radial_errors,
    score_of,
    smape_of_film,
    success_rate,
)

angles = hnp.arrays(np.float64, 3, elements=st.floats(0, 90))
masks = hnp.arrays(np.bool_, (5, 7))


def stack(count: int) -> FloatArray:
    unit = np.array([[0, 0], [40, 0], [0, 30], [40, 30]], dtype=np.float64)
    return np.array([unit + np.array([0, 40 * k]) for k in range(count)])


def test_smape_sums_before_it_divides() -> None:
    # 100 * (2 + 1 + 1) / (18 + 9 + 9 + 20 + 10 + 10), by hand
    assert smape_of_film(np.array([18.0, 9, 9]), np.array([20.0, 10, 10])) == pytest.approx(400 / 76)
    assert smape_of_film(np.zeros(3), np.zeros(3)) == 0


@given(angles, angles)
def test_smape_is_symmetric_and_bounded(a: FloatArray, b: FloatArray) -> None:
    assert smape_of_film(a, b) == pytest.approx(smape_of_film(b, a))
    assert 0 <= smape_of_film(a, b) <= 100 + 1e-9


def test_cmae_of_equal_differences_is_that_difference() -> None:
    assert circular_mean_error(np.array([10.0, 20]), np.array([13.0, 17])) == pytest.approx(3)


def test_absent_points_are_failures_and_unlabelled_ones_do_not_count() -> None:
    true = np.array([[0.0, 0], [10, 0], [np.nan, np.nan]])
    found = np.array([[3.0, 4], [np.nan, np.nan], [1, 1]])
    errors = radial_errors(found, true)
    assert errors[0] == 5
    assert np.isinf(errors[1])
    assert np.isnan(errors[2])
    assert success_rate(errors, 5) == 0  # strict
    assert success_rate(errors, 5.1) == 50
    with pytest.raises(ValueError, match="no point"):
        success_rate(np.array([np.nan]), 2)


def test_bodies_are_found_by_their_centre_one_to_one() -> None:
    true = stack(4)
    found = match_bodies(np.concatenate([true[[0, 2]] + 3, true[[2]]]), true)
    assert found.missed == 2
    assert found.extra == 1
    assert found.pairs == ((0, 0), (2, 2))  # the nearer of two takes the body
    assert found.corner_errors[0] == pytest.approx(np.full(4, np.hypot(3, 3)))


def test_nothing_predicted_misses_everything() -> None:
    found = match_bodies(np.zeros((0, 4, 2)), stack(3))
    assert (found.missed, found.extra, found.pairs) == (3, 0, ())


@given(st.permutations(range(6)))
def test_order_of_predictions_does_not_matter(order: list[int]) -> None:
    true = stack(6)
    assert match_bodies(true[order], true).missed == 0


@given(masks, masks)
def test_dice_and_accuracy_are_symmetric(a: np.ndarray, b: np.ndarray) -> None:
    assert dice(a, b) == dice(b, a)
    assert pixel_accuracy(a, b) == pixel_accuracy(b, a)
    assert dice(a, a) == 1
    assert pixel_accuracy(a, ~a) == 0


def test_score_has_an_interval_around_its_mean() -> None:
    score = score_of("MRE (px)", {"a": 1.0, "b": 3.0, "c": float("nan")}, missed=1)
    assert (score.value, score.n, score.missed) == (2.0, 2, 1)
    assert score.low is not None
    assert score.high is not None
    assert 1 <= score.low <= 2 <= score.high <= 3
    assert score_of("x", {"a": 1.0}).low is None
    assert score_of("x", {"a": 1.0, "b": 4.0}, weights={"a": 2.0, "b": 1.0}).value == 2.0
    with pytest.raises(ValueError, match="no image"):
        score_of("x", {})
