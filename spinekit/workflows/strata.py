"""What a film is like, in words, so that every part of a split can get its share of each kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from spinekit.anatomy.masked_scene import with_corners
from spinekit.core.errors import UsageError
from spinekit.core.image import FloatArray
from spinekit.core.measurement import Measurement
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.measures import measure, measurement_names
from spinekit.schemas import nearest
from spinekit.workflows.grouping import Table

CLASSES = "classes"
COVARIATES = ("age_years", "sex")
_BINS = 4
_FEW = 6  # a number of so few values is a kind of its own, like a grade

Kinds = tuple[str, ...]
Value = float | str | Kinds


def stratum_values(name: str, schema: Schema, table: Table | None) -> Callable[[Scene], Value]:
    """What a scene has of a stratum.

    Args:
        name: ``classes`` (which are present), ``age_years``, ``sex``, a column of the table, or a measurement of
            the schema (severity, e.g. ``cobb_aasce_main``).
        schema: Of the scenes.
        table: The user's, or None.

    Returns:
        A function to a number, a word, or (``classes``) several words; an empty word where it is unknown.

    Raises:
        UsageError: If there is nothing of that name.
    """
    if name == CLASSES:
        return _classes
    if table is not None and name in table.columns:
        return lambda scene: _number_or_word(table.cell(scene.image.name, name))
    if name in COVARIATES:
        return lambda scene: scene.covariates.get(name, "")
    if name in measurement_names(schema):
        return lambda scene: _measured(scene, name)
    known = (CLASSES, *COVARIATES, *(table.columns if table else ()), *measurement_names(schema))
    raise UsageError(f"--stratify {name}: nothing of this name is known -- {nearest(name, known)}")


def _classes(scene: Scene) -> Kinds:
    found = {item.label for item in scene.instances}
    if scene.raster is not None and scene.raster.labels is not None:
        found |= {scene.schema.classes[index] for index in np.unique(scene.raster.labels).tolist()}
    return tuple(sorted(found))


def _measured(scene: Scene, name: str) -> float | str:
    for result in measure(with_corners(scene), [name], draws=0):
        if isinstance(result, Measurement):
            return result.value
    return ""


def _number_or_word(cell: str) -> float | str:
    try:
        value = float(cell)
    except ValueError:
        return cell
    return value if math.isfinite(value) else ""


def stratum_labels(name: str, values: Sequence[Value]) -> list[Kinds]:
    """The strata of N films: numbers are cut at their quartiles, words and kinds stand for themselves.

    Args:
        name: Of the stratum.
        values: One a film.
    """
    numbers = np.array([value for value in values if isinstance(value, float | int)], dtype=np.float64)
    edges = (
        np.quantile(numbers, np.linspace(0, 1, _BINS + 1)[1:-1])
        if len(set(numbers.tolist())) > _FEW
        else None
    )
    return [tuple(f"{name}: {word}" for word in _words(value, edges)) for value in values]


def _words(value: Value, edges: FloatArray | None) -> Kinds:
    if isinstance(value, tuple):
        return value or ("none",)
    if isinstance(value, str):
        return (value or "unknown",)
    if edges is None:
        return (f"{value:g}",)
    place = int(np.searchsorted(edges, value, side="right"))
    low = f"from {edges[place - 1]:.4g}" if place else ""
    high = f"below {edges[place]:.4g}" if place < len(edges) else ""
    return (f"{low} {high}".strip(),)
