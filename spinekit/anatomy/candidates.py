"""Candidates of a spine as numbers: places, sizes and directions, and what lies between any two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spinekit.anatomy.spine_bodies import corners_of, rectangle
from spinekit.core.image import BoolArray, FloatArray
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema

_TINY = 1e-3  # px; nothing is shorter
_CREDIBLE = 0.3  # of the best score
_NEIGHBOURS_WITHIN = 2.2  # sizes of a body: those farther off may be a bend away
_ROUND_AS = 0.7  # height over width of a body of which one endplate alone is known
# TL, TR, BL, BR of a rectangle turned by no, one, two and three quarters.
_TURNS = np.array([[0, 1, 2, 3], [2, 0, 3, 1], [3, 2, 1, 0], [1, 3, 0, 2]])


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """Geometry of N candidates.

    Attributes:
        quads: (N, 4, 2) corners TL, TR, BL, BR in px.
        centre: (N, 2) px.
        log_width: (N,) logarithm of the mid-line width.
        log_height: (N,) logarithm of the mid height, NaN where one endplate alone is known.
        tilt: (N,) degrees of the mid-line, + right side lower.
        score: (N,) certainty, 0..1.
        looks: (N, L) how likely a candidate is each level by its looks, NaN where unknown; None for none of them.
        known: (N, L) how likely it is each level by what is known of the film, NaN where nothing is.
    """

    quads: FloatArray
    centre: FloatArray
    log_width: FloatArray
    log_height: FloatArray
    tilt: FloatArray
    score: FloatArray
    looks: FloatArray | None = None
    known: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Between:
    """What lies between candidate i and candidate j further down, (N, N) each.

    Attributes:
        pitch: Logarithm of the distance of the centres over the mean height (over what the width lets expect,
            where a height is unknown).
        tilt: Tilt of j less that of i, degrees.
        bend: Angle between the way from i to j and the mean axis of both, degrees.
        growth: Logarithm of the width of j over that of i.
        below: Whether j lies below i, by more than bodies that overlap would.
    """

    pitch: FloatArray
    tilt: FloatArray
    bend: FloatArray
    growth: FloatArray
    below: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


_OVERLAPPING = 0.35  # centres nearer than this part of a mean height are one body twice


def bodies(quads: FloatArray, scores: FloatArray, looks: FloatArray | None = None) -> Bodies:
    """Geometry of candidates.

    Args:
        quads: (N, 4, 2) corners TL, TR, BL, BR in px; both corners of one endplate may be NaN.
        scores: (N,) 0..1.
        looks: (N, L) as in `Bodies`.
    """
    half = np.isnan(quads).any(axis=(1, 2))
    quads = completed(quads)
    across = quads[:, [1, 3]].mean(axis=1) - quads[:, [0, 2]].mean(axis=1)
    down = quads[:, [2, 3]].mean(axis=1) - quads[:, [0, 1]].mean(axis=1)
    height = np.log(np.maximum(np.linalg.norm(down, axis=1), _TINY))
    return Bodies(
        quads=quads,
        centre=quads.mean(axis=1),
        log_width=np.log(np.maximum(np.linalg.norm(across, axis=1), _TINY)),
        log_height=np.where(half, np.nan, height),
        tilt=np.degrees(np.arctan2(across[:, 1], across[:, 0])),
        score=np.clip(scores, 0.0, 1.0),
        looks=looks,
    )


def completed(quads: FloatArray) -> FloatArray:
    """(N, 4, 2) bodies of which one endplate is absent, with that plate drawn parallel to the other one."""
    whole = quads.copy()
    for index in np.flatnonzero(np.isnan(quads).any(axis=(1, 2))):
        upper, lower = quads[index, :2], quads[index, 2:]
        given = lower if np.isnan(upper).any() else upper
        across = given[1] - given[0]
        down = np.array([-across[1], across[0]]) * _ROUND_AS
        whole[index] = [*(given - down), *given] if np.isnan(upper).any() else [*given, *(given + down)]
    return whole


def mirrored(found: Bodies) -> Bodies:
    """The candidates of the film's mirror image, corners named anew."""
    flipped = found.quads[:, [1, 0, 3, 2]] * [-1.0, 1.0]
    copy = bodies(flipped, found.score, found.looks)
    return replace(copy, log_height=found.log_height, known=found.known)


def between(found: Bodies) -> Between:
    """What lies between any two candidates."""
    way = found.centre[None] - found.centre[:, None]
    distance = np.maximum(np.linalg.norm(way, axis=2), _TINY)
    usual = np.nanmedian(found.log_height - found.log_width) if len(found.score) else 0.0
    height = np.where(
        np.isnan(found.log_height), found.log_width + np.nan_to_num(usual, nan=-0.4), found.log_height
    )
    mean_height = np.logaddexp(height[:, None], height[None]) - np.log(2)
    tilt = _turned(found.tilt[None] - found.tilt[:, None])
    # Down the spine is a quarter turn from the mid-line: the way's angle from the vertical against the tilt.
    middle = found.tilt[:, None] + tilt / 2
    bend = _turned(np.degrees(np.arctan2(way[..., 0], way[..., 1])) + middle)
    pitch = np.log(distance) - mean_height
    return Between(
        pitch=pitch,
        tilt=tilt,
        bend=bend,
        growth=found.log_width[None] - found.log_width[:, None],
        below=(way[..., 1] > 0) & (pitch > np.log(_OVERLAPPING)),
    )


def _turned(degrees: FloatArray) -> FloatArray:
    return np.asarray((degrees + 180.0) % 360.0 - 180.0)


def quad_of(item: Instance, schema: Schema) -> FloatArray | None:
    """(4, 2) corners TL, TR, BL, BR of a candidate, both of one endplate perhaps NaN; None where it has none.

    Args:
        item: With four landmarks, or with an outline, around which the smallest rectangle is taken.
        schema: Names the landmarks; other four than TL, TR, BL, BR are taken in its order.
    """
    points = item.landmarks
    if points is not None:
        quad = corners_of(points, schema)
        if quad is None and len(schema.landmark_names) == 4 and points.names == schema.landmark_names:
            return points.xy if _usable(points.xy) else None
        return quad
    if item.outline is not None:
        return upright(rectangle(item.outline))
    left, top, right, bottom = item.box
    return np.array([[left, top], [right, top], [left, bottom], [right, bottom]])


def _usable(quad: FloatArray) -> bool:
    plates = ~np.isnan(quad).any(axis=1).reshape(2, 2)
    return bool(plates.all(axis=1).any())


def upright(quad: FloatArray | None) -> FloatArray | None:
    """The corners of a rectangle, in any order, as TL, TR, BL, BR of a body whose endplates lie across the film."""
    if quad is None:
        return None
    xy: list[list[float]] = quad.tolist()  # of four points lists are sorted sooner than arrays
    down = sorted(range(4), key=lambda corner: xy[corner][1])
    upper, lower = (sorted(pair, key=lambda corner: xy[corner][0]) for pair in (down[:2], down[2:]))
    return quad[[*upper, *lower]]


def candidates(scene: Scene) -> tuple[list[Instance], FloatArray]:
    """The instances of a scene that can be bodies of a spine, and their (N, 4, 2) quadrilaterals."""
    items, quads = [], []
    for item in scene.instances:
        quad = quad_of(item, scene.schema)
        if quad is not None:
            items.append(item)
            quads.append(quad)
    found = np.array(quads).reshape(-1, 4, 2)
    free = np.array([item.landmarks is None and item.outline is not None for item in items], dtype=bool)
    return items, turned_along(found, np.array([item.score for item in items]), free) if free.any() else found


def turned_along(quads: FloatArray, scores: FloatArray, free: BoolArray) -> FloatArray:
    """Rectangles with their corners named by the way the spine runs there.

    The lowest bodies of a loin lean by more than 45 degrees, so that the film's own up says nothing of which of
    four sides is the upper endplate.

    Args:
        quads: (N, 4, 2) corners TL, TR, BL, BR in px, of which the free ones may each be a quarter turn off.
        scores: (N,) certainties: what is little believed tells nothing of the others.
        free: (N,) which may be turned.

    Returns:
        (N, 4, 2) of the same corners. A body without neighbours stays as it is.
    """
    if not len(quads):
        return quads
    centres = quads.mean(axis=1)
    size = np.sqrt(np.maximum(areas(quads), _TINY))[:, None]
    credible = scores >= _CREDIBLE * scores.max(initial=0.0)
    way = centres[None] - centres[:, None]  # from the body of a row to that of a column
    apart = np.linalg.norm(way, axis=2)
    near = credible & (apart > _OVERLAPPING * size) & (apart < _NEIGHBOURS_WITHIN * size)
    ends = []
    for side in (near & (way[..., 1] < 0), near & (way[..., 1] > 0)):
        closest = centres[np.where(side, apart, np.inf).argmin(axis=1)]
        ends.append(np.where(side.any(axis=1)[:, None], closest, centres))
    heading = ends[1] - ends[0]
    turns = quads[:, _TURNS]  # (N, 4 turns, 4 corners, 2)
    down = turns[:, :, 2:].mean(axis=2) - turns[:, :, :2].mean(axis=2)
    best = (down @ heading[:, :, None])[..., 0].argmax(axis=1)
    known = free & heading.any(axis=1)
    return np.where(known[:, None, None], turns[np.arange(len(quads)), best], quads)


def areas(quads: FloatArray) -> FloatArray:
    """(N,) px^2 by half the cross product of the diagonals."""
    first, second = quads[:, 3] - quads[:, 0], quads[:, 2] - quads[:, 1]
    return np.asarray(np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2)


def looks_of(items: Sequence[Instance], levels: Sequence[str], schema: Schema) -> FloatArray | None:
    """(N, L) shares of the prior's levels by looks; None where no network spoke.

    Args:
        items: Candidates; their ``level_shares`` follow the schema's levels.
        levels: L of the prior.
        schema: Of the candidates.
    """
    if all(item.level_shares is None for item in items):
        return None
    columns = [schema.levels.index(level) for level in levels]
    rows = [
        np.full(len(levels), np.nan) if i.level_shares is None else i.level_shares[columns] for i in items
    ]
    shares = np.array(rows).reshape(len(items), len(levels))
    return np.asarray(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1.0))
