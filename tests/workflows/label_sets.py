"""Small labelled data sets for the tests of what works on annotations of any format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from spinekit.core.image import ImageRef
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.files import sha256_of
from spinekit.formats.registry import annotation_format
from tests.formats.annotation_samples import CORNERS, POSE, body, save_image

SQUARE: list[list[float]] = [[2.0, 3.0], [12, 4], [3, 13], [13, 14]]


def pose_scene(folder: Path, name: str = "a.png", levels: tuple[str, ...] = ("L1", "L2")) -> Scene:
    """A scene of bodies, each a little below the one before."""
    bodies = [body(level, [[x, y + 5.0 * index] for x, y in SQUARE]) for index, level in enumerate(levels)]
    return Scene(save_image(folder / "images" / name), POSE, tuple(bodies))


def label_set(folder: Path, scenes: list[Scene], form: str = "scenes") -> Path:
    """Annotations of a format beside ``images/``; the folder of the annotations."""
    write = annotation_format(form).write
    assert write is not None
    write(scenes, folder / form)
    return folder / form


def by_reader(
    item: Instance, reader: str, shift: tuple[float, float], without: tuple[str, ...] = ()
) -> Instance:
    """The same body by another reader, moved, some of its points not placed."""
    points = item.landmarks
    assert points is not None
    xy = points.xy + np.array(shift)
    visibility = points.visibility.copy()
    for name in without:
        xy[CORNERS.index(name)] = np.nan
        visibility[CORNERS.index(name)] = Visibility.ABSENT
    left, top, right, bottom = item.box
    box = (left + shift[0], top + shift[1], right + shift[0], bottom + shift[1])
    return replace(item, landmarks=Landmarks(CORNERS, xy, visibility), box=box, reader=reader)


def deep_png(path: Path, height: int = 30, width: int = 40) -> ImageRef:
    """A 16-bit PNG of 12-bit values, which most tools show as black."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.linspace(0, 4095, height * width).reshape(height, width).astype(np.uint16)
    PillowImage.fromarray(values).save(path)
    return ImageRef(path, height, width, sha256=sha256_of(path), name=path.name)


def plain(schema: Schema, classes: tuple[str, ...]) -> Schema:
    """A schema with other classes and no levels."""
    return replace(schema, classes=classes, levels=())
