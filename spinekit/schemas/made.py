"""Schemas made from the names that somebody else's annotation uses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.schemas import load_schema, schema_names

_FORBIDDEN = re.compile(r'[."\n\r]')  # dots part an instance from its point: L1.TL


def schema_from_names(
    name: str,
    task: str,
    classes: Sequence[str],
    landmarks: Sequence[str] = (),
    edges: Sequence[tuple[str, str]] = (),
) -> Schema:
    """A schema that holds names: no levels, no measurements.

    A set that ships with spinekit and has the same landmarks lends what names alone do not tell: edges, mirrored
    pairs (without which flipping in training would exchange left and right), aliases and sigmas.

    A landmark whose name holds a dot is called with ``_`` in its place and answers to its own name too.

    Args:
        name: What to call it, e.g. the annotation's file name.
        task: ``pose``, ``seg``, ``detect`` or ``sem``.
        classes: In order; a doubled one counts once.
        landmarks: Likewise.
        edges: Pairs of landmarks; pairs with other names are left out.
    """
    points: dict[str, LandmarkDefinition] = {}
    spoken: dict[str, str] = {}
    for word in (landmark.strip() for landmark in landmarks):
        called = _FORBIDDEN.sub("_", word)
        while called in points and spoken.get(word) is None:
            called += "_"
        spoken.setdefault(word, called)
        aliases = () if called == word else (word,)
        points.setdefault(spoken[word], LandmarkDefinition(called, "named by the annotation", aliases))
    like = _of_these(tuple(points))
    if like is not None:
        points |= {point.name: point for point in like.landmarks}
    joined = [(spoken.get(a.strip()), spoken.get(b.strip())) for a, b in edges]
    return Schema(
        name=name,
        version=1,
        title=f"The names of {name}",
        task=task,
        view="any",
        classes=tuple(dict.fromkeys(label.strip() for label in classes)),
        landmarks=tuple(points.values()),
        edges=tuple((a, b) for a, b in joined if a is not None and b is not None)
        or (() if like is None else like.edges),
        mirrored=() if like is None else like.mirrored,
    )


def _of_these(landmarks: tuple[str, ...]) -> Schema | None:
    """The first schema that ships and has exactly these landmarks, in whatever order."""
    if not landmarks:
        return None
    shipped = (load_schema(name) for name in schema_names())
    return next((schema for schema in shipped if set(schema.landmark_names) == set(landmarks)), None)
