"""Small labelled data sets for the tests of commands on them, written in spinekit's own lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from spinekit.core.image import ImageRef, UInt8Array
from spinekit.core.landmarks import Landmarks, landmarks
from spinekit.core.outline import to_outline
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.files import sha256_of
from spinekit.formats.registry import annotation_format

HEIGHT, WIDTH = 120, 90


def film(seed: int, height: int = HEIGHT, width: int = WIDTH) -> UInt8Array:
    """Smooth grey blobs, unlike those of any other seed."""
    coarse = np.random.default_rng(seed).integers(0, 255, (8, 8)).astype(np.uint8)
    return np.asarray(PillowImage.fromarray(coarse).resize((width, height), PillowImage.Resampling.BICUBIC))


def saved(path: Path, pixels: UInt8Array, name: str = "") -> ImageRef:
    """Pixels as PNG, and their reference."""
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.fromarray(pixels).save(path)
    height, width = pixels.shape
    return ImageRef(path, height, width, sha256=sha256_of(path), name=name or path.name)


def block(label: str, left: int, top: int, width: int = 20, height: int = 10) -> Instance:
    """A filled rectangle as an outline."""
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    mask[top : top + height, left : left + width] = True
    outline = to_outline(mask)
    return Instance(label, outline.box, outline)


def dots(schema: Schema, xy: Sequence[Sequence[float]], label: str = "") -> Instance:
    """An instance of points; NaN where one is absent."""
    points: Landmarks = landmarks(schema.landmark_names, np.array(xy, dtype=np.float64))
    (left, top), (right, bottom) = np.nanmin(points.xy, axis=0), np.nanmax(points.xy, axis=0)
    return Instance(label or schema.classes[0], (left, top, right, bottom), None, points)


def data_set(
    folder: Path,
    schema: Schema,
    films: Mapping[str, Sequence[Instance]],
    *,
    groups: Mapping[str, str] | None = None,
    persons: Mapping[str, Mapping[str, float | str]] | None = None,
    rasters: Mapping[str, Raster] | None = None,
    first_seed: int = 0,
    seeds: Mapping[str, int] | None = None,
) -> Path:
    """Writes images and ``predictions.jsonl`` into a folder, and returns it; films of one seed are the same."""
    scenes = []
    for seed, (name, instances) in enumerate(films.items(), start=first_seed):
        ref = saved(folder / name, film((seeds or {}).get(name, seed)), name)
        group = (groups or {}).get(name, "")
        raster = (rasters or {}).get(name)
        scenes.append(
            Scene(
                ref, schema, tuple(instances), raster, group=group, covariates=(persons or {}).get(name, {})
            )
        )
    writer = annotation_format("scenes").write
    assert writer is not None
    writer(scenes, folder)
    return folder
