"""Scenes made for looking at: a bent stack of bodies, a skull's points, an empty film."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from spinekit.core.image import FloatArray, Image, ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.measurement import Measurement, MeasurementGeometry, Status
from spinekit.core.outline import Outline
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import LandmarkDefinition, Schema

LEVELS = ("T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5")
SPINE = Schema(
    name="stack",
    version=1,
    title="A stack of bodies",
    task="pose",
    view="spine, frontal",
    classes=("vertebra",),
    levels=LEVELS,
    landmarks=tuple(LandmarkDefinition(name, name) for name in ("TL", "TR", "BL", "BR")),
    edges=(("TL", "TR"), ("TR", "BR"), ("BR", "BL"), ("BL", "TL")),
)
MEMBRANE = Schema("cells", 1, "", "sem", "section", ("cell", "membrane"))


@cache
def film(height: int, width: int, name: str = "film.png") -> Image:
    """A grey film with a gradient and some noise."""
    rows = np.linspace(40, 200, height)[:, None]
    noise = np.random.default_rng(0).normal(0, 6, (height, width))
    pixels = np.clip(rows + noise, 0, 255).astype(np.uint8)
    return Image(ImageRef(Path(name), height, width, name=name), pixels)


def corners(count: int, height: int, width: int, bend: float = 25.0) -> FloatArray:
    """(count, 4, 2) TL, TR, BL, BR of bodies along an arc in the middle of a film."""
    step = height / (count + 2)
    found = []
    for k in range(count):
        turn = np.radians(bend * (2 * k / max(1, count - 1) - 1))
        centre = np.array([width * (0.5 - 0.08 * np.cos(turn * 2)), step * (k + 1.5)])
        half_wide, half_high = 0.09 * min(width, height), 0.34 * step
        square = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]]) * [half_wide, half_high]
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        found.append(square @ rotation.T + centre)
    return np.array(found)


def stack(
    image: Image,
    flags: Mapping[str, tuple[str, ...]] | None = None,
    outlines: bool = False,
    missing: tuple[str, ...] = (),
) -> Scene:
    """Named bodies with corners, or with outlines instead."""
    items = []
    for label, xy in zip(LEVELS, corners(len(LEVELS), *image.pixels.shape), strict=True):
        if label in missing:
            continue
        (left, top), (right, bottom) = xy.min(axis=0), xy.max(axis=0)
        items.append(
            Instance(
                label,
                (float(left), float(top), float(right), float(bottom)),
                outline=Outline((xy[[0, 1, 3, 2]],)) if outlines else None,
                landmarks=None if outlines else landmarks(("TL", "TR", "BL", "BR"), xy),
                score=0.9,
                author=Author.MODEL,
                flags=(flags or {}).get(label, ()),
            )
        )
    return Scene(image.ref, SPINE, tuple(items), model="stack-pose")


def cobb(
    scene: Scene, upper: str, lower: str, name: str = "cobb_aasce_main", status: Status = Status.OK
) -> Measurement:
    """A plausible angle between the mid-lines of two bodies."""
    lines = {}
    for part, label in (("upper", upper), ("lower", lower)):
        item = scene.instance(label)
        assert item is not None
        assert item.landmarks is not None
        xy = item.landmarks.xy
        left, right = (xy[0] + xy[2]) / 2, (xy[1] + xy[3]) / 2
        lines[part] = ((float(left[0]), float(left[1])), (float(right[0]), float(right[1])))
    middle = np.array(list(lines.values())).mean(axis=(0, 1))
    return Measurement(
        name,
        41.06,
        "deg",
        "mid-lines",
        low=38.02,
        high=44.31,
        status=status,
        reason="near the edge" if status is Status.REVIEW else "",
        geometry=MeasurementGeometry(lines=lines, anchor=(float(middle[0]), float(middle[1]))),
        details={"upper end": upper, "lower end": lower},
    )


def pointed(
    image: Image, names: tuple[str, ...], xy: FloatArray, edges: tuple[tuple[str, str], ...] = ()
) -> Scene:
    """A single instance with named points."""
    schema = Schema(
        name="points",
        version=1,
        title="",
        task="pose",
        view="",
        classes=("skull",),
        landmarks=tuple(LandmarkDefinition(name, "") for name in names),
        edges=edges,
    )
    height, width = image.pixels.shape
    box = (0.0, 0.0, float(width), float(height))
    return Scene(image.ref, schema, (Instance("skull", box, landmarks=landmarks(names, xy)),))
