"""Tiny films and a stand-in for the network, for batches in which only the machinery counts.

As a program it runs ``predict`` in a process of its own, which a test can kill:
``python -m tests.workflows.batch_films FILMS OUT key=value ...``
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from spinekit.cli.console import exit_code
from spinekit.core.errors import SpinekitError
from spinekit.core.image import Image
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Instance, Scene
from spinekit.schemas import load_schema
from spinekit.workflows import predict as workflow
from spinekit.workflows.reading import Reading

MODEL = "spine-ap-pose"
HEIGHT, WIDTH = 96, 64


def write_films(folder: Path, count: int, height: int = HEIGHT, width: int = WIDTH) -> Path:
    """Noisy grey PNG films in two sub-folders, no two alike."""
    for index in range(count):
        path = folder / "ab"[index % 2] / f"film-{index:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(index).integers(0, 255, (height, width), dtype=np.uint8)
        PillowImage.fromarray(pixels).save(path)
    return folder


class StandIn:
    """Reads a film in no time: bodies at places that its grey values decide.

    Args:
        model: Passed over, as all else is.
    """

    pause = 0.0

    def __init__(self, model: str = "", *_: object, **__: object) -> None:
        self.schema = load_schema("spine-ap")

    def read(self, image: Image) -> Reading:
        """Six bodies in a column; films whose first pixel is 0 are refused."""
        time.sleep(self.pause)
        if image.pixels[0, 0] == 0:
            return Reading(None, 0.0, "it begins with black", MODEL)
        shift = float(image.pixels.mean()) / 32
        items = tuple(
            _body(level, row, shift, self.schema.landmark_names) for row, level in enumerate(LEVELS)
        )
        scene = Scene(image.ref, self.schema, items, model=MODEL)
        return Reading(replace(scene, notes=("made up",)), 1.0, model=MODEL)


LEVELS = ("T10", "T11", "T12", "L1", "L2", "L3")


def _body(level: str, row: int, shift: float, names: tuple[str, ...]) -> Instance:
    left, top = 20 + shift * row, 4.0 + 14 * row
    xy = np.array([[left, top], [left + 20, top + shift], [left, top + 10], [left + 20, top + 10 + shift]])
    return Instance(
        level, (left, top, left + 20, top + 10 + shift), landmarks=landmarks(names, xy), score=0.9
    )


def main(words: list[str]) -> None:
    """Runs ``predict`` with the stand-in; options are JSON values."""
    films, out, *said = words
    options = {key: json.loads(value) for key, value in (word.split("=", 1) for word in said)}
    StandIn.pause = float(options.pop("pause", 0.0))
    setattr(workflow, "ModelChoice", StandIn)  # noqa: B010  (not exported)
    sources = [Path(films)]
    if "shuffle" in options:
        sources = sorted(path for path in Path(films).rglob("*") if path.is_file())
        random.Random(options.pop("shuffle")).shuffle(sources)
    settings = workflow.PredictSettings(sources=tuple(sources), out=Path(out), model=MODEL, **options)
    print("begun", flush=True)
    try:
        run = workflow.predict(settings, lambda done, total, name: print(done, total, name, flush=True))
    except KeyboardInterrupt as error:
        print(type(error).__name__, flush=True)
        os._exit(130)
    except SpinekitError as error:
        print(f"error: {error}", flush=True)
        sys.exit(exit_code(error))
    print(json.dumps({"earlier": run.earlier, "left_out": run.left_out, **run.record.counts()}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
