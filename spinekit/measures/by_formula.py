"""A line of formula from a schema, applied to a scene."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.measurement import Measurement, MeasurementGeometry, NotMeasured, Result, Status
from spinekit.core.scene import Absent, Instance, Scene
from spinekit.core.schema import MeasurementFormula
from spinekit.measures.formula import Drawing, Formula, FormulaError, UndefinedError, compile_formula
from spinekit.measures.frame import FARTHEST, Doubt, Plane, front_of, length_doubt, plane_of
from spinekit.measures.functions import Kind
from spinekit.measures.interval import draw_points, interval


def measure_formula(scene: Scene, line: MeasurementFormula) -> Result:
    """One measurement of a schema on one scene.

    Args:
        scene: Points by name; a missing or doubled one is named in the refusal.
        line: The formula with its name, unit and definition.

    Returns:
        The measurement, or why there is none. Lengths are in mm with the origin of the spacing, or in
        (isotropic) px; angles in deg, ratios without unit or in %.
    """
    try:
        formula = compile_formula(line.formula, scene.schema, line.unit)
    except FormulaError as error:
        return NotMeasured(line.name, f"its formula is wrong, {error}")
    front: int | Absent = front_of(scene) if formula.signed or formula.frame else 1
    found = {name: point_once(scene, name) for name in formula.points}
    for point in found.values():
        if isinstance(point, Absent):
            return NotMeasured(line.name, point.reason)
    if isinstance(front, Absent):
        return NotMeasured(line.name, front.reason)
    plane = plane_of(scene.image, front)
    pixels = {name: point for name, point in found.items() if not isinstance(point, Absent)}
    points = {name: plane.to_plane(point) for name, point in pixels.items()}
    try:
        value = float(formula.evaluate(points))
    except UndefinedError as error:
        return NotMeasured(line.name, str(error))
    return _result(scene, line, formula=formula, plane=plane, points=points, value=value)


def point_once(scene: Scene, name: str) -> FloatArray | Absent:
    """A landmark's (2,) px, refused where its instance is doubled or it lies outside of any image.

    Args:
        scene: Where to look.
        name: As for `Scene.point`.
    """
    label = name.rpartition(".")[0]
    count = sum(item.label == label for item in scene.instances)
    if label and count > 1:
        return Absent(f"{label} was found {count} times, so {name} is ambiguous")
    point = scene.point(name)
    if not isinstance(point, Absent) and not bool((np.abs(point) < FARTHEST).all()):
        return Absent(f"{name} lies outside of any image")
    return point


def _result(
    scene: Scene,
    line: MeasurementFormula,
    *,
    formula: Formula,
    plane: Plane,
    points: Mapping[str, FloatArray],
    value: float,
) -> Measurement:
    doubt = length_doubt(scene.image) if formula.kind is Kind.LENGTH else Doubt()
    reasons = (*doubt.reasons, *_flags(scene, formula))
    drawn = _draws(scene, formula)
    low_high = None
    if drawn is not None:
        values = formula.evaluate({name: plane.to_plane(xy) for name, xy in drawn.items()})
        low_high = interval(value, values, turns=formula.kind is Kind.ANGLE)
    unit = {Kind.ANGLE: "deg", Kind.LENGTH: plane.unit}.get(formula.kind, "%" if line.unit == "%" else "")
    return Measurement(
        name=line.name,
        value=value,
        unit=unit,
        method=f"{line.definition} [{' '.join(line.formula.split())}]",
        landmarks_used=formula.points,
        low=low_high[0] if low_high else None,
        high=low_high[1] if low_high else None,
        spacing_origin=doubt.origin,
        status=Status.REVIEW if reasons else Status.OK,
        reason="; ".join(reasons),
        geometry=_geometry(formula.drawing(points), plane),
    )


def _owner(scene: Scene, name: str) -> Instance | None:
    label = name.rpartition(".")[0]
    return scene.instance(label) if label else scene.instances[0]


def _flags(scene: Scene, formula: Formula) -> tuple[str, ...]:
    owners = [_owner(scene, name) for name in formula.points]
    flags = [f"{item.label}: {flag}" for item in owners if item is not None for flag in item.flags]
    return tuple(dict.fromkeys(flags))


def _draws(scene: Scene, formula: Formula) -> dict[str, FloatArray] | None:
    """Random pixel positions of every landmark that goes in, or None where a spread is unknown."""
    drawn = {}
    for name in formula.points:
        owner = _owner(scene, name)
        if owner is None or owner.landmarks is None or owner.landmarks.spread is None:
            return None
        index = owner.landmarks.index(name.rpartition(".")[2])
        spread = owner.landmarks.spread[index]
        if not bool((np.abs(spread) < FARTHEST).all()):
            return None
        drawn[name] = draw_points(name, owner.landmarks.xy[index], spread)
    return drawn


def _geometry(drawing: Drawing, plane: Plane) -> MeasurementGeometry:
    def pixel(point: FloatArray) -> tuple[float, float]:
        x, y = plane.to_pixels(point).tolist()
        return x, y

    return MeasurementGeometry(
        points={name: pixel(point) for name, point in drawing.points.items()},
        lines={name: (pixel(start), pixel(end)) for name, (start, end) in drawing.lines.items()},
        anchor=None if drawing.anchor is None else pixel(drawing.anchor),
    )
