"""Vertebral bodies found and missed, and how far their corners are off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spinekit.core.image import FloatArray

_FAR = 1e9


@dataclass(frozen=True, slots=True, eq=False)
class BodyMatch:
    """Which predicted body answers which true one.

    Attributes:
        pairs: (M, 2) indices: true, predicted.
        missed: True bodies without an answer.
        extra: Predicted bodies that answer none.
        corner_errors: (M, 4) distances of the corners of the pairs, in the unit of the coordinates.
    """

    pairs: tuple[tuple[int, int], ...]
    missed: int
    extra: int
    corner_errors: FloatArray


def match_bodies(predicted: FloatArray, true: FloatArray) -> BodyMatch:
    """Pairs bodies one to one: found is a body inside whose quadrilateral a predicted centre lies.

    As many as possible are paired; among those ways the one with the smallest sum of centre distances.

    Args:
        predicted: (P, 4, 2) corners TL, TR, BL, BR.
        true: (T, 4, 2) likewise.
    """
    predicted, true = predicted.reshape(-1, 4, 2), true.reshape(-1, 4, 2)
    pairs = match_centres(predicted.mean(axis=1), [quad[[0, 1, 3, 2]] for quad in true], true.mean(axis=1))
    errors = [np.linalg.norm(predicted[c] - true[r], axis=1) for r, c in pairs]
    return BodyMatch(
        pairs, len(true) - len(pairs), len(predicted) - len(pairs), np.array(errors).reshape(-1, 4)
    )


def match_centres(
    centres: FloatArray, rings: Sequence[FloatArray], middles: FloatArray
) -> tuple[tuple[int, int], ...]:
    """Pairs predicted centres with the true shapes they lie in, one to one.

    As many as possible are paired; among those ways the one with the smallest sum of distances to the middles.

    Args:
        centres: (P, 2) of the predicted things.
        rings: T borders of the true ones, each (N, 2).
        middles: (T, 2) of the true ones.

    Returns:
        Indices: true, predicted.
    """
    cost = np.full((len(rings), len(centres)), _FAR)
    for row, ring in enumerate(rings):
        inside = _inside(centres, ring)
        cost[row, inside] = np.linalg.norm(centres[inside] - middles[row], axis=1)
    # Slow to load, and the reading of films comes by this package too.
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(cost)
    return tuple((int(r), int(c)) for r, c in zip(rows, columns, strict=True) if cost[r, c] < _FAR)


def _inside(points: FloatArray, ring: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(N,) whether points lie in a polygon, by the even-odd rule."""
    inside = np.zeros(len(points), dtype=bool)
    for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        spans = (points[:, 1] >= min(y0, y1)) & (points[:, 1] < max(y0, y1))
        crossing = x0 + (points[:, 1] - y0) * (x1 - x0) / (y1 - y0)
        inside ^= spans & (crossing > points[:, 0])
    return inside
