"""Genuine DICOM films and segmentations: films by the package's own writer, segmentations by highdicom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.dicom_film import write_film
from spinekit.formats.vertebra_codes import SNOMED_CT

ROWS, COLUMNS = 31, 45  # odd, so that frames of single bits do not end at whole bytes
BONE = Code("272673000", "SCT", "Bone")
ANATOMY = Code("123037004", "SCT", "Anatomical Structure")
SPACING = Spacing(0.5, 0.5, SpacingOrigin.UNKNOWN)


def film(
    path: Path, seed: str = "one", kind: str = "spine-ap", attributes: Mapping[str, Any] | None = None
) -> Path:
    """A film of a fictional person, with some attributes changed (None takes one away)."""
    grey = (np.add.outer(np.arange(ROWS), np.arange(COLUMNS)) * 10).astype(np.uint16)
    write_film(grey, path, kind=kind, uid_seed=seed, bits=12, spacing=SPACING)
    if attributes:
        item = pydicom.dcmread(path)
        for keyword, value in attributes.items():
            if value is None:
                delattr(item, keyword)
            else:
                setattr(item, keyword, value)
        item.save_as(path)
    return path


def volume(folder: Path, count: int) -> list[Path]:
    """Slices of one series above one another."""
    paths = []
    for index in range(count):
        path = film(folder / f"slice{index}.dcm", f"slice{index}", "orbit")
        item = pydicom.dcmread(path)
        item.ImagePositionPatient = ["0", "0", f"{index}"]
        item.StudyInstanceUID, item.SeriesInstanceUID, item.FrameOfReferenceUID = (
            "1.2.3",
            "1.2.3.4",
            "1.2.3.5",
        )
        item.PatientID, item.InstanceNumber = "V-1", index + 1
        item.save_as(path)
        paths.append(path)
    return paths


def frames(path: Path, count: int) -> Path:
    """A film of several frames, each brighter than the one before."""
    item = pydicom.dcmread(film(path))
    grey = np.frombuffer(item.PixelData, dtype="<u2")[: ROWS * COLUMNS]
    item.NumberOfFrames = count
    item.PixelData = b"".join((grey + 100 * index).astype("<u2").tobytes() for index in range(count))
    item.save_as(path)
    return path


def segment(
    number: int, label: str, code: Code | None = None, automatic: bool = False, region: Code | None = None
) -> Dataset:
    """The description of a segment; the code of the vertebra of its label where none is given."""
    coded = code or (Code(SNOMED_CT[label], "SCT", f"{label} vertebra") if label in SNOMED_CT else BONE)
    family = Code("123110", "DCM", "Artificial Intelligence")
    made_by = highdicom.AlgorithmIdentificationSequence(name="test", family=family, version="1")
    described: Dataset = highdicom.seg.SegmentDescription(
        number,
        label,
        ANATOMY,
        coded,
        "AUTOMATIC" if automatic else "MANUAL",
        made_by if automatic else None,
        anatomic_regions=[region] if region else None,
    )
    return described


def write_seg(
    path: Path,
    films: Sequence[Path],
    pixels: npt.NDArray[Any],
    segments: Sequence[Dataset],
    kind: str = "BINARY",
    fraction: str = "PROBABILITY",
    whole: bool = False,
    syntax: str = "1.2.840.10008.1.2.1",
) -> Path:
    """A segmentation: ``pixels`` (frames, H, W, segments), or (frames, H, W) for a label map."""
    sources = [pydicom.dcmread(film) for film in films]
    made: Dataset = highdicom.seg.Segmentation(
        source_images=sources,
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=list(segments),
        series_instance_uid=highdicom.UID(),
        series_number=2,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="spinekit",
        manufacturer_model_name="tests",
        software_versions="1",
        device_serial_number="1",
        fractional_type=fraction,
        content_creator_name="spinekit^",
        omit_empty_frames=not whole,
        transfer_syntax_uid=syntax,
    )
    # A radiograph has no plane, and its orientation is lost on the way (highdicom); DICOM asks for it.
    if "PatientOrientation" in sources[0] and "PatientOrientation" not in made:
        made.PatientOrientation = sources[0].PatientOrientation
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(path)
    return path


def stacked(*masks: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Masks of one frame as (1, H, W, segments)."""
    return np.stack(masks, axis=-1)[None]
