"""Everything that a run writes for one image, and where."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from PIL import Image as PillowImage

from spinekit.core.errors import UsageError
from spinekit.core.image import Image
from spinekit.core.scene import Scene
from spinekit.files import atomic_path, short_name, write_text
from spinekit.formats.registry import annotation_formats
from spinekit.formats.rings import corner_outline
from spinekit.formats.sources import safe_cell
from spinekit.runs import FileRecord

EXCEL = "excel"
"""Asks for the measurements as a workbook; no format of annotations, so it is never read."""


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
    return folder.joinpath(*parts[:-1], f"{short_name(parts[-1])}{suffix}")


def save_names() -> set[str]:
    """All that can be asked for with ``--save``."""
    from spinekit.workflows.dicom_outputs import DICOM_KINDS  # which stands on this module

    return {EXCEL, *DICOM_KINDS} | {item.name for item in annotation_formats() if item.write is not None}


def check_save(names: Iterable[str]) -> tuple[str, ...]:
    """The formats asked for with ``--save``.

    Raises:
        UsageError: Naming what there is.
    """
    wanted = tuple(dict.fromkeys(names))
    known = save_names() if wanted else set()
    for name in wanted:
        if name not in known:
            raise UsageError(
                f"--save {name}: there is no such format -- choose from {', '.join(sorted(known))}"
            )
    return wanted


def write_film(image: Image, out: Path) -> Path:
    """The film as it was read, 8-bit grey at its full size as a JPEG, from which a report can be made again.

    Args:
        image: As read.
        out: Folder of these pictures.
    """
    from spinekit.views.overlay import write_overlay  # which loads what draws

    path = output_path(out, image.ref.name, ".jpg")
    write_overlay(path, image.pixels)
    return path


def write_probability(scene: Scene, out: Path) -> list[Path]:
    """The probability of a pixel model as a 32-bit TIFF; nothing where there is none.

    Args:
        scene: Of one image.
        out: Folder of these pictures.
    """
    if scene.raster is None or scene.raster.probability is None:
        return []
    path = output_path(out, scene.image.name, ".tiff")
    with atomic_path(path) as temporary:
        PillowImage.fromarray(scene.raster.probability).save(temporary)
    return [path]


def with_shapes(scene: Scene) -> Scene | None:
    """A scene as a mask can hold it: shapes as they are, corners as the shape they enclose; None without any."""
    if scene.raster is not None:
        return scene
    items = []
    for item in scene.instances:
        corners = None if item.landmarks is None else corner_outline(item.landmarks, scene.schema)
        outline = item.outline or corners
        if outline is not None:
            items.append(replace(item, outline=outline))
    return replace(scene, instances=tuple(items)) if items else None


def write_failures(path: Path, records: Iterable[FileRecord]) -> None:
    """Writes ``file,status,reason`` of every file without a result; the folder is not synced."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "status", "reason"))
    for record in records:
        if record.status != "ok":
            writer.writerow((safe_cell(record.name), record.status, safe_cell(record.reason)))
    write_text(path, text.getvalue(), lasting=False)
