"""Points along the outlines of vertebral bodies, at even distances: what lines and corners are looked for in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinekit.core.image import FloatArray
from spinekit.core.outline import Outline, edge_lengths, resampled, ring_area

NEAR_PART = 5.0  # px; parts nearer than this to the largest one belong to the body
SAMPLES = 240  # points on the contour, at least
SMOOTH = 3  # points on either side that the steps of pixels are averaged over before lines are fitted
FEWEST_PX = 30.0  # area below which a mask has no shape

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """The border of one body.

    Attributes:
        points: (N, 2) px along it, a pixel or less apart.
        even: (N, 2) px, the same without the steps between pixels.
        area: px^2 inside, holes filled.
    """

    points: FloatArray
    even: FloatArray
    area: float


def contour_of(outline: Outline) -> Contour | None:
    """The contour of a body: of its largest part and of those within 5 px of it; None for one without shape.

    Args:
        outline: Of one body.
    """
    rings = [ring for ring in outline.rings if len(ring) >= 3 and bool(np.isfinite(ring).all())]
    if not rings:
        return None
    areas = [abs(ring_area(ring)) for ring in rings]
    largest = int(np.argmax(areas))
    if areas[largest] < FEWEST_PX:
        return None
    step = min(1.0, float(edge_lengths(rings[largest]).sum()) / SAMPLES)
    main = resampled(rings[largest], step)
    if len(rings) == 1:
        return Contour(main, _smoothed(main), areas[0])
    kept, even, area = [main], [_smoothed(main)], areas[largest]
    for index, ring in enumerate(rings):
        if index != largest:
            part = resampled(ring, step)
            if _nearest(part, main) <= NEAR_PART:
                kept.append(part)
                even.append(_smoothed(part))
                area += areas[index]
    return Contour(np.concatenate(kept), np.concatenate(even), area)


def _smoothed(points: FloatArray) -> FloatArray:
    """Running mean along a closed way: the steps between pixels even out, corners round off a little."""
    count = len(points)
    around = np.concatenate((points[-SMOOTH:], points, points[:SMOOTH]))
    total = around[:count].copy()
    for shift in range(1, 2 * SMOOTH + 1):
        total += around[shift : shift + count]
    return total / (2 * SMOOTH + 1)


def _nearest(part: FloatArray, main: FloatArray) -> float:
    """Smallest distance between two sets of points."""
    square = ((part[:, None, :] - main[None, :, :]) ** 2).sum(axis=2)
    return float(np.sqrt(square.min()))


def in_rows(contours: Sequence[FloatArray]) -> FloatArray:
    """Points of B bodies in one array, so that they are gone through at once.

    Args:
        contours: (N, 2) px of each.

    Returns:
        (2, B, M) x and y, a row for every body, NaN behind its last point.
    """
    rows = np.full((2, len(contours), max((len(points) for points in contours), default=0)), np.nan)
    for index, points in enumerate(contours):
        rows[:, index, : len(points)] = points.T
    return rows
