"""Truth and prediction on one film, each in its own colour, with a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from spinekit.core.image import BoolArray, FloatArray, Image, UInt8Array
from spinekit.core.outline import Outline
from spinekit.core.scene import Instance, Scene
from spinekit.views import strokes
from spinekit.views.footer import SMALLEST, STATEMENT
from spinekit.views.labels import named_points
from spinekit.views.strokes import Text, text_size, texts
from spinekit.views.style import FOOTER_TEXT, OVERSAMPLED_BELOW, Scale, is_named, scale_for
from spinekit.views.wording import plain, short

TRUE, FOUND = "#5EC8FF", "#FFB000"
"""Blue and amber: told apart on grey by those who see no red or green, too."""

BOTH = "#7FE0A7"
_JOIN = "#FF6B6B"
_ROW = 1.9  # height of a row of the legend, in its letters
_PALE = 0.45


@dataclass(frozen=True, slots=True, eq=False)
class Couple:
    """A true instance and what answers it; either may be missing."""

    true: Instance | None
    found: Instance | None


def draw_comparison(
    image: Image, truth: Scene, predicted: Scene, couples: Sequence[Couple], caption: str = ""
) -> UInt8Array:
    """A film with truth and prediction drawn over each other.

    Points that belong together are joined by a line, whose length is the error. Masks are drawn by their borders,
    semantic answers by what both say, what only the truth says and what only the prediction says.

    Args:
        image: The pixels.
        truth: What is there, in the image's pixel frame.
        predicted: What was found, likewise.
        couples: Which instance answers which.
        caption: Below the film, beside the legend.

    Returns:
        (H * zoom + legend, W * zoom, 3) uint8 BGR.

    Raises:
        ValueError: If a raster has another shape than the image.
    """
    height, width = image.pixels.shape
    scale = scale_for(height, width)
    grey = image.pixels
    if scale.zoom > 1:
        grey = np.asarray(
            cv2.resize(grey, (width * scale.zoom, height * scale.zoom), interpolation=cv2.INTER_CUBIC)
        )
    canvas = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    semantic = _tint_rasters(canvas, truth, predicted, scale)
    smooth = scale.oversample if max(canvas.shape[:2]) < OVERSAMPLED_BELOW else 1
    layer = canvas if smooth == 1 else canvas.repeat(smooth, axis=0).repeat(smooth, axis=1)
    for colour, scene in ((TRUE, truth), (FOUND, predicted)):
        _stroke(layer, scene, colour, scale)
    _join(layer, couples, scale)
    if smooth > 1:
        layer = np.asarray(
            cv2.resize(layer, canvas.shape[1::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8
        )
    _name(layer, truth, TRUE, scale, 0)
    _name(layer, predicted, FOUND, scale, 1)
    return _with_legend(layer, scale, caption, semantic)


def _stroke(layer: UInt8Array, scene: Scene, colour: str, scale: Scale) -> None:
    """Borders, edges, points and, where there is nothing else, boxes of one side."""
    for item in scene.instances:
        if item.outline is not None:
            found = strokes.region(item.outline, scale.zoom * scale.oversample, *layer.shape[:2])
            if found is not None:
                strokes.border(layer, *found, colour, scale.width(1.0))
        if item.landmarks is not None:
            xy = item.landmarks.xy
            for start, end in scene.schema.edges:
                if start in item.landmarks.names and end in item.landmarks.names:
                    ends = xy[[item.landmarks.index(start), item.landmarks.index(end)]]
                    if not np.isnan(ends).any():
                        strokes.lines(layer, _on_strokes(ends, scale)[None], colour, scale.width(0.7))
            placed = _on_strokes(xy[~np.isnan(xy).any(axis=1)], scale)
            strokes.points(layer, placed, colour, scale.width(1.6))
        elif item.outline is None:
            left, top, right, bottom = item.box
            ring = np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])
            path = _on_strokes(ring, scale)
            strokes.shaded_lines(layer, np.stack([path[:-1], path[1:]], axis=1), colour, scale.width(1.0))


def _join(layer: UInt8Array, couples: Sequence[Couple], scale: Scale) -> None:
    """A line from each true point to the predicted one."""
    segments = []
    for couple in couples:
        if couple.true is None or couple.found is None:
            continue
        true, found = couple.true.landmarks, couple.found.landmarks
        if true is None or found is None:
            continue
        for name in true.names:
            if name in found.names:
                ends = np.stack([true.xy[true.index(name)], found.xy[found.index(name)]])
                if not np.isnan(ends).any():
                    segments.append(_on_strokes(ends, scale))
    if segments:
        strokes.lines(layer, np.array(segments), _JOIN, scale.width(0.9))


def _on_strokes(xy: FloatArray, scale: Scale) -> FloatArray:
    return scale.to_strokes(scale.to_canvas(xy))


def _name(layer: UInt8Array, scene: Scene, colour: str, scale: Scale, side: int) -> None:
    """Labels of instances where they tell something: the truth's on the left, the prediction's on the right.

    Points of a single thing are named beside the true ones.
    """
    words = []
    size = max(SMALLEST, round(0.8 * scale.font))
    for item in scene.instances:
        if not is_named(item, scene.schema):
            continue
        left, top, right, bottom = (edge * scale.zoom for edge in _extent(item))
        wide, high = text_size(short(item.label), size)
        x = right + scale.font * 0.4 if side else left - wide - scale.font * 0.4
        y = (top + bottom - high) / 2
        words.append(Text(short(item.label), (x, y, x + wide, y + high), size, colour))
    points = named_points(scene) if side == 0 else None
    for place, name in enumerate(points.names if points is not None else ()):
        if points is not None and not np.isnan(points.xy[place]).any():
            x, y = (scale.to_canvas(points.xy[place]) + 0.35 * scale.font).tolist()
            wide, high = text_size(short(name), size)
            words.append(Text(short(name), (x, y, x + wide, y + high), size, colour))
    texts(layer, words)


def _extent(item: Instance) -> tuple[float, float, float, float]:
    return item.outline.box if isinstance(item.outline, Outline) and item.outline.rings else item.box


def _tint_rasters(canvas: UInt8Array, truth: Scene, predicted: Scene, scale: Scale) -> bool:
    """Colours what is not ground on both sides or one; whether there is a semantic answer at all."""
    true, found = _not_ground(truth), _not_ground(predicted)
    if true is None or found is None:
        return False
    size = canvas.shape[1::-1]
    if true.shape != found.shape or true.shape != (size[1] // scale.zoom, size[0] // scale.zoom):
        raise ValueError(f"the rasters have shapes {true.shape} and {found.shape}, not the image's")
    for mask, colour in ((true & found, BOTH), (true & ~found, TRUE), (found & ~true, FOUND)):
        large = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        strokes.tint(canvas, large > 0, (0, 0), colour, _PALE)
    return True


def _not_ground(scene: Scene) -> BoolArray | None:
    if scene.raster is None:
        return None
    if scene.raster.labels is not None:
        return np.asarray(scene.raster.labels > 0)
    return None if scene.raster.probability is None else np.asarray(scene.raster.probability > 0.5)


def _with_legend(canvas: UInt8Array, scale: Scale, caption: str, semantic: bool) -> UInt8Array:
    """Rows below the film: what the colours mean, the caption, and what the picture is not for."""
    width = canvas.shape[1]
    size = max(SMALLEST, round(0.85 * scale.font))
    only = " only" if semantic else ""
    entries = [(f"truth{only}", TRUE), (f"prediction{only}", FOUND)]
    if semantic:
        entries.append(("both", BOTH))
    rows: list[list[tuple[str, str]]] = [[]]
    taken = 0
    for words, colour in entries:
        wide = text_size(f"\N{BLACK CIRCLE} {words}", size)[0] + size
        if rows[-1] and taken + wide > width:
            rows.append([])
            taken = 0
        rows[-1].append((f"\N{BLACK CIRCLE} {words}", colour))
        taken += wide
    rows += [[(line, FOOTER_TEXT)] for line in (*_folded(plain(caption), size, width), STATEMENT) if line]
    step = round(_ROW * size)
    strip = np.full((step * len(rows), width, 3), 18, dtype=np.uint8)
    words_: list[Text] = []
    for place, row in enumerate(rows):
        x = 0.0
        for line, colour in row:
            wide, high = text_size(line, size)
            y = place * step + (step - high) / 2
            words_.append(Text(line, (x, y, x + wide, y + high), size, colour))
            x += wide + size
    texts(strip, words_)
    return np.asarray(cv2.vconcat([canvas, strip]), dtype=np.uint8)


def _folded(words: str, size: int, width: int) -> list[str]:
    """A text in lines that fit."""
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_size(longer, size)[0] <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
