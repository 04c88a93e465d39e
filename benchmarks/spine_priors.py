"""Learns what spines look like by level (spinekit/schemas/spines) from the training parts of the data sets.

SPINEKIT_DATA=<folder of the data sets> python benchmarks/spine_priors.py
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from spinekit.anatomy.candidates import candidates
from spinekit.anatomy.learnt_prior import learnt_prior
from spinekit.core.image import FloatArray
from spinekit.core.scene import Scene
from spinekit.files import write_text
from spinekit.formats.plugin import LabelOptions
from spinekit.schemas.spine_prior import SpinePrior, lines, prior_of
from spinekit.workflows.labelled import open_labelled
from spinekit.workflows.split import read_split

FOLDER = Path("spinekit/schemas/spines")


def main() -> None:
    data = Path(os.environ["SPINEKIT_DATA"])
    FOLDER.mkdir(exist_ok=True)
    parts = read_split(Path("datasets/aasce2019/split.csv"))
    films = [
        scene
        for scene in read(data / "aasce2019", "aasce", "spine-ap")
        if parts.get(scene.image.name) == "train" and not scene.notes
    ]
    write("frontal", prior(films, f"AASCE 2019, training part, {len(films)} films", True))
    lateral = data / "spine_lateral"
    films = read(lateral / "coco_keypoints.json", None, "spine-lateral", lateral / "images")
    write("lateral", prior(films, f"{len(films)} lateral films, some with hardware", False))
    parts = read_split(Path("datasets/mri_lumbar/split.csv"))
    slices = [
        scene
        for scene in read(data / "mri_lumbar", "mask", "mri-lumbar", data / "mri_lumbar" / "images")
        if parts.get(Path(scene.image.name).name) == "train" and len(scene.instances) == 5
    ]
    write("lumbar-mri", prior(slices, f"MyoSegmenTUM, training part, {len(slices)} slices", False))


def read(source: Path, form: str | None, schema: str, images: Path | None = None) -> list[Scene]:
    return list(open_labelled(source, form, schema, LabelOptions(images))[1])


def prior(scenes: Sequence[Scene], learnt_from: str, symmetric: bool) -> SpinePrior:
    schema = scenes[0].schema
    films = [corners(scene) for scene in scenes]
    learnt = learnt_prior(schema.view, schema.levels, films, learnt_from, symmetric)
    return replace(
        learnt, evidence=prior_of(schema).evidence
    )  # weighed on films of their own, not learnt here


def corners(scene: Scene) -> FloatArray:
    """(L, 4, 2) of the bodies of a film; NaN for those that it does not show."""
    items, quads = candidates(scene)
    found = {item.label: quad for item, quad in zip(items, quads, strict=True)}
    return np.array([found.get(level, np.full((4, 2), np.nan)) for level in scene.schema.levels])


def write(name: str, found: SpinePrior) -> None:
    write_text(FOLDER / f"{name}.yaml", "\n".join(lines(found)) + "\n")


if __name__ == "__main__":
    main()
