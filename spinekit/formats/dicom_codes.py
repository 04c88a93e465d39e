"""Coded concepts that objects made here use; all of them standard ones, looked up in pydicom's tables of PS3.16.

Nothing is coded that has no standard code: validators and readers do not know private schemes. Most measurements
have none, so their concept is the kind of quantity (angle, distance, ratio) and their own name stands beside it as
the tracking identifier; likewise a landmark is a point on a coded structure, with its name as identifier.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from spinekit.formats.vertebra_codes import SNOMED_CT

if TYPE_CHECKING:
    from pydicom.sr.coding import Code

STRUCTURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "vertebra": ("51282000", "Vertebra"),
        "sacrum": ("54735007", "Sacrum"),
        "s1": ("54735007", "Sacrum"),
        "skull": ("89546000", "Skull"),
        "orbit": ("363654007", "Orbit"),
        "spine": ("421060004", "Spine"),
    }
)
"""SNOMED CT codes of classes without a code of their own level, by the class's name in small letters."""

BODY_STRUCTURE = ("123037004", "Body structure")
"""What a class is that no code is known for; its label says more."""

QUANTITIES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "deg": ("1483009", "SCT", "Angle"),
        "mm": ("121206", "DCM", "Distance"),
        "px": ("121206", "DCM", "Distance"),
        "%": ("118586006", "SCT", "Ratio"),
        "": ("118586006", "SCT", "Ratio"),
    }
)
"""The concept of a measurement by its unit, where it has none of its own."""

UNITS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "deg": ("deg", "Degree"),
        "mm": ("mm", "mm"),
        "px": ("{pixels}", "Pixels"),
        "%": ("%", "Percent"),
        "": ("1", "no units"),
    }
)
"""UCUM value and meaning of each unit of a measurement."""

_LEVEL = re.compile(r"(?<![A-Za-z0-9])(C[1-7]|T(?:1[0-3]|[1-9])|L[1-6]|S1)(?![A-Za-z0-9])")
_EXTRA_LEVEL = frozenset({"T13", "L6"})


def dcm(value: str, meaning: str) -> Code:
    """A concept of the DICOM scheme."""
    from pydicom.sr.coding import Code

    return Code(value, "DCM", meaning)


def sct(value: str, meaning: str) -> Code:
    """A concept of SNOMED CT."""
    from pydicom.sr.coding import Code

    return Code(value, "SCT", meaning)


def unit_code(unit: str) -> Code:
    """The UCUM unit of a measurement; a unit that UCUM does not know becomes an annotation in braces."""
    from pydicom.sr.coding import Code

    value, meaning = UNITS.get(unit, (f"{{{unit[:14]}}}", unit[:64]))
    return Code(value, "UCUM", meaning)


def structure_code(label: str) -> Code:
    """What a thing is: a vertebra by its level, a structure by its class, or a body structure without more.

    Args:
        label: Level or class.
    """
    if label in SNOMED_CT:
        return sct(SNOMED_CT[label], f"{label} vertebra")
    if label in _EXTRA_LEVEL:
        return sct(*STRUCTURES["vertebra"])
    return sct(*STRUCTURES.get(label.casefold(), BODY_STRUCTURE))


def measurement_code(name: str, unit: str) -> Code:
    """The concept of a measurement: Cobb angles have one of their own, others the one of their quantity.

    Args:
        name: E.g. ``cobb_aasce_main``.
        unit: As in `spinekit.core.measurement.Measurement`.
    """
    from pydicom.sr.coding import Code

    if name == "cobb" or name.startswith("cobb_"):
        return sct("285285000", "Cobb angle")
    return Code(*QUANTITIES.get(unit, ("118586006", "SCT", "Ratio")))


def levels_in(name: str) -> tuple[str, ...]:
    """The vertebral levels that the name of a result speaks of, e.g. L4 and L5 in ``disc_height_L4_L5``."""
    return tuple(dict.fromkeys(_LEVEL.findall(name.replace("_", " ").replace("-", " "))))
