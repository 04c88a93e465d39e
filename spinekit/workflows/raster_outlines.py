"""A class for every pixel as shapes, for formats that have no rasters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spinekit.core.outline import to_outline
from spinekit.core.scene import Author, Instance, Scene


def raster_as_outlines(scene: Scene) -> Scene:
    """The scene with one outline for every class that its raster shows, without loss of a pixel.

    The first class is the ground on which the others lie and gets no outline. A probability has no shape and
    stays, so that its loss is told.

    Args:
        scene: With a raster.
    """
    raster = scene.raster
    if raster is None or raster.labels is None:
        return scene
    author = Author.MODEL if scene.model else Author.HUMAN
    shapes = []
    for index in np.unique(raster.labels[raster.labels > 0]).tolist():
        outline = to_outline(raster.labels == index)
        shapes.append(Instance(scene.schema.classes[index], outline.box, outline, author=author))
    rest = None if raster.probability is None else replace(raster, labels=None)
    schema = replace(scene.schema, task="seg")
    return replace(scene, schema=schema, instances=(*scene.instances, *shapes), raster=rest)
