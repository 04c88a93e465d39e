"""Scenes as LabelMe 5 opens them: one JSON per image, and per reader where there are several.

An outline with holes becomes a mask, any other its polygons; landmarks become points beside a rectangle
that carries the label. Shapes of one instance share a ``group_id``. Certainty, author, reader and group
stand under keys that LabelMe itself keeps when it saves.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import Visibility
from spinekit.core.outline import to_mask
from spinekit.core.scene import Author, Instance, Scene
from spinekit.files import write_text
from spinekit.formats.image_lookup import annotation_name
from spinekit.formats.sources import split_frame

VERSION = "5.5.0"
OWN_KEY = "spinekit"

Json = dict[str, Any]


def write(scenes: Iterable[Scene], out: Path) -> list[Path]:
    """Writes ``<image>.json`` for every scene, instances of a named reader in a folder of that name.

    Args:
        scenes: Rasters in them are not written.
        out: Folder to write below.
    """
    files: list[Path] = []
    taken: set[str] = set()
    for scene in scenes:
        name = annotation_name(scene.image, taken)
        readers = list(dict.fromkeys(item.reader for item in scene.instances)) or [None]
        for reader in readers:
            folder = out if reader is None else out / (re.sub(r"[^\w-]+", "_", reader) or "_")
            target = folder / f"{name}.json"
            content = _content(scene, reader, target.parent)
            write_text(target, json.dumps(content, ensure_ascii=False, allow_nan=False, indent=2) + "\n")
            files.append(target)
    return files


def _content(scene: Scene, reader: str | None, folder: Path) -> Json:
    image = scene.image
    members = [item for item in scene.instances if item.reader == reader]
    own: Json = {"image": image.name or image.path.name}
    own |= {"reader": reader} if reader is not None else {}
    own |= {"group": scene.group} if scene.group else {}
    return {
        "version": VERSION,
        "flags": {},
        "shapes": [shape for index, item in enumerate(members, 1) for shape in _shapes(item, index, image)],
        "imagePath": _image_path(image, folder),
        "imageData": None,
        "imageHeight": image.height,
        "imageWidth": image.width,
        OWN_KEY: own,
    }


def _image_path(image: ImageRef, folder: Path) -> str:
    """Where the image lies, seen from the annotation; its name alone where it is not at hand, or goes by another."""
    name = PurePosixPath(split_frame(image.name)[0]).name or image.path.name
    if name != image.path.name or not image.path.is_file():
        return name
    try:
        return Path(os.path.relpath(image.path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # on another drive
        return image.path.name


def _shapes(item: Instance, index: int, image: ImageRef) -> list[Json]:
    """The shapes that an instance becomes."""
    found: list[Json] = []
    if item.outline is not None and item.outline.rings:
        mask = _mask(item, image) if item.outline.holes else None
        found += [mask] if mask else [_shape(item.label, "polygon", ring) for ring in item.outline.rings]
    drawn_box = item.outline.box if found and item.outline is not None else None
    if drawn_box is None or not np.allclose(drawn_box, item.box, atol=1e-3):
        corners = np.array(item.box, dtype=np.float64).reshape(2, 2)
        found.insert(0, _shape(item.label, "rectangle", corners))
    if item.landmarks is not None:
        points = item.landmarks
        for name, xy, visibility in zip(points.names, points.xy, points.visibility, strict=True):
            if visibility != Visibility.ABSENT:
                flags = {"occluded": True} if visibility == Visibility.OCCLUDED else {}
                found.append(_shape(name, "point", xy[None]) | {"flags": flags})
    about: Json = {"group_id": index if len(found) > 1 else None}
    if item.author is Author.MODEL:
        about["author"] = Author.MODEL.value
    if item.author is Author.MODEL or item.score != 1.0:
        about["score"] = float(item.score)
    return [shape | about for shape in found]


def _shape(label: str, kind: str, xy: FloatArray) -> Json:
    """A shape with all keys of LabelMe, which counts from the outer corner of the first pixel."""
    return {
        "label": label,
        "points": (np.asarray(xy) + 0.5).round(4).tolist(),
        "group_id": None,
        "description": "",
        "shape_type": kind,
        "flags": {},
        "mask": None,
    }


def _mask(item: Instance, image: ImageRef) -> Json | None:
    """An outline as a mask of its bounds, whose points are its first and its last pixel."""
    assert item.outline is not None
    mask = to_mask(item.outline, image.height, image.width)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    top, bottom, left, right = (int(end) for end in (rows[0], rows[-1], columns[0], columns[-1]))
    stream = io.BytesIO()
    part = mask[top : bottom + 1, left : right + 1].astype(np.uint8) * 255
    PillowImage.fromarray(part).save(stream, "PNG")
    shape = _shape(item.label, "mask", np.array([[left, top], [right, bottom]]) - 0.5)
    return shape | {"mask": base64.b64encode(stream.getvalue()).decode("ascii")}
