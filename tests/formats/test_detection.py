"""What a file is of is told by its content, and by one format alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from spinekit.core.errors import NothingUsableError, UsageError
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.formats import detection
from spinekit.formats.detection import candidates, detect_format
from spinekit.formats.foreign import foreign_tool
from spinekit.formats.plugin import AnnotationFormat
from spinekit.formats.registry import annotation_formats
from tests.formats.annotation_samples import POSE, SEG, body, real_data, save_image

WRITTEN = [form for form in annotation_formats() if form.write and form.read]

# Real data that people have, by what it must be taken for.
REAL = [
    ("aasce2019", "aasce"),
    ("ceph_isbi2015", "isbi"),
    ("ceph_isbi2015/train_senior.csv", "isbi"),
    ("ceph_hamedan/labelme_mollabashi", "labelme"),
    ("spine_lateral/coco_keypoints.json", "coco"),
    ("orbit/bmp.csv", "via"),
    ("mri_lumbar", "mask"),
    ("em_isbi2012", "mask"),
    ("formats/via_official/v1/unit_test_annotation1.csv", "via"),
    ("formats/via_official/v1/unit_test_annotation2.json", "via"),
    ("formats/via_official/v2/via2_basic_demo_1.json", "via"),
    ("formats/via_official/v2/via2_face_demo_0.json", "via"),
    ("formats/via_official/v2/sherlock_ep01_tracks_FRCNN.csv", "via"),
    ("formats/via2_polygon_eyelid_pupil/train/train.json", "via"),
    ("formats/via1or2_polygon_endoscopy/endoscopy/train", "via"),
    ("formats/datumaro_fixtures/coco_dataset/coco_instances/annotations/instances_train.json", "coco"),
    (
        "formats/datumaro_fixtures/coco_dataset/coco_person_keypoints/annotations/person_keypoints_val.json",
        "coco",
    ),
    ("formats/datumaro_fixtures/coco_dataset/coco_roboflow/train/_annotations.coco.json", "coco"),
    ("formats/labelformat_fixtures/instance_segmentation/COCO/instances.json", "coco"),
    ("formats/labelformat_fixtures/object_detection/COCO/train.json", "coco"),
    ("formats/labelformat_fixtures/instance_segmentation/YOLOv8", "yolo"),
    ("formats/labelformat_fixtures/object_detection/YOLOv8", "yolo"),
    ("formats/datumaro_fixtures/yolo_dataset/labels", "yolo"),
    ("formats/datumaro_fixtures/cvat_dataset/for_images/export_project/annotations.xml", "cvat"),
    ("formats/datumaro_fixtures/cvat_dataset/for_images/export_task/train.xml", "cvat"),
    ("formats/datumaro_fixtures/voc_dataset/voc_dataset1", "voc"),
    ("formats/labelformat_fixtures/object_detection/PascalVOC", "voc"),
]

FOREIGN = [
    ("formats/labelformat_fixtures/object_detection/Labelbox/export-result.ndjson", "Labelbox"),
    ("formats/labelformat_fixtures/object_detection/Labelbox", "Labelbox"),
    ("formats/labelformat_fixtures/object_detection/KITTI", "KITTI"),
    ("formats/labelformat_fixtures/object_detection/lightly", "Lightly"),
    ("formats/datumaro_fixtures/cvat_dataset/for_video", "CVAT XML for video"),
    ("formats/via_official/v2/sherlock_attributes.json", "attributes alone"),
    ("formats/datumaro_fixtures/labelme_dataset", "old LabelMe"),
]


def names(path: Path) -> list[str]:
    return [form.name for form in candidates(path)]


@pytest.mark.parametrize("schema", [POSE, SEG], ids=["pose", "seg"])
@pytest.mark.parametrize("form", WRITTEN, ids=lambda form: str(form.name))
def test_what_a_format_writes_is_its_own_and_no_others(
    form: AnnotationFormat, schema: Schema, tmp_path: Path
) -> None:
    assert form.write is not None
    if ("landmarks" if schema is POSE else "outlines") not in form.keeps_of(schema.task):
        pytest.skip("the format has no place for these")
    item = body("L1", [[2, 3], [12, 4], [3, 13], [13, 14]])
    if schema is SEG:
        from spinekit.formats.rings import corner_outline

        assert item.landmarks is not None
        item = replace(item, outline=corner_outline(item.landmarks, POSE), landmarks=None)
    scene = Scene(save_image(tmp_path / (form.images or "images") / "a.png"), schema, (item,))
    files = form.write([scene], tmp_path)
    assert names(tmp_path) == [form.name]
    for file in files:
        assert names(file) in ([form.name], []), f"{file.name}: a table beside the labels is of no format"


@pytest.mark.parametrize(("place", "expected"), REAL)
def test_real_data_are_taken_for_what_they_are(place: str, expected: str) -> None:
    path = real_data() / place
    assert names(path) == [expected]
    assert detect_format(path).name == expected


@pytest.mark.parametrize(("place", "tool"), FOREIGN)
def test_other_tools_are_known_by_name(place: str, tool: str) -> None:
    path = real_data() / place
    assert names(path) == []
    with pytest.raises(UsageError, match=rf"{tool}.* which spinekit does not read -- \w+"):
        detect_format(path)


def test_no_reader_is_without_eyes() -> None:
    assert [form.name for form in annotation_formats() if form.read and not form.detect] == []


@pytest.mark.parametrize(
    ("content", "tool"),
    [
        (b'{"classTitle": "spine", "points": {"exterior": []}}', "Supervisely"),
        (b'[{"annotations": [{"result": [{"from_name": "kp"}]}]}]', "Label Studio"),
        (b'{"schema_ref": "https://darwin-public.s3/darwin_json/2.0/schema.json"}', "Darwin"),
        (b"LM=19\n1.0 2.0\n", "tpsDig"),
        (b"NRRD0004\ntype: uchar\n", "NRRD"),
        (bytes(344) + b"n+1\0", "NIfTI"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"\x1f\x8brest", "gzip"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"%PDF-1.7", "PDF"),
        (b"dog 0.00 0 -0.20 540.0 295.0 563.0 313.0 -1 -1 -1 -1 -1 -1 -1\n", "KITTI"),
    ],
)
def test_a_few_bytes_tell_the_tool(content: bytes, tool: str, tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(content)
    assert names(path) == []
    found = foreign_tool(path)
    assert found is not None
    assert tool in found.name


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 400,
        b"{}",
        b"[]",
        b"null",
        b"{",
        b"a,b\n1,2\n",
        b"<a/>",
        b"\xff\xfe{\0}\0",
        b"0 0.5 0.5 1 1\n",
        b"text",
    ],
)
@pytest.mark.parametrize("suffix", [".json", ".csv", ".xml", ".txt", ".png", ".dcm", ""])
def test_other_files_are_of_none(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    assert names(path) == []
    assert foreign_tool(path) is None
    nothing = "holds an empty file, and no annotation -- "
    words = "and no annotation format recognises it -- " if content else nothing
    with pytest.raises(UsageError if content else NothingUsableError, match=words):
        detect_format(path)


def test_what_was_seen_is_told(tmp_path: Path) -> None:
    with pytest.raises(NothingUsableError, match="holds an empty folder"):
        detect_format(tmp_path)
    save_image(tmp_path / "a.png")
    save_image(tmp_path / "b.png")
    (tmp_path / "c.md").write_text("words", encoding="utf-8")
    with pytest.raises(NothingUsableError, match=r"holds 2 \.png, 1 \.md"):
        detect_format(tmp_path)
    with pytest.raises(NothingUsableError, match="holds a picture without labels"):
        detect_format(tmp_path / "a.png")
    (tmp_path / "z.dat").write_text("words", encoding="utf-8")
    with pytest.raises(UsageError, match=r"holds 2 \.png, 1 \.md, 1 \.dat, and no annotation format"):
        detect_format(tmp_path)
    with pytest.raises(UsageError, match="no such file or folder"):
        detect_format(tmp_path / "d")


def test_two_formats_leave_the_choice_to_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = [AnnotationFormat(name, name, frozenset(), detect=lambda _: True) for name in ("one", "two")]
    monkeypatch.setattr(detection, "annotation_formats", lambda: tuple(both))
    with pytest.raises(UsageError, match=r"may be of several formats \(one, two\) -- say which with --from"):
        detect_format(tmp_path)


def test_a_folder_of_data_sets_names_them(tmp_path: Path) -> None:
    for place in ("spine/train", "spine/val", "pelvis"):
        folder = tmp_path / place
        save_image(folder / "images" / "a.png")
        (folder / "labels").mkdir()
        (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n", encoding="utf-8")
        (folder / "data.yaml").write_text("names: [L1]\n", encoding="utf-8")
    said = r"folder of folders, with annotations in pelvis \(yolo\), spine/train \(yolo\), spine/val \(yolo\) -- n"
    with pytest.raises(UsageError, match=said):
        detect_format(tmp_path)
    assert names(tmp_path / "pelvis") == ["yolo"]
    (tmp_path / "outer").mkdir()
    (tmp_path / "pelvis").rename(tmp_path / "outer" / "pelvis")
    with pytest.raises(UsageError, match=r"its annotations lie in pelvis \(yolo\) -- name that folder"):
        detect_format(tmp_path / "outer")


def test_a_list_of_names_among_labels_makes_no_set_of_its_own(tmp_path: Path) -> None:
    save_image(tmp_path / "images" / "a.png")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n", encoding="utf-8")
    (tmp_path / "labels" / "classes.txt").write_text("L1\n", encoding="utf-8")
    assert names(tmp_path) == ["yolo"]
