"""DICOM in, training data out: pixels by the recipe, spacing in the manifest, nobody's name anywhere."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from spinekit import api
from spinekit.core.errors import NothingUsableError, UsageError
from spinekit.core.scene import Scene
from spinekit.formats.dicom_window import window
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.reading import read_images, read_raw
from spinekit.formats.registry import annotation_format
from spinekit.formats.sources import image_folder
from spinekit.schemas import load_schema
from spinekit.workflows.convert import Conversion, ConvertSettings, convert
from tests.formats.annotation_samples import POSE, body
from tests.formats.seg_objects import COLUMNS, ROWS, film, frames, segment, stacked, write_seg
from tests.workflows.label_sets import SQUARE, label_set, pose_scene

PERSON = {
    "PatientName": "Marker^Mary", "PatientID": "MARKER-4711", "PatientAge": "063Y", "PatientSex": "F",
    "PatientBirthDate": "19610203", "InstitutionName": "Marker Clinic",
}  # fmt: skip


@pytest.fixture
def segmented(tmp_path: Path) -> Path:
    """A film of a person with a segmentation beside it."""
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    mask[4:12, 5:20] = 1
    source = film(tmp_path / "in" / "film.dcm", attributes=PERSON)
    write_seg(tmp_path / "in" / "seg.dcm", [source], stacked(mask), [segment(1, "L1")])
    return tmp_path / "in"


def rows(done: Conversion) -> list[dict[str, str]]:
    with (done.out / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def settings(source: Path, out: Path, to: str = "yolo") -> ConvertSettings:
    return ConvertSettings(source=source, out=out, to=to, schema_name="mri-lumbar", allow_loss=True)


def test_a_segmentation_becomes_a_data_set_to_train_on(segmented: Path, tmp_path: Path) -> None:
    done = convert(settings(segmented, tmp_path / "out"))
    assert (done.source_format, done.images, done.instances) == ("dicom-seg", 1, 1)
    (row,) = rows(done)
    assert (row["image"], row["source"]) == ("film.png", "film.dcm")
    assert (row["row_mm"], row["col_mm"]) == ("0.5", "0.5")
    assert row["group"]
    assert row["made_by"]
    with PillowImage.open(tmp_path / "out" / "images" / "film.png") as shown:
        np.testing.assert_array_equal(np.asarray(shown), next(read_images(segmented / "film.dcm")).pixels)
    read = annotation_format("yolo").read
    assert read is not None
    (scene,) = read(tmp_path / "out", load_schema("mri-lumbar"), LabelOptions())
    assert [item.label for item in scene.instances] == ["L1"]
    assert scene.instances[0].outline is not None
    np.testing.assert_allclose(scene.instances[0].outline.box, (4.5, 3.5, 19.5, 11.5), atol=1e-3)


@pytest.mark.parametrize("to", ["yolo", "coco", "via", "scenes", "labelme", "cvat"])
def test_nobody_is_named(segmented: Path, tmp_path: Path, to: str) -> None:
    done = convert(settings(segmented, tmp_path / "out", to).model_copy(update={"copy_images": True}))
    written = [path.read_bytes() for path in done.out.rglob("*") if path.is_file()]
    assert written
    for mark in (b"Marker", b"MARKER", b"4711", b"19610203", b"1961", b"63.0"):
        assert not any(mark in content for content in written), mark


def test_age_and_sex_come_along_when_asked_for(segmented: Path, tmp_path: Path) -> None:
    done = convert(settings(segmented, tmp_path / "out").model_copy(update={"covariates": True}))
    (row,) = rows(done)
    assert (row["age_years"], row["sex"]) == ("63.0", "F")


def test_every_frame_is_an_image_of_its_own(tmp_path: Path) -> None:
    frames(tmp_path / "films" / "cine.dcm", 3)
    found = image_folder(tmp_path / "films")
    scenes = []
    for index in range(3):
        ref = found.find(f"cine.dcm#{index}")
        item = body("L1", [[x + index, y] for x, y in SQUARE])
        scenes.append(Scene(ref, POSE, (item,)))  # type: ignore[arg-type]
    source = label_set(tmp_path, scenes)
    asked = ConvertSettings(source=source, out=tmp_path / "out", to="yolo", images=tmp_path / "films")
    done = convert(asked)
    assert [row["image"] for row in rows(done)] == ["cine_0.png", "cine_1.png", "cine_2.png"]
    assert [row["frame"] for row in rows(done)] == ["0", "1", "2"]
    expected = [image.pixels for image in read_images(tmp_path / "films" / "cine.dcm")]
    for index, pixels in enumerate(expected):
        with PillowImage.open(done.out / "images" / f"cine_{index}.png") as shown:
            np.testing.assert_array_equal(np.asarray(shown), pixels)
    read = annotation_format("yolo").read
    assert read is not None
    for index, scene in enumerate(read(done.out, replace(POSE), LabelOptions())):
        points = scene.instances[0].landmarks
        assert points is not None
        np.testing.assert_allclose(points.xy[0], [SQUARE[0][0] + index, SQUARE[0][1]], atol=1e-3)


def test_the_window_asked_for_is_in_pixels_and_manifest(segmented: Path, tmp_path: Path) -> None:
    done = api.convert(segmented, tmp_path / "out", to="yolo", schema="mri-lumbar", window="20,30")
    (row,) = rows(done)
    assert "LINEAR centre 20 width 30, as asked" in row["made_by"]
    raw = read_raw(next(read_images(segmented / "film.dcm")).ref)
    with PillowImage.open(tmp_path / "out" / "images" / "film.png") as shown:
        np.testing.assert_array_equal(np.asarray(shown), window(raw, 20, 30))


def test_a_window_that_shows_nothing_is_a_remark(segmented: Path, tmp_path: Path) -> None:
    done = api.convert(segmented, tmp_path / "out", to="yolo", schema="mri-lumbar", window="9000,2")
    assert any(
        line.startswith("film.dcm: the window asked for shows nothing of the image") for line in done.remarks
    )


def test_a_window_that_no_file_has_leaves_nothing_behind(segmented: Path, tmp_path: Path) -> None:
    with pytest.raises(NothingUsableError, match="has no usable window 'lung'"):
        api.convert(segmented, tmp_path / "out", to="yolo", schema="mri-lumbar", window="lung")
    assert not (tmp_path / "out").exists()


def test_a_window_without_copies_is_refused(segmented: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--window full: .*--copy-images$"):
        api.convert(
            segmented, tmp_path / "out", to="coco", schema="mri-lumbar", window="full", allow_loss=True
        )


def test_python_divides_by_a_table_as_the_command_does(segmented: Path, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("name,group,part\nfilm.dcm,,train\n", encoding="utf-8")
    done = api.convert(segmented, tmp_path / "out", to="yolo", schema="mri-lumbar", split=tmp_path / "s.csv")
    assert done.parts == {"train": 1}
    assert (tmp_path / "out" / "labels" / "train" / "film.txt").is_file()
    with pytest.raises(UsageError, match="--allow-leak: speaks of the parts"):
        api.convert(segmented, tmp_path / "out2", to="yolo", allow_leak=True)


def test_a_window_does_not_hold_for_other_images(tmp_path: Path) -> None:
    source = label_set(tmp_path / "in", [pose_scene(tmp_path / "in", name) for name in ("a.png", "b.png")])
    done = api.convert(source, tmp_path / "out", to="yolo", images=tmp_path / "in" / "images", window="full")
    assert "a.png and 1 more: no DICOM image, so the window asked for does not hold for it" in done.remarks


def test_a_patient_of_dicom_films_is_a_group_whatever_the_labels_know(tmp_path: Path) -> None:
    """A table of names knows no patient; once the films are PNG nobody else does, so the manifest must."""
    for name, patient in (("a", "X-1"), ("b", "X-1"), ("c", "X-2")):
        film(tmp_path / "films" / f"{name}.dcm", attributes={**PERSON, "PatientID": patient})
    lines = [
        "#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
    ]
    shape = '"{""name"":""rect"",""x"":3,""y"":3,""width"":9,""height"":8}"'
    lines += [f'{name}.dcm,1,{{}},1,0,{shape},"{{""class"":""thing""}}"' for name in "abc"]
    (tmp_path / "via.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    done = api.convert(tmp_path / "via.csv", tmp_path / "out", to="yolo", images=tmp_path / "films")
    first, second, third = (row["group"] for row in rows(done))
    assert first == second != third
    assert all((first, third))
    (tmp_path / "s.csv").write_text(
        "name,group,part\na.dcm,,train\nb.dcm,,val\nc.dcm,,val\n", encoding="utf-8"
    )
    with pytest.raises(UsageError, match=r"the labels' group .* is in two parts") as told:
        api.convert(
            tmp_path / "via.csv",
            tmp_path / "leak",
            to="yolo",
            images=tmp_path / "films",
            split=tmp_path / "s.csv",
        )
    assert "X-1" not in str(told.value)
