"""Scenes as a COCO file, written one scene at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from spinekit.core.errors import UsageError
from spinekit.core.outline import ring_area, to_mask
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.files import atomic_path
from spinekit.formats.coco_file import FILE, Json
from spinekit.formats.coco_shapes import runs_of
from spinekit.formats.sources import all_labels, label_index

CROWD = "a crowd, outlined as one"
"""The flag of an instance that is many things at once."""


def write(scenes: Iterable[Scene], out: Path) -> list[Path]:
    """Writes ``coco.json``, one scene at a time.

    Classes become categories 1, 2, ...; levels that are no classes follow. What the set's own tools ignore:
    an instance by a model has a ``score``, one of several readers a ``reader``, an image its ``group``.

    Args:
        scenes: All of one schema; rasters in them are not written.
        out: Folder to write below.

    Raises:
        UsageError: If the schemas differ.
    """
    target = out / FILE
    images: list[Json] = []
    schema: Schema | None = None
    count = 0
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write('{"annotations":[')
        for image_id, scene in enumerate(scenes, 1):
            schema = schema or scene.schema
            if scene.schema.fingerprint() != schema.fingerprint():
                raise UsageError(
                    f"{scene.image.name}: is of schema {scene.schema.name}, others of {schema.name}"
                )
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
        "iscrowd": int(CROWD in item.flags),
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
    if item.reader is not None:
        content["reader"] = item.reader
    return content


def _dumps(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
