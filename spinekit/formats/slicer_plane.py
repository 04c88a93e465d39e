"""Where 3D Slicer sees the pixels of a film: millimetres in its world, and the way back to pixels.

A film is loaded as a volume of one slice. Of a picture the first pixel's centre is the origin, x runs along
the rows and y down the columns of LPS, one millimetre a pixel unless the file states a resolution (the
resolution tags of TIFF and the density of JPEG, as ITK reads them). Of a DICOM image position, directions
and spacing count as the file gives them: ``PixelSpacing`` of a CT, MR or PET slice, ``ImagerPixelSpacing``
of a radiograph where it has one. A spacing that the user states to spinekit is not in the file, so Slicer
does not know it, and it does not count here.

RAS is LPS with the signs of x and y turned.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage

from spinekit.core.errors import ReadError
from spinekit.core.image import FloatArray, ImageRef
from spinekit.formats.dicom_values import BadAttributeError, code, decimals

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_TOMOGRAPHIC = frozenset({"CT", "MR", "PT"})
_TAGS = (
    "Modality",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
)
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 282, 283, 296
_MM_PER_UNIT = {2: 25.4, 3: 10.0}  # TIFF's inches and centimetres
_JFIF_MM = {1: 25.4, 2: 10.0}  # JPEG's


@dataclass(frozen=True, slots=True, eq=False)
class FilmPlane:
    """The plane of a film in LPS millimetres.

    Attributes:
        origin: (3,) centre of the first pixel.
        across: (3,) step from one column to the next.
        down: (3,) step from one row to the next; at a right angle to ``across``.
    """

    origin: FloatArray
    across: FloatArray
    down: FloatArray

    def to_world(self, xy: FloatArray) -> FloatArray:
        """LPS positions (N, 3) in mm of (N, 2) px."""
        points: FloatArray = self.origin + xy[:, :1] * self.across + xy[:, 1:] * self.down
        return points

    def to_pixels(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Pixels (N, 2) of LPS positions (N, 3) in mm, and how far each lies off the plane, (N,) mm."""
        steps = np.stack([self.across, self.down])
        away = points - self.origin
        xy: FloatArray = away @ steps.T / (steps**2).sum(axis=1)
        off: FloatArray = np.linalg.norm(away - xy @ steps, axis=1)
        return xy, off


def film_plane(image: ImageRef) -> FilmPlane:
    """Where Slicer shows an image; by the spacing that is known of it where the file is not at hand."""
    try:
        with image.path.open("rb") as stream:
            dicom = stream.read(132)[128:] == b"DICM"
    except OSError:
        spacing = image.spacing
        return _flat((1.0, 1.0) if spacing is None else (spacing.row_mm, spacing.col_mm))
    plane = _dicom_plane(image) if dicom else None
    return plane or _flat(_picture_spacing(image))


def _flat(spacing: Sequence[float]) -> FilmPlane:
    """A plane at the origin; spacing of rows and columns in mm."""
    row_mm, col_mm = spacing
    return FilmPlane(np.zeros(3), np.array([col_mm, 0.0, 0.0]), np.array([0.0, row_mm, 0.0]))


def _picture_spacing(image: ImageRef) -> tuple[float, float]:
    """Rows and columns in mm of a picture, 1 where it does not say."""
    try:
        with warnings.catch_warnings(action="ignore"), PillowImage.open(image.path) as picture:
            if picture.format == "TIFF":
                tags = getattr(picture, "tag_v2", {})
                unit = _MM_PER_UNIT.get(tags.get(_RESOLUTION_UNIT, 2))
                found = tags.get(_Y_RESOLUTION), tags.get(_X_RESOLUTION)
            elif picture.format == "JPEG":
                unit = _JFIF_MM.get(picture.info.get("jfif_unit", 0))
                found = tuple(picture.info.get("jfif_density", (0, 0)))[::-1]
            else:
                return 1.0, 1.0
            if unit is None:
                return 1.0, 1.0
            row_mm, col_mm = (unit / float(value or 0) for value in found)
    except (
        OSError,
        SyntaxError,
        TypeError,
        ValueError,
        ZeroDivisionError,
        PillowImage.DecompressionBombError,
    ):
        return 1.0, 1.0
    sound = all(np.isfinite(value) and value > 0 for value in (row_mm, col_mm))
    return (row_mm, col_mm) if sound else (1.0, 1.0)


def _dicom_plane(image: ImageRef) -> FilmPlane | None:
    """The plane of a DICOM image; None where its header cannot be read."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    from spinekit.formats.dicom_header import check_inflated_size, quiet

    quiet()
    try:
        check_inflated_size(image.path)
        item = pydicom.dcmread(image.path, stop_before_pixels=True, specific_tags=list(_TAGS))
    except (
        ReadError,
        InvalidDicomError,
        OSError,
        ValueError,
        EOFError,
        LookupError,
        AttributeError,
        TypeError,
    ):
        return None
    spacing = _dicom_spacing(item)
    position, directions = (
        _numbers(item, name) for name in ("ImagePositionPatient", "ImageOrientationPatient")
    )
    plane = _flat(spacing)
    if len(position) != 3 or len(directions) != 6:
        return plane
    across, down = np.array(directions[:3]), np.array(directions[3:])
    if not np.allclose([across @ across, down @ down, across @ down], [1, 1, 0], atol=1e-3):
        return plane
    return FilmPlane(np.array(position), across * spacing[1], down * spacing[0])


def _dicom_spacing(item: Dataset) -> tuple[float, float]:
    """Rows and columns in mm as Slicer takes them from the header, 1 where it says nothing."""
    try:
        tomographic = code(item, "Modality") in _TOMOGRAPHIC
    except BadAttributeError:
        tomographic = False
    names = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
    for name in names if tomographic else (names[1], names[0], names[2]):
        values = _numbers(item, name)
        if len(values) == 2 and min(values) > 0:
            return values[0], values[1]
    return 1.0, 1.0


def _numbers(item: Dataset, name: str) -> list[float]:
    """The numbers of an attribute; none where it is missing or broken."""
    try:
        values = decimals(item, name) or []
    except BadAttributeError:
        return []
    return values if bool(np.all(np.isfinite(values))) else []
