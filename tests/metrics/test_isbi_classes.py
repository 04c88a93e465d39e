"""The eight clinical measurements of the ISBI challenge: golden geometry, mirror, bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.image import FloatArray
from spinekit.metrics.isbi_classes import MEASURES, clinical_classes, clinical_values, confusion

# A drawn face that looks right; SNA, SNB and ANB of it are known by another way.
FACE: dict[str, FloatArray] = {
    name: np.array(xy, dtype=np.float64)
    for name, xy in {
        "S": (100, 100), "N": (170, 88), "A": (165, 150), "B": (158, 190), "Pog": (160, 210), "Gn": (156, 218),
        "Me": (150, 220), "Go": (95, 195), "Po": (80, 118), "Or": (150, 116), "LI": (160, 170), "UI": (163, 172),
        "PNS": (110, 140), "ANS": (168, 138),
    }.items()
}  # fmt: skip


def test_golden_angles() -> None:
    values = clinical_values(FACE, True)
    assert values["SNA"] == pytest.approx(75.662, abs=5e-4)
    assert values["SNB"] == pytest.approx(73.563, abs=5e-4)
    assert values["ANB"] == pytest.approx(2.099, abs=5e-4)
    assert values["FHI"] == pytest.approx(np.hypot(5, 95) / np.hypot(20, 132))
    assert values["MW"] == pytest.approx(np.hypot(3, 2))
    # The same angles by their slopes. Palatal plane and Frankfort horizontal both rise to the front.
    palatal = np.degrees(np.arctan2(-2, 58) - np.arctan2(-2, 70))
    ab_to_mandible = np.degrees(np.arctan2(40, -7) - np.arctan2(25, 55))
    assert values["ODI"] == pytest.approx(ab_to_mandible + palatal)


@given(st.floats(-10, 10), st.floats(0.2, 5), st.booleans())
def test_turning_scaling_and_mirroring_change_no_angle(degrees: float, scale: float, mirrored: bool) -> None:
    turn = np.radians(degrees)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    flip = np.array([-1.0 if mirrored else 1.0, 1.0])
    moved = {name: matrix @ xy * flip + 7 for name, xy in FACE.items()}
    before, after = clinical_values(FACE, False), clinical_values(moved, False)
    assert set(before) == {item.name for item in MEASURES} - {"MW"}
    for name, value in before.items():
        assert after[name] == pytest.approx(value), name


def test_signs_mean_what_their_authors_say() -> None:
    """A tips forward: class II, so ANB and ODI rise and APDI falls. The palate tips down in front: both rise."""
    before = clinical_values(FACE, True)
    second = clinical_values({**FACE, "A": FACE["A"] + np.array([6.0, 0])}, True)
    assert second["ANB"] > before["ANB"]
    assert second["APDI"] < before["APDI"]
    tipped = clinical_values({**FACE, "ANS": FACE["ANS"] + np.array([0, 5.0])}, True)
    assert tipped["ODI"] > before["ODI"]
    assert tipped["APDI"] > before["APDI"]
    bite = clinical_values({**FACE, "UI": FACE["LI"] - np.array([4.0, 0])}, True)
    assert bite["MW"] == pytest.approx(-4)


def test_bounds_belong_to_the_first_class() -> None:
    for item in MEASURES:
        assert item.kind(item.low) == item.kind(item.high) == 1
        assert {item.kind(item.low - 1e-6), item.kind(item.high + 1e-6)} == {item.below, item.above}
    assert clinical_classes({"ANB": 6.0, "SNB": 80, "SNA": 70, "MW": 0.0}) == {
        "ANB": 2,
        "SNB": 3,
        "SNA": 3,
        "MW": 2,
    }
    assert clinical_classes({"MW": 1.0}) == {"MW": 3}
    assert clinical_classes({"MW": -1.0}) == {"MW": 3}
    assert clinical_classes({"MW": 5.0}) == {"MW": 4}


def test_a_missing_point_takes_its_measurements_along() -> None:
    assert clinical_values({}, True) == {}
    for name in FACE:
        values = clinical_values({key: xy for key, xy in FACE.items() if key != name}, True)
        assert len(values) < len(MEASURES), name
    assert "MW" not in clinical_values(FACE, False)
    same = clinical_values({**FACE, "A": FACE["N"]}, True)
    assert "SNA" not in same
    assert "ANB" not in same


def test_confusion_counts_what_has_no_answer_in_its_last_column() -> None:
    assert confusion([(1, 1), (1, 2), (2, None)], 2).tolist() == [[1, 1, 0], [0, 0, 1]]
