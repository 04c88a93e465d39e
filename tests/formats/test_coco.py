from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spinekit.core.errors import AnnotationError, SpinekitError
from spinekit.core.image import ImageRef
from spinekit.core.outline import Outline, to_mask, to_outline
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.formats import aasce, coco, isbi, landmark_csv, yolo
from spinekit.formats.coco_shapes import mask_of, outline_of, runs_of
from spinekit.formats.plugin import LabelOptions, Vocabulary
from spinekit.formats.yolo_rows import RowMeaning, parse_row, seg_row
from spinekit.schemas import load_schema
from spinekit.schemas.made import schema_from_names
from tests.formats.annotation_samples import (
    HEIGHT,
    POSE,
    SEG,
    WIDTH,
    body,
    real_data,
    save_image,
    shape_instances,
)

NOISE = ("", "[", "]", ":", '"', ",", "-", "e9", "NaN", "null", "{", "\n", "\x00", "é")
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
            ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "polygon 0 has 7 numbers"),
            ({"segmentation": [7]}, "polygon 0 has 0 numbers"),
            ({"segmentation": [[1, 2, 3, 4, 5, None]]}, "None is not a coordinate"),
            ({"segmentation": [], "bbox": [1, 2, -3, 4]}, "annotation 1: a bbox of -3 x 4"),
            ({"segmentation": [], "bbox": [1, 2, "3", 4]}, "annotation 1: bbox: '3' is not a coordinate"),
            ({"category_id": [1]}, r"category \[1\] is not listed"),
            ({"image_id": None}, "belongs to image None, which is not listed"),
            ({"score": "high"}, "annotation 1: score: 'high' is not a coordinate"),
            ({"segmentation": [[1, 2, 3, 4, 5, "x"]]}, "'x' is not a coordinate"),
            ({"segmentation": 3}, "neither polygons nor run lengths"),
            ({"segmentation": {"size": [3, 3], "counts": [9]}}, r"but the image has \[30, 40\]"),
            (
                {"segmentation": {"size": [30, 40], "counts": [9, 5]}},
                "run lengths are 14, the image has 1200",
            ),
            ({"segmentation": {"size": [30, 40], "counts": "~~"}}, "run lengths are broken"),
            ({"segmentation": {"size": [30, 40], "counts": [9.5, 1190.5]}}, "run lengths are broken"),
            ({"segmentation": {"size": [30, 40], "counts": [-1, 1201]}}, "run lengths are broken"),
            ({"segmentation": {"counts": [1200]}}, r"of None, but the image has \[30, 40\]"),
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
            ({"categories": [{"id": 1}]}, "category 1: has no name"),
            (
                {"categories": [{"id": 1, "name": "L1"}, {"id": 1, "name": "L2"}]},
                "categories: the id 1 occurs twice",
            ),
            ({"annotations": [square(), square()]}, "annotations: the id 1 occurs twice"),
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

    def test_images_that_are_not_there_are_told(self, tmp_path: Path) -> None:
        images = [{"id": 1, "file_name": "../a.png"}, {"id": 2, "file_name": "b.png"}]
        file = file_of(tmp_path, images=images)
        heard: list[str] = []
        assert list(coco.read(file, SEG, LabelOptions(notice=heard.append))) == []
        assert heard == [
            f"{file}: image 1: ../a.png: the file name climbs out of the image folder -- passed over",
            f"{file}: image 2: b.png: not in {tmp_path} -- passed over",
        ]
        with pytest.raises(AnnotationError, match=r"image 1: \.\./a\.png: .* -- add the image"):
            list(coco.read(file, SEG, LabelOptions(allow_missing=False)))

    @pytest.mark.parametrize(
        ("change", "heard"),
        [
            ({"segmentation": [[1, 2, 3, 4, 5, 6]]}, "the shape encloses nothing -- passed over"),
            (
                {"segmentation": {"size": [30, 40], "counts": [1200]}},
                "the shape encloses nothing -- passed over",
            ),
            ({"segmentation": [[50, 2, 60, 4, 55, 6]]}, "the shape lies outside the image -- passed over"),
            ({"segmentation": [], "bbox": [1, 2, 0, 4]}, "a bbox of 0 x 4 encloses nothing -- passed over"),
        ],
    )
    def test_what_encloses_nothing_is_passed_over_and_told(
        self, tmp_path: Path, change: dict[str, Any], heard: str
    ) -> None:
        lines: list[str] = []
        file = file_of(tmp_path, square() | change)
        (scene,) = coco.read(file, SEG, LabelOptions(notice=lines.append))
        assert scene.instances == ()
        assert lines == [f"{file}: annotation 1: {heard}"]

    @pytest.mark.parametrize(
        ("change", "heard"),
        [
            ({"iscrowd": 1}, "is a crowd -- read as one instance, flagged"),
            ({"segmentation": [SQUARE, [1, 2, 3, 4, 5, 6]]}, "1 of 2 parts encloses nothing -- passed over"),
            (
                {"segmentation": [[-3, 2, 10, 4, 5, 9]]},
                "the shape reaches beyond the image -- cut at its edge",
            ),
            (
                {"segmentation": [[1, 1, 9, 9, 9, 1, 1, 8]]},
                "the shape crosses itself -- filled by the even-odd rule",
            ),
            ({"segmentation": [], "bbox": [1, 2, 3, 4]}, "is a bbox alone -- read without an outline"),
        ],
    )
    def test_what_is_doubtful_is_read_and_told(
        self, tmp_path: Path, change: dict[str, Any], heard: str
    ) -> None:
        lines: list[str] = []
        file = file_of(tmp_path, square() | change)
        (scene,) = coco.read(file, SEG, LabelOptions(notice=lines.append))
        assert len(scene.instances) == 1
        assert lines == [f"{file}: annotation 1: {heard}"]

    def test_overlapping_polygons_add_up(self, tmp_path: Path) -> None:
        lines: list[str] = []
        parts = [[2, 2, 12, 2, 12, 12, 2, 12], [8, 8, 20, 8, 20, 20, 8, 20]]
        file = file_of(tmp_path, square() | {"segmentation": parts})
        (scene,) = coco.read(file, SEG, LabelOptions(notice=lines.append))
        outline = scene.instances[0].outline
        assert outline is not None
        assert to_mask(outline, HEIGHT, WIDTH).sum() == 100 + 144 - 16
        assert lines == [f"{file}: annotation 1: its polygons overlap -- joined, along pixel borders"]

    def test_a_crowd_is_flagged_and_written_as_one(self, tmp_path: Path) -> None:
        (scene,) = coco.read(file_of(tmp_path, square() | {"iscrowd": 1}), SEG)
        assert scene.instances[0].flags
        (file,) = coco.write([scene], tmp_path / "out")
        assert json.loads(file.read_text())["annotations"][0]["iscrowd"] == 1

    def test_points_alone_make_the_box(self, tmp_path: Path) -> None:
        keypoints = [5, 6, 2, 0, 0, 0, 9, 16, 1, 0, 0, 0]
        for bbox in ({"bbox": [0, 0, 0, 0]}, {}):
            annotation = {"id": 1, "image_id": 1, "category_id": 1, "keypoints": keypoints} | bbox
            categories = [{"id": 1, "name": "L1", "keypoints": ["TL", "TR", "BL", "BR"]}]
            (scene,) = coco.read(file_of(tmp_path, annotation, categories=categories), POSE)
            assert scene.instances[0].box == (5.0, 6.0, 9.0, 16.0)

    def test_a_point_at_zero_that_claims_to_be_there_is_told(self, tmp_path: Path) -> None:
        lines: list[str] = []
        file = pose_file(tmp_path, [5, 6, 2, 0, 0, 2, 0, 0, 0, 77, 8, 1])
        list(coco.read(file, POSE, LabelOptions(notice=lines.append)))
        assert lines == [
            f"{file}: annotation 1: TR at 0,0, where tools put what was never placed -- taken as absent",
            f"{file}: annotation 1: BR outside the image of 40 x 30 px -- kept",
        ]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "is empty"),
            ("[]", "is a list, as of COCO results"),
            ("null", "is no COCO file"),
            ('{"images": [', "line 1, column 13"),
            ('{"images": [],}', "line 1, column 15"),
            ('{"images": [], "annotations": [], "categories": [1]}', "categories: entry 0 has no id"),
            ('{"images": [], "images": []}', "'images' occurs twice"),
            ('{"images": [NaN]}', "holds NaN"),
            ("[" * 100_000, "nested too deeply"),
        ],
    )
    def test_a_broken_text_is_one_line(self, tmp_path: Path, text: str, message: str) -> None:
        (tmp_path / "coco.json").write_text(text)
        with pytest.raises(AnnotationError, match=rf"coco\.json: .*{message}") as caught:
            list(coco.read(tmp_path / "coco.json", SEG))
        assert "\n" not in str(caught.value)

    def test_a_byte_order_mark_is_no_matter_and_utf_16_is_refused(self, tmp_path: Path) -> None:
        file = file_of(tmp_path, square())
        text = file.read_text()
        file.write_text(text, encoding="utf-8-sig")
        assert coco.detect(file)
        assert len(list(coco.read(file, SEG))) == 1
        file.write_text(text, encoding="utf-16")
        with pytest.raises(AnnotationError, match="is UTF-16 text"):
            list(coco.read(file, SEG))

    def test_mutations_end_in_one_line(self, tmp_path: Path) -> None:
        rng = random.Random(7)
        annotation = square() | {"bbox": [1, 2, 3, 4], "keypoints": [5, 6, 2] * 4, "score": 0.5}
        runs = {
            "id": 2,
            "image_id": 1,
            "category_id": 1,
            "segmentation": {"size": [30, 40], "counts": "ZPnT"},
        }
        good = file_of(tmp_path, annotation, runs).read_text()
        refused: list[str] = []
        for _ in range(400):
            text = list(good)
            for _ in range(rng.randrange(1, 3)):
                place = rng.randrange(len(text))
                text[place : place + rng.randrange(3)] = rng.choice(NOISE)
            (tmp_path / "coco.json").write_text("".join(text), encoding="utf-8")
            for schema in (SEG, POSE):
                try:
                    list(coco.read(tmp_path / "coco.json", schema))
                    coco.vocabulary(tmp_path / "coco.json")
                except SpinekitError as error:
                    refused.append(str(error))
            assert coco.detect(tmp_path / "coco.json") in {True, False}
        assert len(refused) > 200
        assert not any("\n" in line for line in refused)


class TestNames:
    def test_what_the_file_calls_things(self, tmp_path: Path) -> None:
        assert coco.vocabulary(file_of(tmp_path, square())) == Vocabulary("seg", ("L1", "L2"))
        box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}
        assert coco.vocabulary(file_of(tmp_path, box)) == Vocabulary("detect", ("L1", "L2"))
        names = [{"id": 1, "name": "a", "keypoints": ["x", " y "], "skeleton": [[1, 2], [0, 1], [2, 3], "?"]}]
        names.append({"id": 2, "name": "b", "keypoints": ["y", "z"], "skeleton": [[2, 1]]})
        found = coco.vocabulary(file_of(tmp_path, categories=names))
        assert found == Vocabulary("pose", ("a", "b"), ("x", "y", "z"), (("x", "y"), ("z", "y")))

    def test_points_without_names_and_no_categories_are_no_vocabulary(self, tmp_path: Path) -> None:
        assert coco.vocabulary(file_of(tmp_path, square() | {"keypoints": [1, 2, 2]})) is None
        assert coco.vocabulary(file_of(tmp_path, categories=[])) is None

    @pytest.mark.parametrize(
        ("names", "message"),
        [(["a", "a"], "'a' is named twice"), ([1], "no list of names"), ("ab", "no list of names")],
    )
    def test_broken_names_are_told(self, tmp_path: Path, names: object, message: str) -> None:
        file = file_of(tmp_path, categories=[{"id": 1, "name": "a", "keypoints": names}])
        with pytest.raises(AnnotationError, match=message):
            coco.vocabulary(file)


class TestPlaces:
    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        for name in ("a.json", "a.csv", "a.txt", "a.mat", "labels.txt"):
            os.mkfifo(tmp_path / name)
        for form in (coco, yolo, isbi, aasce, landmark_csv):
            assert not form.detect(tmp_path)
            assert not any(form.detect(path) for path in tmp_path.iterdir())

    def test_images_beside_the_folder_of_annotations(self, tmp_path: Path) -> None:
        save_image(tmp_path / "images" / "train" / "a.png")
        (tmp_path / "annotations").mkdir()
        file = file_of(tmp_path / "annotations", square())
        (tmp_path / "annotations" / "a.png").unlink()
        (tmp_path / "annotations" / "coco.json").rename(tmp_path / "annotations" / "instances_train.json")
        for path in (file.with_name("instances_train.json"), tmp_path, tmp_path / "annotations"):
            assert coco.detect(path)
            assert [scene.image.name for scene in coco.read(path, SEG)] == ["train/a.png"]

    def test_one_of_several_files_must_be_named(self, tmp_path: Path) -> None:
        text = file_of(tmp_path, square()).read_text()
        (tmp_path / "coco.json").unlink()
        for name in ("a.json", "b.json"):
            (tmp_path / name).write_text(text)
        (tmp_path / "notes.json").write_text("{}")
        with pytest.raises(AnnotationError, match=r"holds 2 COCO files \(a\.json, b\.json\) -- name the one"):
            list(coco.read(tmp_path, SEG))


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


def test_real_lateral_films_are_read_in_their_own_names() -> None:
    file = real_data() / "spine_lateral" / "coco_keypoints.json"
    vocabulary = coco.vocabulary(file)
    assert vocabulary is not None
    assert (vocabulary.task, vocabulary.classes, len(vocabulary.landmarks)) == ("pose", ("full",), 92)
    assert len(vocabulary.edges) == 90
    own = schema_from_names(
        "own", vocabulary.task, vocabulary.classes, vocabulary.landmarks, vocabulary.edges
    )
    content = json.loads(file.read_text())
    marked = {item["image_id"]: item["keypoints"] for item in content["annotations"]}
    ids = {item["file_name"]: item["id"] for item in content["images"]}
    scenes = list(coco.read(file, own))
    assert len(scenes) == len(ids) == 10
    for scene in scenes:
        (item,) = scene.instances
        assert item.landmarks is not None
        table = np.array(marked[ids[scene.image.name]], dtype=np.float64).reshape(92, 3)
        np.testing.assert_array_equal(item.landmarks.visibility, table[:, 2])
        np.testing.assert_array_equal(item.landmarks.xy[table[:, 2] > 0], table[table[:, 2] > 0, :2])


def test_points_by_level_leave_the_outline_of_the_whole_behind(tmp_path: Path) -> None:
    annotation = square() | {"keypoints": [5, 6, 2, 9, 8, 2]}
    file = file_of(
        tmp_path, annotation, categories=[{"id": 1, "name": "full", "keypoints": ["L1TB", "L2TB"]}]
    )
    heard: list[str] = []
    (scene,) = coco.read(file, load_schema("spine-lateral"), LabelOptions(notice=heard.append))
    assert [item.label for item in scene.instances] == ["L1", "L2"]
    assert heard == [f"{file}: annotation 1: its points make 2 bodies, its outline is of none -- left out"]


def test_real_lateral_films_give_one_body_a_level() -> None:
    """Endplates are in line: upper ends above lower ones, and front is on one side along the whole spine."""
    schema = load_schema("spine-lateral")
    file = real_data() / "spine_lateral" / "coco_keypoints.json"
    content = json.loads(file.read_text())
    placed = sum(np.count_nonzero(item["keypoints"][2::3]) for item in content["annotations"])
    points = 0
    for scene in coco.read(file, schema):
        levels = [item.label for item in scene.instances]
        assert levels == sorted(levels, key=schema.levels.index)
        sides = set()
        for item in scene.instances:
            assert item.landmarks is not None
            points += int(np.count_nonzero(item.landmarks.visibility))
            xy = dict(zip(item.landmarks.names, item.landmarks.xy, strict=True))
            if item.label == "C2":
                assert np.isnan(xy["sup_ant"]).all()
            if not any(np.isnan(point).any() for point in xy.values()):
                assert xy["sup_post"][1] + xy["sup_ant"][1] < xy["inf_post"][1] + xy["inf_ant"][1]
                sides.add(bool(xy["sup_ant"][0] + xy["inf_ant"][0] > xy["sup_post"][0] + xy["inf_post"][0]))
        assert len(sides) == 1
    assert points == placed


OWN_NAMES = "formats/datumaro_fixtures/coco_dataset"
MORE = "formats/labelformat_fixtures"


@pytest.mark.parametrize(
    ("file", "images", "seen"),
    [
        (f"{OWN_NAMES}/coco_instances/annotations/instances_train.json", None, 1),
        (f"{OWN_NAMES}/coco_instances/annotations/instances_val.json", None, 1),
        (f"{OWN_NAMES}/coco_roboflow/train/_annotations.coco.json", None, 1),
        (f"{OWN_NAMES}/coco_roboflow/val/_annotations.coco.json", None, 1),
        (f"{MORE}/object_detection/COCO/train.json", None, 2),
        (
            f"{MORE}/instance_segmentation/COCO/instances.json",
            f"{MORE}/instance_segmentation/YOLOv8/images",
            2,
        ),
        (
            f"{MORE}/instance_segmentation/COCO/instances_with_binary_mask.json",
            f"{MORE}/instance_segmentation/YOLOv8/images",
            2,
        ),
    ],
)
def test_real_files_agree_with_the_sets_own_tool(
    file: str, images: str | None, seen: int, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = pytest.importorskip("pycocotools.coco").COCO(real_data() / file)
    capsys.readouterr()
    path = real_data() / file
    vocabulary = coco.vocabulary(path)
    assert vocabulary is not None
    assert coco.detect(path)
    assert sorted(vocabulary.classes) == sorted(item["name"] for item in tool.loadCats(tool.getCatIds()))
    heard: list[str] = []
    options = LabelOptions(None if images is None else real_data() / images, notice=heard.append)
    schema = schema_from_names("own", vocabulary.task, vocabulary.classes)
    scenes = list(coco.read(path, schema, options))
    assert len(scenes) == seen
    assert len(scenes) + sum("passed over" in line for line in heard) == len(tool.getImgIds())
    by_name = {entry["file_name"]: entry["id"] for entry in tool.loadImgs(tool.getImgIds())}
    for scene in scenes:
        annotations = tool.loadAnns(tool.getAnnIds(imgIds=by_name[scene.image.name.rsplit("/", 1)[-1]]))
        assert len(scene.instances) == len(annotations)
        for item, annotation in zip(scene.instances, annotations, strict=True):
            left, top, right, bottom = item.box
            np.testing.assert_allclose(
                (left + 0.5, top + 0.5, right - left, bottom - top), annotation["bbox"]
            )
            assert bool(item.flags) == bool(annotation["iscrowd"])
            assert item.label == tool.loadCats(annotation["category_id"])[0]["name"]
            if annotation.get("segmentation"):
                assert item.outline is not None
                ours = to_mask(item.outline, scene.image.height, scene.image.width)
                theirs = tool.annToMask(annotation).astype(bool)
                # The tool paints a polygon's border in steps of a fifth of a pixel; run lengths are exact.
                edge = 0 if isinstance(annotation["segmentation"], dict) else 0.02 * theirs.sum() + 1
                assert (ours ^ theirs).sum() <= edge


def test_keypoints_without_names_ask_for_a_schema() -> None:
    path = real_data() / OWN_NAMES / "coco_person_keypoints" / "annotations" / "person_keypoints_val.json"
    assert coco.detect(path)
    assert coco.vocabulary(path) is None
    points = tuple(LandmarkDefinition(name, "") for name in "xyz")
    schema = Schema("three", 1, "", "pose", "", ("a", "b"), (), points)
    (scene,) = coco.read(path, schema)
    first = scene.instances[0].landmarks
    assert first is not None
    assert first.xy.tolist() == [[1, 2], [3, 4], [2, 3]]


def test_what_we_write_opens_in_the_sets_own_tool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    masks = np.zeros((2, HEIGHT, WIDTH), bool)
    masks[0, 3:12, 3:12] = masks[0, 20:25, 20:25] = masks[1, 5:20, 15:30] = True
    masks[1, 8:11, 18:25] = False
    shapes = [to_outline(mask) for mask in masks]
    items = tuple(Instance(f"L{i}", shape.box, shape) for i, shape in enumerate(shapes, 1))
    scene = Scene(save_image(tmp_path / "a.png"), SEG, items)
    (file,) = coco.write([scene], tmp_path)
    tool = pytest.importorskip("pycocotools.coco").COCO(file)
    capsys.readouterr()
    assert [item["name"] for item in tool.loadCats(tool.getCatIds())] == ["L1", "L2", "L3"]
    annotations = tool.loadAnns(tool.getAnnIds())
    assert [annotation["area"] for annotation in annotations] == [mask.sum() for mask in masks]
    for annotation, mask, shape in zip(annotations, masks, shapes, strict=True):
        np.testing.assert_array_equal(tool.annToMask(annotation).astype(bool), mask)
        left, top, width, height = annotation["bbox"]
        assert (left - 0.5, top - 0.5, left + width - 0.5, top + height - 0.5) == shape.box
    pose = Scene(scene.image, POSE, (body("L1", [[1, 2], [9, 2], [float("nan")] * 2, [9.25, 8]]),))
    (file,) = coco.write([pose], tmp_path / "pose")
    tool = pytest.importorskip("pycocotools.coco").COCO(file)
    assert tool.loadAnns(tool.getAnnIds())[0]["num_keypoints"] == 3


@given(arrays(np.bool_, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_runs_are_those_of_the_sets_own_tool(mask: npt.NDArray[np.bool_]) -> None:
    tool = pytest.importorskip("pycocotools.mask")
    encoded = tool.encode(np.asfortranarray(mask.astype(np.uint8)))
    segmentation = {"size": list(mask.shape), "counts": encoded["counts"].decode("ascii")}
    outline = outline_of(segmentation, ImageRef(Path("a"), *mask.shape), "x")
    if mask.any():
        assert outline is not None
        assert (to_mask(outline, *mask.shape) == mask).all()
    else:
        assert outline is None
    theirs = tool.frPyObjects({"size": list(mask.shape), "counts": runs_of(mask)}, *mask.shape)
    assert (tool.decode(theirs).astype(bool) == mask).all()


@given(shape_instances())
def test_holes_and_parts_survive_polygons_of_yolo_and_coco(instances: tuple[Instance, ...]) -> None:
    """Overlap of at least 0.98 is asked for; the masks are the same."""
    image = ImageRef(Path("a.png"), HEIGHT, WIDTH)
    for item in instances:
        assert item.outline is not None
        mask = to_mask(item.outline, HEIGHT, WIDTH)
        row = seg_row(0, item.outline, image)
        assert row is not None
        back = parse_row(row, "x", RowMeaning({0: item.label}, SEG), image)
        assert back is not None
        assert back.outline is not None
        assert (to_mask(back.outline, HEIGHT, WIDTH) == mask).all()
        if not item.outline.holes:
            polygons = [(ring + 0.5).ravel().tolist() for ring in item.outline.rings]
            again = outline_of(polygons, image, "x")
            assert again is not None
            assert (to_mask(again, HEIGHT, WIDTH) == mask).all()


def test_outlines_survive_to_half_a_pixel(tmp_path: Path) -> None:
    ref = save_image(tmp_path / "a.png")
    ring = np.array([[3.123456, 4.5], [20.98765, 5.25], [11.5, 22.75]])
    (file,) = coco.write([Scene(ref, SEG, (Instance("L1", (0, 0, 1, 1), Outline((ring,))),))], tmp_path)
    (scene,) = coco.read(file, SEG)
    outline = scene.instances[0].outline
    assert outline is not None
    np.testing.assert_allclose(outline.rings[0], ring, atol=1e-4)
