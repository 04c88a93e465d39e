"""Synthetic films among the real ones of a training, so that the samples that ship are read as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spinekit.core.errors import UsageError
from spinekit.core.image import ImageRef, UInt8Array
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.phantoms import Phantom, membrane_tile, orbit_slice, skull_lateral, spine_ap, to_scene
from spinekit.schemas import load_schema

_FIRST_SEED = 100_000  # far from the seeds of the samples, which must stay unseen


def phantom_samples(
    schema: Schema, data_schema: str | None, count: int, seed: int
) -> Iterator[tuple[Scene, UInt8Array]]:
    """Labelled phantoms of the kind that a schema describes.

    Args:
        schema: What the model is to say.
        data_schema: What the labels say, where it differs.
        count: How many.
        seed: Of the training.
    """
    source = load_schema(data_schema) if data_schema else schema
    for index in range(count):
        phantom = _make(schema, _FIRST_SEED + 1000 * seed + index)
        pixels = phantom.pixels.astype(np.uint8)
        name = f"phantom-{index:04d}.png"
        ref = ImageRef(Path(name), *pixels.shape, name=name)
        yield to_scene(phantom, ref, source), pixels


def _make(schema: Schema, seed: int) -> Phantom:
    match schema.view:
        case "spine, frontal":
            return spine_ap(seed, height=1000 + seed % 5 * 250)
        case "skull, lateral":
            return skull_lateral(seed)
        case "orbits, axial":
            return orbit_slice(seed)
        case "electron microscopy, section":
            return membrane_tile(seed)
    raise UsageError(f"there are no synthetic films for {schema.name} ({schema.view}) -- set phantoms: 0")
