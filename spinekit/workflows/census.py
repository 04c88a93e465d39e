"""Counting what a data set holds, one scene at a time: numbers are kept, never images or shapes."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.outline import Outline, ring_area
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.core.translate import labels_of

GRID = 64
"""Rows and columns of the map of positions."""


def _floats() -> array[float]:
    return array("d")


@dataclass(slots=True)
class ClassCount:
    """Of one class or level.

    Attributes:
        instances: How many.
        images: On how many images.
        pixels: Of rasters.
        widths: Of the boxes, px.
        heights: Likewise.
        areas: Of outlines, or else of boxes, as a part of the image.
        across: Centres, as a part of the image's width, 0 at its left border.
        down: Likewise from the top.
        millimetres: Longer side of the box, where the spacing is known.
    """

    instances: int = 0
    images: int = 0
    pixels: int = 0
    widths: array[float] = field(default_factory=_floats)
    heights: array[float] = field(default_factory=_floats)
    areas: array[float] = field(default_factory=_floats)
    across: array[float] = field(default_factory=_floats)
    down: array[float] = field(default_factory=_floats)
    millimetres: array[float] = field(default_factory=_floats)


@dataclass(slots=True)
class Census:
    """Of a whole data set.

    Attributes:
        schema: Of its scenes.
        images: How many.
        empty: How many of them without any label.
        classes: Counts by level or class, in the schema's order.
        landmarks: For each landmark, of the instances that could have it: visible, occluded, absent.
        sizes: Images by (width, height).
        spacings: Images by (row, column spacing in mm, its origin); those without by None.
        groups: Images by group; those without by an empty name.
        readers: Instances by reader, where one is named.
        ages: Of the persons, years, where known.
        persons: Images by (age in decades or None, sex or empty).
        by_person: Instances by label, for each such kind of person.
        noted: Images with a remark.
    """

    schema: Schema
    images: int = 0
    empty: int = 0
    classes: dict[str, ClassCount] = field(default_factory=dict)
    landmarks: dict[str, Counter[str]] = field(default_factory=dict)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    spacings: Counter[tuple[float, float, str] | None] = field(default_factory=Counter)
    groups: Counter[str] = field(default_factory=Counter)
    readers: Counter[str] = field(default_factory=Counter)
    ages: array[float] = field(default_factory=_floats)
    persons: Counter[tuple[int | None, str]] = field(default_factory=Counter)
    by_person: dict[tuple[int | None, str], Counter[str]] = field(default_factory=dict)
    noted: int = 0


def census(schema: Schema) -> Census:
    """An empty census with a place for all that the schema names: its levels where it has such, or its classes."""
    return Census(
        schema,
        classes={label: ClassCount() for label in schema.levels or labels_of(schema)},
        landmarks={name: Counter(visible=0, occluded=0, absent=0) for name in schema.landmark_names},
    )


def count_scene(held: Census, scene: Scene) -> None:
    """Adds one scene.

    Args:
        held: The census; changed.
        scene: Of its schema.
    """
    ref = scene.image
    held.images += 1
    held.sizes[ref.width, ref.height] += 1
    spacing = ref.spacing
    held.spacings[None if spacing is None else (spacing.row_mm, spacing.col_mm, spacing.origin.value)] += 1
    held.groups[scene.group] += 1
    held.noted += bool(scene.notes)
    held.empty += not scene.instances and scene.raster is None
    for label in {item.label for item in scene.instances}:
        held.classes.setdefault(label, ClassCount()).images += 1
    for item in scene.instances:
        _count_instance(held, item, scene)
    _count_raster(held, scene)
    _count_person(held, scene)


def _count_instance(held: Census, item: Instance, scene: Scene) -> None:
    ref, counts = scene.image, held.classes[item.label]
    counts.instances += 1
    left, top, right, bottom = item.box
    counts.widths.append(right - left)
    counts.heights.append(bottom - top)
    shape = item.outline
    area = (right - left) * (bottom - top) if shape is None else outline_area(shape)
    counts.areas.append(area / (ref.width * ref.height))
    counts.across.append(((left + right) / 2 + 0.5) / ref.width)
    counts.down.append(((top + bottom) / 2 + 0.5) / ref.height)
    if ref.spacing is not None:
        sides = ((right - left) * ref.spacing.col_mm, (bottom - top) * ref.spacing.row_mm)
        counts.millimetres.append(max(sides))
    if item.reader:
        held.readers[item.reader] += 1
    if held.landmarks:
        _count_landmarks(held, item.landmarks)


def outline_area(outline: Outline) -> float:
    """Area of an outline, px^2: of its rings less its holes."""
    return sum(abs(ring_area(ring)) for ring in outline.rings) - sum(
        abs(ring_area(ring)) for ring in outline.holes
    )


def _count_landmarks(held: Census, points: Landmarks | None) -> None:
    seen = {} if points is None else dict(zip(points.names, points.visibility.tolist(), strict=True))
    for name, counts in held.landmarks.items():
        counts[Visibility(seen.get(name, 0)).name.lower()] += 1


def _count_raster(held: Census, scene: Scene) -> None:
    if scene.raster is None or scene.raster.labels is None:
        return
    classes = scene.schema.classes
    for index, pixels in enumerate(np.bincount(scene.raster.labels.ravel(), minlength=len(classes)).tolist()):
        if pixels and index < len(classes):
            counts = held.classes.setdefault(classes[index], ClassCount())
            counts.pixels += pixels
            counts.images += 1


def _count_person(held: Census, scene: Scene) -> None:
    age, sex = scene.covariates.get("age_years"), str(scene.covariates.get("sex", ""))
    decade = None
    if isinstance(age, int | float):
        held.ages.append(float(age))
        decade = int(age // 10) * 10
    if decade is None and not sex:
        return
    held.persons[decade, sex] += 1
    labels = held.by_person.setdefault((decade, sex), Counter())
    labels.update(item.label for item in scene.instances)


def quartiles(values: Sequence[float]) -> tuple[float, float, float, float, float] | None:
    """Least, lower quartile, median, upper quartile and most; None of nothing."""
    if not len(values):
        return None
    low, first, middle, third, high = np.quantile(np.asarray(values), (0, 0.25, 0.5, 0.75, 1)).tolist()
    return low, first, middle, third, high


def position_map(counts: ClassCount) -> FloatArray:
    """(GRID, GRID) numbers of centres, row by row from the image's top; those outside are left out."""
    borders = [[0, 1], [0, 1]]
    places = np.asarray(counts.down), np.asarray(counts.across)
    return np.asarray(np.histogram2d(*places, bins=GRID, range=borders)[0], dtype=np.float64)


def imbalance(held: Census) -> float | None:
    """The most frequent class over the rarest one that occurs; None for fewer than two."""
    numbers = [counts.instances or counts.pixels for counts in held.classes.values()]
    present = [number for number in numbers if number]
    return max(present) / min(present) if len(present) > 1 else None
