"""Clean copies of DICOM images: nothing planted is left, and what they are good for stays as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from spinekit.core.errors import ReadError
from spinekit.formats import dicom_clean
from spinekit.formats.dicom_clean import clean_file
from spinekit.formats.dicom_clean_header import CleanRules, cleaned_header
from spinekit.formats.dicom_rescan import left_over
from tests.formats.made_objects import SOURCES, complaints, read
from tests.formats.seg_objects import film, frames
from tests.test_privacy import DATE, MARK, UID, plant

RULES = CleanRules(b"k" * 32)
WORD = "MARKED7"


def planted(path: Path, source: str = "dx") -> Path:
    """An image with marks in every attribute, the preamble, overlays, curves, an icon and the padding."""
    SOURCES[source](path)
    item = pydicom.dcmread(path)
    assert plant(item) > 1000
    for keyword in ("BodyPartExamined", "AcquisitionDeviceProcessingCode", "FilterType", "ScanOptions"):
        setattr(item, keyword, WORD)
    item.add_new(0x60000022, "LO", f"{MARK} overlay")
    item.add_new(0x60003000, "OW", f"{MARK} graphics".encode())
    item.add_new(0x50003000, "OW", f"{MARK} curve!".encode())
    item.add_new(0xFFFCFFFC, "OB", f"{MARK}  padding".encode())
    icon = pydicom.Dataset()
    icon.add_new("PixelData", "OB", f"{MARK} thumb".encode())
    item.IconImageSequence = [icon]
    item.preamble = f"{MARK} preamble".encode().ljust(128, b"\0")
    item.file_meta.SourceApplicationEntityTitle = f"{MARK} AET"
    item.save_as(path, enforce_file_format=True)
    assert path.read_bytes().count(MARK.encode()) > 1000
    return path


@pytest.mark.parametrize("source", SOURCES)
def test_no_mark_is_left(source: str, tmp_path: Path) -> None:
    clean_file(planted(tmp_path / "film.dcm", source), tmp_path / "clean.dcm", RULES)
    content = (tmp_path / "clean.dcm").read_bytes()
    for mark in (MARK, MARK.upper(), DATE, UID, WORD, "099Y"):
        for coding in ("utf-8", "utf-16-le", "utf-16-be"):
            assert mark.encode(coding) not in content
    assert (tmp_path / "clean.dcm").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("source", SOURCES)
def test_the_picture_and_its_scale_stay(source: str, tmp_path: Path) -> None:
    was = read(SOURCES[source](tmp_path / "film.dcm"))
    clean_file(tmp_path / "film.dcm", tmp_path / "clean.dcm", RULES)
    now = read(tmp_path / "clean.dcm")
    assert np.array_equal(now.pixels, was.pixels)
    assert now.ref.spacing == was.ref.spacing
    assert now.ref.hints == was.ref.hints
    assert [line for line in complaints(tmp_path / "clean.dcm") if "DICOMDIR" not in line] == []


def test_it_says_what_was_done(tmp_path: Path) -> None:
    clean_file(SOURCES["dx"](tmp_path / "film.dcm"), tmp_path / "clean.dcm", RULES)
    item = pydicom.dcmread(tmp_path / "clean.dcm")
    assert item.PatientIdentityRemoved == "YES"
    assert "spinekit" in item.DeidentificationMethod
    assert [code.CodeValue for code in item.DeidentificationMethodCodeSequence] == ["113100"]
    assert item.LongitudinalTemporalInformationModified == "REMOVED"
    assert item.BurnedInAnnotation == "NO"
    assert (item.StudyDate, item.PatientSex, item.AccessionNumber) == ("", "", "")


def test_uids_and_numbers_are_alike_by_one_key_and_others_by_another(tmp_path: Path) -> None:
    found = {}
    for name, rules in (("a", RULES), ("b", RULES), ("c", CleanRules(b"x" * 32))):
        path = film(tmp_path / f"{name}.dcm", "one" if name != "b" else "two",
                    attributes={"StudyInstanceUID": "1.2.3", "PatientID": "P"})  # fmt: skip
        clean_file(path, tmp_path / f"{name}.clean.dcm", rules)
        found[name] = pydicom.dcmread(tmp_path / f"{name}.clean.dcm")
    one, same, other = found["a"], found["b"], found["c"]
    assert (one.PatientID, one.StudyInstanceUID) == (same.PatientID, same.StudyInstanceUID)
    assert one.SOPInstanceUID != same.SOPInstanceUID
    assert one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID
    for keyword in ("PatientID", "StudyInstanceUID", "SOPInstanceUID"):
        assert one[keyword].value != other[keyword].value


def test_dates_may_be_shifted_alike_and_the_person_kept(tmp_path: Path) -> None:
    rules = CleanRules(b"k" * 32, shift_dates=True, person=True)
    days = []
    for name, day in (("a", "20200110"), ("b", "20200210")):
        path = film(tmp_path / f"{name}.dcm", name, attributes={
            "PatientID": "P", "StudyDate": day, "PatientAge": "094Y" if name == "a" else "012Y", "PatientSex": "F",
        })  # fmt: skip
        clean_file(path, tmp_path / "clean.dcm", rules)
        item = pydicom.dcmread(tmp_path / "clean.dcm")
        days.append(np.datetime64(f"{item.StudyDate[:4]}-{item.StudyDate[4:6]}-{item.StudyDate[6:]}"))
        assert item.StudyDate != day
        assert item.PatientAge == ("090Y" if name == "a" else "012Y")
        assert item.PatientSex == "F"
        assert item.LongitudinalTemporalInformationModified == "MODIFIED"
        codes = [code.CodeValue for code in item.DeidentificationMethodCodeSequence]
        assert codes == ["113100", "113107", "113108"]
    assert days[1] - days[0] == np.timedelta64(31, "D")


def test_text_in_the_picture_must_be_blackened_first(tmp_path: Path) -> None:
    path = film(tmp_path / "film.dcm", attributes={"BurnedInAnnotation": "YES"})
    with pytest.raises(ReadError, match="blacken it with --blank"):
        clean_file(path, tmp_path / "clean.dcm", RULES)
    assert not (tmp_path / "clean.dcm").exists()
    notes = clean_file(path, tmp_path / "clean.dcm", CleanRules(b"k" * 32, blank=((2, 3, 5, 4),)))
    assert any("on your word" in note for note in notes)
    item, was = pydicom.dcmread(tmp_path / "clean.dcm"), pydicom.dcmread(path).pixel_array
    assert (item.pixel_array[3:7, 2:7] == was.min()).all()
    assert np.array_equal(item.pixel_array[7:], was[7:])
    assert item.BurnedInAnnotation == "NO"
    assert "113101" in [code.CodeValue for code in item.DeidentificationMethodCodeSequence]


def test_black_is_the_highest_value_where_values_are_inverted(tmp_path: Path) -> None:
    path = film(tmp_path / "film.dcm", attributes={"PhotometricInterpretation": "MONOCHROME1"})
    clean_file(path, tmp_path / "clean.dcm", CleanRules(b"k" * 32, blank=((0, 0, 4, 4),)))
    pixels = pydicom.dcmread(tmp_path / "clean.dcm").pixel_array
    assert (pixels[:4, :4] == pixels.max()).all()


def test_all_frames_stay_and_an_old_overlay_in_high_bits_goes(tmp_path: Path) -> None:
    clean_file(frames(tmp_path / "film.dcm", 3), tmp_path / "clean.dcm", RULES)
    assert pydicom.dcmread(tmp_path / "clean.dcm").pixel_array.shape[0] == 3
    item = pydicom.dcmread(film(tmp_path / "high.dcm"))
    values = np.frombuffer(item.PixelData, dtype="<u2").copy()
    values[::7] |= 0x8000
    item.PixelData = values.tobytes()
    item.save_as(tmp_path / "high.dcm")
    clean_file(tmp_path / "high.dcm", tmp_path / "clean.dcm", RULES)
    assert (np.frombuffer(pydicom.dcmread(tmp_path / "clean.dcm").PixelData, dtype="<u2") < 0x1000).all()


def test_what_holds_no_image_is_refused(tmp_path: Path) -> None:
    path = film(tmp_path / "film.dcm", attributes={"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.33"})
    with pytest.raises(ReadError, match="only images are cleaned"):
        clean_file(path, tmp_path / "clean.dcm", RULES)


def test_a_copy_that_still_holds_something_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film(
        tmp_path / "film.dcm", attributes={"InstitutionName": "Saint Zqxj", "PatientName": "Zqxj^Anna"}
    )
    whole = cleaned_header

    def leaking(source: pydicom.Dataset, rules: CleanRules, where: Path) -> pydicom.Dataset:
        made = whole(source, rules, where)
        made.ImageComments = "seen at saint ZQXJ"
        return made

    monkeypatch.setattr(dicom_clean, "cleaned_header", leaking)
    with pytest.raises(
        ReadError, match=r"2 values .* still in the copy \(InstitutionName, PatientName\)"
    ) as fault:
        clean_file(path, tmp_path / "clean.dcm", RULES)
    assert "Zqxj" not in str(fault.value)
    assert list(tmp_path.glob("*clean*")) == []


@pytest.mark.parametrize("coding", ["utf-8", "utf-16-le", "latin-1"])
def test_the_search_knows_other_codings(coding: str, tmp_path: Path) -> None:
    path = film(tmp_path / "film.dcm", attributes={"PatientName": "Müller^Jörg"})
    source = pydicom.dcmread(path)
    clean_file(path, tmp_path / "clean.dcm", RULES)
    assert left_over(source, path, tmp_path / "clean.dcm") == []
    with (tmp_path / "clean.dcm").open("ab") as stream:
        stream.write("JÖRG MÜLLER".replace("Ö", "ö").replace("Ü", "ü").encode(coding))
    assert left_over(source, path, tmp_path / "clean.dcm") == ["PatientName"]
