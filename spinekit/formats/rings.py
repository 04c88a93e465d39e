"""Shapes as formats without holes want them: one ring a shape, and the way back."""

from __future__ import annotations

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.landmarks import Landmarks
from spinekit.core.outline import Outline, ring_area
from spinekit.core.schema import Schema

Vertex = tuple[float, float]

LEAST_AREA = 1e-6
"""px^2; a ring that encloses less encloses nothing."""

_PAIRS_AT_ONCE = 1_000_000
_HAND_DRAWN = 2000


def bridged(outline: Outline) -> FloatArray:
    """One ring that holds all parts and holes of an outline, joined by bridges without width.

    Each further ring is entered and left at the vertex that is nearest to what is joined already, so
    that the even-odd rule gives the same pixels. `unbridged` takes the ring apart again.

    Args:
        outline: At least one ring.

    Returns:
        (N, 2) px.
    """
    joined, *waiting = (*outline.rings, *outline.holes)
    gaps = [_nearest(joined, ring) for ring in waiting]
    while waiting:
        index = min(range(len(waiting)), key=lambda item: gaps[item][0])
        _, here, there = gaps.pop(index)
        ring = waiting.pop(index)
        loop = np.concatenate([ring[there:], ring[: there + 1]])
        joined = np.concatenate([joined[: here + 1], loop, joined[here:]])
        # What lies behind the bridge has moved along; what is new may be nearer.
        for place, (squared, at, to) in enumerate(gaps):
            moved = (squared, at + len(loop) + 1 if at > here else at, to)
            nearer, step, vertex = _nearest(loop, waiting[place])
            gaps[place] = (nearer, here + 1 + step, vertex) if nearer < squared else moved
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
    lows, highs = (np.array([edge(loop, axis=0) for loop in arrays]) for edge in (np.min, np.max))
    for index, loop in enumerate(arrays):
        point = _inner_point(loop)
        near = np.flatnonzero(((lows <= point) & (point <= highs)).all(axis=1)).tolist()
        around = sum(_encloses(arrays[other], point) for other in near if other != index)
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


def within(outline: Outline, height: int, width: int) -> Outline | None:
    """The part of an outline within the image; the outline itself where all of it is, None where none is."""
    rings = [clipped(ring, height, width) for ring in outline.rings]
    holes = [clipped(ring, height, width) for ring in outline.holes]
    if all(
        one is other for one, other in zip((*rings, *holes), (*outline.rings, *outline.holes), strict=True)
    ):
        return outline
    rings, holes = ([ring for ring in part if not encloses_nothing(ring)] for part in (rings, holes))
    return Outline(tuple(rings), tuple(holes)) if rings else None


def encloses_nothing(ring: FloatArray) -> bool:
    """Whether a ring has no inside: fewer than three vertices, all in line, or the same way out and back."""
    return len(ring) < 3 or (abs(ring_area(ring)) < LEAST_AREA and not crosses_itself(ring))


def crosses_itself(ring: FloatArray) -> bool:
    """Whether two edges of a ring cross; edges that touch or run along each other do not count.

    A ring of more vertices than a hand would set is taken as traced by a program, and not looked at.

    Args:
        ring: (N, 2) px.
    """
    if len(ring) > _HAND_DRAWN:
        return False
    ends = np.roll(ring, -1, axis=0)
    low, high = np.minimum(ring, ends), np.maximum(ring, ends)
    rows = max(1, _PAIRS_AT_ONCE // len(ring))
    for first in range(0, len(ring), rows):
        part = slice(first, first + rows)
        # Only edges whose boxes overlap can cross, and those are few.
        near = (low[part, None] < high[None]) & (low[None] < high[part, None])
        one, other = np.nonzero(near.all(axis=2))
        one += first
        sides = _side(ring[one], ends[one], ring[other]) * _side(ring[one], ends[one], ends[other])
        apart = _side(ring[other], ends[other], ring[one]) * _side(ring[other], ends[other], ends[one])
        if bool(((sides < 0) & (apart < 0)).any()):
            return True
    return False


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
    from scipy.spatial import cKDTree  # half a second, and only shapes of several rings need it

    distances, nearest = cKDTree(joined).query(ring)
    there = int(distances.argmin())
    return float(distances[there]) ** 2, int(nearest[there]), there


def _split_at_bridges(ring: list[Vertex]) -> list[list[Vertex]]:
    """Cuts a ring wherever it runs along an edge and later back along the same one."""
    loops: list[list[Vertex]] = []
    path = [ring[0]]
    opened: dict[tuple[Vertex, Vertex], int] = {}
    for vertex in (*ring[1:], ring[0]):
        here = path[-1]
        start = opened.get((vertex, here))
        if start is None:
            opened[(here, vertex)] = len(path) - 1
            path.append(vertex)
            continue
        # path[start] -> path[start + 1] was the way in, and this is the way back.
        for index in range(start, len(path) - 1):
            opened.pop((path[index], path[index + 1]), None)
        loops.append(path[start + 1 : -1])
        del path[start + 1 :]
    loops.append(path[:-1])
    return loops


def _inner_point(loop: FloatArray) -> FloatArray:
    """A point in the interior of a loop, near its first edge."""
    along = loop[1] - loop[0]
    inward = np.array([-along[1], along[0]]) * np.sign(ring_area(loop)) / max(float(np.hypot(*along)), 1e-9)
    point: FloatArray = (loop[0] + loop[1]) / 2 + 1e-3 * inward
    return point


def _encloses(loop: FloatArray, point: FloatArray) -> bool:
    """Whether a point lies in a loop by the even-odd rule."""
    x, y = point
    ends = np.roll(loop, -1, axis=0)
    crosses = (loop[:, 1] > y) != (ends[:, 1] > y)
    rise = np.where(crosses, ends[:, 1] - loop[:, 1], 1.0)
    at = loop[:, 0] + (y - loop[:, 1]) * (ends[:, 0] - loop[:, 0]) / rise
    return bool(np.count_nonzero(crosses & (at > x)) % 2)


def _side(start: FloatArray, end: FloatArray, point: FloatArray) -> FloatArray:
    """Positive on one side of a line, negative on the other; any may be (2,) or (N, 2)."""
    along, off = end - start, point - start
    side: FloatArray = along[..., 0] * off[..., 1] - along[..., 1] * off[..., 0]
    return side
