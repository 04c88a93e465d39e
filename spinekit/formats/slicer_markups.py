"""3D Slicer's markups: one ``<film>.mrk.json`` per film, with lists of points and closed curves.

Positions are millimetres in LPS or RAS, as each list says, on the plane where Slicer shows the film (see
`spinekit.formats.slicer_plane`). A list of points is the landmarks of one instance and bears its name; a
closed curve is a part of its outline, ``<name> hole 1`` an inner border, ``<name> box`` a bare box. ``#2``
tells a second instance of one name. A point that Slicer calls undefined was never placed: it is absent.

What no scene has a place for (lines, angles, planes, open curves) is passed over and told.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import FloatArray
from spinekit.core.landmarks import Visibility
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.files import printable, write_text
from spinekit.formats.image_lookup import annotation_name
from spinekit.formats.json_peek import peek_keys
from spinekit.formats.marks import OBJECT, Mark, MarkKind, enclosing
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions, Vocabulary
from spinekit.formats.slicer_plane import FilmPlane, film_plane
from spinekit.formats.slicer_points import (
    OCCLUDED,
    Notice,
    Placed,
    class_texts,
    files_of,
    point_marks,
    read_files,
    to_pixels,
)
from spinekit.formats.sources import finite, points_box, read_json

__all__ = ["FORMAT", "detect", "read", "vocabulary", "write"]

SUFFIX = ".mrk.json"
SCHEMA_URL = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
_LOOKED_AT = 20  # files of a folder
_NAME = re.compile(r"(?P<name>.*?)(?: #(?P<number>\d+))?(?: (?P<part>part|hole|box)(?: (?P<index>\d+))?)?")
_UNITS = frozenset({"mm", "millimeter", "millimetre"})
_ORIENTATION = [-1.0, -0.0, -0.0, -0.0, -1.0, -0.0, 0.0, 0.0, 1.0]

Json = dict[str, Any]


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The films to which markups files belong, in the order of the files' names.

    Args:
        path: A file, or a folder of them.
        schema: Names the classes and landmarks.
        options: The folder of the films (otherwise they lie beside the markups), and who is told what was
            passed over.

    Raises:
        AnnotationError: If a file is broken or does not fit the schema; the message gives list and point.
    """
    return read_files(path, SUFFIX, schema, options, _marks)


def detect(path: Path) -> bool:
    """Whether a file, or one in a folder, is a markups file."""
    if path.is_dir():
        return any(detect(item) for item in sorted(path.rglob(f"*{SUFFIX}"))[:_LOOKED_AT] if item.is_file())
    keys = peek_keys(path)
    return keys is not None and "markups" in keys.top


def vocabulary(path: Path, options: LabelOptions = AS_IT_LIES) -> Vocabulary | None:
    """Names of the lists as classes, labels of their points as landmarks in order of first mention."""
    classes: set[str] = set()
    landmarks: dict[str, None] = {}
    tasks: Counter[str] = Counter()
    for file in files_of(path, SUFFIX):
        for where, node in _nodes(file):
            points = _placed(node, where)
            if not points or _text(node, "type") not in {"Fiducial", "ClosedCurve"}:
                continue
            match = _NAME.fullmatch(_text(node, "name"))
            classes.add(match["name"].strip() if match else "")
            fiducial = _text(node, "type") == "Fiducial"
            tasks["pose" if fiducial else "detect" if match and match["part"] == "box" else "seg"] += 1
            landmarks.update((item.label, None) for item in points if fiducial and item.label)
    if not tasks:
        return None
    names = tuple(sorted(name for name in classes if name)) or (OBJECT,)
    return Vocabulary(tasks.most_common(1)[0][0], names, tuple(landmarks))


def write(scenes: Iterable[Scene], out: Path) -> list[Path]:
    """Writes ``<film>.mrk.json`` for every scene.

    Args:
        scenes: Rasters, scores and readers in them are not written.
        out: Folder to write below.
    """
    files: list[Path] = []
    taken: set[str] = set()
    for scene in scenes:
        target = out / f"{annotation_name(scene.image, taken)}{SUFFIX}"
        content = {"@schema": SCHEMA_URL, "markups": _written(scene)}
        write_text(target, json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n")
        files.append(target)
    return files


def _nodes(file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Place and content of every list in a file."""
    content = read_json(file)
    listed = content.get("markups") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise AnnotationError(f"{file}: has no list of markups -- save them from Slicer again")
    for index, node in enumerate(listed):
        where = f"{file}: markup {index}"
        if not isinstance(node, dict):
            raise AnnotationError(f"{where}: is no object -- save the markups again")
        yield where, node


def _marks(file: Path, plane: FilmPlane, schema: Schema, notice: Notice) -> list[Mark]:
    """What all lists of a file say."""
    return [mark for where, node in _nodes(file) for mark in _node_marks(node, where, plane, schema, notice)]


def _node_marks(
    node: Mapping[str, Any], where: str, plane: FilmPlane, schema: Schema, notice: Notice
) -> list[Mark]:
    kind, placed = _text(node, "type"), _placed(node, where)
    points = [item.position for item in placed if item.position is not None]
    if not points:
        return []
    unit = _text(node, "coordinateUnits") or "mm"
    if unit not in _UNITS:
        raise AnnotationError(f"{where}: its unit is {printable(unit[:20])!r} -- save it in mm")
    xy = to_pixels(points, _text(node, "coordinateSystem") or "LPS", plane, where, notice)
    match = _NAME.fullmatch(_text(node, "name"))
    name, part = (match["name"].strip(), match["part"]) if match else ("", None)
    labels = class_texts(name, schema)
    group = f"{name} #{(match and match['number']) or 1}"
    if kind == "Fiducial":
        return point_marks(placed, xy, group, labels, schema, notice)
    if kind == "ClosedCurve" or (kind == "Curve" and len(xy) > 3 and bool(np.all(xy[0] == xy[-1]))):
        ring = enclosing(xy, "curve", where, notice)
        if ring is None:
            return []
        if part != "box":
            return [Mark(where, MarkKind.RING, ring, labels=labels, group=group, hole=part == "hole")]
        corners = np.array(points_box(ring)).reshape(2, 2)
        return [Mark(where, MarkKind.BOX, corners, labels=labels, group=group)]
    notice(f"{where}: a {printable(kind[:30]) or 'list without type'} encloses nothing: passed over")
    return []


def _placed(node: Mapping[str, Any], where: str) -> list[Placed]:
    """The control points of a list."""
    listed = node.get("controlPoints", [])
    if not isinstance(listed, list):
        raise AnnotationError(f"{where}: its controlPoints are no list -- save the markups again")
    found = []
    for index, item in enumerate(listed):
        place = f"{where}: point {index}"
        if not isinstance(item, dict):
            raise AnnotationError(f"{place}: is no object -- save the markups again")
        position = None
        if item.get("positionStatus", "defined") == "defined":
            values = item.get("position")
            if not isinstance(values, list) or len(values) != 3:
                raise AnnotationError(f"{place}: its position is no list of three numbers -- place it again")
            x, y, z = (finite(value, place) for value in values)
            position = (x, y, z)
        found.append(Placed(place, _text(item, "label"), position, _text(item, "description")))
    return found


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value.strip() if isinstance(value, str) else ""


def _written(scene: Scene) -> list[Json]:
    """The lists of a scene; an empty one where it holds nothing, since Slicer wants one."""
    plane = film_plane(scene.image)
    counts: Counter[str] = Counter()
    nodes: list[Json] = []
    for item in scene.instances:
        counts[item.label] += 1
        number = f" #{counts[item.label]}" if counts[item.label] > 1 else ""
        nodes += _instance_nodes(item, f"{item.label}{number}", plane)
    return nodes or [_node("Fiducial", "empty", [])]


def _instance_nodes(item: Instance, name: str, plane: FilmPlane) -> Iterator[Json]:
    if item.landmarks is not None:
        points = item.landmarks
        absent = points.visibility == Visibility.ABSENT
        world = plane.to_world(np.where(absent[:, None], 0.0, points.xy))
        occluded = points.visibility == Visibility.OCCLUDED
        yield _node(
            "Fiducial",
            name,
            [
                _point(index, label, position, "" if gone else "defined", OCCLUDED if hidden else "")
                for index, (label, position, gone, hidden) in enumerate(
                    zip(points.names, world, absent.tolist(), occluded.tolist(), strict=True), 1
                )
            ],
        )
    rings: list[tuple[str, FloatArray]] = []
    if item.outline is not None:
        parts = enumerate(item.outline.rings, 1)
        rings = [(name if index == 1 else f"{name} part {index}", ring) for index, ring in parts]
        rings += [(f"{name} hole {index}", hole) for index, hole in enumerate(item.outline.holes, 1)]
    elif item.landmarks is None:
        left, top, right, bottom = item.box
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        rings = [(f"{name} box", corners)]
    for called, ring in rings:
        world = plane.to_world(np.asarray(ring))
        numbered = enumerate(world, 1)
        yield _node(
            "ClosedCurve", called, [_point(i, f"{called}-{i}", at, "defined", "") for i, at in numbered]
        )


def _node(kind: str, name: str, points: list[Json]) -> Json:
    return {
        "type": kind,
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": False,
        "fixedNumberOfControlPoints": False,
        "labelFormat": "%N-%d",
        "lastUsedControlPointNumber": len(points),
        "name": name,
        "controlPoints": points,
    }


def _point(index: int, label: str, position: FloatArray, status: str, description: str) -> Json:
    return {
        "id": str(index),
        "label": label,
        "description": description,
        "associatedNodeID": "",
        "position": [round(float(value), 6) for value in position],
        "orientation": _ORIENTATION,
        "selected": True,
        "locked": False,
        "visibility": True,
        "positionStatus": status or "undefined",
    }


FORMAT = AnnotationFormat(
    name="slicer",
    title="3D Slicer markups: one .mrk.json per film with points and closed curves",
    keeps=frozenset({"labels", "rectangles", "landmarks", "visibility", "outlines", "holes", "order"}),
    read=read,
    write=write,
    detect=detect,
    vocabulary=vocabulary,
)
