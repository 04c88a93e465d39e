"""What all DICOM objects made here have in common: derived UIDs, equipment, dates of the source, private files.

Nothing in an object depends on the clock or on chance: its UIDs follow from the source and from what it says,
its dates are the source's. Writing twice gives the same bytes.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spinekit.core.errors import ReadError, SpinekitError
from spinekit.files import atomic_path

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from spinekit.formats.dicom_origin import Origin

EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
MANUFACTURER = "spinekit"
CREATOR = "spinekit^"  # a person name by its form: without the caret validators complain
IMPLEMENTATION = "2.25.302610327163117562286171398219410436613"
_LONGEST_DESCRIPTION = 64  # characters of VR LO
_NOT_ASKED_FOR = (
    "InstanceCreationDate", "InstanceCreationTime", "InstanceCreatorUID", "ContributingEquipmentSequence",
    "DateOfSecondaryCapture", "TimeOfSecondaryCapture",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Maker:
    """What made the findings.

    Attributes:
        version: Of spinekit.
        model: Name of the model, or empty for a person's labels.
        model_sha256: Of its weights, or empty.
    """

    version: str
    model: str = ""
    model_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object.

    Attributes:
        name: As on the command line, e.g. ``dicom-seg``; goes into the UIDs.
        number: Of its series.
        words: What its series holds; followed by what it is for.
    """

    name: str
    number: int
    words: str

    @property
    def description(self) -> str:
        """SeriesDescription, which names the purpose first since lists cut it off."""
        return f"RESEARCH ONLY, not for diagnosis: {self.words}"[:_LONGEST_DESCRIPTION]


def derived_uid(*words: str) -> str:
    """A UID that follows from some words and from nothing else.

    Args:
        words: Joined so that no other split gives the same UID.
    """
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=["spinekit", *(f"{len(word)}:{word}" for word in words)]))


def series_uid(origin: Origin, kind: Kind, maker: Maker) -> str:
    """The series of all objects of one kind that one model makes of one series."""
    source = str(origin.item.SeriesInstanceUID)
    return derived_uid("series", source, kind.name, maker.version, maker.model, maker.model_sha256)


def instance_uid(origin: Origin, kind: Kind, maker: Maker, content: str) -> str:
    """An object: of one frame of one file, by one model, with one content.

    Args:
        origin: The source.
        kind: Of the object.
        maker: Version and model.
        content: A hash of all that the object says.
    """
    source = (str(origin.item.SOPInstanceUID), origin.sha256, str(origin.frame or 0))
    return derived_uid(
        "instance", *source, kind.name, maker.version, maker.model, maker.model_sha256, content
    )


@contextlib.contextmanager
def made_from(path: Path) -> Iterator[None]:
    """Turns whatever the libraries raise on odd sources into one line; their own text may quote attributes."""
    for name in ("highdicom", "pydicom"):
        logging.getLogger(name).propagate = False
        if not logging.getLogger(name).handlers:
            logging.getLogger(name).addHandler(logging.NullHandler())
    # Several threads may come here, and what one restores another lacks: this filter is in all that is restored.
    warnings.filterwarnings("ignore", module=r"(pydicom|highdicom)(\.|$)")
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except SpinekitError:
        raise
    except MemoryError as error:
        raise ReadError(path, "is too large for the memory", "make the objects of fewer images") from error
    except Exception as error:
        reason = f"no DICOM object can be made from its header ({type(error).__name__})"
        raise ReadError(path, reason, "export the image again from its source") from error


def finish(made: Dataset, origin: Origin, maker: Maker) -> None:
    """Puts the last hand to an object: what libraries take from clock and chance gives way to what follows.

    Args:
        made: Changed in place; has its UIDs.
        origin: Gives date and time.
        maker: Gives the software's version.
    """
    for keyword in _NOT_ASKED_FOR:
        if keyword in made:
            delattr(made, keyword)
    made.ContentDate, made.ContentTime = origin.date, origin.time
    made.Manufacturer, made.ManufacturerModelName = MANUFACTURER, (maker.model or "labels")[:64]
    made.SoftwareVersions = maker.version
    made.DeviceSerialNumber = (maker.model_sha256 or maker.version)[:64]
    for keyword in origin.marks:
        made[keyword] = origin.item[keyword]
    _settle_dimensions(made)
    meta = made.file_meta
    meta.ImplementationClassUID, meta.ImplementationVersionName = IMPLEMENTATION, "SPINEKIT"
    made.preamble = b"\0" * 128


def _settle_dimensions(made: Dataset) -> None:
    """A dimension's UID is drawn by chance; one that follows from the object takes its place."""
    uid = derived_uid("dimensions", str(made.SOPInstanceUID))
    for keyword in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in made.get(keyword) or ():
            item.DimensionOrganizationUID = uid


def save(made: Dataset, path: Path) -> Path:
    """Writes an object that may name a patient: for its owner alone to read, in a folder likewise.

    Args:
        made: With its file header.
        path: The file to be.
    """
    fresh = not path.parent.exists()
    with atomic_path(path) as temporary:
        made.save_as(temporary, enforce_file_format=True)
    path.chmod(0o600)
    if fresh:
        path.parent.chmod(0o700)
    return path
