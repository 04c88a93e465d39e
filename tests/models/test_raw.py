"""Decoding and suppression in numpy give what Ultralytics' own give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.models.raw import Float32Array, detections, suppressed

OVERLAPS = st.sampled_from([0.3, 0.5, 0.7])


@st.composite
def boxes_and_scores(draw: st.DrawFn) -> tuple[Float32Array, Float32Array]:
    """Boxes on a grid of quarter pixels, many of which overlap; some scores are equal."""
    count = draw(st.integers(0, 40))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 200, (count, 2)) / 4
    size = rng.integers(0, 160, (count, 2)) / 4
    boxes = np.concatenate([corner, corner + size], axis=1).astype(np.float32)
    return boxes, (rng.integers(1, 30, count) / 32).astype(np.float32)


@settings(max_examples=150, deadline=None)
@given(boxes_and_scores(), OVERLAPS)
def test_the_same_boxes_stay_as_by_torchvision(
    drawn: tuple[Float32Array, Float32Array], overlap: float
) -> None:
    torch = pytest.importorskip("torch")
    from torchvision.ops import nms

    boxes, scores = drawn
    wanted = nms(torch.from_numpy(boxes), torch.from_numpy(scores), overlap).tolist()
    assert suppressed(boxes, scores, overlap).tolist() == wanted


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.sampled_from(["pose", "seg", "detect"]))
def test_the_same_detections_as_by_ultralytics(seed: int, classes: int, task: str) -> None:
    from spinekit.models.environment import load_library

    load_library()
    import torch
    from ultralytics.utils.nms import non_max_suppression

    rng = np.random.default_rng(seed)
    further = {"pose": 12, "seg": 8, "detect": 0}[task]
    values = rng.random((2, 4 + classes + further, 90), dtype=np.float32)
    values[:, :2] *= 200
    values[:, 2:4] = 4 + 60 * values[:, 2:4]
    values[:, 4 : 4 + classes] **= 6  # most are hardly believed
    kept, rows = non_max_suppression(
        torch.from_numpy(values.copy()), 0.03, 0.5, agnostic=True, max_det=100, nc=classes,
        max_time_img=60.0, return_idxs=True,
    )  # fmt: skip
    prototypes = rng.random((2, 8, 5, 6), dtype=np.float32)
    answers = (values, prototypes) if task == "seg" else (values,)
    found = detections(answers, classes, 4 if task == "pose" else 0, 0.03, 0.5)
    for picture, (one, wanted, index) in enumerate(zip(found, kept, rows, strict=True)):
        expected, anchors = wanted.double().numpy(), index.flatten().long().numpy()
        assert np.array_equal(one.boxes, expected[:, :4])
        assert np.array_equal(one.scores, expected[:, 4])
        assert np.array_equal(one.labels, expected[:, 5])
        assert np.array_equal(one.shares, values[picture, 4 : 4 + classes, anchors])
        if task == "pose":
            assert one.points is not None
            assert np.array_equal(one.points.reshape(len(expected), -1), expected[:, 6:])
        if task == "seg":
            assert one.coefficients is not None
            assert one.prototypes is not None
            assert np.array_equal(one.coefficients, expected[:, 6:])
            assert np.array_equal(one.prototypes, prototypes[picture])


def test_a_film_without_anything_gives_nothing() -> None:
    (found,) = detections((np.zeros((1, 4 + 1 + 12, 50), np.float32),), 1, 4, 0.03, 0.5)
    assert found.boxes.shape == (0, 4)
    assert found.points is not None
    assert found.points.shape == (0, 4, 3)
    assert found.shares.shape == (0, 1)


def test_no_more_than_a_hundred_stay() -> None:
    corner = np.arange(150, dtype=np.float32)[:, None] * 20
    boxes = np.concatenate([corner, corner, corner + 10, corner + 10], axis=1)
    assert len(suppressed(boxes, np.linspace(0.1, 0.9, 150, dtype=np.float32), 0.5)) == 100
