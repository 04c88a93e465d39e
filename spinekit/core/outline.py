"""Shapes as rings, and the way to a mask and back without loss.

A ring is (N, 2) float64 in the pixel frame (pixel centres at integers), so that the border between
pixel 0 and pixel 1 lies at 0.5. A pixel belongs to an outline when its centre lies inside by the
even-odd rule; several parts and holes need no bridge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinekit.core.image import BoolArray, FloatArray

Indices = npt.NDArray[np.int64]
Sides = tuple[Indices, Indices]


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A shape of any number of parts and holes.

    Attributes:
        rings: Outer borders, each (N, 2) px.
        holes: Inner borders, each (N, 2) px.
    """

    rings: tuple[FloatArray, ...]
    holes: tuple[FloatArray, ...] = ()

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in px."""
        points = np.concatenate(self.rings)
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        return float(left), float(top), float(right), float(bottom)


def ring_area(ring: FloatArray) -> float:
    """Signed area in px^2 by the shoelace formula; positive when the ring runs clockwise on the screen."""
    following = np.concatenate((ring[1:], ring[:1]))  # `numpy.roll` takes three times as long
    return float(0.5 * np.sum(ring[:, 0] * following[:, 1] - following[:, 0] * ring[:, 1]))


def edge_lengths(ring: FloatArray) -> FloatArray:
    """(N,) px from each vertex of a closed ring to the next."""
    x, y = (np.concatenate((ring[1:], ring[:1])) - ring).T
    return np.asarray(np.sqrt(x * x + y * y))


def resampled(ring: FloatArray, step: float) -> FloatArray:
    """Points at even distances along a closed ring, the first half a step from its first vertex.

    Args:
        ring: (N, 2) px.
        step: Distance between points, px; made a little smaller so that it divides the ring's length.

    Returns:
        (M, 2) px, M >= 4.
    """
    closed = np.concatenate((ring, ring[:1]))
    lengths = np.zeros(len(closed))
    np.cumsum(np.hypot(*np.diff(closed, axis=0).T), out=lengths[1:])
    count = max(4, int(np.ceil(lengths[-1] / step)))
    at = (np.arange(count) + 0.5) * lengths[-1] / count
    points = np.empty((count, 2))
    for axis in (0, 1):
        points[:, axis] = np.interp(at, lengths, closed[:, axis])
    return points


def to_mask(outline: Outline, height: int, width: int) -> BoolArray:
    """The pixels whose centres lie inside.

    Every edge is crossed with the rows between its ends; the parity of crossings left of a centre
    decides. No rounding of vertices takes place, unlike in integer polygon fills.

    Args:
        outline: The shape, px.
        height: Rows of the mask.
        width: Columns of the mask.

    Returns:
        (height, width) bool.
    """
    toggles = np.zeros((height, width + 1), dtype=bool)
    rings = [ring for ring in (*outline.rings, *outline.holes) if len(ring)]
    if rings:
        following = np.concatenate([np.concatenate((ring[1:], ring[:1])) for ring in rings])
        crossed = _crossings(np.concatenate(rings), following, height, width)
        places, times = np.unique(crossed, return_counts=True)
        toggles.reshape(-1)[places[times % 2 == 1]] = True
    filled: BoolArray = np.logical_xor.accumulate(toggles, axis=1)[:, :width]
    return filled


def _crossings(starts: FloatArray, ends: FloatArray, height: int, width: int) -> Indices:
    """Where edges (N, 2) cross rows: places in a (height, width + 1) array of the first pixels to their right."""
    (x0, y0), (x1, y1) = starts.T, ends.T
    first = np.clip(np.ceil(np.minimum(y0, y1)), 0, height).astype(np.int64)
    behind = np.clip(np.ceil(np.maximum(y0, y1)), 0, height).astype(np.int64)
    counts = behind - first  # none of an edge along a row
    edge = np.repeat(np.arange(len(counts)), counts)
    rows = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    slopes = (x1 - x0)[edge] / (y1 - y0)[edge]
    columns = np.clip(np.ceil(x0[edge] + (rows - y0[edge]) * slopes), 0, width).astype(np.int64)
    return np.asarray(rows * (width + 1) + columns, dtype=np.int64)


def to_outline(mask: BoolArray) -> Outline:
    """The borders of a mask, following the edges between pixels.

    `to_mask` of the result gives the same mask, whatever its parts and holes.

    Args:
        mask: (H, W) bool.

    Returns:
        Rings and holes with a vertex at every turn; no rings for an empty mask.
    """
    return to_outlines([mask])[0]


def to_outlines(masks: Sequence[BoolArray]) -> list[Outline]:
    """`to_outline` of many small masks, which hardly takes longer than of one: they are followed in one picture.

    Args:
        masks: (H, W) bool each; the picture is as wide as the widest and as high as all of them together.
    """
    tops = np.cumsum([0, *(len(mask) + 1 for mask in masks)])  # an empty row keeps them apart
    picture = np.zeros((tops[-1], max((mask.shape[1] for mask in masks), default=0)), dtype=bool)
    for mask, top in zip(masks, tops.tolist(), strict=False):
        picture[top : top + len(mask), : mask.shape[1]] = mask
    sides = _sides(picture)
    following = _following(sides, picture.shape[1] + 1)
    order, ends = _ways(following.tolist(), len(sides[0][0]))
    if not ends:
        return [Outline(()) for _ in masks]
    corners = np.concatenate([start for start, _ in sides])
    points, starts = corners[order], [0, *ends[:-1]]
    owners = np.searchsorted(tops, points[starts, 1], side="right") - 1  # by the row of the first pixel
    areas = _areas(points, corners[following[order]], starts)
    placed = points - 0.5
    placed[:, 1] -= np.repeat(tops[owners], np.subtract(ends, starts))
    found: list[tuple[list[FloatArray], list[FloatArray]]] = [([], []) for _ in masks]
    for start, end, owner, area in zip(starts, ends, owners.tolist(), areas.tolist(), strict=True):
        rings, holes = found[owner]
        (rings if area > 0 else holes).append(placed[start:end])
    return [Outline(tuple(outer), tuple(inner)) for outer, inner in found]


def _ways(following: Sequence[int], tops: int) -> tuple[Indices, list[int]]:
    """The sides in the order of the rings that they make up, and where in it each ring ends.

    Args:
        following: For every side the next one of its ring.
        tops: How many of them, the first, run along the top of a pixel: every ring has one.
    """
    order: list[int] = []
    ends: list[int] = []
    seen = [False] * len(following)
    for first in range(tops):
        if seen[first]:
            continue
        here = first
        while not seen[here]:
            seen[here] = True
            order.append(here)
            here = following[here]
        ends.append(len(order))
    return np.array(order, dtype=np.int64), ends


def _areas(points: Indices, following: Indices, starts: Sequence[int]) -> Indices:
    """Twice the signed area of each ring as in `ring_area`, of the corners of all and those that come after them."""
    crossed = points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1]
    return np.asarray(np.add.reduceat(crossed, starts))


def _sides(mask: BoolArray) -> list[Sides]:
    """Straight pieces of border from turn to turn, with the shape on their right.

    Returns:
        First and last corners (x, y) of those that run right (along the tops of pixels, row by row), down, left, up.
    """
    padded = np.pad(mask, 1)
    height, width = padded.shape
    # Only along the border is there anything to do: its unit edges lie between pixels that differ.
    level = np.flatnonzero(padded[1:] != padded[:-1])
    upright = np.flatnonzero(padded[:, 1:] != padded[:, :-1])
    row, column = np.divmod(upright, width - 1)
    upright = np.sort(column * height + row)
    column, row = np.divmod(upright, height)
    right_of_shape = padded[row, column]
    top, bottom = _runs(level, padded[1:].reshape(-1)[level])
    left, right = _runs(upright, ~right_of_shape)
    return [
        (_corners(top[0], width), _corners(top[1], width)),
        (_corners(right[0], height)[:, ::-1], _corners(right[1], height)[:, ::-1]),
        (_corners(bottom[1], width), _corners(bottom[0], width)),
        (_corners(left[1], height)[:, ::-1], _corners(left[0], height)[:, ::-1]),
    ]


def _runs(edges: Indices, kind: BoolArray) -> tuple[tuple[Indices, Indices], tuple[Indices, Indices]]:
    """First edge, and edge after the last, of each run of neighbouring edges of one kind: of True ones, of others."""
    breaks = np.flatnonzero((np.diff(edges) != 1) | (kind[1:] != kind[:-1])) + 1
    first = np.concatenate([[0], breaks]).astype(np.int64)[: len(edges)]
    last = np.concatenate([breaks, [len(edges)]]).astype(np.int64)[: len(first)]
    chosen = kind[first]
    begin, end = edges[first], edges[last - 1] + 1
    return (begin[chosen], end[chosen]), (begin[~chosen], end[~chosen])


def _corners(edges: Indices, length: int) -> Indices:
    """(N, 2) place along its line, and number of the line, of edges of the padded mask, in corners of the mask."""
    line, place = np.divmod(edges, length)
    return np.stack([place - 1, line], axis=1)


def _following(sides: Sequence[Sides], width: int) -> Indices:
    """For every side the one that goes on where it ends; sides are numbered through, kind after kind.

    Where two pixels touch at a corner the way turns right, which keeps them separate parts.
    """
    offsets = np.cumsum([0, *(len(start) for start, _ in sides)])
    starts = [start[:, 0] + width * start[:, 1] for start, _ in sides]
    orders = [np.argsort(start) for start in starts]
    found = np.empty(offsets[-1], dtype=np.int64)
    for kind, (_, end) in enumerate(sides):
        rows = slice(offsets[kind], offsets[kind + 1])
        wanted = end[:, 0] + width * end[:, 1]
        for turn in (3, 1):  # left first, so that a way to the right takes its place
            other = (kind + turn) % 4
            order = orders[other]
            keys = starts[other][order]
            at = np.searchsorted(keys, wanted)
            here = at < len(keys)
            here[here] = keys[at[here]] == wanted[here]
            found[rows][here] = offsets[other] + order[at[here]]
    return found
