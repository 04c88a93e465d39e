from __future__ import annotations

import csv
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinekit.core.errors import AnnotationError
from spinekit.core.outline import ring_area, to_outline
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.formats import via
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.via_writing import COLUMNS
from spinekit.schemas import load_schema
from tests.formats.annotation_samples import POSE, SEG, body, real_data, save_image

THINGS = Schema("things", 1, "One thing", "seg", "test", ("thing",))
POINT = '"{""name"":""point"",""cx"":%d,""cy"":%d}"'


def table(tmp_path: Path, *rows: str, header: str = "#" + ",".join(COLUMNS)) -> Path:
    save_image(tmp_path / "a.png")
    (tmp_path / "x.csv").write_text("\n".join([header, *rows]) + "\n")
    return tmp_path / "x.csv"


def points(count: int, name: str = "a.png") -> list[str]:
    return [f"{name},9,{{}},{count},{i},{POINT % (10 + i, 20 + i)},{{}}" for i in range(count)]


def annotation(tmp_path: Path, *regions: dict[str, Any], **about: object) -> Path:
    """A JSON annotation of one image; a region is its shape with the label beside it."""
    save_image(tmp_path / "a.png")
    listed = [
        {
            "shape_attributes": {key: value for key, value in region.items() if key != "about"},
            "region_attributes": region.get("about", {}),
        }
        for region in regions
    ]
    entry = {"filename": "a.png", "size": 9, "regions": listed, "file_attributes": {}} | about
    (tmp_path / "x.json").write_text(json.dumps({"a.png9": entry}))
    return tmp_path / "x.json"


def polygon(xs: list[float], ys: list[float], **about: object) -> dict[str, Any]:
    return {"name": "polygon", "all_points_x": xs, "all_points_y": ys, "about": about}


class TestPoints:
    def test_order_carries_the_meaning_where_no_point_has_a_name(self, tmp_path: Path) -> None:
        (scene,) = via.read(table(tmp_path, *points(4)), load_schema("orbit-4"))
        (orbits,) = scene.instances
        assert orbits.landmarks is not None
        assert orbits.landmarks.names == load_schema("orbit-4").landmark_names
        np.testing.assert_array_equal(orbits.landmarks.xy, [[10, 20], [11, 21], [12, 22], [13, 23]])
        assert orbits.box == (10.0, 20.0, 13.0, 23.0)

    def test_too_few_points_without_names_are_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(AnnotationError, match=r"line 2: 3 points without names, but .* needs 4 in order"):
            list(via.read(table(tmp_path, *points(3)), load_schema("orbit-4")))

    def test_named_points_find_their_body_by_its_label(self, tmp_path: Path) -> None:
        regions = [
            {"name": "point", "cx": 5, "cy": 6, "about": {"name": "br", "class": "L2"}},
            {"name": "point", "cx": 1, "cy": 2, "about": {"landmark": "TL", "label": "L1"}},
        ]
        (scene,) = via.read(annotation(tmp_path, *regions), POSE)
        assert [item.label for item in scene.instances] == ["L1", "L2"]
        upper = scene.instances[0].landmarks
        assert upper is not None
        assert upper.visibility.tolist() == [2, 0, 0, 0]
        found = scene.point("L2.BR")
        assert isinstance(found, np.ndarray)
        assert found.tolist() == [5.0, 6.0]

    def test_an_unknown_or_doubled_name_is_an_error(self, tmp_path: Path) -> None:
        region = {"name": "point", "cx": 1, "cy": 2, "about": {"landmark": "XX"}}
        with pytest.raises(AnnotationError, match="region 0: 'XX' is no landmark of bodies"):
            list(via.read(annotation(tmp_path, region), POSE))
        twice = {"name": "point", "cx": 1, "cy": 2, "about": {"landmark": "TL", "label": "L1"}}
        with pytest.raises(AnnotationError, match="TL is there twice"):
            list(via.read(annotation(tmp_path, twice, twice), POSE))

    def test_a_point_in_a_schema_of_shapes_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(AnnotationError, match="has no landmarks"):
            list(via.read(table(tmp_path, *points(4)), SEG))


class TestShapes:
    def test_polygon_with_its_last_vertex_repeated(self, tmp_path: Path) -> None:
        file = annotation(tmp_path, polygon([1, 9, 9, 1, 1], [2, 2, 8, 8, 2], label="L2"))
        (scene,) = via.read(file, SEG)
        outline = scene.instances[0].outline
        assert outline is not None
        assert outline.rings[0].tolist() == [[1, 2], [9, 2], [9, 8], [1, 8]]

    def test_circle_and_ellipse_become_polygons_of_their_area(self, tmp_path: Path) -> None:
        about = {"label": "thing"}
        circle = {"name": "circle", "cx": 15, "cy": 15, "r": 10, "about": about}
        ellipse = {"name": "ellipse", "cx": 15, "cy": 15, "rx": 10, "ry": 5, "theta": 0.5, "about": about}
        (scene,) = via.read(annotation(tmp_path, circle, ellipse), THINGS)
        areas = [ring_area(item.outline.rings[0]) for item in scene.instances if item.outline]
        assert areas == pytest.approx([np.pi * 100, np.pi * 50], rel=0.002)

    def test_rectangle_gives_a_box_without_outline(self, tmp_path: Path) -> None:
        rect = {"name": "rect", "x": 3, "y": 4, "width": 10, "height": 5}
        (scene,) = via.read(annotation(tmp_path, rect), THINGS)
        assert scene.instances[0].box == (3.0, 4.0, 13.0, 9.0)
        assert scene.instances[0].outline is None

    def test_a_ticked_box_is_a_label(self, tmp_path: Path) -> None:
        (scene,) = via.read(
            annotation(tmp_path, polygon([1, 9, 9], [2, 2, 8], type={"L3": True, "L1": False})), SEG
        )
        assert scene.instances[0].label == "L3"

    def test_what_reaches_out_of_the_image_is_noted(self, tmp_path: Path) -> None:
        (scene,) = via.read(annotation(tmp_path, polygon([-9, 9, 9], [2, 2, 8])), THINGS)
        assert scene.notes == ("1 of 1 instances reach out of the image",)

    @pytest.mark.parametrize(
        ("region", "message"),
        [
            (polygon([1, 2, 3], [1, 2]), "region 0: 3 x and 2 y"),
            (polygon([1, 2, "x"], [1, 2, 3]), "'x' is not a coordinate"),  # type: ignore[list-item]
            ({"name": "polygon"}, "0 x and 0 y"),
            ({"name": "star", "x": 1}, "'star' is no shape"),
            ({"name": "circle", "cx": 1, "cy": 1}, "the circle has no r"),
            (polygon([1, 9, 9], [2, 2, 8], label="thign"), "did you mean thing"),
            (polygon([1, 9, 9], [2, 2, 8], score="2"), "not within 0..1"),
            (polygon([1, 9, 9], [2, 2, 8], part="hole"), "without an outer border"),
        ],
    )
    def test_a_broken_region_is_named(self, tmp_path: Path, region: dict[str, Any], message: str) -> None:
        with pytest.raises(AnnotationError, match=message):
            list(via.read(annotation(tmp_path, region), THINGS))

    @pytest.mark.parametrize(
        ("region", "message"),
        [
            (polygon([1, 2], [1, 2]), "polygon of 2 vertices encloses nothing"),
            (polygon([1, 2, 3], [1, 2, 3]), "polygon of 3 vertices encloses nothing"),
            ({"name": "rect", "x": 1, "y": 1, "width": 0, "height": 5}, "rectangle of 0.0 x 5.0 px"),
            ({"name": "circle", "cx": 9, "cy": 9, "r": 0}, "circle of 64 vertices encloses nothing"),
        ],
    )
    def test_what_encloses_nothing_is_passed_over_and_told(
        self, tmp_path: Path, region: dict[str, Any], message: str
    ) -> None:
        heard: list[str] = []
        whole = polygon([1, 9, 9], [2, 2, 8])
        (scene,) = via.read(annotation(tmp_path, region, whole), THINGS, LabelOptions(notice=heard.append))
        assert len(scene.instances) == 1
        (line,) = heard
        assert line.startswith(f"{tmp_path / 'x.json'}: 'a.png9': region 0: ")
        assert message in line

    def test_a_missing_label_is_asked_for_where_there_are_several_classes(self, tmp_path: Path) -> None:
        with pytest.raises(AnnotationError, match="no label -- give it an attribute 'label', one of L1"):
            list(via.read(annotation(tmp_path, polygon([1, 9, 9], [2, 2, 8])), SEG))


class TestFiles:
    def test_images_that_are_not_there_are_left_out_and_counted(self, tmp_path: Path) -> None:
        file = table(tmp_path, *points(4), *points(4, "b.png"), *points(4, "../c.png"))
        assert len(list(via.read(file, load_schema("orbit-4")))) == 1
        missing, climbing = via.left_out(file)
        assert missing == f"b.png: not in {tmp_path}"
        assert "climbs out" in climbing

    def test_an_image_without_region_is_a_scene_with_a_note(self, tmp_path: Path) -> None:
        (scene,) = via.read(table(tmp_path, 'a.png,9,{},0,0,"{}","{}"'), THINGS)
        assert scene.instances == ()
        assert scene.notes == ("the annotation names the image without any region",)

    def test_a_file_cut_short_is_noticed(self, tmp_path: Path) -> None:
        with pytest.raises(AnnotationError, match="should have 4 regions but has 3"):
            list(via.read(table(tmp_path, *points(4)[:3]), load_schema("orbit-4")))

    def test_more_regions_than_counted_are_all_read_and_told(self, tmp_path: Path) -> None:
        rows = [row.replace(",{},4,", ",{},1,") for row in points(4)]
        heard: list[str] = []
        (scene,) = via.read(table(tmp_path, *rows), load_schema("orbit-4"), LabelOptions(notice=heard.append))
        assert len(scene.instances) == 1
        (line,) = heard
        assert "a.png has 4 regions where region_count says 1: all are read" in line

    def test_points_that_nobody_named_are_passed_over_among_shapes_alone(self, tmp_path: Path) -> None:
        point = {"name": "point", "cx": 5, "cy": 6}
        heard: list[str] = []
        file = annotation(tmp_path, polygon([1, 9, 9], [2, 2, 8]), point)
        (scene,) = via.read(file, THINGS, LabelOptions(notice=heard.append))
        assert len(scene.instances) == 1
        assert [line.split(": ", 2)[2] for line in heard] == [
            "region 1: a point has no place in things, which has no landmarks"
        ]
        with pytest.raises(AnnotationError, match="a point, but things has no landmarks"):
            list(via.read(annotation(tmp_path, point), THINGS))

    def test_attributes_saved_beside_annotations_are_no_second_annotation(self, tmp_path: Path) -> None:
        annotation(tmp_path, polygon([1, 9, 9], [2, 2, 8]))
        (tmp_path / "attributes.json").write_text('{"region": {"a": {"type": "text"}}, "file": {}}')
        (scene,) = via.read(tmp_path, THINGS)
        assert len(scene.instances) == 1

    def test_one_name_with_two_sizes_is_refused(self, tmp_path: Path) -> None:
        other = [row.replace(",9,", ",10,") for row in points(4)]
        with pytest.raises(AnnotationError, match="2 different sizes"):
            list(via.read(table(tmp_path, *points(4), *other), load_schema("orbit-4")))

    def test_groups_come_from_a_table_beside_it(self, tmp_path: Path) -> None:
        (tmp_path / "series.csv").write_text("file,series\na.png,7\n")
        (scene,) = via.read(table(tmp_path, *points(4)), load_schema("orbit-4"))
        assert scene.group == "series 7"

    @pytest.mark.parametrize("header", ["filename," + ",".join(COLUMNS[1:]), "#" + ",".join(COLUMNS)])
    def test_headers_of_both_versions(self, tmp_path: Path, header: str) -> None:
        assert len(list(via.read(table(tmp_path, *points(4), header=header), load_schema("orbit-4")))) == 1

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "is empty"),
            ("[]", "holds no annotated file"),
            ("null", "line 1 is no VIA header"),
            ('{"a": ', "line 1, column"),
            ('{"a": {"x": 1}}', "no filename"),
            ('{"images": [], "annotations": []}', "read it with the format coco"),
            ('{"metadata": {}, "config": {}, "file": {}}', "of VIA 3"),
            ("a,b\n1,2\n", "line 1 is no VIA header"),
            ("# Exported using VGG Image Annotator\n# CSV_HEADER = x\n", "of VIA 3"),
        ],
    )
    def test_what_is_no_annotation_says_so(self, tmp_path: Path, text: str, message: str) -> None:
        (tmp_path / "x.csv").write_text(text)
        with pytest.raises(AnnotationError, match=message):
            list(via.read(tmp_path / "x.csv", THINGS, LabelOptions(tmp_path)))

    def test_version_1_numbers_its_regions_in_an_object(self, tmp_path: Path) -> None:
        region = {"shape_attributes": {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4}}
        (scene,) = via.read(annotation(tmp_path, regions={"0": region}), THINGS)
        assert scene.instances[0].box == (1.0, 2.0, 4.0, 6.0)


class TestWriting:
    @pytest.fixture
    def written(self, tmp_path: Path) -> tuple[Path, Path]:
        ref = replace(save_image(tmp_path / "images" / "=a.png"), name="=a.png")
        mask = np.zeros((30, 40), bool)
        mask[3:9, 4:12] = True
        mask[5, 6] = False
        scenes = [
            Scene(ref, SEG, (Instance("L1", (0, 0, 1, 1), to_outline(mask)),), group="p1"),
            Scene(replace(ref, path=tmp_path / "gone.png", name="gone, too.png"), SEG),
        ]
        table_file, project, _ = via.FORMAT.write(iter(scenes), tmp_path / "out")  # type: ignore[misc]
        return table_file, project

    def test_csv_is_as_the_annotator_takes_it(self, written: tuple[Path, Path]) -> None:
        lines = written[0].read_bytes().decode().split("\n")
        assert lines[0] == (
            "#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
        )
        assert not any(line.endswith("\r") for line in lines)
        first, hole, empty = csv.reader(lines[1:4])
        size = (written[0].parent.parent / "images" / "=a.png").stat().st_size
        assert first[:5] == ["'=a.png", str(size), '{"group":"p1"}', "2", "0"]
        assert json.loads(first[5])["name"] == "polygon"
        assert json.loads(hole[6]) == {"label": "L1", "instance": "1", "part": "hole"}
        assert empty[:2] + empty[3:] == ["gone, too.png", "-1", "0", "0", "{}", "{}"]

    def test_project_has_what_the_annotator_looks_for(self, written: tuple[Path, Path]) -> None:
        project = json.loads(written[1].read_text())
        assert {
            "_via_settings",
            "_via_img_metadata",
            "_via_attributes",
            "_via_data_format_version",
            "_via_image_id_list",
        } == project.keys()
        assert list(project["_via_img_metadata"]) == project["_via_image_id_list"]
        for key, entry in project["_via_img_metadata"].items():
            assert key == f"{entry['filename']}{entry['size']}"
        assert list(project["_via_attributes"]["region"]["label"]["options"]) == ["L1", "L2", "L3"]

    def test_both_files_say_the_same(self, written: tuple[Path, Path], tmp_path: Path) -> None:
        from_csv, from_json = (
            list(via.read(file, SEG, LabelOptions(tmp_path / "images"))) for file in written
        )
        assert (
            [scene.image.name for scene in from_csv]
            == [scene.image.name for scene in from_json]
            == ["=a.png"]
        )
        assert from_csv[0].group == from_json[0].group == "p1"
        for one, other in zip(from_csv[0].instances, from_json[0].instances, strict=True):
            assert one.outline is not None
            assert other.outline is not None
            np.testing.assert_array_equal(one.outline.rings[0], other.outline.rings[0])
            assert len(one.outline.holes) == len(other.outline.holes) == 1

    def test_a_body_without_shape_or_point_keeps_its_box(self, tmp_path: Path) -> None:
        ref = save_image(tmp_path / "images" / "a.png")
        bare = replace(body("L1", [[1, 2], [5, 2], [1, 8], [5, 8]]), landmarks=None)
        via.write([Scene(ref, POSE, (bare,))], tmp_path / "out")
        (scene,) = via.read(tmp_path / "out", POSE, LabelOptions(tmp_path / "images"))
        assert scene.instances[0].box == bare.box


def test_real_orbit_slices_are_read_in_a_moment() -> None:
    folder = real_data() / "orbit"
    start = time.process_time()
    scenes = list(via.read(folder / "bmp.csv", load_schema("orbit-4")))
    seconds = time.process_time() - start
    assert len(scenes) == 51
    assert all(len(scene.instances) == 1 for scene in scenes)
    assert all(scene.group.startswith("series ") for scene in scenes)
    assert len(via.left_out(folder / "bmp.csv")) == 6800
    assert seconds < 2
    for scene in scenes:
        points_found = scene.instances[0].landmarks
        assert points_found is not None
        assert (np.diff(points_found.xy[:, 0]) > 0).all()  # image-left to image-right


def test_genuine_files_of_the_annotator_are_read() -> None:
    formats = real_data() / "formats"
    project = list(via.read(formats / "via2_polygon_eyelid_pupil" / "train" / "train.json", THINGS))
    assert [len(scene.instances) for scene in project] == [2, 2, 2]
    assert len(via.left_out(formats / "via_official" / "v1" / "unit_test_annotation1.csv")) == 3
    assert len(via.left_out(formats / "via_official" / "v1" / "unit_test_annotation2.json")) == 3
    assert len(via.left_out(formats / "via_official" / "v2" / "sherlock_ep01_tracks_FRCNN.csv")) == 266
    with pytest.raises(AnnotationError, match="no filename"):
        list(via.read(formats / "via_official" / "v2" / "sherlock_attributes.json", THINGS))
