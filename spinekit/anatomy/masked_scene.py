"""Scenes of masks with the corners that measurements need."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spinekit.anatomy.mask_corners import BodyShape, body_shapes
from spinekit.core.body_points import BODY_POINTS, CORNERS
from spinekit.core.geometry import calibrated
from spinekit.core.image import FloatArray
from spinekit.core.landmarks import landmarks
from spinekit.core.outline import Outline, ring_area
from spinekit.core.scene import Instance, Scene

# What a quadrilateral is no picture of: the atlas is a ring, a femoral head round; the dens stands on C2, the sacrum
# goes on.
_NO_BODY = frozenset({"C1", "FH1", "FH2"})
_ONE_PLATE = {"C2": ("TL", "TR", "TM", "STL", "STR"), "S1": ("BL", "BR", "BM", "SBL", "SBR")}


def with_corners(scene: Scene) -> Scene:
    """The scene with corners, endplate lines and endplate middles for every body that has only a mask.

    Each such body gets the landmarks `spinekit.core.body_points.BODY_POINTS` in the viewer's frame, fitted to its
    outline (`spinekit.anatomy.mask_corners.body_shapes`); the direction of the spine comes from the centres of
    its neighbours. A doubtful fit puts its doubts on the instance as flags, so that what is measured there is to be
    looked at. Bodies that have landmarks keep them; of C2 only the lower endplate is given, of S1 only the upper
    one, of C1 nothing.

    Args:
        scene: Of a person or a model. Where its schema has no levels it is returned as it is.

    Returns:
        The scene itself where no mask needs corners; otherwise a copy for measuring. Its schema is unchanged, so
        it is not a scene to be written to a file.
    """
    levels = scene.schema.levels
    wanted = [item for item in scene.instances if _lacks_corners(item)]
    if not levels or not wanted:
        return scene
    scale = calibrated(np.ones(2), scene.image)
    scale = scale / scale[0]
    ways: dict[int, FloatArray] = {}
    for reader in dict.fromkeys(item.reader for item in scene.instances):
        items = [item for item in scene.instances if item.reader == reader and item.label not in _NO_BODY]
        ways |= _ways(items, levels, scale)
    bodies = [item for item in wanted if item.label not in _NO_BODY]
    shapes = body_shapes([(_level(item.outline, scale), ways.get(id(item))) for item in bodies])
    found = {id(item): _cornered(item, shape, scale) for item, shape in zip(bodies, shapes, strict=True)}
    return replace(scene, instances=tuple(found.get(id(item), item) for item in scene.instances))


def _lacks_corners(item: Instance) -> bool:
    return item.outline is not None and (item.landmarks is None or not item.landmarks.names)


def _ways(items: list[Instance], levels: tuple[str, ...], scale: FloatArray) -> dict[int, FloatArray]:
    """(2,) direction of the spine at each body, by the identity of its instance."""
    placed = [(item, centre) for item in items if (centre := _centre(item, scale)) is not None]
    if all(item.label in levels for item, _ in placed):
        placed.sort(key=lambda pair: (levels.index(pair[0].label), float(pair[1][1])))
    else:
        placed.sort(key=lambda pair: float(pair[1][1]))
    if len(placed) < 2:
        return {}
    centres = np.array([centre for _, centre in placed])
    steps = np.diff(centres, axis=0)
    found = {}
    for index, (item, _) in enumerate(placed):
        # The steps to both neighbours, each as a direction: a large gap counts no more than a small one.
        near = steps[max(index - 1, 0) : index + 1]
        lengths = np.maximum(np.linalg.norm(near, axis=1, keepdims=True), 1e-9)
        way = (near / lengths).sum(axis=0)
        if float(np.hypot(way[0], way[1])) > 1e-6:
            found[id(item)] = np.asarray(way)
    return found


def _centre(item: Instance, scale: FloatArray) -> FloatArray | None:
    """(2,) middle of a body's corners, or of the box of its largest part."""
    marks = item.landmarks
    if marks is not None and set(CORNERS) <= set(marks.names):
        corners = marks.xy[[marks.index(name) for name in CORNERS]]
        return None if bool(np.isnan(corners).any()) else np.asarray(corners.mean(axis=0) * scale)
    if item.outline is None or not item.outline.rings:
        return None
    rings = item.outline.rings
    ring = rings[0] if len(rings) == 1 else max(rings, key=lambda one: abs(ring_area(one)))
    if not bool(np.isfinite(ring).all()):
        return None
    return np.asarray((ring.min(axis=0) + ring.max(axis=0)) / 2 * scale)


def _level(outline: Outline | None, scale: FloatArray) -> Outline:
    """An outline in isotropic coordinates."""
    if outline is None:
        return Outline(())
    if scale[1] == 1:
        return outline
    return Outline(
        tuple(ring * scale for ring in outline.rings), tuple(hole * scale for hole in outline.holes)
    )


def _cornered(item: Instance, shape: BodyShape | None, scale: FloatArray) -> Instance:
    """A body with the points fitted to its outline; without any where there is nothing to fit."""
    if shape is None:
        return replace(item, flags=(*item.flags, "the mask has no four borders"))
    points = _points(shape) / scale
    points[[BODY_POINTS.index(name) for name in _ONE_PLATE.get(item.label, ())]] = np.nan
    doubts = () if item.label in _ONE_PLATE else tuple(f"corners from the mask: {d}" for d in shape.doubts)
    return replace(item, landmarks=landmarks(BODY_POINTS, points), flags=(*item.flags, *doubts))


def _points(shape: BodyShape) -> FloatArray:
    """(10, 2) in the order of `BODY_POINTS`."""
    return np.concatenate([shape.corners, shape.middles, shape.plates])
