"""The arithmetic of the lateral spine on arrays: heights, discs, slips and angles for all bodies and draws at once.

Points are (..., n, 10, 2) in the order of `spinekit.measures.column`, x to the front, y down; whatever lacks a
point is NaN. Angles are in degrees, + where the front is lower; lordosis is positive,
kyphosis of a single segment negative.
"""

from __future__ import annotations

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.measures.column import IA, IM, IP, LIA, LIP, LSA, LSP, SA, SM, SP


def length(vectors: FloatArray) -> FloatArray:
    """Length of (..., 2) vectors."""
    return np.asarray(np.hypot(vectors[..., 0], vectors[..., 1]))


def tilt(vectors: FloatArray) -> FloatArray:
    """Tilt of (..., 2) vectors that run to the front, + = falling to the front; NaN without length."""
    turned = np.degrees(np.arctan2(vectors[..., 1], vectors[..., 0]))
    return np.where(length(vectors) > 0, turned, np.nan)


def wrapped(degrees: FloatArray) -> FloatArray:
    """Angles brought to (-180, 180]."""
    turned = -((-degrees + 180.0) % 360.0 - 180.0)
    return np.where(turned == -180.0, 180.0, turned)


def plate_tilts(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Tilt of the superior and the inferior endplates, each (..., n)."""
    return (
        tilt(points[..., LSA, :] - points[..., LSP, :]),
        tilt(points[..., LIA, :] - points[..., LIP, :]),
    )


def centroids(points: FloatArray) -> FloatArray:
    """Means of the four corners, (..., n, 2)."""
    return np.asarray(points[..., :4, :].mean(axis=-2))


def share(part: FloatArray, whole: FloatArray) -> FloatArray:
    """A quotient; NaN where it divides by zero."""
    return np.asarray(part / np.where(whole != 0, whole, np.nan))


def body_values(points: FloatArray) -> dict[str, FloatArray]:
    """Heights, their ratios, depth and wedge of each body, (..., n).

    Ha, Hm and Hp join the anterior corners, the contour's middles and the posterior corners; the depth is the mean of
    both endplates; the angle is that from the superior to the inferior endplate, negative where the front is lower.
    """
    front = length(points[..., IA, :] - points[..., SA, :])
    middle = length(points[..., IM, :] - points[..., SM, :])
    back = length(points[..., IP, :] - points[..., SP, :])
    depth = (
        length(points[..., SA, :] - points[..., SP, :]) + length(points[..., IA, :] - points[..., IP, :])
    ) / 2
    top, bottom = plate_tilts(points)
    return {
        "body_height_anterior": _present(front),
        "body_height_middle": _present(middle),
        "body_height_posterior": _present(back),
        "body_ratio_wedge": share(_present(front), back),
        "body_ratio_biconcave": share(_present(middle), back),
        "body_depth": _present(depth),
        "body_angle": wrapped(bottom - top),
    }


def pair_values(points: FloatArray) -> dict[str, FloatArray]:
    """Discs, slips and differences between each body and the next one, (..., n - 1).

    Heights of a disc are distances across the bisector of its two endplates, so that a slip does not lengthen them;
    the index is their mean over the mean depth of the two endplates. The slip is that of the upper body's
    posterior corner along the lower one's superior endplate, + to the front.
    """
    upper, lower = points[..., :-1, :, :], points[..., 1:, :, :]
    above, below = plate_tilts(upper)[1], plate_tilts(lower)[0]
    bisector = np.radians(above + wrapped(below - above) / 2)
    down = np.stack([-np.sin(bisector), np.cos(bisector)], axis=-1)

    def gap(start: FloatArray, end: FloatArray) -> FloatArray:
        return np.asarray(((end - start) * down).sum(axis=-1))

    front, back = gap(upper[..., IA, :], lower[..., SA, :]), gap(upper[..., IP, :], lower[..., SP, :])
    middle = gap(_middle(upper, IM, IP, IA), _middle(lower, SM, SP, SA))
    mean = (front + middle + back) / 3
    plate = lower[..., SA, :] - lower[..., SP, :]
    depth = (length(upper[..., IA, :] - upper[..., IP, :]) + length(plate)) / 2
    along = ((upper[..., IP, :] - lower[..., SP, :]) * plate).sum(axis=-1)
    values = {
        "disc_height_anterior": front,
        "disc_height_middle": middle,
        "disc_height_posterior": back,
        "disc_height_mean": mean,
        "disc_height_index": share(mean, depth),
        "disc_angle": wrapped(below - above),
        "slip": 100.0 * share(along, length(plate) ** 2),
        "neighbour_shift": share(along, length(plate)),
    }
    for name, one in body_values(points).items():
        if name in DIFFERENCES:
            values[DIFFERENCES[name]] = one[..., 1:] - one[..., :-1]
    middles = _mid_tilt(points)
    values["neighbour_angle"] = wrapped(middles[..., 1:] - middles[..., :-1])
    return values


DIFFERENCES = {
    "body_height_anterior": "neighbour_height_anterior",
    "body_height_middle": "neighbour_height_middle",
    "body_height_posterior": "neighbour_height_posterior",
    "body_depth": "neighbour_depth",
}


def _present(lengths: FloatArray) -> FloatArray:
    """Lengths, of which none is zero: two points on one spot measure nothing."""
    return np.where(lengths > 0, lengths, np.nan)


def _middle(points: FloatArray, middle: int, one: int, other: int) -> FloatArray:
    """An endplate's middle on the contour, or between its ends where the contour is not known."""
    contour = points[..., middle, :]
    return np.where(np.isnan(contour), (points[..., one, :] + points[..., other, :]) / 2, contour)


def _mid_tilt(points: FloatArray) -> FloatArray:
    """Tilt of the bodies' mid-lines: halfway between their endplates."""
    top, bottom = plate_tilts(points)
    return np.asarray(top + wrapped(bottom - top) / 2)
