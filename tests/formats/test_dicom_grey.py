from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PillowImage
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from spinekit.core.image import Image
from spinekit.formats.dicom_window import window
from spinekit.formats.reading import read_images, read_raw

from .dicom_objects import RAMP, dataset, save, write

Attributes = dict[str, Any]
TWELVE_BITS = np.linspace(0, 4095, 64 * 48).astype(np.uint16).reshape(64, 48)
WHOLE = {"WindowCenter": "2048", "WindowWidth": "4096"}


def read_one(
    folder: Path, pixels: npt.NDArray[Any] = TWELVE_BITS, attributes: Attributes | None = None
) -> Image:
    (image,) = read_images(write(folder, pixels, attributes))
    return image


def table(first: int, entries: list[int], bits: int) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.add_new("LUTData", "US", entries)
    return item


def test_the_whole_window_is_a_division(tmp_path: Path) -> None:
    image = read_one(tmp_path, attributes=WHOLE)
    assert np.array_equal(image.pixels, np.rint(TWELVE_BITS / 4095 * 255))
    assert image.ref.provenance["window"] == "LINEAR centre 2048 width 4096"
    assert image.ref.provenance["inversion"] == "none"


@pytest.mark.parametrize(
    ("photometric", "shape", "reason"),
    [
        ("MONOCHROME1", None, "MONOCHROME1"),
        ("MONOCHROME1", "INVERSE", "MONOCHROME1"),
        ("MONOCHROME1", "IDENTITY", "MONOCHROME1"),
        ("MONOCHROME2", "INVERSE", "PresentationLUTShape INVERSE"),
    ],
)
def test_inverted_once_against_the_output_range(
    tmp_path: Path, photometric: str, shape: str | None, reason: str
) -> None:
    dim = np.minimum(TWELVE_BITS, 1000)  # its own maximum is far from the range's: the trap
    attributes: Attributes = {"PhotometricInterpretation": photometric, **WHOLE}
    if shape is not None:
        attributes["PresentationLUTShape"] = shape
    image = read_one(tmp_path, dim, attributes)
    assert np.array_equal(image.pixels, 255 - np.rint(dim / 4095 * 255))
    assert image.ref.provenance["inversion"] == reason


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        # PS3.3 C.11.2.1.2.1: 0 up to c - 0.5 - (w - 1) / 2, the middle at c - 0.5
        ("LINEAR", 1949.0, 0), ("LINEAR", 1950.0, 0), ("LINEAR", 1999.5, 128), ("LINEAR", 2049.0, 255),
        ("LINEAR_EXACT", 1950.0, 0), ("LINEAR_EXACT", 2000.0, 128), ("LINEAR_EXACT", 2050.0, 255),
        ("SIGMOID", 2000.0, 128), ("SIGMOID", 2100.0, 250), ("SIGMOID", 1900.0, 5), ("SIGMOID", 1e6, 255),
    ],
)  # fmt: skip
def test_window_functions_by_the_standards_formulas(function: str, value: float, expected: int) -> None:
    # sigmoid at one width from the centre: 255 / (1 + e^-4) = 250.4
    assert window(np.array([[value]]), 2000, 100, function)[0, 0] == expected


def test_a_window_of_width_one_is_a_threshold() -> None:
    assert window(np.array([9.0, 9.4, 9.6, 10.0]), 10, 1).tolist() == [0, 0, 255, 255]


def test_rescale_comes_before_the_window(tmp_path: Path) -> None:
    attributes = {
        "RescaleSlope": "2",
        "RescaleIntercept": "-1024",
        "WindowCenter": "40",
        "WindowWidth": "400",
    }
    image = read_one(tmp_path, attributes=attributes)
    assert np.array_equal(image.pixels, window(TWELVE_BITS * 2.0 - 1024, 40, 400))
    assert np.array_equal(read_raw(image.ref), TWELVE_BITS * 2.0 - 1024)


def test_a_modality_lut_comes_first_and_its_ends_go_on(tmp_path: Path) -> None:
    pixels = np.array([[0, 9, 10, 11], [12, 13, 14, 4000]], dtype=np.uint16)
    attributes = {"ModalityLUTSequence": Sequence([table(10, [100, 300, 200], 12)])}
    image = read_one(tmp_path, pixels, attributes)
    assert read_raw(image.ref).tolist() == [[100, 100, 100, 300], [200, 200, 200, 200]]


def test_a_voi_lut_is_preferred_to_a_window(tmp_path: Path) -> None:
    pixels = np.array([[0, 1, 2, 3]], dtype=np.uint16)
    attributes = {"VOILUTSequence": Sequence([table(1, [0, 4095, 2047], 12)]), **WHOLE}
    image = read_one(tmp_path, pixels, attributes)
    assert image.pixels.tolist() == [[0, 0, 255, 127]]
    assert image.ref.provenance["window"] == "VOI LUT of 3 entries, 12 bits"


def test_a_voi_lut_declared_too_deep_is_not_dark(tmp_path: Path) -> None:
    pixels = np.array([[0, 1, 2]], dtype=np.uint16)
    image = read_one(tmp_path, pixels, {"VOILUTSequence": Sequence([table(0, [0, 2048, 4095], 16)])})
    assert image.pixels.tolist() == [[0, 128, 255]]
    assert any("16 bits and takes 12" in line for line in image.warnings)


def test_a_broken_lut_gives_way_to_the_window(tmp_path: Path) -> None:
    broken = Dataset()
    broken.add_new("LUTDescriptor", "US", [300, 0, 12])
    broken.add_new("LUTData", "US", [1, 2, 3])
    image = read_one(tmp_path, attributes={"VOILUTSequence": Sequence([broken]), **WHOLE})
    assert image.ref.provenance["window"] == "LINEAR centre 2048 width 4096"
    assert any("LUTData (0028,3006)" in line for line in image.warnings)


@pytest.mark.parametrize(
    ("attributes", "warning"),
    [
        ({}, None),
        ({"WindowCenter": "2048"}, "WindowWidth (0028,1051) is missing"),
        ({"WindowCenter": "2048", "WindowWidth": "0"}, "WindowWidth (0028,1051) is 0"),
        ({"WindowCenter": "-30000", "WindowWidth": "10"}, "shows nothing"),
    ],
    ids=["no window", "no width", "width 0", "beside the image"],
)
def test_percentiles_where_no_window_can_be_used(
    tmp_path: Path, attributes: Attributes, warning: str | None
) -> None:
    image = read_one(tmp_path, attributes=attributes)
    low, high = np.percentile(TWELVE_BITS, (0.5, 99.5), method="inverted_cdf")
    expected = np.clip(np.rint((TWELVE_BITS - float(low)) * 255 / (float(high) - low)), 0, 255)
    assert np.array_equal(image.pixels, expected)
    assert image.ref.provenance["window"] == f"percentiles 0.5 to 99.5: {low:g} to {high:g}"
    assert warning is None or any(warning in line for line in image.warnings)


def test_of_several_windows_the_first_is_used_and_this_is_said(tmp_path: Path) -> None:
    image = read_one(tmp_path, attributes={"WindowCenter": ["2048", "40"], "WindowWidth": ["4096", "400"]})
    assert image.ref.provenance["window"] == "LINEAR centre 2048 width 4096"
    assert any("2 windows are offered" in line for line in image.warnings)


def test_signed_values_and_their_padding(tmp_path: Path) -> None:
    pixels = np.linspace(-1000, 1000, 400).astype(np.int16).reshape(20, 20)
    pixels[:2] = -2000
    image = read_one(tmp_path, pixels, {"PixelPaddingValue": -2000, "BitsStored": 16, "HighBit": 15})
    body = pixels[2:]
    low, high = np.percentile(body, (0.5, 99.5), method="inverted_cdf")
    assert image.ref.provenance["window"] == f"percentiles 0.5 to 99.5: {low:g} to {high:g}"
    assert image.ref.provenance["padding"] == "10 % of the pixels, shown black"
    assert not image.pixels[:2].any()


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_after_the_inversion(tmp_path: Path, photometric: str) -> None:
    pixels = np.maximum(TWELVE_BITS, 100)
    pixels[:, :8] = 0
    pixels[:, 8:10] = 5
    attributes = {
        "PixelPaddingValue": 0,
        "PixelPaddingRangeLimit": 9,
        "PhotometricInterpretation": photometric,
    }
    image = read_one(tmp_path, pixels, attributes)
    assert not image.pixels[:, :10].any()
    assert image.pixels[:, 10:].max() == 255
    assert image.ref.provenance["padding"].startswith("21 %")


def test_junk_above_the_stored_bits_is_cut_off(tmp_path: Path) -> None:
    junk = (TWELVE_BITS | 0xA000).astype(np.uint16)
    assert np.array_equal(
        read_one(tmp_path, junk, WHOLE).pixels, read_one(tmp_path, TWELVE_BITS, WHOLE).pixels
    )


def test_values_that_start_at_a_high_bit_are_brought_down(tmp_path: Path) -> None:
    image = read_one(tmp_path, (TWELVE_BITS << 4) | 7, {"HighBit": 15, **WHOLE})
    assert np.array_equal(read_raw(image.ref), TWELVE_BITS)


@pytest.mark.parametrize(
    "attributes",
    [
        {"ShutterShape": "RECTANGULAR", "ShutterLeftVerticalEdge": 8, "ShutterRightVerticalEdge": 49,
         "ShutterUpperHorizontalEdge": 0, "ShutterLowerHorizontalEdge": 65},
        {"CollimatorShape": "POLYGONAL", "VerticesOfThePolygonalCollimator": [1, 9, 1, 48, 64, 48, 64, 9]},
        {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [32, 28], "RadiusOfCircularShutter": 19},
    ],
    ids=["rectangle", "polygon", "circle"],
)  # fmt: skip
def test_pixels_under_a_shutter_do_not_count(tmp_path: Path, attributes: Attributes) -> None:
    pixels = np.full((64, 48), 1000, dtype=np.uint16)
    pixels[:, 20:] = 1200
    pixels[:, :8] = 4000  # direct beam beside the collimator
    image = read_one(tmp_path, pixels, attributes)
    assert image.ref.provenance["window"] == "percentiles 0.5 to 99.5: 1000 to 1200"
    assert "aperture" in image.ref.provenance


@pytest.mark.parametrize(
    "attributes", [WHOLE, {}, {"PixelPaddingValue": 7}], ids=["window", "none", "all padding"]
)
def test_a_constant_image_is_called_so(tmp_path: Path, attributes: Attributes) -> None:
    image = read_one(tmp_path, np.full((8, 8), 7, dtype=np.uint16), attributes)
    assert any(line.startswith("no contrast") for line in image.warnings)
    assert image.ref.provenance["contrast"] == "none"


def test_each_frame_is_an_image_with_its_own_window(tmp_path: Path) -> None:
    pixels = np.stack([TWELVE_BITS, TWELVE_BITS[::-1]])
    groups = []
    for centre in ("1000", "3000"):
        item, group = Dataset(), Dataset()
        item.WindowCenter, item.WindowWidth = centre, "500"
        group.FrameVOILUTSequence = Sequence([item])
        groups.append(group)
    path = write(tmp_path, pixels, {"PerFrameFunctionalGroupsSequence": Sequence(groups)})
    first, second = read_images(path)
    assert (first.ref.frame, second.ref.frame) == (0, 1)
    assert (first.ref.name, second.ref.name) == ("image.dcm#0", "image.dcm#1")
    assert np.array_equal(first.pixels, window(pixels[0], 1000, 500))
    assert np.array_equal(second.pixels, window(pixels[1], 3000, 500))
    assert np.array_equal(read_raw(second.ref), pixels[1])


def test_colour_becomes_luma(tmp_path: Path) -> None:
    rgb = np.zeros((4, 6, 3), dtype=np.uint8)
    rgb[0], rgb[1], rgb[2], rgb[3] = (255, 0, 0), (0, 255, 0), (0, 0, 255), (90, 90, 90)
    item = dataset(rgb[..., 0])
    item.SamplesPerPixel, item.PlanarConfiguration = 3, 0
    item.BitsStored, item.HighBit, item.PhotometricInterpretation = 8, 7, "RGB"
    item.PixelData = rgb.tobytes()
    (image,) = read_images(save(tmp_path, item))
    assert image.pixels[:, 0].tolist() == [76, 150, 29, 90]
    assert image.ref.provenance["colour"] == "RGB to BT.601 luma"
    assert np.array_equal(read_raw(image.ref), rgb)


def test_wide_colour_keeps_its_contrast(tmp_path: Path) -> None:
    ramp = TWELVE_BITS[..., None].repeat(3, axis=2)
    item = dataset(ramp[..., 0])
    item.SamplesPerPixel, item.PlanarConfiguration, item.PhotometricInterpretation = 3, 0, "RGB"
    item.PixelData = ramp.tobytes()
    (image,) = read_images(save(tmp_path, item))
    assert np.array_equal(image.pixels, np.rint(TWELVE_BITS / 4095 * 255))


@pytest.mark.parametrize(
    "name", ["examples_palette.dcm", "SC_ybr_full_422_uncompressed.dcm", "examples_ybr_color.dcm"]
)
def test_palette_and_ybr_are_as_bright_as_their_colours(name: str) -> None:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    image = next(read_images(Path(path)))
    colour = read_raw(image.ref).astype(np.float64)
    luma = colour @ [0.299, 0.587, 0.114] * (255 / (65535 if colour.max() > 255 else 255))
    assert np.abs(image.pixels - luma).max() < 1.0


def test_float_pixels_are_windowed_by_percentiles(tmp_path: Path) -> None:
    item = dataset(RAMP)
    values = np.linspace(-1, 1, RAMP.size, dtype=np.float32).reshape(RAMP.shape)
    item.BitsAllocated = 32
    del item.PixelData, item.BitsStored, item.HighBit, item.PixelRepresentation
    item.FloatPixelData = values.tobytes()
    (image,) = read_images(save(tmp_path, item))
    assert np.array_equal(read_raw(image.ref), values)
    assert image.pixels.min() == 0
    assert image.pixels.max() == 255


def shown_by_dcmtk(path: Path, options: list[str]) -> npt.NDArray[Any]:
    command = ["dcm2pnm", "-q", *options, str(path)]
    shown = subprocess.run(command, capture_output=True, check=True).stdout
    return np.asarray(PillowImage.open(io.BytesIO(shown))).astype(int)


@pytest.mark.skipif(shutil.which("dcm2pnm") is None, reason="dcmtk's dcm2pnm is not installed")
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("function", ["LINEAR", "SIGMOID", "VOI LUT"])
def test_another_renderer_sees_the_same(tmp_path: Path, photometric: str, function: str) -> None:
    attributes: Attributes = {
        "PhotometricInterpretation": photometric,
        "RescaleSlope": "1.5",
        "RescaleIntercept": "-300",
        "WindowCenter": "2200",
        "WindowWidth": "3100",
    }
    if function == "VOI LUT":
        curve = (np.linspace(0, 1, 4096) ** 1.5 * 4095).astype(int).tolist()
        attributes["VOILUTSequence"] = Sequence([table(0, curve, 12)])
        del attributes["RescaleSlope"], attributes["RescaleIntercept"]
    else:
        attributes["VOILUTFunction"] = function
    path = write(tmp_path, TWELVE_BITS, attributes)
    use = {"VOI LUT": ["+Wl", "1"], "LINEAR": ["+Wi", "1", "+Wfl"], "SIGMOID": ["+Wi", "1", "+Wfs"]}[function]
    (image,) = read_images(path)
    assert np.abs(image.pixels.astype(int) - shown_by_dcmtk(path, use)).max() <= 1


@pytest.mark.skipif(shutil.which("dcm2pnm") is None, reason="dcmtk's dcm2pnm is not installed")
@pytest.mark.parametrize("name", ["MR_small.dcm", "dicomdirtests/77654033/CR1/6154"])
def test_another_renderer_sees_the_same_in_real_files(name: str) -> None:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    (image,) = read_images(Path(path))
    assert np.abs(image.pixels.astype(int) - shown_by_dcmtk(Path(path), ["+Wi", "1"])).max() <= 1
