"""Shapes as rings, and the way to a mask and back without loss.

A ring is (N, 2) float64 in the pixel frame (pixel centres at integers), so that the border between
pixel 0 and pixel 1 lies at 0.5. A pixel belongs to an outline when its centre lies inside by the
even-odd rule; several parts and holes need no bridge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinekit.core.image import BoolArray, FloatArray


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
    x, y = ring[:, 0], ring[:, 1]
    return float(0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def resampled(ring: FloatArray, step: float) -> FloatArray:
    """Points at even distances along a closed ring, the first half a step from its first vertex.

    Args:
        ring: (N, 2) px.
        step: Distance between points, px; made a little smaller so that it divides the ring's length.

    Returns:
        (M, 2) px, M >= 4.
    """
    closed = np.concatenate([ring, ring[:1]])
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    count = max(4, int(np.ceil(lengths[-1] / step)))
    at = (np.arange(count) + 0.5) * lengths[-1] / count
    return np.stack([np.interp(at, lengths, closed[:, 0]), np.interp(at, lengths, closed[:, 1])], axis=1)


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
    for ring in (*outline.rings, *outline.holes):
        for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            if y0 == y1:
                continue
            top, bottom = min(y0, y1), max(y0, y1)
            rows = np.arange(max(int(np.ceil(top)), 0), min(int(np.ceil(bottom)), height))
            if rows.size == 0:
                continue
            crossing = x0 + (rows - y0) * ((x1 - x0) / (y1 - y0))
            columns = np.clip(np.ceil(crossing), 0, width).astype(np.intp)
            toggles[rows, columns] ^= True
    filled: BoolArray = np.logical_xor.accumulate(toggles, axis=1)[:, :width]
    return filled


def to_outline(mask: BoolArray) -> Outline:
    """The borders of a mask, following the edges between pixels.

    `to_mask` of the result gives the same mask, whatever its parts and holes.

    Args:
        mask: (H, W) bool.

    Returns:
        Rings and holes with a vertex at every turn; no rings for an empty mask.
    """
    successors = _border_steps(mask)
    rings: list[FloatArray] = []
    holes: list[FloatArray] = []
    while successors:
        start = next(iter(successors))
        ring = np.array(_walk(successors, start), dtype=np.float64) - 0.5
        (rings if ring_area(ring) > 0 else holes).append(ring)
    return Outline(tuple(rings), tuple(holes))


Corner = tuple[int, int]


def _border_steps(mask: BoolArray) -> dict[Corner, list[Corner]]:
    """Unit steps between pixel corners (x, y) that keep the shape on their right, by starting corner."""
    padded = np.pad(mask.astype(bool), 1)
    inside = padded[1:-1, 1:-1]
    steps: dict[Corner, list[Corner]] = {}
    sides = (
        (~padded[:-2, 1:-1], (0, 0), (1, 0)),  # nothing above: left to right along the top
        (~padded[1:-1, 2:], (1, 0), (1, 1)),  # nothing right: down along the right
        (~padded[2:, 1:-1], (1, 1), (0, 1)),  # nothing below: right to left along the bottom
        (~padded[1:-1, :-2], (0, 1), (0, 0)),  # nothing left: up along the left
    )
    for open_side, (ax, ay), (bx, by) in sides:
        for y, x in np.argwhere(inside & open_side).tolist():
            steps.setdefault((x + ax, y + ay), []).append((x + bx, y + by))
    return steps


def _walk(steps: dict[Corner, list[Corner]], start: Corner) -> list[Corner]:
    """One closed way out of ``steps`` (which it empties), with a corner at every turn."""
    corners: list[Corner] = []
    here, heading = start, (0, 0)
    while here in steps:
        options = steps[here]
        # Where two pixels touch at a corner the way turns right, which keeps them separate parts.
        right = (here[0] - heading[1], here[1] + heading[0])
        following = right if right in options else options[0]
        options.remove(following)
        if not options:
            del steps[here]
        turn = (following[0] - here[0], following[1] - here[1])
        if turn != heading:
            corners.append(here)
        here, heading = following, turn
    first = corners[1] if len(corners) > 1 else corners[0]
    if (first[0] == corners[0][0]) == (heading[0] == 0) and len(corners) > 2:
        # The walk began in the middle of a straight side.
        corners = corners[1:]
    return corners
