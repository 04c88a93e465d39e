"""Writes a synthetic film as a valid DICOM object: DX, CT or secondary capture.

The patient is fictional and says so; all identifiers follow from one seed text, so that writing twice gives
the same object. Attributes follow PS3.3 (A.26 DX, A.3 CT, A.8.1 SC); checked with dciodvfy.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spinekit.core.spacing import Spacing
from spinekit.files import atomic_path

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

CT_OFFSET = 1024
"""Stored value of 0 HU."""

_DX = "1.2.840.10008.5.1.4.1.1.1.1"
_CT = "1.2.840.10008.5.1.4.1.1.2"
_SC = "1.2.840.10008.5.1.4.1.1.7"
_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_JPEG2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
_IMPLEMENTATION = "2.25.302610327163117562286171398219410436613"
_DATE, _TIME = "20200101", "120000"  # fixed: nothing in a film depends on the day it was written


@dataclass(frozen=True, slots=True)
class FilmKind:
    """What stands in the header of a kind of film.

    Attributes:
        patient: Name of the fictional patient.
        sop_class: UID of the storage class.
        modality: Defined term.
        body_part: Defined term of BodyPartExamined, or empty.
        region: SNOMED CT code and meaning of the anatomic region, or None.
        view: ViewPosition and SNOMED CT code and meaning of the projection, or None.
        orientation: PatientOrientation of rows and columns, or None.
    """

    patient: str
    sop_class: str
    modality: str
    body_part: str = ""
    region: tuple[str, str] | None = None
    view: tuple[str, str, str] | None = None
    orientation: tuple[str, str] | None = None


FILM_KINDS: dict[str, FilmKind] = {
    "spine-ap": FilmKind(
        "Phantom^Spine", _DX, "DX", "SPINE", ("421060004", "Spine"),
        ("AP", "399348003", "antero-posterior"), ("L", "F"),
    ),
    "spine-lateral": FilmKind(
        "Phantom^Column", _DX, "DX", "SPINE", ("421060004", "Spine"),
        ("LL", "399173006", "left lateral"), ("A", "F"),
    ),
    "skull-lateral": FilmKind(
        "Phantom^Skull", _DX, "DX", "SKULL", ("89546000", "Skull"),
        ("LL", "399173006", "left lateral"), ("A", "F"),
    ),
    "orbit": FilmKind("Phantom^Orbit", _CT, "CT", "HEAD", ("69536005", "Head"), None, ("L", "P")),
    "membrane": FilmKind("Phantom^Membrane", _SC, "OT", "BRAIN"),
}  # fmt: skip


def write_film(
    pixels: Pixels,
    path: Path,
    *,
    kind: str,
    uid_seed: str,
    bits: int,
    spacing: Spacing | None = None,
    window: tuple[float, float] | None = None,
    inverted: bool = False,
    compressed: bool = False,
) -> None:
    """Writes one synthetic film.

    Args:
        pixels: (H, W) grey values, bright where much absorbs; CT numbers plus `CT_OFFSET` for ``orbit``.
        path: The file to be.
        kind: A name in `FILM_KINDS`.
        uid_seed: Text from which the patient's number and all UIDs follow.
        bits: Bits stored; values must fit.
        spacing: ImagerPixelSpacing of a radiograph, PixelSpacing of a CT slice; a CT slice needs one.
        window: Centre and width of the display window (HU for CT); the whole range where None.
        inverted: Stored as MONOCHROME1, where the lowest value is white; radiographs only.
        compressed: JPEG 2000 lossless instead of plain values.

    Raises:
        ValueError: For a kind, depth or combination that cannot be written.
    """
    facts = _checked(pixels, kind, bits, inverted=inverted)
    item = _common(facts, uid_seed)
    _add_pixels(item, pixels, bits, inverted=inverted)
    if facts.sop_class == _DX:
        _add_radiograph(item, facts, spacing, window, bits)
    elif facts.sop_class == _CT:
        if spacing is None:
            raise ValueError("a CT slice needs its pixel spacing")
        _add_slice(item, facts, spacing, window)
    else:
        item.ConversionType = "SYN"
        _add_window(item, window, bits)
    if compressed:
        item.compress(_JPEG2000_LOSSLESS, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    with atomic_path(path) as temporary:
        item.save_as(temporary, enforce_file_format=True)


def _checked(pixels: Pixels, kind: str, bits: int, *, inverted: bool) -> FilmKind:
    """The facts of a kind, once pixels and wishes fit it; `ValueError` otherwise."""
    facts = FILM_KINDS.get(kind)
    if facts is None:
        raise ValueError(f"there is no film kind {kind!r}; there are {', '.join(FILM_KINDS)}")
    if pixels.ndim != 2 or int(pixels.max()) >= 1 << bits or bits > 8 * pixels.dtype.itemsize:
        raise ValueError(
            f"{pixels.dtype} pixels {pixels.shape} up to {pixels.max()} are not (H, W) of {bits} bits"
        )
    if inverted and facts.modality != "DX":
        raise ValueError("only radiographs are stored inverted")
    return facts


def _uid(seed: str, part: str) -> str:
    """A UID of the UUID-derived kind (PS3.5 B.2) that follows from the text."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_URL, f'spinekit synthetic film/{seed}/{part}').int}"


def _common(facts: FilmKind, seed: str) -> Dataset:
    """File meta, patient, study, series, equipment and SOP common."""
    from pydicom.dataset import Dataset, FileMetaDataset

    item, meta = Dataset(), FileMetaDataset()
    meta.MediaStorageSOPClassUID = item.SOPClassUID = facts.sop_class
    meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID = _uid(seed, "instance")
    meta.TransferSyntaxUID = _EXPLICIT_LITTLE
    meta.ImplementationClassUID = _IMPLEMENTATION
    meta.ImplementationVersionName = "SPINEKIT"
    item.file_meta = meta
    item.SpecificCharacterSet = "ISO_IR 192"
    item.PatientName, item.PatientID = facts.patient, f"PHANTOM-{seed}"[:64]
    item.PatientBirthDate, item.PatientSex = "", "O"
    item.StudyInstanceUID, item.SeriesInstanceUID = _uid(seed, "study"), _uid(seed, "series")
    item.StudyDate, item.StudyTime, item.StudyID, item.AccessionNumber = _DATE, _TIME, "1", ""
    item.ReferringPhysicianName = ""
    item.StudyDescription = "Synthetic film"
    item.SeriesDescription = "Synthetic film, shows no patient, for research"
    item.Modality, item.SeriesNumber, item.InstanceNumber = facts.modality, 1, 1
    item.ContentDate, item.ContentTime = _DATE, _TIME
    item.AcquisitionDate, item.AcquisitionTime = _DATE, _TIME
    item.Manufacturer, item.ManufacturerModelName = "spinekit", "phantom"
    item.SoftwareVersions, item.DeviceSerialNumber = "1", "1"
    item.BurnedInAnnotation, item.QualityControlImage = "NO", "YES"
    if facts.body_part:
        item.BodyPartExamined = facts.body_part
    item.PatientOrientation = list(facts.orientation) if facts.orientation else []
    item.ImageType = ["DERIVED", "PRIMARY"]
    return item


def _add_pixels(item: Dataset, pixels: Pixels, bits: int, *, inverted: bool) -> None:
    """Image pixel module; `inverted` turns values over so that the film looks the same."""
    stored = ((1 << bits) - 1 - pixels).astype(pixels.dtype) if inverted else pixels
    item.SamplesPerPixel = 1
    item.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    item.Rows, item.Columns = pixels.shape
    item.BitsAllocated, item.BitsStored, item.HighBit = 8 * pixels.dtype.itemsize, bits, bits - 1
    item.PixelRepresentation = 0
    content = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
    item.PixelData = content + b"\0" * (len(content) % 2)
    item["PixelData"].VR = "OB" if item.BitsAllocated == 8 else "OW"


def _add_radiograph(
    item: Dataset, facts: FilmKind, spacing: Spacing | None, window: tuple[float, float] | None, bits: int
) -> None:
    """DX series, anatomy, image, detector, positioning and VOI modules, for presentation."""
    inverted = item.PhotometricInterpretation == "MONOCHROME1"
    item.PresentationIntentType = "FOR PRESENTATION"
    item.ImageLaterality = "U"
    item.PixelIntensityRelationship = "LOG"
    # PS3.3 C.8.11.3: -1 where a higher value means less radiation at the detector, as where bone is high.
    item.PixelIntensityRelationshipSign = 1 if inverted else -1
    item.RescaleIntercept, item.RescaleSlope, item.RescaleType = "0", "1", "US"
    item.PresentationLUTShape = "INVERSE" if inverted else "IDENTITY"
    item.LossyImageCompression = "00"
    _add_window(item, window, bits)
    item.DetectorType = "DIRECT"
    item.DetectorConfiguration = "AREA"
    item.AcquisitionContextSequence = []
    item.PositionerType = "NONE"
    if spacing is not None:
        item.ImagerPixelSpacing = [f"{spacing.row_mm:.8g}", f"{spacing.col_mm:.8g}"]
    if facts.region is not None:
        item.AnatomicRegionSequence = [_code(*facts.region)]
    if facts.view is not None:
        position, code, meaning = facts.view
        item.ViewPosition = position
        view = _code(code, meaning)
        view.ViewModifierCodeSequence = []
        item.ViewCodeSequence = [view]


def _add_window(item: Dataset, window: tuple[float, float] | None, bits: int) -> None:
    """The window in stored values, the whole range where None; turned over with the values when inverted."""
    centre, width = window or (float(1 << (bits - 1)), float(1 << bits))
    if item.PhotometricInterpretation == "MONOCHROME1":
        centre = (
            1 << bits
        ) - centre  # PS3.3 C.11.2.1.2.1: a window's middle lies half a step below its centre
    item.WindowCenter, item.WindowWidth = f"{centre:.6g}", f"{width:.6g}"


def _add_slice(item: Dataset, facts: FilmKind, spacing: Spacing, window: tuple[float, float] | None) -> None:
    """Frame of reference, image plane and CT modules."""
    item.ImageType = ["DERIVED", "PRIMARY", "AXIAL"]
    item.FrameOfReferenceUID = _uid(str(item.PatientID), "frame")
    item.PositionReferenceIndicator = ""
    item.ImagePositionPatient = ["0", "0", "0"]
    item.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    item.SliceThickness, item.SliceLocation = "1", "0"
    item.PixelSpacing = [f"{spacing.row_mm:.8g}", f"{spacing.col_mm:.8g}"]
    item.RescaleIntercept, item.RescaleSlope, item.RescaleType = str(-CT_OFFSET), "1", "HU"
    item.KVP, item.AcquisitionNumber, item.PatientPosition = "", "1", "HFS"
    if window is not None:
        item.WindowCenter, item.WindowWidth = f"{window[0]:.6g}", f"{window[1]:.6g}"
    if facts.region is not None:
        item.AnatomicRegionSequence = [_code(*facts.region)]


def _code(value: str, meaning: str) -> Dataset:
    """One SNOMED CT code."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item
