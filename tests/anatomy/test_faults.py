"""Spines with a single fault: drawn ones, and the truth of real films where they are at hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from spinekit.anatomy.candidates import quad_of
from spinekit.core.image import FloatArray
from spinekit.core.scene import Scene
from spinekit.formats.plugin import LabelOptions
from spinekit.schemas import load_schema
from spinekit.schemas.spine_prior import prior_of
from spinekit.workflows.labelled import open_labelled
from tests.anatomy.drawn import drawn_spine
from tests.anatomy.faults import FAULTS, recovered
from tests.formats.annotation_samples import real_data

WANTED = 0.95
FILMS = 24


def share(films: Sequence[FloatArray], fault: str, schema: str, levels: tuple[str, ...]) -> float:
    names = load_schema(schema)
    found = []
    for number, quads in enumerate(films):
        spoilt = FAULTS[fault](quads, np.random.default_rng([number, 0]))
        found.append(recovered(quads, spoilt, names, levels))
    return float(np.mean(found))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("schema", ["spine-ap", "spine-lateral"])
def test_single_faults_of_drawn_spines_are_mended(schema: str, fault: str) -> None:
    prior = prior_of(load_schema(schema))
    films = [drawn_spine(prior, seed) for seed in range(FILMS)]
    assert share(films, fault, schema, prior.levels) >= WANTED


def labelled(source: Path, form: str | None, schema: str, images: Path | None = None) -> list[Scene]:
    return [
        scene for scene in open_labelled(source, form, schema, LabelOptions(images))[1] if not scene.notes
    ]


def corners(scene: Scene, levels: tuple[str, ...]) -> FloatArray:
    quads = []
    for level in levels:
        item = scene.instance(level)
        quad = None if item is None else quad_of(item, scene.schema)
        assert quad is not None
        quads.append(quad)
    return np.array(quads)


@pytest.mark.parametrize("fault", FAULTS)
def test_single_faults_of_real_frontal_spines_are_mended(fault: str) -> None:
    scenes = labelled(real_data() / "aasce2019", "aasce", "spine-ap")
    levels = load_schema("spine-ap").levels
    films = [corners(scene, levels) for scene in scenes[:: max(1, len(scenes) // 40)]]
    assert share(films, fault, "spine-ap", levels) >= WANTED


@pytest.mark.parametrize("fault", FAULTS)
def test_single_faults_of_real_lateral_spines_are_mended(fault: str) -> None:
    folder = real_data() / "spine_lateral"
    scenes = labelled(folder / "coco_keypoints.json", None, "spine-lateral", folder / "images")
    # The set gives C2 and S1 one endplate alone.
    levels = load_schema("spine-lateral").levels[1:-1]
    films = [corners(scene, levels) for scene in scenes] * 2
    assert share(films, fault, "spine-lateral", levels) >= WANTED
