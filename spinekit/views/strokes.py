"""Marks on a canvas, drawn by supervision: masks, borders, lines, points and shaded text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
import supervision as sv
from PIL import Image as PillowImage
from PIL import ImageFont

from spinekit.core.image import BoolArray, FloatArray, UInt8Array
from spinekit.core.outline import Outline, to_mask
from spinekit.views.style import SHADE, font_path

Box = tuple[float, float, float, float]
Layer = npt.NDArray[np.float32]

FAR = 1e6
"""Coordinates beyond this many px are on no film, and past what OpenCV's integers hold once scaled."""


@dataclass(frozen=True, slots=True)
class Text:
    """A word on the canvas.

    Attributes:
        words: What it says; may hold line ends.
        box: Left, top, right, bottom, px.
        size: Height of the letters, px.
        colour: Hexadecimal.
        bold: Whether the letters are bold.
        of: Name of the measurement whose value it is; empty for the name of a body or a point.
    """

    words: str
    box: Box
    size: int
    colour: str
    bold: bool = False
    of: str = ""


def tint(canvas: UInt8Array, mask: BoolArray, corner: tuple[int, int], colour: str, opacity: float) -> None:
    """Colours a region, in place.

    Args:
        canvas: (H, W, 3) BGR.
        mask: (h, w) of a part of the canvas.
        corner: Column and row of the canvas where ``mask`` begins.
        colour: Hexadecimal.
        opacity: 0..1.
    """
    found = _detections(mask)
    if found is not None:
        part = _part(canvas, mask, corner)
        sv.MaskAnnotator(color=_colour(colour), opacity=opacity).annotate(part, found)


def border(canvas: UInt8Array, mask: BoolArray, corner: tuple[int, int], colour: str, width: int) -> None:
    """Draws the border of a region with a dark seam, in place; arguments as for `tint`, ``width`` in px."""
    found = _detections(mask)
    if found is not None:
        part = _part(canvas, mask, corner)
        for tone, thickness in ((SHADE, seamed(width)), (colour, width)):
            sv.PolygonAnnotator(color=_colour(tone), thickness=thickness).annotate(part, found)


def dashed_border(
    canvas: UInt8Array, mask: BoolArray, corner: tuple[int, int], colour: str, width: int
) -> None:
    """As `border`, but dashed."""
    for ring in sv.mask_to_polygons(mask):
        closed = np.vstack([ring, ring[:1]]).astype(np.float64) + np.array(corner)
        shaded_lines(canvas, dashes(closed, 7.0 * width), colour, width)


def region(
    outline: Outline, zoom: float, height: int, width: int
) -> tuple[BoolArray, tuple[int, int]] | None:
    """An outline as a mask at the canvas's resolution, in the smallest part of the canvas that holds it.

    On an enlarged image the steps between its pixels are rounded off by half a pixel.

    Args:
        outline: In image px.
        zoom: Canvas pixels per image pixel.
        height: Rows of the canvas.
        width: Columns of the canvas.

    Returns:
        The mask and the column and row where it begins, or None where nothing of it is on the canvas.
    """
    if not outline.rings:
        return None
    if not all(math.isfinite(edge) for edge in outline.box):
        return None
    margin = 6 + math.ceil(zoom)
    left, top, right, bottom = ((edge + 0.5) * zoom - 0.5 for edge in outline.box)
    x0, y0 = max(0, math.floor(left) - margin), max(0, math.floor(top) - margin)
    x1, y1 = min(width, math.ceil(right) + margin + 1), min(height, math.ceil(bottom) + margin + 1)
    if x0 >= x1 or y0 >= y1:
        return None
    shift = np.array([x0, y0])
    rings = tuple((ring + 0.5) * zoom - 0.5 - shift for ring in outline.rings)
    holes = tuple((hole + 0.5) * zoom - 0.5 - shift for hole in outline.holes)
    mask = to_mask(Outline(rings, holes), y1 - y0, x1 - x0)
    if zoom > 1:
        blurred = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.5 * zoom)
        mask = np.asarray(blurred > 0.5, dtype=np.bool_)
    return mask, (x0, y0)


def lines(canvas: UInt8Array, segments: FloatArray, colour: str, width: int) -> None:
    """Draws segments (N, 2, 2) px in place."""
    ink = _colour(colour)
    for (ax, ay), (bx, by) in _rounded(segments).tolist():
        sv.draw_line(canvas, sv.Point(ax, ay), sv.Point(bx, by), ink, width)


def shaded_lines(canvas: UInt8Array, segments: FloatArray, colour: str, width: int) -> None:
    """As `lines`, on a dark seam that keeps them apart from bright bone and metal."""
    lines(canvas, segments, SHADE, seamed(width))
    lines(canvas, segments, colour, width)


def points(canvas: UInt8Array, xy: FloatArray, colour: str, radius: int) -> None:
    """Draws discs (N, 2) px with a dark rim, in place."""
    # Supervision's annotator of vertices draws the same discs, but looks at each for as long as ten take to draw.
    centres = _rounded(xy).tolist()
    for tone, wide in ((SHADE, rimmed(radius)), (colour, radius)):
        for centre in centres:
            cv2.circle(canvas, centre, wide, _colour(tone).as_bgr(), -1)


def hollow_points(canvas: UInt8Array, xy: FloatArray, colour: str, radius: int) -> None:
    """As `points`, but open rings: for points that are inferred or hidden."""
    turn = np.linspace(0, 2 * np.pi, 25)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    for centre in xy:
        ring = centre + 1.25 * radius * circle
        shaded_lines(canvas, np.stack([ring[:-1], ring[1:]], axis=1), colour, max(1, radius // 3))


def dashes(path: FloatArray, period: float) -> FloatArray:
    """A polyline cut into dashes.

    Args:
        path: (N, 2) px.
        period: Length of a dash and the gap after it, px.

    Returns:
        (M, 2, 2) segments that together cover about half of the path's length.
    """
    lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    total = float(along[-1])
    if total == 0:
        return np.zeros((0, 2, 2))
    count = max(1, round(total / period))
    starts = np.arange(count) * (total / count)
    pieces: list[FloatArray] = []
    for start in starts.tolist():
        end = start + 0.55 * total / count
        inner = along[(along > start) & (along < end)]
        at = np.concatenate([[start], inner, [end]])
        xy = np.stack([np.interp(at, along, path[:, axis]) for axis in (0, 1)], axis=1)
        pieces.append(np.stack([xy[:-1], xy[1:]], axis=1))
    return np.concatenate(pieces)


def margin(size: int) -> int:
    """Room around letters of a height, px."""
    return max(2, round(size / 4))


@lru_cache(maxsize=512)
def text_size(words: str, size: int, bold: bool = False) -> tuple[int, int]:
    """Width and height of a box that holds a text with its margin, px."""
    font = _font(size, bold)
    rows = words.split("\n")
    wide = max(font.getlength(row) for row in rows)
    return math.ceil(wide) + 2 * margin(size), len(rows) * _row(size) + 2 * margin(size)


def texts(canvas: UInt8Array, wanted: Sequence[Text]) -> None:
    """Writes texts in place, each on a soft shadow of its own letters so that the film stays in view."""
    for text in wanted:
        left, top = round(text.box[0]), round(text.box[1])
        width, height = text_size(text.words, text.size, text.bold)
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + width, canvas.shape[1]), min(top + height, canvas.shape[0])
        if x0 < x1 and y0 < y1:
            kept, ink = (
                layer[y0 - top : y1 - top, x0 - left : x1 - left]
                for layer in _letters(text.words, text.size, text.bold)
            )
            part = canvas[y0:y1, x0:x1]
            colour = np.array(_colour(text.colour).as_bgr(), dtype=np.float32)
            part[:] = np.rint(part * kept + ink * colour)


@lru_cache(maxsize=128)
def _letters(words: str, size: int, bold: bool) -> tuple[Layer, Layer]:
    """What a text does to its box: the share (H, W, 1) of the canvas that stays, and that of the letters' colour.

    Names of levels come again on every film.
    """
    ink = _ink(words, size, bold)
    spread = max(1.0, size / 9)
    reach = 2 * round(spread) + 1
    shadow = cv2.GaussianBlur(cv2.dilate(ink, np.ones((reach, reach), np.uint8)), (0, 0), spread)
    kept = (1 - 0.82 * np.minimum(1.0, 1.25 * shadow)) * (1 - ink)
    layers = kept.astype(np.float32)[..., None], ink.astype(np.float32)[..., None]
    for layer in layers:
        layer.setflags(write=False)
    return layers


def _ink(words: str, size: int, bold: bool) -> FloatArray:
    """Coverage 0..1 of each pixel of a text's box by its letters, written by supervision's annotator."""
    width, height = text_size(words, size, bold)
    label = _label(size, bold)
    room = (width + 4 * size, height + 4 * size)
    page = np.zeros(room[::-1], dtype=np.uint8)
    for row, line in enumerate(words.split("\n")):
        if line.strip():
            y = row * _row(size)
            spot = sv.Detections(xyxy=np.array([[0.0, y, 0.0, y]]), class_id=np.array([0]))
            strip = PillowImage.new("RGB", room)  # as the annotator wants it: it would make one of an array
            label.annotate(strip, spot, labels=[line])
            np.maximum(
                page, np.asarray(strip.getchannel(0)), out=page
            )  # white on black: all channels are alike
    return page[:height, :width].astype(np.float64) / 255


@lru_cache(maxsize=64)
def _label(size: int, bold: bool) -> sv.RichLabelAnnotator:
    return sv.RichLabelAnnotator(
        color=sv.Color.BLACK,
        text_color=sv.Color.WHITE,
        font_path=font_path(bold),
        font_size=size,
        text_padding=margin(size),
        text_position=sv.Position.BOTTOM_LEFT,
    )


def seamed(width: int) -> int:
    """Width of the dark seam under a line of a width, px."""
    return width + max(2, width // 2 * 2)


def rimmed(radius: int) -> int:
    """Radius of the dark disc under a disc of a radius, px."""
    return radius + max(1, radius // 3)


def _rounded(xy: FloatArray) -> npt.NDArray[np.int32]:
    """The nearest pixels to points (N, 2) or to segments (N, 2, 2); what has an end far off any film is left out."""
    xy = np.asarray(xy)
    near = xy[(np.abs(xy) < FAR).all(axis=tuple(range(1, xy.ndim)))]
    return (near + 0.5).astype(np.float32).astype(np.int32)


@lru_cache(maxsize=256)
def _colour(text: str) -> sv.Color:
    return sv.Color.from_hex(text)


def _row(size: int) -> int:
    return size


@lru_cache(maxsize=64)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    path = font_path(bold)
    return ImageFont.truetype(path, size) if path is not None else ImageFont.load_default(size)


def _part(canvas: UInt8Array, mask: BoolArray, corner: tuple[int, int]) -> UInt8Array:
    x, y = corner
    return canvas[y : y + mask.shape[0], x : x + mask.shape[1]]


def _detections(mask: BoolArray) -> sv.Detections | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    box = np.array([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]], dtype=np.float32)
    return sv.Detections(xyxy=box, mask=mask[None], class_id=np.array([0]))
