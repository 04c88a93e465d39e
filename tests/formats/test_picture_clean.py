"""Pictures cleaned of what is written about them, pixels and turn as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import PngImagePlugin

from spinekit.core.errors import ReadError
from spinekit.formats.picture_clean import clean_picture, pages_of

MARK = b"Zqxj"
GREY = (np.arange(30 * 40, dtype=np.uint32) * 7 % 256).astype(np.uint8).reshape(30, 40)


def cleaned(path: Path, folder: Path) -> list[PillowImage.Image]:
    """All copies of a file's pages; none of them holds a mark."""
    copies = []
    for index, ref in enumerate(pages_of(path)):
        out = folder / f"clean-{index}.png"
        clean_picture(ref, out)
        assert MARK not in out.read_bytes()
        with PillowImage.open(out) as picture:
            picture.load()
            assert picture.info == {}
            copies.append(picture.copy())
    return copies


def test_a_png_loses_its_texts(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Patient", MARK.decode())
    info.add_itxt("XML:com.adobe.xmp", MARK.decode() * 3)
    info.add_text("packed", MARK.decode() * 50, zip=True)
    PillowImage.fromarray(GREY).save(tmp_path / "film.png", pnginfo=info, exif=b"Exif\0\0MM\0*" + MARK)
    with (tmp_path / "film.png").open("ab") as stream:
        stream.write(MARK)
    (copy,) = cleaned(tmp_path / "film.png", tmp_path)
    assert np.array_equal(np.asarray(copy), GREY)


def test_a_jpeg_is_turned_and_loses_exif_comment_and_thumbnail(tmp_path: Path) -> None:
    exif = PillowImage.Exif()
    exif[0x0112], exif[0x010E], exif[0x013B] = 6, MARK.decode(), MARK.decode()
    path = tmp_path / "film.jpg"
    PillowImage.fromarray(GREY).save(path, exif=exif, comment=MARK, quality=95)
    assert MARK in path.read_bytes()
    (copy,) = cleaned(path, tmp_path)
    with PillowImage.open(path) as was:
        assert np.array_equal(np.asarray(copy), np.rot90(np.asarray(was), -1))


def test_a_tiff_keeps_sixteen_bits_and_all_pages_and_loses_its_tags(tmp_path: Path) -> None:
    deep = GREY.astype(np.uint16) * 200
    pages = [PillowImage.fromarray(deep), PillowImage.fromarray(deep[::-1].copy())]
    pages[0].save(tmp_path / "film.tif", save_all=True, append_images=pages[1:], description=MARK.decode())
    copies = cleaned(tmp_path / "film.tif", tmp_path)
    assert [np.asarray(copy).max() for copy in copies] == [deep.max(), deep.max()]
    assert np.array_equal(np.asarray(copies[1]), deep[::-1])


def test_colour_stays_and_parts_can_be_blackened(tmp_path: Path) -> None:
    colour = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)
    PillowImage.fromarray(colour).save(tmp_path / "film.png")
    (ref,) = pages_of(tmp_path / "film.png")
    clean_picture(ref, tmp_path / "clean.png", blank=((0, 0, 10, 5), (38, 28, 100, 100)))
    with PillowImage.open(tmp_path / "clean.png") as picture:
        now = np.asarray(picture)
    assert not now[:5, :10].any()
    assert not now[28:, 38:].any()
    assert np.array_equal(now[5:28], colour[5:28])


def test_what_fits_no_png_is_refused_in_one_line(tmp_path: Path) -> None:
    PillowImage.fromarray(GREY.astype(np.float32)).save(tmp_path / "film.tif")
    (ref,) = pages_of(tmp_path / "film.tif")
    with pytest.raises(ReadError, match="fit no PNG -- export it with 8 or 16 bits"):
        clean_picture(ref, tmp_path / "clean.png")
    assert not (tmp_path / "clean.png").exists()
