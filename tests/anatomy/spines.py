"""Spines whose every body is where it should be, to be spoilt by tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.outline import Outline
from spinekit.core.scene import Instance, Scene
from spinekit.schemas import load_schema

AP = load_schema("spine-ap")
LEVELS = AP.levels


def quads_of(seed: int = 0, bend: float = 20.0) -> FloatArray:
    """(17, 4, 2) corners TL, TR, BL, BR of a gently curved spine with a person's unsteadiness of 1 px."""
    random = np.random.default_rng(seed)
    quads = []
    for index in range(17):
        tilt = np.radians(bend) * np.sin(index / 16 * 2 * np.pi + seed)
        across = np.array([np.cos(tilt), np.sin(tilt)])
        down = np.array([-np.sin(tilt), np.cos(tilt)])
        width, height = 60 + 2 * index, 40 + index
        centre = np.array([300 + 60 * np.sin(index / 5 + seed), 100 + 75 * index])
        corners = [centre + x * across * width / 2 + y * down * height / 2 for y in (-1, 1) for x in (-1, 1)]
        quads.append(np.array(corners) + random.normal(0, 1, (4, 2)))
    return np.array(quads)


def scene_of(quads: FloatArray, name: str = "film.png", labels: tuple[str, ...] = LEVELS) -> Scene:
    """A scene of ``spine-ap`` with these bodies."""
    items = tuple(
        Instance(label, _box(quad), landmarks=landmarks(AP.landmark_names, quad))
        for label, quad in zip(labels, quads, strict=True)
    )
    return Scene(ImageRef(Path(name), 1500, 700, name=name), AP, items)


def outline_scene_of(quads: FloatArray, name: str = "film.png") -> Scene:
    """The same bodies as outlines of ``spine-ap-levels``, their corners told in another order."""
    items = tuple(
        Instance(label, _box(quad), Outline((quad[[3, 2, 0, 1]],)))
        for label, quad in zip(LEVELS, quads, strict=True)
    )
    return Scene(ImageRef(Path(name), 1500, 700, name=name), load_schema("spine-ap-levels"), items)


def _box(quad: FloatArray) -> tuple[float, float, float, float]:
    (left, top), (right, bottom) = np.nanmin(quad, axis=0), np.nanmax(quad, axis=0)
    return float(left), float(top), float(right), float(bottom)
