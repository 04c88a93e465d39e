"""The film of a report's card: its picture inside the page, what is drawn over it, a small copy for the overview."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from markupsafe import Markup
from PIL import Image as PillowImage

from spinekit.core.image import ImageRef, UInt8Array
from spinekit.core.measurement import Result
from spinekit.core.scene import Scene
from spinekit.views.film_layers import LAYERS, film_layers
from spinekit.views.language import Language
from spinekit.views.overlay import encode_picture, thumbnail
from spinekit.views.pages import picture_address
from spinekit.views.report_tile import TILE_PX, tile_of
from spinekit.views.style import scale_for

PICTURE_PX = 1600
"""Long side of a picture that is not shown at its full resolution."""

PICTURE_QUALITY = 82
_TALL = 1.45  # height over width from which on a film stands beside its table on paper too
_LETTERS_PX = 15  # of names, on the screen, once the film is enlarged
_RANGE = re.compile(r"(?P<low>\S+) to (?P<high>\S+)")
_SHOWN_FIRST = ("masks", "lines", "landmarks", "names")


@dataclass(frozen=True, slots=True)
class Layer:
    """A switch of a layer: its name in the drawing, and whether it is on at first."""

    name: str
    on: bool


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A film on a page.

    Attributes:
        address: The picture as an address that holds it whole, or None.
        tile: A small copy, likewise.
        svg: What is drawn over it; empty where nothing is or where the picture holds it already.
        layers: The switches.
        width: Of the film, px.
        height: Likewise.
        zooms: Screen pixels for a film pixel at each step.
        letters: Factor on names at each step, so that they do not grow with the film.
        tall: Whether it is a slender film.
        reduced: Size of the picture where it is not the film's own, or empty.
    """

    address: Markup | None
    tile: Markup | None
    svg: Markup
    layers: tuple[Layer, ...]
    width: int
    height: int
    zooms: tuple[int, int]
    letters: tuple[float, float]
    tall: bool
    reduced: str


def film_of(
    image: ImageRef,
    scene: Scene | None,
    results: Sequence[Result],
    film: bytes | None,
    picture: UInt8Array | None,
    language: Language,
) -> Film:
    """The film of a card.

    Args:
        image: Its size is the drawing's.
        scene: What is drawn.
        results: What was measured.
        film: The bytes of a JPEG, shown as they are.
        picture: (H, W, 3) BGR with everything drawn on it already; used where there is no ``film``.
        language: Of the page.
    """
    height, width = image.height, image.width
    content, small, reduced = _pictures(image, scene, film, picture)
    svg, letters = Markup(), 18.0
    layers: tuple[Layer, ...] = ()
    if film is not None and scene is not None:
        describe = language.fill("overlay_of", {"name": image.name or image.path.name})
        drawn = film_layers(scene, results, describe, lambda words: _worded(words, language))
        svg, letters = drawn.svg, drawn.letters
        layers = tuple(Layer(name, name in _SHOWN_FIRST) for name in LAYERS if name in drawn.layers)
    elif picture is not None:
        height, width = picture.shape[:2]
    step = scale_for(height, width).zoom
    zooms = (step, 2 * step)
    return Film(
        address=None if content is None else picture_address(content, "jpeg"),
        tile=None if small is None else picture_address(small, "jpeg"),
        svg=svg,
        layers=layers,
        width=width,
        height=height,
        zooms=zooms,
        letters=(_shrink(letters * zooms[0]), _shrink(letters * zooms[1])),
        tall=height > _TALL * width,
        reduced=reduced,
    )


def shrunken(film: bytes, long_side: int = PICTURE_PX) -> bytes:
    """A JPEG no longer than ``long_side`` px; one that is short enough, or no picture, comes back as it is."""
    pixels = cv2.imdecode(np.frombuffer(film, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
    if pixels is None or max(pixels.shape[:2]) <= long_side:
        return film
    return encode_picture(thumbnail(np.asarray(pixels, dtype=np.uint8), long_side), ".jpg", PICTURE_QUALITY)


def _pictures(
    image: ImageRef, scene: Scene | None, film: bytes | None, picture: UInt8Array | None
) -> tuple[bytes | None, bytes | None, str]:
    """The picture, its small copy, and the size of a picture that is smaller than the film."""
    if film is None and picture is None:
        return None, None, ""
    if film is None:
        assert picture is not None
        content = encode_picture(thumbnail(picture, PICTURE_PX), ".jpg", PICTURE_QUALITY)
        return content, tile_of(picture, None), ""
    size = _size(film)
    pixels = cv2.imdecode(np.frombuffer(film, dtype=np.uint8), _reduction(max(size)))
    if pixels is None:
        return None, None, ""
    columns, rows = size if all(size) else pixels.shape[1::-1]
    reduced = f"{columns} × {rows} px" if rows < image.height else ""
    return film, tile_of(np.asarray(pixels, dtype=np.uint8), scene), reduced


def _size(film: bytes) -> tuple[int, int]:
    """Columns and rows of a JPEG by its head alone; zeros where it tells none."""
    try:
        with PillowImage.open(io.BytesIO(film), formats=("JPEG",)) as opened:
            return opened.size
    except (OSError, PillowImage.DecompressionBombError):
        return 0, 0


def _reduction(long_side: int) -> int:
    """How a film is decoded that is to be shown as a tile: a JPEG gives up its halves at a part of the work."""
    flags = {
        8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
        4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
        2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    }
    return next((flag for part, flag in flags.items() if long_side >= part * TILE_PX), cv2.IMREAD_GRAYSCALE)


def _worded(words: str, language: Language) -> str:
    """The words of a value on a film; they are in English figures."""
    if found := _RANGE.fullmatch(words):
        return language.figures(language.fill("interval", found.groupdict()))
    return language.figures(language.saying(words))


def _shrink(letters: float) -> float:
    return round(min(1.0, _LETTERS_PX / letters), 3)
