"""95 % intervals by Monte Carlo: random points through the very function that gave the value."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from spinekit.core.image import FloatArray

DRAWS = 500
MOST_UNDEFINED = 0.05  # share of draws without a value above which no interval is given


@dataclass(frozen=True, slots=True)
class Draws:
    """How many random positions of each landmark an interval is made of; 0 for no intervals."""

    count: int = DRAWS

    def around(self, name: str, xy: FloatArray, spread: FloatArray) -> FloatArray:
        """Random positions of a landmark, the same on every run and in every measurement that uses it.

        Sharing the draws keeps what belongs together together: the interval of ANB is that of the difference
        of the very SNA and SNB drawn.

        Args:
            name: Seeds the draws; unique in the image, e.g. ``L3.TL``.
            xy: (2,) px.
            spread: (2,) standard deviation in px along x and y.

        Returns:
            (count, 2) px.
        """
        return np.asarray(xy + _standard(zlib.crc32(name.encode()), self.count) * spread)


@lru_cache(maxsize=256)
def _standard(seed: int, count: int) -> FloatArray:
    """(count, 2) standard normal numbers, along each axis spread as evenly as a normal distribution is.

    Plain random numbers are the same on every run too, but then a sample of 500 that happens to be narrow makes
    every interval of its point narrow, always. Here the values along an axis are the distribution's own quantiles,
    and chance decides only which of them meet (Latin hypercube sampling).
    """
    normal = NormalDist()
    even = np.array([normal.inv_cdf((i + 0.5) / count) for i in range(count)])
    even = even / max(float(even.std()), np.finfo(float).tiny)
    random = np.random.default_rng(seed)
    numbers = np.stack([random.permutation(even) for _ in range(2)], axis=1)
    numbers.flags.writeable = False
    return numbers


def draw_points(name: str, xy: FloatArray, spread: FloatArray, count: int = DRAWS) -> FloatArray:
    """`Draws.around` for those who have only the number of draws."""
    return Draws(count).around(name, xy, spread)


def interval(value: float, draws: FloatArray, turns: bool) -> tuple[float, float] | None:
    """The 2.5 % and 97.5 % quantiles of the draws, widened where needed to hold the value itself.

    A largest angle of several grows with noise on the points, so that the draws may lie above the value.

    Args:
        value: What was measured.
        draws: (n,) the same under random points; NaN where undefined.
        turns: Whether these are degrees, where 179 and -179 are neighbours.

    Returns:
        Lower and upper end, or None where too many draws have no value.
    """
    if turns:
        draws = value + (draws - value + 180.0) % 360.0 - 180.0
    held = quantiles(draws)
    return None if held is None else (min(held[0], value), max(held[1], value))


def quantiles(draws: FloatArray) -> tuple[float, float] | None:
    """The 2.5 % and 97.5 % quantiles of (n,) draws; None where too many have no value.

    Where all have one they are sorted in part only, which is what a study of many measurements takes time for.
    """
    kept = draws[np.isfinite(draws)]
    if kept.size == 0 or kept.size < (1 - MOST_UNDEFINED) * draws.size:
        return None
    places = (kept.size - 1) * np.array([0.025, 0.975])
    below = places.astype(np.intp)
    above = np.minimum(below + 1, kept.size - 1)
    ordered = np.partition(kept, np.concatenate([below, above]))
    low, high = ordered[below] + (places - below) * (ordered[above] - ordered[below])
    return float(low), float(high)
