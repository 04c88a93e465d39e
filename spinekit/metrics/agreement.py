"""Agreement of two series of measurements: bias, limits of agreement, intraclass correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from spinekit.core.image import FloatArray

_WIDTH = 1.96  # standard deviations on both sides hold 95 % of a normal distribution


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far one series lies from another (Bland and Altman, Lancet 1986).

    Attributes:
        bias: Mean of the differences, first minus second.
        deviation: Their standard deviation (of a sample).
        lower: Lower limit of agreement, bias - 1.96 SD.
        upper: Upper limit of agreement.
        n: Pairs.
    """

    bias: float
    deviation: float
    lower: float
    upper: float
    n: int


@dataclass(frozen=True, slots=True)
class Correlation:
    """An intraclass correlation.

    Attributes:
        value: At most 1; may be negative.
        low: Lower end of the 95 % interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def limits_of_agreement(differences: FloatArray) -> Agreement:
    """Bias and limits of agreement.

    Args:
        differences: (N,), first minus second.

    Raises:
        ValueError: For fewer than two pairs.
    """
    if len(differences) < 2:
        raise ValueError("limits of agreement need two pairs")
    bias, deviation = float(np.mean(differences)), float(np.std(differences, ddof=1))
    return Agreement(bias, deviation, bias - _WIDTH * deviation, bias + _WIDTH * deviation, len(differences))


def intraclass_correlation(ratings: FloatArray) -> Correlation:
    """ICC(2,1): two-way random effects, absolute agreement, a single rating.

    Value by Shrout and Fleiss, Psychological Bulletin 86:420 (1979); interval by McGraw and Wong, Psychological
    Methods 1:30 (1996), case A-1.

    Args:
        ratings: (N, K), a row for each subject and a column for each rater.

    Raises:
        ValueError: For fewer than three subjects or two raters, or where all ratings are the same.
    """
    n, k = ratings.shape
    if n < 3 or k < 2:
        raise ValueError("an intraclass correlation needs three subjects and two raters")
    grand = ratings.mean()
    rows = k * float(((ratings.mean(axis=1) - grand) ** 2).sum()) / (n - 1)
    columns = n * float(((ratings.mean(axis=0) - grand) ** 2).sum()) / (k - 1)
    rest = float(((ratings - ratings.mean(axis=1)[:, None] - ratings.mean(axis=0) + grand) ** 2).sum())
    error = rest / ((n - 1) * (k - 1))
    total = rows + (k - 1) * error + k * (columns - error) / n
    if total <= 0:
        raise ValueError("all ratings are the same")
    value = (rows - error) / total
    if error <= 1e-12 * max(rows, columns):
        low, high = (1.0, 1.0) if columns <= 1e-12 * rows else (float("nan"), float("nan"))
        return Correlation(value, low, high)
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * columns + b * error) ** 2 / (
        (a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    )
    lower, upper = stats.f.ppf(0.975, n - 1, freedom), stats.f.ppf(0.975, freedom, n - 1)
    spread = k * columns + (k * n - k - n) * error
    return Correlation(
        value,
        float(n * (rows - lower * error) / (lower * spread + n * rows)),
        float(n * (upper * rows - error) / (spread + n * upper * rows)),
    )
