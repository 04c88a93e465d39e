"""From what a person drew to instances: what the annotators of polygons, boxes and points have in common.

A mark is one drawn thing, already in pixels of spinekit's frame (the centre of the first pixel is (0, 0)).
Marks of one group are one instance: parts and holes of its outline, its box, its points.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.outline import Outline, ring_area
from spinekit.core.scene import Author, Instance
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.sources import all_labels, class_label, points_box

UNLABELLED = "unlabelled"
"""Class of what somebody drew but did not name, where other things in the same file are named."""

OBJECT = "object"
"""Class of everything in a file that names no class at all."""

_LEAST_AREA = 1e-6  # px^2
_ROUND_VERTICES = 64  # of a circle drawn as a polygon: its area comes out 0.16 % small


class MarkKind(StrEnum):
    """What was drawn."""

    POINT = "point"
    RING = "ring"
    BOX = "box"


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """One drawn thing.

    Attributes:
        place: File and number of the thing, for messages.
        kind: What it is.
        xy: (N, 2) px: one point, the vertices of a ring, or a box's two corners (left top, right bottom).
        labels: Texts that may say its class, the likeliest first.
        landmark: Name of the schema's landmark that a point is; empty where it names none.
        group: Marks of one group are one instance; empty for a thing of its own.
        hole: Whether a ring is the inner border of its instance.
        occluded: Whether a point is not seen but known.
        score: 0..1.
        author: A person or a model.
        reader: Which of several readers, or None.
        flags: Doubts in words.
    """

    place: str
    kind: MarkKind
    xy: FloatArray
    labels: tuple[str, ...] = ()
    landmark: str = ""
    group: str = ""
    hole: bool = False
    occluded: bool = False
    score: float = 1.0
    author: Author = Author.HUMAN
    reader: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Advice:
    """How to mend a file, in the words of the tool that wrote it.

    Attributes:
        label: How a thing gets its class.
        landmark: How a point gets its name.
    """

    label: str
    landmark: str


def instances_of(marks: Sequence[Mark], schema: Schema, advice: Advice) -> list[Instance]:
    """The instances that marks of one image make, in order of their first mark.

    Points that name no landmark go by their order where their number is a multiple of the schema's.

    Args:
        marks: In the order of the file.
        schema: Names the classes and landmarks.
        advice: For messages.

    Raises:
        AnnotationError: If the marks do not fit the schema or each other; the message gives the place.
    """
    marks = _points_by_order(marks, schema)
    groups: dict[str, list[Mark]] = {}
    for index, mark in enumerate(marks):
        groups.setdefault(_key(mark, index, schema), []).append(mark)
    return [_instance(members, schema, advice) for members in groups.values()]


def without_doubled(marks: Sequence[Mark], notice: Callable[[str], None]) -> list[Mark]:
    """The marks without landmarks that one group holds more than once: which of them is meant, nobody knows.

    Args:
        marks: Of one image.
        notice: Told of every point that so counts as absent.
    """
    counts = Counter((mark.group, mark.landmark) for mark in marks if mark.landmark)
    kept = []
    for mark in marks:
        if counts[mark.group, mark.landmark] > 1:
            x, y = mark.xy[0]
            notice(f"{mark.place}: {mark.landmark} is there twice, here at {x:.1f}, {y:.1f}: taken as absent")
        else:
            kept.append(mark)
    return kept


def reach_out(instances: Sequence[Instance], image: ImageRef) -> str:
    """A line about the instances that reach out of the image; empty where none does."""
    outside = sum(_outside(item, image) for item in instances)
    return f"{outside} of {len(instances)} instances reach out of the image" if outside else ""


def enclosing(ring: FloatArray, what: str, place: str, notice: Callable[[str], None]) -> FloatArray | None:
    """A ring without its first vertex repeated at the end; None, and a notice, where it encloses nothing.

    Args:
        ring: (N, 2) px.
        what: The shape's name in the tool, for the notice.
        place: File and number, likewise.
        notice: Told of a ring that is passed over.
    """
    count = len(ring)
    if count > 1 and bool(np.all(ring[0] == ring[-1])):
        ring = ring[:-1]
    if len(ring) >= 3 and abs(ring_area(ring)) >= _LEAST_AREA:
        return ring
    notice(f"{place}: the {what} of {count} vertices encloses nothing and is passed over -- draw it again")
    return None


def box_corners(
    edges: tuple[float, float, float, float], place: str, notice: Callable[[str], None]
) -> FloatArray | None:
    """The corners (2, 2) of a box, left top first; None, and a notice, where it has no area.

    Args:
        edges: Left, top, right, bottom in px, in any order of the two sides.
        place: File and number, for the notice.
        notice: Told of a box that is passed over.
    """
    left, right = sorted(edges[::2])
    top, bottom = sorted(edges[1::2])
    if right > left and bottom > top:
        return np.array([[left, top], [right, bottom]])
    size = f"{right - left} x {bottom - top} px"
    notice(f"{place}: a rectangle of {size} encloses nothing and is passed over -- draw it again")
    return None


def ellipse_ring(centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0) -> FloatArray:
    """An ellipse as a polygon of 64 vertices.

    Args:
        centre: x, y in px.
        radii: Along its own x and y axis, px.
        turn: Radians from the x axis towards the y axis: clockwise on the screen.

    Returns:
        (64, 2) px.
    """
    way = np.linspace(0, 2 * np.pi, _ROUND_VERTICES, endpoint=False)
    x, y = radii[0] * np.cos(way), radii[1] * np.sin(way)
    ring: FloatArray = np.column_stack(
        [centre[0] + x * np.cos(turn) - y * np.sin(turn), centre[1] + x * np.sin(turn) + y * np.cos(turn)]
    )
    return ring


def turned_box(corners: FloatArray, turn: float) -> FloatArray:
    """A box turned about its centre, as a ring (4, 2) px.

    Args:
        corners: (2, 2) px, left top and right bottom.
        turn: Radians, clockwise on the screen.
    """
    (left, top), (right, bottom) = corners
    ring = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    centre = ring.mean(axis=0)
    cosine, sine = np.cos(turn), np.sin(turn)
    turned: FloatArray = centre + (ring - centre) @ np.array([[cosine, sine], [-sine, cosine]])
    return turned


def _points_by_order(marks: Sequence[Mark], schema: Schema) -> list[Mark]:
    """The marks, points that name no landmark given their names by order."""
    points = [mark for mark in marks if mark.kind is MarkKind.POINT]
    if points and not schema.landmarks:
        raise AnnotationError(
            f"{points[0].place}: a point, but {schema.name} has no landmarks -- choose another schema"
        )
    if not points or any(mark.landmark for mark in points):
        return list(marks)
    count, needed = len(points), len(schema.landmarks)
    if count % needed:
        raise AnnotationError(
            f"{points[0].place}: {count} points without names, but {schema.name} needs {needed} in order "
            f"({', '.join(schema.landmark_names)}) -- add the missing ones or name each"
        )
    order = itertools.count()
    return [_named(mark, next(order), schema) if mark.kind is MarkKind.POINT else mark for mark in marks]


def _named(point: Mark, index: int, schema: Schema) -> Mark:
    """A point as the landmark that its place in the row of all points makes it."""
    names = schema.landmark_names
    return replace(point, landmark=names[index % len(names)], group=f"points {index // len(names)}")


def _key(mark: Mark, index: int, schema: Schema) -> str:
    """Which instance a mark belongs to: its group, for a point else its label, else the only one."""
    if mark.group:
        return f"group {mark.group}"
    if mark.kind is not MarkKind.POINT:
        return f"shape {index}"
    labels = [text for text in mark.labels if schema.resolve(text.strip()) is None]
    return f"label {labels[0].strip()}" if labels else "the only one"


def _instance(members: list[Mark], schema: Schema, advice: Advice) -> Instance:
    first = members[0]
    points = [mark for mark in members if mark.kind is MarkKind.POINT]
    rings = [mark for mark in members if mark.kind is MarkKind.RING]
    boxes = [mark.xy for mark in members if mark.kind is MarkKind.BOX]
    landmarks = _landmarks(points, schema, advice) if points else None
    outline = _outline(rings) if rings else None
    if boxes:
        box = points_box(np.concatenate(boxes))
    elif outline is not None:
        box = outline.box
    else:
        assert landmarks is not None
        box = points_box(landmarks.xy)
    return Instance(
        _label(members, schema, advice),
        box,
        outline,
        landmarks,
        score=first.score,
        author=first.author,
        reader=first.reader,
        flags=tuple(dict.fromkeys(flag for mark in members for flag in mark.flags)),
    )


def _label(members: list[Mark], schema: Schema, advice: Advice) -> str:
    """The class of an instance: the first text that is one, or the schema's only class."""
    texts = [
        text
        for mark in members
        for text in mark.labels
        if mark.kind is not MarkKind.POINT or schema.resolve(text.strip()) is None
    ]
    labels = all_labels(schema)
    allowed = {name.casefold() for name in labels}
    known = [text for text in texts if text.strip().casefold() in allowed]
    if known or texts:
        return class_label((known or texts)[0], schema, members[0].place)
    if len(schema.classes) == 1:
        return schema.classes[0]
    if UNLABELLED in schema.classes:
        return UNLABELLED
    raise AnnotationError(f"{members[0].place}: has no label -- {advice.label}, one of {', '.join(labels)}")


def _landmarks(points: list[Mark], schema: Schema, advice: Advice) -> Landmarks:
    names = schema.landmark_names
    xy = np.full((len(names), 2), np.nan)
    visibility = np.zeros(len(names), dtype=np.int8)
    for mark in points:
        if not mark.landmark:
            raise AnnotationError(
                f"{mark.place}: a point without a name among named ones -- {advice.landmark}"
            )
        index = names.index(mark.landmark)
        if visibility[index]:
            raise AnnotationError(f"{mark.place}: {mark.landmark} is there twice -- remove one of the points")
        xy[index] = mark.xy[0]
        visibility[index] = Visibility.OCCLUDED if mark.occluded else Visibility.VISIBLE
    return Landmarks(names, xy, visibility)


def _outline(rings: list[Mark]) -> Outline:
    outer = tuple(mark.xy for mark in rings if not mark.hole)
    if not outer:
        raise AnnotationError(f"{rings[0].place}: a hole without an outer border -- add its outline")
    return Outline(outer, tuple(mark.xy for mark in rings if mark.hole))


def _outside(item: Instance, image: ImageRef) -> bool:
    left, top, right, bottom = item.box
    return left < -0.5 or top < -0.5 or right > image.width - 0.5 or bottom > image.height - 0.5


def unknown_landmark(text: str, schema: Schema, place: str) -> AnnotationError:
    """The complaint about a point whose name is no landmark of the schema."""
    return AnnotationError(
        f"{place}: {printable(text[:40])!r} is no landmark of {schema.name} -- "
        f"allowed: {', '.join(schema.landmark_names)}"
    )
