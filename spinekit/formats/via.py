"""The VGG Image Annotator: CSV and JSON of versions 1 and 2, projects of versions 2 and 3.

Coordinates are taken as pixel positions as they stand: the annotator rounds a click to whole pixels, so
a half pixel is below what it can tell.

A region's label is looked for in its attributes (``label``, ``class``, ``name``, ...) unless the user names
one; points may name their landmark, or carry it by their order where none does. What `spinekit` writes adds
``instance`` (regions of one number belong together), ``part`` (``hole``), ``visibility``, ``score``,
``author`` and ``reader``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Absent, Scene
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.image_lookup import present
from spinekit.formats.json_peek import peek_keys
from spinekit.formats.marks import reach_out
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions, Vocabulary
from spinekit.formats.sources import csv_rows, image_folder, in_schema_order
from spinekit.formats.via_entries import Entry, parsed, read_export
from spinekit.formats.via_names import names_of
from spinekit.formats.via_regions import instances
from spinekit.formats.via_writing import COLUMNS, write

__all__ = ["FORMAT", "detect", "left_out", "read", "vocabulary", "write"]

_LOOKED_AT = 20  # files of a folder


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The annotated images that lie in the image folder, in the order of the annotation.

    A file ``series.csv`` beside the annotation (header ``file,series``) gives each scene its group, as
    does a file attribute ``group``.

    Args:
        path: A VIA CSV or JSON file, or a folder that holds one.
        schema: Names the classes and landmarks.
        options: The folder of the images, the attribute that holds the class, and who is told of images
            that are not there and of regions that enclose nothing.

    Raises:
        AnnotationError: If the annotation is broken or does not fit the schema; the message gives the
            file and the line or region.
    """
    path = _annotation_file(path)
    folder = image_folder(options.images or path.parent)
    groups = _groups(path.parent / "series.csv")
    entries = read_export(path).entries
    mixed = not schema.landmarks and _holds_shapes(entries)
    for entry in entries:
        image = present(folder.find(entry.name), entry.place, options)
        if image is not None:
            yield _scene(entry, image, schema, groups, options, pass_points=mixed)


def left_out(path: Path, images: Path | None = None) -> tuple[str, ...]:
    """Why which images of the annotation are not read, one line each."""
    path = _annotation_file(path)
    folder = image_folder(images or path.parent)
    found = (folder.find(entry.name) for entry in read_export(path).entries)
    return tuple(image.reason for image in found if isinstance(image, Absent))


def detect(path: Path) -> bool:
    """Whether a file, or one in a folder, is an export or project of the annotator."""
    if path.is_dir():
        named = (path.glob(pattern) for pattern in ("*.json", "*.csv"))
        return any(detect(item) for files in named for item in sorted(files)[:_LOOKED_AT] if item.is_file())
    keys = peek_keys(path)
    if keys is None:
        return _is_table(path)
    if keys.top & {"images", "categories", "shapes", "markups"}:
        return False
    version_3 = {"project", "config", "attribute", "file", "metadata", "view"}
    return (
        "_via_img_metadata" in keys.top
        or len(version_3 & keys.top) >= 4
        or {"filename", "regions"} <= keys.below
    )


def vocabulary(path: Path, options: LabelOptions = AS_IT_LIES) -> Vocabulary | None:
    """The names in an annotation; None where it holds nothing but points that nobody named."""
    return names_of(read_export(_annotation_file(path)), options.class_attribute)


def _is_table(path: Path) -> bool:
    """Whether the first line is the header of the annotator's CSV, of version 3 its comment."""
    try:
        with path.open("rb") as stream:
            line = stream.readline(4096).decode("utf-8-sig", "replace")
    except OSError:
        return False
    names = {cell.strip().strip('"') for cell in line.lstrip("#").split(",")}
    return set(COLUMNS) <= names or line.startswith("# Exported using VGG Image Annotator")


def _annotation_file(path: Path) -> Path:
    """The annotation itself; in a folder the project, else the only JSON or CSV that VIA could have made."""
    if not path.is_dir():
        return path
    for pattern in ("via_project*.json", "via*.json", "via*.csv", "*.json", "*.csv"):
        named = [item for item in sorted(path.glob(pattern)) if item.name != "series.csv"]
        # Attributes saved by themselves lie beside annotations; where nothing is recognised, all are told.
        found = [item for item in named if item.is_file() and detect(item)] or named
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(item.name for item in found[:5])
            raise AnnotationError(f"{path}: holds several annotation files ({names}) -- name one")
    raise AnnotationError(f"{path}: holds no VIA annotation -- name its CSV or JSON file")


def _holds_shapes(entries: tuple[Entry, ...]) -> bool:
    """Whether anything but points is drawn; among such, points that nobody named may be passed over."""
    return any(region.kind != "point" for entry in entries for region in entry.regions())


def _check_count(entry: Entry, options: LabelOptions) -> None:
    """Refuses a CSV with fewer regions than its rows promise; tells of one with more, which some tools write."""
    stated, count = "/".join(sorted(entry.declared)), len(entry.rows)
    if not entry.declared or stated == str(count):
        return
    if stated.isdecimal() and int(stated) < count:
        options.notice(
            f"{entry.place}: {printable(entry.name)} has {count} regions where region_count says {stated}: all "
            "are read"
        )
        return
    raise AnnotationError(
        f"{entry.place}: {printable(entry.name)} should have {stated} regions "
        f"but has {count} -- the file is cut short or edited: export it again"
    )


def _scene(
    entry: Entry,
    image: ImageRef,
    schema: Schema,
    groups: Mapping[str, str],
    options: LabelOptions,
    *,
    pass_points: bool,
) -> Scene:
    """One image with all its regions understood."""
    if len(entry.sizes) > 1:
        raise AnnotationError(
            f"{entry.place}: {printable(entry.name)} stands in the file with {len(entry.sizes)} different "
            "sizes -- keep the regions of one"
        )
    _check_count(entry, options)
    for line in entry.passed:
        options.notice(line)
    regions = entry.regions()
    if pass_points:
        for region in (region for region in regions if region.kind == "point"):
            options.notice(f"{region.place}: a point has no place in {schema.name}, which has no landmarks")
        regions = [region for region in regions if region.kind != "point"]
    found = instances(regions, schema, options.class_attribute, options.notice)
    outside = reach_out(found, image)
    if outside:
        options.notice(f"{entry.place}: {printable(entry.name)}: {outside}")
    empty = "" if entry.rows else "the annotation names the image without any region"
    attributes = parsed(entry.attributes, entry.place)
    group = groups.get(Path(image.name).name) or str(attributes.get("group", ""))
    notes = tuple(note for note in (outside, empty) if note)
    return Scene(image, schema, in_schema_order(found, schema), notes=notes, group=group)


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
    title="VGG Image Annotator: CSV and JSON of versions 1 and 2, projects of versions 2 and 3",
    keeps=frozenset(
        {"labels", "rectangles", "landmarks", "visibility", "outlines", "holes", "scores", "order"}
        | {"readers", "groups"}
    ),
    read=read,
    write=write,
    detect=detect,
    vocabulary=vocabulary,
)
