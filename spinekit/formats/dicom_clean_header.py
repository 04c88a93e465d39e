"""The header of a DICOM image without identities: what may stay by `dicom_clean_rules`, and what says so.

UIDs and the patient's number become those that a keyed hash gives, alike in all files cleaned with one key.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spinekit.core.errors import ReadError
from spinekit.formats.dicom_clean_rules import (
    CODES,
    DATES,
    EMPTIED,
    NUMBERS,
    OPTIONS,
    SEQUENCES,
    UIDS,
    VOCABULARY,
    WORDS,
)
from spinekit.formats.dicom_values import code, identifier, stored_text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

METHOD = "spinekit: PS3.15 Basic Profile, by a list of what may stay"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_DEEPEST = 4
_SHIFT_DAYS = 3650
_OLDEST = 89  # years: from here on an age by itself may name a person (as in the HIPAA list)

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, repr=False)
class CleanRules:
    """How identities are removed.

    Attributes:
        key: The secret; who has it can find out which pseudonym belongs to which number.
        shift_dates: Whether dates are kept, shifted by a number of days of the patient's own, or removed.
        person: Whether age (below 90) and sex stay.
        blank: Left, top, width, height in px of parts of the picture to be blackened.
    """

    key: bytes
    shift_dates: bool = False
    person: bool = False
    blank: tuple[Box, ...] = ()


def cleaned_header(source: Dataset, rules: CleanRules, path: Path) -> Dataset:
    """A header without identities; the pixels are left out.

    Args:
        source: The object.
        rules: How.
        path: For messages.

    Raises:
        ReadError: If the object is none of an image.
    """
    from pydicom.uid import UID

    kind = identifier(source, "SOPClassUID") or SECONDARY_CAPTURE
    if "Image Storage" not in UID(kind).name:
        raise ReadError(path, "a DICOM object without an image", "only images are cleaned: leave it out")
    made = _kept(source, rules, _person_of(source, rules.key), 0)
    made.SOPClassUID = kind
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        if keyword not in made:
            setattr(made, keyword, _new_uid(f"missing {keyword} {path.name}", rules.key))
    person = _person_of(source, rules.key)
    made.SpecificCharacterSet = "ISO_IR 192"
    made.PatientName, made.PatientID = f"Anonymous^{person[:12]}", f"ANON-{person[:12]}"
    made.StudyID = str(made.StudyInstanceUID)[-8:]
    for keyword in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID", "AccessionNumber",
                    "ReferringPhysicianName", "Manufacturer"):  # fmt: skip
        if keyword not in made:
            setattr(made, keyword, "")
    if rules.person:
        _keep_person(made, source)
    if not made.get("Modality"):
        made.Modality = "OT"
    if UID(kind).name.startswith("Enhanced"):
        # These classes want to know device and day; words that say nothing stand for them.
        for keyword in ("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions"):
            setattr(made, keyword, "REMOVED")
        if not made.get("ContentDate"):
            made.ContentDate, made.ContentTime = "19000101", "000000"
    _mark(made, source, rules)
    return made


def _person_of(source: Dataset, key: bytes) -> str:
    """The pseudonym of the patient, or of the study where no patient is named."""
    patient = stored_text(source, "PatientID") or ""
    issuer = stored_text(source, "IssuerOfPatientID") or ""
    study = identifier(source, "StudyInstanceUID") or ""
    words = ("patient", issuer, patient) if patient else ("study", study)
    return hmac.new(key, "\0".join(words).encode("utf-8", "surrogatepass"), sha256).hexdigest()


def _new_uid(uid: str, key: bytes) -> str:
    """The UID that takes another's place: of the kind derived from a UUID (PS3.5 B.2)."""
    digest = hmac.new(key, f"uid\0{uid}".encode(), sha256).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def _kept(source: Dataset, rules: CleanRules, person: str, depth: int) -> Dataset:
    """What may stay of an object or of an item of a sequence."""
    from pydicom.dataset import Dataset

    made = Dataset()
    for tag in list(source.keys()):
        keyword = "" if tag.is_private else _keyword(tag)
        if keyword in NUMBERS:
            _keep_numbers(made, source, keyword)
        elif keyword in WORDS:
            _keep_words(made, source, keyword)
        elif keyword in UIDS and (uid := identifier(source, keyword)):
            setattr(made, keyword, _new_uid(uid, rules.key))
        elif keyword in CODES:
            _keep_codes(made, source, keyword)
        elif keyword in SEQUENCES and depth < _DEEPEST:
            items = source[keyword].value
            if isinstance(items, Sequence):
                setattr(made, keyword, [_kept(item, rules, person, depth + 1) for item in items])
        elif keyword in DATES and rules.shift_dates:
            _keep_shifted(made, source, keyword, person)
        if depth == 0 and keyword not in made and _may_be_empty(keyword):
            setattr(made, keyword, [] if keyword.endswith("Sequence") else "")
    return made


def _may_be_empty(keyword: str) -> bool:
    """Whether an attribute whose value goes stays without one, as DICOM wants it of many."""
    from pydicom.datadict import dictionary_VR

    if keyword in EMPTIED:
        return True
    return (keyword in WORDS or keyword in NUMBERS) and dictionary_VR(keyword) in {"CS", "DS", "IS", "SH"}


def _keyword(tag: int) -> str:
    from pydicom.datadict import keyword_for_tag

    return str(keyword_for_tag(tag))


def _keep_numbers(made: Dataset, source: Dataset, keyword: str) -> None:
    """Numbers that are numbers, in a form that the standard allows; anything else goes."""
    from pydicom.datadict import dictionary_VR

    element = source[keyword]
    kind = dictionary_VR(element.tag)
    if kind in {"DS", "IS"}:
        text = stored_text(source, keyword)
        numbers = [_decimal(part, whole=kind == "IS") for part in (text or "").split("\\")]
        if all(numbers):
            setattr(made, keyword, numbers if len(numbers) > 1 else numbers[0])
        return
    value = element.value
    if isinstance(value, bytes):
        if keyword == "LUTData":
            made.add_new(element.tag, "OW", value)
        return
    values = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if values and all(isinstance(one, int | float) for one in values):
        made.add_new(element.tag, element.VR, value)


def _decimal(text: str, whole: bool) -> str:
    """A decimal or integer string as the standard wants it, or empty."""
    try:
        number = float(text.strip(" \0"))
    except ValueError:
        return ""
    if not np.isfinite(number) or (whole and number != int(number)):
        return ""
    plain = text.strip(" \0")
    if whole:
        return str(int(number)) if abs(number) < 1 << 31 else ""
    return plain if len(plain) <= 16 else f"{number:.9g}"


def _keep_words(made: Dataset, source: Dataset, keyword: str) -> None:
    """Coded words out of the vocabulary; of an attribute of several words those that are in it."""
    words = code(source, keyword).split("\\")
    known = [word for word in words if word in VOCABULARY]
    if known and (known == words or keyword == "ImageType"):
        setattr(made, keyword, known if len(known) > 1 else known[0])


def _keep_codes(made: Dataset, source: Dataset, keyword: str) -> None:
    """Coded concepts that the standard itself knows, under their standard meaning."""
    from pydicom.dataset import Dataset

    items = source[keyword].value
    kept = []
    for item in items if isinstance(items, Sequence) else ():
        value, scheme = code(item, "CodeValue"), code(item, "CodingSchemeDesignator")
        meaning = _standard_meaning(value, scheme)
        if meaning:
            concept = Dataset()
            concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = value, scheme, meaning
            kept.append(concept)
    if kept or keyword in {"ViewCodeSequence"}:
        setattr(made, keyword, kept)


def _standard_meaning(value: str, scheme: str) -> str:
    """The meaning that PS3.16 gives to a code; empty for one that it does not list."""
    from pydicom.sr._concepts_dict import concepts
    from pydicom.sr._snomed_dict import mapping

    if scheme in {"SRT", "SNM3", "99SDM"}:
        value, scheme = mapping.get("SRT", {}).get(value, ""), "SCT"
    if scheme not in {"SCT", "DCM"} or not value:
        return ""
    named = [str(known[value][0]) for known in concepts[scheme].values() if value in known]
    return min(named, key=len, default="")[:64]


def _keep_shifted(made: Dataset, source: Dataset, keyword: str, person: str) -> None:
    """A date some days earlier, as many for all of a patient's; times of day stay as they are."""
    text = "".join(c for c in code(source, keyword) if c.isdigit() or c == ".")
    if keyword.endswith("Time") and not keyword.endswith("DateTime"):
        if text[:6].isdigit() and len(text) >= 6:
            setattr(made, keyword, text[:6])
        return
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
        moved = day - timedelta(days=1 + int(person[-8:], 16) % _SHIFT_DAYS)
    except (ValueError, OverflowError):
        return
    rest = text[8:14] if keyword.endswith("DateTime") else ""
    setattr(made, keyword, f"{moved:%Y%m%d}{rest}")


def _keep_person(made: Dataset, source: Dataset) -> None:
    """Sex, and an age that many share."""
    if (sex := code(source, "PatientSex")) in {"F", "M", "O"}:
        made.PatientSex = sex
    age = code(source, "PatientAge")
    if len(age) == 4 and age[:3].isdigit() and age[3] in "DWMY":
        old = age[3] == "Y" and int(age[:3]) > _OLDEST
        made.PatientAge = f"{_OLDEST + 1:03d}Y" if old else age


def _mark(made: Dataset, source: Dataset, rules: CleanRules) -> None:
    """Says what was done, with its codes, and what is known of text in the picture."""
    from pydicom.dataset import Dataset

    made.PatientIdentityRemoved, made.DeidentificationMethod = "YES", METHOD
    done = ["profile", *["pixels"] * bool(rules.blank), *["shifted"] * rules.shift_dates]
    done += ["person"] * rules.person
    concepts = []
    for name in done:
        concept = Dataset()
        concept.CodeValue, concept.CodeMeaning = OPTIONS[name]
        concept.CodingSchemeDesignator = "DCM"
        concepts.append(concept)
    made.DeidentificationMethodCodeSequence = concepts
    made.LongitudinalTemporalInformationModified = "MODIFIED" if rules.shift_dates else "REMOVED"
    burned = code(source, "BurnedInAnnotation")
    if rules.blank or burned == "NO":
        made.BurnedInAnnotation = "NO"
    elif burned == "YES":
        made.BurnedInAnnotation = "YES"
