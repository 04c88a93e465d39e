"""The MICCAI AASCE 2019 challenge: AP spine films with 17 vertebrae of 4 corners, as tables or as ``.mat`` files.

A folder of tables holds ``filenames.csv``, ``landmarks.csv`` (68 x, then 68 y a row, divided by the film's
width and height) and ``angles.csv``, none with a header, where row i belongs to row i; the films lie in
``images/`` beside them. The challenge's own labels are one ``<film>.mat`` each (see `spinekit.formats.aasce_mat`),
whose films lie in ``images/`` inside or beside, or in ``data/...`` where the labels are in ``labels/...``.

Half pixels: ``value * width`` gives back, to within the five printed digits, the whole numbers of the
``.mat`` files. So a coordinate is a pixel's index, no half pixel is taken off, and the rounding of the printed
digits is undone: the challenge's angles then come out to 0.0003 instead of 0.002 degrees. Whether the tool
counted its first pixel as 0 or as 1 cannot be seen in the data.
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
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.formats.aasce_mat import BODIES, CORNERS, is_corners, read_corners
from spinekit.formats.passed_over import found_image, tell_points_outside
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions, Vocabulary
from spinekit.formats.sources import ImageFolder, csv_rows, image_folder, number, points_box
from spinekit.schemas import load_schema

_PRINTED_PX = 0.05  # five digits of a film 4000 px high leave 0.02 px
_VISIT = re.compile(r"(?P<source>.+?)-\d{1,2}-[A-Za-z]{3}-\d{4}-(?P<number>\S+)")


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The films of an AASCE folder that lie in the image folder, in the order of the table or of their names.

    Each scene holds one instance per vertebra, cranial to caudal, its corners in pixels. Films named in
    ``suspect_labels.csv``, where there is one, carry its remark as a note.

    Args:
        path: The folder, its ``landmarks.csv``, or one ``.mat`` file.
        schema: With the levels T1 to L5, and the landmarks TL, TR, BL, BR (``spine-ap``) or none
            (``spine-ap-levels``: each body then is an outline of its four corners).
        options: The folder of the images, and who is told what was passed over.

    Raises:
        AnnotationError: If the tables or the schema do not fit; the message gives file and row.
    """
    folder = path.parent if path.is_file() else path
    levels, columns = _levels(schema), _corner_columns(schema)
    notes = _suspects(folder / "suspect_labels.csv")
    films = image_folder(_images(folder, options.images))
    for place, name, found in _mats(path, films) if _is_of_mats(path) else _table(folder):
        film = found_image(films, name, place, options)
        if film is None:
            continue
        pixels = found if _is_of_mats(path) else _pixels(found, film)
        corners = pixels.reshape(BODIES, len(CORNERS), 2)
        instances = tuple(
            _body(level, xy[columns], schema) for level, xy in zip(levels, corners, strict=True)
        )
        for item, xy in zip(instances, corners, strict=True):
            points = item.landmarks or landmarks(CORNERS, xy)
            tell_points_outside(points, film, f"{place}: {item.label}", options)
        own = film.name.rsplit("/", 1)[-1]
        remarks = (notes[own],) if own in notes else ()
        yield Scene(film, schema, instances, notes=remarks, group=visit_of(own))


def detect(path: Path) -> bool:
    """Whether a path is a folder of the challenge's tables, one of these, or one or many of its ``.mat`` files."""
    try:
        if path.suffix.lower() == ".mat" and path.is_file():
            return is_corners(path)
        folder = path if path.is_dir() else path.parent
        if path.is_file() and path.name != "landmarks.csv":
            return False
        if (folder / "filenames.csv").is_file() and (folder / "landmarks.csv").is_file():
            with (folder / "landmarks.csv").open("rb") as stream:
                return stream.readline(1 << 16).count(b",") == 2 * BODIES * len(CORNERS) - 1
        first = next(iter(sorted(folder.glob("*.mat"))), None) if path.is_dir() else None
        return first is not None and is_corners(first)
    except OSError:
        return False


def vocabulary(path: Path, options: LabelOptions = AS_IT_LIES) -> Vocabulary:
    """The set's convention: bodies T1 to L5 with four corners."""
    del path, options
    schema = load_schema("spine-ap")
    return Vocabulary(schema.task, schema.classes, schema.landmark_names, schema.edges, schema)


def read_angles(folder: Path) -> dict[str, tuple[float, float, float]]:
    """The challenge's three Cobb angles of each film, degrees, by the film's name.

    Raises:
        AnnotationError: If a row does not hold three numbers, or rows are missing.
    """
    folder = folder.parent if folder.is_file() else folder
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


def _images(folder: Path, images: Path | None) -> Path:
    """The folder of the films; see the module's text."""
    if images is not None:
        return images
    parts = list(folder.parts)
    if "labels" in parts:
        place = len(parts) - 1 - parts[::-1].index("labels")
        parts[place] = "data"
    beside = (folder / "images", folder.parent / "images", Path(*parts))
    return next((found for found in beside if found.is_dir()), folder)


def _names(folder: Path) -> list[str]:
    return [",".join(row).strip() for _, row in csv_rows(folder / "filenames.csv")]


def _is_of_mats(path: Path) -> bool:
    return path.suffix.lower() == ".mat" or (path.is_dir() and not (path / "landmarks.csv").is_file())


def _mats(path: Path, films: ImageFolder) -> Iterator[tuple[str, str, FloatArray]]:
    """Place, film's name and (68, 2) corners, px, of each ``.mat`` file."""
    files = [path] if path.is_file() else sorted(path.glob("*.mat"))
    if not files:
        raise AnnotationError(
            f"{path}: holds neither landmarks.csv nor .mat files -- name the folder of labels"
        )
    for file in files:
        named = [name for name in (file.stem, file.name) if name in films.paths or name in films.by_name]
        yield str(file), (named or [file.stem])[0], read_corners(file)


def _table(folder: Path) -> Iterator[tuple[str, str, FloatArray]]:
    """Place, film's name and (68, 2) corners, as fractions of width and height, of each row."""
    names = _names(folder)
    path = folder / "landmarks.csv"
    rows = list(csv_rows(path))
    if len(rows) != len(names):
        raise AnnotationError(f"{path}: {len(rows)} rows for {len(names)} films -- row i belongs to film i")
    count = 2 * BODIES * len(CORNERS)
    for name, (line, row) in zip(names, rows, strict=True):
        place = f"{path}: line {line}"
        if len(row) != count:
            raise AnnotationError(f"{place} has {len(row)} numbers -- {count} are needed")
        values = [number(cell, place) for cell in row]
        yield place, name, np.array(values, dtype=np.float64).reshape(2, -1).T


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
    """The (68, 2) corners in pixels, whole numbers wherever the printed digits mean one."""
    pixels: FloatArray = fractions * [film.width, film.height]
    whole = np.round(pixels)
    near = np.abs(pixels - whole) < _PRINTED_PX
    return np.where(near, whole, pixels)


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
    title="AASCE 2019: 17 vertebrae x 4 corners on AP spine films, tables or .mat files (read only)",
    keeps=frozenset({"labels", "landmarks", "outlines", "order"}),
    read=read,
    detect=detect,
    vocabulary=vocabulary,
)
