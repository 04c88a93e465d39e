"""Straight lines through the borders of vertebral bodies, least absolute deviations, of all bodies of a film at once.

Numpy takes as long for a body's few hundred points as for those of a whole spine, so they are held together and
numbered by the body and the border that they belong to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinekit.core.image import BoolArray, FloatArray

MARGIN = (
    0.12  # of a border at either end that is left out of a refined line: corners are round, lipped or torn
)
STEPS = 8  # of reweighting in each line

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Four lines in a turned frame: y = slope x + offset above and below, x = slope y + offset at the sides.

    Attributes:
        turn: (2, 2) by which px become coordinates of the frame: ``px @ turn``.
        lines: (4, 2) slope and offset of the superior, inferior, left and right line.
        residuals: (4,) px mean distance of the contour from each.
    """

    turn: FloatArray
    lines: FloatArray
    residuals: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Borders:
    """Points along the four borders of B bodies, numbered 4 body + (superior, inferior, left, right)."""

    border: IntArray  # (N,) of each point
    run: FloatArray  # (N,) px along it
    rise: FloatArray  # (N,) px across it
    counts: IntArray  # (B, 4) points of each border


def four_lines(bodies: Sequence[FloatArray], angles: Sequence[float]) -> list[Fit | None]:
    """The lines of each body's borders in a frame turned by its angle.

    Args:
        bodies: (N, 2) px along the contour of each.
        angles: By which each frame is turned, radians.

    Returns:
        A fit for each body; None where it has no four borders.
    """
    if not bodies:
        return []
    turns = []
    for angle in angles:
        cosine, sine = np.cos(angle), np.sin(angle)
        turns.append(np.array([[cosine, -sine], [sine, cosine]]))
    local = [points @ turn for points, turn in zip(bodies, turns, strict=True)]
    borders, sound = _borders(local)
    lines = _robust_lines(borders, np.repeat(sound, 4)).reshape(-1, 4, 3)
    return [
        None if np.isnan(four).any() else Fit(turn, four[:, :2], four[:, 2])
        for turn, four in zip(turns, lines, strict=True)
    ]


def _borders(local: Sequence[FloatArray]) -> tuple[_Borders, BoolArray]:
    """Points of the borders by their place in the body, and (B,) of which bodies none of the four lacks."""
    low, high = (np.array(ends) for ends in zip(*(_reach(points) for points in local), strict=True))
    whole, body = np.concatenate(local), np.repeat(np.arange(len(local)), [len(points) for points in local])
    wide = (high - low > 1.0).all(axis=1)
    half = np.where(wide[:, None], (high - low) / 2, 1.0)
    x, y = ((whole - ((low + high) / 2)[body]) / half[body]).T
    parts = (
        (np.abs(x) < 0.75) & (y < -0.3),
        (np.abs(x) < 0.75) & (y > 0.3),
        (np.abs(y) < 0.6) & (x < -0.3),
        (np.abs(y) < 0.6) & (x > 0.3),
    )
    found = _gathered(whole, body, parts, len(local))
    return found, np.asarray(wide & (found.counts >= 4).all(axis=1))


def _gathered(local: FloatArray, body: IntArray, parts: Sequence[BoolArray], bodies: int) -> _Borders:
    """The points that four choices make superior, inferior, left and right borders of their bodies."""
    chosen = [np.flatnonzero(part) for part in parts]
    border = np.concatenate([4 * body[points] + side for side, points in enumerate(chosen)])
    run = np.concatenate([local[points, side // 2] for side, points in enumerate(chosen)])
    rise = np.concatenate([local[points, 1 - side // 2] for side, points in enumerate(chosen)])
    return _Borders(border, run, rise, np.bincount(border, minlength=4 * bodies).reshape(-1, 4))


def _reach(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """3 % and 97 % of each column, between two values where it falls between them.

    numpy's own quantiles take longer than all the rest.
    """
    ordered = np.sort(points, axis=0)
    found = []
    for share in (0.03, 0.97):
        place = share * (len(points) - 1)
        below = int(place)
        above = min(below + 1, len(points) - 1)
        found.append(ordered[below] + (place - below) * (ordered[above] - ordered[below]))
    return found[0], found[1]


def refitted(bodies: Sequence[FloatArray], fits: Sequence[Fit | None]) -> list[Fit | None]:
    """The lines anew, each through the points that are nearest to it and well between its ends.

    A strongly wedged body has a short side, of which the first choice by place takes in part of an endplate.

    Args:
        bodies: (N, 2) px along the contour of each.
        fits: Of each so far; None where there is none.

    Returns:
        A fit for each body; None where there was none or its lines run apart.
    """
    crossings = [None if fit is None else crossings_of(fit.lines) for fit in fits]
    here = [index for index, four in enumerate(crossings) if four is not None]
    found: list[Fit | None] = [None] * len(fits)
    held = [
        (fit, four) for fit, four in zip(fits, crossings, strict=True) if fit is not None and four is not None
    ]
    if not held:
        return found
    borders = _nearest_borders(
        [bodies[index] @ fit.turn for index, (fit, _) in zip(here, held, strict=True)],
        np.array([four for _, four in held]),
    )
    lines = _robust_lines(borders, borders.counts.ravel() >= 4).reshape(-1, 4, 3)
    for index, (fit, _), four in zip(here, held, lines, strict=True):
        moved = np.where(np.isnan(four), np.column_stack([fit.lines, fit.residuals]), four)
        found[index] = Fit(fit.turn, moved[:, :2], moved[:, 2])
    return found


def _nearest_borders(local: Sequence[FloatArray], crossings: FloatArray) -> _Borders:
    """The points that belong to each line of B bodies, between its (B, 4, 2) crossings with others."""
    whole, body = np.concatenate(local), np.repeat(np.arange(len(local)), [len(points) for points in local])
    starts = crossings[:, [0, 2, 0, 1]]
    ways = crossings[:, [1, 3, 2, 3]] - starts
    # Each of (N, 4), a point and a line, and all in one piece of memory.
    left, top, right, down = (
        of_line[body] for of_line in (*np.moveaxis(starts, 2, 0), *np.moveaxis(ways, 2, 0))
    )
    across, below = np.ascontiguousarray(whole.T)[..., None]
    share = ((across - left) * right + (below - top) * down) / (ways**2).sum(axis=2)[body]
    along = np.clip(share, 0, 1)
    x, y = across - (left + along * right), below - (top + along * down)
    owner = np.hypot(x, y).argmin(axis=1)
    inner = (share > MARGIN) & (share < 1 - MARGIN)
    return _gathered(whole, body, [(owner == side) & inner[:, side] for side in range(4)], len(local))


def _robust_lines(borders: _Borders, wanted: BoolArray) -> FloatArray:
    """Lines of least absolute deviations, by reweighted least squares, all at once.

    Args:
        borders: Points of 4 B borders.
        wanted: (4 B,) which of them to fit, those of one point at least.

    Returns:
        (4 B, 3) slope, offset and mean distance of each border's points; NaN where that was not wanted or they have
        no extent along it.
    """
    found = np.full((len(wanted), 3), np.nan)
    if not wanted.any():
        return found
    of_wanted = wanted[borders.border]
    order = np.flatnonzero(of_wanted)[np.argsort(borders.border[of_wanted], kind="stable")]
    lengths = borders.counts.ravel()[wanted]
    real = np.arange(lengths.max()) < lengths[:, None]
    run, rise = np.zeros(real.shape), np.zeros(real.shape)
    run[real], rise[real] = borders.run[order], borders.rise[order]
    centre = run.sum(axis=1) / lengths
    run = np.where(real, run - centre[:, None], 0.0)
    terms = np.stack([np.ones_like(run), run, run * run, rise, run * rise], axis=1)
    weight = real.astype(np.float64)
    sound = np.ones(len(lengths), dtype=bool)
    slope = offset = np.zeros(len(lengths))
    for _ in range(STEPS):
        total, first, second, level, mixed = (terms @ weight[..., None])[..., 0].T
        spread = total * second - first * first
        sound &= spread > 1e-12 * np.maximum(total**2, 1e-12)
        spread = np.where(sound, spread, 1.0)
        slope, offset = (total * mixed - first * level) / spread, (second * level - first * mixed) / spread
        away = np.abs(rise - slope[:, None] * run - offset[:, None])
        weight = real / np.maximum(away, 0.05)
    distance = (np.abs(rise - slope[:, None] * run - offset[:, None]) * real).sum(axis=1) / lengths
    lines = np.stack([slope, offset - slope * centre, distance / np.hypot(1.0, slope)], axis=1)
    found[wanted] = np.where(sound[:, None], lines, np.nan)
    return found


def crossings_of(lines: FloatArray) -> FloatArray | None:
    """Where endplate lines cross side lines.

    Args:
        lines: (4, 2) as in `Fit`.

    Returns:
        (4, 2) TL, TR, BL, BR in the same frame; None where they run apart.
    """
    found = []
    upper, lower, *sides = lines.tolist()
    for slope, offset in (upper, lower):
        for lean, shift in sides:
            parting = 1.0 - slope * lean
            if abs(parting) < 0.2:
                return None
            y = (slope * shift + offset) / parting
            found.append((lean * y + shift, y))
    crossings = np.array(found)
    across, down = crossings[[1, 3]] - crossings[[0, 2]], crossings[[2, 3]] - crossings[[0, 1]]
    sound = bool((across[:, 0] > 0).all()) and bool((down[:, 1] > 0).all())
    return crossings if sound else None
