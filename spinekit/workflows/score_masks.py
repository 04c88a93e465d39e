"""Masks and boxes: Dice, IoU, distances of borders, and average precision with its curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.outline import Outline
from spinekit.core.scene import Instance, Scene
from spinekit.core.score import Score
from spinekit.metrics import dice, intersection_over_union
from spinekit.metrics.bootstrap import Groups, percentage, ratio, score_of, score_of_sums
from spinekit.metrics.surfaces import hausdorff_95, mean_surface_distance, surface_distances
from spinekit.views.plots_evaluation import error_boxes
from spinekit.workflows.mask_patches import Patch, matched, patch_of, together
from spinekit.workflows.scoring import Chart, Pair, Section, column_mm, common_unit, isotropic, known


@dataclass(frozen=True, slots=True)
class _Mask:
    """How one true mask was answered: distances in isotropic px, NaN where one of the two is empty."""

    label: str
    dice: float
    iou: float
    hd95: float
    assd: float
    answered: bool


@dataclass(slots=True)
class MaskTally:
    """Takes pairs of scenes whose instances have outlines."""

    _labels: tuple[str, ...] = ()
    _films: dict[str, list[_Mask]] = field(default_factory=dict)
    _column_mm: dict[str, float | None] = field(default_factory=dict)
    _places: dict[str, tuple[float, float, float]] = field(default_factory=dict)

    def add(self, pair: Pair) -> float | None:
        """Counts a pair; how bad it is: 1 - mean Dice."""
        true = [item for item in pair.truth.instances if item.outline is not None]
        if not true:
            return None
        schema = pair.truth.schema
        self._labels = schema.levels or schema.classes
        masks = [_compared(one, other, pair.truth.image) for one, other in _answered(true, pair)]
        self._films[pair.name] = masks
        self._column_mm[pair.name] = column_mm(pair.truth.image)
        if schema.levels:
            self._places[pair.name] = _by_place(true, pair)
        return 1 - float(np.mean([mask.dice for mask in masks]))

    def section(self, groups: Groups | None = None) -> Section | None:
        """Figures over all masks, and of each class."""
        if not self._films:
            return None
        unit = common_unit(list(self._column_mm.values()))
        parts: dict[str, tuple[Score, ...]] = {}
        boxes: dict[str, list[float]] = {}
        for label in self._labels:
            own = {
                name: [mask for mask in masks if mask.label == label] for name, masks in self._films.items()
            }
            own = {name: masks for name, masks in own.items() if masks}
            if own:
                parts[label] = self._scores(own, unit, groups)
                boxes[label] = [mask.dice for masks in own.values() for mask in masks]
        missed = sum(not mask.answered for masks in self._films.values() for mask in masks)
        mean = {name: float(np.mean([mask.dice for mask in masks])) for name, masks in self._films.items()}
        good = {name: float(sum(mask.dice > 0.5 for mask in masks)) for name, masks in self._films.items()}
        scores = (
            *known(
                (
                    partial(score_of, "Dice per level, missing ones 0", mean, missed, None, groups),
                    partial(score_of, _good_name(self._labels), good, missed, None, groups),
                )
            ),
            *self._scores(self._films, unit, groups),
            *self._place_scores(groups),
        )
        charts: dict[str, Chart] = {
            "dice": partial(error_boxes, boxes, "Dice of each class, missing ones 0", "Dice", ())
        }
        notes = (
            "A missing mask has a Dice and an IoU of 0. HD95 (the larger of the two directed 95th percentiles) and "
            f"ASSD (mean of the two directed means) are of masks that were found, in {unit}.",
            "Masks of levels are paired by their name, those of one class by their overlap. By place: paired by "
            "overlap, so that a spine whose names are one level off still shows how good its masks are.",
        )
        return Section(
            "masks", "Masks", notes, scores,
            headline=("Dice per level, missing ones 0", _good_name(self._labels)),
            judge="Dice per level, missing ones 0", parts=parts, part="class", charts=charts,
        )  # fmt: skip

    def _place_scores(self, groups: Groups | None) -> tuple[Score, ...]:
        """Whether levels are named rightly, and how good their masks are whatever they are called."""
        overlap = {name: (total, count) for name, (total, _, count) in self._places.items()}
        named = {name: (right, count) for name, (_, right, count) in self._places.items()}
        mean = {name: total / count for name, (total, count) in overlap.items()}
        share = {name: 100 * right / count for name, (right, count) in named.items()}
        return known(
            (
                partial(score_of_sums, "Dice by place, whatever the name", overlap, ratio, 0, groups, mean),
                partial(score_of_sums, "level names right (%)", named, percentage, 0, groups, share),
            )
        )

    def _scores(self, films: dict[str, list[_Mask]], unit: str, groups: Groups | None) -> tuple[Score, ...]:
        missed = sum(not mask.answered for masks in films.values() for mask in masks)
        scores = []
        for name, key in (
            ("Dice", "dice"),
            ("IoU", "iou"),
            (f"HD95 ({unit})", "hd95"),
            (f"ASSD ({unit})", "assd"),
        ):
            sums: dict[str, tuple[float, float]] = {}
            items: dict[str, float] = {}
            for film, masks in films.items():
                values = np.array([getattr(mask, key) for mask in masks])
                values = values[~np.isnan(values)]
                millimetres = self._column_mm[film]
                if key in {"hd95", "assd"} and unit == "mm" and millimetres is not None:
                    values = values * millimetres
                if values.size:
                    sums[film] = (float(values.sum()), values.size)
                    items[film] = float(values.mean())
            scores.append(partial(score_of_sums, name, sums, ratio, missed, groups, items))
        return known(scores)


def _good_name(labels: Sequence[str]) -> str:
    return f"levels with Dice above 0.5, of {len(labels)}"


def _answered(true: Sequence[Instance], pair: Pair) -> list[tuple[Instance, Instance | None]]:
    """Each true instance with what answers it: by its name, or by overlap where a name occurs more than once."""
    found = [item for item in pair.predicted.instances if item.outline is not None] if pair.predicted else []
    answered: list[tuple[Instance, Instance | None]] = []
    for label in dict.fromkeys(item.label for item in true):
        ours = [item for item in true if item.label == label]
        theirs = sorted((item for item in found if item.label == label), key=lambda item: -item.score)
        if len(ours) == 1 and label in pair.truth.schema.levels:
            answered.append((ours[0], theirs[0] if theirs else None))
        else:
            answered += _by_overlap(ours, theirs, pair.truth)
    return answered


def _by_place(true: Sequence[Instance], pair: Pair) -> tuple[float, float, float]:
    """Sum of Dice with what overlaps most, how many of those have the right name, and how many there are."""
    found = [item for item in pair.predicted.instances if item.outline is not None] if pair.predicted else []
    total = right = 0.0
    for one, other in _by_overlap(true, found, pair.truth):
        if other is not None:
            total += dice(*together(_patch(other, pair.truth.image), _patch(one, pair.truth.image)))
            right += one.label == other.label
    return total, right, float(len(true))


def _by_overlap(
    ours: Sequence[Instance], theirs: Sequence[Instance], truth: Scene
) -> list[tuple[Instance, Instance | None]]:
    left, right = ([_patch(item, truth.image) for item in part] for part in (ours, theirs))
    chosen = matched(left, right)
    return [(item, theirs[chosen[row]] if row in chosen else None) for row, item in enumerate(ours)]


def _patch(item: Instance, image: ImageRef) -> Patch:
    return patch_of(item.outline or Outline(()), image.height, image.width)


def _compared(true: Instance, answer: Instance | None, image: ImageRef) -> _Mask:
    if answer is None:
        return _Mask(true.label, 0.0, 0.0, float("nan"), float("nan"), False)
    one, other = together(_patch(true, image), _patch(answer, image))
    factors: FloatArray = isotropic(image)
    apart = surface_distances(other, one, (float(factors[1]), float(factors[0])))
    far = (float("nan"),) * 2 if apart is None else (hausdorff_95(apart), mean_surface_distance(apart))
    return _Mask(true.label, dice(other, one), intersection_over_union(other, one), *far, True)
