"""A tidy table of landmarks: one CSV, one row a point, for spreadsheets and statistics.

Columns, in any order and whatever the case of their names: ``image``, ``landmark``, ``x``, ``y`` must be there;
``instance``, ``label``, ``visibility``, ``score``, ``instance_score``, ``reader``, ``spacing_row_mm``,
``spacing_col_mm``, ``spacing_origin`` and ``group`` may be. Coordinates are pixels that count from 0 at the centre
of the first one, x to the right and y down. Visibility is 0 (absent), 1 (occluded) or 2 (visible); where it is
left out a point is visible if it has coordinates. A row without landmark says that the image was looked at.

Text cells that a spreadsheet would take for a formula are written with a leading ``'``, which is taken off again;
numbers stay as they are, negative ones too.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.landmarks import Visibility
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.files import atomic_path
from spinekit.formats.landmark_rows import COLUMNS, NEEDED, films, header_of, to_scene
from spinekit.formats.passed_over import found_image
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions, Vocabulary
from spinekit.formats.sources import image_folder, safe_cell

FILE = "landmarks.csv"
_HEAD_BYTES = 4096


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The images of the table that lie in the image folder, in the order of their first rows.

    Rows of one image, reader and instance belong together; where no instance is numbered, those of one label.

    Args:
        path: The CSV file, or a folder that holds a single one of this kind.
        schema: Names the classes and landmarks.
        options: The folder of the images, and who is told what was passed over.

    Raises:
        AnnotationError: If the table is broken or does not fit the schema; the message gives the line.
    """
    path = _file(path)
    beside = path.parent / "images"
    folder = image_folder(options.images or (beside if beside.is_dir() else path.parent))
    for film in films(path, options):
        image = found_image(folder, film.name, film.place, options)
        if image is not None:
            yield to_scene(film, image, schema, options)


def detect(path: Path) -> bool:
    """Whether a path is such a table, or a folder that holds one."""
    try:
        files = [path] if path.is_file() else sorted(path.glob("*.csv")) if path.is_dir() else []
        return any(_looks_right(file) for file in files)
    except OSError:
        return False


def vocabulary(path: Path, options: LabelOptions = AS_IT_LIES) -> Vocabulary | None:
    """Labels and landmarks in the order in which the table names them; None where it names no landmark."""
    del options
    labels: dict[str, None] = {}
    points: dict[str, None] = {}
    for film in films(_file(path), AS_IT_LIES):
        for row in film.rows:
            labels.setdefault(row.label or "object")
            points.setdefault(row.landmark)
    return Vocabulary("pose", tuple(labels), tuple(points)) if points else None


def write(scenes: Iterable[Scene], out: Path) -> list[Path]:
    """Writes ``landmarks.csv``, one scene at a time; absent points have empty coordinates.

    Args:
        scenes: All of one schema.
        out: Folder to write below.

    Raises:
        AnnotationError: If an instance has no landmarks.
        UsageError: If the schemas differ.
    """
    target = out / FILE
    schema: Schema | None = None
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        for scene in scenes:
            schema = schema or scene.schema
            if scene.schema.fingerprint() != schema.fingerprint():
                raise UsageError(
                    f"{scene.image.name}: is of schema {scene.schema.name}, others of {schema.name}"
                )
            writer.writerows(_rows(scene))
    return [target]


def _rows(scene: Scene) -> Iterator[dict[str, str]]:
    about = {"image": safe_cell(scene.image.name or scene.image.path.name), "group": safe_cell(scene.group)}
    spacing = scene.image.spacing
    if spacing is not None:
        about |= {
            "spacing_row_mm": repr(spacing.row_mm),
            "spacing_col_mm": repr(spacing.col_mm),
            "spacing_origin": spacing.origin.value,
        }
    if not scene.instances:
        yield about
    for number, item in enumerate(scene.instances, 1):
        yield from (about | row for row in _points(item, number, scene))


def _points(item: Instance, number: int, scene: Scene) -> Iterator[dict[str, str]]:
    points = item.landmarks
    if points is None:
        raise AnnotationError(
            f"{scene.image.name}: {item.label} has no landmarks -- write it in another format"
        )
    about = {
        "instance": str(number),
        "label": safe_cell(item.label),
        "reader": safe_cell(item.reader or ""),
        "instance_score": repr(float(item.score)) if item.author is Author.MODEL or item.score != 1.0 else "",
    }
    for index, name in enumerate(points.names):
        row = about | {"landmark": safe_cell(name), "visibility": str(int(points.visibility[index]))}
        if points.visibility[index] != Visibility.ABSENT:
            row |= {"x": repr(float(points.xy[index, 0])), "y": repr(float(points.xy[index, 1]))}
        if points.score is not None and not np.isnan(points.score[index]):
            row |= {"score": repr(float(points.score[index]))}
        yield row


def _file(path: Path) -> Path:
    """The table that a path means."""
    if not path.is_dir():
        return path
    found = [file for file in sorted(path.glob("*.csv")) if _looks_right(file)]
    if len(found) != 1:
        raise AnnotationError(f"{path}: holds {len(found)} tables of landmarks -- name the one to read")
    return found[0]


def _looks_right(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        head = stream.readline(_HEAD_BYTES).decode("utf-8-sig", "replace")
    return set(NEEDED) <= set(header_of(next(csv.reader([head]), [])))


FORMAT = AnnotationFormat(
    name="landmarks",
    title="Tidy CSV table of landmarks, one row a point",
    keeps=frozenset({"labels", "landmarks", "visibility", "scores", "order", "spacing", "readers", "groups"}),
    read=read,
    write=write,
    detect=detect,
    vocabulary=vocabulary,
)
