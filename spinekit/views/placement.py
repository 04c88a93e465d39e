"""Finding room for labels: near what they name, off what matters, never on one another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.views.occupancy import Occupancy

Rect = tuple[float, float, float, float]
Point = tuple[float, float]
Segment = tuple[Point, Point]

REACHES = (0.3, 0.6, 1.0, 1.6, 2.4, 3.4, 4.6, 6.0, 8.0, 10.5, 14.0)
"""Distances from a thing to its label that are tried, in letter heights."""

DIRECTIONS = 24
"""Directions in which a point's label is tried."""

STEPS = (0.0, -0.5, 0.5, -1.0, 1.0, -1.6, 1.6)
"""Shifts along the side of a body that are tried for its name, in letter heights."""

NEAR = 1.1
"""A label farther off than this many letter heights gets a leader line."""

MARGIN = 0.15
"""Room that a label keeps from what matters, in letter heights."""

OVERLAP, CROSSING, OUTSIDE = 1e6, 60.0, 1e9


@dataclass(frozen=True, slots=True)
class Wanted:
    """A label that looks for a place.

    Attributes:
        width: Of the text with its margin, px.
        height: Of the text with its margin, px.
        around: Left, top, right, bottom of what it names, px; a point where the corners are equal.
        letter: Height of its letters, px: the measure of its distances.
        sideways: Whether it may only stand to the left or right, as level names do.
        prefer: Direction that costs nothing extra, a unit vector.
    """

    width: float
    height: float
    around: Rect
    letter: float
    sideways: bool = False
    prefer: Point = (0.8, -0.6)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a label stands.

    Attributes:
        box: Left, top, right, bottom, px.
        leader: A line from what is named to the label, or None where the label is near enough.
    """

    box: Rect
    leader: Segment | None


def place(wanted: Sequence[Wanted], occupancy: Occupancy) -> list[Placed]:
    """A place for every label, in the order of importance given.

    Each label takes the cheapest of its candidate places given those before it: over nothing that
    matters, near, in the preferred direction, and on no other label while any free place exists.

    Args:
        wanted: Labels, the most important first.
        occupancy: What is on the canvas.

    Returns:
        As many places, in the same order. The result depends on nothing but the arguments.
    """
    placed: list[Placed] = []
    for label, near in zip(wanted, _nearby(wanted, occupancy), strict=True):
        cost, option = _cheapest(label, *near, placed)
        if cost >= OVERLAP / 100:
            # Nothing near is free: anywhere on the canvas, as near as can be, with a leader.
            anywhere = _cheapest(label, *_anywhere(label, occupancy), placed)
            cost, option = min((cost, option), anywhere, key=lambda found: found[0])
        placed.append(_brought_inside(option, label, occupancy))
    return placed


def _cheapest(
    label: Wanted, boxes: FloatArray, alone: FloatArray, placed: Sequence[Placed]
) -> tuple[float, Placed]:
    """The first of the cheapest candidates, with its cost.

    Args:
        label: What is placed.
        boxes: (4, N) left, top, right, bottom of the candidates, px.
        alone: (N,) what each would cost if there were no other label.
        placed: The labels before.
    """
    best, rank = math.inf, len(alone)
    found = Placed(label.around, None)
    # What others add is never negative, so few candidates need that closer look.
    for k in np.argsort(alone, kind="stable").tolist():
        if alone[k] > best:
            break
        left, top, right, bottom = boxes[:, k].tolist()
        box = (left, top, right, bottom)
        option = Placed(box, _leader(label, box))
        cost = float(alone[k]) + (_among(option, placed) if alone[k] < OUTSIDE else 0.0)
        if cost < best or (cost == best and k < rank):
            best, rank, found = cost, k, option
    return best, found


def side_by_side(wanted: Sequence[Wanted], occupancy: Occupancy) -> list[Wanted]:
    """The same labels, all preferring the side of the canvas that is freer next to what they name."""
    if not wanted:
        return []
    right, left = (
        float(occupancy.costs(np.array([_next_to(label, side) for label in wanted]).T).sum())
        for side in (1.0, -1.0)
    )
    prefer = (1.0 if right <= left else -1.0, 0.0)
    return [replace(label, prefer=prefer) for label in wanted]


def _next_to(label: Wanted, side: float) -> Rect:
    """The usual place of a label to the right (1) or left (-1) of what it names."""
    left, top, right, bottom = label.around
    reach = REACHES[1] * label.letter
    x, y = right + reach if side > 0 else left - reach - label.width, (top + bottom) / 2
    return x, y - label.height / 2, x + label.width, y + label.height / 2


def _nearby(wanted: Sequence[Wanted], occupancy: Occupancy) -> list[tuple[FloatArray, FloatArray]]:
    """For every label boxes (4, N) near what it names, nearest first, and (N,) what each costs without the others.

    All labels of a kind at once, as so few numbers take numpy longer to begin with than to compute.
    """
    found: dict[int, tuple[FloatArray, FloatArray]] = {}
    for kind in (True, False):
        chosen = [k for k, label in enumerate(wanted) if label.sideways == kind]
        if chosen:
            labels = [wanted[k] for k in chosen]
            sizes = _Sizes.of(labels)
            boxes, biases = _beside(sizes) if kind else _about(sizes)
            alone = biases + _covering(boxes, sizes, occupancy)
            found |= {k: (boxes[:, row], alone[row]) for row, k in enumerate(chosen)}
    return [found[k] for k in range(len(wanted))]


@dataclass(frozen=True, slots=True, eq=False)
class _Sizes:
    """Columns (N, 1) of what labels of one kind want."""

    width: FloatArray
    height: FloatArray
    letter: FloatArray
    around: FloatArray  # (4, N, 1)
    prefer: FloatArray  # (2, N, 1)

    @staticmethod
    def of(labels: Sequence[Wanted]) -> _Sizes:
        rows = [(label.width, label.height, label.letter, *label.around, *label.prefer) for label in labels]
        columns = np.array(rows, dtype=np.float64).T[..., None]
        return _Sizes(columns[0], columns[1], columns[2], columns[3:7], columns[7:])


def _beside(sizes: _Sizes) -> tuple[FloatArray, FloatArray]:
    """Boxes (4, L, N) to the sides of bodies, and (L, N) what their distance and side cost."""
    reach, step, side = _sideways()
    left, top, right, bottom = sizes.around
    away = reach * sizes.letter
    x = np.where(side > 0, right + away, left - away - sizes.width)
    y = (top + bottom) / 2 + step * sizes.letter
    half_high = sizes.height / 2
    wrong_side = np.where(side == np.copysign(1.0, sizes.prefer[0]), 0.0, 25.0)
    boxes = np.stack([x, y - half_high, x + sizes.width, y + half_high])
    return boxes, 14 * reach + 8 * np.abs(step) + wrong_side


def _about(sizes: _Sizes) -> tuple[FloatArray, FloatArray]:
    """Boxes (4, L, N) all around, and (L, N) what their distance and direction cost."""
    reach, dx, dy = _around()
    left, top, right, bottom = sizes.around
    x = (left + right) / 2 + dx * ((right - left) / 2 + reach * sizes.letter + sizes.width / 2)
    y = (top + bottom) / 2 + dy * ((bottom - top) / 2 + reach * sizes.letter + sizes.height / 2)
    away = 1 - (dx * sizes.prefer[0] + dy * sizes.prefer[1])
    return _centred(sizes, x, y), 12 * reach + 3 * away


@cache
def _sideways() -> FloatArray:
    """(3, N) reach, step and side (1 right, -1 left) of the places that are tried for the name of a body."""
    return np.array(
        [(reach, step, side) for reach in REACHES for step in STEPS for side in (1.0, -1.0)]
    ).T.copy()


@cache
def _around() -> FloatArray:
    """(3, N) reach and direction of the places that are tried for other labels."""
    angles = [2 * math.pi * k / DIRECTIONS for k in range(DIRECTIONS)]
    return np.array(
        [(reach, math.cos(angle), math.sin(angle)) for reach in REACHES for angle in angles]
    ).T.copy()


def _anywhere(label: Wanted, occupancy: Occupancy) -> tuple[FloatArray, FloatArray]:
    """Boxes (4, N) all over the canvas, on a grid of half a label, nearest first, and (N,) what each costs alone."""
    x, y = (label.around[0] + label.around[2]) / 2, (label.around[1] + label.around[3]) / 2
    columns = np.arange(label.width / 2, occupancy.width - label.width / 2, label.width / 2)
    rows = np.arange(label.height / 2, occupancy.height - label.height / 2, label.height / 2)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    far = 12 * np.hypot(grid[:, 0] - x, grid[:, 1] - y) / label.letter
    order = np.argsort(far, kind="stable")
    sizes = _Sizes.of([label])
    boxes = _centred(sizes, grid[None, order, 0], grid[None, order, 1])
    return boxes[:, 0], far[order] + _covering(boxes, sizes, occupancy)[0]


def _centred(sizes: _Sizes, x: FloatArray, y: FloatArray) -> FloatArray:
    half_wide, half_high = sizes.width / 2, sizes.height / 2
    return np.stack([x - half_wide, y - half_high, x + half_wide, y + half_high])


def _covering(boxes: FloatArray, sizes: _Sizes, occupancy: Occupancy) -> FloatArray:
    """What candidates (4, L, N) cost by what they cover on the canvas: (L, N)."""
    # With a little room around; in letter heights squared, so that a scene costs alike at every size.
    room = MARGIN * sizes.letter
    left, top, right, bottom = boxes
    padded = np.stack([left - room, top - room, right + room, bottom + room])
    cost = occupancy.costs(padded) * (occupancy.cell / sizes.letter) ** 2
    outside = (left < 0) | (top < 0) | (right > occupancy.width) | (bottom > occupancy.height)
    return np.where(outside, OUTSIDE, cost)


def _among(option: Placed, placed: Sequence[Placed]) -> float:
    """What a place costs by the labels before and their leaders."""
    cost = 0.0
    left, top, right, bottom = option.box
    for other in placed:
        a, b, c, d = other.box
        if left < c and a < right and top < d and b < bottom:
            cost += OVERLAP * _overlap(option.box, other.box)
        if other.leader is not None and _touches(other.leader, option.box):
            cost += CROSSING
        if option.leader is not None and _touches(option.leader, other.box):
            cost += CROSSING
        if option.leader is not None and other.leader is not None and _cross(option.leader, other.leader):
            cost += CROSSING
    return cost


def _overlap(a: Rect, b: Rect) -> float:
    """Common area of two boxes that meet, as a share of the smaller; any contact at all counts a little."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((r[2] - r[0]) * (r[3] - r[1]) for r in (a, b))
    return 0.01 + width * height / max(smaller, 1e-9)


def _leader(label: Wanted, box: Rect) -> Segment | None:
    """The shortest line from what is named to its label, if it is long enough to be needed."""
    start, end = [0.0, 0.0], [0.0, 0.0]
    for axis in (0, 1):
        low, high = label.around[axis], label.around[axis + 2]
        near, far = box[axis], box[axis + 2]
        if far < low:
            start[axis], end[axis] = low, far
        elif near > high:
            start[axis], end[axis] = high, near
        else:
            middle = (max(low, near) + min(high, far)) / 2
            start[axis], end[axis] = middle, middle
    if math.dist(start, end) < NEAR * label.letter:
        return None
    return (start[0], start[1]), (end[0], end[1])


def _touches(line: Segment, box: Rect) -> bool:
    """Whether a line enters a box (Liang-Barsky: the part of the line inside all four sides)."""
    (x0, y0), (x1, y1) = line
    enter, leave = 0.0, 1.0
    for start, delta, low, high in ((x0, x1 - x0, box[0], box[2]), (y0, y1 - y0, box[1], box[3])):
        if delta == 0:
            if not low < start < high:
                return False
            continue
        near, far = sorted(((low - start) / delta, (high - start) / delta))
        enter, leave = max(enter, near), min(leave, far)
    return enter < leave


def _cross(a: Segment, b: Segment) -> bool:
    def side(line: Segment, point: Point) -> float:
        (x0, y0), (x1, y1) = line
        return (x1 - x0) * (point[1] - y0) - (y1 - y0) * (point[0] - x0)

    return side(a, b[0]) * side(a, b[1]) < 0 and side(b, a[0]) * side(b, a[1]) < 0


def _brought_inside(option: Placed, label: Wanted, occupancy: Occupancy) -> Placed:
    """A label that fits nowhere whole is at least pushed into the canvas as far as it goes."""
    left, top, right, bottom = option.box
    dx = max(0.0, -left) - max(0.0, right - occupancy.width)
    dy = max(0.0, -top) - max(0.0, bottom - occupancy.height)
    if dx == dy == 0:
        return option
    box = (left + dx, top + dy, right + dx, bottom + dy)
    return Placed(box, _leader(label, box))
