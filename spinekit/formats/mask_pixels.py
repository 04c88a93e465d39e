"""The numbers of a mask file, page by page: values, palette indices or colours, never blended or scaled.

An image with a palette counts by its indices (as in VOC), or by the palette's colours where a table speaks
of colours. A colour is one number, 0xRRGGBB; colours that are all grey are plain values. What is wholly
transparent is background; half transparent pixels are nobody's and are refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError
from spinekit.formats.plugin import MAX_PIXELS
from spinekit.formats.raster import turned

MASK_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".bmp"})
LOSSY_SUFFIXES = frozenset({".jpg", ".jpeg"})
MAX_PAGES = 1000
_KINDS = ("PNG", "TIFF", "BMP")
_ORIENTATION = 0x0112
_MANY_VALUES = 32

Values = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class MaskPage:
    """One page of a mask.

    Attributes:
        values: (H, W) whole numbers, not negative.
        colours: Whether the numbers are colours, 0xRRGGBB.
    """

    values: Values
    colours: bool


def mask_pages(path: Path, by_colour: bool = False) -> Iterator[MaskPage]:
    """The pages of a PNG, TIFF or BMP mask, one at a time.

    Args:
        path: The file.
        by_colour: Whether palette and grey images are to give colours too, since a table speaks of colours.

    Raises:
        AnnotationError: If the file is damaged, too large, or holds no exact values.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            count = _checked_pages(path)
            with PillowImage.open(path, formats=_KINDS) as file:
                for page in range(count):
                    if page:
                        file.seek(page)
                    _check_size(path, file, page)
                    yield _page(path, file, by_colour)
    except AnnotationError:
        raise
    except (PillowImage.DecompressionBombError, MemoryError) as error:
        raise AnnotationError(f"{path}: is too large to decode -- shrink or split the mask") from error
    except OSError as error:
        reason = error.strerror or "damaged, or no PNG, TIFF or BMP"
        raise AnnotationError(f"{path}: cannot be read ({reason}) -- export the mask again") from error
    except Exception as error:  # decoders raise some ten kinds on damaged files
        raise AnnotationError(
            f"{path}: is damaged ({type(error).__name__}) -- export the mask again"
        ) from error


def page_count(path: Path) -> int:
    """How many pages a mask has; 1 for a file that cannot be read, whose fault `mask_pages` will tell."""
    try:
        with warnings.catch_warnings(action="ignore"), PillowImage.open(path, formats=_KINDS) as file:
            return int(getattr(file, "n_frames", 1))
    except (Exception, PillowImage.DecompressionBombError):  # noqa: BLE001  (told when the pages are read)
        return 1


def counts_of(values: Values) -> dict[int, int]:
    """Each number of a mask with how many pixels have it, in rising order."""
    if not values.size:
        return {}
    if int(values.max()) < 1 << 16:
        counts = np.bincount(values.ravel())
        return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    found, amounts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), amounts.tolist(), strict=True))


def thin_values(values: Values) -> frozenset[int]:
    """Numbers that fill no square of 2 x 2 pixels anywhere: what smoothing leaves along borders.

    Bodies fill some; the shades between two exact values, and those of a photograph, mostly do not.
    """
    if min(values.shape) < 2:
        return frozenset()
    corner = values[:-1, :-1]
    square = (corner == values[1:, 1:]) & (corner == values[1:, :-1]) & (corner == values[:-1, 1:])
    return frozenset(counts_of(values)) - frozenset(counts_of(corner[square]))


def looks_like_picture(values: Values) -> bool:
    """Whether the numbers are shades of a picture rather than classes: many, and hardly any of one piece."""
    counts = counts_of(values)
    if len(counts) <= _MANY_VALUES:
        return False
    equal = int(np.count_nonzero(values[:, 1:] == values[:, :-1]))
    return len(thin_values(values)) > len(counts) // 2 or equal < 0.8 * values[:, 1:].size


def listed(numbers: list[int], colours: bool, most: int = 8) -> str:
    """Values or colours for a message, the first few of many."""
    shown = ", ".join(f"#{number:06x}" if colours else str(number) for number in numbers[:most])
    return shown + (", ..." if len(numbers) > most else "")


def _checked_pages(path: Path) -> int:
    """The number of pages, once header and checksums are seen to be whole."""
    with PillowImage.open(path, formats=_KINDS) as file:
        _check_size(path, file, 0)
        pages = int(getattr(file, "n_frames", 1)) if file.format == "TIFF" else 1
        if pages > MAX_PAGES or pages * file.width * file.height > 8 * MAX_PIXELS:
            raise AnnotationError(f"{path}: {pages} pages of {file.width} x {file.height} px are too many")
        if file.format == "PNG":
            file.verify()  # the checksum of every chunk; Pillow looks at none of the pixels' while it loads
    return pages


def _check_size(path: Path, file: PillowImage.Image, page: int) -> None:
    if file.width * file.height > MAX_PIXELS:
        place = f"page {page + 1}: " if page else ""
        raise AnnotationError(
            f"{path}: {place}{file.width} x {file.height} px exceed {MAX_PIXELS // 1_000_000} million "
            "-- shrink the mask"
        )


def _page(path: Path, file: PillowImage.Image, by_colour: bool) -> MaskPage:
    """The numbers of the page that the file stands at."""
    file.load()
    orientation = 1 if file.format == "TIFF" else int(file.getexif().get(_ORIENTATION, 1))
    if file.mode in {"1", "LA", "La"} or (file.mode == "P" and by_colour):
        file = file.convert({"1": "L", "P": "RGB"}.get(file.mode, "RGBA"))
    values = np.asarray(file)
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    colours = False
    if values.ndim == 3:
        values, colours = _numbers(path, values, file.mode)
    if values.dtype.kind == "f":
        whole = values.astype(np.int64)
        if not bool((whole == values).all()):
            raise AnnotationError(f"{path}: holds fractions -- save whole numbers, one per class or body")
        values = whole
    if values.dtype.kind not in "bui" or (values.size and int(values.min()) < 0):
        raise AnnotationError(f"{path}: holds negative numbers -- save values from 0 on")
    if by_colour and not colours:
        values, colours = values.astype(np.uint32) * 0x010101, True
    return MaskPage(turned(values, orientation), colours)


def _numbers(path: Path, values: npt.NDArray[Any], mode: str) -> tuple[Values, bool]:
    """One number per pixel of (H, W, 3 or 4) colour, and whether it is a colour."""
    if mode not in {"RGB", "RGBA"}:
        raise AnnotationError(f"{path}: is a {mode} image -- save the mask with one value per class")
    red, green, blue = (values[..., index].astype(np.uint32) for index in range(3))
    packed = (red << 16) | (green << 8) | blue
    if mode == "RGBA":
        opacity = values[..., 3]
        if not bool(((opacity == 0) | (opacity == 255)).all()):
            raise AnnotationError(
                f"{path}: has half transparent pixels, as smoothed edges have -- save it without smoothing"
            )
        packed[opacity == 0] = 0
    if bool((packed == (packed & 0xFF) * 0x010101).all()):
        return (packed & 0xFF).astype(np.uint8), False
    return packed, True
