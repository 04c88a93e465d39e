"""One answer out of those of several readers: points averaged, with their spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spinekit.core.errors import UsageError
from spinekit.core.image import FloatArray
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.scene import Box, Instance, Scene


def mean_of_readers(scene: Scene) -> Scene:
    """The scene with the instances of several readers merged.

    Instances of one label are paired across readers so that the sum of distances between their middles is
    least; two whose middles lie farther apart than half the size of either are not the same thing. Each
    point is the mean of the readers who placed it, its spread their standard deviation (of a sample), and it
    counts as visible if one of them saw it.

    Args:
        scene: Of one image; returned as it is where fewer than two readers speak.

    Returns:
        The merged scene; what fewer readers placed than took part is told in its notes.

    Raises:
        UsageError: If instances have outlines, whose mean is not defined.
    """
    readers = list(dict.fromkeys(item.reader for item in scene.instances if item.reader is not None))
    if len(readers) < 2:
        return scene
    merged: list[Instance] = []
    notes: list[str] = []
    for same in _matched(scene.instances, readers):
        item, remarks = _mean(same, len(readers), scene.image.name)
        merged.append(item)
        notes += remarks
    rank = {level: index for index, level in enumerate(scene.schema.levels)}
    merged.sort(key=lambda item: rank.get(item.label, len(rank)))
    notes.append(f"mean of {len(readers)} readers: {', '.join(readers)}")
    return replace(scene, instances=tuple(merged), notes=(*scene.notes, *notes))


def _matched(instances: Sequence[Instance], readers: Sequence[str]) -> list[list[Instance]]:
    """Lists of instances that are the same thing, of at most one from each reader."""
    same = [[item] for item in instances if item.reader is None]
    for label in dict.fromkeys(item.label for item in instances if item.reader is not None):
        things: list[list[Instance]] = []
        for reader in readers:
            theirs = [item for item in instances if item.label == label and item.reader == reader]
            _join(things, theirs)
        same += things
    return same


def _join(things: list[list[Instance]], theirs: list[Instance]) -> None:
    """Adds a reader's instances to the things that they are, or as new things."""
    from scipy.optimize import linear_sum_assignment  # half a second, and only several readers need it

    taken: set[int] = set()
    if things and theirs:
        middles = np.array([np.mean([_middle(item) for item in thing], axis=0) for thing in things])
        apart = np.linalg.norm(middles[:, None] - np.array([_middle(item) for item in theirs])[None], axis=2)
        alone = len(things) == len(theirs) == 1
        for row, column in zip(*linear_sum_assignment(apart), strict=True):
            size = max(_size(things[row][0]), _size(theirs[column]))
            if alone or apart[row, column] <= size / 2:
                things[row].append(theirs[column])
                taken.add(int(column))
    things += [[item] for index, item in enumerate(theirs) if index not in taken]


def _mean(same: list[Instance], readers: int, image: str) -> tuple[Instance, list[str]]:
    """The mean of instances that are the same thing, and what is to be said about it."""
    first = same[0]
    if any(item.outline is not None for item in same) and len(same) > 1:
        raise UsageError(
            f"{image}: {first.label}: outlines of several readers have no mean -- "
            "leave --consensus out: the readers then stay apart"
        )
    spoke = f"{first.label}: drawn by {len(same)} of {readers} readers"
    notes = [spoke] if len(same) < readers and first.reader is not None else []
    if len(same) == 1:
        return replace(first, reader=None, flags=(*first.flags, *notes)), notes
    corners = np.mean([item.box for item in same], axis=0).tolist()
    box: Box = (corners[0], corners[1], corners[2], corners[3])
    flags = tuple(dict.fromkeys(flag for item in same for flag in item.flags))
    points = [item.landmarks for item in same if item.landmarks is not None]
    placed, remarks = _mean_points(points, first.label) if points else (None, [])
    score = float(np.mean([item.score for item in same]))
    merged = replace(first, box=box, landmarks=placed, score=score, reader=None)
    return replace(merged, flags=(*flags, f"mean of {len(same)} readers", *notes)), [*notes, *remarks]


def _mean_points(points: list[Landmarks], label: str) -> tuple[Landmarks, list[str]]:
    """The mean of readers' points, with its spread."""
    stacked = np.stack([one.xy for one in points])
    given = ~np.isnan(stacked[:, :, 0])
    count = given.sum(axis=0)
    total = np.where(given[:, :, None], stacked, 0.0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        xy = total / count[:, None]
        squares = (np.where(given[:, :, None], stacked - xy, 0.0) ** 2).sum(axis=0)
        spread = np.sqrt(squares / (count[:, None] - 1))
    xy[count == 0] = np.nan
    spread[count < 2] = np.nan
    visibility = np.max([one.visibility for one in points], axis=0)
    visibility[count == 0] = Visibility.ABSENT
    names = points[0].names
    notes = [
        f"{label}: {names[index]} placed by {count[index]} of {len(points)} readers"
        for index in np.flatnonzero((count > 0) & (count < len(points))).tolist()
    ]
    return Landmarks(names, xy, visibility.astype(np.int8), None, spread), notes


def _middle(item: Instance) -> FloatArray:
    left, top, right, bottom = item.box
    return np.array([(left + right) / 2, (top + bottom) / 2])


def _size(item: Instance) -> float:
    left, top, right, bottom = item.box
    return float(np.hypot(right - left, bottom - top))
