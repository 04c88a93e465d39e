"""What the regions of one image in the VGG Image Annotator mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.outline import Outline, ring_area
from spinekit.core.scene import Author, Box, Instance
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.sources import class_label, finite, points_box

LABEL_KEYS = ("label", "class", "level", "name", "type", "category", "category_id", "object", "shapes")
LANDMARK_KEYS = ("landmark", "point", "keypoint", "name", "label")
_ROUND_VERTICES = 64  # of a circle drawn as a polygon: its area comes out 0.16 % small


@dataclass(frozen=True, slots=True)
class Region:
    """One region as the annotator writes it.

    Attributes:
        place: File and line or region number, for messages.
        shape: ``shape_attributes``.
        attributes: ``region_attributes``.
    """

    place: str
    shape: Mapping[str, Any]
    attributes: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The shape's name: point, polygon, polyline, rect, circle or ellipse."""
        return str(self.shape.get("name", ""))

    def text(self, keys: tuple[str, ...]) -> list[str]:
        """The texts of those attributes that are there, in the order of ``keys``."""
        folded = {str(key).strip().casefold(): value for key, value in self.attributes.items()}
        return [text for key in keys if (text := _attribute_text(folded.get(key)))]

    def coordinate(self, key: str) -> float:
        """A number of the shape; `AnnotationError` where it is missing or none."""
        if key not in self.shape:
            raise AnnotationError(f"{self.place}: the {self.kind} has no {key} -- draw it again")
        return finite(self.shape[key], f"{self.place}: {key}")


def instances_of(regions: list[Region], schema: Schema, image: ImageRef) -> tuple[list[Instance], list[str]]:
    """The instances that an image's regions describe.

    Args:
        regions: In the order of the annotation.
        schema: Names the classes and landmarks.
        image: For what lies outside of it.

    Returns:
        The instances in order of their first region, and notes on the image.

    Raises:
        AnnotationError: If a region is broken or fits nothing in the schema.
    """
    points = [region for region in regions if region.kind == "point"]
    shapes = [region for region in regions if region.kind != "point"]
    groups: dict[str, list[Region]] = {}
    for index, region in enumerate(shapes):
        key = next(iter(region.text(("instance",))), f"shape {index}")
        groups.setdefault(key, []).append(region)
    for key, region in _grouped_points(points, schema):
        groups.setdefault(key, []).append(region)
    instances = [_instance(members, schema) for members in groups.values()]
    outside = sum(_outside(item, image) for item in instances)
    notes = [f"{outside} of {len(instances)} instances reach out of the image"] if outside else []
    return instances, notes


def _grouped_points(points: list[Region], schema: Schema) -> list[tuple[str, Region]]:
    """Each point with the key of its instance; points that name no landmark go by their order."""
    if not points:
        return []
    if not schema.landmarks:
        raise AnnotationError(
            f"{points[0].place}: a point, but {schema.name} has no landmarks -- choose another schema"
        )
    if any(_landmark_name(region, schema) for region in points):
        return [(_point_key(region, schema), region) for region in points]
    count, needed = len(points), len(schema.landmarks)
    if count % needed:
        raise AnnotationError(
            f"{points[0].place}: {count} points without names, but {schema.name} needs {needed} in order "
            f"({', '.join(schema.landmark_names)}) -- add the missing ones or name each"
        )
    return [
        (
            f"points {index // needed}",
            Region(
                region.place,
                region.shape,
                {**region.attributes, "landmark": schema.landmark_names[index % needed]},
            ),
        )
        for index, region in enumerate(points)
    ]


def _point_key(region: Region, schema: Schema) -> str:
    """Which instance a named point belongs to: its number, else its label, else the only one."""
    number = region.text(("instance",))
    if number:
        return number[0]
    labels = [text for text in region.text(LABEL_KEYS) if schema.resolve(text.strip()) is None]
    return f"label {labels[0].strip()}" if labels else "the only one"


def _landmark_name(region: Region, schema: Schema) -> str | None:
    """The landmark that a point names; None where it names none."""
    for text in region.text(LANDMARK_KEYS):
        name = schema.resolve(text.strip())
        if name is not None:
            return name
    given = region.text(("landmark",))
    if given:
        allowed = ", ".join(schema.landmark_names)
        raise AnnotationError(
            f"{region.place}: {printable(given[0][:40])!r} is no landmark of {schema.name} -- "
            f"allowed: {allowed}"
        )
    return None


def _instance(members: list[Region], schema: Schema) -> Instance:
    points = [region for region in members if region.kind == "point"]
    shapes = [region for region in members if region.kind not in {"point", "rect"}]
    boxes = [_rect(region) for region in members if region.kind == "rect"]
    landmarks = _landmarks(points, schema) if points else None
    outline = _outline(shapes) if shapes else None
    if boxes:
        box = boxes[0]
    elif outline is not None:
        box = outline.box
    elif landmarks is not None:
        box = points_box(landmarks.xy)
    else:
        raise AnnotationError(f"{members[0].place}: a hole without an outer border -- add its outline")
    score = members[0].text(("score",))
    human = (members[0].text(("author",)) or ["human"])[0] != Author.MODEL
    return Instance(
        _label(members, schema),
        box,
        outline,
        landmarks,
        score=_unit(score[0], members[0].place) if score else 1.0,
        author=Author.HUMAN if human else Author.MODEL,
    )


def _label(members: list[Region], schema: Schema) -> str:
    """The class of an instance: the first attribute that is one, or the schema's only class."""
    texts = [
        text
        for region in members
        for text in region.text(LABEL_KEYS)
        if region.kind != "point" or schema.resolve(text.strip()) is None
    ]
    allowed = {name.casefold() for name in (*schema.classes, *schema.levels)}
    known = [text for text in texts if text.strip().casefold() in allowed]
    if known:
        return class_label(known[0], schema, members[0].place)
    if texts:
        return class_label(texts[0], schema, members[0].place)
    if len(schema.classes) == 1:
        return schema.classes[0]
    raise AnnotationError(
        f"{members[0].place}: the region has no label -- give it an attribute 'label', one of "
        f"{', '.join((*schema.classes, *schema.levels))}"
    )


def _landmarks(points: list[Region], schema: Schema) -> Landmarks:
    names = schema.landmark_names
    xy = np.full((len(names), 2), np.nan)
    visibility = np.zeros(len(names), dtype=np.int8)
    for region in points:
        name = _landmark_name(region, schema)
        if name is None:
            raise AnnotationError(
                f"{region.place}: a point without a name among named ones -- give it an attribute 'landmark'"
            )
        index = names.index(name)
        if visibility[index]:
            raise AnnotationError(f"{region.place}: {name} is there twice -- remove one of the points")
        xy[index] = region.coordinate("cx"), region.coordinate("cy")
        occluded = region.text(("visibility",)) in (["1"], ["occluded"])
        visibility[index] = Visibility.OCCLUDED if occluded else Visibility.VISIBLE
    return Landmarks(names, xy, visibility)


def _outline(shapes: list[Region]) -> Outline:
    rings = [(region.text(("part",)) == ["hole"], _ring(region)) for region in shapes]
    outer = tuple(ring for hole, ring in rings if not hole)
    if not outer:
        raise AnnotationError(f"{shapes[0].place}: a hole without an outer border -- add its outline")
    return Outline(outer, tuple(ring for hole, ring in rings if hole))


def _ring(region: Region) -> FloatArray:
    if region.kind in {"polygon", "polyline"}:
        ring = _vertices(region)
    elif region.kind in {"circle", "ellipse"}:
        ring = _round(region)
    else:
        raise AnnotationError(
            f"{region.place}: {printable(region.kind[:30])!r} is no shape that can be read -- use point, "
            "polygon, polyline, rect, circle or ellipse"
        )
    if len(ring) < 3 or abs(ring_area(ring)) < 1e-6:
        raise AnnotationError(
            f"{region.place}: the {region.kind} of {len(ring)} vertices encloses nothing -- draw it again"
        )
    return ring


def _vertices(region: Region) -> FloatArray:
    xs, ys = region.shape.get("all_points_x"), region.shape.get("all_points_y")
    if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
        counts = [len(axis) if isinstance(axis, list) else 0 for axis in (xs, ys)]
        raise AnnotationError(
            f"{region.place}: {counts[0]} x and {counts[1]} y of a {region.kind} -- draw it again"
        )
    ring = np.array(
        [(finite(x, region.place), finite(y, region.place)) for x, y in zip(xs, ys, strict=True)]
    ).reshape(-1, 2)
    # VIA 1 repeats the first vertex at the end.
    return ring[:-1] if len(ring) > 1 and bool(np.all(ring[0] == ring[-1])) else ring


def _round(region: Region) -> FloatArray:
    """A circle or ellipse (turned by ``theta`` radians) as a polygon."""
    circle = region.kind == "circle"
    rx, ry = (region.coordinate("r" if circle else key) for key in ("rx", "ry"))
    theta = 0.0 if circle or "theta" not in region.shape else region.coordinate("theta")
    turn = np.linspace(0, 2 * np.pi, _ROUND_VERTICES, endpoint=False)
    x, y = rx * np.cos(turn), ry * np.sin(turn)
    ring: FloatArray = np.column_stack(
        [
            region.coordinate("cx") + x * np.cos(theta) - y * np.sin(theta),
            region.coordinate("cy") + x * np.sin(theta) + y * np.cos(theta),
        ]
    )
    return ring


def _rect(region: Region) -> Box:
    left, top, width, height = (region.coordinate(key) for key in ("x", "y", "width", "height"))
    if width <= 0 or height <= 0:
        raise AnnotationError(f"{region.place}: a rectangle of {width} x {height} px -- draw it again")
    return left, top, left + width, top + height


def _unit(text: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise AnnotationError(f"{place}: the score {printable(text[:20])!r} is not within 0..1 -- correct it")
    return value


def _outside(item: Instance, image: ImageRef) -> bool:
    left, top, right, bottom = item.box
    return left < -0.5 or top < -0.5 or right > image.width - 0.5 or bottom > image.height - 0.5


def _attribute_text(value: object) -> str:
    """An attribute's value as text; of a set of check boxes the one that is ticked."""
    if isinstance(value, dict):
        ticked = [str(key) for key, on in value.items() if on is True]
        return ticked[0] if len(ticked) == 1 else ""
    if isinstance(value, bool) or value is None:
        return ""
    return str(value).strip() if isinstance(value, (str, int, float)) else ""
