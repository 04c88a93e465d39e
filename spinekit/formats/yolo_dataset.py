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
import yaml
from PIL import Image as PillowImage

from spinekit.core.errors import NothingUsableError, UsageError
from spinekit.core.image import UInt8Array
from spinekit.core.outline import to_mask
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.files import atomic_path, write_text
from spinekit.formats.rings import corner_outline
from spinekit.formats.sources import safe_cell
from spinekit.formats.yolo import naming
from spinekit.formats.yolo_rows import points_box, pose_row, seg_row

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
        points_outside: Landmarks outside their image, written as absent.
        dropped: Instances without a row, one line each with the reason.
        names: The image's own name by its path in the workspace (``train/x.png``).
    """

    data: Path
    images: dict[str, int] = field(default_factory=dict)
    instances: dict[str, int] = field(default_factory=dict)
    points_outside: int = 0
    dropped: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What holds for all samples of a workspace."""

    out: Path
    schema: Schema
    task: str
    margin: float
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
        task: ``pose``, ``seg`` (outlines, or corners joined along the edges of the scenes' schema) or
            ``sem`` (rasters as masks of class indices).
        margin: Room around the landmarks' box, as a part of the mean of its sides; for poses.
        encoding: PNG, or JPEG of quality 95 for a small workspace.

    Returns:
        What was written; also as ``index.csv`` in the folder.

    Raises:
        UsageError: If the folder is in use, train or val is missing, or one group or image is in two splits.
        NothingUsableError: If nothing is labelled in train.
    """
    _check_request(splits, out, task)
    report = DatasetReport(out / "data.yaml")
    plan = _Plan(out, schema, task, margin, ".png" if encoding == "png" else ".jpg", report)
    home: dict[str, str] = {}
    for split in SPLITS:
        for scene, pixels in splits.get(split, ()):
            _claim(home, scene, split)
            _write_sample(scene, pixels, split, plan)
    _finish(plan)
    return report


def _check_request(splits: Mapping[str, Iterable[Sample]], out: Path, task: str) -> None:
    """Refuses what cannot be a workspace before anything is written."""
    if any((out / name).exists() for name in ("images", "labels", "masks", "data.yaml")):
        raise UsageError(f"{out}: holds a data set already -- choose another folder or remove it")
    if not {"train", "val"} <= splits.keys() <= set(SPLITS):
        raise UsageError(f"the splits are {', '.join(splits)} -- train and val are needed, test may be given")
    if task not in {"pose", "seg", "sem"}:
        raise UsageError(f"there is no task {task!r} -- pose, seg or sem")


def _finish(plan: _Plan) -> None:
    """Writes the tables once all images are there; a workspace without ``data.yaml`` is not whole."""
    report, out = plan.report, plan.out
    if not report.instances.get("train") or not report.images.get("val"):
        raise NothingUsableError(
            f"{out}: {report.instances.get('train', 0)} instances to train on and "
            f"{report.images.get('val', 0)} images to validate on -- both are needed"
        )
    rows = "".join(f"{path},{_quoted(name)}\n" for path, name in report.names.items())
    write_text(out / "index.csv", f"path,name\n{rows}")
    settings = {"path": str(out.resolve())}
    settings |= {split: f"images/{split}" for split in SPLITS if report.images.get(split)}
    content = {**settings, **naming(plan.schema, plan.task, plan.schema.classes)} | (
        {"masks_dir": "masks"} if plan.task == "sem" else {}
    )
    write_text(report.data, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def _claim(home: dict[str, str], scene: Scene, split: str) -> None:
    """Notes where a group and an image are, and refuses either in two splits."""
    keys = [f"the group {scene.group}"] if scene.group else []
    keys.append(f"the image {scene.image.name}")
    for key in keys:
        if home.setdefault(key, split) != split:
            raise UsageError(
                f"{key} is in {home[key]} and in {split} -- a test on it would flatter: split by group"
            )


def _write_sample(scene: Scene, pixels: UInt8Array, split: str, plan: _Plan) -> None:
    if pixels.dtype != np.uint8 or pixels.shape != (scene.image.height, scene.image.width):
        raise ValueError(f"{scene.image.name}: pixels {pixels.dtype} {pixels.shape} are not of the image")
    out, report = plan.out, plan.report
    stem = _stem(scene.image.name or scene.image.path.name, split, plan)
    _write_image(out / "images" / split / f"{stem}{plan.suffix}", pixels)
    if plan.task == "sem":
        mask = _class_mask(scene, plan.schema)
        _write_image(out / "masks" / split / f"{stem}.png", mask)
        count = 1
    else:
        rows = [row for item in scene.instances if (row := _row(item, scene, plan))]
        write_text(out / "labels" / split / f"{stem}.txt", "".join(f"{row}\n" for row in rows))
        count = len(rows)
    report.images[split] = report.images.get(split, 0) + 1
    report.instances[split] = report.instances.get(split, 0) + count


def _row(item: Instance, scene: Scene, plan: _Plan) -> str | None:
    """An instance's row; None, with a line in the report, where it has none."""
    class_id = _class_index(item, plan.schema)
    row: str | None = None
    if plan.task == "pose":
        reason = "no landmark within the image"
        if item.landmarks is not None and item.landmarks.names == plan.schema.landmark_names:
            box = points_box(item.landmarks, scene.image, plan.margin)
            row, outside = pose_row(class_id, box or item.box, item.landmarks, scene.image)
            row = row if box else None
            plan.report.points_outside += outside
    else:
        reason = "no outline within the image"
        outline = item.outline
        if outline is None and item.landmarks is not None:
            outline = corner_outline(item.landmarks, scene.schema)
        if outline is not None and outline.rings:
            row = seg_row(class_id, outline, scene.image)
    if row is None:
        plan.report.dropped.append(f"{scene.image.name}: {item.label}: {reason}")
    return row


def _class_index(instance: Instance, schema: Schema) -> int:
    """The class of an instance; a level counts as the only class of a schema that has one."""
    if instance.label in schema.classes:
        return schema.classes.index(instance.label)
    if len(schema.classes) == 1 and (instance.label in schema.levels or not schema.levels):
        return 0
    raise UsageError(
        f"{instance.label} is no class of {schema.name} -- its classes: {', '.join(schema.classes)}"
    )


def _class_mask(scene: Scene, schema: Schema) -> UInt8Array:
    """Class indices of every pixel: the raster, or else outlines painted over the first class."""
    if scene.raster is not None and scene.raster.labels is not None:
        mask = scene.raster.labels
    else:
        mask = np.zeros((scene.image.height, scene.image.width), dtype=np.uint8)
        for item in scene.instances:
            if item.outline is not None:
                mask[to_mask(item.outline, *mask.shape)] = _class_index(item, schema)
    if mask.shape != (scene.image.height, scene.image.width) or int(mask.max(initial=0)) >= len(
        schema.classes
    ):
        raise ValueError(f"{scene.image.name}: a raster of {mask.shape} up to {mask.max()} does not fit")
    return mask


def _stem(name: str, split: str, plan: _Plan) -> str:
    """A file name of plain characters, unlike all others of the split whatever their case."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", name.rsplit(".", 1)[0]).strip("_") or "image"
    stem = plain[:150]
    if f"{split}/{stem}".casefold() in plan.taken or len(plain) > 150:
        stem = f"{stem}_{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    if f"{split}/{stem}".casefold() in plan.taken:
        stem = f"{stem}_{len(plan.taken)}"
    plan.taken.add(f"{split}/{stem}".casefold())
    plan.report.names[f"{split}/{stem}{plan.suffix}"] = name
    return stem


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
