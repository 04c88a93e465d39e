"""One line of an Ultralytics label file: written so that the library takes it, and read back.

The library counts from the outer edge of the first pixel, so a pixel's centre lies at (x + 0.5) / W.
It drops a whole image, with a line in its log, for one row that it does not like; hence the care.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.outline import Outline, ring_area
from spinekit.core.scene import Box, Instance
from spinekit.core.schema import Schema
from spinekit.formats.rings import bridged, clipped, unbridged
from spinekit.formats.sources import class_label, number, split_frame

_BOX_TOKENS = 5
_LEAST_AREA = 1e-6  # px^2; what encloses less encloses nothing


def pose_row(class_id: int, box: Box, points: Landmarks, image: ImageRef) -> tuple[str, int]:
    """A pose row: class, box, then x y v for every landmark.

    A point outside the image is written as absent (``0 0 0``): the library has no place for it, and
    moved to the border it would teach a wrong position.

    Args:
        class_id: Index of the class.
        box: Left, top, right, bottom in px; clipped to the image.
        points: All landmarks of the schema, in its order.
        image: For its size.

    Returns:
        The row, and how many present points lay outside.
    """
    size = np.array([image.width, image.height], dtype=np.float64)
    unit = (points.xy + 0.5) / size
    present = points.visibility != Visibility.ABSENT
    with np.errstate(invalid="ignore"):
        within = present & (unit >= 0).all(axis=1) & (unit <= 1).all(axis=1)
    tokens = [_token(value) for value in _unit_box(box, image)]
    for (x, y), visibility, seen in zip(unit, points.visibility, within, strict=True):
        tokens += [_token(x), _token(y), str(int(visibility))] if seen else ["0", "0", "0"]
    return f"{class_id} {' '.join(tokens)}", int(np.count_nonzero(present & ~within))


def seg_row(class_id: int, outline: Outline, image: ImageRef) -> str | None:
    """A segmentation row: class and one polygon, with bridges to further parts and holes.

    Args:
        class_id: Index of the class.
        outline: The shape, px; what lies outside the image is cut off.
        image: For its size.

    Returns:
        The row; None where nothing is left within the image.
    """
    ring = clipped(bridged(outline), image.height, image.width)
    if len(ring) < 3 or abs(ring_area(ring)) < _LEAST_AREA:
        return None
    unit = (ring + 0.5) / np.array([image.width, image.height])
    return f"{class_id} {' '.join(_token(value) for value in np.clip(unit, 0.0, 1.0).ravel())}"


def points_box(points: Landmarks, image: ImageRef, margin: float) -> Box | None:
    """The box that an instance of landmarks alone is given.

    Args:
        points: Landmarks of one instance.
        image: For its size; points outside do not count.
        margin: Added on every side, as a part of the mean of width and height.

    Returns:
        Left, top, right, bottom in px, at least one pixel wide; None where no point lies in the image.
    """
    xy = points.xy[points.visibility != Visibility.ABSENT]
    size = np.array([image.width, image.height])
    xy = xy[((xy >= -0.5) & (xy <= size - 0.5)).all(axis=1)]
    if len(xy) == 0:
        return None
    low, high = xy.min(axis=0), xy.max(axis=0)
    room = max(margin * float((high - low).mean()), 0.5)
    return float(low[0] - room), float(low[1] - room), float(high[0] + room), float(high[1] + room)


def parse_row(line: str, place: str, names: dict[int, str], schema: Schema, image: ImageRef) -> Instance:
    """The instance that a row describes: of a pose, a polygon or a plain box.

    Args:
        line: The row.
        place: File and line, for messages.
        names: Class names by index.
        schema: Says by its task what the columns mean.
        image: For its size.

    Raises:
        AnnotationError: If the row does not fit; the message gives file, line and what is expected.
    """
    tokens = line.split()
    if "," in line:
        raise AnnotationError(f"{place}: holds a comma -- separate by blanks, write decimals with a point")
    values = [number(token, place) for token in tokens]
    class_id = int(values[0])
    if class_id != values[0] or class_id not in names:
        raise AnnotationError(
            f"{place}: class {tokens[0]} is not known -- classes go from 0 to {len(names) - 1}"
        )
    label = class_label(names[class_id], schema, place)
    pose = schema.task == "pose"
    _check_parts(values[1:_BOX_TOKENS] if pose else values[1:], place)
    if len(values) == _BOX_TOKENS:
        return Instance(label, _box(values[1:], image))
    if pose:
        points = _points(values[_BOX_TOKENS:], place, schema, image)
        return Instance(label, _box(values[1:_BOX_TOKENS], image), landmarks=points)
    if len(values) < 7 or len(values) % 2 == 0:
        raise AnnotationError(
            f"{place}: {len(values)} values -- a polygon needs a class and pairs of x and y"
        )
    ring = _pixels(np.array(values[1:]).reshape(-1, 2), image)
    if abs(ring_area(ring)) < _LEAST_AREA:
        raise AnnotationError(f"{place}: the polygon encloses nothing -- remove the row")
    outline = unbridged(ring)
    return Instance(label, outline.box, outline)


def label_path(labels: Path, name: str) -> Path:
    """Where the label file of an image lies: its relative name below ``labels`` with ``.txt``.

    A frame keeps its number: ``x.dcm#3`` has the labels ``x#3.txt``.
    """
    file, frame = split_frame(name)
    stem = (labels / file).with_suffix("")
    return stem.with_name(f"{stem.name}{frame}.txt")


def _points(values: list[float], place: str, schema: Schema, image: ImageRef) -> Landmarks:
    names = schema.landmark_names
    columns = len(values) / len(names)
    if columns not in {2, 3}:
        raise AnnotationError(
            f"{place}: {len(values)} numbers of keypoints -- {schema.name} has {len(names)} landmarks with "
            "x y v each"
        )
    table = np.array(values).reshape(len(names), -1)
    visibility = table[:, 2] if columns == 3 else np.where((table[:, :2] > 0).all(axis=1), 2.0, 0.0)
    if not bool(np.isin(visibility, (0, 1, 2)).all()):
        raise AnnotationError(f"{place}: a visibility other than 0, 1 or 2 -- correct it")
    _check_parts(table[:, :2].ravel().tolist(), place)
    xy = _pixels(table[:, :2], image)
    xy[visibility == 0] = np.nan
    return Landmarks(names, xy, np.asarray(visibility, dtype=np.int8))


def _check_parts(values: list[float], place: str) -> None:
    """Refuses what is no part of the image's width or height; 1 % over is what the library bears."""
    if values and not -0.01 <= min(values) <= max(values) <= 1.01:
        raise AnnotationError(
            f"{place}: a coordinate of {min(values) if min(values) < 0 else max(values):g} is outside 0..1 "
            "-- divide x by the image's width, y by its height"
        )


def _unit_box(box: Box, image: ImageRef) -> tuple[float, float, float, float]:
    """Centre and size of a box clipped to the image, as parts of it."""
    left, right = (min(max((x + 0.5) / image.width, 0.0), 1.0) for x in (box[0], box[2]))
    top, bottom = (min(max((y + 0.5) / image.height, 0.0), 1.0) for y in (box[1], box[3]))
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


def _box(values: list[float], image: ImageRef) -> Box:
    x, y, width, height = values
    return (
        (x - width / 2) * image.width - 0.5,
        (y - height / 2) * image.height - 0.5,
        (x + width / 2) * image.width - 0.5,
        (y + height / 2) * image.height - 0.5,
    )


def _pixels(unit: FloatArray, image: ImageRef) -> FloatArray:
    return unit * np.array([image.width, image.height], dtype=np.float64) - 0.5


def _token(value: float) -> str:
    """Seven decimals: 0.0004 px on a film of 4000 px."""
    return f"{value:.7f}"
