"""A DICOM segmentation as it is: its segments, and of which image each of its frames is (PS3.3 A.51, A.85).

The header is read without the pixels, and refused before decoding where its sizes cannot be; frames are then
decoded one at a time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spinekit.core.errors import AnnotationError, SpinekitError
from spinekit.formats.dicom_header import NATIVE, check_inflated_size, open_image, quiet
from spinekit.formats.dicom_values import code, decimals, identifier, integer
from spinekit.formats.plugin import MAX_PIXELS

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from spinekit.formats.dicom_header import ImageHeader

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABELMAP_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.7"
MAX_TOTAL_PIXELS = 20 * MAX_PIXELS
"""Of all frames together: a long series of many segments is genuine, its bits are few."""

_KINDS = ("BINARY", "FRACTIONAL", "LABELMAP")
_SOURCE_IMAGE = "121322"  # DCM: source image for image processing operation
_FIX = "export the segmentation again"


@dataclass(frozen=True, slots=True)
class Segment:
    """What is segmented.

    Attributes:
        number: From 1; 0 may be the background of a label map.
        label: SegmentLabel.
        concepts: Coded property type, then anatomic regions: value, scheme, meaning.
        algorithm: ``AUTOMATIC``, ``SEMIAUTOMATIC``, ``MANUAL`` or empty.
    """

    number: int
    label: str
    concepts: tuple[tuple[str, str, str], ...] = ()
    algorithm: str = ""


@dataclass(frozen=True, slots=True)
class Plane:
    """Where a frame lies in the patient: ImagePositionPatient (mm) and ImageOrientationPatient."""

    position: tuple[float, ...]
    orientation: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SegFrame:
    """One frame of a segmentation.

    Attributes:
        index: From 0.
        segment: Its segment's number; None in a label map, which holds all.
        sources: Instance UID and frame (from 0, or None) of each image it says it was made from.
        plane: Where it lies, or None.
    """

    index: int
    segment: int | None
    sources: tuple[tuple[str, int | None], ...]
    plane: Plane | None


@dataclass(frozen=True, slots=True)
class SegObject:
    """A segmentation without its pixels.

    Attributes:
        path: The file.
        kind: ``BINARY``, ``FRACTIONAL`` or ``LABELMAP``.
        fraction: ``PROBABILITY`` or ``OCCUPANCY`` of a fractional one, or empty.
        full: Stored value that stands for 1.
        rows: Height of a frame.
        columns: Width of a frame.
        segments: By number.
        frames: In their order.
        referenced: Instance UIDs of all images that it speaks of.
    """

    path: Path
    kind: str
    fraction: str
    full: int
    rows: int
    columns: int
    segments: dict[int, Segment]
    frames: tuple[SegFrame, ...]
    referenced: tuple[str, ...]


@contextlib.contextmanager
def legible(path: Path) -> Iterator[None]:
    """Turns all that pydicom raises on damaged objects into one line; its own text may quote attributes."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except SpinekitError:
        raise
    except OSError as error:
        reason = error.strerror or "damaged"
        raise AnnotationError(f"{path}: cannot be read ({reason}) -- {_FIX}") from error
    except MemoryError as error:
        raise AnnotationError(f"{path}: is too large for the memory -- split the segmentation") from error
    except Exception as error:
        raise AnnotationError(f"{path}: damaged or unusual ({type(error).__name__}) -- {_FIX}") from error


def is_segmentation(path: Path) -> bool:
    """Whether a file is a DICOM segmentation, by its file header; never raises."""
    try:
        import pydicom

        with path.open("rb") as stream:
            if stream.read(132)[128:] != b"DICM":
                return False
        with warnings.catch_warnings(action="ignore"):
            meta = pydicom.filereader.read_file_meta_info(path)
        return identifier(meta, "MediaStorageSOPClassUID") in {SEGMENTATION, LABELMAP_SEGMENTATION}
    except Exception:  # noqa: BLE001  (whatever is wrong with it, it is no segmentation to be read)
        return False


def read_object(path: Path) -> SegObject:
    """A segmentation's segments and frames.

    Raises:
        AnnotationError: If it is damaged, tiled, or contradicts itself.
        ReadError: If its deflated content is too large.
    """
    with legible(path):
        import pydicom

        quiet()
        check_inflated_size(path)
        item = pydicom.dcmread(path, stop_before_pixels=True)
        return _object(path, item)


def open_pixels(found: SegObject) -> ImageHeader:
    """The object with its pixels, still encoded.

    Raises:
        AnnotationError: If they are cut off or cannot be.
    """
    with legible(found.path):
        header = open_image(found.path, MAX_TOTAL_PIXELS)
        # The numbers of a label map are no colours, whatever palette it brings.
        return dataclasses.replace(header, photometric="MONOCHROME2")


def frame_values(found: SegObject, header: ImageHeader, index: int) -> npt.NDArray[np.integer[Any]]:
    """The stored values of one frame, (H, W).

    Raises:
        AnnotationError: If they cannot be decoded.
    """
    from spinekit.formats.dicom_pixels import decode_frames

    with legible(found.path):
        values: npt.NDArray[np.integer[Any]]
        if header.allocated == 1 and header.syntax in NATIVE:
            values = _bits(header, index)
        else:
            (frame,) = decode_frames(header, only=index)
            values = frame.values
        if values.shape != (found.rows, found.columns):
            raise AnnotationError(f"{found.path}: frame {index + 1} is of another size -- {_FIX}")
        return values


def _bits(header: ImageHeader, index: int) -> npt.NDArray[np.uint8]:
    """A frame of single bits, which follow each other without gaps from frame to frame (PS3.5 8.1.1).

    pydicom 3.0 decodes such a frame only where frames end at whole bytes.
    """
    size = header.rows * header.columns
    first, end = index * size, (index + 1) * size
    packed = np.frombuffer(header.item.PixelData, dtype=np.uint8)[first // 8 : (end + 7) // 8]
    bits = np.unpackbits(packed, bitorder="little")[first % 8 :][:size]
    return bits.reshape(header.rows, header.columns)


def _object(path: Path, item: Dataset) -> SegObject:
    kind = code(item, "SegmentationType")
    if code(item, "SOPClassUID") == LABELMAP_SEGMENTATION:
        kind = "LABELMAP"
    if kind not in _KINDS:
        raise AnnotationError(f"{path}: SegmentationType is {kind or 'missing'} -- write {', '.join(_KINDS)}")
    rows, columns, count = (integer(item, name) or 0 for name in ("Rows", "Columns", "NumberOfFrames"))
    count = max(count, 1)
    groups = _items(item, "PerFrameFunctionalGroupsSequence")
    if code(item, "DimensionOrganizationType") == "TILED_FULL" or "TotalPixelMatrixRows" in item:
        raise AnnotationError(
            f"{path}: is a tiled segmentation, which is not supported -- export whole images"
        )
    if rows < 1 or columns < 1 or len(groups) != count:
        raise AnnotationError(
            f"{path}: {columns} x {rows} px, {count} frames and {len(groups)} descriptions of frames cannot be "
            f"-- {_FIX}"
        )
    if rows * columns > MAX_PIXELS or rows * columns * count > MAX_TOTAL_PIXELS:
        raise AnnotationError(
            f"{path}: {columns} x {rows} px x {count} frames exceed the limit -- split the segmentation"
        )
    shared = (_items(item, "SharedFunctionalGroupsSequence") or [None])[0]
    segments = {segment.number: segment for segment in map(_segment, _items(item, "SegmentSequence"))}
    frames = tuple(_frame(path, index, group, shared, kind) for index, group in enumerate(groups))
    for frame in frames:
        if frame.segment is not None and frame.segment not in segments:
            raise AnnotationError(
                f"{path}: frame {frame.index + 1} is of segment {frame.segment}, which is not there -- {_FIX}"
            )
    full = integer(item, "MaximumFractionalValue") or (255 if kind == "FRACTIONAL" else 1)
    fraction = code(item, "SegmentationFractionalType") if kind == "FRACTIONAL" else ""
    return SegObject(path, kind, fraction, full, rows, columns, segments, frames, _referenced(item))


def _items(item: Dataset | None, keyword: str) -> list[Any]:
    """The items of a sequence; none where it is absent or no sequence."""
    found = item.get(keyword) if item is not None else None
    return list(found) if isinstance(found, Sequence) and not isinstance(found, str | bytes) else []


def _segment(item: Dataset) -> Segment:
    types = _items(item, "SegmentedPropertyTypeCodeSequence")
    regions = _items(item, "AnatomicRegionSequence") + _items(item, "PrimaryAnatomicStructureSequence")
    return Segment(
        number=integer(item, "SegmentNumber") or 0,
        label=str(item.get("SegmentLabel") or "").strip()[:64],
        concepts=tuple(_concept(concept) for concept in types[:1] + regions),
        algorithm=code(item, "SegmentAlgorithmType"),
    )


def _concept(item: Dataset) -> tuple[str, str, str]:
    return (
        code(item, "CodeValue"),
        code(item, "CodingSchemeDesignator"),
        str(item.get("CodeMeaning") or "")[:64],
    )


def _frame(path: Path, index: int, group: Dataset, shared: Dataset | None, kind: str) -> SegFrame:
    """What the functional groups say of a frame."""
    segment = _first(group, shared, "SegmentIdentificationSequence")
    number = None if segment is None else integer(segment, "ReferencedSegmentNumber")
    if kind != "LABELMAP" and number is None:
        raise AnnotationError(f"{path}: frame {index + 1} names no segment -- {_FIX}")
    derivations = _items(group, "DerivationImageSequence") or _items(shared, "DerivationImageSequence")
    images = [image for derivation in derivations for image in _items(derivation, "SourceImageSequence")]
    meant = [image for image in images if _is_source(image)] or images
    sources = tuple(dict.fromkeys(source for image in meant if (source := _source(image)) is not None))
    plane = _plane(
        _first(group, shared, "PlanePositionSequence"), _first(group, shared, "PlaneOrientationSequence")
    )
    return SegFrame(index, None if kind == "LABELMAP" else number, sources, plane)


def _first(group: Dataset, shared: Dataset | None, keyword: str) -> Dataset | None:
    """A frame's functional group of one kind: its own, or else the one that all frames share."""
    return next((found[0] for place in (group, shared) if (found := _items(place, keyword))), None)


def _is_source(image: Dataset) -> bool:
    return any(
        code(item, "CodeValue") == _SOURCE_IMAGE for item in _items(image, "PurposeOfReferenceCodeSequence")
    )


def _source(image: Dataset) -> tuple[str, int | None] | None:
    uid = identifier(image, "ReferencedSOPInstanceUID")
    if uid is None:
        return None
    if "ReferencedFrameNumber" not in image:
        return uid, None
    numbers = image.ReferencedFrameNumber
    number = int(numbers[0] if isinstance(numbers, Sequence) and not isinstance(numbers, str) else numbers)
    return uid, number - 1


def plane_of(item: Dataset) -> Plane | None:
    """Where a plain image lies in the patient, or None where it does not say so."""
    return _plane(item, item)


def _plane(position: Dataset | None, orientation: Dataset | None) -> Plane | None:
    if position is None or orientation is None:
        return None
    place = decimals(position, "ImagePositionPatient") or []
    turn = decimals(orientation, "ImageOrientationPatient") or []
    return Plane(tuple(place), tuple(turn)) if (len(place), len(turn)) == (3, 6) else None


def _referenced(item: Dataset) -> tuple[str, ...]:
    """The images that the whole object is about."""
    series = _items(item, "ReferencedSeriesSequence")
    listed = [one for part in series for one in _items(part, "ReferencedInstanceSequence")]
    found = (
        identifier(one, "ReferencedSOPInstanceUID") for one in listed or _items(item, "SourceImageSequence")
    )
    return tuple(dict.fromkeys(uid for uid in found if uid))
