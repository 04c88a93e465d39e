from __future__ import annotations

import os
import socket
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from spinekit.core.errors import ReadError, SkipFile, UsageError
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.plugin import ImageFormat, ReadOptions
from spinekit.formats.reading import find_files, parse_spacing, read_images, read_raw
from spinekit.formats.registry import ImageReader
from spinekit.formats.sources import unsafe_name

from .dicom_objects import write

PIXELS = np.arange(48, dtype=np.uint8).reshape(6, 8)


def image_at(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.fromarray(PIXELS).save(path, "PNG")
    return path


def names(*sources: Path, exclude: Path | None = None) -> list[str]:
    return [found.name for found in find_files(sources, exclude) if found.skip is None]


def skips(*sources: Path) -> dict[str, str]:
    return {found.name: found.skip for found in find_files(sources) if found.skip is not None}


def test_folders_are_mirrored_and_the_order_is_that_of_nfc(tmp_path: Path) -> None:
    wanted = ["a.png", "b/a.png", "b/é.png", "b/z.png", "é.png"]
    for name in reversed(wanted):
        image_at(tmp_path / unicodedata.normalize("NFD" if "b/" in name else "NFC", name))
    found = names(tmp_path)
    assert [unicodedata.normalize("NFC", name) for name in found] == [
        "a.png",
        "b/a.png",
        "b/z.png",
        "b/é.png",
        "é.png",
    ]
    assert found == names(tmp_path)


def test_names_that_differ_in_form_or_case_alone_are_two_files(tmp_path: Path) -> None:
    for name in ("é.png", unicodedata.normalize("NFD", "é.png"), "A.png", "a.png"):
        image_at(tmp_path / name)
    assert len(set(names(tmp_path))) == 4


def test_files_of_one_name_in_two_folders_stay_apart(tmp_path: Path) -> None:
    one, two = image_at(tmp_path / "x" / "a.png"), image_at(tmp_path / "y" / "a.png")
    assert names(one.parent, two.parent) == ["x/a.png", "y/a.png"]
    assert names(two, one) == ["x/a.png", "y/a.png"]
    assert names(tmp_path / "x") == ["a.png"]
    assert names(one) == ["a.png"]


def test_a_file_named_twice_is_found_once(tmp_path: Path) -> None:
    path = image_at(tmp_path / "x" / "a.png")
    assert names(tmp_path, path, path.parent, tmp_path / "x" / ".." / "x") == ["x/a.png"]


def test_the_output_folder_is_left_out(tmp_path: Path) -> None:
    image_at(tmp_path / "a.png")
    image_at(tmp_path / "out" / "a.png")
    assert names(tmp_path, exclude=tmp_path / "out") == ["a.png"]
    assert names(tmp_path, exclude=tmp_path / "elsewhere") == ["a.png", "out/a.png"]
    with pytest.raises(UsageError, match="same folder"):
        names(tmp_path / "out", exclude=tmp_path / "out")


def test_a_missing_source_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere.*no such file"):
        names(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="no input"):
        names()


def test_companions_are_passed_over_with_their_reason(tmp_path: Path) -> None:
    image_at(tmp_path / "a.png")
    image_at(tmp_path / "a.truth.png")
    for name in ("a.truth.json", "card.yaml", "t.csv", "n.txt", "x.json", "README.md", ".DS_Store"):
        (tmp_path / name).write_text("words")
    (tmp_path / ".git").mkdir()
    image_at(tmp_path / ".git" / "b.png")
    assert names(tmp_path) == ["a.png"]
    reasons = skips(tmp_path)
    assert len(reasons) == 9
    assert reasons["a.truth.png"] == "truth of a synthetic sample"
    assert reasons["t.csv"] == "not an image (.csv)"
    assert reasons[".DS_Store"] == reasons[".git"] == "hidden"


def test_an_image_called_txt_is_an_image(tmp_path: Path) -> None:
    image_at(tmp_path / "mailed.txt")
    (tmp_path / "list.txt").write_text("a.png")
    assert names(tmp_path) == ["mailed.txt"]
    (image,) = read_images(tmp_path / "mailed.txt")
    assert np.array_equal(image.pixels, PIXELS)


def test_links_pipes_and_sockets_are_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    image_at(folder / "a.png")
    image_at(tmp_path / "outside.png")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "loop").symlink_to(folder)
    (folder / "gone.png").symlink_to(folder / "nothing")
    (folder / "zero.png").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        cwd = Path.cwd()
        os.chdir(folder)  # a socket's path may be no longer than 107 bytes
        try:
            server.bind("s.png")
        finally:
            os.chdir(cwd)
        assert names(folder) == ["a.png"]
        assert set(skips(folder)) == {"link.png", "loop", "gone.png", "zero.png", "pipe.png", "s.png"}
    with pytest.raises(SkipFile, match="pipe"):
        list(read_images(folder / "pipe.png"))
    with pytest.raises(SkipFile, match="folder"):
        list(read_images(folder))


def test_a_source_that_is_a_link_is_followed(tmp_path: Path) -> None:
    image_at(tmp_path / "real" / "a.png")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert names(tmp_path / "link") == ["a.png"]


def test_finding_is_lazy(tmp_path: Path) -> None:
    for i in range(3):
        image_at(tmp_path / f"{i}" / "a.png")
    found = find_files([tmp_path])
    assert next(found).name == "0/a.png"
    (tmp_path / "2" / "a.png").unlink()
    assert [item.name for item in found] == ["1/a.png"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.dcm", b"", "empty"),
        ("noname", b"", "empty"),
        ("a.png", b"just words", "not an image, but text"),
        ("a.dcm", b"just words", "not an image, but text"),
        ("a.jpg", b"<!DOCTYPE html><html>404</html>", "an HTML page"),
        ("a.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        ("a.png", b"%PDF-1.7\n\x00\x01", "a PDF document"),
        ("a.png", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC image"),
        ("a.png", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "an AVIF image"),
        ("a.tif", b"PK\x03\x04....", "a ZIP archive"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "damaged"),
        ("a.png", bytes(range(256)), "data of an unknown kind"),
    ],
)
def test_what_is_no_image_is_told_in_one_line(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ReadError) as caught:
        list(read_images(path))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, SkipFile)


@pytest.mark.parametrize("name", ["a.py", "a.docx", "LICENSE", "a.zip"])
def test_files_that_promise_no_image_are_passed_over(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"PK\x03\x04...." if name.endswith(("x", "zip")) else b"some words")
    with pytest.raises(SkipFile):
        list(read_images(path))


@pytest.mark.parametrize(
    "name", ["-rf.png", "a b.png", "a\nb.png", "ü😀.png", os.fsdecode(b"\xff\xfe.png"), "x" * 251 + ".png"]
)
def test_odd_names_are_read(tmp_path: Path, name: str) -> None:
    path = image_at(tmp_path / name)
    (found,) = find_files([tmp_path])
    (image,) = read_images(path, ReadOptions(root=tmp_path))
    assert image.ref.name == found.name
    assert image.ref.name.encode("utf-8")


def test_content_decides_and_a_misleading_suffix_is_said(tmp_path: Path) -> None:
    (image,) = read_images(image_at(tmp_path / "a.dcm"))
    assert image.warnings == ("named .dcm, but its content is raster",)
    (image,) = read_images(write(tmp_path).rename(tmp_path / "b.png"))
    assert "named .png, but its content is dicom" in image.warnings
    (image,) = read_images(write(tmp_path).rename(tmp_path / "IM0001"))
    assert not any("named" in line for line in image.warnings)


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = image_at(tmp_path / "a.png")
    images = read_images(path)
    next(images)
    PillowImage.fromarray(PIXELS.T.copy()).save(path)
    with pytest.raises(ReadError, match="changed while"):
        next(images)


def test_raw_values_of_a_file_that_has_changed_are_refused(tmp_path: Path) -> None:
    path = image_at(tmp_path / "a.png")
    (image,) = read_images(path)
    assert np.array_equal(read_raw(image.ref), PIXELS)
    PillowImage.fromarray(PIXELS.T.copy()).save(path)
    with pytest.raises(ReadError, match="has changed"):
        read_raw(image.ref)
    path.unlink()
    with pytest.raises(ReadError, match="cannot be opened"):
        read_raw(image.ref)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_rights_is_told(tmp_path: Path) -> None:
    path = image_at(tmp_path / "a.png")
    path.chmod(0)
    with pytest.raises(ReadError, match="cannot be opened"):
        list(read_images(path))


class PanicException(BaseException):
    """What codecs written in Rust throw."""


@pytest.mark.parametrize(
    "error",
    [AttributeError("x"), ValueError("a\nb"), RuntimeError(), NotImplementedError(), MemoryError(),
     RecursionError(), OSError("no errno"), OSError(5, "Input/output error"), KeyError("ZQPHI"),
     PanicException("x")],
    ids=repr,
)  # fmt: skip
def test_whatever_a_codec_throws_becomes_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def broken(*_: object) -> None:
        raise error

    reader = ImageReader(ImageFormat("odd", "odd", (), lambda _: True, _throwing(error)), broken)  # type: ignore[arg-type]
    monkeypatch.setattr("spinekit.formats.reading.image_readers", lambda: (reader,))
    path = image_at(tmp_path / "a.png")
    with pytest.raises(ReadError) as caught:
        list(read_images(path))
    assert "\n" not in str(caught.value)
    assert "ZQPHI" not in str(caught.value)


def _throwing(error: BaseException):  # type: ignore[no-untyped-def]  # noqa: ANN202
    class Reader:
        def __iter__(self) -> Reader:
            return self

        def __next__(self) -> None:
            raise error

    return lambda *_: Reader()


def test_an_interrupt_is_no_fault_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = ImageReader(ImageFormat("odd", "odd", (), lambda _: True, _throwing(KeyboardInterrupt())), None)
    monkeypatch.setattr("spinekit.formats.reading.image_readers", lambda: (reader,))
    with pytest.raises(KeyboardInterrupt):
        list(read_images(image_at(tmp_path / "a.png")))


@given(st.floats(1e-4, 10), st.floats(1e-4, 10), st.sampled_from(["x", "X", "×", " x "]))
def test_stated_spacings_come_back(row: float, column: float, between: str) -> None:
    assert parse_spacing(f"{row!r}{between}{column!r}") == Spacing(row, column, SpacingOrigin.STATED)
    assert parse_spacing(f" {row!r} ") == Spacing(row, row, SpacingOrigin.STATED)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0,143", "point"),
        ("0.1x", "not a number"),
        ("", "not a number"),
        ("big", "not a number"),
        ("1x2x3", "3 numbers"),
        ("0", "cannot be"),
        ("-0.1", "cannot be"),
        ("nan", "cannot be"),
        ("inf", "cannot be"),
        ("143", "mm"),
        ("300dpi", "25.4 / dpi"),
    ],
)
def test_misstated_spacings_are_taught(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        parse_spacing(text)
    assert "--spacing" in str(caught.value)


@given(st.text(max_size=12))
def test_no_text_breaks_the_spacing_parser(text: str) -> None:
    try:
        spacing = parse_spacing(text)
    except UsageError:
        return
    assert 0 < spacing.row_mm <= 10
    assert 0 < spacing.col_mm <= 10


def test_importing_spinekit_loads_no_codec() -> None:
    script = (
        "import sys, spinekit, spinekit.formats.reading, spinekit.formats.dicom\n"
        "assert not {'pydicom', 'cv2', 'torch'} & set(sys.modules), 'loaded'"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("name", "called"),
    [("a\\b.png", "a%5Cb.png"), ("C:film.png", "C%3Afilm.png"), ("ab:film.png", "ab:film.png")],
)
@pytest.mark.skipif(os.name == "nt", reason="no such names there")
def test_names_that_are_folders_or_drives_elsewhere_are_escaped(
    name: str, called: str, tmp_path: Path
) -> None:
    image_at(tmp_path / name)
    assert names(tmp_path) == [called]
    assert unsafe_name(called) == ""
    (image,) = read_images(tmp_path / name)
    assert image.ref.name == called
