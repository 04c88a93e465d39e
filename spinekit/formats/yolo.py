"""Ultralytics YOLO labels: one text file per image beside a ``data.yaml``, for pose and segmentation.

See `spinekit.formats.yolo_dataset` for whole data sets to train on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Absent, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.files import write_text
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions
from spinekit.formats.rings import corner_outline
from spinekit.formats.sources import (
    ImageFolder,
    all_labels,
    image_folder,
    in_schema_order,
    label_index,
    read_text,
    split_frame,
    unsafe_name,
)
from spinekit.formats.yolo_rows import label_path, parse_row, pose_row, seg_row

_MAX_YAML_BYTES = 1_000_000


class _PlainLoader(yaml.SafeLoader):
    """SafeLoader without aliases, of which a few bytes unfold to gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            mark: Any = event.start_mark
            raise yaml.constructor.ConstructorError(None, None, "aliases (*name) are not allowed", mark)
        return super().compose_node(parent, index)


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The images that have a label file, in the order of their names.

    Args:
        path: Folder with ``labels/`` (and ``data.yaml``, which names the classes), or the ``data.yaml``.
        schema: Its task says whether rows are poses or polygons.
        options: The folder of the images, and who is told what was passed over.

    Raises:
        AnnotationError: If a row or the ``data.yaml`` does not fit; the message gives file and line.
    """
    folder, labels, images = _places(path, options.images)
    names = _class_names(folder / "data.yaml", schema)
    listed = image_folder(images)
    for text, name in _labelled(labels, listed):
        image = listed.find(name) if name else None
        if isinstance(image, ImageRef):
            yield Scene(image, schema, in_schema_order(_instances(text, names, schema, image), schema))


def left_out(path: Path, images: Path | None = None) -> tuple[str, ...]:
    """Label files without an image and images without a label file, one line each."""
    _, labels, images = _places(path, images)
    listed = image_folder(images)
    pairs = list(_labelled(labels, listed))
    lines = [
        f"{text.relative_to(labels)}: no image of this name in {images}" for text, name in pairs if not name
    ]
    unread = [found.reason for _, name in pairs if name and isinstance(found := listed.find(name), Absent)]
    labelled = {name.rpartition("#")[0] if name not in listed.paths else name for _, name in pairs}
    unlabelled = [f"{name}: no label file" for name in listed.paths if name not in labelled]
    return (*lines, *unread, *unlabelled)


def write(scenes: Iterable[Scene], out: Path) -> list[Path]:
    """Label files that the library can train on, below ``labels/``, with a ``data.yaml``.

    The images are not copied: laid below ``images/`` by the same names, the data set is complete.
    Rows have no place for a score, so none is written. Levels that are no classes get numbers after them.

    Args:
        scenes: All of one schema, for pose or segmentation.
        out: Folder to write below.

    Returns:
        The files written.

    Raises:
        AnnotationError: If an instance has neither outline nor a closed way of corners for a polygon.
        UsageError: If the schemas differ or are of a semantic task.
    """
    written: list[Path] = []
    schema: Schema | None = None
    for scene in scenes:
        if schema is not None and scene.schema.fingerprint() != schema.fingerprint():
            raise UsageError(f"{scene.image.name}: is of schema {scene.schema.name}, others of {schema.name}")
        schema = scene.schema
        if schema.task == "sem":
            raise UsageError(f"{schema.name}: a raster has no YOLO rows -- write it as predictions or masks")
        name = scene.image.name or scene.image.path.name
        if unsafe_name(name):
            raise UsageError(f"{name}: {unsafe_name(name)}")
        target = label_path(out / "labels", name)
        if target in written:  # a.png beside a.jpg
            target = target.with_name(f"{PurePosixPath(name).name}.txt")
        write_text(target, "".join(f"{row}\n" for row in _rows(scene)))
        written.append(target)
    if schema is not None:
        settings = {"train": "images", "val": "images", **naming(schema, schema.task, all_labels(schema))}
        write_text(out / "data.yaml", yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))
        written.append(out / "data.yaml")
    return written


def naming(schema: Schema, task: str, names: Sequence[str]) -> dict[str, Any]:
    """The part of a ``data.yaml`` that a schema decides: names, and for poses all about keypoints.

    Args:
        schema: Gives the landmarks.
        task: ``pose``, ``seg`` or ``sem``.
        names: What the class numbers stand for.
    """
    content: dict[str, Any] = {"names": list(names)}
    if task == "pose":
        points = list(schema.landmark_names)
        content |= {
            "kpt_shape": [len(points), 3],
            "flip_idx": list(schema.flip_index()),
            # A list of its own for each class: YAML would point to a shared one by an alias.
            "kpt_names": {index: list(points) for index in range(len(names))},
            "kpt_oks_sigmas": [landmark.sigma for landmark in schema.landmarks],
        }
    return content


def _rows(scene: Scene) -> Iterator[str]:
    for item in scene.instances:
        place = f"{scene.image.name}: {item.label}"
        if scene.schema.task == "pose":
            if item.landmarks is None:
                raise AnnotationError(f"{place} has no landmarks -- write it in another format")
            yield pose_row(label_index(item.label, scene.schema), item.box, item.landmarks, scene.image)[0]
            continue
        outline = item.outline
        if outline is None and item.landmarks is not None:
            outline = corner_outline(item.landmarks, scene.schema)
        if outline is None or not outline.rings:
            raise AnnotationError(f"{place} has no outline -- write it in another format")
        row = seg_row(label_index(item.label, scene.schema), outline, scene.image)
        if row is not None:
            yield row


def _labelled(labels: Path, images: ImageFolder) -> Iterator[tuple[Path, str]]:
    """Every label file with the name of each of its images, empty where there is none."""
    by_stem: dict[str, list[str]] = {}
    for name in images.paths:
        by_stem.setdefault(str(PurePosixPath(name).with_suffix("")), []).append(name)
    for text in sorted(labels.rglob("*.txt")):
        stem, frame = split_frame(text.relative_to(labels).with_suffix("").as_posix())
        # a.jpg.txt belongs to a.jpg; a.txt to every other image called a.
        names = [stem] if stem in images.paths else by_stem.get(stem, [])
        own = [name for name in names if name == stem or not (labels / f"{name}.txt").is_file()]
        for name in own:
            yield text, f"{name}{frame}"
        if not own:
            yield text, ""


def _places(path: Path, images: Path | None) -> tuple[Path, Path, Path]:
    """The folder of the data set, of its labels and of its images."""
    folder = path if path.is_dir() else path.parent
    labels = folder / "labels" if (folder / "labels").is_dir() else folder
    images = images or folder / "images"
    if not images.is_dir():
        raise AnnotationError(f"{images}: no such folder of images -- a label file alone has no pixels' size")
    return folder, labels, images


def _class_names(path: Path, schema: Schema) -> dict[int, str]:
    """Class names by index: of the ``data.yaml`` where there is one, else of the schema."""
    if not path.is_file():
        return dict(enumerate(all_labels(schema)))
    if path.stat().st_size > _MAX_YAML_BYTES:
        raise AnnotationError(f"{path}: is larger than {_MAX_YAML_BYTES} bytes -- this is no data.yaml")
    try:
        content = yaml.load(read_text(path), _PlainLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise AnnotationError(f"{path}: line {line}: {error.problem} -- correct the YAML") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise AnnotationError(f"{path}: is no YAML that can be read -- write it anew") from error
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(
        isinstance(index, int) and isinstance(name, str) for index, name in names.items()
    ):
        raise AnnotationError(f"{path}: names is no list of texts -- quote each name")
    return names


def _instances(path: Path, names: dict[int, str], schema: Schema, image: ImageRef) -> list[Instance]:
    """The instances of a label file; an empty one says that there are none."""
    text = read_text(path) if path.stat().st_size else ""
    return [
        parse_row(line, f"{path}: line {index}", names, schema, image)
        for index, line in enumerate(text.splitlines(), 1)
        if line.strip()
    ]


FORMAT = AnnotationFormat(
    name="yolo",
    title="Ultralytics YOLO labels, pose and segmentation",
    keeps=frozenset({"labels", "landmarks", "visibility", "outlines", "holes", "order"}),
    read=read,
    write=write,
)
