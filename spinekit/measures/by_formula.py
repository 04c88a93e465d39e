"""A line of formula from a schema, applied to a scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.measurement import Measurement, MeasurementGeometry, NotMeasured, Result, Status
from spinekit.core.scene import Absent, Instance, Scene
from spinekit.core.schema import LandmarkDefinition, MeasurementFormula, Schema
from spinekit.measures.formula import Drawing, Formula, FormulaError, UndefinedError, compile_formula
from spinekit.measures.frame import FARTHEST, Doubt, Plane, front_of, length_doubt, plane_of
from spinekit.measures.functions import Kind
from spinekit.measures.interval import Draws, interval


class Study:
    """One scene under measurement: what several formulas need is found once.

    Args:
        scene: Points by name.
        draws: For the intervals.
    """

    def __init__(self, scene: Scene, draws: Draws | None = None) -> None:
        self.scene = scene
        self.draws = draws or Draws()
        self._points: dict[str, FloatArray | Absent] = {}
        self._drawn: dict[str, FloatArray | None] = {}
        self._front: int | Absent | None = None
        self._planes: dict[int, Plane] = {}
        self._formulas = _catalogue(_meaning(scene.schema))

    def formula(self, line: MeasurementFormula) -> Formula | FormulaError:
        """The line's formula, checked against the schema of the scene; or what is wrong with it."""
        known = self._formulas.get(f"{line.unit} {line.formula}")
        if known is not None:
            return known
        try:
            return compiled(self.scene.schema, line)
        except FormulaError as error:
            return error

    def plane(self, front: int) -> Plane:
        """See `spinekit.measures.frame.plane_of`."""
        if front not in self._planes:
            self._planes[front] = plane_of(self.scene.image, front)
        return self._planes[front]

    def front(self) -> int | Absent:
        """See `spinekit.measures.frame.front_of`."""
        if self._front is None:
            self._front = front_of(self.scene)
        return self._front

    def point(self, name: str) -> FloatArray | Absent:
        """See `point_once`."""
        if name not in self._points:
            self._points[name] = point_once(self.scene, name)
        return self._points[name]

    def drawn(self, name: str) -> FloatArray | None:
        """(draws, 2) random pixel positions of a landmark, or None where its spread is unknown."""
        if name not in self._drawn:
            self._drawn[name] = self._draw(name)
        return self._drawn[name]

    def owner(self, name: str) -> Instance | None:
        """The instance that a landmark belongs to."""
        label = name.rpartition(".")[0]
        return self.scene.instance(label) if label else self.scene.instances[0]

    def _draw(self, name: str) -> FloatArray | None:
        owner = self.owner(name)
        if not self.draws.count or owner is None or owner.landmarks is None or owner.landmarks.spread is None:
            return None
        index = owner.landmarks.index(name.rpartition(".")[2])
        spread = owner.landmarks.spread[index]
        if not bool((np.abs(spread) < FARTHEST).all()):
            return None
        return self.draws.around(name, owner.landmarks.xy[index], spread)


def compiled(schema: Schema, line: MeasurementFormula) -> Formula:
    """A formula of a schema, checked once however many scenes are measured.

    Raises:
        FormulaError: With line and column, what is wrong, and the nearest name known.
    """
    return _compiled(_meaning(schema), line.formula, line.unit)


@dataclass(frozen=True, slots=True)
class _Meaning:
    """All of a schema that the meaning of its formulas hangs on, as a value that can be looked up."""

    name: str
    landmarks: tuple[LandmarkDefinition, ...]
    levels: tuple[str, ...]
    classes: tuple[str, ...]
    measurements: tuple[MeasurementFormula, ...]
    constructions: tuple[tuple[str, str], ...]
    lacking: tuple[tuple[str, str], ...]


def _meaning(schema: Schema) -> _Meaning:
    return _Meaning(
        schema.name, schema.landmarks, schema.levels, schema.classes, schema.measurements,
        tuple(schema.constructions.items()), tuple(schema.lacking.items()),
    )  # fmt: skip


@lru_cache(maxsize=2048)
def _compiled(meaning: _Meaning, text: str, unit: str) -> Formula:
    schema = Schema(
        meaning.name, 1, "", "pose", "", meaning.classes, meaning.levels, meaning.landmarks,
        measurements=meaning.measurements, constructions=dict(meaning.constructions), lacking=dict(meaning.lacking),
    )  # fmt: skip
    return compile_formula(text, schema, unit)


@lru_cache(maxsize=64)
def _catalogue(meaning: _Meaning) -> dict[str, Formula | FormulaError]:
    """Every formula of a schema by its text and unit; a wrong one as its error."""
    found: dict[str, Formula | FormulaError] = {}
    for line in meaning.measurements:
        try:
            found[f"{line.unit} {line.formula}"] = _compiled(meaning, line.formula, line.unit)
        except FormulaError as error:
            found[f"{line.unit} {line.formula}"] = error
    return found


def measure_formula(scene: Scene, line: MeasurementFormula, study: Study | None = None) -> Result:
    """One measurement of a schema on one scene.

    Args:
        scene: Points by name; a missing or doubled one is named in the refusal.
        line: The formula with its name, unit and definition.
        study: What is known of the scene already; None to begin anew.

    Returns:
        The measurement, or why there is none. Lengths are in mm with the origin of the spacing, or in
        (isotropic) px; angles in deg, ratios without unit or in %.
    """
    study = study or Study(scene)
    formula = study.formula(line)
    if isinstance(formula, FormulaError):
        return NotMeasured(line.name, f"its formula is wrong, {formula}")
    if formula.lacking:
        words = " and ".join(f"{name} ({what})" for name, what in formula.lacking.items())
        return NotMeasured(line.name, f"{scene.schema.name} has no {words}")
    found = {name: study.point(name) for name in formula.points}
    front: int | Absent = study.front() if formula.signed or formula.frame else 1
    absent = [item.reason for item in (*found.values(), front) if isinstance(item, Absent)]
    if absent or isinstance(front, Absent):
        return NotMeasured(line.name, "; ".join(dict.fromkeys(absent)))
    plane = study.plane(front)
    if line.unit == "mm" and plane.unit != "mm":
        return NotMeasured(line.name, "it needs a scale in mm -- state one with --spacing or --ruler")
    points = {name: plane.to_plane(xy) for name, xy in found.items() if not isinstance(xy, Absent)}
    try:
        value = float(formula.evaluate(points))
    except UndefinedError as error:
        return NotMeasured(line.name, str(error))
    return _result(study, line, formula=formula, plane=plane, points=points, value=value)


def point_once(scene: Scene, name: str) -> FloatArray | Absent:
    """A landmark's (2,) px, refused where its instance is doubled or it lies outside of any image.

    Args:
        scene: Where to look.
        name: As for `Scene.point`.
    """
    label = name.rpartition(".")[0]
    if label:
        count = sum(item.label == label for item in scene.instances)
        if count > 1:
            return Absent(f"{label} was found {count} times, so {name} is ambiguous")
    point = scene.point(name)
    if not isinstance(point, Absent) and not bool((np.abs(point) < FARTHEST).all()):
        return Absent(f"{name} lies outside of any image")
    return point


def _result(
    study: Study,
    line: MeasurementFormula,
    *,
    formula: Formula,
    plane: Plane,
    points: Mapping[str, FloatArray],
    value: float,
) -> Measurement:
    doubt = length_doubt(study.scene.image) if formula.kind is Kind.LENGTH else Doubt()
    reasons = (*doubt.reasons, *_flags(study, formula))
    low, high = _interval(study, formula, plane, value)
    unit = {Kind.ANGLE: "deg", Kind.LENGTH: plane.unit}.get(formula.kind, "%" if line.unit == "%" else "")
    return Measurement(
        name=line.name,
        value=value,
        unit=unit,
        method=f"{line.definition} [{' '.join(line.formula.split())}]",
        landmarks_used=formula.points,
        low=low,
        high=high,
        spacing_origin=doubt.origin,
        status=Status.REVIEW if reasons else Status.OK,
        reason="; ".join(reasons),
        geometry=_geometry(formula.drawing(points), plane),
    )


def _interval(
    study: Study, formula: Formula, plane: Plane, value: float
) -> tuple[float, float] | tuple[None, None]:
    drawn = {}
    for name in formula.points:
        positions = study.drawn(name)
        if positions is None:
            return None, None
        drawn[name] = plane.to_plane(positions)
    found = interval(value, formula.evaluate(drawn), turns=formula.kind is Kind.ANGLE)
    return found or (None, None)


def _flags(study: Study, formula: Formula) -> tuple[str, ...]:
    owners = [study.owner(name) for name in formula.points]
    flags = [f"{item.label}: {flag}" for item in owners if item is not None for flag in item.flags]
    return tuple(dict.fromkeys(flags))


def _geometry(drawing: Drawing, plane: Plane) -> MeasurementGeometry:
    def pixel(point: FloatArray) -> tuple[float, float]:
        x, y = plane.to_pixels(point).tolist()
        return x, y

    return MeasurementGeometry(
        points={name: pixel(point) for name, point in drawing.points.items()},
        lines={name: (pixel(start), pixel(end)) for name, (start, end) in drawing.lines.items()},
        anchor=None if drawing.anchor is None else pixel(drawing.anchor),
    )
