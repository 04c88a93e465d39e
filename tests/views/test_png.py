from __future__ import annotations

import io
import sys
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from spinekit.views.overlay import draw_overlay
from spinekit.views.png import png_of
from tests.views.scenes import film, stack


@given(st.integers(1, 70), st.integers(1, 70), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost(height: int, width: int, coloured: bool, seed: int) -> None:
    shape = (height, width, 3) if coloured else (height, width)
    picture = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    content = png_of(picture)
    back = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    assert back is not None
    assert np.array_equal(back, picture)
    with PillowImage.open(io.BytesIO(content)) as opened:
        opened.verify()
        assert opened.format == "PNG"
        assert opened.mode == ("RGB" if coloured else "L")
        assert opened.info == {}


def test_where_the_library_is_missing_zlib_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "isal", None)
    picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    back = cv2.imdecode(np.frombuffer(png_of(picture), dtype=np.uint8), cv2.IMREAD_COLOR)
    assert back is not None
    assert np.array_equal(back, picture)


def test_a_part_of_a_picture_is_written_too() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)[5:30:2, 3:44]
    back = cv2.imdecode(np.frombuffer(png_of(picture), dtype=np.uint8), cv2.IMREAD_COLOR)
    assert back is not None
    assert np.array_equal(back, picture)


def test_it_is_packed_nearly_as_well_as_by_zlib() -> None:
    image = film(1200, 800)
    picture = draw_overlay(image, stack(image))
    usual = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 4])[1]
    assert len(png_of(picture)) < 1.25 * len(usual)
    assert len(png_of(picture)) < 0.8 * len(zlib.compress(picture.tobytes(), 0))
