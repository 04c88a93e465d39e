"""What a recipe may be silent of, and what is then chosen."""

from __future__ import annotations

import pytest

from spinekit.models.canvas import Canvas
from spinekit.models.history import EpochReport
from spinekit.models.training import TrainingPlan
from spinekit.schemas import load_schema, schema_names
from spinekit.workflows.recipe import settings_of
from spinekit.workflows.train_settings import AUGMENTATIONS, TrainSettings, with_preset

LEAST = {"name": "x", "task": "pose", "data": "d", "schema": "orbit-4"}


def settings(**more: object) -> TrainSettings:
    return settings_of(TrainSettings, {**LEAST, **more}, "recipe.yaml")


@pytest.mark.parametrize("name", schema_names())
def test_presets_are_within_bounds_and_flip_only_what_may_be_met(name: str) -> None:
    schema = load_schema(name)
    chosen = with_preset(settings(task=schema.task, schema=name), schema)
    assert chosen.augment is not None
    assert settings(augment=chosen.augment).augment == chosen.augment  # all known, all within bounds
    assert "mosaic" not in chosen.augment
    assert set(chosen.augment) <= set(AUGMENTATIONS)
    if schema.task == "pose":
        assert (chosen.augment.get("fliplr", 0) > 0) == bool(schema.mirrored)
        assert chosen.sigma_start is not None
        assert chosen.sigma_end is not None
        assert chosen.sigma_start >= chosen.sigma_end >= 0.025
    if "lateral" in schema.view or "sagittal" in schema.view:
        assert chosen.augment.get("fliplr", 0) == 0


def test_what_a_recipe_says_stays() -> None:
    said = settings(augment={"degrees": 3.0}, sigma_end=0.04, sigma_start=0.2)
    assert with_preset(said, load_schema("orbit-4")) == said
    assert with_preset(settings(augment={}), load_schema("orbit-4")).augment == {}


def test_imgsz_sets_both_sides_and_gives_way_to_either() -> None:
    assert (settings(imgsz=320).height, settings(imgsz=320).width) == (320, 320)
    assert (settings(imgsz=320, height=640).height, settings(imgsz=320, height=640).width) == (640, 320)


def test_pixels_are_learnt_by_the_small_net_unless_another_is_named() -> None:
    assert settings(task="sem", schema="em-membrane").model == "unet"
    assert settings(task="sem", schema="em-membrane", model="yolo26n").model == "yolo26n"
    assert settings().model == "yolo11n"


def test_a_device_may_be_a_number() -> None:
    assert settings(device=0).device == "0"


@pytest.mark.parametrize(("patience", "over"), [(0, False), (2, True), (3, False)])
def test_patience_counts_from_the_best_epoch(patience: int, over: bool) -> None:
    from spinekit.models.unet_training import _over

    plan = TrainingPlan("sem", "unet", None, Canvas(64, 64), 9, 1, 1e-3, 0, patience=patience)
    scores = (0.2, 0.5, 0.4, 0.5)  # the first of equals is the best
    history = [EpochReport(k, 9, {}, {}, score) for k, score in enumerate(scores, start=1)]
    assert _over(plan, history, 0.0) == over
