"""Results of measuring: a number with all that is needed to trust it, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from spinekit.core.norm import Comparison
from spinekit.core.spacing import SpacingOrigin


class Status(StrEnum):
    """Whether a value may stand as it is."""

    OK = "ok"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class MeasurementGeometry:
    """What was measured, for drawing: pixel coordinates, x right, y down.

    Attributes:
        points: Named points.
        lines: Named segments, each its two ends.
        anchor: Where a label is best put, or None.
    """

    points: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    lines: Mapping[str, tuple[tuple[float, float], tuple[float, float]]] = field(default_factory=dict)
    anchor: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number.

    Attributes:
        name: As in the schema, e.g. ``cobb_aasce_main``.
        value: The number, in ``unit``.
        unit: ``deg``, ``mm``, ``px``, ``%`` or empty for a ratio.
        method: Definition and convention in a few words.
        landmarks_used: Names of the landmarks that went in.
        low: Lower end of the 95 % interval, or None where the spread is unknown.
        high: Upper end, or None.
        spacing_origin: Where millimetres come from; None for angles, ratios and pixels.
        status: OK, or REVIEW with ``reason``.
        reason: Why a person should look.
        geometry: For drawing.
        details: Further words of the result (end vertebrae, side of the convexity, ...).
        grade: Name of the value between decision limits (``class II``), or empty; two names with `` or `` between
            them where the interval holds the limit.
        norms: The value beside each norm of its schema.
    """

    name: str
    value: float
    unit: str
    method: str
    landmarks_used: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    spacing_origin: SpacingOrigin | None = None
    status: Status = Status.OK
    reason: str = ""
    geometry: MeasurementGeometry = field(default_factory=MeasurementGeometry)
    details: Mapping[str, str] = field(default_factory=dict)
    grade: str = ""
    norms: tuple[Comparison, ...] = ()


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """A measurement that was refused; it has no value to be averaged by accident.

    Attributes:
        name: As in the schema.
        reason: Why, in words for the reader.
    """

    name: str
    reason: str


Result = Measurement | NotMeasured
