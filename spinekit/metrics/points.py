"""Landmark errors: mean radial error and success detection rate (ISBI 2014/15 conventions)."""

from __future__ import annotations

import numpy as np

from spinekit.core.image import FloatArray


def radial_errors(predicted: FloatArray, true: FloatArray) -> FloatArray:
    """Euclidean distances, in the unit of the coordinates.

    Args:
        predicted: (K, 2); NaN where absent.
        true: (K, 2); NaN where not labelled.

    Returns:
        (K,) distances; NaN where not labelled, infinite where labelled but not predicted.
    """
    distance = np.linalg.norm(predicted - true, axis=1)
    labelled = ~np.isnan(true).any(axis=1)
    absent = np.isnan(predicted).any(axis=1)
    return np.where(labelled, np.where(absent, np.inf, distance), np.nan)


def success_rate(errors: FloatArray, within: float) -> float:
    """Share (%) of labelled points with an error below ``within``; absent points count as failures.

    Args:
        errors: Of `radial_errors`, any shape.
        within: Strict bound in the same unit (2, 2.5, 3 and 4 mm are customary).

    Raises:
        ValueError: If no point is labelled.
    """
    labelled = errors[~np.isnan(errors)]
    if labelled.size == 0:
        raise ValueError("no point is labelled")
    return float(100 * np.mean(labelled < within))
