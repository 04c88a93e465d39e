"""Corners and endplate middles on the contours of vertebral bodies whose four lines are known, all bodies at once."""

from __future__ import annotations

import numpy as np

from spinekit.anatomy.border_lines import IntArray
from spinekit.core.image import BoolArray, FloatArray

SNAP = 0.16  # widths around a crossing in which its corner is looked for
SHARP = 1.0  # px that pixels may take from a sharp corner or add to it
SHARP_SHARE = 0.03  # the same in widths
LEGS = 0.12  # widths of contour on either side of a tip that tell where it would be without pixels
WINDOW = 0.05  # widths on either side of the middle in which the middle of an endplate is read
_LEG_BEGINS = 2  # points from the tip: nearer ones are rounded by pixels
_SHORTEST_LEG = 6  # points from the tip to the end of a leg, at least
_PARALLEL = 0.3  # sine of the angle below which two legs have no corner between them


def widths_of(crossings: FloatArray) -> FloatArray:
    """(B,) px from the middle of the left side to that of the right.

    Args:
        crossings: (B, 4, 2) px TL, TR, BL, BR.
    """
    return np.asarray(np.linalg.norm(_right(crossings) - _left(crossings), axis=1))


def _left(corners: FloatArray) -> FloatArray:
    return np.asarray(corners[:, [0, 2]].mean(axis=1))


def _right(corners: FloatArray) -> FloatArray:
    return np.asarray(corners[:, [1, 3]].mean(axis=1))


def snapped(
    local: FloatArray, counts: IntArray, crossings: FloatArray, widths: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Corners on the contour, and the distances of the crossings from it.

    A crossing that pixels alone keep from the contour is the corner. Otherwise the corner is the contour point near
    it that lies farthest outwards: waisted and hollow bodies and lips reach beyond it, rounded ones stay behind.

    Args:
        local: (2, B, M) px along the contours, NaN behind the last of each.
        counts: (B,) of the points.
        crossings: (B, 4, 2) px TL, TR, BL, BR.
        widths: (B,) px.

    Returns:
        (B, 4, 2) and (B, 4) px.
    """
    outward = crossings - crossings[:, ::-1]  # from the corner across the body
    outward = outward / np.hypot(outward[..., 0], outward[..., 1])[..., None]
    gaps, farthest, tips = np.empty(crossings.shape[:2]), np.empty(crossings.shape[:2]), []
    for corner in range(4):
        x, y = local - crossings[:, corner].T[..., None]
        square = x * x + y * y
        gaps[:, corner] = np.sqrt(np.fmin.reduce(square, axis=1))
        near = square <= (SNAP * widths[:, None]) ** 2
        reach = np.where(near, x * outward[:, corner, :1] + y * outward[:, corner, 1:], -np.inf)
        farthest[:, corner] = reach.max(axis=1)
        tips.append(reach.argmax(axis=1))
    slack = np.maximum(1.5 * SHARP, SHARP_SHARE * widths)[:, None]
    blunt = (farthest > -np.inf) & ~((farthest <= SHARP) & (gaps <= slack))
    corners = crossings.copy()
    bodies, which = np.nonzero(blunt)
    corners[bodies, which] = _sharpened(local, counts, bodies, np.stack(tips)[which, bodies], widths[bodies])
    return corners, gaps


def _sharpened(
    local: FloatArray, counts: IntArray, bodies: IntArray, tips: IntArray, widths: FloatArray
) -> FloatArray:
    """(T, 2) tips of contours where the borders on either side meet: pixels blunt a sharp one by up to two."""
    blunt = local[:, bodies, tips].T
    ends = np.maximum(_SHORTEST_LEG, np.rint(LEGS * widths)).astype(np.intp)
    room = counts[bodies] >= 4 * ends
    steps = np.arange(_LEG_BEGINS, ends[room].max(initial=_SHORTEST_LEG))
    there = (steps < ends[:, None])[:, None]  # (T, 1, L)
    places = tips[:, None, None] + np.array([[-1], [1]]) * steps
    legs = local[:, bodies[:, None, None], np.mod(places, counts[bodies][:, None, None])]  # (2, T, 2 legs, L)
    middles = (legs * there).sum(axis=3) / there.sum(axis=2)
    (before, after), between = (
        _directions(legs - middles[..., None], there),
        middles[:, :, 1] - middles[:, :, 0],
    )
    parting = _cross(before, after)
    meets = np.abs(parting) >= _PARALLEL
    step = _cross(between, after) / np.where(meets, parting, 1.0)
    met = (middles[:, :, 0] + step * before).T
    near = np.hypot(*(met - blunt).T) <= np.maximum(3.0, SHARP_SHARE * widths)
    return np.where((room & meets & near)[:, None], met, blunt)


def _directions(legs: FloatArray, there: BoolArray) -> FloatArray:
    """(2 legs, 2, T) the way that the points of each leg spread along most, by their moments about their mean."""
    x, y = legs * there
    along, across, mixed = (x * x).sum(axis=2), (y * y).sum(axis=2), (x * y).sum(axis=2)
    angle = np.arctan2(2 * mixed, along - across).T / 2
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _cross(one: FloatArray, other: FloatArray) -> FloatArray:
    """(T,) of (2, T) vectors each."""
    return np.asarray(one[0] * other[1] - one[1] * other[0])


def middles_of(local: FloatArray, corners: FloatArray, widths: FloatArray) -> FloatArray:
    """The upper and lower contour halfway between the sides, along the perpendicular there.

    Args:
        local: (2, B, M) px along the contours, NaN behind the last of each.
        corners: (B, 4, 2) px TL, TR, BL, BR.
        widths: (B,) px.

    Returns:
        (B, 2, 2) px; NaN where the contour does not pass there.
    """
    left, right = _left(corners), _right(corners)
    centre, across = (left + right) / 2, right - left
    along = (across / np.linalg.norm(across, axis=1, keepdims=True)).T[..., None]
    x, y = local - centre.T[..., None]
    beside, height = x * along[0] + y * along[1], y * along[0] - x * along[1]  # down
    near = np.abs(beside) <= np.maximum(WINDOW * widths, 1.0)[:, None]
    found = [_medians(height, near & (height < 0)), _medians(height, near & (height > 0))]
    upright = np.stack([-along[1], along[0]], axis=1)[..., 0]
    return np.stack([centre + heights[:, None] * upright for heights in found], axis=1)


def _medians(values: FloatArray, chosen: BoolArray) -> FloatArray:
    """(B,) the middle one of the chosen values of each row, NaN where none is; numpy's own takes much longer."""
    counts = chosen.sum(axis=1)
    held = np.full((len(values), max(int(counts.max(initial=0)), 1)), np.nan)
    held[np.arange(held.shape[1]) < counts[:, None]] = values[chosen]
    ordered, rows = np.sort(held, axis=1), np.arange(len(values))
    return np.asarray(
        (ordered[rows, np.maximum(counts - 1, 0) // 2] + ordered[rows, counts // 2 * (counts > 0)]) / 2
    )
