"""Measurements: formulas of the schemas and measurements with code, from a scene to numbers or reasons."""

from __future__ import annotations

from collections.abc import Sequence

from spinekit.core.errors import UsageError
from spinekit.core.measurement import NotMeasured, Result
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.measures.by_formula import measure_formula
from spinekit.measures.formula import FormulaError, compile_formula
from spinekit.measures.plugin import CodeMeasurement, code_measurements
from spinekit.schemas import nearest

__all__ = ["CodeMeasurement", "FormulaError", "check_measurements", "measure", "measurement_names"]


def measurement_names(schema: Schema) -> tuple[str, ...]:
    """What can be asked of scenes of this schema: formulas, and results of code where their number is fixed.

    Args:
        schema: Its measurements are listed, formulas first.
    """
    names = [line.name for line in schema.measurements]
    for name in schema.code_measurements:
        plugin = code_measurements().get(name)
        names += plugin.gives if plugin is not None and plugin.gives else (name,)
    return tuple(names)


def check_measurements(schema: Schema) -> None:
    """Tells what is wrong with a schema's measurements before an image is read.

    Raises:
        UsageError: Names the measurement, and line and column of its formula.
    """
    for line in schema.measurements:
        try:
            compile_formula(line.formula, schema, line.unit)
        except FormulaError as error:
            raise UsageError(f"schema {schema.name}, measurement {line.name}: {error}") from error
    for name in schema.code_measurements:
        if name not in code_measurements():
            raise UsageError(f"schema {schema.name}: no code measures {name!r} -- {_nearest_code(name)}")


def measure(scene: Scene, only: Sequence[str] | None = None) -> tuple[Result, ...]:
    """All measurements of the scene's schema.

    An odd scene (points missing, doubled or coincident, a straight spine, a single body) never raises; it
    gives `NotMeasured` with the reason.

    Args:
        scene: Of a person or a model.
        only: Names of results (``cobb_aasce_main``) or of measurements with code (``cobb_aasce``);
            None for all.

    Returns:
        In the order of the schema: formulas, then code. With ``only``, those.

    Raises:
        UsageError: If ``only`` names something that the schema does not have.
    """
    schema = scene.schema
    wanted = None if only is None else set(only)
    if wanted is not None:
        _refuse_unknown(schema, wanted)
    results: list[Result] = [
        measure_formula(scene, line) for line in schema.measurements if wanted is None or line.name in wanted
    ]
    for name in schema.code_measurements:
        plugin = code_measurements().get(name)
        if plugin is None:
            results.append(NotMeasured(name, f"no code measures it -- {_nearest_code(name)}"))
        elif wanted is None or name in wanted:
            results += plugin.measure(scene)
        elif any(plugin.answers(one) for one in wanted):
            results += [result for result in plugin.measure(scene) if result.name in wanted]
    return tuple(results)


def _refuse_unknown(schema: Schema, wanted: set[str]) -> None:
    formulas = {line.name for line in schema.measurements}
    plugins = [code_measurements().get(name) for name in schema.code_measurements]
    for name in sorted(wanted - formulas - set(schema.code_measurements)):
        if not any(plugin is not None and plugin.answers(name) for plugin in plugins):
            raise UsageError(
                f"{schema.name} has no measurement {name!r} -- {nearest(name, measurement_names(schema))}"
            )


def _nearest_code(name: str) -> str:
    return nearest(name, code_measurements())
