"""The label images of Pascal VOC: one of instances, one of classes, both in VOC's own colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError
from spinekit.core.image import BoolArray, ImageRef
from spinekit.files import printable
from spinekit.formats.plugin import MAX_PIXELS
from spinekit.formats.sources import image_size, read_text

CLASSES = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)
"""What the values of the challenge's own masks mean."""

VOID = 255  # the border that belongs to nobody


@dataclass(frozen=True, slots=True, eq=False)
class MaskInstance:
    """One thing in a pair of label images.

    Attributes:
        place: File and value, for messages.
        label: Its class by the label image of classes; empty where there is none or it names none.
        mask: (H, W) bool.
    """

    place: str
    label: str
    mask: BoolArray


def label_map(root: Path) -> dict[tuple[int, int, int], str]:
    """Class by colour: of ``labelmap.txt`` (``name:r,g,b:parts:actions``), else of the challenge.

    Args:
        root: Folder that holds ``SegmentationObject``.

    Raises:
        AnnotationError: If a line of the table is broken.
    """
    table = root / "labelmap.txt"
    if not table.is_file():
        return {_colour(value): name for value, name in enumerate(CLASSES)}
    found: dict[tuple[int, int, int], str] = {}
    for number, line in enumerate(read_text(table).splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colour = [*line.split(":"), ""][:2]
        parts = [part.strip() for part in colour.split(",")]
        if len(parts) != 3 or not all(part.isascii() and part.isdecimal() for part in parts):
            raise AnnotationError(f"{table}: line {number}: no name:red,green,blue -- correct the line")
        red, green, blue = (int(part) for part in parts)
        found[red, green, blue] = name.strip()
    return found


def mask_instances(
    root: Path, stem: str, names: Mapping[tuple[int, int, int], str], image: ImageRef | None = None
) -> list[MaskInstance]:
    """The things in ``SegmentationObject/<stem>.png``, in the order of their values.

    Args:
        root: Folder that holds ``SegmentationObject`` and, for their classes, ``SegmentationClass``.
        stem: Of the image's name.
        names: From `label_map`.
        image: The masks must have its size; None not to check it.

    Raises:
        AnnotationError: If a mask is damaged or of another size.
    """
    objects, kinds_file = (
        root / part / f"{stem}.png" for part in ("SegmentationObject", "SegmentationClass")
    )
    if not objects.is_file():
        return []
    values = _values(objects, image)
    kinds = _values(kinds_file, image) if kinds_file.is_file() else None
    if kinds is not None and kinds.shape != values.shape:
        raise AnnotationError(f"{kinds_file}: has another size than {objects} -- export both again")
    by_value = {_value(colour): name for colour, name in names.items()}
    found = []
    for value in np.unique(values).tolist():
        if value in {0, VOID}:
            continue
        mask = values == value
        label = "" if kinds is None else by_value.get(_most_common(kinds[mask]), "")
        found.append(MaskInstance(f"{objects}: value {value}", label, mask))
    return found


def _values(path: Path, image: ImageRef | None) -> npt.NDArray[np.int64]:
    """The values of a label image (H, W): those of its palette, or of its colours in VOC's order."""
    try:
        size = image_size(path)
        if image is not None and size != (image.height, image.width):
            raise AnnotationError(
                f"{path}: is {size[1]} x {size[0]} px, but {printable(image.name)} is {image.width} x "
                f"{image.height} -- export it at the image's size"
            )
        if size[0] * size[1] > MAX_PIXELS:
            raise AnnotationError(f"{path}: is too large for a label image -- make it smaller")
        with PillowImage.open(path) as opened:
            plain = opened.mode in {"P", "L", "1"}
            pixels = np.asarray(opened if plain else opened.convert("RGB")).astype(np.int64)
    except (OSError, SyntaxError, ValueError) as error:
        raise AnnotationError(f"{path}: is damaged ({error}) -- export it again") from error
    if plain:
        return pixels
    values = np.zeros(pixels.shape[:2], dtype=np.int64)
    for bit in range(8):
        for channel in range(3):
            values |= ((pixels[..., channel] >> (7 - bit)) & 1) << (3 * bit + channel)
    return values


def _colour(value: int) -> tuple[int, int, int]:
    """The colour that VOC gives a value: its bits dealt out to red, green and blue, high ones first."""
    channels = [0, 0, 0]
    for bit in range(24):
        channels[bit % 3] |= ((value >> bit) & 1) << (7 - bit // 3)
    return channels[0], channels[1], channels[2]


def _value(colour: tuple[int, int, int]) -> int:
    """The value behind `_colour`."""
    return sum(((colour[bit % 3] >> (7 - bit // 3)) & 1) << bit for bit in range(24))


def _most_common(values: npt.NDArray[np.int64]) -> int:
    """The value that most pixels have, background and void aside where anything else is there."""
    real = values[(values != 0) & (values != VOID)]
    found, counts = np.unique(real if real.size else values, return_counts=True)
    return int(found[counts.argmax()])
