"""Several looks at one film, mirrored and at other sizes, brought together point by point.

The errors of the looks are partly independent, so their mean is closer; decision record 5 has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spinekit.core.image import FloatArray

_SAME = 0.25  # of an instance's diagonal: centres closer than this are the same thing


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What one look at a film gave, in the film's pixel frame.

    Attributes:
        boxes: (N, 4) left, top, right, bottom.
        scores: (N,).
        points: (N, K, 3) x, y, presence.
    """

    boxes: FloatArray
    scores: FloatArray
    points: FloatArray


def unmirrored(look: Look, width: int, flip_index: Sequence[int]) -> Look:
    """A look at the mirrored film, as if it had been at the film itself.

    Args:
        look: In the mirrored film's frame.
        width: Columns of the film.
        flip_index: For each landmark the one that takes its place in the mirror.
    """
    points = look.points[:, list(flip_index)].copy()
    points[..., 0] = width - 1 - points[..., 0]
    boxes = look.boxes.copy()
    boxes[:, [0, 2]] = width - 1 - look.boxes[:, [2, 0]]
    return Look(boxes, look.scores, points)


def merge(looks: Sequence[Look]) -> Look:
    """The mean of several looks, weighted by certainty; what one look alone saw keeps a part of its score.

    Args:
        looks: Of one film.

    Returns:
        One row for each thing seen, most certain first.
    """
    if len(looks) == 1:
        return looks[0]
    rows = [
        (score, number, index) for number, look in enumerate(looks) for index, score in enumerate(look.scores)
    ]
    groups: list[list[tuple[float, int, int]]] = []
    for row in sorted(rows, reverse=True):
        home = _home(row, groups, looks)
        if home is None:
            groups.append([row])
        else:
            home.append(row)
    boxes = [_mean(group, [look.boxes for look in looks]) for group in groups]
    points = [_mean(group, [look.points for look in looks]) for group in groups]
    scores = np.array([sum(row[0] for row in group) / len(looks) for group in groups])
    order = np.argsort(-scores, kind="stable")
    shape = looks[0].points.shape[1:]
    return Look(
        np.array(boxes).reshape(-1, 4)[order], scores[order], np.array(points).reshape(-1, *shape)[order]
    )


def surest(looks: Sequence[Look], instances: int) -> Look:
    """The look that is surest of the most: of a film and its mirror image the one that faces as the training did.

    Args:
        looks: Of one film, each most certain first.
        instances: How many things a film holds at most; what is found beyond them counts for nothing.
    """
    return max(looks, key=lambda look: float(look.scores[:instances].sum()))


def _centre(row: tuple[float, int, int], looks: Sequence[Look]) -> FloatArray:
    return np.asarray(looks[row[1]].points[row[2], :, :2].mean(axis=0))


def _home(
    row: tuple[float, int, int], groups: list[list[tuple[float, int, int]]], looks: Sequence[Look]
) -> list[tuple[float, int, int]] | None:
    """The group of the same thing without an answer of this look yet, the nearest of several."""
    centre = _centre(row, looks)
    extent = float(np.hypot(*np.ptp(looks[row[1]].points[row[2], :, :2], axis=0)))
    near: tuple[float, list[tuple[float, int, int]] | None] = (_SAME * extent, None)
    for group in groups:
        if row[1] in {member[1] for member in group}:
            continue
        distance = float(np.linalg.norm(_centre(group[0], looks) - centre))
        if distance < near[0]:
            near = (distance, group)
    return near[1]


def _mean(group: list[tuple[float, int, int]], values: Sequence[FloatArray]) -> FloatArray:
    weights = [row[0] for row in group]
    return np.asarray(
        np.average([values[number][index] for _, number, index in group], axis=0, weights=weights)
    )
