"""Faults of images that are to be trained on: damaged, black once shifted to 8 bits, without contrast ...

Files are read by `spinekit.formats.reading`, which is strict: OpenCV, and so the training, takes damaged ones
without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinekit.core.errors import ReadError
from spinekit.core.finding import Finding, Rule, Severity
from spinekit.core.image import Image, UInt8Array
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import read_images, read_raw

IMAGE_DAMAGED = Rule(
    "image-damaged",
    Severity.ERROR,
    "an image cannot be read whole",
    "copy or export it again; training would drop it, or read grey where data are missing",
)
IMAGE_SUFFIX = Rule(
    "image-suffix",
    Severity.ERROR,
    "training with Ultralytics passes over files of this kind",
    "convert it to PNG, or let spinekit train read it",
)
IMAGE_DARK = Rule(
    "image-turns-black",
    Severity.ERROR,
    "more than 8 bits: training with Ultralytics keeps the high byte, and the image turns black",
    "convert it to 8-bit PNG with a window, or let spinekit train do so",
)
IMAGE_WIDE = Rule(
    "image-wide",
    Severity.WARNING,
    "more than 8 bits: training with Ultralytics keeps the high byte or fails",
    "convert it to 8-bit PNG with a window, or let spinekit train do so",
)
IMAGE_PAGES = Rule(
    "image-pages",
    Severity.WARNING,
    "a file of several pages, of which training sees the first",
    "save each page as a file of its own",
)
IMAGE_CONSTANT = Rule(
    "image-constant",
    Severity.ERROR,
    "every pixel has the same value",
    "export it again with its own window, or leave it out",
)
IMAGE_FEW_GREYS = Rule(
    "image-few-greys",
    Severity.WARNING,
    "no more than 16 grey values",
    "export it again from its source: it was saved with too few bits, or is no photograph",
)
IMAGE_TAIL = Rule(
    "image-jpeg-end",
    Severity.WARNING,
    "a JPEG whose end is not clean: training with Ultralytics rewrites it in place",
    "train on a copy (--fix makes one), or convert it to PNG",
)
IMAGE_SMALL = Rule(
    "image-small",
    Severity.ERROR,
    "fewer than 10 pixels on a side: training drops it",
    "leave it out",
)
IMAGE_TURNED = Rule(
    "image-turned",
    Severity.NOTE,
    "an EXIF entry turns the image, which not every tool obeys",
    "look whether the labels fit the image as shown; save it upright",
)
RULES = (
    IMAGE_DAMAGED, IMAGE_SUFFIX, IMAGE_DARK, IMAGE_WIDE, IMAGE_PAGES, IMAGE_CONSTANT, IMAGE_FEW_GREYS, IMAGE_TAIL,
    IMAGE_SMALL, IMAGE_TURNED,
)  # fmt: skip

TRAINABLE = frozenset(
    {
        ".avif",
        ".bmp",
        ".dng",
        ".heic",
        ".heif",
        ".jp2",
        ".jpeg",
        ".jpg",
        ".mpo",
        ".png",
        ".tif",
        ".tiff",
        ".webp",
    }
)
_FEW_GREYS = 16
_LEAST_SIDE = 10
_DARK = 64  # of 256: an image that stays below a quarter after the shift shows next to nothing
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"


@dataclass(frozen=True, slots=True, eq=False)
class LookedAt:
    """An image file that was read.

    Attributes:
        findings: What is wrong with it.
        pixels: (H, W) uint8 of its first picture, or None where it cannot be read.
        sha256: Of the file; empty where it cannot be read.
    """

    findings: tuple[Finding, ...]
    pixels: UInt8Array | None = None
    sha256: str = ""


def look_at(path: Path, name: str, frame: int | None, trained_as_it_is: bool) -> LookedAt:
    """Reads an image file for its faults.

    Args:
        path: The file.
        name: What to call it.
        frame: The frame or page that labels are for; None for a file of one.
        trained_as_it_is: Whether Ultralytics is to read the very file (a YOLO data set), so that what spinekit
            would convert counts as a fault.
    """
    images: list[Image] = []
    pages = 0
    try:
        for image in read_images(path, ReadOptions()):
            pages += 1
            if not images or image.ref.frame == frame:
                images = [image]
    except ReadError as error:
        return LookedAt((Finding(IMAGE_DAMAGED, name, "", error.reason),))
    if not images:
        return LookedAt((Finding(IMAGE_DAMAGED, name, "", "it holds no picture"),))
    found = [*_of_file(path, pages, frame, trained_as_it_is), *_of_pixels(images[0], trained_as_it_is)]
    told = tuple(Finding(rule, name, "", why) for rule, why in found)
    return LookedAt(told, images[0].pixels, images[0].ref.sha256)


def _of_file(path: Path, pages: int, frame: int | None, trained_as_it_is: bool) -> Iterator[tuple[Rule, str]]:
    if trained_as_it_is and path.suffix.lower() not in TRAINABLE:
        yield IMAGE_SUFFIX, f"its suffix is {path.suffix or 'missing'}"
    if pages > 1 and frame is None:
        yield IMAGE_PAGES, f"{pages} pages"
    with path.open("rb") as stream:
        start = stream.read(2)
        stream.seek(-2, 2)
        end = stream.read()
    if start == _JPEG_START and end != _JPEG_END:
        yield IMAGE_TAIL, f"it ends with {end.hex()}, not ffd9"


def _of_pixels(image: Image, trained_as_it_is: bool) -> Iterator[tuple[Rule, str]]:
    height, width = image.pixels.shape
    if min(height, width) < _LEAST_SIDE:
        yield IMAGE_SMALL, f"{width} x {height} pixels"
    greys = int(np.count_nonzero(np.bincount(image.pixels.ravel(), minlength=256)))
    if greys == 1:
        yield IMAGE_CONSTANT, f"every pixel is {int(image.pixels.flat[0])}"
    elif greys <= _FEW_GREYS:
        yield IMAGE_FEW_GREYS, f"{greys} grey values"
    if "exif_turn" in image.ref.provenance:
        yield IMAGE_TURNED, image.ref.provenance["exif_turn"].split(",")[0]
    window = image.ref.provenance.get("window", "as stored")
    if trained_as_it_is and not window.startswith("as stored") and "format" in image.ref.provenance:
        yield from _wide(image)


def _wide(image: Image) -> Iterator[tuple[Rule, str]]:
    """What the library would make of numbers of more than 8 bits."""
    raw = read_raw(image.ref)
    if raw.dtype == np.uint16:
        largest = int(raw.max())
        if largest >> 8 < _DARK:
            yield IMAGE_DARK, f"values up to {largest} become {largest >> 8} of 255"
        else:
            yield IMAGE_WIDE, f"16 bits, values up to {largest}"
    elif raw.dtype != np.uint8:
        yield IMAGE_WIDE, f"{raw.dtype} numbers, which training cannot open"
