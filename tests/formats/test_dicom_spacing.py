from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from spinekit.core.geometry import calibrated, direction
from spinekit.core.image import Image
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.dicom_spacing import find_spacing
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import read_images

from .dicom_objects import plant, write

Attributes = dict[str, Any]

TABLE: list[tuple[str, Attributes, float | None, SpacingOrigin | None, str]] = [
    (
        "fiducial",
        {
            "PixelSpacing": [0.14, 0.14],
            "PixelSpacingCalibrationType": "FIDUCIAL",
            "ImagerPixelSpacing": [0.16, 0.16],
        },
        0.14,
        SpacingOrigin.FIDUCIAL,
        "mm (calibrated, fiducial)",
    ),
    (
        "geometry",
        {
            "PixelSpacing": [0.14, 0.14],
            "PixelSpacingCalibrationType": "GEOMETRY",
            "ImagerPixelSpacing": [0.16, 0.16],
        },
        0.14,
        SpacingOrigin.GEOMETRY,
        "mm (corrected for magnification)",
    ),
    (
        "both, different",
        {"PixelSpacing": [0.14, 0.14], "ImagerPixelSpacing": [0.16, 0.16]},
        0.14,
        SpacingOrigin.UNKNOWN,
        "mm (meaning unknown)",
    ),
    (
        "both, equal",
        {"PixelSpacing": [0.16, 0.16], "ImagerPixelSpacing": [0.16, 0.16]},
        0.16,
        SpacingOrigin.DETECTOR,
        "mm at detector plane (overestimates)",
    ),
    (
        "imager and factor",
        {"ImagerPixelSpacing": [0.18, 0.18], "EstimatedRadiographicMagnificationFactor": "1.125"},
        0.16,
        SpacingOrigin.ESTIMATED,
        "mm (estimated magnification)",
    ),
    (
        "imager and distances",
        {
            "ImagerPixelSpacing": [0.18, 0.18],
            "DistanceSourceToDetector": "1800",
            "DistanceSourceToPatient": "1600",
        },
        0.16,
        SpacingOrigin.ESTIMATED,
        "mm (estimated magnification)",
    ),
    (
        "imager only",
        {"ImagerPixelSpacing": [0.16, 0.16]},
        0.16,
        SpacingOrigin.DETECTOR,
        "mm at detector plane (overestimates)",
    ),
    (
        "pixel spacing only",
        {"PixelSpacing": [0.14, 0.14], "Modality": "CR"},
        0.14,
        SpacingOrigin.UNKNOWN,
        "mm (meaning unknown)",
    ),
    (
        "tomographic",
        {"PixelSpacing": [0.5, 0.5], "Modality": "CT"},
        0.5,
        SpacingOrigin.TOMOGRAPHIC,
        "mm (image plane, exact)",
    ),
    (
        "film",
        {"NominalScannedPixelSpacing": [0.1, 0.1]},
        0.1,
        SpacingOrigin.SCANNED,
        "mm (digitised film)",
    ),
    ("none", {}, None, None, ""),
    ("implausible", {"PixelSpacing": [0.001, 0.001]}, None, None, ""),
]


@pytest.mark.parametrize(
    ("attributes", "mm", "origin", "label"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_every_row_of_the_table(
    tmp_path: Path, attributes: Attributes, mm: float | None, origin: SpacingOrigin | None, label: str
) -> None:
    (image,) = read_images(write(tmp_path, attributes=attributes))
    spacing = image.ref.spacing
    if mm is None:
        assert spacing is None
        assert image.ref.unit == "px"
        assert any("lengths are in px" in line for line in image.warnings)
        return
    assert spacing is not None
    assert (spacing.row_mm, spacing.col_mm) == pytest.approx((mm, mm))
    assert spacing.origin is origin
    assert spacing.label == label
    # a ruler of 100 mm in the plane that the spacing speaks of
    assert round(100 / mm) * spacing.row_mm == pytest.approx(100.0, abs=0.5)


def test_user_overrides_and_the_file_stays_on_record(tmp_path: Path) -> None:
    path = write(tmp_path, attributes={"ImagerPixelSpacing": [0.16, 0.16]})
    stated = Spacing(0.2, 0.1, SpacingOrigin.STATED)
    (image,) = read_images(path, ReadOptions(spacing=stated))
    assert image.ref.spacing == stated
    assert image.ref.provenance["spacing"] == "stated by the user (in the file: ImagerPixelSpacing)"


def test_row_comes_before_column(tmp_path: Path) -> None:
    (image,) = read_images(write(tmp_path, attributes={"PixelSpacing": [0.3, 0.2], "Modality": "MR"}))
    assert image.ref.spacing == Spacing(0.3, 0.2, SpacingOrigin.TOMOGRAPHIC)


@pytest.mark.parametrize(
    "attributes",
    [{"PixelSpacing": [0.4, 0.2], "Modality": "CT"}, {"PixelAspectRatio": [2, 1]}],
    ids=["spacing 2:1", "aspect 2:1"],
)
def test_angle_is_right_where_pixels_are_not_square(tmp_path: Path, attributes: Attributes) -> None:
    (image,) = read_images(write(tmp_path, attributes=attributes))
    # half as many rows as columns are 45 degrees where a row is twice as high as a column is wide
    start, end = calibrated(np.array([[0.0, 0.0], [20.0, 10.0]]), image.ref)
    assert direction(start, end) == pytest.approx(45.0)


@pytest.mark.parametrize(
    "stored",
    [b"0,14\\0,14 ", b"abc\\1     ", b"0\\0       ", b"-1\\1      ", b"nan\\nan   ", b"0.14      ",
     b"0.1\\1\\1   ", b"0.000\\0.00", b"1e-3\\1e-3 ", b"inf\\inf   ", b"1_0\\1_0   ", b"0x1\\0x1   ",
     b"\\0.14     ", b"0.14\\     "],
)  # fmt: skip
def test_nonsense_is_not_used_and_the_tag_is_named(tmp_path: Path, stored: bytes) -> None:
    path = write(tmp_path, attributes={"PixelSpacing": ["0.1234", "0.12"], "Modality": "CT"})
    (image,) = read_images(plant(path, b"0.1234\\0.12 "[: len(stored) + 2], (stored + b"  ")))
    assert image.ref.spacing is None
    assert any("PixelSpacing (0028,0030)" in line for line in image.warnings)


@given(st.text(st.sampled_from("0123456789.,-+eE \\xnaif"), max_size=12))
def test_no_text_makes_an_implausible_spacing(text: str) -> None:
    item = Dataset()
    item.Modality = "CT"
    item.add_new("PixelSpacing", "LO", text.split("\\"))  # LO takes any text, as a file may
    finding = find_spacing(item)
    if finding.spacing is None:
        assert finding.warnings
        return
    row, column = (float(part) for part in text.split("\\"))
    assert (finding.spacing.row_mm, finding.spacing.col_mm) == (row, column)
    assert 0.01 <= min(row, column) <= max(row, column) <= 5


def _read(folder: Path, attributes: Attributes) -> Image:
    (image,) = read_images(write(folder, attributes=attributes))
    return image


def test_an_unusable_pixel_spacing_leaves_the_detectors(tmp_path: Path) -> None:
    image = _read(tmp_path, {"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.16, 0.16]})
    assert image.ref.spacing == Spacing(0.16, 0.16, SpacingOrigin.DETECTOR)
    assert any("PixelSpacing (0028,0030)" in line for line in image.warnings)


@pytest.mark.parametrize("factor", ["1", "1.0", "0"])
def test_a_placeholder_of_a_magnification_promises_nothing(tmp_path: Path, factor: str) -> None:
    image = _read(
        tmp_path,
        {"ImagerPixelSpacing": [0.16, 0.16], "EstimatedRadiographicMagnificationFactor": factor},
    )
    assert image.ref.spacing == Spacing(0.16, 0.16, SpacingOrigin.DETECTOR)
    assert image.warnings == ()


@pytest.mark.parametrize(
    "attributes",
    [
        {"EstimatedRadiographicMagnificationFactor": "0.8"},
        {"EstimatedRadiographicMagnificationFactor": "112.5"},
        {"DistanceSourceToDetector": "1600", "DistanceSourceToPatient": "1800"},
    ],
    ids=["below 1", "percent", "patient behind the detector"],
)
def test_an_impossible_magnification_is_reported(tmp_path: Path, attributes: Attributes) -> None:
    image = _read(tmp_path, {"ImagerPixelSpacing": [0.16, 0.16], **attributes})
    assert image.ref.spacing == Spacing(0.16, 0.16, SpacingOrigin.DETECTOR)
    assert any("not used" in line for line in image.warnings)


def test_a_localiser_of_ct_is_no_slice(tmp_path: Path) -> None:
    image = _read(
        tmp_path,
        {"Modality": "CT", "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "PixelSpacing": [0.5, 0.5]},
    )
    assert image.ref.spacing == Spacing(0.5, 0.5, SpacingOrigin.UNKNOWN)


@pytest.mark.parametrize("ratio", [["0", "1"], ["1", "50"], ["1"]])
def test_an_unusable_aspect_ratio_is_reported(tmp_path: Path, ratio: list[str]) -> None:
    image = _read(tmp_path, {"PixelAspectRatio": ratio})
    assert image.ref.aspect == 1.0
    assert any("PixelAspectRatio (0028,0034)" in line for line in image.warnings)


def test_enhanced_objects_keep_it_in_their_functional_groups(tmp_path: Path) -> None:
    measures, group = Dataset(), Dataset()
    measures.PixelSpacing = [0.7, 0.6]
    group.PixelMeasuresSequence = Sequence([measures])
    pixels = np.arange(2 * 8 * 8, dtype=np.uint16).reshape(2, 8, 8)
    path = write(tmp_path, pixels, {"Modality": "MR", "SharedFunctionalGroupsSequence": Sequence([group])})
    assert [image.ref.spacing for image in read_images(path)] == [
        Spacing(0.7, 0.6, SpacingOrigin.TOMOGRAPHIC)
    ] * 2
