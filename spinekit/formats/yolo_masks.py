"""Masks of a semantic YOLO data set: PNG files whose pixel values are class numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef, UInt8Array
from spinekit.core.outline import to_mask
from spinekit.core.scene import Raster, Scene
from spinekit.files import atomic_path, printable
from spinekit.formats.plugin import MAX_PIXELS
from spinekit.formats.sources import image_size
from spinekit.formats.yolo_labels import LabelPlan, class_number
from spinekit.formats.yolo_rows import RowMeaning

IGNORED = 255
"""The value that the library leaves out of training and scores."""


def read_mask(path: Path, meaning: RowMeaning, image: ImageRef) -> Raster:
    """A mask in the class numbers of the schema.

    Args:
        path: A PNG of one value a pixel.
        meaning: Gives the class names of the data set, and the schema.
        image: For its size.

    Raises:
        AnnotationError: If it is of another size, in colour, or holds a value that is no class.
    """
    mask = _pixels(path, image)
    classes = meaning.schema.classes
    numbers = np.zeros(256, dtype=np.uint8)
    for value in np.unique(mask).tolist():
        name = meaning.names.get(value)
        if name is None or name not in classes:
            what = (
                "marks pixels without a class" if value == IGNORED else f"is {printable(name or 'no class')}"
            )
            raise AnnotationError(
                f"{path}: {int((mask == value).sum())} px have the value {value}, which {what} -- the classes "
                f"of {meaning.schema.name} are {', '.join(classes)}"
            )
        numbers[value] = classes.index(name)
    return Raster(numbers[mask])


def write_mask(path: Path, mask: UInt8Array) -> None:
    """Writes a mask of class numbers, (H, W), as PNG."""
    with atomic_path(path) as temporary:
        PillowImage.fromarray(np.ascontiguousarray(mask)).save(temporary, compress_level=1)


def class_mask(scene: Scene, plan: LabelPlan) -> UInt8Array:
    """Class indices of every pixel, (H, W): the raster, or else outlines painted over the first class.

    Raises:
        AnnotationError: If the scene has neither classes of pixels nor outlines.
        ValueError: If the raster does not fit the image or the classes.
    """
    shape = scene.image.height, scene.image.width
    if scene.raster is not None and scene.raster.labels is not None:
        mask = scene.raster.labels
    elif scene.raster is not None or any(item.outline is None for item in scene.instances):
        raise AnnotationError(
            f"{scene.image.name}: has no class for every pixel and not only outlines -- write another format"
        )
    else:
        mask = np.zeros(shape, dtype=np.uint8)
        for item in scene.instances:
            if item.outline is not None:
                mask[to_mask(item.outline, *shape)] = class_number(item, plan)
    if mask.shape != shape or int(mask.max(initial=0)) >= len(plan.names):
        raise ValueError(f"{scene.image.name}: a raster of {mask.shape} up to {mask.max()} does not fit")
    return mask


def _pixels(path: Path, image: ImageRef) -> UInt8Array:
    try:
        height, width = image_size(path)
        if (height, width) != (image.height, image.width) or height * width > MAX_PIXELS:
            raise AnnotationError(
                f"{path}: is {width} x {height} px, its image {image.width} x {image.height} -- export both at "
                f"one size, of at most {MAX_PIXELS} px"
            )
        with PillowImage.open(path) as file:
            mask = np.asarray(file)
    except (OSError, SyntaxError, ValueError) as error:
        raise AnnotationError(f"{path}: cannot be read as a PNG -- export the mask again") from error
    if mask.ndim != 2 or mask.max(initial=0) > IGNORED:
        raise AnnotationError(
            f"{path}: has colours or 16 bits -- save the mask with one class number a pixel"
        )
    return mask.astype(np.uint8)
