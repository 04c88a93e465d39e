"""Files of many makers: pydicom's own, and the real ones where they are at hand."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest

from spinekit.core.errors import ReadError, SkipFile
from spinekit.formats.dicom_header import PIXEL_KEYWORDS, open_image
from spinekit.formats.dicom_pixels import _decoded, _decoder, _plugins
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import find_files, read_images, read_raw

BUNDLED = Path(pydicom.__file__).parent / "data"
UNREADABLE = {
    "JPEG-lossy.dcm",
    "JPEG2000-embedded-sequence-delimiter.dcm",
    "MR_truncated.dcm",
    "badVR.dcm",
    "meta_missing_tsyntax.dcm",
    "nested_priv_SQ.dcm",
}
REAL = Path(os.environ.get("SPINEKIT_DATA", "")) / "dicom"
needs_real = pytest.mark.skipif(
    not os.environ.get("SPINEKIT_DATA") or not REAL.is_dir(), reason="SPINEKIT_DATA names no real data"
)


def holds_pixels(path: Path) -> bool:
    try:
        item = pydicom.dcmread(path, force=True)
    except (ValueError, NotImplementedError, EOFError, OSError):
        return False
    return any(keyword in item for keyword in PIXEL_KEYWORDS)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_of_pydicoms_files_all_but_six_give_their_images() -> None:
    readable, unreadable = 0, set()
    for found in find_files([BUNDLED / "test_files", BUNDLED / "charset_files"]):
        if found.skip is not None or found.path.stem.startswith("DICOMDIR"):
            continue
        try:
            images = list(read_images(found.path, ReadOptions(root=found.root)))
        except SkipFile:
            assert not holds_pixels(found.path)
        except ReadError:
            if holds_pixels(found.path):
                unreadable.add(found.path.name)
        else:
            readable += 1
            assert read_raw(images[-1].ref).shape[:2] == images[-1].pixels.shape
    assert unreadable == UNREADABLE
    assert readable == 101


@pytest.mark.skipif(importlib.util.find_spec("data_store") is None, reason="pydicom-data is not installed")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_of_the_files_of_pydicom_data_all_but_one_give_their_images() -> None:
    """With those that pydicom carries: 168 of 175, and 7 that fail by name."""
    found = importlib.util.find_spec("data_store")
    assert found is not None
    (place,) = list(found.submodule_search_locations or [])
    readable, unreadable = 0, {}
    for path in sorted((Path(place) / "data").glob("*.dcm")):
        try:
            readable += bool(list(read_images(path)))
        except ReadError as error:
            unreadable[path.name] = error.reason
    assert readable == 67
    assert list(unreadable) == ["emri_small_jpeg_2k_lossless_too_short.dcm"]
    assert "PixelData (7FE0,0010) is missing" in unreadable.popitem()[1]


def rows() -> Iterator[dict[str, str]]:
    with (REAL / "index.tsv").open(encoding="utf-8", errors="replace") as stream:
        yield from csv.DictReader(stream, delimiter="\t")


@needs_real
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_real_files_have_the_pixels_and_headers_of_their_index() -> None:
    compared = 0
    for row in rows():
        try:
            header = open_image(REAL / row["file"])
        except ReadError:
            assert not row["pixel_md5"]
            continue
        written = (header.rows, header.columns, header.stored, header.photometric, header.syntax)
        keys = ("rows", "cols", "bits_stored", "photometric", "transfer_syntax")
        assert [str(value) for value in written] == [row[key] for key in keys]
        if not row["pixel_md5"] or "ybr_color" in row["file"]:  # lossy colour: decoders differ in rounding
            continue
        decoder = _decoder(header)
        frames = [_decoded(header, decoder, _plugins(header, decoder), i) for i in range(header.frames)]
        content = np.ascontiguousarray(np.stack(frames) if header.frames > 1 else frames[0]).tobytes()
        assert hashlib.md5(content).hexdigest()[:10] == row["pixel_md5"], row["file"]
        compared += 1
    assert compared == 58


@needs_real
def test_twins_in_lossless_syntaxes_look_the_same() -> None:
    for family in ("RG3_*", "XA1_*"):
        twins = {}
        for path in sorted((REAL / "radiograph").glob(f"wg04__{family}")):
            if path.name.endswith(("J2KR", "JLSL", "JPLL", "RLE")):
                (image,) = read_images(path)
                twins[path.name] = image
        assert len(twins) >= 3
        first, *others = twins.values()
        assert all(np.array_equal(first.pixels, other.pixels) for other in others)
        assert {image.ref.provenance["inversion"] for image in twins.values()} == {
            "MONOCHROME1" if family == "RG3_*" else "none"
        }


@needs_real
def test_bones_are_bright_in_a_real_monochrome1_film() -> None:
    (image,) = read_images(REAL / "radiograph" / "wg04__RG3_J2KR")
    # the shaft of the tibia against the air beside the leg, both within the collimated field
    assert image.pixels[400:700, 800:880].mean() > image.pixels[400:700, 500:600].mean() + 100


@needs_real
def test_every_real_raster_image_is_read() -> None:
    for folder, files in (("orbit", 69), ("mri_lumbar", 398), ("em_isbi2012", 50), ("spine_lateral", 10)):
        sizes = []
        for found in find_files([REAL.parent / folder]):
            if found.skip is None:
                (image,) = read_images(found.path, ReadOptions(root=found.root))
                assert image.ref.name == found.name
                assert image.ref.spacing is None
                sizes.append(image.pixels.shape)
        assert len(sizes) == files
