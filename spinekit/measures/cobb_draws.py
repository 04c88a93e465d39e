"""Intervals of the benchmark's Cobb angles, from many random spines reckoned at once.

A largest angle of many grows with noise: the end vertebrae are those that noise has tilted furthest. Drawing random
spines round a spine that is noisy already adds the same once more, so that plain quantiles lie too high (they held
the truth in 22 to 91 of 100 simulated spines). Here the width is that of the angle between the end vertebrae that
were found, and the whole interval is moved down by the growth that the draws show (94 to 95 of 100). A main angle
that noise alone makes of a straight spine has an interval from 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinekit.core.image import BoolArray, FloatArray
from spinekit.measures.cobb import S_THRESHOLD, STRAIGHT, AasceCase, AasceCobb, Endplate
from spinekit.measures.interval import quantiles

STABLE = 0.95  # share of draws that must follow the same rule of the benchmark for its angles to stand by themselves
# Draws round a noisy spine, whose ends stand out already, show less growth than noise had caused; by so much of it
# the lower end gives way.
_UNSEEN = 0.5
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class AasceIntervals:
    """What random spines say of the three angles.

    Attributes:
        ends: Lower and upper end of the 95 % interval of each, degrees; None where too few draws have a value.
        growth: How much noise lifts the main angle, degrees; taken off its interval, not off its value.
        same_rule: Share of the draws whose second and third angle follow the rule that the spine itself follows.
    """

    ends: tuple[tuple[float, float] | None, ...]
    growth: float
    same_rule: float


def aasce_intervals(found: AasceCobb, corners: FloatArray, image_height: float) -> AasceIntervals:
    """Intervals of the three angles of a spine.

    Args:
        found: The angles of the spine itself.
        corners: (d, n, 4, 2) random corners round it, calibrated.
        image_height: In the unit of the corners.
    """
    angles, rules = aasce_of_draws(corners, image_height)
    same = rules == list(AasceCase).index(found.case)
    tilts = _mid_tilts(corners)
    growth = max(0.0, float(np.nanmean(angles[:, 0])) - found.angles[0])
    ends = []
    for rank, (value, (upper, lower)) in enumerate(zip(found.angles, found.ends, strict=True)):
        between = np.abs(tilts[:, upper] - tilts[:, lower])
        if rank == 0:
            held = quantiles(between - growth)
            held = None if held is None else (held[0] - _UNSEEN * growth, held[1])
            by_noise = quantiles(np.ptp(tilts - np.nanmean(tilts, axis=0), axis=1))
            if held is not None and by_noise is not None and value <= by_noise[1]:
                held = 0.0, held[1]
        elif float(same.mean()) < STABLE or upper == lower:
            held = quantiles(angles[:, rank])
        else:
            grown = float(np.nanmean(angles[same, rank])) - value
            held = quantiles(between - max(0.0, grown))
        ends.append(None if held is None else (min(max(held[0], 0.0), value), max(held[1], value)))
    return AasceIntervals(tuple(ends), growth, float(same.mean()))


def _mid_tilts(corners: FloatArray) -> FloatArray:
    """Direction of the mid-lines, (d, n) degrees, without a jump between neighbouring bodies."""
    middle = corners[:, :, 1] + corners[:, :, 3] - corners[:, :, 0] - corners[:, :, 2]
    return np.asarray(np.degrees(np.unwrap(np.arctan2(middle[..., 1], middle[..., 0]), axis=1)))


def aasce_of_draws(
    corners: FloatArray, image_height: float, deciding: Endplate = Endplate.SUPERIOR
) -> tuple[FloatArray, Indices]:
    """The three angles of each of many spines by the rule of the AASCE 2019 evaluation script.

    Args:
        corners: (d, n, 4, 2) calibrated; TL, TR, BL, BR of n bodies from cranial to caudal.
        image_height: In the unit of the corners.
        deciding: As for `spinekit.measures.cobb.cobb_aasce`.

    Returns:
        (d, 3) degrees: the largest angle, the second and the third, NaN where a mid-line has no length; and (d,) the
        index in `AasceCase` of the rule that gave the second and third.
    """
    draws, bodies = corners.shape[:2]
    middle = (corners[:, :, 1] + corners[:, :, 3] - corners[:, :, 0] - corners[:, :, 2]) / 2
    between = np.round(_angles_between(middle), 9)
    each, last = np.arange(draws), bodies - 1
    first, second = np.divmod(between.reshape(draws, -1).argmax(axis=1), bodies)
    upper, lower = np.minimum(first, second), np.maximum(first, second)
    points = corners.reshape(draws, bodies, 2, 2, 2).mean(axis=3).reshape(draws, 2 * bodies, 2)
    below = int(deciding is Endplate.INFERIOR)
    heights = points[each, 2 * upper + below, 1] + points[each, 2 * lower + below, 1]
    s_shaped = _s_shaped(points)
    above, beyond = _largest_before(between, each, upper), _largest_after(between, each, lower)
    pivot = above
    over = _largest_before(between, each, pivot)
    plain = np.stack([between[each, 0, upper], between[each, lower, last]], axis=1)
    high = np.stack([between[each, upper, above], between[each, lower, beyond]], axis=1)
    low = np.stack([between[each, upper, pivot], between[each, pivot, over]], axis=1)
    others = np.where(s_shaped[:, None], np.where((heights < image_height)[:, None], high, low), plain)
    angles = np.concatenate([between[each, upper, lower][:, None], others], axis=1)
    sound: BoolArray = np.asarray(np.all(np.hypot(middle[..., 0], middle[..., 1]) > 0, axis=1))
    rules = np.where(s_shaped, np.where(heights < image_height, 1, 2), 0)
    return np.where(sound[:, None], angles, np.nan), rules


def _angles_between(vectors: FloatArray) -> FloatArray:
    """Unsigned angle between each two of the (d, n, 2) vectors, (d, n, n) degrees."""
    x, y = vectors[..., 0], vectors[..., 1]
    cross = x[:, :, None] * y[:, None, :] - y[:, :, None] * x[:, None, :]
    dot = x[:, :, None] * x[:, None, :] + y[:, :, None] * y[:, None, :]
    return np.asarray(np.degrees(np.arctan2(np.abs(cross), dot)))


def _largest_before(between: FloatArray, each: Indices, row: Indices) -> Indices:
    """For each draw the index, up to ``row``, of the largest angle to the body of that row."""
    values = between[each, row]
    return np.asarray(np.where(np.arange(values.shape[1]) <= row[:, None], values, -1.0).argmax(axis=1))


def _largest_after(between: FloatArray, each: Indices, row: Indices) -> Indices:
    values = between[each, row]
    return np.asarray(np.where(np.arange(values.shape[1]) >= row[:, None], values, -1.0).argmax(axis=1))


def _s_shaped(points: FloatArray) -> BoolArray:
    """The benchmark's shape test on (d, 2n, 2) endplate middles, in the form without a division."""
    offset, chord = points[:, :-2] - points[:, -1:], points[:, 0] - points[:, -1]
    square = (chord * chord).sum(axis=1)
    whole = np.where(square > 0, square, 1.0)
    beside = (offset[..., 1] * chord[:, None, 0] - offset[..., 0] * chord[:, None, 1]) / whole[:, None]
    both = 4 * np.maximum(beside, 0).sum(axis=1) * np.maximum(-beside, 0).sum(axis=1)
    divisors = chord[:, 0] * chord[:, 1] / whole
    return np.asarray((square > 0) & (both > np.maximum(S_THRESHOLD * divisors**2, STRAIGHT)))
