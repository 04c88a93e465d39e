"""Landmark and class sets, one YAML file each; a file laid here is a schema, with no edit elsewhere."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path

from spinekit.core.errors import UsageError
from spinekit.core.schema import Schema
from spinekit.schemas.content import nearest, to_schema
from spinekit.schemas.strict_yaml import load_yaml, parse_yaml

__all__ = ["load_schema", "load_yaml", "nearest", "parse_yaml", "schema_names"]

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


def _from_file(path: Path) -> Schema:
    schema, shared = to_schema(load_yaml(path), str(path))
    if shared is None:
        return schema
    if shared not in schema_names() or shared == path.stem:
        raise UsageError(f"{path}: measurements_from is {shared!r} -- {nearest(shared, schema_names())}")
    borrowed = _shipped(shared).measurements
    doubled = {formula.name for formula in borrowed} & {formula.name for formula in schema.measurements}
    if doubled:
        raise UsageError(f"{path}: measurements tells {', '.join(sorted(doubled))}, which {shared} has too")
    return dataclasses.replace(schema, measurements=(*borrowed, *schema.measurements))
