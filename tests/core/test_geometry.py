from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.geometry import angle_at, calibrated, direction, fold, wrap
from spinekit.core.image import ImageRef
from spinekit.core.spacing import Spacing, SpacingOrigin

angles = st.floats(-1000, 1000)


@given(angles)
def test_wrap_keeps_the_direction(degrees: float) -> None:
    wrapped = wrap(degrees)
    assert -180 < wrapped <= 180
    assert np.cos(np.radians(wrapped)) == pytest.approx(np.cos(np.radians(degrees)), abs=1e-9)
    assert np.sin(np.radians(wrapped)) == pytest.approx(np.sin(np.radians(degrees)), abs=1e-9)


@given(angles)
def test_fold_keeps_the_line(degrees: float) -> None:
    folded = fold(degrees)
    assert -90 < folded <= 90
    assert np.sin(np.radians(folded - degrees)) == pytest.approx(0, abs=1e-9)


def test_the_edges_of_the_ranges() -> None:
    assert wrap(-180) == 180
    assert wrap(540) == 180
    assert fold(-90) == 90
    assert fold(270) == 90


def test_directions_turn_with_the_screen() -> None:
    origin = np.zeros(2)
    assert direction(origin, np.array([1.0, 0])) == 0
    assert direction(origin, np.array([0.0, 1])) == 90
    assert angle_at(origin, np.array([1.0, 0]), np.array([0.0, -3])) == pytest.approx(90)
    with pytest.raises(ValueError, match="coincide"):
        angle_at(origin, origin, np.array([1.0, 0]))


def test_oblong_pixels_change_an_angle() -> None:
    spacing = Spacing(row_mm=0.2, col_mm=0.1, origin=SpacingOrigin.STATED)
    ref = ImageRef(Path("x"), 10, 10, spacing)
    line = calibrated(np.array([[0.0, 0], [2, 1]]), ref)
    assert direction(line[0], line[1]) == pytest.approx(45)
    assert ref.unit == "mm"


def test_without_spacing_the_aspect_still_counts() -> None:
    ref = ImageRef(Path("x"), 10, 10, aspect=2.0)
    line = calibrated(np.array([[0.0, 0], [2, 1]]), ref)
    assert direction(line[0], line[1]) == pytest.approx(45)
    assert ref.unit == "px"


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_spacing_that_cannot_be_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="row spacing"):
        Spacing(value, 0.1, SpacingOrigin.STATED)
