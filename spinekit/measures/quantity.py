"""From arrays of values along a column to results: one for each body or pair of neighbours, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.measurement import Measurement, MeasurementGeometry, NotMeasured, Result, Status
from spinekit.core.scene import Scene
from spinekit.measures.column import Column
from spinekit.measures.frame import length_doubt
from spinekit.measures.interval import MOST_UNDEFINED

Need = tuple[int, int]
"""A point that goes in: of the first (0) or the second (1) body, and which one (`spinekit.measures.column`)."""

Point = tuple[float, float]
Values = Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is measured on every body, or between each two neighbours.

    Attributes:
        name: Of the results, before the names of the bodies.
        unit: ``deg``, ``length``, ``%`` or empty for a ratio.
        method: Definition in words.
        needs: Points that go in.
        lines: Pairs of them to draw.
        positive: Whether a value below zero means that borders cross, which is no measurement.
        undefined: Why there can be no value although all points are there.
        wanted: The points of the first and of the second body that go in.
    """

    name: str
    unit: str
    method: str
    needs: tuple[Need, ...]
    lines: tuple[tuple[Need, Need], ...] = ()
    positive: bool = False
    undefined: str = "two of its points coincide"
    wanted: tuple[frozenset[int], frozenset[int]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        first, second = (frozenset(point for body, point in self.needs if body == one) for one in (0, 1))
        object.__setattr__(self, "wanted", (first, second))


def results_along(
    scene: Scene,
    column: Column,
    quantities: Sequence[Quantity],
    values: Values,
    drawn: Values | None,
    *,
    pairs: bool,
) -> tuple[Result, ...]:
    """Results of all quantities, body by body or pair by pair.

    Args:
        scene: For the calibration.
        column: The bodies.
        quantities: What was measured.
        values: For each quantity (n,) or, between neighbours, (n - 1,) values; NaN where there is none.
        drawn: The same with a leading axis of draws, or None.
        pairs: Whether each value belongs to two neighbours.
    """
    sheet = _Sheet(scene, column)
    results: list[Result] = []
    table = [
        (q, values[q.name].tolist(), spans(values[q.name], None if drawn is None else drawn[q.name], q.unit))
        for q in quantities
    ]
    for rows, suffix, refusal in _places(column, pairs):
        for quantity, row_values, ends in table:
            name = f"{quantity.name}_{suffix}"
            reason = refusal or sheet.absent(quantity, rows)
            value = float("nan") if reason else row_values[rows[0]]
            if reason or not isfinite(value):
                results.append(NotMeasured(name, reason or quantity.undefined))
            elif quantity.positive and value < 0:
                results.append(NotMeasured(name, "the borders of the bodies cross there"))
            else:
                results.append(sheet.result(quantity, name, rows, value, ends[rows[0]]))
    return tuple(results)


def spans(values: FloatArray, drawn: FloatArray | None, unit: str) -> list[tuple[float, float] | None]:
    """The 95 % interval of each value, widened where needed to hold the value itself; None where there is none.

    Args:
        values: (n,).
        drawn: (draws, n) the same under random points, or None.
        unit: Degrees are taken as turns, where 179 and -179 are neighbours.
    """
    if drawn is None or not drawn.size:
        return [None] * len(values)
    if unit == "deg":
        drawn = values + (drawn - values + 180.0) % 360.0 - 180.0
    finite = np.isfinite(drawn)
    usable = np.isfinite(values) & (finite.mean(axis=0) >= 1 - MOST_UNDEFINED)
    found: list[tuple[float, float] | None] = [None] * len(values)
    if bool(usable.any()):
        chosen = drawn[:, usable]
        whole = bool(np.isfinite(chosen).all())
        low, high = (np.quantile if whole else np.nanquantile)(chosen, [0.025, 0.975], axis=0)
        for place, index in enumerate(np.flatnonzero(usable).tolist()):
            value = float(values[index])
            found[index] = min(float(low[place]), value), max(float(high[place]), value)
    return found


def unit_of(unit: str, column: Column) -> str:
    """The unit as it is printed: lengths in mm, or px without a spacing."""
    return column.plane.unit if unit == "length" else unit


def reasons_for(scene: Scene, column: Column, unit: str, rows: Sequence[int]) -> list[str]:
    """Why a value on these bodies is to be looked at."""
    found = list(length_doubt(scene.image).reasons) if unit == "length" else []
    found += column.reasons
    for row in dict.fromkeys(rows):
        found += column.doubts[row]
    return found


def _places(column: Column, pairs: bool) -> Iterator[tuple[tuple[int, ...], str, str]]:
    """Rows of the bodies, the end of the results' names, and why nothing is measured there (or an empty text)."""
    if not pairs:
        for row, name in enumerate(column.names):
            yield (row,), name.lower(), ""
        for name, reason in column.gone.items():
            if name in column.levels:
                yield (), name.lower(), reason
        return
    for row in range(len(column.names) - 1):
        upper, lower = column.names[row : row + 2]
        first, last = column.levels.index(upper), column.levels.index(lower)
        between = column.levels[first + 1 : last]
        why = "; ".join(column.lacks(level) for level in between)
        if not between:
            yield (row, row + 1), f"{upper}_{lower}".lower(), ""
            continue
        for one, other in zip((upper, *between), (*between, lower), strict=True):
            yield (), f"{one}_{other}".lower(), why


class _Sheet:
    """A column as plain numbers and words, looked up often."""

    def __init__(self, scene: Scene, column: Column) -> None:
        self.column = column
        self.pixels: list[list[Point]] = [[(x, y) for x, y in body] for body in column.pixels.tolist()]
        absent = np.isnan(column.points[:, :, 0])
        self.gone = [frozenset(np.flatnonzero(row).tolist()) for row in absent]
        self.doubt = length_doubt(scene.image)
        self.reasons: dict[tuple[bool, tuple[int, ...]], str] = {}
        self.scene = scene
        self.units = {unit: unit_of(unit, column) for unit in ("length", "deg", "%", "")}
        self.places: dict[tuple[int, tuple[int, ...]], tuple[dict[str, Point], tuple[str, ...]]] = {}

    def absent(self, quantity: Quantity, rows: tuple[int, ...]) -> str:
        """Which points are not there, in words."""
        first, second = quantity.wanted
        if self.gone[rows[0]].isdisjoint(first) and (not second or self.gone[rows[1]].isdisjoint(second)):
            return ""
        lost: dict[str, list[str]] = {}
        for body, point in quantity.needs:
            if point in self.gone[rows[body]]:
                level, _, spoken = self.column.spoken[rows[body]][point].partition(".")
                if spoken not in lost.setdefault(level, []):
                    lost[level].append(spoken)
        return "; ".join(f"{level} lacks {', '.join(points)}" for level, points in lost.items())

    def result(
        self,
        quantity: Quantity,
        name: str,
        rows: tuple[int, ...],
        value: float,
        low_high: tuple[float, float] | None,
    ) -> Measurement:
        """One value with all that it says of itself."""
        is_length = quantity.unit == "length"
        reason = self.reasons.get((is_length, rows))
        if reason is None:
            reason = "; ".join(reasons_for(self.scene, self.column, quantity.unit, rows))
            self.reasons[is_length, rows] = reason
        geometry, used = self.geometry(quantity, rows)
        return Measurement(
            name=name,
            value=value,
            unit=self.units[quantity.unit],
            method=quantity.method,
            landmarks_used=used,
            low=None if low_high is None else low_high[0],
            high=None if low_high is None else low_high[1],
            spacing_origin=self.doubt.origin if is_length else None,
            status=Status.REVIEW if reason else Status.OK,
            reason=reason,
            geometry=geometry,
        )

    def geometry(
        self, quantity: Quantity, rows: tuple[int, ...]
    ) -> tuple[MeasurementGeometry, tuple[str, ...]]:
        """The points that went in with lines between them, and the points' names."""
        spoken, pixels = self.column.spoken, self.pixels
        key = id(quantity.needs), rows  # quantities of one kind share their points
        known = self.places.get(key)
        if known is None:
            points = {spoken[rows[body]][point]: pixels[rows[body]][point] for body, point in quantity.needs}
            known = self.places[key] = points, tuple(points)
        lines = {}
        for (body, point), (other, end) in quantity.lines:
            start, stop = rows[body], rows[other]
            if point in self.gone[start] or end in self.gone[stop]:
                continue  # the middle of a body is not seen without its outline, and no line leads there
            lines[f"{spoken[start][point]}-{spoken[stop][end]}"] = pixels[start][point], pixels[stop][end]
        anchor = next(iter(lines.values()))[0] if lines else None
        return MeasurementGeometry(known[0], lines, anchor), known[1]
