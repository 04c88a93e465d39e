"""Pictures of a run of predict from its folder: tilt by level, distributions, agreement with another run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from spinekit.anatomy.masked_scene import with_corners
from spinekit.core.body_points import CORNERS
from spinekit.core.errors import UsageError
from spinekit.core.geometry import calibrated, wrap
from spinekit.core.image import FloatArray
from spinekit.core.measurement import Measurement
from spinekit.core.scene import Instance, Scene
from spinekit.metrics.agreement import limits_of_agreement
from spinekit.views.plots import box_chart
from spinekit.views.plots_evaluation import Differences, bland_altman_charts
from spinekit.views.plots_run import profile_chart
from spinekit.views.wording import family_of
from spinekit.workflows.report import read_run
from spinekit.workflows.score_agreement import LATER_RANK

_LEAST = 3
_A_PAGE = 12
_MOST_DRAWN = 36
_MOST_BOXES = 40

T = TypeVar("T")
Value = tuple[str, str]
"""Name and unit of a measurement."""


@dataclass(frozen=True, slots=True, eq=False)
class _Gathered:
    """What the pictures of a run need of it.

    Attributes:
        values: By measurement, its value by image.
        tilts: By schema its levels, and for every image the tilt of each body in degrees.
    """

    values: dict[Value, dict[str, float]] = field(default_factory=dict)
    tilts: dict[str, tuple[tuple[str, ...], list[FloatArray]]] = field(default_factory=dict)


def run_pictures(run: Path, against: Path | None = None) -> dict[str, bytes]:
    """The pictures of a run by the names of their files.

    Args:
        run: Folder that `spinekit predict` wrote.
        against: That of another run of the same images, e.g. by another model, or None.

    Raises:
        UsageError: If a folder holds no run, nothing can be drawn, or the two have no three images in common.
        AnnotationError: If a file of a run is broken.
    """
    runs = {run.name: _gathered(run)}
    if against is not None:
        other = against.name if against.name != run.name else f"{against.parent.name}/{against.name}"
        runs[other] = _gathered(against)
    pictures = {**_profiles(runs), **_boxes(next(iter(runs.values())))}
    if against is not None:
        first, second = runs.values()
        pictures |= _agreement(first, second, tuple(runs))
    if not pictures:
        raise UsageError(
            f"{run}: nothing can be drawn -- it takes {_LEAST} images with a common measurement, or a spine"
        )
    return pictures


def body_tilts(scene: Scene) -> FloatArray | None:
    """The tilt of every level's body against the film's horizontal, (L,) degrees, positive where the right is lower.

    It is the mean direction of both endplates in true proportions; NaN where a level was not found, None where
    the scene has no levels with corners.
    """
    scene = with_corners(scene)
    tilts = np.full(len(scene.schema.levels), np.nan)
    for item in scene.instances:
        if item.label in scene.schema.levels:
            tilts[scene.schema.levels.index(item.label)] = _tilt(item, scene)
    return tilts if np.isfinite(tilts).any() else None


def _tilt(item: Instance, scene: Scene) -> float:
    points = item.landmarks
    if points is None or not set(CORNERS) <= set(points.names):
        return float("nan")
    upper_left, upper_right, lower_left, lower_right = calibrated(
        points.xy[[points.index(name) for name in CORNERS]], scene.image
    )
    across = (upper_right - upper_left) + (lower_right - lower_left)
    return float(np.degrees(np.arctan2(across[1], across[0])))


def _gathered(run: Path) -> _Gathered:
    found = _Gathered()
    for name, scene, results in read_run(run):
        for result in results:
            if isinstance(result, Measurement) and np.isfinite(result.value):
                found.values.setdefault((result.name, result.unit), {})[name] = result.value
        tilts = body_tilts(scene)
        if tilts is not None:
            levels, lines = found.tilts.setdefault(scene.schema.name, (scene.schema.levels, []))
            if levels == scene.schema.levels:
                lines.append(tilts)
    return found


def _profiles(runs: Mapping[str, _Gathered]) -> dict[str, bytes]:
    pictures = {}
    for schema in dict.fromkeys(schema for run in runs.values() for schema in run.tilts):
        chosen = {name: run.tilts[schema] for name, run in runs.items() if schema in run.tilts}
        levels = next(iter(chosen.values()))[0]
        profiles = {name: np.stack(lines) for name, (own, lines) in chosen.items() if own == levels}
        seen = np.any([np.isfinite(tilts).any(axis=0) for tilts in profiles.values()], axis=0)
        first, last = np.flatnonzero(seen)[[0, -1]].tolist()
        shown = {name: tilts[:, first : last + 1] for name, tilts in profiles.items()}
        pictures[f"tilt-by-level-{schema}.png"] = profile_chart(
            levels[first : last + 1], shown, "Tilt of the bodies, level by level"
        )
    return pictures


def _boxes(run: _Gathered) -> dict[str, bytes]:
    """Measurements of one unit in one picture; what is measured at every level is left to the report."""
    families: dict[str, int] = {}
    for name, _ in run.values:
        families[family_of(name)] = families.get(family_of(name), 0) + 1
    units: dict[str, dict[str, list[float]]] = {}
    for (name, unit), values in run.values.items():
        single = family_of(name) == name or families[family_of(name)] < _LEAST
        if len(values) >= _LEAST and single:
            units.setdefault(unit, {})[name] = list(values.values())
    return {
        f"distributions-{_spelt(unit)}{_page(page)}.png": box_chart(
            some, "Distributions over the images", unit or "ratio"
        )
        for unit, values in units.items()
        for page, some in enumerate(_pages(values, _MOST_BOXES))
    }


def _agreement(first: _Gathered, second: _Gathered, names: tuple[str, ...]) -> dict[str, bytes]:
    """Bland and Altman's picture of every measurement that both runs have on three images."""
    series: dict[str, Differences] = {}
    for (name, unit), values in first.values.items():
        others = second.values.get((name, unit), {})
        common = [image for image in values if image in others]
        if len(common) < _LEAST or LATER_RANK.fullmatch(name):  # a second curve may be another one
            continue
        pairs = np.array([(values[image], others[image]) for image in common])
        difference = pairs[:, 0] - pairs[:, 1]
        if unit == "deg":
            difference = np.array([wrap(one) for one in difference.tolist()])
        limits = limits_of_agreement(difference)
        series[f"{name} ({unit or 'ratio'})"] = Differences(
            pairs[:, 0], pairs[:, 1], difference, limits.bias, limits.lower, limits.upper
        )
    if not series:
        raise UsageError(
            f"{names[1]}: has no measurement on {_LEAST} images in common with {names[0]} "
            "-- name a run of the same images"
        )
    shown = dict(list(series.items())[:_MOST_DRAWN])
    up = f"{names[0]} - {names[1]}"
    title = f"Agreement of {names[0]} and {names[1]}"
    return {
        f"agreement{_page(page)}.png": bland_altman_charts(some, title, up)
        for page, some in enumerate(_pages(shown, _A_PAGE))
    }


def _pages(values: Mapping[str, T], most: int) -> Iterator[dict[str, T]]:
    """The values in parts of so many."""
    items = list(values.items())
    for start in range(0, len(items), most):
        yield dict(items[start : start + most])


def _page(page: int) -> str:
    return f"-{page + 1}" if page else ""


def _spelt(unit: str) -> str:
    return {"": "ratio", "%": "percent"}.get(unit, unit)
