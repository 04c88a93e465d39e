from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.core.image import FloatArray, UInt8Array
from spinekit.views import strokes
from spinekit.views.finer import TILE, FineCopy
from spinekit.views.overlay import draw_overlay
from tests.views.scenes import cobb, film, pointed, stack

COORDINATE = st.floats(-3000, 3000) | st.floats(-1e5, 1e5)
SEGMENT = st.tuples(*[COORDINATE] * 4)


def noise(height: int, width: int) -> UInt8Array:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def doubled(canvas: UInt8Array, times: int) -> UInt8Array:
    return canvas.repeat(times, axis=0).repeat(times, axis=1)


def halved(fine: UInt8Array, canvas: UInt8Array) -> UInt8Array:
    return np.asarray(cv2.resize(fine, canvas.shape[1::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)


@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.integers(1, 3),
    st.lists(SEGMENT, min_size=1, max_size=5),
    st.integers(1, 90),
)
@settings(max_examples=60, deadline=None)
def test_lines_come_out_as_on_a_whole_enlarged_canvas(
    height: int, width: int, times: int, ends: list[tuple[float, float, float, float]], thick: int
) -> None:
    canvas = noise(height, width)
    segments = np.array(ends).reshape(-1, 2, 2)
    whole = doubled(canvas, times)
    strokes.shaded_lines(whole, segments, "#FF8800", thick)
    expected = halved(whole, canvas)
    fine = FineCopy(canvas, times)
    fine.open_around([segments], strokes.seamed(thick))
    strokes.shaded_lines(fine.pixels, segments, "#FF8800", thick)
    fine.close()
    assert np.array_equal(canvas, expected)


@given(st.lists(st.tuples(COORDINATE, COORDINATE), min_size=1, max_size=6), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_points_come_out_as_on_a_whole_enlarged_canvas(spots: list[tuple[float, float]], radius: int) -> None:
    canvas = noise(200, 260)
    xy = np.array(spots)
    whole = doubled(canvas, 2)
    for draw in (strokes.points, strokes.hollow_points):
        draw(whole, xy, "#FF8800", radius)
    expected = halved(whole, canvas)
    fine = FineCopy(canvas, 2)
    fine.open_around([xy[:, None].repeat(2, axis=1)], 2 * strokes.rimmed(radius))
    for draw in (strokes.points, strokes.hollow_points):
        draw(fine.pixels, xy, "#FF8800", radius)
    fine.close()
    assert np.array_equal(canvas, expected)


def test_what_was_drawn_can_be_made_translucent() -> None:
    canvas = noise(150, 150)
    segments = np.array([[[20.0, 20.0], [250.0, 200.0]]])
    whole = doubled(canvas, 2)
    marked = whole.copy()
    strokes.lines(marked, segments, "#FF8800", 6)
    faint = cv2.addWeighted(marked, 0.65, whole, 0.35, 0)
    fine = FineCopy(canvas, 2)
    fine.open_around([segments], 6)
    strokes.lines(fine.pixels, segments, "#FF8800", 6)
    fine.fade(0.65)
    expected = halved(np.asarray(faint, dtype=np.uint8), canvas)
    fine.close()
    assert np.array_equal(canvas, expected)


def test_only_what_is_open_is_brought_back() -> None:
    canvas = noise(4 * TILE, 4 * TILE)
    before = canvas.copy()
    fine = FineCopy(canvas, 2)
    fine.open_box(2 * TILE, 2 * TILE, 3 * TILE, 3 * TILE)
    fine.pixels[:] = 0
    fine.close()
    changed = (canvas != before).any(axis=2)
    assert changed[TILE : 2 * TILE, TILE : 2 * TILE].mean() > 0.99
    changed[TILE : 2 * TILE, TILE : 2 * TILE] = False
    assert not changed.any()


@pytest.mark.parametrize("lines", [[], [np.zeros((0, 2, 2))], [np.full((1, 2, 2), np.nan)]])
def test_nothing_to_draw_opens_nothing(lines: Sequence[FloatArray]) -> None:
    canvas = noise(90, 90)
    before = canvas.copy()
    fine = FineCopy(canvas, 2)
    fine.open_around(lines, 5)
    fine.pixels[:] = 0
    fine.close()
    assert np.array_equal(canvas, before)


@pytest.mark.parametrize("outlines", [False, True])
@pytest.mark.parametrize("height", [500, 2000])
def test_an_overlay_is_the_same_with_every_tile_open(
    monkeypatch: pytest.MonkeyPatch, outlines: bool, height: int
) -> None:
    image = film(height, 400)
    scene = stack(image, {"L2": ("implausible size",)}, outlines)
    measured = () if outlines else [cobb(scene, "T10", "L4")]
    points = pointed(image, ("a", "b", "c"), np.array([[5.0, 5], [300, 90], [200, 400]]), (("a", "c"),))
    drawn = [draw_overlay(image, scene, measured), draw_overlay(image, points)]

    def opened(self: FineCopy, lines: Sequence[FloatArray], reach: float) -> None:
        self.open_box(0, 0, *self.pixels.shape[1::-1])

    monkeypatch.setattr(FineCopy, "open_around", opened)
    whole = [draw_overlay(image, scene, measured), draw_overlay(image, points)]
    assert all(np.array_equal(a, b) for a, b in zip(drawn, whole, strict=True))
