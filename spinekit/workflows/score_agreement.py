"""Measurements: how far those of the prediction lie from those of the truth."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from spinekit.anatomy.masked_scene import with_corners
from spinekit.core.geometry import wrap
from spinekit.core.image import FloatArray
from spinekit.core.measurement import Measurement
from spinekit.core.scene import Instance, Scene
from spinekit.core.score import Score
from spinekit.measures import measure
from spinekit.metrics.agreement import intraclass_correlation, limits_of_agreement
from spinekit.metrics.bootstrap import Groups, deviation, ratio, score_of, score_of_sums
from spinekit.views.plots_evaluation import Differences, bland_altman_charts
from spinekit.workflows.scoring import Chart, Pair, Section, known

_FEWEST = 3
_A_PAGE = 9  # plots in one picture
_MOST_DRAWN = 3 * _A_PAGE  # of a spine in masks there are hundreds, body by body
LATER_RANK = re.compile(r"cobb_endplate_(?!1$)\d+")


@dataclass(slots=True)
class AgreementTally:
    """Takes pairs of scenes whose schema has measurements; both are measured alike."""

    _pairs: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    _refused: dict[str, int] = field(default_factory=dict)
    _units: dict[str, set[str]] = field(default_factory=dict)

    def add(self, pair: Pair) -> float | None:
        """Counts a pair; nothing is said of how bad a single image is."""
        schema = pair.truth.schema
        if not (schema.measurements or schema.code_measurements) or pair.predicted is None:
            return None
        true, found = _measured(pair.truth), _measured(pair.predicted)
        for name, one in true.items():
            other = found.get(name)
            if other is None or other.unit != one.unit:
                self._refused[name] = self._refused.get(name, 0) + 1
                continue
            self._units.setdefault(name, set()).add(one.unit)
            self._pairs.setdefault(f"{name} ({one.unit or 'ratio'})", {})[pair.name] = (
                other.value,
                one.value,
            )
        return None

    def section(self, groups: Groups | None = None) -> Section | None:
        """Bias, limits of agreement, mean error and ICC of each measurement that both have on three images."""
        parts: dict[str, tuple[Score, ...]] = {}
        drawn: dict[str, Differences] = {}
        for name, pairs in self._pairs.items():
            if len(pairs) < _FEWEST:
                continue
            missed = self._refused.get(name.rpartition(" (")[0], 0)
            values = np.array(list(pairs.values()))
            difference = _differences(values, name)
            parts[name] = _scores(dict(zip(pairs, difference.tolist(), strict=True)), values, missed, groups)
            limits = limits_of_agreement(difference)
            drawn[name] = Differences(
                values[:, 0], values[:, 1], difference, limits.bias, limits.lower, limits.upper
            )
        if not parts:
            return None
        notes: tuple[str, ...] = (
            "Predicted minus true. Limits of agreement: bias and 1.96 standard deviations on both sides (Bland and "
            "Altman); their intervals by bootstrap. ICC(2,1): two-way random, absolute agreement, one rating; its "
            "interval by the F distribution, which takes images as independent.",
            "Missed: the prediction was refused a measurement that the truth gives.",
        )
        charts: dict[str, Chart] = {}
        names = list(drawn)[:_MOST_DRAWN]
        if len(drawn) > len(names):
            notes = (
                *notes,
                f"Drawn are the first {len(names)} of {len(drawn)} measurements; the table has all.",
            )
        for page, start in enumerate(range(0, len(names), _A_PAGE), start=1):
            some = {name: drawn[name] for name in names[start : start + _A_PAGE]}
            key = "bland_altman" if len(names) <= _A_PAGE else f"bland_altman_{page}"
            charts[key] = partial(bland_altman_charts, some, "difference of the measurements by their mean")
        return Section(
            "measurements", "Measurements", notes, (), parts=parts, part="measurement", charts=charts
        )


def _measured(scene: Scene) -> dict[str, Measurement]:
    """Measurements by name; of curves ranked by size only the largest, since the others may be different ones."""
    plain = replace(scene, instances=tuple(_without_spread(item) for item in scene.instances))
    results = measure(with_corners(plain))
    return {
        item.name: item
        for item in results
        if isinstance(item, Measurement) and np.isfinite(item.value) and not LATER_RANK.fullmatch(item.name)
    }


def _without_spread(item: Instance) -> Instance:
    """Without the spread of points, whose intervals cost much and are not asked for."""
    return item if item.landmarks is None else replace(item, landmarks=replace(item.landmarks, spread=None))


def _differences(values: FloatArray, name: str) -> FloatArray:
    difference = values[:, 0] - values[:, 1]
    return np.array([wrap(one) for one in difference.tolist()]) if name.endswith("(deg)") else difference


def _scores(
    difference: dict[str, float], values: FloatArray, missed: int, groups: Groups | None
) -> tuple[Score, ...]:
    size = {name: abs(one) for name, one in difference.items()}
    sums = {name: (one, one**2, 1.0) for name, one in difference.items()}
    pairs = {name: (one, 1.0) for name, one in difference.items()}
    scores = known(
        (
            partial(score_of_sums, "bias", pairs, ratio, missed, groups, difference),
            partial(score_of_sums, "lower limit", sums, partial(_limit, -1.96), missed, groups),
            partial(score_of_sums, "upper limit", sums, partial(_limit, 1.96), missed, groups),
            partial(score_of, "mean error", size, missed, None, groups),
        )
    )
    # Both columns are set so that an angle that was wrapped counts by its difference.
    rated = np.stack([values[:, 1] + np.array(list(difference.values())), values[:, 1]], axis=1)
    try:
        icc = intraclass_correlation(rated)
    except ValueError:
        return scores
    low, high = (None, None) if np.isnan(icc.low) else (icc.low, icc.high)
    return (*scores, Score("ICC(2,1)", icc.value, low, high, len(values), missed))


def _limit(factor: float, sums: FloatArray) -> FloatArray:
    return np.asarray(ratio(sums[..., [0, 2]]) + factor * deviation(sums))
