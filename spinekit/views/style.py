"""How overlays look: sizes that follow the image, and colours that can be told apart on grey."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path

from spinekit.core.image import FloatArray
from spinekit.core.scene import Instance
from spinekit.core.schema import Schema

MIN_LONG_SIDE = 768
"""Smaller images are enlarged by a whole factor until their long side has this many pixels."""

OVERSAMPLED_BELOW = 1700
"""Canvases with a shorter long side are drawn at twice the size and shrunk, which smooths the lines."""

LEVEL_COLOURS = (
    "#5EC8FF",
    "#FF9E80",
    "#7FE0A7",
    "#C9A6FF",
    "#FFB3D1",
    "#58D6D6",
    "#D3E07A",
    "#9DB4FF",
)
"""Light, of like brightness, neighbours far apart in hue; amber is left to the measurements."""

POINT_COLOUR = "#5CF2C8"
EDGE_COLOUR = "#9CC4FF"
NAME_COLOUR = "#EFFFF9"
SHADE = "#101418"
FOOTER_TEXT = "#C9D1D9"


class Rank(IntEnum):
    """How strongly a measurement is drawn."""

    MAIN = 0  # the angle that a reader looks for first
    MINOR = 1  # further angles by the same method
    OTHER = 2  # angles and lengths on vertebrae by other methods
    CALIPER = 3  # a length with its value
    PLANE = 4  # lines without a value


RANK_COLOUR = {
    Rank.MAIN: "#FFC400",
    Rank.MINOR: "#FFE08A",
    Rank.OTHER: "#8AF0FF",
    Rank.CALIPER: "#FFD35C",
    Rank.PLANE: "#F2D9A0",
}
RANK_WIDTH = {Rank.MAIN: 1.9, Rank.MINOR: 1.3, Rank.OTHER: 1.2, Rank.CALIPER: 1.2, Rank.PLANE: 0.8}
"""Width of a measurement's lines, in thin lines."""
RANK_SIZE = {Rank.MAIN: 1.4, Rank.MINOR: 1.05, Rank.OTHER: 0.85, Rank.CALIPER: 0.95, Rank.PLANE: 1.0}
"""Height of a measurement's letters, in common letters."""
PLANE_OPACITY = 0.65


@dataclass(frozen=True, slots=True)
class OverlayStyle:
    """What an overlay shows and how strongly.

    Attributes:
        mask_opacity: Opacity of instance masks, 0..1.
        raster_opacity: Opacity of a semantic answer, 0..1.
        outlines: Whether the borders of masks are drawn.
        names: Whether levels and landmarks are named.
        measurements: Names of the measurements to draw; None draws those that the anatomy makes useful.
        size: Factor on line widths and letters.
    """

    mask_opacity: float = 0.22
    raster_opacity: float = 0.38
    outlines: bool = True
    names: bool = True
    measurements: tuple[str, ...] | None = None
    size: float = 1.0


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes on the canvas, which is the image enlarged by a whole factor.

    Attributes:
        zoom: Canvas pixels per image pixel.
        oversample: Pixels of the stroke layer per canvas pixel.
        line: Width of a thin line, canvas px.
        font: Height of common letters, canvas px.
    """

    zoom: int
    oversample: int
    line: float
    font: int

    def to_canvas(self, xy: FloatArray) -> FloatArray:
        """Image pixels (..., 2) in canvas pixels; in both, pixel centres lie at integers."""
        return (xy + 0.5) * self.zoom - 0.5

    def to_strokes(self, xy: FloatArray) -> FloatArray:
        """Canvas pixels (..., 2) in pixels of the stroke layer."""
        return (xy + 0.5) * self.oversample - 0.5

    def width(self, factor: float) -> int:
        """Width on the stroke layer of a line ``factor`` times as wide as a thin one, px."""
        return max(1, round(self.line * factor * self.oversample))


def scale_for(height: int, width: int, size: float = 1.0) -> Scale:
    """Sizes that suit an image when it is looked at whole.

    A thin line is about a thousandth of the long side, and common letters are eighteen, so that a film
    of 4608 rows and a slice of 224 read alike once fitted to a screen; on slender films less.

    Args:
        height: Rows of the image.
        width: Columns of the image.
        size: Factor on lines and letters.
    """
    long_side = max(height, width)
    zoom = max(1, math.ceil(MIN_LONG_SIDE / long_side))
    unit = min(long_side, 2.4 * min(height, width)) * zoom / 1000 * size
    return Scale(
        zoom=zoom,
        oversample=2 if long_side * zoom < OVERSAMPLED_BELOW else 1,
        line=max(1.0, 1.1 * unit),
        font=max(10, round(18 * unit)),
    )


@cache
def font_path(bold: bool = False) -> str | None:
    """DejaVu Sans as it comes with matplotlib, or None for Pillow's own font where it is missing.

    Found without importing matplotlib, which takes half a second.
    """
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        return None
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / name
    return str(path) if path.is_file() else None


def colour_of(item: Instance, schema: Schema) -> str:
    """The colour of an instance's label: the schema's own, or one by its place among the levels."""
    if item.label in schema.colours:
        return schema.colours[item.label]
    order = schema.levels if item.label in schema.levels else schema.classes
    place = order.index(item.label) if item.label in order else len(order)
    return LEVEL_COLOURS[place % len(LEVEL_COLOURS)]


def is_named(item: Instance, schema: Schema) -> bool:
    """Whether an instance's label tells more than that it is the only class there is."""
    return item.label in schema.levels or len(schema.classes) != 1 or item.label != schema.classes[0]
