"""Points that carry their vertebra in their name, ``L1TL`` or ``L1.TL``, as one instance a level.

Some sets list every corner of a spine as keypoints of a single thing; a schema with levels and landmarks is
enough to tell which of them are whose.
"""

from __future__ import annotations

import numpy as np

from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.scene import Instance
from spinekit.core.schema import Schema

_SEPARATORS = "._- "


def level_point(name: str, schema: Schema) -> tuple[str, str] | None:
    """Level and landmark of a name that begins with a level and ends with a landmark or alias of a schema.

    Args:
        name: E.g. ``T12TB``; one of the characters ``. _ -`` or a blank may stand between the two.
        schema: Has the levels and landmarks.

    Returns:
        E.g. ``("T12", "sup_post")``, or None where the name is not made so, or is a landmark by itself.
    """
    if schema.resolve(name) is not None:
        return None
    for level in schema.levels:
        if not name.startswith(level):
            continue
        rest = name[len(level) :]
        landmark = schema.resolve(rest) or schema.resolve(rest[1:] if rest[:1] in tuple(_SEPARATORS) else "")
        if landmark is not None:  # T1 begins T12TB too, but 2TB is no landmark
            return level, landmark
    return None


def by_level(item: Instance, schema: Schema) -> tuple[Instance, ...] | None:
    """One instance for every level that has a point, cranial to caudal.

    Args:
        item: An instance whose landmarks are named by level.
        schema: Has the levels and landmarks.

    Returns:
        Instances labelled by their level, each with all landmarks of the schema (those that the set does not
        give are absent) and the box around its points; None where not every name is a level's point, or two
        mean the same one.
    """
    points = item.landmarks
    if points is None or not points.names:
        return None
    found = {name: level_point(name, schema) for name in points.names}
    places = [place for place in found.values() if place is not None]
    if len(set(places)) != len(points.names):
        return None
    names = schema.landmark_names
    bodies: dict[str, list[tuple[int, int]]] = {}
    for index, (level, landmark) in enumerate(places):
        bodies.setdefault(level, []).append((index, names.index(landmark)))
    instances = (
        _body(item, points, level, bodies[level], schema) for level in schema.levels if level in bodies
    )
    return tuple(body for body in instances if body is not None)


def _body(
    item: Instance, points: Landmarks, level: str, pairs: list[tuple[int, int]], schema: Schema
) -> Instance | None:
    """The points of one level in the schema's order; None where none of them is placed."""
    count = len(schema.landmarks)
    come, go = (np.array(part, dtype=np.intp) for part in zip(*pairs, strict=True))
    xy = np.full((count, 2), np.nan)
    visibility = np.zeros(count, dtype=np.int8)
    xy[go], visibility[go] = points.xy[come], points.visibility[come]
    placed = xy[visibility != Visibility.ABSENT]
    if not len(placed):
        return None
    score = spread = None
    if points.score is not None:
        score = np.full(count, np.nan)
        score[go] = points.score[come]
    if points.spread is not None:
        spread = np.full((count, 2), np.nan)
        spread[go] = points.spread[come]
    (left, top), (right, bottom) = placed.min(axis=0), placed.max(axis=0)
    return Instance(
        level,
        (float(left), float(top), float(right), float(bottom)),
        landmarks=Landmarks(schema.landmark_names, xy, visibility, score, spread),
        score=item.score,
        author=item.author,
        reader=item.reader,
        flags=item.flags,
    )
