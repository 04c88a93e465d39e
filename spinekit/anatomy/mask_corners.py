"""Corners and endplates of a vertebral body from its mask: four straight borders, robustly fitted.

A rotated rectangle errs by the wedge of a body; four lines of their own do not. The lines are fitted in a
frame that runs with the spine (the tangent of the line through the neighbours' centres), each to the part of
the contour that can only be its own, by least absolute deviations, so that an osteophyte or a torn corner
does not turn it. Angles are to be taken from the fitted lines. A corner is the crossing of two lines, moved to the
contour where that does not reach it or reaches beyond it (a rounded, waisted or lipped body): heights and
slips are to be taken from those.

Frame: pixels, x right, y down, pixel centres at integers; of non-square pixels the caller gives isotropic
coordinates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from spinekit.anatomy.border_corners import middles_of, snapped, widths_of
from spinekit.anatomy.border_lines import (
    Fits,
    IntArray,
    crossings_of,
    four_lines,
    plate_tilts,
    refitted,
    turned,
)
from spinekit.anatomy.candidates import areas
from spinekit.anatomy.contours import Contour, contour_of, in_rows
from spinekit.core.image import FloatArray
from spinekit.core.outline import Outline, ring_area

ROUNDS = 4  # of turning the frame, at the most
UPRIGHT = 1e-7  # radians; each turn leaves about the square of itself to the next, and lines know no less
REFINING = 3  # further rounds, in which each border's points are those nearest to its line
AREA_RANGE = (
    0.85,
    1.05,
)  # of the fitted quadrilateral over the mask: rounder shapes have more, waisted ones less
MAX_RESIDUAL = 0.07  # of a border, mean distance in widths
MAX_GAP = 0.12  # of a corner to the contour, in widths
MIN_ENDS = 0.2  # of the shorter of two opposite borders over the longer
MAX_HOLES = 0.02  # of the area
_BORDERS = ("superior endplate", "inferior endplate", "left side", "right side")
_CORNERS = ("TL", "TR", "BL", "BR")


@dataclass(frozen=True, slots=True, eq=False)
class BodyShape:
    """What a mask says of a body's four borders.

    Attributes:
        corners: (4, 2) px TL, TR, BL, BR in the viewer's frame, on the contour or where pixels alone keep it away.
        plates: (4, 2) px ends of the fitted superior (left, right) and inferior (left, right) endplate lines.
        middles: (2, 2) px of the superior and the inferior endplate, on the contour, halfway between left and
            right.
        residuals: (4,) px mean distance of the contour from the superior, inferior, left and right line.
        area_ratio: Area of the fitted quadrilateral over that of the mask.
        gaps: (4,) px from each crossing of two lines to the contour.
        doubts: What makes the fit doubtful, in words; none for a sound one.
    """

    corners: FloatArray
    plates: FloatArray
    middles: FloatArray
    residuals: FloatArray
    area_ratio: float
    gaps: FloatArray
    doubts: tuple[str, ...]

    @property
    def tilts(self) -> tuple[float, float]:
        """Tilt of the superior and the inferior endplate line, degrees, + = right side lower."""
        first, second = self.plates[1] - self.plates[0], self.plates[3] - self.plates[2]
        return (
            float(np.degrees(np.arctan2(first[1], first[0]))),
            float(np.degrees(np.arctan2(second[1], second[0]))),
        )


def body_shape(outline: Outline, down: FloatArray | None = None) -> BodyShape | None:
    """The four borders, corners and endplate middles of a body.

    Args:
        outline: Of one body; its largest part and what lies within 5 px of it are used, holes are filled.
        down: (2,) direction of the spine at the body, cranial to caudal; good to some 10 degrees. None for a
            body alone: the sides of the smallest rectangle around it tell, those nearer to the image's.

    Returns:
        The fit with its quality, or None where the outline has no shape to fit (a few pixels, a line).
    """
    return body_shapes([(outline, down)])[0]


Body = tuple[Contour, Outline, FloatArray | None]


def body_shapes(bodies: Sequence[tuple[Outline, FloatArray | None]]) -> list[BodyShape | None]:
    """`body_shape` of many bodies, which are fitted together: a spine takes hardly longer than a body.

    Args:
        bodies: Outline of each, and the direction of the spine at it.
    """
    contours = [contour_of(outline) for outline, _ in bodies]
    found: list[BodyShape | None] = [None] * len(bodies)
    for rows in _alike(contours):
        some = [(contour, *bodies[row]) for row in rows if (contour := contours[row]) is not None]
        for row, shape in zip(rows, _shapes(some), strict=True):
            found[row] = shape
    return found


def _alike(contours: Sequence[Contour | None]) -> Iterator[list[int]]:
    """Indices of contours of about as many points: one of very many would leave the rows of all others empty."""
    by_size: dict[int, list[int]] = {}
    for index, contour in enumerate(contours):
        if contour is not None:
            by_size.setdefault(len(contour.points).bit_length(), []).append(index)
    yield from by_size.values()


def _shapes(bodies: Sequence[Body]) -> list[BodyShape | None]:
    """The shape of each body with a contour."""
    counts = np.array([len(contour.points) for contour, _, _ in bodies])
    even = in_rows([contour.even for contour, _, _ in bodies])
    angles = np.array(
        [_alone(contour.even) if down is None else _turn_of(down) for contour, _, down in bodies]
    )
    fits = refitted(even, four_lines(even, counts, _upright(even, counts, angles)), REFINING)
    crossings = crossings_of(fits.lines)
    sound = np.flatnonzero(~np.isnan(crossings).any(axis=(1, 2)))
    found: list[BodyShape | None] = [None] * len(bodies)
    if not sound.size:
        return found
    whole = [bodies[row] for row in sound.tolist()]
    for row, shape in zip(sound.tolist(), _fitted(whole, fits.of(sound), crossings[sound]), strict=True):
        found[row] = shape
    return found


def _upright(even: FloatArray, counts: IntArray, angles: FloatArray) -> FloatArray:
    """(B,) by which frames are to be turned so that the endplates of each body lie level on the whole, radians."""
    angles = angles.copy()
    moving = np.arange(len(angles))
    for _ in range(ROUNDS):
        turns = np.nan_to_num(plate_tilts(even[:, moving], counts[moving], angles[moving]))
        angles[moving] += turns
        moving = moving[np.abs(turns) > UPRIGHT]
        if not moving.size:
            break
    return angles


def _turn_of(down: FloatArray) -> float:
    """Turn of a body in a spine that runs along (2,) ``down``, radians."""
    return float(np.arctan2(-down[0], down[1]))


def _alone(points: FloatArray) -> float:
    """Turn of a body without neighbours, radians, at most an eighth of a circle."""
    (_, _), (_, _), degrees = cv2.minAreaRect(points.astype(np.float32))
    return float(np.radians((degrees + 45.0) % 90.0 - 45.0))


def _fitted(bodies: Sequence[Body], fits: Fits, crossings: FloatArray) -> Iterator[BodyShape | None]:
    """The shape of each body whose lines cross; None where its contour does not pass between its sides."""
    counts = np.array([len(contour.points) for contour, _, _ in bodies], dtype=np.intp)
    local = turned(in_rows([contour.points for contour, _, _ in bodies]), fits.angles)
    widths = widths_of(crossings)
    corners, gaps = snapped(local, counts, crossings, widths)
    middles = middles_of(local, corners, widths)
    placed = [_back(points, fits.angles) for points in (corners, crossings, middles)]
    ratios = areas(crossings) / [contour.area for contour, _, _ in bodies]
    crooked, torn, ends = fits.residuals / widths[:, None], gaps / widths[:, None], _ends(crossings)
    for row, (contour, outline, _) in enumerate(bodies):
        if bool(np.isnan(middles[row]).any()):
            yield None
            continue
        ratio, holes = float(ratios[row]), _holes(outline, contour.area)
        doubts = _doubts(crooked[row].tolist(), ratio, torn[row].tolist(), holes, float(ends[row]))
        corner, plate, middle = (points[row] for points in placed)
        yield BodyShape(corner, plate, middle, fits.residuals[row], ratio, gaps[row], doubts)


def _back(points: FloatArray, angles: FloatArray) -> FloatArray:
    """(B, K, 2) points in frames turned by an angle each, in the film's own again."""
    return turned(points.transpose(2, 0, 1), -angles).transpose(1, 2, 0)


def _ends(quads: FloatArray) -> FloatArray:
    """(B,) length of the shorter side of a quadrilateral over that of the one across, the smaller of both pairs."""
    ways = quads[:, [1, 3, 2, 3]] - quads[:, [0, 2, 0, 1]]
    lengths = np.hypot(ways[..., 0], ways[..., 1]).reshape(-1, 2, 2)
    return np.asarray((lengths.min(axis=2) / lengths.max(axis=2)).min(axis=1))


def _holes(outline: Outline, area: float) -> float:
    """Share of the area that holes take."""
    return sum(abs(ring_area(hole)) for hole in outline.holes) / area


def _doubts(
    residuals: Sequence[float], area_ratio: float, gaps: Sequence[float], holes: float, ends: float
) -> tuple[str, ...]:
    found = []
    crooked = [name for name, value in zip(_BORDERS, residuals, strict=True) if value > MAX_RESIDUAL]
    if crooked:
        found.append(f"{' and '.join(crooked)} of the mask not straight")
    if ends < MIN_ENDS:
        found.append("the mask comes to a point")
    if not AREA_RANGE[0] <= area_ratio <= AREA_RANGE[1]:
        found.append(f"the mask is no quadrilateral (area ratio {area_ratio:.2f})")
    torn = [name for name, gap in zip(_CORNERS, gaps, strict=True) if gap > MAX_GAP]
    if torn:
        found.append(f"the mask has no corner at {', '.join(torn)}")
    if holes > MAX_HOLES:
        found.append(f"holes take {holes:.0%} of the mask")
    return tuple(found)
