"""The words on an overlay and where they stand: angles, levels, names of points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from spinekit.core.image import FloatArray
from spinekit.core.landmarks import Landmarks
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.views.caliper import Caliper
from spinekit.views.occupancy import Occupancy
from spinekit.views.placement import Point, Rect, Segment, Wanted, place, side_by_side
from spinekit.views.strokes import Text, margin, text_size
from spinekit.views.style import NAME_COLOUR, RANK_COLOUR, RANK_SIZE, Rank, Scale, colour_of, is_named
from spinekit.views.wording import name_of, short

MAX_NAMED_POINTS = 60
"""Names of more points than these would hide the film."""

MAX_WIDTH = 0.36
"""Of a value, in the width of the canvas: on a slender film there is no more room beside the spine."""

ROW_STEP = 0.86
"""From one row of a label to the next, in the height of its box."""

BODY_COST, LINE_COST, EDGE_COST, POINT_COST = 25, 25, 8, 40
"""What covering a letter-height square of each costs a label."""


@dataclass(frozen=True, slots=True)
class Lettering:
    """The words of an overlay, in their places.

    Attributes:
        texts: In the order of drawing.
        leaders: Lines from things to words that stand far off, canvas px, each with its colour.
    """

    texts: tuple[Text, ...]
    leaders: tuple[tuple[Segment, str], ...]


@dataclass(frozen=True, slots=True)
class _Row:
    words: str
    size: int
    colour: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class _Word:
    rows: tuple[_Row, ...]
    colour: str
    wanted: Wanted
    leads: bool
    of: str = ""

    def texts(self, spot: Rect) -> list[Text]:
        """The rows, one below the other from the spot's upper left corner."""
        left, top = spot[0], spot[1]
        found: list[Text] = []
        for row in self.rows:
            width, height = text_size(row.words, row.size, row.bold)
            x = left + margin(self.rows[0].size) - margin(row.size)  # all rows begin alike
            box = (x, top, x + width, top + height)
            found.append(Text(row.words, box, row.size, row.colour, row.bold, self.of))
            top += ROW_STEP * height
        return found


def place_labels(
    scene: Scene, drawn: Sequence[Caliper], scale: Scale, shape: tuple[int, int], named: bool
) -> Lettering:
    """Words for everything that has a name or a value, placed so that none hides another.

    Args:
        scene: What was found, image px.
        drawn: The measurements that are drawn.
        scale: Sizes on the canvas.
        shape: Rows and columns of the canvas.
        named: Whether levels and points are named, too.
    """
    bodies = [scale.to_canvas(body_of(item)) for item in scene.instances]
    occupancy = _occupancy(scene, bodies, drawn, scale, shape)
    values = [_value(caliper, scale, shape[1]) for caliper in drawn if caliper.label]
    words: list[_Word] = []
    if named:
        # Names of bodies have only two sides to choose from, so they choose first; then the main angle.
        levels = _levels(scene, bodies, scale)
        sided = side_by_side([word.wanted for word in levels], occupancy)
        words += [replace(word, wanted=wanted) for word, wanted in zip(levels, sided, strict=True)]
    if drawn and drawn[0].rank is Rank.MAIN and drawn[0].label:
        words.append(values.pop(0))
    if named:
        words += _point_names(scene, scale)
    words += values
    places = place([word.wanted for word in words], occupancy)
    return Lettering(
        texts=tuple(text for word, spot in zip(words, places, strict=True) for text in word.texts(spot.box)),
        leaders=tuple(
            (spot.leader, word.colour)
            for word, spot in zip(words, places, strict=True)
            if spot.leader is not None and word.leads
        ),
    )


def body_of(item: Instance) -> FloatArray:
    """A polygon (N, 2) image px around an instance, by its outline, its points or its box."""
    if item.outline is not None and item.outline.rings:
        return max(item.outline.rings, key=len)
    if item.landmarks is not None:
        found = item.landmarks.xy[~np.isnan(item.landmarks.xy).any(axis=1)]
        if len(found) >= 3:
            centre = found.mean(axis=0)
            around = np.arctan2(found[:, 1] - centre[1], found[:, 0] - centre[0])
            return found[np.argsort(around, kind="stable")]
    left, top, right, bottom = item.box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def edges_of(points: Landmarks, schema: Schema) -> FloatArray:
    """The schema's joins between those points that are there: (N, 2, 2) image px."""
    segments = points.xy[_pairs(points.names, schema.edges)]
    return segments[~np.isnan(segments).any(axis=(1, 2))]


@lru_cache(maxsize=64)
def _pairs(names: tuple[str, ...], edges: tuple[tuple[str, str], ...]) -> npt.NDArray[np.intp]:
    """Places of the ends of all edges (N, 2) whose ends have a name: alike for all bodies of a film."""
    places = {name: k for k, name in reversed(list(enumerate(names)))}
    found = [(places[start], places[end]) for start, end in edges if start in places and end in places]
    pairs = np.array(found, dtype=np.intp).reshape(-1, 2)
    pairs.setflags(write=False)
    return pairs


def named_points(scene: Scene) -> Landmarks | None:
    """The points that are written out: those of an image's single instance where no levels exist."""
    pointed = [item.landmarks for item in scene.instances if item.landmarks is not None]
    if scene.schema.levels or len(pointed) != 1 or len(pointed[0].names) > MAX_NAMED_POINTS:
        return None
    return pointed[0]


def _occupancy(
    scene: Scene,
    bodies: Sequence[FloatArray],
    drawn: Sequence[Caliper],
    scale: Scale,
    shape: tuple[int, int],
) -> Occupancy:
    occupancy = Occupancy(*shape)
    alone = named_points(scene) is not None
    for caliper in drawn:
        occupancy.add_lines(scale.to_canvas(caliper.segments), LINE_COST)
    for item, body in zip(scene.instances, bodies, strict=True):
        if not alone:
            occupancy.add_polygon(body, BODY_COST)
        if item.landmarks is not None:
            edges = edges_of(item.landmarks, scene.schema)
            found = item.landmarks.xy[~np.isnan(item.landmarks.xy).any(axis=1)]
            occupancy.add_lines(scale.to_canvas(edges), EDGE_COST)
            occupancy.add_points(scale.to_canvas(found), 3.0 * scale.line, POINT_COST)
    return occupancy


def _value(caliper: Caliper, scale: Scale, width: int) -> _Word:
    size = max(9, round(scale.font * RANK_SIZE[caliper.rank]))
    while size > 0.8 * scale.font and text_size(caliper.label, size, bold=True)[0] > MAX_WIDTH * width:
        size -= 1
    x, y = scale.to_canvas(caliper.anchor).tolist()
    bold = caliper.rank in {Rank.MAIN, Rank.MINOR}
    rows = [_Row(caliper.label, size, RANK_COLOUR[caliper.rank], bold)]
    small = max(9, round(0.62 * size if caliper.rank is Rank.MAIN else 0.8 * size))
    rows += [_Row(words, small, RANK_COLOUR[rank]) for words, rank in caliper.below]
    return replace(_word(rows, (x, y, x, y), leads=False), of=caliper.name)


def _levels(scene: Scene, bodies: Sequence[FloatArray], scale: Scale) -> list[_Word]:
    if named_points(scene) is not None:
        return []
    boxes = [(*body.min(axis=0).tolist(), *body.max(axis=0).tolist()) for body in bodies]
    middles = [(box[1] + box[3]) / 2 for box in boxes]
    words: list[_Word] = []
    for k, (item, box) in enumerate(zip(scene.instances, boxes, strict=True)):
        unnamed = "?" if item.flags else ""
        name = name_of(item, scene) if is_named(item, scene.schema) else unnamed
        if name:
            # Names stand in a column, so the distance to the next body is the room that each has.
            room = min((abs(y - middles[k]) for j, y in enumerate(middles) if j != k), default=np.inf)
            size = max(9, round(min(scale.font, max(0.6 * room, 0.65 * scale.font))))
            words.append(
                _word([_Row(name, size, colour_of(item, scene.schema), bold=True)], box, sideways=True)
            )
    return words


def _point_names(scene: Scene, scale: Scale) -> list[_Word]:
    points = named_points(scene)
    if points is None:
        return []
    size = max(9, round(0.92 * scale.font))
    there = [k for k in range(len(points.names)) if not np.isnan(points.xy[k]).any()]
    xy = scale.to_canvas(points.xy)
    # Those in a crowd have the fewest places to choose from, so they choose first.
    apart = np.linalg.norm(xy[there, None] - xy[there], axis=2)
    crowd = dict(zip(there, (apart < 6 * size).sum(axis=1).tolist(), strict=True))
    middle = np.nanmean(xy, axis=0) if there else np.zeros(2)
    words: list[_Word] = []
    for k in sorted(there, key=lambda k: (-crowd[k], k)):
        outward = xy[k] - middle
        length = float(np.linalg.norm(outward)) or 1.0
        x, y = xy[k].tolist()
        radius = 3.0 * scale.line
        box = (x - radius, y - radius, x + radius, y + radius)
        prefer = (float(outward[0]) / length, float(outward[1]) / length)
        name = short(points.names[k])
        words.append(_word([_Row(name, size, NAME_COLOUR)], box, prefer=prefer))
    return words


def _word(
    rows: Sequence[_Row],
    around: Rect,
    *,
    leads: bool = True,
    prefer: Point = (0.8, -0.6),
    sideways: bool = False,
) -> _Word:
    sizes = [text_size(row.words, row.size, row.bold) for row in rows]
    width = max(width for width, _ in sizes)
    height = ROW_STEP * sum(height for _, height in sizes[:-1]) + sizes[-1][1]
    wanted = Wanted(width, height, around, rows[0].size, sideways, prefer)
    return _Word(tuple(rows), rows[0].colour, wanted, leads)
