"""DICOM images: radiographs first, everything else that holds pixels by the same rules.

The order of the grey-scale steps stands in `dicom_grey`, the origin of millimetres in `dicom_spacing`, what
is refused before decoding in `dicom_header`. No attribute of the patient leaves this module.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spinekit.core.image import Image, ImageRef
from spinekit.formats import grey
from spinekit.formats.plugin import ImageFormat, ReadOptions

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from spinekit.formats.dicom_header import ImageHeader
    from spinekit.formats.dicom_pixels import Frame

USUAL_MODALITIES = frozenset({"CR", "DX", "RF", "XA", "RG", "MG", "PX", "IO", "SC", "OT", "CT", "MR"})
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_NO_PREAMBLE = re.compile(rb"[\x02\x08]\x00[\x00-\xff]\x00([A-Z]{2}|[\x02-\x40]\x00\x00\x00)")
_NO_PREAMBLE_BIG = re.compile(rb"\x00[\x02\x08]\x00[\x00-\xff][A-Z]{2}")


def sniff(head: bytes) -> bool:
    """Whether the first bytes are those of a DICOM file, with its preamble or (an old habit) without."""
    if head[128:132] == b"DICM":
        return True
    return bool(_NO_PREAMBLE.match(head) or _NO_PREAMBLE_BIG.match(head))


def read(path: Path, options: ReadOptions) -> Iterator[Image]:
    """The frames of an object, one image each.

    Args:
        path: The file.
        options: Spacing and window stated by the user, limit of pixels.

    Raises:
        ReadError: If the object is damaged, too large, or of an unsupported kind.
        SkipFile: If it never holds an image (a report, a plan, a DICOMDIR).
    """
    from spinekit.formats.dicom_header import open_image
    from spinekit.formats.dicom_pixels import decode_frames

    header = open_image(path, options.max_pixels)
    common = (*header.warnings, *_object_warnings(header))
    hints = _hints(header.item)
    for frame in decode_frames(header):
        yield _image(header, frame, options, common, hints)


def read_raw(path: Path, frame: int | None, max_pixels: int) -> npt.NDArray[Any]:
    """One frame's values after the modality transformation, (H, W), or (H, W, 3) red, green, blue.

    Args:
        path: The file.
        frame: Index of the frame, or None for the only one.
        max_pixels: Limit of rows x columns x frames.

    Raises:
        ReadError: If the object cannot be read or has no such frame.
    """
    from spinekit.formats.dicom_grey import modality_values
    from spinekit.formats.dicom_header import open_image
    from spinekit.formats.dicom_pixels import decode_frames

    header = open_image(path, max_pixels)
    (decoded,) = decode_frames(header, only=frame or 0)
    if decoded.colour:
        return decoded.values
    return modality_values(header, decoded.values, decoded.index)


def _image(
    header: ImageHeader, frame: Frame, options: ReadOptions, common: tuple[str, ...], hints: dict[str, str]
) -> Image:
    """A frame as 8-bit grey, with the record of how it was made."""
    from spinekit.formats.dicom_grey import group_item, render, render_colour
    from spinekit.formats.dicom_spacing import find_spacing

    if frame.colour:
        made = render_colour(header, frame)
        if options.window is not None:
            made.warnings.append("a colour image has no window: the one asked for is not used")
    else:
        made = render(header, frame.values, frame.index, options.window)
    measures = group_item(header.item, frame.index, "PixelMeasuresSequence")
    finding = find_spacing(header.item, measures)
    spacing, source = finding.spacing, finding.source
    warnings = [*common, *made.warnings]
    if options.spacing is not None:
        spacing, source = options.spacing, f"stated by the user (in the file: {finding.source})"
    else:
        warnings += finding.warnings
    provenance = {"format": "DICOM", **_object_record(header), **made.record, "spacing": source}
    if made.pixels.min() == made.pixels.max():
        warnings.append(grey.NO_CONTRAST)
        provenance["contrast"] = "none"
    ref = ImageRef(
        header.path,
        header.rows,
        header.columns,
        spacing=spacing,
        aspect=finding.aspect,
        frame=frame.index if header.frames > 1 else None,
        name=header.path.name,
        provenance=provenance,
        hints=hints,
    )
    return Image(ref, np.ascontiguousarray(made.pixels), tuple(warnings))


def _object_warnings(header: ImageHeader) -> tuple[str, ...]:
    """What a reader should know of all frames."""
    from spinekit.formats.dicom_values import code

    modality, burned = code(header.item, "Modality"), code(header.item, "BurnedInAnnotation")
    lossy, intent = _lossy(header), code(header.item, "PresentationIntentType")
    captured = code(header.item, "SOPClassUID").startswith(SECONDARY_CAPTURE)
    found = []
    if modality and modality not in USUAL_MODALITIES:
        found.append(f"modality {modality}: neither a radiograph nor CT nor MR")
    if intent == "FOR PROCESSING":
        found.append("FOR PROCESSING: a raw detector image, not made to be looked at")
    if burned == "YES":
        found.append("BurnedInAnnotation is YES: text in the picture may name the patient")
    elif not burned and (modality == "US" or captured):
        found.append("a screen capture or ultrasound without BurnedInAnnotation: it may hold text")
    if lossy:
        found.append(f"compressed with loss ({lossy})")
    return tuple(found)


def _lossy(header: ImageHeader) -> str:
    """How the image was compressed with loss, now or before; empty where it never was."""
    from spinekit.formats.dicom_pixels import LOSSY
    from spinekit.formats.dicom_values import code

    if header.syntax in LOSSY:
        return LOSSY[header.syntax]
    if code(header.item, "LossyImageCompression") != "01":
        return ""
    return code(header.item, "LossyImageCompressionMethod") or "before this file was made"


def _object_record(header: ImageHeader) -> dict[str, str]:
    """What is recorded of all frames; the object's identity as a hash, for finding doubles."""
    from pydicom.uid import UID

    from spinekit.formats.dicom_values import identifier

    record = {"transfer_syntax": UID(header.syntax).name, "photometric": header.photometric}
    if lossy := _lossy(header):
        record["lossy"] = lossy
    if instance := identifier(header.item, "SOPInstanceUID"):
        record["instance"] = hashlib.sha256(instance.encode()).hexdigest()[:16]
    return record


def _hints(item: Dataset) -> dict[str, str]:
    """What is shown, by coded attributes: never who is shown."""
    from spinekit.formats.dicom_values import code

    found = {
        "modality": code(item, "Modality"),
        "body_part": code(item, "BodyPartExamined") or _meaning(item, "AnatomicRegionSequence"),
        "view": code(item, "ViewPosition") or _meaning(item, "ViewCodeSequence"),
        "laterality": code(item, "ImageLaterality") or code(item, "Laterality"),
        "orientation": code(item, "PatientOrientation"),
        "presentation_intent": code(item, "PresentationIntentType"),
        "slice_thickness_mm": _number(code(item, "SliceThickness")),
    }
    return {name: text for name, text in found.items() if text}


def _number(text: str) -> str:
    """The text of a number, or empty: what is no number does not get out."""
    try:
        return f"{float(text):g}"
    except ValueError:
        return ""


def _meaning(item: Dataset, keyword: str) -> str:
    """The words of a coded concept, or empty."""
    from spinekit.formats.dicom_values import code

    concepts = item.get(keyword)
    return code(concepts[0], "CodeMeaning") if isinstance(concepts, Sequence) and len(concepts) else ""


FORMAT = ImageFormat(
    name="dicom",
    title="DICOM image",
    suffixes=(".dcm", ".dicom", ".dic", ".ima"),
    sniff=sniff,
    read=read,
)
