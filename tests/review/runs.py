"""Runs to review, made without a model: the truth of synthetic films with a model's marks on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from spinekit.core.image import ImageRef
from spinekit.core.landmarks import Landmarks
from spinekit.core.scene import Author, Instance, Scene
from spinekit.files import sha256_of
from spinekit.formats.scenes import write
from spinekit.phantoms import membrane_tile, spine_ap, to_scene
from spinekit.schemas import load_schema

TOKEN = "a-token-for-tests"
MARKED = {"content-type": "application/json", "x-spinekit": "review", "x-spinekit-token": TOKEN}
LATER = "2026-01-02T03:04:05Z"


def predicted(scene: Scene, doubts: int = 0) -> Scene:
    """The truth as if a model had read it, with a doubt on so many bodies."""
    items = tuple(_by_model(item, doubtful=place < doubts) for place, item in enumerate(scene.instances))
    return replace(scene, instances=items, model="spine-ap-pose")


def _by_model(item: Instance, *, doubtful: bool) -> Instance:
    points = item.landmarks
    assert points is not None
    size = len(points.names)
    marked = Landmarks(
        points.names, points.xy, points.visibility, np.full(size, 0.9), np.full((size, 2), 1.5)
    )
    return replace(
        item,
        landmarks=marked,
        outline=None,
        score=0.8,
        author=Author.MODEL,
        flags=("corners are uncertain",) if doubtful else (),
    )


def spine_run(
    folder: Path, count: int = 3, *, schema: str = "spine-ap", rows: int = 480, names: tuple[str, ...] = ()
) -> Path:
    """A run of 16-bit frontal films in ``folder/run``, its films in ``folder/films``; the last is the most doubtful.

    Args:
        folder: To write below.
        count: Films.
        schema: ``spine-ap`` for corners, ``spine-ap-levels`` for masks.
        rows: Height of the films, px.
        names: Of the films; ``film-0.png`` and so on where left out.
    """
    films, run = folder / "films", folder / "run"
    films.mkdir(parents=True)
    scenes = []
    known = load_schema(schema)
    for index in range(count):
        phantom = spine_ap(7 + index, rows, cobb_deg=20.0 + 5 * index, bits=12)
        name = names[index] if names else f"film-{index}.png"
        path = films / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), phantom.pixels)
        ref = ImageRef(
            path,
            phantom.height,
            phantom.width,
            phantom.spacing,
            sha256=sha256_of(path),
            name=name,
            provenance={"window": "full range of 12 bits (largest value 4095)", "inversion": "none"},
        )
        scene = to_scene(phantom, ref, known)
        if known.landmarks:
            scene = predicted(scene, doubts=index)
        else:
            items = tuple(
                replace(item, landmarks=None, author=Author.MODEL, score=0.8) for item in scene.instances
            )
            scene = replace(scene, instances=items, model="spine-ap-seg")
        scenes.append(scene)
    write(scenes, run)
    record: dict[str, Any] = {"format": "spinekit-run", "version": 1, "images": ["../films"]}
    record["files"] = [
        {"name": scene.image.name, "status": "ok", "reason": "", "sha256": ""} for scene in scenes
    ]
    (run / "run.json").write_text(json.dumps(record), "utf-8")
    return run


def membrane_run(folder: Path) -> Path:
    """A run of one section with a class for every pixel."""
    films, run = folder / "films", folder / "run"
    films.mkdir(parents=True)
    phantom = membrane_tile(3)
    path = films / "section.png"
    cv2.imwrite(str(path), phantom.pixels)
    ref = ImageRef(path, phantom.height, phantom.width, sha256=sha256_of(path), name=path.name)
    scene = to_scene(phantom, ref, load_schema("em-membrane"))
    write([replace(scene, model="em-sem")], run)
    (run / "run.json").write_text(
        json.dumps({"format": "spinekit-run", "version": 1, "images": ["../films"]}), "utf-8"
    )
    return run


def refuse(run: Path, name: str, reason: str = "no model knows what this image shows") -> None:
    """Notes in a run that the models refused a film."""
    record = json.loads((run / "run.json").read_text("utf-8"))
    record["files"].append({"name": name, "status": "abstained", "reason": reason})
    (run / "run.json").write_text(json.dumps(record), "utf-8")
