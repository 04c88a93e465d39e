"""The file of ``--map``: the user's own pairs of names, checked against both sides before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from spinekit.core.errors import UsageError
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.core.translate import labels_of
from spinekit.files import printable
from spinekit.schemas import load_yaml, nearest

_PARTS = ("classes", "landmarks")


@dataclass(frozen=True, slots=True)
class NameMap:
    """The user's own pairs of names.

    Attributes:
        classes: Name in the annotation to name in the schema; None leaves its instances out.
        landmarks: Likewise for points.
        source: The file, for messages.
    """

    classes: Mapping[str, str | None] = field(default_factory=dict)
    landmarks: Mapping[str, str | None] = field(default_factory=dict)
    source: str = "--map"


def read_map(path: Path) -> NameMap:
    """The pairs of a file such as ``classes: {old: new, unwanted: null}`` and ``landmarks: {p1: N}``.

    Raises:
        UsageError: If it is no such file; the message names the place and the nearest known word.
    """
    content = load_yaml(path)
    if not isinstance(content, dict) or not content:
        raise UsageError(f"{path}: holds no pairs of names -- write lines such as 'classes: {{old: new}}'")
    for key in content:
        if key not in _PARTS:
            raise UsageError(f"{path}: there is no part {key!r} -- {nearest(str(key), _PARTS)}")
    classes, landmarks = (_pairs(content.get(part, {}), f"{path}: {part}") for part in _PARTS)
    return NameMap(classes, landmarks, str(path))


def _pairs(content: object, where: str) -> dict[str, str | None]:
    if not isinstance(content, dict):
        raise UsageError(f"{where}: must be pairs such as {{old: new}}, not {content!r}")
    for old, new in content.items():
        if new is not None and (not isinstance(new, str) or not new.strip()):
            raise UsageError(
                f"{where}: {old!r} leads to {new!r} -- give a name in quotes, or null to leave it out"
            )
    return dict(content)


def check_names(names: NameMap, own: Schema, target: Schema) -> None:
    """Refuses pairs whose one side is not in the source or whose other is not in the target.

    Raises:
        UsageError: With the nearest name.
    """
    sides = (
        (names.classes, labels_of(own), labels_of(target), "classes"),
        (names.landmarks, own.landmark_names, target.landmark_names, "landmarks"),
    )
    for pairs, left, right, part in sides:
        where = f"{names.source}: {part}"
        for old, new in pairs.items():
            if old not in left:
                raise UsageError(f"{where}: the source has no {printable(old)!r} -- {nearest(old, left)}")
            if new is not None and new not in right:
                raise UsageError(f"{where}: {target.name} has no {printable(new)!r} -- {nearest(new, right)}")


def renamed(own: Schema, names: NameMap) -> Schema:
    """A schema in the user's own words: what they leave out is gone, as is what formulas said of the rest."""

    def labels(old: tuple[str, ...]) -> tuple[str, ...]:
        called = (names.classes.get(name, name) for name in old)
        return tuple(dict.fromkeys(name for name in called if name is not None))

    def pairs(old: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        called = ((names.landmarks.get(a, a), names.landmarks.get(b, b)) for a, b in old)
        return tuple((a, b) for a, b in called if a is not None and b is not None)

    points: dict[str, LandmarkDefinition] = {}
    for point in own.landmarks:
        word = names.landmarks.get(point.name, point.name)
        if word is not None:
            points.setdefault(word, replace(point, name=word, aliases=()))
    return replace(
        own,
        classes=labels(own.classes),
        levels=labels(own.levels),
        landmarks=tuple(points.values()),
        edges=pairs(own.edges),
        mirrored=pairs(own.mirrored),
        measurements=(),
        code_measurements=(),
        colours={},
    )
