"""What a VIA export is recognised by, the names it uses, and what of it is told."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from spinekit.core.errors import AnnotationError
from spinekit.core.schema import Schema
from spinekit.formats import via
from spinekit.formats.plugin import LabelOptions, Vocabulary
from spinekit.schemas import load_schema
from spinekit.schemas.made import schema_from_names
from tests.formats.annotation_samples import POSE, SEG, body, real_data, save_image
from tests.formats.test_via import annotation, points, polygon, table

SQUARE: tuple[list[float], list[float]] = ([1, 9, 9], [2, 2, 8])

GENUINE = {
    "via1or2_polygon_endoscopy/endoscopy/train/via_region_data.json": (
        "seg",
        ("Rsulcus", "grasper", "unlabelled"),
    ),
    "via1or2_polygon_endoscopy/endoscopy/val/via_region_data.json": (
        "seg",
        ("Rsulcus", "grasper", "unlabelled"),
    ),
    "via2_polygon_eyelid_pupil/train/train.json": ("seg", ("object",)),
    "via2_polygon_eyelid_pupil/train/via_region_data.json": ("seg", ("object",)),
    "via2_polygon_eyelid_pupil/val/val.json": ("seg", ("object",)),
    "via2_polygon_eyelid_pupil/val/via_region_data.json": ("seg", ("object",)),
    "via_official/v2/sherlock_ep01_tracks_FRCNN.csv": ("detect", ("object",)),
    "via_official/v2/sherlock_ep01_tracks_FRCNN.json": ("detect", ("object",)),
    "via_official/v2/via2_basic_demo_1.json": ("seg", ("bird", "cup", "human")),
    "via_official/v2/via2_face_demo_0.json": ("detect", ("object",)),
}


@pytest.mark.parametrize("name", GENUINE)
def test_genuine_exports_are_read_in_their_own_names(name: str) -> None:
    path = real_data() / "formats" / name
    heard: list[str] = []
    options = LabelOptions(notice=heard.append)
    assert via.detect(path)
    found = via.vocabulary(path, options)
    assert found == Vocabulary(*GENUINE[name])
    assert found is not None
    scenes = list(via.read(path, schema_from_names("own", found.task, found.classes), options))
    assert len(heard) == len(via.left_out(path))
    assert all(line.startswith(f"{path}: ") and line.endswith(": passed over") for line in heard)
    assert all(scene.instances for scene in scenes)


@pytest.mark.parametrize("name", ["sherlock_attributes", "via2_basic_demo_other0", "via2_face_demo_other1"])
def test_genuine_definitions_of_attributes_are_refused(name: str) -> None:
    path = real_data() / "formats" / "via_official" / "v2" / f"{name}.json"
    assert not via.detect(path)
    with pytest.raises(AnnotationError, match="defines attributes and has no filename"):
        via.vocabulary(path)


@pytest.mark.parametrize("file", ["unit_test_annotation1.csv", "unit_test_annotation2.json"])
def test_points_of_version_1_that_nobody_named_are_told_and_the_shapes_read(
    file: str, tmp_path: Path
) -> None:
    folder = real_data() / "formats" / "via_official" / "v1"
    shutil.copy(folder / file, tmp_path / file)
    save_image(tmp_path / "sinus_test_pattern.jpg", 300, 430)
    found = via.vocabulary(tmp_path / file)
    assert found is not None
    (scene,) = via.read(tmp_path / file, schema_from_names("own", "seg", found.classes))
    assert scene.instances[0].label == 'a "white" swan, good fortune'
    save_image(tmp_path / "test_pattern_qbist.jpg", 480, 640)
    heard: list[str] = []
    own = schema_from_names("own", "seg", found.classes)
    first, second = via.read(tmp_path / file, own, LabelOptions(notice=heard.append))
    assert (len(first.instances), len(second.instances)) == (4, 1)
    points = [line for line in heard if "a point has no place in own, which has no landmarks" in line]
    assert len(points) == 4


def test_the_large_table_of_orbits_is_read_in_a_moment_and_every_absence_told() -> None:
    path = real_data() / "orbit" / "bmp.csv"
    heard: list[str] = []
    start = time.process_time()
    scenes = list(via.read(path, load_schema("orbit-4"), LabelOptions(notice=heard.append)))
    assert time.process_time() - start < 2
    assert (len(scenes), len(heard)) == (51, 6800)
    assert via.vocabulary(path) is None


def test_the_attribute_that_most_regions_have_and_of_several_the_one_of_fewest_values(tmp_path: Path) -> None:
    regions = [
        polygon(*SQUARE, name=name, type=kind) for name, kind in (("a", "L1"), ("b", "L2"), ("c", "L1"))
    ]
    path = annotation(tmp_path, *regions, polygon(*SQUARE))
    assert via.vocabulary(path) == Vocabulary("seg", ("L1", "L2", "unlabelled"))
    assert via.vocabulary(path, LabelOptions(class_attribute="NAME")) == Vocabulary(
        "seg", ("a", "b", "c", "unlabelled")
    )
    own = Schema("own", 1, "own", "seg", "test", ("L1", "L2", "unlabelled"))
    (scene,) = via.read(path, own)
    assert [item.label for item in scene.instances] == ["L1", "L2", "L1", "unlabelled"]


def test_named_points_are_landmarks_in_order_of_first_mention(tmp_path: Path) -> None:
    spots = [
        {"name": "point", "cx": 5, "cy": 6, "about": {"landmark": name, "class": "skull"}}
        for name in ("S", "A")
    ]
    assert via.vocabulary(annotation(tmp_path, *spots)) == Vocabulary("pose", ("skull",), ("S", "A"))


def test_only_the_named_attribute_is_asked_for_the_class(tmp_path: Path) -> None:
    path = annotation(tmp_path, polygon(*SQUARE, label="L1", second="L2"))
    (scene,) = via.read(path, SEG, LabelOptions(class_attribute="second"))
    assert scene.instances[0].label == "L2"


def test_a_missing_image_is_told_or_refused(tmp_path: Path) -> None:
    heard: list[str] = []
    file = table(tmp_path, *points(4, "b.png"), *points(4, "A.png"))
    schema = load_schema("orbit-4")
    assert list(via.read(file, schema, LabelOptions(notice=heard.append))) == []
    assert heard == [
        f"{file}: line 2: b.png: not in {tmp_path}: passed over",
        f"{file}: line 6: A.png: not in {tmp_path}: passed over",
    ]
    with pytest.raises(AnnotationError, match=r"line 2: b\.png: not in .* -- add the image"):
        list(via.read(file, schema, LabelOptions(allow_missing=False)))


def test_readers_groups_and_the_plain_file_survive(tmp_path: Path) -> None:
    from dataclasses import replace

    from spinekit.core.scene import Scene

    ref = save_image(tmp_path / "images" / "a.png")
    item = replace(body("L1", [[2, 3], [12, 4], [3, 13], [13, 14]]), reader="ann")
    files = via.write([Scene(ref, POSE, (item,), group="p1")], tmp_path / "out")
    assert [file.name for file in files] == [
        "via_annotations.csv",
        "via_project.json",
        "via_region_data.json",
    ]
    for file in files:
        (scene,) = via.read(file, POSE, LabelOptions(tmp_path / "images"))
        assert scene.instances[0].reader == "ann"
        assert scene.group == "p1"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": {"filename": "a", "regions": []}}', True),
        (b'{"_via_settings": {}, "_via_img_metadata": {}}', True),
        (b'{"images": [{"filename": "a", "regions": 1}]}', False),
        (b'{"shapes": [], "imagePath": ""}', False),
        (b"# Exported using VGG Image Annotator (x)\n", True),
        (b"a,b\n", False),
        (b"", False),
        (b"\xff\xfe", False),
    ],
)
def test_content_alone_decides(tmp_path: Path, content: bytes, expected: bool) -> None:
    (tmp_path / "x").write_bytes(content)
    assert via.detect(tmp_path / "x") is expected
    assert not via.detect(tmp_path / "gone")
