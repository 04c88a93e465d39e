"""What comes out of a network before it is brought to the film's own pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class RawDetections:
    """N detections on a canvas, most certain first; coordinates start at the canvas' outer corner.

    Attributes:
        boxes: (N, 4) left, top, right, bottom.
        scores: (N,).
        labels: (N,) class indices.
        shares: (N, C) certainty of every class, of which ``scores`` and ``labels`` are the highest.
        points: (N, K, 3) x, y, presence; None for a mask network.
        logits: (N, h/4, w/4) float32 mask logits; None for a pose network.
    """

    boxes: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]
    shares: npt.NDArray[np.float64]
    points: npt.NDArray[np.float64] | None = None
    logits: npt.NDArray[np.float32] | None = None
