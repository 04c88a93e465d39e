from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.outline import Outline, to_mask, to_outline
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.formats import coco
from spinekit.formats.coco_shapes import mask_of, outline_of, runs_of
from tests.formats.annotation_samples import HEIGHT, POSE, SEG, WIDTH, body, real_data, save_image

SQUARE = [10.5, 10.5, 20.5, 10.5, 20.5, 18.5, 10.5, 18.5]


def square() -> dict[str, Any]:
    return {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [SQUARE], "iscrowd": 0}


def file_of(tmp_path: Path, *annotations: dict[str, Any], **changed: object) -> Path:
    save_image(tmp_path / "a.png")
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}],
        "categories": [{"id": 1, "name": "L1"}, {"id": 2, "name": "L2"}],
        "annotations": list(annotations),
    } | changed
    (tmp_path / "coco.json").write_text(json.dumps(content))
    return tmp_path / "coco.json"


def pose_file(tmp_path: Path, keypoints: object, names: object = ("TL", "TR", "BL", "BR")) -> Path:
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "keypoints": keypoints}
    return file_of(tmp_path, annotation, categories=[{"id": 1, "name": "L1", "keypoints": names}])


class TestRuns:
    @given(arrays(np.bool_, (5, 4)))
    def test_runs_give_back_the_mask(self, mask: npt.NDArray[np.bool_]) -> None:
        runs = runs_of(mask)
        assert sum(runs) == mask.size
        assert all(count > 0 for count in runs[1:])
        assert (mask_of(runs, *mask.shape) == mask).all()

    def test_runs_go_down_the_columns_and_begin_outside(self) -> None:
        mask = np.array([[True, False], [True, True]])
        assert runs_of(mask) == [0, 2, 1, 1]

    def test_compressed_runs_are_read(self) -> None:
        # Encoded by the COCO API itself: a square of 4 x 4 px with one pixel missing.
        mask = np.zeros((7, 8), bool)
        mask[1:5, 2:6] = True
        mask[3, 3] = False
        outline = outline_of({"size": [7, 8], "counts": "?43NNO2300="}, ImageRef(Path("a"), 7, 8), "x")
        assert outline is not None
        assert runs_of(mask) == [15, 4, 3, 2, 1, 1, 3, 4, 3, 4, 16]
        assert (to_mask(outline, 7, 8) == mask).all()


class TestReading:
    def test_polygons_count_from_the_edge_of_the_first_pixel(self, tmp_path: Path) -> None:
        (scene,) = coco.read(file_of(tmp_path, square()), SEG)
        (item,) = scene.instances
        assert item.label == "L1"
        assert item.box == (10.0, 10.0, 20.0, 18.0)
        assert item.author is Author.HUMAN

    def test_a_box_alone_is_an_instance(self, tmp_path: Path) -> None:
        annotation = {"id": 1, "image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5}
        (scene,) = coco.read(file_of(tmp_path, annotation), SEG)
        (item,) = scene.instances
        assert (item.label, item.box) == ("L2", (0.5, 1.5, 3.5, 5.5))
        assert (item.score, item.author) == (0.5, Author.MODEL)

    def test_unlabelled_keypoints_are_absent(self, tmp_path: Path) -> None:
        file = pose_file(tmp_path, [5, 6, 2, 0, 0, 0, 0, 0, 2, 7, 8, 1])
        (scene,) = coco.read(file, POSE)
        points = scene.instances[0].landmarks
        assert points is not None
        assert points.visibility.tolist() == [2, 0, 0, 1]
        assert points.xy[0].tolist() == [5.0, 6.0]

    @pytest.mark.parametrize(
        ("keypoints", "names", "message"),
        [
            ([1, 2, 2], ["TL", "TR"], "3 numbers of keypoints for 2 names"),
            ([1, 2, 3], ["TL"], "TL has the visibility 3"),
            ([1, 2, 2], ["XX"], "'XX' is no landmark of bodies"),
            (7, ["TL"], "broken numbers of keypoints"),
        ],
    )
    def test_broken_keypoints_are_named(
        self, tmp_path: Path, keypoints: object, names: list[str], message: str
    ) -> None:
        with pytest.raises(AnnotationError, match=message):
            list(coco.read(pose_file(tmp_path, keypoints, names), POSE))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"segmentation": [[1, 2, 3, 4]]}, "polygon 0 has 4 numbers"),
            ({"segmentation": [[1, 2, 3, 4, 5, 6]]}, "polygon 0 encloses nothing"),
            ({"segmentation": [[1, 2, 3, 4, 5, "x"]]}, "'x' is not a coordinate"),
            ({"segmentation": 3}, "neither polygons nor run lengths"),
            ({"segmentation": {"size": [3, 3], "counts": [9]}}, r"but the image has \[30, 40\]"),
            (
                {"segmentation": {"size": [30, 40], "counts": [9, 5]}},
                "run lengths are 14, the image has 1200",
            ),
            ({"segmentation": {"size": [30, 40], "counts": "~~"}}, "run lengths are broken"),
            ({"segmentation": {"size": [30, 40], "counts": [1200]}}, "without any pixel inside"),
            ({"segmentation": []}, "neither a bbox of four numbers nor a segmentation"),
            ({"category_id": 9}, "category 9 is not listed"),
            ({"image_id": 9}, "belongs to image 9, which is not listed"),
        ],
    )
    def test_a_broken_annotation_is_named(self, tmp_path: Path, change: dict[str, Any], message: str) -> None:
        with pytest.raises(AnnotationError, match=message):
            list(coco.read(file_of(tmp_path, square() | change), SEG))

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"categories": None}, "has no list of categories"),
            ({"images": [{"id": 1}]}, "image 1 has no file_name"),
            ({"images": [{"file_name": "a.png"}]}, "entry 0 has no id"),
            ({"images": [{"id": 1, "file_name": "a.png"}] * 2}, "the id 1 occurs twice"),
            (
                {"images": [{"id": 1, "file_name": "a.png", "width": 9, "height": 9}]},
                "is 9 x 9 px by the file",
            ),
            (
                {"categories": [{"id": 1, "name": "L9"}, {"id": 2, "name": "L2"}]},
                "'L9' is no label of shapes",
            ),
        ],
    )
    def test_a_broken_file_is_named(self, tmp_path: Path, changed: dict[str, Any], message: str) -> None:
        with pytest.raises(AnnotationError, match=message):
            list(coco.read(file_of(tmp_path, square(), **changed), SEG))

    def test_images_that_are_not_there_are_left_out(self, tmp_path: Path) -> None:
        images = [{"id": 1, "file_name": "../a.png"}, {"id": 2, "file_name": "b.png"}]
        file = file_of(tmp_path, images=images)
        assert list(coco.read(file, SEG)) == []
        assert len(coco.left_out(file)) == 2

    def test_a_crowd_is_flagged(self, tmp_path: Path) -> None:
        (scene,) = coco.read(file_of(tmp_path, square() | {"iscrowd": 1}), SEG)
        assert scene.instances[0].flags


class TestWriting:
    def test_the_file_has_the_parts_that_tools_ask_for(self, tmp_path: Path) -> None:
        ref = save_image(tmp_path / "a.png")
        item = body("L1", [[1, 2], [9, 2], [float("nan")] * 2, [9.25, 8]], 0.5)
        (file,) = coco.write(iter([Scene(ref, POSE, (item,), group="p1")]), tmp_path)
        content = json.loads(file.read_text())
        assert content["images"] == [
            {"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT, "group": "p1"}
        ]
        assert [category["name"] for category in content["categories"]] == ["vertebra", "L1", "L2", "L3"]
        assert content["categories"][1]["skeleton"] == [[1, 2], [2, 4], [4, 3], [3, 1]]
        (annotation,) = content["annotations"]
        assert annotation["keypoints"] == [1, 2, 2, 9, 2, 2, 0, 0, 0, 9.25, 8, 2]
        assert annotation["num_keypoints"] == 3
        assert annotation["bbox"] == [1.5, 2.5, 8.25, 6.0]
        assert (annotation["category_id"], annotation["iscrowd"], annotation["score"]) == (2, 0, 0.5)

    def test_holes_are_run_lengths_and_parts_are_polygons(self, tmp_path: Path) -> None:
        ref = save_image(tmp_path / "a.png")
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[3:9, 3:9] = True
        parts = to_outline(mask | np.roll(mask, 12, axis=1))
        mask[5, 5] = False
        holed = to_outline(mask)
        items = tuple(Instance(label, shape.box, shape) for label, shape in (("L1", parts), ("L2", holed)))
        (file,) = coco.write([Scene(ref, SEG, items)], tmp_path)
        first, second = json.loads(file.read_text())["annotations"]
        assert [len(polygon) for polygon in first["segmentation"]] == [8, 8]
        assert first["area"] == 72
        assert second["segmentation"]["size"] == [HEIGHT, WIDTH]
        assert second["area"] == 35
        (scene,) = coco.read(file, SEG)
        assert [len(item.outline.holes) for item in scene.instances if item.outline] == [0, 1]

    def test_no_scene_is_an_empty_file_that_is_whole(self, tmp_path: Path) -> None:
        (file,) = coco.write([], tmp_path)
        assert json.loads(file.read_text())["annotations"] == []


def test_real_lateral_films_are_read() -> None:
    folder = real_data() / "spine_lateral"
    listed = json.loads((folder / "coco_keypoints.json").read_text())
    names = listed["categories"][0]["keypoints"]
    schema = Schema(
        "lateral", 1, "", "pose", "", ("spine",), (), tuple(LandmarkDefinition(name, "") for name in names)
    )
    scenes = list(coco.read(folder / "coco_keypoints.json", schema))
    assert len(scenes) == 10
    for scene in scenes:
        for item in scene.instances:
            assert item.landmarks is not None
            present = item.landmarks.xy[item.landmarks.visibility > 0]
            assert (present >= 0).all()
            assert (present < [scene.image.width, scene.image.height]).all()


def test_outlines_survive_to_half_a_pixel(tmp_path: Path) -> None:
    ref = save_image(tmp_path / "a.png")
    ring = np.array([[3.123456, 4.5], [20.98765, 5.25], [11.5, 22.75]])
    (file,) = coco.write([Scene(ref, SEG, (Instance("L1", (0, 0, 1, 1), Outline((ring,))),))], tmp_path)
    (scene,) = coco.read(file, SEG)
    outline = scene.instances[0].outline
    assert outline is not None
    np.testing.assert_allclose(outline.rings[0], ring, atol=1e-4)
