from __future__ import annotations

import numpy as np
import pytest

from spinekit.views.plots_evaluation import (
    Differences,
    bland_altman_charts,
    confusion_chart,
    curve_chart,
    error_boxes,
    error_scatter,
)
from tests.views.test_plots import ink, seen


def test_boxes_and_clouds_of_errors() -> None:
    assert ink(seen(error_boxes({"S": [1.0, 2, 3, 30], "N$_x$": [4.0]}, "errors", "mm", (2.0, 4.0)))) > 100
    cloud = np.random.default_rng(0).normal(size=(40, 2))
    one, many = (seen(error_scatter({str(k): cloud for k in range(n)}, "axes", "mm")) for n in (1, 45))
    assert ink(one) > 30
    assert many.shape[0] > 4 * one.shape[0]
    assert seen(error_scatter({"still": np.zeros((3, 2))}, "axes", "mm")).std() > 0


def test_bias_and_limits_are_lines() -> None:
    values = np.arange(6.0)
    both = Differences(values + 1, values, np.ones(6), 1.0, 0.5, 1.5)
    pixels = seen(bland_altman_charts({"sna (deg)": both, "snb (deg)": both}, "differences")).astype(int)
    assert (pixels[..., 0] - pixels[..., 2] > 80).sum() > 200


def test_higher_curves_lie_higher() -> None:
    x = np.linspace(0, 1, 50)

    def middle(height: float) -> float:
        pixels = seen(curve_chart(x, {"F1": np.full(50, height)}, "F1", "confidence", "F1", 0.5)).astype(int)
        return float(np.median(np.nonzero(pixels[..., 2] - pixels[..., 0] > 60)[0]))

    assert middle(0.8) < middle(0.2)


@pytest.mark.parametrize("classes", [2, 40])
def test_the_diagonal_of_a_confusion_matrix_is_dark(classes: int) -> None:
    counts = np.concatenate([5.0 * np.eye(classes), np.zeros((classes, 1))], axis=1)
    names = [f"class {k}" for k in range(classes)]
    assert ink(seen(confusion_chart(counts, names, [*names, "missed"], "classes"))) > 300
    assert seen(confusion_chart(0 * counts, names, [*names, "missed"], "empty")).std() > 0
