"""Lookup tables of DICOM (PS3.3 C.11.1 and C.11.2): of the modality and of the values of interest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spinekit.formats.dicom_header import ImageHeader
from spinekit.formats.dicom_values import BadAttributeError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Values = npt.NDArray[Any]


def lookup_table(header: ImageHeader, table: Dataset, signed: bool) -> tuple[int, Values, int]:
    """First value mapped, entries and their declared bits of an item with ``LUTDescriptor`` and ``LUTData``.

    Raises:
        BadAttributeError: If descriptor and data do not fit.
    """
    descriptor, data = table.get("LUTDescriptor"), table.get("LUTData")
    if not isinstance(descriptor, Sequence) or len(descriptor) != 3 or data is None:
        raise BadAttributeError("LUTDescriptor", "does not describe a table")
    count, first, bits = (int(number) for number in descriptor)
    count = count or 1 << 16
    if signed and first > 0x7FFF:
        first -= 1 << 16  # PS3.3 C.11.1.1: the second number has the sign of the values
    if isinstance(data, bytes):
        packed = len(data) < 2 * count  # 8-bit entries, two in a word
        order = "<" if header.little_endian else ">"
        entries = np.frombuffer(data, dtype=np.uint8 if packed else f"{order}u2")
    else:
        entries = np.asarray(data, dtype=np.int64) & 0xFFFF
    if entries.size < count or not 1 <= bits <= 16:
        raise BadAttributeError(
            "LUTData", f"holds {entries.size} entries of {bits} bits, {count} are declared"
        )
    return first, entries[:count].astype(np.uint16), bits


def looked_up(values: Values, first: int, entries: Values) -> Values:
    """Entries by value; values before the first or after the last take the nearest entry."""
    index = np.clip(np.floor(values).astype(np.int64) - first, 0, entries.size - 1)
    found: Values = entries[index]
    return found
