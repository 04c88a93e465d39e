from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from spinekit.core.image import FloatArray
from spinekit.metrics.agreement import intraclass_correlation, limits_of_agreement
from spinekit.metrics.comparison import compare_paired

# Six subjects and four judges: Shrout and Fleiss 1979, table 2.
JUDGED = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)
readings = hnp.arrays(np.float64, (8, 2), elements=st.floats(0, 90))


def test_icc_of_the_published_example() -> None:
    found = intraclass_correlation(JUDGED)
    assert found.value == pytest.approx(0.2898, abs=5e-5)
    assert (found.low, found.high) == pytest.approx((0.0188, 0.7611), abs=5e-4)


@settings(max_examples=40)
@given(readings)
def test_icc_by_the_analysis_of_variance_written_out(ratings: FloatArray) -> None:
    n, k = ratings.shape
    total = ((ratings - ratings.mean()) ** 2).sum()
    between = k * ((ratings.mean(axis=1) - ratings.mean()) ** 2).sum()
    raters = n * ((ratings.mean(axis=0) - ratings.mean()) ** 2).sum()
    rows, columns = between / (n - 1), raters / (k - 1)
    error = (total - between - raters) / ((n - 1) * (k - 1))
    below = rows + (k - 1) * error + k * (columns - error) / n
    assume(below > 1e-6 and error > 1e-6)
    found = intraclass_correlation(ratings)
    assert found.value == pytest.approx((rows - error) / below)
    assert found.low - 1e-9 <= found.value <= found.high + 1e-9
    assert found.value <= 1
    assert intraclass_correlation(ratings[:, ::-1]).value == pytest.approx(found.value)


def test_readings_that_are_the_same_agree_wholly() -> None:
    same = np.repeat(np.arange(5.0)[:, None], 2, axis=1)
    found = intraclass_correlation(same)
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))
    with pytest.raises(ValueError, match="same"):
        intraclass_correlation(np.ones((5, 2)))
    with pytest.raises(ValueError, match="three subjects"):
        intraclass_correlation(np.ones((2, 2)))


def test_limits_of_agreement_by_hand() -> None:
    found = limits_of_agreement(np.array([1.0, 2.0, 3.0]))
    assert (found.bias, found.deviation, found.n) == (2, 1, 3)
    assert (found.lower, found.upper) == pytest.approx((0.04, 3.96))
    with pytest.raises(ValueError, match="two pairs"):
        limits_of_agreement(np.array([1.0]))


@settings(max_examples=10)
@given(hnp.arrays(np.float64, (9, 2), elements=st.floats(-20, 20)))
def test_a_paired_comparison_turns_with_its_sides(pairs: FloatArray) -> None:
    first, second = ({str(k): float(v) for k, v in enumerate(column)} for column in pairs.T)
    forth, back = compare_paired(first, second), compare_paired(second, first)
    assert forth.difference == pytest.approx(-back.difference)
    assert forth.low == pytest.approx(-back.high if back.high is not None else None, abs=1e-9)
    assert forth.p == back.p
    if forth.p is not None:
        assert forth.p == pytest.approx(stats.wilcoxon(pairs[:, 0], pairs[:, 1]).pvalue)


def test_only_images_that_both_answered_are_compared() -> None:
    first = {"a": 1.0, "b": 2.0, "c": float("nan"), "d": 4.0}
    found = compare_paired(first, {"a": 0.0, "b": 1.0, "c": 1.0})
    assert (found.n, found.difference) == (2, 1.0)
    assert found.p == pytest.approx(0.5)
    assert compare_paired(first, first).p is None
    with pytest.raises(ValueError, match="both"):
        compare_paired(first, {"z": 1.0})


def test_images_of_one_patient_are_drawn_together() -> None:
    first = {f"{patient}{film}": float(patient) for patient in range(4) for film in range(6)}
    nothing = dict.fromkeys(first, 0.0)
    apart = compare_paired(first, nothing)
    together = compare_paired(first, nothing, {name: name[0] for name in first})
    assert apart.low is not None
    assert apart.high is not None
    assert together.low is not None
    assert together.high is not None
    assert together.high - together.low > 1.5 * (apart.high - apart.low)
