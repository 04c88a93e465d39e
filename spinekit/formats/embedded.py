"""Images that lie inside an annotation as base64 text, decoded within bounds."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError
from spinekit.core.image import BoolArray
from spinekit.formats.plugin import MAX_PIXELS

MAX_BYTES = 256 << 20
_EXIF_ORIENTATION = 0x0112
_EXIF_TURNED = range(5, 9)  # the four orientations that swap rows and columns


@dataclass(frozen=True, slots=True)
class EmbeddedImage:
    """What is known of an image inside an annotation.

    Attributes:
        height: Rows, after any EXIF turn.
        width: Columns, likewise.
        sha256: Of its bytes, hexadecimal.
        suffix: Usual suffix of its kind, e.g. ``.png``.
    """

    height: int
    width: int
    sha256: str
    suffix: str


def embedded_image(text: str, where: str) -> EmbeddedImage:
    """Size and hash of an image in base64, from its header alone.

    Raises:
        AnnotationError: If it is no image, or larger than 256 MB or 200 million pixels.
    """
    content = _decoded(text, where)
    with _opened(content, where) as image:
        width, height = image.size
        turned = image.getexif().get(_EXIF_ORIENTATION) in _EXIF_TURNED
        suffix = f".{(image.format or 'png').lower()}"
    if turned:
        width, height = height, width
    return EmbeddedImage(height, width, hashlib.sha256(content).hexdigest(), suffix)


def embedded_mask(text: str, where: str) -> BoolArray:
    """A mask in base64: (H, W), true where its grey value is not 0.

    Raises:
        AnnotationError: If it is no image, damaged or too large.
    """
    with _opened(_decoded(text, where), where) as image:
        try:
            grey = image.convert("L") if image.mode not in {"1", "L", "P"} else image
            mask: BoolArray = np.asarray(grey).astype(bool)
        except (OSError, SyntaxError, ValueError) as error:
            raise AnnotationError(f"{where}: its image is damaged ({error}) -- save it again") from error
    return mask


def _decoded(text: str, where: str) -> bytes:
    if len(text) > MAX_BYTES // 3 * 4:
        raise AnnotationError(
            f"{where}: its image is larger than {MAX_BYTES >> 20} MB -- keep it beside the file"
        )
    try:
        return base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError) as error:
        raise AnnotationError(f"{where}: its image is no base64 ({error}) -- save it again") from error


def _opened(content: bytes, where: str) -> PillowImage.Image:
    try:
        with warnings.catch_warnings(action="ignore"):
            image = PillowImage.open(io.BytesIO(content))
            image.getexif()
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError) as error:
        raise AnnotationError(
            f"{where}: its image is damaged or of no known kind -- save it again"
        ) from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        image.close()
        raise AnnotationError(
            f"{where}: its image of {width} x {height} px exceeds {MAX_PIXELS / 1e6:g} million -- make it smaller"
        )
    return image
