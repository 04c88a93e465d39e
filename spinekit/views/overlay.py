"""One picture that shows everything said about an image: shapes, points, levels, angles and doubts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from spinekit.core.errors import EnvironmentFaultError
from spinekit.core.image import FloatArray, Image, UInt8Array
from spinekit.core.landmarks import Visibility
from spinekit.core.measurement import Result
from spinekit.core.scene import Scene
from spinekit.files import atomic_path
from spinekit.views import strokes
from spinekit.views.caliper import Caliper, calipers
from spinekit.views.footer import with_footer
from spinekit.views.labels import Lettering, named_points, place_labels
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
    canvas = _enlarged(image.pixels, scale.zoom)
    _tint_raster(canvas, scene, scale, style)
    _tint_bodies(canvas, scene, scale, style)
    drawn = calipers(scene, results, style.measurements)
    lettering = place_labels(scene, drawn, scale, canvas.shape[:2], style.names)

    layer = canvas if scale.oversample == 1 else canvas.repeat(2, axis=0).repeat(2, axis=1)
    layer = _stroke_planes(layer, drawn, scale)
    _stroke_bodies(layer, scene, scale, style)
    _stroke_edges(layer, scene, scale)
    _stroke_calipers(layer, drawn, scale)
    _stroke_points(layer, scene, scale)
    _stroke_leaders(layer, lettering, scale)
    if scale.oversample > 1:
        layer = cv2.resize(layer, canvas.shape[1::-1], interpolation=cv2.INTER_AREA)
    strokes.texts(layer, lettering.texts)
    doubts = any(item.flags or name_of(item, scene).endswith("?") for item in scene.instances)
    doubts = doubts or any(caliper.doubtful for caliper in drawn)
    return with_footer(layer, scene, scale, doubts)


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
    options = [cv2.IMWRITE_PNG_COMPRESSION, 4] if kind == ".png" else [cv2.IMWRITE_JPEG_QUALITY, quality]
    try:
        done, content = cv2.imencode(kind, picture, options)
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
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), dtype=np.uint8)


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


def _stroke_bodies(layer: UInt8Array, scene: Scene, scale: Scale, style: OverlayStyle) -> None:
    """Borders of masks, and boxes of what has neither shape nor points."""
    width = scale.width(1.0)
    for item in scene.instances:
        colour = colour_of(item, scene.schema)
        if item.outline is not None:
            found = strokes.region(item.outline, scale.zoom * scale.oversample, *layer.shape[:2])
            if found is not None and style.outlines:
                draw = strokes.dashed_border if place_doubted(item) else strokes.border
                draw(layer, *found, colour, width)
        elif item.landmarks is None:
            left, top, right, bottom = item.box
            corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])
            _path(layer, scale.to_strokes(scale.to_canvas(corners)), colour, width, place_doubted(item))


def _stroke_edges(layer: UInt8Array, scene: Scene, scale: Scale) -> None:
    alone = named_points(scene) is not None
    for item in scene.instances:
        points = item.landmarks
        if points is None:
            continue
        colour = EDGE_COLOUR if alone else colour_of(item, scene.schema)
        for start, end in scene.schema.edges:
            if start in points.names and end in points.names:
                ends = points.xy[[points.index(start), points.index(end)]]
                if not np.isnan(ends).any():
                    path = scale.to_strokes(scale.to_canvas(ends))
                    _path(layer, path, colour, scale.width(1.0), place_doubted(item))


def _stroke_planes(layer: UInt8Array, drawn: Sequence[Caliper], scale: Scale) -> UInt8Array:
    """Lines without a value, faintly, under everything else."""
    planes = [caliper for caliper in drawn if caliper.rank is Rank.PLANE]
    if not planes:
        return layer
    marked = layer.copy()
    for caliper in planes:
        _stroke_caliper(marked, caliper, scale)
    blended = cv2.addWeighted(marked, PLANE_OPACITY, layer, 1 - PLANE_OPACITY, 0)
    return np.asarray(blended, dtype=np.uint8)


def _stroke_calipers(layer: UInt8Array, drawn: Sequence[Caliper], scale: Scale) -> None:
    # The most prominent last, on top of the others.
    for caliper in reversed(drawn):
        if caliper.rank is not Rank.PLANE:
            _stroke_caliper(layer, caliper, scale)


def _stroke_caliper(layer: UInt8Array, caliper: Caliper, scale: Scale) -> None:
    width = scale.width(RANK_WIDTH[caliper.rank])
    paths = scale.to_strokes(scale.to_canvas(caliper.segments))
    if caliper.doubtful and len(paths):
        paths = np.concatenate([strokes.dashes(path, 9.0 * width) for path in paths])
    draw = strokes.lines if caliper.rank is Rank.PLANE else strokes.shaded_lines
    draw(layer, paths, RANK_COLOUR[caliper.rank], width)


def _stroke_points(layer: UInt8Array, scene: Scene, scale: Scale) -> None:
    alone = named_points(scene) is not None
    radius = scale.width(2.4 if alone else 1.5)
    for item in scene.instances:
        points = item.landmarks
        if points is None:
            continue
        colour = POINT_COLOUR if alone else colour_of(item, scene.schema)
        xy = scale.to_strokes(scale.to_canvas(points.xy))
        strokes.points(layer, xy[points.visibility == Visibility.VISIBLE], colour, radius)
        strokes.hollow_points(layer, xy[points.visibility == Visibility.OCCLUDED], colour, radius)


def _stroke_leaders(layer: UInt8Array, lettering: Lettering, scale: Scale) -> None:
    for leader, colour in lettering.leaders:
        strokes.lines(layer, scale.to_strokes(np.array([leader])), colour, scale.width(0.6))


def _path(layer: UInt8Array, path: FloatArray, colour: str, width: int, dashed: bool) -> None:
    whole = np.stack([path[:-1], path[1:]], axis=1)
    strokes.shaded_lines(layer, strokes.dashes(path, 7.0 * width) if dashed else whole, colour, width)
