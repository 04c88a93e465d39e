"""What a person may change on a film, checked and brought into the form that a review's record keeps.

What a page sends is a stranger's text: every name, number and shape in it is looked at before it is kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spinekit.core.brush import Stroke, painted
from spinekit.core.errors import UsageError
from spinekit.core.image import ImageRef
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.outline import Outline, to_mask, to_outline
from spinekit.core.scene import Author, Box, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing
from spinekit.files import printable
from spinekit.formats.review_lines import (
    Json,
    ReviewedImage,
    ReviewStatus,
    spacing_to_json,
    stroke_to_json,
)
from spinekit.formats.rings import encloses_nothing, within
from spinekit.formats.scenes_line import instance_from_json, instance_to_json
from spinekit.formats.sources import all_labels, in_schema_order, points_box
from spinekit.workflows.ruler import Ruler

MOST_VERTICES = 20_000
MOST_INSTANCES = 400
LONGEST_COMMENT = 2000
MOST_STROKE = 4000
MOST_STROKES = 2000
WIDEST_BRUSH = 600.0
_SAME_PX = 1e-3  # a point that moved less was not moved: numbers lose digits on their way
_PARTS = frozenset({"instances", "status", "comment", "ruler", "strokes"})


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """An edit in the making.

    Attributes:
        before: The parts that change, as they are.
        after: As they will be.
    """

    before: Json
    after: Json

    @property
    def empty(self) -> bool:
        """Whether it changes nothing."""
        return self.before == self.after


def step_of(state: ReviewedImage, wanted: Mapping[str, Any], reader: str = "") -> Step:
    """What a page wants to change, checked against what stands.

    Args:
        state: Of the film.
        wanted: Any of ``instances`` (key to instance or None), ``strokes`` (key to ``stroke``, ``radius`` and
            ``adds``), ``status``, ``comment`` and ``ruler`` (``start``, ``end``, ``length_mm``; None takes a person's
            calibration back).
        reader: Whose reading it is, or empty.

    Raises:
        UsageError: If something of it cannot be; the message says what.
    """
    unknown = set(wanted) - _PARTS
    if unknown:
        raise UsageError(f"{printable(min(unknown)[:40])}: is no part of a film -- reload the page")
    before: Json = {}
    after: Json = {}
    if "instances" in wanted:
        changed = _changed(state, wanted["instances"], reader)
        before["instances"] = {key: _told(state.items.get(key)) for key in changed}
        after["instances"] = {key: _told(item) for key, item in changed.items()}
    if "strokes" in wanted:
        drawn = _strokes(wanted["strokes"], state)
        before["strokes"] = {key: stroke_to_json(state.strokes.get(key)) for key in drawn}
        after["strokes"] = {key: stroke_to_json(stroke) for key, stroke in drawn.items()}
    if "status" in wanted:
        if wanted["status"] not in set(ReviewStatus):
            raise UsageError(
                f"status {printable(str(wanted['status'])[:40])!r}: there is none -- reload the page"
            )
        before["status"], after["status"] = state.status.value, str(wanted["status"])
    if "comment" in wanted:
        before["comment"], after["comment"] = state.comment, _comment(wanted["comment"])
    if "ruler" in wanted:
        before["spacing"] = spacing_to_json(state.spacing)
        after["spacing"] = spacing_to_json(_ruled(wanted["ruler"], state.base.image))
    return Step(before, after)


def scene_with(state: ReviewedImage, wanted: Mapping[str, Any]) -> Scene:
    """The scene as it would be, for measuring while something is dragged.

    Args:
        state: Of the film; not changed.
        wanted: As for `step_of`; status and comment change no scene.

    Raises:
        UsageError: If something of it cannot be.
    """
    items = dict(state.items)
    for key, item in _changed(state, wanted.get("instances", {}), "").items():
        if item is None:
            items.pop(key, None)
        else:
            items[key] = item
    spacing = _ruled(wanted["ruler"], state.base.image) if "ruler" in wanted else state.spacing
    image = state.base.image if spacing is None else replace(state.base.image, spacing=spacing)
    return replace(
        state.base, image=image, instances=in_schema_order(list(items.values()), state.base.schema)
    )


def brushed(
    outline: Outline | None,
    stroke: Sequence[tuple[float, float]],
    radius: float,
    image: ImageRef,
    *,
    adds: bool,
) -> Outline | None:
    """A shape after a stroke of a round brush.

    Args:
        outline: The shape, px; None for none yet.
        stroke: Centres of the brush one after the other, px.
        radius: Of the brush, px.
        image: Beyond its edge nothing is painted.
        adds: Whether the brush adds to the shape; otherwise it takes away.

    Returns:
        The new shape, or None where nothing is left. What the brush did not touch keeps its pixels.
    """
    points = np.array(stroke, dtype=np.float64).reshape(-1, 2)
    low, high = points.min(axis=0) - radius, points.max(axis=0) + radius
    if outline is not None:
        left, top, right, bottom = outline.box
        low, high = np.minimum(low, (left, top)), np.maximum(high, (right, bottom))
    x0, y0 = (max(0, math.floor(value) - 1) for value in low)
    x1, y1 = min(image.width, math.ceil(high[0]) + 2), min(image.height, math.ceil(high[1]) + 2)
    if x1 <= x0 or y1 <= y0:
        return outline
    shift = np.array([x0, y0], dtype=np.float64)
    mask = np.zeros((y1 - y0, x1 - x0), dtype=bool)
    if outline is not None:
        moved = Outline(tuple(r - shift for r in outline.rings), tuple(h - shift for h in outline.holes))
        mask = to_mask(moved, y1 - y0, x1 - x0)
    touched = painted(points - shift, radius, y1 - y0, x1 - x0)
    result = to_outline(mask | touched if adds else mask & ~touched)
    if not result.rings:
        return None
    return Outline(tuple(r + shift for r in result.rings), tuple(h + shift for h in result.holes))


def stroke_of(content: Mapping[str, Any]) -> tuple[list[tuple[float, float]], float, bool]:
    """A brush's way, its radius and whether it adds, out of what a page sends.

    Raises:
        UsageError: If it is no stroke.
    """
    way, radius = content.get("stroke"), content.get("radius")
    if not isinstance(way, list) or not 0 < len(way) <= MOST_STROKE:
        raise UsageError("the stroke has no points, or too many -- lift the brush now and then")
    if not isinstance(radius, int | float) or not 0.5 <= radius <= WIDEST_BRUSH:
        raise UsageError(f"the brush has no radius between 0.5 and {WIDEST_BRUSH:g} px -- choose another")
    points = [_pair(point, "the stroke") for point in way]
    return points, float(radius), bool(content.get("adds", True))


def _strokes(wanted: object, state: ReviewedImage) -> dict[str, Stroke]:
    """New strokes on a semantic answer: its last class is painted, or its first where they take away."""
    if state.base.raster is None or state.base.raster.labels is None:
        raise UsageError("this film has no class for every pixel -- paint a shape instead")
    if not isinstance(wanted, dict) or not wanted or len({*state.strokes, *wanted}) > MOST_STROKES:
        raise UsageError(
            f"the strokes are none, or more than {MOST_STROKES} -- accept the film and paint anew"
        )
    found = {}
    for key, content in wanted.items():
        if not isinstance(content, dict) or key in state.strokes or not _is_key(key):
            raise UsageError("a stroke is misshapen -- reload the page")
        way, radius, adds = stroke_of(content)
        found[key] = Stroke(np.array(way), radius, len(state.base.schema.classes) - 1 if adds else 0)
    return found


def _is_key(key: object) -> bool:
    return isinstance(key, str) and key.isascii() and key.isalnum() and len(key) <= 40


def _told(item: Instance | None) -> Json | None:
    return None if item is None else instance_to_json(item)


def _changed(state: ReviewedImage, wanted: object, reader: str) -> dict[str, Instance | None]:
    if not isinstance(wanted, dict) or len(wanted) > MOST_INSTANCES:
        raise UsageError("the instances of a film are no list of keys -- reload the page")
    schema, image = state.base.schema, state.base.image
    found: dict[str, Instance | None] = {}
    for key, content in wanted.items():
        if not _is_key(key):
            raise UsageError("an instance has a key that is none -- reload the page")
        old = state.items.get(key)
        if content is None:
            found[key] = None
        elif isinstance(content, dict):
            found[key] = _instance(content, old, schema, image, reader)
        else:
            raise UsageError(f"instance {key}: is misshapen -- reload the page")
    if len({*state.items, *found}) > MOST_INSTANCES:
        raise UsageError(f"a film holds {MOST_INSTANCES} instances at most -- delete some")
    return found


def _instance(content: Json, old: Instance | None, schema: Schema, image: ImageRef, reader: str) -> Instance:
    label = content.get("label")
    if label not in all_labels(schema):
        raise UsageError(
            f"{printable(str(label)[:40])!r}: is no label of {schema.name} -- choose one of "
            f"{', '.join(all_labels(schema))}"
        )
    names = old.landmarks.names if old is not None and old.landmarks is not None else schema.landmark_names
    told = content.get("landmarks")
    points = None if told is None else _landmarks(told, names, None if old is None else old.landmarks, image)
    shape = content.get("outline")
    outline = None if shape is None else _outline(shape, image)
    return Instance(
        str(label),
        _box(content, points, outline),
        outline,
        points,
        author=Author.HUMAN,
        reader=reader or (old.reader if old is not None else None),
    )


def _box(content: Json, points: Landmarks | None, outline: Outline | None) -> Box:
    if outline is not None:
        return outline.box
    if points is not None and bool((points.visibility != Visibility.ABSENT).any()):
        return points_box(points.xy)
    box = content.get("box")
    if not isinstance(box, list) or len(box) != 4:
        raise UsageError("an instance has neither point nor shape -- delete it instead")
    left, top = _pair(box[:2], "the box")
    right, bottom = _pair(box[2:], "the box")
    return min(left, right), min(top, bottom), max(left, right), max(top, bottom)


def _landmarks(told: object, names: tuple[str, ...], old: Landmarks | None, image: ImageRef) -> Landmarks:
    if not isinstance(told, list) or [isinstance(p, dict) and p.get("name") for p in told] != list(names):
        raise UsageError(f"the points of an instance are not {', '.join(names)} -- reload the page")
    xy = np.full((len(names), 2), np.nan)
    visibility = np.zeros(len(names), dtype=np.int8)
    for index, point in enumerate(told):
        seen = point.get("visibility")
        if seen not in (0, 1, 2) or (seen == 0) != (point.get("xy") is None):
            raise UsageError(
                f"{names[index]}: a point is absent exactly where it has no place -- reload the page"
            )
        visibility[index] = seen
        if seen:
            xy[index] = _pair(point["xy"], names[index])
            if not bool((np.abs(xy[index]) <= 2.0 * np.array([image.width, image.height]) + 100.0).all()):
                raise UsageError(f"{names[index]}: lies far outside of the film -- put it back")
    if old is None:
        return Landmarks(names, xy, visibility)
    kept = np.asarray(np.abs(xy - old.xy).max(axis=1) < _SAME_PX)
    xy[kept] = old.xy[kept]
    score = None if old.score is None else np.where(kept, old.score, 1.0)
    spread = None if old.spread is None else np.where(kept[:, None], old.spread, np.nan)
    return Landmarks(names, xy, visibility, score, spread)


def _outline(shape: object, image: ImageRef) -> Outline:
    if not isinstance(shape, dict) or not isinstance(shape.get("rings"), list):
        raise UsageError("a shape is misshapen -- reload the page")
    parts = [shape["rings"], shape.get("holes", [])]
    if not all(isinstance(ring, list) for part in parts for ring in part):
        raise UsageError("a shape is misshapen -- reload the page")
    if sum(len(ring) for part in parts for ring in part) > MOST_VERTICES:
        raise UsageError(f"a shape has more than {MOST_VERTICES} corners -- draw it simpler")
    rings, holes = (
        tuple(np.array([_pair(point, "a shape") for point in ring]).reshape(-1, 2) for ring in part)
        for part in parts
    )
    whole = Outline(
        tuple(ring for ring in rings if not encloses_nothing(ring)),
        tuple(hole for hole in holes if not encloses_nothing(hole)),
    )
    inside = within(whole, image.height, image.width) if whole.rings else None
    if inside is None:
        raise UsageError("a shape encloses nothing of the film -- delete the instance instead")
    return inside


def _ruled(content: object, image: ImageRef) -> Spacing | None:
    if content is None:
        return None
    if not isinstance(content, dict):
        raise UsageError("the ruler is misshapen -- draw it again")
    length = content.get("length_mm")
    if not isinstance(length, int | float) or isinstance(length, bool) or not 0 < length < 10_000:
        raise UsageError("the ruler has no length between 0 and 10000 mm -- write its true length")
    ruler = Ruler(
        _pair(content.get("start"), "the ruler"), _pair(content.get("end"), "the ruler"), float(length)
    )
    return ruler.spacing(image)


def _comment(text: object) -> str:
    if not isinstance(text, str) or len(text) > LONGEST_COMMENT:
        raise UsageError(f"a comment has {LONGEST_COMMENT} characters at most -- shorten it")
    return " ".join(printable(text.replace("\n", " ").replace("\t", " ")).split())


def _pair(point: object, what: str) -> tuple[float, float]:
    if isinstance(point, list) and len(point) == 2:
        x, y = point
        sound = all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e6 for v in (x, y))
        if sound:
            return float(x), float(y)
    raise UsageError(f"{what}: {printable(str(point)[:40])} is no place on the film -- reload the page")


def as_kept(item: Instance) -> Instance:
    """The instance as it comes back from a record, which keeps what JSON can hold."""
    return instance_from_json(instance_to_json(item))
