"""A contact sheet of a data set: some images with what is labelled on them."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import cv2
from pydantic import Field

from spinekit.core.errors import NothingUsableError, ReadError, UsageError
from spinekit.core.image import Image, UInt8Array
from spinekit.core.scene import Raster, Scene
from spinekit.core.transform import resize_scene
from spinekit.formats.neutral import caption
from spinekit.views.contact_sheet import contact_sheets
from spinekit.views.overlay import draw_overlay, write_overlay
from spinekit.views.style import MIN_LONG_SIDE, OverlayStyle
from spinekit.workflows.dataset_source import DataSource, Progress, scenes_of
from spinekit.workflows.grouping import natural
from spinekit.workflows.pictures import read_picture

_SUFFIXES = {".png", ".jpg", ".jpeg"}
_BROADER = 1.3  # width of a sheet over its height
_FINE = 2  # films are drawn at so many times the size at which they are shown
_LARGER = 1.5  # lines and letters, against those of an overlay by itself


class PreviewSettings(DataSource):
    """What is shown.

    Attributes:
        out: The sheet, a PNG or JPEG.
        n: How many images.
        seed: Another one picks others.
        columns: Beside each other; None for what makes the sheet about as wide as high.
        cell: Longest side of each, px.
        label: Only images with an instance of this class.
    """

    out: Path
    n: int = Field(24, ge=1, le=400)
    seed: int = Field(0, ge=0)
    columns: int | None = Field(None, ge=1, le=40)
    cell: int = Field(420, ge=64, le=2000)
    label: str | None = None


@dataclass(frozen=True, slots=True)
class PreviewReport:
    """What was drawn.

    Attributes:
        out: The sheet.
        shown: Names of the images on it.
        images: How many there were to choose from.
        notices: What was passed over, one line each.
        failed: Images that could not be read, one line each.
    """

    out: Path
    shown: tuple[str, ...]
    images: int
    notices: tuple[str, ...]
    failed: tuple[str, ...]


def preview_dataset(settings: PreviewSettings, on_progress: Progress | None = None) -> PreviewReport:
    """Draws a contact sheet; which images are on it follows from the seed and their names alone.

    Args:
        settings: What is shown.
        on_progress: Told after each image read.

    Raises:
        UsageError: If the sheet is no PNG or JPEG, or the class is unknown.
        NothingUsableError: If there is nothing to show.
    """
    if settings.out.suffix.lower() not in _SUFFIXES:
        raise UsageError(
            f"--out {settings.out}: is no picture that can be written -- name a .png or .jpg file"
        )
    notices: list[str] = []
    failed: list[str] = []
    found = settings.labelled(notices.append)
    images = 0

    def counted() -> Iterator[Scene]:
        nonlocal images
        for scene in scenes_of(found, on_progress):
            if settings.label is None or scene.instance(settings.label) is not None:
                images += 1
                yield scene

    chosen = _chosen(counted(), settings.n, settings.seed)
    if not chosen:
        of = f" with {settings.label}" if settings.label else ""
        raise NothingUsableError(
            f"{settings.data}: no labelled image{of} was found -- name their folder with --images"
        )
    shown: list[str] = []
    columns = settings.columns or _columns(chosen)
    pictures = _drawn(chosen, settings.cell, shown, failed)
    for sheet in contact_sheets(pictures, columns, -(-len(chosen) // columns), settings.cell):
        write_overlay(settings.out, sheet)
    if not shown:
        raise NothingUsableError(
            f"{settings.data}: none of {len(chosen)} images could be read -- {failed[0]}"
        )
    return PreviewReport(settings.out, tuple(shown), images, tuple(notices), tuple(failed))


def _chosen(scenes: Iterator[Scene], n: int, seed: int) -> list[Scene]:
    """The n scenes whose names have the least hashes, in the order of their names; no others are held."""
    heap: list[tuple[int, int, Scene]] = []
    for place, scene in enumerate(scenes):
        digest = sha256(f"{seed}/{scene.image.name}".encode("utf-8", "surrogatepass")).digest()
        entry = (-int.from_bytes(digest[:8], "big"), -place, scene)
        if len(heap) < n:
            heapq.heappush(heap, entry)
        elif entry[:2] > heap[0][:2]:
            heapq.heapreplace(heap, entry)
    return sorted((scene for _, _, scene in heap), key=lambda scene: natural(scene.image.name))


def _columns(scenes: Sequence[Scene]) -> int:
    """As many as make the sheet somewhat wider than high; a cell is as wide as its widest film."""
    widest = max(min(scene.image.width / scene.image.height, 1.0) for scene in scenes)
    wished = max(1, round(math.sqrt(_BROADER * len(scenes) / widest)))
    rows = math.ceil(len(scenes) / wished)
    return math.ceil(len(scenes) / rows)  # the last row as full as can be


def _drawn(
    scenes: Sequence[Scene], cell: int, shown: list[str], failed: list[str]
) -> Iterator[tuple[str, UInt8Array]]:
    """Each image with its labels, drawn at about the size at which it is shown, so that lines stay visible."""
    for scene in scenes:
        try:
            image = read_picture(scene.image)
        except ReadError as error:
            failed.append(str(error))
            continue
        shown.append(scene.image.name)
        small, labels = _shrunk(image, scene, max(_FINE * cell, MIN_LONG_SIDE))
        yield caption(scene.image), draw_overlay(small, labels, (), OverlayStyle(size=_LARGER))


def _shrunk(image: Image, scene: Scene, long_side: int) -> tuple[Image, Scene]:
    """An image and its labels with a long side of at most so many px."""
    height, width = image.pixels.shape
    factor = long_side / max(height, width)
    if factor >= 1:
        return image, scene
    rows, columns = max(1, round(height * factor)), max(1, round(width * factor))
    pixels = cv2.resize(image.pixels, (columns, rows), interpolation=cv2.INTER_AREA)
    labels = resize_scene(scene, rows, columns)
    raster = scene.raster
    if raster is not None and raster.labels is not None:
        classes = cv2.resize(raster.labels, (columns, rows), interpolation=cv2.INTER_NEAREST)
        labels = replace(labels, raster=Raster(classes))
    return Image(labels.image, pixels), labels
