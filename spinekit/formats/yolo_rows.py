"""One line of an Ultralytics label file: written so that the library takes it, and read back.

The library counts from the outer edge of the first pixel, so a pixel's centre lies at (x + 0.5) / W.
It drops a whole image, with a line in its log, for one row that it does not like; hence the care.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.outline import Outline
from spinekit.core.scene import Box, Instance
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.passed_over import shape_within, tell_points_outside
from spinekit.formats.plugin import AS_IT_LIES, LabelOptions
from spinekit.formats.rings import bridged, encloses_nothing, unbridged, within
from spinekit.formats.sources import class_label, number
from spinekit.formats.yolo_settings import DataSettings, class_names

_BOX_TOKENS = 5


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
        inside = present & (unit >= 0).all(axis=1) & (unit <= 1).all(axis=1)
    tokens = [_token(value) for value in _unit_box(box, image)]
    for (x, y), visibility, seen in zip(unit, points.visibility, inside, strict=True):
        tokens += [_token(x), _token(y), str(int(visibility))] if seen else ["0", "0", "0"]
    return f"{class_id} {' '.join(tokens)}", int(np.count_nonzero(present & ~inside))


def seg_row(class_id: int, outline: Outline, image: ImageRef) -> str | None:
    """A segmentation row: class and one polygon, with bridges to further parts and holes.

    Args:
        class_id: Index of the class.
        outline: The shape, px; what lies outside the image is cut off.
        image: For its size.

    Returns:
        The row; None where nothing is left within the image.
    """
    inner = within(outline, image.height, image.width)
    if inner is None or all(encloses_nothing(ring) for ring in inner.rings):
        return None
    unit = (bridged(inner) + 0.5) / np.array([image.width, image.height])
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


def box_row(class_id: int, box: Box, image: ImageRef) -> str | None:
    """A detection row: class and box; None where nothing of the box lies within the image."""
    unit = _unit_box(box, image)
    return None if min(unit[2:]) <= 0 else f"{class_id} {' '.join(_token(value) for value in unit)}"


@dataclass(frozen=True, slots=True)
class RowMeaning:
    """What the columns of a data set's rows mean.

    Attributes:
        names: Class names by number.
        schema: Names the classes and landmarks.
        keypoints: Points a row; 0 for boxes and polygons.
        columns: Numbers a point, 0 where 2 and 3 are both possible.
        points: By class number, for each point of a row its landmark; missing for the schema's order.
    """

    names: Mapping[int, str]
    schema: Schema
    keypoints: int = 0
    columns: int = 0
    points: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


def meaning_of(settings: DataSettings, schema: Schema) -> RowMeaning:
    """What rows mean: poses where the settings say so or only the schema speaks, otherwise boxes or polygons.

    Raises:
        AnnotationError: If the points of the settings are not those of the schema.
    """
    names = class_names(settings, schema)
    if not settings.keypoints:
        posed = schema.task == "pose"
        return RowMeaning(names, schema, len(schema.landmarks) if posed else 0)
    if schema.landmarks and not settings.keypoint_names and settings.keypoints != len(schema.landmarks):
        raise AnnotationError(
            f"{settings.path}: kpt_shape has {settings.keypoints} points, {schema.name} {len(schema.landmarks)} "
            "landmarks -- name the schema of these points, or add kpt_names"
        )
    points: dict[int, tuple[str, ...]] = {}
    for class_id, listed in settings.keypoint_names.items() if schema.landmarks else ():
        found = {name: schema.resolve(name.strip()) for name in listed}
        unknown = next((name for name, landmark in found.items() if landmark is None), None)
        if unknown is not None:
            raise AnnotationError(
                f"{settings.path}: kpt_names: {printable(unknown[:40])!r} is no landmark of {schema.name} -- "
                f"allowed: {', '.join(schema.landmark_names)}"
            )
        points[class_id] = tuple(str(landmark) for landmark in found.values())
    return RowMeaning(names, schema, settings.keypoints, settings.columns, points)


def parse_row(
    line: str, place: str, meaning: RowMeaning, image: ImageRef, options: LabelOptions = AS_IT_LIES
) -> Instance | None:
    """The instance that a row describes: of a pose, a polygon or a plain box.

    A box with an angle comes as its four corners, which make a polygon like any other.

    Args:
        line: The row.
        place: File and line, for messages.
        meaning: What its columns mean.
        image: For its size.
        options: Says who is told of what is clipped or passed over.

    Returns:
        The instance; None, once told, for one without extent or outside the image.

    Raises:
        AnnotationError: If the row does not fit; the message gives file, line and what is expected.
    """
    tokens = line.split()
    if "," in line:
        raise AnnotationError(f"{place}: holds a comma -- separate by blanks, write decimals with a point")
    values = [number(token, place) for token in tokens]
    class_id = int(values[0])
    if class_id != values[0] or class_id not in meaning.names:
        raise AnnotationError(
            f"{place}: class {printable(tokens[0][:20])} is not known -- classes go from 0 to "
            f"{len(meaning.names) - 1}"
        )
    label = class_label(meaning.names[class_id], meaning.schema, place)
    pose = meaning.keypoints > 0
    _check_parts(values[1:_BOX_TOKENS] if pose else values[1:], place)
    if len(values) == _BOX_TOKENS and not meaning.columns:
        if min(values[3:]) <= 0:
            options.notice(f"{place}: the box is {values[3]:g} x {values[4]:g} of the image -- passed over")
            return None
        return Instance(label, _box(values[1:], image))
    if pose:
        points = _points(values, place, meaning, image)
        if points is not None:
            tell_points_outside(points, image, place, options)
        return Instance(label, _box(values[1:_BOX_TOKENS], image), landmarks=points)
    if len(values) < 7 or len(values) % 2 == 0:
        raise AnnotationError(
            f"{place}: {len(values)} values -- 5 make a box, a polygon needs a class and pairs of x and y"
        )
    ring = _pixels(np.array(values[1:]).reshape(-1, 2), image)
    outline = shape_within(unbridged(ring), image, place, options)
    return None if outline is None else Instance(label, outline.box, outline)


def _points(values: list[float], place: str, meaning: RowMeaning, image: ImageRef) -> Landmarks | None:
    """The points of a row in the schema's order; None where the schema has no landmarks."""
    given = len(values) - _BOX_TOKENS
    count, columns = meaning.keypoints, given / meaning.keypoints
    if columns not in ({meaning.columns} if meaning.columns else {2, 3}):
        wanted = f"{meaning.columns} numbers" if meaning.columns else "x y v"
        raise AnnotationError(
            f"{place}: {given} numbers of keypoints -- {count} points need {wanted} each, after class and box"
        )
    table = np.array(values[_BOX_TOKENS:]).reshape(count, -1)
    seen = table[:, 2] if columns == 3 else np.where((table[:, :2] > 0).all(axis=1), 2.0, 0.0)
    if not bool(np.isin(seen, (0, 1, 2)).all()):
        raise AnnotationError(f"{place}: a visibility other than 0, 1 or 2 -- correct it")
    _check_parts(table[:, :2].ravel().tolist(), place)
    names = meaning.schema.landmark_names
    if not names:
        return None
    order = [names.index(name) for name in meaning.points.get(int(values[0]), names)]
    xy = np.full((len(names), 2), np.nan)
    visibility = np.zeros(len(names), dtype=np.int8)
    xy[order], visibility[order] = _pixels(table[:, :2], image), seen
    xy[visibility == Visibility.ABSENT] = np.nan
    return Landmarks(names, xy, visibility)


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
