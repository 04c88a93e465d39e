"""Measurements: formulas of the schemas and measurements with code, from a scene to numbers or reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from spinekit.core.errors import UsageError
from spinekit.core.measurement import NotMeasured, Result
from spinekit.core.norm import Grade, Norm, Person, ResultRule
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.measures.by_formula import Study, compiled, measure_formula
from spinekit.measures.doubts import doubted, view_conflict, weak_points
from spinekit.measures.formula import FormulaError
from spinekit.measures.interval import DRAWS, Draws
from spinekit.measures.norms import judged, rule_for
from spinekit.measures.plugin import CodeMeasurement, code_measurements
from spinekit.schemas import nearest

__all__ = [
    "CodeMeasurement",
    "FormulaError",
    "check_measurements",
    "group_names",
    "measure",
    "measurement_names",
    "person_of",
]


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


def group_names(schema: Schema) -> tuple[str, ...]:
    """The analyses of a schema, in the order in which they are first told.

    Args:
        schema: Whose formulas and code belong to groups.
    """
    found = [group for line in schema.measurements for group in line.groups]
    for name in schema.code_measurements:
        plugin = code_measurements().get(name)
        found += plugin.groups if plugin is not None else ()
    return tuple(dict.fromkeys(found))


def check_measurements(schema: Schema) -> None:
    """Tells what is wrong with a schema's measurements before an image is read.

    Raises:
        UsageError: Names the measurement, and line and column of its formula.
    """
    for line in schema.measurements:
        try:
            compiled(schema, line)
        except FormulaError as error:
            raise UsageError(f"schema {schema.name}, measurement {line.name}: {error}") from error
    for name in schema.code_measurements:
        if name not in code_measurements():
            raise UsageError(f"schema {schema.name}: no code measures {name!r} -- {_nearest_code(name)}")


def person_of(scene: Scene) -> Person:
    """Age and sex as the scene knows them.

    Args:
        scene: Its covariates are used.
    """
    age, sex = scene.covariates.get("age_years"), scene.covariates.get("sex")
    return Person(
        float(age) if isinstance(age, int | float) and age >= 0 else None,
        sex if sex in ("F", "M") and isinstance(sex, str) else None,
    )


def measure(
    scene: Scene,
    only: Sequence[str] | None = None,
    *,
    person: Person | None = None,
    norms: Mapping[str, Sequence[Norm]] | None = None,
    draws: int = DRAWS,
) -> tuple[Result, ...]:
    """All measurements of the scene's schema.

    An odd scene (points missing, doubled or coincident, a straight spine, a single body) never raises; it
    gives `NotMeasured` with the reason.

    Args:
        scene: Of a person or a model.
        only: Names or patterns (``disc_angle_*``) of results, names of measurements with code or of groups
            (``steiner``); None for all.
        person: Age and sex that norms are chosen by; None for what the scene knows.
        norms: The user's own, by measurement; they take the place of those that ship.
        draws: Random positions of each point for the intervals; 0 for no intervals.

    Returns:
        In the order of the schema: formulas, then code. With ``only``, those.

    Raises:
        UsageError: If ``only`` names something that the schema does not have.
    """
    schema = scene.schema
    wanted = None if only is None else _wanted(schema, only)
    refusal = view_conflict(scene)
    if refusal:
        return _refused(schema, wanted, refusal)
    whose = person_of(scene) if person is None else person
    weak = weak_points(scene)
    study = Study(scene, Draws(draws))
    results: list[Result] = []
    for line in schema.measurements:
        if wanted is None or line.name in wanted:
            said = (norms or {}).get(line.name, line.norms)
            results.append(_complete(measure_formula(scene, line, study), weak, said, line.grades, whose))
    silent = ResultRule("")
    for result in _by_code(scene, wanted, study.draws):
        rule = rule_for(schema.results, result.name) or silent
        said = norms.get(result.name, rule.norms) if norms else rule.norms
        results.append(_complete(result, weak, said, rule.grades, whose))
    return tuple(results)


def _complete(
    result: Result, weak: Mapping[str, str], norms: Sequence[Norm], grades: Sequence[Grade], person: Person
) -> Result:
    """A result with what its points, its norms and its decision limits have to say."""
    if isinstance(result, NotMeasured):
        return result
    return judged(doubted(result, weak), norms, grades, person)


def _refused(schema: Schema, wanted: frozenset[str] | None, reason: str) -> tuple[Result, ...]:
    names = measurement_names(schema)
    asked = names if wanted is None else [name for name in names if name in wanted] or sorted(wanted)
    return tuple(NotMeasured(name, reason) for name in asked)


def _by_code(scene: Scene, wanted: frozenset[str] | None, draws: Draws) -> Iterator[Result]:
    for name in scene.schema.code_measurements:
        plugin = code_measurements().get(name)
        if plugin is None:
            yield NotMeasured(name, f"no code measures it -- {_nearest_code(name)}")
        elif wanted is None or name in wanted:
            yield from plugin.measure(scene, draws)
        elif any(plugin.answers(one) for one in wanted):
            asked = [one for one in wanted if plugin.answers(one)]
            for result in plugin.measure(scene, draws):
                if any(fnmatchcase(result.name, one) for one in asked):
                    yield result


def _wanted(schema: Schema, only: Sequence[str]) -> frozenset[str]:
    """The names asked for, groups written out.

    Raises:
        UsageError: If a name is none of the schema.
    """
    formulas = {line.name for line in schema.measurements}
    plugins = {name: code_measurements().get(name) for name in schema.code_measurements}
    groups = group_names(schema)
    wanted: set[str] = set()
    for name in only:
        if name in groups:
            wanted |= {line.name for line in schema.measurements if name in line.groups}
            wanted |= {code for code, plugin in plugins.items() if plugin and name in plugin.groups}
        elif name in formulas or name in plugins or any(p and p.answers(name) for p in plugins.values()):
            wanted.add(name)
            wanted |= {one for one in formulas if fnmatchcase(one, name)}
        elif any(fnmatchcase(one, name) for one in formulas):
            wanted |= {one for one in formulas if fnmatchcase(one, name)}
        else:
            known = (*measurement_names(schema), *groups)
            raise UsageError(f"{schema.name} has no measurement {name!r} -- {nearest(name, known)}")
    return frozenset(wanted)


def _nearest_code(name: str) -> str:
    return nearest(name, code_measurements())
