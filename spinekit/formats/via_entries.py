"""The annotated files in an export of the VGG Image Annotator, whatever its version and kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spinekit.core.errors import AnnotationError
from spinekit.files import printable
from spinekit.formats.sources import csv_rows, parse_json, plain_cell, read_json, read_text
from spinekit.formats.via3 import is_project, project_files
from spinekit.formats.via_regions import Region
from spinekit.formats.via_writing import COLUMNS


@dataclass(slots=True)
class Entry:
    """One annotated file as it stands in the annotation, unparsed where it came from a CSV.

    Attributes:
        name: File name as written.
        place: File and line or key, for messages.
        sizes: Sizes in bytes that the annotation gives for it.
        attributes: ``file_attributes``.
        declared: Numbers of regions that the rows of a CSV promise.
        rows: Place, shape and attributes of every region.
        passed: Why which regions cannot be read, one line each.
    """

    name: str
    place: str
    sizes: set[str] = field(default_factory=set)
    attributes: str | Mapping[str, Any] = "{}"
    declared: set[str] = field(default_factory=set)
    rows: list[tuple[str, Any, Any]] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)

    def regions(self) -> list[Region]:
        """The regions, cells of a CSV taken apart; `AnnotationError` where a cell is no JSON object."""
        return [
            Region(where, parsed(shape, where), parsed(attributes, where))
            for where, shape, attributes in self.rows
        ]


@dataclass(frozen=True, slots=True)
class Export:
    """What an export holds.

    Attributes:
        entries: The annotated files, in order of first mention.
        choices: For each attribute of regions that offers a choice, its options in order (projects only).
    """

    entries: tuple[Entry, ...]
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_export(path: Path) -> Export:
    """Reads a CSV, JSON or project of version 1, 2 or 3 (of version 3 the project alone).

    Raises:
        AnnotationError: If it is none of these or is broken; the message gives file and place.
    """
    head = read_text(path).lstrip()[:1]
    return _from_json(path) if head in {"{", "["} else Export(tuple(_csv_entries(path).values()))


def parsed(cell: str | Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """The JSON object in a CSV cell, or the object that JSON gave already.

    Raises:
        AnnotationError: If the cell holds no JSON object.
    """
    value = parse_json(cell or "{}", where) if isinstance(cell, str) else cell
    if not isinstance(value, dict):
        raise AnnotationError(f"{where}: {printable(str(cell)[:40])!r} is no JSON object -- correct the cell")
    return value


def _csv_entries(path: Path) -> dict[str, Entry]:
    """The files of a CSV in order of first mention; the JSON in its cells is left for later."""
    rows = csv_rows(path)
    line, header = next(rows)
    names = [cell.strip().lstrip("#").strip() for cell in header]
    if not set(COLUMNS) <= set(names):
        version_3 = any("CSV_HEADER" in cell or "VGG Image Annotator" in cell for cell in header)
        if version_3:
            raise AnnotationError(f"{path}: is of VIA 3, a CSV -- save the project there and read its JSON")
        raise AnnotationError(
            f"{path}: line {line} is no VIA header -- export the annotations as CSV from VIA 2"
        )
    name_at, size_at, file_at, count_at, _, shape_at, attributes_at = (names.index(c) for c in COLUMNS)
    entries: dict[str, Entry] = {}
    for line, row in rows:
        if len(row) != len(names):
            raise AnnotationError(
                f"{path}: line {line} has {len(row)} cells for {len(names)} columns -- check its quotes"
            )
        name = plain_cell(row[name_at])
        entry = entries.get(name)
        if entry is None:
            entry = entries[name] = Entry(name, f"{path}: line {line}", attributes=row[file_at])
        entry.sizes.add(row[size_at].strip())
        entry.declared.add(row[count_at].strip())
        if row[shape_at].strip() not in {"", "{}"}:
            entry.rows.append((f"{path}: line {line}", row[shape_at], row[attributes_at]))
    return entries


def _from_json(path: Path) -> Export:
    """The files of a JSON annotation or project."""
    content = read_json(path)
    if not isinstance(content, dict) or not content:
        raise AnnotationError(f"{path}: holds no annotated file -- export the annotations from VIA again")
    if {"annotations", "images"} <= content.keys():
        raise AnnotationError(f"{path}: is COCO JSON -- read it with the format coco")
    if is_project(content):
        files, choices = project_files(content, path)
        entries = (
            Entry(item.name, item.place, attributes=item.attributes, rows=item.rows, passed=item.passed)
            for item in files
        )
        return Export(tuple(entries), choices)
    if content.keys() == {"region", "file"}:
        raise AnnotationError(
            f"{path}: defines attributes and has no filename -- export the annotations, not the attributes"
        )
    metadata = content.get("_via_img_metadata", content)
    if not isinstance(metadata, dict):
        raise AnnotationError(f"{path}: _via_img_metadata is no object -- save the project again")
    found: dict[str, Entry] = {}
    for key, item in metadata.items():
        place = f"{path}: {printable(key[:80])!r}"
        if not isinstance(item, dict) or not isinstance(item.get("filename"), str):
            raise AnnotationError(f"{place} has no filename -- this is no VIA annotation of version 1 or 2")
        name = item["filename"]
        entry = found.setdefault(name, Entry(name, place, attributes=_members(item, "file_attributes")))
        entry.sizes.add(str(item.get("size", -1)))
        entry.rows.extend(_json_regions(item, place))
    return Export(tuple(found.values()), _choices(content))


def _json_regions(item: Mapping[str, Any], place: str) -> Iterator[tuple[str, Any, Any]]:
    regions = item.get("regions") or []
    listed = list(regions.values()) if isinstance(regions, dict) else regions  # VIA 1 numbers them
    if not isinstance(listed, list):
        raise AnnotationError(f"{place}: its regions are no list -- export the annotations again")
    for index, region in enumerate(listed):
        where = f"{place}: region {index}"
        if not isinstance(region, dict):
            raise AnnotationError(f"{where} is no object -- export the annotations again")
        yield where, _members(region, "shape_attributes"), _members(region, "region_attributes")


def _choices(project: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Options of the region attributes that a project of version 2 defines."""
    attributes = _members(_members(project, "_via_attributes"), "region")
    options = {
        name: _members(about, "options") for name, about in attributes.items() if isinstance(about, dict)
    }
    return {name: tuple(offered) for name, offered in options.items() if offered}


def _members(item: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = item.get(key)
    return value if isinstance(value, dict) else {}
