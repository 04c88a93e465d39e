"""Scenes moved with their pixels: flips, quarter turns, any affine motion, and bendings.

A motion says where each point of the old grid lies on the new one; pixel centres are integers on both.
Who moves the pixels (`spinekit.workflows.augmentation`) uses the same motion, so labels stay on what they
mark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.outline import Outline, ring_area
from spinekit.core.scene import Box, Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing

_SAME_BOX = 1e-6  # px; nearer boxes are taken for the frame of the points or of the outline
_NO_AREA = 1e-9  # px^2


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Where the points of an image go.

    Attributes:
        matrix: (2, 3); ``matrix @ (x, y, 1)`` is the place on the new grid.
        height: Rows of the new grid.
        width: Columns of the new grid.
        bend: Moves (N, 2) points of the new grid on, after the matrix; None where straight lines stay straight.
    """

    matrix: FloatArray
    height: int
    width: int
    bend: Callable[[FloatArray], FloatArray] | None = None

    @property
    def mirrors(self) -> bool:
        """Whether left and right change places, so that mirrored names must swap."""
        return bool(np.linalg.det(self.matrix[:, :2]) < 0)

    @property
    def keeps_grid(self) -> bool:
        """Whether the image fills its new grid pixel by pixel: flips and quarter turns, and nothing else."""
        linear, offset = self.matrix[:, :2], self.matrix[:, 2]
        straight = bool(np.isin(np.abs(linear), (0.0, 1.0)).all() and (np.abs(linear).sum(axis=0) == 1).all())
        far_side = np.array([self.width - 1.0, self.height - 1.0])
        return (
            self.bend is None
            and straight
            and bool((offset == np.where(linear.sum(1) > 0, 0.0, far_side)).all())
        )

    def points(self, xy: FloatArray) -> FloatArray:
        """(N, 2) points on the new grid; NaN stays NaN."""
        moved = np.asarray(xy @ self.matrix[:, :2].T + self.matrix[:, 2])
        return moved if self.bend is None else self.bend(moved)


@dataclass(frozen=True, slots=True)
class Moved:
    """A scene on its new grid.

    Attributes:
        scene: Without what has left the image.
        lost: Labels of the instances that have left it.
        points_lost: How many placed points have left it.
    """

    scene: Scene
    lost: tuple[str, ...] = ()
    points_lost: int = 0


def identity(height: int, width: int) -> Motion:
    """The motion that leaves everything in place."""
    return Motion(np.eye(2, 3), height, width)


def flip_horizontal(height: int, width: int) -> Motion:
    """Left becomes right: x goes to width - 1 - x."""
    return Motion(np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0]]), height, width)


def flip_vertical(height: int, width: int) -> Motion:
    """Top becomes bottom: y goes to height - 1 - y."""
    return Motion(np.array([[1.0, 0.0, 0.0], [0.0, -1.0, height - 1.0]]), height, width)


def quarter_turns(height: int, width: int, turns: int) -> Motion:
    """Quarter turns against the clock, as `numpy.rot90` turns the pixels."""
    motion = identity(height, width)
    for _ in range(turns % 4):
        turn = Motion(
            np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, motion.width - 1.0]]), motion.width, motion.height
        )
        motion = after(motion, turn)
    return motion


def turn_scale_shift(
    height: int,
    width: int,
    *,
    degrees: float = 0.0,
    scale: float = 1.0,
    shift: tuple[float, float] = (0.0, 0.0),
    aspect: float = 1.0,
) -> Motion:
    """A rotation (+ turns the right side down) and a change of size about the centre, then a shift.

    Args:
        height: Rows of both grids.
        width: Columns of both grids.
        degrees: Angle, measured where pixels are square.
        scale: Above 1 enlarges.
        shift: Along x and y, px.
        aspect: Row spacing over column spacing; a turn of pixels that are not square must not shear the body.
    """
    turn = np.radians(degrees)
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    linear = np.array([[cos, -sin * aspect], [sin / aspect, cos]])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    offset = centre + np.array(shift) - linear @ centre
    return Motion(np.column_stack([linear, offset]), height, width)


def after(first: Motion, second: Motion) -> Motion:
    """Both motions, one after the other.

    Raises:
        ValueError: If the first bends: only the last of a chain may.
    """
    if first.bend is not None:
        raise ValueError("a bending must come last")
    linear = second.matrix[:, :2] @ first.matrix[:, :2]
    offset = second.matrix[:, :2] @ first.matrix[:, 2] + second.matrix[:, 2]
    return Motion(np.column_stack([linear, offset]), second.height, second.width, second.bend)


def move_scene(scene: Scene, motion: Motion, raster: Raster | None = None) -> Moved:
    """The scene of the moved image.

    Points outside the new image (beyond the outer border of its pixels) become absent; outlines and boxes
    are cut at its border; an instance of which nothing is left is dropped and counted. Where the motion
    mirrors, the names of the schema's mirrored pairs swap. A box without points or outline becomes the box
    of its moved corners, which is loose unless the motion keeps the grid.

    Args:
        scene: On the old grid.
        motion: Where it goes.
        raster: Of the moved pixels; the scene's own cannot be moved here.
    """
    kept: list[Instance] = []
    lost: list[str] = []
    points_lost = 0
    for item in scene.instances:
        moved, fallen = _instance(item, motion, scene.schema)
        points_lost += fallen
        if moved is None:
            lost.append(item.label)
        else:
            kept.append(moved)
    image = _image(scene.image, motion)
    return Moved(replace(scene, image=image, instances=tuple(kept), raster=raster), tuple(lost), points_lost)


def _image(ref: ImageRef, motion: Motion) -> ImageRef:
    """Size and spacing of the new grid: a quarter turn swaps rows and columns, enlarging shrinks the mm."""
    linear = motion.matrix[:, :2]
    quarter = motion.keeps_grid and linear[0, 0] == 0
    factor = float(np.sqrt(abs(np.linalg.det(linear))))
    aspect = 1 / ref.aspect if quarter else ref.aspect
    spacing = ref.spacing
    if spacing is not None:
        row, col = (spacing.col_mm, spacing.row_mm) if quarter else (spacing.row_mm, spacing.col_mm)
        spacing = Spacing(row / factor, col / factor, spacing.origin)
    return replace(ref, height=motion.height, width=motion.width, spacing=spacing, aspect=aspect)


def _instance(item: Instance, motion: Motion, schema: Schema) -> tuple[Instance | None, int]:
    """The moved instance, or None, and how many of its points were lost."""
    outline = None if item.outline is None else _outline(item.outline, motion)
    points, fallen = (None, 0) if item.landmarks is None else _landmarks(item.landmarks, motion, schema)
    seen = outline if outline is not None and outline.rings else None
    placed = points if points is not None and not bool(np.isnan(points.xy).all()) else None
    box = _box(item, motion, seen, placed)
    marked = item.outline is not None or (
        item.landmarks is not None and not bool(np.isnan(item.landmarks.xy).all())
    )
    gone = seen is None and placed is None if marked else box[2] <= box[0] or box[3] <= box[1]
    if gone:
        return None, fallen
    return replace(item, box=box, outline=seen, landmarks=points), fallen


def _landmarks(points: Landmarks, motion: Motion, schema: Schema) -> tuple[Landmarks, int]:
    names, order = points.names, np.arange(len(points.names))
    if motion.mirrors:
        partner = {a: b for pair in schema.mirrored for a, b in (pair, pair[::-1])}
        swapped = [partner.get(name, name) for name in names]
        if set(swapped) == set(names):
            order = np.array([swapped.index(name) for name in names], dtype=np.intp)
        else:
            names = tuple(swapped)
    xy = motion.points(points.xy)[order]
    inside = ~np.isnan(xy).any(axis=1) & (xy >= -0.5).all(axis=1)
    inside &= (xy[:, 0] <= motion.width - 0.5) & (xy[:, 1] <= motion.height - 0.5)
    visibility = np.where(inside, points.visibility[order], Visibility.ABSENT).astype(np.int8)
    fallen = int(np.count_nonzero(~inside & (points.visibility[order] != Visibility.ABSENT)))
    xy[~inside] = np.nan
    spread = None if points.spread is None else _spread(points.spread[order], motion)
    score = None if points.score is None else points.score[order]
    return Landmarks(names, xy, visibility, score, spread), fallen


def _spread(spread: FloatArray, motion: Motion) -> FloatArray:
    """Standard deviations along the new axes, the two old ones taken as independent."""
    return np.asarray(np.sqrt(spread**2 @ (motion.matrix[:, :2] ** 2).T))


def _outline(outline: Outline, motion: Motion) -> Outline:
    """The moved outline, cut at the border of the new image; without rings where nothing is left."""
    bends = motion.bend is not None
    rings, holes = (
        tuple(
            cut
            for ring in part
            if len(
                cut := clip_ring(motion.points(_dense(ring) if bends else ring), motion.height, motion.width)
            )
        )
        for part in (outline.rings, outline.holes)
    )
    return Outline(rings, holes)


def _dense(ring: FloatArray) -> FloatArray:
    """A ring with points at most one pixel apart, so that a bending bends its sides too."""
    following = np.roll(ring, -1, axis=0)
    steps = np.maximum(np.ceil(np.hypot(*(following - ring).T)), 1).astype(np.intp)
    parts = [
        start + (end - start) * (np.arange(count) / count)[:, None]
        for start, end, count in zip(ring, following, steps.tolist(), strict=True)
    ]
    return np.concatenate(parts)


def clip_ring(ring: FloatArray, height: int, width: int) -> FloatArray:
    """The part of a ring inside the image's outer border, by Sutherland and Hodgman (1974).

    Parts of a concave ring stay joined along the border by sides that run there and back; by the even-odd
    rule these hold no pixel.

    Args:
        ring: (N, 2) px.
        height: Rows of the image.
        width: Columns of the image.

    Returns:
        (M, 2) px; (0, 2) where nothing is left.
    """
    for axis, limit, sign in ((0, -0.5, 1), (0, width - 0.5, -1), (1, -0.5, 1), (1, height - 0.5, -1)):
        depth = sign * (ring[:, axis] - limit)
        if not len(ring) or (depth >= 0).all():
            continue
        ring = _half(ring, depth)
    return ring if len(ring) > 2 and abs(ring_area(ring)) > _NO_AREA else np.zeros((0, 2))


def _half(ring: FloatArray, depth: FloatArray) -> FloatArray:
    """The part of a ring where ``depth``, linear along its sides, is not negative."""
    kept: list[FloatArray] = []
    for k in range(len(ring)):
        here, there, d0, d1 = ring[k], ring[(k + 1) % len(ring)], depth[k], depth[(k + 1) % len(ring)]
        if d0 >= 0:
            kept.append(here)
        if (d0 >= 0) != (d1 >= 0):
            kept.append(here + (there - here) * (d0 / (d0 - d1)))
    return np.array(kept).reshape(-1, 2)


def _box(item: Instance, motion: Motion, outline: Outline | None, points: Landmarks | None) -> Box:
    """The tightest box that is known: of the outline, of the points, or of the moved corners."""
    if outline is not None and item.outline is not None and _near(item.box, item.outline.box):
        return outline.box
    if (
        points is not None
        and item.landmarks is not None
        and not np.isnan(item.landmarks.xy).all()
        and _near(item.box, _points_box(item.landmarks.xy))
    ):
        return _points_box(points.xy)
    left, top, right, bottom = item.box
    corners = motion.points(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))
    low, high = np.array([-0.5, -0.5]), np.array([motion.width - 0.5, motion.height - 0.5])
    (x0, y0), (x1, y1) = np.clip(corners.min(axis=0), low, high), np.clip(corners.max(axis=0), low, high)
    return float(x0), float(y0), float(x1), float(y1)


def _near(one: Box, other: Box) -> bool:
    return bool(np.allclose(one, other, rtol=0, atol=_SAME_BOX))


def _points_box(xy: FloatArray) -> Box:
    (left, top), (right, bottom) = np.nanmin(xy, axis=0), np.nanmax(xy, axis=0)
    return float(left), float(top), float(right), float(bottom)
