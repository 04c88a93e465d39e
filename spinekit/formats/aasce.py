"""The tables of the MICCAI AASCE 2019 challenge: AP spine films with 17 vertebrae of 4 corners.

A folder holds ``filenames.csv``, ``landmarks.csv`` (68 x, then 68 y a row, divided by the film's width
and height) and ``angles.csv``, none with a header, where row i belongs to row i; the films lie in
``images/`` beside them.

Half pixels: ``value * width`` gives back, to within the five printed digits, the whole numbers of the
challenge's own ``.mat`` files. So a coordinate is a pixel's index, no half pixel is taken off, and the
rounding of the printed digits is undone: the challenge's angles then come out to 0.0003 instead of 0.002
degrees. Whether the tool counted its first pixel as 0 or as 1 cannot be seen in the data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.outline import Outline
from spinekit.core.scene import Absent, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions
from spinekit.formats.sources import csv_rows, image_folder, number, points_box

BODIES = 17
CORNERS = ("TL", "TR", "BL", "BR")
_PRINTED_PX = 0.05  # five digits of a film 4000 px high leave 0.02 px
_VISIT = re.compile(r"(?P<source>.+?)-\d{1,2}-[A-Za-z]{3}-\d{4}-(?P<number>\S+)")


def read(folder: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The films of an AASCE folder that lie in the image folder, in the order of the table.

    Each scene holds one instance per vertebra, cranial to caudal, its corners in pixels. Films named in
    ``suspect_labels.csv``, where there is one, carry its remark as a note. See `left_out` for the rest.

    Args:
        folder: The folder, or its ``landmarks.csv``.
        schema: With the levels T1 to L5, and the landmarks TL, TR, BL, BR (``spine-ap``) or none
            (``spine-ap-levels``: each body then is an outline of its four corners).
        options: The folder of the images, and who is told what was passed over.

    Raises:
        AnnotationError: If the tables or the schema do not fit; the message gives file and row.
    """
    folder, images = _places(folder, options.images)
    levels, columns = _levels(schema), _corner_columns(schema)
    notes = _suspects(folder / "suspect_labels.csv")
    films = image_folder(images)
    for name, row in _table(folder):
        film = films.find(name)
        if isinstance(film, Absent):
            continue
        corners = _pixels(row, film)[:, columns]
        instances = tuple(_body(level, xy, schema) for level, xy in zip(levels, corners, strict=True))
        remarks = (notes[name],) if name in notes else ()
        yield Scene(film, schema, instances, notes=remarks, group=visit_of(name))


def left_out(folder: Path, images: Path | None = None) -> tuple[str, ...]:
    """Why which films of the table are not read, one line each."""
    folder, images = _places(folder, images)
    films = image_folder(images)
    found = (films.find(name) for name, _ in _table(folder))
    return tuple(film.reason for film in found if isinstance(film, Absent))


def read_angles(folder: Path) -> dict[str, tuple[float, float, float]]:
    """The challenge's three Cobb angles of each film, degrees, by the film's name.

    Raises:
        AnnotationError: If a row does not hold three numbers, or rows are missing.
    """
    folder, _ = _places(folder, folder)
    path = folder / "angles.csv"
    names = _names(folder)
    rows = list(csv_rows(path))
    if len(rows) != len(names):
        raise AnnotationError(f"{path}: {len(rows)} rows for {len(names)} films -- row i belongs to film i")
    angles: dict[str, tuple[float, float, float]] = {}
    for name, (line, row) in zip(names, rows, strict=True):
        if len(row) != 3:
            raise AnnotationError(f"{path}: line {line} has {len(row)} numbers -- three angles are needed")
        first, second, third = (number(cell, f"{path}: line {line}") for cell in row)
        angles[name] = (first, second, third)
    return angles


def visit_of(name: str) -> str:
    """What must stay together in a split: the film's name without date and letter.

    ``sunhl-1th-03-Jan-2017-165 A AP.jpg`` gives ``sunhl-1th-165``. The letters of one number run on from
    one day to the next, so the number, not the date, tells the patients apart.
    """
    stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    match = _VISIT.match(stem)
    return f"{match['source']}-{match['number']}" if match else stem


def _places(folder: Path, images: Path | None) -> tuple[Path, Path]:
    """The folder of the tables and that of the films."""
    if folder.is_file():
        folder = folder.parent
    if images is None:
        images = folder / "images" if (folder / "images").is_dir() else folder
    return folder, images


def _names(folder: Path) -> list[str]:
    return [",".join(row).strip() for _, row in csv_rows(folder / "filenames.csv")]


def _table(folder: Path) -> Iterator[tuple[str, FloatArray]]:
    """Each film's name with its (68, 2) corners as fractions of width and height."""
    names = _names(folder)
    path = folder / "landmarks.csv"
    rows = list(csv_rows(path))
    if len(rows) != len(names):
        raise AnnotationError(f"{path}: {len(rows)} rows for {len(names)} films -- row i belongs to film i")
    count = 2 * BODIES * len(CORNERS)
    for name, (line, row) in zip(names, rows, strict=True):
        if len(row) != count:
            raise AnnotationError(f"{path}: line {line} has {len(row)} numbers -- {count} are needed")
        values = [number(cell, f"{path}: line {line}") for cell in row]
        yield name, np.array(values, dtype=np.float64).reshape(2, -1).T


def _levels(schema: Schema) -> tuple[str, ...]:
    """The 17 levels of the set, as the schema has them."""
    first = schema.levels.index("T1") if "T1" in schema.levels else 0
    levels = schema.levels[first : first + BODIES]
    if len(levels) != BODIES or levels[-1] != "L5":
        raise AnnotationError(
            f"schema {schema.name}: has not the 17 levels T1 to L5 of AASCE -- use spine-ap(-levels)"
        )
    return levels


def _corner_columns(schema: Schema) -> list[int]:
    """For each landmark of the schema, which corner of the table it is; around the body for none."""
    if not schema.landmarks:
        return [CORNERS.index(corner) for corner in ("TL", "TR", "BR", "BL")]
    resolved = {schema.resolve(corner): index for index, corner in enumerate(CORNERS)}
    names = schema.landmark_names
    if sorted(names) != sorted(map(str, resolved)):
        raise AnnotationError(
            f"schema {schema.name}: has the landmarks {', '.join(names)} -- AASCE gives TL, TR, BL, BR: "
            "use spine-ap"
        )
    return [resolved[name] for name in names]


def _pixels(fractions: FloatArray, film: ImageRef) -> FloatArray:
    """The (17, 4, 2) corners in pixels, whole numbers wherever the printed digits mean one."""
    pixels: FloatArray = fractions * [film.width, film.height]
    whole = np.round(pixels)
    near = np.abs(pixels - whole) < _PRINTED_PX
    return np.where(near, whole, pixels).reshape(BODIES, len(CORNERS), 2)


def _body(level: str, xy: FloatArray, schema: Schema) -> Instance:
    if not schema.landmarks:
        return Instance(level, points_box(xy), Outline((xy,)))
    return Instance(level, points_box(xy), landmarks=landmarks(schema.landmark_names, xy))


def _suspects(path: Path) -> dict[str, str]:
    """The remark on each film of ``suspect_labels.csv``; nothing where there is no such file."""
    if not path.is_file():
        return {}
    return {row[0]: f"suspect label: {', '.join(row[1:])}" for _, row in csv_rows(path) if row[1:]}


FORMAT = AnnotationFormat(
    name="aasce",
    title="AASCE 2019 tables: 17 vertebrae x 4 corners on AP spine films (read only)",
    keeps=frozenset({"labels", "landmarks", "outlines", "order"}),
    read=read,
)
