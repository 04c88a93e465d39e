from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.landmarks import Landmarks
from spinekit.core.outline import Outline, to_mask
from spinekit.core.scene import Instance
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.yolo_rows import RowMeaning, meaning_of, parse_row, points_box, pose_row, seg_row
from spinekit.formats.yolo_settings import DataSettings
from tests.formats.annotation_samples import (
    CORNERS,
    HEIGHT,
    POSE,
    SEG,
    WIDTH,
    body,
    pose_instances,
    shape_instances,
)

IMAGE = ImageRef(Path("a.png"), 100, 200)
POINTS = RowMeaning({0: "vertebra"}, POSE, 4)
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
            ("0 0.1 0.1 0.2", "5 make a box, a polygon needs a class and pairs"),
            ("0 0.1 0.1 0.2 0.2 0.3", "6 values"),
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
            parse_row(line, "x.txt: line 3", RowMeaning({0: "L1", 1: "L2", 2: "L3"}, SEG), IMAGE)

    @pytest.mark.parametrize(
        ("points", "message"),
        [
            ("0.1 0.1 2", "3 numbers of keypoints -- 4 points need x y v each"),
            ("0.1 0.1 3 " * 4, "visibility other than 0, 1 or 2"),
            ("1.5 0.1 2 " * 4, "a coordinate of 1.5 is outside"),
        ],
    )
    def test_a_broken_pose_is_named(self, points: str, message: str) -> None:
        with pytest.raises(AnnotationError, match=message):
            parse_row(f"0 0.5 0.5 0.1 0.1 {points}", "x.txt: line 1", POINTS, IMAGE)

    def test_rows_with_two_columns_a_point_and_plain_boxes_are_read(self) -> None:
        item = parse_row("0 0.5 0.5 0.1 0.1 0.5 0.5 0 0 0.25 0.5 0.1 0.1", "x", POINTS, IMAGE)
        assert item is not None
        assert item.landmarks is not None
        assert item.landmarks.visibility.tolist() == [2, 0, 2, 2]
        assert item.landmarks.xy[0].tolist() == [99.5, 49.5]
        plain = parse_row("1 0.5 0.5 0.5 0.5", "x", RowMeaning({1: "L2"}, SEG), IMAGE)
        assert plain is not None
        assert plain.box == (49.5, 24.5, 149.5, 74.5)
        assert plain.outline is None

    def test_a_box_with_an_angle_is_a_polygon_of_four_corners(self) -> None:
        item = parse_row("0 0.5 0.2 0.6 0.5 0.5 0.8 0.4 0.5", "x", RowMeaning({0: "L1"}, SEG), IMAGE)
        assert item is not None
        assert item.outline is not None
        np.testing.assert_allclose(item.outline.rings[0][0], [99.5, 19.5])
        np.testing.assert_allclose(item.box, (79.5, 19.5, 119.5, 79.5))

    @pytest.mark.parametrize(
        ("line", "heard"),
        [
            ("0 0.1 0.1 0.2 0.2 0.3 0.3", "x: the shape encloses nothing -- passed over"),
            ("0 0.5 0.5 0 0.1", "x: the box is 0 x 0.1 of the image -- passed over"),
            ("0 0.5 0.5 0.5 -0.005", "x: the box is 0.5 x -0.005 of the image -- passed over"),
            ("0 1.001 0.1 1.009 0.2 1.002 0.3", "x: the shape lies outside the image -- passed over"),
        ],
    )
    def test_what_encloses_nothing_is_passed_over_and_told(self, line: str, heard: str) -> None:
        lines: list[str] = []
        assert (
            parse_row(line, "x", RowMeaning({0: "L1"}, SEG), IMAGE, LabelOptions(notice=lines.append)) is None
        )
        assert lines == [heard]

    @pytest.mark.parametrize(
        ("line", "heard"),
        [
            (
                "0 0.1 0.1 0.9 0.9 0.9 0.1 0.1 0.9",
                "x: the shape crosses itself -- filled by the even-odd rule",
            ),
            ("0 -0.005 0.1 0.2 0.2 0.3 0.1", "x: the shape reaches beyond the image -- cut at its edge"),
        ],
    )
    def test_what_is_doubtful_is_read_and_told(self, line: str, heard: str) -> None:
        lines: list[str] = []
        item = parse_row(line, "x", RowMeaning({0: "L1"}, SEG), IMAGE, LabelOptions(notice=lines.append))
        assert item is not None
        assert min(item.box) >= -0.5
        assert lines == [heard]

    def test_two_parts_drawn_in_opposite_directions_are_both_written(self) -> None:
        square = np.array([[10.0, 10], [20, 10], [20, 20], [10, 20]])
        row = seg_row(0, Outline((square, (square + 30)[::-1])), IMAGE)
        assert row is not None
        item = parse_row(row, "x", RowMeaning({0: "L1"}, SEG), IMAGE)
        assert item is not None
        assert item.outline is not None
        assert to_mask(item.outline, 100, 200).sum() == 200


class TestMeaning:
    def settings(self, **changed: object) -> DataSettings:
        stated: dict[str, object] = {
            "path": Path("data.yaml"),
            "names": {0: "L1"},
            "keypoints": 4,
            "columns": 3,
        }
        return DataSettings(**(stated | changed))  # type: ignore[arg-type]

    def test_names_of_points_decide_their_order(self) -> None:
        order = ("br", "TL", "TR", "BL")
        meaning = meaning_of(self.settings(keypoint_names={0: order}), POSE)
        row = "0 0.5 0.5 0.9 0.9 0.1 0.1 2 0.2 0.2 1 0 0 0 0.4 0.4 2"
        item = parse_row(row, "x", meaning, IMAGE)
        assert item is not None
        assert item.landmarks is not None
        assert item.landmarks.names == CORNERS
        assert item.landmarks.visibility.tolist() == [1, 0, 2, 2]
        assert item.landmarks.xy[3].tolist() == [19.5, 9.5]

    def test_a_schema_of_shapes_takes_the_boxes_of_poses(self) -> None:
        row = "0 0.5 0.5 0.5 0.5 0.1 0.1 2 0.2 0.2 1 0 0 0 0.4 0.4 2"
        item = parse_row(row, "x", meaning_of(self.settings(), SEG), IMAGE)
        assert item is not None
        assert item.landmarks is None
        assert item.box == (49.5, 24.5, 149.5, 74.5)

    def test_points_that_do_not_fit_are_refused_with_both_numbers(self) -> None:
        with pytest.raises(AnnotationError, match=r"kpt_shape has 3 points, bodies 4 landmarks"):
            meaning_of(self.settings(keypoints=3), POSE)
        with pytest.raises(AnnotationError, match=r"'nose' is no landmark of bodies -- allowed: TL"):
            meaning_of(self.settings(keypoints=1, keypoint_names={0: ("nose",)}), POSE)
        for row in ("0 0.5 0.5 0.5 0.5", "0 0.5 0.5 0.5 0.5 0.1 0.1 2"):
            with pytest.raises(AnnotationError, match="4 points need 3 numbers each"):
                parse_row(row, "x", meaning_of(self.settings(), POSE), IMAGE)
