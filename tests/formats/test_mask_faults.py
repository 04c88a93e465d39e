"""Bad masks and segmentations: one line that lists what is wrong, in no time and little memory."""

from __future__ import annotations

import contextlib
import random
import resource
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from PIL import Image as PillowImage
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from spinekit.core.errors import AnnotationError, SpinekitError
from spinekit.core.schema import Schema
from spinekit.formats import dicom_seg
from spinekit.formats import mask as masks
from spinekit.formats.dicom_seg_object import frame_values, open_pixels, read_object
from spinekit.formats.plugin import LabelOptions
from spinekit.schemas import load_schema
from tests.formats.annotation_samples import HEIGHT, SEG, SEM, WIDTH, save_image
from tests.formats.mask_samples import THINGS, blank, pair, ring_and_blob
from tests.formats.seg_objects import COLUMNS, ROWS, film, segment, stacked, write_seg

BODY = Schema("bodies", 1, "Bodies", "seg", "test", ("vertebra",))


def refused(folder: Path, schema: Schema, match: str) -> None:
    with pytest.raises(AnnotationError, match=match) as caught:
        list(masks.read(folder, schema))
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def smoothed(values: npt.NDArray[np.uint8], height: int = 90, width: int = 120) -> npt.NDArray[np.uint8]:
    """Values as they are after a resize that blends."""
    return np.asarray(PillowImage.fromarray(values).resize((width, height), PillowImage.Resampling.BICUBIC))


class TestValues:
    def test_values_without_meaning_are_listed(self, tmp_path: Path) -> None:
        values = ring_and_blob()
        values[0, 0] = 7
        refused(
            pair(tmp_path, values), THINGS, r"1 values without meaning \(7, 1 px\): known are 1, 2 -- save"
        )

    @pytest.mark.parametrize("schema", [THINGS, BODY, SEG, SEM, load_schema("vertebrae")])
    def test_smoothed_borders_are_told_as_such(self, tmp_path: Path, schema: Schema) -> None:
        values = smoothed((ring_and_blob() > 0).astype(np.uint8) * 255)
        assert len(np.unique(values)) > 10
        folder = pair(tmp_path, values)
        refused(folder, schema, r"values .*\d+, \d+, \d+, .*(smooth|without meaning)")
        (folder / "masks.yaml").write_text(f"values: {{255: {schema.classes[0]}}}")
        refused(folder, schema, r"values .*smooth")

    @pytest.mark.parametrize("schema", [THINGS, BODY, SEG, load_schema("vertebrae")])
    def test_an_image_in_place_of_a_mask(self, tmp_path: Path, schema: Schema) -> None:
        values = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
        refused(
            pair(tmp_path, values), schema, r"values \(.*, \.\.\.\) lie scattered .* is it the image itself\?"
        )

    def test_image_and_mask_exchanged(self, tmp_path: Path) -> None:
        noise = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
        for folder, values in (("masks", noise), ("images", ring_and_blob())):
            (tmp_path / folder).mkdir()
            PillowImage.fromarray(values).save(tmp_path / folder / "a.png")
        refused(
            tmp_path, THINGS, r"a\.png: looks like the image, and a\.png like its mask -- exchange the two"
        )
        (tmp_path / "masks.yaml").write_text("values: {1: ring, 2: blob}")
        refused(
            tmp_path, THINGS, r"a\.png: looks like the image, and a\.png like its mask -- exchange the two"
        )

    def test_sizes_must_agree(self, tmp_path: Path) -> None:
        folder = pair(tmp_path, blank())
        PillowImage.fromarray(np.ones((4, 5), np.uint8)).save(folder / "masks" / "a.png")
        refused(
            folder, THINGS, rf"is 5 x 4 px, its image a\.png {WIDTH} x {HEIGHT} -- export both at one size"
        )

    def test_fractions_negatives_and_transparency(self, tmp_path: Path) -> None:
        folder = pair(tmp_path, blank())
        (folder / "masks" / "a.png").unlink()
        for values, match in (
            (ring_and_blob().astype(np.float32) / 2, "holds fractions"),
            (-ring_and_blob().astype(np.int32), "holds negative numbers"),
        ):
            PillowImage.fromarray(values).save(folder / "masks" / "a.tif")
            refused(folder, THINGS, match)
        (folder / "masks" / "a.tif").unlink()
        half = np.dstack([ring_and_blob() * 100] * 3 + [np.full((HEIGHT, WIDTH), 128, np.uint8)])
        PillowImage.fromarray(half).save(folder / "masks" / "a.png")
        refused(folder, THINGS, "half transparent")

    def test_jpeg_masks(self, tmp_path: Path) -> None:
        folder = pair(tmp_path, ring_and_blob())
        (folder / "masks" / "a.png").unlink()
        PillowImage.fromarray(ring_and_blob()).save(folder / "masks" / "a.jpg")
        refused(folder, THINGS, "the masks are JPEG, which blurs values -- save them as PNG")


@contextlib.contextmanager
def in_no_time_and_little_memory() -> Iterator[None]:
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    yield
    assert time.process_time() - start < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10  # KiB


class TestSizes:
    @pytest.mark.parametrize("side", [14_500, 32_000])
    def test_a_mask_that_unfolds_to_gigabytes(self, tmp_path: Path, side: int) -> None:
        folder = pair(tmp_path, blank())
        (folder / "masks" / "a.png").write_bytes(png_of(side, side))
        with in_no_time_and_little_memory():
            refused(folder, THINGS, r"a\.png: (is too large|.* px exceed)")

    def test_a_tiff_of_endless_pages(self, tmp_path: Path) -> None:
        folder = pair(tmp_path, blank())
        (folder / "masks" / "a.png").unlink()
        page = PillowImage.new("1", (10_000, 10_000))
        page.save(folder / "masks" / "a.tif", save_all=True, append_images=[page] * 16, compression="group4")
        with in_no_time_and_little_memory():
            refused(folder, THINGS, r"a\.tif: 17 pages of 10000 x 10000 px are too many")

    @pytest.mark.parametrize(("rows", "columns", "frames"), [(60_000, 60_000, 1), (4000, 4000, 60_000)])
    def test_a_segmentation_that_claims_too_much(
        self, tmp_path: Path, rows: int, columns: int, frames: int
    ) -> None:
        path = simple(tmp_path)
        item = pydicom.dcmread(path)
        item.Rows, item.Columns, item.NumberOfFrames = rows, columns, frames
        item.save_as(path)
        with (
            in_no_time_and_little_memory(),
            pytest.raises(AnnotationError, match=r"seg\.dcm: .*(exceed the limit|cannot be)"),
        ):
            list(dicom_seg.read(path, SEG))

    def test_a_segmentation_whose_pixels_are_cut_off(self, tmp_path: Path) -> None:
        path = simple(tmp_path)
        item = pydicom.dcmread(path)
        item.PixelData = item.PixelData[:100]
        item.save_as(path)
        with pytest.raises(SpinekitError, match="the pixels are cut off"):
            list(dicom_seg.read(path, SEG))

    def test_a_deflated_segmentation_that_unfolds_to_gigabytes(self, tmp_path: Path) -> None:
        path = simple(tmp_path)
        item = pydicom.dcmread(path)
        item.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        item.save_as(path)
        meta = pydicom.filereader.read_file_meta_info(path)
        deflater = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
        body = b"".join(deflater.compress(bytes(1 << 24)) for _ in range(20)) + deflater.flush()
        path.write_bytes(path.read_bytes()[: 132 + 12 + meta.FileMetaInformationGroupLength] + body)
        with in_no_time_and_little_memory(), pytest.raises(SpinekitError, match="deflated content exceeds"):
            list(dicom_seg.read(path, SEG))

    def test_runs_that_can_never_fill_a_frame(self, tmp_path: Path) -> None:
        source = film(tmp_path / "film.dcm")
        chances = stacked(np.ones((ROWS, COLUMNS), dtype=np.float32))
        path = write_seg(tmp_path / "seg.dcm", [source], chances, [segment(1, "L1")], "FRACTIONAL")
        item = pydicom.dcmread(path)
        item.compress(RLELossless)
        item.Rows, item.Columns = 12_000, 12_000
        item.save_as(path)
        found = read_object(path)
        with (
            in_no_time_and_little_memory(),
            pytest.raises(SpinekitError, match="compressed bytes can never fill 12000 x 12000 pixels"),
        ):
            frame_values(found, open_pixels(found), 0)


def png_of(width: int, height: int) -> bytes:
    """A small file that holds a large image of nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    row = bytes(1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    content = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def simple(folder: Path) -> Path:
    """A film and a binary segmentation of it."""
    source = film(folder / "film.dcm")
    marks = np.zeros((ROWS, COLUMNS), dtype=np.uint8)
    marks[4:12, 5:20] = 1
    described = [segment(1, "L1"), segment(2, "L2")]
    return write_seg(folder / "seg.dcm", [source], stacked(marks, np.roll(marks, 12, axis=0)), described)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Bytes changed, cut out, doubled or cut off."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        at, length = chance.randrange(len(changed)), chance.choice([1, 2, 4, 16, 200])
        match chance.randrange(5):
            case 0:
                changed[at : at + length] = chance.randbytes(min(length, len(changed) - at))
            case 1 if len(changed) > 300:
                del changed[at : at + length]
            case 2:
                changed[at:at] = changed[at : at + length]
            case 3:
                changed[at : at + 2] = chance.choice([b"\xff\xff", b"\0\0", b"\x7f\xff"])
            case 4 if chance.random() < 0.2:
                del changed[max(at, 50) :]
            case _:
                changed[at] ^= 1 << chance.randrange(8)
    return bytes(changed)


def refused_in_a_line(step: Callable[[], object]) -> bool:
    """Whether a step refuses what it is given; anything but an error of spinekit's own goes on."""
    said = ""
    try:
        step()
    except SpinekitError as error:
        said = str(error)
    assert "\n" not in said
    return bool(said)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "palette.png", "masks.yaml", "labelmap.txt"])
def test_mutated_masks_give_scenes_or_one_line(tmp_path: Path, name: str) -> None:
    chance = random.Random(f"mask {name}")
    folder = pair(tmp_path, ring_and_blob())
    original = folder / "masks" / name
    if name == "a.tif":
        (folder / "masks" / "a.png").unlink()
        image = PillowImage.fromarray(ring_and_blob())
        image.save(original, save_all=True, append_images=[image], compression="tiff_lzw")
    elif name == "palette.png":
        (folder / "masks" / "a.png").unlink()
        save_image(folder / "images" / "palette.png")
        palette = PillowImage.fromarray(ring_and_blob(), "P")
        palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
        palette.save(original)
    elif name == "masks.yaml":
        original.write_text("kind: instances\nvalues: {0: '', 1: ring, 2: blob}\nstep: 10\nschema: things\n")
    elif name == "labelmap.txt":
        original.write_text(
            "# label:color_rgb:parts:actions\nbackground:0,0,0::\nring:1,1,1::\nblob:2,2,2::\n"
        )
    content = original.read_bytes()
    refusals = 0
    for _ in range(250):
        original.write_bytes(mutated(content, chance))
        refusals += refused_in_a_line(lambda: list(masks.read(folder, THINGS, LabelOptions())))
        masks.detect(folder)
    assert refusals > 20


def test_mutated_segmentations_give_scenes_or_one_line(tmp_path: Path) -> None:
    chance = random.Random("segmentation")
    path = simple(tmp_path)
    content = path.read_bytes()
    refusals = 0
    for _ in range(300):
        path.write_bytes(mutated(content, chance))
        refusals += refused_in_a_line(lambda: list(dicom_seg.read(path, SEG, LabelOptions(tmp_path))))
        refused_in_a_line(lambda: dicom_seg.vocabulary(path))
        dicom_seg.detect(tmp_path)
    assert refusals > 50
