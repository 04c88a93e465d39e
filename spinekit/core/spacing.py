"""Pixel spacing that cannot be had without the name of its source."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class SpacingOrigin(StrEnum):
    """Where a spacing comes from; it decides how a length may be printed."""

    TOMOGRAPHIC = "tomographic"  # CT, MR: the image plane itself
    FIDUCIAL = "fiducial"  # calibrated on an object of known size
    GEOMETRY = "geometry"  # corrected for magnification
    ESTIMATED = "estimated"  # detector plane divided by an estimated magnification
    DETECTOR = "detector"  # detector plane: lengths in the patient are overestimated
    SCANNED = "scanned"  # a digitised film
    UNKNOWN = "unknown"  # given without saying what it means
    STATED = "stated"  # by the user


LABELS: dict[SpacingOrigin, str] = {
    SpacingOrigin.TOMOGRAPHIC: "mm (image plane, exact)",
    SpacingOrigin.FIDUCIAL: "mm (calibrated, fiducial)",
    SpacingOrigin.GEOMETRY: "mm (corrected for magnification)",
    SpacingOrigin.ESTIMATED: "mm (estimated magnification)",
    SpacingOrigin.DETECTOR: "mm at detector plane (overestimates)",
    SpacingOrigin.SCANNED: "mm (digitised film)",
    SpacingOrigin.UNKNOWN: "mm (meaning unknown)",
    SpacingOrigin.STATED: "mm (user calibrated)",
}


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distance between pixel centres.

    Attributes:
        row_mm: Distance between rows (along y), mm.
        col_mm: Distance between columns (along x), mm.
        origin: Where the numbers come from.
    """

    row_mm: float
    col_mm: float
    origin: SpacingOrigin

    def __post_init__(self) -> None:
        for name, value in (("row", self.row_mm), ("column", self.col_mm)):
            if not math.isfinite(value) or value <= 0:
                raise ValueError(f"the {name} spacing must be a finite number above 0 mm, not {value}")

    @property
    def label(self) -> str:
        """The words to print beside a length, e.g. ``mm at detector plane (overestimates)``."""
        return LABELS[self.origin]

    @property
    def needs_review(self) -> bool:
        """Whether lengths from this spacing are to be looked at before use."""
        return self.origin in {SpacingOrigin.DETECTOR, SpacingOrigin.SCANNED}
