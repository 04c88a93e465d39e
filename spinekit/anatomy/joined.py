"""Bodies that a network drew as one, or one that it drew in pieces: what else the candidates may be.

Nothing is decided here. Halves and wholes are proposed beside what was found, and the sequence takes what fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

import numpy as np

from spinekit.anatomy.candidates import candidates
from spinekit.anatomy.spine_bodies import shared_part
from spinekit.core.image import FloatArray
from spinekit.core.landmarks import Landmarks, landmarks
from spinekit.core.outline import Outline, ring_area
from spinekit.core.scene import Instance, Scene

SPLIT = "drawn as one body with its neighbour and split at the disc"
JOINED = "drawn in two pieces and joined"

_TALL = 1.55  # times as high as its neighbours: two bodies and the disc between them are some 2.3 times
_TWO = (1.5, 2.0)  # over this range of heights the halves become as believable as the whole
_LOW = 0.75  # times as high: a piece
_WHOLE = (0.75, 1.3)  # times as high as its neighbours is what two pieces make
_DISC = 0.24  # of a body's height, where two of them and their disc are seen as one
_NEIGHBOURS = 4
_TREND = 0.2  # nats that heights are taken to go on growing or shrinking beyond the neighbours
_CREDIBLE = 0.3  # of the score of others: what is less certain says nothing of them
_TOUCHING = 0.2  # of the smaller one: neighbours share no more
_LESS_SURE = 0.9  # times the score


def with_proposals(scene: Scene) -> Scene:
    """The candidates of a scene, with halves of those that may be two bodies and wholes of those that may be pieces.

    Args:
        scene: Candidates with corners or outlines.
    """
    items, quads = candidates(scene)
    whole = np.flatnonzero(~np.isnan(quads).any(axis=(1, 2)))
    items, quads = [items[index] for index in whole], quads[whole]
    if len(items) < 3:
        return scene
    scores = np.array([item.score for item in items])
    relative, usual = _heights(quads, scores)
    credible = scores >= _CREDIBLE * scores.max()
    proposals: list[Instance] = []
    doubted: dict[int, Instance] = {}
    for index, (item, quad, times) in enumerate(zip(items, quads, relative, strict=True)):
        if times > _TALL and credible[index] and _alone(index, quads, scores):
            believed = float(np.clip((times - _TWO[0]) / (_TWO[1] - _TWO[0]), 0.0, _LESS_SURE))
            proposals += _halves(item, quad, believed)
            # What the halves gain the whole loses.
            doubted[id(item)] = replace(item, score=(1 - believed) * item.score)
    pieces = [k for k, times in enumerate(relative) if times < _LOW and credible[k]]
    for n, first in enumerate(pieces):
        for second in pieces[n + 1 :]:
            proposals += _whole(items[first], items[second], quads[[first, second]], usual[[first, second]])
    if not proposals:
        return scene
    found = (doubted.get(id(item), item) for item in scene.instances)
    return replace(scene, instances=(*found, *proposals))


def _alone(index: int, quads: FloatArray, scores: FloatArray) -> bool:
    """Whether nothing that may be a body of its own lies in a candidate: then its halves were never seen apart."""
    others = [k for k in range(len(quads)) if k != index and scores[k] >= _CREDIBLE * scores[index]]
    return all(shared_part(quads[index], quads[k]) < _TOUCHING for k in others)


def _heights(quads: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(N,) heights over those of the nearest credible candidates, and (N,) the latter in px."""
    height = np.linalg.norm(quads[:, 2:].mean(axis=1) - quads[:, :2].mean(axis=1), axis=1)
    centres = quads.mean(axis=1)
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    # What lies on a candidate is the same body, or a part of it, once more.
    fit = (apart > 0.3 * height) & (scores >= _CREDIBLE * scores[:, None])
    usual = []
    for place, (row, fits) in enumerate(zip(apart, fit, strict=True)):
        near = np.argsort(row)[1:]
        others = near[fits[near]][:_NEIGHBOURS]
        usual.append(_continued(centres[others, 1], np.log(height[others]), centres[place, 1]))
    known = np.exp(np.array(usual))
    return np.nan_to_num(height / known, nan=1.0), known


def _continued(y: FloatArray, values: FloatArray, at: float) -> float:
    """What neighbours let expect at a place: their median, or beyond them the line through them, in bounds."""
    if len(values) < _NEIGHBOURS or y.min() < at < y.max():
        return median(values.tolist()) if len(values) else np.nan
    away = y - y.mean()
    slope = float(away @ values) / max(float(away @ away), 1.0)
    line = float(values.mean()) + slope * (at - float(y.mean()))
    return float(np.clip(line, values.min() - _TREND, values.max() + _TREND))


def _halves(item: Instance, quad: FloatArray, believed: float) -> list[Instance]:
    """The two bodies that a tall one may be, each with half of what the disc leaves."""
    part = 1 / (2 + _DISC)
    left, right = quad[2] - quad[0], quad[3] - quad[1]
    upper = np.array([quad[0], quad[1], quad[0] + part * left, quad[1] + part * right])
    lower = np.array([quad[2] - part * left, quad[3] - part * right, quad[2], quad[3]])
    return [made for made in (_cut(item, half, believed) for half in (upper, lower)) if made is not None]


def _cut(item: Instance, quad: FloatArray, believed: float) -> Instance | None:
    """The part of a candidate that lies between two endplates, with that part of its score."""
    outline = None
    if item.outline is not None:
        outline = clipped(item.outline, quad)
        if not outline.rings:
            return None
    points = None if item.landmarks is None else _with_points(item.landmarks, quad)
    return replace(
        item,
        box=outline.box if outline is not None else _box(quad),
        outline=outline,
        landmarks=points,
        score=believed * item.score,
        level_shares=None if item.level_shares is None else np.full_like(item.level_shares, np.nan),
        flags=(*item.flags, SPLIT),
    )


def _whole(first: Instance, second: Instance, quads: FloatArray, usual: FloatArray) -> list[Instance]:
    """The body that two pieces may be: one above the other, touching, and together as high as their neighbours."""
    upper, lower = (first, second) if quads[0, :, 1].mean() <= quads[1, :, 1].mean() else (second, first)
    above, below = (quads[0], quads[1]) if upper is first else (quads[1], quads[0])
    joined = np.array([above[0], above[1], below[2], below[3]])
    height = float(np.linalg.norm(joined[2:].mean(axis=0) - joined[:2].mean(axis=0)))
    widths = np.linalg.norm(quads[:, [1, 3]].mean(axis=1) - quads[:, [0, 2]].mean(axis=1), axis=1)
    beside = abs(float((above.mean(axis=0) - below.mean(axis=0))[0])) > 0.5 * float(widths.min())
    fits = _WHOLE[0] < height / float(np.mean(usual)) < _WHOLE[1]
    if beside or not fits or shared_part(quads[0], quads[1]) > 0.5:
        return []
    outline = None
    if upper.outline is not None and lower.outline is not None:
        outline = Outline(
            (*upper.outline.rings, *lower.outline.rings), (*upper.outline.holes, *lower.outline.holes)
        )
    points = None if upper.landmarks is None else _with_points(upper.landmarks, joined)
    shares = [piece.level_shares for piece in (upper, lower) if piece.level_shares is not None]
    return [
        replace(
            upper,
            box=_box(joined),
            outline=outline,
            landmarks=points,
            score=_LESS_SURE * max(upper.score, lower.score),
            level_shares=np.mean(shares, axis=0) if shares else None,
            flags=(*dict.fromkeys((*upper.flags, *lower.flags)), JOINED),
        )
    ]


def clipped(outline: Outline, quad: FloatArray) -> Outline:
    """The part of an outline between the lines of a quadrilateral's upper and lower border (Sutherland-Hodgman).

    Args:
        outline: In px.
        quad: (4, 2) corners TL, TR, BL, BR; its sides do not cut.
    """
    top, bottom = (quad[0], quad[1]), (quad[2], quad[3])
    inside = quad.mean(axis=0)
    rings = tuple(_below(_below(ring, *top, inside), *bottom, inside) for ring in outline.rings)
    holes = tuple(_below(_below(ring, *top, inside), *bottom, inside) for ring in outline.holes)
    return Outline(
        *(tuple(ring for ring in part if len(ring) > 2 and ring_area(ring)) for part in (rings, holes))
    )


def _below(ring: FloatArray, start: FloatArray, end: FloatArray, inside: FloatArray) -> FloatArray:
    """The part of a ring on that side of a line where a point lies."""
    if len(ring) < 3:
        return ring[:0]
    normal = np.array([start[1] - end[1], end[0] - start[0]])
    normal = normal if normal @ (inside - start) >= 0 else -normal
    side = (ring - start) @ normal
    kept = []
    for here, there, a, b in zip(ring, np.roll(ring, -1, axis=0), side, np.roll(side, -1), strict=True):
        if a >= 0:
            kept.append(here)
        if (a >= 0) != (b >= 0):
            kept.append(here + (there - here) * a / (a - b))
    return np.array(kept).reshape(-1, 2)


def _with_points(points: Landmarks, quad: FloatArray) -> Landmarks:
    """The four corners of a body in place of its landmarks; nothing is known of their spread."""
    score = None if points.score is None else np.full(len(points.names), float(np.nanmean(points.score)))
    return landmarks(points.names, quad, score) if len(points.names) == len(quad) else points


def _box(quad: FloatArray) -> tuple[float, float, float, float]:
    (left, top), (right, bottom) = quad.min(axis=0), quad.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def proposed(items: Sequence[Instance]) -> list[Instance]:
    """Those of the instances that were made here, not found."""
    return [item for item in items if SPLIT in item.flags or JOINED in item.flags]
