"""Genuine files of the field's tools: each is read whole or refused with the reason.

What a file holds is counted here from its text, by other means than the readers'. Images that are not public are
stood in for by blank ones of their name and size.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError, NothingUsableError, UsageError
from spinekit.core.scene import Scene
from spinekit.formats.detection import detect_format
from spinekit.formats.plugin import LabelOptions
from spinekit.workflows.labelled import open_labelled
from tests.formats.annotation_samples import real_data

DATUMARO, LABELFORMAT = "datumaro_fixtures", "labelformat_fixtures"
VIA_LARGE = 3000  # px: VIA says no sizes
Counted = tuple[list[tuple[str, int, int]], int]
"""Images by name with height and width, and how many shapes there are."""


def of_coco(path: Path) -> Counted:
    content = json.loads(path.read_text(encoding="utf-8"))
    images = [(item["file_name"], item["height"], item["width"]) for item in content["images"]]
    return images, len(content["annotations"])


def of_via_json(path: Path) -> Counted:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    entries = content.get("_via_img_metadata", content).values()
    return via_images([item["filename"] for item in entries]), sum(len(item["regions"]) for item in entries)


def via_images(names: list[str]) -> list[tuple[str, int, int]]:
    return [(name, VIA_LARGE, VIA_LARGE) for name in dict.fromkeys(names)]


def of_via_csv(path: Path) -> Counted:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.reader(stream) if row][1:]
    return via_images([row[0] for row in rows]), sum(row[5].strip() not in {"", "{}"} for row in rows)


def of_xml(shape: str, image: str) -> Callable[[Path], Counted]:
    def counted(path: Path) -> Counted:
        files = [path] if path.is_file() else sorted(path.rglob("*.xml"))
        text = "".join(file.read_text(encoding="utf-8") for file in files)
        return [(name, 0, 0) for name in re.findall(image, text)], len(re.findall(shape, text))

    return counted


def of_yolo(path: Path) -> Counted:
    folder = path if path.is_dir() else path.parent
    lists = {"README.txt", "train.txt"}
    files = [file for file in sorted(folder.rglob("*.txt")) if file.name not in lists]
    rows = [line for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [(file.name, 0, 0) for file in files], len(rows)


CVAT = of_xml("<(?:box|polygon|polyline|points|ellipse|mask|skeleton|cuboid) ", r'<image [^>]*name="([^"]*)"')
VOC = of_xml(r"<object>", r"<filename>([^<]*)<")
V1, V2, EYE, ENDO = (
    "via_official/v1",
    "via_official/v2",
    "via2_polygon_eyelid_pupil",
    "via1or2_polygon_endoscopy",
)

# What is there, its format, what counts it, where its images are (False: with it, True: nowhere), and how many of
# the shapes are no instance (told by a notice each); fewer than none where a mask belongs to no box.
READ: list[tuple[str, str, Callable[[Path], Counted], bool | str, int]] = [
    (f"{DATUMARO}/coco_dataset/coco_roboflow/train/_annotations.coco.json", "coco", of_coco, False, 0),
    (f"{DATUMARO}/coco_dataset/coco_roboflow/val/_annotations.coco.json", "coco", of_coco, False, 0),
    (f"{DATUMARO}/coco_dataset/coco_instances/annotations/instances_train.json", "coco", of_coco, False, 0),
    (f"{DATUMARO}/coco_dataset/coco_instances/annotations/instances_val.json", "coco", of_coco, False, 0),
    (f"{LABELFORMAT}/object_detection/COCO/train.json", "coco", of_coco, False, 0),
    (f"{LABELFORMAT}/instance_segmentation/COCO/instances.json", "coco", of_coco, True, 0),
    (f"{LABELFORMAT}/instance_segmentation/COCO/instances_with_binary_mask.json", "coco", of_coco, True, 0),
    (f"{DATUMARO}/cvat_dataset/for_images/export_project", "cvat", CVAT, False, 3),
    (f"{DATUMARO}/cvat_dataset/for_images/export_task", "cvat", CVAT, False, 1),
    (f"{DATUMARO}/cvat_dataset/for_images/export_task/train.xml", "cvat", CVAT, False, 1),
    (f"{DATUMARO}/voc_dataset/voc_dataset1", "voc", VOC, False, -1),
    (f"{DATUMARO}/yolo_dataset/labels", "yolo", of_yolo, False, 0),
    (f"{DATUMARO}/yolo_dataset/annotations", "yolo", of_yolo, False, 0),
    (f"{DATUMARO}/yolo_dataset/strict", "yolo", of_yolo, False, 0),
    (f"{LABELFORMAT}/object_detection/YOLOv8/example.yaml", "yolo", of_yolo, False, 0),
    (f"{LABELFORMAT}/instance_segmentation/YOLOv8", "yolo", of_yolo, False, 0),
    (
        f"{LABELFORMAT}/object_detection/PascalVOC",
        "voc",
        VOC,
        f"{LABELFORMAT}/object_detection/YOLOv8/images",
        0,
    ),
    (f"{V1}/unit_test_annotation1.csv", "via", of_via_csv, True, 5),
    (f"{V1}/unit_test_annotation2.json", "via", of_via_json, True, 5),
    (f"{V2}/via2_basic_demo_1.json", "via", of_via_json, False, 0),
    (f"{V2}/via2_face_demo_0.json", "via", of_via_json, True, 0),
    (f"{V2}/sherlock_ep01_tracks_FRCNN.csv", "via", of_via_csv, True, 0),
    (f"{V2}/sherlock_ep01_tracks_FRCNN.json", "via", of_via_json, True, 0),
    (f"{ENDO}/endoscopy/train/via_region_data.json", "via", of_via_json, True, 0),
    (f"{ENDO}/endoscopy/val/via_region_data.json", "via", of_via_json, True, 0),
    (f"{EYE}/train/train.json", "via", of_via_json, True, 0),
    (f"{EYE}/train/via_region_data.json", "via", of_via_json, True, 0),
    (f"{EYE}/val/val.json", "via", of_via_json, True, 0),
    (f"{EYE}/val/via_region_data.json", "via", of_via_json, True, 0),
]

REFUSED = [
    (f"{LABELFORMAT}/object_detection/Labelbox/export-result.ndjson", "an export of Labelbox"),
    (f"{LABELFORMAT}/object_detection/KITTI", "KITTI labels"),
    (f"{LABELFORMAT}/object_detection/lightly", "predictions of Lightly"),
    (f"{DATUMARO}/labelme_dataset", "XML of the old LabelMe web tool"),
    (f"{DATUMARO}/cvat_dataset/for_video/annotations.xml", "CVAT XML for video"),
    (f"{V2}/sherlock_attributes.json", "attributes alone"),
    (f"{V2}/via2_basic_demo_other0.json", "attributes alone"),
    (f"{V2}/via2_face_demo_other1.json", "attributes alone"),
    (V2, r"several annotation files \(via2_basic_demo_1.json, via2_face_demo_0.json\)"),
    (f"{DATUMARO}/coco_dataset/coco_instances", "holds 2 COCO files"),
    (f"{DATUMARO}/coco_dataset/coco_person_keypoints/annotations/person_keypoints_val.json", "--schema"),
    (f"{DATUMARO}/coco_dataset/coco_roboflow", r"folder of folders.* train \(coco\), val \(coco\)"),
    (f"{DATUMARO}/cvat_dataset", r"for_images/export_project \(cvat\), for_images/export_task \(cvat\)"),
    (f"{DATUMARO}/yolo_dataset", r"annotations \(yolo\), labels \(yolo\), strict \(yolo\)"),
    (f"{LABELFORMAT}/semantic_segmentation/pascalvoc", "mask does not say what its labels are called"),
    (f"{LABELFORMAT}/image_file_loading", "holds 1 .png, and no annotation -- "),
    ("via_official", r"folder of folders.* v1 \(via\), v2 \(via\)"),
    (".", r"folder of folders.* \d+ more"),
]


def opened(path: Path, images: Path | None, notices: list[str]) -> list[Scene]:
    return list(open_labelled(path, options=LabelOptions(images=images, notice=notices.append))[1])


def stand_in(folder: Path, images: list[tuple[str, int, int]]) -> None:
    """Blank images; those of one size are one file under many names."""
    drawn: dict[tuple[int, int], Path] = {}
    for name, height, width in images:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if (height, width) in drawn:
            path.hardlink_to(drawn[height, width])
        else:
            PillowImage.new("1", (width, height)).save(path, format="png")
            drawn[height, width] = path


@pytest.mark.parametrize(
    ("name", "form", "count", "blank", "no_instance"), READ, ids=[case[0] for case in READ]
)
def test_a_genuine_file_is_read_whole(
    name: str,
    form: str,
    count: Callable[[Path], Counted],
    blank: bool | str,
    no_instance: int,
    tmp_path: Path,
) -> None:
    path = real_data() / "formats" / name
    images, shapes = count(path)
    folder = tmp_path if blank is True else real_data() / "formats" / blank if blank else None
    if blank is True:
        stand_in(tmp_path, images)
    assert detect_format(path).name == form
    notices: list[str] = []
    scenes = opened(path, folder, notices)
    assert len(scenes) == len(images)
    assert sum(len(scene.instances) for scene in scenes) == shapes - no_instance, notices
    assert len(notices) >= no_instance


@pytest.mark.parametrize(("name", "why"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_is_not_read_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises((UsageError, AnnotationError, NothingUsableError), match=why) as refused:
        opened(real_data() / "formats" / name, None, [])
    assert "\n" not in str(refused.value)


def test_no_file_of_annotations_is_left_out_of_these_tables() -> None:
    folder = real_data() / "formats"
    suffixes = {".json", ".csv", ".xml", ".ndjson", ".yaml", ".txt"}
    tried = [name for name, *_ in READ] + [name for name, _ in REFUSED if name != "."]
    named = [folder / name for name in tried]
    no_annotation = {"LICENSE_via.txt", "schema.json", "class_id_to_name.json"}
    for path in sorted(folder.rglob("*")):
        if path.suffix not in suffixes or path.name in no_annotation:
            continue
        assert any(path == item or item in path.parents or path in item.parents for item in named) or any(
            path.is_relative_to(item.parent) for item in named if item.is_file()
        ), path
