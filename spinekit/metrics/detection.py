"""Average precision by COCO's rules (pycocotools), and the curves and the confusion matrix beside it.

Matching is pycocotools': a class at a time, the most certain prediction first, IoU 0.50 to 0.95 by 0.05, at most 100
predictions an image, masks at the size of the image. What is computed here is what it does not give: intervals over
images, and precision and recall as functions of the confidence.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from spinekit.core.image import BoolArray, FloatArray

Indices = npt.NDArray[np.intp]
Run = dict[str, Any]
"""A mask as pycocotools packs it."""

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
CONFIDENCES = np.linspace(0.0, 1.0, 501)
_MOST = 100


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """What is in one image, by a person or a model.

    Attributes:
        classes: (N,) indices of the classes.
        boxes: (N, 4) left, top, right, bottom, px.
        scores: (N,) 0..1.
        masks: N packed masks of the whole image, or None where there are boxes alone.
    """

    classes: Indices
    boxes: FloatArray
    scores: FloatArray
    masks: tuple[Run, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ClassMatches:
    """The predictions of one class in all images, the most certain first.

    Attributes:
        image: (D,) index of the image.
        score: (D,) 0..1, falling.
        right: (10, D) whether it answers a true one, at each of `THRESHOLDS`.
        true: (N,) how many true ones each image has.
    """

    image: Indices
    score: FloatArray
    right: BoolArray
    true: FloatArray


def packed(mask: BoolArray) -> Run:
    """A mask of a whole image, as pycocotools packs it."""
    from pycocotools import mask as coco_mask

    run: Run = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return run


def packed_runs(runs: Sequence[int], height: int, width: int) -> Run:
    """Runs down the columns of an image, outside and inside in turn, as pycocotools packs them.

    Args:
        runs: Lengths, that of what lies outside first; together height * width.
        height: Rows of the image.
        width: Columns.
    """
    from pycocotools import mask as coco_mask

    run: Run = coco_mask.frPyObjects({"counts": list(runs), "size": [height, width]}, height, width)
    return run


def matches(
    true: Sequence[Shapes], predicted: Sequence[Shapes], classes: int, by_mask: bool
) -> list[ClassMatches]:
    """Pairs predictions with true ones, by pycocotools.

    Args:
        true: One for each of N images.
        predicted: Likewise, in the same order.
        classes: How many classes there are.
        by_mask: Whether masks overlap rather than boxes; then both must have them.

    Returns:
        One for each class.
    """
    from pycocotools.cocoeval import COCOeval

    images = len(true)
    # pycocotools tells of its progress on standard output, where results may be read from.
    with contextlib.redirect_stdout(io.StringIO()):
        run = COCOeval(
            _coco(true, classes, False, by_mask), _coco(predicted, classes, True, by_mask),
            "segm" if by_mask else "bbox",
        )  # fmt: skip
        run.params.imgIds, run.params.catIds = list(range(images)), list(range(classes))
        run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
        run.params.maxDets, run.params.iouThrs = [_MOST], THRESHOLDS
        run.evaluate()
    counts = [np.bincount(shapes.classes, minlength=classes) for shapes in true]
    table = np.array(counts, dtype=np.float64).reshape(images, classes)
    return [
        _of_class(run.evalImgs[place * images : (place + 1) * images], table[:, place])
        for place in range(classes)
    ]


def _of_class(found: Sequence[dict[str, Any] | None], true: FloatArray) -> ClassMatches:
    image = [np.full(len(one["dtIds"]), one["image_id"], dtype=np.intp) for one in found if one]
    score = [np.array(one["dtScores"], dtype=np.float64) for one in found if one]
    right = [np.array(one["dtMatches"]).reshape(len(THRESHOLDS), -1) > 0 for one in found if one]
    if not image:
        nothing = np.zeros(0)
        return ClassMatches(nothing.astype(np.intp), nothing, np.zeros((len(THRESHOLDS), 0), bool), true)
    scores = np.concatenate(score)
    order = np.argsort(-scores, kind="mergesort")  # as pycocotools does, so that equal scores fall alike
    return ClassMatches(
        np.concatenate(image)[order], scores[order], np.concatenate(right, axis=1)[:, order], true
    )


def _coco(images: Sequence[Shapes], classes: int, scored: bool, by_mask: bool) -> Any:  # noqa: ANN401  (pycocotools has no types)
    from pycocotools import mask as coco_mask
    from pycocotools.coco import COCO

    marks: list[dict[str, Any]] = []
    for image, shapes in enumerate(images):
        for place, (label, box) in enumerate(
            zip(shapes.classes.tolist(), shapes.boxes.tolist(), strict=True)
        ):
            left, top, right, bottom = box
            # Numbers begin at 1: pycocotools takes a match with number 0 for none.
            mark: dict[str, Any] = {
                "id": len(marks) + 1, "image_id": image, "category_id": label, "iscrowd": 0,
                "bbox": [left, top, right - left, bottom - top], "area": (right - left) * (bottom - top),
            }  # fmt: skip
            if by_mask and shapes.masks is not None:
                mark |= {
                    "segmentation": shapes.masks[place],
                    "area": float(coco_mask.area(shapes.masks[place])),
                }
            if scored:
                mark["score"] = float(shapes.scores[place])
            marks.append(mark)
    coco = COCO()
    coco.dataset = {
        "images": [_size(image, shapes) for image, shapes in enumerate(images)],
        "categories": [{"id": label} for label in range(classes)],
        "annotations": marks,
    }
    coco.createIndex()
    return coco


def _size(image: int, shapes: Shapes) -> dict[str, int]:
    """An image as pycocotools lists it; it asks for a size, and takes that of the masks."""
    height, width = shapes.masks[0]["size"] if shapes.masks else (0, 0)
    return {"id": image, "height": height, "width": width}


def average_precision(found: ClassMatches, counts: FloatArray, thresholds: slice) -> FloatArray:
    """COCO's 101-point average precision of a class, with each image counted so many times.

    Args:
        found: Of the class.
        counts: (draws, N) how often each image counts.
        thresholds: Which of `THRESHOLDS` are averaged: ``slice(0, 1)`` for AP50, ``slice(None)`` for AP.

    Returns:
        (draws,); NaN where no image that counts has the class.
    """
    true = counts @ found.true
    weight = counts[:, found.image]
    total = np.zeros(len(counts))
    picked = found.right[thresholds]
    for right in picked:
        hits = (weight * right).cumsum(axis=1)
        all_ = weight.cumsum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            recall, precision = hits / true[:, None], hits / np.maximum(all_, np.spacing(1))
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        for draw in range(len(counts)):
            places = np.searchsorted(recall[draw], RECALLS, side="left")
            reached = places < recall.shape[1]
            total[draw] += envelope[draw, places[reached]].sum() / len(RECALLS)
    return np.where(true > 0, total / len(picked), np.nan)


def mean_average_precision(
    found: Sequence[ClassMatches], counts: FloatArray, thresholds: slice
) -> FloatArray:
    """Mean of `average_precision` over the classes that occur, (draws,)."""
    return np.asarray(np.nanmean([average_precision(one, counts, thresholds) for one in found], axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Means over the classes that occur, at IoU 0.50.

    Attributes:
        precision: (501,) at each of `CONFIDENCES`; 1 where nothing is predicted.
        recall: (501,).
        f1: (501,).
        best: The confidence of the highest mean F1, the middle of a plateau.
        precision_by_recall: (101,) at each of `RECALLS`, as COCO interpolates.
    """

    precision: FloatArray
    recall: FloatArray
    f1: FloatArray
    best: float
    precision_by_recall: FloatArray


def curves(found: Sequence[ClassMatches]) -> Curves:
    """Precision, recall and F1 by confidence, and precision by recall.

    Raises:
        ValueError: If no class occurs in the truth.
    """
    occurring = [one for one in found if one.true.sum() > 0]
    if not occurring:
        raise ValueError("the truth holds nothing to detect")
    by_class = np.array([_by_confidence(one) for one in occurring])
    precision, recall, f1 = by_class.mean(axis=0)
    top = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return Curves(
        precision,
        recall,
        f1,
        float(CONFIDENCES[top[len(top) // 2]]),
        np.mean([_interpolated(one) for one in occurring], axis=0),
    )


def _by_confidence(found: ClassMatches) -> FloatArray:
    """(3, 501) precision, recall and F1 of one class."""
    # Scores fall, so predictions of at least a confidence are the first few.
    kept = np.searchsorted(-found.score, -CONFIDENCES, side="right")
    hits = np.concatenate([[0], found.right[0].cumsum()])[kept]
    true = found.true.sum()
    precision = np.where(kept > 0, hits / np.maximum(kept, 1), 1.0)
    return np.array([precision, hits / true, 2 * hits / (kept + true)])


def _interpolated(found: ClassMatches) -> FloatArray:
    hits = found.right[0].cumsum()
    recall, precision = hits / found.true.sum(), hits / np.arange(1, len(hits) + 1)
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return np.asarray(envelope[np.minimum(np.searchsorted(recall, RECALLS, side="left"), len(hits))])


def rates_at(found: Sequence[ClassMatches], confidence: float, counts: FloatArray) -> FloatArray:
    """Precision, recall and F1 at a confidence and IoU 0.50, means over the classes that occur.

    Args:
        found: Of every class.
        confidence: Predictions below do not count.
        counts: (draws, N) how often each image counts.

    Returns:
        (3, draws).
    """
    rows = []
    for one in found:
        kept = one.score >= confidence
        weight = counts[:, one.image[kept]]
        hits, all_ = (weight * one.right[0][kept]).sum(axis=1), weight.sum(axis=1)
        true = counts @ one.true
        with np.errstate(invalid="ignore", divide="ignore"):
            row = np.array([np.where(all_ > 0, hits / all_, 1.0), hits / true, 2 * hits / (all_ + true)])
        rows.append(np.where(true > 0, row, np.nan))
    return np.asarray(np.nanmean(rows, axis=0))


def overlaps(true: Shapes, predicted: Shapes, by_mask: bool) -> FloatArray:
    """(T, P) intersection over union of every pair, by pycocotools."""
    from pycocotools import mask as coco_mask

    if not len(true.classes) or not len(predicted.classes):
        return np.zeros((len(true.classes), len(predicted.classes)))
    if by_mask and true.masks is not None and predicted.masks is not None:
        found = coco_mask.iou(list(predicted.masks), list(true.masks), [0] * len(true.masks))
    else:
        sides = [
            np.concatenate([s.boxes[:, :2], s.boxes[:, 2:] - s.boxes[:, :2]], axis=1)
            for s in (predicted, true)
        ]
        found = coco_mask.iou(*sides, [0] * len(true.classes))
    return np.asarray(found, dtype=np.float64).T


def confusion(
    true: Sequence[Shapes], predicted: Sequence[Shapes], classes: int, confidence: float, by_mask: bool
) -> FloatArray:
    """Counts by true and predicted class, whatever the class, paired so that the overlaps are largest.

    Args:
        true: One for each image.
        predicted: Likewise.
        classes: How many classes there are.
        confidence: Predictions below do not count.
        by_mask: Whether masks overlap rather than boxes.

    Returns:
        (classes + 1, classes + 1): rows true, the last one: nothing there; columns predicted, the last one: missed.
        A pair overlaps by 0.50 at least.
    """
    counts = np.zeros((classes + 1, classes + 1))
    for one, other in zip(true, predicted, strict=True):
        sure = other.scores >= confidence
        labels = other.classes[sure]
        overlap = overlaps(one, other, by_mask)[:, sure]
        rows, columns = linear_sum_assignment(-np.where(overlap >= THRESHOLDS[0], overlap, 0.0))
        good = overlap[rows, columns] >= THRESHOLDS[0]
        rows, columns = rows[good], columns[good]
        np.add.at(counts, (one.classes[rows], labels[columns]), 1)
        counts[:classes, classes] += np.bincount(np.delete(one.classes, rows), minlength=classes)
        counts[classes, :classes] += np.bincount(np.delete(labels, columns), minlength=classes)
    return counts
