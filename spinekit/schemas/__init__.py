"""Landmark and class sets, one YAML file each; a file laid here is a schema, with no edit elsewhere."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path

from spinekit.core.errors import UsageError
from spinekit.core.schema import Schema
from spinekit.schemas.content import to_analysis, to_schema
from spinekit.schemas.norm_content import load_norms
from spinekit.schemas.place import nearest
from spinekit.schemas.strict_yaml import load_yaml, parse_yaml

__all__ = [
    "analysis_names",
    "load_norms",
    "load_schema",
    "load_yaml",
    "nearest",
    "parse_yaml",
    "schema_names",
]

_FOLDER = Path(__file__).resolve().parent


def schema_names() -> tuple[str, ...]:
    """Names of the schemas that ship with spinekit, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def load_schema(name_or_path: str | Path) -> Schema:
    """A schema by its name, or from a file of one's own.

    Args:
        name_or_path: E.g. ``spine-ap``; or a path, which is told by its suffix ``.yaml`` or ``.yml``.

    Raises:
        UsageError: If there is no such schema (the nearest name is given), or the file is wrong.
    """
    path = Path(name_or_path)
    if path.suffix.lower() in {".yaml", ".yml"}:
        return _from_file(path)
    name = str(name_or_path)
    if name not in schema_names():
        raise UsageError(f"there is no schema {name!r} -- {nearest(name, schema_names())}")
    return _shipped(name)


@cache
def _shipped(name: str) -> Schema:
    schema = _from_file(_FOLDER / f"{name}.yaml")
    if schema.name != name:
        raise UsageError(f"{name}.yaml: the schema calls itself {schema.name!r} -- name it like its file")
    return schema


def analysis_names() -> tuple[str, ...]:
    """Names of the analyses that schemas can borrow measurements from, sorted."""
    return tuple(sorted(path.stem for path in (_FOLDER / "analyses").glob("*.yaml")))


@cache
def _lender(name: str) -> Schema:
    if name in analysis_names():
        path = _FOLDER / "analyses" / f"{name}.yaml"
        return to_analysis(load_yaml(path), str(path))
    return _shipped(name)


def _from_file(path: Path) -> Schema:
    schema, lenders = to_schema(load_yaml(path), str(path))
    known = (*analysis_names(), *schema_names())
    for name in lenders:
        if name not in known or name == path.stem:
            raise UsageError(f"{path}: measurements_from is {name!r} -- {nearest(name, known)}")
        schema = _borrowed(schema, _lender(name), path)
    return schema


def _borrowed(schema: Schema, lender: Schema, path: Path) -> Schema:
    """The schema with the measurements of another, whose points it finds among its own by name or alias.

    Aliases go along, so that a formula reads as the lender wrote it. Points that the schema has not are kept as
    lacking: a measurement that needs one of them is refused by its name.
    """
    mine = {line.name for line in schema.measurements} | set(schema.constructions)
    theirs = {line.name for line in lender.measurements} | set(lender.constructions)
    if mine & theirs:
        doubled = ", ".join(sorted(mine & theirs))
        raise UsageError(f"{path}: measurements tells {doubled}, which {lender.name} has too")
    aliases: dict[str, list[str]] = {}
    lacking = dict(schema.lacking)
    for point in lender.landmarks:
        own = next((found for name in (point.name, *point.aliases) if (found := schema.resolve(name))), None)
        if own is None:
            lacking |= dict.fromkeys((point.name, *point.aliases), point.definition)
        else:
            spoken = [n for n in (point.name, *point.aliases) if schema.resolve(n) is None]
            aliases.setdefault(own, []).extend(spoken)
    landmarks = tuple(
        dataclasses.replace(point, aliases=(*point.aliases, *aliases.get(point.name, ())))
        for point in schema.landmarks
    )
    return dataclasses.replace(
        schema,
        landmarks=landmarks,
        measurements=(*lender.measurements, *schema.measurements),
        constructions={**lender.constructions, **schema.constructions},
        results=(*lender.results, *schema.results),
        lacking={**lender.lacking, **lacking},
    )
