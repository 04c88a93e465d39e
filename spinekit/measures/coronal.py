"""Balance of the frontal spine against the film's vertical: C7 over S1, T1 over L5, the apices beside the middle.

Values are positive towards the image's right. The vertical and the horizontal are the film's own, so that a tilted
film or cassette tilts every value here. Which side of the patient the image's right is, the film does not tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.measurement import Measurement, MeasurementGeometry, NotMeasured, Result, Status
from spinekit.core.scene import Absent, Scene
from spinekit.measures.bodies import Bodies, find_bodies
from spinekit.measures.cobb import cobb_endplate
from spinekit.measures.frame import Plane, length_doubt, plane_of
from spinekit.measures.interval import Draws, interval
from spinekit.measures.plugin import CodeMeasurement

NAMES = ("coronal_balance", "t1_l5_shift", "t1_tilt", "l5_tilt")
APEX = "apical_translation"
_MOST_CURVES = 9
_UPRIGHT = "against the film's own vertical; + towards the image's right"


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """A point of the plane with its draws and what it is made of."""

    xy: FloatArray
    drawn: FloatArray | None
    used: tuple[str, ...]


def measure_coronal(scene: Scene, draws: Draws) -> tuple[Result, ...]:
    """Balance, tilt of the ends, and the shift of the apex of every curve.

    Args:
        scene: A frontal spine; C7 and S1 are used where the set has them.
        draws: For the intervals.
    """
    bodies = find_bodies(scene, draws)
    if isinstance(bodies, Absent):
        return tuple(NotMeasured(name, bodies.reason) for name in (*NAMES, f"{APEX}_1"))
    if not bodies.levels:
        return tuple(NotMeasured(name, "the levels are not known") for name in (*NAMES, f"{APEX}_1"))
    plane = plane_of(scene.image)
    top = _centre(bodies, plane, "C7")
    below = _sacrum(scene, plane, draws)
    results = [
        _shift(
            scene,
            plane,
            bodies,
            NAMES[0],
            f"centre of C7 beside the middle of the sacrum, {_UPRIGHT}",
            top,
            below,
        )
    ]
    first, last = _centre(bodies, plane, "T1"), _middle(bodies, plane, "L5", (2, 3))
    method = (
        f"centre of T1 beside the middle of the inferior endplate of L5 (not the balance of C7), {_UPRIGHT}"
    )
    results.append(_shift(scene, plane, bodies, NAMES[1], method, first, last))
    results.append(_tilt(plane, bodies, NAMES[2], "T1", (0, 1)))
    results.append(_tilt(plane, bodies, NAMES[3], "L5", (2, 3)))
    return (*results, *_apices(scene, plane, bodies, last if isinstance(below, Absent) else below))


def _points(bodies: Bodies, plane: Plane, level: str, corners: Sequence[int]) -> _Point | Absent:
    """Mean of some corners of a level."""
    if level not in bodies.names:
        return Absent(
            next((r for r in bodies.reasons if r.startswith(f"{level} ")), f"{level} was not found")
        )
    row = bodies.names.index(level)
    drawn = None if bodies.draws is None else plane.to_plane(bodies.draws[:, row, corners].mean(axis=1))
    used = tuple(f"{level}.{('TL', 'TR', 'BL', 'BR')[i]}" for i in corners)
    return _Point(plane.to_plane(bodies.corners[row, corners].mean(axis=0)), drawn, used)


def _centre(bodies: Bodies, plane: Plane, level: str) -> _Point | Absent:
    return _points(bodies, plane, level, [0, 1, 2, 3])


def _middle(bodies: Bodies, plane: Plane, level: str, corners: tuple[int, int]) -> _Point | Absent:
    return _points(bodies, plane, level, list(corners))


def _sacrum(scene: Scene, plane: Plane, draws: Draws) -> _Point | Absent:
    """Middle of the upper endplate of S1, of which a set may give no more."""
    found = [item for item in scene.instances if item.label == "S1"]
    if len(found) != 1 or found[0].landmarks is None:
        return Absent("S1 was found more than once" if len(found) > 1 else "S1 was not found")
    marks = found[0].landmarks
    if not {"TL", "TR"} <= set(marks.names):
        return Absent("S1 has no corners")
    rows = [marks.index("TL"), marks.index("TR")]
    xy = marks.xy[rows]
    if not bool(np.isfinite(xy).all()):
        return Absent("S1 lacks TL or TR")
    drawn = None
    if draws.count and marks.spread is not None and bool(np.isfinite(marks.spread[rows]).all()):
        pair = [
            draws.around(f"S1.{name}", xy[i], marks.spread[rows[i]]) for i, name in enumerate(("TL", "TR"))
        ]
        drawn = plane.to_plane((pair[0] + pair[1]) / 2)
    return _Point(plane.to_plane(xy.mean(axis=0)), drawn, ("S1.TL", "S1.TR"))


def _shift(
    scene: Scene,
    plane: Plane,
    bodies: Bodies,
    name: str,
    method: str,
    upper: _Point | Absent,
    lower: _Point | Absent,
    *,
    doubts: Sequence[str] = (),
    details: dict[str, str] | None = None,
) -> Result:
    """How far one point stands beside another along the rows."""
    if isinstance(upper, Absent) or isinstance(lower, Absent):
        missing = [point.reason for point in (upper, lower) if isinstance(point, Absent)]
        return NotMeasured(name, "; ".join(missing))
    value = float(upper.xy[0] - lower.xy[0])
    held = None
    if upper.drawn is not None and lower.drawn is not None:
        held = interval(value, upper.drawn[:, 0] - lower.drawn[:, 0], turns=False)
    doubt = length_doubt(scene.image)
    reasons = [*doubt.reasons, *bodies.reasons, *doubts, *_flags(bodies, (*upper.used, *lower.used))]
    high, foot = _pixel(plane, upper.xy), _pixel(plane, lower.xy)
    return Measurement(
        name=name,
        value=value,
        unit=plane.unit,
        method=method,
        landmarks_used=(*upper.used, *lower.used),
        low=held[0] if held else None,
        high=held[1] if held else None,
        spacing_origin=doubt.origin,
        status=Status.REVIEW if reasons else Status.OK,
        reason="; ".join(reasons),
        geometry=MeasurementGeometry(
            points={"above": high, "below": foot},
            lines={"upright": (foot, (foot[0], high[1])), "shift": ((foot[0], high[1]), high)},
            anchor=high,
        ),
        details=details or {},
    )


def _tilt(plane: Plane, bodies: Bodies, name: str, level: str, corners: tuple[int, int]) -> Result:
    """Tilt of an endplate against the rows."""
    left, right = (_points(bodies, plane, level, [corner]) for corner in corners)
    if isinstance(left, Absent) or isinstance(right, Absent):
        missing = [point.reason for point in (left, right) if isinstance(point, Absent)]
        return NotMeasured(name, "; ".join(dict.fromkeys(missing)))
    value = float(_slope(right.xy - left.xy))
    held = None
    if left.drawn is not None and right.drawn is not None:
        held = interval(value, _slope(right.drawn - left.drawn), turns=True)
    reasons = [*bodies.reasons, *_flags(bodies, left.used)]
    ends = _pixel(plane, left.xy), _pixel(plane, right.xy)
    plate = "superior" if corners == (0, 1) else "inferior"
    return Measurement(
        name=name,
        value=value,
        unit="deg",
        method=f"{plate} endplate of {level} against the film's horizontal; + where the image's right is lower",
        landmarks_used=(*left.used, *right.used),
        low=held[0] if held else None,
        high=held[1] if held else None,
        status=Status.REVIEW if reasons else Status.OK,
        reason="; ".join(reasons),
        geometry=MeasurementGeometry(lines={f"{level} {plate} endplate": ends}, anchor=ends[1]),
    )


def _slope(vector: FloatArray) -> FloatArray:
    return np.asarray(np.degrees(np.arctan2(vector[..., 1], vector[..., 0])))


def _apices(scene: Scene, plane: Plane, bodies: Bodies, foot: _Point | Absent) -> tuple[Result, ...]:
    """The shift of every curve's apex from the vertical over the sacrum, or over L5 where no sacrum is seen."""
    try:
        curves = cobb_endplate(plane.to_plane(bodies.corners))
    except ValueError as error:
        return (NotMeasured(f"{APEX}_1", str(error)),)
    if not curves:
        return (NotMeasured(f"{APEX}_1", "there is no curve"),)
    results = []
    for number, curve in enumerate(curves[:_MOST_CURVES], 1):
        above = int(curve.apex)
        apex = _centre(bodies, plane, bodies.names[above])
        spot = bodies.names[above]
        if above != curve.apex:
            spot = f"disc {bodies.names[above]}/{bodies.names[above + 1]}"
            apex = _between(apex, _centre(bodies, plane, bodies.names[above + 1]))
        stands = (
            []
            if isinstance(foot, Absent) or "S1.TL" in foot.used
            else ["from the middle of L5: no S1 is seen"]
        )
        method = f"apex of the curve of cobb_endplate_{number} beside the vertical over the middle of the "
        f"sacrum, {_UPRIGHT}"
        results.append(
            _shift(
                scene,
                plane,
                bodies,
                f"{APEX}_{number}",
                method,
                apex,
                foot,
                doubts=stands,
                details={"apex": spot},
            )
        )
    return tuple(results)


def _between(first: _Point | Absent, second: _Point | Absent) -> _Point | Absent:
    if isinstance(first, Absent) or isinstance(second, Absent):
        return first if isinstance(first, Absent) else second
    drawn = None if first.drawn is None or second.drawn is None else (first.drawn + second.drawn) / 2
    return _Point((first.xy + second.xy) / 2, drawn, (*first.used, *second.used))


def _flags(bodies: Bodies, used: Sequence[str]) -> list[str]:
    levels = dict.fromkeys(name.partition(".")[0] for name in used)
    rows = [bodies.names.index(level) for level in levels if level in bodies.names]
    return [f"{bodies.names[row]}: {flag}" for row in rows for flag in bodies.flags[row]]


def _pixel(plane: Plane, xy: FloatArray) -> tuple[float, float]:
    x, y = plane.to_pixels(xy).tolist()
    return x, y


_SHIFTS = (*NAMES, *(f"{APEX}_{number}" for number in range(1, _MOST_CURVES + 1)))
MEASURES = (
    CodeMeasurement(
        "coronal",
        "coronal balance, tilt of the upper and lower end, apical translation of every curve",
        (*NAMES, f"{APEX}_1"),
        measure_coronal,
        groups=("coronal",),
        unit="length, deg",
        negated=_SHIFTS,
        frame=_SHIFTS,
    ),
)
