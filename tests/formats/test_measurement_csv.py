"""Numbers in the table of measurements."""

from __future__ import annotations

import io

import pytest

from spinekit.core.measurement import Measurement
from spinekit.formats.measurement_csv import COLUMNS, MeasurementTable


@pytest.mark.parametrize(
    ("value", "cell"),
    [(0.0, "0"), (-1e-15, "0"), (1e-15, "0"), (-0.5, "-0.5"), (12.34567, "12.3457"), (100.0, "100")],
)
def test_numbers_have_four_decimals_at_most_and_nothing_has_no_sign(value: float, cell: str) -> None:
    stream = io.StringIO()
    MeasurementTable(stream).add("film.png", [Measurement("t1_tilt", value, "deg", "a method")])
    row = dict(zip(COLUMNS, stream.getvalue().splitlines()[1].split(","), strict=True))
    assert row["value"] == cell
