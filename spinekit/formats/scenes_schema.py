"""The schema inside a line of `spinekit.formats.scenes`: named, and told whole where it does not ship."""

from __future__ import annotations

from typing import Any

from spinekit.core.errors import UsageError
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.schemas import load_schema, schema_names

Json = dict[str, Any]


def schema_to_json(schema: Schema) -> Json:
    """Name, version and fingerprint; of a schema that does not ship with spinekit its names too."""
    content: Json = {"name": schema.name, "version": schema.version, "fingerprint": schema.fingerprint()}
    if schema.name in schema_names() and load_schema(schema.name).fingerprint() == schema.fingerprint():
        return content
    return content | {
        "task": schema.task,
        "view": schema.view,
        "title": schema.title,
        "classes": list(schema.classes),
        "levels": list(schema.levels),
        "landmarks": [
            {"name": point.name, "aliases": list(point.aliases), "sigma": point.sigma}
            for point in schema.landmarks
        ],
        "edges": [list(pair) for pair in schema.edges],
        "mirrored": [list(pair) for pair in schema.mirrored],
    }


def schema_from_json(content: Json) -> Schema | None:
    """The schema that a line names or tells; None where it only names one that is not at hand.

    Raises:
        KeyError, TypeError, ValueError: If the content is misshapen.
    """
    name, stated = content["name"], content["fingerprint"]
    if "classes" not in content:
        try:
            shipped = load_schema(str(name)) if name in schema_names() else None
        except UsageError:
            return None
        return shipped if shipped is not None and shipped.fingerprint() == stated else None
    points = tuple(
        LandmarkDefinition(
            _word(point["name"]), "named by the file", _words(point["aliases"]), point["sigma"]
        )
        for point in content["landmarks"]
    )
    schema = Schema(
        _word(name),
        int(content["version"]),
        _word(content["title"]),
        _word(content["task"]),
        _word(content["view"]),
        _words(content["classes"]),
        _words(content["levels"]),
        points,
        _pairs(content["edges"], points),
        _pairs(content["mirrored"], points),
    )
    if schema.fingerprint() != stated:
        raise ValueError("the schema is not the one of its fingerprint")
    return schema


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} instead of a name")
    return value


def _words(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError(f"{values!r} instead of names")
    return tuple(_word(value) for value in values)


def _pairs(values: object, points: tuple[LandmarkDefinition, ...]) -> tuple[tuple[str, str], ...]:
    if not isinstance(values, list):
        raise TypeError(f"{values!r} instead of pairs of names")
    names = {point.name for point in points}
    pairs = [_words(value) for value in values]
    if any(len(pair) != 2 or not names.issuperset(pair) for pair in pairs):
        raise ValueError("a pair that is not of two landmarks")
    return tuple((pair[0], pair[1]) for pair in pairs)
