from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.image import ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.outline import Outline
from spinekit.formats.yolo_faults import label_faults, row_faults
from spinekit.formats.yolo_rows import RowMeaning, box_row, points_box, pose_row, seg_row
from spinekit.formats.yolo_settings_faults import settings_faults
from spinekit.schemas import load_schema

IMAGE = ImageRef(Path("a.png"), 300, 200, name="a.png")
POSE = RowMeaning({0: "orbits"}, load_schema("orbit-4"), 4, 3)
SHAPES = RowMeaning({0: "L1", 1: "L2"}, load_schema("spine-ap-levels"))


def rules(row: str, meaning: RowMeaning = SHAPES) -> list[str]:
    return [rule.name for rule, _ in row_faults(row.split(), meaning, IMAGE)]


@given(
    xy=st.lists(st.tuples(st.floats(0, 199), st.floats(0, 299)), min_size=4, max_size=4),
    absent=st.integers(0, 3),
)
def test_a_row_that_spinekit_writes_has_no_fault(xy: list[tuple[float, float]], absent: int) -> None:
    table = np.array(xy)
    table[absent] = np.nan
    points = landmarks(POSE.schema.landmark_names, table)
    box = points_box(points, IMAGE, 0.1)
    assert box is not None
    row, _ = pose_row(0, box, points, IMAGE)
    assert rules(row, POSE) == []
    assert rules(box_row(1, box, IMAGE) or "") == []


@given(left=st.floats(-20, 150), top=st.floats(-20, 250), size=st.floats(2, 200))
def test_a_polygon_that_spinekit_writes_has_no_fault(left: float, top: float, size: float) -> None:
    ring = np.array([[left, top], [left + size, top], [left, top + size]])
    row = seg_row(0, Outline((ring,)), IMAGE)
    assert row is None or rules(row) == []


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("0 0.5 0.5 0.2", ["row-columns"]),
        ("0 0.5 0.5 0.2 0.2 0.3", ["row-columns"]),
        ("0 0.5 0.5 0.2 0.2 0.3 0.4 0.5", ["row-columns"]),
        ("0 0.5 0.5 0 0.2", ["row-empty"]),
        ("0 0.5 0.5 0.2 -0.2", ["row-empty"]),
        ("0 0.1 0.1 0.5 0.5 0.9 0.9", ["row-empty"]),
        ("2 0.5 0.5 0.2 0.2", ["row-class"]),
        ("-1 0.5 0.5 0.2 0.2", ["row-class"]),
        ("0 0.95 0.5 0.2 0.2", ["row-range"]),
        ("0 100 150 20 20", ["row-range"]),
        ("0 0.1 0.1 1.02 0.1 0.5 0.6", ["row-range"]),
        ("0 inf 0.5 0.2 0.2", ["row-number"]),
        ("0x1 0.5 0.5 0.2 0.2", ["row-number"]),
        ("0 0.5 0.5 0.2 1e999", ["row-number"]),
    ],
)
def test_each_fault_of_a_row(row: str, expected: list[str]) -> None:
    assert rules(row) == expected


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ("0.4 0.4 2 0.5 0.4 1 0.6 0.4 2 0 0 0", []),
        ("0.4 0.4 2 0.5 0.4 1 0.6 0.4 2", ["row-columns"]),
        ("0.4 0.4 2 0.5 0.4 1 0.6 0.4 2 0 0 2", ["row-visibility"]),
        ("0.4 0.4 2 0.5 0.4 1 0.6 0.4 4 0 0 0", ["row-visibility"]),
        ("0.4 0.4 2 0.5 0.4 1 0.6 0.4 2 -1 -1 0", ["row-range"]),
        ("0.4 0.4 2 0.5 0.4 1 0.6 1.4 2 0 0 0", ["row-range"]),
    ],
)
def test_each_fault_of_points(points: str, expected: list[str]) -> None:
    assert rules(f"0 0.5 0.5 0.3 0.3 {points}", POSE) == expected


def test_a_pixel_too_far_is_told_apart_from_more(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("0 0.1 0.1 1.004 0.1 0.5 0.6\n0 0.1 0.1 1.009 0.1 0.5 0.7\n")
    found = label_faults(path, "a.txt", SHAPES, IMAGE)
    assert [finding.why[:3] for finding in found.findings] == ["by ", "a v"]
    assert [row.line for row in found.rows] == [1]
    assert found.unread == 1


@given(content=st.binary(max_size=200))
def test_no_label_file_makes_it_fail(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(content)
    found = label_faults(path, "any.txt", SHAPES, IMAGE)
    assert all("\n" not in str(finding) for finding in found.findings)


@given(content=st.text(max_size=200))
def test_no_settings_make_it_fail(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    path = tmp_path_factory.getbasetemp() / "data.yaml"
    path.write_text(content, encoding="utf-8", errors="replace")
    raw = settings_faults(path, path.parent, POSE.schema)
    assert raw.findings
    assert all("\n" not in str(finding) for finding in raw.findings)
