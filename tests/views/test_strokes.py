from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.core.outline import Outline, to_mask, to_outline
from spinekit.views import strokes
from spinekit.views.strokes import Text
from spinekit.views.style import font_path


def written(words: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    width, height = strokes.text_size(words, 40)
    canvas = np.full((height, width, 3), 128, dtype=np.uint8)
    strokes.texts(canvas, [Text(words, (0, 0, width, height), 40, "#FFFFFF")])
    return canvas


def test_a_font_comes_with_the_dependencies() -> None:
    assert font_path() is not None
    assert font_path(bold=True) != font_path()


@pytest.mark.parametrize("sign", ["°", "′", "″", "±", "−", "é", "µ", "·", "…"])
def test_signs_of_the_field_have_glyphs(sign: str) -> None:
    missing = written("\uf8fe")
    assert (written(sign) > 200).any()
    assert written(sign).shape != missing.shape or not np.array_equal(written(sign), missing)


def test_text_stays_within_its_box() -> None:
    width, height = strokes.text_size("Tg 41.2°", 30)
    canvas = np.full((height + 60, width + 60, 3), 128, dtype=np.uint8)
    strokes.texts(canvas, [Text("Tg 41.2°", (30, 30, 30 + width, 30 + height), 30, "#FFFFFF")])
    changed = (canvas != 128).any(axis=2)
    changed[30 : 30 + height, 30 : 30 + width] = False
    assert not changed.any()


@pytest.mark.parametrize("spot", [(-20.0, -10.0), (90.0, 95.0), (500.0, 500.0)])
def test_text_off_the_canvas_is_cut(spot: tuple[float, float]) -> None:
    canvas = np.full((100, 100, 3), 128, dtype=np.uint8)
    strokes.texts(canvas, [Text("L1", (*spot, 0, 0), 30, "#FFFFFF")])
    assert canvas.shape == (100, 100, 3)


@given(st.integers(2, 30), st.floats(3.0, 40.0))
@settings(max_examples=30)
def test_dashes_cover_about_half_of_a_path(points: int, period: float) -> None:
    turn = np.linspace(0, 5, points)
    path = np.stack([100 * np.cos(turn), 80 * np.sin(turn)], axis=1)
    total = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    pieces = strokes.dashes(path, period)
    assert np.linalg.norm(pieces[:, 1] - pieces[:, 0], axis=1).sum() == pytest.approx(0.55 * total, rel=1e-6)


def test_a_path_without_length_has_no_dashes() -> None:
    assert len(strokes.dashes(np.array([[3.0, 3.0], [3.0, 3.0]]), 5.0)) == 0


def test_a_region_is_its_outline_at_full_size() -> None:
    mask = np.zeros((60, 50), dtype=np.bool_)
    mask[10:30, 5:25] = True
    mask[15:20, 10:14] = False
    mask[40:50, 30:45] = True
    found = strokes.region(to_outline(mask), 1, 60, 50)
    assert found is not None
    part, (x, y) = found
    whole = np.zeros_like(mask)
    whole[y : y + part.shape[0], x : x + part.shape[1]] = part
    assert np.array_equal(whole, mask)


def test_an_enlarged_region_keeps_its_area_and_hole() -> None:
    ring = np.array([[10.0, 10], [60, 14], [58, 70], [12, 66]])
    hole = np.array([[30.0, 30], [40, 30], [40, 42], [30, 42]])
    outline = Outline((ring,), (hole,))
    found = strokes.region(outline, 4, 400, 400)
    assert found is not None
    assert found[0].sum() / 16 == pytest.approx(to_mask(outline, 100, 100).sum(), rel=0.03)


def test_a_region_off_the_canvas_is_nothing() -> None:
    far = np.array([[500.0, 500], [520, 500], [520, 520]])
    assert strokes.region(Outline((far,)), 1, 100, 100) is None
    assert strokes.region(Outline(()), 1, 100, 100) is None


def test_lines_pass_through_their_ends() -> None:
    canvas = np.zeros((50, 50, 3), dtype=np.uint8)
    strokes.lines(canvas, np.array([[[0.0, 0.0], [0.0, 40.0]], [[10.4, 10.6], [30.4, 10.6]]]), "#FFFFFF", 1)
    assert canvas[0:41, 0].all()
    assert canvas[11, 10:31].all()
    assert canvas[..., 0].astype(bool).sum() == 41 + 21


def test_equal_words_are_written_alike_whatever_was_written_before() -> None:
    first = written("T12")
    written("T11")
    assert np.array_equal(written("T12"), first)
