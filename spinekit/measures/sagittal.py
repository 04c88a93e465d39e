"""Curves and balance of the lateral spine: lordosis, kyphosis, the pelvis below and the head above."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.measurement import Measurement, MeasurementGeometry, NotMeasured, Result, Status
from spinekit.core.scene import Absent, Scene
from spinekit.measures.column import IA, IP, LIA, LIP, LSA, LSP, SA, SP, Column, find_column
from spinekit.measures.frame import length_doubt
from spinekit.measures.interval import Draws
from spinekit.measures.lateral import tilt, wrapped
from spinekit.measures.plugin import CodeMeasurement
from spinekit.measures.quantity import reasons_for, spans, unit_of

_UPRIGHT = "against the film's own vertical: a tilted film or patient tilts it"
HIP = "hip"
Found = Mapping[str, FloatArray]
"""(..., 2) plane coordinates: ``L1.6`` a point of a body, ``hip`` the middle between the femoral heads."""


@dataclass(frozen=True, slots=True)
class _Sagittal:
    """One value.

    Attributes:
        name: Of the result.
        unit: ``deg`` or ``length``.
        method: In words.
        needs: Levels and their points.
        value: From the points to (...) values.
        hip: Whether the femoral heads go in.
    """

    name: str
    unit: str
    method: str
    needs: tuple[tuple[str, int], ...]
    value: Callable[[Found], FloatArray]
    hip: bool = False


def _at(found: Found, level: str, point: int) -> FloatArray:
    return found[f"{level}.{point}"]


def _top(found: Found, level: str) -> FloatArray:
    """Tilt of a superior endplate."""
    return tilt(_at(found, level, LSA) - _at(found, level, LSP))


def _bottom(found: Found, level: str) -> FloatArray:
    """Tilt of an inferior endplate."""
    return tilt(_at(found, level, LIA) - _at(found, level, LIP))


def _plate_middle(found: Found) -> FloatArray:
    """Middle of the sacral endplate."""
    return np.asarray((_at(found, "S1", SP) + _at(found, "S1", SA)) / 2)


def _centre(found: Found, level: str) -> FloatArray:
    return np.asarray(sum(_at(found, level, point) for point in (SP, SA, IP, IA)) / 4)


def _lean(vector: FloatArray) -> FloatArray:
    """Angle of an upward vector to the vertical, degrees, + = leaning to the front; NaN without length."""
    turned = np.degrees(np.arctan2(vector[..., 0], -vector[..., 1]))
    return np.where(np.hypot(vector[..., 0], vector[..., 1]) > 0, turned, np.nan)


def sacral_slope(found: Found) -> FloatArray:
    """Tilt of the sacral endplate against the horizontal."""
    return _top(found, "S1")


def pelvic_tilt(found: Found) -> FloatArray:
    """Angle at the hip between the vertical and the sacral endplate's middle, + when that lies behind."""
    return -_lean(_plate_middle(found) - found[HIP])


def pelvic_incidence(found: Found) -> FloatArray:
    """Angle between the sacral endplate's perpendicular and the line from its middle to the hip."""
    plate = _at(found, "S1", LSA) - _at(found, "S1", LSP)
    down = np.stack([-plate[..., 1], plate[..., 0]], axis=-1)
    way = found[HIP] - _plate_middle(found)
    cross = way[..., 0] * down[..., 1] - way[..., 1] * down[..., 0]
    turned = np.degrees(np.arctan2(cross, (way * down).sum(axis=-1)))
    return np.where((np.hypot(*np.moveaxis(way, -1, 0)) > 0) & np.isfinite(_top(found, "S1")), turned, np.nan)


def lumbar_lordosis(found: Found) -> FloatArray:
    """From the superior endplate of L1 to that of S1."""
    return wrapped(_top(found, "S1") - _top(found, "L1"))


def _kyphosis(upper: str) -> Callable[[Found], FloatArray]:
    return lambda found: wrapped(_top(found, upper) - _bottom(found, "T12"))


def _sva(found: Found) -> FloatArray:
    return np.asarray((_centre(found, "C7") - _at(found, "S1", SP))[..., 0])


def _t1_inclination(found: Found) -> FloatArray:
    return _lean(_centre(found, "T1") - found[HIP])


def _sup(level: str) -> tuple[tuple[str, int], ...]:
    return (level, LSP), (level, LSA)


def _inf(level: str) -> tuple[tuple[str, int], ...]:
    return (level, LIP), (level, LIA)


def _corners(level: str) -> tuple[tuple[str, int], ...]:
    return (level, SP), (level, SA), (level, IP), (level, IA)


_S1 = (*_sup("S1"), ("S1", SP), ("S1", SA))
_ALL = (
    _Sagittal("cervical_lordosis", "deg", "inferior endplate of C2 to inferior endplate of C7, + lordotic",
              (*_inf("C2"), *_inf("C7")), lambda p: wrapped(_bottom(p, "C7") - _bottom(p, "C2"))),
    _Sagittal("thoracic_kyphosis", "deg", "superior endplate of {upper} to inferior endplate of T12, + kyphotic",
              (*_sup("T4"), *_inf("T12")), _kyphosis("T4")),
    _Sagittal("thoracic_kyphosis_t2_t12", "deg", "superior endplate of T2 to inferior endplate of T12, + kyphotic",
              (*_sup("T2"), *_inf("T12")), _kyphosis("T2")),
    _Sagittal("lumbar_lordosis", "deg", "superior endplate of L1 to superior endplate of S1, + lordotic",
              (*_sup("L1"), *_sup("S1")), lumbar_lordosis),
    _Sagittal("lumbar_lordosis_l1_l5", "deg", "superior endplate of L1 to inferior endplate of L5 (without the "
             "last disc; "
              "not comparable with L1-S1), + lordotic", (*_sup("L1"), *_inf("L5")),
              lambda p: wrapped(_bottom(p, "L5") - _top(p, "L1"))),
    _Sagittal("t1_slope", "deg", f"superior endplate of T1 against the horizontal, + falling to the front; "
             f"{_UPRIGHT}",
              _sup("T1"), lambda p: _top(p, "T1")),
    _Sagittal("sacral_slope", "deg", f"superior endplate of S1 against the horizontal; {_UPRIGHT}", _sup("S1"),
              sacral_slope),
    _Sagittal("pelvic_tilt", "deg", "angle at the middle of the femoral heads between the vertical and the "
             "middle of the "
              f"sacral endplate, + when that lies behind; {_UPRIGHT}", _S1, pelvic_tilt, hip=True),
    _Sagittal("pelvic_incidence", "deg", "angle between the perpendicular of the sacral endplate at its middle "
             "and the line "
              "to the middle of the femoral heads", _S1, pelvic_incidence, hip=True),
    _Sagittal("pi_ll", "deg", "pelvic incidence minus lumbar lordosis (L1-S1)", (*_S1, *_sup("L1")),
              lambda p: pelvic_incidence(p) - lumbar_lordosis(p), hip=True),
    _Sagittal("sva", "length", "sagittal vertical axis: centre of C7 ahead of the posterior corner of the "
             "sacral endplate, "
              f"along the film's rows, + to the front; {_UPRIGHT}", (*_corners("C7"), ("S1", SP)), _sva),
    _Sagittal("t1_pelvic_angle", "deg", "angle at the middle of the femoral heads from the middle of the sacral "
             "endplate to "
              "the centre of T1, + to the front", (*_S1, *_corners("T1")),
              lambda p: wrapped(pelvic_tilt(p) + _t1_inclination(p)), hip=True),
    _Sagittal("t1_spinopelvic_inclination", "deg", "line from the middle of the femoral heads to the centre of "
             "T1 against the "
              f"vertical, + to the front; {_UPRIGHT}", _corners("T1"), _t1_inclination, hip=True),
)  # fmt: skip
NAMES = tuple(item.name for item in _ALL)
FRAME = ("t1_slope", "sacral_slope", "pelvic_tilt", "sva", "t1_spinopelvic_inclination")
_KYPHOSIS = "thoracic_kyphosis"
_STEAD = ("T4", "T5", "T3", "T2")  # upper level of the kyphosis, in order of preference


def measure_sagittal(scene: Scene, draws: Draws) -> tuple[Result, ...]:
    """Curves, slopes and balance; each is refused by the name of what it lacks.

    Args:
        scene: A lateral spine; instances ``FH1`` and ``FH2`` are the femoral heads.
        draws: For the intervals.
    """
    column = find_column(scene, draws)
    if isinstance(column, Absent):
        return tuple(NotMeasured(name, column.reason) for name in NAMES)
    if not column.named:
        return tuple(NotMeasured(name, "the levels are not known") for name in NAMES)
    return tuple(_measured(scene, column, item) for item in _ALL)


def _measured(scene: Scene, column: Column, item: _Sagittal) -> Result:
    doubts: list[str] = []
    if item.name == _KYPHOSIS:
        item, doubts = _kyphosis_from(column, item)
    absent = _absent(column, item)
    if absent:
        return NotMeasured(item.name, absent)
    with np.errstate(invalid="ignore", over="ignore"):
        value = float(item.value(_points(column.points, column, item, column.hips)))
        drawn = None
        if column.draws is not None and not (item.hip and column.hip_draws is None):
            drawn = item.value(_points(column.draws, column, item, column.hip_draws))
    if not np.isfinite(value):
        return NotMeasured(item.name, "two of its points coincide")
    low_high = spans(np.array([value]), None if drawn is None else drawn[:, None], item.unit)[0]
    reasons = reasons_for(scene, column, item.unit, [column.index(level) for level, _ in item.needs])
    reasons += doubts
    if item.hip and len(column.hip_names) == 1:
        reasons.append(f"one femoral head only ({column.hip_names[0]})")
    used = [column.spoken[column.index(level)][point] for level, point in item.needs]
    return Measurement(
        name=item.name,
        value=value,
        unit=unit_of(item.unit, column),
        method=item.method,
        landmarks_used=tuple(dict.fromkeys((*used, *(column.hip_names if item.hip else ())))),
        low=None if low_high is None else low_high[0],
        high=None if low_high is None else low_high[1],
        spacing_origin=length_doubt(scene.image).origin if item.unit == "length" else None,
        status=Status.REVIEW if reasons else Status.OK,
        reason="; ".join(dict.fromkeys(reasons)),
        geometry=_geometry(column, item),
        details={"levels": "-".join(dict.fromkeys(level for level, _ in item.needs))},
    )


def _kyphosis_from(column: Column, item: _Sagittal) -> tuple[_Sagittal, list[str]]:
    """The kyphosis from the first level of the preferred ones that is there, and what to say of it."""
    upper = next(
        (level for level in _STEAD if column.index(level) >= 0 and not _lost(column, _sup(level))), _STEAD[0]
    )
    method = item.method.format(upper=upper)
    chosen = _Sagittal(item.name, item.unit, method, (*_sup(upper), *_inf("T12")), _kyphosis(upper))
    why = f"{column.lacks('T4') if column.index('T4') < 0 else 'T4 lacks an endplate'}, measured from {upper}"
    return chosen, [] if upper == _STEAD[0] else [why]


def _lost(column: Column, needs: tuple[tuple[str, int], ...]) -> list[str]:
    """Names of points of bodies that are there but lack them."""
    rows = [(column.index(level), point) for level, point in needs]
    return [column.spoken[row][point] for row, point in rows if np.isnan(column.points[row, point, 0])]


def _absent(column: Column, item: _Sagittal) -> str:
    """What is missing, in words."""
    levels = list(dict.fromkeys(level for level, _ in item.needs))
    gone = [column.lacks(level) for level in levels if column.index(level) < 0]
    lost = _lost(column, tuple(need for need in item.needs if column.index(need[0]) >= 0))
    if lost:
        gone.append(f"{', '.join(dict.fromkeys(lost))} {'is' if len(set(lost)) == 1 else 'are'} absent")
    if item.hip and not column.hip_names:
        gone.append("the centres of the femoral heads (FH1, FH2) were not found")
    return "; ".join(gone)


def _points(points: FloatArray, column: Column, item: _Sagittal, hips: FloatArray | None) -> Found:
    found = {f"{level}.{point}": points[..., column.index(level), point, :] for level, point in item.needs}
    if item.hip and hips is not None:
        found[HIP] = hips.mean(axis=-2)
    return found


def _geometry(column: Column, item: _Sagittal) -> MeasurementGeometry:
    """The endplates and points that went in."""
    points = {}
    for level, point in item.needs:
        row = column.index(level)
        x, y = column.pixels[row, point].tolist()
        points[column.spoken[row][point]] = (x, y)
    lines = {}
    for (level, start), (other, end) in zip(item.needs, item.needs[1:], strict=False):
        if level == other and (start, end) in ((LSP, LSA), (LIP, LIA)):
            row = column.index(level)
            first, second = column.spoken[row][start], column.spoken[row][end]
            lines[f"{first}-{second}"] = (points[first], points[second])
    if item.hip:
        middle = column.plane.to_pixels(column.hips.mean(axis=0))
        points["hip axis"] = (float(middle[0]), float(middle[1]))
        for level in ("S1", "T1"):  # the middle of the endplate, the centre of the body
            rows = [column.pixels[column.index(level), point] for name, point in item.needs if name == level]
            if rows:
                x, y = np.mean(rows, axis=0).tolist()
                lines[f"hip axis-{level}"] = (points["hip axis"], (x, y))
    return MeasurementGeometry(points=points, lines=lines, anchor=next(iter(points.values())))


MEASURES = (
    CodeMeasurement(
        "spinopelvic",
        "lordosis, kyphosis, slopes, pelvic parameters and balance of the lateral spine",
        NAMES,
        measure_sagittal,
        groups=("sagittal", "spinopelvic"),
        unit="deg, length",
        frame=FRAME,
    ),
)
