"""What both kinds of 3D Slicer's markups files have in common: points with labels, found beside their film.

A point's label is the landmark, with the name of its instance before a dot where one list holds several
(``L1.TL``). Labels that name no landmark, such as the numbers that Slicer gives by itself, go by their order
where there are as many as the schema has landmarks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.image_lookup import by_own_name, present, stems_of
from spinekit.formats.marks import (
    Advice,
    Mark,
    MarkKind,
    instances_of,
    reach_out,
    unknown_landmark,
    without_doubled,
)
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.slicer_plane import FilmPlane, film_plane
from spinekit.formats.sources import all_labels, image_folder, in_schema_order

Notice = Callable[[str], None]

OCCLUDED = "occluded"
"""What the description of a point says that is not seen but known."""

NUMBER = re.compile(r" #\d+$")
"""What tells instances of one name apart: ``vertebra #2``."""

OFF_PLANE_MM = 1.0  # farther from the film than this is worth a word
_SIGNS = {"LPS": (1.0, 1.0, 1.0), "RAS": (-1.0, -1.0, 1.0)}
_ADVICE = Advice("name the list in Slicer like its class", "give the point the landmark's name as label")


@dataclass(frozen=True, slots=True)
class Placed:
    """One point of a list.

    Attributes:
        place: File and number, for messages.
        label: As written, without outer blanks.
        position: Its three coordinates in the list's own system, or None where it was never placed.
        description: Words beside it.
    """

    place: str
    label: str
    position: tuple[float, float, float] | None
    description: str = ""


Marker = Callable[[Path, FilmPlane, Schema, Notice], list[Mark]]


def read_files(
    path: Path, suffix: str, schema: Schema, options: LabelOptions, marks_of: Marker
) -> Iterator[Scene]:
    """The films to which markups files belong, in the order of the files' names.

    Args:
        path: A file, or a folder of them; files in its folders are read too.
        suffix: Of the files, e.g. ``.mrk.json``.
        schema: Names the classes and landmarks.
        options: The folder of the films (otherwise the folder that is read, or ``images`` beside it), and who
            is told what was passed over.
        marks_of: Reads one file.

    Raises:
        AnnotationError: If a file is broken or does not fit the schema.
    """
    files = files_of(path, suffix)
    base = path if path.is_dir() else path.parent
    folder = image_folder(options.images or base)
    if options.images is None and not any(Path(name).suffix for name in folder.paths):
        beside = base.parent / "images"
        folder = image_folder(beside if beside.is_dir() else base)
    stems = stems_of(folder)
    given: dict[str, Path] = {}
    for file in files:
        name = file.name[: -len(suffix)] if file.name.lower().endswith(suffix) else file.stem
        below = file.relative_to(path).parent.as_posix() if path.is_dir() else "."
        nested = folder.find(f"{below}/{name}") if below != "." else None
        found = nested if isinstance(nested, ImageRef) else by_own_name(folder, stems, name)
        image = present(found, str(file), options)
        if image is None:
            continue
        if given.setdefault(image.name, file) != file:
            other = given[image.name].name
            raise AnnotationError(
                f"{file}: {printable(image.name)} has its points in {other} too -- keep one"
            )
        marks = without_doubled(marks_of(file, film_plane(image), schema, options.notice), options.notice)
        drawn: list[Instance] = instances_of(marks, schema, _ADVICE)
        outside = reach_out(drawn, image)
        if outside:
            options.notice(f"{file}: {outside}")
        yield Scene(image, schema, in_schema_order(drawn, schema), notes=(outside,) if outside else ())


def files_of(path: Path, suffix: str) -> list[Path]:
    """The file itself, or all files below a folder that end so, links not followed.

    Raises:
        AnnotationError: If the folder holds none.
    """
    if not path.is_dir():
        return [path]
    found = sorted(
        Path(folder, file)
        for folder, _, files in os.walk(path)
        for file in files
        if file.lower().endswith(suffix)
    )
    if not found:
        raise AnnotationError(f"{path}: holds no file that ends in {suffix} -- save the markups from Slicer")
    return found


def to_pixels(
    positions: Sequence[tuple[float, float, float]],
    system: str,
    plane: FilmPlane,
    where: str,
    notice: Notice,
) -> FloatArray:
    """Pixels (N, 2) of positions in a coordinate system of Slicer: ``LPS``, ``RAS`` or ``IJK``.

    Raises:
        AnnotationError: If the system is none of these.
    """
    points = np.array(positions, dtype=np.float64).reshape(-1, 3)
    if system == "IJK":
        indices: FloatArray = points[:, :2].copy()
        return indices
    if system not in _SIGNS:
        raise AnnotationError(
            f"{where}: its coordinate system is {printable(system[:20])!r} -- LPS, RAS or IJK can be read"
        )
    xy, off = plane.to_pixels(points * np.array(_SIGNS[system]))
    if off.size and off.max() > OFF_PLANE_MM:
        notice(f"{where}: points lie up to {off.max():.1f} mm off the film: taken as projected onto it")
    return xy


def point_marks(
    placed: Sequence[Placed],
    xy: FloatArray,
    group: str,
    labels: tuple[str, ...],
    schema: Schema,
    notice: Notice,
) -> list[Mark]:
    """The points of a list as marks.

    Args:
        placed: All points, those never placed among them.
        xy: (N, 2) px of those that have a position.
        group: Of the list.
        labels: Texts that may be the class of what the list is about.
        schema: Names the landmarks; where it has none, all points are passed over.
        notice: Told of that.

    Raises:
        AnnotationError: If a label is no landmark and the number of points is another than the schema's.
    """
    if not schema.landmarks:
        notice(f"{placed[0].place}: points, but {schema.name} has no landmarks: passed over")
        return []
    named = [_split(item.label, schema) for item in placed]
    if not any(landmark for _, landmark in named) and len(placed) == len(schema.landmarks):
        named = [("", name) for name in schema.landmark_names]
    positions = iter(xy)
    marks = []
    for item, (label, landmark) in zip(placed, named, strict=True):
        if not landmark:
            raise unknown_landmark(item.label, schema, item.place)
        if item.position is None:
            continue
        marks.append(
            Mark(
                item.place,
                MarkKind.POINT,
                next(positions)[None],
                labels=(NUMBER.sub("", label),) if label else labels,
                landmark=landmark,
                group=f"{group} {label}" if label else group,
                occluded=OCCLUDED in item.description.casefold().split(),
            )
        )
    return marks


def class_texts(name: str, schema: Schema) -> tuple[str, ...]:
    """What a list's name says of its class: nothing where the schema has but one and the name is another."""
    known = name.casefold() in {label.casefold() for label in all_labels(schema)}
    return (name,) if name and (known or len(schema.classes) > 1) else ()


def _split(label: str, schema: Schema) -> tuple[str, str]:
    """Instance and landmark of a label; no landmark where it is none of the schema."""
    whole = schema.resolve(label)
    if whole is not None:
        return "", whole
    instance, _, point = label.rpartition(".")
    return instance, schema.resolve(point) or "" if instance else ""
