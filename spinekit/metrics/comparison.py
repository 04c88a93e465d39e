"""Whether two predictions of the same images differ by more than chance."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from spinekit.core.image import FloatArray
from spinekit.metrics.bootstrap import Groups, draw_counts, interval, ratio


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Two series of figures on the same images.

    Attributes:
        first: Mean of the first.
        second: Mean of the second.
        difference: First minus second.
        low: Lower end of the 95 % bootstrap interval of the difference, None for fewer than two groups.
        high: Upper end.
        p: Of Wilcoxon's signed-rank test (two-sided); None where all differences are 0 or there are too few.
        n: Images that both answered.
    """

    first: float
    second: float
    difference: float
    low: float | None
    high: float | None
    p: float | None
    n: int


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A figure that no single image has, such as average precision.

    Attributes:
        names: N images.
        figure: From (draws, N) how often each image counts to (draws,) figures.
        draws: How many draws, since such figures are dear.
    """

    names: Sequence[str]
    figure: Callable[[FloatArray], FloatArray]
    draws: int


def compare_drawn(first: Drawn, second: Drawn, groups: Groups | None = None) -> PairedComparison:
    """Compares figures that no single image has, both on the same draws of the images that both know.

    Args:
        first: Of one prediction.
        second: Of the other.
        groups: What is drawn whole; None to draw images.

    Returns:
        Without a test, which would need figures of images.

    Raises:
        ValueError: If they have no image in common, or those give no figure.
    """
    known = set(second.names)
    names = [name for name in first.names if name in known]
    counts = draw_counts(names, groups, min(first.draws, second.draws)) if names else None
    every = np.ones((1, len(names)))
    found = []
    for one in (first, second):
        place = {name: column for column, name in enumerate(one.names)}
        columns = [place[name] for name in names]
        rows = every if counts is None else np.concatenate([every, counts])
        wide = np.zeros((len(rows), len(one.names)))
        wide[:, columns] = rows
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing are NaN, and left out
            found.append(one.figure(wide) if names else np.full(1, np.nan))
    value = [float(figures[0]) for figures in found]
    if np.isnan(value).any():
        raise ValueError("no image has both figures")
    low, high = (None, None) if counts is None else interval(found[0][1:] - found[1][1:])
    return PairedComparison(value[0], value[1], value[0] - value[1], low, high, None, len(names))


def compare_paired(
    first: Mapping[str, float], second: Mapping[str, float], groups: Groups | None = None
) -> PairedComparison:
    """Compares figures image by image.

    The bootstrap draws images (or groups) and takes both figures of each. Wilcoxon's test takes images as
    independent; where groups are known, trust the interval.

    Args:
        first: Figure of each image by name; NaN where there is none.
        second: Likewise.
        groups: What is drawn whole; None to draw images.

    Raises:
        ValueError: If no image has both figures.
    """
    names = [
        name for name, value in first.items() if np.isfinite(value) and np.isfinite(second.get(name, np.nan))
    ]
    if not names:
        raise ValueError("no image has both figures")
    pairs = np.array([(first[name], second[name]) for name in names])
    differences = pairs[:, 0] - pairs[:, 1]
    counts = draw_counts(names, groups)
    low, high = (None, None)
    if counts is not None:
        low, high = interval(ratio(np.stack([counts @ differences, counts.sum(axis=1)], axis=1)))
    p = float(stats.wilcoxon(differences).pvalue) if np.count_nonzero(differences) > 1 else None
    means = pairs.mean(axis=0).tolist()
    return PairedComparison(means[0], means[1], float(differences.mean()), low, high, p, len(names))
