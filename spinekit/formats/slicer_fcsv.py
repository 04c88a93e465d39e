"""3D Slicer's older lists of points: one ``<film>.fcsv`` per film, points alone.

Positions are millimetres in the system that the header names (LPS since Slicer 4.11; numbers 0 for RAS, 1
for LPS, 2 for pixel indices; RAS where it names none, as before), on the plane where Slicer shows the film
(see `spinekit.formats.slicer_plane`). spinekit labels a point ``<instance>.<landmark>`` where the schema has
several instances, and leaves points that are absent out.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from spinekit.core.errors import AnnotationError
from spinekit.core.landmarks import Visibility
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.files import printable, write_text
from spinekit.formats.image_lookup import annotation_name
from spinekit.formats.marks import OBJECT, Mark
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions, Vocabulary
from spinekit.formats.slicer_plane import FilmPlane, film_plane
from spinekit.formats.slicer_points import (
    NUMBER,
    OCCLUDED,
    Notice,
    Placed,
    files_of,
    point_marks,
    read_files,
    to_pixels,
)
from spinekit.formats.sources import number, read_text

__all__ = ["FORMAT", "detect", "read", "vocabulary", "write"]

SUFFIX = ".fcsv"
COLUMNS = (
    "id",
    "x",
    "y",
    "z",
    "ow",
    "ox",
    "oy",
    "oz",
    "vis",
    "sel",
    "lock",
    "label",
    "desc",
    "associatedNodeID",
)
_LOOKED_AT = 20  # files of a folder
_FIRST_LINE = re.compile(rb"(\xef\xbb\xbf)?# *(Markups fiducial file|Fiducial List file)", re.IGNORECASE)
_SYSTEMS = {"0": "RAS", "1": "LPS", "2": "IJK"}


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The films to which lists of points belong, in the order of the files' names.

    Args:
        path: A file, or a folder of them.
        schema: Names the classes and landmarks.
        options: The folder of the films (otherwise they lie beside the lists), and who is told what was
            passed over.

    Raises:
        AnnotationError: If a file is broken or does not fit the schema; the message gives the line.
    """
    return read_files(path, SUFFIX, schema, options, _marks)


def detect(path: Path) -> bool:
    """Whether a file, or one in a folder, is a list of points of Slicer."""
    if path.is_dir():
        return any(detect(item) for item in sorted(path.rglob(f"*{SUFFIX}"))[:_LOOKED_AT] if item.is_file())
    try:
        with path.open("rb") as stream:
            return _FIRST_LINE.match(stream.read(200)) is not None
    except OSError:
        return False


def vocabulary(path: Path, options: LabelOptions = AS_IT_LIES) -> Vocabulary | None:
    """Labels of the points as landmarks in order of first mention, what stands before their dot as classes."""
    landmarks: dict[str, None] = {}
    classes: set[str] = set()
    for file in files_of(path, SUFFIX):
        for item in _list(file)[1]:
            instance, _, point = item.label.rpartition(".")
            landmarks.setdefault(point or item.label)
            classes.update({NUMBER.sub("", instance)} - {""})
    names = tuple(name for name in landmarks if name)
    return Vocabulary("pose", tuple(sorted(classes)) or (OBJECT,), names) if names else None


def write(scenes: Iterable[Scene], out: Path) -> list[Path]:
    """Writes ``<film>.fcsv`` for every scene.

    Args:
        scenes: Only landmarks in them are written.
        out: Folder to write below.
    """
    files: list[Path] = []
    taken: set[str] = set()
    for scene in scenes:
        target = out / f"{annotation_name(scene.image, taken)}{SUFFIX}"
        write_text(target, "".join(f"{line}\n" for line in _lines(scene)))
        files.append(target)
    return files


def _lines(scene: Scene) -> Iterator[str]:
    yield "# Markups fiducial file version = 4.13"
    yield "# CoordinateSystem = LPS"
    yield f"# columns = {','.join(COLUMNS)}"
    plane = film_plane(scene.image)
    single = len(scene.instances) == 1 and len(scene.schema.classes) == 1 and not scene.schema.levels
    count = 0
    seen: Counter[str] = Counter()
    for item in scene.instances:
        if item.landmarks is None:
            continue
        seen[item.label] += 1
        instance = item.label if seen[item.label] == 1 else f"{item.label} #{seen[item.label]}"
        points = item.landmarks
        for name, xy, visibility in zip(points.names, points.xy, points.visibility, strict=True):
            if visibility == Visibility.ABSENT:
                continue
            x, y, z = (f"{value:.6f}" for value in plane.to_world(xy[None])[0])
            label = _cell(name if single else f"{instance}.{name}")
            words = OCCLUDED if visibility == Visibility.OCCLUDED else ""
            count += 1
            yield f"{count},{x},{y},{z},0,0,0,1,1,1,0,{label},{words},"


def _cell(text: str) -> str:
    """A label, in quotes where it holds what ends a cell or a line."""
    text = printable(text)
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"') else text


def _marks(file: Path, plane: FilmPlane, schema: Schema, notice: Notice) -> list[Mark]:
    system, placed = _list(file)
    if not placed:
        return []
    positions = [item.position for item in placed if item.position is not None]
    xy = to_pixels(positions, system, plane, str(file), notice)
    return point_marks(placed, xy, "the list", (), schema, notice)


def _list(file: Path) -> tuple[str, list[Placed]]:
    """Coordinate system and points of a file."""
    system = "RAS"
    columns: tuple[str, ...] = COLUMNS
    placed: list[Placed] = []
    for line, text in enumerate(read_text(file).splitlines(), 1):
        where = f"{file}: line {line}"
        if text.startswith("#"):
            key, _, value = text.lstrip("# ").partition("=")
            if key.strip().casefold() == "coordinatesystem":
                system = _SYSTEMS.get(value.strip(), value.strip())
            elif key.strip().casefold() == "columns":
                columns = tuple(name.strip() for name in value.split(","))
        elif text.strip():
            placed.append(_row(text, columns, where))
    if not set("xyz") <= set(columns) or "label" not in columns:
        raise AnnotationError(
            f"{file}: has no columns x, y, z and label -- save the markups from Slicer again"
        )
    return system, placed


def _row(text: str, columns: tuple[str, ...], where: str) -> Placed:
    try:
        cells = next(csv.reader([text], strict=True))
    except csv.Error as error:
        raise AnnotationError(f"{where}: {error} -- save the markups from Slicer again") from error
    told = dict(zip(columns, cells, strict=False))
    if any(name not in told for name in ("x", "y", "z", "label")):
        raise AnnotationError(f"{where}: has {len(cells)} cells for {len(columns)} columns -- check the line")
    x, y, z = (number(told[name], f"{where}: {name}") for name in ("x", "y", "z"))
    return Placed(where, told["label"].strip(), (x, y, z), told.get("desc", ""))


FORMAT = AnnotationFormat(
    name="fcsv",
    title="3D Slicer's older lists of points: one .fcsv per film",
    keeps=frozenset({"labels", "landmarks", "visibility", "order"}),
    read=read,
    write=write,
    detect=detect,
    vocabulary=vocabulary,
)
