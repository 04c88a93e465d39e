"""Small DICOM objects, written with whatever a test wants to be odd about them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

DX = "1.2.840.10008.5.1.4.1.1.1.1"
RAMP = np.arange(64 * 48, dtype=np.uint16).reshape(64, 48)


def dataset(pixels: npt.NDArray[Any] = RAMP, attributes: Mapping[str, Any] | None = None) -> Dataset:
    """A DX image of 12 bits in 16, of several frames if ``pixels`` has three axes; None takes one away."""
    item = Dataset()
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = DX
    item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["sample"])
    item.Modality = "DX"
    item.Rows, item.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        item.NumberOfFrames = pixels.shape[0]
    item.SamplesPerPixel = 1
    item.PhotometricInterpretation = "MONOCHROME2"
    item.BitsAllocated = 8 * pixels.dtype.itemsize
    item.BitsStored = min(12, item.BitsAllocated)
    item.HighBit = item.BitsStored - 1
    item.PixelRepresentation = int(pixels.dtype.kind == "i")
    item.add_new("PixelData", "OW", pixels.tobytes() + b"\0" * (pixels.nbytes % 2))
    for keyword, value in (attributes or {}).items():
        if value is None:
            delattr(item, keyword)
        else:
            setattr(item, keyword, value)
    return item


def write(folder: Path, pixels: npt.NDArray[Any] = RAMP, attributes: Mapping[str, Any] | None = None) -> Path:
    """The same as a file in ``folder``."""
    return save(folder, dataset(pixels, attributes))


def save(folder: Path, item: Dataset, name: str = "image.dcm") -> Path:
    """Writes an object and gives its path."""
    path = folder / name
    item.save_as(path, enforce_file_format=True)
    return path


def plant(path: Path, old: bytes, new: bytes) -> Path:
    """Replaces bytes of a file by as many others: what no library would write."""
    content = path.read_bytes()
    assert len(old) == len(new)
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))
    return path
