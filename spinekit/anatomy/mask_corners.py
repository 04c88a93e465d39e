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

from spinekit.core.image import FloatArray
from spinekit.core.outline import Outline, resampled, ring_area

ROUNDS = 4  # of fitting and turning the frame
REFINING = 3  # further rounds, in which each border's points are those nearest to its line
MARGIN = 0.12  # of a border at either end that is left out then: corners are round, lipped or torn
STEPS = 8  # of reweighting in each line
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
    fits: list[_Fit | None] = []
    for last in (*(False for _ in range(ROUNDS)), True):
        fits = _four_lines(even, angles)
        if not last:
            angles = [
                angle
                if fit is None
                else angle + (np.arctan(fit.lines[0, 0]) + np.arctan(fit.lines[1, 0])) / 2
                for angle, fit in zip(angles, fits, strict=True)
            ]
    for _ in range(REFINING):
        fits = _refitted(even, fits)
    found: list[BodyShape | None] = [None] * len(bodies)
    for index, (points, _, area), fit in zip(here, held, fits, strict=True):
        if fit is not None:
            found[index] = _shape(points, fit, area, _holes(bodies[index][0], area))
    return found


def _upright(down: FloatArray | None) -> float:
    """Turn of a body in a spine that runs along (2,) ``down``, radians."""
    return 0.0 if down is None else float(np.arctan2(-down[0], down[1]))


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Four lines in a turned frame: y = slope x + offset above and below, x = slope y + offset at the sides."""

    turn: FloatArray  # (2, 2): frame coordinates = px @ turn
    lines: FloatArray  # (4, 2) slope and offset: superior, inferior, left, right
    residuals: FloatArray  # (4,)


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


Border = tuple[FloatArray, FloatArray]  # of points along a border: how far along it, and how far across


def _four_lines(bodies: Sequence[FloatArray], angles: Sequence[float]) -> list[_Fit | None]:
    """The lines of each body's borders in a frame turned by its angle; None where it has no four borders."""
    turns, borders = [], []
    for points, angle in zip(bodies, angles, strict=True):
        cosine, sine = np.cos(angle), np.sin(angle)
        turns.append(np.array([[cosine, -sine], [sine, cosine]]))
        borders.append(_borders(points @ turns[-1]))
    lines = iter(_robust_lines([border for four in borders if four is not None for border in four]))
    fits: list[_Fit | None] = []
    for turn, four in zip(turns, borders, strict=True):
        fitted = [next(lines) for _ in four or ()]
        if four is None or None in fitted:
            fits.append(None)
            continue
        values = np.array(fitted, dtype=np.float64)
        fits.append(_Fit(turn, values[:, :2], values[:, 2]))
    return fits


def _borders(local: FloatArray) -> list[Border] | None:
    """Points of the superior, inferior, left and right border by their place in the body; None where one lacks."""
    low, high = _quantiles(local, 0.03), _quantiles(local, 0.97)
    if not bool((high - low > 1.0).all()):
        return None
    share = (local - (low + high) / 2) / ((high - low) / 2)
    x, y = share[:, 0], share[:, 1]
    parts = (
        ((np.abs(x) < 0.75) & (y < -0.3), 0),
        ((np.abs(x) < 0.75) & (y > 0.3), 0),
        ((np.abs(y) < 0.6) & (x < -0.3), 1),
        ((np.abs(y) < 0.6) & (x > 0.3), 1),
    )
    found = [(local[chosen, axis], local[chosen, 1 - axis]) for chosen, axis in parts]
    return None if min(len(run) for run, _ in found) < 4 else found


def _quantiles(points: FloatArray, share: float) -> FloatArray:
    """Of each column, between two values where it falls between them; numpy's own takes longer than all the rest."""
    ordered = np.sort(points, axis=0)
    place = share * (len(points) - 1)
    below = int(place)
    above = min(below + 1, len(points) - 1)
    return np.asarray(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def _refitted(bodies: Sequence[FloatArray], fits: Sequence[_Fit | None]) -> list[_Fit | None]:
    """The lines anew, each through the points that are nearest to it and well between its ends.

    A strongly wedged body has a short side, of which the first choice by place takes in part of an endplate.
    """
    borders = [
        None if fit is None else _nearest_borders(points @ fit.turn, fit)
        for points, fit in zip(bodies, fits, strict=True)
    ]
    wanted = [border for four in borders if four is not None for border in four if len(border[0]) >= 4]
    lines = iter(_robust_lines(wanted))
    found: list[_Fit | None] = []
    for fit, four in zip(fits, borders, strict=True):
        if fit is None or four is None:
            found.append(None)
            continue
        moved, residuals = fit.lines.copy(), fit.residuals.copy()
        for index, border in enumerate(four):
            line = next(lines) if len(border[0]) >= 4 else None
            if line is not None:
                moved[index], residuals[index] = line[:2], line[2]
        found.append(_Fit(fit.turn, moved, residuals))
    return found


def _nearest_borders(local: FloatArray, fit: _Fit) -> list[Border] | None:
    """The points that belong to each line of a fit; None where its lines do not cross."""
    crossings = _crossings(fit.lines)
    if crossings is None:
        return None
    starts, ends = crossings[[0, 2, 0, 1]], crossings[[1, 3, 2, 3]]
    ways = ends - starts
    away = local[:, None, :] - starts
    share = (away * ways).sum(axis=2) / (ways**2).sum(axis=1)
    nearest = starts + np.clip(share, 0, 1)[..., None] * ways
    apart = local[:, None, :] - nearest
    owner = np.hypot(apart[..., 0], apart[..., 1]).argmin(axis=1)
    inner = (share > MARGIN) & (share < 1 - MARGIN)
    found = []
    for index in range(4):
        chosen = (owner == index) & inner[:, index]
        axis = index // 2
        found.append((local[chosen, axis], local[chosen, 1 - axis]))
    return found


def _robust_lines(borders: Sequence[Border]) -> list[tuple[float, float, float] | None]:
    """Lines of least absolute deviations, by reweighted least squares, all at once.

    Args:
        borders: Points of each, one at least.

    Returns:
        Slope, offset and mean distance of each border's points; None where they have no extent along it.
    """
    if not borders:
        return []
    lengths = np.array([len(run) for run, _ in borders])
    real = np.arange(lengths.max()) < lengths[:, None]
    run, rise = np.zeros(real.shape), np.zeros(real.shape)
    run[real] = np.concatenate([run for run, _ in borders])
    rise[real] = np.concatenate([rise for _, rise in borders])
    centre = run.sum(axis=1) / lengths
    run = np.where(real, run - centre[:, None], 0.0)
    terms = np.stack([np.ones_like(run), run, run * run, rise, run * rise], axis=1)
    weight = real.astype(np.float64)
    sound = np.ones(len(borders), dtype=bool)
    slope = offset = np.zeros(len(borders))
    for _ in range(STEPS):
        total, first, second, level, mixed = (terms @ weight[..., None])[..., 0].T
        spread = total * second - first * first
        sound &= spread > 1e-12 * np.maximum(total**2, 1e-12)
        spread = np.where(sound, spread, 1.0)
        slope, offset = (total * mixed - first * level) / spread, (second * level - first * mixed) / spread
        away = np.abs(rise - slope[:, None] * run - offset[:, None])
        weight = real / np.maximum(away, 0.05)
    distance = (np.abs(rise - slope[:, None] * run - offset[:, None]) * real).sum(axis=1) / lengths
    found = np.stack([slope, offset - slope * centre, distance / np.hypot(1.0, slope)], axis=1).tolist()
    return [(line[0], line[1], line[2]) if whole else None for whole, line in zip(sound, found, strict=True)]


def _shape(points: FloatArray, fitted: _Fit, area: float, holes: float) -> BodyShape | None:
    local = points @ fitted.turn
    crossings = _crossings(fitted.lines)
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


def _crossings(lines: FloatArray) -> FloatArray | None:
    """(4, 2) TL, TR, BL, BR where endplate lines cross side lines; None where they run apart."""
    found = []
    upper, lower, *sides = lines.tolist()
    for slope, offset in (upper, lower):
        for lean, shift in sides:
            parting = 1.0 - slope * lean
            if abs(parting) < 0.2:
                return None
            y = (slope * shift + offset) / parting
            found.append((lean * y + shift, y))
    crossings = np.array(found)
    across, down = crossings[[1, 3]] - crossings[[0, 2]], crossings[[2, 3]] - crossings[[0, 1]]
    sound = bool((across[:, 0] > 0).all()) and bool((down[:, 1] > 0).all())
    return crossings if sound else None


def _snapped(local: FloatArray, crossings: FloatArray, width: float) -> tuple[FloatArray, FloatArray]:
    """Corners on the contour, and the distances of the crossings from it.

    A crossing that pixels alone keep from the contour is the corner. Otherwise the corner is the contour point near
    it that lies farthest outwards: waisted and hollow bodies and lips reach beyond it, rounded ones stay behind.
    """
    corners, gaps = crossings.copy(), np.zeros(4)
    for index in range(4):
        away = local - crossings[index]
        distance = np.hypot(away[:, 0], away[:, 1])
        gaps[index] = distance.min()
        near = np.flatnonzero(distance <= SNAP * width)
        if not near.size:
            continue
        outward = crossings[index] - crossings[3 - index]  # from the corner across the body
        reach = away[near] @ outward / np.hypot(outward[0], outward[1])
        sharp = reach.max() <= SHARP and gaps[index] <= max(1.5 * SHARP, SHARP_SHARE * width)
        if not sharp:
            corners[index] = _sharpened(local, int(near[np.argmax(reach)]), width)
    return corners, gaps


def _sharpened(local: FloatArray, tip: int, width: float) -> FloatArray:
    """A tip of the contour where the borders on either side of it meet: pixels blunt a sharp one by up to two."""
    first, last = 2, max(6, round(LEGS * width))
    if len(local) < 4 * last:
        return np.asarray(local[tip])
    legs = [local[np.mod(tip + way * np.arange(first, last), len(local))] for way in (-1, 1)]
    middles = [leg.mean(axis=0) for leg in legs]
    ways = [np.linalg.svd(leg - middle)[2][0] for leg, middle in zip(legs, middles, strict=True)]
    parting = float(ways[0][0] * ways[1][1] - ways[0][1] * ways[1][0])
    if abs(parting) < 0.3:
        return np.asarray(local[tip])
    between = middles[1] - middles[0]
    step = float(between[0] * ways[1][1] - between[1] * ways[1][0]) / parting
    met = middles[0] + step * ways[0]
    near = float(np.hypot(*(met - local[tip]))) <= max(3.0, SHARP_SHARE * width)
    return np.asarray(met if near else local[tip])


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
    top, bottom = np.median(above), np.median(below)
    return np.stack([centre + top * upright, centre + bottom * upright])


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
