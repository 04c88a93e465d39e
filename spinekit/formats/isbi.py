"""The ISBI 2014/15 cephalometric challenge: 19 points on a lateral cephalogram, as a table or as text files.

The table is a CSV with the header ``image_path,1_x,1_y,...,19_x,19_y``; the challenge's own files are one
``.txt`` for each film and reader (see `spinekit.formats.isbi_txt`). Both hold whole pixels. They are taken as
indices that count from 0, for neither the files nor the papers say otherwise: a tool that began at 1 would shift
every point alike by a pixel, which no distance or angle feels. The 0.1 mm a pixel of the challenge's papers is
not in the files, so no spacing is given here: who knows it states it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.formats.isbi_txt import POINTS, Film, is_points, label_files, read_films
from spinekit.formats.passed_over import found_image, tell_points_outside
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions, Vocabulary
from spinekit.formats.sources import csv_rows, image_folder, number, points_box
from spinekit.schemas import load_schema

HEADER = ["image_path", *(f"{index}_{axis}" for index in range(1, POINTS + 1) for axis in "xy")]


_IMAGE_FOLDERS = ("images", "RawImage")


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The films that lie in the image folder, each with a skull of 19 points for every reader.

    Args:
        path: The CSV file, one text file, or a folder: of a single CSV, of text files, or of the folders of
            several readers.
        schema: With 19 landmarks in the order of the challenge, e.g. ``ceph-19``.
        options: The folder of the images, and who is told what was passed over.

    Yields:
        Scenes in the order of the table or of the films' names; an empty pair of cells is an absent point.

    Raises:
        AnnotationError: If a file or the schema does not fit; the message gives file and line.
    """
    if len(schema.landmarks) != POINTS:
        raise AnnotationError(
            f"schema {schema.name}: has {len(schema.landmarks)} landmarks -- this set holds 19: use ceph-19"
        )
    table = _table(path)
    images = image_folder(_images(path if table is None else table, options.images))
    for film in read_films(path, images, options) if table is None else _tabled(table):
        image = found_image(images, film.name, film.place, options)
        if image is None:
            continue
        skulls = tuple(
            _skull(film, reader, xy, image, schema, options) for reader, xy in film.readings.items()
        )
        yield Scene(image, schema, skulls, group=PurePosixPath(film.name).stem)


def detect(path: Path) -> bool:
    """Whether a path is the challenge's table or its text files."""
    try:
        if path.is_file():
            return _has_header(path) or is_points(path)
        tables = sorted(path.glob("*.csv")) if path.is_dir() else []
        return any(_has_header(table) for table in tables) or (path.is_dir() and bool(label_files(path)))
    except OSError:
        return False


def vocabulary(path: Path, options: LabelOptions = AS_IT_LIES) -> Vocabulary:
    """The challenge's 19 points, which its files number."""
    del path, options
    schema = load_schema("ceph-19")
    return Vocabulary(schema.task, schema.classes, schema.landmark_names, schema.edges, schema)


def _table(path: Path) -> Path | None:
    """The CSV file that a path means; None for text files."""
    if path.is_file():
        return None if path.suffix.lower() == ".txt" else path
    tables = sorted(path.glob("*.csv"))
    if len(tables) > 1:
        tables = [table for table in tables if _has_header(table)] or tables
    if len(tables) > 1 or (not tables and not label_files(path)):
        raise AnnotationError(
            f"{path}: holds {len(tables)} CSV files and no text files of points -- name the one to read"
        )
    return tables[0] if tables else None


def _images(path: Path, images: Path | None) -> Path:
    """The folder of the films: as stated, or ``images`` or ``RawImage`` near by, or where the labels lie."""
    if images is not None:
        return images
    folder = path if path.is_dir() else path.parent
    above = (folder, folder.parent, folder.parent.parent)
    beside = (place / name for place in above for name in _IMAGE_FOLDERS)
    return next((found for found in beside if found.is_dir()), folder)


def _has_header(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        head = stream.readline(4096).decode("utf-8-sig", "replace")
    return [cell.strip().strip('"') for cell in head.split(",")] == HEADER


def _tabled(table: Path) -> Iterator[Film]:
    rows = csv_rows(table)
    _, header = next(rows)
    if [cell.strip() for cell in header] != HEADER:
        raise AnnotationError(f"{table}: line 1 is not image_path,1_x,1_y,...,19_x,19_y -- add this header")
    for line, row in rows:
        place = f"{table}: line {line}"
        if len(row) != len(HEADER):
            raise AnnotationError(
                f"{place} has {len(row)} cells -- {len(HEADER)} are needed, a name and 19 pairs"
            )
        xy = np.array([number(cell, place) if cell.strip() else np.nan for cell in row[1:]])
        yield Film(row[0], place, {None: xy.reshape(POINTS, 2)})


def _skull(
    film: Film, reader: str | None, xy: FloatArray, image: ImageRef, schema: Schema, options: LabelOptions
) -> Instance:
    points = landmarks(schema.landmark_names, xy)
    if bool(np.isnan(points.xy).all()):
        raise AnnotationError(f"{film.place} holds no point -- remove the line")
    tell_points_outside(points, image, film.place, options)
    return Instance(schema.classes[0], points_box(points.xy), landmarks=points, reader=reader)


FORMAT = AnnotationFormat(
    name="isbi",
    title="ISBI 2015 cephalometric challenge: 19 points a film, table or text files (read only)",
    keeps=frozenset({"labels", "landmarks", "readers", "order"}),
    read=read,
    detect=detect,
    vocabulary=vocabulary,
)
