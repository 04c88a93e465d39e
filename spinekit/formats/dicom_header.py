"""Opening a DICOM object: everything that can be refused before a pixel is decoded."""

from __future__ import annotations

import logging
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spinekit.core.errors import ReadError, SkipFile
from spinekit.formats.dicom_values import BadAttributeError, code, identifier, integer, tag_text
from spinekit.formats.plugin import MAX_PIXELS

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
NATIVE = frozenset({IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED})
PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"

INFLATED_BYTES = 256 << 20
"""Largest deflated object that is opened while the limit of pixels is the usual one."""

_HEAD_BYTES = 1 << 16
_LONG_LENGTH = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
_UNDEFINED_LENGTH = 0xFFFFFFFF
_EXPORT = "export it again from its source"


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """An object that holds an image of bearable size.

    Attributes:
        item: The object.
        path: The file.
        syntax: UID of the transfer syntax.
        rows: Height of a frame.
        columns: Width of a frame.
        frames: How many.
        samples: Values per pixel.
        allocated: Bits per value in the file.
        stored: Bits of them that count.
        signed: Whether values are two's complement.
        photometric: E.g. ``MONOCHROME1``.
        pixel_keyword: Which attribute holds the pixels.
        warnings: One line each.
    """

    item: Dataset
    path: Path
    syntax: str
    rows: int
    columns: int
    frames: int
    samples: int
    allocated: int
    stored: int
    signed: bool
    photometric: str
    pixel_keyword: str
    warnings: tuple[str, ...]

    @property
    def little_endian(self) -> bool:
        """Whether numbers in the file start with their low byte."""
        return self.syntax != EXPLICIT_BIG


def open_image(path: Path, max_pixels: int = MAX_PIXELS) -> ImageHeader:
    """Reads an object as far as its pixels, which stay encoded.

    Args:
        path: The file.
        max_pixels: Limit of rows x columns x frames.

    Raises:
        ReadError: If it is damaged, incomplete, too large, or no DICOM at all.
        SkipFile: If it is an object that never holds an image.
    """
    import pydicom

    quiet()
    with path.open("rb") as stream:
        marked = stream.read(132)[128:] == b"DICM"
    check_inflated_size(path, max_pixels)
    item = pydicom.dcmread(path, force=True)
    if not marked and "Rows" not in item and "SOPClassUID" not in item:
        raise ReadError(path, "not a DICOM image", "export it as DICOM, PNG, JPEG or TIFF")
    _check_complete(path, item)
    keyword = next((name for name in PIXEL_KEYWORDS if name in item), None)
    if keyword is None:
        raise _without_pixels(path, item)
    try:
        return _described(path, item, keyword, marked, max_pixels)
    except BadAttributeError as error:
        raise ReadError(path, str(error), _EXPORT) from error


def _described(path: Path, item: Dataset, keyword: str, marked: bool, max_pixels: int) -> ImageHeader:
    """The image's description, each attribute checked."""
    _check_named_syntax(path, item, marked)
    little = bool(item.original_encoding[1])
    rows, columns = (_required(item, name, little) for name in ("Rows", "Columns"))
    frames = integer(item, "NumberOfFrames", little) or 1
    if rows < 1 or columns < 1 or frames < 1:
        raise ReadError(path, f"{rows} rows, {columns} columns and {frames} frames cannot be", _EXPORT)
    if rows * columns * frames > max_pixels:
        extent = f"{columns} x {rows}" + (f" x {frames} frames" if frames > 1 else "")
        raise ReadError(
            path,
            f"{extent} pixels exceed the limit of {max_pixels / 1e6:g} million",
            "raise it with --max-pixels if the file is genuine",
        )
    allocated = _required(item, "BitsAllocated", little)
    photometric = code(item, "PhotometricInterpretation")
    if not photometric:
        raise BadAttributeError("PhotometricInterpretation", "is missing")
    samples = _required(item, "SamplesPerPixel", little)
    real = keyword != "PixelData"
    stored = allocated if real else _required(item, "BitsStored", little)
    if not 1 <= stored <= allocated <= 64:
        raise BadAttributeError("BitsStored", f"is {stored} of {allocated} allocated")
    syntax, warnings = _syntax(path, item)
    header = ImageHeader(
        item,
        path,
        syntax,
        rows,
        columns,
        frames,
        samples,
        allocated,
        stored,
        not real and _required(item, "PixelRepresentation", little) == 1,
        photometric,
        keyword,
        warnings,
    )
    if syntax in NATIVE:
        _check_native_length(header)
    return header


def _required(item: Dataset, keyword: str, little_endian: bool) -> int:
    number = integer(item, keyword, little_endian)
    if number is None:
        raise BadAttributeError(keyword, "is missing")
    return number


def _without_pixels(path: Path, item: Dataset) -> ReadError:
    """What to say of an object without pixels: most kinds never have any."""
    from pydicom.uid import UID

    meta = getattr(item, "file_meta", None)
    kind = identifier(item, "SOPClassUID") or identifier(meta, "MediaStorageSOPClassUID")
    if kind == MEDIA_DIRECTORY:
        return SkipFile(path, "a DICOMDIR, which only lists other files", "give the folder that it lists")
    name = UID(kind).name if kind else ""
    if "Image Storage" in name or "Rows" in item:
        missing = f"PixelData {tag_text('PixelData')} is missing"
        return ReadError(path, f"an image without pixels: {missing}", _EXPORT)
    what = name if name and not name[0].isdigit() else code(item, "Modality") or "of unstated kind"
    return SkipFile(path, f"a DICOM object without an image ({what})", "nothing is to be done")


def _named_syntax(item: Dataset) -> str | None:
    return identifier(getattr(item, "file_meta", None), "TransferSyntaxUID")


def _check_named_syntax(path: Path, item: Dataset, marked: bool) -> None:
    """A file with a header that names no transfer syntax is damaged, and no guess is made."""
    if _named_syntax(item) is None and (marked or len(getattr(item, "file_meta", None) or ())):
        missing = f"TransferSyntaxUID {tag_text('TransferSyntaxUID')} is missing"
        raise ReadError(path, missing, "add it with a DICOM editor, or " + _EXPORT)


def _syntax(path: Path, item: Dataset) -> tuple[str, tuple[str, ...]]:
    """The transfer syntax, guessed for files without any header where the length of the pixels then fits."""
    uid = _named_syntax(item)
    if uid is not None:
        return uid, ()
    implicit, little = item.original_encoding
    uid = IMPLICIT_LITTLE if implicit else EXPLICIT_LITTLE if little else EXPLICIT_BIG
    expected = _native_bytes(item)
    if not expected <= len(_pixel_bytes(item)) <= expected + 1:
        reason = "no file header names a transfer syntax, and the pixels' length fits none"
        raise ReadError(path, reason, _EXPORT)
    return uid, ("no file header: the transfer syntax was guessed, and the length of the pixels confirms it",)


def _native_bytes(item: Dataset) -> int:
    from pydicom.pixels.utils import get_expected_length

    return int(get_expected_length(item, unit="bytes"))


def _pixel_bytes(item: Dataset) -> bytes:
    keyword = next(name for name in PIXEL_KEYWORDS if name in item)
    value = item.get_item(keyword).value
    return value if isinstance(value, bytes) else b""


def _check_native_length(header: ImageHeader) -> None:
    """Pixels that are not compressed must all be there; nothing is filled up with black."""
    expected, found = _native_bytes(header.item), len(_pixel_bytes(header.item))
    if found < expected:
        raise ReadError(
            header.path, f"the pixels are cut off: {expected} bytes expected, {found} found", _EXPORT
        )


def _check_complete(path: Path, item: Dataset) -> None:
    """Finds the attribute in whose middle the file ends, which pydicom passes over in silence."""
    from pydicom.datadict import keyword_for_tag

    for element in item.values():
        length, value = getattr(element, "length", None), element.value
        if length in (None, _UNDEFINED_LENGTH) or not isinstance(value, bytes) or len(value) >= length:
            continue
        name = keyword_for_tag(element.tag) or str(element.tag)
        raise ReadError(
            path, f"cut off within {name}: {length} bytes expected, {len(value)} found", "copy it again"
        )


def quiet() -> None:
    """Keeps what pydicom logs from every log file: it quotes values, names of patients among them."""
    logging.getLogger("pydicom").propagate = False


def check_inflated_size(path: Path, max_pixels: int = MAX_PIXELS) -> None:
    """Refuses a deflated object that would not fit: kilobytes may unfold to gigabytes, of tags alone too.

    Args:
        path: The file, deflated or not.
        max_pixels: Limit of rows x columns x frames, to which the limit of bytes is in proportion.

    Raises:
        ReadError: If it is too large, or its deflated content is damaged.
    """
    with path.open("rb") as stream:
        start, syntax = _meta_end(stream.read(_HEAD_BYTES))
    if syntax != DEFLATED:
        return
    limit = int(INFLATED_BYTES * max(1.0, max_pixels / MAX_PIXELS))
    inflater, inflated = zlib.decompressobj(-zlib.MAX_WBITS), 0
    try:
        with path.open("rb") as stream:
            stream.seek(start)
            while not inflater.eof:
                block = inflater.unconsumed_tail or stream.read(1 << 16)
                unfolded = len(inflater.decompress(block, 1 << 20))
                inflated += unfolded
                if inflated > limit:
                    raise ReadError(
                        path,
                        f"its deflated content exceeds {limit >> 20} MiB",
                        "raise the limit with --max-pixels if the file is genuine",
                    )
                if not block and not unfolded:
                    raise ReadError(path, "its deflated content is cut off", "copy it again")
    except zlib.error as error:
        raise ReadError(path, "its deflated content is damaged", "copy it again") from error


def _meta_end(head: bytes) -> tuple[int, str]:
    """Where the file header ends, and the transfer syntax that it names; the header is always explicit VR."""
    position, syntax = 132, ""
    if head[128:132] != b"DICM":
        return 0, syntax
    while head[position : position + 2] == b"\x02\x00" and position + 8 <= len(head):
        if head[position + 4 : position + 6] in _LONG_LENGTH:
            length, start = int.from_bytes(head[position + 8 : position + 12], "little"), position + 12
        else:
            length, start = int.from_bytes(head[position + 6 : position + 8], "little"), position + 8
        if head[position + 2 : position + 4] == b"\x10\x00":
            syntax = head[start : start + length].decode("ascii", "replace").strip(" \0")
        position = start + length
    return position, syntax
