"""Decoding the frames of a DICOM image, each code stream checked against the header first.

Plug-ins are asked for by name. GDCM is never among them: damaged files make it end the interpreter, which
no exception handler can catch; neither is the RLE decoder written in Rust, for pydicom has its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spinekit.core.errors import ReadError
from spinekit.formats import grey
from spinekit.formats.dicom_header import NATIVE, ImageHeader
from spinekit.formats.dicom_values import integer

if TYPE_CHECKING:
    from pydicom.pixels.decoders.base import Decoder

RLE = "1.2.840.10008.1.2.5"
BASELINE = "1.2.840.10008.1.2.4.50"
PLUGINS = ("pylibjpeg", "pyjpegls", "pillow")
LOSSY = {
    "1.2.840.10008.1.2.4.50": "JPEG Baseline",
    "1.2.840.10008.1.2.4.51": "JPEG Extended",
    "1.2.840.10008.1.2.4.81": "JPEG-LS near-lossless",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
    "1.2.840.10008.1.2.4.203": "High-Throughput JPEG 2000",
}
GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_422", "YBR_PARTIAL_420")
PALETTE = "PALETTE COLOR"
_RLE_BEST = 64  # two bytes of PackBits unfold to 128 at most
_RLE_HEADER_BYTES = 64
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame.

    Attributes:
        index: From 0.
        values: (H, W) stored values, or (H, W, 3) red, green, blue.
        colour: How colour is coded in the file, or empty for grey.
    """

    index: int
    values: npt.NDArray[Any]
    colour: str


def decode_frames(header: ImageHeader, only: int | None = None) -> Iterator[Frame]:
    """The frames one by one.

    Args:
        header: Of the object.
        only: Index of the one frame wanted, or None for all.

    Raises:
        ReadError: If the transfer syntax is not known or not supported, if a code stream does not fit the
            header, or if no decoder can read it.
    """
    if header.photometric not in (*GREY, *COLOUR, PALETTE):
        reason = f"PhotometricInterpretation (0028,0004) {header.photometric!r} is not supported"
        raise ReadError(header.path, reason, "export it as MONOCHROME2")
    decoder = _decoder(header)
    plugins = _plugins(header, decoder)
    if only is not None and not 0 <= only < header.frames:
        reason = f"there is no frame {only}, only {header.frames}"
        raise ReadError(header.path, reason, "run the whole analysis again")
    for index in range(header.frames) if only is None else (only,):
        if header.syntax not in NATIVE:
            _check_code_stream(header, _code_stream(header, index))
        values = _decoded(header, decoder, plugins, index)
        yield Frame(index, *_interpreted(header, values))


def _decoder(header: ImageHeader) -> Decoder:
    """The decoder of the transfer syntax; why there is none is said in words."""
    from pydicom.pixels import get_decoder
    from pydicom.uid import UID

    uid = UID(header.syntax)
    name = uid.name if uid.is_transfer_syntax else f"unknown transfer syntax {header.syntax}"
    if any(mark in name for mark in ("MPEG", "HEVC", "SMPTE")):
        raise ReadError(
            header.path, f"video is not supported ({name})", "export single frames as DICOM or PNG"
        )
    if "JPIP" in name:
        raise ReadError(header.path, f"its pixels lie on a server ({name})", "export it with its pixels")
    try:
        return get_decoder(uid)
    except NotImplementedError:
        raise ReadError(
            header.path, f"{name} is not supported", "export it uncompressed or as JPEG 2000 lossless"
        ) from None


def _plugins(header: ImageHeader, decoder: Decoder) -> tuple[str, ...]:
    """Names of the plug-ins to be tried, in order; one empty name where the pixels are not compressed."""
    if header.syntax in NATIVE:
        return ("",)
    wanted = {RLE: ("pydicom",), BASELINE: PLUGINS[::-1]}.get(header.syntax, PLUGINS)
    usable = tuple(name for name in wanted if name in decoder.available_plugins)
    if not usable:
        from pydicom.uid import UID

        reason = f"no decoder is installed for {UID(header.syntax).name}"
        raise ReadError(header.path, reason, "install pylibjpeg, pylibjpeg-libjpeg and pylibjpeg-openjpeg")
    return usable


def _decoded(header: ImageHeader, decoder: Decoder, plugins: tuple[str, ...], index: int) -> npt.NDArray[Any]:
    """The values of a frame by the first plug-in that can; YBR comes out as RGB."""
    faults = []
    for plugin in plugins:
        try:
            values, _ = decoder.as_array(
                header.item, index=index, decoding_plugin=plugin, **_bit_options(header)
            )
        except (RuntimeError, ValueError, NotImplementedError, AttributeError) as error:
            faults.append(_short(error))
            continue
        found: npt.NDArray[Any] = values
        return found
    from pydicom.uid import UID

    reason = f"the pixels ({UID(header.syntax).name}) cannot be decoded: {'; '.join(dict.fromkeys(faults))}"
    raise ReadError(header.path, reason, "export it uncompressed, and check the copy")


def _bit_options(header: ImageHeader) -> dict[str, int]:
    """Keeps the high bits of values that do not start at bit 0, which pydicom would cut off as unused."""
    high = integer(header.item, "HighBit", header.little_endian)
    if high is None or not header.stored <= high < header.allocated or header.syntax not in {*NATIVE, RLE}:
        return {}
    return {"bits_stored": high + 1}


def _short(error: Exception) -> str:
    """The last line of a decoder's message, which speaks of the pixels alone."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:90]


def _interpreted(header: ImageHeader, values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], str]:
    """Values at bit 0, a palette looked up, and the name of the colour coding (empty for grey)."""
    shift = _bit_options(header).get("bits_stored", header.stored) - header.stored
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if shift:
        values = values >> shift
    if header.photometric in GREY:
        return (values[..., 0] if values.ndim == 3 else values), ""
    if header.photometric != PALETTE:
        return values, header.photometric
    from pydicom.pixels import apply_color_lut

    try:
        looked_up = apply_color_lut(values, header.item)
    except (ValueError, AttributeError, IndexError, NotImplementedError) as error:
        reason = f"its colour palette is not usable ({_short(error)})"
        raise ReadError(header.path, reason, "export it as MONOCHROME2 or RGB") from error
    return looked_up[..., :3], PALETTE


def colour_to_grey(frame: Frame) -> npt.NDArray[Any]:
    """Luma of a colour frame, (H, W); partial-range YBR gives its luma as it is stored."""
    if frame.colour.startswith("YBR_PARTIAL"):
        return frame.values[..., 0]
    return grey.luma(frame.values)


def _code_stream(header: ImageHeader, index: int) -> bytes:
    """The compressed bytes of a frame."""
    from pydicom.encaps import get_frame

    offsets = None
    if "ExtendedOffsetTable" in header.item and "ExtendedOffsetTableLengths" in header.item:
        offsets = (header.item.ExtendedOffsetTable, header.item.ExtendedOffsetTableLengths)
    try:
        stream: bytes = get_frame(
            getattr(header.item, header.pixel_keyword),
            index,
            number_of_frames=header.frames,
            extended_offsets=offsets,
        )
    except (ValueError, AttributeError, TypeError) as error:
        reason = f"frame {index + 1} of {header.frames} is missing ({_short(error)})"
        raise ReadError(header.path, reason, "copy or export it again") from error
    return stream


def _check_code_stream(header: ImageHeader, stream: bytes) -> None:
    """Refuses a frame whose own size is another than the header's, or that can never fill it."""
    if header.syntax == RLE:
        wanted = header.rows * header.columns * header.samples * ((header.allocated + 7) // 8)
        if wanted > _RLE_BEST * max(len(stream) - _RLE_HEADER_BYTES, 0):
            reason = f"{len(stream)} compressed bytes can never fill {header.columns} x {header.rows} pixels"
            raise ReadError(header.path, reason, "copy or export it again")
        return
    size = code_stream_size(stream)
    if size is not None and size != (header.rows, header.columns):
        reason = (
            f"the header says {header.columns} x {header.rows} pixels, "
            f"the compressed image holds {size[1]} x {size[0]}"
        )
        raise ReadError(header.path, reason, "copy or export it again")


def code_stream_size(stream: bytes) -> tuple[int, int] | None:
    """Rows and columns by the header of a JPEG, JPEG-LS or JPEG 2000 code stream; None where not found.

    JPEG 2000 (ISO/IEC 15444-1 A.5.1): the SIZ marker follows the start of the code stream. JPEG (ISO/IEC
    10918-1 B.2.2) and JPEG-LS (14495-1 C.2.2): the frame header, found by walking the marker segments.
    """
    start = stream.find(b"\xff\x4f\xff\x51", 0, 4096)
    if start >= 0 and len(stream) >= start + 24:
        right, bottom, left, top = np.frombuffer(stream, dtype=">u4", count=4, offset=start + 8).tolist()
        return bottom - top, right - left
    position = 2
    while stream[:2] == b"\xff\xd8" and position + 9 <= len(stream) and stream[position] == 0xFF:
        marker = stream[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _JPEG_FRAMES:
            rows = int.from_bytes(stream[position + 5 : position + 7], "big")
            columns = int.from_bytes(stream[position + 7 : position + 9], "big")
            return (rows, columns) if rows else None  # 0 rows: their number follows after the scan
        else:
            position += 2 + int.from_bytes(stream[position + 2 : position + 4], "big")
    return None
