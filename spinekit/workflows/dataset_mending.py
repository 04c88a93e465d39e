"""A corrected copy of a data set: only what is safe, every change told, the data themselves left as they are.

Safe is what no reader would do otherwise: coordinates less than a pixel outside are brought to the edge, exact
copies and shapes without area fall out, landmarks in each other's place are exchanged, ``data.yaml`` is completed.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spinekit.anatomy.exchange import Exchange, exchanged
from spinekit.anatomy.plausible_points import DOUBLED, EMPTY_SHAPE, same_instance
from spinekit.anatomy.plausible_spine import BODY_EMPTY
from spinekit.core.errors import UsageError
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.outline import Outline
from spinekit.core.scene import Box, Instance, Scene
from spinekit.formats.plugin import AnnotationFormat
from spinekit.formats.registry import annotation_format
from spinekit.workflows.check_gathering import LABELS_BROKEN, known_schema, named_schema
from spinekit.workflows.dataset_check import CheckReport, CheckSettings
from spinekit.workflows.labelled import find_labelled, read_labelled
from spinekit.workflows.yolo_mending import mend_yolo

_EDGE = 0.5
_SLIGHTLY = 1.0  # px


@dataclass(frozen=True, slots=True)
class Mended:
    """A corrected copy.

    Attributes:
        folder: Where it is.
        changes: What was changed, one line each: file, place, what.
    """

    folder: Path
    changes: tuple[str, ...]


def mend(settings: CheckSettings, report: CheckReport, out: Path | None = None) -> Mended:
    """Writes a corrected copy beside the data.

    A YOLO data set is copied whole, its images too. Other annotations are written by their own format, or as
    lines of scenes where that cannot be written.

    Args:
        settings: What was checked.
        report: What was found.
        out: Where to write; None for a folder beside the data.

    Raises:
        UsageError: If the annotations cannot be read to their end, or the folder is in use.
    """
    broken = next((item for item in report.findings if item.rule is LABELS_BROKEN), None)
    if broken is not None:
        raise UsageError(
            f"{broken.file}: {broken.place or 'labels'}: {broken.why} -- correct this before --fix"
        )
    folder = free_folder(settings.data) if out is None else out
    if os.path.lexists(folder):
        raise UsageError(f"{folder}: exists already -- name a new folder for the corrected copy")
    if report.yolo is not None:
        return Mended(folder, tuple(mend_yolo(report.yolo, report.exchanges, folder)))
    changes: list[str] = []
    form = _writer(report.format)
    if form.write is not None:
        form.write(_mended_scenes(settings, report, changes), folder)
    lost = sum(item.rule.name == "passed-over" for item in report.findings)
    if lost:
        changes.append(f"{settings.data.name}: {lost} things that reading passed over are not in the copy")
    return Mended(folder, tuple(changes))


def free_folder(data: Path) -> Path:
    """A folder beside the data that does not exist yet: ``<name>-fixed``, ``<name>-fixed-2`` ..."""
    place = data.resolve()
    stem = place.stem if place.is_file() else place.name
    names = (
        f"{stem}-fixed{suffix}" for suffix in itertools.chain([""], (f"-{n}" for n in itertools.count(2)))
    )
    return next(folder for name in names if not os.path.lexists(folder := place.parent / name))


def _writer(name: str) -> AnnotationFormat:
    form = annotation_format(name)
    return form if form.write is not None else annotation_format("scenes")


def _mended_scenes(settings: CheckSettings, report: CheckReport, changes: list[str]) -> Iterator[Scene]:
    found = find_labelled(settings.data, report.format, named_schema(settings.schema))
    found = replace(found, options=replace(found.options, images=settings.images))
    if settings.schema is None:
        known = known_schema(found.own)
        found = find_labelled(settings.data, report.format, known, found.options)
    for scene in read_labelled(found):
        mended, lines = mended_scene(scene, report.exchanges.get(scene.image.name, []))
        changes += lines
        yield mended


def mended_scene(scene: Scene, exchanges: list[Exchange]) -> tuple[Scene, list[str]]:
    """A scene with what is safe to correct corrected, and a line on each change.

    Args:
        scene: As read.
        exchanges: Landmarks to be exchanged.
    """
    orders = {exchange.instance: exchange.order for exchange in exchanges}
    kept: list[Instance] = []
    lines: list[str] = []
    for index, item in enumerate(scene.instances):
        place = f"{scene.image.name}: {item.label}"
        if _is_empty(item):
            lines.append(f"{place}: removed, it has no area ({EMPTY_SHAPE.name}, {BODY_EMPTY.name})")
            continue
        if any(item.reader == other.reader and same_instance(item, other) for other in kept):
            lines.append(f"{place}: removed, an exact copy ({DOUBLED.name})")
            continue
        ordered = item
        if index in orders and item.landmarks is not None:
            order, names = orders[index], item.landmarks.names
            ordered = replace(item, landmarks=exchanged(item.landmarks, order))
            moved = ", ".join(names[k] for k, taken in enumerate(order) if k != taken)
            lines.append(f"{place}: exchanged {moved}")
        inner = _inside(ordered, scene.image)
        if inner is not ordered:
            lines.append(f"{place}: moved by less than 1 px to the edge of the image")
        kept.append(inner)
    return replace(scene, instances=tuple(kept)), lines


def _is_empty(item: Instance) -> bool:
    if item.landmarks is not None:
        known = item.landmarks.xy[~np.isnan(item.landmarks.xy).any(axis=1)]
        return len(known) > 1 and float(np.ptp(known, axis=0).max()) == 0.0
    left, top, right, bottom = item.box
    return not (right > left and bottom > top)


def _inside(item: Instance, image: ImageRef) -> Instance:
    """The instance with what lies less than a pixel outside brought to the edge; itself where nothing does."""
    points = item.landmarks
    moved = False
    if points is not None:
        xy = to_edge(points.xy, image)
        moved = not np.array_equal(xy, points.xy, equal_nan=True)
        points = replace(points, xy=xy) if moved else points
    outline = item.outline
    if outline is not None:
        rings, holes = (
            tuple(to_edge(ring, image) for ring in part) for part in (outline.rings, outline.holes)
        )
        pairs = zip((*rings, *holes), (*outline.rings, *outline.holes), strict=True)
        if any(not np.array_equal(new, old) for new, old in pairs):
            moved, outline = True, Outline(rings, holes)
    (left, top), (right, bottom) = to_edge(np.array(item.box).reshape(2, 2), image).tolist()
    box: Box = (left, top, right, bottom)
    if not moved and box == item.box:
        return item
    return replace(item, landmarks=points, outline=outline, box=box)


def to_edge(xy: FloatArray, image: ImageRef) -> FloatArray:
    """(N, 2) points with those less than a pixel outside the image brought to its edge."""
    low, high = -_EDGE, np.array([image.width, image.height]) - _EDGE
    clipped = np.clip(xy, low, high)
    with np.errstate(invalid="ignore"):
        near = (np.abs(clipped - xy) < _SLIGHTLY).all(axis=1, keepdims=True)
    return np.asarray(np.where(near, clipped, xy))
