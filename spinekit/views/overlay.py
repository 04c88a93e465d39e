"""One picture that shows everything said about an image: shapes, points, levels, angles and doubts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from spinekit.core.errors import EnvironmentFaultError
from spinekit.core.image import FloatArray, Image, UInt8Array
from spinekit.core.landmarks import Visibility
from spinekit.core.measurement import Result
from spinekit.core.outline import Outline
from spinekit.core.scene import Scene
from spinekit.files import atomic_path
from spinekit.views import strokes
from spinekit.views.caliper import Caliper, calipers
from spinekit.views.finer import FineCopy
from spinekit.views.footer import draw_footer, footer_height
from spinekit.views.labels import Lettering, edges_of, named_points, place_labels
from spinekit.views.png import png_of
from spinekit.views.style import (
    EDGE_COLOUR,
    LEVEL_COLOURS,
    PLANE_OPACITY,
    POINT_COLOUR,
    RANK_COLOUR,
    RANK_WIDTH,
    OverlayStyle,
    Rank,
    Scale,
    colour_of,
    scale_for,
)
from spinekit.views.wording import name_of, place_doubted

JPEG_QUALITY = 88


def draw_overlay(
    image: Image, scene: Scene, results: Sequence[Result] = (), style: OverlayStyle | None = None
) -> UInt8Array:
    """Everything said about an image, on the image.

    Small images are enlarged by a whole factor (`style.scale_for`); a strip below the film says that
    it is for research. Pixels on which nothing is drawn keep their grey. What is flagged or to be
    reviewed is dashed and carries a question mark; occluded points are open rings; absent ones are
    not drawn. The result depends on nothing but the arguments.

    Args:
        image: The pixels.
        scene: What was found in them or labelled, in the image's pixel frame.
        results: Measurements; refused ones are passed over.
        style: What to show and how strongly.

    Returns:
        (H * zoom + strip, W * zoom, 3) uint8 BGR.

    Raises:
        ValueError: If the scene's raster has another shape than the image.
    """
    style = style or OverlayStyle()
    height, width = image.pixels.shape
    scale = scale_for(height, width, style.size)
    rows, columns = height * scale.zoom, width * scale.zoom
    picture: UInt8Array = np.empty((rows + footer_height(scale), columns, 3), dtype=np.uint8)
    canvas, strip = picture[:rows], picture[rows:]
    cv2.cvtColor(_enlarged(image.pixels, scale.zoom), cv2.COLOR_GRAY2BGR, canvas)
    _tint_raster(canvas, scene, scale, style)
    _tint_bodies(canvas, scene, scale, style)
    drawn = calipers(scene, results, style.measurements)
    lettering = place_labels(scene, drawn, scale, canvas.shape[:2], style.names)

    fine = FineCopy(canvas, scale.oversample)
    _stroke_planes(fine, drawn, scale)
    _stroke_bodies(fine, scene, scale, style)
    _stroke_edges(fine, scene, scale)
    _stroke_calipers(fine, drawn, scale)
    _stroke_points(fine, scene, scale)
    _stroke_leaders(fine, lettering, scale)
    fine.close()
    strokes.texts(canvas, lettering.texts)
    doubts = any(item.flags or name_of(item, scene).endswith("?") for item in scene.instances)
    doubts = doubts or any(caliper.doubtful for caliper in drawn)
    draw_footer(strip, scene, scale, doubts)
    return picture


def thumbnail(picture: UInt8Array, long_side: int = 320) -> UInt8Array:
    """A picture shrunk until neither side is longer than ``long_side`` px; never enlarged.

    Args:
        picture: (H, W, 3) or (H, W) uint8.
        long_side: Of the result, px.
    """
    height, width = picture.shape[:2]
    factor = long_side / max(height, width)
    if factor >= 1:
        return picture
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def encode_picture(picture: UInt8Array, suffix: str, quality: int = JPEG_QUALITY) -> bytes:
    """A picture as the bytes of an image file, without any metadata.

    Args:
        picture: (H, W, 3) BGR or (H, W) grey.
        suffix: ``.png``, ``.jpg`` or ``.jpeg``; decides the format.
        quality: Of a JPEG, 1..100.

    Raises:
        EnvironmentFaultError: If the encoder fails or knows no such format.
    """
    kind = suffix.lower()
    if kind not in {".png", ".jpg", ".jpeg"}:
        raise EnvironmentFaultError(f"{suffix or 'no suffix'}: not a picture format -- use .png or .jpg")
    if kind == ".png":
        return png_of(picture)
    try:
        done, content = cv2.imencode(kind, picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error:  # some builds raise where others return False
        done = False
    if not done:
        rows, columns = picture.shape[:2]
        raise EnvironmentFaultError(
            f"a picture of {columns} x {rows} pixels could not be encoded as {kind} -- use another format"
        )
    return content.tobytes()


def write_overlay(path: Path, picture: UInt8Array, quality: int = JPEG_QUALITY) -> None:
    """Writes a drawn picture whole or not at all, as PNG or JPEG by the path's suffix.

    Raises:
        EnvironmentFaultError: If the folder cannot be written, the encoder fails, or the suffix is neither.
    """
    content = encode_picture(picture, path.suffix, quality)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _enlarged(pixels: UInt8Array, zoom: int) -> UInt8Array:
    if zoom > 1:
        size = (pixels.shape[1] * zoom, pixels.shape[0] * zoom)
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(pixels, dtype=np.uint8)


def _tint_raster(canvas: UInt8Array, scene: Scene, scale: Scale, style: OverlayStyle) -> None:
    """Colours every class of a semantic answer but the first, which is the ground the others stand on."""
    if scene.raster is None:
        return
    layers: list[tuple[int, FloatArray]] = []
    last = len(scene.schema.classes) - 1
    if scene.raster.labels is not None:
        layers = [(k, (scene.raster.labels == k).astype(np.float64)) for k in range(1, last + 1)]
    elif scene.raster.probability is not None:
        layers = [(last, scene.raster.probability.astype(np.float64))]
    for k, share in layers:
        shape = (canvas.shape[0] // scale.zoom, canvas.shape[1] // scale.zoom)
        if share.shape != shape:
            raise ValueError(f"the raster has shape {share.shape}, but the image {shape}")
        enlarged = cv2.resize(share, canvas.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        name = scene.schema.classes[k]
        colour = scene.schema.colours.get(name, LEVEL_COLOURS[(k - 1) % len(LEVEL_COLOURS)])
        strokes.tint(
            canvas, np.asarray(enlarged >= 0.5, dtype=np.bool_), (0, 0), colour, style.raster_opacity
        )


def _tint_bodies(canvas: UInt8Array, scene: Scene, scale: Scale, style: OverlayStyle) -> None:
    for item in scene.instances:
        if item.outline is None or style.mask_opacity <= 0:
            continue
        found = strokes.region(item.outline, scale.zoom, *canvas.shape[:2])
        if found is not None:
            strokes.tint(canvas, *found, colour_of(item, scene.schema), style.mask_opacity)


def _stroke_bodies(fine: FineCopy, scene: Scene, scale: Scale, style: OverlayStyle) -> None:
    """Borders of masks, and boxes of what has neither shape nor points."""
    width = scale.width(1.0)
    for item in scene.instances:
        colour = colour_of(item, scene.schema)
        if item.outline is not None:
            if style.outlines:
                _border(fine, item.outline, scale, colour, place_doubted(item))
        elif item.landmarks is None:
            left, top, right, bottom = item.box
            corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])
            path = scale.to_strokes(scale.to_canvas(corners))
            doubted = place_doubted(item)
            sides = strokes.dashes(path, 7.0 * width) if doubted else np.stack([path[:-1], path[1:]], axis=1)
            _stroke(fine, [_Mark(sides, colour, width)])


def _border(fine: FineCopy, outline: Outline, scale: Scale, colour: str, dashed: bool) -> None:
    found = strokes.region(outline, scale.zoom * scale.oversample, *fine.pixels.shape[:2])
    if found is None:
        return
    mask, (left, top) = found
    width = scale.width(1.0)
    spare = strokes.seamed(width)
    fine.open_box(left - spare, top - spare, left + mask.shape[1] + spare, top + mask.shape[0] + spare)
    draw = strokes.dashed_border if dashed else strokes.border
    draw(fine.pixels, mask, (left, top), colour, width)


def _stroke_edges(fine: FineCopy, scene: Scene, scale: Scale) -> None:
    alone = named_points(scene) is not None
    width = scale.width(1.0)
    marks: list[_Mark] = []
    for item in scene.instances:
        if item.landmarks is not None:
            colour = EDGE_COLOUR if alone else colour_of(item, scene.schema)
            edges = scale.to_strokes(scale.to_canvas(edges_of(item.landmarks, scene.schema)))
            if place_doubted(item):
                edges = _dashed(edges, 7.0 * width)
            marks.append(_Mark(edges, colour, width))
    _stroke(fine, marks)


def _stroke_planes(fine: FineCopy, drawn: Sequence[Caliper], scale: Scale) -> None:
    """Lines without a value, faintly, under everything else."""
    planes = [_mark(caliper, scale) for caliper in drawn if caliper.rank is Rank.PLANE]
    if planes:
        _stroke(fine, planes)
        fine.fade(PLANE_OPACITY)


def _stroke_calipers(fine: FineCopy, drawn: Sequence[Caliper], scale: Scale) -> None:
    # The most prominent last, on top of the others.
    _stroke(fine, [_mark(caliper, scale) for caliper in reversed(drawn) if caliper.rank is not Rank.PLANE])


def _mark(caliper: Caliper, scale: Scale) -> _Mark:
    width = scale.width(RANK_WIDTH[caliper.rank])
    segments = scale.to_strokes(scale.to_canvas(caliper.segments))
    if caliper.doubtful:
        segments = _dashed(segments, 9.0 * width)
    return _Mark(segments, RANK_COLOUR[caliper.rank], width, seam=caliper.rank is not Rank.PLANE)


def _stroke_points(fine: FineCopy, scene: Scene, scale: Scale) -> None:
    alone = named_points(scene) is not None
    radius = scale.width(2.4 if alone else 1.5)
    pointed = [(item, item.landmarks) for item in scene.instances if item.landmarks is not None]
    places = [scale.to_strokes(scale.to_canvas(points.xy)) for _, points in pointed]
    # Open rings are a quarter wider than discs.
    fine.open_around([xy[:, None].repeat(2, axis=1) for xy in places], 2 * strokes.rimmed(radius))
    for (item, points), xy in zip(pointed, places, strict=True):
        colour = POINT_COLOUR if alone else colour_of(item, scene.schema)
        strokes.points(fine.pixels, xy[points.visibility == Visibility.VISIBLE], colour, radius)
        strokes.hollow_points(fine.pixels, xy[points.visibility == Visibility.OCCLUDED], colour, radius)


def _stroke_leaders(fine: FineCopy, lettering: Lettering, scale: Scale) -> None:
    width = scale.width(0.6)
    _stroke(
        fine,
        [
            _Mark(scale.to_strokes(np.array([leader])), colour, width, seam=False)
            for leader, colour in lettering.leaders
        ],
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Mark:
    """Lines of one kind.

    Attributes:
        segments: (N, 2, 2) px of the finer copy.
        colour: Hexadecimal.
        width: Likewise px of the finer copy.
        seam: Whether a dark seam keeps them apart from what lies below.
    """

    segments: FloatArray
    colour: str
    width: int
    seam: bool = True


def _stroke(fine: FineCopy, marks: Sequence[_Mark]) -> None:
    reach = max((strokes.seamed(mark.width) for mark in marks), default=0)
    fine.open_around([mark.segments for mark in marks], reach)
    for mark in marks:
        draw = strokes.shaded_lines if mark.seam else strokes.lines
        draw(fine.pixels, mark.segments, mark.colour, mark.width)


def _dashed(segments: FloatArray, period: float) -> FloatArray:
    """Segments (N, 2, 2) cut into dashes."""
    return np.concatenate([segments[:0], *(strokes.dashes(path, period) for path in segments)])
