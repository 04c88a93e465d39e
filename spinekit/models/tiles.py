"""Small enlarged crops of an image, for structures a few pixels wide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np

from spinekit.core.image import UInt8Array
from spinekit.core.scene import Raster, Scene
from spinekit.models.canvas import Canvas

_OVERLAP = 0.0  # of training tiles; augmentation shifts them anyway


def starts(length: int, tile: int, overlap: float) -> list[int]:
    """First pixels of tiles that cover ``length`` with at least the given overlap, evenly spread."""
    if length <= tile:
        return [0]
    count = int(np.ceil((length - tile) / (tile * (1 - overlap)))) + 1
    return [round(v) for v in np.linspace(0, length - tile, count)]


def tile_samples(
    scene: Scene, pixels: UInt8Array, canvas: Canvas, enlarge: int
) -> Iterator[tuple[Scene, UInt8Array]]:
    """Overlapping crops of a labelled image, enlarged to the canvas.

    Args:
        scene: With ``raster.labels``.
        pixels: (H, W) grey.
        canvas: Size of an enlarged crop.
        enlarge: Factor; the crop is smaller than the canvas by it.
    """
    if scene.raster is None or scene.raster.labels is None:
        return
    labels = scene.raster.labels
    rows, columns = canvas.height // enlarge, canvas.width // enlarge
    for top in starts(pixels.shape[0], rows, _OVERLAP):
        for left in starts(pixels.shape[1], columns, _OVERLAP):
            crop = pixels[top : top + rows, left : left + columns]
            mask = labels[top : top + rows, left : left + columns]
            size = (crop.shape[1] * enlarge, crop.shape[0] * enlarge)
            big = cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC)
            truth = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
            name = f"{scene.image.name}@{top}-{left}.png"
            image = replace(scene.image, height=size[1], width=size[0], name=name)
            yield replace(scene, image=image, raster=Raster(labels=truth)), big
