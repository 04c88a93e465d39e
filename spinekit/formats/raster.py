"""PNG, JPEG, TIFF, BMP, WebP and GIF, by rules that are stated and recorded.

Pillow reads the file, and reads it strictly: OpenCV takes one damaged file in ten without a word. The
plug-in classes of Pillow are called by name; `PIL.Image.open` is left alone, since other libraries
replace it in the running process.

- Transparent pixels are seen before black; colour becomes grey by BT.601 luma; CMYK and palettes go
  through RGB, CIELAB gives its lightness.
- Numbers wider than 8 bits become 8 bits by `grey.full_range`.
- An EXIF orientation is applied exactly once, here.
- A resolution tag (dpi) says how a picture is to be printed, and is never taken for a spacing.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL import Image as PillowImage

from spinekit.core.errors import ReadError
from spinekit.core.image import Image, ImageRef
from spinekit.formats import grey
from spinekit.formats.plugin import ImageFormat, ReadOptions

Values = npt.NDArray[Any]

MAX_PAGES = 10_000
_ORIENTATION = 0x0112
_TIFF_PHOTOMETRIC = 262
_TIFF_SUBFILE_TYPE = 254
_REDUCED_OR_MASK = 0b101
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
_MARKS: tuple[tuple[bytes, type[ImageFile.ImageFile]], ...] = (
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
    (b"II*\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0*", TiffImagePlugin.TiffImageFile),
    (b"II+\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0+", TiffImagePlugin.TiffImageFile),
    (b"GIF87a", GifImagePlugin.GifImageFile),
    (b"GIF89a", GifImagePlugin.GifImageFile),
)


def sniff(head: bytes) -> bool:
    """Whether the first bytes are those of an image file read here."""
    return _kind(head) is not None


def read(path: Path, options: ReadOptions) -> Iterator[Image]:
    """The pages of a TIFF, or the one image (the first of an animation) of another file.

    Args:
        path: The file.
        options: Spacing stated by the user (of the image as shown), limit of pixels.

    Raises:
        ReadError: If the file is damaged or too large.
    """
    with _opened(path, options.max_pixels) as image:
        pages = _pages(image)
        for page in pages:
            yield _read_page(path, image, page, options, single=len(pages) == 1)


def read_raw(path: Path, frame: int | None, max_pixels: int) -> Values:
    """The stored numbers of a page, (H, W) or (H, W, C) with channels red, green, blue, opacity.

    Args:
        path: The file.
        frame: The page, or None for the first.
        max_pixels: Limit of size.

    Raises:
        ReadError: If the file is damaged, too large, or has no such page.
    """
    with _opened(path, max_pixels) as image:
        values, _ = _decoded(path, image, frame or 0, max_pixels)
        return values


def _kind(head: bytes) -> type[ImageFile.ImageFile] | None:
    """The Pillow class for a file's first bytes, or None."""
    for mark, kind in _MARKS:
        if head.startswith(mark):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile
    # Two letters are little to go by: the length of a BMP's second header has to be one of those known.
    if head[:2] == b"BM" and len(head) >= 18 and struct.unpack("<I", head[14:18])[0] in _BMP_HEADERS:
        return BmpImagePlugin.BmpImageFile
    return None


@contextlib.contextmanager
def _opened(path: Path, max_pixels: int) -> Iterator[ImageFile.ImageFile]:
    """The open file after Pillow's check of its integrity; what Pillow reports becomes `ReadError`."""
    with path.open("rb") as stream:
        kind = _kind(stream.read(64))
        if kind is None:
            raise ReadError(path, "not an image of a known kind", "convert it to PNG")
        try:
            stream.seek(0)
            image = kind(stream)
            _check_size(path, image, max_pixels)
            if kind is PngImagePlugin.PngImageFile:
                image.verify()  # the checksum of every chunk; an image that was verified cannot be loaded
                stream.seek(0)
                image = kind(stream)
            yield image
        except (SyntaxError, ValueError, EOFError, struct.error) as error:
            raise _damaged(path, error) from error
        except OSError as error:
            if error.strerror:
                raise
            raise _damaged(path, error) from error
        except PillowImage.DecompressionBombError as error:
            raise ReadError(path, "larger than Pillow decodes safely", "split or shrink the image") from error


def _damaged(path: Path, error: Exception) -> ReadError:
    words = " ".join(str(error).split())[:120] or type(error).__name__
    return ReadError(path, f"damaged or not of a supported kind ({words})", "copy or export it again as PNG")


def _check_size(path: Path, image: ImageFile.ImageFile, max_pixels: int) -> None:
    """Refuses an image by its header, before anything is decoded."""
    width, height = image.size
    if width < 1 or height < 1:
        raise ReadError(path, f"{width} x {height} pixels", "export it again")
    if width * height > max_pixels:
        raise ReadError(
            path,
            f"{width} x {height} pixels exceed the limit of {max_pixels / 1e6:g} million",
            "raise it with --max-pixels if the file is genuine",
        )


def _pages(image: ImageFile.ImageFile) -> list[int]:
    """Indices of the pages that are pictures in their own right."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return [0]
    full = []
    for page in range(MAX_PAGES):
        try:
            image.seek(page)
        except EOFError:
            break
        if not int(image.tag_v2.get(_TIFF_SUBFILE_TYPE, 0)) & _REDUCED_OR_MASK:
            full.append(page)
    return full or [0]


def _read_page(
    path: Path, image: ImageFile.ImageFile, page: int, options: ReadOptions, single: bool
) -> Image:
    """One page as 8-bit grey, with the record of how it was made."""
    values, provenance = _decoded(path, image, page, options.max_pixels)
    warnings = []
    if values.ndim == 3:
        values, provenance["colour"] = _without_colour(values)
    pixels, provenance["window"] = grey.full_range(values)
    if provenance["inversion"] != "none":
        pixels = np.subtract(255, pixels, dtype=np.uint8)
    if getattr(image, "is_animated", False) and not isinstance(image, TiffImagePlugin.TiffImageFile):
        warnings.append("an animation: only its first picture was read")
    if "exif_fault" in provenance:
        warnings.append(f"the EXIF data are damaged: {provenance['exif_fault']}")
    if pixels.min() == pixels.max():
        warnings.append(grey.NO_CONTRAST)
        provenance["contrast"] = "none"
    height, width = pixels.shape
    ref = ImageRef(
        path,
        height,
        width,
        spacing=options.spacing,
        frame=None if single else page,
        name=path.name,
        provenance=provenance,
    )
    return Image(ref, np.ascontiguousarray(pixels), tuple(warnings))


def _decoded(
    path: Path, image: ImageFile.ImageFile, page: int, max_pixels: int
) -> tuple[Values, dict[str, str]]:
    """Stored numbers of a page, turned upright, and what there is to record of them."""
    try:
        if page or isinstance(image, TiffImagePlugin.TiffImageFile):
            image.seek(page)
    except EOFError as error:
        raise ReadError(path, f"there is no page {page}", "run the whole analysis again") from error
    _check_size(path, image, max_pixels)
    provenance = {"format": str(image.format), "inversion": "none"}
    wide = _is_wide_colour(image)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        orientation = int(image.tag_v2.get(_ORIENTATION, 1))
        if image.tag_v2.get(_TIFF_PHOTOMETRIC) == 0 and image.mode[0] in "IF":
            provenance["inversion"] = "WhiteIsZero"  # Pillow inverts 1 to 8 bits by itself, no others
        image.load()  # turns by the orientation
        values = _wide_colour(path, image, page) if wide else _values(image)
    else:
        image.load()
        orientation, fault = _exif_orientation(image)
        if fault:
            provenance["exif_fault"] = fault
        values = turned(_wide_colour(path, image, page) if wide else _values(image), orientation)
    if orientation in range(2, 9):
        provenance["exif_turn"] = f"orientation {orientation}, applied once"
    return values, provenance


def _values(image: ImageFile.ImageFile) -> Values:
    """The numbers of a loaded image: (H, W), (H, W, 3) or (H, W, 4)."""
    if image.has_transparency_data and image.mode[0] not in "IF":
        return np.asarray(image.convert("RGBA"))
    if image.mode == "LAB":
        return np.asarray(image.getchannel(0))
    if image.mode == "1":
        return np.asarray(image.convert("L"))
    if image.mode not in {"L", "RGB"} and image.mode[0] not in "IF":
        return np.asarray(image.convert("RGB"))
    values = np.asarray(image)
    return values.astype(values.dtype.newbyteorder("="))


def _is_wide_colour(image: ImageFile.ImageFile) -> bool:
    """Whether the file holds 16 bits per colour, of which Pillow would keep the high byte only."""
    arguments = image.tile[0].args if image.tile else ""
    raw_mode = arguments if isinstance(arguments, str) else str((arguments or ("",))[0])
    return ";16" in raw_mode and image.mode in {"RGB", "RGBA"}


def _wide_colour(path: Path, image: ImageFile.ImageFile, page: int) -> Values:
    """16-bit colour by OpenCV, (H, W, 3 or 4), held against the high bytes that Pillow has decoded."""
    import cv2

    found, decoded = cv2.imdecodemulti(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if found and page < len(decoded) and decoded[page].ndim == 3:
        colour: Values = decoded[page][..., [2, 1, 0, 3][: decoded[page].shape[2]]]
        # Whether a TIFF is turned differs between versions of OpenCV; Pillow has turned it.
        if colour.dtype == np.uint16 and np.array_equal(
            colour[..., :3] >> 8, np.asarray(image.convert("RGB"))
        ):
            return colour
    raise ReadError(path, "16-bit colour that cannot be decoded", "convert it to 16-bit grey PNG")


def _without_colour(values: Values) -> tuple[Values, str]:
    """Grey (H, W) of (H, W, 3 or 4) colour, and the rule."""
    flat = grey.luma(values[..., :3])
    rule = "BT.601 luma"
    if values.shape[2] == 4 and bool((values[..., 3] != np.iinfo(values.dtype).max).any()):
        return grey.over_black(flat, values[..., 3]), f"{rule}, transparency over black"
    return flat, rule


def _exif_orientation(image: ImageFile.ImageFile) -> tuple[int, str]:
    """The EXIF orientation (1 where there is none), and what is wrong with the EXIF data."""
    content = image.info.get("exif")
    if not content:
        return 1, ""
    try:
        exif = PillowImage.Exif()
        exif.load(content)
        return int(exif.get(_ORIENTATION, 1)), ""
    except (ValueError, TypeError, KeyError, OSError, SyntaxError, struct.error):
        return 1, "a turn of the camera is not known"


def turned(values: Values, orientation: int) -> Values:
    """An array (H, W, ...) turned upright by its EXIF orientation 1..8; others leave it as it is."""
    flipped = np.fliplr(values) if orientation in (2, 4, 5, 7) else values
    quarters = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.rot90(flipped, quarters)


FORMAT = ImageFormat(
    name="raster",
    title="PNG, JPEG, TIFF, BMP, WebP or GIF image",
    suffixes=(".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".bmp", ".dib", ".webp", ".gif", ".apng"),
    sniff=sniff,
    read=read,
)
