"""Segmentations written: valid for others' validators, pixel for pixel, the same again for the same input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest

from spinekit.core.outline import to_mask
from spinekit.core.scene import Raster
from spinekit.formats import dicom_seg
from spinekit.formats.dicom_maker import Kind, save
from spinekit.formats.dicom_origin import read_origin
from spinekit.formats.dicom_seg_writing import BINARY, LABELMAP, segmentation
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.reading import read_images
from spinekit.formats.vertebra_codes import SNOMED_CT
from spinekit.schemas import load_schema
from tests.formats.made_objects import MAKER, NAME, SOURCES, complaints, found, read
from tests.formats.seg_objects import film, frames


def written(source: Path, target: Path, kind: Kind = BINARY) -> Path:
    image = read(source)
    made = segmentation(read_origin(image, print), found(image), MAKER, "content", print, kind)
    assert made is not None
    return save(made, target)


@pytest.mark.parametrize("source", SOURCES)
def test_it_is_valid_and_so_is_its_source(source: str, tmp_path: Path) -> None:
    path = SOURCES[source](tmp_path / "film.dcm")
    assert complaints(path) == []
    assert complaints(written(path, tmp_path / "seg" / "film.dcm")) == []


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", [BINARY, LABELMAP], ids=lambda kind: kind.name)
def test_masks_come_back_pixel_for_pixel(source: str, kind: Kind, tmp_path: Path) -> None:
    path = SOURCES[source](tmp_path / "film.dcm")
    scene = found(read(path))
    written(path, tmp_path / "seg" / "film.dcm", kind)
    (back,) = dicom_seg.read(tmp_path / "seg", load_schema("vertebrae"), LabelOptions(images=tmp_path))
    assert [item.label for item in back.instances] == ["T12", "L1", "L2"]
    later = np.zeros((scene.image.height, scene.image.width), dtype=bool)
    for item, was in list(zip(back.instances, scene.instances, strict=True))[::-1]:
        assert item.outline is not None
        assert was.outline is not None
        wanted = to_mask(was.outline, *later.shape)
        # A label map gives what overlaps to the later one.
        wanted = wanted & ~later if kind is LABELMAP else wanted
        later |= wanted
        assert np.array_equal(to_mask(item.outline, *later.shape), wanted)
        assert item.author.value == "model"


def test_another_library_reads_the_same_masks_for_the_source(tmp_path: Path) -> None:
    path = SOURCES["dx"](tmp_path / "film.dcm")
    read_back = highdicom.seg.segread(written(path, tmp_path / "seg.dcm"))
    source = pydicom.dcmread(path)
    pixels = read_back.get_pixels_by_source_instance([str(source.SOPInstanceUID)])
    named = [
        reference.ReferencedSOPClassUID
        for group in read_back.PerFrameFunctionalGroupsSequence
        for reference in group.DerivationImageSequence[0].SourceImageSequence
    ]
    assert set(named) == {source.SOPClassUID}
    scene = found(read(path))
    for index, item in enumerate(scene.instances):
        assert item.outline is not None
        assert np.array_equal(pixels[0, :, :, index] > 0, to_mask(item.outline, *pixels.shape[1:3]))


def test_segments_are_coded_and_say_what_found_them(tmp_path: Path) -> None:
    item = pydicom.dcmread(written(SOURCES["dx"](tmp_path / "film.dcm"), tmp_path / "seg.dcm"))
    assert item.SegmentationType == "BINARY"
    assert "RESEARCH" in item.SeriesDescription
    assert item.PatientName == NAME
    for segment, level in zip(item.SegmentSequence, ("T12", "L1", "L2"), strict=True):
        concept = segment.SegmentedPropertyTypeCodeSequence[0]
        assert (concept.CodeValue, concept.CodingSchemeDesignator) == (SNOMED_CT[level], "SCT")
        assert segment.SegmentLabel == level
        assert segment.SegmentAlgorithmType == "AUTOMATIC"
        algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
        assert algorithm.AlgorithmName == MAKER.model
        assert MAKER.model_sha256 in algorithm.AlgorithmParameters


def test_writing_again_gives_the_same_bytes_and_other_findings_another_object(tmp_path: Path) -> None:
    path = SOURCES["mr"](tmp_path / "film.dcm")
    first, again = written(path, tmp_path / "1.dcm"), written(path, tmp_path / "2.dcm")
    assert first.read_bytes() == again.read_bytes()
    assert first.stat().st_mode & 0o077 == 0
    image = read(path)
    other = segmentation(read_origin(image, print), found(image), MAKER, "other", print)
    assert other is not None
    assert other.SOPInstanceUID != pydicom.dcmread(first).SOPInstanceUID
    assert other.SeriesInstanceUID == pydicom.dcmread(first).SeriesInstanceUID


def test_a_frame_of_several_is_named(tmp_path: Path) -> None:
    path = frames(tmp_path / "film.dcm", 3)
    image = list(read_images(path))[1]
    made = segmentation(read_origin(image, print), found(image), MAKER, "c", print)
    assert made is not None
    save(made, tmp_path / "seg" / "film.dcm")
    scenes = list(dicom_seg.read(tmp_path / "seg", load_schema("vertebrae"), LabelOptions(images=tmp_path)))
    assert [(scene.image.frame, len(scene.instances)) for scene in scenes] == [(1, 3)]


def test_a_raster_has_a_segment_a_class_and_an_empty_one_none(tmp_path: Path) -> None:
    image = read(film(tmp_path / "film.dcm", kind="membrane"))
    labels = np.zeros(image.pixels.shape, dtype=np.uint8)
    scene = replace(found(image), schema=load_schema("em-membrane"), instances=(), raster=Raster(labels))
    told: list[str] = []
    assert segmentation(read_origin(image, told.append), scene, MAKER, "c", told.append) is None
    assert "covers no pixel" in told[-1]
    labels[4:9, 5:30] = len(scene.schema.classes) - 1
    made = segmentation(read_origin(image, told.append), scene, MAKER, "c", told.append)
    assert made is not None
    assert [segment.SegmentLabel for segment in made.SegmentSequence] == [scene.schema.classes[-1]]


def test_a_label_map_tells_of_overlaps(tmp_path: Path) -> None:
    image = read(SOURCES["dx"](tmp_path / "film.dcm"))
    told: list[str] = []
    made = segmentation(read_origin(image, told.append), found(image), MAKER, "c", told.append, LABELMAP)
    assert made is not None
    assert any("overlap in" in line and "later one" in line for line in told)
