"""What a measurement measures, as a small drawing for a page: points, edges and the lines that matter, in SVG."""

from __future__ import annotations

from html import escape

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.measurement import Measurement
from spinekit.core.scene import Scene
from spinekit.views.wording import number

HEIGHT = 360  # px of the drawing
WIDEST = 640  # pixels: as much as a page shows without shrinking the words
MARGIN = 0.08  # of its longer side
_LINE, _POINT, _PALE = "#0b62a4", "#b3261e", "#9aa0a6"
_LONGEST = 8  # letters of a name that is written beside its point
_AROUND, _LEAST = 0.7, 0.12  # of the measured part, and of all, that is shown round it
NARROWEST = 0.9  # width over height
_DOTTED = 60  # points of the scene up to which each has a dot; edges show the bodies of a spine
_NAMED = 12  # points up to which each is named


def draw_figure(scene: Scene, result: Measurement) -> str:
    """A measurement on the points of a scene.

    Args:
        scene: All points, drawn pale with the edges of the schema.
        result: Measured on it; its lines and points are drawn in colour.

    Returns:
        An SVG file's text.
    """
    bodies = _bodies(scene)
    lines = {name: np.array(ends) for name, ends in result.geometry.lines.items()}
    points = {name: np.array(xy) for name, xy in result.geometry.points.items()}
    measured = np.concatenate([np.zeros((0, 2)), *lines.values(), *(xy[None] for xy in points.values())])
    start, size = _window(np.concatenate([measured, *bodies]), measured)
    scale = min(HEIGHT / float(size[1]), WIDEST / float(size[0]))
    width, height = (round(float(side) * scale) for side in size)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + 24}" width="{width}" '
        f'height="{height + 24}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height + 24}" fill="#ffffff"/>',
    ]
    for start_xy, end_xy in _edges(scene):
        parts.append(_segment((start_xy - start) * scale, (end_xy - start) * scale, _PALE, 1))
    for body in bodies if sum(map(len, bodies)) <= _DOTTED else ():
        parts += [_dot((xy - start) * scale, _PALE, 1.6) for xy in body]
    for ends in lines.values():
        parts.append(_segment((ends[0] - start) * scale, (ends[1] - start) * scale, _LINE, 2))
    for name, xy in points.items():
        parts.append(_dot((xy - start) * scale, _POINT, 3))
        if len(points) <= _NAMED and len(name) <= _LONGEST:
            parts.append(_text((xy - start) * scale + (5, -5), name, _POINT))
    words = f"{result.name} = {number(result.value, result.unit)}"
    parts += [_text(np.array([6.0, height + 16.0]), words, "#202124"), "</svg>\n"]
    return "\n".join(parts)


def _window(everything: FloatArray, measured: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Left upper corner and size of what is shown: the measured part with its surroundings, never too narrow."""
    bounds = []
    for xy in (everything, measured):
        known = xy[np.isfinite(xy).all(axis=1)]
        bounds.append((known.min(axis=0), known.max(axis=0)))
    (low, high), (near, far) = bounds
    around = max(_AROUND * float((far - near).max()), _LEAST * float((high - low).max()))
    start, end = np.maximum(low, near - around), np.minimum(high, far + around)
    margin = MARGIN * float((end - start).max()) + 1.0
    start, size = start - margin, end - start + 2 * margin
    lacking = max(0.0, NARROWEST * float(size[1]) - float(size[0]))
    wider = np.array([lacking, 0.0])
    return start - wider / 2, size + wider


def _bodies(scene: Scene) -> list[FloatArray]:
    found = []
    for item in scene.instances:
        if item.landmarks is not None:
            found.append(item.landmarks.xy[~np.isnan(item.landmarks.xy).any(axis=1)])
    return found


def _edges(scene: Scene) -> list[tuple[FloatArray, FloatArray]]:
    found = []
    for item in scene.instances:
        marks = item.landmarks
        for names in scene.schema.edges if marks is not None else ():
            if marks is None or not set(names) <= set(marks.names):
                continue
            ends = [marks.xy[marks.index(name)] for name in names]
            if not any(bool(np.isnan(end).any()) for end in ends):
                found.append((ends[0], ends[1]))
    return found


def _segment(start: FloatArray, end: FloatArray, colour: str, width: int) -> str:
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" stroke="{colour}" '
        f'stroke-width="{width}"/>'
    )


def _dot(xy: FloatArray, colour: str, radius: float) -> str:
    return f'<circle cx="{xy[0]:.1f}" cy="{xy[1]:.1f}" r="{radius:g}" fill="{colour}"/>'


def _text(xy: FloatArray, words: str, colour: str) -> str:
    return f'<text x="{xy[0]:.1f}" y="{xy[1]:.1f}" fill="{colour}">{escape(words)}</text>'
