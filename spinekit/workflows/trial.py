"""A training to try out on synthetic films: about a minute, and a model that says something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.core.image import UInt8Array
from spinekit.core.scene import Raster, Scene
from spinekit.core.transform import resize_scene
from spinekit.files import write_bytes
from spinekit.formats.registry import annotation_format
from spinekit.models.canvas import shrink
from spinekit.schemas import load_schema
from spinekit.workflows.recipe import settings_of
from spinekit.workflows.seasoning import phantom_samples
from spinekit.workflows.split import write_split
from spinekit.workflows.train_settings import TrainSettings

SECONDS = 60.0
_FORMAT = "scenes"  # keeps outlines, landmarks and rasters alike
_TRAIN, _VAL = 20, 6


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is tried out for a task.

    Attributes:
        schema: What is learnt.
        side: Rows and columns of the canvas.
        longest: Longest side of the films in pixels.
    """

    schema: str
    side: int
    longest: int


_KINDS = {
    "pose": _Kind("orbit-4", 160, 256),
    "seg": _Kind("spine-ap-levels", 256, 512),
    "detect": _Kind("spine-ap-levels", 256, 512),
    "sem": _Kind("em-membrane", 256, 256),
}
_DRAWN_BY = {"spine-ap-levels": "spine-ap", "vertebrae": "spine-ap"}
"""Schemas whose phantoms are drawn from the corners of another."""


def trial_settings(given: Mapping[str, Any], out: Path) -> TrainSettings:
    """Draws synthetic films into ``out/films`` and gives the settings of a training on them.

    Args:
        given: Settings of the command line, among them the task.
        out: Folder of the run.

    Raises:
        UsageError: For an unknown task or setting, or a schema without synthetic films.
    """
    task = str(given["task"])
    if task not in _KINDS:
        settings_of(TrainSettings, {"name": "x", "data": ".", "schema": "x", **given}, "spinekit train")
    kind = _KINDS[task]
    content = {
        "name": f"trial-{task}",
        "schema": kind.schema,
        "imgsz": kind.side,
        "epochs": 40,
        "seconds": SECONDS,
        "learning_rate": 1e-3,
        **{key: value for key, value in given.items() if key != "data"},
        "data": str(out / "films"),
        "split": str(out / "films" / "split.csv"),
    }
    if "epochs" in given:
        content.pop("seconds")
    if "height" in given or "width" in given:
        content.pop("imgsz")
        content = {"height": kind.side, "width": kind.side, **content}
    settings = settings_of(TrainSettings, content, "spinekit train")
    drawn = _DRAWN_BY.get(settings.schema_name)
    if drawn is not None:
        settings = settings.model_copy(update={"data_schema": drawn})
    write_films(settings, out / "films", _TRAIN, _VAL, kind.longest)
    return settings


def write_films(settings: TrainSettings, folder: Path, train: int, val: int, longest: int) -> None:
    """Draws films with their truth and a split, as labelled data that any training can read.

    Args:
        settings: Give schema, schema of the labels and seed.
        folder: New; images, ``predictions.jsonl`` and ``split.csv`` come to lie in it.
        train: Films to train on.
        val: Films to choose by.
        longest: Longest side in pixels.
    """
    schema = load_schema(settings.schema_name)
    parts: dict[str, tuple[str, str]] = {}

    def films() -> Iterator[Scene]:
        drawn = phantom_samples(schema, settings.data_schema, train + val, settings.seed)
        for number, sample in enumerate(drawn):
            scene, pixels = _small(*sample, longest)
            done, encoded = cv2.imencode(".png", pixels)
            if not done:
                raise EnvironmentFaultError(f"{folder}: the PNG could not be encoded")
            name = scene.image.name
            write_bytes(folder / name, encoded.tobytes())
            parts[name] = ("val" if number >= train else "train", name)
            yield replace(scene, image=replace(scene.image, path=folder / name))

    write = annotation_format(_FORMAT).write
    if write is None:
        raise UsageError(f"format {_FORMAT}: cannot be written -- reinstall spinekit")
    write(films(), folder)
    write_split(folder / "split.csv", parts)


def _small(scene: Scene, pixels: UInt8Array, longest: int) -> tuple[Scene, UInt8Array]:
    """A film made smaller; labels of pixels are cut instead, since their structures are as fine as pixels."""
    if scene.raster is not None and scene.raster.labels is not None:
        labels, part = scene.raster.labels[:longest, :longest], pixels[:longest, :longest]
        image = replace(scene.image, height=part.shape[0], width=part.shape[1])
        return replace(scene, image=image, raster=Raster(labels=labels)), np.ascontiguousarray(part)
    factor = min(1.0, longest / max(pixels.shape))
    rows, columns = (max(1, round(side * factor)) for side in pixels.shape)
    return resize_scene(scene, rows, columns), shrink(pixels, rows, columns)


def own_command(settings: TrainSettings) -> str:
    """The command that trains the same on a user's own data."""
    return f"spinekit train --task {settings.task} --data MY_FILMS --schema {settings.schema_name}"
