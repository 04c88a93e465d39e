"""PNG files of pictures, packed by a library that is four times as fast as the one in OpenCV."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
from PIL import PngImagePlugin

from spinekit.core.image import UInt8Array

_UP = 2  # the filter by which a row is told by the row above it
_GREY, _COLOURED = 0, 2


def png_of(picture: UInt8Array) -> bytes:
    """A picture as the bytes of a PNG, without loss and without any metadata.

    Args:
        picture: (H, W, 3) BGR or (H, W) grey.
    """
    height, width = picture.shape[:2]
    coloured = picture.ndim == 3
    rows = (cv2.cvtColor(picture, cv2.COLOR_BGR2RGB) if coloured else picture).reshape(height, -1)
    told = np.empty((height, rows.shape[1] + 1), dtype=np.uint8)
    told[:, 0] = _UP
    told[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=told[1:, 1:])
    stream = io.BytesIO()
    stream.write(b"\x89PNG\r\n\x1a\n")
    kind = _COLOURED if coloured else _GREY
    PngImagePlugin.putchunk(stream, b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))
    PngImagePlugin.putchunk(stream, b"IDAT", _packed(told.tobytes()))
    PngImagePlugin.putchunk(stream, b"IEND", b"")
    return stream.getvalue()


def _packed(content: bytes) -> bytes:
    """A stream that every zlib reads."""
    try:
        from isal import isal_zlib
    except ImportError:  # there is none for every processor
        return zlib.compress(content, 1)
    return isal_zlib.compress(content, 1)
