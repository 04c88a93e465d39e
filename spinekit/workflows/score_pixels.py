"""Semantic answers: pixels that agree, Dice and IoU of each class, and how well membranes keep cells apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from spinekit.core.image import BoolArray
from spinekit.core.scene import Raster, Scene
from spinekit.core.score import Score
from spinekit.metrics import dice, intersection_over_union, pixel_accuracy
from spinekit.metrics.bootstrap import Groups, score_of
from spinekit.metrics.regions import RegionScores, cells, region_scores, thinned_cells
from spinekit.metrics.separation import MEMBRANE
from spinekit.views.plots_evaluation import curve_chart
from spinekit.workflows.scoring import Chart, Pair, Section, known

_THRESHOLDS = np.linspace(0.0, 1.0, 11)
_AS_PREDICTED = ", thinned, as predicted"
_DECIDED = f"V_rand{_AS_PREDICTED}"


@dataclass(frozen=True, slots=True)
class _Film:
    """Figures of one image: of its pixels, of each class, and of its cells (as decided, and by threshold)."""

    accuracy: float
    majority: float
    classes: Mapping[str, tuple[float, float]]
    cells: RegionScores | None
    by_threshold: tuple[RegionScores, ...]


@dataclass(slots=True)
class PixelTally:
    """Takes pairs of scenes with a class for every pixel; an image without an answer counts as ground throughout."""

    _films: dict[str, _Film] = field(default_factory=dict)
    _last: str = ""
    _missed: int = 0

    def add(self, pair: Pair) -> float | None:
        """Counts a pair; how bad it is: 1 - V_rand of membranes, otherwise 1 - the mean Dice."""
        if pair.truth.raster is None or pair.truth.raster.labels is None:
            return None
        schema = pair.truth.schema
        true = pair.truth.raster.labels
        raster = pair.predicted.raster if pair.predicted is not None else None
        self._missed += raster is None
        got = _decided(raster, pair.truth)
        self._last = schema.classes[-1]
        share = np.bincount(true.ravel(), minlength=1).max() / true.size
        both = {name: (got == place, true == place) for place, name in enumerate(schema.classes) if place}
        film = _Film(
            pixel_accuracy(got == true, np.ones_like(true, dtype=bool)),
            float(share),
            {name: (dice(*masks), intersection_over_union(*masks)) for name, masks in both.items()},
            None,
            (),
        )
        if len(schema.classes) == 2 and MEMBRANE in self._last and bool((true == 0).any()):
            film = _with_cells(film, got > 0, true > 0, raster)
        self._films[pair.name] = film
        if film.cells is not None:
            return 1 - film.cells.v_rand
        return 1 - float(np.mean([one for one, _ in film.classes.values()]))

    def section(self, groups: Groups | None = None) -> Section | None:
        """Figures over all images, and of each class."""
        if not self._films:
            return None
        overlap = f"Dice, {self._last}"
        accuracy = {name: film.accuracy for name, film in self._films.items()}
        majority = {name: film.majority for name, film in self._films.items()}
        common = "pixel accuracy of the commonest class alone"
        names = dict.fromkeys(name for film in self._films.values() for name in film.classes)
        parts = {
            name: known(
                partial(score_of, figure, {film: one.classes[name][place] for film, one in self._films.items()},
                        self._missed, None, groups)
                for place, figure in enumerate(("Dice", "IoU"))
            )
            for name in names
        }  # fmt: skip
        last = {name: film.classes[self._last][0] for name, film in self._films.items()}
        cells_, notes, charts = self._cells(groups)
        scores = (
            *cells_,
            *known(
                (
                    partial(score_of, "pixel accuracy", accuracy, self._missed, None, groups),
                    partial(score_of, overlap, last, self._missed, None, groups),
                    partial(score_of, common, majority, self._missed, None, groups),
                )
            ),
        )
        return Section(
            "pixels", "Pixels", notes, scores,
            headline=(_DECIDED, f"V_info{_AS_PREDICTED}", "pixel accuracy", overlap, common),
            judge=_DECIDED if cells_ else overlap,
            parts=parts, part="class", charts=charts,
        )  # fmt: skip

    def _cells(self, groups: Groups | None) -> tuple[tuple[Score, ...], tuple[str, ...], dict[str, Chart]]:
        """V_rand and V_info as decided, and at the threshold at which their mean over images is highest."""
        films = {name: film for name, film in self._films.items() if film.cells is not None}
        if not films:
            return (), ("Read the accuracy beside that of the commonest class alone.",), {}
        scores = []
        for title, key in (("V_rand", "v_rand"), ("V_info", "v_info")):
            items = {name: getattr(film.cells, key) for name, film in films.items()}
            scores.append(partial(score_of, f"{title}{_AS_PREDICTED}", items, self._missed, None, groups))
        notes = [
            "V_rand and V_info by the rule of the ISBI 2012 challenge, of borders thinned by a watershed, the mean "
            "over sections; 1 is perfect."
        ]
        charts: dict[str, Chart] = {}
        if all(film.by_threshold for film in films.values()):
            curves = {}
            for title, key in (("V_rand", "v_rand"), ("V_info", "v_info")):
                table = np.array(
                    [[getattr(one, key) for one in film.by_threshold] for film in films.values()]
                )
                curves[title] = table.mean(axis=0)
                best = int(np.argmax(curves[title]))
                items = dict(zip(films, table[:, best].tolist(), strict=True))
                name = f"{title}, thinned, best threshold ({_THRESHOLDS[best]:.1f})"
                scores.append(partial(score_of, name, items, self._missed, None, groups))
            notes.append(
                "Best threshold: of the probability of a membrane, in steps of 0.1, chosen on these very images as "
                "the challenge does; the figures as predicted choose nothing."
            )
            charts["v_rand"] = partial(
                curve_chart,
                _THRESHOLDS,
                curves,
                "V_rand and V_info by threshold",
                "threshold of membrane",
                "score",
            )
        return known(scores), tuple(notes), charts


def _decided(raster: Raster | None, truth: Scene) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Class of each pixel; ground where there is no answer."""
    shape = (truth.image.height, truth.image.width)
    if raster is None:
        return np.zeros(shape, dtype=np.uint8)
    labels = raster.labels
    if labels is None and raster.probability is not None:
        labels = (raster.probability > 0.5).astype(np.uint8) * (len(truth.schema.classes) - 1)
    if labels is None:
        return np.zeros(shape, dtype=np.uint8)
    return np.asarray(labels)


def _with_cells(film: _Film, membrane: BoolArray, true: BoolArray, raster: Raster | None) -> _Film:
    """The film with the scores of its cells; at every threshold where the probability is known."""
    truth = cells(~true)
    decided = region_scores(thinned_cells(~membrane), truth)
    by_threshold: tuple[RegionScores, ...] = ()
    if raster is not None and raster.probability is not None:
        masks = (raster.probability <= threshold for threshold in _THRESHOLDS)
        by_threshold = tuple(region_scores(thinned_cells(mask), truth) for mask in masks)
    return _Film(film.accuracy, film.majority, film.classes, decided, by_threshold)
