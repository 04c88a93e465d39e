"""What a network of shifts needs beside its weights, as values and as plain content of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spinekit.models.straight import StraightView


@dataclass(frozen=True, slots=True)
class ShiftSettings:
    """What a network of shifts needs beside its weights.

    Attributes:
        levels: L names, cranial to caudal.
        view: How the straightened spine is cut.
        reach: R, by how many levels names may be off at the most.
        mirrored: Whether films may be met mirrored.
    """

    levels: tuple[str, ...]
    view: StraightView
    reach: int
    mirrored: bool


def shift_content(settings: ShiftSettings) -> dict[str, object]:
    """Settings as plain values."""
    view = settings.view
    return {
        "levels": list(settings.levels),
        "above": view.above,
        "below": view.below,
        "columns": view.columns,
        "unit": view.unit,
        "reach": settings.reach,
        "mirrored": settings.mirrored,
    }


def shift_settings(content: Mapping[str, Any]) -> ShiftSettings:
    """Settings from what `shift_content` gave.

    Raises:
        KeyError: If a value is missing; TypeError or ValueError where one is misshapen.
    """
    levels = tuple(str(name) for name in content["levels"])
    above, below, columns = (int(content[name]) for name in ("above", "below", "columns"))
    view = StraightView(len(levels), above, below, columns, float(content["unit"]))
    return ShiftSettings(levels, view, int(content["reach"]), bool(content["mirrored"]))
