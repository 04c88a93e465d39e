"""Shapes as formats without holes want them: one ring a shape, and the way back."""

from __future__ import annotations

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.landmarks import Landmarks
from spinekit.core.outline import Outline, ring_area
from spinekit.core.schema import Schema

Edge = tuple[tuple[float, float], tuple[float, float]]


def bridged(outline: Outline) -> FloatArray:
    """One ring that holds all parts and holes of an outline, joined by bridges without width.

    Each further ring is entered and left at the vertex that is nearest to what is joined already, so
    that the even-odd rule gives the same pixels. `unbridged` takes the ring apart again.

    Args:
        outline: At least one ring.

    Returns:
        (N, 2) px.
    """
    first, *waiting = (*outline.rings, *outline.holes)
    joined = first
    while waiting:
        gaps = [_nearest(joined, ring) for ring in waiting]
        index = min(range(len(waiting)), key=lambda item: gaps[item][0])
        _, here, there = gaps[index]
        ring = waiting.pop(index)
        loop = np.concatenate([ring[there:], ring[: there + 1]])
        joined = np.concatenate([joined[: here + 1], loop, joined[here:]])
    return joined


def unbridged(ring: FloatArray) -> Outline:
    """Parts and holes of a ring joined by bridges without width; a plain ring comes back as it is.

    Args:
        ring: (N, 2) px, vertices of both sides of a bridge exactly equal.
    """
    loops = [loop for loop in _split_at_bridges([(float(x), float(y)) for x, y in ring]) if len(loop) >= 3]
    if len(loops) < 2:
        return Outline((ring,))
    arrays = [np.array(loop, dtype=np.float64) for loop in loops]
    rings: list[FloatArray] = []
    holes: list[FloatArray] = []
    for index, loop in enumerate(arrays):
        around = sum(_inside(loop, other) for place, other in enumerate(arrays) if place != index)
        (holes if around % 2 else rings).append(loop)
    return Outline(tuple(rings), tuple(holes)) if rings else Outline((ring,))


def clipped(ring: FloatArray, height: int, width: int) -> FloatArray:
    """The part of a ring within the image, whose edges lie half a pixel outside the outer centres.

    Sutherland and Hodgman's way: one side of the image after the other, a vertex where an edge crosses.

    Returns:
        (M, 2) px; no vertices where nothing is left.
    """
    for axis, limit, sign in ((0, -0.5, 1), (0, width - 0.5, -1), (1, -0.5, 1), (1, height - 0.5, -1)):
        inside = sign * (ring[:, axis] - limit) >= 0
        if inside.all():
            continue
        kept: list[FloatArray] = []
        for start, end, start_in, end_in in zip(
            np.roll(ring, 1, axis=0), ring, np.roll(inside, 1), inside, strict=True
        ):
            if start_in != end_in:
                share = (limit - start[axis]) / (end[axis] - start[axis])
                crossing = start + share * (end - start)
                crossing[axis] = limit
                kept.append(crossing)
            if end_in:
                kept.append(end)
        ring = np.array(kept, dtype=np.float64).reshape(-1, 2)
        if len(ring) == 0:
            break
    return ring


def corner_outline(points: Landmarks, schema: Schema) -> Outline | None:
    """The body that landmarks enclose where the schema's edges form a single closed way through all.

    Args:
        points: Landmarks of one instance.
        schema: Of these landmarks.

    Returns:
        A ring along the edges; None where they form none or a point is absent.
    """
    neighbours: dict[str, list[str]] = {name: [] for name in points.names}
    for one, other in schema.edges:
        if one not in neighbours or other not in neighbours:
            return None
        neighbours[one].append(other)
        neighbours[other].append(one)
    if len(points.names) < 3 or any(len(ends) != 2 for ends in neighbours.values()):
        return None
    way = [points.names[0]]
    while len(way) < len(points.names):
        onward = [name for name in neighbours[way[-1]] if name not in way]
        if not onward:
            return None
        way.append(onward[0])
    ring = points.xy[[points.index(name) for name in way]]
    if bool(np.isnan(ring).any()) or abs(ring_area(ring)) == 0.0:
        return None
    return Outline((ring,))


def _nearest(joined: FloatArray, ring: FloatArray) -> tuple[float, int, int]:
    """Squared distance and indices of the nearest vertices of two rings."""
    best = (float("inf"), 0, 0)
    for there, vertex in enumerate(ring):
        squared = ((joined - vertex) ** 2).sum(axis=1)
        here = int(squared.argmin())
        if squared[here] < best[0]:
            best = (float(squared[here]), here, there)
    return best


def _split_at_bridges(ring: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Cuts a ring wherever it runs along an edge and later back along the same one."""
    open_edges: dict[Edge, int] = {}
    count = len(ring)
    for index in range(count):
        edge = (ring[index], ring[(index + 1) % count])
        earlier = open_edges.get((edge[1], edge[0]))
        if earlier is not None:
            # earlier: a -> b, here: b -> a. What lies between is a loop of its own.
            inner = ring[earlier + 1 : index]
            outer = ring[: earlier + 1] + ring[index + 2 :]
            if index == count - 1:
                outer = ring[1 : earlier + 1]
            return [*_split_at_bridges(inner), *_split_at_bridges(outer)]
        open_edges[edge] = index
    return [ring]


def _inside(loop: FloatArray, other: FloatArray) -> bool:
    """Whether one loop lies in another, told by a point in its interior near its first edge."""
    middle = (loop[0] + loop[1]) / 2
    along = loop[1] - loop[0]
    inward = np.array([-along[1], along[0]]) * np.sign(ring_area(loop)) / max(float(np.hypot(*along)), 1e-9)
    x, y = middle + 1e-3 * inward
    ends = np.roll(other, -1, axis=0)
    crosses = (other[:, 1] > y) != (ends[:, 1] > y)
    rise = np.where(crosses, ends[:, 1] - other[:, 1], 1.0)
    at = other[:, 0] + (y - other[:, 1]) * (ends[:, 0] - other[:, 0]) / rise
    return bool(np.count_nonzero(crosses & (at > x)) % 2)
