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

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from spinekit.anatomy.border_lines import Fit, IntArray, crossings_of, four_lines, refitted
from spinekit.core.image import FloatArray
from spinekit.core.outline import Outline, resampled, ring_area

ROUNDS = 4  # of fitting and turning the frame
REFINING = 3  # further rounds, in which each border's points are those nearest to its line
SNAP = 0.16  # widths around a crossing in which its corner is looked for
SHARP = 1.0  # px that pixels may take from a sharp corner or add to it
SHARP_SHARE = 0.03  # the same in widths
LEGS = 0.12  # widths of contour on either side of a tip that tell where it would be without pixels
NEAR_PART = 5.0  # px; parts nearer than this to the largest one belong to the body
WINDOW = 0.05  # widths on either side of the middle in which the middle of an endplate is read
SAMPLES = 240  # points on the contour, at least
SMOOTH = 3  # points on either side that the steps of pixels are averaged over before lines are fitted
FEWEST_PX = 30.0  # area below which a mask has no shape
AREA_RANGE = (
    0.85,
    1.05,
)  # of the fitted quadrilateral over the mask: rounder shapes have more, waisted ones less
MAX_RESIDUAL = 0.07  # of a border, mean distance in widths
MAX_GAP = 0.12  # of a corner to the contour, in widths
MIN_ENDS = 0.2  # of the shorter of two opposite borders over the longer
MAX_HOLES = 0.02  # of the area


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


def body_shapes(bodies: Sequence[tuple[Outline, FloatArray | None]]) -> list[BodyShape | None]:
    """`body_shape` of many bodies, whose lines are fitted together: a spine takes hardly longer than a body.

    Args:
        bodies: Outline of each, and the direction of the spine at it.
    """
    contours = [_contour(outline) for outline, _ in bodies]
    here = [index for index, contour in enumerate(contours) if contour is not None]
    held = [contour for contour in contours if contour is not None]
    even = [contour[1] for contour in held]
    angles = [
        _alone(points) if bodies[index][1] is None else _upright(bodies[index][1])
        for index, points in zip(here, even, strict=True)
    ]
    fits: list[Fit | None] = []
    for last in (*(False for _ in range(ROUNDS)), True):
        fits = four_lines(even, angles)
        if not last:
            angles = [
                angle
                if fit is None
                else angle + (np.arctan(fit.lines[0, 0]) + np.arctan(fit.lines[1, 0])) / 2
                for angle, fit in zip(angles, fits, strict=True)
            ]
    for _ in range(REFINING):
        fits = refitted(even, fits)
    found: list[BodyShape | None] = [None] * len(bodies)
    for index, (points, _, area), fit in zip(here, held, fits, strict=True):
        if fit is not None:
            found[index] = _shape(points, fit, area, _holes(bodies[index][0], area))
    return found


def _upright(down: FloatArray | None) -> float:
    """Turn of a body in a spine that runs along (2,) ``down``, radians."""
    return 0.0 if down is None else float(np.arctan2(-down[0], down[1]))


def _contour(outline: Outline) -> tuple[FloatArray, FloatArray, float] | None:
    """Points along the border a pixel or less apart, the same without steps, and the area; None without shape."""
    rings = [ring for ring in outline.rings if len(ring) >= 3 and bool(np.isfinite(ring).all())]
    if not rings:
        return None
    areas = [abs(ring_area(ring)) for ring in rings]
    largest = int(np.argmax(areas))
    if areas[largest] < FEWEST_PX:
        return None
    perimeter = float(
        np.linalg.norm(np.diff(rings[largest], axis=0, append=rings[largest][:1]), axis=1).sum()
    )
    step = min(1.0, perimeter / SAMPLES)
    main = resampled(rings[largest], step)
    kept, even, area = [main], [_smoothed(main)], areas[largest]
    for index, ring in enumerate(rings):
        if index != largest:
            part = resampled(ring, step)
            if _nearest(part, main) <= NEAR_PART:
                kept.append(part)
                even.append(_smoothed(part))
                area += areas[index]
    return np.concatenate(kept), np.concatenate(even), area


def _smoothed(points: FloatArray) -> FloatArray:
    """Running mean along a closed way: the steps between pixels even out, corners round off a little."""
    count = len(points)
    around = points[np.arange(-SMOOTH, count + SMOOTH) % count]
    return np.asarray(
        sum(around[shift : shift + count] for shift in range(2 * SMOOTH + 1)) / (2 * SMOOTH + 1)
    )


def _nearest(part: FloatArray, main: FloatArray) -> float:
    """Smallest distance between two sets of points."""
    square = ((part[:, None, :] - main[None, :, :]) ** 2).sum(axis=2)
    return float(np.sqrt(square.min()))


def _holes(outline: Outline, area: float) -> float:
    """Share of the area that holes take."""
    return sum(abs(ring_area(hole)) for hole in outline.holes) / area


def _alone(points: FloatArray) -> float:
    """Turn of a body without neighbours, radians, at most an eighth of a circle."""
    (_, _), (_, _), degrees = cv2.minAreaRect(points.astype(np.float32))
    return float(np.radians((degrees + 45.0) % 90.0 - 45.0))


def _shape(points: FloatArray, fitted: Fit, area: float, holes: float) -> BodyShape | None:
    local = points @ fitted.turn
    crossings = crossings_of(fitted.lines)
    if crossings is None:
        return None
    width = float(np.linalg.norm(crossings[[1, 3]].mean(axis=0) - crossings[[0, 2]].mean(axis=0)))
    corners, gaps = _snapped(local, crossings, width)
    middles = _middles(local, corners, width)
    quad = crossings[[0, 1, 3, 2]]
    area_ratio = abs(ring_area(quad)) / area
    back = fitted.turn.T
    doubts = _doubts(fitted.residuals / width, area_ratio, gaps / width, holes, _ends(crossings))
    if middles is None:
        return None
    return BodyShape(
        corners @ back, crossings @ back, middles @ back, fitted.residuals, area_ratio, gaps, doubts
    )


def _snapped(local: FloatArray, crossings: FloatArray, width: float) -> tuple[FloatArray, FloatArray]:
    """Corners on the contour, and the distances of the crossings from it.

    A crossing that pixels alone keep from the contour is the corner. Otherwise the corner is the contour point near
    it that lies farthest outwards: waisted and hollow bodies and lips reach beyond it, rounded ones stay behind.
    """
    away = local[:, None] - crossings
    distance = np.hypot(away[..., 0], away[..., 1])
    corners, gaps = crossings.copy(), distance.min(axis=0)
    blunt, tips = [], []
    for index, near in enumerate((distance <= SNAP * width).T):
        chosen = np.flatnonzero(near)
        if not chosen.size:
            continue
        outward = crossings[index] - crossings[3 - index]  # from the corner across the body
        reach = away[chosen, index] @ outward / np.hypot(outward[0], outward[1])
        sharp = reach.max() <= SHARP and gaps[index] <= max(1.5 * SHARP, SHARP_SHARE * width)
        if not sharp:
            blunt.append(index)
            tips.append(int(chosen[np.argmax(reach)]))
    if blunt:
        corners[blunt] = _sharpened(local, np.array(tips), width)
    return corners, gaps


def _sharpened(local: FloatArray, tips: IntArray, width: float) -> FloatArray:
    """Tips of the contour where the borders on either side of them meet: pixels blunt a sharp one by up to two."""
    first, last = 2, max(6, round(LEGS * width))
    blunt = local[tips]
    if len(local) < 4 * last:
        return np.asarray(blunt)
    steps = np.array([[-1], [1]]) * np.arange(first, last)
    legs = local[np.mod(tips[:, None, None] + steps, len(local))]  # (tips, 2, points, 2)
    middles = legs.mean(axis=2)
    ways = np.linalg.svd(legs - middles[:, :, None])[2][:, :, 0]
    (before, after), between = np.moveaxis(ways, 1, 0), middles[:, 1] - middles[:, 0]
    parting = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    meets = np.abs(parting) >= 0.3
    step = (between[:, 0] * after[:, 1] - between[:, 1] * after[:, 0]) / np.where(meets, parting, 1.0)
    met = middles[:, 0] + step[:, None] * before
    near = np.hypot(*(met - blunt).T) <= max(3.0, SHARP_SHARE * width)
    return np.where((meets & near)[:, None], met, blunt)


def _middles(local: FloatArray, corners: FloatArray, width: float) -> FloatArray | None:
    """(2, 2) points of the upper and lower contour halfway between the sides, along the perpendicular there."""
    left, right = corners[[0, 2]].mean(axis=0), corners[[1, 3]].mean(axis=0)
    centre, along = (left + right) / 2, (right - left) / np.linalg.norm(right - left)
    upright = np.array([-along[1], along[0]])  # down
    beside, height = (local - centre) @ along, (local - centre) @ upright
    near = np.abs(beside) <= max(WINDOW * width, 1.0)
    above, below = height[near & (height < 0)], height[near & (height > 0)]
    if not above.size or not below.size:
        return None
    return np.stack([centre + _median(above) * upright, centre + _median(below) * upright])


def _median(values: FloatArray) -> float:
    """The middle of some values; numpy's own takes ten times as long for so few."""
    ordered = np.sort(values)
    return float((ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2)


def _ends(quad: FloatArray) -> float:
    """Length of the shorter side of a quadrilateral over that of the one across, the smaller of both pairs."""
    borders = [float(np.hypot(*(quad[b] - quad[a]))) for a, b in ((0, 1), (2, 3), (0, 2), (1, 3))]
    return min(min(pair) / max(pair) for pair in (borders[:2], borders[2:]))


def _doubts(
    residuals: FloatArray, area_ratio: float, gaps: FloatArray, holes: float, ends: float
) -> tuple[str, ...]:
    found = []
    borders = ("superior endplate", "inferior endplate", "left side", "right side")
    crooked = [name for name, value in zip(borders, residuals, strict=True) if value > MAX_RESIDUAL]
    if crooked:
        found.append(f"{' and '.join(crooked)} of the mask not straight")
    if ends < MIN_ENDS:
        found.append("the mask comes to a point")
    if not AREA_RANGE[0] <= area_ratio <= AREA_RANGE[1]:
        found.append(f"the mask is no quadrilateral (area ratio {area_ratio:.2f})")
    torn = [name for name, gap in zip(("TL", "TR", "BL", "BR"), gaps, strict=True) if gap > MAX_GAP]
    if torn:
        found.append(f"the mask has no corner at {', '.join(torn)}")
    if holes > MAX_HOLES:
        found.append(f"holes take {holes:.0%} of the mask")
    return tuple(found)
