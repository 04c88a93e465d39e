"""Points and lines as the coordinates of a structured report.

DICOM counts from the corner of the first pixel (PS3.3 C.18.6.1): its centre, (0, 0) everywhere else in spinekit, is
(0.5, 0.5) there. Coordinates must lie on the image: lines are cut at its border, points beyond it are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.measurement import MeasurementGeometry
from spinekit.formats.dicom_origin import Origin

if TYPE_CHECKING:
    from highdicom.sr import CoordinatesForMeasurement, ImageRegion, SourceImageForRegion

Point = tuple[float, float]
_HALF = 0.5


def to_report(points: Iterable[Point]) -> FloatArray:
    """Points in the frame of a report, (N, 2) column and row, from our own (N, 2) px."""
    return np.asarray(list(points), dtype=np.float64).reshape(-1, 2) + _HALF


def on_image(points: FloatArray, origin: Origin) -> bool:
    """Whether all points, in the frame of a report, lie on the image."""
    limit = np.array([origin.item.Columns, origin.item.Rows], dtype=np.float64)
    return bool(np.isfinite(points).all() and (points >= 0).all() and (points <= limit).all())


def cut(start: Point, end: Point, width: int, height: int) -> FloatArray | None:
    """The part of a segment inside (0, 0) to (width, height), by Liang and Barsky; None where there is none.

    Args:
        start: In the frame of a report.
        end: Likewise.
        width: Columns.
        height: Rows.

    Returns:
        (2, 2): its two ends, in their order.
    """
    if not np.isfinite([start, end]).all():
        return None
    first, last = 0.0, 1.0
    for origin, step, limit in (
        (start[0], end[0] - start[0], float(width)),
        (start[1], end[1] - start[1], float(height)),
    ):
        if step == 0.0:
            if not 0.0 <= origin <= limit:
                return None
            continue
        enters, leaves = sorted(((0.0 - origin) / step, (limit - origin) / step))
        first, last = max(first, enters), min(last, leaves)
    if first > last:
        return None
    a, b = np.array(start, dtype=np.float64), np.array(end, dtype=np.float64)
    ends = np.stack([a + first * (b - a), a + last * (b - a)])
    return np.clip(ends, 0.0, [float(width), float(height)])


def source_image(origin: Origin) -> SourceImageForRegion:
    """The reference to the image, and to its frame where it has several, that coordinates are selected from."""
    from highdicom.sr import SourceImageForRegion

    frames = None if origin.frame is None else [origin.frame]
    return SourceImageForRegion(origin.item.SOPClassUID, origin.item.SOPInstanceUID, frames)


def coordinates_of(geometry: MeasurementGeometry, origin: Origin) -> list[CoordinatesForMeasurement]:
    """What was measured: each line as a polyline, points that are no end of a line as one of points.

    Args:
        geometry: In px.
        origin: The image.
    """
    from highdicom.sr import CoordinatesForMeasurement, GraphicTypeValues

    columns, rows = int(origin.item.Columns), int(origin.item.Rows)
    found = []
    for line in geometry.lines.values():
        start, end = to_report(line)
        ends = cut((float(start[0]), float(start[1])), (float(end[0]), float(end[1])), columns, rows)
        if ends is not None:
            found.append(CoordinatesForMeasurement(GraphicTypeValues.POLYLINE, ends, source_image(origin)))
    on_lines = {tuple(np.round(end, 6)) for line in geometry.lines.values() for end in line}
    alone = [xy for xy in geometry.points.values() if tuple(np.round(xy, 6)) not in on_lines]
    points = [point for point in to_report(alone) if on_image(point, origin)]
    if points:
        kind = GraphicTypeValues.MULTIPOINT if len(points) > 1 else GraphicTypeValues.POINT
        found.append(CoordinatesForMeasurement(kind, np.stack(points), source_image(origin)))
    return found


def point_region(xy: Point, origin: Origin) -> ImageRegion | None:
    """One landmark as a region of a single point, or None where it lies beyond the image."""
    from highdicom.sr import GraphicTypeValues, ImageRegion

    points = to_report([xy])
    if not on_image(points, origin):
        return None
    return ImageRegion(GraphicTypeValues.POINT, points, source_image(origin))
