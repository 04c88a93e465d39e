"""What cannot be in the landmarks of one image: points outside it, on top of each other, or outside their box."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spinekit.core.finding import Finding, Rule, Severity
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.scene import Instance, Scene

POINT_OUTSIDE = Rule(
    "point-outside",
    Severity.ERROR,
    "a landmark or vertex lies outside its image",
    "look whether label and image belong together; move the point (--fix moves those within 1 px)",
)
POINTS_TOGETHER = Rule(
    "points-together",
    Severity.ERROR,
    "all landmarks of an instance lie at one place",
    "place them, or mark them absent",
)
POINTS_COINCIDE = Rule(
    "points-coincide",
    Severity.WARNING,
    "two landmarks lie on one pixel",
    "look whether one was placed twice; mark it absent if it cannot be seen",
)
BOX_MISSES_POINTS = Rule(
    "box-misses-points",
    Severity.WARNING,
    "a landmark lies outside its instance's box",
    "draw the box around the landmarks, with some room",
)
TINY_BOX = Rule(
    "tiny-box",
    Severity.WARNING,
    "an instance is smaller than 3 pixels, or than 2 once the image is 640 pixels long",
    "remove it if it is a slip of the mouse; otherwise train on larger images",
)
EMPTY_SHAPE = Rule(
    "empty-shape",
    Severity.ERROR,
    "a box or outline encloses nothing",
    "draw it again, or remove it (--fix removes it)",
)
DOUBLED = Rule(
    "doubled-instance",
    Severity.ERROR,
    "two instances of one class lie on each other",
    "remove one (--fix removes exact copies)",
)
RULES = (
    POINT_OUTSIDE, POINTS_TOGETHER, POINTS_COINCIDE, BOX_MISSES_POINTS, TINY_BOX, EMPTY_SHAPE, DOUBLED,
)  # fmt: skip

_EDGE = 0.5  # the border of an image lies half a pixel outside its outer centres
_SAME_PIXEL = 0.5
_ONE_PLACE = 2.0  # px
_LEAST_BOX = 3.0  # px
_LEAST_TRAINED = 2.0  # px of an image brought to the usual 640
_TRAINED_AT = 640.0
_BOX_SLACK = 0.02  # of the box's longer side, and 1 px: rounding of what others wrote
_SAME_BOX = 0.95


def implausible_instances(scene: Scene) -> Iterator[Finding]:
    """What cannot be in the instances of one image, whatever they show.

    Args:
        scene: Labelled.
    """
    for number, item in enumerate(scene.instances, start=1):
        place = place_of(item, number, scene)
        for rule, why in _faults(item, scene.image):
            yield Finding(rule, scene.image.name, place, why)
    yield from _doubled(scene)


def place_of(item: Instance, number: int, scene: Scene) -> str:
    """What to call an instance: its label, with its number where the label is not its own alone.

    Args:
        item: The instance.
        number: Counted from 1.
        scene: That holds it.
    """
    alone = sum(other.label == item.label for other in scene.instances) == 1
    reader = f" by {item.reader}" if item.reader else ""
    return f"{item.label}{reader}" if alone else f"{item.label}{reader} (instance {number})"


def _faults(item: Instance, image: ImageRef) -> Iterator[tuple[Rule, str]]:
    yield from _outside(item, image)
    if item.landmarks is not None:
        yield from _coinciding(item)
        yield from _box(item)
    yield from _small(item, image)


def _outside(item: Instance, image: ImageRef) -> Iterator[tuple[Rule, str]]:
    points = np.empty((0, 2)) if item.landmarks is None else item.landmarks.xy
    for index in np.flatnonzero(_beyond(points, image) > 0):
        assert item.landmarks is not None
        x, y = points[index]
        yield POINT_OUTSIDE, f"{item.landmarks.names[index]} at {x:.1f}, {y:.1f}, {_size(image)}"
    rings = () if item.outline is None else (*item.outline.rings, *item.outline.holes)
    beyond = np.concatenate([_beyond(ring, image) for ring in rings]) if rings else np.empty(0)
    if bool((beyond > 0).any()):
        count = int(np.count_nonzero(beyond > 0))
        yield POINT_OUTSIDE, f"{count} vertices up to {beyond.max():.1f} px outside, {_size(image)}"
    if item.landmarks is None and not rings:
        far = float(_beyond(np.array(item.box).reshape(2, 2), image).max())
        if far > 0:
            yield POINT_OUTSIDE, f"its box reaches {far:.1f} px outside, {_size(image)}"


def _beyond(points: FloatArray, image: ImageRef) -> FloatArray:
    """(n,) how far (n, 2) points lie outside the image, px; 0 inside and for absent ones."""
    over = np.maximum(points - [image.width - 1, image.height - 1], -points) - _EDGE
    return np.asarray(np.nan_to_num(np.maximum(over, 0.0)).max(axis=1, initial=0.0))


def _size(image: ImageRef) -> str:
    return f"the image is {image.width} x {image.height}"


def _coinciding(item: Instance) -> Iterator[tuple[Rule, str]]:
    assert item.landmarks is not None
    known = np.flatnonzero(~np.isnan(item.landmarks.xy).any(axis=1))
    points = item.landmarks.xy[known]
    if len(points) < 2:
        return
    if float(np.ptp(points, axis=0).max()) < _ONE_PLACE:
        yield POINTS_TOGETHER, f"all {len(points)} at {points[0, 0]:.1f}, {points[0, 1]:.1f}"
        return
    distance = np.abs(points[:, None] - points[None]).max(axis=2)
    for i, j in np.argwhere(np.triu(distance < _SAME_PIXEL, k=1)):
        first, second = (item.landmarks.names[known[index]] for index in (i, j))
        yield POINTS_COINCIDE, f"{first} and {second} at {points[i, 0]:.1f}, {points[i, 1]:.1f}"


def _box(item: Instance) -> Iterator[tuple[Rule, str]]:
    assert item.landmarks is not None
    left, top, right, bottom = item.box
    slack = 1.0 + _BOX_SLACK * max(right - left, bottom - top)
    over = np.maximum(item.landmarks.xy - [right, bottom], [left, top] - item.landmarks.xy).max(axis=1)
    outside = np.flatnonzero(np.nan_to_num(over, nan=0.0) > slack)
    if outside.size:
        names = ", ".join(item.landmarks.names[index] for index in outside[:5])
        more = f" and {outside.size - 5} more" if outside.size > 5 else ""
        yield BOX_MISSES_POINTS, f"{names}{more}, by up to {np.nanmax(over):.0f} px"


def _small(item: Instance, image: ImageRef) -> Iterator[tuple[Rule, str]]:
    left, top, right, bottom = item.box
    width, height = right - left, bottom - top
    if item.landmarks is not None and bool(np.isnan(item.landmarks.xy).all()):
        return
    if not width > 0 or not height > 0:
        if item.landmarks is None or len(item.landmarks.names) > 1:
            yield EMPTY_SHAPE, f"its box is {width:.1f} x {height:.1f} px"
        return
    scale = min(_TRAINED_AT / max(image.height, image.width), 1.0)
    if min(width, height) < _LEAST_BOX or min(width, height) * scale < _LEAST_TRAINED:
        yield TINY_BOX, f"{width:.1f} x {height:.1f} px, {_size(image)}"


def _doubled(scene: Scene) -> Iterator[Finding]:
    items = [(number, item) for number, item in enumerate(scene.instances, 1) if item.outline is None]
    items += [(number, item) for number, item in enumerate(scene.instances, 1) if item.outline is not None]
    boxes = np.array([item.box for _, item in items]).reshape(-1, 4)
    overlap = _overlap(boxes)
    for i, j in np.argwhere(np.triu(overlap > _SAME_BOX, k=1)):
        (first, one), (second, other) = items[i], items[j]
        if (one.label, one.reader) != (other.label, other.reader):
            continue
        exact = "exact copies" if same_instance(one, other) else f"boxes overlap by {overlap[i, j]:.0%}"
        place = f"{one.label} (instances {min(first, second)} and {max(first, second)})"
        yield Finding(DOUBLED, scene.image.name, place, exact)


def _overlap(boxes: FloatArray) -> FloatArray:
    """(n, n) intersection over union of (n, 4) boxes."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=2)
    area = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=1)
    union = area[:, None] + area[None] - shared
    return np.asarray(shared / np.maximum(union, 1e-9))


def same_instance(one: Instance, other: Instance) -> bool:
    """Whether two instances say exactly the same: class, box, points and outline."""
    return (
        one.label == other.label
        and one.box == other.box
        and _same_points(one, other)
        and _same_shape(one, other)
    )


def _same_points(one: Instance, other: Instance) -> bool:
    a, b = one.landmarks, other.landmarks
    if a is None or b is None:
        return a is b
    return a.names == b.names and np.array_equal(a.xy, b.xy, equal_nan=True)


def _same_shape(one: Instance, other: Instance) -> bool:
    a, b = one.outline, other.outline
    if a is None or b is None:
        return a is b
    rings, others = (*a.rings, *a.holes), (*b.rings, *b.holes)
    return len(rings) == len(others) and all(
        np.array_equal(ring, twin) for ring, twin in zip(rings, others, strict=True)
    )
