"""A workspace for Ultralytics' trainer: copies of images, labels, and a ``data.yaml`` with absolute paths.

Originals are never trained on: the library rewrites JPEGs whose end it does not like, drops images for
one bad row, and shifts 12-bit pixels to black. Here images come as 8-bit pixels and leave as PNG.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image as PillowImage

from spinekit.core.errors import NothingUsableError, UsageError
from spinekit.core.image import UInt8Array
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.files import atomic_path, write_text
from spinekit.formats.sources import safe_cell, split_frame
from spinekit.formats.yolo_labels import TASKS, LabelPlan, Losses, label_rows
from spinekit.formats.yolo_masks import class_mask, write_mask
from spinekit.formats.yolo_settings import settings_text

Sample = tuple[Scene, UInt8Array]
Encoding = Literal["png", "jpeg"]
SPLITS = ("train", "val", "test")
_JPEG_QUALITY = 95


@dataclass(slots=True)
class DatasetReport:
    """What a workspace holds, and what could not go in.

    Attributes:
        data: Its ``data.yaml``.
        images: Images by split.
        instances: Label rows by split.
        losses: What did not go into the labels as it is.
        names: The image's own name by its path in the workspace (``train/x.png``).
    """

    data: Path
    images: dict[str, int] = field(default_factory=dict)
    instances: dict[str, int] = field(default_factory=dict)
    losses: Losses = field(default_factory=Losses)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def dropped(self) -> list[str]:
        """Instances without a row, one line each with the reason."""
        return self.losses.dropped

    @property
    def points_outside(self) -> int:
        """Landmarks outside their image, written as absent."""
        return self.losses.points_outside


@dataclass(frozen=True, slots=True)
class _Folder:
    """A workspace that is being written."""

    out: Path
    labels: LabelPlan
    suffix: str
    report: DatasetReport
    taken: set[str] = field(default_factory=set)


def write_dataset(
    splits: Mapping[str, Iterable[Sample]],
    out: Path,
    schema: Schema,
    task: str,
    *,
    margin: float = 0.1,
    encoding: Encoding = "png",
) -> DatasetReport:
    """Writes images and labels for training, one image at a time.

    Args:
        splits: Scenes with their (H, W) uint8 pixels by ``train``, ``val`` and, where wanted, ``test``.
        out: A new or empty folder.
        schema: Gives classes and landmarks; its classes may differ from those of the scenes' own schema
            where labels agree (levels of ``spine-ap`` as classes of ``spine-ap-levels``).
        task: ``pose``, ``seg`` (outlines, or corners joined along the edges of the scenes' schema),
            ``detect`` or ``sem`` (rasters as masks of class indices).
        margin: Room around the landmarks' box, as a part of the mean of its sides; for poses.
        encoding: PNG, or JPEG of quality 95 for a small workspace.

    Returns:
        What was written; also as ``index.csv`` in the folder.

    Raises:
        UsageError: If the folder is in use, train or val is missing, or one group or image is in two splits.
        NothingUsableError: If nothing is labelled in train.
    """
    if task not in TASKS:
        raise UsageError(f"there is no task {task!r} -- {', '.join(TASKS)}")
    if not {"train", "val"} <= splits.keys() <= set(SPLITS):
        raise UsageError(f"the splits are {', '.join(splits)} -- train and val are needed, test may be given")
    if any((out / name).exists() for name in ("images", "labels", "masks", "data.yaml")):
        raise UsageError(f"{out}: holds a data set already -- choose another folder or remove it")
    report = DatasetReport(out / "data.yaml")
    labels = LabelPlan(schema, task, schema.classes, margin)
    folder = _Folder(out, labels, ".png" if encoding == "png" else ".jpg", report)
    home: dict[str, str] = {}
    for split in SPLITS:
        for scene, pixels in splits.get(split, ()):
            _claim(home, scene, split)
            _write_sample(scene, pixels, split, folder)
    if not report.instances.get("train") or not report.images.get("val"):
        raise NothingUsableError(
            f"{out}: {report.instances.get('train', 0)} instances to train on and "
            f"{report.images.get('val', 0)} images to validate on -- both are needed"
        )
    _finish(report, labels)
    return report


def _finish(report: DatasetReport, labels: LabelPlan) -> None:
    """Writes the tables once all images are there; a workspace without ``data.yaml`` is not whole."""
    out = report.data.parent
    rows = "".join(f"{path},{_quoted(name)}\n" for path, name in report.names.items())
    write_text(out / "index.csv", f"path,name\n{rows}")
    places = {"path": str(out.resolve())}
    places |= {split: f"images/{split}" for split in SPLITS if report.images.get(split)}
    write_text(report.data, settings_text(labels.schema, labels.task, labels.names, places))


def _claim(home: dict[str, str], scene: Scene, split: str) -> None:
    """Notes where a group and an image are, and refuses either in two splits."""
    keys = [f"the group {scene.group}"] if scene.group else []
    keys.append(f"the image {scene.image.name}")
    for key in keys:
        if home.setdefault(key, split) != split:
            raise UsageError(
                f"{key} is in {home[key]} and in {split} -- a test on it would flatter: split by group"
            )


def _write_sample(scene: Scene, pixels: UInt8Array, split: str, folder: _Folder) -> None:
    if pixels.dtype != np.uint8 or pixels.shape != (scene.image.height, scene.image.width):
        raise ValueError(f"{scene.image.name}: pixels {pixels.dtype} {pixels.shape} are not of the image")
    out, report = folder.out, folder.report
    stem = _stem(scene.image.name or scene.image.path.name, split, folder)
    _write_image(out / "images" / split / f"{stem}{folder.suffix}", pixels)
    if folder.labels.task == "sem":
        write_mask(out / "masks" / split / f"{stem}.png", class_mask(scene, folder.labels))
        count = 1
    else:
        rows = label_rows(scene, folder.labels, report.losses)
        write_text(out / "labels" / split / f"{stem}.txt", rows)
        count = rows.count("\n")
    report.images[split] = report.images.get(split, 0) + 1
    report.instances[split] = report.instances.get(split, 0) + count


def _stem(name: str, split: str, folder: _Folder) -> str:
    """A file name of plain characters, unlike all others of the split whatever their case."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", _without_suffix(name)).strip("_") or "image"
    stem = plain[:150]
    if f"{split}/{stem}".casefold() in folder.taken or len(plain) > 150:
        stem = f"{stem}_{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    if f"{split}/{stem}".casefold() in folder.taken:
        stem = f"{stem}_{len(folder.taken)}"
    folder.taken.add(f"{split}/{stem}".casefold())
    folder.report.names[f"{split}/{stem}{folder.suffix}"] = name
    return stem


def _without_suffix(name: str) -> str:
    """The name without its suffix; a frame's number stays: ``x.dcm#3`` gives ``x#3``."""
    file, frame = split_frame(name)
    return f"{file.rsplit('.', 1)[0]}{frame}"


def _write_image(path: Path, pixels: UInt8Array) -> None:
    with atomic_path(path) as temporary:
        image = PillowImage.fromarray(np.ascontiguousarray(pixels))
        if path.suffix == ".png":
            image.save(temporary, compress_level=1)
        else:
            image.save(temporary, quality=_JPEG_QUALITY)


def _quoted(name: str) -> str:
    doubled = safe_cell(name).replace('"', '""')
    return f'"{doubled}"'
