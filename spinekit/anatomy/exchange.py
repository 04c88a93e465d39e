"""Landmarks that stand in each other's place, and the order that mends them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from spinekit.anatomy.plausible_spine import misplaced_corners
from spinekit.anatomy.spine_bodies import corner_indices, spines
from spinekit.core.landmarks import Landmarks
from spinekit.core.scene import Scene


@dataclass(frozen=True, slots=True)
class Exchange:
    """Landmarks of an instance to be taken from each other's place.

    Attributes:
        instance: Index of the instance in its scene.
        order: (K,) for each landmark the index of the point that is its own.
    """

    instance: int
    order: tuple[int, ...]


def corner_exchanges(scene: Scene) -> Iterator[Exchange]:
    """The bodies of a scene whose corners are out of order, where an exchange puts them right."""
    for spine in spines(scene):
        for index, swap in misplaced_corners(spine).items():
            points = scene.instances[spine.members[index]].landmarks
            places = None if points is None else corner_indices(points.names, scene.schema)
            if swap is None or places is None or points is None:
                continue
            order = list(range(len(points.names)))
            for corner, taken in enumerate(swap):
                order[places[corner]] = places[taken]
            yield Exchange(spine.members[index], tuple(order))


def exchanged(points: Landmarks, order: tuple[int, ...]) -> Landmarks:
    """Landmarks each with the point that ``order`` gives it.

    Args:
        points: K landmarks.
        order: (K,) indices.
    """
    index = list(order)
    return replace(
        points,
        xy=points.xy[index],
        visibility=points.visibility[index],
        score=None if points.score is None else points.score[index],
        spread=None if points.spread is None else points.spread[index],
    )
