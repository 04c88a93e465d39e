from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest

from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.dicom_film import CT_OFFSET, FILM_KINDS, write_film
from spinekit.formats.reading import read_images

SPACING = Spacing(0.2, 0.25, SpacingOrigin.DETECTOR)


def film(bits: int = 12) -> npt.NDArray[np.uint16]:
    """A ramp of (40, 33) over the whole range."""
    return np.linspace(0, (1 << bits) - 1, 40 * 33).round().astype(np.uint16).reshape(40, 33)


def written(folder: Path, kind: str, *, inverted: bool = False, compressed: bool = False) -> Path:
    path = folder / f"{kind}.dcm"
    membrane = kind == "membrane"
    write_film(
        film(8).astype(np.uint8) if membrane else film(),
        path,
        kind=kind,
        uid_seed="seven",
        bits=8 if membrane else 12,
        spacing=None if membrane else SPACING,
        window=(40.0, 400.0) if kind == "orbit" else None,
        inverted=inverted,
        compressed=compressed,
    )
    return path


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("kind", "inverted"),
    [*((kind, False) for kind in FILM_KINDS), ("spine-ap", True), ("skull-lateral", True)],
)
def test_dciodvfy_finds_nothing_wrong(tmp_path: Path, kind: str, inverted: bool, compressed: bool) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")
    path = written(tmp_path, kind, inverted=inverted, compressed=compressed)
    done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "Error" not in said
    assert "Warning" not in said


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kind", FILM_KINDS)
def test_stored_values_come_back(tmp_path: Path, kind: str, compressed: bool) -> None:
    stored = pydicom.dcmread(written(tmp_path, kind, compressed=compressed)).pixel_array
    assert np.array_equal(stored, film(8) if kind == "membrane" else film())


def test_an_inverted_film_looks_the_same(tmp_path: Path) -> None:
    (plain,) = read_images(written(tmp_path / "a", "spine-ap"))
    (turned,) = read_images(written(tmp_path / "b", "spine-ap", inverted=True))
    raw = pydicom.dcmread(turned.ref.path)
    assert raw.PhotometricInterpretation == "MONOCHROME1"
    assert np.array_equal(raw.pixel_array, 4095 - film())
    assert np.array_equal(plain.pixels, turned.pixels)
    assert np.abs(plain.pixels - film() / 4095 * 255).max() <= 0.51


def test_spacing_is_read_back_with_its_origin(tmp_path: Path) -> None:
    (spine,) = read_images(written(tmp_path, "spine-ap"))
    assert spine.ref.spacing == SPACING
    (slice_,) = read_images(written(tmp_path, "orbit"))
    assert slice_.ref.spacing == Spacing(0.2, 0.25, SpacingOrigin.TOMOGRAPHIC)
    (tile,) = read_images(written(tmp_path, "membrane"))
    assert tile.ref.spacing is None
    assert np.abs(tile.pixels.astype(int) - film(8)).max() <= 1


def test_a_slice_is_in_hounsfield_units(tmp_path: Path) -> None:
    (slice_,) = read_images(written(tmp_path, "orbit"))
    hounsfield = film().astype(float) - CT_OFFSET
    assert (slice_.pixels[hounsfield < -160] == 0).all()
    assert (slice_.pixels[hounsfield > 240] == 255).all()
    middle = slice_.pixels[np.abs(hounsfield - 40) < 3]
    assert np.abs(middle.astype(float) - 127.5).max() < 4


def test_nothing_depends_on_the_day_and_every_film_has_uids_of_its_own(tmp_path: Path) -> None:
    first, second = written(tmp_path / "a", "spine-ap"), written(tmp_path / "b", "spine-ap")
    assert first.read_bytes() == second.read_bytes()
    spine, skull = pydicom.dcmread(first), pydicom.dcmread(written(tmp_path, "skull-lateral"))
    write_film(film(), tmp_path / "other.dcm", kind="spine-ap", uid_seed="eight", bits=12)
    other = pydicom.dcmread(tmp_path / "other.dcm")
    assert spine.SOPInstanceUID != other.SOPInstanceUID
    assert spine.SOPInstanceUID.is_valid
    assert len({spine.StudyInstanceUID, spine.SeriesInstanceUID, spine.SOPInstanceUID}) == 3
    assert str(spine.PatientName) == "Phantom^Spine"
    assert str(skull.PatientName) == "Phantom^Skull"
    assert "no patient" in spine.SeriesDescription


def test_what_cannot_be_written_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    with pytest.raises(ValueError, match="there is no film kind 'knee'"):
        write_film(film(), path, kind="knee", uid_seed="x", bits=12)
    with pytest.raises(ValueError, match="up to 4095"):
        write_film(film(), path, kind="spine-ap", uid_seed="x", bits=10)
    with pytest.raises(ValueError, match="only radiographs"):
        write_film(film(), path, kind="orbit", uid_seed="x", bits=12, spacing=SPACING, inverted=True)
    with pytest.raises(ValueError, match="needs its pixel spacing"):
        write_film(film(), path, kind="orbit", uid_seed="x", bits=12)
    assert list(tmp_path.iterdir()) == []
