"""predict, agreement and strata measure what a model of masks finds."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

import spinekit
from spinekit.core.image import Image
from spinekit.core.scene import Scene
from spinekit.workflows.reading import ModelChoice, Reading
from spinekit.workflows.score_agreement import AgreementTally
from spinekit.workflows.scoring import Pair
from spinekit.workflows.strata import stratum_values
from tests.measures.columns import lateral_profile, masked


@pytest.fixture(scope="module")
def slice_of_masks() -> Scene:
    """Lumbar bodies as masks alone, as a model of masks gives them."""
    scene = masked(lateral_profile())
    return replace(
        scene, instances=tuple(replace(item, landmarks=None, flags=()) for item in scene.instances)
    )


def test_masks_are_measured_and_written_as_masks_alone(
    slice_of_masks: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = slice_of_masks.image
    pixels = np.random.default_rng(1).integers(0, 255, (picture.height, picture.width), dtype=np.uint8)
    PillowImage.fromarray(pixels).save(tmp_path / "slice.png")

    def read(_: ModelChoice, image: Image) -> Reading:
        return Reading(replace(slice_of_masks, image=image.ref), 1.0, model="mri-lumbar-seg")

    monkeypatch.setattr(ModelChoice, "read", read)
    run = spinekit.predict(tmp_path / "slice.png", out=tmp_path / "out", report=False)
    with (tmp_path / "out" / "measurements.csv").open(newline="", encoding="utf-8") as stream:
        found = {row["name"]: row for row in csv.DictReader(stream)}
    assert float(found["lumbar_lordosis_l1_l5"]["value"]) > 5
    assert float(found["body_depth_l3"]["value"]) > 10
    (prediction,) = run.predictions
    assert prediction.scene is not None
    assert all(item.landmarks is None for item in prediction.scene.instances)


def test_masks_agree_and_part_films_by_what_they_measure(slice_of_masks: Scene) -> None:
    value = stratum_values("lumbar_lordosis_l1_l5", slice_of_masks.schema, None)(slice_of_masks)
    assert isinstance(value, float)
    tally = AgreementTally()
    for name in "abc":
        tally.add(Pair(name, slice_of_masks, slice_of_masks))
    section = tally.section()
    assert section is not None
    assert section.parts["lumbar_lordosis_l1_l5 (deg)"][0].value == pytest.approx(0)
    assert len(section.charts) == 3
    assert section.notes[-1].startswith("Drawn are the first 27 of ")
