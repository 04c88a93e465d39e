"""Scenes carried from one pixel grid to another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.outline import Outline
from spinekit.core.scene import Instance, Scene
from spinekit.core.spacing import Spacing


def resize_points(xy: FloatArray, scale_x: float, scale_y: float) -> FloatArray:
    """Points on a grid whose pixels are ``1 / scale`` times as large.

    Pixel centres are integers on both grids, so the outer borders (at -0.5) coincide, not the centres.

    Args:
        xy: (..., 2) px.
        scale_x: New width over old width.
        scale_y: New height over old height.
    """
    scale = np.array([scale_x, scale_y])
    return np.asarray((xy + 0.5) * scale - 0.5)


def _resize_instance(item: Instance, scale_x: float, scale_y: float) -> Instance:
    corners = resize_points(np.array(item.box, dtype=np.float64).reshape(2, 2), scale_x, scale_y)
    outline, points = item.outline, item.landmarks
    if outline is not None:
        outline = Outline(
            tuple(resize_points(ring, scale_x, scale_y) for ring in outline.rings),
            tuple(resize_points(ring, scale_x, scale_y) for ring in outline.holes),
        )
    if points is not None:
        spread = None if points.spread is None else points.spread * np.array([scale_x, scale_y])
        points = replace(points, xy=resize_points(points.xy, scale_x, scale_y), spread=spread)
    left, top, right, bottom = (float(v) for v in corners.ravel())
    return replace(item, box=(left, top, right, bottom), outline=outline, landmarks=points)


def resize_scene(scene: Scene, height: int, width: int) -> Scene:
    """The scene of the same image resampled to (height, width); spacing changes with it, a raster is dropped.

    Args:
        scene: Scene on its own grid.
        height: New rows.
        width: New columns.
    """
    old = scene.image
    scale_x, scale_y = width / old.width, height / old.height
    spacing = old.spacing
    if spacing is not None:
        spacing = Spacing(spacing.row_mm / scale_y, spacing.col_mm / scale_x, spacing.origin)
    image = replace(old, height=height, width=width, spacing=spacing, aspect=old.aspect * scale_x / scale_y)
    items = tuple(_resize_instance(item, scale_x, scale_y) for item in scene.instances)
    return replace(scene, image=image, instances=items, raster=None)
