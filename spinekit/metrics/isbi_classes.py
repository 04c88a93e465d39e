"""The eight clinical measurements of the ISBI 2014/15 cephalometric challenge and their classes.

Bounds and points are the challenge's (Wang et al., Medical Image Analysis 31:63, 2016). The sums of ODI and APDI are
signed as their authors do (Kim 1974; Kim and Vietas 1978): the palatal plane counts as + where it falls to the front
against the Frankfort horizontal, the A-B plane as + where B lies ahead of it. ``FMA_isbi`` is S-N to Go-Gn, no FMA.
Angles do not depend on which way the face looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spinekit.core.image import FloatArray

POINTS = ("S", "N", "Or", "Po", "A", "B", "Pog", "Me", "Gn", "Go", "LI", "UI", "PNS", "ANS")
"""Of ``ceph-19``, as far as they are needed."""


@dataclass(frozen=True, slots=True)
class ClinicalMeasure:
    """One of the eight.

    Attributes:
        name: Short name.
        low: Lower bound of class 1, inclusive.
        high: Upper bound of class 1, inclusive.
        below: Class of smaller values.
        above: Class of larger values.
        meaning: What each class is called, from class 1.
    """

    name: str
    low: float
    high: float
    below: int
    above: int
    meaning: tuple[str, ...]

    def kind(self, value: float) -> int:
        """The class of a value, from 1."""
        if value < self.low:
            return self.below
        return self.above if value > self.high else 1


_OVERJET = ClinicalMeasure("MW", 2.0, 4.5, 3, 4, ("normal", "edge to edge", "crossbite", "large overjet"))

MEASURES: tuple[ClinicalMeasure, ...] = (
    ClinicalMeasure("ANB", 3.2, 5.7, 3, 2, ("class I", "class II", "class III")),
    ClinicalMeasure("SNB", 74.6, 78.7, 2, 3, ("normal mandible", "retrognathic", "prognathic")),
    ClinicalMeasure("SNA", 79.4, 83.2, 3, 2, ("normal maxilla", "prognathic", "retrognathic")),
    ClinicalMeasure("ODI", 68.4, 80.5, 3, 2, ("normal", "deep bite tendency", "open bite tendency")),
    ClinicalMeasure("APDI", 77.6, 85.2, 2, 3, ("normal", "class II tendency", "class III tendency")),
    ClinicalMeasure("FHI", 0.65, 0.75, 3, 2, ("normal", "short face tendency", "long face tendency")),
    ClinicalMeasure("FMA_isbi", 26.8, 31.4, 3, 2, ("normal", "high angle", "low angle")),
    _OVERJET,
)


def clinical_values(points: Mapping[str, FloatArray], millimetres: bool) -> dict[str, float]:
    """The eight measurements, those left out that cannot be made.

    Args:
        points: (2,) each by name, calibrated (x right, y down); absent ones left out.
        millimetres: Whether the unit is mm; MW, a length, is left out otherwise.

    Returns:
        Degrees, the ratio FHI, and MW in mm.
    """
    if "S" not in points or "N" not in points:
        return {}
    # The face is turned to look right, so that signs mean the same on every film.
    turn = np.array([1.0 if points["N"][0] >= points["S"][0] else -1.0, 1.0])
    placed = {name: np.asarray(xy) * turn for name, xy in points.items()}
    found: dict[str, float] = {}

    def line(start: str, end: str) -> FloatArray:
        return np.asarray(placed[end] - placed[start])

    def has(*names: str) -> bool:
        return all(name in placed for name in names)

    if has("B"):
        found["SNB"] = _angle(line("N", "S"), line("N", "B"))
    if has("A"):
        found["SNA"] = _angle(line("N", "S"), line("N", "A"))
    if has("A", "B"):
        found["ANB"] = found["SNA"] - found["SNB"]
    palatal = _turn(line("Po", "Or"), line("PNS", "ANS")) if has("Po", "Or", "PNS", "ANS") else None
    if palatal is not None and has("A", "B", "Me", "Go"):
        found["ODI"] = _angle(line("B", "A"), line("Me", "Go")) + palatal
    if palatal is not None and has("A", "B", "Pog"):
        facial = _angle(line("Or", "Po"), line("N", "Pog"))
        found["APDI"] = facial - _turn(line("N", "Pog"), line("A", "B")) + palatal
    if has("Go", "Me"):
        found["FHI"] = float(np.linalg.norm(line("S", "Go")) / np.linalg.norm(line("N", "Me")))
    if has("Go", "Gn"):
        found["FMA_isbi"] = _angle(line("S", "N"), line("Go", "Gn"))
    if millimetres and has("LI", "UI"):
        jet = line("LI", "UI")
        found["MW"] = float(np.copysign(np.linalg.norm(jet), jet[0])) if jet[0] else 0.0
    return {item.name: found[item.name] for item in MEASURES if np.isfinite(found.get(item.name, np.nan))}


def clinical_classes(values: Mapping[str, float]) -> dict[str, int]:
    """The class of each measurement, from 1.

    An MW of exactly 0 is class 2; between 0 and 2 mm, which the challenge leaves open, it is class 3 as in the code
    that the field compares by.

    Args:
        values: Of `clinical_values`.
    """
    return {
        item.name: 2 if item is _OVERJET and values[item.name] == 0 else item.kind(values[item.name])
        for item in MEASURES
        if item.name in values
    }


def confusion(pairs: list[tuple[int, int | None]], classes: int) -> FloatArray:
    """Counts by true class (rows) and predicted class (columns; the last one: none).

    Args:
        pairs: True and predicted class, from 1; None where there was no prediction.
        classes: How many there are.

    Returns:
        (classes, classes + 1).
    """
    counts = np.zeros((classes, classes + 1))
    for true, predicted in pairs:
        counts[true - 1, classes if predicted is None else predicted - 1] += 1
    return counts


def _angle(first: FloatArray, second: FloatArray) -> float:
    """Between two directions, 0..180 degrees; NaN where one has no length."""
    if not first.any() or not second.any():
        return float("nan")
    return abs(_turn(first, second))


def _turn(first: FloatArray, second: FloatArray) -> float:
    """From one direction to another, degrees in (-180, 180], + clockwise on the screen."""
    cross = first[0] * second[1] - first[1] * second[0]
    return float(np.degrees(np.arctan2(cross, first @ second)))
