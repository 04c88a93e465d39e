"""The models that ship read the samples that ship."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

import spinekit
from spinekit.anatomy.hidden import seen_alone
from spinekit.core.landmarks import Landmarks
from spinekit.core.measurement import Measurement
from spinekit.files import bundled
from spinekit.metrics import dice
from spinekit.models.weights import check_weights, find_card, shipped_names
from spinekit.phantoms import Facing, spine_lateral, to_scene
from spinekit.phantoms.phantom import SYNONYMS
from spinekit.schemas import load_schema
from spinekit.workflows.predict import Prediction, PredictRun
from spinekit.workflows.scoring import answers

SAMPLES = bundled("datasets") / "samples"
MODEL_OF = {
    "spine-ap": "spine-ap-pose",
    "skull-lateral": "ceph-pose",
    "orbit": "orbit-pose",
    "membrane": "em-sem",
}
FILMS = sorted(
    path.name for path in SAMPLES.iterdir() if ".truth." not in path.name and path.suffix != ".yaml"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> PredictRun:
    return spinekit.predict(SAMPLES, out=tmp_path_factory.mktemp("run") / "out", report=False, overlays=False)


def of_film(run: PredictRun, film: str) -> Prediction:
    return next(p for p in run.predictions if p.image.path.name == film)


def truth(film: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((SAMPLES / f"{Path(film).stem}.truth.json").read_text("utf-8"))
    return content


def kind(film: str) -> str:
    return Path(film).stem.rsplit("-", 1)[0]


@pytest.mark.parametrize("name", shipped_names())
def test_every_card_fits_its_weights(name: str) -> None:
    card = find_card(name)
    assert check_weights(card).name == card.schema
    assert card.figures, "a model that ships says how good it is"


@pytest.mark.parametrize("film", FILMS)
def test_auto_picks_the_model_that_fits(run: PredictRun, film: str) -> None:
    prediction = of_film(run, film)
    assert prediction.refusal == ""
    assert prediction.scene is not None
    assert prediction.scene.model == MODEL_OF[kind(film)]


@pytest.mark.parametrize("film", [film for film in FILMS if kind(film) == "spine-ap"])
def test_main_cobb_angle_within_5_degrees(run: PredictRun, film: str) -> None:
    results = {r.name: r for r in of_film(run, film).results if isinstance(r, Measurement)}
    assert results["cobb_aasce_main"].value == pytest.approx(truth(film)["facts"]["cobb_deg"], abs=5)


@pytest.mark.parametrize("film", [film for film in FILMS if kind(film) in {"skull-lateral", "orbit"}])
def test_points_within_2_percent_of_the_height(run: PredictRun, film: str) -> None:
    scene = of_film(run, film).scene
    assert scene is not None
    found = scene.instances[0].landmarks
    assert found is not None
    wanted = points_of(truth(film), found)
    error = np.linalg.norm(found.xy - wanted, axis=1) / scene.image.height
    assert error.mean() < 0.02


def points_of(content: dict[str, Any], found: Landmarks) -> np.ndarray[Any, np.dtype[np.float64]]:
    (thing,) = content["points"].values()
    return np.array([thing.get(name) or thing[SYNONYMS[name]] for name in found.names], dtype=np.float64)


@pytest.mark.parametrize("film", [film for film in FILMS if kind(film) == "membrane"])
def test_membranes_overlap(run: PredictRun, film: str) -> None:
    scene = of_film(run, film).scene
    assert scene is not None
    raster = scene.raster
    assert raster is not None
    assert raster.labels is not None
    true = np.asarray(PillowImage.open(SAMPLES / f"{Path(film).stem}.truth.png")) == 0
    assert dice(raster.labels > 0, true) >= 0.8


@pytest.mark.parametrize(("seed", "facing"), [(1 << 33, "left"), (1 + (1 << 33), "right")])
def test_a_drawn_lateral_film_is_known_and_read_whichever_way_it_faces(
    tmp_path: Path, seed: int, facing: Facing
) -> None:
    film = spine_lateral(seed, height=1000, part="whole", facing=facing)
    path = tmp_path / "lateral.png"
    PillowImage.fromarray(film.pixels).save(path)
    run = spinekit.predict(path, out=tmp_path / "out", report=False, overlays=False)
    scene = run.predictions[0].scene
    assert scene is not None
    assert scene.model == "vertebrae-pose"
    ref = replace(scene.image, height=film.height, width=film.width)
    pairs = answers(to_scene(film, ref, load_schema("spine-lateral")), seen_alone(scene)).pairs
    assert sum(answer is not None for _, answer in pairs) >= 22
