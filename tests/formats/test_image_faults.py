from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from spinekit.formats.image_faults import look_at

NOISE = np.random.default_rng(0).integers(0, 256, (60, 40), dtype=np.uint8)


def rules(path: Path, trained: bool = True) -> list[str]:
    return [finding.rule.name for finding in look_at(path, path.name, None, trained).findings]


def saved(path: Path, pixels: np.ndarray) -> Path:
    PillowImage.fromarray(pixels).save(path)
    return path


def test_a_sound_image_is_silent_and_gives_its_pixels(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", NOISE)
    looked = look_at(path, "a.png", None, True)
    assert looked.findings == ()
    np.testing.assert_array_equal(looked.pixels, NOISE)
    assert len(looked.sha256) == 64


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
def test_a_cut_file_is_damaged(tmp_path: Path, suffix: str) -> None:
    path = saved(tmp_path / f"a{suffix}", NOISE)
    path.write_bytes(path.read_bytes()[:-400])
    looked = look_at(path, "a", None, True)
    assert [finding.rule.name for finding in looked.findings] == ["image-damaged"]
    assert looked.pixels is None


def test_what_is_no_image_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("<html>")
    assert rules(tmp_path / "a.png") == ["image-damaged"]
    (tmp_path / "b.png").write_bytes(b"")
    assert rules(tmp_path / "b.png") == ["image-damaged"]


def test_constant_and_coarse_images(tmp_path: Path) -> None:
    assert rules(saved(tmp_path / "a.png", np.full_like(NOISE, 9))) == ["image-constant"]
    assert rules(saved(tmp_path / "b.png", NOISE // 16 * 16)) == ["image-few-greys"]
    assert rules(saved(tmp_path / "c.png", NOISE // 8 * 8)) == []


def test_twelve_bits_turn_black_and_sixteen_are_told(tmp_path: Path) -> None:
    deep = saved(tmp_path / "a.png", NOISE.astype(np.uint16) * 16)
    assert rules(deep) == ["image-turns-black"]
    assert rules(deep, trained=False) == []
    assert rules(saved(tmp_path / "b.png", NOISE.astype(np.uint16) * 257)) == ["image-wide"]
    assert rules(saved(tmp_path / "c.tif", NOISE.astype(np.float32))) == ["image-wide"]


def test_pages_suffix_size_and_an_unclean_end(tmp_path: Path) -> None:
    first = PillowImage.fromarray(NOISE)
    first.save(tmp_path / "a.tif", save_all=True, append_images=[first])
    assert rules(tmp_path / "a.tif") == ["image-pages"]
    first.save(tmp_path / "a.gif")
    assert rules(tmp_path / "a.gif") == ["image-suffix"]
    assert rules(saved(tmp_path / "b.png", NOISE[:9])) == ["image-small"]
    path = saved(tmp_path / "c.jpg", NOISE)
    path.write_bytes(path.read_bytes() + b"\0")
    assert rules(path) == ["image-jpeg-end"]


def test_a_turned_image_is_a_note(tmp_path: Path) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    PillowImage.fromarray(NOISE).save(tmp_path / "a.jpg", exif=exif)
    assert rules(tmp_path / "a.jpg") == ["image-turned"]
