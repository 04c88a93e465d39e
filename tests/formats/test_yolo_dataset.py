from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image as PillowImage

from spinekit.core.errors import NothingUsableError, UsageError
from spinekit.core.outline import to_mask, to_outline
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.formats import yolo
from spinekit.formats.yolo_dataset import Sample, write_dataset
from tests.formats.annotation_samples import CORNERS, HEIGHT, POSE, SEG, SEM, WIDTH, body, save_image

NAN = float("nan")


def sample(tmp_path: Path, name: str, schema: Schema, *instances: Instance, group: str = "") -> Sample:
    ref = replace(save_image(tmp_path / "original" / name), name=name)
    return Scene(ref, schema, instances, group=group), np.full((HEIGHT, WIDTH), 7, np.uint8)


class TestDataset:
    def bodies(self, tmp_path: Path) -> tuple[Sample, Sample]:
        one = body("L1", [[1, 1], [9, 1], [1, 8], [9, 8]])
        out = body("L2", [[1, 11], [90, 11], [1, 18], [9, 18]])
        return (
            sample(tmp_path, "A film #1.png", POSE, one, out, group="p1"),
            sample(tmp_path, "sub/b.png", POSE, one, group="p2"),
        )

    def test_a_workspace_for_poses_is_complete(self, tmp_path: Path) -> None:
        train, val = self.bodies(tmp_path)
        report = write_dataset({"train": [train], "val": iter([val])}, tmp_path / "ws", POSE, "pose")
        assert report.images == {"train": 1, "val": 1}
        assert report.instances == {"train": 2, "val": 1}
        assert report.points_outside == 1
        settings = yaml.safe_load(report.data.read_text())
        assert settings == {
            "path": str((tmp_path / "ws").resolve()),
            "train": "images/train",
            "val": "images/val",
            "names": ["vertebra"],
            "kpt_shape": [4, 3],
            "flip_idx": [1, 0, 3, 2],
            "kpt_names": {0: list(CORNERS)},
            "kpt_oks_sigmas": [0.05] * 4,
        }
        assert report.names == {"train/A_film_1.png": "A film #1.png", "val/sub_b.png": "sub/b.png"}
        rows = (tmp_path / "ws" / "labels" / "train" / "A_film_1.txt").read_text().splitlines()
        assert [len(row.split()) for row in rows] == [17, 17]
        with PillowImage.open(tmp_path / "ws" / "images" / "val" / "sub_b.png") as image:
            assert image.mode == "L"
            assert np.asarray(image).tolist() == [[7] * WIDTH] * HEIGHT

    def test_corners_become_polygons_of_the_levels(self, tmp_path: Path) -> None:
        train, val = self.bodies(tmp_path)
        report = write_dataset({"train": [train], "val": [val]}, tmp_path / "ws", SEG, "seg", encoding="jpeg")
        rows = (tmp_path / "ws" / "labels" / "train" / "A_film_1.txt").read_text().splitlines()
        assert [row.split()[0] for row in rows] == ["0", "1"]
        assert len(rows[0].split()) == 9
        assert "kpt_shape" not in report.data.read_text()
        assert (tmp_path / "ws" / "images" / "train" / "A_film_1.jpg").read_bytes()[-2:] == b"\xff\xd9"
        back = {scene.image.name: scene for scene in yolo.read(tmp_path / "ws", SEG)}
        outline = back["val/sub_b.jpg"].instances[0].outline
        assert outline is not None
        np.testing.assert_allclose(outline.rings[0], [[1, 1], [9, 1], [9, 8], [1, 8]], atol=1e-3)

    def test_rasters_become_masks_of_class_indices(self, tmp_path: Path) -> None:
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        labels[3:9] = 1
        samples = [sample(tmp_path, f"{name}.png", SEM) for name in "ab"]
        first, second = ((replace(scene, raster=Raster(labels)), pixels) for scene, pixels in samples)
        report = write_dataset({"train": [first], "val": [second]}, tmp_path / "ws", SEM, "sem")
        assert yaml.safe_load(report.data.read_text())["masks_dir"] == "masks"
        with PillowImage.open(tmp_path / "ws" / "masks" / "train" / "a.png") as image:
            np.testing.assert_array_equal(np.asarray(image), labels)

    def test_holes_survive_the_polygon(self, tmp_path: Path) -> None:
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[3:15, 3:15] = True
        mask[6:9, 6:9] = False
        mask[20:25, 20:25] = True
        outline = to_outline(mask)
        item = Instance("L1", outline.box, outline)
        pair = [sample(tmp_path, f"{name}.png", SEG, item) for name in "ab"]
        write_dataset({"train": pair[:1], "val": pair[1:]}, tmp_path / "ws", SEG, "seg")
        for scene in yolo.read(tmp_path / "ws", SEG):
            found = scene.instances[0].outline
            assert found is not None
            assert (to_mask(found, HEIGHT, WIDTH) == mask).all()
            assert len(found.rings) == 2
            assert len(found.holes) == 1

    def test_names_that_become_equal_stay_apart(self, tmp_path: Path) -> None:
        item = body("L1", [[1, 1], [9, 1], [1, 8], [9, 8]])
        clash = [sample(tmp_path, name, POSE, item) for name in ("a b.png", "a_b.png", "A-b.png", "c.png")]
        report = write_dataset({"train": clash[:3], "val": clash[3:]}, tmp_path / "ws", POSE, "pose")
        assert len({path.casefold() for path in report.names}) == 4
        assert len(list((tmp_path / "ws" / "labels" / "train").iterdir())) == 3

    def test_a_group_or_image_in_two_splits_is_refused(self, tmp_path: Path) -> None:
        train, val = self.bodies(tmp_path)
        leaking = (replace(val[0], group="p1"), val[1])
        with pytest.raises(UsageError, match="the group p1 is in train and in val"):
            write_dataset({"train": [train], "val": [leaking]}, tmp_path / "ws", POSE, "pose")
        bare = (replace(train[0], group=""), train[1])
        with pytest.raises(UsageError, match="the image A film"):
            write_dataset({"train": [bare], "val": [bare]}, tmp_path / "ws2", POSE, "pose")
        assert not (tmp_path / "ws" / "data.yaml").exists()

    def test_what_cannot_be_trained_on_is_refused(self, tmp_path: Path) -> None:
        train, val = self.bodies(tmp_path)
        empty = sample(tmp_path, "e.png", POSE)
        with pytest.raises(NothingUsableError, match="0 instances to train on"):
            write_dataset({"train": [empty], "val": [val]}, tmp_path / "a", POSE, "pose")
        with pytest.raises(UsageError, match="train and val are needed"):
            write_dataset({"train": [train]}, tmp_path / "b", POSE, "pose")
        with pytest.raises(UsageError, match="no task 'depth'"):
            write_dataset({"train": [train], "val": [val]}, tmp_path / "c", POSE, "depth")
        with pytest.raises(UsageError, match="holds a data set already"):
            write_dataset({"train": [train], "val": [val]}, tmp_path / "a", POSE, "pose")
        wrong = (train[0], train[1][:5])
        with pytest.raises(ValueError, match="are not of the image"):
            write_dataset({"train": [wrong], "val": [val]}, tmp_path / "d", POSE, "pose")

    def test_an_instance_without_a_row_is_reported(self, tmp_path: Path) -> None:
        train, val = self.bodies(tmp_path)
        bare = Instance("L3", (1, 1, 5, 5))
        train = (replace(train[0], instances=(*train[0].instances, bare)), train[1])
        report = write_dataset({"train": [train], "val": [val]}, tmp_path / "ws", POSE, "pose")
        assert report.dropped == ["A film #1.png: L3: no landmark within the image"]
