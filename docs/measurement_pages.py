"""The reference pages of measurements: for each a drawing on a phantom, its formula, convention, source and norms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spinekit.core.image import FloatArray
    from spinekit.core.measurement import Result
    from spinekit.core.norm import Grade, Norm, ResultRule
    from spinekit.core.scene import Instance, Scene
    from spinekit.core.schema import MeasurementFormula, Schema

UNITS = {"length": "mm, or px without a scale", "mm": "mm", "ratio": "none", "deg": "degrees", "%": "%"}
FOLDER = "measurements"


def measurement_pages(note: str) -> dict[str, str]:
    """Pages and drawings by their path below ``docs/reference``.

    Each measurement stands once, with the landmark set of most points that has it.
    """
    from spinekit.schemas import load_schema, schema_names

    made: dict[str, str] = {}
    told: set[str] = set()
    schemas = [load_schema(name) for name in schema_names()]
    for schema in sorted(schemas, key=lambda schema: (-len(schema.landmarks), schema.name)):
        lines = [line for line in schema.measurements if line.name not in told]
        codes = [name for name in schema.code_measurements if name not in told]
        if not lines and not codes:
            continue
        told |= {line.name for line in lines} | set(codes)
        made |= _page(note, schema, lines, codes)
    return made


_SHOWN = "_l3"  # of results of every level one in the middle is drawn


def _page(note: str, schema: Schema, lines: list[MeasurementFormula], codes: list[str]) -> dict[str, str]:
    from spinekit.core.measurement import Measurement
    from spinekit.measures import measure
    from spinekit.measures.plugin import code_measurements
    from spinekit.views.figure import draw_figure

    scene = phantom(schema)
    results = {result.name: result for result in measure(scene, draws=0)}
    made: dict[str, str] = {}
    parts = [
        note,
        f"# Measurements of {schema.name}\n\n{schema.title}. The drawings show a synthetic phantom, its value "
        "below: no patient's. How values, intervals, grades and norms are to be read: "
        "[measuring](../../measuring.md).\n",
    ]

    def picture(name: str, shown: str) -> str:
        result = results.get(shown)
        if not isinstance(result, Measurement) or not _drawable(result):
            return ""
        path = f"{FOLDER}/img/{name}.svg"
        made[path] = draw_figure(scene, result)
        return f"![{name} on a phantom](img/{name}.svg)\n\n"

    for line in lines:
        title = f"{line.title}.\n\n" if line.title and line.title != line.name else ""
        parts.append(f"\n## {line.name}\n\n{picture(line.name, line.name)}{title}{_facts(line)}")
        result = results.get(line.name)
        if result is not None and not isinstance(result, Measurement):
            parts.append(f"\nNot drawn: {result.reason}.\n")
    for name in codes:
        plugin = code_measurements()[name]
        found = [
            key for key, value in results.items() if plugin.answers(key) and isinstance(value, Measurement)
        ]
        found.sort(key=lambda key: (not _drawable(results[key]), _SHOWN not in key))
        names = plugin.gives or tuple(key for key in results if key in found)
        parts.append(
            f"\n## {name}\n\n{picture(name, found[0]) if found and not plugin.gives else ''}{plugin.title}.\n\n"
        )
        listed = ", ".join(f"`{one}`" for one in names[:40])
        parts.append(
            f"Results: {listed or 'named by what masks show, see [degeneration](../../osteochondrosis.md)'}"
        )
        parts.append(f" and {len(names) - 40} more.\n" if len(names) > 40 else ".\n")
        if plugin.source:
            parts.append(f"\nSource: {plugin.source}.\n")
        if plugin.groups:
            parts.append(f"\nAnalyses: {', '.join(plugin.groups)}.\n")
        refused = results.get(name)
        if refused is not None and not isinstance(refused, Measurement):
            parts.append(f"\nNot drawn: {refused.reason}.\n")
        for key in plugin.gives or found[:1]:
            result = results.get(key)
            if not isinstance(result, Measurement):
                continue
            shown = picture(key, key) if plugin.gives else ""
            parts.append(f"\n### {key}\n\n{shown}Method: {result.method}.\n")
        for rule in schema.results:
            if any(_says(rule.pattern, one) for one in names):
                parts.append(
                    f"\n`{rule.pattern}`:\n\n{_norms(rule.norms)}{_grades(rule.grades)}{_least(rule)}"
                )
    return {f"{FOLDER}/{schema.name}.md": "".join(parts), **made}


def _drawable(result: Result) -> bool:
    """Whether there is a line to draw, and every end of it is known."""
    import math

    from spinekit.core.measurement import Measurement

    if not isinstance(result, Measurement) or not result.geometry.lines:
        return False
    ends = [xy for both in result.geometry.lines.values() for xy in both]
    return all(math.isfinite(value) for xy in (*ends, *result.geometry.points.values()) for value in xy)


def _says(pattern: str, name: str) -> bool:
    from fnmatch import fnmatchcase

    return fnmatchcase(name, pattern)


def _facts(line: MeasurementFormula) -> str:
    rows = [
        f"- Convention: {line.definition}",
        f"- Unit: {UNITS.get(line.unit, line.unit)}",
        f"- Formula: `{' '.join(line.formula.split())}`",
    ]
    rows += [f"- Source: {line.source or 'none was compared; the convention above is what is computed'}"]
    rows += [f"- Analyses: {', '.join(line.groups)}"] if line.groups else []
    return "\n".join(rows) + "\n" + _norms(line.norms) + _grades(line.grades) + _least(line)


def _norms(norms: tuple[Norm, ...]) -> str:
    from spinekit.measures.norms import expected_words

    lines = []
    for norm in norms:
        for band in norm.bands:
            whom = [{"F": "women", "M": "men", None: ""}[band.sex]]
            whom += [f"{band.ages[0]:g} to {band.ages[1]:g} years"] if band.ages else []
            growth = (
                f" at {band.at_age:g} years, {band.per_year:+g} a year to {band.until:g}"
                if band.per_year
                else ""
            )
            words = ", ".join(part for part in whom if part)
            lines.append(
                f"- Norm ({norm.kind.value}): {expected_words(norm, band, band.mean)}{growth}"
                f"{f' ({words})' if words else ''}, {norm.source}; {norm.population}"
                f"{f'; {norm.note}' if norm.note else ''}"
            )
    return "".join(f"{line}\n" for line in lines)


def _least(said: MeasurementFormula | ResultRule) -> str:
    least = said.least_change
    return (
        "" if least is None else f"- A smaller change than {least.value:g} is within error: {least.source}\n"
    )


def _grades(grades: tuple[Grade, ...]) -> str:
    if not grades:
        return ""
    words = [
        f"{grade.name} {'up to' if grade.inclusive else 'below'} {grade.below:g}" if grade.below is not None
        else f"{grade.name} beyond"
        for grade in grades
    ]  # fmt: skip
    return f"- Grades: {'; '.join(words)}\n"


def phantom(schema: Schema) -> Scene:
    """A scene of a phantom with exact points, on which a schema is measured."""
    from spinekit.core.image import ImageRef
    from spinekit.core.scene import Scene
    from spinekit.core.spacing import Spacing, SpacingOrigin

    spacing = Spacing(0.25, 0.25, SpacingOrigin.STATED)
    items = tuple(_items(schema))
    return Scene(ImageRef(Path("phantom.png"), 4000, 2000, spacing), schema, items)


def _items(schema: Schema) -> Iterator[Instance]:
    import numpy as np

    from spinekit.core.landmarks import landmarks
    from spinekit.core.scene import Instance

    for label, points in _named_points(schema).items():
        xy = np.array([points.get(name, (np.nan, np.nan)) for name in schema.landmark_names], dtype=float)
        yield Instance(label, (0, 0, 1, 1), landmarks=landmarks(schema.landmark_names, xy * 4 + 400))


def _named_points(schema: Schema) -> Mapping[str, Mapping[str, FloatArray]]:
    """Points in mm, by instance and landmark."""
    from spinekit.phantoms.orbit_rims import Orbits, rim_points
    from spinekit.phantoms.profile import LEVELS, POINTS, lateral_profile
    from spinekit.phantoms.skull_face import Face, face_points
    from spinekit.phantoms.spine import spine_ap

    if schema.view.startswith("skull"):
        points = {schema.resolve(name): xy for name, xy in face_points(Face()).items()}
        return {schema.classes[0]: {name: xy for name, xy in points.items() if name is not None}}
    if schema.view.startswith("orbit"):
        rims = rim_points(replace(Orbits(), tilt=1.0))
        return {schema.classes[0]: dict(zip(schema.landmark_names, rims, strict=True))}
    if schema.view.endswith("frontal"):
        film = spine_ap(seed=5, height=500, cobb_deg=35.0)
        corners = film.points
        return {
            level: dict(zip(schema.landmark_names, body, strict=True))
            for level, body in zip(schema.levels, corners, strict=False)
        }
    profile = lateral_profile()
    found = {
        level: dict(zip(POINTS, body, strict=True))
        for level, body in zip(LEVELS, profile.corners, strict=True)
        if level in schema.levels
    }
    return found | {
        name: {"centre": xy}
        for name, xy in zip(("FH1", "FH2"), profile.hips, strict=True)
        if name in schema.levels
    }
