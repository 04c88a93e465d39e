"""Agreement of masks."""

from __future__ import annotations

import numpy as np

from spinekit.core.image import BoolArray


def dice(predicted: BoolArray, true: BoolArray) -> float:
    """2 |P and T| / (|P| + |T|); 1 where both are empty.

    Args:
        predicted: (H, W).
        true: (H, W).
    """
    total = int(predicted.sum()) + int(true.sum())
    return 2 * int((predicted & true).sum()) / total if total else 1.0


def intersection_over_union(predicted: BoolArray, true: BoolArray) -> float:
    """|P and T| / |P or T| (Jaccard); 1 where both are empty.

    Args:
        predicted: (H, W).
        true: (H, W).
    """
    union = int((predicted | true).sum())
    return int((predicted & true).sum()) / union if union else 1.0


def pixel_accuracy(predicted: BoolArray, true: BoolArray) -> float:
    """Share of pixels that agree; misleading where one class is rare, so read it beside `dice`.

    Args:
        predicted: (H, W).
        true: (H, W).
    """
    return float(np.mean(predicted == true))
