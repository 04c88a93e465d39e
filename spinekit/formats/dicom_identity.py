"""Whose image a DICOM file holds, as a hash: enough to keep a patient's images together, too little to name them.

The hash is salted with a word of the caller's. Who knows the word can try out all identity numbers of a
hospital, so a table of hashes with a salt that is no secret belongs with the films, not in public.
"""

from __future__ import annotations

import hashlib
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

from spinekit.core.errors import ReadError
from spinekit.formats.dicom import sniff
from spinekit.formats.dicom_header import check_inflated_size

_LENGTH = 12  # hexadecimal digits: a thousand patients collide with a chance of two in a billion
_TAGS = ("PatientID", "IssuerOfPatientID", "StudyInstanceUID")


@dataclass(frozen=True, slots=True)
class Identity:
    """Hashes of a DICOM file's patient and visit.

    Attributes:
        patient: Of PatientID and its issuer; empty where the file has no PatientID.
        visit: Of these and StudyInstanceUID; empty where there is none.
    """

    patient: str
    visit: str


def read_identity(path: Path, salt: str) -> Identity | None:
    """The hashes of a file's patient and visit; None for what is no DICOM file.

    Args:
        path: The file.
        salt: Goes into the hashes: tables with different salts cannot be joined.
    """
    import pydicom
    from pydicom.errors import InvalidDicomError

    # What pydicom logs, and warns of, may quote the values.
    logging.getLogger("pydicom").propagate = False
    try:
        with path.open("rb") as stream:
            if not sniff(stream.read(1024)):
                return None
        check_inflated_size(path)
        with warnings.catch_warnings(action="ignore"):
            item = pydicom.dcmread(path, force=True, stop_before_pixels=True, specific_tags=list(_TAGS))
            # Values are converted, and complained about, when they are asked for.
            patient, issuer, study = (str(item.get(tag) or "").strip() for tag in _TAGS)
    except (ReadError, OSError, InvalidDicomError, ValueError, AttributeError, KeyError, NotImplementedError):
        return None
    return Identity(
        _hashed("patient", salt, issuer, patient) if patient else "",
        _hashed("visit", salt, issuer, patient, study) if study else "",
    )


def _hashed(kind: str, *words: str) -> str:
    digest = hashlib.sha256("\0".join((kind, *words)).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{kind}-{digest[:_LENGTH]}"
