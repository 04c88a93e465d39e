"""The VGG Image Annotator: CSV and JSON of versions 1 and 2, annotations and whole projects.

Coordinates are taken as pixel positions as they stand: the annotator rounds a click to whole pixels, so
a half pixel is below what it can tell.

A region's label is looked for in its attributes (``label``, ``class``, ``name``, ...); points may name
their landmark, or carry it by their order where none does. What `spinekit` writes adds ``instance``
(regions of one number belong together), ``part`` (``hole``), ``visibility``, ``score`` and ``author``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Absent, Scene
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions
from spinekit.formats.sources import (
    csv_rows,
    image_folder,
    in_schema_order,
    parse_json,
    plain_cell,
    read_json,
    read_text,
)
from spinekit.formats.via_regions import Region, instances_of
from spinekit.formats.via_writing import COLUMNS, write

__all__ = ["FORMAT", "left_out", "read", "write"]


@dataclass(slots=True)
class _Entry:
    """One annotated file as it stands in the annotation, unparsed where it came from a CSV."""

    name: str
    place: str
    sizes: set[str] = field(default_factory=set)
    attributes: str | Mapping[str, object] = "{}"
    declared: set[str] = field(default_factory=set)
    regions: list[tuple[str, Any, Any]] = field(default_factory=list)  # place, shape, attributes


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The annotated images that lie in the image folder, in the order of the annotation.

    A file ``series.csv`` beside the annotation (header ``file,series``) gives each scene its group, as
    does a file attribute ``group``. Images of the annotation that are not in the folder are left out;
    `left_out` names them.

    Args:
        path: A VIA CSV or JSON file, or a folder that holds one.
        schema: Names the classes and landmarks.
        options: The folder of the images, and who is told what was passed over.

    Raises:
        AnnotationError: If the annotation is broken or does not fit the schema; the message gives the
            file and the line or region.
    """
    path = _annotation_file(path)
    folder = image_folder(options.images or path.parent)
    groups = _groups(path.parent / "series.csv")
    for entry in _entries(path):
        image = folder.find(entry.name)
        if isinstance(image, ImageRef):
            yield _scene(entry, image, schema, groups)


def left_out(path: Path, images: Path | None = None) -> tuple[str, ...]:
    """Why which images of the annotation are not read, one line each."""
    path = _annotation_file(path)
    folder = image_folder(images or path.parent)
    found = (folder.find(entry.name) for entry in _entries(path))
    return tuple(image.reason for image in found if isinstance(image, Absent))


def _annotation_file(path: Path) -> Path:
    """The annotation itself; in a folder the project, else the only JSON or CSV that VIA could have made."""
    if not path.is_dir():
        return path
    for pattern in ("via_project*.json", "via*.json", "via*.csv", "*.json", "*.csv"):
        found = [item for item in sorted(path.glob(pattern)) if item.name != "series.csv"]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(item.name for item in found[:5])
            raise AnnotationError(f"{path}: holds several annotation files ({names}) -- name one")
    raise AnnotationError(f"{path}: holds no VIA annotation -- name its CSV or JSON file")


def _entries(path: Path) -> Iterator[_Entry]:
    head = read_text(path).lstrip()[:1]
    return iter((_json_entries(path) if head in {"{", "["} else _csv_entries(path)).values())


def _csv_entries(path: Path) -> dict[str, _Entry]:
    """The files of a CSV in order of first mention; the JSON in its cells is left for later."""
    rows = csv_rows(path)
    line, header = next(rows)
    names = [cell.strip().lstrip("#").strip() for cell in header]
    if not set(COLUMNS) <= set(names):
        version_3 = any("CSV_HEADER" in cell or "VGG Image Annotator" in cell for cell in header)
        reason = "is of VIA 3" if version_3 else f"line {line} is no VIA header"
        raise AnnotationError(f"{path}: {reason} -- export the annotations as CSV from VIA 2")
    name_at, size_at, file_at, count_at, _, shape_at, attributes_at = (names.index(c) for c in COLUMNS)
    entries: dict[str, _Entry] = {}
    for line, row in rows:
        if len(row) != len(names):
            raise AnnotationError(
                f"{path}: line {line} has {len(row)} cells for {len(names)} columns -- check its quotes"
            )
        name = plain_cell(row[name_at])
        entry = entries.get(name)
        if entry is None:
            entry = entries[name] = _Entry(name, f"{path}: line {line}", attributes=row[file_at])
        entry.sizes.add(row[size_at].strip())
        entry.declared.add(row[count_at].strip())
        if row[shape_at].strip() not in {"", "{}"}:
            entry.regions.append((f"{path}: line {line}", row[shape_at], row[attributes_at]))
    return entries


def _json_entries(path: Path) -> dict[str, _Entry]:
    """The files of a JSON annotation or project."""
    content = read_json(path)
    if not isinstance(content, dict) or not content:
        raise AnnotationError(f"{path}: holds no annotated file -- export the annotations from VIA again")
    metadata = content.get("_via_img_metadata", content)
    if {"annotations", "images"} <= content.keys():
        raise AnnotationError(f"{path}: is COCO JSON -- read it with the format coco")
    if {"metadata", "config"} <= content.keys():
        raise AnnotationError(f"{path}: is of VIA 3 -- spinekit reads VIA 1 and 2: export from VIA 2")
    if not isinstance(metadata, dict):
        raise AnnotationError(f"{path}: _via_img_metadata is no object -- save the project again")
    entries: dict[str, _Entry] = {}
    for key, item in metadata.items():
        place = f"{path}: {printable(key[:80])!r}"
        if not isinstance(item, dict) or not isinstance(item.get("filename"), str):
            raise AnnotationError(f"{place} has no filename -- this is no VIA annotation of version 1 or 2")
        name = item["filename"]
        entry = entries.setdefault(name, _Entry(name, place, attributes=_members(item, "file_attributes")))
        entry.sizes.add(str(item.get("size", -1)))
        regions = item.get("regions") or []
        listed = list(regions.values()) if isinstance(regions, dict) else regions  # VIA 1 numbers them
        if not isinstance(listed, list):
            raise AnnotationError(f"{place}: its regions are no list -- export the annotations again")
        for index, region in enumerate(listed):
            where = f"{place}: region {index}"
            if not isinstance(region, dict):
                raise AnnotationError(f"{where} is no object -- export the annotations again")
            shape, attributes = _members(region, "shape_attributes"), _members(region, "region_attributes")
            entry.regions.append((where, shape, attributes))
    return entries


def _members(item: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = item.get(key)
    return value if isinstance(value, dict) else {}


def _scene(entry: _Entry, image: ImageRef, schema: Schema, groups: Mapping[str, str]) -> Scene:
    """One image with all its regions understood."""
    if len(entry.sizes) > 1:
        raise AnnotationError(
            f"{entry.place}: {printable(entry.name)} stands in the file with {len(entry.sizes)} different "
            "sizes -- keep the regions of one"
        )
    if entry.declared and entry.declared != {str(len(entry.regions))}:
        raise AnnotationError(
            f"{entry.place}: {printable(entry.name)} should have {'/'.join(sorted(entry.declared))} regions "
            f"but has {len(entry.regions)} -- the file is cut short or edited: export it again"
        )
    regions = [
        Region(where, _parsed(shape, where), _parsed(attributes, where))
        for where, shape, attributes in entry.regions
    ]
    instances, notes = instances_of(regions, schema, image)
    if not regions:
        notes.append("the annotation names the image without any region")
    attributes = _parsed(entry.attributes, entry.place)
    group = groups.get(Path(image.name).name) or str(attributes.get("group", ""))
    return Scene(image, schema, in_schema_order(instances, schema), notes=tuple(notes), group=group)


def _parsed(cell: str | Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """The JSON object in a CSV cell, or the object that JSON gave already."""
    value = parse_json(cell or "{}", where) if isinstance(cell, str) else cell
    if not isinstance(value, dict):
        raise AnnotationError(f"{where}: {printable(str(cell)[:40])!r} is no JSON object -- correct the cell")
    return value


def _groups(path: Path) -> dict[str, str]:
    """Series by file name out of ``series.csv``; nothing where there is no such table."""
    if not path.is_file():
        return {}
    rows = csv_rows(path)
    _, header = next(rows)
    if header[:2] != ["file", "series"]:
        return {}
    return {row[0]: f"series {row[1]}" for _, row in rows if len(row) >= 2}


FORMAT = AnnotationFormat(
    name="via",
    title="VGG Image Annotator 1 and 2: CSV, JSON and projects",
    keeps=frozenset({"labels", "landmarks", "visibility", "outlines", "holes", "scores", "order"}),
    read=read,
    write=write,
)
