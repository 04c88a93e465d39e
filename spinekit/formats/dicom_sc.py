"""Pictures as secondary captures: the drawn overlay, and films of other formats that DICOM objects refer to.

A capture is for eyes: it has no scale, for what is drawn on it may be enlarged and carries a strip of words below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spinekit.core.image import Image, UInt8Array
from spinekit.core.notice import RESEARCH_USE
from spinekit.formats.dicom_maker import (
    EXPLICIT_LITTLE,
    Kind,
    Maker,
    finish,
    instance_uid,
    made_from,
    series_uid,
)
from spinekit.formats.dicom_origin import Origin

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

CAPTURE = Kind("dicom-sc", 9004, "overlay")
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
UNPAIRED = frozenset(
    {"ABDOMEN", "BRAIN", "CHEST", "COCCYX", "CSPINE", "HEAD", "HEART", "JAW", "LSPINE", "NECK", "PELVIS", "SKULL",
     "SPINE", "SSPINE", "TSPINE", "WHOLEBODY"}
)  # fmt: skip
_COPIED = (
    "SpecificCharacterSet", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName",
    "StudyDescription",
)  # fmt: skip


def capture(origin: Origin, picture: UInt8Array, maker: Maker, content: str) -> Dataset:
    """The overlay as an object of the study that it was drawn from.

    Args:
        origin: The source.
        picture: (H, W, 3) blue, green, red.
        maker: Version and model.
        content: Hash of the picture, for the UID.

    Raises:
        ReadError: If no object can be made from the source's header.
    """
    with made_from(origin.path):
        made = _capture(origin, instance_uid(origin, CAPTURE, maker, content))
        made.SeriesInstanceUID = series_uid(origin, CAPTURE, maker)
        made.SeriesNumber, made.InstanceNumber = CAPTURE.number, origin.number
        made.SeriesDescription = CAPTURE.description
        made.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
        made.DerivationDescription = f"Overlay of what was found. {RESEARCH_USE}"
        made.ConversionType = "WSD"
        made.PatientOrientation = origin.item.get("PatientOrientation", "")
        # What is drawn names nobody; what the film itself shows is for its own header to say.
        if origin.burned_in in {"YES", "NO"}:
            made.BurnedInAnnotation = origin.burned_in
        made.SourceImageSequence = [_reference(origin)]
        _add_pixels(made, np.ascontiguousarray(picture[:, :, ::-1]))
        finish(made, origin, maker)
        return made


def film_of(origin: Origin, image: Image, maker: Maker) -> Dataset:
    """A film that is no DICOM, as the capture that other objects refer to: of a patient said to be unknown.

    Args:
        origin: Of such a film.
        image: Its pixels.
        maker: Gives spinekit's version.
    """
    from pydicom.valuerep import format_number_as_ds

    made = _capture(origin, str(origin.item.SOPInstanceUID))
    made.SeriesInstanceUID = origin.item.SeriesInstanceUID
    made.SeriesNumber, made.InstanceNumber = 1, origin.number
    made.SeriesDescription = "Film wrapped for research, patient unknown"
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.ConversionType, made.PatientOrientation = "WSD", ""
    spacing = image.ref.spacing
    if spacing is not None:
        made.PixelSpacing = [format_number_as_ds(value) for value in (spacing.row_mm, spacing.col_mm)]
    _add_pixels(made, image.pixels)
    made.WindowCenter, made.WindowWidth = "128", "256"  # each grey as it is
    finish(made, origin, Maker(maker.version))
    return made


def _capture(origin: Origin, uid: str) -> Dataset:
    """Patient, study, equipment and identity of a capture (PS3.3 A.8.1)."""
    from pydicom.dataset import Dataset, FileMetaDataset

    made, meta = Dataset(), FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = SECONDARY_CAPTURE, uid
    meta.TransferSyntaxUID = EXPLICIT_LITTLE
    made.file_meta = meta
    made.SOPClassUID, made.SOPInstanceUID = SECONDARY_CAPTURE, uid
    for keyword in _COPIED:
        if keyword in origin.item:
            made[keyword] = origin.item[keyword]
    made.Modality = "OT"
    body_part = str(origin.item.get("BodyPartExamined") or "")
    if body_part:
        made.BodyPartExamined = body_part
    # Which side it is must be said, as unknown if need be, unless the part of the body has none.
    if body_part not in UNPAIRED:
        made.Laterality = origin.item.get("Laterality", "")
    return made


def _reference(origin: Origin) -> Dataset:
    from pydicom.dataset import Dataset

    reference = Dataset()
    reference.ReferencedSOPClassUID = origin.item.SOPClassUID
    reference.ReferencedSOPInstanceUID = origin.item.SOPInstanceUID
    if origin.frame is not None:
        reference.ReferencedFrameNumber = origin.frame
    purpose = Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator = "121322", "DCM"
    purpose.CodeMeaning = "Source image for image processing operation"
    reference.PurposeOfReferenceCodeSequence = [purpose]
    return reference


def _add_pixels(made: Dataset, pixels: UInt8Array) -> None:
    """Grey (H, W) or red, green, blue (H, W, 3), 8 bits, as they are."""
    colour = pixels.ndim == 3
    made.SamplesPerPixel = 3 if colour else 1
    made.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        made.PlanarConfiguration = 0
    made.Rows, made.Columns = pixels.shape[:2]
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    made.add_new("PixelData", "OB", pixels.tobytes() + b"\0" * (pixels.size % 2))
