"""Landmarks: radial error, success rates and the error along both axes, for all points and each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from spinekit.core.image import BoolArray, FloatArray
from spinekit.core.score import Score
from spinekit.metrics.bootstrap import Groups, deviation, percentage, ratio, score_of, score_of_sums
from spinekit.metrics.points import radial_errors
from spinekit.views.plots_evaluation import error_boxes, error_scatter
from spinekit.workflows.scoring import (
    Chart,
    Pair,
    Section,
    answers,
    column_mm,
    common_unit,
    isotropic,
    known,
    points_of,
)

WITHIN = {"mm": (2.0, 2.5, 3.0, 4.0), "px": (5.0, 10.0)}
"""Thresholds of the success rates, by unit."""


@dataclass(frozen=True, slots=True, eq=False)
class _Film:
    """The labelled points of one image.

    Attributes:
        landmark: (M,) index of each.
        offset: (M, 2) predicted minus true, isotropic px; NaN where nothing answers.
        column_mm: Distance between columns, or None.
    """

    landmark: np.ndarray[tuple[int], np.dtype[np.intp]]
    offset: FloatArray
    column_mm: float | None

    def scaled(self, unit: str) -> FloatArray:
        """The offsets in a unit."""
        return self.offset * self.column_mm if unit == "mm" and self.column_mm is not None else self.offset


@dataclass(slots=True)
class PointTally:
    """Takes pairs of scenes with landmarks.

    Attributes:
        within: Thresholds of the success rates; None for those customary in the unit.
    """

    within: tuple[float, ...] | None = None
    _names: tuple[str, ...] = ()
    _films: dict[str, _Film] = field(default_factory=dict)
    _extra: int = 0

    def add(self, pair: Pair) -> float | None:
        """Counts a pair; how bad it is: its mean error over the points found, in px."""
        schema = pair.truth.schema
        found = answers(pair.truth, pair.predicted)
        if not schema.landmarks or not found.pairs:
            return None
        self._names = schema.landmark_names
        image = pair.truth.image
        index, offsets = [], []
        for true, answer in found.pairs:
            points = points_of(true)
            there = np.full_like(points.xy, np.nan)
            if answer is not None:
                there = _in_order(points_of(answer).names, points_of(answer).xy, points.names)
            labelled: BoolArray = np.asarray(~np.isnan(points.xy).any(axis=1))
            index += [
                self._names.index(name) for name, one in zip(points.names, labelled, strict=True) if one
            ]
            offsets.append((there - points.xy)[labelled])
        film = _Film(
            np.array(index, dtype=np.intp),
            np.concatenate(offsets) * isotropic(image),
            column_mm(image),
        )
        self._films[pair.name] = film
        self._extra += found.extra
        errors = _radial(film.offset)
        return float(errors[np.isfinite(errors)].mean()) if np.isfinite(errors).any() else None

    def section(self, groups: Groups | None = None) -> Section | None:
        """Figures over all points, and of each landmark."""
        if not self._films:
            return None
        unit = common_unit([film.column_mm for film in self._films.values()])
        within = self.within or WITHIN[unit]
        every = {name: film.scaled(unit) for name, film in self._films.items()}
        parts: dict[str, tuple[Score, ...]] = {}
        boxes: dict[str, list[float]] = {}
        clouds: dict[str, FloatArray] = {}
        for place, landmark in enumerate(self._names):
            own = {name: every[name][film.landmark == place] for name, film in self._films.items()}
            own = {name: offsets for name, offsets in own.items() if len(offsets)}
            if own:
                parts[landmark] = _scores(own, unit, within, groups)
                pooled = np.concatenate(list(own.values()))
                clouds[landmark] = pooled[~np.isnan(pooled).any(axis=1)]
                boxes[landmark] = np.linalg.norm(clouds[landmark], axis=1).tolist()
        words = ", ".join(f"{limit:g}" for limit in within)
        notes = (
            f"Radial errors in {unit}. An absent point counts as a failure in every success rate; mean and spread "
            "are of the points found.",
            f"SDR: share of labelled points nearer than {words} {unit}, strictly.",
            "Bias: predicted minus true, x to the image's right, y down.",
            *((f"{self._extra} predicted instances answer no labelled one.",) if self._extra else ()),
        )
        scores = _scores(every, unit, within, groups)
        return Section(
            "landmarks", "Landmarks", notes, scores,
            headline=(f"MRE ({unit})", *(_rate_name(limit, unit) for limit in within)),
            judge=f"MRE ({unit})", parts=parts, part="landmark", charts=_charts(boxes, clouds, unit, within),
        )  # fmt: skip


def _charts(
    boxes: Mapping[str, Sequence[float]], clouds: Mapping[str, FloatArray], unit: str, within: Sequence[float]
) -> dict[str, Chart]:
    found = {name: errors for name, errors in boxes.items() if errors}
    if not found:
        return {}
    return {
        "landmarks": partial(error_boxes, found, "radial error of each landmark", unit, within),
        "landmarks_axes": partial(error_scatter, clouds, "error along both axes", unit),
    }


def _scores(
    films: Mapping[str, FloatArray], unit: str, within: Sequence[float], groups: Groups | None
) -> tuple[Score, ...]:
    """Figures of offsets by image."""
    errors = {name: _radial(offsets) for name, offsets in films.items()}
    found = {name: one[np.isfinite(one)] for name, one in errors.items()}
    missed = sum(int(np.isinf(one).sum()) for one in errors.values())
    mean = {name: float(one.mean()) if one.size else float("nan") for name, one in found.items()}
    sizes = {name: float(one.size) for name, one in found.items()}
    answered = {name: one for name, one in found.items() if one.size}
    spread = {name: (one.sum(), (one**2).sum(), one.size) for name, one in answered.items()}
    scores = [
        partial(score_of, f"MRE ({unit})", mean, missed, sizes, groups),
        partial(score_of_sums, f"SD of the radial error ({unit})", spread, deviation, missed, groups),
    ]
    for limit in within:
        hits = {name: ((one < limit).sum(), one.size) for name, one in errors.items()}
        items = {name: 100.0 * hit / size for name, (hit, size) in hits.items()}
        scores.append(
            partial(score_of_sums, _rate_name(limit, unit), hits, percentage, missed, groups, items)
        )
    for axis, letter in enumerate("xy"):
        along = {name: films[name][np.isfinite(errors[name]), axis] for name in answered}
        sums = {name: (one.sum(), one.size) for name, one in along.items()}
        squares = {name: (one.sum(), (one**2).sum(), one.size) for name, one in along.items()}
        scores.append(partial(score_of_sums, f"bias {letter} ({unit})", sums, ratio, missed, groups))
        scores.append(partial(score_of_sums, f"SD {letter} ({unit})", squares, deviation, missed, groups))
    return known(scores)


def _rate_name(limit: float, unit: str) -> str:
    return f"SDR {limit:g} {unit} (%)"


def _radial(offsets: FloatArray) -> FloatArray:
    """Distances; infinite where nothing answers."""
    return radial_errors(offsets, np.zeros_like(offsets))


def _in_order(names: Sequence[str], xy: FloatArray, wanted: Sequence[str]) -> FloatArray:
    """Points in another order; NaN where one is not among them."""
    places = {name: place for place, name in enumerate(names)}
    nowhere = np.full(2, np.nan)
    return np.array([xy[places[name]] if name in places else nowhere for name in wanted])
