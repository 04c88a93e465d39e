"""The DICOM part of the catalogue of bad inputs: one line for each, and never a traceback."""

from __future__ import annotations

import logging
import random
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID

from spinekit.core.errors import ReadError, SkipFile
from spinekit.core.image import Image
from spinekit.formats import dicom_header
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import read_images, read_raw

from .dicom_objects import RAMP, dataset, save, write

RLE = UID("1.2.840.10008.1.2.5")


def bundled(name: str) -> Path:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    return Path(path)


def fault(path: Path, options: ReadOptions | None = None) -> str:
    with pytest.raises(ReadError) as caught:
        list(read_images(path, options))
    assert not isinstance(caught.value, SkipFile)
    return one_line(caught.value)


def skipped(path: Path) -> str:
    with pytest.raises(SkipFile) as caught:
        list(read_images(path))
    return one_line(caught.value)


def one_line(error: ReadError) -> str:
    text = str(error)
    assert "\n" not in text
    assert text.startswith(str(error.path))
    assert " -- " in text
    return text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("JPEG-lossy.dcm", "JPEG Extended"),
        ("JPEG2000-embedded-sequence-delimiter.dcm", "the compressed image holds"),
        ("MR_truncated.dcm", "8192 bytes expected, 8130 found"),
        ("badVR.dcm", "NumberOfFrames (0028,0008)"),
        ("meta_missing_tsyntax.dcm", "TransferSyntaxUID (0002,0010) is missing"),
        ("nested_priv_SQ.dcm", "Rows (0028,0010) is missing"),
        ("rtplan_truncated.dcm", "cut off within BeamSequence"),
        ("no_meta.dcm", "not a DICOM image"),
    ],
)
def test_pydicoms_own_bad_files(name: str, words: str) -> None:
    assert words in fault(bundled(name))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rtplan.dcm", "RT Plan Storage"),
        ("rtstruct.dcm", "RT Structure Set Storage"),
        ("reportsi.dcm", "Basic Text SR Storage"),
        ("dicomdirtests/DICOMDIR", "DICOMDIR"),
        ("zipMR.gz", "gzip"),
    ],
)
def test_objects_that_hold_no_image_are_passed_over(name: str, words: str) -> None:
    assert words in skipped(bundled(name))


def test_an_image_class_without_pixels_is_a_fault(tmp_path: Path) -> None:
    assert "PixelData (7FE0,0010) is missing" in fault(write(tmp_path, attributes={"PixelData": None}))


@pytest.mark.parametrize(
    "keyword",
    ["Rows", "Columns", "BitsAllocated", "BitsStored", "SamplesPerPixel", "PixelRepresentation",
     "PhotometricInterpretation"],
)  # fmt: skip
def test_a_missing_attribute_is_named(tmp_path: Path, keyword: str) -> None:
    assert f"{keyword} (0028," in fault(write(tmp_path, attributes={keyword: None}))


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"Rows": 0}, "0 rows"),
        ({"BitsStored": 17}, "BitsStored (0028,0101)"),
        ({"NumberOfFrames": -3}, "-3 frames"),
        ({"PhotometricInterpretation": "HSV"}, "PhotometricInterpretation (0028,0004)"),
        ({"BitsAllocated": 12}, "Bits Allocated"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_a_wrong_attribute_is_named(tmp_path: Path, attributes: dict[str, Any], words: str) -> None:
    assert words in fault(write(tmp_path, attributes=attributes))


def test_pixels_cut_off_are_never_filled_up(tmp_path: Path) -> None:
    assert "6144 bytes expected, 6000 found" in fault(
        write(tmp_path, attributes={"PixelData": RAMP.tobytes()[:6000]})
    )
    assert "cut off within PixelData" in fault(_shortened(write(tmp_path), 100))


def _shortened(path: Path, by: int) -> Path:
    path.write_bytes(path.read_bytes()[:-by])
    return path


@pytest.mark.parametrize(
    ("uid", "words"),
    [
        ("1.2.840.10008.1.2.4.102", "video is not supported"),
        ("1.2.840.10008.1.2.4.94", "on a server"),
        ("1.2.3.4.5", "unknown transfer syntax 1.2.3.4.5"),
        ("1.2.840.10008.1.2.6.1", "is not supported"),
    ],
)
def test_a_transfer_syntax_out_of_reach_is_named(tmp_path: Path, uid: str, words: str) -> None:
    item = dataset()
    item.PixelData = encapsulate([RAMP.tobytes()])
    item["PixelData"].is_undefined_length = True
    item.file_meta.TransferSyntaxUID = UID(uid)
    path = tmp_path / "odd.dcm"
    pydicom.dcmwrite(path, item, implicit_vr=False, little_endian=True, enforce_file_format=False)
    assert words in fault(path)


def _compressed(folder: Path, frame: bytes, rows: int, columns: int) -> Path:
    item = dataset()
    item.Rows, item.Columns = rows, columns
    item.PixelData = encapsulate([frame])
    item["PixelData"].is_undefined_length = True
    item.file_meta.TransferSyntaxUID = RLE
    return save(folder, item)


@pytest.mark.parametrize(
    ("side", "words"), [(60000, "exceed the limit of 200 million"), (14000, "can never fill")]
)
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, side: int, words: str) -> None:
    path = _compressed(tmp_path, b"\2\0\0\0\x40\0\0\0" + b"\0" * 7800, side, side)
    start = time.perf_counter()
    assert words in fault(path)
    assert time.perf_counter() - start < 1


def test_frames_count_for_the_limit(tmp_path: Path) -> None:
    path = write(tmp_path, np.zeros((10, 64, 48), dtype=np.uint16))
    assert "48 x 64 x 10 frames" in fault(path, ReadOptions(max_pixels=30_000))
    assert len(list(read_images(path, ReadOptions(max_pixels=30_720)))) == 10


def test_a_deflated_bomb_is_refused_while_it_unfolds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom_header, "INFLATED_BYTES", 1 << 20)
    bomb = _deflated(tmp_path, b"\x28\x00\x10\x00US\2\0\1\0" + b"\0" * (5 << 20))
    assert "its deflated content exceeds 1 MiB" in fault(bomb)
    content = bundled("image_dfl.dcm").read_bytes()
    (whole,) = read_images(_file(tmp_path, content))
    assert whole.pixels.shape == (512, 512)
    assert "deflated content is cut off" in fault(_file(tmp_path, content[:-2000]))


def _deflated(folder: Path, content: bytes) -> Path:
    head = bundled("image_dfl.dcm").read_bytes()[
        : dicom_header._meta_end(bundled("image_dfl.dcm").read_bytes())[0]
    ]
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return _file(folder, head + packer.compress(content) + packer.flush())


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "made.dcm"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "name", ["MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "SC_rgb_jpeg_gdcm.dcm"]
)
def test_a_code_stream_of_another_size_is_refused(tmp_path: Path, name: str) -> None:
    item = pydicom.dcmread(bundled(name))
    rows, columns = item.Rows, item.Columns
    item.Rows = 5000
    words = fault(save(tmp_path, item))
    assert f"the header says {columns} x 5000 pixels, the compressed image holds {columns} x {rows}" in words


def test_missing_frames_are_counted(tmp_path: Path) -> None:
    item = pydicom.dcmread(bundled("SC_rgb_rle_2frame.dcm"))
    item.NumberOfFrames = 3
    assert "fewer frames" in fault(save(tmp_path, item)) or "frame 3 of 3" in fault(save(tmp_path, item))


def test_without_preamble_and_header_it_is_read_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "IM0001"
    item = dataset()
    del item.file_meta
    item.save_as(path, implicit_vr=True, little_endian=True, enforce_file_format=False)
    (image,) = read_images(path)
    assert image.ref.provenance["transfer_syntax"] == "Implicit VR Little Endian"
    assert any("no file header" in line for line in image.warnings)
    assert np.array_equal(read_raw(image.ref), RAMP)
    item.Rows = 63
    item.save_as(path, implicit_vr=True, little_endian=True, enforce_file_format=False, overwrite=True)
    assert "length fits none" in fault(path)


@pytest.mark.parametrize("suffix", [".dcm", ".DICOM"])
def test_random_bytes_are_not_a_dicom_image(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"noise{suffix}"
    path.write_bytes(random.Random(5).randbytes(4000))
    assert "not a DICOM image" in fault(path)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"PresentationIntentType": "FOR PROCESSING"}, "FOR PROCESSING"),
        ({"BurnedInAnnotation": "YES"}, "BurnedInAnnotation"),
        ({"LossyImageCompression": "01", "LossyImageCompressionMethod": "ISO_10918_1"}, "loss (ISO_10918_1)"),
        ({"Modality": "US"}, "neither a radiograph"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "screen capture"),
        ({"RescaleSlope": "0"}, "RescaleSlope (0028,1053)"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_what_a_reader_should_know_is_said(tmp_path: Path, attributes: dict[str, Any], words: str) -> None:
    (image,) = read_images(write(tmp_path, attributes=attributes))
    assert any(words in line for line in image.warnings)


def test_hints_say_what_is_shown(tmp_path: Path) -> None:
    region = Dataset()
    region.CodeMeaning = "Lumbar spine"
    attributes = {
        "AnatomicRegionSequence": Sequence([region]),
        "ViewPosition": "AP",
        "PatientOrientation": ["L", "F"],
        "PresentationIntentType": "FOR PRESENTATION",
    }
    (image,) = read_images(write(tmp_path, attributes=attributes))
    assert image.ref.hints == {
        "modality": "DX",
        "body_part": "LUMBAR SPINE",
        "view": "AP",
        "orientation": "L\\F",
        "presentation_intent": "FOR PRESENTATION",
    }


@pytest.mark.parametrize(("stored", "told"), [("2.50", "2.5"), ("", None)])
def test_the_thickness_of_a_slice_is_a_number_or_unsaid(
    tmp_path: Path, stored: str, told: str | None
) -> None:
    (image,) = read_images(write(tmp_path, attributes={"SliceThickness": stored}))
    assert image.ref.hints.get("slice_thickness_mm") == told


PLANTED = "ZQPHI"
LONG = {"UT", "LT", "ST", "LO", "SH", "PN", "UC"}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_attribute_of_the_patient_gets_out(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    item = dataset()
    for tag, (representation, *_) in pydicom.datadict.DicomDictionary.items():
        group = tag >> 16
        if representation in LONG and group in (0x0008, 0x0010, 0x0018, 0x0020, 0x0032, 0x0040, 0x4008):
            item.add_new(tag, representation, PLANTED)
    item.PatientID = PLANTED
    item.SOPInstanceUID = PLANTED
    for keyword in ("PatientAge", "WindowCenter", "PixelAspectRatio", "RescaleSlope"):
        item.add_new(keyword, "LO", PLANTED)  # a value of the wrong kind, which libraries quote in errors
    readable = save(tmp_path, item)
    item.add_new("Rows", "LO", PLANTED)
    damaged = save(tmp_path, item, "damaged.dcm")
    caplog.clear()  # writing has quoted them
    logging.getLogger("pydicom").propagate = True
    (image,) = read_images(readable)
    texts = [repr(image.ref), repr(image.warnings), fault(damaged), *capfd.readouterr(), caplog.text]
    assert not any(PLANTED in text for text in texts)


def test_deep_nesting_and_many_private_tags_are_read(tmp_path: Path) -> None:
    item = dataset()
    inner = Dataset()
    for _ in range(200):
        outer = Dataset()
        outer.add_new(0x00400260, "SQ", Sequence([inner]))
        inner = outer
    item.add_new(0x00400260, "SQ", Sequence([inner]))
    block = item.private_block(0x0011, "maker", create=True)
    for element in range(200):
        block.add_new(element, "LO", "x" * 50)
    (image,) = read_images(save(tmp_path, item))
    assert image.pixels.shape == RAMP.shape


SEEDS = ["CT_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "SC_rgb_small_odd_jpeg.dcm",
         "JPEGLSNearLossless_16.dcm", "dicomdirtests/77654033/CR1/6154"]  # fmt: skip


@pytest.mark.parametrize("name", SEEDS)
def test_damaged_files_give_an_image_or_one_line(tmp_path: Path, name: str) -> None:
    content = bundled(name).read_bytes()
    chance = random.Random(name)
    path = tmp_path / "damaged.dcm"
    outcomes: list[Image | ReadError] = []
    for _ in range(40):
        path.write_bytes(_mutated(content, chance))
        try:
            outcomes += read_images(path, ReadOptions(max_pixels=1_000_000))
        except ReadError as error:
            one_line(error)
            outcomes.append(error)
    assert len(outcomes) >= 40


def _mutated(content: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, cut out, doubled, or the end cut off."""
    start, length = chance.randrange(132, len(content)), chance.randrange(1, 40)
    kind = chance.randrange(4)
    if kind == 0:
        return content[:start] + chance.randbytes(length) + content[start + length :]
    if kind == 1:
        return content[:start] + content[start + length :]
    if kind == 2:
        return content[: start + length] + content[start:]
    return content[:start]
