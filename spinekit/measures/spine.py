"""Cobb angles of a frontal spine: the benchmark's three, and every curve by its endplates."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.measurement import Measurement, MeasurementGeometry, NotMeasured, Result, Status
from spinekit.core.scene import Absent, Scene
from spinekit.measures.bodies import Bodies, find_bodies
from spinekit.measures.cobb import (
    CORNERS,
    MIN_CURVE,
    SCOLIOSIS,
    AasceCase,
    AasceCobb,
    EndplateCurve,
    cobb_aasce,
    cobb_endplate,
    curve_shape,
    endplate_tilts,
)
from spinekit.measures.cobb_draws import STABLE, AasceIntervals, aasce_intervals
from spinekit.measures.frame import Plane, plane_of
from spinekit.measures.interval import Draws, interval
from spinekit.measures.plugin import CodeMeasurement

AASCE_NAMES = ("cobb_aasce_main", "cobb_aasce_second", "cobb_aasce_third")
_DECIDING = (AASCE_NAMES[0], "cobb_endplate_1")  # compared with the 10 degrees of scoliosis
_TOLD_GROWTH = 0.1  # degrees by which noise lifts the main angle from which that is said
_AASCE_METHOD = "Cobb by the AASCE 2019 rule: angle between the mid-lines of two bodies, {rank}"
_RANKS = ("the largest of all pairs", "second angle of the benchmark", "third angle of the benchmark")
_ENDPLATE_METHOD = (
    "Cobb by endplates: superior endplate of the upper to inferior endplate of the lower end vertebra; "
    "interval for these end vertebrae"
)
# Names of the three angles in the benchmark's paper, by its rule.
_AASCE_NAMES = {
    AasceCase.NOT_S: ("MT", "PT", "TL"),
    AasceCase.S_UPPER: ("MT", "PT", "TL"),
    AasceCase.S_LOWER: ("TL", "MT", "PT"),
}
# Region of a curve by its apex, with the last place of each (T1 is 0, a disc lies halfway). Lenke's bounds
# for PT to L, in whose gaps and beyond whose ends the wider thoracic and lumbar regions of the SRS hold.
_REGIONS = (("CT", 0.5), ("PT", 4.0), ("MT", 10.5), ("TL", 12.0), ("L", 15.5), ("LS", 17.0))


def measure_aasce(scene: Scene, draws: Draws) -> tuple[Result, ...]:
    """The three angles of the AASCE benchmark, main first.

    Args:
        scene: Bodies with corners; 5 at least, missing ones are named in the reason to review.
        draws: For the intervals.
    """
    bodies = find_bodies(scene, draws)
    if isinstance(bodies, Absent):
        return tuple(NotMeasured(name, bodies.reason) for name in AASCE_NAMES)
    plane = plane_of(scene.image)
    height = scene.image.height * float(plane.scale[1])
    try:
        found = cobb_aasce(plane.to_plane(bodies.corners), height)
    except ValueError as error:
        return tuple(NotMeasured(name, str(error)) for name in AASCE_NAMES)
    held = None
    if bodies.draws is not None:
        held = aasce_intervals(found, plane.to_plane(bodies.draws), height)
    return tuple(_aasce_result(rank, found, bodies, plane, held) for rank in range(len(AASCE_NAMES)))


def _aasce_result(
    rank: int, found: AasceCobb, bodies: Bodies, plane: Plane, held: AasceIntervals | None
) -> Measurement:
    value = found.angles[rank]
    upper, lower = sorted(found.ends[rank])
    details = {"upper end": bodies.names[upper], "lower end": bodies.names[lower], "case": str(found.case)}
    if upper != lower and value > 0:
        apex, side = curve_shape(plane.to_plane(bodies.corners), upper, lower)
        details |= {
            "apex": _spot(bodies, apex),
            "side": f"image {side}",
            "region": _region(bodies, apex),
        }
    if bodies.levels:
        details["benchmark name"] = _AASCE_NAMES[found.case][rank]
    lines = {
        f"{bodies.names[i]} mid-line": _mid_line(bodies.corners[i]) for i in dict.fromkeys((upper, lower))
    }
    doubts = []
    if held is not None and rank == 0 and held.growth >= _TOLD_GROWTH:
        details["lifted by noise"] = f"about {held.growth:.1f} deg, taken off the interval"
    if held is not None and rank and held.same_rule < STABLE:
        doubts.append(
            f"another rule of the benchmark may hold (in {1 - held.same_rule:.0%} of random spines)"
        )
    return _result(
        AASCE_NAMES[rank],
        value,
        _AASCE_METHOD.format(rank=_RANKS[rank]),
        bodies=bodies,
        ends=(upper, lower),
        lines=lines,
        details=details,
        held=None if held is None else held.ends[rank],
        doubts=doubts,
    )


def measure_endplate(scene: Scene, draws: Draws) -> tuple[Result, ...]:
    """Every curve of 7 degrees or more by its endplates, the largest first.

    Args:
        scene: Bodies with corners; 5 at least, missing ones are named in the reason to review.
        draws: For the intervals.
    """
    bodies = find_bodies(scene, draws)
    if isinstance(bodies, Absent):
        return (NotMeasured("cobb_endplate_1", bodies.reason),)
    plane = plane_of(scene.image)
    try:
        curves = cobb_endplate(plane.to_plane(bodies.corners))
    except ValueError as error:
        return (NotMeasured("cobb_endplate_1", str(error)),)
    if not curves:
        return (NotMeasured("cobb_endplate_1", f"no curve reaches {MIN_CURVE:g} degrees"),)
    return tuple(
        _endplate_result(f"cobb_endplate_{number}", curve, bodies, plane)
        for number, curve in enumerate(curves, 1)
    )


def _endplate_result(name: str, curve: EndplateCurve, bodies: Bodies, plane: Plane) -> Measurement:
    upper, lower = bodies.names[curve.upper], bodies.names[curve.lower]
    details = {
        "upper end": upper,
        "lower end": lower,
        "apex": _spot(bodies, curve.apex),
        "side": f"image {curve.side}",
        "region": _region(bodies, curve.apex),
        "extent": "scoliosis range" if curve.angle >= SCOLIOSIS else "spinal asymmetry, below 10 deg",
    }
    top, bottom = bodies.corners[curve.upper], bodies.corners[curve.lower]
    names = [
        f"{upper} mid-line" if curve.midline[0] else f"{upper} superior endplate",
        f"{lower} mid-line" if curve.midline[1] else f"{lower} inferior endplate",
    ]
    ends = (
        _mid_line(top) if curve.midline[0] else _segment(top[0], top[1]),
        _mid_line(bottom) if curve.midline[1] else _segment(bottom[2], bottom[3]),
    )
    doubtful = [
        f"an endplate of {body} is out of line, its mid-line is used"
        for body, used in zip((upper, lower), curve.midline, strict=True)
        if used
    ]
    lines = dict(zip(names, ends, strict=True))
    drawn = None if bodies.draws is None else _endplate_draws(curve, plane.to_plane(bodies.draws))
    return _result(
        name,
        curve.angle,
        _ENDPLATE_METHOD,
        bodies=bodies,
        ends=(curve.upper, curve.lower),
        lines=lines,
        details=details,
        held=None if drawn is None else interval(curve.angle, drawn, turns=False),
        doubts=doubtful,
    )


def _endplate_draws(curve: EndplateCurve, corners: FloatArray) -> FloatArray:
    """The curve's angle under random corners, for the end vertebrae that were chosen."""
    top, bottom, middle = endplate_tilts(corners)
    first = (middle if curve.midline[0] else top)[:, curve.upper]
    second = (middle if curve.midline[1] else bottom)[:, curve.lower]
    return np.asarray(np.abs(first - second))


def _result(
    name: str,
    value: float,
    method: str,
    *,
    bodies: Bodies,
    ends: tuple[int, int],
    lines: dict[str, tuple[tuple[float, float], tuple[float, float]]],
    details: dict[str, str],
    held: tuple[float, float] | None,
    doubts: Sequence[str] = (),
) -> Measurement:
    reasons = [*bodies.reasons, *doubts]
    reasons += [f"{bodies.names[i]}: {flag}" for i in dict.fromkeys(ends) for flag in bodies.flags[i]]
    if name in _DECIDING and held and held[0] < SCOLIOSIS <= held[1]:
        reasons.append(f"the interval holds {SCOLIOSIS:g} degrees")
    centres = bodies.corners.mean(axis=1)
    anchor = centres[list(ends)].mean(axis=0)
    return Measurement(
        name=name,
        value=value,
        unit="deg",
        method=method,
        landmarks_used=tuple(
            f"{bodies.names[i]}.{corner}" for i in dict.fromkeys(ends) for corner in CORNERS
        ),
        low=held[0] if held else None,
        high=held[1] if held else None,
        status=Status.REVIEW if reasons else Status.OK,
        reason="; ".join(reasons),
        geometry=MeasurementGeometry(
            points={f"{bodies.names[i]} centre": _pair(centres[i]) for i in dict.fromkeys(ends)},
            lines=lines,
            anchor=_pair(anchor),
        ),
        details=details,
    )


def _pair(point: FloatArray) -> tuple[float, float]:
    x, y = point.tolist()
    return x, y


def _segment(start: FloatArray, end: FloatArray) -> tuple[tuple[float, float], tuple[float, float]]:
    return _pair(start), _pair(end)


def _mid_line(corners: FloatArray) -> tuple[tuple[float, float], tuple[float, float]]:
    return _segment((corners[0] + corners[2]) / 2, (corners[1] + corners[3]) / 2)


def _spot(bodies: Bodies, apex: float) -> str:
    """Name of an apical body or disc."""
    above = int(apex)
    if apex == above:
        return bodies.names[above]
    return f"disc {bodies.names[above]}/{bodies.names[above + 1]}"


def _region(bodies: Bodies, apex: float) -> str:
    """Region of a curve by the level of its apex; without known levels only its place along the spine."""
    above = int(apex)
    beside = above if apex == above else above + 1
    first, second = _level_number(bodies.names[above]), _level_number(bodies.names[beside])
    if not bodies.levels or first is None or second is None:
        share = apex / (len(bodies.names) - 1)
        return "upper curve" if share < 1 / 3 else "middle curve" if share < 2 / 3 else "lower curve"
    return next((name for name, last in _REGIONS if (first + second) / 2 <= last), "LS")


def _level_number(level: str) -> int | None:
    """T1 is 0, T12 is 11, L1 is 12; None for a name that is no thoracic or lumbar level."""
    found = re.fullmatch(r"([TL])([0-9]{1,2})", level)
    return None if found is None else int(found[2]) - 1 + (12 if found[1] == "L" else 0)


MEASURES = (
    CodeMeasurement(
        "cobb_aasce",
        "Cobb angles by the rule of the AASCE 2019 benchmark (mid-lines, three angles)",
        AASCE_NAMES,
        measure_aasce,
    ),
    CodeMeasurement(
        "cobb_endplate",
        "Cobb angles by endplates, every curve of 7 degrees or more, the largest first",
        (),
        measure_endplate,
    ),
)
