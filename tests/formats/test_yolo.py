from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError, SpinekitError, UsageError
from spinekit.core.image import UInt8Array
from spinekit.core.outline import Outline
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.formats import yolo
from spinekit.formats.plugin import LabelOptions, Vocabulary
from spinekit.schemas.made import schema_from_names
from tests.formats.annotation_samples import (
    CORNERS,
    HEIGHT,
    POSE,
    SEG,
    SEM,
    WIDTH,
    body,
    real_data,
    save_image,
)

NAN = float("nan")
NOISE = ("", " ", "-", "e9", "nan", ",", "\n", "\x00", "٣")


class TestFiles:
    def write(self, tmp_path: Path, text: str, settings: str = "names: [L1, L2, L3]\n") -> Path:
        save_image(tmp_path / "images" / "a.png")
        (tmp_path / "labels").mkdir()
        (tmp_path / "labels" / "a.txt").write_text(text)
        (tmp_path / "data.yaml").write_text(settings)
        return tmp_path

    def test_names_of_the_data_set_decide(self, tmp_path: Path) -> None:
        folder = self.write(tmp_path, "\r\n1 0.1 0.1 0.2 0.2 0.3 0.1\r\n", "names: {0: x, 1: L3}\n")
        (scene,) = yolo.read(folder, SEG)
        assert [item.label for item in scene.instances] == ["L3"]

    def test_an_empty_file_is_an_image_without_instances(self, tmp_path: Path) -> None:
        (scene,) = yolo.read(self.write(tmp_path, ""), SEG)
        assert scene.instances == ()

    def test_file_and_line_of_a_fault(self, tmp_path: Path) -> None:
        folder = self.write(tmp_path, "0 0.1 0.1 0.2 0.2 0.3 0.1\n0 x\n")
        with pytest.raises(AnnotationError, match=r"a\.txt: line 2: 'x' is not a number"):
            list(yolo.read(folder, SEG))

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ("names: &a [*a]\n", "aliases"),
            ("names: {0: no}\n", "class 0 is False, no text -- quote the name"),
            ("names: [L1\n", "line 2"),
            ("names: 3\n", "names is no list"),
            ("a: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
        ],
    )
    def test_a_data_yaml_that_cannot_be_used(self, tmp_path: Path, settings: str, message: str) -> None:
        with pytest.raises(AnnotationError, match=message):
            list(yolo.read(self.write(tmp_path, "", settings), SEG))

    def test_what_has_no_partner_is_told(self, tmp_path: Path) -> None:
        folder = self.write(tmp_path, "")
        gone = folder / "labels" / "gone.txt"
        gone.write_text("")
        save_image(folder / "images" / "b.png")
        heard: list[str] = []
        assert len(list(yolo.read(folder, SEG, LabelOptions(notice=heard.append)))) == 1
        assert heard == [
            f"{gone}: no image of this name in {folder / 'images'} -- passed over",
            f"{folder / 'images' / 'b.png'}: has no label file -- passed over",
        ]
        with pytest.raises(AnnotationError, match=r"gone\.txt: no image of this name"):
            list(yolo.read(folder, SEG, LabelOptions(allow_missing=False)))

    def test_two_images_of_one_stem_keep_their_labels(self, tmp_path: Path) -> None:
        square = Outline((np.array([[1.0, 1], [5, 1], [5, 5], [1, 5]]),))
        scenes = [
            Scene(save_image(tmp_path / "images" / name), SEG, (Instance(label, square.box, square),))
            for name, label in (("a.png", "L1"), ("a.bmp", "L2"))
        ]
        yolo.write(iter(scenes), tmp_path / "out")
        read = {
            scene.image.name: scene.instances[0].label
            for scene in yolo.read(tmp_path / "out", SEG, LabelOptions(tmp_path / "images"))
        }
        assert read == {"a.png": "L1", "a.bmp": "L2"}

    def test_written_names_cover_levels_and_no_path_of_this_machine(self, tmp_path: Path) -> None:
        scene = Scene(
            save_image(tmp_path / "images" / "a.png"), POSE, (body("L2", [[1, 1], [9, 1], [1, 8], [9, 8]]),)
        )
        yolo.write([scene], tmp_path / "out")
        settings = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text())
        assert settings["names"] == ["vertebra", "L1", "L2", "L3"]
        assert settings["kpt_shape"] == [4, 3]
        assert settings["flip_idx"] == [1, 0, 3, 2]
        assert str(tmp_path) not in (tmp_path / "out" / "data.yaml").read_text()
        assert (tmp_path / "out" / "labels" / "a.txt").read_text().startswith("2 ")

    def test_what_a_row_cannot_hold_is_refused(self, tmp_path: Path) -> None:
        ref = save_image(tmp_path / "images" / "a.png")
        with pytest.raises(AnnotationError, match="L1 has no outline"):
            yolo.write([Scene(ref, SEG, (Instance("L1", (0, 0, 5, 5)),))], tmp_path / "out")
        with pytest.raises(UsageError, match="is of schema"):
            yolo.write([Scene(ref, SEG), Scene(ref, POSE)], tmp_path / "out")


def made(tmp_path: Path, schema: Schema, **content: object) -> Path:
    """A data set of one image with the labels that a schema's task asks for."""
    ref = save_image(tmp_path / "ds" / "images" / "a.png")
    yolo.write([Scene(ref, schema, **content)], tmp_path / "ds")  # type: ignore[arg-type]
    return tmp_path / "ds"


SQUARE = Outline((np.array([[1.0, 1], [5, 1], [5, 5], [1, 5]]),))
BOXES = replace(SEG, name="boxes", task="detect")


class TestTasks:
    def test_boxes(self, tmp_path: Path) -> None:
        folder = made(tmp_path, BOXES, instances=(Instance("L2", (1.25, 2, 5.5, 9)),))
        assert (folder / "labels" / "a.txt").read_text() == "1 0.0968750 0.2000000 0.1062500 0.2333333\n"
        (scene,) = yolo.read(folder, BOXES)
        np.testing.assert_allclose(scene.instances[0].box, (1.25, 2, 5.5, 9), atol=1e-5)
        assert yolo.vocabulary(folder) == Vocabulary("detect", ("L1", "L2", "L3"))

    def test_polygons(self, tmp_path: Path) -> None:
        folder = made(tmp_path, SEG, instances=(Instance("L2", SQUARE.box, SQUARE),))
        assert yolo.vocabulary(folder) == Vocabulary("seg", ("L1", "L2", "L3"))

    def test_poses(self, tmp_path: Path) -> None:
        item = body("L2", [[1, 1], [9, 1], [1, 8], [NAN, NAN]])
        folder = made(tmp_path, POSE, instances=(item,))
        assert yolo.vocabulary(folder) == Vocabulary("pose", ("vertebra", "L1", "L2", "L3"), CORNERS)

    def test_a_box_without_points_is_a_pose_of_none(self, tmp_path: Path) -> None:
        folder = made(tmp_path, POSE, instances=(Instance("L2", (1, 2, 9, 8)),))
        (scene,) = yolo.read(folder, POSE)
        points = scene.instances[0].landmarks
        assert points is not None
        assert points.visibility.tolist() == [0, 0, 0, 0]
        np.testing.assert_allclose(scene.instances[0].box, (1, 2, 9, 8), atol=1e-5)

    def test_masks(self, tmp_path: Path) -> None:
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        labels[3:9] = 1
        folder = made(tmp_path, SEM, raster=Raster(labels))
        assert yolo.vocabulary(folder) == Vocabulary("sem", ("cell", "membrane"))
        (scene,) = yolo.read(folder, SEM)
        assert scene.raster is not None
        np.testing.assert_array_equal(scene.raster.labels, labels)

    def test_masks_follow_the_names_of_the_data_set(self, tmp_path: Path) -> None:
        labels = np.ones((HEIGHT, WIDTH), np.uint8)
        folder = made(tmp_path, SEM, raster=Raster(labels))
        (folder / "data.yaml").write_text("names: [membrane, cell]\n")
        (scene,) = yolo.read(folder, SEM)
        assert scene.raster is not None
        assert scene.raster.labels is not None
        assert not scene.raster.labels.any()

    @pytest.mark.parametrize(
        ("mask", "message"),
        [
            (
                np.full((HEIGHT, WIDTH), 255, np.uint8),
                "1200 px have the value 255, which marks pixels without a class",
            ),
            (np.full((HEIGHT, WIDTH), 2, np.uint8), "1200 px have the value 2, which is no class"),
            (np.zeros((HEIGHT, 9), np.uint8), "is 9 x 30 px, its image 40 x 30"),
            (np.zeros((HEIGHT, WIDTH, 3), np.uint8), "has colours or 16 bits"),
        ],
    )
    def test_a_mask_that_does_not_fit_is_named(self, tmp_path: Path, mask: UInt8Array, message: str) -> None:
        folder = made(tmp_path, SEM, raster=Raster(np.zeros((HEIGHT, WIDTH), np.uint8)))
        PillowImage.fromarray(mask).save(folder / "masks" / "a.png")
        with pytest.raises(AnnotationError, match=rf"a\.png: {message}"):
            list(yolo.read(folder, SEM))

    def test_no_masks_and_probabilities_alone_are_refused(self, tmp_path: Path) -> None:
        folder = made(tmp_path, SEG)
        with pytest.raises(AnnotationError, match="has no PNG in a folder masks"):
            list(yolo.read(folder, SEM))
        probability = Raster(None, np.zeros((HEIGHT, WIDTH), np.float32))
        with pytest.raises(AnnotationError, match="no class for every pixel"):
            yolo.write([Scene(save_image(tmp_path / "a.png"), SEM, raster=probability)], tmp_path / "out")

    def test_what_lies_outside_is_told_beside_the_labels(self, tmp_path: Path) -> None:
        far = Outline((SQUARE.rings[0] + 100,))
        edge = Outline((SQUARE.rings[0] + [36.0, 0],))
        items = tuple(Instance(label, shape.box, shape) for label, shape in (("L1", far), ("L2", edge)))
        ref = save_image(tmp_path / "a.png")
        files = yolo.write([Scene(ref, SEG, items)], tmp_path / "seg")
        assert files[-1].name == "not-written.txt"
        assert files[-1].read_text().splitlines() == [
            "a.png: L1: no outline within the image",
            "a.png: L2: cut at the image's edge",
        ]
        pose = body("L1", [[1, 1], [90, 1], [1, 8], [9, 8]])
        files = yolo.write([Scene(ref, POSE, (pose,))], tmp_path / "pose")
        assert "L1: 1 landmarks outside the image" in files[-1].read_text()


class TestLayouts:
    def rows(self, tmp_path: Path, *pairs: tuple[str, str]) -> Path:
        """A data set of box rows; each pair is an image and its label file."""
        for number, (image, text) in enumerate(pairs):
            save_image(tmp_path / image)
            (tmp_path / text).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / text).write_text(f"{number} 0.5 0.5 0.1 0.1\n")
        return tmp_path

    def found(self, folder: Path, images: Path | None = None) -> dict[str, str]:
        scenes = yolo.read(folder, BOXES, LabelOptions(images))
        return {scene.image.name: scene.instances[0].label for scene in scenes}

    def test_roboflow(self, tmp_path: Path) -> None:
        pairs = [(f"{part}/images/a.png", f"{part}/labels/a.txt") for part in ("train", "valid")]
        folder = self.rows(tmp_path, *pairs)
        (folder / "data.yaml").write_text(
            "train: ../train/images\nval: ../valid/images\nnames: [L1, L2]\nroboflow: {version: 3}\n"
        )
        assert self.found(folder) == {"train/images/a.png": "L1", "valid/images/a.png": "L2"}
        assert self.found(folder / "data.yaml") == self.found(folder)

    def test_labels_beside_their_images(self, tmp_path: Path) -> None:
        folder = self.rows(tmp_path, ("x/a.png", "x/a.txt"), ("x/b.c.png", "x/b.c.txt"))
        (folder / "train.txt").write_text("x/a.png\n")
        (folder / "README.txt").write_text("read me\n")
        heard: list[str] = []
        list(yolo.read(folder, BOXES, LabelOptions(notice=heard.append)))
        assert self.found(folder) == {"x/a.png": "L1", "x/b.c.png": "L2"}
        assert heard == []

    def test_images_elsewhere(self, tmp_path: Path) -> None:
        folder = self.rows(
            tmp_path, ("films/a.png", "ds/labels/train/a.txt"), ("films/b.png", "ds/labels/b.txt")
        )
        assert self.found(folder / "ds", tmp_path / "films") == {"a.png": "L1", "b.png": "L2"}

    def test_the_folder_of_labels_or_the_settings_may_be_named(self, tmp_path: Path) -> None:
        folder = self.rows(tmp_path, ("images/a.png", "labels/a.txt"))
        assert self.found(folder / "labels") == {"a.png": "L1"}
        with pytest.raises(AnnotationError, match="is one label file -- name its data set"):
            self.found(folder / "labels" / "a.txt")
        with pytest.raises(AnnotationError, match="no such file or folder"):
            self.found(folder / "none")

    def test_no_images_anywhere(self, tmp_path: Path) -> None:
        folder = self.rows(tmp_path, ("images/a.png", "labels/a.txt"))
        (folder / "images" / "a.png").unlink()
        (folder / "data.yaml").write_text("path: /data/spine\nnames: [L1]\n")
        with pytest.raises(AnnotationError, match=r"holds no image, and .*data\.yaml speaks of /data/spine"):
            self.found(folder)

    def test_a_doubled_row_counts_once_and_is_told(self, tmp_path: Path) -> None:
        folder = self.rows(tmp_path, ("images/a.png", "labels/a.txt"))
        (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.1 0.1\r\n\r\n0 0.5 0.5  0.1 0.1\r\n")
        heard: list[str] = []
        (scene,) = yolo.read(folder, BOXES, LabelOptions(notice=heard.append))
        assert len(scene.instances) == 1
        assert heard == [f"{folder / 'labels' / 'a.txt'}: line 3: repeats line 1 -- passed over"]

    def test_mutated_rows_end_in_one_line(self, tmp_path: Path) -> None:
        rng = random.Random(3)
        folder = made(tmp_path, POSE, instances=(body("L2", [[1, 1], [9, 1], [1, 8], [9, 8]]),))
        good = (folder / "labels" / "a.txt").read_text()
        refused: list[str] = []
        for _ in range(300):
            text = list(good)
            for _ in range(rng.randrange(1, 4)):
                place = rng.randrange(len(text))
                text[place : place + rng.randrange(3)] = rng.choice(
                    ["", " ", "-", "e9", "nan", ",", "\n", "\x00", "٣"]
                )
            (folder / "labels" / "a.txt").write_text("".join(text), encoding="utf-8")
            try:
                list(yolo.read(folder, POSE))
            except SpinekitError as error:
                refused.append(str(error))
        assert len(refused) > 100
        assert not any("\n" in line for line in refused)


FIXTURES = "formats/datumaro_fixtures/yolo_dataset"
MORE = "formats/labelformat_fixtures"


@pytest.mark.parametrize(
    ("folder", "task", "images", "instances"),
    [
        (f"{FIXTURES}/labels", "detect", 2, 4),
        (f"{FIXTURES}/annotations", "detect", 1, 2),
        (f"{FIXTURES}/strict", "detect", 1, 2),
        (f"{MORE}/object_detection/YOLOv8", "detect", 2, 16),
        (f"{MORE}/instance_segmentation/YOLOv8", "seg", 2, 3),
    ],
)
def test_real_data_sets_are_read_in_their_own_names(
    folder: str, task: str, images: int, instances: int
) -> None:
    path = real_data() / folder
    rows = [
        line
        for text in path.rglob("*.txt")
        if text.name not in {"README.txt", "train.txt"}
        for line in text.read_text().splitlines()
        if line.strip()
    ]
    assert len(rows) == instances
    assert yolo.detect(path)
    vocabulary = yolo.vocabulary(path)
    assert vocabulary is not None
    assert vocabulary.task == task
    schema = schema_from_names("own", vocabulary.task, vocabulary.classes)
    heard: list[str] = []
    scenes = list(yolo.read(path, schema, LabelOptions(notice=heard.append)))
    assert heard == []
    assert len(scenes) == images
    found = [item for scene in scenes for item in scene.instances]
    assert len(found) == instances
    numbers = sorted(int(row.split()[0]) for row in rows)
    assert sorted(vocabulary.classes.index(item.label) for item in found) == numbers
    assert all((item.outline is not None) == (task == "seg") for item in found)


@pytest.mark.parametrize(
    "other",
    [
        f"{MORE}/object_detection/KITTI",
        f"{MORE}/object_detection/Labelbox",
        f"{MORE}/object_detection/lightly",
        f"{MORE}/object_detection/COCO",
        f"{MORE}/object_detection/PascalVOC",
        f"{MORE}/semantic_segmentation/pascalvoc",
        "formats/datumaro_fixtures/voc_dataset/voc_dataset1",
        "formats/datumaro_fixtures/coco_dataset/coco_instances",
        "formats/datumaro_fixtures/labelme_dataset",
        "formats/via_official/v1",
        "aasce2019",
        "ceph_isbi2015",
        "em_isbi2012",
        "mri_lumbar",
        "orbit",
    ],
)
def test_what_is_no_yolo_is_not_taken_for_it(other: str) -> None:
    path = real_data() / other
    assert path.is_dir()
    assert not yolo.detect(path)
    assert not any(yolo.detect(file) for file in path.iterdir() if file.is_file())


def test_the_rows_of_another_tool_are_refused_with_file_and_line() -> None:
    path = real_data() / MORE / "object_detection" / "KITTI"
    with pytest.raises(AnnotationError, match=r"\.txt: line 1: '[a-z]+' is not a number"):
        list(yolo.read(path, BOXES))
