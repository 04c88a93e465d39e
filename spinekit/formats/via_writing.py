"""Scenes as the VGG Image Annotator 2 opens them: a CSV and a JSON to import, and a whole project.

A landmark becomes a point that names its instance and itself, a shape becomes polygons, and an instance
that has neither becomes its rectangle. The annotator knows a file by its name and its size in bytes, so
the true size is written, and -1 where the file is not at hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.landmarks import Visibility
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.files import atomic_path
from spinekit.formats.sources import all_labels, safe_cell

COLUMNS = (
    "filename",
    "file_size",
    "file_attributes",
    "region_count",
    "region_id",
    "region_shape_attributes",
    "region_attributes",
)
CSV_FILE = "via_annotations.csv"
PROJECT_FILE = "via_project.json"
JSON_FILE = "via_region_data.json"
_DATA_FORMAT = "2.0.10"
_SETTINGS = {
    "ui": {
        "annotation_editor_height": 25,
        "annotation_editor_fontsize": 0.8,
        "leftsidebar_width": 18,
        "image_grid": {
            "img_height": 80,
            "rshape_fill": "none",
            "rshape_fill_opacity": 0.3,
            "rshape_stroke": "yellow",
            "rshape_stroke_width": 2,
            "show_region_shape": True,
            "show_image_policy": "all",
        },
        "image": {
            "region_label": "label",
            "region_color": "label",
            "region_label_font": "10px Sans",
            "on_image_annotation_editor_placement": "NEAR_REGION",
        },
    },
    "core": {"buffer_size": 18, "filepath": {}, "default_filepath": ""},
    "project": {"name": "spinekit"},
}

Json = dict[str, Any]


def write(scenes: Iterable[Scene], out: Path) -> list[Path]:
    """Writes ``via_annotations.csv``, ``via_project.json`` and ``via_region_data.json``, scene by scene.

    Args:
        scenes: Rasters in them are not written; see ``FORMAT.keeps`` of `spinekit.formats.via`.
        out: Folder to write below.
    """
    table, project, plain = out / CSV_FILE, out / PROJECT_FILE, out / JSON_FILE
    ids: list[str] = []
    schema: Schema | None = None
    with (
        atomic_path(table) as csv_temporary,
        atomic_path(project) as json_temporary,
        atomic_path(plain) as plain_temporary,
        csv_temporary.open("w", encoding="utf-8", newline="") as rows,
        json_temporary.open("w", encoding="utf-8", newline="\n") as members,
        plain_temporary.open("w", encoding="utf-8", newline="\n") as regions,
    ):
        # The annotator takes the header only to the letter, and lines that end in a line feed.
        rows.write(f"#{','.join(COLUMNS)}\n")
        regions.write("{")
        members.write(f'{{"_via_settings":{_dumps(_SETTINGS)},"_via_img_metadata":{{\n')
        for scene in scenes:
            schema = schema or scene.schema
            entry = _entry(scene)
            for row in _csv_rows(entry):
                rows.write(f"{row}\n")
            key = f"{entry['filename']}{entry['size']}"
            separator = ",\n" if ids else ""
            member = f"{separator}{_dumps(key)}:{_dumps(entry)}"
            members.write(member)
            regions.write(member)
            ids.append(key)
        members.write(f'\n}},"_via_attributes":{_dumps(_attributes(schema))},')
        members.write(f'"_via_data_format_version":"{_DATA_FORMAT}","_via_image_id_list":{_dumps(ids)}}}\n')
        regions.write("}\n")
    return [table, project, plain]


def _entry(scene: Scene) -> Json:
    """One file with its regions, as both files hold it."""
    try:
        size = scene.image.path.stat().st_size
    except OSError:
        size = -1
    regions = [
        {"shape_attributes": shape, "region_attributes": attributes}
        for index, item in enumerate(scene.instances, 1)
        for shape, attributes in _regions(item, index)
    ]
    return {
        "filename": scene.image.name or scene.image.path.name,
        "size": size,
        "regions": regions,
        "file_attributes": {"group": scene.group} if scene.group else {},
    }


def _regions(item: Instance, index: int) -> Iterator[tuple[Json, Json]]:
    """Shape and attributes of every region that an instance becomes."""
    common: Json = {"label": item.label, "instance": str(index)}
    if item.author is Author.MODEL:
        common["author"] = Author.MODEL.value
    if item.reader is not None:
        common["reader"] = item.reader
    if item.author is Author.MODEL or item.score != 1.0:
        common["score"] = repr(float(item.score))
    drawn = False
    if item.outline is not None:
        for ring in item.outline.rings:
            yield _polygon(ring), common
            drawn = True
        for hole in item.outline.holes:
            yield _polygon(hole), common | {"part": "hole"}
    if item.landmarks is not None:
        points = item.landmarks
        for name, (x, y), visibility in zip(points.names, points.xy, points.visibility, strict=True):
            if visibility != Visibility.ABSENT:
                seen: Json = {"visibility": "occluded"} if visibility == Visibility.OCCLUDED else {}
                shape = {"name": "point", "cx": _number(x), "cy": _number(y)}
                yield shape, common | {"landmark": name} | seen
                drawn = True
    if not drawn:
        left, top, right, bottom = (_number(value) for value in item.box)
        width, height = _number(right - left), _number(bottom - top)
        yield {"name": "rect", "x": left, "y": top, "width": width, "height": height}, common


def _polygon(ring: FloatArray) -> Json:
    xs, ys = ([_number(value) for value in axis] for axis in np.asarray(ring).T)
    return {"name": "polygon", "all_points_x": xs, "all_points_y": ys}


def _number(value: float) -> float | int:
    """A coordinate to a ten-thousandth of a pixel, whole ones without a fraction."""
    rounded = round(float(value), 4)
    return int(rounded) if rounded.is_integer() else rounded


def _csv_rows(entry: Json) -> Iterator[str]:
    name, size, regions = _name_cell(entry["filename"]), entry["size"], entry["regions"]
    about = _json_cell(entry["file_attributes"])
    if not regions:
        yield f'{name},{size},{about},0,0,"{{}}","{{}}"'
    for index, region in enumerate(regions):
        shape, attributes = (_json_cell(region[key]) for key in ("shape_attributes", "region_attributes"))
        yield f"{name},{size},{about},{len(regions)},{index},{shape},{attributes}"


def _name_cell(name: str) -> str:
    """A file name, in quotes only where it must be: the annotator takes quotes for part of the name."""
    name = safe_cell(name)
    doubled = name.replace('"', '""')
    return f'"{doubled}"' if any(sign in name for sign in ',"\r\n') else name


def _json_cell(content: Json) -> str:
    doubled = _dumps(content).replace('"', '""')
    return f'"{doubled}"'


def _attributes(schema: Schema | None) -> Json:
    """What the annotator offers to choose from."""
    if schema is None:
        return {"region": {}, "file": {}}
    region: Json = {"label": _choice("class or level", all_labels(schema))}
    if schema.landmarks:
        region["landmark"] = _choice("name of the point", schema.landmark_names)
    for name, words in (
        ("instance", "regions of one number belong together"),
        ("part", "'hole' for an inner border"),
        ("score", "the model's certainty"),
        ("author", "human or model"),
        ("visibility", "'occluded' for a point that is not seen but known"),
    ):
        region[name] = {"type": "text", "description": words, "default_value": ""}
    group = {"type": "text", "description": "what stays together in a split", "default_value": ""}
    return {"region": region, "file": {"group": group}}


def _choice(words: str, options: Iterable[str]) -> Json:
    return {
        "type": "dropdown",
        "description": words,
        "options": {option: option for option in options},
        "default_options": {},
    }


def _dumps(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
