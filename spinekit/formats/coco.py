"""COCO: one JSON of images, categories and annotations with boxes, polygons or runs, and keypoints.

Boxes and polygons count from the outer edge of the first pixel, as the set's own tools draw them, so half
a pixel is added; keypoints are pixel indices and stay as they are. A shape with holes is written as
uncompressed run lengths, column by column; compressed ones are read too.

A category whose keypoints are named by level (``L1TB``) gives one instance a level where the schema has those
levels and landmarks.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.landmarks import Landmarks
from spinekit.core.outline import Outline
from spinekit.core.scene import Author, Box, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.coco_file import (
    FILE,
    CocoFile,
    Json,
    category_name,
    coco_file,
    detect,
    image_root,
    keypoint_names,
    parsed,
    vocabulary,
)
from spinekit.formats.coco_shapes import outline_of
from spinekit.formats.coco_writing import CROWD, write
from spinekit.formats.passed_over import found_image, tell_points_outside
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions
from spinekit.formats.point_names import in_names_of
from spinekit.formats.sources import class_label, finite, image_folder, in_schema_order, points_box

__all__ = ["FILE", "FORMAT", "detect", "read", "vocabulary", "write"]


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The images of the file that lie in the image folder, in its order.

    Args:
        path: The JSON file, or a folder that holds a single one.
        schema: Names the classes and landmarks.
        options: The folder of the images, and who is told what was passed over.

    Raises:
        AnnotationError: If the file is broken or does not fit the schema; the message names the id.
    """
    path = coco_file(path)
    content = parsed(path)
    folder = image_folder(image_root(path, options.images))
    for key, entry in content.images.items():
        place = f"{path}: image {_shown(key)}"
        image = found_image(folder, _file_name(entry, place), place, options)
        if image is None:
            continue
        _check_size(entry, image, place)
        found = [
            item
            for annotation in content.annotations[key]
            for item in _instances(annotation, content, schema, image, options)
        ]
        group = entry.get("group")
        yield Scene(image, schema, in_schema_order(found, schema), group="" if group is None else str(group))


def _file_name(entry: Json, place: str) -> str:
    name = entry.get("file_name")
    if not isinstance(name, str):
        raise AnnotationError(f"{place} has no file_name -- add it")
    return name


def _check_size(entry: Json, image: ImageRef, place: str) -> None:
    stated = entry.get("width", image.width), entry.get("height", image.height)
    if stated != (image.width, image.height):
        raise AnnotationError(
            f"{place} is {_shown(stated[0])} x {_shown(stated[1])} px by the file, but {printable(image.name)} "
            f"is {image.width} x {image.height} -- annotate the image at its own size"
        )


def _instances(
    annotation: Json, content: CocoFile, schema: Schema, image: ImageRef, options: LabelOptions
) -> tuple[Instance, ...]:
    """What an annotation describes: one thing, several where keypoints are named by level, or nothing."""
    where = f"{content.path}: annotation {_shown(annotation['id'])}"
    kind = annotation.get("category_id")
    category = content.categories.get(kind) if isinstance(kind, int | str) else None
    if category is None:
        raise AnnotationError(f"{where}: category {_shown(kind)} is not listed -- add it to categories")
    single = len(schema.classes) == 1 and len(content.categories) == 1
    label = (
        schema.classes[0]
        if single
        else class_label(category_name(category, f"{content.path}: category {_shown(kind)}"), schema, where)
    )
    crowd = annotation.get("iscrowd") == 1
    if crowd:
        options.notice(f"{where}: is a crowd -- read as one instance, flagged")
    segmentation = annotation.get("segmentation")
    outline = outline_of(segmentation, image, where, options)
    if segmentation and outline is None:
        return ()
    points = _points(annotation, category, schema, where, options)
    box = _box(annotation, outline, points, where, options)
    if box is None:
        return ()
    score = annotation.get("score")
    reader = annotation.get("reader")
    item = Instance(
        label,
        box,
        outline,
        points,
        1.0 if score is None else finite(score, f"{where}: score"),
        Author.HUMAN if score is None else Author.MODEL,
        None if reader is None else str(reader),
        (CROWD,) if crowd else (),
    )
    if points is not None:
        tell_points_outside(points, image, where, options)
    _tell_lacking(item, schema, where, options)
    parts = in_names_of(item, schema, where)
    if outline is not None and parts != (item,) and all(part.outline is None for part in parts):
        options.notice(f"{where}: its points make {len(parts)} bodies, its outline is of none -- left out")
    return parts


def _points(
    annotation: Json, category: Json, schema: Schema, where: str, options: LabelOptions
) -> Landmarks | None:
    """The keypoints under the file's own names."""
    values = annotation.get("keypoints")
    if not values or not schema.landmarks:
        return None
    names = keypoint_names(category, where) or schema.landmark_names
    if not isinstance(values, list) or len(values) != 3 * len(names):
        count = len(values) if isinstance(values, list) else "broken"
        raise AnnotationError(
            f"{where}: {count} numbers of keypoints for {len(names)} names -- each needs x, y and v"
        )
    table = np.array([finite(value, f"{where}: keypoints") for value in values]).reshape(-1, 3)
    for name, (_, _, seen) in zip(names, table.tolist(), strict=True):
        if seen not in {0, 1, 2}:
            raise AnnotationError(
                f"{where}: {printable(name[:40])} has the visibility {seen:g} -- 0, 1 or 2 is allowed"
            )
    unset = (table[:, 2] > 0) & (table[:, :2] == 0).all(axis=1)
    if bool(unset.any()):
        listed = ", ".join(
            printable(name[:40]) for name, at_zero in zip(names, unset, strict=True) if at_zero
        )
        options.notice(f"{where}: {listed} at 0,0, where tools put what was never placed -- taken as absent")
    seen = np.where(unset, 0, table[:, 2]).astype(np.int8)
    xy = np.where((seen > 0)[:, None], table[:, :2], np.nan)
    return Landmarks(names, xy, seen)


def _box(
    annotation: Json, outline: Outline | None, points: Landmarks | None, where: str, options: LabelOptions
) -> Box | None:
    """The box as stated, else around the shape or the points; None, once told, for one without extent."""
    placed = points is not None and bool(points.visibility.any())
    stated = annotation.get("bbox")
    if isinstance(stated, list) and len(stated) == 4:
        x, y, width, height = (finite(value, f"{where}: bbox") for value in stated)
        if min(width, height) < 0:
            raise AnnotationError(
                f"{where}: a bbox of {width:g} x {height:g} -- write left, top, width and height"
            )
        if width > 0 and height > 0:
            return x - 0.5, y - 0.5, x + width - 0.5, y + height - 0.5
        if outline is None and not placed:
            options.notice(f"{where}: a bbox of {width:g} x {height:g} encloses nothing -- passed over")
            return None
    if outline is not None:
        return outline.box
    if points is not None and placed:
        return points_box(points.xy)
    raise AnnotationError(f"{where}: has neither a bbox of four numbers nor a segmentation -- add one")


def _tell_lacking(item: Instance, schema: Schema, where: str, options: LabelOptions) -> None:
    """Tells of an instance that lacks what the schema is about."""
    if schema.task == "pose" and item.landmarks is None:
        options.notice(f"{where}: has no keypoints -- read without")
    elif schema.task == "seg" and item.outline is None:
        options.notice(f"{where}: is a bbox alone -- read without an outline")


def _shown(value: object) -> str:
    return printable(repr(value)[:40])


FORMAT = AnnotationFormat(
    name="coco",
    title="COCO JSON: boxes, polygons or run lengths, keypoints",
    keeps=frozenset(
        {"labels", "boxes", "rectangles", "landmarks", "visibility", "outlines", "holes", "scores", "order"}
        | {"readers", "groups"}
    ),
    read=read,
    write=write,
    detect=detect,
    vocabulary=vocabulary,
)
