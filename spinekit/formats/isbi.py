"""The table of the ISBI 2014/15 cephalometric challenge: 19 points on a lateral cephalogram.

One CSV with the header ``image_path,1_x,1_y,...,19_x,19_y`` and whole pixels; the films lie in
``images/`` beside it. The 0.1 mm a pixel of the challenge's papers is not in the files, so no spacing is
given here: who knows it states it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Absent, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions
from spinekit.formats.sources import csv_rows, image_folder, number, points_box

POINTS = 19
HEADER = ["image_path", *(f"{index}_{axis}" for index in range(1, POINTS + 1) for axis in "xy")]


def read(table: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The films of the table that lie in the image folder, each with one skull of 19 points.

    Args:
        table: The CSV file, or the folder that holds a single one.
        schema: With 19 landmarks in the order of the challenge, e.g. ``ceph-19``.
        options: The folder of the images, and who is told what was passed over.

    Yields:
        Scenes in the order of the table; an empty pair of cells is an absent point. See `left_out`.

    Raises:
        AnnotationError: If the table or the schema does not fit; the message gives file and line.
    """
    if len(schema.landmarks) != POINTS:
        raise AnnotationError(
            f"schema {schema.name}: has {len(schema.landmarks)} landmarks -- this table holds 19: use ceph-19"
        )
    table, images = _places(table, options.images)
    films = image_folder(images)
    for line, row in _rows(table):
        film = films.find(row[0])
        if isinstance(film, Absent):
            continue
        xy = np.array([_coordinate(cell, f"{table}: line {line}") for cell in row[1:]]).reshape(POINTS, 2)
        points = landmarks(schema.landmark_names, xy)
        if np.isnan(points.xy).all():
            raise AnnotationError(f"{table}: line {line} holds no point -- remove the line")
        skull = Instance(schema.classes[0], points_box(points.xy), landmarks=points)
        yield Scene(film, schema, (skull,), group=PurePosixPath(row[0]).stem)


def left_out(table: Path, images: Path | None = None) -> tuple[str, ...]:
    """Why which films of the table are not read, one line each."""
    table, images = _places(table, images)
    films = image_folder(images)
    found = (films.find(row[0]) for _, row in _rows(table))
    return tuple(film.reason for film in found if isinstance(film, Absent))


def _places(table: Path, images: Path | None) -> tuple[Path, Path]:
    """The CSV file and the folder of the films."""
    if table.is_dir():
        tables = sorted(table.glob("*.csv"))
        if len(tables) != 1:
            raise AnnotationError(f"{table}: holds {len(tables)} CSV files -- name the one to read")
        table = tables[0]
    if images is None:
        beside = table.parent / "images"
        images = beside if beside.is_dir() else table.parent
    return table, images


def _rows(table: Path) -> Iterator[tuple[int, list[str]]]:
    rows = csv_rows(table)
    _, header = next(rows)
    if [cell.strip() for cell in header] != HEADER:
        raise AnnotationError(f"{table}: line 1 is not image_path,1_x,1_y,...,19_x,19_y -- add this header")
    for line, row in rows:
        if len(row) != len(HEADER):
            raise AnnotationError(
                f"{table}: line {line} has {len(row)} cells -- {len(HEADER)} are needed, a name and 19 pairs"
            )
        yield line, row


def _coordinate(cell: str, where: str) -> float:
    return number(cell, where) if cell.strip() else float("nan")


FORMAT = AnnotationFormat(
    name="isbi",
    title="ISBI 2015 cephalometric table: 19 points a film (read only)",
    keeps=frozenset({"labels", "landmarks", "order"}),
    read=read,
)
