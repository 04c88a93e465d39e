"""Schemas made from the names that somebody else's annotation uses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from spinekit.core.schema import LandmarkDefinition, Schema

_FORBIDDEN = re.compile(r'[."\n\r]')  # dots part an instance from its point: L1.TL


def schema_from_names(
    name: str,
    task: str,
    classes: Sequence[str],
    landmarks: Sequence[str] = (),
    edges: Sequence[tuple[str, str]] = (),
) -> Schema:
    """A schema that holds names and nothing more: no levels, no mirrored pairs, no measurements.

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
    joined = [(spoken.get(a.strip()), spoken.get(b.strip())) for a, b in edges]
    return Schema(
        name=name,
        version=1,
        title=f"The names of {name}",
        task=task,
        view="any",
        classes=tuple(dict.fromkeys(label.strip() for label in classes)),
        landmarks=tuple(points.values()),
        edges=tuple((a, b) for a, b in joined if a is not None and b is not None),
    )
