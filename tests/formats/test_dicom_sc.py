"""Secondary captures: the overlay of a study, and films of other formats wrapped for objects to refer to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image as PillowImage

from spinekit.core.errors import ReadError
from spinekit.core.image import Image
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.dicom_maker import save
from spinekit.formats.dicom_origin import NO_DATE, read_origin
from spinekit.formats.dicom_sc import capture, film_of
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import read_images
from tests.formats.made_objects import MAKER, NAME, SOURCES, complaints, dx, picture, read
from tests.formats.seg_objects import film


@pytest.mark.parametrize("source", SOURCES)
def test_the_overlay_is_valid_and_shows_the_very_pixels(source: str, tmp_path: Path) -> None:
    path = SOURCES[source](tmp_path / "film.dcm")
    image = read(path)
    target = save(capture(read_origin(image, print), picture(image), MAKER, "c"), tmp_path / "sc.dcm")
    assert complaints(target) == []
    item, was = pydicom.dcmread(target), pydicom.dcmread(path)
    assert np.array_equal(item.pixel_array, picture(image)[:, :, ::-1])
    assert item.SourceImageSequence[0].ReferencedSOPInstanceUID == was.SOPInstanceUID
    assert (item.StudyInstanceUID, item.PatientName) == (was.StudyInstanceUID, NAME)
    assert "RESEARCH" in item.SeriesDescription
    assert "PixelSpacing" not in item
    assert item.get("BurnedInAnnotation") == was.get("BurnedInAnnotation")


def png(folder: Path) -> Image:
    grey = (np.arange(40 * 30, dtype=np.uint32) % 251).astype(np.uint8).reshape(40, 30)
    PillowImage.fromarray(grey).save(folder / "film.png")
    spacing = Spacing(0.2, 0.1, SpacingOrigin.STATED)
    (image,) = read_images(folder / "film.png", ReadOptions(spacing=spacing))
    return image


def test_a_film_without_a_header_is_wrapped_for_a_patient_said_to_be_unknown(tmp_path: Path) -> None:
    image = png(tmp_path)
    origin = read_origin(image, print)
    origin.item.BodyPartExamined = "SPINE"
    target = save(film_of(origin, image, MAKER), tmp_path / "film.dcm")
    assert [line for line in complaints(target) if "DICOMDIR" not in line] == []
    back = read(target)
    assert np.array_equal(back.pixels, image.pixels)
    assert back.ref.spacing is not None
    assert (back.ref.spacing.row_mm, back.ref.spacing.col_mm) == (0.2, 0.1)
    item = pydicom.dcmread(target)
    assert str(item.PatientName) == "Unknown^Patient"
    assert item.PatientID.startswith("UNKNOWN-")


def test_wrapped_films_are_of_different_patients_and_studies(tmp_path: Path) -> None:
    image = png(tmp_path)
    one = read_origin(image, print)
    PillowImage.fromarray(np.zeros((9, 9), dtype=np.uint8)).save(tmp_path / "other.png")
    other = read_origin(read(tmp_path / "other.png"), print)
    for keyword in ("PatientID", "StudyInstanceUID", "SOPInstanceUID"):
        assert one.item[keyword].value != other.item[keyword].value
    assert one.date == NO_DATE


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"])
def test_an_image_that_nothing_can_refer_to_is_refused_in_one_line(keyword: str, tmp_path: Path) -> None:
    image = read(film(tmp_path / "film.dcm", attributes={keyword: None, "PatientName": "Zqxj"}))
    with pytest.raises(ReadError, match=f"{keyword} .* is missing, so that nothing can refer to it") as fault:
        read_origin(image, print)
    assert "\n" not in str(fault.value)
    assert "Zqxj" not in str(fault.value)


def test_values_that_are_none_are_left_out_and_told_without_being_quoted(tmp_path: Path) -> None:
    odd = {"StudyDate": None, "PatientBirthDate": None, "PatientSex": "Zqxj"}
    path = film(tmp_path / "film.dcm", attributes=odd)
    item = pydicom.dcmread(path)
    item.add_new("StudyDate", "LO", "someday")
    item.add_new("PatientBirthDate", "LO", "Zqxj")
    item.save_as(path)
    told: list[str] = []
    origin = read_origin(read(path), told.append)
    assert {origin.item.StudyDate, origin.item.PatientBirthDate, origin.item.PatientSex} == {""}
    assert len(told) == 3
    assert not any("Zqxj" in line or "someday" in line for line in told)


def test_a_source_that_is_gone_is_one_line(tmp_path: Path) -> None:
    image = read(dx(tmp_path / "film.dcm"))
    (tmp_path / "film.dcm").unlink()
    with pytest.raises(ReadError, match="cannot be opened"):
        read_origin(image, print)
