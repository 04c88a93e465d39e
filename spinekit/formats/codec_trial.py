"""Whether each pixel codec of DICOM works here, tried on a ramp of 32 x 32 pixels; run in a process of its own.

A codec that is missing, of the wrong version or built for another machine shows itself only when it decodes.
"""

from __future__ import annotations

import base64
import io
import json
import warnings

import numpy as np

_SIDE = 32
_LOSSY_BY = 3  # grey values by which JPEG Baseline may miss the ramp

# Name, transfer syntax, and the ramp 4 y + 2 x in it.
_SAMPLES = (
    (
        "JPEG Baseline",
        "1.2.840.10008.1.2.4.50",
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoK"
        "CgoKBggLDAsKDAkKCgr/wAALCAAgACABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAABwn/xAAZEAABBQAAAAAAAAAAAAAAAAAABgck"
        "MqH/2gAIAQEAAD8Aimmm2rHwQE021Y+CAmm2rHwQE021Y+B+mm2rHwQE021Y+CAmm2rHwQE021Y+B+mm2rHwQE021Y+CAmm2rHwQ"
        "E021Y+B+mm2rHwQE021Y+CAmm2rHwQE021Y+H//Z",
    ),
    (
        "JPEG Lossless",
        "1.2.840.10008.1.2.4.70",
        "/9j/4AAQSkZJRgABAQAAAQABAAD/wwALCAAgACABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAAAgMI/9oACAEBAAEAAM/pJJJJJJJJ"
        "JJJJJJKiSSSSSSSSSSSSSSSokkkkkkkkkkkkkkkqJJJJJJJJJJJJJJJKiSSSSSSSSSSSSSSSokkkkkkkkkkkkkkkqJJJJJJJJJJJ"
        "JJJJKiSSSSSSSSSSSSSSSokkkkkkkkkkkkkkkqJJJJJJJJJJJJJJJKiSSSSSSSSSSSSSSSokkkkkkkkkkkkkkkqJJJJJJJJJJJJJ"
        "JJKiSSSSSSSSSSSSSSSokkkkkkkkkkkkkkkqJJJJJJJJJJJJJJJKiSSSSSSSSSSSSSSSokkkkkkkkkkkkkkkqJJJJJJJJJJJJJJJ"
        "KiSSSSSSSSSSSSSSSokkkkkkkkkkkkkkkqJJJJJJJJJJJJJJJKiSSSSSSSSSSSSSSSokkkkkkkkkkkkkkkqJJJJJJJJJJJJJJJKi"
        "SSSSSSSSSSSSSSSokkkkkkkkkkkkkkkqJJJJJJJJJJJJJJJKiSSSSSSSSSSSSSSSokkkkkkkkkkkkkkkqJJJJJJJJJJJJJJJKiSS"
        "SSSSSSSSSSSSS//Z",
    ),
    (
        "JPEG-LS",
        "1.2.840.10008.1.2.4.80",
        "/9j/9wALCAAgACABAREA/9oACAEBAAAAAL/32/92/3//f/kTSr//f+hP/3//fN//f/9xP/9//23/f/9/b/9//3t//3//Z/9//37/"
        "f/9/3/9//3v/f/9/f/9//2//f/99/3//f7//f/93/3//f/9//3//f/9//3//f/9//3//f/9//3//f/9//3//f/9//3//f/9//3//"
        "f/9//3//f/9//3//f/9//3//f/9//3z/2QA=",
    ),
    (
        "JPEG 2000",
        "1.2.840.10008.1.2.4.90",
        "/0//UQApAAAAAAAgAAAAIAAAAAAAAAAAAAAAIAAAACAAAAAAAAAAAAABBwEB/1IADAAAAAEABQQEAAH/XAATQEBISFBISFBISFBI"
        "SFBISFD/ZAAlAAFDcmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjL/kAAKAAAAAABbAAH/k8+0DAb/f8PqAo+0CAQ/BF/B"
        "84SH1AYNAf9/Cz2KwPkCQfOEACIaCF8Df91RwHwiQPkDADahmr89pjRbENvAOiQHwjBfp8eHnawpQP9//9k=",
    ),
)
_RLE = "1.2.840.10008.1.2.5"
_RLE_HEADER = 64


def ramp() -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """(32, 32) uint8: what every sample shows."""
    return np.add.outer(np.arange(_SIDE) * 4, np.arange(_SIDE) * 2).astype(np.uint8)


def _run_length(pixels: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> bytes:
    """One segment of literal runs, one a row (PS3.5 annex G)."""
    header = np.zeros(16, dtype="<u4")
    header[:2] = 1, _RLE_HEADER
    return header.tobytes() + b"".join(bytes([_SIDE - 1]) + row.tobytes() for row in pixels)


def codec_faults() -> dict[str, str]:
    """Each codec by name with what is wrong with it; an empty text where it decodes its sample.

    The samples go through the same decoders as films.
    """
    samples = [(name, syntax, base64.b64decode(text)) for name, syntax, text in _SAMPLES]
    return {
        name: _fault(syntax, stream)
        for name, syntax, stream in (*samples, ("RLE", _RLE, _run_length(ramp())))
    }


def _fault(syntax: str, stream: bytes) -> str:
    try:
        decoded = _decoded(syntax, stream)
    except Exception as error:  # noqa: BLE001  (whatever a broken installation raises)
        return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
    furthest = int(np.abs(decoded.astype(int) - ramp()).max())
    allowed = _LOSSY_BY if syntax.endswith(".50") else 0
    return "" if furthest <= allowed else f"decodes wrongly, by up to {furthest} grey values"


def _decoded(syntax: str, stream: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The first frame of an object made around a code stream."""
    import tempfile
    from pathlib import Path

    from spinekit.formats.dicom_header import open_image
    from spinekit.formats.dicom_pixels import decode_frames

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sample.dcm")
        path.write_bytes(_object(syntax, stream))
        (frame,) = decode_frames(open_image(path))
    return frame.values


def _object(syntax: str, stream: bytes) -> bytes:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID, SecondaryCaptureImageStorage, generate_uid

    item = Dataset()
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = UID(syntax)
    item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["doctor"])
    item.Rows = item.Columns = _SIDE
    item.SamplesPerPixel, item.PixelRepresentation = 1, 0
    item.PhotometricInterpretation = "MONOCHROME2"
    item.BitsAllocated = item.BitsStored = 8
    item.HighBit = 7
    item.PixelData = encapsulate([stream])
    item["PixelData"].is_undefined_length = True
    target = io.BytesIO()
    item.save_as(target, enforce_file_format=True)
    return target.getvalue()


if __name__ == "__main__":
    with warnings.catch_warnings(action="ignore"):
        print(json.dumps(codec_faults()))
