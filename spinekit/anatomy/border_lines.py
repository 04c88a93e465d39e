"""Straight lines through the borders of vertebral bodies, least absolute deviations, of all bodies of a film at once.

Numpy takes as long for a body's few hundred points as for those of a whole spine, so they are held together: a row
for every body, NaN behind its last point. No comparison holds of NaN, so what lies there belongs to no border.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spinekit.core.image import BoolArray, FloatArray

MARGIN = (
    0.12  # of a border at either end that is left out of a refined line: corners are round, lipped or torn
)
STEPS = 8  # of reweighting in each line
FEWEST = 4  # points that a border is fitted to
_FLAT = 1e-12  # px^2; points that spread less along a border tell no slope

IntArray = npt.NDArray[np.intp]

# Where each border (superior, inferior, left, right) begins and ends, among TL, TR, BL, BR.
_STARTS, _ENDS = [0, 2, 0, 1], [1, 3, 2, 3]


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """Four lines of each of B bodies in a turned frame; NaN where a body has no four borders.

    y = slope x + offset above and below, x = slope y + offset at the sides.

    Attributes:
        angles: (B,) radians by which the frames are turned; see `turned`.
        lines: (B, 4, 2) slope and offset of the superior, inferior, left and right line.
        residuals: (B, 4) px mean distance of the contour from each.
    """

    angles: FloatArray
    lines: FloatArray
    residuals: FloatArray

    def of(self, rows: IntArray | BoolArray) -> Fits:
        """Those of some bodies."""
        return Fits(self.angles[rows], self.lines[rows], self.residuals[rows])


def turned(points: FloatArray, angles: FloatArray) -> FloatArray:
    """Points of B bodies in frames that are turned by an angle each; by the opposite angle they come back.

    Args:
        points: (2, B, M) px, x and y.
        angles: (B,) radians.
    """
    (x, y), cosine, sine = points, np.cos(angles)[:, None], np.sin(angles)[:, None]
    local = np.empty_like(points)
    local[0], local[1] = x * cosine + y * sine, y * cosine - x * sine
    return local


def plate_tilts(points: FloatArray, counts: IntArray, angles: FloatArray) -> FloatArray:
    """(B,) radians by which the mean endplate still leans in a frame; NaN for a body without four borders.

    Args:
        points: (2, B, M) px along the contours, NaN behind the last of each.
        counts: (B,) of the points.
        angles: (B,) by which each frame is turned, radians.
    """
    local = turned(points, angles)
    parts, whole = _by_place(local, counts)
    slopes = _robust_lines(local, parts[:, :2])[:, :, 0]
    return np.where(whole, np.arctan(slopes).sum(axis=1) / 2, np.nan)


def four_lines(points: FloatArray, counts: IntArray, angles: FloatArray) -> Fits:
    """The lines of each body's borders in a frame turned by its angle.

    Args:
        points: (2, B, M) px along the contours, NaN behind the last of each.
        counts: (B,) of the points.
        angles: (B,) by which each frame is turned, radians.
    """
    local = turned(points, angles)
    parts, whole = _by_place(local, counts)
    lines = _robust_lines(local, parts)
    lines[~whole | np.isnan(lines).any(axis=(1, 2))] = np.nan
    return Fits(angles, lines[..., :2], lines[..., 2])


def _by_place(local: FloatArray, counts: IntArray) -> tuple[BoolArray, BoolArray]:
    """(B, 4, M) points of the borders by their place in the body, and (B,) of which bodies none of the four lacks."""
    low, high = _reach(local, counts)
    wide = (high - low > 1.0).all(axis=0)
    half = np.where(wide, (high - low) / 2, 1.0)
    x, y = (local - ((low + high) / 2)[..., None]) / half[..., None]
    middle, side = np.abs(x) < 0.75, np.abs(y) < 0.6
    parts = np.stack([middle & (y < -0.3), middle & (y > 0.3), side & (x < -0.3), side & (x > 0.3)], axis=1)
    return parts, wide & (parts.sum(axis=2) >= FEWEST).all(axis=1)


def _reach(points: FloatArray, counts: IntArray) -> tuple[FloatArray, FloatArray]:
    """(2, B) 3 % and 97 % of each body's columns, between two values where it falls between them.

    numpy's own quantiles take longer than all the rest.
    """
    ordered, bodies = np.sort(points, axis=2), np.arange(len(counts))
    found = []
    for share in (0.03, 0.97):
        place = share * (counts - 1)
        below = place.astype(np.intp)
        lower = ordered[:, bodies, below]
        upper = ordered[:, bodies, np.minimum(below + 1, counts - 1)]
        found.append(lower + (place - below) * (upper - lower))
    return found[0], found[1]


def refitted(points: FloatArray, fits: Fits, rounds: int) -> Fits:
    """The lines anew, each through the points that are nearest to it and well between its ends, round after round.

    A strongly wedged body has a short side, of which the first choice by place takes in part of an endplate. A body
    whose lines are given the same points again is done: its lines would come out the same.

    Args:
        points: (2, B, M) px along the contours, NaN behind the last of each.
        fits: Of each so far.
        rounds: Of choosing points and fitting, at the most.

    Returns:
        The fits; NaN where there was none or lines ran apart on the way.
    """
    found = replace(fits, lines=fits.lines.copy(), residuals=fits.residuals.copy())
    local = turned(points, fits.angles)
    before = np.zeros((points.shape[1], 4, points.shape[2]), dtype=bool)
    moving = np.arange(points.shape[1])
    for _ in range(rounds):
        crossings = crossings_of(found.lines[moving])
        parts = _nearest(local[:, moving], crossings)
        lost = np.isnan(crossings).any(axis=(1, 2))
        found.lines[moving[lost]] = found.residuals[moving[lost]] = np.nan
        anew = np.asarray(~lost & (parts != before[moving]).any(axis=(1, 2)))
        moving, parts = moving[anew], parts[anew]
        if not moving.size:
            break
        before[moving] = parts
        lines = _robust_lines(local[:, moving], parts)
        fitted = np.asarray(~np.isnan(lines).any(axis=2))
        found.lines[moving] = np.where(fitted[..., None], lines[..., :2], found.lines[moving])
        found.residuals[moving] = np.where(fitted, lines[..., 2], found.residuals[moving])
    return found


def _nearest(local: FloatArray, crossings: FloatArray) -> BoolArray:
    """(B, 4, M) the points that belong to each line of B bodies, between its (B, 4, 2) crossings with others."""
    squares, inner = [], []
    for start, end in zip(_STARTS, _ENDS, strict=True):
        way = crossings[:, end] - crossings[:, start]
        length = np.hypot(way[:, 0], way[:, 1])[:, None]
        right, down = way[:, :1] / length, way[:, 1:] / length
        x, y = local[0] - crossings[:, start, :1], local[1] - crossings[:, start, 1:]
        along, across = x * right + y * down, x * down - y * right
        beyond = along - np.minimum(np.maximum(along, 0.0), length)
        squares.append(across * across + beyond * beyond)
        inner.append((along > MARGIN * length) & (along < (1 - MARGIN) * length))
    closest = np.min(squares, axis=0)
    found = [(square == closest) & within for square, within in zip(squares, inner, strict=True)]
    return np.stack(found, axis=1)


def _robust_lines(local: FloatArray, parts: BoolArray) -> FloatArray:
    """Lines of least absolute deviations, by reweighted least squares, all at once.

    Args:
        local: (2, B, M) points of B bodies in their frames.
        parts: (B, S, M) which of them belong to each of the first S borders (superior, inferior, left, right).

    Returns:
        (B, S, 3) slope, offset and mean distance of each border's points; NaN where they are too few or have no
        extent along it.
    """
    run, rise, held = _gathered(local, parts)
    counts = held.sum(axis=1)
    centre = run.sum(axis=1) / np.maximum(counts, 1.0)
    run = (run - centre[:, None]) * held
    rows = np.flatnonzero((counts >= FEWEST) & ((run * run).sum(axis=1) > _FLAT * counts))
    run, rise, held = run[rows], rise[rows], held[rows]
    terms = np.empty((len(rows), 5, run.shape[1]))
    terms[:, 0] = 1.0
    for place, term in enumerate((run, run * run, rise, run * rise), 1):
        terms[:, place] = term
    slope = offset = np.zeros(len(rows))
    weight = away = held
    for _ in range(STEPS):
        moments = (terms @ weight[..., None])[..., 0].T
        first, second, level, mixed = moments[1:] / moments[0]  # weighted means
        slope = (mixed - first * level) / (second - first * first)
        offset = level - slope * first
        away = np.abs(rise - slope[:, None] * run - offset[:, None])
        weight = held / np.maximum(away, 0.05)
    distance = (away * held).sum(axis=1) / counts[rows]
    lines = np.full((len(counts), 3), np.nan)
    lines[rows, 0], lines[rows, 1] = slope, offset - slope * centre[rows]
    lines[rows, 2] = distance / np.hypot(1.0, slope)
    return lines.reshape(*parts.shape[:2], 3)


def _gathered(local: FloatArray, parts: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(B S, K) px along and across S borders, and 1 for each of the K that is a point: zeros fill up the rows."""
    counts = parts.sum(axis=2).reshape(-1)
    real = np.arange(counts.max(initial=0)) < counts[:, None]
    chosen = np.flatnonzero(parts)
    run, rise = np.zeros(real.shape), np.zeros(real.shape)
    for found, (level, upright) in ((run, local), (rise, local[::-1])):
        # Along an endplate runs x, along a side y.
        values = np.empty(parts.shape)
        values[:, :2], values[:, 2:] = level[:, None], upright[:, None]
        found[real] = values.reshape(-1)[chosen]
    return run, rise, real.astype(np.float64)


def crossings_of(lines: FloatArray) -> FloatArray:
    """Where endplate lines cross side lines.

    Args:
        lines: (B, 4, 2) as in `Fits`.

    Returns:
        (B, 4, 2) TL, TR, BL, BR in the same frames; NaN for a body of which they run apart.
    """
    (slope, offset), (lean, shift) = (
        np.moveaxis(lines[:, :2, None], 3, 0),
        np.moveaxis(lines[:, None, 2:], 3, 0),
    )
    parting = 1.0 - slope * lean
    apart = np.abs(parting) < 0.2
    y = (slope * shift + offset) / np.where(apart, 1.0, parting)
    crossings = np.empty((len(lines), 4, 2))
    crossings[..., 0], crossings[..., 1] = (lean * y + shift).reshape(-1, 4), y.reshape(-1, 4)
    across = crossings[:, [1, 3], 0] - crossings[:, [0, 2], 0]
    down = crossings[:, [2, 3], 1] - crossings[:, [0, 1], 1]
    sound = ~apart.any(axis=(1, 2)) & (across > 0).all(axis=1) & (down > 0).all(axis=1)
    return np.where(sound[:, None, None], crossings, np.nan)
