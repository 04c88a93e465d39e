"""What every part of an evaluation is made of: pairs of scenes in, sections with figures out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np

from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import Landmarks
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.core.score import Score
from spinekit.formats.rings import corner_outline
from spinekit.metrics.bodies import match_centres
from spinekit.metrics.bootstrap import Groups
from spinekit.metrics.comparison import Drawn

Chart = Callable[[], bytes]
"""Draws a PNG when it is wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One image, as it is and as it was read.

    Attributes:
        name: Of the image in the truth.
        truth: What is there.
        predicted: What was found; None where there was no answer.
    """

    name: str
    truth: Scene
    predicted: Scene | None


@dataclass(frozen=True, slots=True)
class Section:
    """Everything that one kind of comparison says.

    Attributes:
        key: Short name, e.g. ``landmarks``.
        title: For people.
        notes: How the figures are meant, a sentence each.
        scores: Figures over all images.
        headline: Names of those that a model's card shows, in its order.
        judge: Name of the figure that says how bad an image is; empty where none does.
        parts: Figures of each part (a landmark, a class, a measurement), by its name.
        part: What a part is, in a word.
        charts: Plots by the name of their file, without suffix.
        drawn: Figures over all images that no single image has, by the name of their score, to be compared.
    """

    key: str
    title: str
    notes: tuple[str, ...]
    scores: tuple[Score, ...]
    headline: tuple[str, ...] = ()
    judge: str = ""
    parts: Mapping[str, tuple[Score, ...]] = field(default_factory=dict)
    part: str = ""
    charts: Mapping[str, Chart] = field(default_factory=dict)
    drawn: Mapping[str, Drawn] = field(default_factory=dict)

    def headlines(self) -> list[Score]:
        """The figures of a model's card, in its order."""
        by_name = {score.metric: score for score in self.scores}
        return [by_name[name] for name in self.headline if name in by_name]


class Tally(Protocol):
    """Takes pairs one at a time and keeps numbers, never images."""

    def add(self, pair: Pair) -> float | None:
        """Counts a pair.

        Returns:
            How bad it is, to order images by; None where this kind of comparison says nothing of it.
        """

    def section(self, groups: Groups | None = None) -> Section | None:
        """What the pairs add up to; None where none of them held anything to compare."""


def known(scores: Iterable[Callable[[], Score]]) -> tuple[Score, ...]:
    """The scores that can be computed, those left out that no image gives."""
    found = []
    for score in scores:
        try:
            found.append(score())
        except ValueError:
            continue
    return tuple(found)


def isotropic(image: ImageRef) -> FloatArray:
    """(2,) factors that bring pixels to isotropic ones, as wide as a column."""
    if image.spacing is not None:
        return np.array([1.0, image.spacing.row_mm / image.spacing.col_mm])
    return np.array([1.0, image.aspect])


def common_unit(columns_mm: Sequence[float | None]) -> str:
    """``mm`` where every image has a spacing, otherwise ``px``: figures of two units have no mean."""
    return "mm" if columns_mm and all(one is not None for one in columns_mm) else "px"


def column_mm(image: ImageRef) -> float | None:
    """Distance between columns in mm, or None where unknown."""
    return None if image.spacing is None else image.spacing.col_mm


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The instances with landmarks of one image, each true one with what answers it.

    Attributes:
        pairs: True instance, and the predicted one or None.
        extra: Predicted ones that answer none.
    """

    pairs: tuple[tuple[Instance, Instance | None], ...]
    extra: int


def answers(truth: Scene, predicted: Scene | None) -> Answers:
    """Pairs instances with landmarks one to one.

    Where a single thing is to be found, the most certain answer stands. Otherwise a true one is found when a
    predicted centre lies inside it, whatever it is called; one of fewer than three points has no inside and goes by
    its label.
    """
    true = _with_points(truth)
    found = _with_points(predicted) if predicted is not None else []
    if len(true) == 1 and not truth.schema.levels:
        ranked = sorted(found, key=lambda item: (item.label != true[0].label, -item.score))
        return Answers(((true[0], ranked[0] if ranked else None),), max(len(found) - 1, 0))
    chosen: dict[int, int] = {}
    rings = {
        row: ring for row, item in enumerate(true) if (ring := _inside_of(item, truth.schema)) is not None
    }
    for row, item in enumerate(true):
        same = [place for place, other in enumerate(found) if other.label == item.label]
        if row not in rings and len(same) == 1 and same[0] not in chosen.values():
            chosen[row] = same[0]
    free = [place for place in range(len(found)) if place not in chosen.values()]
    rows = list(rings)
    centres = np.array([_middle(found[place]) for place in free]).reshape(-1, 2)
    middles = np.array([_middle(true[row]) for row in rows]).reshape(-1, 2)
    for row, place in match_centres(centres, list(rings.values()), middles):
        chosen[rows[row]] = free[place]
    pairs = tuple((item, found[chosen[row]] if row in chosen else None) for row, item in enumerate(true))
    return Answers(pairs, len(found) - len(chosen))


def points_of(item: Instance) -> Landmarks:
    """The landmarks of an instance that has some."""
    if item.landmarks is None:
        raise ValueError(f"{item.label} has no landmarks")
    return item.landmarks


def _with_points(scene: Scene) -> list[Instance]:
    return [
        item
        for item in scene.instances
        if item.landmarks is not None and not np.isnan(item.landmarks.xy).all()
    ]


def _middle(item: Instance) -> FloatArray:
    return np.asarray(np.nanmean(points_of(item).xy, axis=0))


def _inside_of(item: Instance, schema: Schema) -> FloatArray | None:
    """The border of what landmarks enclose; None for fewer than three points."""
    points = points_of(item)
    body = corner_outline(points, schema)
    if body is not None:
        return body.rings[0]
    placed = points.xy[~np.isnan(points.xy).any(axis=1)]
    if len(placed) < 3:
        return None
    hull = cv2.convexHull(placed.astype(np.float32)).reshape(-1, 2)
    return np.asarray(hull, dtype=np.float64) if len(hull) >= 3 else None
