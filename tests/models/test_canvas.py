from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.core.image import FloatArray
from spinekit.core.outline import Outline, to_mask, to_outline
from spinekit.models.canvas import PAD_VALUE, STRIDE, Canvas, Fitted, fit_film
from spinekit.models.masks import Float32Array, mask_outlines
from spinekit.models.tiles import starts

ONE = np.ones(1, np.float32)
sides = st.integers(20, 700)


@settings(max_examples=40, deadline=None)
@given(sides, sides)
def test_a_film_fills_its_canvas_and_points_come_back(height: int, width: int) -> None:
    canvas = Canvas(320, 160)
    fitted = fit_film(np.full((height, width), 200, np.uint8), canvas)
    rows, columns = fitted.pixels.shape[:2]
    assert rows % STRIDE == 0
    assert columns % STRIDE == 0
    assert rows <= 320
    assert columns <= 160
    corners = np.array([[-0.5, -0.5], [width - 0.5, height - 0.5]])
    on_canvas = (corners + 0.5) * [fitted.scale_x, fitted.scale_y] + [fitted.left, fitted.top]
    assert fitted.to_film(on_canvas) == pytest.approx(corners)


def test_padding_is_the_grey_of_training() -> None:
    fitted = fit_film(np.full((100, 50), 255, np.uint8), Canvas(96, 64))
    assert fitted.pixels.shape == (96, 64)
    assert fitted.pixels[0, 0] == PAD_VALUE
    assert fitted.pixels[48, 32] == 255


@given(st.integers(1, 2000), st.integers(16, 300))
def test_tiles_cover_everything_with_overlap(length: int, tile: int) -> None:
    first = starts(length, tile, 0.25)
    assert first[0] == 0
    if length <= tile:
        assert first == [0]
        return
    assert first[-1] == length - tile
    assert max(np.diff(first)) <= round(tile * 0.75) + 1


def outline_of(logits: Float32Array, box: FloatArray, fitted: Fitted, height: int, width: int) -> Outline:
    """The shape of a single prototype inside a box."""
    (found,) = mask_outlines(ONE[None], logits, box[None], fitted, height, width)
    return found


def test_a_shape_comes_back_from_its_logits_to_a_fraction_of_their_pixels() -> None:
    height, width = 400, 200
    fitted = fit_film(np.zeros((height, width), np.uint8), Canvas(192, 96))
    true = Outline((np.array([[60.0, 150], [140, 150], [140, 250], [60, 250]]),))
    grid = np.stack(np.meshgrid(np.arange(24), np.arange(48)), axis=-1).astype(np.float64)
    film = fitted.to_film((grid + 0.5) * 4)
    outside = np.maximum(np.abs(film - [100, 200]) - [40, 50], 0).max(axis=2)
    inside = np.minimum([40, 50] - np.abs(film - [100, 200]), 1e9).min(axis=2)
    logits = np.where(outside > 0, -outside, inside).astype(np.float32)
    found = outline_of(logits[None], np.array([50.0, 140, 150, 260]), fitted, height, width)
    mask, truth = to_mask(found, height, width), to_mask(true, height, width)
    assert 2 * (mask & truth).sum() / (mask.sum() + truth.sum()) > 0.97


def test_a_border_on_a_long_film_lies_within_half_a_pixel() -> None:
    """A prototype pixel is 29 film pixels here; a warp that rounds places to a 32nd of it would be seen."""
    height, width = 4608, 1920
    fitted = fit_film(np.zeros((height, width), np.uint8), Canvas(640, 640))
    rows, columns = (side // 4 for side in fitted.pixels.shape)
    film = fitted.to_film((np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1) + 0.5) * 4)
    lean = 0.1 * (film[..., 0] - 960) + film[..., 1] - 2000.3  # above is inside
    box = np.array([860.0, 1800, 1060, 2100])
    found = outline_of(-lean[None].astype(np.float32), box, fitted, height, width)
    across = np.arange(900, 1020)
    mask = to_mask(found, height, width)[1800:2100, across]
    np.testing.assert_allclose(1800 + mask.sum(axis=0) - 0.5, 2000.3 - 0.1 * (across - 960), atol=0.51)


def test_a_box_off_the_film_has_no_shape() -> None:
    fitted = fit_film(np.zeros((100, 100), np.uint8), Canvas(96, 96))
    logits = np.ones((24, 24), np.float32)
    assert outline_of(logits[None], np.array([-50.0, -50, -20, -20]), fitted, 100, 100).rings == ()


def test_crumbs_inside_the_box_are_dropped() -> None:
    fitted = fit_film(np.zeros((96, 96), np.uint8), Canvas(96, 96))
    logits = np.full((24, 24), -5, np.float32)
    logits[4:14, 4:14] = 5
    logits[20, 20] = 5
    found = outline_of(logits[None], np.array([0.0, 0, 95, 95]), fitted, 96, 96)
    assert len(found.rings) == 1
    assert to_outline(to_mask(found, 96, 96)).box[2] < 70
