"""A close look is trained beside a first one, and the folder it leaves is a model."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.core.scene import Instance, Scene
from spinekit.files import bundled
from spinekit.formats.reading import read_images
from spinekit.models.close_net import load_close
from spinekit.models.history import EpochReport
from spinekit.models.load import load_reader
from spinekit.models.weights import find_card
from spinekit.workflows.recipe import settings_of
from spinekit.workflows.samples import write_samples
from spinekit.workflows.train_close import (
    CloseRecipe,
    TrainedClose,
    read_close_recipe,
    resume_close_look,
    train_close_look,
)
from tests.workflows.test_train import predict_truth

LEAST = {
    "name": "orbit-close", "task": "close", "first": "orbit-pose", "schema": "orbit-4", "format": "via",
    "images": "../films", "zoom": 24.0, "side": 96, "views": [1.0], "epochs": 1, "batch": 2,
}  # fmt: skip


def recipe_of(folder: Path, **more: object) -> CloseRecipe:
    """A recipe over six synthetic slices, four to learn from."""
    write_samples(folder / "films", count=6, seed=3, kinds=("orbit",))
    data = predict_truth(folder)
    names = sorted(path.name for path in (folder / "films").glob("*") if ".truth." not in path.name)
    with (folder / "split.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(("name", "group", "part"))
        rows.writerows((name, name, "val" if index > 3 else "train") for index, name in enumerate(names))
    content = {**LEAST, "data": str(data), "split": str(folder / "split.csv"), **more}
    return settings_of(CloseRecipe, content, "recipe.yaml")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedClose:
    folder = tmp_path_factory.mktemp("close")
    return train_close_look(recipe_of(folder), folder / "run")


def test_the_folder_is_a_model_that_reads(trained: TrainedClose) -> None:
    card = find_card(str(trained.model))
    assert [close.path.name for close in card.close][-1].startswith("close-")
    assert card.figures is None, "the first look's figures do not hold any more"
    film = bundled("datasets") / "samples" / "orbit-02.png"
    image = next(read_images(film))
    reader = load_reader(str(trained.model))
    scene = reader.read(image)
    closer = reader.look_closer(scene, image)
    points = closer.instances[0].landmarks
    assert points is not None
    assert points.spread is not None
    assert np.isfinite(points.spread).all()
    record = json.loads((trained.model / f"run-{card.close[-1].path.stem}.json").read_text("utf-8"))
    assert len(record["epochs"]) == 1
    assert "/" not in record["settings"]["data"]


def test_a_changed_close_look_is_refused(trained: TrainedClose, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    copy.mkdir()
    for path in trained.model.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    last = find_card(str(copy)).close[-1].path
    last.write_bytes(last.read_bytes() + b"x")
    with pytest.raises(EnvironmentFaultError, match="sha256 is not the one"):
        load_reader(str(copy))


def test_a_first_look_of_another_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="finds landmarks of spine-ap"):
        train_close_look(recipe_of(tmp_path, first="spine-ap-pose"), tmp_path / "run")


def lumbar_slices(folder: Path) -> CloseRecipe:
    """Six slices with five bodies each, the lower ones broader; on one of them L1 has no mask."""
    for index in range(6):
        pixels, labels = np.full((160, 160), 40, np.uint8), np.zeros((160, 160), np.uint8)
        for level in range(5):
            box = np.s_[10 + 30 * level : 32 + 30 * level, 60 - 4 * level - index : 100]
            pixels[box] = 200
            labels[box] = 0 if index == 0 and level == 0 else level + 1
        for kind, made in (("images", pixels), ("masks", labels)):
            (folder / "data" / kind).mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(folder / "data" / kind / f"s{index}.png"), made)
    rows = [f"s{index}.png,s{index},{'val' if index > 3 else 'train'}" for index in range(6)]
    (folder / "split.csv").write_text("\n".join(["name,group,part", *rows, ""]), encoding="utf-8")
    content = {
        "name": "levels", "task": "close", "learns": "levels", "first": "mri-lumbar-seg", "schema": "mri-lumbar",
        "format": "mask", "data": str(folder / "data"), "split": str(folder / "split.csv"), "side": 48,
        "zoom": 15.0, "views": [1.5, 5.0], "epochs": 2, "batch": 5,
    }  # fmt: skip
    return settings_of(CloseRecipe, content, "recipe.yaml")


def test_levels_of_shapes_are_learnt_from_their_boxes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = train_close_look(lumbar_slices(tmp_path), tmp_path / "run")
    card = find_card(str(trained.model))
    assert card.levels is not None
    assert card.close == ()
    reader = load_reader(str(trained.model))
    image = next(read_images(tmp_path / "data" / "images" / "s4.png"))
    boxes = [(60.0 - 4 * level, 10.0 + 30 * level, 99.0, 31.0 + 30 * level) for level in range(5)]
    items = tuple(Instance("L1", box, score=0.5) for box in boxes)
    told = reader.say_levels(Scene(image.ref, reader.schema, items), image)
    shares = np.array([item.level_shares for item in told.instances])
    assert shares.shape == (5, 5)
    assert (shares > 0).all()
    assert (shares.sum(axis=1) < 1).all(), "a body may be none of the levels"
    monkeypatch.setattr(reader, "_shapes", lambda image: items)
    for one, other in zip(reader.read(image).instances, told.instances, strict=True):
        assert one.level_shares is not None
        np.testing.assert_array_equal(one.level_shares, other.level_shares)


def test_a_shift_of_names_is_learnt_beside_a_first_look(tmp_path: Path) -> None:
    settings = lumbar_slices(tmp_path).model_dump(by_alias=True) | {
        "learns": "shift", "side": 64, "zoom": 16.0, "reach": 1, "repeat": 3,
    }  # fmt: skip
    trained = train_close_look(settings_of(CloseRecipe, settings, "recipe.yaml"), tmp_path / "run")
    card = find_card(str(trained.model))
    assert card.shift is not None
    assert card.shift in card.beside
    assert card.levels is None
    assert (trained.model / "run-shift.json").is_file()
    reader = load_reader(str(trained.model))
    image = next(read_images(tmp_path / "data" / "images" / "s4.png"))
    boxes = [(60.0 - 4 * level, 10.0 + 30 * level, 99.0, 31.0 + 30 * level) for level in range(5)]
    items = [Instance(level, box, score=0.5) for level, box in zip(reader.schema.levels, boxes, strict=True)]
    chances = reader.say_shifts(Scene(image.ref, reader.schema, tuple(items)), image)
    assert chances is not None
    assert list(chances) == [-1, 0, 1]
    assert sum(chances.values()) == pytest.approx(1)
    assert reader.say_shifts(Scene(image.ref, reader.schema, ()), image) is None
    card.shift.path.write_bytes(card.shift.path.read_bytes() + b"x")
    with pytest.raises(EnvironmentFaultError, match="sha256 is not the one"):
        load_reader(str(trained.model))


def test_levels_need_cells_in_threes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="multiple of 48"):
        settings_of(
            CloseRecipe, {**lumbar_slices(tmp_path).model_dump(by_alias=True), "side": 64}, "recipe.yaml"
        )


def test_a_misspelt_setting_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("task: close\nname: x\nzoon: 3\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no setting 'zoon' -- did you mean zoom"):
        read_close_recipe(tmp_path / "x.yaml")


class KilledError(Exception):
    """Stands for whatever ends a training."""


def test_a_stopped_training_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, epochs=2)
    whole = train_close_look(recipe, tmp_path / "whole")

    def kill(report: EpochReport) -> None:
        raise KilledError(report.epoch)

    with pytest.raises(KilledError, match="1"):
        train_close_look(recipe, tmp_path / "stopped", kill)
    epochs: list[int] = []
    told: list[str] = []
    resumed = resume_close_look(
        tmp_path / "stopped", lambda report: epochs.append(report.epoch), notice=told.append
    )
    assert epochs == [2]
    assert "goes on" in told[0]
    assert [r.losses for r in resumed.history] == [r.losses for r in whole.history]
    first, second = (
        load_close(find_card(str(model)).close[-1].path)[0].state_dict()
        for model in (whole.model, resumed.model)
    )
    assert all(bool((first[name] == second[name]).all()) for name in first)
    assert not (tmp_path / "stopped" / "state.pt").exists()
    with pytest.raises(UsageError, match="has ended after 2 epochs"):
        resume_close_look(tmp_path / "stopped")


def test_a_folder_without_a_training_or_with_a_spoilt_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no close look began"):
        resume_close_look(tmp_path)
    recipe = recipe_of(tmp_path)

    def kill(report: EpochReport) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        train_close_look(recipe, tmp_path / "run", kill)
    (tmp_path / "run" / "state.pt").write_bytes(b"PK broken")
    with pytest.raises(UsageError, match="begin anew"):
        resume_close_look(tmp_path / "run")
