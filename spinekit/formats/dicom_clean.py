"""DICOM images without identities (PS3.15 Annex E), by a list of what may stay; see `dicom_clean_rules`.

The header is built anew, so is the file around it: preamble, file header, private tags, overlays, curves and
whatever follows the pixels are not carried over. Pixels are decoded and written plain, since code streams have
remarks of their own, and bits above those in use may hold an overlay. UIDs and the patient's number become those
that a keyed hash gives, alike in all files cleaned with one key. What was written is then searched for every value
that was taken away, and removed again if one is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spinekit.core.errors import ReadError
from spinekit.files import atomic_path
from spinekit.formats.dicom_clean_header import SECONDARY_CAPTURE, Box, CleanRules, cleaned_header
from spinekit.formats.dicom_clean_rules import DATES
from spinekit.formats.dicom_header import ImageHeader, open_image
from spinekit.formats.dicom_maker import EXPLICIT_LITTLE, IMPLEMENTATION, made_from
from spinekit.formats.dicom_values import code
from spinekit.formats.plugin import MAX_PIXELS

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def clean_file(path: Path, out: Path, rules: CleanRules, max_pixels: int = MAX_PIXELS) -> tuple[str, ...]:
    """Writes a copy of an image without identities, and searches it for what was taken away.

    Args:
        path: The file.
        out: The copy to be.
        rules: How.
        max_pixels: Larger images are refused before they are decoded.

    Returns:
        What a person should know, one line each; no value of the source is quoted.

    Raises:
        ReadError: If the file holds no image, says that text is burned into it and no part was blackened, or if a
            value of the source is found in the copy; there is then no copy.
    """
    from spinekit.formats.dicom_rescan import left_over

    with made_from(path):
        header = open_image(path, max_pixels)
        notes = list(_burned_in(header, rules))
        made = cleaned_header(header.item, rules, path)
        _write_pixels(made, header, rules)
        _add_file_header(made)
        with atomic_path(out) as temporary:
            made.save_as(temporary, enforce_file_format=True)
            found = left_over(header.item, path, temporary, _kept_as_asked(rules))
            if found:
                raise ReadError(
                    path,
                    f"{len(found)} values of its header are still in the copy ({', '.join(found[:3])})",
                    "the copy was removed: tell the makers which attribute it is",
                )
        out.chmod(0o600)
        return tuple(notes)


def _kept_as_asked(rules: CleanRules) -> frozenset[str]:
    """Attributes whose very values the user wants in the copy: times of day, and who is shown in general words."""
    times = {keyword for keyword in DATES if keyword.endswith("Time") and not keyword.endswith("DateTime")}
    kept = times if rules.shift_dates else set()
    return frozenset(kept | ({"PatientAge", "PatientSex"} if rules.person else set()))


def _burned_in(header: ImageHeader, rules: CleanRules) -> tuple[str, ...]:
    """What is to be said of text in the picture.

    Raises:
        ReadError: If there is some by the file's own word and nothing was blackened.
    """
    burned, kind = code(header.item, "BurnedInAnnotation"), code(header.item, "SOPClassUID")
    if rules.blank:
        return ("BurnedInAnnotation is written as NO on your word: look at the copy",)
    if burned == "YES":
        raise ReadError(
            header.path,
            "BurnedInAnnotation is YES: text in the picture may name the patient",
            "blacken it with --blank X,Y,W,H",
        )
    captured = kind.startswith(SECONDARY_CAPTURE) or code(header.item, "Modality") == "US"
    if not burned and captured:
        return (
            "a screen capture or ultrasound that does not say whether text is burned in: look at the copy",
        )
    return ()


def _write_pixels(made: Dataset, header: ImageHeader, rules: CleanRules) -> None:
    """All frames, decoded, the parts to be blackened black."""
    from spinekit.formats.dicom_pixels import decode_frames

    if header.pixel_keyword != "PixelData":
        raise ReadError(header.path, "its pixels are real numbers", "export it with whole numbers")
    frames = []
    for frame in decode_frames(header):
        values = np.array(frame.values)
        if frame.colour and values.dtype != np.uint8:
            values = (values >> 8 * (values.dtype.itemsize - 1)).astype(np.uint8)
        frames.append(blackened(values, rules.blank, inverted=header.photometric == "MONOCHROME1"))
    pixels = np.stack(frames)
    _describe_pixels(made, header, pixels)
    content = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    made.add_new("PixelData", "OB" if pixels.itemsize == 1 else "OW", content + b"\0" * (len(content) % 2))


def _describe_pixels(made: Dataset, header: ImageHeader, pixels: npt.NDArray[Any]) -> None:
    colour = pixels.ndim == 4
    made.SamplesPerPixel = 3 if colour else 1
    if colour:
        made.PhotometricInterpretation, made.PlanarConfiguration = "RGB", 0
    elif "PlanarConfiguration" in made:
        del made.PlanarConfiguration
    if len(pixels) == 1 and "NumberOfFrames" in made and header.frames == 1:
        made.NumberOfFrames = 1
    made.BitsAllocated = 8 * pixels.dtype.itemsize
    made.BitsStored = 8 if colour else min(header.stored, made.BitsAllocated)
    made.HighBit = made.BitsStored - 1
    made.PixelRepresentation = int(pixels.dtype.kind == "i")


def blackened(values: npt.NDArray[Any], boxes: Sequence[Box], inverted: bool = False) -> npt.NDArray[Any]:
    """Pixels with some boxes black.

    Args:
        values: (H, W) or (H, W, C); changed in place.
        boxes: Left, top, width, height; parts beyond the picture count for nothing.
        inverted: Whether the highest value is black.
    """
    dark = values.max() if inverted else values.min()
    for left, top, width, height in boxes:
        values[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = dark
    return values


def _add_file_header(made: Dataset) -> None:
    from pydicom.dataset import FileMetaDataset

    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = made.SOPClassUID, made.SOPInstanceUID
    meta.TransferSyntaxUID = EXPLICIT_LITTLE
    meta.ImplementationClassUID, meta.ImplementationVersionName = IMPLEMENTATION, "SPINEKIT"
    made.file_meta = meta
    made.preamble = b"\0" * 128
