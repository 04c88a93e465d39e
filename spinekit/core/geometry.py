"""Plane geometry on arrays.

Frame: x right, y down, pixel centres at integers. Angles are in degrees. Functions here neither know
nor ask for a unit: give them calibrated coordinates (see `calibrated`), since an angle too is wrong
when pixels are not square.
"""

from __future__ import annotations

import numpy as np

from spinekit.core.image import FloatArray, ImageRef


def calibrated(xy: FloatArray, ref: ImageRef) -> FloatArray:
    """Pixel coordinates in millimetres, or in isotropic pixels (columns) where the spacing is unknown.

    Args:
        xy: (..., 2) pixel coordinates.
        ref: The image they belong to.

    Returns:
        (..., 2) coordinates in ``ref.unit``.
    """
    if ref.spacing is not None:
        return np.asarray(xy * np.array([ref.spacing.col_mm, ref.spacing.row_mm]))
    return np.asarray(xy * np.array([1.0, ref.aspect]))


def wrap(degrees: float) -> float:
    """An angle brought to (-180, 180]."""
    turned = -((-degrees + 180.0) % 360.0 - 180.0)
    return 180.0 if turned == -180.0 else turned


def fold(degrees: float) -> float:
    """The tilt of an undirected line brought to (-90, 90]."""
    folded = -((-degrees + 90.0) % 180.0 - 90.0)
    return 90.0 if folded == -90.0 else folded


def direction(start: FloatArray, end: FloatArray) -> float:
    """Direction from ``start`` to ``end`` (each (2,)), degrees in (-180, 180], + turns right side down."""
    return float(np.degrees(np.arctan2(end[1] - start[1], end[0] - start[0])))


def angle_at(vertex: FloatArray, first: FloatArray, second: FloatArray) -> float:
    """Unsigned angle at ``vertex`` between the rays to ``first`` and ``second`` (each (2,)), degrees.

    Raises:
        ValueError: If a ray has no length.
    """
    a, b = first - vertex, second - vertex
    if not a.any() or not b.any():
        raise ValueError("two of the points coincide")
    cross = a[0] * b[1] - a[1] * b[0]
    return float(np.degrees(np.arctan2(abs(cross), a @ b)))
