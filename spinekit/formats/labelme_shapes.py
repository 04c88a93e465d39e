"""What the shapes of one LabelMe file mean.

Shapes of one ``group_id`` are one instance: polygons of one label its parts, points its landmarks. A
label is a class or the name of a landmark; points without a group belong to the only instance there is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import FloatArray
from spinekit.core.outline import Outline, to_outline
from spinekit.core.scene import Author, Instance
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.embedded import embedded_mask
from spinekit.formats.marks import (
    Advice,
    Mark,
    MarkKind,
    box_corners,
    ellipse_ring,
    enclosing,
    instances_of,
    unknown_landmark,
    without_doubled,
)
from spinekit.formats.sources import all_labels, finite

Notice = Callable[[str], None]

_ADVICE = Advice("give the shape a label", "give it the landmark's name as label")
_RINGS = frozenset({"polygon", "oriented_rectangle", "linestrip", "line"})
_POINTS = frozenset({"point", "points"})
_LINES = frozenset({"line", "linestrip"})


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One shape as LabelMe writes it, checked as far as its meaning goes.

    Attributes:
        place: File and number of the shape, for messages.
        kind: ``shape_type``; a polygon where none is given.
        label: As written, without outer blanks.
        xy: (N, 2) px of spinekit's frame; a mask's are not used.
        group: ``group_id`` as text, empty where there is none.
        content: The whole JSON object.
    """

    place: str
    kind: str
    label: str
    xy: FloatArray
    group: str
    content: Mapping[str, Any]

    def flag(self, name: str) -> bool:
        """Whether a flag of that name is set."""
        flags = self.content.get("flags")
        return isinstance(flags, dict) and flags.get(name) is True


def shapes_of(content: Mapping[str, Any], where: str) -> list[Shape]:
    """The shapes of a file.

    LabelMe counts from the outer corner of the first pixel, so half a pixel is taken off.

    Raises:
        AnnotationError: If one is broken; the message gives its number.
    """
    listed = content.get("shapes")
    if not isinstance(listed, list):
        raise AnnotationError(f"{where}: has no list of shapes -- this is no LabelMe file")
    return [_shape(item, f"{where}: shape {index}") for index, item in enumerate(listed)]


def instances(shapes: list[Shape], schema: Schema, reader: str | None, notice: Notice) -> list[Instance]:
    """The instances that shapes describe, in order of their first shape.

    A landmark that was placed twice in one instance is ambiguous: it counts as absent, and is told.

    Args:
        shapes: Of one file.
        schema: Names the classes and landmarks.
        reader: Who drew them, or None.
        notice: Told of every shape that is passed over.

    Raises:
        AnnotationError: If a shape fits nothing in the schema.
    """
    pointed = {shape.group for shape in shapes if shape.group and shape.kind in _POINTS}
    marks = [
        mark for shape in shapes for mark in _marks(shape, shape.group in pointed, schema, reader, notice)
    ]
    return instances_of(_with_keys(without_doubled(marks, notice)), schema, _ADVICE)


def _shape(item: object, place: str) -> Shape:
    if not isinstance(item, dict):
        raise AnnotationError(f"{place}: is no object -- save the file again")
    label, kind, group = item.get("label"), item.get("shape_type") or "polygon", item.get("group_id")
    if not isinstance(label, str):
        raise AnnotationError(
            f"{place}: its label is {printable(repr(label)[:40])}, no text -- name it again"
        )
    if group is not None and (isinstance(group, bool) or not isinstance(group, int | str)):
        raise AnnotationError(
            f"{place}: its group_id {printable(repr(group)[:40])} is no number -- correct it"
        )
    points = item.get("points")
    if not isinstance(points, list) or not all(isinstance(xy, list) and len(xy) == 2 for xy in points):
        raise AnnotationError(f"{place}: its points are no list of [x, y] -- draw it again")
    values = [[finite(value, place) for value in xy] for xy in points]
    xy = np.array(values, dtype=np.float64).reshape(-1, 2) - 0.5
    return Shape(place, str(kind), label.strip(), xy, "" if group is None else str(group), item)


def _marks(
    shape: Shape, beside_points: bool, schema: Schema, reader: str | None, notice: Notice
) -> Iterator[Mark]:
    """A shape as marks; none where it has no place in a scene, which is told."""
    kind = MarkKind.RING
    parts: list[tuple[FloatArray, bool]] = []
    landmarks = [""]
    if shape.kind in _POINTS:
        landmarks = _landmark_names(shape, schema, notice)
        kind, parts = MarkKind.POINT, [(xy[None], False) for xy in shape.xy[: len(landmarks)]]
    elif shape.kind == "rectangle":
        corners = _rectangle(shape, beside_points, notice)
        kind, parts = MarkKind.BOX, [] if corners is None else [(corners, False)]
    elif shape.kind == "mask":
        outline = _mask(shape, notice)
        parts = [(ring, False) for ring in outline.rings] + [(ring, True) for ring in outline.holes]
    else:
        ring = _ring(shape, notice)
        parts = [] if ring is None else [(ring, False)]
    for index, (xy, inner) in enumerate(parts):
        yield Mark(
            shape.place,
            kind,
            xy,
            labels=(shape.label,) if shape.label else (),
            landmark=landmarks[index] if kind is MarkKind.POINT else "",
            group=shape.group or (f"of {shape.place}" if shape.kind == "mask" else ""),
            hole=inner,
            occluded=shape.flag("occluded"),
            score=_score(shape),
            author=Author.MODEL if shape.content.get("author") == Author.MODEL else Author.HUMAN,
            reader=reader,
        )


def _landmark_names(shape: Shape, schema: Schema, notice: Notice) -> list[str]:
    """The landmark that each vertex of a point shape is; none where it cannot be one, which is told."""
    count = len(shape.xy)
    if not schema.landmarks:
        notice(f"{shape.place}: a point, but {schema.name} has no landmarks: passed over")
        return []
    if shape.kind == "points" and count > 1:
        if count == len(schema.landmarks):
            return list(schema.landmark_names)
        notice(f"{shape.place}: {count} points for the {len(schema.landmarks)} of {schema.name}: passed over")
        return []
    if count != 1:
        raise AnnotationError(f"{shape.place}: a point of {count} vertices -- place it again")
    name = schema.resolve(shape.label)
    if name is None and shape.label and not _is_class(shape.label, schema):
        raise unknown_landmark(shape.label, schema, shape.place)
    return [name or ""]


def _is_class(label: str, schema: Schema) -> bool:
    return label.casefold() in {name.casefold() for name in all_labels(schema)}


def _rectangle(shape: Shape, beside_points: bool, notice: Notice) -> FloatArray | None:
    """The corners; beside points, whose label it carries, a rectangle may be without area."""
    if len(shape.xy) not in {2, 4}:
        raise AnnotationError(f"{shape.place}: a rectangle of {len(shape.xy)} corners -- draw it again")
    corners: FloatArray = np.stack([shape.xy.min(axis=0), shape.xy.max(axis=0)])
    if beside_points:
        return corners
    (left, top), (right, bottom) = corners.tolist()
    return box_corners((left, top, right, bottom), shape.place, notice)


def _ring(shape: Shape, notice: Notice) -> FloatArray | None:
    """The border of an area; a line counts as one only where it comes back to its beginning."""
    xy = shape.xy
    if shape.kind == "circle":
        if len(xy) != 2:
            raise AnnotationError(f"{shape.place}: a circle of {len(xy)} points -- draw it again")
        radius = float(np.hypot(*(xy[1] - xy[0])))
        xy = ellipse_ring((float(xy[0, 0]), float(xy[0, 1])), (radius, radius))
    elif shape.kind not in _RINGS:
        kind = printable(shape.kind[:30])
        notice(f"{shape.place}: {kind!r} is no shape that can be read: passed over")
        return None
    elif shape.kind in _LINES and (len(xy) < 4 or bool(np.any(xy[0] != xy[-1]))):
        notice(f"{shape.place}: an open {shape.kind} encloses nothing: passed over")
        return None
    return enclosing(xy, shape.kind, shape.place, notice)


def _mask(shape: Shape, notice: Notice) -> Outline:
    """The borders of a mask, whose first point is its left top pixel."""
    text = shape.content.get("mask")
    if not isinstance(text, str) or len(shape.xy) != 2:
        raise AnnotationError(f"{shape.place}: a mask without its pixels or two corners -- draw it again")
    outline = to_outline(embedded_mask(text, shape.place))
    if not outline.rings:
        notice(f"{shape.place}: a mask without any pixel inside: passed over")
    left_top = np.rint(shape.xy[0] + 0.5)
    return Outline(
        tuple(ring + left_top for ring in outline.rings), tuple(ring + left_top for ring in outline.holes)
    )


def _score(shape: Shape) -> float:
    value = shape.content.get("score")
    if value is None:
        return 1.0
    score = finite(value, f"{shape.place}: score")
    if not 0 <= score <= 1:
        raise AnnotationError(f"{shape.place}: the score {score:g} is not within 0..1 -- correct it")
    return score


def _with_keys(marks: list[Mark]) -> list[Mark]:
    """The marks, shapes of one group told apart by their labels where it holds several."""
    labels: dict[str, set[str]] = {}
    for mark in marks:
        if mark.group and mark.kind is not MarkKind.POINT:
            labels.setdefault(mark.group, set()).update(mark.labels)
    several = {group for group, names in labels.items() if len(names) > 1}
    pointed = Counter(mark.group for mark in marks if mark.kind is MarkKind.POINT)
    for mark in marks:
        if mark.group in several and pointed[mark.group]:
            names = ", ".join(printable(name[:30]) for name in sorted(labels[mark.group]))
            raise AnnotationError(
                f"{mark.place}: group {printable(mark.group)} holds points and shapes of several labels "
                f"({names}) -- give each instance a group_id of its own"
            )
    return [
        replace(mark, group=f"{mark.group} {mark.labels[0] if mark.labels else ''}")
        if mark.group in several
        else mark
        for mark in marks
    ]
