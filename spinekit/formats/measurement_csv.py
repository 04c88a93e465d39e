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


def _row(image: str, result: Result) -> tuple[str, ...]:
    if not isinstance(result, Measurement):
        empty = ("", "", "", "", "refused")
        return safe_cell(image), safe_cell(result.name), *empty, safe_cell(result.reason), *[""] * 6
    details = "; ".join(f"{key}: {value}" for key, value in result.details.items())
    return (
        safe_cell(image),
        safe_cell(result.name),
        _number(result.value),
        result.unit,
        _number(result.low),
        _number(result.high),
        result.status.value,
        safe_cell(result.reason),
        safe_cell(result.grade),
        safe_cell("; ".join(norm_words(norm) for norm in result.norms)),
        safe_cell(result.method),
        result.spacing_origin.value if result.spacing_origin is not None else "",
        safe_cell(" ".join(result.landmarks_used)),
        safe_cell(details),
    )


def _number(value: float | None) -> str:
    """Four decimals hold far more than any reading; negative numbers stay numbers."""
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")
