from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.errors import UsageError
from spinekit.core.image import ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.formats.registry import annotation_format
from spinekit.models.canvas import Canvas
from spinekit.models.environment import load_library
from spinekit.models.tiles import tile_samples
from spinekit.models.training import check_architecture
from spinekit.models.weights import find_card
from spinekit.schemas import load_schema
from spinekit.workflows.recipe import settings_of, split_table
from spinekit.workflows.samples import write_samples
from spinekit.workflows.seasoning import phantom_samples
from spinekit.workflows.split import read_split
from spinekit.workflows.train import plan_of
from spinekit.workflows.train_close import is_close, read_close_recipe
from spinekit.workflows.train_data import prepare, with_split
from spinekit.workflows.train_settings import TrainSettings, read_recipe
from tests.workflows.training_films import tiny_settings

CHECKOUT = Path(__file__).resolve().parents[2]
CLOSE_RECIPES = sorted(path for path in (CHECKOUT / "experiments").glob("*.yaml") if is_close(path))
RECIPES = sorted(set((CHECKOUT / "experiments").glob("*.yaml")) - set(CLOSE_RECIPES))
LEAST = {"name": "x", "task": "pose", "data": "d", "format": "via", "schema": "orbit-4", "split": "s.csv"}


@pytest.mark.parametrize("path", CLOSE_RECIPES, ids=lambda path: path.stem)
def test_every_recipe_of_a_close_look_is_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINEKIT_DATA", "/data")
    settings = read_close_recipe(path)
    assert settings.name == path.stem
    assert (CHECKOUT / split_table(settings)).is_file()
    # Points are placed where there are points; levels and shifts are told of shapes too.
    assert settings.learns != "points" or load_schema(settings.schema_name).task == "pose"
    assert load_schema(settings.schema_name).levels or settings.learns == "points"
    assert find_card(settings.first.removeprefix("weights/")).schema == settings.schema_name


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINEKIT_DATA", "/data")
    settings = read_recipe(path)
    assert settings.name == path.stem
    assert load_schema(settings.schema_name).task in {settings.task, "pose"}
    # A set too small for fixed parts is divided anew by folds.
    assert settings.folds or (CHECKOUT / split_table(settings)).is_file()
    check_architecture(settings.task, settings.model)


def test_the_command_line_lies_over_a_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINEKIT_DATA", "/data")
    settings = read_recipe(RECIPES[0], {"epochs": 3, "seed": None})
    assert settings.epochs == 3


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"epoch": 3}, "there is no setting 'epoch' -- .*epochs"),
        ({"epochs": 0}, "epochs is 0 -- .*greater than or equal to 1"),
        ({"task": "box"}, "task is 'box' -- .*'pose', 'seg', 'sem' or 'detect'"),
        ({"height": 500}, "height is 500 -- .*multiple of 32"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'"),
        ({"augment": {"mosaik": 1}}, "augment is .*no augmentation 'mosaik': did you mean mosaic"),
        ({"augment": {"degrees": 400}}, "augment is .*degrees is 400, but it lies between 0 and 180"),
        ({"imgsz": 100}, "height is 100 -- .*multiple of 32"),
        ({"folds": 2}, "folds is 2 -- .*greater than or equal to 3"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words) as error:
        settings_of(TrainSettings, {**LEAST, **wrong}, "recipe.yaml")
    assert "\n" not in str(error.value)


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(UsageError, match="'schema' is missing"):
        settings_of(
            TrainSettings, {key: value for key, value in LEAST.items() if key != "schema"}, "recipe.yaml"
        )


def test_data_without_its_variable_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPINEKIT_DATA", raising=False)
    with pytest.raises(UsageError, match="SPINEKIT_DATA is not set"):
        settings_of(TrainSettings, {**LEAST, "data": "$SPINEKIT_DATA/x"}, "recipe.yaml")


@pytest.mark.parametrize("model", ["yolo11n", "yolo12s", "resnet50", "yolo26"])
def test_pixels_are_asked_of_yolo26_only(model: str) -> None:
    with pytest.raises(UsageError, match="yolo26n"):
        check_architecture("sem", model)
    check_architecture("sem", "yolo26n")


@given(st.integers(40, 300), st.integers(40, 300), st.integers(1, 4))
def test_tiles_carry_their_labels_to_the_enlarged_grid(height: int, width: int, enlarge: int) -> None:
    labels = (np.indices((height, width)).sum(axis=0) // 9 % 2).astype(np.uint8)
    ref = ImageRef(Path("x.png"), height, width, name="x.png")
    scene = Scene(ref, load_schema("em-membrane"), raster=Raster(labels=labels))
    covered = np.zeros((height, width), bool)
    for tile, pixels in tile_samples(scene, labels * 200, Canvas(128, 96), enlarge):
        assert tile.raster is not None
        assert tile.raster.labels is not None
        assert pixels.shape == tile.raster.labels.shape == (tile.image.height, tile.image.width)
        top, left = map(int, tile.image.name.split("@")[1].removesuffix(".png").split("-"))
        rows, columns = pixels.shape[0] // enlarge, pixels.shape[1] // enlarge
        small = tile.raster.labels[enlarge // 2 :: enlarge, enlarge // 2 :: enlarge]
        assert np.array_equal(small, labels[top : top + rows, left : left + columns])
        covered[top : top + rows, left : left + columns] = True
    assert covered.all()


@pytest.mark.parametrize(
    "name", ["spine-ap", "spine-ap-levels", "ceph-19", "ceph-27", "orbit-4", "em-membrane"]
)
def test_every_kind_has_its_phantoms(name: str) -> None:
    schema = load_schema(name)
    data = "spine-ap" if name == "spine-ap-levels" else None
    ((scene, pixels),) = phantom_samples(schema, data, 1, 0)
    assert pixels.shape == (scene.image.height, scene.image.width)
    assert scene.instances or scene.raster is not None


def test_a_view_without_phantoms_says_so() -> None:
    schema = replace(load_schema("orbit-4"), view="knee")
    with pytest.raises(UsageError, match="phantoms: 0"):
        list(phantom_samples(schema, None, 1, 0))


def test_data_without_a_split_are_divided_by_group(tmp_path: Path) -> None:
    write_samples(tmp_path / "films", count=6, seed=3, kinds=("orbit",))
    run = predict_truth(tmp_path)
    settings = settings_of(
        TrainSettings, {**LEAST, "data": run, "images": "../films", "split": None}, "recipe.yaml"
    )
    made = with_split(settings, tmp_path / "out")
    assert made.split == tmp_path / "out" / "split.csv"
    assert len(read_split(split_table(made))) == 6
    with pytest.raises(UsageError, match="no split"):
        split_table(settings)


def predict_truth(folder: Path) -> Path:
    """The samples' exact points as a VIA project."""
    schema = load_schema("orbit-4")
    scenes = []
    for path in sorted((folder / "films").glob("*.truth.json")):
        content = json.loads(path.read_text("utf-8"))
        image = ImageRef(
            folder / "films" / content["film"], content["height"], content["width"], name=content["film"]
        )
        xy = np.array([content["points"]["orbits"][name] for name in schema.landmark_names])
        item = Instance("orbits", (0.0, 0.0, 9.0, 9.0), landmarks=landmarks(schema.landmark_names, xy))
        scenes.append(Scene(image, schema, (item,)))
    write = annotation_format("via").write
    assert write is not None
    write(scenes, folder / "via")
    return folder / "via"


@pytest.mark.parametrize("part", ["train", "val"])
def test_an_empty_part_is_told_in_one_line(part: str, tmp_path: Path) -> None:
    settings = tiny_settings(tmp_path, "pose")
    other = "val" if part == "train" else "train"
    table = tmp_path / "films" / "split.csv"
    table.write_text(table.read_text("utf-8").replace(f",{part}\n", f",{other}\n"), encoding="utf-8")
    with pytest.raises(
        UsageError, match=f"no labelled image of .* is in its {part} part -- give more films"
    ) as told:
        prepare(settings, tmp_path / "run")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_a_training_in_one_line(loss: float, tmp_path: Path) -> None:
    load_library()
    from spinekit.models.trainers import LandmarkTrainer

    trainer = object.__new__(LandmarkTrainer)
    trainer.tloss, trainer.epoch = {"pose_loss": loss, "box_loss": 1.0}, 4
    trainer.args, trainer.save_dir = SimpleNamespace(lr0=0.01), tmp_path
    with pytest.raises(
        UsageError, match=r"epoch 5: the loss is no number any more -- lower learning_rate \(0\.01\)"
    ):
        trainer._note()
    assert not list(tmp_path.iterdir()), "an epoch without a loss is none"


def test_a_small_net_that_diverges_says_so(tmp_path: Path) -> None:
    load_library()
    from spinekit.models.unet_training import train_unet

    settings = tiny_settings(tmp_path, "sem")
    data = prepare(settings, tmp_path / "run").data
    plan = replace(plan_of(settings), learning_rate=1e30, start=None)
    with pytest.raises(
        UsageError, match=r"epoch [12]: the loss is no number any more -- lower learning_rate"
    ):
        train_unet(replace(plan, epochs=2), data.parent, tmp_path / "out", 2)
