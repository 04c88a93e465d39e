from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from spinekit.views.training_plots import EpochPicture, confusion_chart, epochs_gif, line_chart


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def test_a_chart_is_a_picture_and_the_same_twice() -> None:
    curves = {
        "train": ([1.0, 2.0, 3.0], [3.0, float("inf"), 1.0]),
        "val $x$": ([1.0, 2.0, 3.0], [4.0, 3.0, 2.0]),
    }
    first = line_chart(curves, "Losses", "epoch", "loss", 2.0)
    assert first == line_chart(curves, "Losses", "epoch", "loss", 2.0)
    assert len(np.unique(np.asarray(opened(first).convert("L")))) > 10


def test_a_share_is_drawn_from_nothing_to_all() -> None:
    """A flat line of nothing lies at the bottom of the frame, one of all at its top."""

    def height_of_line(share: float) -> float:
        content = line_chart({"x": ([0.0, 1.0], [share, share])}, "t", "recall", "precision", share=True)
        picture = np.asarray(opened(content).convert("RGB")).astype(int)
        blue = picture[..., 2] - picture[..., 0] > 60  # the line alone is coloured
        return float(np.nonzero(blue)[0].mean() / len(picture))

    assert height_of_line(0.0) > 0.8
    assert height_of_line(1.0) < 0.12


def test_one_epoch_is_seen_as_a_dot() -> None:
    none = line_chart({"x": ([1.0], [float("nan")])}, "t", "a", "b")
    dot = line_chart({"x": ([1.0], [2.0])}, "t", "a", "b")
    assert none != dot


@pytest.mark.parametrize("count", [2, 26])
def test_a_confusion_matrix_of_any_size_is_drawn(count: int) -> None:
    counts = np.eye(count) * 5
    assert opened(confusion_chart(counts, [f"c{i}" for i in range(count)], "t")).width > 200


def test_points_wander_to_the_truth() -> None:
    pixels = np.full((60, 90), 128, np.uint8)
    truth = np.array([[[30.0, 30.0], [np.nan, np.nan]]])
    frames = [
        (epoch, [EpochPicture(truth, truth + 10.0 / epoch, np.array([[5.0, 5.0, 50.0, 50.0]]))] * 2)
        for epoch in (1, 2, 5)
    ]
    picture = Image.open(io.BytesIO(epochs_gif([pixels, pixels.T.copy()], frames)))
    assert getattr(picture, "n_frames", 1) == 3
    seen = []
    for number in range(3):
        picture.seek(number)
        seen.append(np.asarray(picture.convert("RGB")).astype(int))
    assert np.abs(seen[0] - seen[2]).max() > 50
    # The truth stays green where it was.
    x, y = round(30 * 320 / 90) + 2, round(30 * 320 / 90) + 22
    assert seen[0][y, x, 1] > seen[0][y, x, 0] + 60


def test_no_epoch_is_no_picture() -> None:
    with pytest.raises(ValueError, match="needs an epoch"):
        epochs_gif([np.zeros((4, 4), np.uint8)], [])
