"""A mean over images with its 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spinekit.core.score import Score

_DRAWS = 2000


def score_of(
    metric: str, items: Mapping[str, float], missed: int = 0, weights: Mapping[str, float] | None = None
) -> Score:
    """The mean of a figure over images, with a percentile bootstrap over images.

    Args:
        metric: Name with unit.
        items: Figure of each image; NaN where an image gave none (left out of the mean, counted by the caller).
        missed: What gave no answer, to be printed beside.
        weights: Of each image, e.g. its number of points, for a mean over points; None for equal weights.

    Returns:
        The score; without an interval for fewer than two images.

    Raises:
        ValueError: If no image has a figure.
    """
    names = [name for name, value in items.items() if not np.isnan(value)]
    if not names:
        raise ValueError(f"{metric}: no image has a figure")
    values = np.array([items[name] for name in names])
    weight = np.array([1.0 if weights is None else weights[name] for name in names])
    mean = float(np.average(values, weights=weight))
    if len(names) < 2:
        return Score(metric, mean, None, None, len(names), missed, dict(items))
    # A fixed seed: the same predictions give the same interval, whoever computes it.
    draws = np.random.default_rng(0).integers(0, len(names), (_DRAWS, len(names)))
    means = (values[draws] * weight[draws]).sum(axis=1) / weight[draws].sum(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Score(metric, mean, float(low), float(high), len(names), missed, dict(items))
