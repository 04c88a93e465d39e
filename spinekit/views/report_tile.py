"""The small copies of films in a report's gallery, with what was found marked on them."""

from __future__ import annotations

import cv2
import numpy as np

from spinekit.core.image import FloatArray, UInt8Array
from spinekit.core.scene import Scene
from spinekit.views.film_layers import class_colour, classes_of, safe_colour
from spinekit.views.labels import body_of, named_points
from spinekit.views.overlay import encode_picture, thumbnail
from spinekit.views.strokes import FAR
from spinekit.views.style import POINT_COLOUR, colour_of

TILE_PX = 264
_QUALITY = 74
_SUB = 4  # binary digits of a pixel's parts that OpenCV draws by


def tile_of(pixels: UInt8Array, scene: Scene | None) -> bytes:
    """A small JPEG of a film with the outlines of its bodies, its points or its classes.

    Args:
        pixels: (H, W) grey or (H, W, 3) BGR, of the film or of a smaller copy.
        scene: What was found, in the film's own pixels, or None.
    """
    small = thumbnail(pixels, TILE_PX)
    if scene is not None:
        small = np.asarray(cv2.cvtColor(small, cv2.COLOR_GRAY2BGR) if small.ndim == 2 else small.copy())
        _mark_classes(small, scene)
        _mark_bodies(small, scene)
    return encode_picture(small, ".jpg", _QUALITY)


def _mark_classes(small: UInt8Array, scene: Scene) -> None:
    last = len(scene.schema.classes) - 1
    labels = None if scene.raster is None else classes_of(scene.raster, last)
    if labels is None:
        return
    labels = np.asarray(cv2.resize(labels, small.shape[1::-1], interpolation=cv2.INTER_NEAREST))
    for k in range(1, last + 1):
        inside = labels == k
        small[inside] = (0.55 * small[inside] + 0.45 * np.array(_bgr(class_colour(scene.schema, k)))).astype(
            np.uint8
        )


def _mark_bodies(small: UInt8Array, scene: Scene) -> None:
    factor = np.array([small.shape[1] / scene.image.width, small.shape[0] / scene.image.height])
    points = named_points(scene)
    if points is not None:
        for xy in _fixed(points.xy[np.isfinite(points.xy).all(axis=1)], factor).tolist():
            cv2.circle(small, (xy[0], xy[1]), 2 << _SUB, _bgr(POINT_COLOUR), -1, cv2.LINE_AA, _SUB)
        return
    for item in scene.instances:
        ring = _fixed(body_of(item), factor)
        if len(ring) > 1:
            colour = _bgr(safe_colour(colour_of(item, scene.schema)))
            cv2.polylines(small, [ring], True, colour, 1, cv2.LINE_AA, _SUB)


def _fixed(xy: FloatArray, factor: FloatArray) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    """Film px (N, 2) in parts of a pixel of the small copy, as OpenCV draws; what is far off is left out."""
    xy = xy[(np.abs(xy) < FAR).all(axis=1)] if len(xy) else xy.reshape(0, 2)
    placed = (xy + 0.5) * factor - 0.5
    return np.asarray(np.rint(placed * (1 << _SUB)), dtype=np.int32)


def _bgr(colour: str) -> tuple[int, int, int]:
    return int(colour[5:7], 16), int(colour[3:5], 16), int(colour[1:3], 16)
