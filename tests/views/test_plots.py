from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as PillowImage

from spinekit.core.image import UInt8Array
from spinekit.views.plots import bar_chart, box_chart, heat_maps, scatter_chart


def seen(content: bytes) -> UInt8Array:
    with PillowImage.open(io.BytesIO(content)) as picture:
        assert picture.format == "PNG"
        assert set(picture.info) <= {"dpi"}
        return np.asarray(picture.convert("RGB"))


def ink(pixels: UInt8Array) -> int:
    """Blue pixels: what the data drew."""
    return int((pixels[..., 2].astype(int) - pixels[..., 0] > 60).sum())


def test_longer_bars_take_more_ink() -> None:
    few, many = (seen(bar_chart({"a": 10, "b": value}, "bars")) for value in (1, 9))
    assert ink(many) > 1.3 * ink(few)
    assert bar_chart({"a": 1}, "x") == bar_chart({"a": 1}, "x")


@pytest.mark.parametrize("values", [{}, {"only": 0.0}, {"a$^{$b": 3.0, "\x07\u202e": 1.0, "ü" * 90: 2.0}])
def test_odd_names_and_empty_sets_are_drawn_all_the_same(values: dict[str, float]) -> None:
    assert seen(bar_chart(values, "odd")).std() > 0


def test_boxes_and_dots() -> None:
    assert ink(seen(box_chart({"a": [1.0, 2, 3], "b": [4.0]}, "boxes", "px"))) > 100
    assert ink(seen(scatter_chart([(100, 200, 1), (300, 400, 30)], "dots", "x", "y"))) > 100


def test_maps_are_dark_where_counts_are() -> None:
    counts = np.zeros((64, 64))
    counts[:8, 48:] = 5
    pixels = seen(heat_maps({"one": counts}, "maps")).astype(int)
    rows, columns = np.nonzero(pixels[..., 2] - pixels[..., 0] > 60)
    assert np.median(rows) < 0.6 * pixels.shape[0]
    assert np.median(columns) > 0.5 * pixels.shape[1]
    assert seen(heat_maps({str(k): counts for k in range(40)}, "many")).shape[1] > 900
