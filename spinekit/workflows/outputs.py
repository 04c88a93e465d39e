"""Everything that a run writes for one image, and where."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image as PillowImage

from spinekit.core.errors import UsageError
from spinekit.core.outline import to_mask
from spinekit.core.scene import Scene
from spinekit.files import atomic_path, write_text
from spinekit.formats.registry import annotation_formats
from spinekit.formats.sources import safe_cell
from spinekit.runs import FileRecord

_LONGEST_NAME = 200  # bytes; file systems allow 255, and suffixes and temporary names are added


def output_path(folder: Path, name: str, suffix: str) -> Path:
    """Where a picture of an image goes: sub-folders mirrored, its own suffix kept, so that no two share one.

    Args:
        folder: E.g. ``overlays``.
        name: `ImageRef.name`.
        suffix: E.g. ``.png``.
    """
    parts = [
        part for part in PurePosixPath(name.replace("#", ".frame")).parts if part not in {"..", "/", "."}
    ]
    last = parts[-1].encode("utf-8", "surrogateescape")[:_LONGEST_NAME].decode("utf-8", "ignore")
    return folder.joinpath(*parts[:-1], f"{last}{suffix}")


def check_save(names: Iterable[str]) -> tuple[str, ...]:
    """The formats asked for with ``--save``.

    Raises:
        UsageError: Naming what there is.
    """
    known = {"mask", *(item.name for item in annotation_formats() if item.write is not None)}
    wanted = tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            raise UsageError(
                f"--save {name}: there is no such format -- choose from {', '.join(sorted(known))}"
            )
    return wanted


def write_masks(scene: Scene, out: Path) -> list[Path]:
    """Class mask as PNG, and for semantic models the probability as 32-bit TIFF.

    Instances are numbered by their place in the schema's levels or classes, from 1; 0 is background.

    Args:
        scene: Of one image.
        out: Folder of the masks.
    """
    image = scene.image
    written = []
    if scene.raster is not None and scene.raster.labels is not None:
        mask = scene.raster.labels
    elif any(item.outline for item in scene.instances):
        order = scene.schema.levels or scene.schema.classes
        mask = np.zeros((image.height, image.width), np.uint8)
        for item in scene.instances:
            if item.outline is not None:
                mask[to_mask(item.outline, image.height, image.width)] = order.index(item.label) + 1
    else:
        return []
    written.append(_save(PillowImage.fromarray(mask), output_path(out, image.name, ".png")))
    if scene.raster is not None and scene.raster.probability is not None:
        picture = PillowImage.fromarray(scene.raster.probability)
        written.append(_save(picture, output_path(out, image.name, ".probability.tiff")))
    return written


def _save(picture: PillowImage.Image, path: Path) -> Path:
    with atomic_path(path) as temporary:
        picture.save(temporary)
    return path


def write_failures(path: Path, records: Iterable[FileRecord]) -> None:
    """Writes ``file,status,reason`` of every file without a result."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "status", "reason"))
    for record in records:
        if record.status != "ok":
            writer.writerow((safe_cell(record.name), record.status, safe_cell(record.reason)))
    write_text(path, text.getvalue())
