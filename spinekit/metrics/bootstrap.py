"""Figures over images with their 95 % interval, by a percentile bootstrap over images or groups of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.score import Score

_DRAWS = 2000
_SEED = 0  # a fixed seed: the same predictions give the same interval, whoever computes it

Groups = Mapping[str, str]
"""What each image belongs to (a patient), by its name; drawn whole, since its images are no strangers."""

Statistic = Callable[[FloatArray], FloatArray]
"""From sums over images, (..., S), to the figure, (...)."""


def draw_counts(names: Sequence[str], groups: Groups | None = None, draws: int = _DRAWS) -> FloatArray | None:
    """How often each image occurs in each draw.

    Args:
        names: N images.
        groups: What each belongs to; images that are not in it, or without a name of one, stand alone.
        draws: How many draws.

    Returns:
        (draws, N) counts; None for fewer than two groups, of which nothing can be drawn.
    """
    places: dict[tuple[bool, str], int] = {}
    membership = []
    for name in names:
        group = groups.get(name, "") if groups is not None else ""
        membership.append(places.setdefault((bool(group), group or name), len(places)))
    return _counts(tuple(membership), len(places), draws) if len(places) > 1 else None


@lru_cache(maxsize=4)
def _counts(membership: tuple[int, ...], groups: int, draws: int) -> FloatArray:
    drawn = np.random.default_rng(_SEED).integers(0, groups, (draws, groups))
    flat = (drawn + groups * np.arange(draws)[:, None]).ravel()
    counts = np.bincount(flat, minlength=draws * groups).reshape(draws, groups)
    return counts[:, list(membership)].astype(np.float64)


def interval(values: FloatArray) -> tuple[float, float] | tuple[None, None]:
    """The middle 95 % of drawn figures; draws in which there was nothing to compute (NaN) are left out."""
    known = values[~np.isnan(values)]
    if not known.size:
        return None, None
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)


def score_of(
    metric: str,
    items: Mapping[str, float],
    missed: int = 0,
    weights: Mapping[str, float] | None = None,
    groups: Groups | None = None,
) -> Score:
    """The mean of a figure over images, with a percentile bootstrap over images or groups.

    Args:
        metric: Name with unit.
        items: Figure of each image; NaN where an image gave none (left out of the mean, counted by the caller).
        missed: What gave no answer, to be printed beside.
        weights: Of each image, e.g. its number of points, for a mean over points; None for equal weights.
        groups: What is drawn whole; None to draw images.

    Returns:
        The score; without an interval for fewer than two images or groups.

    Raises:
        ValueError: If no image has a figure.
    """
    names = [name for name, value in items.items() if not np.isnan(value)]
    if not names:
        raise ValueError(f"{metric}: no image has a figure")
    weight = {name: 1.0 if weights is None else weights[name] for name in names}
    sums = {name: (weight[name] * items[name], weight[name]) for name in names}
    return score_of_sums(metric, sums, ratio, missed, groups, items)


def ratio(sums: FloatArray) -> FloatArray:
    """First sum over the second; NaN where the second is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1])


def percentage(sums: FloatArray) -> FloatArray:
    """`ratio` in per cent."""
    return 100 * ratio(sums)


def deviation(sums: FloatArray) -> FloatArray:
    """Standard deviation of a sample from (sum of values, sum of squares, count); NaN for fewer than two."""
    total, squares, count = sums[..., 0], sums[..., 1], sums[..., 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = (squares - total**2 / count) / (count - 1)
        return np.asarray(np.where(count > 1, np.sqrt(np.maximum(variance, 0)), np.nan))


def score_of_sums(
    metric: str,
    sums: Mapping[str, Sequence[float]],
    statistic: Statistic,
    missed: int = 0,
    groups: Groups | None = None,
    items: Mapping[str, float] | None = None,
) -> Score:
    """A figure that is made of sums over images (a pooled rate, a spread), with its bootstrap interval.

    Args:
        metric: Name with unit.
        sums: What each image adds, S numbers by name.
        statistic: From (..., S) sums to the figure.
        missed: What gave no answer, to be printed beside.
        groups: What is drawn whole; None to draw images.
        items: Figure of each image, where one image has one.

    Raises:
        ValueError: If there is no image, or none with a figure.
    """
    if not sums:
        raise ValueError(f"{metric}: no image has a figure")
    parts = np.array(list(sums.values()), dtype=np.float64)
    value = float(statistic(parts.sum(axis=0)))
    if np.isnan(value):
        raise ValueError(f"{metric}: no image has a figure")
    counts = draw_counts(list(sums), groups)
    low, high = (None, None) if counts is None else interval(statistic(counts @ parts))
    return Score(metric, value, low, high, len(sums), missed, dict(items or {}))


def score_of_median(
    metric: str, items: Mapping[str, float], missed: int = 0, groups: Groups | None = None
) -> Score:
    """The median of a figure over images, with its bootstrap interval; arguments as for `score_of`.

    Raises:
        ValueError: If no image has a figure.
    """
    known = {name: value for name, value in items.items() if not np.isnan(value)}
    if not known:
        raise ValueError(f"{metric}: no image has a figure")
    values = np.array(list(known.values()))
    counts = draw_counts(list(known), groups)
    low, high = (None, None) if counts is None else interval(_medians(values, counts))
    return Score(metric, float(np.median(values)), low, high, len(known), missed)


def _medians(values: FloatArray, counts: FloatArray) -> FloatArray:
    """The median in each draw: the mean of the two values in the middle of what was drawn."""
    order = np.argsort(values)
    behind = counts[:, order].cumsum(axis=1)
    total = behind[:, -1:]
    lower = (behind < np.floor((total + 1) / 2)).sum(axis=1)
    upper = (behind < np.floor(total / 2) + 1).sum(axis=1)
    return np.asarray((values[order][lower] + values[order][upper]) / 2)


def score_of_draws(
    metric: str,
    names: Sequence[str],
    figure: Callable[[FloatArray], FloatArray],
    missed: int = 0,
    groups: Groups | None = None,
    draws: int = _DRAWS,
) -> Score:
    """Any figure that can be computed with every image counted so many times, with its bootstrap interval.

    Args:
        metric: Name with unit.
        names: N images.
        figure: From (draws, N) counts to (draws,) figures.
        missed: What gave no answer.
        groups: What is drawn whole; None to draw images.
        draws: How many draws, fewer where the figure is dear.

    Raises:
        ValueError: If the images give no figure.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing are NaN, and left out
        value = float(figure(np.ones((1, len(names))))[0]) if names else float("nan")
        if np.isnan(value):
            raise ValueError(f"{metric}: no image has a figure")
        counts = draw_counts(names, groups, draws)
        low, high = (None, None) if counts is None else interval(figure(counts))
    return Score(metric, value, low, high, len(names), missed)
