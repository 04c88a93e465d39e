"""A round brush on pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from spinekit.core.image import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """One stroke on a semantic answer.

    Attributes:
        way: (N, 2) centres of the brush one after the other, px.
        radius: Of the brush, px.
        label: Index of the class that is painted.
    """

    way: FloatArray
    radius: float
    label: int


def painted(way: FloatArray, radius: float, height: int, width: int) -> BoolArray:
    """The pixels whose centres lie within a radius of a way.

    Args:
        way: (N, 2) px, N >= 1; from point to point in a straight line.
        radius: px.
        height: Rows.
        width: Columns.

    Returns:
        (height, width) bool.
    """
    found = np.zeros((height, width), dtype=bool)
    starts, ends = (way[:-1], way[1:]) if len(way) > 1 else (way, way)
    for (ax, ay), (bx, by) in zip(starts, ends, strict=True):
        top = max(0, math.floor(min(ay, by) - radius))
        bottom = min(height, math.ceil(max(ay, by) + radius) + 1)
        left = max(0, math.floor(min(ax, bx) - radius))
        right = min(width, math.ceil(max(ax, bx) + radius) + 1)
        if bottom <= top or right <= left:
            continue
        y, x = np.mgrid[top:bottom, left:right].astype(np.float64)
        dx, dy = bx - ax, by - ay
        length = dx * dx + dy * dy
        along = np.clip(((x - ax) * dx + (y - ay) * dy) / length, 0.0, 1.0) if length > 0 else 0.0
        near = (x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2 <= radius**2
        found[top:bottom, left:right] |= near
    return found
