from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from spinekit.core.image import FloatArray
from spinekit.metrics.bootstrap import (
    deviation,
    draw_counts,
    percentage,
    score_of,
    score_of_draws,
    score_of_median,
    score_of_sums,
)

series = hnp.arrays(np.float64, st.integers(3, 30), elements=st.floats(-50, 50))


def named(values: FloatArray) -> dict[str, float]:
    return {f"film {place}": float(value) for place, value in enumerate(values)}


@settings(max_examples=20)
@given(series)
def test_the_mean_lies_within_its_interval_and_that_within_the_values(values: FloatArray) -> None:
    score = score_of("x", named(values))
    assert score.value == pytest.approx(values.mean())
    assert score.low is not None
    assert score.high is not None
    assert values.min() - 1e-9 <= score.low <= score.high <= values.max() + 1e-9


def test_the_interval_is_that_of_scipy() -> None:
    values = np.random.default_rng(3).normal(10, 2, 60)
    score = score_of("x", named(values))
    theirs = stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(1))
    assert score.low == pytest.approx(theirs.confidence_interval.low, abs=0.05)
    assert score.high == pytest.approx(theirs.confidence_interval.high, abs=0.05)


@settings(max_examples=20)
@given(series)
def test_the_median_and_the_deviation(values: FloatArray) -> None:
    median = score_of_median("x", named(values))
    assert median.value == pytest.approx(np.median(values))
    assert median.low is not None
    assert median.high is not None
    assert values.min() <= median.low <= median.high <= values.max()
    sums = {name: (value, value**2, 1.0) for name, value in named(values).items()}
    assert score_of_sums("x", sums, deviation).value == pytest.approx(values.std(ddof=1), abs=1e-4)


def test_medians_of_draws_by_drawing() -> None:
    """With each image repeated as often as it was drawn, numpy's median says the same."""
    values = np.random.default_rng(0).normal(size=7)
    counts = draw_counts([str(k) for k in range(7)], draws=50)
    assert counts is not None
    drawn = [np.median(np.repeat(values, row.astype(int))) for row in counts]
    score = score_of_median("x", {str(k): float(v) for k, v in enumerate(values)})
    assert score.low is not None
    assert score.low >= min(drawn) - 0.5
    from spinekit.metrics import bootstrap

    assert bootstrap._medians(values, counts) == pytest.approx(drawn)


def test_every_draw_holds_as_many_groups_as_there_are() -> None:
    names = ["a1", "a2", "b1", "c"]
    counts = draw_counts(names, {"a1": "a", "a2": "a", "b1": "b", "c": ""})
    assert counts is not None
    assert (counts[:, 0] == counts[:, 1]).all()
    assert (counts[:, [0, 2, 3]].sum(axis=1) == 3).all()


def test_a_group_may_be_called_like_another_image() -> None:
    counts = draw_counts(["a", "b"], {"a": "b"})
    assert counts is not None
    assert (counts.sum(axis=1) == 2).all()


def test_one_group_has_no_interval() -> None:
    score = score_of("x", {"a": 1.0, "b": 3.0}, groups={"a": "p", "b": "p"})
    assert (score.value, score.low, score.high, score.n) == (2.0, None, None, 2)


def test_pooled_rates_weigh_images_by_what_they_hold() -> None:
    score = score_of_sums("x", {"a": (1, 1), "b": (0, 9)}, percentage)
    assert score.value == 10
    with pytest.raises(ValueError, match="no image"):
        score_of_sums("x", {"a": (0, 0)}, percentage)
    with pytest.raises(ValueError, match="no image"):
        score_of_sums("x", {}, percentage)
    with pytest.raises(ValueError, match="no image"):
        score_of_median("x", {"a": float("nan")})
    with pytest.raises(ValueError, match="no image"):
        score_of_draws("x", [], lambda counts: counts.sum(axis=1))
