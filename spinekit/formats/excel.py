"""Measurements as a workbook for Excel and its kin: sheets by result, by image, and of failures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from spinekit.core.measurement import Measurement, Result
from spinekit.files import atomic_path
from spinekit.formats.measurement_csv import COLUMNS, Cell, cells_of

_MOST = 32_767  # letters that a cell holds
_WIDE = {"image": 34, "name": 30, "reason": 44, "method": 44, "norms": 44, "landmarks": 30, "details": 40}


def write_workbook(
    path: Path,
    images: Iterable[tuple[str, Sequence[Result]]],
    failures: Iterable[tuple[str, str, str]] = (),
) -> None:
    """Writes results, whole or not at all; equal results give equal bytes.

    Numbers are numbers, text stays text: nothing in a name becomes a formula or a link.

    Args:
        path: The ``.xlsx`` file to be.
        images: Name and results of each image; kept in memory for the sheet by image, without their geometry.
        failures: File, status and reason of each file without a result.

    Raises:
        EnvironmentFaultError: If the folder cannot be written.
    """
    import xlsxwriter  # which few runs need

    with atomic_path(path) as temporary:
        plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with xlsxwriter.Workbook(str(temporary), plain) as book:
            # The moment of writing is no part of a result.
            book.set_properties({"title": "spinekit measurements", "created": datetime(2000, 1, 1)})
            wide: list[tuple[str, dict[str, float]]] = []
            _sheet(book, "measurements", COLUMNS, _long(images, wide))
            names = list(dict.fromkeys(name for _, values in wide for name in values))
            rows = ((image, *(values.get(name) for name in names)) for image, values in wide)
            _sheet(book, "by image", ("image", *names), rows)
            _sheet(book, "failures", ("file", "status", "reason"), failures)


def _long(
    images: Iterable[tuple[str, Sequence[Result]]], wide: list[tuple[str, dict[str, float]]]
) -> Iterator[tuple[Cell, ...]]:
    for image, results in images:
        found = {result.name: result.value for result in results if isinstance(result, Measurement)}
        wide.append((image, found))
        for result in results:
            yield cells_of(image, result)


def _sheet(book: Any, title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:  # noqa: ANN401
    """A sheet whose first row stays in sight and can be filtered by."""
    sheet = book.add_worksheet(title)
    sheet.write_row(0, 0, columns, book.add_format({"bold": True, "bottom": 1}))
    last = 0
    for last, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if isinstance(cell, (int, float)):
                sheet.write_number(last, column, round(cell, 4))
            elif cell:
                sheet.write_string(last, column, cell[:_MOST])
    for column, name in enumerate(columns):
        sheet.set_column(column, column, _WIDE.get(name, 14))
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, last, len(columns) - 1)
