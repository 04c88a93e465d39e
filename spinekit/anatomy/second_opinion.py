"""Two models read one film: body by body, where they agree and where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spinekit.anatomy.candidates import candidates
from spinekit.core.image import FloatArray
from spinekit.core.landmarks import Landmarks
from spinekit.core.scene import Instance, Scene

_APART = 0.5  # of the smaller body's size: centres further apart are two bodies
_AGREE = (
    0.15  # of a body's size: corners of masks and corners of points are so far apart where both are right
)


def with_second_opinion(scene: Scene, other: Scene) -> Scene:
    """A reading held against another one of the same film.

    A body that both see takes part in the doubt between them: where their corners are further apart than masks
    and points usually are, the standard deviation of each corner grows by what half of the squared difference
    adds to its square (two readings that differ by d have a standard deviation of d over the root of 2), and the
    body is flagged. Other names, and bodies that one of them sees alone, are flagged too.

    Args:
        scene: Whose bodies, corners and names stand.
        other: By another model, in the same px.

    Returns:
        The bodies of ``scene``, and those of ``other`` alone whose level nobody else has.

    Raises:
        ValueError: If the images have different sizes.
    """
    if (scene.image.height, scene.image.width) != (other.image.height, other.image.width):
        raise ValueError(f"{scene.image.name}: two readings of images of different sizes cannot be compared")
    ours, our_quads = candidates(scene)
    theirs, their_quads = candidates(other)
    pairs = _pairs(our_quads, their_quads)
    who = other.model or "the other model"
    judged = {
        id(item): _judged(item, our_quads[index], _partner(index, pairs, theirs, their_quads), who)
        for index, item in enumerate(ours)
    }
    items = [judged.get(id(item), item) for item in scene.instances]
    taken, names = {b for _, b in pairs}, {item.label for item in items}
    alone = [
        replace(item, flags=(*item.flags, f"seen by {who} alone"))
        for index, item in enumerate(theirs)
        if index not in taken and item.label not in names and item.label in scene.schema.levels
    ]
    levels = scene.schema.levels
    if alone and levels:
        items = sorted(
            (*items, *alone), key=lambda i: levels.index(i.label) if i.label in levels else len(levels)
        )
    return replace(scene, instances=tuple(items))


def _partner(
    index: int, pairs: Sequence[tuple[int, int]], items: Sequence[Instance], quads: FloatArray
) -> tuple[Instance, FloatArray] | None:
    return next(((items[b], quads[b]) for a, b in pairs if a == index), None)


def _pairs(ours: FloatArray, theirs: FloatArray) -> list[tuple[int, int]]:
    """Bodies that are the same, one to one, the nearest first."""
    if not len(ours) or not len(theirs):
        return []
    apart = np.linalg.norm(_middles(ours)[:, None] - _middles(theirs)[None], axis=2)
    limit = _APART * np.minimum(_sizes(ours)[:, None], _sizes(theirs)[None])
    found: list[tuple[int, int]] = []
    for flat in np.argsort(apart, axis=None):
        a, b = (int(k) for k in np.unravel_index(int(flat), apart.shape))
        if apart[a, b] > limit[a, b]:
            continue
        if all(a != first and b != second for first, second in found):
            found.append((a, b))
    return found


def _middles(quads: FloatArray) -> FloatArray:
    return np.asarray(np.nanmean(quads, axis=1))


def _sizes(quads: FloatArray) -> FloatArray:
    """(N,) the shorter side of each body's extent, px."""
    return np.asarray(np.maximum((np.nanmax(quads, axis=1) - np.nanmin(quads, axis=1)).min(axis=1), 1.0))


def _judged(
    item: Instance, quad: FloatArray, partner: tuple[Instance, FloatArray] | None, who: str
) -> Instance:
    if partner is None:
        return replace(item, flags=(*item.flags, f"not seen by {who}"))
    other, theirs = partner
    flags = list(item.flags)
    if other.label != item.label:
        flags.append(f"{who} calls it {other.label}")
    off = theirs - quad
    size = float(_sizes(quad[None])[0])
    away = float(np.nanmean(np.linalg.norm(off, axis=1)))
    if not away > _AGREE * size:
        return replace(item, flags=tuple(flags))
    flags.append(f"its corners and those of {who} are {away:.0f} px apart ({away / size:.0%} of its size)")
    points = None if item.landmarks is None else _widened(item.landmarks, quad, off)
    return replace(item, landmarks=points, flags=tuple(flags))


def _widened(points: Landmarks, quad: FloatArray, off: FloatArray) -> Landmarks:
    """Corners with what the difference adds to their spread; other points stay as they are."""
    spread = np.zeros_like(points.xy) if points.spread is None else np.nan_to_num(points.spread)
    square = spread**2
    touched = np.zeros(len(points.names), dtype=bool)
    for corner, difference in zip(quad, off, strict=True):
        if np.isnan(corner).any() or np.isnan(difference).any():
            continue
        index = int(np.nanargmin(np.linalg.norm(points.xy - corner, axis=1)))
        square[index] += difference**2 / 2
        touched[index] = True
    known = touched if points.spread is None else touched | ~np.isnan(points.spread).any(axis=1)
    return replace(points, spread=np.where(known[:, None], np.sqrt(square), np.nan))
