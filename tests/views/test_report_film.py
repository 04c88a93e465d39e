from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from spinekit.core.image import UInt8Array
from spinekit.core.scene import Scene
from spinekit.views.language import load_language
from spinekit.views.overlay import encode_picture
from spinekit.views.report_film import Film, film_of
from spinekit.views.report_tile import TILE_PX, tile_of
from tests.views.scenes import SPINE, film, stack


def shown(height: int, width: int, content: bytes) -> Film:
    image = film(height, width)
    return film_of(image.ref, stack(image), (), content, None, load_language("en"))


def picture(address: str) -> UInt8Array:
    content = np.frombuffer(base64.b64decode(address.split(",", 1)[1]), dtype=np.uint8)
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), dtype=np.uint8)


@pytest.mark.parametrize(
    ("height", "width"), [(200, 150), (527, 300), (640, 640), (1057, 801), (2112, 900), (2400, 1935)]
)
def test_a_tile_of_a_film_decoded_small_is_that_of_the_whole(height: int, width: int) -> None:
    image = film(height, width)
    content = encode_picture(image.pixels, ".jpg")
    tile = shown(height, width, content).tile
    assert tile is not None
    whole = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
    expected = cv2.imdecode(
        np.frombuffer(tile_of(np.asarray(whole, dtype=np.uint8), stack(image)), dtype=np.uint8),
        cv2.IMREAD_COLOR,
    )
    assert expected is not None
    found = picture(tile)
    assert max(found.shape[:2]) == min(TILE_PX, height)
    assert abs(found.shape[1] - expected.shape[1]) <= 1  # a half of an odd number of pixels is rounded up
    columns = min(found.shape[1], expected.shape[1])
    assert np.abs(found[:, :columns].astype(int) - expected[:, :columns].astype(int)).mean() < 4


def test_a_film_that_is_smaller_than_its_image_says_so() -> None:
    small = encode_picture(film(800, 320).pixels, ".jpg")
    assert shown(2000, 800, small).reduced == "320 × 800 px"
    assert shown(800, 320, small).reduced == ""


@pytest.mark.parametrize("content", [b"\xff\xd8\xff", b"no picture at all"])
def test_a_film_that_is_no_picture_has_no_tile(content: bytes) -> None:
    image = film(90, 80)
    found = film_of(image.ref, Scene(image.ref, SPINE), (), content, None, load_language("en"))
    assert found.tile is None
    assert found.reduced == ""


def test_a_film_in_another_format_is_decoded_whole() -> None:
    tile = shown(640, 400, encode_picture(film(640, 400).pixels, ".png")).tile
    assert tile is not None
    assert picture(tile).shape[0] == TILE_PX
