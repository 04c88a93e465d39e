"""What the regions of one image in the VGG Image Annotator mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import FloatArray
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
    unknown_landmark,
)
from spinekit.formats.sources import finite

LABEL_KEYS = ("label", "class", "level", "name", "type", "category", "category_id", "object", "shapes")
LANDMARK_KEYS = ("landmark", "point", "keypoint", "name", "label")
_ADVICE = Advice("give it an attribute 'label'", "give it an attribute 'landmark'")


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
        return [text for key in keys if (text := attribute_text(folded.get(key.strip().casefold())))]

    def coordinate(self, key: str) -> float:
        """A number of the shape; `AnnotationError` where it is missing or none."""
        if key not in self.shape:
            raise AnnotationError(f"{self.place}: the {self.kind} has no {key} -- draw it again")
        return finite(self.shape[key], f"{self.place}: {key}")


def instances(
    regions: list[Region], schema: Schema, class_attribute: str | None, notice: Callable[[str], None]
) -> list[Instance]:
    """The instances that an image's regions describe, in order of their first region.

    Args:
        regions: In the order of the annotation.
        schema: Names the classes and landmarks.
        class_attribute: The attribute that holds the class; None to try the usual ones.
        notice: Told of regions that enclose nothing and are passed over.

    Raises:
        AnnotationError: If a region is broken or fits nothing in the schema.
    """
    keys = LABEL_KEYS if class_attribute is None else (class_attribute,)
    return instances_of(list(_marks(regions, schema, keys, notice)), schema, _ADVICE)


def attribute_text(value: object) -> str:
    """An attribute's value as text; of a set of check boxes the one that is ticked."""
    if isinstance(value, dict):
        ticked = [str(key) for key, on in value.items() if on is True]
        return ticked[0] if len(ticked) == 1 else ""
    if isinstance(value, bool) or value is None:
        return ""
    return str(value).strip() if isinstance(value, (str, int, float)) else ""


def _marks(
    regions: list[Region], schema: Schema, keys: tuple[str, ...], notice: Callable[[str], None]
) -> Iterator[Mark]:
    for region in regions:
        kind, xy = _drawn(region, notice)
        if xy is None:
            continue
        score = region.text(("score",))
        human = (region.text(("author",)) or ["human"])[0] != Author.MODEL
        yield Mark(
            region.place,
            kind,
            xy,
            labels=tuple(region.text(keys)),
            landmark=_landmark_name(region, schema) if kind is MarkKind.POINT else "",
            group=next(iter(region.text(("instance",))), ""),
            hole=region.text(("part",)) == ["hole"],
            occluded=region.text(("visibility",)) in (["1"], ["occluded"]),
            score=_unit(score[0], region.place) if score else 1.0,
            author=Author.HUMAN if human else Author.MODEL,
            reader=next(iter(region.text(("reader",))), None),
        )


def _drawn(region: Region, notice: Callable[[str], None]) -> tuple[MarkKind, FloatArray | None]:
    """What was drawn and its vertices, px; no vertices where it encloses nothing."""
    if region.kind == "point":
        return MarkKind.POINT, np.array([[region.coordinate("cx"), region.coordinate("cy")]])
    if region.kind == "rect":
        left, top, width, height = (region.coordinate(key) for key in ("x", "y", "width", "height"))
        edges = (left, top, left + width, top + height)
        return MarkKind.BOX, box_corners(edges, region.place, notice)
    if region.kind in {"polygon", "polyline"}:
        ring = _vertices(region)
    elif region.kind in {"circle", "ellipse"}:
        ring = _round(region)
    else:
        raise AnnotationError(
            f"{region.place}: {printable(region.kind[:30])!r} is no shape that can be read -- use point, "
            "polygon, polyline, rect, circle or ellipse"
        )
    # VIA 1 repeats the first vertex at the end.
    return MarkKind.RING, enclosing(ring, region.kind, region.place, notice)


def _landmark_name(region: Region, schema: Schema) -> str:
    """The landmark that a point names; empty where it names none."""
    for text in region.text(LANDMARK_KEYS):
        name = schema.resolve(text.strip())
        if name is not None:
            return name
    given = region.text(("landmark",))
    if given and schema.landmarks:
        raise unknown_landmark(given[0], schema, region.place)
    return ""


def _vertices(region: Region) -> FloatArray:
    xs, ys = region.shape.get("all_points_x"), region.shape.get("all_points_y")
    if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
        counts = [len(axis) if isinstance(axis, list) else 0 for axis in (xs, ys)]
        raise AnnotationError(
            f"{region.place}: {counts[0]} x and {counts[1]} y of a {region.kind} -- draw it again"
        )
    return np.array(
        [(finite(x, region.place), finite(y, region.place)) for x, y in zip(xs, ys, strict=True)]
    ).reshape(-1, 2)


def _round(region: Region) -> FloatArray:
    """A circle or ellipse (turned by ``theta`` radians) as a polygon."""
    circle = region.kind == "circle"
    rx, ry = (region.coordinate("r" if circle else key) for key in ("rx", "ry"))
    theta = 0.0 if circle or "theta" not in region.shape else region.coordinate("theta")
    return ellipse_ring((region.coordinate("cx"), region.coordinate("cy")), (rx, ry), theta)


def _unit(text: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise AnnotationError(f"{place}: the score {printable(text[:20])!r} is not within 0..1 -- correct it")
    return value
