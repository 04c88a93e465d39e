"""Detection: average precision of boxes and masks by COCO's rules, curves and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.scene import Instance, Scene
from spinekit.core.score import Score
from spinekit.core.translate import labels_of
from spinekit.metrics.bootstrap import Groups, score_of_draws
from spinekit.metrics.comparison import Drawn
from spinekit.metrics.detection import (
    CONFIDENCES,
    RECALLS,
    ClassMatches,
    Curves,
    Shapes,
    confusion,
    curves,
    matches,
    mean_average_precision,
    rates_at,
)
from spinekit.views.plots_evaluation import confusion_chart, curve_chart
from spinekit.workflows.mask_patches import packed_patch, patch_of
from spinekit.workflows.scoring import Chart, Pair, Section, known

_DRAWS = 200  # average precision is dear
_LEAST_SHARE = 1e-3  # an alternative less likely than this says nothing
_RATES = ("precision", "recall", "F1")


@dataclass(slots=True)
class DetectionTally:
    """Takes pairs of scenes in which several things are to be found, each by its box or mask."""

    _labels: tuple[str, ...] = ()
    _names: list[str] = field(default_factory=list)
    _true: list[Shapes] = field(default_factory=list)
    _predicted: list[Shapes] = field(default_factory=list)
    _alternatives: list[Shapes] = field(default_factory=list)
    _masks: bool = True

    def add(self, pair: Pair) -> float | None:
        """Counts a pair; nothing is said of how bad a single image is."""
        schema = pair.truth.schema
        if schema.task == "sem" or not (schema.levels or schema.task in {"seg", "detect"}):
            return None
        self._labels = labels_of(schema)
        self._names.append(pair.name)
        found = pair.predicted.instances if pair.predicted is not None else ()
        self._masks &= all(item.outline is not None for item in (*pair.truth.instances, *found))
        self._true.append(self._shapes(pair.truth.instances, pair.truth))
        self._predicted.append(self._shapes(found, pair.truth))
        self._alternatives.append(self._spread(found, self._predicted[-1], schema.levels))
        return None

    def _shapes(self, items: Sequence[Instance], scene: Scene) -> Shapes:
        height, width = scene.image.height, scene.image.width
        return Shapes(
            np.array([self._labels.index(item.label) for item in items], dtype=np.intp),
            np.array([item.box for item in items], dtype=np.float64).reshape(-1, 4),
            np.array([item.score for item in items], dtype=np.float64),
            tuple(
                packed_patch(patch_of(item.outline, height, width), height, width)
                for item in items
                if item.outline is not None
            ),
        )

    def _spread(self, items: Sequence[Instance], shapes: Shapes, levels: Sequence[str]) -> Shapes:
        """The same shapes, each once for every level that its body may be: so a detector's class scores are seen."""
        places, classes, scores = [], [], []
        for place, item in enumerate(items):
            for label, share in alternatives(item, levels):
                places.append(place)
                classes.append(self._labels.index(label))
                scores.append(item.score * share)
        masks = shapes.masks
        return Shapes(
            np.array(classes, dtype=np.intp),
            shapes.boxes[places],
            np.array(scores, dtype=np.float64),
            tuple(masks[place] for place in places) if masks is not None and len(masks) == len(items) else (),
        )

    def section(self, groups: Groups | None = None) -> Section | None:
        """Average precision, precision, recall and F1 of masks where both have them, and of boxes."""
        if not any(len(shapes.classes) for shapes in self._true):
            return None
        kinds = (("mask", True), ("box", False)) if self._masks else (("box", False),)
        scores: list[Score] = []
        parts: dict[str, list[Score]] = {}
        charts: dict[str, Chart] = {}
        compared: dict[str, Drawn] = {}
        notes = [
            "Average precision by pycocotools at the size of the images: IoU 0.50 (mAP50), 0.50 to 0.95 by 0.05 "
            "(mAP50-95), 101 points of recall, at most 100 predictions an image; means over the classes that occur.",
            f"Intervals of this section are of {_DRAWS} draws.",
        ]
        several = sum(
            len(all_.classes) > len(one.classes)
            for all_, one in zip(self._alternatives, self._predicted, strict=True)
        )
        if several:
            notes.append(
                f"In {several} images bodies carry shares of several levels: each level counts as a detection of its "
                "own with the body's score times its share, as the class scores of a detector do; the confusion "
                "matrix takes each body by its name alone."
            )
        for kind, by_mask in kinds:
            found = matches(self._true, self._alternatives, len(self._labels), by_mask)
            drawn = curves(found)
            scores += self._scores(found, kind, drawn.best, groups)
            compared |= self._figures(found, kind, drawn.best)
            for place, label in enumerate(self._labels):
                if found[place].true.sum():
                    parts.setdefault(label, []).extend(self._scores([found[place]], kind, drawn.best, groups))
            notes.append(
                f"{kind}: precision, recall and F1 at confidence {drawn.best:.3g}, where the mean F1 is highest."
            )
            charts |= _curve_charts(drawn, kind)
            counts = confusion(self._true, self._predicted, len(self._labels), drawn.best, by_mask)
            charts[f"{kind}_confusion"] = self._confusion_chart(counts, kind, drawn.best)
        return Section(
            "detection", "Detection", tuple(notes), tuple(scores),
            headline=tuple(f"{kinds[0][0]} {name}" for name in ("mAP50", "mAP50-95")),
            parts={label: tuple(some) for label, some in parts.items()}, part="class", charts=charts,
            drawn=compared,
        )  # fmt: skip

    def _scores(
        self, found: Sequence[ClassMatches], kind: str, confidence: float, groups: Groups | None
    ) -> tuple[Score, ...]:
        missed = int(sum(one.true.sum() - one.right[0].sum() for one in found))
        return known(
            partial(score_of_draws, name, self._names, drawn.figure, missed, groups, _DRAWS)
            for name, drawn in self._figures(found, kind, confidence).items()
        )

    def _figures(self, found: Sequence[ClassMatches], kind: str, confidence: float) -> dict[str, Drawn]:
        """What can be computed with every image counted so many times."""
        figures = {
            f"{kind} mAP50": partial(mean_average_precision, found, thresholds=slice(0, 1)),
            f"{kind} mAP50-95": partial(mean_average_precision, found, thresholds=slice(None)),
            **{
                f"{kind} {name}": partial(_rate, found, confidence, place)
                for place, name in enumerate(_RATES)
            },
        }
        return {name: Drawn(self._names, figure, _DRAWS) for name, figure in figures.items()}

    def _confusion_chart(self, counts: FloatArray, kind: str, confidence: float) -> Chart:
        used = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
        # What is there but missed and what is not there have their place always.
        used = np.union1d(used, [len(self._labels)])
        labels = [self._labels[place] for place in used[:-1]]
        shown = counts[np.ix_(used, used)]
        title = f"classes by {kind}, IoU 0.50, confidence {confidence:.3g}"
        return partial(confusion_chart, shown, [*labels, "nothing there"], [*labels, "missed"], title)


def alternatives(item: Instance, levels: Sequence[str]) -> list[tuple[str, float]]:
    """Every label that a found thing may carry, with its share.

    Args:
        item: Found by a model.
        levels: Of the schema, in the order of `Instance.level_shares`.

    Returns:
        The levels of more than a thousandth; the item's own label with 1 where no shares are known.
    """
    shares = item.level_shares
    if shares is None or len(shares) != len(levels) or not bool(np.isfinite(shares).all()):
        return [(item.label, 1.0)]
    return [
        (level, float(share)) for level, share in zip(levels, shares, strict=True) if share > _LEAST_SHARE
    ]


def _curve_charts(drawn: Curves, kind: str) -> dict[str, Chart]:
    """Precision, recall and F1 by confidence, and precision by recall."""
    rates = {"precision": drawn.precision, "recall": drawn.recall, "F1": drawn.f1}
    charts: dict[str, Chart] = {
        f"{kind}_{name.lower()}": partial(
            curve_chart,
            CONFIDENCES,
            {name: heights},
            f"{name}, {kind}, IoU 0.50",
            "confidence",
            name,
            drawn.best,
        )
        for name, heights in rates.items()
    }
    charts[f"{kind}_precision_recall"] = partial(
        curve_chart, RECALLS, {"precision": drawn.precision_by_recall}, f"precision by recall, {kind}, IoU 0.50",
        "recall", "precision",
    )  # fmt: skip
    return charts


def _rate(found: Sequence[ClassMatches], confidence: float, place: int, counts: FloatArray) -> FloatArray:
    return np.asarray(rates_at(found, confidence, counts)[place])
