"""The window that a user asks for: done as asked and recorded, or refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from spinekit.core.errors import ReadError, UsageError
from spinekit.core.image import Image
from spinekit.formats.dicom_window import window
from spinekit.formats.plugin import ReadOptions, WindowChoice
from spinekit.formats.reading import parse_window, read_images, read_raw

from .annotation_samples import real_data
from .dicom_objects import write

TWELVE_BITS = np.linspace(0, 4095, 64 * 48).astype(np.uint16).reshape(64, 48)
TWO: dict[str, Any] = {
    "WindowCenter": ["40", "300"],
    "WindowWidth": ["400", "1500"],
    "WindowCenterWidthExplanation": ["BRAIN", "Bone "],
}
HOUNSFIELD = {"RescaleSlope": "1", "RescaleIntercept": "-1024"}


def shown(path: Path, text: str) -> Image:
    return next(read_images(path, ReadOptions(window=parse_window(text))))


@given(st.floats(-4000, 4000), st.floats(1, 8000))
def test_numbers_are_taken_as_they_are_written(centre: float, width: float) -> None:
    assert parse_window(f" {centre!r}, {width!r}") == WindowChoice(centre, width)


@pytest.mark.parametrize(
    "text",
    ["", " ", "0", "-3", "1.5", "1e3", "300,", ",1500", "300,0", "300,0.5", "300,-5", "nan,5", "5,inf", "1,2,3",
     "bone,soft", "1e10,5", "300;1500x,", "99999"],
)  # fmt: skip
def test_what_is_no_window_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"--window '.*': .* -- .*full") as told:
        parse_window(text)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "centre", "width", "words"),
    [
        ("300,1500", 300, 1500, "LINEAR centre 300 width 1500, as asked"),
        ("-600,1600", -600, 1600, "LINEAR centre -600 width 1600, as asked"),
        ("1", 40, 400, "LINEAR centre 40 width 400, window 1 of 2, as asked"),
        ("2", 300, 1500, "LINEAR centre 300 width 1500, window 2 of 2, as asked"),
        ("bone", 300, 1500, "LINEAR centre 300 width 1500, window 2 of 2, as asked"),
        ("Brain", 40, 400, "LINEAR centre 40 width 400, window 1 of 2, as asked"),
    ],
)
def test_a_window_is_of_the_values_after_rescaling(
    tmp_path: Path, text: str, centre: float, width: float, words: str
) -> None:
    image = shown(write(tmp_path, TWELVE_BITS, {**TWO, **HOUNSFIELD}), text)
    np.testing.assert_array_equal(image.pixels, window(TWELVE_BITS - 1024.0, centre, width))
    assert image.ref.provenance["window"] == words


def test_the_whole_range_clips_nothing_and_keeps_order(tmp_path: Path) -> None:
    pixels = TWELVE_BITS // 2 + 100
    image = shown(write(tmp_path, pixels, {"WindowCenter": "50", "WindowWidth": "20"}), "FULL")
    assert image.ref.provenance["window"] == "full range of the image: 100 to 2147, as asked"
    expected = np.rint((pixels - 100.0) * 255 / (2147 - 100))
    np.testing.assert_array_equal(image.pixels, expected)


def test_padding_is_not_in_the_whole_range(tmp_path: Path) -> None:
    pixels = TWELVE_BITS // 2 + 100
    pixels[:5] = 4095
    image = shown(write(tmp_path, pixels, {"PixelPaddingValue": 4095}), "full")
    assert image.ref.provenance["window"].endswith("to 2147, as asked")
    assert not image.pixels[:5].any()


def test_an_inverted_film_is_inverted_after_the_window(tmp_path: Path) -> None:
    path = write(tmp_path, TWELVE_BITS, {"PhotometricInterpretation": "MONOCHROME1"})
    np.testing.assert_array_equal(
        shown(path, "1000,500").pixels, 255 - window(TWELVE_BITS.astype(float), 1000, 500)
    )


def test_the_function_of_the_file_holds_for_its_windows_alone(tmp_path: Path) -> None:
    path = write(tmp_path, TWELVE_BITS, {**TWO, "VOILUTFunction": "SIGMOID"})
    assert shown(path, "bone").ref.provenance["window"].startswith("SIGMOID centre 300")
    assert shown(path, "300,1500").ref.provenance["window"].startswith("LINEAR centre 300")


def test_a_voi_lut_is_found_by_its_name(tmp_path: Path) -> None:
    tables = []
    for name, entries in (("NORMAL", [0, 100, 200]), ("HARD", [0, 0, 255])):
        item = Dataset()
        item.add_new("LUTDescriptor", "US", [3, 0, 8])
        item.add_new("LUTData", "US", entries)
        item.LUTExplanation = name
        tables.append(item)
    pixels = np.array([[0, 1, 2]], np.uint16)
    image = shown(write(tmp_path, pixels, {"VOILUTSequence": Sequence(tables), **TWO}), "hard")
    assert image.pixels.tolist() == [[0, 0, 255]]
    assert image.ref.provenance["window"] == "VOI LUT of 3 entries, 8 bits, as asked"


@pytest.mark.parametrize(
    ("attributes", "text", "words"),
    [
        (TWO, "lung", "has no usable window 'lung': it offers 2 windows, called BRAIN, BONE -- choose"),
        (TWO, "3", "has no usable window '3': it offers 2 windows, called BRAIN, BONE -- choose"),
        ({}, "1", "has no usable window '1': it offers 0 windows -- choose"),
        ({"WindowCenter": "40", "WindowWidth": "0"}, "1", "it offers 1 window -- choose"),
        ({"WindowCenter": "40"}, "1", "it offers 0 windows -- choose"),
    ],
)
def test_a_window_that_is_not_there_is_refused(
    tmp_path: Path, attributes: dict[str, Any], text: str, words: str
) -> None:
    with pytest.raises(ReadError, match=words):
        shown(write(tmp_path, TWELVE_BITS, attributes), text)


def test_a_window_that_shows_nothing_is_done_and_told(tmp_path: Path) -> None:
    image = shown(write(tmp_path, TWELVE_BITS, TWO), "90000,10")
    assert not image.pixels.any()
    assert any("the window asked for shows nothing" in line for line in image.warnings)


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("other_modality/pydicom__examples_overlay.dcm", {"1": (450, 790), "window2": (200, 443)}),
        ("edge_cases/pydicomdata__bad_sequence.dcm", {"WINDOW1": (40, 350), "2": (450, 1500)}),
        ("other_modality/cornerstone__CTImage.dcm", {"1": (40, 400)}),
    ],
)
def test_windows_of_real_files(file: str, names: dict[str, tuple[float, float]]) -> None:
    path = real_data() / "dicom" / file
    (plain,) = read_images(path)
    values = read_raw(plain.ref)
    for name, (centre, width) in names.items():
        image = shown(path, name)
        np.testing.assert_array_equal(image.pixels, window(values, centre, width))
        np.testing.assert_array_equal(image.pixels, shown(path, f"{centre},{width}").pixels)
    whole = shown(path, "full").pixels
    assert (whole.min(), whole.max()) == (0, 255)
