"""What is added to the real films of a training.

Synthetic films, so that the samples that ship are read as well; and films of other kinds with nothing
marked in them, so that a model's certainty tells whether it was shown what it knows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from spinekit.core.errors import UsageError
from spinekit.core.image import ImageRef, UInt8Array
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.files import bundled
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import find_files, read_images
from spinekit.phantoms import (
    Phantom,
    membrane_tile,
    orbit_slice,
    skull_lateral,
    spine_ap,
    spine_lateral,
    to_scene,
)
from spinekit.schemas import load_schema
from spinekit.workflows.split import read_split

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
        ref = ImageRef(Path(name), phantom.height, phantom.width, name=name)
        yield to_scene(phantom, ref, source), pixels


def _make(schema: Schema, seed: int) -> Phantom:
    match schema.view:
        case "spine, frontal":
            return spine_ap(seed, height=1000 + seed % 5 * 250)
        case "spine, lateral":
            # All face one way: a recipe of lateral films says `either_facing`, and mirrors at reading.
            return spine_lateral(seed, height=1000 + seed % 5 * 150, facing="right")
        case "skull, lateral":
            return skull_lateral(seed)
        case "orbits, axial":
            return orbit_slice(seed)
        case "electron microscopy, section":
            return membrane_tile(seed)
    raise UsageError(f"there are no synthetic films for {schema.name} ({schema.view}) -- set phantoms: 0")


def negative_samples(
    schema: Schema, folders: Sequence[Path], each: int
) -> Iterator[tuple[Scene, UInt8Array]]:
    """Images that hold nothing of a schema, none of them from the val or test part of a set that has a split.

    Args:
        schema: What the model is to say of other images.
        folders: Of images of other kinds.
        each: How many of every folder; which ones is decided by a hash of their names.
    """
    for folder in folders:
        held_out = _held_out(folder)
        files = [
            found for found in find_files([folder]) if found.skip is None and found.path.name not in held_out
        ]
        files.sort(key=lambda found: hashlib.sha256(found.name.encode()).digest())
        for found in files[:each]:
            image = next(read_images(found.path, ReadOptions(root=found.root)))
            name = f"negative-{folder.parent.name}-{folder.name}-{found.name}"
            yield Scene(replace(image.ref, name=name), schema), image.pixels


def _held_out(folder: Path) -> set[str]:
    """Names of the films of a known data set that no model may train on, as anything."""
    for part in folder.resolve().parts:
        table = bundled("datasets") / part / "split.csv"
        if table.is_file():
            return {Path(name).name for name, side in read_split(table).items() if side != "train"}
    return set()
