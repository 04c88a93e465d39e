"""DICOM segmentations: binary, fractional and label maps, each frame laid on the very image it was made from.

Pixels count as everywhere in spinekit: the centre of the first one is (0, 0), and outlines run along the
edges of pixels. A fractional segment covers the pixels of which at least `THRESHOLD` is said to be in it
(occupancy) or that are in it with at least this probability. A segment's class is its SegmentLabel, or else
the vertebra of its code (SNOMED CT, or RT in older objects).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spinekit.core.errors import AnnotationError
from spinekit.core.image import BoolArray, ImageRef
from spinekit.core.scene import Absent, Author, Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.dicom_person import covariates_of, group_of
from spinekit.formats.dicom_seg_labels import name_of
from spinekit.formats.dicom_seg_object import (
    SegFrame,
    SegObject,
    frame_values,
    is_segmentation,
    open_pixels,
    read_object,
)
from spinekit.formats.dicom_seg_plan import THRESHOLD, Place, Plan, planned, rivals, tell_missing
from spinekit.formats.dicom_sources import index_sources
from spinekit.formats.level_schema import level_vocabulary
from spinekit.formats.mask_bodies import outline_at, tell_of_levels
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions, Vocabulary
from spinekit.formats.sources import in_schema_order

if TYPE_CHECKING:
    from spinekit.formats.dicom_header import ImageHeader

_LOOKED_AT = 500
_OPEN = 4


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The images that segmentations were made from, in the order of their names.

    Several segmentations of one image that name other things are one scene; where they name the same, each is
    a reader of its own, called like its file. An image that a segmentation lists but has no frame for is a
    scene without instances.

    Args:
        path: The segmentation, or a folder of them.
        schema: Names the classes; a semantic one gives rasters.
        options: The folder of the images (that of the segmentations where left out), and who is told.

    Raises:
        AnnotationError: If a segmentation is damaged, names an unknown class, or lies on no image at hand.
    """
    files = [path] if path.is_file() else list(_segmentations(path))
    if not files or (path.is_file() and not is_segmentation(path)):
        raise AnnotationError(f"{path}: holds no DICOM segmentation -- name a SEG object or a folder of them")
    sources = index_sources(options.images or (path.parent if path.is_file() else path), options.notice)
    plan = planned(files, schema, sources, options)
    opened: dict[int, ImageHeader] = {}
    salt = (path.parent if path.is_file() else path).resolve().name
    ordered = sorted(plan.on, key=lambda place: (sources.by_uid[place[0]].name, place[1] or 0))
    for uid, places in groupby(ordered, key=lambda place: place[0]):
        images = sources.references(uid)
        for place in places:
            image = _frame_of(images, place)
            if isinstance(image, Absent):
                tell_missing(image.reason, files[0], options)
            else:
                yield _scene(image, plan.on[place], plan, schema, options, opened, salt)


def detect(path: Path) -> bool:
    """Whether a file is a DICOM segmentation, or a folder holds one among its first files."""
    if path.is_file():
        return is_segmentation(path)
    return next(_segmentations(path, _LOOKED_AT), None) is not None


def vocabulary(path: Path, options: LabelOptions = AS_IT_LIES) -> Vocabulary | None:
    """The names of the segments, as levels where they are vertebrae.

    Raises:
        AnnotationError: If a segmentation is damaged.
    """
    del options
    files = [path] if path.is_file() else _segmentations(path)
    names: dict[str, None] = {}
    for file in files:
        for segment in read_object(file).segments.values():
            if segment.number:
                names[name_of(segment)] = None
    return level_vocabulary("seg", tuple(names)) if names else None


def _frame_of(images: tuple[ImageRef, ...] | Absent, place: Place) -> ImageRef | Absent:
    if isinstance(images, Absent) or len(images) == 1:
        return images if isinstance(images, Absent) else images[0]
    frame = place[1]
    if frame is None or not 0 <= frame < len(images):
        return Absent(f"{images[0].path.name}: has {len(images)} frames, and no valid one of them is named")
    return images[frame]


def _segmentations(root: Path, most: int | None = None) -> Iterator[Path]:
    """The segmentations below a folder, in the order of their names; links are not followed."""
    seen = 0
    for folder, subfolders, files in os.walk(root):
        subfolders.sort()
        for file in sorted(files):
            seen += 1
            if most is not None and seen > most:
                return
            path = Path(folder, file)
            if not path.is_symlink() and path.is_file() and is_segmentation(path):
                yield path


def _scene(
    image: ImageRef,
    frames: list[tuple[int, SegFrame]],
    plan: Plan,
    schema: Schema,
    options: LabelOptions,
    opened: dict[int, ImageHeader],
    salt: str,
) -> Scene:
    """All that lies on one image."""
    person = covariates_of(image.path, options.notice)
    scene = Scene(image, schema, group=group_of(image.path, salt), covariates=person)
    rival = rivals(frames, plan)
    instances: list[Instance] = []
    raster = Raster(np.zeros((image.height, image.width), dtype=np.uint8))
    for number, frame in frames:
        found = plan.objects[number]
        _check_size(found, image)
        values = frame_values(found, _opened(number, found, opened), frame.index)
        for segment, covered, fractions in _covered(found, frame, values):
            label = plan.labels[number].get(segment)
            if label is None:
                raise AnnotationError(
                    f"{found.path}: frame {frame.index + 1}: the value {segment} is no segment"
                )
            if schema.task == "sem":
                raster = _painted(raster, schema, label, covered, fractions, found, options.notice)
                continue
            reader = found.path.stem if rival else None
            instances.append(_instance(label, covered, fractions, found, segment, reader))
    if schema.task == "sem":
        return replace(scene, raster=raster)
    ordered = in_schema_order(instances, schema)
    if frames and not rival:
        tell_of_levels(ordered, schema, plan.objects[frames[0][0]].path, options.notice)
    if not ordered:
        options.notice(f"{image.path}: nothing is segmented in it")
    return replace(scene, instances=ordered, notes=() if ordered else ("the mask is empty",))


def _opened(number: int, found: SegObject, opened: dict[int, ImageHeader]) -> ImageHeader:
    """The object with its pixels; only the last few stay in memory."""
    if number not in opened:
        if len(opened) >= _OPEN:
            opened.pop(next(iter(opened)))
        opened[number] = open_pixels(found)
    return opened[number]


def _covered(
    found: SegObject, frame: SegFrame, values: npt.NDArray[np.integer[Any]]
) -> Iterator[tuple[int, BoolArray, npt.NDArray[np.float32] | None]]:
    """Segment, its pixels, and its fractions where it has some; segments without a pixel are left out."""
    if frame.segment is None:
        for value in np.unique(values).tolist():
            if value:
                yield value, values == value, None
        return
    fractions = None
    covered = values != 0
    if found.kind == "FRACTIONAL":
        fractions = (values / found.full).astype(np.float32)
        covered = fractions >= THRESHOLD
    if covered.any():
        yield frame.segment, covered, fractions


def _instance(
    label: str,
    covered: BoolArray,
    fractions: npt.NDArray[np.float32] | None,
    found: SegObject,
    segment: int,
    reader: str | None,
) -> Instance:
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    outline = outline_at(covered[top : rows[-1] + 1, left : columns[-1] + 1], top, left)
    automatic = found.segments[segment].algorithm == "AUTOMATIC"
    score = 1.0
    if automatic and fractions is not None and found.fraction == "PROBABILITY":
        score = min(float(fractions[covered].mean()), 1.0)
    author = Author.MODEL if automatic else Author.HUMAN
    return Instance(label, outline.box, outline, score=score, author=author, reader=reader)


def _painted(
    raster: Raster,
    schema: Schema,
    label: str,
    covered: BoolArray,
    fractions: npt.NDArray[np.float32] | None,
    found: SegObject,
    notice: Callable[[str], None],
) -> Raster:
    """A raster with one more segment; what an earlier one had covered goes to the later."""
    if raster.labels is None:
        raise AnnotationError(f"{found.path}: no raster to paint on")
    index = schema.classes.index(label)
    twice = int(np.count_nonzero(covered & (raster.labels > 0) & (raster.labels != index)))
    if twice:
        notice(
            f"{found.path}: {printable(label)} overlaps other segments in {twice} px -- the later one counts"
        )
    raster.labels[covered] = index
    last = index == len(schema.classes) - 1 and found.fraction == "PROBABILITY"
    return Raster(raster.labels, fractions if last else raster.probability)


def _check_size(found: SegObject, image: ImageRef) -> None:
    if (found.rows, found.columns) != (image.height, image.width):
        raise AnnotationError(
            f"{found.path}: is {found.columns} x {found.rows} px, its source image {image.name} "
            f"{image.width} x {image.height} -- export it on the image's own grid"
        )


FORMAT = AnnotationFormat(
    name="dicom-seg",
    title="DICOM segmentation: binary, fractional or label map",
    keeps=frozenset({"labels", "outlines", "holes", "raster", "order", "groups", "covariates"}),
    read=read,
    detect=detect,
    vocabulary=vocabulary,
)
