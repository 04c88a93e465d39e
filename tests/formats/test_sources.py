from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Absent
from spinekit.formats.sources import (
    class_label,
    csv_rows,
    finite,
    image_folder,
    image_size,
    label_index,
    number,
    parse_json,
    plain_cell,
    read_text,
    safe_cell,
    split_frame,
    unsafe_name,
)
from tests.formats.annotation_samples import POSE, SEG, save_image


def test_size_of_an_image_that_exif_turns_is_that_of_the_turned_one(tmp_path: Path) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    PillowImage.fromarray(np.zeros((20, 50), np.uint8)).save(tmp_path / "turned.jpg", exif=exif)
    assert image_size(tmp_path / "turned.jpg") == (50, 20)


def test_image_is_found_by_relative_name_then_by_unique_last_part(tmp_path: Path) -> None:
    save_image(tmp_path / "train" / "a.png")
    save_image(tmp_path / "train" / "b.png")
    save_image(tmp_path / "valid" / "b.png")
    folder = image_folder(tmp_path)
    found = folder.find("a.png")
    assert isinstance(found, ImageRef)
    assert found.name == "train/a.png"
    assert len(found.sha256) == 64
    exact = folder.find("./valid/b.png")
    assert isinstance(exact, ImageRef)
    assert exact.path == tmp_path / "valid" / "b.png"
    doubled = folder.find("b.png")
    assert isinstance(doubled, Absent)
    assert "2 subfolders" in doubled.reason


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png",
        "/etc/passwd",
        "C:\\x.png",
        "C:/x.png",
        "a/../../b.png",
        "a\\b.png",
        "x\0.png",
        " ",
        "",
    ],
)
def test_names_that_climb_out_are_refused(tmp_path: Path, name: str) -> None:
    save_image(tmp_path / "secret.png")
    (tmp_path / "images").mkdir()
    assert unsafe_name(name)
    assert isinstance(image_folder(tmp_path / "images").find(name), Absent)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    save_image(tmp_path / "outside" / "a.png")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "link").symlink_to(tmp_path / "outside")
    assert isinstance(image_folder(tmp_path / "images").find("a.png"), Absent)


def test_a_damaged_image_is_absent_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    found = image_folder(tmp_path).find("a.png")
    assert isinstance(found, Absent)
    assert "a.png" in found.reason


def test_missing_folder_is_an_annotation_error(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="no such folder of images"):
        image_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        ("a".encode("utf-16"), "UTF-16"),
        (b"ok\nbad \xff\n", "line 2 is not UTF-8"),
    ],
)
def test_text_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(AnnotationError, match=message):
        read_text(tmp_path / "x.csv")


def test_byte_order_mark_and_carriage_returns_are_no_fault(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\xef\xbb\xbfa,b\r\n\r\n1,2\r\n")
    assert list(csv_rows(tmp_path / "x.csv")) == [(1, ["a", "b"]), (3, ["1", "2"])]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, NaN]", "NaN"),
        ('{"a": 1, "a": 2}', "occurs twice"),
        ("{", "line 1, column 2"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5000, "correct the number"),
    ],
)
def test_json_is_strict(text: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        parse_json(text, "file")


@pytest.mark.parametrize("value", [True, None, "1", [1], 1e12, float("nan"), float("inf")])
def test_coordinates_out_of_json_are_finite_numbers(value: object) -> None:
    with pytest.raises(AnnotationError, match="not a coordinate"):
        finite(value, "file")


@pytest.mark.parametrize("text", ["", "nan", "inf", "1,5", "x", "0x10"])
def test_cells_are_finite_numbers(text: str) -> None:
    with pytest.raises(AnnotationError, match="file: line 3"):
        number(text, "file: line 3")


def test_labels_are_found_despite_case_and_blanks_and_the_nearest_is_offered() -> None:
    assert class_label(" l2 ", SEG, "file") == "L2"
    assert class_label("L3", POSE, "file") == "L3"
    with pytest.raises(AnnotationError, match=r"did you mean vertebra\? allowed: vertebra, L1, L2, L3"):
        class_label("vertbra", POSE, "file")
    assert label_index("L1", POSE) == 1
    with pytest.raises(UsageError, match="L9 is no label"):
        label_index("L9", POSE)


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1+1", "@x", "\tx", "＝x"])
def test_text_that_a_spreadsheet_would_run_is_defused_and_comes_back(text: str) -> None:
    assert safe_cell(text).startswith("'")
    assert plain_cell(safe_cell(text)) == text


@given(st.text())
def test_every_text_survives_a_cell(text: str) -> None:
    assert plain_cell(safe_cell(text)) == text
    assert plain_cell(safe_cell(f"'{text}")) == f"'{text}"


def test_frame_is_told_from_a_name_with_a_hash() -> None:
    assert split_frame("x.dcm#12") == ("x.dcm", "#12")
    assert split_frame("a#b.png") == ("a#b.png", "")
    assert split_frame("#3") == ("#3", "")


@pytest.mark.parametrize("digits", ["1e999", "-1E+400", "9" * 400 + ".5"])
def test_a_number_beyond_all_bounds_is_refused(digits: str) -> None:
    with pytest.raises(AnnotationError, match="which no number reaches -- correct it"):
        parse_json(f'{{"a": [{digits}]}}', "x.json")
    assert parse_json('{"a": 1e200, "b": "e999", "c": 1e-999}', "x.json") == {
        "a": 1e200,
        "b": "e999",
        "c": 0.0,
    }
