"""Vertebral levels by code: SNOMED CT, the older SNOMED RT of DICOM objects, and names as tools write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

SNOMED_CT: Mapping[str, str] = MappingProxyType(
    {
        "C1": "14806007", "C2": "39976000", "C3": "113205007", "C4": "5329002", "C5": "36978003",
        "C6": "36054005", "C7": "87391001",
        "T1": "64864005", "T2": "53733008", "T3": "1626008", "T4": "73071006", "T5": "56401006",
        "T6": "45296009", "T7": "62487009", "T8": "11068009", "T9": "82687006", "T10": "7610001",
        "T11": "12989004", "T12": "23215003",
        "L1": "66794005", "L2": "14293000", "L3": "36470004", "L4": "11994002", "L5": "49668003",
    }
)  # fmt: skip
"""Code of each vertebra, as in pydicom's dictionary of CID 4031 and its like."""

_LEVEL = re.compile(r"(?<![A-Za-z0-9])([CTLS])0?(\d{1,2})(?![A-Za-z0-9])")


def level_of_code(value: str, scheme: str) -> str | None:
    """The level that a coded concept stands for, or None.

    Args:
        value: Code value.
        scheme: ``SCT``, or ``SRT`` or ``SNM3`` of older objects.
    """
    from pydicom.sr.coding import Code

    concept = Code(value, "SRT" if scheme == "SNM3" else scheme, "")
    return next((level for level, code in SNOMED_CT.items() if concept == Code(code, "SCT", "")), None)


def level_of_text(text: str) -> str | None:
    """The one level in a text that speaks of a vertebra (``vertebrae_L1``, ``L1 vertebra``), or None."""
    found = {f"{letter}{int(number)}" for letter, number in _LEVEL.findall(text)}
    return found.pop() if len(found) == 1 and "vert" in text.casefold() else None
