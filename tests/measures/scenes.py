"""Scenes with known geometry, made in memory."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from spinekit.core.body_points import BODY_POINTS
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing
from spinekit.phantoms.profile import LEVELS, POINTS, Curves, lateral_profile
from spinekit.schemas import load_schema

CORNERS = ("TL", "TR", "BL", "BR")
# Tilts of the reference spines, top to bottom, + = right side lower, degrees.
UPPER = (0, 2, 4, 7, 10, 12, 12, 9, 5, 0, -5, -9, -12, -12, -8, -4, 0)
LOWER = (0, 4, 8, 12, 12, 8, 2, -4, -10, -14, -14, -8, 0, 8, 14, 16, 12)
TRIPLE = (-8, -14, -16, -10, -2, 6, 14, 20, 20, 14, 6, -2, -8, -12, -12, -8, -4)
STRAIGHT = (0,) * 17
CEPH = {
    "S": (100, 100),
    "N": (170, 88),
    "A": (165, 150),
    "B": (158, 190),
    "Pog": (160, 210),
    "Gn": (156, 218),
    "Me": (150, 220),
    "Go": (95, 195),
    "Po": (80, 118),
    "Or": (150, 116),
    "Ar": (90, 140),
}
ORBIT = {"P1": (168, 112), "P2": (232, 84), "P3": (297, 82), "P4": (367, 110)}
HEIGHT = 1200


def turned(degrees: float) -> FloatArray:
    """Matrix that turns row vectors from x towards y."""
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def spine_corners(tilts: Sequence[float], wedge: float = 0.0) -> FloatArray:
    """(n, 4, 2) corners: bodies 60 x 40 px with gaps of 12, each centre down the bisector of the normals."""
    centre = np.array([300.0, 60.0])
    bodies = []
    for i, tilt in enumerate(tilts):
        if i:
            centre = centre + np.array([0.0, 52.0]) @ turned((tilts[i - 1] + tilt) / 2)
        body = []
        for side, extra in ((-1, wedge), (1, -wedge)):
            middle = centre + np.array([0.0, side * 20.0]) @ turned(tilt)
            half = np.array([30.0, 0.0]) @ turned(tilt + extra)
            body += [middle - half, middle + half]
        bodies.append(body)
    return np.array(bodies)


def image(spacing: Spacing | None = None, height: int = HEIGHT, aspect: float = 1.0) -> ImageRef:
    return ImageRef(Path("film.png"), height, 600, spacing, aspect)


def spine(
    corners: FloatArray,
    *,
    levels: bool = True,
    schema: str = "spine-ap",
    ref: ImageRef | None = None,
    spread: float | None = None,
) -> Scene:
    """A frontal spine; NaN corners are absent."""
    used = load_schema(schema)
    sigma = None if spread is None else np.full((4, 2), spread)
    items = tuple(
        Instance(
            level if levels else "vertebra", (0, 0, 1, 1), landmarks=landmarks(CORNERS, body, spread=sigma)
        )
        for level, body in zip(used.levels, corners, strict=False)
    )
    return Scene(ref or image(), used, items)


def head(
    points: Mapping[str, Sequence[float] | FloatArray],
    schema: Schema | str,
    *,
    ref: ImageRef | None = None,
    spread: float | None = None,
) -> Scene:
    """A scene with one instance; points not given are absent."""
    used = load_schema(schema) if isinstance(schema, str) else schema
    xy = np.full((len(used.landmarks), 2), np.nan)
    for name, point in points.items():
        resolved = used.resolve(name)
        assert resolved is not None, name
        xy[used.landmark_names.index(resolved)] = point
    sigma = None if spread is None else np.full(xy.shape, spread)
    item = Instance(used.classes[0], (0, 0, 1, 1), landmarks=landmarks(used.landmark_names, xy, spread=sigma))
    return Scene(ref or image(), used, (item,))


def any_scene(schema: Schema, seed: int) -> Scene:
    """A scene on which every measurement of a schema has a value: a spine, or scattered points."""
    if schema.levels and schema.view.endswith(("lateral", "sagittal MRI")):
        return side_view(schema, seed)
    if schema.levels:
        front = replace(image(), hints={"view": "AP"})
        labels = load_schema("spine-ap").levels
        scene = spine(spine_corners((LOWER, TRIPLE)[seed % 2]), ref=front)
        named = (replace(item, label=level) for item, level in zip(scene.instances, labels, strict=True))
        return replace(scene, schema=schema, instances=tuple(named))
    points = {}
    for name in schema.landmark_names:
        random = np.random.default_rng([seed, zlib.crc32(name.encode())])
        points[name] = random.uniform(100, 500, 2)
    return head(points, schema)


def side_view(schema: Schema, seed: int) -> Scene:
    """A lateral spine of whatever levels and points a schema has; of masks with the points fitted to them."""
    random = np.random.default_rng(seed)
    profile = lateral_profile(Curves(*random.uniform((45, 20, 0, 25, 5), (75, 55, 25, 50, 25))))
    middle = np.array([300.0, 900.0])
    bodies = dict(zip(LEVELS, profile.corners + middle, strict=True))
    middles = dict(zip(LEVELS, profile.middles + middle, strict=True))
    hips = dict(zip(("FH1", "FH2"), profile.hips + middle, strict=True))
    items = []
    for level in schema.levels:
        if level in bodies:
            body = bodies[level]
            fitted = body + random.normal(0, 0.3, body.shape)
            points = dict(zip(POINTS, body, strict=True))
            if not schema.landmarks:
                points = dict(zip(BODY_POINTS, [*body, *middles[level], *fitted], strict=True))
            lost = {
                "C2": ("sup", "TL", "TR", "TM", "STL", "STR"),
                "S1": ("inf", "BL", "BR", "BM", "SBL", "SBR"),
            }
            kept = {
                name: xy for name, xy in points.items() if not name.startswith(lost.get(level, ("none",)))
            }
        elif level in hips:
            kept = {"centre": hips[level]}
        else:
            continue
        names = schema.landmark_names or (tuple(kept) if level in hips else BODY_POINTS)
        xy = np.array([kept.get(name, np.full(2, np.nan)) for name in names])
        items.append(Instance(level, (0, 0, 1, 1), landmarks=landmarks(names, xy)))
    return Scene(image(), schema, tuple(items))


def moved(
    scene: Scene, matrix: FloatArray, shift: Sequence[float] = (0, 0), ref: ImageRef | None = None
) -> Scene:
    """The scene with all points xy @ matrix + shift, of the same view on whatever image."""
    items = []
    for item in scene.instances:
        assert item.landmarks is not None
        xy = item.landmarks.xy @ matrix + np.asarray(shift)
        items.append(replace(item, landmarks=replace(item.landmarks, xy=xy)))
    shown = scene.image if ref is None else replace(ref, hints=scene.image.hints)
    return replace(scene, instances=tuple(items), image=shown)


def _swapped_sides(names: Sequence[str]) -> list[int]:
    other = {"L": "R", "R": "L"}
    return [names.index(name[:-1] + other.get(name[-1], name[-1])) for name in names]


def mirrored(scene: Scene) -> Scene:
    """The scene as in a film turned over: x runs the other way and mirrored names change places."""
    items = []
    for item in scene.instances:
        assert item.landmarks is not None
        flip = list(scene.schema.flip_index()) or _swapped_sides(item.landmarks.names)
        xy = item.landmarks.xy[flip] * np.array([-1.0, 1.0]) + np.array([scene.image.width - 1.0, 0.0])
        items.append(replace(item, landmarks=landmarks(item.landmarks.names, xy)))
    return replace(scene, instances=tuple(items))


def relabelled(scene: Scene) -> Scene:
    """The scene with all points where they are, but the mirrored names changing places."""
    items = []
    for item in scene.instances:
        assert item.landmarks is not None
        flip = list(scene.schema.flip_index()) or _swapped_sides(item.landmarks.names)
        items.append(replace(item, landmarks=landmarks(item.landmarks.names, item.landmarks.xy[flip].copy())))
    return replace(scene, instances=tuple(items))


def without(scene: Scene, name: str, only: int | None = None) -> Scene:
    """The scene with one landmark absent in all instances, or in one of them."""
    items = []
    for i, item in enumerate(scene.instances):
        assert item.landmarks is not None
        xy = item.landmarks.xy.copy()
        if only in (None, i) and name in item.landmarks.names:
            xy[item.landmarks.index(name)] = np.nan
        items.append(
            replace(item, landmarks=landmarks(item.landmarks.names, xy, spread=item.landmarks.spread))
        )
    return replace(scene, instances=tuple(items))
