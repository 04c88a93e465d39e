"""What comes out of a network before it is brought to the film's own pixels: decoding and suppression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]

_MOST = 100  # detections on a film


@dataclass(frozen=True, slots=True, eq=False)
class RawDetections:
    """N detections on a canvas, most certain first; coordinates start at the canvas' outer corner.

    Attributes:
        boxes: (N, 4) left, top, right, bottom.
        scores: (N,).
        labels: (N,) class indices.
        shares: (N, C) certainty of every class, of which ``scores`` and ``labels`` are the highest.
        points: (N, K, 3) x, y, presence; None for a mask network.
        coefficients: (N, E) parts of the prototypes that make each mask; None for other networks.
        prototypes: (E, h/4, w/4); None likewise.
    """

    boxes: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]
    shares: npt.NDArray[np.float64]
    points: npt.NDArray[np.float64] | None = None
    coefficients: Float32Array | None = None
    prototypes: Float32Array | None = None


def detections(
    answers: Sequence[Float32Array], classes: int, points: int, score: float, overlap: float
) -> list[RawDetections]:
    """What the answers of a pose, mask or box network say of each picture of a batch.

    Args:
        answers: Of a ``yolo`` network, see `spinekit.models.networks`.
        classes: C.
        points: K landmarks of an instance; 0 for a network of masks or boxes.
        score: Candidates must be more certain.
        overlap: Class-agnostic suppression above this intersection over union.
    """
    prototypes = answers[1] if len(answers) > 1 else [None] * len(answers[0])
    return [
        _of_picture(values, proto, classes, points, score, overlap)
        for values, proto in zip(answers[0], prototypes, strict=True)
    ]


def _of_picture(
    values: Float32Array,
    prototypes: Float32Array | None,
    classes: int,
    points: int,
    score: float,
    overlap: float,
) -> RawDetections:
    """Of one picture: (4 + C + E, A) values of all anchors."""
    certain = values[4 : 4 + classes]
    candidates = np.flatnonzero(certain.max(axis=0) > score)
    centres, sizes = values[:2, candidates].T, values[2:4, candidates].T
    boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    kept = suppressed(boxes, certain[:, candidates].max(axis=0), overlap)[:_MOST]
    rows = candidates[kept]
    shares = certain[:, rows].T.astype(np.float64)
    further = values[4 + classes :, rows].T
    return RawDetections(
        boxes[kept].astype(np.float64),
        shares.max(axis=1, initial=0.0),
        shares.argmax(axis=1) if len(rows) else np.zeros(0, np.int64),
        shares,
        # Named, not -1: a film on which nothing is found leaves no rows to divide by.
        further.astype(np.float64).reshape(len(rows), points, further.shape[1] // points) if points else None,
        further if prototypes is not None else None,
        prototypes,
    )


def suppressed(boxes: Float32Array, scores: Float32Array, overlap: float) -> npt.NDArray[np.intp]:
    """Which boxes stay when of each pair that overlaps too much only the more certain one may (greedily).

    Args:
        boxes: (N, 4) left, top, right, bottom.
        scores: (N,).
        overlap: Largest intersection over union of two that stay.

    Returns:
        Their indices, most certain first.
    """
    order = np.argsort(-scores, kind="stable")
    left, top, right, bottom = boxes[order].T
    area = (right - left) * (bottom - top)
    alive = np.ones(len(order), dtype=bool)
    stay = []
    for row in range(len(order)):
        if not alive[row]:
            continue
        stay.append(row)
        if len(stay) == _MOST:
            break
        rest = slice(row + 1, None)
        wide = np.minimum(right[row], right[rest]) - np.maximum(left[row], left[rest])
        high = np.minimum(bottom[row], bottom[rest]) - np.maximum(top[row], top[rest])
        both = np.maximum(wide, 0) * np.maximum(high, 0)
        # Multiplied out, since of two empty boxes the quotient is no number.
        alive[rest] &= both <= overlap * (area[row] + area[rest] - both)
    return np.asarray(order[stay], dtype=np.intp)
