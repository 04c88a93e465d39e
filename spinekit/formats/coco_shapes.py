"""Shapes of COCO: lists of polygons, and run lengths down the columns."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import BoolArray, ImageRef
from spinekit.core.outline import Outline, to_mask, to_outline
from spinekit.files import printable
from spinekit.formats.passed_over import shape_within
from spinekit.formats.plugin import AS_IT_LIES, MAX_PIXELS, LabelOptions
from spinekit.formats.sources import finite

_DIGIT_BITS = 5
_FIRST_DIGIT = 48  # "0"
_MORE = 0x20
_NEGATIVE = 0x10


def runs_of(mask: BoolArray) -> list[int]:
    """Lengths of the runs of a mask down its columns, beginning with pixels outside.

    Args:
        mask: (H, W) bool.

    Returns:
        Lengths that alternate between outside and inside; the first may be 0.
    """
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths: list[int] = np.diff(np.r_[0, changes, flat.size]).tolist()
    return [0, *lengths] if flat.size and flat[0] else lengths


def mask_of(counts: list[int], height: int, width: int) -> BoolArray:
    """The mask behind `runs_of`; the lengths must fill it exactly."""
    values = np.arange(len(counts)) % 2 == 1
    mask: BoolArray = np.repeat(values, counts).reshape((height, width), order="F")
    return mask


def outline_of(
    segmentation: object, image: ImageRef, where: str, options: LabelOptions = AS_IT_LIES
) -> Outline | None:
    """The shape of an annotation, px, as far as it lies in the image.

    Args:
        segmentation: A list of polygons, or run lengths.
        image: For its size.
        where: File and annotation, for messages.
        options: Says who is told of what is cut or encloses nothing.

    Returns:
        The shape; None where there is none, or, once told, where nothing of it is left.

    Raises:
        AnnotationError: If it is broken or of another size.
    """
    if not segmentation:
        return None
    if isinstance(segmentation, dict):
        return _from_runs(segmentation, image, where, options)
    if not isinstance(segmentation, list):
        raise AnnotationError(f"{where}: its segmentation is neither polygons nor run lengths -- correct it")
    rings = []
    for index, polygon in enumerate(segmentation):
        values = polygon if isinstance(polygon, list) else []
        if len(values) < 6 or len(values) % 2:
            raise AnnotationError(
                f"{where}: polygon {index} has {len(values)} numbers -- three pairs of x and y are the least"
            )
        numbers = [finite(value, f"{where}: polygon {index}") for value in values]
        rings.append(np.array(numbers, dtype=np.float64).reshape(-1, 2) - 0.5)
    shape = shape_within(Outline(tuple(rings)), image, where, options)
    return None if shape is None else _joined(shape, image, where, options)


def _joined(shape: Outline, image: ImageRef, where: str, options: LabelOptions) -> Outline:
    """The shape with overlapping parts made one: COCO's polygons add up, the rings of an outline cancel out."""
    boxes = [(ring.min(axis=0), ring.max(axis=0)) for ring in shape.rings]
    apart = all(
        bool((low > high_2).any() or (low_2 > high).any())
        for (low, high), (low_2, high_2) in combinations(boxes, 2)
    )
    if apart or image.height * image.width > MAX_PIXELS:
        return shape
    covered = np.zeros((image.height, image.width), dtype=np.bool_)
    overlap = False
    for ring in shape.rings:
        mask = to_mask(Outline((ring,)), image.height, image.width)
        overlap = overlap or bool((covered & mask).any())
        covered |= mask
    if not overlap:
        return shape
    options.notice(f"{where}: its polygons overlap -- joined, along pixel borders")
    return to_outline(covered)


def _from_runs(
    segmentation: dict[str, object], image: ImageRef, where: str, options: LabelOptions
) -> Outline | None:
    size = segmentation.get("size")
    total = image.height * image.width
    if size != [image.height, image.width] or total > MAX_PIXELS:
        raise AnnotationError(
            f"{where}: run lengths for [rows, columns] of {printable(repr(size)[:40])}, but the image has "
            f"[{image.height}, {image.width}] -- export it at the image's size, of at most {MAX_PIXELS} px"
        )
    given = segmentation.get("counts")
    counts = _uncompressed(given) if isinstance(given, str) else given
    whole = isinstance(counts, list) and all(type(count) is int and count >= 0 for count in counts)
    if not isinstance(counts, list) or not whole or sum(counts) != total:
        filled = sum(counts) if isinstance(counts, list) and whole else "broken"
        raise AnnotationError(
            f"{where}: run lengths are {filled}, the image has {total} px -- export it again"
        )
    outline = to_outline(mask_of(counts, image.height, image.width))
    if not outline.rings:
        options.notice(f"{where}: the shape encloses nothing -- passed over")
        return None
    return outline


def _uncompressed(text: str) -> list[int]:
    """Run lengths out of COCO's compressed text.

    Each number is written in groups of five bits, low ones first, as the characters from ``0`` on; a sixth
    bit says that more follow, and from the fourth number on the difference to the last but one is meant.
    Broken text gives lengths that fill no image, which the caller refuses.
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        digit = ord(character) - _FIRST_DIGIT
        if not 0 <= digit < 2 * _MORE or shift > 60:
            return [-1]
        value |= (digit & (_MORE - 1)) << shift
        shift += _DIGIT_BITS
        if digit & _MORE:
            continue
        if digit & _NEGATIVE:
            value |= -1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    return counts
