"""The functions of the formula language: kinds in, kind out, arithmetic on arrays, and what to draw.

Frame: calibrated coordinates (mm, or isotropic pixels), x to the front (lateral views, see
`spinekit.measures.frame`) or to the right, y down. Points are (..., 2) arrays, so that one evaluation serves
a single image and 500 random draws alike; an undefined value is NaN. Angles are in degrees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from spinekit.core.image import FloatArray

PARALLEL = 1e-9  # sine of the angle below which two lines have no usable intersection
MERE_DIRECTION = 0.05  # a line shorter than this share of its partner is lengthened when drawn


class Kind(StrEnum):
    """What a piece of a formula is."""

    POINT = "point"
    LINE = "line"
    LENGTH = "length"
    ANGLE = "angle"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Segment:
    """A directed line through two points.

    Attributes:
        start: (..., 2).
        end: (..., 2).
    """

    start: FloatArray
    end: FloatArray

    @property
    def vector(self) -> FloatArray:
        """From start to end, (..., 2)."""
        return self.end - self.start


Value = FloatArray | Segment
Segments = list[tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    Attributes:
        name: As written in a formula.
        signature: How it is written, for messages and help.
        meaning: One line about it.
        overloads: Kinds of the arguments and of the result, for each way to call it.
        compute: From the arguments to the value.
        vertex: Whether a semicolon follows the first argument.
        undefined: Why the value can be missing although all points are there.
        signed: Whether the sign depends on the side that is called front.
        frame: Whether the value depends on how the image lies.
        drawn: Segments to draw, from the arguments.
    """

    name: str
    signature: str
    meaning: str
    overloads: tuple[tuple[tuple[Kind, ...], Kind], ...]
    compute: Callable[..., Value]
    vertex: bool = False
    undefined: str = "two of its points coincide"
    signed: bool = False
    frame: bool = False
    drawn: Callable[..., Segments] = lambda *_: []


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray((a * b).sum(axis=-1))


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])


def _length(a: FloatArray) -> FloatArray:
    return np.asarray(np.hypot(a[..., 0], a[..., 1]))


def _between(a: FloatArray, b: FloatArray) -> FloatArray:
    """Signed angle from vector a to b in (-180, 180]; NaN where one has no length."""
    turned = np.degrees(np.arctan2(_cross(a, b), _dot(a, b)))
    turned = np.where(turned == -180.0, 180.0, turned)
    return np.where((_length(a) > 0) & (_length(b) > 0), turned, np.nan)


def _angle(vertex: FloatArray, p: FloatArray, q: FloatArray) -> FloatArray:
    return np.abs(_between(p - vertex, q - vertex))


def _signed_angle(first: Segment, second: Segment) -> FloatArray:
    return _between(first.vector, second.vector)


def _tilt_difference(first: Segment, second: Segment) -> FloatArray:
    turned = _between(first.vector, second.vector)
    folded = -((-turned + 90.0) % 180.0 - 90.0)
    return np.where(folded == -90.0, 90.0, folded)


def _distance(p: FloatArray, q: FloatArray) -> FloatArray:
    return _length(q - p)


def _signed_distance(p: FloatArray, line: Segment) -> FloatArray:
    length = _length(line.vector)
    # 0 / 0 becomes NaN, which the evaluation turns into a reason.
    return -_cross(line.vector, p - line.start) / np.where(length > 0, length, np.nan)


def _along(p: FloatArray, q: FloatArray, line: Segment) -> FloatArray:
    length = _length(line.vector)
    return _dot(q - p, line.vector) / np.where(length > 0, length, np.nan)


def _project(p: FloatArray, line: Segment) -> FloatArray:
    square = _dot(line.vector, line.vector)
    share = _dot(p - line.start, line.vector) / np.where(square > 0, square, np.nan)
    return line.start + share[..., None] * line.vector


def _intersection(first: Segment, second: Segment) -> FloatArray:
    cross = _cross(first.vector, second.vector)
    limit = PARALLEL * _length(first.vector) * _length(second.vector)
    share = _cross(second.start - first.start, second.vector) / np.where(np.abs(cross) > limit, cross, np.nan)
    return first.start + share[..., None] * first.vector


def _perpendicular(p: FloatArray, line: Segment) -> Segment:
    # Turned a quarter clockwise on the screen: for a line that runs forward the perpendicular runs down.
    vector = line.vector
    return Segment(p, p + np.stack([-vector[..., 1], vector[..., 0]], axis=-1))


def _ratio(a: FloatArray, b: FloatArray) -> FloatArray:
    return a / np.where(b != 0, b, np.nan)


def _two_lines(first: Segment, second: Segment) -> Segments:
    """Both lines, a very short one (a mere direction such as ``horizontal``) as long as the other."""
    longest = max(float(_length(first.vector)), float(_length(second.vector)))
    return [_visible(first, longest), _visible(second, longest)]


def _visible(line: Segment, longest: float) -> tuple[FloatArray, FloatArray]:
    length = float(_length(line.vector))
    stretched = longest / length if length < MERE_DIRECTION * longest else 1.0
    return line.start, line.start + stretched * line.vector


_P, _L, _D, _A, _N = Kind.POINT, Kind.LINE, Kind.LENGTH, Kind.ANGLE, Kind.NUMBER

_ALL = (
    Function(
        "angle", "angle(vertex; p, q)", "unsigned angle at the vertex, 0 to 180 degrees",
        (((_P, _P, _P), _A),), _angle, vertex=True, drawn=lambda v, p, q: [(v, p), (v, q)],
    ),
    Function(
        "angle_between", "angle_between(line, line)",
        "unsigned angle between the directions of two lines (first to second point), 0 to 180 degrees",
        (((_L, _L), _A),), lambda a, b: np.abs(_signed_angle(a, b)),
        drawn=_two_lines,
    ),
    Function(
        "signed_angle", "signed_angle(line, line)",
        "turn from the first direction to the second, -180 to 180 degrees, + from the front downwards",
        (((_L, _L), _A),), _signed_angle, signed=True,
        drawn=_two_lines,
    ),
    Function(
        "tilt_difference", "tilt_difference(line, line)",
        "turn from the first line to the second without regard to their directions, -90 to 90 degrees",
        (((_L, _L), _A),), _tilt_difference, signed=True,
        drawn=_two_lines,
    ),
    Function(
        "distance", "distance(p, q)", "length from p to q",
        (((_P, _P), _D),), _distance, drawn=lambda p, q: [(p, q)],
    ),
    Function(
        "distance_to_line", "distance_to_line(p, line)", "length from p to the line, unsigned",
        (((_P, _L), _D),), lambda p, a: np.abs(_signed_distance(p, a)),
        drawn=lambda p, a: [(a.start, a.end), (p, _project(p, a))],
    ),
    Function(
        "signed_distance", "signed_distance(p, line)",
        "length from p to the line, + in front of a line that runs down, + above one that runs forward",
        (((_P, _L), _D),), _signed_distance, signed=True,
        drawn=lambda p, a: [(a.start, a.end), (p, _project(p, a))],
    ),
    Function(
        "along", "along(p, q, line)",
        "length from p to q in the direction of the line (its first to its second point), + forward",
        (((_P, _P, _L), _D),), _along,
        drawn=lambda p, q, a: [
            (a.start, a.end), (p, _project(p, a)), (q, _project(q, a)), (_project(p, a), _project(q, a)),
        ],
    ),
    Function("line", "line(p, q)", "the line from p through q", (((_P, _P), _L),), Segment),
    Function(
        "perpendicular", "perpendicular(p, line)", "the line through p at a right angle to the line",
        (((_P, _L), _L),), _perpendicular,
    ),
    Function(
        "parallel", "parallel(p, line)", "the line through p in the direction of the line",
        (((_P, _L), _L),), lambda p, a: Segment(p, p + a.vector),
    ),
    Function(
        "horizontal", "horizontal(p)", "the line through p along the image rows, forward",
        (((_P,), _L),), lambda p: Segment(p, p + np.array([1.0, 0.0])), frame=True,
    ),
    Function(
        "vertical", "vertical(p)", "the line through p along the image columns, down",
        (((_P,), _L),), lambda p: Segment(p, p + np.array([0.0, 1.0])), frame=True,
    ),
    Function(
        "midpoint", "midpoint(p, q)", "the point halfway between p and q",
        (((_P, _P), _P),), lambda p, q: (p + q) / 2,
    ),
    Function("project", "project(p, line)", "the foot of p on the line", (((_P, _L), _P),), _project),
    Function(
        "intersection", "intersection(line, line)", "where two lines cross",
        (((_L, _L), _P),), _intersection, undefined="the lines are parallel or without length",
    ),
    Function(
        "ratio", "ratio(a, b)", "a divided by b, both of one kind",
        (((_D, _D), _N), ((_A, _A), _N), ((_N, _N), _N)), _ratio, undefined="it divides by zero",
    ),
    Function(
        "min", "min(a, b)", "the smaller of two of one kind",
        (((_D, _D), _D), ((_A, _A), _A), ((_N, _N), _N)), np.minimum,
    ),
    Function(
        "max", "max(a, b)", "the larger of two of one kind",
        (((_D, _D), _D), ((_A, _A), _A), ((_N, _N), _N)), np.maximum,
    ),
    Function(
        "abs", "abs(a)", "a without its sign",
        (((_D,), _D), ((_A,), _A), ((_N,), _N)), np.abs,
    ),
    Function(
        "sign", "sign(a)", "1 where a is above 0, -1 below, 0 at 0",
        (((_D,), _N), ((_A,), _N), ((_N,), _N)), np.sign,
    ),
)  # fmt: skip

FUNCTIONS = {function.name: function for function in _ALL}
