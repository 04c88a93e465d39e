"""The way from one schema's names to another's: classes by name, landmarks by name or alias.

Pure: where a name has no counterpart the caller is told, nothing is dropped without being counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from spinekit.core.landmarks import Landmarks
from spinekit.core.level_points import by_level
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.core.schema import Schema


@dataclass(frozen=True, slots=True)
class Translation:
    """What each name of one schema is called in another.

    Attributes:
        source: The schema of the scenes that come.
        target: The schema of those that go.
        labels: For each class or level of the source its name in the target, None to leave its instances
            out. One that is missing here has no counterpart.
        landmarks: For each landmark of the source its name in the target; those that are missing here, or
            None, fall out.
    """

    source: Schema
    target: Schema
    labels: Mapping[str, str | None]
    landmarks: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Translated:
    """A scene in other names, and what fell out on the way.

    Attributes:
        scene: Of the target schema.
        instances: How many instances of each label were left out as asked.
        points: How many placed points of each landmark have no place in the target.
        rasters: 1 if a probability was left out because its class is another.
    """

    scene: Scene
    instances: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    rasters: int = 0


def labels_of(schema: Schema) -> tuple[str, ...]:
    """All that an instance may be called: the classes, then those levels that are no classes."""
    return (*schema.classes, *(level for level in schema.levels if level not in schema.classes))


def translation(
    source: Schema,
    target: Schema,
    labels: Mapping[str, str | None] | None = None,
    landmarks: Mapping[str, str | None] | None = None,
) -> Translation:
    """The translation that names, aliases and the user's own pairs give.

    A single class stands for a single class whatever the two are called.

    Args:
        source: Of the scenes that come.
        target: Of those that go.
        labels: The user's pairs for classes and levels; None as a value leaves instances out.
        landmarks: The user's pairs for landmarks.
    """
    allowed = labels_of(target)
    folded = {name.casefold(): name for name in reversed(allowed)}
    found: dict[str, str | None] = dict(labels or {})
    for name in labels_of(source):
        if name in found:
            continue
        if name in allowed:
            found[name] = name
        elif name.casefold() in folded:
            found[name] = folded[name.casefold()]
    if len(labels_of(source)) == 1 and len(target.classes) == 1:
        found.setdefault(source.classes[0], target.classes[0])
    points: dict[str, str | None] = dict(landmarks or {})
    spoken = {
        word.casefold(): point.name
        for point in reversed(target.landmarks)
        for word in (*point.aliases, point.name)
    }
    for point in source.landmarks:
        for word in (point.name, *point.aliases):
            resolved = target.resolve(word) or spoken.get(word.casefold())
            if resolved is not None:
                points.setdefault(point.name, resolved)
    return Translation(source, target, found, points)


def translate(scene: Scene, names: Translation) -> Translated:
    """A scene in the names of the target.

    Landmarks that carry their level in their name (``L1TB``) become one instance a level where the target has
    these levels and points.

    Args:
        scene: Of ``names.source``.
        names: From `translation`.

    Raises:
        KeyError: With the label, if an instance has one that is not in ``names.labels``.
    """
    target = names.target
    left_out: Counter[str] = Counter()
    points: Counter[str] = Counter()
    kept: list[Instance] = []
    for item in scene.instances:
        label = names.labels[item.label]
        if label is None:
            left_out[item.label] += 1
            continue
        bodies = None if _paired(item, names) else by_level(item, target)
        if bodies is not None:
            kept += bodies
            continue
        placed = None
        if item.landmarks is not None:
            placed, fallen = _landmarks(item.landmarks, names)
            points.update(fallen)
        kept.append(replace(item, label=label, landmarks=placed))
    rank = {level: index for index, level in enumerate(target.levels)}
    kept.sort(key=lambda item: rank.get(item.label, len(rank)))
    raster, lost = _raster(scene.raster, names)
    moved = replace(scene, schema=target, instances=tuple(kept), raster=raster)
    return Translated(moved, left_out, points, lost)


def _paired(item: Instance, names: Translation) -> bool:
    """Whether any landmark of an instance has a name of its own in the target."""
    return item.landmarks is not None and any(names.landmarks.get(name) for name in item.landmarks.names)


def _landmarks(points: Landmarks, names: Translation) -> tuple[Landmarks | None, list[str]]:
    """The points in the target's order, those that it alone has absent; and which placed ones fall out."""
    target = names.target.landmark_names
    xy = np.full((len(target), 2), np.nan)
    visibility = np.zeros(len(target), dtype=np.int8)
    score = None if points.score is None else np.full(len(target), np.nan)
    spread = None if points.spread is None else np.full((len(target), 2), np.nan)
    fallen: list[str] = []
    for index, name in enumerate(points.names):
        called = names.landmarks.get(name)
        if called is None:
            fallen += [name] if points.visibility[index] else []
            continue
        place = target.index(called)
        xy[place], visibility[place] = points.xy[index], points.visibility[index]
        if score is not None and points.score is not None:
            score[place] = points.score[index]
        if spread is not None and points.spread is not None:
            spread[place] = points.spread[index]
    if not target:
        return None, fallen
    return Landmarks(target, xy, visibility, score, spread), fallen


def _raster(raster: Raster | None, names: Translation) -> tuple[Raster | None, int]:
    """The raster in the target's class numbers; a class that is left out counts as the first, the ground."""
    if raster is None:
        return None, 0
    source, target = names.source.classes, names.target.classes
    labels = None
    if raster.labels is not None:
        numbers = np.zeros(256, dtype=np.uint8)
        for index in np.unique(raster.labels).tolist():
            called = names.labels[source[index]]
            numbers[index] = 0 if called is None else target.index(called)
        labels = numbers[raster.labels]
    same = names.labels.get(source[-1]) == target[-1]
    probability = raster.probability if same else None
    lost = int(raster.probability is not None and probability is None)
    return (None if labels is None and probability is None else Raster(labels, probability)), lost
