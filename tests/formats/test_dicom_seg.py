"""Segmentations made by highdicom are read to the pixel and laid on their very images."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.sr.coding import Code
from pydicom.uid import JPEGLSLossless, RLELossless

from spinekit.core.errors import AnnotationError
from spinekit.core.outline import to_mask
from spinekit.core.scene import Author, Scene
from spinekit.core.schema import Schema
from spinekit.formats import dicom_seg
from spinekit.formats.plugin import LabelOptions
from spinekit.schemas import load_schema
from tests.formats.annotation_samples import real_data
from tests.formats.seg_objects import COLUMNS, ROWS, film, frames, segment, stacked, volume, write_seg

LEVELS = load_schema("mri-lumbar")
BODY = Schema("bodies", 1, "Bodies", "seg", "test", ("vertebra",))
TISSUE = Schema("tissue", 1, "Tissue", "sem", "test", ("other", "L1", "L2"))


def patch(top: int, left: int, size: int = 8) -> npt.NDArray[np.bool_]:
    """A square with a hole and a pixel apart."""
    mask = np.zeros((ROWS, COLUMNS), dtype=np.bool_)
    mask[top : top + size, left : left + size] = True
    mask[top + 2 : top + 4, left + 3 : left + 5] = False
    mask[top, left + size + 1] = True
    return mask


def read(path: Path, schema: Schema = LEVELS, images: Path | None = None) -> tuple[list[Scene], list[str]]:
    heard: list[str] = []
    return list(dicom_seg.read(path, schema, LabelOptions(images, notice=heard.append))), heard


def refused(path: Path, match: str, schema: Schema = LEVELS, options: LabelOptions | None = None) -> None:
    with pytest.raises(AnnotationError, match=match) as caught:
        list(dicom_seg.read(path, schema, options or LabelOptions()))
    assert "\n" not in str(caught.value)


def masks_of(scene: Scene) -> dict[str, npt.NDArray[np.bool_]]:
    found = {}
    for item in scene.instances:
        assert item.outline is not None
        found[item.label] = to_mask(item.outline, ROWS, COLUMNS)
    return found


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL"])
def test_segments_that_overlap_are_exact(tmp_path: Path, kind: str) -> None:
    one, two = patch(2, 3), patch(6, 7)
    pixels = stacked(one, two).astype(np.float32 if kind == "FRACTIONAL" else np.uint8)
    source = film(tmp_path / "film.dcm")
    write_seg(tmp_path / "seg.dcm", [source], pixels, [segment(1, "L1"), segment(2, "L2")], kind)
    ((scene,), heard) = read(tmp_path)
    found = masks_of(scene)
    np.testing.assert_array_equal(found["L1"], one)
    np.testing.assert_array_equal(found["L2"], two)
    assert scene.image.name == "film.dcm"
    assert scene.image.spacing is not None
    assert {item.author for item in scene.instances} == {Author.HUMAN}
    assert any("pixels from 0.5 on" in line for line in heard) == (kind == "FRACTIONAL")


def test_fractions_are_cut_at_one_half(tmp_path: Path) -> None:
    chances = np.zeros((ROWS, COLUMNS), dtype=np.float32)
    chances[5, 5:10] = (0.2, 0.49, 0.51, 0.8, 1.0)
    source = film(tmp_path / "film.dcm")
    write_seg(
        tmp_path / "seg.dcm", [source], stacked(chances), [segment(1, "L3", automatic=True)], "FRACTIONAL"
    )
    ((scene,), heard) = read(tmp_path)
    np.testing.assert_array_equal(masks_of(scene)["L3"], chances > 0.5)
    assert scene.instances[0].author is Author.MODEL
    assert scene.instances[0].score == pytest.approx((0.51 + 0.8 + 1.0) / 3, abs=0.01)
    assert heard == [f"{tmp_path / 'seg.dcm'}: probability -- pixels from 0.5 on count as covered"]


def test_a_label_map(tmp_path: Path) -> None:
    values = np.where(patch(2, 3), 1, 0) + np.where(patch(15, 20), 2, 0)
    source = film(tmp_path / "film.dcm")
    write_seg(
        tmp_path / "seg.dcm",
        [source],
        values[None].astype(np.uint8),
        [segment(1, "L1"), segment(2, "L2")],
        "LABELMAP",
    )
    ((scene,), _) = read(tmp_path)
    np.testing.assert_array_equal(masks_of(scene)["L1"], values == 1)
    np.testing.assert_array_equal(masks_of(scene)["L2"], values == 2)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
@pytest.mark.parametrize("kind", ["FRACTIONAL", "LABELMAP"])
def test_compressed_segmentations(tmp_path: Path, syntax: str, kind: str) -> None:
    source, mask = film(tmp_path / "film.dcm"), patch(2, 3)
    pixels = mask[None].astype(np.uint8) if kind == "LABELMAP" else stacked(mask).astype(np.float32)
    write_seg(tmp_path / "seg.dcm", [source], pixels, [segment(1, "L1")], kind, syntax=syntax)
    ((scene,), _) = read(tmp_path)
    np.testing.assert_array_equal(masks_of(scene)["L1"], mask)


def test_frames_of_an_image_of_several_frames(tmp_path: Path) -> None:
    slices = volume(tmp_path / "slices", 3)
    pixels = np.stack([patch(2 + index, 3) for index in range(3)]).astype(np.uint8)[..., None]
    path = write_seg(tmp_path / "seg.dcm", slices, pixels, [segment(1, "L1")])
    source = pydicom.dcmread(frames(tmp_path / "images" / "run.dcm", 4))
    item = pydicom.dcmread(path)
    order = [pydicom.dcmread(one).SOPInstanceUID for one in slices]
    for group in item.PerFrameFunctionalGroupsSequence:
        reference = group.DerivationImageSequence[0].SourceImageSequence[0]
        reference.ReferencedFrameNumber = order.index(reference.ReferencedSOPInstanceUID) + 2
        reference.ReferencedSOPInstanceUID = source.SOPInstanceUID
    item.save_as(path)
    scenes, _ = read(path, images=tmp_path / "images")
    assert [scene.image.name for scene in scenes] == ["run.dcm#1", "run.dcm#2", "run.dcm#3"]
    for index, scene in enumerate(scenes):
        np.testing.assert_array_equal(masks_of(scene)["L1"], patch(2 + index, 3))
    reference.ReferencedFrameNumber = 9
    item.save_as(path)
    options = LabelOptions(tmp_path / "images", allow_missing=False)
    refused(path, "has 4 frames, and no valid one of them is named", options=options)


def test_each_frame_lies_on_its_own_slice(tmp_path: Path) -> None:
    slices = volume(tmp_path / "images", 4)
    pixels = np.zeros((4, ROWS, COLUMNS, 2), dtype=np.uint8)
    for index in range(3):  # the last slice stays empty
        pixels[index, ..., 0] = patch(2 + index, 3)
        pixels[index, ..., 1] = patch(12 + index, 20)
    path = write_seg(tmp_path / "seg.dcm", slices, pixels, [segment(1, "L1"), segment(2, "L2")])
    scenes, heard = read(path, images=tmp_path / "images")
    assert [scene.image.name for scene in scenes] == [f"slice{index}.dcm" for index in range(4)]
    for index, scene in enumerate(scenes[:3]):
        np.testing.assert_array_equal(masks_of(scene)["L1"], patch(2 + index, 3))
        np.testing.assert_array_equal(masks_of(scene)["L2"], patch(12 + index, 20))
    assert scenes[3].notes == ("the mask is empty",)
    assert len({scene.group for scene in scenes}) == 1
    assert any("slice3.dcm: nothing is segmented" in line for line in heard)


def test_frames_without_references_go_by_their_place(tmp_path: Path) -> None:
    slices = volume(tmp_path / "images", 3)
    pixels = np.stack([patch(2 + index, 3) for index in range(3)]).astype(np.uint8)[..., None]
    path = write_seg(tmp_path / "seg.dcm", slices, pixels, [segment(1, "L1")])
    item = pydicom.dcmread(path)
    for group in item.PerFrameFunctionalGroupsSequence:
        del group.DerivationImageSequence
    item.save_as(path)
    scenes, _ = read(path, images=tmp_path / "images")
    for index, scene in enumerate(scenes):
        np.testing.assert_array_equal(masks_of(scene)["L1"], patch(2 + index, 3))
    item.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0].ImagePositionPatient = [0, 0, 77]
    item.save_as(path)
    refused(
        path,
        "frame 2: names no source image, and its place fits 0",
        options=LabelOptions(tmp_path / "images"),
    )


def test_a_frame_in_another_plane_than_its_image(tmp_path: Path) -> None:
    slices = volume(tmp_path / "images", 2)
    pixels = np.stack([patch(2, 3)] * 2).astype(np.uint8)[..., None]
    path = write_seg(tmp_path / "seg.dcm", slices, pixels, [segment(1, "L1")])
    item = pydicom.dcmread(path)
    shared = item.SharedFunctionalGroupsSequence[0]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [-1, 0, 0, 0, 1, 0]
    item.save_as(path)
    refused(path, "lies in another plane than its source image", options=LabelOptions(tmp_path / "images"))


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("Wirbel", Code("66794005", "SCT", "L1 vertebra")),
        ("Wirbel", Code("T-11910", "SRT", "L1 vertebra")),
        ("vertebrae_L1", Code("272673000", "SCT", "Bone")),
        ("l1", Code("272673000", "SCT", "Bone")),
    ],
)
def test_a_vertebra_by_label_or_code(tmp_path: Path, label: str, code: Code) -> None:
    source = film(tmp_path / "film.dcm")
    write_seg(
        tmp_path / "seg.dcm", [source], stacked(patch(2, 3)).astype(np.uint8), [segment(1, label, code)]
    )
    ((scene,), _) = read(tmp_path)
    assert [item.label for item in scene.instances] == ["L1"]
    vocabulary = dicom_seg.vocabulary(tmp_path)
    assert vocabulary is not None
    assert vocabulary.classes == ("L1",)
    assert vocabulary.schema is not None
    assert vocabulary.schema.levels == ("L1",)


def test_the_region_tells_which_bone_but_not_whose_lesion(tmp_path: Path) -> None:
    source = film(tmp_path / "film.dcm")
    region = Code("14293000", "SCT", "L2 vertebra")
    pixels = stacked(patch(2, 3)).astype(np.uint8)
    write_seg(tmp_path / "seg.dcm", [source], pixels, [segment(1, "body", region=region)])
    ((scene,), _) = read(tmp_path)
    assert [item.label for item in scene.instances] == ["L2"]
    lesion = Code("108369006", "SCT", "Neoplasm")
    write_seg(tmp_path / "seg.dcm", [source], pixels, [segment(1, "tumour", lesion, region=region)])
    refused(tmp_path, r"segment 1: 'tumour' is no label of mri-lumbar -- .*allowed: L1, L2")


def test_a_label_beats_its_code_and_that_is_told(tmp_path: Path) -> None:
    source = film(tmp_path / "film.dcm")
    described = segment(1, "L1", Code("14293000", "SCT", "L2 vertebra"))
    write_seg(tmp_path / "seg.dcm", [source], stacked(patch(2, 3)).astype(np.uint8), [described])
    ((scene,), heard) = read(tmp_path)
    assert [item.label for item in scene.instances] == ["L1"]
    assert any("labelled L1, its code says L2" in line for line in heard)
    ((scene,), _) = read(tmp_path, BODY)  # the only segment, the only class
    assert [item.label for item in scene.instances] == ["vertebra"]


def test_segmentations_of_one_image_by_two_readers(tmp_path: Path) -> None:
    source = film(tmp_path / "film.dcm")
    for name, label in (("anna", "L1"), ("bert", "L1")):
        pixels = stacked(patch(2, 3)).astype(np.uint8)
        write_seg(tmp_path / f"{name}.dcm", [source], pixels, [segment(1, label)])
    ((scene,), _) = read(tmp_path)
    assert [(item.label, item.reader) for item in scene.instances] == [("L1", "anna"), ("L1", "bert")]
    write_seg(tmp_path / "bert.dcm", [source], stacked(patch(12, 3)).astype(np.uint8), [segment(1, "L2")])
    ((scene,), _) = read(tmp_path)
    assert [(item.label, item.reader) for item in scene.instances] == [("L1", None), ("L2", None)]


def test_a_semantic_schema_gives_a_raster(tmp_path: Path) -> None:
    one, two = patch(2, 3), patch(6, 7)
    source = film(tmp_path / "film.dcm")
    described = [segment(1, "L1"), segment(2, "L2")]
    write_seg(tmp_path / "seg.dcm", [source], stacked(one, two).astype(np.float32), described, "FRACTIONAL")
    ((scene,), heard) = read(tmp_path, TISSUE)
    assert scene.raster is not None
    np.testing.assert_array_equal(scene.raster.labels, np.where(two, 2, np.where(one, 1, 0)))
    np.testing.assert_array_equal(scene.raster.probability, two.astype(np.float32))
    assert any(f"L2 overlaps other segments in {int((one & two).sum())} px" in line for line in heard)


def test_a_missing_source_image_is_named(tmp_path: Path) -> None:
    source = film(tmp_path / "film.dcm")
    pixels = stacked(patch(2, 3)).astype(np.uint8)
    path = write_seg(tmp_path / "seg" / "seg.dcm", [source], pixels, [segment(1, "L1")])
    uid = str(pydicom.dcmread(source).SOPInstanceUID)
    refused(path, f"source image not found: {uid}")
    slices = volume(tmp_path / "images", 2)
    both = np.stack([patch(2, 3)] * 2).astype(np.uint8)[..., None]
    path = write_seg(tmp_path / "both.dcm", slices, both, [segment(1, "L1")])
    gone = str(pydicom.dcmread(slices[1]).SOPInstanceUID)
    slices[1].unlink()
    scenes, heard = read(path, images=tmp_path / "images")
    assert len(scenes) == 1
    assert heard == [f"{path}: source image not found: {gone} -- passed over"]
    options = LabelOptions(tmp_path / "images", allow_missing=False)
    refused(path, f"source image not found: {gone}", options=options)


def test_another_size_than_the_source_image(tmp_path: Path) -> None:
    source = film(tmp_path / "film.dcm")
    path = write_seg(
        tmp_path / "seg.dcm", [source], stacked(patch(2, 3)).astype(np.uint8), [segment(1, "L1")]
    )
    item = pydicom.dcmread(path)
    item.Rows, item.Columns = COLUMNS, ROWS
    item.save_as(path)
    refused(path, f"is {ROWS} x {COLUMNS} px, its source image film.dcm {COLUMNS} x {ROWS}")


def test_what_is_no_segmentation(tmp_path: Path) -> None:
    source = film(tmp_path / "film.dcm")
    refused(source, "holds no DICOM segmentation")
    refused(tmp_path, "holds no DICOM segmentation")
    assert not dicom_seg.detect(source)
    assert not dicom_seg.detect(tmp_path)
    assert not dicom_seg.detect(tmp_path / "nothing")
    path = write_seg(
        tmp_path / "seg.dcm", [source], stacked(patch(2, 3)).astype(np.uint8), [segment(1, "L1")]
    )
    assert dicom_seg.detect(path)
    assert dicom_seg.detect(tmp_path)


def test_real_segmentations_are_recognised_and_miss_their_images() -> None:
    folder = real_data() / "dicom" / "other_modality"
    liver = Schema("liver", 1, "Liver", "seg", "test", ("Liver",))
    whole, cut = folder / "pydicomdata__liver.dcm", folder / "pydicom__liver_1frame.dcm"
    assert dicom_seg.detect(whole)
    assert dicom_seg.detect(cut)
    vocabulary = dicom_seg.vocabulary(whole)
    assert vocabulary is not None
    assert vocabulary.classes == ("Liver",)
    refused(whole, r"source image not found: 1\.2\.392\.", liver)
    refused(cut, "1 frames and 3 descriptions of frames cannot be", liver)


def test_the_test_objects_are_genuine(tmp_path: Path) -> None:
    """What the tests above read is what a validator takes for a segmentation."""
    checker = shutil.which("dciodvfy")
    if checker is None:
        pytest.skip("dciodvfy is not installed")
    source = film(tmp_path / "film.dcm")
    for kind in ("BINARY", "FRACTIONAL"):
        pixels = stacked(patch(2, 3)).astype(np.uint8 if kind == "BINARY" else np.float32)
        path = write_seg(tmp_path / "seg.dcm", [source], pixels, [segment(1, "L1")], kind)
        done = subprocess.run(
            [checker, "-new", str(path)], capture_output=True, text=True, timeout=60, check=False
        )
        errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
        assert not errors, errors
