"""Measurements as a tidy table: one row a result, refusals included."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

from spinekit.core.measurement import Measurement, Result
from spinekit.core.norm import norm_words
from spinekit.formats.sources import safe_cell

COLUMNS = (
    "image", "name", "value", "unit", "low", "high", "status", "reason", "grade", "norms", "method",
    "spacing_origin", "landmarks", "details",
)  # fmt: skip


Cell = str | float | None


class MeasurementTable:
    """Writes rows to an open text stream, one image after another.

    Args:
        stream: Opened with ``newline=""``.
    """

    def __init__(self, stream: TextIO) -> None:
        self._writer = csv.writer(stream, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def add(self, image: str, results: Iterable[Result]) -> None:
        """Adds the results of one image; a refused one has an empty value, never a zero."""
        for result in results:
            self._writer.writerow(_row(image, result))


def cells_of(image: str, result: Result) -> tuple[Cell, ...]:
    """The cells of one result, in the order of `COLUMNS`; a refused one has no value, never a zero.

    Args:
        image: Its name.
        result: A measurement or a refusal.
    """
    if not isinstance(result, Measurement):
        return image, result.name, None, "", None, None, "refused", result.reason, *[""] * 6
    return (
        image,
        result.name,
        result.value,
        result.unit,
        result.low,
        result.high,
        result.status.value,
        result.reason,
        result.grade,
        "; ".join(norm_words(norm) for norm in result.norms),
        result.method,
        result.spacing_origin.value if result.spacing_origin is not None else "",
        " ".join(result.landmarks_used),
        "; ".join(f"{key}: {value}" for key, value in result.details.items()),
    )


def _row(image: str, result: Result) -> tuple[str, ...]:
    return tuple(safe_cell(c) if isinstance(c, str) else _number(c) for c in cells_of(image, result))


def _number(value: float | None) -> str:
    """Four decimals hold far more than any reading; negative numbers stay numbers, nothing has no sign."""
    if value is None:
        return ""
    digits = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if digits == "-0" else digits
