"""Landmarks of one image out of anatomical order, by where they usually lie to each other (learnt per schema)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spinekit.anatomy.unlike_shape import LIMIT, distances_from, exchanged_pairs, spread_of, usual_shape
from spinekit.core.image import FloatArray
from spinekit.core.scene import Instance, Scene
from spinekit.schemas.point_limits import PointLimits, point_limits

_FEWEST = 3  # points that make a shape


def learnt_limits(schema: str, names: Sequence[str], sets: FloatArray, learnt_from: str) -> PointLimits:
    """The median shape of labelled landmark sets, and how far they stray from it.

    Args:
        schema: Its name.
        names: K landmarks.
        sets: (N, K, 2) px, NaN where absent.
        learnt_from: Data and number, for the reader of the file.
    """
    usual = usual_shape(sets)
    off = np.array([distances_from(xy, usual) for xy in sets])
    return PointLimits(schema, learnt_from, tuple(names), usual, spread_of(off))


def with_point_doubts(scene: Scene, limits: PointLimits | None = None) -> Scene:
    """A scene whose instances say which of their landmarks lie where they hardly can.

    A point further from its usual place than seven robust standard deviations is flagged; so are two points that
    would both lie well in each other's place. Nothing is moved.

    Args:
        scene: Instances with the schema's landmarks.
        limits: Of the schema; None for those that ship, and without any the scene stays as it is.
    """
    limits = limits or point_limits(scene.schema)
    if limits is None:
        return scene
    return replace(scene, instances=tuple(_doubted(item, limits) for item in scene.instances))


def _doubted(item: Instance, limits: PointLimits) -> Instance:
    points = item.landmarks
    if points is None or points.names != limits.names:
        return item
    if int((~np.isnan(points.xy).any(axis=1)).sum()) < _FEWEST:
        return item
    off = distances_from(points.xy, limits.usual) / limits.spread
    swapped = exchanged_pairs(points.xy, off, limits.usual, limits.spread)
    flags = [f"{points.names[i]} and {points.names[j]} may stand in each other's place" for i, j in swapped]
    told = {index for pair in swapped for index in pair}
    flags += [
        f"{points.names[index]} lies {off[index]:.0f} robust SD from its usual place"
        for index in np.flatnonzero(np.nan_to_num(off) > LIMIT).tolist()
        if index not in told
    ]
    return replace(item, flags=(*item.flags, *flags)) if flags else item
