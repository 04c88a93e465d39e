"""Who a DICOM image is of, as far as science needs it: age, sex, and a mark that keeps one person's images together.

No name and no number leaves this module. The mark is the hash that a split by patient uses too, so that both
agree; see `spinekit.formats.dicom_identity` for what it protects from, and what it does not.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from spinekit.core.errors import SpinekitError
from spinekit.formats.dicom_identity import read_identity

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_AGE = re.compile(r"(\d{1,3})([DWMY])")
_DAYS = {"D": 1.0, "W": 7.0, "M": 365.25 / 12, "Y": 365.25}
_DATE = re.compile(r"(\d{4})[.]?(\d{2})[.]?(\d{2})")
_OLDEST = 120.0
_DIFFERENT_YEARS = 1.5
_ATTRIBUTES = ("PatientAge", "PatientSex", "PatientBirthDate")
_DATES = ("StudyDate", "AcquisitionDate", "ContentDate")


@dataclass(frozen=True, slots=True, repr=False)
class _Person:
    """What a header says; never printed."""

    age_years: float | None
    sex: str
    doubt: str


def covariates_of(path: Path, notice: Callable[[str], None] | None = None) -> dict[str, float | str]:
    """Age and sex of the person in a DICOM image.

    The age is PatientAge, or the time from PatientBirthDate to the study; 0 years, and ages that cannot be,
    count as unknown. A sex other than F and M is left out.

    Args:
        path: The file.
        notice: Told, in one line, of an age that contradicts the dates.

    Returns:
        ``{"age_years": 63.0, "sex": "F"}``, less what is not known; empty for any other file.
    """
    person = _person(path)
    if person is None:
        return {}
    if person.doubt and notice is not None:
        notice(f"{path}: {person.doubt}")
    known: dict[str, float | str] = {}
    if person.age_years is not None:
        known["age_years"] = person.age_years
    if person.sex in {"F", "M"}:
        known["sex"] = person.sex
    return known


def group_of(path: Path, salt: str = "") -> str:
    """A mark of the person in a DICOM image: the same for all images of one person.

    Args:
        path: The file.
        salt: Name of the data set, as in a split: marks of different sets cannot be compared.

    Returns:
        The mark; empty for a file that names no patient, or is no DICOM.
    """
    if _header(path) is None:
        return ""
    try:
        with warnings.catch_warnings(action="ignore"):  # they quote values
            identity = read_identity(path, salt)
    except Exception:  # noqa: BLE001  (as for the header: a damaged file names nobody)
        return ""
    return "" if identity is None else identity.patient


def _person(path: Path) -> _Person | None:
    """What the header says; None for what is no DICOM file, or one so damaged that its reader will complain."""
    item = _header(path)
    if item is None:
        return None
    from spinekit.formats.dicom_values import code

    stated, counted = _stated_age(code(item, "PatientAge")), _counted_age(item)
    doubt = ""
    if stated is not None and counted is not None and abs(stated - counted) > _DIFFERENT_YEARS:
        doubt = "PatientAge and the time since PatientBirthDate differ by years -- PatientAge is taken"
    age = counted if stated is None else stated
    return _Person(age, code(item, "PatientSex"), doubt)


def _header(path: Path) -> Dataset | None:
    """The few attributes that matter here, read without the pixels."""
    from spinekit.formats.dicom import sniff

    try:
        with path.open("rb") as stream:
            if not sniff(stream.read(1024)):
                return None
        with warnings.catch_warnings(action="ignore"):
            item = _read(path)
            item.walk(lambda _, element: element.value)  # values are taken from their bytes now, not later
            return item
    except (OSError, SpinekitError):
        return None
    except Exception:  # noqa: BLE001  (pydicom raises some ten kinds on damaged files; their text may quote values)
        return None


def _read(path: Path) -> Dataset:
    import pydicom

    from spinekit.formats.dicom_header import check_inflated_size, quiet

    quiet()
    check_inflated_size(path)
    wanted = [*_ATTRIBUTES, *_DATES]
    return pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=wanted)


def _stated_age(text: str) -> float | None:
    """Years of an age string such as ``063Y`` or ``018M`` (PS3.5 6.2, AS)."""
    match = _AGE.fullmatch(text)
    if match is None:
        return None
    years = int(match[1]) if match[2] == "Y" else round(int(match[1]) * _DAYS[match[2]] / 365.25, 2)
    # A person below a year has an age in days, weeks or months; 000Y is how systems write that they don't know.
    return float(years) if 0 < years <= _OLDEST else None


def _counted_age(item: Dataset) -> float | None:
    """Years from birth to the study."""
    from spinekit.formats.dicom_values import code

    born = _day(code(item, "PatientBirthDate"))
    seen = next((day for name in _DATES if (day := _day(code(item, name))) is not None), None)
    if born is None or seen is None:
        return None
    years = (seen - born).days / 365.25
    return round(years, 2) if 0 <= years <= _OLDEST else None


def _day(text: str) -> date | None:
    match = _DATE.fullmatch(text)
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None
