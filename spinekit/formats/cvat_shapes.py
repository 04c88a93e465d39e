"""What the shapes of one image in CVAT's XML mean.

Shapes of one ``group_id`` and one label are one instance, as CVAT itself joins them for COCO: polygons
and masks its parts, a single skeleton its landmarks, a single box its box.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import BoolArray, FloatArray
from spinekit.core.outline import to_outline
from spinekit.core.scene import Author, Instance
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.marks import (
    Advice,
    Mark,
    MarkKind,
    box_corners,
    ellipse_ring,
    enclosing,
    instances_of,
    turned_box,
    unknown_landmark,
)
from spinekit.formats.plugin import MAX_PIXELS
from spinekit.formats.sources import finite
from spinekit.formats.xml_reading import attribute_number, text_number

Notice = Callable[[str], None]

OWN_ATTRIBUTES = frozenset({"score", "reader"})
MODEL_SOURCE = "auto"
_ADVICE = Advice("give it a label in CVAT", "make it an element of a skeleton")


@dataclass(frozen=True, slots=True)
class _Reading:
    """What reading a shape needs beside the shape."""

    schema: Schema
    notice: Notice


def instances(image: Element, where: str, schema: Schema, notice: Notice) -> list[Instance]:
    """The instances that an ``image`` element describes, in order of their first shape.

    CVAT counts from the outer corner of the first pixel, so half a pixel is taken off.

    Args:
        image: The element.
        where: File and image, for messages.
        schema: Names the classes and landmarks.
        notice: Told of every shape that is passed over.

    Raises:
        AnnotationError: If a shape is broken or fits nothing in the schema; the message gives its number.
    """
    reading = _Reading(schema, notice)
    marks = [
        mark
        for index, shape in enumerate(image)
        for mark in _marks(shape, f"{where}: {printable(shape.tag[:30])} {index}", reading)
    ]
    return instances_of(_apart(marks), schema, _ADVICE)


def points_of(element: Element, where: str) -> FloatArray:
    """The vertices ``x,y;x,y`` of a shape, (N, 2) px of spinekit's frame.

    Raises:
        AnnotationError: If they are missing or broken.
    """
    text = element.get("points", "")
    pairs = [pair.split(",") for pair in text.split(";") if pair.strip()]
    if not pairs or any(len(pair) != 2 for pair in pairs):
        raise AnnotationError(f"{where}: its points {printable(text[:40])!r} are no x,y;x,y -- draw it again")
    return np.array([[text_number(x, where), text_number(y, where)] for x, y in pairs]) - 0.5


def _marks(shape: Element, where: str, reading: _Reading) -> Iterator[Mark]:
    """A shape as marks; none where it has no place in a scene, which is told."""
    label = shape.get("label", "").strip()
    group = shape.get("group_id", "0").strip()
    about = {
        str(child.get("name")): (child.text or "").strip() for child in shape if child.tag == "attribute"
    }
    first = Mark(
        where,
        MarkKind.RING,
        np.empty((0, 2)),
        labels=(label,) if label else (),
        group=f"{group} {label}" if group not in {"", "0"} else "",
        score=_score(about.get("score"), where),
        author=Author.MODEL if shape.get("source") == MODEL_SOURCE else Author.HUMAN,
        reader=about.get("reader") or None,
        flags=("occluded",) if shape.get("occluded") == "1" and shape.tag != "skeleton" else (),
    )
    if shape.tag == "skeleton":
        yield from _skeleton(shape, first, reading)
    elif shape.tag == "points":
        yield from _points(shape, first, reading)
    elif shape.tag == "mask":
        outline = to_outline(_mask(shape, where))
        if not outline.rings:
            reading.notice(f"{where}: a mask without any pixel inside: passed over")
        joined = replace(first, group=first.group or f"of {where}")
        yield from (replace(joined, xy=ring) for ring in outline.rings)
        yield from (replace(joined, xy=ring, hole=True) for ring in outline.holes)
    else:
        kind, xy = _area(shape, where, reading.notice)
        if xy is not None:
            yield replace(first, kind=kind, xy=xy)


def _area(shape: Element, where: str, notice: Notice) -> tuple[MarkKind, FloatArray | None]:
    """Kind and vertices of a shape that encloses something; no vertices where it does not."""
    if shape.tag == "box":
        left, top, right, bottom = (
            attribute_number(shape, name, where) - 0.5 for name in ("xtl", "ytl", "xbr", "ybr")
        )
        corners = box_corners((left, top, right, bottom), where, notice)
        turn = _turn(shape, where)
        if corners is None or not turn:
            return MarkKind.BOX, corners
        return MarkKind.RING, turned_box(corners, turn)
    if shape.tag == "ellipse":
        x, y, rx, ry = (attribute_number(shape, name, where) for name in ("cx", "cy", "rx", "ry"))
        ring = ellipse_ring((x - 0.5, y - 0.5), (rx, ry), _turn(shape, where))
        return MarkKind.RING, enclosing(ring, shape.tag, where, notice)
    if shape.tag in {"polygon", "polyline"}:
        xy = points_of(shape, where)
        if shape.tag == "polyline" and (len(xy) < 4 or bool(np.any(xy[0] != xy[-1]))):
            notice(f"{where}: an open polyline encloses nothing: passed over")
            return MarkKind.RING, None
        return MarkKind.RING, enclosing(xy, shape.tag, where, notice)
    what = "a label of the whole image" if shape.tag == "tag" else "no shape that can be read"
    notice(f"{where}: is {what}: passed over")
    return MarkKind.RING, None


def _turn(shape: Element, where: str) -> float:
    """The rotation of a box or ellipse in radians, clockwise on the screen."""
    return float(np.radians(text_number(shape.get("rotation", "0"), f"{where}: rotation")))


def _skeleton(shape: Element, first: Mark, reading: _Reading) -> Iterator[Mark]:
    """The elements of a skeleton; one that is outside is absent, an occluded one is not seen but known."""
    if not reading.schema.landmarks:
        name = reading.schema.name
        reading.notice(f"{first.place}: a skeleton, but {name} has no landmarks: passed over")
        return
    placed = [child for child in shape if child.tag == "points" and child.get("outside") != "1"]
    if not placed:
        reading.notice(f"{first.place}: a skeleton without any point inside the image: passed over")
    for child in placed:
        name = child.get("label", "").strip()
        where = f"{first.place}: {printable(name[:40])}"
        landmark = reading.schema.resolve(name)
        if landmark is None:
            raise unknown_landmark(name, reading.schema, first.place)
        xy = points_of(child, where)
        if len(xy) != 1:
            raise AnnotationError(f"{where}: {len(xy)} points for one element -- draw the skeleton again")
        yield replace(
            first,
            place=where,
            kind=MarkKind.POINT,
            xy=xy,
            landmark=landmark,
            group=first.group or f"of {first.place}",
            occluded=child.get("occluded") == "1",
        )


def _points(shape: Element, first: Mark, reading: _Reading) -> Iterator[Mark]:
    """Points outside a skeleton: a landmark by its label, or all landmarks in their order."""
    schema, xy = reading.schema, points_of(shape, first.place)
    named = schema.resolve(first.labels[0]) if first.labels else None
    occluded = shape.get("occluded") == "1"
    point = replace(first, kind=MarkKind.POINT, occluded=occluded, flags=())
    if named is not None and len(xy) == 1:
        yield replace(point, xy=xy, landmark=named, group=shape.get("group_id", ""))
    elif schema.landmarks and len(xy) == len(schema.landmarks):
        for name, position in zip(schema.landmark_names, xy, strict=True):
            group = first.group or f"of {first.place}"
            yield replace(point, xy=position[None], landmark=name, group=group)
    else:
        reading.notice(
            f"{first.place}: {len(xy)} points for the {len(schema.landmarks)} landmarks of {schema.name}: "
            "passed over"
        )


def _mask(shape: Element, where: str) -> BoolArray:
    """A mask in the frame of the image as far as it reaches: runs, row by row, of its bounds."""
    left, top, width, height = (
        attribute_number(shape, name, where) for name in ("left", "top", "width", "height")
    )
    extents = (left, top, width, height)
    if any(value < 0 or not value.is_integer() for value in extents) or not 0 < width * height <= MAX_PIXELS:
        raise AnnotationError(
            f"{where}: {width:g} x {height:g} px at {left:g}, {top:g} is no mask -- draw it again"
        )
    try:
        runs = [int(run) for run in shape.get("rle", "").split(",")]
    except ValueError:
        runs = []
    total = int(width * height)
    if not runs or min(runs) < 0 or max(runs) > total or sum(runs) > total:
        raise AnnotationError(f"{where}: its runs do not fill {width:g} x {height:g} px -- export it again")
    bottom, right = int(top + height), int(left + width)
    if bottom * right > MAX_PIXELS:
        raise AnnotationError(
            f"{where}: a mask that ends at {right}, {bottom} px is too large -- draw it again"
        )
    inside = np.zeros(total, dtype=np.bool_)
    filled = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    inside[: filled.size] = filled  # CVAT leaves the last run of pixels outside away
    mask: BoolArray = np.zeros((bottom, right), dtype=np.bool_)
    mask[int(top) :, int(left) :] = inside.reshape(int(height), int(width))
    return mask


def _score(text: str | None, where: str) -> float:
    if not text:
        return 1.0
    value = finite(text_number(text, f"{where}: score"), where)
    if not 0 <= value <= 1:
        raise AnnotationError(f"{where}: the score {value:g} is not within 0..1 -- correct it")
    return value


def _apart(marks: list[Mark]) -> list[Mark]:
    """The marks, those taken out of their group that it holds several of where one is meant."""
    boxes = Counter(mark.group for mark in marks if mark.kind is MarkKind.BOX)
    skeletons = Counter((mark.group, mark.landmark) for mark in marks if mark.landmark and mark.group)
    doubled = {group for (group, _), count in skeletons.items() if count > 1}
    return [
        replace(mark, group=f"{mark.group} of {mark.place.rpartition(': ')[0]}")
        if mark.landmark and mark.group in doubled
        else replace(mark, group="")
        if mark.kind is MarkKind.BOX and boxes[mark.group] > 1
        else mark
        for mark in marks
    ]
