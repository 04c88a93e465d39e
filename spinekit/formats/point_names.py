"""Points under the names of a file, put in the order of a schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.landmarks import Landmarks
from spinekit.core.level_points import by_level
from spinekit.core.scene import Instance
from spinekit.core.schema import Schema
from spinekit.files import printable


def in_names_of(
    item: Instance, schema: Schema, where: str, places: Sequence[str] = ()
) -> tuple[Instance, ...]:
    """An instance with its points in the schema's order; those that it does not name are absent.

    Points that carry their level in their name (``L1TB``) make one instance a level.

    Args:
        item: With landmarks under the file's names.
        schema: Gives names, aliases and levels.
        where: File and place, for messages.
        places: The same for each point, where they stand apart.

    Raises:
        AnnotationError: If a name is no landmark of the schema, or two names mean the same one.
    """
    points = item.landmarks
    if points is None or points.names == schema.landmark_names:
        return (item,)
    names = schema.landmark_names
    resolved = [_resolved(name, schema) for name in points.names]
    if not any(resolved):
        bodies = by_level(item, schema)
        if bodies is not None:
            return bodies
    for index, landmark in enumerate(resolved):
        shown = printable(points.names[index][:40])
        place = places[index] if places else where
        if landmark is None:
            raise AnnotationError(
                f"{place}: {shown!r} is no landmark of {schema.name} -- allowed: {', '.join(names)}"
            )
        if landmark in resolved[:index]:
            raise AnnotationError(f"{place}: {shown!r} is {landmark} a second time -- keep one of the two")
    order = [names.index(str(landmark)) for landmark in resolved]
    xy = np.full((len(names), 2), np.nan)
    visibility = np.zeros(len(names), dtype=np.int8)
    xy[order], visibility[order] = points.xy, points.visibility
    score = None
    if points.score is not None:
        score = np.full(len(names), np.nan)
        score[order] = points.score
    return (replace(item, landmarks=Landmarks(names, xy, visibility, score)),)


def _resolved(name: str, schema: Schema) -> str | None:
    """The landmark of a name or alias; case counts only where it is needed to tell two apart."""
    found = schema.resolve(name)
    if found is not None:
        return found
    folded = {
        landmark.name
        for landmark in schema.landmarks
        if name.casefold() in {word.casefold() for word in (landmark.name, *landmark.aliases)}
    }
    return folded.pop() if len(folded) == 1 else None
