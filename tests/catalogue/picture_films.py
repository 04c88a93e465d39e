"""Bad and odd PNG, JPEG, TIFF files and the like, and files that are none of them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from tests.catalogue.entry import ABSTAINED, FAILED, READ, Film

Make = Callable[[Path], object]
GREY = (np.add.outer(np.arange(80), np.arange(60)) * 3 % 251).astype(np.uint8)


def encoded(kind: str, mode: str = "", pixels: np.ndarray[Any, Any] = GREY, **options: Any) -> bytes:  # noqa: ANN401
    """A picture as bytes."""
    image, stream = PillowImage.fromarray(pixels), io.BytesIO()
    (image.convert(mode) if mode else image).save(stream, kind, **options)
    return stream.getvalue()


def named(name: str | bytes, data: bytes | None = None) -> Make:
    """A file of that name; a small PNG where no content is given."""

    def make(folder: Path) -> object:
        raw = name if isinstance(name, bytes) else name.encode()
        target = bytes(folder) + b"/" + raw
        with open(target, "wb") as stream:  # noqa: PTH123  (a path cannot hold every name)
            return stream.write(encoded("png") if data is None else data)

    return make


def turned() -> bytes:
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    return encoded("jpeg", exif=exif)


def several(kind: str) -> bytes:
    first = PillowImage.fromarray(GREY)
    stream = io.BytesIO()
    first.save(stream, kind, save_all=True, append_images=[first.rotate(90), first.rotate(180)])
    return stream.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side: int) -> bytes:
    """A PNG of one bit a pixel: some kilobytes that unfold to many megabytes."""
    packer = zlib.compressobj(1)
    row = b"\0" * (side // 8 + 1)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def damaged(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :]


DEEP = GREY.astype(np.uint16) * 16
FRACTIONS = GREY.astype(np.float32) / 255

FILMS: tuple[Film, ...] = (
    Film("I1 png", named("a.png", encoded("png")[:150]), FAILED, "damaged"),
    Film("I1 jpeg", named("a.jpg", encoded("jpeg")[:-400]), FAILED, "damaged"),
    Film("I2 CMYK", named("a.jpg", encoded("jpeg", "CMYK")), READ, "BT.601 luma"),
    Film("I2 LA", named("a.png", encoded("png", "LA")), READ, "luma"),
    Film("I2 RGBA", named("a.png", encoded("png", "RGBA")), READ, "luma"),
    Film("I2 P", named("a.png", encoded("png", "P")), READ, "BT.601 luma"),
    Film("I2 bits", named("a.png", encoded("png", "1")), READ, "as stored, 8 bits"),
    Film("I2 fractions", named("a.tif", encoded("tiff", "", FRACTIONS)), READ, "fractions, 0 to 1"),
    Film("I3", named("a.png", encoded("png", "", DEEP)), READ, r"full range of 12 bits"),
    Film("I4", named("a.jpg", turned()), READ, "exif_turn"),
    Film("I5 gif", named("a.gif", several("gif")), READ, "an animation: only its first picture was read"),
    Film("I5 webp", named("a.webp", several("webp")), READ, "an animation: only its first picture was read"),
    Film("I5 tiff", named("a.tif", several("tiff")), READ, ".", images=3),
    Film("I6", named("a.png", bomb(32000)), FAILED, "32000 x 32000 pixels exceed the limit of 200 million"),
    Film("I7 dot", named("a.png", encoded("png", "", GREY[:1, :1])), ABSTAINED, "too small to read"),
    Film("I7 line", named("a.png", encoded("png", "", np.tile(GREY[:1], (1, 80)))), ABSTAINED, "too small to read"),
    Film("I8 other", named("a.jpg"), READ, "'format': 'PNG'"),
    Film("I8 upper", named("A.PNG"), READ, "as stored"),
    Film("I8 none", named("a"), READ, "as stored"),
    Film("I9 unicode", named("Wirbelsäule 脊椎 🦴.png"), READ, "as stored"),
    Film("I9 newline", named("a\nb.png"), READ, "as stored"),
    Film("I9 long", named("y" * 251 + ".png"), READ, "as stored"),
    Film("I9 dash", named("-rf.png"), READ, "as stored"),
    Film("I9 bytes", named(b"caf\xe9.png"), READ, "as stored"),
    Film("I9 formula", named("=HYPERLINK(1).png"), READ, "as stored"),
    Film("I9 escape", named("a\x1b[31m\u202egnp.png"), READ, "as stored"),
    Film("I10 HEIC", named("a.heic", b"\0\0\0\x18ftypheic" + b"\0" * 200), FAILED,
         "a HEIC image, which is not supported -- convert it to PNG"),
    Film("I10 AVIF", named("a.png", b"\0\0\0\x18ftypavif" + b"\0" * 200), FAILED, "AVIF image, which is not"),
    Film("I11 SVG", named("a.png", b"<svg xmlns='http://www.w3.org/2000/svg'></svg>"), FAILED, "an SVG drawing"),
    Film("I11 PDF", named("a.png", b"%PDF-1.7\n"), FAILED, "a PDF document -- export the page"),
    Film("I11 HTML", named("a.png", b"<!DOCTYPE html><html>404</html>"), FAILED, "an HTML page"),
    Film("I12", named("a.png", damaged(encoded("png"), 60)), FAILED, "damaged"),
)  # fmt: skip
