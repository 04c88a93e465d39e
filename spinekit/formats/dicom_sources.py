"""DICOM images by their instance UIDs, so that what refers to them can find them among files of any name."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from spinekit.core.errors import SpinekitError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Absent
from spinekit.formats.dicom import sniff
from spinekit.formats.dicom_header import check_inflated_size, quiet
from spinekit.formats.dicom_seg_object import (
    LABELMAP_SEGMENTATION,
    SEGMENTATION,
    Plane,
    legible,
    plane_of,
)
from spinekit.formats.dicom_values import code, identifier, integer
from spinekit.formats.mask_pairs import frame_references
from spinekit.formats.sources import ImageFolder, image_folder

_NEAR_MM = 0.01
_NEAR_COSINE = 1e-3


@dataclass(frozen=True, slots=True)
class Source:
    """A DICOM image in a folder.

    Attributes:
        name: Relative to the folder.
        frames: How many.
        plane: Where it lies in the patient, or None.
    """

    name: str
    frames: int
    plane: Plane | None


@dataclass(frozen=True, slots=True)
class SourceIndex:
    """The DICOM images below a folder.

    Attributes:
        folder: The folder.
        by_uid: The images by SOPInstanceUID.
    """

    folder: ImageFolder
    by_uid: dict[str, Source] = field(repr=False)

    def references(self, uid: str) -> tuple[ImageRef, ...] | Absent:
        """The frames of an image, with size, hash and spacing; its pixels are decoded once for it.

        Args:
            uid: Its SOPInstanceUID.
        """
        source = self.by_uid.get(uid)
        if source is None:
            return Absent(f"source image not found: {uid}")
        return frame_references(self.folder, source.name)


def index_sources(root: Path, notice: Callable[[str], None]) -> SourceIndex:
    """The DICOM images below a folder, by their headers alone.

    Raises:
        AnnotationError: If the folder does not exist.
    """
    folder = image_folder(root)
    found: dict[str, Source] = {}
    for name, path in folder.paths.items():
        try:
            entry = _entry(path, name)
        except (SpinekitError, OSError) as error:
            notice(f"{path}: {error} -- passed over")
            continue
        if entry is not None and entry[0] in found:
            notice(f"{path}: is the same DICOM instance as {found[entry[0]].name} -- the first is taken")
        elif entry is not None:
            found[entry[0]] = entry[1]
    return SourceIndex(folder, found)


def same_plane(one: Plane | None, other: Plane | None) -> bool:
    """Whether two images lie at one place, turned alike; those that do not say where count as alike."""
    if one is None or other is None:
        return True
    return math.dist(one.position, other.position) <= _NEAR_MM and all(
        abs(a - b) <= _NEAR_COSINE for a, b in zip(one.orientation, other.orientation, strict=True)
    )


def _entry(path: Path, name: str) -> tuple[str, Source] | None:
    """UID and entry of an image file; None for any other."""
    with path.open("rb") as stream:
        if not sniff(stream.read(1024)):
            return None
    with legible(path):
        import pydicom

        quiet()
        check_inflated_size(path)
        wanted = [
            "SOPClassUID",
            "SOPInstanceUID",
            "NumberOfFrames",
            "ImagePositionPatient",
            "ImageOrientationPatient",
        ]
        item = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=wanted)
        uid = identifier(item, "SOPInstanceUID")
        if uid is None or code(item, "SOPClassUID") in {SEGMENTATION, LABELMAP_SEGMENTATION}:
            return None
        return uid, Source(name, integer(item, "NumberOfFrames") or 1, plane_of(item))
