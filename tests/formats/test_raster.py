from __future__ import annotations

import io
import random
import struct
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PillowImage
from PIL import TiffImagePlugin

from spinekit.core.errors import ReadError
from spinekit.core.image import Image
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.raster import turned
from spinekit.formats.reading import read_images, read_raw

GREY = np.add.outer(np.arange(20) * 7, np.arange(30) * 3).astype(np.uint8)
TWELVE = np.linspace(0, 4000, 600).astype(np.uint16).reshape(20, 30)


def saved(
    folder: Path, image: PillowImage.Image, name: str, options: Mapping[str, object] | None = None
) -> Path:
    path = folder / name
    image.save(path, **(options or {}))  # type: ignore[arg-type]
    return path


def one(path: Path, options: ReadOptions | None = None) -> Image:
    (image,) = read_images(path, options)
    return image


def fault(path: Path, options: ReadOptions | None = None) -> str:
    with pytest.raises(ReadError) as caught:
        list(read_images(path, options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.webp", "a.gif", "UPPER.PNG", "nosuffix"])
def test_grey_is_kept_to_the_number(tmp_path: Path, name: str) -> None:
    kind = {"nosuffix": "PNG", "UPPER.PNG": "PNG"}.get(name)
    options: dict[str, object] = {"lossless": True} if name.endswith("webp") else {}
    image = one(saved(tmp_path, PillowImage.fromarray(GREY), name, {"format": kind, **options}))
    assert np.array_equal(image.pixels, GREY)
    assert image.pixels.dtype == np.uint8
    assert (image.ref.height, image.ref.width) == GREY.shape
    assert image.ref.name == name
    assert len(image.ref.sha256) == 64
    assert image.warnings == ()


def test_a_jpeg_is_read_as_pillow_decodes_it(tmp_path: Path) -> None:
    path = saved(tmp_path, PillowImage.fromarray(GREY), "a.jpg", {"quality": 95})
    assert np.array_equal(one(path).pixels, np.asarray(PillowImage.open(path)))


RED, GREEN, BLUE = 76, 150, 29


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("RGB", (255, 0, 0), RED), ("RGB", (0, 255, 0), GREEN), ("RGB", (0, 0, 255), BLUE),
        ("RGB", (99, 99, 99), 99),
        ("RGBA", (200, 200, 200, 255), 200), ("RGBA", (200, 200, 200, 0), 0),
        ("RGBA", (200, 200, 200, 51), 40),
        ("LA", (200, 255), 200), ("LA", (200, 51), 40), ("1", 1, 255), ("1", 0, 0), ("L", 17, 17),
        ("CMYK", (0, 0, 0, 0), 255), ("CMYK", (0, 0, 0, 255), 0), ("CMYK", (0, 255, 255, 0), RED),
    ],
)  # fmt: skip
def test_modes_become_grey_by_the_stated_rule(
    tmp_path: Path, mode: str, colour: int | tuple[int, ...], expected: int
) -> None:
    image = PillowImage.new(mode, (9, 5), colour)
    assert (one(saved(tmp_path, image, "a.tif")).pixels == expected).all()
    if mode != "CMYK":
        assert (one(saved(tmp_path, image, "a.png")).pixels == expected).all()


def test_palettes_and_their_transparency(tmp_path: Path) -> None:
    image = PillowImage.new("P", (2, 1))
    image.putpalette([255, 0, 0, 80, 80, 80])
    image.putdata([0, 1])
    assert one(saved(tmp_path, image, "a.png")).pixels.tolist() == [[RED, 80]]
    assert one(saved(tmp_path, image, "b.png", {"transparency": 1})).pixels.tolist() == [[RED, 0]]


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_twelve_bits_in_sixteen_fill_the_scale(tmp_path: Path, name: str) -> None:
    image = one(saved(tmp_path, PillowImage.fromarray(TWELVE), name))
    assert np.array_equal(image.pixels, np.rint(TWELVE / 4095 * 255))
    assert image.ref.provenance["window"] == "full range of 12 bits (largest value 4000)"
    assert np.array_equal(read_raw(image.ref), TWELVE)


def test_one_burned_in_marker_does_not_turn_the_rest_black(tmp_path: Path) -> None:
    marked = np.tile(TWELVE, (20, 20))
    marked[0, 0] = 65535
    image = one(saved(tmp_path, PillowImage.fromarray(marked), "a.png"))
    assert image.ref.provenance["window"].startswith("percentiles 0.5 to 99.5")
    assert image.pixels.mean() == pytest.approx(127, abs=2)


def test_sixteen_bit_colour_keeps_its_low_bytes(tmp_path: Path) -> None:
    content = _png_of_16_bit_colour(TWELVE)
    path = tmp_path / "a.png"
    path.write_bytes(content)
    image = one(path)
    assert np.array_equal(image.pixels, np.rint(TWELVE / 4095 * 255))
    assert read_raw(image.ref).tolist() == np.repeat(TWELVE[..., None], 3, axis=2).tolist()


def test_sixteen_bit_colour_in_tiff(tmp_path: Path) -> None:
    blue_green_red = np.dstack([TWELVE, TWELVE, TWELVE])
    (tmp_path / "a.tif").write_bytes(cv2.imencode(".tif", blue_green_red)[1].tobytes())
    assert np.array_equal(one(tmp_path / "a.tif").pixels, np.rint(TWELVE / 4095 * 255))


def _png_of_16_bit_colour(grey: npt.NDArray[np.uint16]) -> bytes:
    rows = np.repeat(grey[..., None], 3, axis=2).astype(">u2")
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", grey.shape[1], grey.shape[0], 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def test_fractions_and_negative_numbers(tmp_path: Path) -> None:
    unit = (GREY / 255).astype(np.float32)
    assert np.array_equal(one(saved(tmp_path, PillowImage.fromarray(unit), "a.tif")).pixels, GREY)
    wild = (GREY.astype(np.float32) - 100) * 37
    wild[0, 0] = np.nan
    image = one(saved(tmp_path, PillowImage.fromarray(wild), "b.tif"))
    assert image.ref.provenance["window"].startswith("percentiles")
    assert image.pixels[0, 0] == 0
    assert image.pixels[-1, -1] == 255
    whole = GREY.astype(np.int32) - 100
    image = one(saved(tmp_path, PillowImage.fromarray(whole), "c.tif"))
    assert image.ref.provenance["window"].startswith("percentiles")
    assert np.array_equal(read_raw(image.ref), whole)


def test_white_is_zero_is_inverted_once(tmp_path: Path) -> None:
    path = saved(tmp_path, PillowImage.fromarray(TWELVE), "a.tif", {"tiffinfo": {262: 0}})
    image = one(path)
    assert image.ref.provenance["inversion"] == "WhiteIsZero"
    assert np.array_equal(image.pixels, 255 - np.rint(TWELVE / 4095 * 255))
    eight = one(saved(tmp_path, PillowImage.fromarray(GREY), "b.tif", {"tiffinfo": {262: 0}}))
    assert eight.ref.provenance["inversion"] == "none"


def exif(orientation: int) -> bytes:
    made = PillowImage.Exif()
    made[0x0112] = orientation
    return made.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "wide.png", "a.jpg", "a.webp", "a.tif", "wide.tif"])
def test_exif_turns_exactly_once(tmp_path: Path, name: str, orientation: int) -> None:
    upright = np.kron(np.arange(6).reshape(2, 3) * 40, np.ones((16, 16))).astype(np.uint8)
    undone = {6: 8, 8: 6}.get(orientation, orientation)
    stored: npt.NDArray[Any] = np.ascontiguousarray(turned(upright, undone))
    if name.startswith("wide"):
        stored = stored.astype(np.uint16) * 257
    options: dict[str, object] = {"lossless": True} if name.endswith("webp") else {}
    if name.endswith("jpg"):
        options["quality"] = 100
    if name.endswith("tif"):
        options["tiffinfo"] = {274: orientation}
    else:
        options["exif"] = exif(orientation)
    image = one(saved(tmp_path, PillowImage.fromarray(stored), name, options))
    assert image.pixels.shape == (32, 48)
    assert np.abs(image.pixels.astype(int) - upright).max() <= 1
    assert ("exif_turn" in image.ref.provenance) == (orientation != 1)
    assert read_raw(image.ref).shape[:2] == (32, 48)


def test_turns_are_those_of_the_exif_standard() -> None:
    # EXIF 2.3, 4.6.4 A: where row 0 and column 0 of the stored image belong
    stored = np.array([[1, 2], [3, 4], [5, 6]])
    assert turned(stored, 2).tolist() == [[2, 1], [4, 3], [6, 5]]
    assert turned(stored, 3).tolist() == [[6, 5], [4, 3], [2, 1]]
    assert turned(stored, 4).tolist() == [[5, 6], [3, 4], [1, 2]]
    assert turned(stored, 5).tolist() == [[1, 3, 5], [2, 4, 6]]
    assert turned(stored, 6).tolist() == [[5, 3, 1], [6, 4, 2]]
    assert turned(stored, 7).tolist() == [[6, 4, 2], [5, 3, 1]]
    assert turned(stored, 8).tolist() == [[2, 4, 6], [1, 3, 5]]


def test_damaged_exif_is_said_and_changes_nothing(tmp_path: Path) -> None:
    path = saved(tmp_path, PillowImage.fromarray(GREY), "a.jpg", {"exif": b"Exif\0\0neither order"})
    image = one(path)
    assert image.pixels.shape == GREY.shape
    assert any("EXIF" in line for line in image.warnings)


def test_a_resolution_is_never_a_spacing(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "a.tif", "a.bmp"):
        image = one(saved(tmp_path, PillowImage.fromarray(GREY), name, {"dpi": (254, 254)}))
        assert image.ref.spacing is None
        assert image.ref.unit == "px"
    stated = Spacing(0.1, 0.1, SpacingOrigin.STATED)
    assert one(tmp_path / "a.png", ReadOptions(spacing=stated)).ref.spacing == stated


def test_every_page_of_a_tiff_is_an_image(tmp_path: Path) -> None:
    pages = [PillowImage.fromarray(np.roll(GREY, 5 * i, axis=1)) for i in range(3)]
    path = saved(tmp_path, pages[0], "a.tif", {"save_all": True, "append_images": pages[1:]})
    images = list(read_images(path))
    assert [image.ref.name for image in images] == ["a.tif#0", "a.tif#1", "a.tif#2"]
    assert [image.ref.frame for image in images] == [0, 1, 2]
    for image, page in zip(images, pages, strict=True):
        assert np.array_equal(image.pixels, np.asarray(page))
        assert np.array_equal(read_raw(image.ref), np.asarray(page))


def test_a_reduced_copy_within_a_tiff_is_no_page(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with TiffImagePlugin.AppendingTiffWriter(str(path), new=True) as writer:
        PillowImage.fromarray(GREY).save(writer, "TIFF")
        writer.newFrame()
        PillowImage.fromarray(GREY[::2, ::2]).save(writer, "TIFF", tiffinfo={254: 1})
    assert one(path).ref.frame is None


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_of_an_animation_the_first_picture_with_a_warning(tmp_path: Path, name: str) -> None:
    frames = [PillowImage.fromarray(GREY), PillowImage.fromarray(255 - GREY)]
    options: dict[str, object] = {"lossless": True} if name.endswith("webp") else {}
    image = one(saved(tmp_path, frames[0], name, {"save_all": True, "append_images": frames[1:], **options}))
    assert np.array_equal(image.pixels, GREY)
    assert any("animation" in line for line in image.warnings)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.tif", "a.gif", "a.webp"])
def test_half_a_file_is_no_image(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 80), dtype=np.uint8)
    path = saved(tmp_path, PillowImage.fromarray(noise), name)
    content = path.read_bytes()
    for share in (0.3, 0.6, 0.9):
        path.write_bytes(content[: int(len(content) * share)])
        assert "damaged" in fault(path) or "not an image" in fault(path)


def test_a_wrong_checksum_that_others_accept_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, PillowImage.fromarray(GREY), "a.png", {"compress_level": 0})
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # a pixel by one bit
    path.write_bytes(content)
    assert "damaged" in fault(path)


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    head = struct.pack(">IIBBBBB", 32000, 32000, 8, 0, 0, 0, 0)
    path = tmp_path / "bomb.png"
    content = zlib.compress(bytes(1 << 20), 9)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", content) + _chunk(b"IEND", b"")
    )
    start = time.perf_counter()
    assert "32000 x 32000 pixels exceed the limit of 200 million" in fault(path)
    assert time.perf_counter() - start < 0.1
    path = saved(tmp_path, PillowImage.fromarray(GREY), "a.png")
    assert "30 x 20 pixels exceed" in fault(path, ReadOptions(max_pixels=599))
    assert one(path, ReadOptions(max_pixels=600)).pixels.shape == GREY.shape


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1)])
def test_tiny_images_are_read_and_called_flat(tmp_path: Path, shape: tuple[int, int]) -> None:
    image = one(saved(tmp_path, PillowImage.fromarray(np.full(shape, 9, dtype=np.uint8)), "a.png"))
    assert image.pixels.shape == shape
    assert any(line.startswith("no contrast") for line in image.warnings)
    assert image.ref.provenance["contrast"] == "none"


def test_replacing_pillows_door_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other libraries put functions of their own in its place, which may even start an installer."""

    def trapped(*_: object) -> PillowImage.Image:
        raise AssertionError("PIL.Image.open was called")

    good, bad = saved(tmp_path, PillowImage.fromarray(GREY), "a.png"), tmp_path / "b.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n" + b"junk" * 9)
    monkeypatch.setattr(PillowImage, "open", trapped)
    assert np.array_equal(one(good).pixels, GREY)
    assert "damaged" in fault(bad)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP"])
def test_damaged_files_give_an_image_or_one_line(tmp_path: Path, kind: str) -> None:
    stream = io.BytesIO()
    PillowImage.fromarray(np.tile(GREY, (3, 3))).save(stream, kind)
    chance, path, outcomes = random.Random(kind), tmp_path / "damaged.png", 0
    for _ in range(60):
        content = bytearray(stream.getvalue())
        for _ in range(chance.randrange(1, 6)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(content[: chance.randrange(len(content) // 2, len(content) + 1)])
        try:
            outcomes += len(list(read_images(path, ReadOptions(max_pixels=1_000_000))))
        except ReadError as error:
            outcomes += "\n" not in str(error)
    assert outcomes >= 60
