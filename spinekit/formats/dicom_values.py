"""Attributes of a DICOM object read strictly: what the file says, or a plain word that it says nonsense.

pydicom hands out malformed decimal strings as they are (``0,143`` as text, ``nan`` as a number), so
numbers that results depend on are parsed here from the stored bytes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from spinekit.core.errors import SpinekitError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_IDENTIFIER = re.compile(r"[0-9.]{1,64}")
_LONGEST_TEXT = 64
_INTEGER_LENGTHS = (2, 4)


class BadAttributeError(SpinekitError):
    """An attribute does not hold what the standard demands; the text names the attribute, not its value."""

    def __init__(self, keyword: str, reason: str) -> None:
        self.keyword = keyword
        self.reason = reason
        super().__init__(f"{keyword} {tag_text(keyword)} {reason}")


def tag_text(keyword: str) -> str:
    """The tag of a keyword as people write it, e.g. ``(0028,0030)``."""
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword) or 0
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def stored_text(item: Dataset, keyword: str) -> str | None:
    """The stored text of an attribute, several values joined by a backslash; None where absent or empty.

    Meant for attributes whose values are ASCII by the standard (codes, numbers, identifiers).
    """
    if keyword not in item:
        return None
    element = item.get_item(keyword)
    value = getattr(element, "value", None)
    if value is None:
        return None
    if isinstance(value, bytes):
        text = value.decode("ascii", "replace").replace("\ufffd", "?")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        text = "\\".join(str(part) for part in value)
    else:
        text = str(value)
    return text.strip(" \0\t\r\n") or None


def identifier(item: Dataset | None, keyword: str) -> str | None:
    """A UID, or None where it is absent; text that is no UID counts as absent, and is never quoted."""
    text = stored_text(item, keyword) if item is not None else None
    return text if text is not None and _IDENTIFIER.fullmatch(text) else None


def code(item: Dataset, keyword: str) -> str:
    """A coded attribute in upper case, cleaned of control characters and cut to 64; empty where absent."""
    text = stored_text(item, keyword) or ""
    cleaned = "".join("?" if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co"} else c for c in text)
    return "\\".join(part.strip() for part in cleaned[:_LONGEST_TEXT].upper().split("\\"))


def codes(item: Dataset, keyword: str) -> list[str]:
    """The values of a coded attribute of several values."""
    text = code(item, keyword)
    return text.split("\\") if text else []


def decimals(item: Dataset, keyword: str) -> list[float] | None:
    """The decimal strings of an attribute, or None where it is absent or empty.

    Raises:
        BadAttributeError: If one of them is no finite decimal number by PS3.5 6.2.
    """
    text = stored_text(item, keyword)
    if text is None:
        return None
    numbers = []
    for part in text.split("\\"):
        if not _DECIMAL.fullmatch(part.strip(" \0")):
            raise BadAttributeError(keyword, "is not a number")
        number = float(part.strip(" \0"))
        if abs(number) == float("inf"):
            raise BadAttributeError(keyword, "is not a finite number")
        numbers.append(number)
    return numbers


def decimal(item: Dataset, keyword: str) -> float | None:
    """The first decimal string of an attribute, or None where it is absent or empty.

    Raises:
        BadAttributeError: If it is no finite decimal number.
    """
    numbers = decimals(item, keyword)
    return numbers[0] if numbers else None


def integer(item: Dataset, keyword: str, little_endian: bool = True) -> int | None:
    """A whole number stored as binary or as text, or None where it is absent or empty.

    Raises:
        BadAttributeError: If it is no whole number.
    """
    if keyword not in item:
        return None
    element = item.get_item(keyword)
    value, representation = getattr(element, "value", None), getattr(element, "VR", None) or "US"
    if value is None or value in (b"", ""):
        return None
    try:
        if not isinstance(value, bytes):
            return int(value)
        if representation in {"IS", "DS", "LO", "SH", "CS"} or keyword == "NumberOfFrames":
            return int(value.decode("ascii").strip(" \0"))
    except (ValueError, TypeError) as error:
        raise BadAttributeError(keyword, "is not a whole number") from error
    if len(value) not in _INTEGER_LENGTHS:
        raise BadAttributeError(keyword, "is not one whole number")
    signed = representation in {"SS", "SL"}
    return int.from_bytes(value, "little" if little_endian else "big", signed=signed)
