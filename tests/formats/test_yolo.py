from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError, NothingUsableError, UsageError
from spinekit.core.image import ImageRef
from spinekit.core.landmarks import Landmarks
from spinekit.core.outline import Outline, to_mask, to_outline
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.formats import yolo
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.yolo_dataset import DatasetReport, Sample, write_dataset
from spinekit.formats.yolo_rows import parse_row, points_box, pose_row, seg_row
from tests.formats.annotation_samples import (
    CORNERS,
    HEIGHT,
    POSE,
    SEG,
    SEM,
    WIDTH,
    body,
    pose_instances,
    save_image,
    shape_instances,
)

IMAGE = ImageRef(Path("a.png"), 100, 200)
NAN = float("nan")


class TestRows:
    def test_a_pixel_centre_lies_half_a_pixel_from_the_edge(self) -> None:
        item = body("L1", [[0, 0], [199, 0], [0, 99], [99.5, 49.5]])
        assert item.landmarks is not None
        row, outside = pose_row(0, (-0.5, -0.5, 199.5, 99.5), item.landmarks, IMAGE)
        values = [float(token) for token in row.split()]
        assert values[:5] == [0, 0.5, 0.5, 1, 1]
        assert values[5:8] == [0.0025, 0.005, 2]
        assert values[14:17] == [0.5, 0.5, 2]
        assert outside == 0

    def test_absent_and_outer_points_are_three_zeros(self) -> None:
        points = Landmarks(
            CORNERS,
            np.array([[NAN, NAN], [250, 10], [20, -3], [20.0, 30]]),
            np.array([0, 2, 1, 1], dtype=np.int8),
        )
        row, outside = pose_row(0, (0, 0, 20, 30), points, IMAGE)
        assert row.split()[5:14] == ["0"] * 9
        assert row.split()[16] == "1"
        assert outside == 2

    def test_the_box_has_room_around_the_points_and_one_pixel_at_least(self) -> None:
        item = body("L1", [[10, 20], [50, 20], [10, 40], [NAN, NAN]])
        assert item.landmarks is not None
        assert points_box(item.landmarks, IMAGE, 0.1) == (7.0, 17.0, 53.0, 43.0)
        single = body("L1", [[10, 20], *[[NAN, NAN]] * 3])
        assert single.landmarks is not None
        assert points_box(single.landmarks, IMAGE, 0.1) == (9.5, 19.5, 10.5, 20.5)
        outer = body("L1", [[-10, 20], *[[NAN, NAN]] * 3])
        assert outer.landmarks is not None
        assert points_box(outer.landmarks, IMAGE, 0.1) is None

    def test_a_shape_outside_has_no_row(self) -> None:
        square = np.array([[0.0, 0], [10, 0], [10, 10], [0, 10]])
        assert seg_row(3, Outline((square + np.array([300, 0]),)), IMAGE) is None
        cut = seg_row(3, Outline((square + np.array([195, 0]),)), IMAGE)
        assert cut is not None
        assert max(map(float, cut.split()[1::2])) == 1.0

    @given(shape_instances())
    def test_no_row_leaves_the_unit_square(self, instances: tuple[Instance, ...]) -> None:
        small = ImageRef(Path("a.png"), HEIGHT // 2, WIDTH // 2)
        for item in instances:
            assert item.outline is not None
            row = seg_row(0, item.outline, small)
            if row is not None:
                values = list(map(float, row.split()[1:]))
                assert len(values) >= 6
                assert len(values) % 2 == 0
                assert 0 <= min(values) <= max(values) <= 1

    @given(pose_instances())
    def test_pose_rows_have_all_columns_within_bounds(self, instances: tuple[Instance, ...]) -> None:
        for item in instances:
            assert item.landmarks is not None
            row, _ = pose_row(0, item.box, item.landmarks, ImageRef(Path("a"), HEIGHT, WIDTH))
            values = np.array(row.split(), dtype=float)
            assert values.size == 5 + 3 * 4
            assert (values[1:5] >= 0).all()
            assert (values[1:5] <= 1).all()

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("0 0.1 0.1 0.2", "a polygon needs a class and pairs"),
            ("0 0.1 0.1 0.2 0.2 0.3", "6 values"),
            ("0 0.1 0.1 0.2 0.2 0.3 0.3", "encloses nothing"),
            ("0,0.1 0.1", "holds a comma"),
            ("0 0.1 0.1 0.2 nan 0.3 0.1", "'nan' is not a number"),
            ("9 0.1 0.1 0.2 0.2 0.3 0.1", "class 9 is not known"),
            ("0.5 0.1 0.1 0.2 0.2 0.3 0.1", "class 0.5 is not known"),
            ("0 10 10 20 20 30 10", "a coordinate of 30 is outside 0..1"),
            ("0 -0.5 0.1 0.2 0.2 0.3 0.1", "a coordinate of -0.5 is outside"),
        ],
    )
    def test_a_broken_polygon_is_named(self, line: str, message: str) -> None:
        with pytest.raises(AnnotationError, match=f"x.txt: line 3: .*{message}"):
            parse_row(line, "x.txt: line 3", {0: "L1", 1: "L2", 2: "L3"}, SEG, IMAGE)

    @pytest.mark.parametrize(
        ("points", "message"),
        [
            ("0.1 0.1 2", "3 numbers of keypoints -- bodies has 4 landmarks"),
            ("0.1 0.1 3 " * 4, "visibility other than 0, 1 or 2"),
            ("1.5 0.1 2 " * 4, "a coordinate of 1.5 is outside"),
        ],
    )
    def test_a_broken_pose_is_named(self, points: str, message: str) -> None:
        with pytest.raises(AnnotationError, match=message):
            parse_row(f"0 0.5 0.5 0.1 0.1 {points}", "x.txt: line 1", {0: "vertebra"}, POSE, IMAGE)

    def test_rows_with_two_columns_a_point_and_plain_boxes_are_read(self) -> None:
        pose = parse_row(
            "0 0.5 0.5 0.1 0.1 0.5 0.5 0 0 0.25 0.5 0.1 0.1", "x", {0: "L1"}, POSE, IMAGE
        ).landmarks
        assert pose is not None
        assert pose.visibility.tolist() == [2, 0, 2, 2]
        assert pose.xy[0].tolist() == [99.5, 49.5]
        plain = parse_row("1 0.5 0.5 0.5 0.5", "x", {1: "L2"}, SEG, IMAGE)
        assert plain.box == (49.5, 24.5, 149.5, 74.5)
        assert plain.outline is None


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
            ("names: {0: no}\n", "quote each name"),
            ("names: [L1\n", "line 2"),
            ("nc: 3\n", "names is no list"),
            ("a: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
        ],
    )
    def test_a_data_yaml_that_cannot_be_used(self, tmp_path: Path, settings: str, message: str) -> None:
        with pytest.raises(AnnotationError, match=message):
            list(yolo.read(self.write(tmp_path, "", settings), SEG))

    def test_what_has_no_partner_is_named(self, tmp_path: Path) -> None:
        folder = self.write(tmp_path, "")
        (folder / "labels" / "gone.txt").write_text("")
        save_image(folder / "images" / "b.png")
        assert yolo.left_out(folder) == (
            f"gone.txt: no image of this name in {folder / 'images'}",
            "b.png: no label file",
        )

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
        with pytest.raises(UsageError, match="a raster has no YOLO rows"):
            yolo.write([Scene(ref, SEM)], tmp_path / "out")
        with pytest.raises(UsageError, match="is of schema"):
            yolo.write([Scene(ref, SEG), Scene(ref, POSE)], tmp_path / "out")


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
        with pytest.raises(UsageError, match="no task 'detect'"):
            write_dataset({"train": [train], "val": [val]}, tmp_path / "c", POSE, "detect")
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


def test_the_library_takes_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOLO_OFFLINE", "1")
    monkeypatch.setenv("YOLO_AUTOINSTALL", "0")
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path / "settings"))
    utils = pytest.importorskip("ultralytics.data.utils")
    item = body("L1", [[1, 1], [39, 1], [NAN, NAN], [9, 29]])
    pair = [sample(tmp_path, f"{name}.png", POSE, item) for name in "ab"]
    report: DatasetReport = write_dataset({"train": pair[:1], "val": pair[1:]}, tmp_path / "ws", POSE, "pose")
    folder = report.data.parent
    image, label = folder / "images" / "train" / "a.png", folder / "labels" / "train" / "a.txt"
    checked = utils.verify_image_label((str(image), str(label), "", True, 1, 4, 3, False))
    assert checked[0] == str(image)
    assert checked[1].shape == (1, 5)
    assert checked[4].shape == (1, 4, 3)
    missing, found, empty, corrupt, message = checked[5:]
    assert (missing, found, empty, corrupt, message) == (0, 1, 0, 0, "")
