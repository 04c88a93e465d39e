"""Cobb angles from the corners of vertebral bodies, by the benchmark's rule and by endplates.

Input: corners (n, 4, 2), bodies from cranial to caudal, each TL, TR, BL, BR in the viewer's frame (x right,
y down), in calibrated coordinates. Angles are in degrees.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from spinekit.core.geometry import fold
from spinekit.core.image import FloatArray

CORNERS = ("TL", "TR", "BL", "BR")
MIN_CURVE = 7.0  # smaller curves are not listed
SCOLIOSIS = 10.0  # from here on a curve counts as scoliosis, below as spinal asymmetry
TURN_BACK = 5.0  # reversals of tilt below the error of a reading do not end a curve
MAX_WEDGE = 20.0  # an endplate further off its own body's mid-line is not believed
MAX_SPIKE = 8.0  # a body that leans further out of line than this, and than twice the steps of
SPIKE_STEPS = 2.0  # tilt beside it (severe curves turn sharply), is no end vertebra
S_THRESHOLD = 1e-4  # of the benchmark's own shape test
STRAIGHT = 1e-12  # the same, in squares of the spine's length, where the test itself divides by zero


class Endplate(StrEnum):
    """Upper or lower border of a body."""

    SUPERIOR = "superior"
    INFERIOR = "inferior"


class AasceCase(StrEnum):
    """Which rule gave the second and third angle."""

    NOT_S = "not S-shaped"
    S_UPPER = "S-shaped, largest curve in the upper half of the image"
    S_LOWER = "S-shaped, largest curve in the lower half of the image"


@dataclass(frozen=True, slots=True)
class AasceCobb:
    """The three angles of the AASCE 2019 benchmark.

    Attributes:
        angles: Largest angle, second and third, in the order of the benchmark's tables (not sorted), degrees.
        ends: For each angle the indices of its upper and lower end vertebra.
        case: The rule that gave the second and third.
    """

    angles: tuple[float, float, float]
    ends: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    case: AasceCase


@dataclass(frozen=True, slots=True)
class EndplateCurve:
    """One curve by the clinical method.

    Attributes:
        upper: Index of the upper end vertebra (its superior endplate is used).
        lower: Index of the lower end vertebra (its inferior endplate is used).
        angle: Cobb angle, degrees, not negative.
        apex: Index of the apical body; an integer plus 0.5 for the disc below that body.
        side: Side of the convexity, ``right`` or ``left`` in the image.
        midline: Whether the mid-line of the body stood in for an endplate not to be believed (upper, lower).
    """

    upper: int
    lower: int
    angle: float
    apex: float
    side: str
    midline: tuple[bool, bool]


def cobb_aasce(corners: FloatArray, image_height: float, deciding: Endplate = Endplate.SUPERIOR) -> AasceCobb:
    """The three angles by the rule of the AASCE 2019 evaluation script.

    The first is the largest angle between any two mid-lines. The others depend on whether the
    spine is S-shaped and, if so, in which half of the image the largest curve lies.
    Where the script divides by zero (first and last mid-point on one column or row) the shape test
    is the same in a form without the division.

    Args:
        corners: (n, 4, 2), see the module.
        image_height: In the unit of the corners.
        deciding: The endplates whose heights tell the upper from the lower half. The field's ports
            take the superior ones. The published angles of the training films follow the inferior ones: with
            these all 481 agree, with the superior ones 13 differ in the third angle.

    Raises:
        ValueError: For fewer than 2 bodies, or a mid-line without length.
    """
    middle = _mid_lines(corners)
    between = _angles_between(middle)
    last = len(corners) - 1
    # Rounding keeps ties between equal angles from being settled by the last bits.
    upper, lower = sorted(divmod(int(np.argmax(np.round(between, 9))), last + 1))
    points = _endplate_middles(corners)
    if not _s_shaped(points):
        case, second, third = AasceCase.NOT_S, (0, upper), (lower, last)
    elif _height_sum(points, upper, lower, deciding) < image_height:
        case = AasceCase.S_UPPER
        second = (_largest(between[upper, : upper + 1]), upper)
        third = (lower, lower + _largest(between[lower, lower:]))
    else:
        case = AasceCase.S_LOWER
        pivot = _largest(between[upper, : upper + 1])
        second, third = (pivot, upper), (_largest(between[pivot, : pivot + 1]), pivot)
    ends = ((upper, lower), second, third)
    return AasceCobb(_three([float(between[pair]) for pair in ends]), ends, case)


def cobb_endplate(corners: FloatArray, minimum: float = MIN_CURVE) -> tuple[EndplateCurve, ...]:
    """All curves by the clinical method, the largest first.

    End vertebrae are those where the tilt turns back; the angle lies between the superior endplate of the
    upper and the inferior endplate of the lower end vertebra.

    Args:
        corners: (n, 4, 2), see the module.
        minimum: Smallest angle to list, degrees.

    Raises:
        ValueError: For fewer than 2 bodies, or a mid-line without length.
    """
    _mid_lines(corners)
    top, bottom, middle = endplate_tilts(corners)
    ends = _end_vertebrae(middle)
    curves = []
    for upper, lower in itertools.pairwise(ends):
        doubtful = (
            abs(fold(float(top[upper] - middle[upper]))) > MAX_WEDGE,
            abs(fold(float(bottom[lower] - middle[lower]))) > MAX_WEDGE,
        )
        first = middle[upper] if doubtful[0] else top[upper]
        second = middle[lower] if doubtful[1] else bottom[lower]
        angle = abs(float(first - second))
        if angle >= minimum:
            apex, side = curve_shape(corners, upper, lower)
            curves.append(EndplateCurve(upper, lower, angle, apex, side, doubtful))
    return tuple(sorted(curves, key=lambda curve: (-round(curve.angle, 9), curve.upper)))


def endplate_tilts(corners: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Tilt of the superior endplates, the inferior endplates and the bodies, + = right side lower.

    Args:
        corners: (..., n, 4, 2).

    Returns:
        Three (..., n) arrays, degrees in (-90, 90].
    """
    top = _tilt(corners[..., 1, :] - corners[..., 0, :])
    bottom = _tilt(corners[..., 3, :] - corners[..., 2, :])
    return top, bottom, top + _folded(bottom - top) / 2


def _three(values: list[float]) -> tuple[float, float, float]:
    first, second, third = values
    return first, second, third


def _mid_lines(corners: FloatArray) -> FloatArray:
    """Vectors from left to right mid-side, (n, 2)."""
    if len(corners) < 2:
        raise ValueError(f"a Cobb angle needs at least 2 bodies, not {len(corners)}")
    vectors = np.asarray((corners[:, 1] + corners[:, 3] - corners[:, 0] - corners[:, 2]) / 2)
    if not bool(np.isfinite(vectors).all()) or not bool(vectors.any(axis=1).all()):
        raise ValueError("the corners of a body coincide or are missing")
    return vectors


def _angles_between(vectors: FloatArray) -> FloatArray:
    """Unsigned angle between each two vectors, (n, n) degrees; exact near 0 where an arc cosine is not."""
    x, y = vectors[:, 0], vectors[:, 1]
    cross = np.outer(x, y) - np.outer(y, x)
    return np.asarray(np.degrees(np.arctan2(np.abs(cross), np.outer(x, x) + np.outer(y, y))))


def _endplate_middles(corners: FloatArray) -> FloatArray:
    """Mid-points of the endplates from top to bottom, (2n, 2)."""
    return np.asarray(corners.reshape(len(corners), 2, 2, 2).mean(axis=2).reshape(-1, 2))


def _s_shaped(points: FloatArray) -> bool:
    """The benchmark's test whether the mid-points lie on both sides of the chord from first to last.

    With r = dy / (y_1 - y_n) - dx / (x_1 - x_n) for all points but the last two (measured from the
    last) the script asks for |(sum r)^2 - sum |r_j r_k|| > 1e-4. The left side is four times the sum of the
    positive r times that of the negative; multiplied by the two divisors it needs no division.
    """
    offset, chord = points[:-2] - points[-1], points[0] - points[-1]
    square = float(chord @ chord)
    if square == 0:
        return False
    beside = (offset[:, 1] * chord[0] - offset[:, 0] * chord[1]) / square
    both_sides = 4 * float(beside[beside > 0].sum()) * float(-beside[beside < 0].sum())
    divisors = float(chord[0] * chord[1]) / square
    return both_sides > max(S_THRESHOLD * divisors**2, STRAIGHT)


def _height_sum(points: FloatArray, upper: int, lower: int, deciding: Endplate) -> float:
    """Sum of the heights (y) of two endplate middles: twice the height of the curve's middle."""
    below = int(deciding is Endplate.INFERIOR)
    return float(points[2 * upper + below, 1] + points[2 * lower + below, 1])


def _largest(values: FloatArray) -> int:
    return int(np.argmax(np.round(values, 9)))


def _tilt(vectors: FloatArray) -> FloatArray:
    return _folded(np.degrees(np.arctan2(vectors[..., 1], vectors[..., 0])))


def _folded(degrees: FloatArray) -> FloatArray:
    turned = -((-degrees + 90.0) % 180.0 - 90.0)
    return np.where(turned == -90.0, 90.0, turned)


def _end_vertebrae(tilts: FloatArray) -> list[int]:
    """Indices where the tilt turns back, the outermost bodies included.

    Turning points are those of the tilts smoothed by a median of three; reversals smaller than
    `TURN_BACK` are passed over, smallest first. Each is then moved to the most tilted neighbour,
    unless that one leans out of line.
    """
    smooth = tilts.copy()
    smooth[1:-1] = np.median(np.stack([tilts[:-2], tilts[1:-1], tilts[2:]]), axis=0)
    ends = [0, *(i for i in range(1, len(tilts) - 1) if _turns(smooth, i)), len(tilts) - 1]
    while len(ends) > 2:
        steps = np.abs(np.diff(smooth[ends]))
        smallest = int(np.argmin(steps))
        if steps[smallest] >= TURN_BACK:
            break
        if smallest == 0:
            del ends[0]
        elif smallest == len(steps) - 1:
            del ends[-1]
        else:
            del ends[smallest : smallest + 2]
    return _sharpened(tilts, smooth, ends)


def _turns(smooth: FloatArray, index: int) -> bool:
    """Whether the tilt before and after this body changes in opposite directions (plateaus count once)."""
    before = smooth[index] - smooth[index - 1]
    later = smooth[index + 1 :] - smooth[index]
    changes = later[later != 0]
    return bool(before != 0 and changes.size and before * changes[0] < 0)


def _sharpened(tilts: FloatArray, smooth: FloatArray, ends: list[int]) -> list[int]:
    moved = []
    for place, end in enumerate(ends):
        other = ends[place - 1] if place else ends[min(1, len(ends) - 1)]
        sign = 1.0 if smooth[end] >= smooth[other] else -1.0
        near = [i for i in (end, end - 1, end + 1) if 0 <= i < len(tilts)]
        fit = [i for i in near if abs(tilts[i] - smooth[i]) <= _allowed_spike(tilts, i)] or [end]
        moved.append(max(fit, key=lambda i: round(sign * float(tilts[i]), 9)))
    return sorted(set(moved))


def _allowed_spike(tilts: FloatArray, index: int) -> float:
    """How far a body may lean out of line, by the steps of tilt next to it that it has no part in."""
    beside = [tilts[max(index - 2, 0) : index], tilts[index + 1 : index + 3]]
    steps = [abs(float(pair[1] - pair[0])) for pair in beside if len(pair) == 2]
    return max(MAX_SPIKE, SPIKE_STEPS * max(steps, default=0.0))


def curve_shape(corners: FloatArray, upper: int, lower: int) -> tuple[float, str]:
    """The apex of a curve and the side of its convexity.

    Args:
        corners: (n, 4, 2), see the module.
        upper: Index of the upper end vertebra.
        lower: Index of the lower end vertebra.

    Returns:
        Index of the body furthest from the chord between the end vertebrae's centres (plus 0.5 for the
        disc below it), and ``right`` or ``left`` in the image.
    """
    centres = corners.mean(axis=1)
    chord = centres[lower] - centres[upper]
    middles = _endplate_middles(corners)
    spots = [(float(i), centres[i]) for i in range(upper, lower + 1)]
    spots += [(i + 0.5, (middles[2 * i + 1] + middles[2 * i + 2]) / 2) for i in range(upper, lower)]
    # Positive to the right of a chord that runs down.
    beside = [
        float((spot[0] - centres[upper][0]) * chord[1] - (spot[1] - centres[upper][1]) * chord[0])
        for _, spot in spots
    ]
    furthest = int(np.argmax(np.round(np.abs(beside), 9)))
    return spots[furthest][0], "right" if beside[furthest] > 0 else "left"
