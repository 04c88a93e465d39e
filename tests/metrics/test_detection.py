"""Average precision against pycocotools' own summary; curves and confusion by hand."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from spinekit.metrics.detection import (
    Shapes,
    average_precision,
    confusion,
    curves,
    matches,
    mean_average_precision,
    overlaps,
    packed,
    rates_at,
)

CLASSES = 3


def shapes(rng: np.random.Generator, count: int, scored: bool, side: int = 60) -> Shapes:
    corner = rng.integers(0, 40, (count, 2)).astype(float)
    boxes = np.concatenate([corner, corner + rng.integers(4, 20, (count, 2))], axis=1)
    masks = []
    for left, top, right, bottom in boxes.astype(int).tolist():
        mask = np.zeros((side, side), dtype=bool)
        mask[top:bottom, left:right] = True
        masks.append(packed(mask))
    scores = np.round(rng.random(count), 2) if scored else np.ones(count)
    return Shapes(rng.integers(0, CLASSES, count), boxes, scores, tuple(masks))


def jittered(rng: np.random.Generator, true: Shapes) -> Shapes:
    """Some of the true ones, moved a little, and some that are none."""
    kept = rng.random(len(true.classes)) < 0.8
    other = shapes(rng, int(rng.integers(0, 4)), True)
    boxes = np.concatenate([true.boxes[kept] + rng.integers(-2, 3, (kept.sum(), 1)), other.boxes])
    boxes = np.clip(boxes, 0, 60)
    masks = []
    for left, top, right, bottom in boxes.astype(int).tolist():
        mask = np.zeros((60, 60), dtype=bool)
        mask[top:bottom, left:right] = True
        masks.append(packed(mask))
    classes = np.concatenate([true.classes[kept], other.classes])
    return Shapes(classes, boxes, np.round(rng.random(len(boxes)), 2), tuple(masks))


def by_pycocotools(true: list[Shapes], predicted: list[Shapes], kind: str) -> tuple[float, float]:
    """AP and AP50 as its own ``summarize`` gives them, through its own files."""

    def marks(images: list[Shapes], scored: bool) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        for image, one in enumerate(images):
            for place in range(len(one.classes)):
                left, top, right, bottom = one.boxes[place].tolist()
                assert one.masks is not None
                found.append(
                    {
                        "id": len(found) + 1, "image_id": image, "category_id": int(one.classes[place]), "iscrowd": 0,
                        "bbox": [left, top, right - left, bottom - top], "area": (right - left) * (bottom - top),
                        "segmentation": one.masks[place], **({"score": float(one.scores[place])} if scored else {}),
                    }
                )  # fmt: skip
        return found

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": k, "height": 60, "width": 60} for k in range(len(true))],
            "categories": [{"id": k} for k in range(CLASSES)],
            "annotations": marks(true, False),
        }
        coco.createIndex()
        results = marks(predicted, True)
        for mark in results:
            mark.pop("segmentation" if kind == "bbox" else "bbox")
        run = COCOeval(coco, coco.loadRes(results), kind)
        run.evaluate()
        run.accumulate()
        run.summarize()
    return float(run.stats[0]), float(run.stats[1])


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.sampled_from(["bbox", "segm"]))
def test_average_precision_is_that_of_pycocotools(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    true = [shapes(rng, int(rng.integers(1, 5)), False) for _ in range(4)]
    predicted = [jittered(rng, one) for one in true]
    predicted[0] = shapes(rng, 2, True)
    found = matches(true, predicted, CLASSES, kind == "segm")
    ones = np.ones((1, len(true)))
    ap, ap50 = by_pycocotools(true, predicted, kind)
    assert mean_average_precision(found, ones, slice(None))[0] == pytest.approx(ap)
    assert mean_average_precision(found, ones, slice(0, 1))[0] == pytest.approx(ap50)


def test_an_image_counted_twice_is_an_image_that_is_there_twice() -> None:
    rng = np.random.default_rng(5)
    true = [shapes(rng, 3, False) for _ in range(3)]
    predicted = [jittered(rng, one) for one in true]
    once = matches(true, predicted, CLASSES, False)
    twice = matches([true[0], *true], [predicted[0], *predicted], CLASSES, False)
    counted = mean_average_precision(once, np.array([[2.0, 1, 1]]), slice(None))
    assert counted[0] == pytest.approx(mean_average_precision(twice, np.ones((1, 4)), slice(None))[0])


def test_the_truth_itself_is_perfect_and_nothing_is_worthless() -> None:
    rng = np.random.default_rng(1)
    true = [shapes(rng, 1, False) for _ in range(5)]
    found = matches(true, true, CLASSES, True)
    ones = np.ones((1, 5))
    assert mean_average_precision(found, ones, slice(None))[0] == pytest.approx(1)
    assert rates_at(found, 0.5, ones)[:, 0] == pytest.approx([1, 1, 1])
    drawn = curves(found)
    assert drawn.f1.max() == 1
    assert drawn.precision_by_recall == pytest.approx(np.ones(101))
    empty = Shapes(np.zeros(0, dtype=np.intp), np.zeros((0, 4)), np.zeros(0), ())
    lost = matches(true, [empty] * 5, CLASSES, True)
    assert mean_average_precision(lost, ones, slice(None))[0] == 0
    assert rates_at(lost, 0.5, ones)[1:, 0] == pytest.approx([0, 0])
    with pytest.raises(ValueError, match="nothing to detect"):
        curves(matches([empty], [empty], CLASSES, True))
    absent = average_precision(found[0], np.zeros((1, 5)), slice(None))
    assert np.isnan(absent[0])


def test_curves_by_hand() -> None:
    """Two true ones; right at 0.9, wrong at 0.6, right at 0.3."""
    box = np.array([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    true = Shapes(np.zeros(2, dtype=np.intp), box, np.ones(2))
    predicted = Shapes(
        np.zeros(3, dtype=np.intp), np.array([box[0], [40.0, 40, 50, 50], box[1]]), np.array([0.9, 0.6, 0.3])
    )
    found = matches([true], [predicted], 1, False)
    ones = np.ones((1, 1))
    assert rates_at(found, 0.8, ones)[:, 0] == pytest.approx([1, 1 / 2, 2 / 3])
    assert rates_at(found, 0.5, ones)[:, 0] == pytest.approx([1 / 2, 1 / 2, 1 / 2])
    assert rates_at(found, 0.1, ones)[:, 0] == pytest.approx([2 / 3, 1, 4 / 5])
    drawn = curves(found)
    assert (drawn.precision[400], drawn.recall[400]) == (1, 0.5)  # at 0.8
    assert 0 <= drawn.best <= 0.3
    # COCO: recall 0 to 0.5 at precision 1 (51 points), up to 1 at 2/3 (50 points).
    assert average_precision(found[0], ones, slice(0, 1))[0] == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_confusion_pairs_whatever_the_class() -> None:
    box = np.array([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    true = Shapes(np.array([0, 1]), box, np.ones(2))
    predicted = Shapes(np.array([1, 0]), np.array([box[0], [50.0, 50, 60, 60]]), np.array([0.9, 0.9]))
    counts = confusion([true], [predicted], 2, 0.5, False)
    assert counts.tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert confusion([true], [predicted], 2, 0.95, False).tolist() == [[0, 0, 1], [0, 0, 1], [0, 0, 0]]
    assert overlaps(true, predicted, False).shape == (2, 2)
