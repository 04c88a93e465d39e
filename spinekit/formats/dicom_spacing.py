"""Where millimetres come from in DICOM: a claim with the name of its source, or none.

PS3.3 10.7: ``PixelSpacing`` of a projection radiograph lies in the plane of the patient only where it is
said to be calibrated; ``ImagerPixelSpacing`` lies in the plane of the detector, where everything appears
enlarged by the distance of the source to the detector over that of the source to the patient.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.dicom_values import BadAttributeError, code, codes, decimal, decimals, tag_text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

FINEST_MM, WIDEST_MM = 0.01, 5.0
LARGEST_MAGNIFICATION = 3.0
NARROWEST_ASPECT, WIDEST_ASPECT = 0.1, 10.0
TOMOGRAPHIC = frozenset({"CT", "MR", "PT"})
SAME = 1e-3  # two spacings this close, relatively, are one; devices round to four digits


@dataclass(frozen=True, slots=True)
class SpacingFinding:
    """What a file says about its pixels' size.

    Attributes:
        spacing: With its origin, or None.
        aspect: Row spacing over column spacing, for use where there is no spacing.
        source: How the spacing was made, for the record; ``none`` where there is none.
        warnings: One line each.
    """

    spacing: Spacing | None
    aspect: float
    source: str
    warnings: tuple[str, ...]


Pair = tuple[float, float]


def find_spacing(item: Dataset, measures: Dataset | None = None) -> SpacingFinding:
    """The spacing of an image by the table of origins, most trusted first.

    ===========================================================  ==========================================
    found                                                        origin
    ===========================================================  ==========================================
    CT, MR, PT: PixelSpacing (not a CT localiser)                tomographic
    PixelSpacing with calibration type FIDUCIAL, GEOMETRY        fiducial, geometry
    PixelSpacing and ImagerPixelSpacing, equal                   detector
    PixelSpacing and ImagerPixelSpacing, different               unknown, with a warning
    PixelSpacing alone                                           unknown
    ImagerPixelSpacing and a magnification above 1               estimated (divided by it)
    ImagerPixelSpacing alone                                     detector
    NominalScannedPixelSpacing                                   scanned
    ===========================================================  ==========================================

    A magnification is ``EstimatedRadiographicMagnificationFactor``, else ``DistanceSourceToDetector`` over
    ``DistanceSourceToPatient``. One of exactly 1 is a placeholder and changes nothing. Numbers outside
    0.01 to 5 mm, not two of them, or not numbers are reported and not used.

    Args:
        item: The object.
        measures: The frame's item of ``PixelMeasuresSequence`` in an enhanced object, or None.
    """
    warnings: list[str] = []
    holder = measures if measures is not None and "PixelSpacing" in measures else item
    pixel = _pair(holder, "PixelSpacing", warnings)
    imager = _pair(item, "ImagerPixelSpacing", warnings)
    scanned = _pair(item, "NominalScannedPixelSpacing", warnings)
    if pixel is not None:
        spacing, source = _from_pixel_spacing(item, pixel, imager, warnings)
    elif imager is not None:
        spacing, source = _from_imager_spacing(item, imager, warnings)
    elif scanned is not None:
        spacing, source = Spacing(*scanned, SpacingOrigin.SCANNED), "NominalScannedPixelSpacing"
    else:
        spacing, source = None, "none"
    aspect = _aspect(item, warnings)
    if spacing is None:
        warnings.append("no usable pixel spacing: lengths are in px")
    return SpacingFinding(spacing, aspect, source, tuple(warnings))


def _from_pixel_spacing(
    item: Dataset, pixel: Pair, imager: Pair | None, warnings: list[str]
) -> tuple[Spacing, str]:
    """By ``PixelSpacing``, whose meaning hangs on modality, calibration type and ``ImagerPixelSpacing``."""
    calibration = code(item, "PixelSpacingCalibrationType")
    localiser = code(item, "Modality") == "CT" and "LOCALIZER" in codes(item, "ImageType")
    if code(item, "Modality") in TOMOGRAPHIC and not localiser:
        origin, source = SpacingOrigin.TOMOGRAPHIC, "PixelSpacing"
    elif calibration == "FIDUCIAL":
        origin, source = SpacingOrigin.FIDUCIAL, "PixelSpacing, calibration FIDUCIAL"
    elif calibration == "GEOMETRY":
        origin, source = SpacingOrigin.GEOMETRY, "PixelSpacing, calibration GEOMETRY"
    elif imager is None:
        origin, source = SpacingOrigin.UNKNOWN, "PixelSpacing, of unstated meaning"
    elif _same(pixel, imager):
        origin, source = SpacingOrigin.DETECTOR, "PixelSpacing, equal to ImagerPixelSpacing"
    else:
        origin, source = SpacingOrigin.UNKNOWN, "PixelSpacing, unlike ImagerPixelSpacing"
        warnings.append(
            f"PixelSpacing {tag_text('PixelSpacing')} differs from ImagerPixelSpacing "
            f"{tag_text('ImagerPixelSpacing')} and no calibration type says why"
        )
    return Spacing(*pixel, origin), source


def _from_imager_spacing(item: Dataset, imager: Pair, warnings: list[str]) -> tuple[Spacing, str]:
    """By ``ImagerPixelSpacing``, divided by the magnification where one is known."""
    for magnification, source in (
        (_factor(item, warnings), "EstimatedRadiographicMagnificationFactor"),
        (_distances(item, warnings), "DistanceSourceToDetector / DistanceSourceToPatient"),
    ):
        if magnification is not None:
            spacing = Spacing(imager[0] / magnification, imager[1] / magnification, SpacingOrigin.ESTIMATED)
            return spacing, f"ImagerPixelSpacing / {magnification:.4g} ({source})"
    return Spacing(*imager, SpacingOrigin.DETECTOR), "ImagerPixelSpacing"


def _pair(item: Dataset, keyword: str, warnings: list[str]) -> Pair | None:
    """Row and column spacing in mm, or None with a warning that names the attribute."""
    try:
        numbers = decimals(item, keyword)
    except BadAttributeError as error:
        warnings.append(f"{error}: not used")
        return None
    if numbers is None:
        return None
    named = f"{keyword} {tag_text(keyword)}"
    if len(numbers) != 2:
        warnings.append(f"{named} holds {len(numbers)} values instead of 2: not used")
        return None
    row, column = numbers
    if not all(FINEST_MM <= number <= WIDEST_MM for number in numbers):
        warnings.append(
            f"{named} is {row:g} x {column:g} mm, outside {FINEST_MM:g} to {WIDEST_MM:g}: not used"
        )
        return None
    return row, column


def _same(first: Pair, second: Pair) -> bool:
    return all(math.isclose(a, b, rel_tol=SAME) for a, b in zip(first, second, strict=True))


def _positive(item: Dataset, keyword: str, warnings: list[str]) -> float | None:
    """A number above 0, or None; 0 stands for "not known" in many files and needs no warning."""
    try:
        number = decimal(item, keyword)
    except BadAttributeError as error:
        warnings.append(f"{error}: not used")
        return None
    return number if number is not None and number > 0 else None


def _factor(item: Dataset, warnings: list[str]) -> float | None:
    keyword = "EstimatedRadiographicMagnificationFactor"
    factor = _positive(item, keyword, warnings)
    if factor is None or factor == 1:
        return None
    if 1 < factor <= LARGEST_MAGNIFICATION:
        return factor
    warnings.append(f"{keyword} {tag_text(keyword)} is {factor:g}, outside 1 to 3: not used")
    return None


def _distances(item: Dataset, warnings: list[str]) -> float | None:
    detector = _positive(item, "DistanceSourceToDetector", warnings)
    patient = _positive(item, "DistanceSourceToPatient", warnings)
    if detector is None or patient is None or detector == patient:
        return None
    if 1 < detector / patient <= LARGEST_MAGNIFICATION:
        return detector / patient
    warnings.append(
        f"DistanceSourceToDetector {tag_text('DistanceSourceToDetector')} ({detector:g} mm) does not fit "
        f"DistanceSourceToPatient {tag_text('DistanceSourceToPatient')} ({patient:g} mm): not used"
    )
    return None


def _aspect(item: Dataset, warnings: list[str]) -> float:
    """Height over width of a pixel by ``PixelAspectRatio`` (vertical, horizontal); 1 where none is usable."""
    keyword = "PixelAspectRatio"
    try:
        numbers = decimals(item, keyword)
    except BadAttributeError:
        numbers = [0.0]
    if numbers is None:
        return 1.0
    usable = len(numbers) == 2 and min(numbers) > 0
    if not usable or not NARROWEST_ASPECT <= numbers[0] / numbers[1] <= WIDEST_ASPECT:
        warnings.append(f"{keyword} {tag_text(keyword)} is not usable: pixels are taken as square")
        return 1.0
    return numbers[0] / numbers[1]
