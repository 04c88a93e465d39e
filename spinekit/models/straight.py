"""A spine as if it ran straight down, as many rows for every body, with what lies beside it, above and below.

In such a picture a level has its row, whatever the spine's curve and the film's scale: what tells one level from the
next (ribs, the sacrum, where the cord ends) lies where it is to be looked for. Radiologists know it as the curved
planar reformation (Kanitsar et al. 2002).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from spinekit.core.image import FloatArray, UInt8Array
from spinekit.models.close_crops import shrunk

ROWS = 16  # a body
_FINER = 1.75  # px of the shrunk film a column, so that neither blurs the other
_BEYOND = 12  # bodies by which a course is drawn out at its ends
_TURNING = 2  # bodies either side over which the direction of the spine is averaged


@dataclass(frozen=True, slots=True)
class StraightView:
    """How a straightened spine is cut.

    Attributes:
        levels: L, of the schema.
        above: Bodies for which there is room above the first level.
        below: Bodies for which there is room below the last level.
        columns: Of the picture, a multiple of 16.
        unit: Columns that the size of a body takes.
    """

    levels: int
    above: int
    below: int
    columns: int
    unit: float

    @property
    def bodies(self) -> int:
        """Bodies for which there is room in all."""
        return self.above + self.levels + self.below


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Bodies of a spine one after the other, none left out.

    Attributes:
        centres: (N, 2) film px, cranial to caudal.
        sizes: (N,) px, of the bodies' diagonals.
        first: Level of the first, counted from the schema's first; may be negative.
    """

    centres: FloatArray
    sizes: FloatArray
    first: int


@dataclass(frozen=True, slots=True)
class Wobble:
    """By how much a look at a spine differs from the plain one.

    Attributes:
        place: Bodies by which it is moved down.
        aside: Sizes of a body by which it is moved to the side.
        stretch: Logarithm of the factor by which it is broader.
        lean: Slope of its rows.
    """

    place: float = 0.0
    aside: float = 0.0
    stretch: float = 0.0
    lean: float = 0.0


PLAIN = Wobble()


def course_of(shapes: FloatArray, places: Sequence[int]) -> Course:
    """The course of bodies that are named; between those that are apart others are laid.

    Args:
        shapes: (N, K, 2) film px of points on each body's border, such as its corners; NaN where one is absent (of
            the sacrum there is one endplate).
        places: (N,) level of each, counted from the schema's first; each at most once.
    """
    order = np.argsort(places)
    centres = np.nanmean(shapes, axis=1)
    # Twice the root mean square distance: of a rectangle's corners its diagonal, however it is turned.
    away = np.nanmean(((shapes - centres[:, None]) ** 2).sum(axis=2), axis=1)
    centres, sizes = centres[order], 2 * np.sqrt(away)[order]
    known = np.asarray(places)[order].astype(int)
    whole = np.arange(known[0], known[-1] + 1)
    filled = [np.interp(whole, known, column) for column in (*centres.T, sizes)]
    return Course(np.stack(filled[:2], axis=1), filled[2], int(known[0]))


def drawn_out(course: Course, above: int, below: int) -> Course:
    """A course with bodies added before its first and after its last, as far apart as the ones there.

    Args:
        course: Of two bodies at least.
        above: How many before the first.
        below: How many after the last.
    """
    near = min(3, len(course.centres) - 1)
    up = (course.centres[near] - course.centres[0]) / near
    down = (course.centres[-1] - course.centres[-1 - near]) / near
    before = course.centres[0] - up * np.arange(above, 0, -1)[:, None]
    after = course.centres[-1] + down * np.arange(1, below + 1)[:, None]
    sizes = np.concatenate(
        [np.full(above, course.sizes[:2].mean()), course.sizes, np.full(below, course.sizes[-2:].mean())]
    )
    return Course(np.concatenate([before, course.centres, after]), sizes, course.first - above)


def scale_of(course: Course, view: StraightView) -> float:
    """By how much a film is shrunk before it is straightened; films of small bodies are left as they are."""
    return min(1.0, _FINER * view.unit / float(np.median(course.sizes)))


def straightened(
    pixels: UInt8Array, course: Course, view: StraightView, wobble: Wobble = PLAIN
) -> UInt8Array:
    """A film along a course.

    Args:
        pixels: (H, W) of the film.
        course: Of two bodies at least.
        view: What is cut.
        wobble: How the look differs.

    Returns:
        (2, 16 * `StraightView.bodies`, `StraightView.columns`): greys, and 255 where the film is.
    """
    scale = scale_of(course, view)
    film = shrunk(pixels, scale)
    whole = drawn_out(course, _BEYOND, _BEYOND)
    centres = (whole.centres + 0.5) * scale - 0.5
    sizes = _evened(whole.sizes) * scale
    ways = _evened(np.gradient(centres, axis=0))
    ways = ways / np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-9)
    rows = (np.arange(ROWS * view.bodies) + 0.5) / ROWS - 0.5 - view.above - whole.first + wobble.place
    columns = ((np.arange(view.columns) + 0.5 - view.columns / 2) / view.unit) * math.exp(wobble.stretch)
    at = [np.interp(rows, np.arange(len(centres)), values) for values in (*centres.T, *ways.T, sizes)]
    x, y, down_x, down_y, size = (values[:, None] for values in at)
    beside_x, beside_y = down_y - wobble.lean * down_x, -down_x - wobble.lean * down_y
    reach = (columns + wobble.aside) * size
    map_x, map_y = (x + beside_x * reach).astype(np.float32), (y + beside_y * reach).astype(np.float32)
    grey = cv2.remap(film, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    height, width = film.shape
    there = (map_x >= 0) & (map_x <= width - 1) & (map_y >= 0) & (map_y <= height - 1)
    return np.stack([np.where(there, grey, 0), there * 255]).astype(np.uint8)


def _evened(values: FloatArray) -> FloatArray:
    """Running means over neighbours, weighted by a triangle; ends repeated."""
    weights = np.array([*range(1, _TURNING + 1), _TURNING + 1, *range(_TURNING, 0, -1)], dtype=np.float64)
    padded = np.concatenate([values[:1].repeat(_TURNING, 0), values, values[-1:].repeat(_TURNING, 0)])
    parts = [weight * padded[k : k + len(values)] for k, weight in enumerate(weights)]
    return np.asarray(sum(parts) / weights.sum())
