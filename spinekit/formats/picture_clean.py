"""PNG, JPEG, TIFF and the like without what is written about them: the pixels alone, in a new PNG.

EXIF, XMP, IPTC, text chunks, comments, colour profiles, thumbnails and whatever follows the picture are not carried
over, since nothing but numbers is; the EXIF turn is applied to them first. Depth and colour stay as they are. What
was written is read again and refused if it holds anything beside its pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from spinekit.core.errors import ReadError
from spinekit.core.image import ImageRef
from spinekit.files import atomic_path
from spinekit.formats.dicom_clean import blackened
from spinekit.formats.dicom_clean_header import Box
from spinekit.formats.plugin import MAX_PIXELS, ReadOptions
from spinekit.formats.reading import read_images, read_raw

_MAGIC = b"\x89PNG\r\n\x1a\n"
_CHUNKS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})


def pages_of(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[ImageRef]:
    """The pictures of a file, one a page.

    Raises:
        ReadError: If it cannot be read.
    """
    for image in read_images(path, ReadOptions(max_pixels=max_pixels)):
        yield image.ref


def clean_picture(
    ref: ImageRef, out: Path, blank: Sequence[Box] = (), max_pixels: int = MAX_PIXELS
) -> tuple[str, ...]:
    """Writes the pixels of a picture as a PNG.

    Args:
        ref: One of `pages_of`.
        out: The PNG to be.
        blank: Left, top, width, height in px of parts to be blackened.
        max_pixels: Larger pictures are refused.

    Returns:
        What a person should know, one line each.

    Raises:
        ReadError: If it cannot be read, or cannot be written as a PNG without loss.
    """
    values, notes = _eight_or_sixteen(ref.path, read_raw(ref, max_pixels))
    picture = PillowImage.fromarray(np.ascontiguousarray(blackened(values, blank)))
    with atomic_path(out) as temporary:
        picture.save(temporary, format="PNG")
        if not set(_chunks(temporary)) <= _CHUNKS:
            raise ReadError(ref.path, "its copy holds more than pixels", "the copy was removed: report this")
    out.chmod(0o600)
    if not blank:
        notes = (*notes, "a picture cannot say whether text is burned in: look at the copy")
    return notes


def _eight_or_sixteen(path: Path, values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """Values as a PNG holds them, without loss: 8 bits, grey or colour, or 16 bits of grey."""
    values = np.array(values)
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * 255, ()
    if values.dtype == np.uint8:
        if values.ndim == 3 and values.shape[2] not in {1, 3, 4}:
            return values[..., 0], ("only the first of its channels was kept",)
        return (values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values), ()
    whole = np.issubdtype(values.dtype, np.integer)
    if values.ndim == 2 and whole and values.min() >= 0 and values.max() < 1 << 16:
        return values.astype(np.uint16), ()
    if values.ndim == 3 and whole and values.min() >= 0 and values.max() < 1 << 16:
        return (values >> 8).astype(np.uint8), ("16 bits of colour became 8",)
    raise ReadError(path, f"its {values.dtype} values fit no PNG", "export it with 8 or 16 bits")


def _chunks(path: Path) -> Iterator[bytes]:
    """Names of the parts of a PNG, in their order; what follows the last is one of no name."""
    content = path.read_bytes()
    place = len(_MAGIC)
    while place + 8 <= len(content):
        length, name = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        yield name
        place += 12 + length
        if name == b"IEND":
            break
    if place != len(content):
        yield b""
