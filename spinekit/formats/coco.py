"""COCO: one JSON of images, categories and annotations with boxes, polygons or runs, and keypoints.

Boxes and polygons count from the outer edge of the first pixel, as the set's own tools draw them, so half
a pixel is added; keypoints are pixel indices and stay as they are. A shape with holes is written as
uncompressed run lengths, column by column; compressed ones are read too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.outline import ring_area, to_mask
from spinekit.core.scene import Absent, Author, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.files import atomic_path, printable
from spinekit.formats.coco_shapes import outline_of, runs_of
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions
from spinekit.formats.sources import (
    all_labels,
    class_label,
    finite,
    image_folder,
    in_schema_order,
    label_index,
    read_json,
)

FILE = "coco.json"
Json = dict[str, Any]


def write(scenes: Iterable[Scene], out: Path) -> list[Path]:
    """Writes ``coco.json``, one scene at a time.

    Classes become categories 1, 2, ...; levels that are no classes follow. An instance by a model has a
    ``score``, which the set's own tools ignore.

    Args:
        scenes: All of one schema; rasters in them are not written.
        out: Folder to write below.
    """
    target = out / FILE
    images: list[Json] = []
    schema: Schema | None = None
    count = 0
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write('{"annotations":[')
        for image_id, scene in enumerate(scenes, 1):
            schema = schema or scene.schema
            images.append(_image(scene, image_id))
            for item in scene.instances:
                count += 1
                annotation = _annotation(item, scene) | {"id": count, "image_id": image_id}
                stream.write(f"{',' if count > 1 else ''}\n{_dumps(annotation)}")
        categories = [] if schema is None else _categories(schema)
        info = {"description": "written by spinekit; for research, not a medical device", "version": "1.0"}
        stream.write(f'\n],"images":{_dumps(images)},"categories":{_dumps(categories)},')
        stream.write(f'"info":{_dumps(info)},"licenses":[]}}\n')
    return [target]


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The images of the file that lie in the image folder, in its order.

    Args:
        path: The JSON file, or a folder that holds a single one.
        schema: Names the classes and landmarks.
        options: The folder of the images, and who is told what was passed over.

    Raises:
        AnnotationError: If the file is broken or does not fit the schema; the message names the id.
    """
    path, images = _places(path, options.images)
    content = _content(path)
    folder = image_folder(images)
    categories = _by_id(content["categories"], f"{path}: categories")
    listed = _by_id(content["images"], f"{path}: images")
    by_image: dict[object, list[Json]] = {key: [] for key in listed}
    for key, annotation in _by_id(content["annotations"], f"{path}: annotations").items():
        owner = annotation.get("image_id")
        if not isinstance(owner, int | str) or owner not in by_image:
            raise AnnotationError(
                f"{path}: annotation {key} belongs to image {printable(repr(owner)[:40])}, which is "
                "not listed -- add the image or remove the annotation"
            )
        by_image[owner].append(annotation)
    for key, entry in listed.items():
        image = folder.find(_file_name(entry, path))
        if isinstance(image, Absent):
            continue
        _check_size(entry, image, path)
        found = [
            _instance(item, categories, schema, image, f"{path}: annotation {item['id']}")
            for item in by_image[key]
        ]
        yield Scene(image, schema, in_schema_order(found, schema), group=str(entry.get("group", "")))


def left_out(path: Path, images: Path | None = None) -> tuple[str, ...]:
    """Why which images of the file are not read, one line each."""
    path, images = _places(path, images)
    folder = image_folder(images)
    found = (folder.find(_file_name(entry, path)) for entry in _content(path)["images"])
    return tuple(image.reason for image in found if isinstance(image, Absent))


def _image(scene: Scene, image_id: int) -> Json:
    entry: Json = {
        "id": image_id,
        "file_name": scene.image.name or scene.image.path.name,
        "width": scene.image.width,
        "height": scene.image.height,
    }
    return entry | ({"group": scene.group} if scene.group else {})


def _categories(schema: Schema) -> list[Json]:
    names = list(schema.landmark_names)
    points: Json = {}
    if names:
        # The skeleton counts keypoints from 1.
        skeleton = [[names.index(one) + 1, names.index(other) + 1] for one, other in schema.edges]
        points = {"keypoints": names, "skeleton": skeleton}
    return [
        {"id": index, "name": label, "supercategory": schema.name} | points
        for index, label in enumerate(all_labels(schema), 1)
    ]


def _annotation(item: Instance, scene: Scene) -> Json:
    left, top, right, bottom = (float(value) for value in item.box)
    content: Json = {
        "category_id": label_index(item.label, scene.schema) + 1,
        "bbox": [left + 0.5, top + 0.5, right - left, bottom - top],
        "area": (right - left) * (bottom - top),
        "iscrowd": 0,
    }
    outline = item.outline
    if outline is not None and outline.rings:
        if outline.holes:
            mask = to_mask(outline, scene.image.height, scene.image.width)
            content["segmentation"] = {
                "size": [scene.image.height, scene.image.width],
                "counts": runs_of(mask),
            }
            content["area"] = int(mask.sum())
        else:
            content["segmentation"] = [(ring + 0.5).round(4).ravel().tolist() for ring in outline.rings]
            content["area"] = float(sum(abs(ring_area(ring)) for ring in outline.rings))
    if item.landmarks is not None:
        points = item.landmarks
        rows = np.column_stack([np.nan_to_num(points.xy, nan=0.0).round(4), points.visibility])
        content["keypoints"] = [
            int(value) if value.is_integer() else value for value in rows.ravel().tolist()
        ]
        content["num_keypoints"] = int(np.count_nonzero(points.visibility))
    if item.author is Author.MODEL or item.score != 1.0:
        content["score"] = float(item.score)
    return content


def _places(path: Path, images: Path | None) -> tuple[Path, Path]:
    """The JSON file and the folder of the images."""
    if path.is_dir():
        found = [path / FILE] if (path / FILE).is_file() else sorted(path.glob("*.json"))
        if len(found) != 1:
            raise AnnotationError(f"{path}: holds {len(found)} JSON files -- name the one to read")
        path = found[0]
    if images is None:
        beside = path.parent / "images"
        images = beside if beside.is_dir() else path.parent
    return path, images


def _content(path: Path) -> Json:
    content = read_json(path)
    if not isinstance(content, dict):
        raise AnnotationError(f"{path}: is no COCO file, which is an object -- export it again")
    for part in ("images", "annotations", "categories"):
        if not isinstance(content.get(part), list):
            raise AnnotationError(f"{path}: has no list of {part} -- this is no COCO file")
    return content


def _by_id(entries: list[Any], where: str) -> dict[object, Json]:
    listed: dict[object, Json] = {}
    for index, entry in enumerate(entries):
        key = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(key, int | str):
            raise AnnotationError(f"{where}: entry {index} has no id -- export the file again")
        if key in listed:
            raise AnnotationError(f"{where}: the id {key!r} occurs twice -- give each its own")
        listed[key] = entry
    return listed


def _file_name(entry: Mapping[str, Any], path: Path) -> str:
    name = entry.get("file_name")
    if not isinstance(name, str):
        raise AnnotationError(f"{path}: image {entry.get('id')!r} has no file_name -- add it")
    return name


def _check_size(entry: Json, image: ImageRef, path: Path) -> None:
    stated = entry.get("width", image.width), entry.get("height", image.height)
    if stated != (image.width, image.height):
        raise AnnotationError(
            f"{path}: image {entry['id']} is {stated[0]} x {stated[1]} px by the file, but {image.name} is "
            f"{image.width} x {image.height} -- annotate the image at its own size"
        )


def _instance(
    annotation: Json, categories: Mapping[object, Json], schema: Schema, image: ImageRef, where: str
) -> Instance:
    kind = annotation.get("category_id")
    category = categories.get(kind) if isinstance(kind, int | str) else None
    if category is None:
        raise AnnotationError(
            f"{where}: category {printable(repr(kind)[:40])} is not listed -- add it to categories"
        )
    single = len(schema.classes) == 1 and len(categories) == 1
    label = schema.classes[0] if single else class_label(str(category.get("name", "")), schema, where)
    outline = outline_of(annotation.get("segmentation"), image, where)
    points = _landmarks(annotation, category, schema, where)
    box = annotation.get("bbox")
    if isinstance(box, list) and len(box) == 4:
        x, y, width, height = (finite(value, f"{where}: bbox") for value in box)
        edges = (x - 0.5, y - 0.5, x + width - 0.5, y + height - 0.5)
    elif outline is not None:
        edges = outline.box
    else:
        raise AnnotationError(f"{where}: has neither a bbox of four numbers nor a segmentation -- add one")
    score = annotation.get("score")
    author = Author.HUMAN if score is None else Author.MODEL
    certainty = 1.0 if score is None else finite(score, f"{where}: score")
    flags = ("a crowd, outlined as one",) if annotation.get("iscrowd") == 1 else ()
    return Instance(label, edges, outline, points, certainty, author, flags=flags)


def _landmarks(annotation: Json, category: Json, schema: Schema, where: str) -> Landmarks | None:
    """The keypoints in the schema's order; those that the file does not know are absent."""
    values = annotation.get("keypoints")
    if not values or not schema.landmarks:
        return None
    stated = category.get("keypoints") or list(schema.landmark_names)
    if not isinstance(values, list) or not isinstance(stated, list) or len(values) != 3 * len(stated):
        counts = [len(part) if isinstance(part, list) else "broken" for part in (values, stated)]
        raise AnnotationError(
            f"{where}: {counts[0]} numbers of keypoints for {counts[1]} names -- each needs x, y and v"
        )
    names = schema.landmark_names
    xy = np.full((len(names), 2), np.nan)
    visibility = np.zeros(len(names), dtype=np.int8)
    for index, name in enumerate(stated):
        resolved = schema.resolve(str(name).strip())
        if resolved is None:
            raise AnnotationError(
                f"{where}: {printable(str(name)[:40])!r} is no landmark of {schema.name} -- "
                f"allowed: {', '.join(names)}"
            )
        x, y, v = (finite(value, f"{where}: {name}") for value in values[3 * index : 3 * index + 3])
        if v not in {0, 1, 2}:
            raise AnnotationError(f"{where}: {name} has the visibility {v:g} -- 0, 1 or 2 is allowed")
        if v and (x or y):  # 0,0 is how tools write a point that was never placed
            place = names.index(resolved)
            xy[place], visibility[place] = (x, y), int(Visibility(int(v)))
    return Landmarks(names, xy, visibility)


def _dumps(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


FORMAT = AnnotationFormat(
    name="coco",
    title="COCO JSON: boxes, polygons or run lengths, keypoints",
    keeps=frozenset({"labels", "boxes", "landmarks", "visibility", "outlines", "holes", "scores", "order"}),
    read=read,
    write=write,
)
