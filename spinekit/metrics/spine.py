"""Errors of the three AASCE angles."""

from __future__ import annotations

import numpy as np

from spinekit.core.image import FloatArray

# What a film without any result counts as: the mean of the challenge's training angles.
CONSTANT_ANGLES = (38.74, 19.70, 18.46)


def smape_of_film(predicted: FloatArray, true: FloatArray) -> float:
    """Symmetric absolute percentage error of one film, as in the AASCE 2019 evaluation.

    100 * sum_k |p_k - g_k| / sum_k (p_k + g_k) over the three angles; the challenge's figure is the mean
    over films. 0 where both are all zero.

    Args:
        predicted: (3,) degrees.
        true: (3,) degrees.
    """
    total = float(np.sum(predicted + true))
    return 100 * float(np.sum(np.abs(predicted - true))) / total if total else 0.0


def circular_mean_error(predicted: FloatArray, true: FloatArray) -> float:
    """Circular mean of the absolute differences of angles, degrees (CMAE).

    Args:
        predicted: (N,) degrees.
        true: (N,) degrees.
    """
    difference = np.radians(np.abs(predicted - true))
    return float(np.degrees(np.arctan2(np.sin(difference).sum(), np.cos(difference).sum())))
