"""What is drawn over a film on a page, as SVG in layers: crisp at every zoom, each layer to be switched by itself.

Coordinates are the film's pixels; SVG counts from a pixel's corner, so the centre of the first pixel is (0.5, 0.5).
Lines and dots keep their width on the screen whatever the zoom.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape
from PIL import Image as PillowImage

from spinekit.core.image import FloatArray
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.measurement import Measurement, Result
from spinekit.core.outline import Outline
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.views.caliper import Caliper, calipers
from spinekit.views.labels import edges_of, named_points, place_labels
from spinekit.views.pages import picture_address
from spinekit.views.strokes import FAR, Text, margin, text_size
from spinekit.views.style import (
    EDGE_COLOUR,
    LEVEL_COLOURS,
    POINT_COLOUR,
    RANK_COLOUR,
    Rank,
    Scale,
    colour_of,
    scale_for,
)  # fmt: skip
from spinekit.views.wording import place_doubted, plain

LAYERS = ("masks", "lines", "landmarks", "names", "ellipses")
"""In the order of their switches."""

ELLIPSE = math.sqrt(-2 * math.log(0.05))
"""Radius that holds 95 % of a two-dimensional normal, in standard deviations (chi-square, two degrees of freedom)."""

_RASTER_OPACITY = 0.42
_BASELINE = 0.9  # of the letters' height below the top of a row
_MEASURED = 160  # results whose drawing a row of the table can light up
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


@dataclass(frozen=True, slots=True)
class FilmLayers:
    """What is drawn over one film.

    Attributes:
        svg: The whole element; its groups are named by `LAYERS`.
        layers: Those that hold something, in the order of `LAYERS`.
        letters: Height of common letters, film px.
    """

    svg: Markup
    layers: tuple[str, ...]
    letters: float


def film_layers(
    scene: Scene, results: Sequence[Result], describe: str = "", worded: Callable[[str], str] = plain
) -> FilmLayers:
    """The drawing over a film.

    Args:
        scene: What was found, image px.
        results: Measurements; those that `calipers` would not draw can still be lit up from their row.
        describe: What the picture shows, for those who hear the page.
        worded: The words of a value, e.g. in another language.
    """
    height, width = scene.image.height, scene.image.width
    scale = scale_for(height, width)
    drawn = calipers(scene, results)
    lettering = place_labels(scene, drawn, scale, (height * scale.zoom, width * scale.zoom), True)
    names = [text for text in lettering.texts if not text.of]
    values = [text for text in lettering.texts if text.of]
    leaders = [_leader(segment, colour, scale) for segment, colour in lettering.leaders]
    parts = {
        "masks": [*_raster(scene), *_bodies(scene), *_edges(scene)],
        "ellipses": _ellipses(scene),
        "lines": [
            *_lines(drawn),
            *(_text(replace(text, words=worded(text.words)), scale) for text in values),
        ],
        "landmarks": _points(scene),
        "names": [*leaders, *(_text(text, scale) for text in names)],
    }
    groups = "".join(f'<g class="{layer}">{"".join(found)}</g>' for layer, found in parts.items() if found)
    svg = (
        f'<svg class="layers" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(plain(describe))}">'
        f"{groups}{_lit(results)}</svg>"
    )
    return FilmLayers(Markup(svg), tuple(layer for layer in LAYERS if parts[layer]), scale.font / scale.zoom)


def _raster(scene: Scene) -> list[str]:
    """A semantic answer as a picture of few colours, the first class clear."""
    if scene.raster is None:
        return []
    labels = classes_of(scene.raster, len(scene.schema.classes) - 1)
    if labels is None:
        return []
    height, width = labels.shape
    picture = PillowImage.frombytes("P", (width, height), labels.tobytes())
    colours = [class_colour(scene.schema, k) for k in range(len(scene.schema.classes))]
    picture.putpalette([int(colour[k : k + 2], 16) for colour in colours for k in (1, 3, 5)])
    stream = io.BytesIO()
    clear = bytes([0, *[round(255 * _RASTER_OPACITY)] * (len(colours) - 1)])
    picture.save(stream, "PNG", transparency=clear, optimize=True)
    address = picture_address(stream.getvalue(), "png")
    return [f'<image width="{width}" height="{height}" href="{address}"/>']


def classes_of(raster: Raster, last: int) -> npt.NDArray[np.uint8] | None:
    """The class of every pixel, (H, W); the last class where its probability is a half; None where none is told."""
    if raster.labels is not None:
        return np.minimum(raster.labels, last).astype(np.uint8)
    if raster.probability is not None:
        return np.where(raster.probability >= 0.5, last, 0).astype(np.uint8)
    return None


def class_colour(schema: Schema, k: int) -> str:
    """The colour of a class in a semantic answer, hexadecimal."""
    name = schema.classes[k]
    return safe_colour(schema.colours.get(name, LEVEL_COLOURS[(k - 1) % len(LEVEL_COLOURS)]))


def _bodies(scene: Scene) -> list[str]:
    """Masks, and boxes of what has neither shape nor points; dashed where the place is in doubt."""
    found = []
    for item in scene.instances:
        if item.outline is not None:
            way = _outline(item.outline)
        elif item.landmarks is None:
            left, top, right, bottom = item.box
            way = _ring(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))
        else:
            continue
        if way:
            filled = "body" if item.outline is not None else "box"
            found.append(
                f'<path class="{filled}{_dashed(place_doubted(item))}" fill-rule="evenodd" '
                f'{_inked(_colour_of(item, scene.schema))} d="{way}"/>'
            )
    return found


def _edges(scene: Scene) -> list[str]:
    """The schema's joins between points."""
    alone = named_points(scene) is not None
    found = []
    for item in scene.instances:
        points = item.landmarks
        if points is None:
            continue
        way = "".join(map(_segment, edges_of(points, scene.schema)))
        if way:
            colour = EDGE_COLOUR if alone else _colour_of(item, scene.schema)
            found += _seamed(way, colour, f"edge{_dashed(place_doubted(item))}")
    return found


def _lines(drawn: Sequence[Caliper]) -> list[str]:
    """The lines of the measurements, the most prominent last, on top of the others."""
    found = []
    for caliper in reversed(drawn):
        way = "".join(_segment(segment) for segment in caliper.segments)
        if way:
            kind = f"{caliper.rank.name.lower()}{_dashed(caliper.doubtful)}"
            colour = RANK_COLOUR[caliper.rank]
            found += (
                [f'<path class="{kind}" stroke="{colour}" d="{way}"/>']
                if caliper.rank is Rank.PLANE
                else _seamed(way, colour, kind)
            )
    return found


def _points(scene: Scene) -> list[str]:
    """Dots of a fixed width on the screen: strokes without a length, with round ends."""
    alone = named_points(scene) is not None
    found = []
    for item in scene.instances:
        if item.landmarks is None:
            continue
        colour = POINT_COLOUR if alone else _colour_of(item, scene.schema)
        kind = "dot" if alone else "dot small"
        for seen, more in ((Visibility.VISIBLE, ""), (Visibility.OCCLUDED, " hollow")):
            way = "".join(_dot(xy) for xy in item.landmarks.xy[item.landmarks.visibility == seen])
            if way:
                found.append(f'<path class="{kind} rim" d="{way}"/>')
                found.append(f'<path class="{kind}{more}" stroke="{colour}" d="{way}"/>')
                if more:
                    found.append(f'<path class="{kind} hole" d="{way}"/>')
    return found


def _ellipses(scene: Scene) -> list[str]:
    """Where each point lies with 95 % certainty, by its spread along x and y."""
    alone = named_points(scene) is not None
    found = []
    for item in scene.instances:
        points = item.landmarks
        if points is None or points.spread is None:
            continue
        colour = POINT_COLOUR if alone else _colour_of(item, scene.schema)
        rounds = "".join(_ellipse(points, k) for k in range(len(points.names)))
        if rounds:
            found.append(f"<g {_inked(colour)}>{rounds}</g>")
    return found


def _ellipse(points: Landmarks, k: int) -> str:
    assert points.spread is not None
    (x, y), (rx, ry) = points.xy[k], ELLIPSE * points.spread[k]
    if not all(map(math.isfinite, (x, y, rx, ry))) or max(abs(x), abs(y), rx, ry) >= FAR:
        return ""
    return f'<ellipse cx="{_n(x + 0.5)}" cy="{_n(y + 0.5)}" rx="{_n(rx)}" ry="{_n(ry)}"/>'


def _lit(results: Sequence[Result]) -> str:
    """What each measurement measured, hidden until its row in the table is pointed at."""
    found = []
    for k, result in enumerate(results[:_MEASURED]):
        if not isinstance(result, Measurement):
            continue
        way = "".join(_segment(np.array(line, dtype=np.float64)) for line in result.geometry.lines.values())
        dots = "".join(_dot(np.array(xy, dtype=np.float64)) for xy in result.geometry.points.values())
        if way or dots:
            line = f'<path class="seam" d="{way}"/><path class="beam" d="{way}"/>' if way else ""
            ends = f'<path class="spot" d="{dots}"/>' if dots else ""
            found.append(f'<g class="m{k}">{line}{ends}</g>')
    return f'<g class="lit">{"".join(found)}</g>' if found else ""


def _text(text: Text, scale: Scale) -> str:
    width, _ = text_size(text.words, text.size, text.bold)
    edge = margin(text.size)
    left = (text.box[0] + edge + 0.5) / scale.zoom
    base = (text.box[1] + edge + _BASELINE * text.size + 0.5) / scale.zoom
    bold = ' font-weight="700"' if text.bold else ""
    return (
        f'<text x="{_n(left)}" y="{_n(base)}" font-size="{_n(text.size / scale.zoom)}"{bold} '
        f'fill="{safe_colour(text.colour)}" stroke-width="{_n(text.size / scale.zoom / 6)}" '
        f'textLength="{_n((width - 2 * edge) / scale.zoom)}" lengthAdjust="spacingAndGlyphs">'
        f"{escape(plain(text.words))}</text>"
    )


def _leader(segment: tuple[tuple[float, float], tuple[float, float]], colour: str, scale: Scale) -> str:
    ends = (np.array(segment) + 0.5) / scale.zoom - 0.5
    return f'<path class="leader" stroke="{safe_colour(colour)}" d="{_segment(ends)}"/>'


def _seamed(way: str, colour: str, kind: str) -> list[str]:
    """A line on a dark seam that keeps it apart from bright bone and metal."""
    return [
        f'<path class="seam {kind}" d="{way}"/>',
        f'<path class="{kind}" stroke="{safe_colour(colour)}" d="{way}"/>',
    ]


def _outline(outline: Outline) -> str:
    return "".join(_ring(ring) for ring in (*outline.rings, *outline.holes))


def _ring(ring: FloatArray) -> str:
    points = ring.tolist()
    return f"M{'L'.join(map(_pair, points))}Z" if _near(points) else ""


def _segment(ends: FloatArray) -> str:
    first, last = points = ends.tolist()
    return f"M{_pair(first)}L{_pair(last)}" if _near(points) else ""


def _dot(xy: FloatArray) -> str:
    point = xy.tolist()
    return f"M{_pair(point)}h0" if _near([point]) else ""


def _pair(xy: Sequence[float]) -> str:
    return f"{_n(xy[0] + 0.5)} {_n(xy[1] + 0.5)}"


def _near(points: Iterable[Sequence[float]]) -> bool:
    return all(-FAR < x < FAR and -FAR < y < FAR for x, y in points)  # NaN is not near either


def _n(value: float) -> str:
    """A hundredth of a pixel is finer than any reading."""
    return f"{round(float(value), 2):g}" if abs(value) < 1e4 else f"{value:.1f}"


def _dashed(doubtful: bool) -> str:
    return " dashed" if doubtful else ""


def _inked(colour: str) -> str:
    return f'stroke="{colour}" fill="{colour}"'


def _colour_of(item: Instance, schema: Schema) -> str:
    return safe_colour(colour_of(item, schema))


def safe_colour(text: str) -> str:
    """A colour of a schema goes into the page only as what it should be."""
    return text if _COLOUR.fullmatch(text) else LEVEL_COLOURS[0]
