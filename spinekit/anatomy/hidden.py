"""Bodies that must be there but were not seen, drawn along the spine's curve between those that were."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from spinekit.anatomy.candidates import quad_of
from spinekit.core.image import FloatArray
from spinekit.core.landmarks import Visibility, landmarks
from spinekit.core.outline import Outline
from spinekit.core.scene import Author, Instance, Scene

INFERRED = "inferred: drawn along the spine's curve, not seen"
"""Flag of a body that is drawn where it must be; what measures leaves out bodies whose flag begins so."""

ON_REQUEST = "measured on request: drawn along the spine's curve, not seen"
"""Flag of such a body where somebody wants it measured all the same."""

_FEWEST = 2  # bodies on each side of a gap, or three in all, give the curve its direction
_WIDEST = 4  # a gap of more levels says too little of what lies in it


def with_inferred(scene: Scene) -> Scene:
    """A named spine with the bodies that are missing between found ones.

    Corners follow the natural cubic through the same corner of the found bodies, level by level; an outline is
    that quadrilateral. Gaps of more than four levels stay open, and nothing is drawn beyond the first and last body.

    Args:
        scene: Instances named by the schema's levels, as `name_levels` gives them.
    """
    order = scene.schema.levels
    known = [(order.index(item.label), item) for item in scene.instances if item.label in order]
    quads = [(level, quad_of(item, scene.schema), item) for level, item in known]
    whole = [
        (level, quad, item) for level, quad, item in quads if quad is not None and not np.isnan(quad).any()
    ]
    if len(whole) < 2 * _FEWEST - 1 or len({level for level, _, _ in whole}) < len(whole):
        return scene
    whole.sort(key=lambda row: row[0])
    levels = np.array([level for level, _, _ in whole])
    there = {level for level, _ in known}
    gaps = [
        level
        for low, high in itertools.pairwise(levels.tolist())
        if high - low - 1 <= _WIDEST
        for level in range(low + 1, high)
        if level not in there
    ]
    if not gaps:
        return scene
    corners = _between(levels, np.array([quad for _, quad, _ in whole]), np.array(gaps))
    drawn = [_drawn(order[level], quad, whole[0][2]) for level, quad in zip(gaps, corners, strict=True)]
    merged = sorted((*scene.instances, *drawn), key=lambda item: _rank(item, order))
    note = f"drawn along the spine's curve, not seen: {', '.join(order[level] for level in gaps)}"
    return replace(scene, instances=tuple(merged), notes=(*scene.notes, note))


def is_inferred(item: Instance) -> bool:
    """Whether a body was drawn where it must be, not seen."""
    return INFERRED in item.flags


def seen_alone(scene: Scene) -> Scene:
    """A scene without the bodies that were inferred: what a reading is judged by."""
    if not any(is_inferred(item) for item in scene.instances):
        return scene
    return replace(scene, instances=tuple(item for item in scene.instances if not is_inferred(item)))


def to_be_measured(scene: Scene) -> Scene:
    """A scene of which the inferred bodies are measured too; each stays flagged, for review.

    Args:
        scene: As a model gave it; it is for measuring, not to be written to a file.
    """
    items = (
        replace(item, flags=tuple(ON_REQUEST if flag == INFERRED else flag for flag in item.flags))
        for item in scene.instances
    )
    return replace(scene, instances=tuple(items))


def _rank(item: Instance, order: tuple[str, ...]) -> int:
    return order.index(item.label) if item.label in order else len(order)


def _between(levels: FloatArray, quads: FloatArray, wanted: FloatArray) -> FloatArray:
    """(W, 4, 2) corners at levels between those given, by a natural cubic through each corner."""
    from scipy.interpolate import CubicSpline  # takes a third of a second to load, and few films need it

    return np.asarray(CubicSpline(levels, quads, bc_type="natural")(wanted), dtype=np.float64)


def _drawn(label: str, quad: FloatArray, like: Instance) -> Instance:
    """An inferred body told in the way of its neighbours."""
    ring = quad[[0, 1, 3, 2]]
    (left, top), (right, bottom) = quad.min(axis=0), quad.max(axis=0)
    points = None
    if like.landmarks is not None and len(like.landmarks.names) == len(quad):
        names = like.landmarks.names
        placed = landmarks(names, quad, np.zeros(len(names)))
        # So pictures draw them as open rings, and formats that know it tell that nobody saw them.
        points = replace(placed, visibility=np.full(len(names), Visibility.OCCLUDED, dtype=np.int8))
    return Instance(
        label=label,
        box=(float(left), float(top), float(right), float(bottom)),
        outline=Outline((ring,)) if like.outline is not None else None,
        landmarks=points,
        score=0.0,
        author=Author.MODEL,
        flags=(INFERRED,),
    )
