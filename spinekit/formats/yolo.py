"""Ultralytics YOLO data sets: a text file or a mask for each image, beside a ``data.yaml``.

Rows are boxes (5 numbers), polygons, boxes with an angle (a class and four corners) or, where ``kpt_shape``
or the schema says so, poses with 2 or 3 numbers a point. A semantic set has masks whose pixel values are
class numbers. Coordinates are parts of width and height and count from the outer edge of the first pixel.
With two numbers a point, one at 0,0 is taken as never placed. The ``obj.data`` and ``obj.names`` of Darknet
are read too. See `spinekit.formats.yolo_dataset` for data sets that hold their images.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.files import printable, write_text
from spinekit.formats.passed_over import found_image
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions
from spinekit.formats.sources import in_schema_order, read_text, unsafe_name
from spinekit.formats.yolo_content import detect, vocabulary
from spinekit.formats.yolo_labels import LabelPlan, Losses, label_rows, plan_for
from spinekit.formats.yolo_layout import (
    MASK_FOLDER,
    DataSet,
    bare_name,
    data_set,
    label_path,
    labelled,
    masked,
)
from spinekit.formats.yolo_masks import class_mask, read_mask, write_mask
from spinekit.formats.yolo_rows import RowMeaning, meaning_of, parse_row
from spinekit.formats.yolo_settings import settings_text

__all__ = ["FORMAT", "detect", "read", "vocabulary", "write"]

PARTS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}
NOT_WRITTEN = "not-written.txt"


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The images that have a label file or mask, in the order of those files' names.

    Args:
        path: Folder of the data set, of its labels, or its ``data.yaml``.
        schema: A ``sem`` schema asks for masks; otherwise the data set says what its rows are, and where
            it does not, the schema's task does.
        options: The folder of the images, and who is told what was passed over.

    Raises:
        AnnotationError: If a row, a mask or the ``data.yaml`` does not fit; the message gives file and line.
    """
    data = data_set(path, options.images)
    pairs = masked(data) if schema.task == "sem" else labelled(data)
    meaning = meaning_of(data.settings, schema)
    seen: set[str] = set()
    for file, name in pairs:
        if not name:
            _no_image(file, data, options)
            continue
        image = found_image(data.images, name, str(file), options)
        if image is None:
            continue
        seen.add(image.name)
        if schema.task == "sem":
            yield Scene(image, schema, raster=read_mask(file, meaning, image))
        else:
            yield Scene(image, schema, in_schema_order(_instances(file, meaning, image, options), schema))
    _tell_unlabelled(data, seen, options)


def write(scenes: Iterable[Scene], out: Path) -> list[Path]:
    """Labels that the library can train on, below ``labels/`` or ``masks/``, with a ``data.yaml``.

    The images are not copied: laid below ``images/`` by the same names, but for folders in them that are called
    ``images`` or ``labels`` themselves (see `yolo_layout.bare_name`), the data set is complete. Images that all
    lie in folders ``train``, ``val`` (or ``valid``) and ``test`` make the parts of those names. Rows
    have no place for a score, so none is written. Levels that are no classes get numbers after them. What
    lies outside its image cannot be in a row: ``not-written.txt`` says so, one line each.

    Args:
        scenes: All of one schema.
        out: Folder to write below.

    Returns:
        The files written.

    Raises:
        AnnotationError: If an instance has neither outline nor a closed way of corners for a polygon.
        UsageError: If the schemas differ, or two images would share a label file.
    """
    written: list[Path] = []
    taken: set[Path] = set()
    plan: LabelPlan | None = None
    losses = Losses()
    folders: set[str] = set()
    for scene in scenes:
        plan = plan or plan_for(scene.schema)
        if scene.schema.fingerprint() != plan.schema.fingerprint():
            raise UsageError(
                f"{scene.image.name}: is of schema {scene.schema.name}, others of {plan.schema.name}"
            )
        name = bare_name(scene.image.name or scene.image.path.name)
        folders.add(name.rpartition("/")[0].partition("/")[0])
        written.append(_write_labels(scene, name, plan, out, taken, losses))
        taken.add(written[-1])
    if plan is not None:
        text = settings_text(plan.schema, plan.task, plan.names, _parts(folders))
        write_text(out / "data.yaml", text)
        written.append(out / "data.yaml")
    lines = (*losses.dropped, *losses.clipped)
    if lines:
        write_text(out / NOT_WRITTEN, "".join(f"{line}\n" for line in lines))
        written.append(out / NOT_WRITTEN)
    return written


def _parts(folders: set[str]) -> dict[str, str]:
    """Where the parts of a data set lie: in folders called so, or all in one, on which training is validated.

    The library asks for train and val; where one of them is missing the other stands for it.
    """
    there = {part: [name for name in names if name in folders] for part, names in PARTS.items()}
    if (
        not folders
        or sum(map(len, there.values())) < len(folders)
        or any(len(lie) > 1 for lie in there.values())
    ):
        return {"train": "images", "val": "images"}
    found = {part: f"images/{names[0]}" for part, names in there.items() if names}
    stand_in = next(iter(found.values()))
    return {"train": stand_in, "val": stand_in} | found


def _write_labels(
    scene: Scene, name: str, plan: LabelPlan, out: Path, taken: set[Path], losses: Losses
) -> Path:
    if unsafe_name(name):
        raise UsageError(f"{name}: {unsafe_name(name)}")
    kind, suffix = (MASK_FOLDER, ".png") if plan.task == "sem" else ("labels", ".txt")
    target = label_path(out / kind, name).with_suffix(suffix)
    if target in taken:  # a.png beside a.jpg
        target = target.with_name(f"{PurePosixPath(name).name}{suffix}")
        if target in taken:
            raise UsageError(
                f"{printable(name)}: two images would share this label file -- rename one of them"
            )
    if plan.task == "sem":
        write_mask(target, class_mask(scene, plan))
    else:
        write_text(target, label_rows(scene, plan, losses))
    return target


def _no_image(file: Path, data: DataSet, options: LabelOptions) -> None:
    reason = f"no image of this name in {data.images.root}"
    if not options.allow_missing:
        raise AnnotationError(f"{file}: {reason} -- add the image or allow missing ones")
    options.notice(f"{file}: {reason} -- passed over")


def _tell_unlabelled(data: DataSet, seen: set[str], options: LabelOptions) -> None:
    files = {name.rpartition("#")[0] if name not in data.images.paths else name for name in seen}
    for name, path in data.images.paths.items():
        if name not in files and MASK_FOLDER not in path.relative_to(data.images.root).parts[:-1]:
            options.notice(f"{path}: has no label file -- passed over")


def _instances(path: Path, meaning: RowMeaning, image: ImageRef, options: LabelOptions) -> list[Instance]:
    """The instances of a label file; an empty one says that there are none."""
    text = read_text(path) if path.stat().st_size else ""
    found: list[Instance] = []
    lines: dict[str, int] = {}
    for index, line in enumerate(text.splitlines(), 1):
        place = f"{path}: line {index}"
        if not line.strip():
            continue
        first = lines.setdefault(" ".join(line.split()), index)
        if first != index:
            options.notice(f"{place}: repeats line {first} -- passed over")
            continue
        item = parse_row(line, place, meaning, image, options)
        if item is not None:
            found.append(item)
    return found


FORMAT = AnnotationFormat(
    name="yolo",
    title="Ultralytics YOLO data sets: boxes, polygons, poses, semantic masks",
    keeps=frozenset({"labels", "order"}),
    read=read,
    write=write,
    detect=detect,
    vocabulary=vocabulary,
    images="images",
    keeps_by_task={
        "detect": frozenset({"rectangles"}),
        "pose": frozenset({"boxes", "landmarks", "visibility"}),
        "seg": frozenset({"outlines", "holes"}),
        "sem": frozenset({"raster"}),
    },
)
