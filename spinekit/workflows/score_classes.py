"""Cephalometry: the eight clinical classes of the ISBI challenge."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from spinekit.core.geometry import calibrated
from spinekit.core.image import FloatArray
from spinekit.core.scene import Absent, Scene
from spinekit.core.score import Score
from spinekit.metrics.bootstrap import Groups, score_of_draws
from spinekit.metrics.isbi_classes import MEASURES, POINTS, clinical_classes, clinical_values, confusion
from spinekit.views.plots_evaluation import confusion_chart
from spinekit.workflows.scoring import Chart, Pair, Section, known

_SHARE = "SCR, share of images with the right class (%)"
_DIAGONAL = "SCR, mean of the confusion matrix' diagonal (%)"


@dataclass(slots=True)
class ClassTally:
    """Takes pairs of cephalograms with the points that the challenge measures on."""

    _names: list[str] = field(default_factory=list)
    _pairs: dict[str, dict[str, tuple[int, int | None]]] = field(default_factory=dict)

    def add(self, pair: Pair) -> float | None:
        """Counts a pair; nothing is said of how bad a single image is."""
        schema = pair.truth.schema
        if "lateral" not in schema.view or any(schema.resolve(name) is None for name in POINTS):
            return None
        true = _classes(pair.truth)
        if not true:
            return None
        found = {} if pair.predicted is None else _classes(pair.predicted)
        self._names.append(pair.name)
        for name, kind in true.items():
            self._pairs.setdefault(name, {})[pair.name] = (kind, found.get(name))
        return None

    def section(self, groups: Groups | None = None) -> Section | None:
        """The success classification rate of each measurement, and over all."""
        measured = [item for item in MEASURES if item.name in self._pairs]
        if not measured:
            return None
        parts: dict[str, tuple[Score, ...]] = {}
        charts: dict[str, Chart] = {}
        stacks = []
        for item in measured:
            pairs = self._pairs[item.name]
            counts = confusion(list(pairs.values()), len(item.meaning))
            stack = self._stack(item.name, len(item.meaning))
            missed = sum(kind is None for _, kind in pairs.values())
            stacks.append(stack)
            parts[item.name] = self._scores([stack], missed, groups)
            rows = [f"{place}: {words}" for place, words in enumerate(item.meaning, 1)]
            columns = [*(str(place) for place in range(1, len(rows) + 1)), "none"]
            charts[f"class_{item.name.lower()}"] = _chart(counts, rows, columns, item.name)
        missed = sum(kind is None for pairs in self._pairs.values() for _, kind in pairs.values())
        notes = [
            "Classes of the ISBI 2014/15 challenge, by its bounds; the true class follows from the true points. "
            "SCR is given twice: of images, and as the mean of the confusion matrix' diagonal; over all it is the "
            "mean of the measurements. No class predicted is a failure.",
            "MW between 0 and 2 mm, which the challenge leaves open, is class 3. FMA_isbi is S-N to Go-Gn, no FMA.",
        ]
        if len(measured) < len(MEASURES):
            left = ", ".join(item.name for item in MEASURES if item.name not in self._pairs)
            notes.append(f"Not classified: {left} (a length needs a spacing, say it with --spacing).")
        return Section(
            "classes", "Clinical classes (ISBI)", tuple(notes), self._scores(stacks, missed, groups),
            parts=parts, part="measurement", charts=charts,
        )  # fmt: skip

    def _stack(self, name: str, classes: int) -> FloatArray:
        """(N, classes, 2): whether each image is of a class, and whether that was said."""
        stack = np.zeros((len(self._names), classes, 2))
        for place, image in enumerate(self._names):
            if image in self._pairs[name]:
                true, found = self._pairs[name][image]
                stack[place, true - 1] = (1, true == found)
        return stack

    def _scores(self, stacks: list[FloatArray], missed: int, groups: Groups | None) -> tuple[Score, ...]:
        return known(
            partial(score_of_draws, name, self._names, partial(rate, stacks), missed, groups)
            for name, rate in ((_SHARE, _share), (_DIAGONAL, _diagonal))
        )


def _classes(scene: Scene) -> dict[str, int]:
    points = {}
    for name in POINTS:
        xy = scene.point(name)
        if not isinstance(xy, Absent):
            points[name] = calibrated(xy, scene.image)
    return clinical_classes(clinical_values(points, scene.image.spacing is not None))


def _share(stacks: list[FloatArray], counts: FloatArray) -> FloatArray:
    sums = [np.tensordot(counts, stack.sum(axis=1), axes=1) for stack in stacks]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nanmean([100 * one[:, 1] / one[:, 0] for one in sums], axis=0))


def _diagonal(stacks: list[FloatArray], counts: FloatArray) -> FloatArray:
    sums = [np.tensordot(counts, stack, axes=1) for stack in stacks]
    with np.errstate(invalid="ignore", divide="ignore"):
        each = [np.nanmean(100 * one[:, :, 1] / one[:, :, 0], axis=1) for one in sums]
    return np.asarray(np.nanmean(each, axis=0))


def _chart(counts: FloatArray, rows: list[str], columns: list[str], name: str) -> Chart:
    return partial(confusion_chart, counts, rows, columns, f"{name}: true and predicted class")
