"""Rows of a tidy table of landmarks, checked and put together by image and instance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.files import printable
from spinekit.formats.passed_over import tell_points_outside
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.point_names import in_names_of
from spinekit.formats.sources import class_label, csv_rows, in_schema_order, number, plain_cell, points_box

NEEDED = ("image", "landmark", "x", "y")
COLUMNS = (
    "image", "instance", "label", "landmark", "x", "y", "visibility", "score", "instance_score", "reader",
    "spacing_row_mm", "spacing_col_mm", "spacing_origin", "group",
)  # fmt: skip
_SAME_SPACING = 1e-3  # relative: headers round to four digits


@dataclass(frozen=True, slots=True)
class Row:
    """One point.

    Attributes:
        line: Where it stands.
        instance: Number or name that keeps instances of an image apart.
        label: Of its instance, empty where the table has none.
        landmark: Its name.
        xy: px, or None where absent.
        visibility: Of the point.
        score: Its certainty, or None.
        instance_score: Of its instance, or None.
        reader: Who placed it, empty for the only one.
    """

    line: int
    instance: str
    label: str
    landmark: str
    xy: tuple[float, float] | None
    visibility: Visibility
    score: float | None
    instance_score: float | None
    reader: str


@dataclass(slots=True)
class Film:
    """All rows of an image.

    Attributes:
        name: Of the image.
        place: File and first line.
        rows: Its points, none where it holds nothing.
        spacing: As the table states it, or None.
        group: What must stay together in a split.
    """

    name: str
    place: str
    rows: list[Row] = field(default_factory=list)
    spacing: Spacing | None = None
    group: str = ""


def header_of(cells: Sequence[str]) -> list[str]:
    """Names of columns without what does not count: case, outer blanks, a leading ``#``."""
    return [cell.strip().lstrip("#").strip().casefold().replace(" ", "_") for cell in cells]


def films(path: Path, options: LabelOptions) -> Iterator[Film]:
    """The images of a table in the order of their first rows.

    Args:
        path: The CSV file.
        options: Says who is told of columns that nobody knows.

    Raises:
        AnnotationError: If a column is missing, or a cell broken; the message gives the line.
    """
    rows = csv_rows(path)
    line, header = next(rows)
    names = header_of(header)
    _check_header(names, f"{path}: line {line}", options)
    found: dict[str, Film] = {}
    for index, row in rows:
        place = f"{path}: line {index}"
        if len(row) != len(names):
            raise AnnotationError(
                f"{place} has {len(row)} cells for {len(names)} columns -- check its quotes"
            )
        cells = {name: plain_cell(cell.strip()) for name, cell in zip(names, row, strict=True)}
        if not cells["image"]:
            raise AnnotationError(f"{place} names no image -- fill the cell")
        film = found.setdefault(cells["image"], Film(cells["image"], place))
        _know(film, cells, place)
        if cells["landmark"]:
            film.rows.append(_row(cells, index, place))
        elif cells["x"] or cells["y"]:
            raise AnnotationError(f"{place} has coordinates without a landmark -- name it")
    yield from found.values()


def to_scene(film: Film, image: ImageRef, schema: Schema, options: LabelOptions) -> Scene:
    """The rows of an image as a scene.

    Args:
        film: The rows.
        image: Its image; a spacing of its own stands against the table's.
        schema: Names the classes and landmarks.
        options: Says who is told of what does not fit.

    Raises:
        AnnotationError: If rows contradict each other or the schema; the message gives the line.
    """
    table = film.place.rsplit(": line ", 1)[0]
    together: dict[tuple[str, str], list[Row]] = {}
    for row in film.rows:
        together.setdefault((row.reader, row.instance or row.label), []).append(row)
    found = [item for rows in together.values() for item in _instances(rows, table, image, schema, options)]
    own = image.spacing
    if film.spacing is not None and own is None:
        image = replace(image, spacing=film.spacing)
    elif film.spacing is not None and own is not None and not _alike(own, film.spacing):
        options.notice(
            f"{film.place}: a spacing of {film.spacing.row_mm:g} x {film.spacing.col_mm:g} mm, but the image says "
            f"{own.row_mm:g} x {own.col_mm:g} -- the image's own is used"
        )
    return Scene(image, schema, in_schema_order(found, schema), group=film.group)


def _check_header(names: Sequence[str], place: str, options: LabelOptions) -> None:
    missing = [name for name in NEEDED if name not in names]
    if missing:
        cause = "are the cells parted by semicolons?" if any(";" in name for name in names) else "add it"
        raise AnnotationError(f"{place}: no column {', '.join(missing)} -- {cause}")
    doubled = next((name for name in names if name and names.count(name) > 1), None)
    if doubled is not None:
        raise AnnotationError(f"{place}: the column {printable(doubled)} stands there twice -- keep one")
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        shown = ", ".join(printable(name[:40]) or "(no name)" for name in unknown[:8])
        options.notice(f"{place}: columns that nobody knows: {shown} -- passed over")


def _know(film: Film, cells: dict[str, str], place: str) -> None:
    """Notes spacing and group of an image, and refuses rows that contradict."""
    spacing, group = _spacing(cells, place), cells.get("group", "")
    if spacing is not None and film.spacing not in {None, spacing}:
        raise AnnotationError(f"{place} gives the image another spacing than its first row -- correct one")
    if group and film.group not in {"", group}:
        raise AnnotationError(f"{place} gives the image another group than its first row -- correct one")
    film.spacing = spacing or film.spacing
    film.group = group or film.group


def _spacing(cells: dict[str, str], place: str) -> Spacing | None:
    row, column = cells.get("spacing_row_mm", ""), cells.get("spacing_col_mm", "")
    if not row and not column:
        return None
    if not row or not column:
        raise AnnotationError(f"{place} has one of two spacings -- fill spacing_row_mm and spacing_col_mm")
    origin = cells.get("spacing_origin", "").casefold() or SpacingOrigin.UNKNOWN.value
    known = [item.value for item in SpacingOrigin]
    if origin not in known:
        raise AnnotationError(
            f"{place}: the spacing's origin {printable(origin[:40])!r} is not known -- one of {', '.join(known)}"
        )
    try:
        return Spacing(number(row, place), number(column, place), SpacingOrigin(origin))
    except ValueError as error:
        raise AnnotationError(f"{place}: {error} -- correct it") from error


def _row(cells: dict[str, str], line: int, place: str) -> Row:
    if bool(cells["x"]) != bool(cells["y"]):
        raise AnnotationError(f"{place} has one of two coordinates -- fill both, or none for an absent point")
    xy = (number(cells["x"], place), number(cells["y"], place)) if cells["x"] else None
    stated = cells.get("visibility", "")
    seen = number(stated, place) if stated else float(Visibility.ABSENT if xy is None else Visibility.VISIBLE)
    if seen not in set(Visibility):
        raise AnnotationError(f"{place}: a visibility of {seen:g} -- 0, 1 or 2 is allowed")
    visibility = Visibility(int(seen))
    if (visibility == Visibility.ABSENT) != (xy is None):
        what = "coordinates, but visibility 0" if xy else f"visibility {seen:g}, but no coordinates"
        raise AnnotationError(f"{place} has {what} -- correct one of them")
    return Row(
        line,
        cells.get("instance", ""),
        cells.get("label", ""),
        cells["landmark"],
        xy,
        visibility,
        _share(cells.get("score", ""), place),
        _share(cells.get("instance_score", ""), place),
        cells.get("reader", ""),
    )


def _share(cell: str, place: str) -> float | None:
    if not cell:
        return None
    value = number(cell, place)
    if not 0 <= value <= 1:
        raise AnnotationError(f"{place}: a score of {value:g} -- scores go from 0 to 1")
    return value


def _instances(
    rows: list[Row], table: str, image: ImageRef, schema: Schema, options: LabelOptions
) -> tuple[Instance, ...]:
    """What the rows of one instance say; nothing, once told, where no point of it is placed."""
    first = rows[0]
    place = f"{table}: line {first.line}"
    for row in rows:
        if (row.label, row.instance_score) != (first.label, first.instance_score):
            raise AnnotationError(
                f"{table}: line {row.line} differs in label or instance_score from line {first.line} of the same "
                "instance -- correct one, or number the instances"
            )
    lines: dict[str, int] = {}
    for row in rows:
        if lines.setdefault(row.landmark, row.line) != row.line:
            raise AnnotationError(
                f"{table}: line {row.line}: {printable(row.landmark[:40])} stands in line {lines[row.landmark]} "
                "already -- keep one, or number the instances"
            )
    if all(row.xy is None for row in rows):
        options.notice(f"{place}: an instance without any placed point -- passed over")
        return ()
    item = _instance(rows, _label(first.label, schema, place))
    if item.landmarks is not None:
        tell_points_outside(item.landmarks, image, place, options)
    return in_names_of(item, schema, place, [f"{table}: line {row.line}" for row in rows])


def _label(text: str, schema: Schema, place: str) -> str:
    if text:
        return class_label(text, schema, place)
    if len(schema.classes) != 1:
        raise AnnotationError(f"{place}: names no label -- one of {', '.join(schema.classes)} is needed")
    return schema.classes[0]


def _instance(rows: list[Row], label: str) -> Instance:
    xy = np.array([(np.nan, np.nan) if row.xy is None else row.xy for row in rows], dtype=np.float64)
    scores = [np.nan if row.score is None else row.score for row in rows]
    scored = any(row.score is not None for row in rows)
    points = Landmarks(
        tuple(row.landmark for row in rows),
        xy,
        np.array([row.visibility for row in rows], dtype=np.int8),
        np.array(scores, dtype=np.float64) if scored else None,
    )
    stated = rows[0].instance_score
    certainty = float(np.nanmean(scores)) if stated is None and scored else 1.0 if stated is None else stated
    author = Author.MODEL if scored or stated is not None else Author.HUMAN
    return Instance(
        label, points_box(xy), landmarks=points, score=certainty, author=author, reader=rows[0].reader or None
    )


def _alike(one: Spacing, other: Spacing) -> bool:
    pairs = ((one.row_mm, other.row_mm), (one.col_mm, other.col_mm))
    return all(abs(a - b) <= _SAME_SPACING * a for a, b in pairs)
