"""Smooth random bendings that never fold, and the way back from a bent place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import map_coordinates

from spinekit.core.image import FloatArray

_STEEPEST = (
    0.3  # of a displacement, px per px and component; below 0.5 the way back converges and nothing folds
)
_ROUNDS = 24  # 0.6 ** 24 leaves a hundred-thousandth of a pixel of any displacement


def random_bending(
    height: int, width: int, rng: np.random.Generator, strength: float, grain: float
) -> Callable[[FloatArray], FloatArray]:
    """A function that moves (N, 2) points by a smooth random field.

    The field is a uniform cubic B-spline with normally distributed coefficients; where they would fold the
    image they are made smaller as a whole.

    Args:
        height: Rows of the image.
        width: Columns.
        rng: Source of chance.
        strength: Standard deviation of the coefficients, px.
        grain: Distance between the spline's knots, px.
    """
    knots = (2, int(np.ceil(height / grain)) + 3, int(np.ceil(width / grain)) + 3)
    coefficients = rng.normal(0.0, strength, knots)
    steepest = max(float(np.abs(np.diff(coefficients, axis=axis)).max()) for axis in (1, 2)) / grain
    coefficients *= min(1.0, _STEEPEST / steepest) if steepest > 0 else 1.0

    def bend(xy: FloatArray) -> FloatArray:
        moved = np.full_like(xy, np.nan)
        there = ~np.isnan(xy).any(axis=1)
        places = xy[there, ::-1].T / grain + 1.0
        for axis in (0, 1):
            shift = map_coordinates(coefficients[axis], places, order=3, mode="nearest", prefilter=False)
            moved[there, axis] = xy[there, axis] + shift
        return moved

    return bend


def unbend(bend: Callable[[FloatArray], FloatArray], xy: FloatArray) -> FloatArray:
    """The (N, 2) points that ``bend`` moves to ``xy``, by fixed-point steps."""
    found = xy.copy()
    for _ in range(_ROUNDS):
        miss = xy - bend(found)
        found += miss
        if float(np.abs(miss).max(initial=0.0)) < 1e-4:
            break
    return found
