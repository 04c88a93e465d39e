"""The header of the image that an object is made from: its patient, study, series and the place of one frame.

Of a source's attributes only those that the standard asks of a derived object are taken along (PS3.3 C.7.1.1,
C.7.2.1, and C.12.1.1 for what says that identities were removed): who is shown, in which study, nothing more.
Values that are no values (a date that is no date) are left out, and told. A picture that is no DICOM (PNG, JPEG,
TIFF) has no patient and no instance that anything could refer to; it is wrapped as a secondary capture of a
patient who is said to be unknown, which is then written beside what refers to it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spinekit.core.errors import ReadError
from spinekit.core.image import Image
from spinekit.formats.dicom import sniff
from spinekit.formats.dicom_header import check_inflated_size, quiet
from spinekit.formats.dicom_maker import made_from
from spinekit.formats.dicom_values import BadAttributeError, code, decimals, identifier, integer, tag_text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

NO_DATE, NO_TIME = "19000101", "000000"
"""Where a source has no date and the standard asks for one."""

_PERSON = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "IssuerOfPatientID")
_STUDY = (
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName",
    "StudyDescription",
)  # fmt: skip
_SERIES = ("SeriesInstanceUID", "Modality", "SOPClassUID", "SOPInstanceUID", "SpecificCharacterSet")
_MARKS = (
    "PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence",
    "LongitudinalTemporalInformationModified",
)  # fmt: skip
_LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")
_ASKED_FOR = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID")
_DATE = re.compile(r"(\d{4})\.?(0[1-9]|1[0-2])\.?(0[1-9]|[12]\d|3[01])")
_TIME = re.compile(r"([01]\d|2[0-3]):?([0-5]\d)?:?([0-5]\d|60)?(\.\d{1,6})?")
_DAYS = (("ContentDate", "ContentTime"), ("AcquisitionDate", "AcquisitionTime"), ("SeriesDate", "SeriesTime"),
         ("StudyDate", "StudyTime"))  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Origin:
    """The source of an object; never printed, since it holds who is shown.

    Attributes:
        path: The file.
        sha256: Of its bytes.
        item: Patient, study, series, instance, size and place of one frame; no pixels.
        frame: Number of the frame, from 1, or None where the source has but one.
        number: InstanceNumber of what is made from it.
        date: ``YYYYMMDD`` of the image.
        time: ``HHMMSS``.
        wrapped: Whether the source is no DICOM, so that `item` describes the capture that stands for it.
        marks: Attributes that say that identities were removed; passed on.
        burned_in: BurnedInAnnotation, or empty.
    """

    path: Path
    sha256: str
    item: Dataset
    frame: int | None
    number: int
    date: str
    time: str
    wrapped: bool = False
    marks: tuple[str, ...] = ()
    burned_in: str = ""


def _unchanged(item: Dataset) -> Dataset:
    return item


def read_origin(
    image: Image, notice: Callable[[str], None], change: Callable[[Dataset], Dataset] = _unchanged
) -> Origin:
    """The source of an image, read again from its file.

    Args:
        image: As it was read.
        notice: Told, in one line each, of values of the source that are no values and were left out.
        change: What the header goes through first, e.g. the removal of identities.

    Raises:
        ReadError: If the file is gone or has changed its kind, or if it is a DICOM image without the UIDs by which
            others refer to it.
    """
    path = image.ref.path
    try:
        with path.open("rb") as stream:
            marked = sniff(stream.read(1024))
    except OSError as error:
        raise ReadError(path, f"cannot be opened ({error.strerror})", "leave the images in place") from error
    if not marked and image.ref.provenance.get("format") != "DICOM":
        return _wrapped(image)
    with made_from(path):
        import pydicom

        quiet()
        check_inflated_size(path)
        source = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        return _origin(image, change(source), notice)


def _origin(image: Image, source: Dataset, notice: Callable[[str], None]) -> Origin:
    from pydicom.dataset import Dataset

    path, item = image.ref.path, Dataset()
    for keyword in _UIDS:
        uid = identifier(source, keyword)
        if uid is None:
            reason = f"{keyword} {tag_text(keyword)} is missing, so that nothing can refer to it"
            raise ReadError(path, reason, "export it again from its source")
        setattr(item, keyword, uid)
    marks = tuple(keyword for keyword in _MARKS if keyword in source)
    if "DeidentificationMethod" not in marks and "DeidentificationMethodCodeSequence" not in marks:
        # To say that identities were removed without saying how is not allowed (PS3.3 C.7.1.1).
        marks = tuple(keyword for keyword in marks if keyword != "PatientIdentityRemoved")
    for keyword in (*_PERSON, *_STUDY, *_SERIES, *marks, *_LOSSY):
        if keyword in source and keyword not in item:
            item[keyword] = source[keyword]
    for keyword in _ASKED_FOR:
        if keyword not in item:
            setattr(item, keyword, "")
    _settle_values(item, path, notice)
    item.Rows, item.Columns = image.ref.height, image.ref.width
    _settle_place(item, source, image.ref.frame or 0)
    date, time = _moment(source)
    if date == NO_DATE and not marks:
        notice(f"{path}: the source has no date: {NO_DATE} stands for it where DICOM asks for one")
    frame = None if image.ref.frame is None else image.ref.frame + 1
    number = frame or _whole(source, "InstanceNumber") or 1
    return Origin(
        path,
        image.ref.sha256,
        item,
        frame,
        number,
        date,
        time,
        False,
        marks,
        code(source, "BurnedInAnnotation"),
    )


def _settle_values(item: Dataset, path: Path, notice: Callable[[str], None]) -> None:
    """Leaves out dates, times and a sex that are none; objects made by strict libraries cannot hold them."""
    patterns = {"PatientBirthDate": _DATE, "StudyDate": _DATE, "StudyTime": _TIME}
    for keyword, pattern in patterns.items():
        text = code(item, keyword)
        match = pattern.fullmatch(text)
        if text and match is None:
            notice(f"{path}: {keyword} {tag_text(keyword)} is not valid: left out of what is made from it")
        setattr(item, keyword, "" if match is None else "".join(part or "" for part in match.groups()))
    if (sex := code(item, "PatientSex")) not in {"", "F", "M", "O"}:
        notice(f"{path}: PatientSex {tag_text('PatientSex')} is not valid: left out of what is made from it")
        sex = ""
    item.PatientSex = sex
    for keyword in ("PatientName", "ReferringPhysicianName"):
        if len(str(item.get(keyword) or "")) > 64 * 3 + 2:
            notice(f"{path}: {keyword} {tag_text(keyword)} is too long: left out of what is made from it")
            setattr(item, keyword, "")


def _settle_place(item: Dataset, source: Dataset, frame: int) -> None:
    """Where the frame lies in the patient; where that is not wholly known, how rows and columns run."""
    from spinekit.formats.dicom_grey import group_item

    orientation = [text for text in code(source, "PatientOrientation").split("\\") if text]
    if len(orientation) == 2 and all(set(text) <= set("APRLHF") for text in orientation):
        item.PatientOrientation = orientation
    side = code(source, "Laterality") or code(source, "ImageLaterality")
    if side in {"L", "R"}:
        item.Laterality = side
    if (body_part := code(source, "BodyPartExamined")) and len(body_part) <= 16:
        item.BodyPartExamined = body_part
    reference = identifier(source, "FrameOfReferenceUID")
    if reference is None:
        return
    places = (
        ("ImageOrientationPatient", 6, "PlaneOrientationSequence"),
        ("ImagePositionPatient", 3, "PlanePositionSequence"),
        ("PixelSpacing", 2, "PixelMeasuresSequence"),
    )
    found: dict[str, list[float]] = {}
    for keyword, count, sequence in places:
        holder = group_item(source, frame, sequence)
        numbers = _numbers(holder if holder is not None else source, keyword)
        if len(numbers) != count:
            return
        found[keyword] = numbers
    if min(found["PixelSpacing"]) <= 0:
        return
    for keyword, numbers in found.items():
        setattr(item, keyword, [f"{number:.10g}" for number in numbers])
    item.FrameOfReferenceUID = reference
    item.PositionReferenceIndicator = ""
    measures = group_item(source, frame, "PixelMeasuresSequence")
    thickness = _numbers(measures if measures is not None else source, "SliceThickness")
    if thickness and thickness[0] > 0:
        item.SliceThickness = f"{thickness[0]:.10g}"


def _numbers(item: Dataset, keyword: str) -> list[float]:
    try:
        return decimals(item, keyword) or []
    except BadAttributeError:
        return []


def _whole(item: Dataset, keyword: str) -> int | None:
    try:
        number = integer(item, keyword)
    except BadAttributeError:
        return None
    return number if number is not None and 0 < number < 1 << 31 else None


def _moment(source: Dataset) -> tuple[str, str]:
    """Date and time of the image, the nearest to its making that the source states."""
    for day, hour in _DAYS:
        date, time = _DATE.fullmatch(code(source, day)), _TIME.fullmatch(code(source, hour))
        if date is not None:
            clock = "".join(part or "" for part in time.groups()) if time is not None else NO_TIME
            return "".join(date.groups()), clock
    return NO_DATE, NO_TIME


def _wrapped(image: Image) -> Origin:
    """The description of the secondary capture that a picture of unknown origin becomes."""
    from pydicom.dataset import Dataset

    from spinekit.formats.dicom_maker import derived_uid

    ref, item = image.ref, Dataset()
    digest = ref.sha256 or hashlib.sha256(image.pixels.tobytes()).hexdigest()
    item.SpecificCharacterSet = "ISO_IR 192"
    # Films of unknown patients must not be taken for films of one patient.
    item.PatientName, item.PatientID = "Unknown^Patient", f"UNKNOWN-{digest[:16]}"
    item.PatientBirthDate = item.PatientSex = ""
    item.StudyInstanceUID, item.SeriesInstanceUID = (
        derived_uid("wrapped", part, digest) for part in ("study", "series")
    )
    item.SOPInstanceUID = derived_uid("wrapped", "instance", digest, str(ref.frame or 0))
    item.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    item.StudyDate = item.StudyTime = item.AccessionNumber = item.ReferringPhysicianName = ""
    item.StudyID = digest[:8]
    item.Modality = "OT"
    item.Rows, item.Columns = ref.height, ref.width
    number = 1 if ref.frame is None else ref.frame + 1
    return Origin(ref.path, digest, item, None, number, NO_DATE, NO_TIME, wrapped=True)
