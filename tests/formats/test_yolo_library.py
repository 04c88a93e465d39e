"""What is written as YOLO is taken by the library itself, without one image or row dropped."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinekit.core.errors import UsageError
from spinekit.core.outline import Outline, to_mask, to_outline
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.formats import yolo
from spinekit.formats.yolo_dataset import write_dataset
from spinekit.formats.yolo_layout import bare_name
from spinekit.models.environment import load_library
from spinekit.workflows.image_copies import copy_image
from tests.formats.annotation_samples import HEIGHT, POSE, SEG, SEM, WIDTH, body, save_image

NAN = float("nan")
BOXES = replace(SEG, name="boxes", task="detect")
SCHEMAS = {"detect": BOXES, "segment": SEG, "pose": POSE, "semantic": SEM}


def holed(size: int = 12) -> Outline:
    """Two parts, one of them with a hole."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[3 : 3 + size, 3 : 3 + size] = True
    mask[6:9, 6:9] = False
    mask[20:26, 20:26] = True
    return to_outline(mask)


def content(task: str) -> dict[str, Any]:
    """What an image of the task holds, awkward cases among it."""
    if task == "semantic":
        return {"raster": Raster(np.eye(HEIGHT, WIDTH, dtype=np.uint8))}
    if task == "pose":
        whole = body("L1", [[1, 1], [39, 1], [1, 29], [39, 29]])
        line = body("L2", [[5, 5], [5, 20], [NAN, NAN], [NAN, NAN]])
        point = body("vertebra", [[0, 0], [NAN, NAN], [NAN, NAN], [NAN, NAN]])
        return {"instances": (whole, line, point, Instance("L3", (2, 2, 20, 20)))}
    shapes = (holed(), Outline((np.array([[-9.0, -9], [20, 4], [60, 50]]),)), holed(8))
    return {
        "instances": tuple(
            Instance(name, shape.box, shape) for name, shape in zip(SEG.classes, shapes, strict=True)
        )
    }


def data_set(tmp_path: Path, schema: Schema, task: str) -> Path:
    """Three images, one of them empty, below names that need care."""
    names = ("a film.png", "sub folder/b.c.png", "ünder.png")
    scenes = []
    for index, name in enumerate(names):
        ref = replace(save_image(tmp_path / "images" / name), name=name)
        held = content(task) if index or task == "semantic" else {}
        scenes.append(Scene(ref, schema, **held))
    yolo.write(iter(scenes), tmp_path)
    return tmp_path / "data.yaml"


def loaded(data_yaml: Path, task: str) -> Any:  # noqa: ANN401
    """The library's own data set of the training part."""
    load_library()
    classes = importlib.import_module("ultralytics.data.dataset")
    data = importlib.import_module("ultralytics.data.utils").check_det_dataset(
        str(data_yaml), autodownload=False
    )
    kind = classes.SemanticDataset if task == "semantic" else classes.YOLODataset
    options = {} if task == "semantic" else {"task": task}
    return kind(img_path=data["train"], data=data, augment=False, imgsz=64, **options)


@pytest.mark.parametrize("task", SCHEMAS)
def test_no_image_and_no_row_is_dropped(tmp_path: Path, task: str) -> None:
    found = loaded(data_set(tmp_path, SCHEMAS[task], task), task)
    assert sorted(Path(file).name for file in found.im_files) == ["a film.png", "b.c.png", "ünder.png"]
    if task == "semantic":
        return
    assert len(found.labels) == 3
    rows = sorted(len(label["cls"]) for label in found.labels)
    assert rows == [0, *[len(content(task)["instances"])] * 2]
    written = (tmp_path / "labels" / "ünder.txt").read_text().splitlines()
    (label,) = (label for label in found.labels if Path(label["im_file"]).name == "ünder.png")
    assert label["cls"].ravel().tolist() == [float(row.split()[0]) for row in written]
    if task == "pose":
        assert label["keypoints"].shape == (4, 4, 3)
        np.testing.assert_allclose(label["keypoints"][0, :, 0], [1.5 / WIDTH, 39.5 / WIDTH] * 2, atol=1e-6)


@pytest.mark.parametrize("task", SCHEMAS)
@pytest.mark.parametrize("copies", [True, False])
def test_a_set_laid_out_by_others_is_found_whole(tmp_path: Path, task: str, copies: bool) -> None:
    """Where the last folder called images is not the data set's own, the library finds no label at all."""
    schema = SCHEMAS[task]
    names = [
        "train/images/a.png",
        "train/images/deep/b.png",
        "valid/images/c.png",
        "labels/images/images/d.png",
    ]
    scenes = []
    taken: set[str] = set()
    for name in names[:3]:
        ref = replace(save_image(tmp_path / "source" / name), name=name)
        if copies:
            ref = copy_image(ref, tmp_path / "set" / "images", taken)
        scenes.append(Scene(ref, schema, **content(task)))
        if not copies:
            save_image(tmp_path / "set" / "images" / bare_name(name))
    yolo.write(iter(scenes), tmp_path / "set")
    assert [bare_name(name) for name in names] == ["train/a.png", "train/deep/b.png", "valid/c.png", "d.png"]
    found = loaded(tmp_path / "set" / "data.yaml", task)
    assert sorted(Path(file).name for file in found.im_files) == ["a.png", "b.png"]
    if task == "semantic":
        assert all(Path(file).is_file() for file in found.mask_files)
    else:
        assert [len(label["cls"]) for label in found.labels] == [len(content(task)["instances"])] * 2
    settings = (tmp_path / "set" / "data.yaml").read_text(encoding="utf-8")
    assert "train: images/train\nval: images/valid\n" in settings
    again = list(yolo.read(tmp_path / "set", schema))
    assert sorted(scene.image.name for scene in again) == ["train/a.png", "train/deep/b.png", "valid/c.png"]


def test_two_images_never_share_a_label_file(tmp_path: Path) -> None:
    names = ("train/a.png", "train/images/a.png", "images/train/a.png")
    scenes = [Scene(replace(save_image(tmp_path / name), name=name), SEG) for name in names]
    with pytest.raises(UsageError, match=r"train/a\.png: two images would share this label file -- "):
        yolo.write(iter(scenes), tmp_path / "out")


def test_semantic_masks_come_out_as_they_went_in(tmp_path: Path) -> None:
    found = loaded(data_set(tmp_path, SEM, "semantic"), "semantic")
    item = found[0]
    mask = np.asarray(item["semantic_mask"])
    assert set(np.unique(mask).tolist()) <= {0, 1, 255}
    assert (mask == 1).any()


def test_a_shape_with_a_hole_and_two_parts_is_painted_alike(tmp_path: Path) -> None:
    """On its own grid the library draws a border of one pixel along every edge; the inside stays what it is."""
    found = loaded(data_set(tmp_path, SEG, "segment"), "segment")
    (label,) = (label for label in found.labels if Path(label["im_file"]).name == "ünder.png")
    ring = label["segments"][0] * [WIDTH, HEIGHT] - 0.5
    expected = to_mask(holed(), HEIGHT, WIDTH)
    painted = to_mask(Outline((ring,)), HEIGHT, WIDTH)
    assert (painted & expected).sum() / (painted | expected).sum() >= 0.98


def test_a_workspace_for_training_is_taken_too(tmp_path: Path) -> None:
    parts = {}
    for part in ("train", "val"):
        ref = replace(save_image(tmp_path / "films" / f"{part}.png"), name=f"{part}.png")
        scene = Scene(ref, POSE, content("pose")["instances"])
        parts[part] = [(scene, np.full((HEIGHT, WIDTH), 7, np.uint8))]
    report = write_dataset(parts, tmp_path / "ws", POSE, "pose")
    assert report.dropped == [
        "train.png: L3: no landmark within the image",
        "val.png: L3: no landmark within the image",
    ]
    found = loaded(report.data, "pose")
    assert [len(label["cls"]) for label in found.labels] == [3]
    written = (tmp_path / "ws" / "labels" / "train" / "train.txt").read_text().splitlines()
    assert [row.split()[0] for row in written] == ["0", "0", "0"]
