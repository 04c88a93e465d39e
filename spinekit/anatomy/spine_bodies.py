"""The bodies of one spine as quadrilaterals, whatever they were drawn as."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np

from spinekit.core.image import BoolArray, FloatArray
from spinekit.core.landmarks import Landmarks
from spinekit.core.outline import Outline
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema

CORNERS = ("TL", "TR", "BL", "BR")


@dataclass(frozen=True, slots=True, eq=False)
class Spine:
    """The labelled bodies of one spine in one image, cranial to caudal by their names.

    Attributes:
        image: Name of the image.
        places: (n,) what to call each body: its level, or ``body 3`` where bodies have no names.
        rank: (n,) position in the schema's levels; the order from the top where bodies have no names.
        members: (n,) index of each body among the scene's instances.
        quads: (n, 4, 2) corners TL, TR, BL, BR in px.
        named: Whether the order comes from names, so that a wrong order can be seen.
        cornered: Whether corners were named by a person, so that swapped ones can be seen; otherwise the
            quadrilaterals are rectangles around outlines.
    """

    image: str
    places: tuple[str, ...]
    rank: tuple[int, ...]
    members: tuple[int, ...]
    quads: FloatArray
    named: bool
    cornered: bool

    @property
    def centres(self) -> FloatArray:
        """(n, 2) px."""
        return np.asarray(self.quads.mean(axis=1))

    @property
    def across(self) -> FloatArray:
        """(n, 2) from the middle of the left side to that of the right."""
        return np.asarray(self.quads[:, [1, 3]].mean(axis=1) - self.quads[:, [0, 2]].mean(axis=1))

    @property
    def down(self) -> FloatArray:
        """(n, 2) from the middle of the upper endplate to that of the lower."""
        return np.asarray(self.quads[:, [2, 3]].mean(axis=1) - self.quads[:, [0, 1]].mean(axis=1))

    @property
    def heading(self) -> FloatArray:
        """(n, 2) unit vectors of the spine's way down at each body, from the centres of its neighbours.

        The median of several steps, so that one body out of place does not turn it.
        """
        steps = np.diff(self.centres, axis=0)
        ways = [np.median(steps[max(i - 3, 0) : i + 3], axis=0) for i in range(len(self.quads))]
        lengths = np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-9)
        return np.asarray(np.array(ways) / lengths)


def spines(scene: Scene) -> Iterator[Spine]:
    """The spines of a scene, one a reader; those of fewer than two bodies are left out.

    Bodies are taken by their corners TL, TR, BL, BR, or by the smallest rectangle around their outline.
    A schema without levels has no spines.

    Args:
        scene: Labelled, in any order.
    """
    if not scene.schema.levels:
        return
    for reader in dict.fromkeys(item.reader for item in scene.instances):
        bodies: list[_Body] = []
        outlined = False
        for index, item in enumerate(scene.instances):
            quad = None if item.reader != reader else corners_of(item.landmarks, scene.schema)
            if quad is None and item.reader == reader and item.outline is not None:
                quad = rectangle(item.outline)
                outlined = outlined or quad is not None
            if quad is not None:
                rank = scene.schema.levels.index(item.label) if item.label in scene.schema.levels else -1
                bodies.append(_Body(rank, item.label, index, quad))
        if len(bodies) >= 2:
            yield _spine(scene.image.name, bodies, not outlined)


class _Body(NamedTuple):
    """A body before it has its place in the spine."""

    rank: int
    label: str
    member: int
    quad: FloatArray


def corners_of(points: Landmarks | None, schema: Schema) -> FloatArray | None:
    """(4, 2) corners TL, TR, BL, BR of a body; None where they are not its landmarks or one is absent."""
    order = None if points is None else corner_indices(points.names, schema)
    if points is None or order is None:
        return None
    quad = points.xy[order]
    return None if bool(np.isnan(quad).any()) else quad


def corner_indices(names: Sequence[str], schema: Schema) -> list[int] | None:
    """Where TL, TR, BL, BR stand among landmarks; None where these are not exactly the four corners."""
    if tuple(names) == CORNERS:
        return list(range(len(CORNERS)))
    named = {schema.resolve(name) or name: index for index, name in enumerate(names)}
    order = [named.get(schema.resolve(corner) or corner, -1) for corner in CORNERS]
    return order if len(names) == len(CORNERS) and -1 not in order else None


def _spine(image: str, bodies: list[_Body], cornered: bool) -> Spine:
    named = all(body.rank >= 0 for body in bodies)
    if named:
        bodies = sorted(bodies, key=lambda body: body.rank)
        places = tuple(body.label for body in bodies)
        ranks = tuple(body.rank for body in bodies)
    else:
        bodies = sorted(bodies, key=lambda body: float(body.quad[:, 1].mean()))
        places = tuple(f"body {number} from the top" for number in range(1, len(bodies) + 1))
        ranks = tuple(range(len(bodies)))
    members = tuple(body.member for body in bodies)
    quads = np.array([body.quad for body in bodies])
    spine = Spine(image, places, ranks, members, quads, named, cornered)
    return spine if cornered else _turned_along(spine)


def rectangle(outline: Outline) -> FloatArray | None:
    """The smallest rectangle around an outline, its corners in no meaningful order yet."""
    points = np.concatenate(outline.rings) if outline.rings else np.empty((0, 2))
    if len(points) < 3:
        return None
    return np.asarray(cv2.boxPoints(cv2.minAreaRect(points.astype(np.float32))), dtype=np.float64)


def _turned_along(spine: Spine) -> Spine:
    """Rectangles with their corners named by the way the spine runs."""
    turned = []
    for quad, down in zip(spine.quads, spine.heading, strict=True):
        away = quad - quad.mean(axis=0)
        height, side = away @ down, away @ np.array([down[1], -down[0]])
        upper, lower = np.split(np.argsort(height, kind="stable"), 2)
        turned.append(quad[[*upper[np.argsort(side[upper])], *lower[np.argsort(side[lower])]]])
    return replace(spine, quads=np.array(turned))


def shared_part(first: FloatArray, second: FloatArray) -> float:
    """The area that two (4, 2) bodies share, as a part of the smaller one."""
    if bool((first.max(axis=0) < second.min(axis=0)).any() or (second.max(axis=0) < first.min(axis=0)).any()):
        return 0.0
    hulls = [cv2.convexHull(quad.astype(np.float32)) for quad in (first, second)]
    smaller = min(cv2.contourArea(hull) for hull in hulls)
    shared, _ = cv2.intersectConvexConvex(*hulls)
    return float(shared) / smaller if smaller > 0 else 0.0


def crossing(quads: FloatArray) -> BoolArray:
    """(n,) whether opposite borders of (n, 4, 2) bodies cut each other, as when one pair of corners is swapped."""
    top_left, top_right, low_left, low_right = (quads[:, index] for index in range(4))
    plates = _cut(top_left, top_right, low_left, low_right)
    sides = _cut(top_left, low_left, top_right, low_right)
    return np.asarray(plates | sides)


def _cut(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> BoolArray:
    """(n,) whether the segments a-b and c-d cross inside."""

    def side(p: FloatArray, q: FloatArray, r: FloatArray) -> FloatArray:
        return np.asarray(
            (q[:, 0] - p[:, 0]) * (r[:, 1] - p[:, 1]) - (q[:, 1] - p[:, 1]) * (r[:, 0] - p[:, 0])
        )

    return np.asarray((side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0))
