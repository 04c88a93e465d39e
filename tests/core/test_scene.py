from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import Landmarks, Visibility, landmarks
from spinekit.core.outline import Outline
from spinekit.core.scene import Absent, Instance, Scene
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.core.transform import resize_points, resize_scene

POINTS = (LandmarkDefinition("L", "left", aliases=("left",)), LandmarkDefinition("R", "right"))
SCHEMA = Schema("two", 1, "t", "pose", "v", ("thing",), ("A", "B"), POINTS, mirrored=(("L", "R"),))
REF = ImageRef(Path("x.png"), 100, 200, Spacing(0.2, 0.1, SpacingOrigin.STATED))


def thing(label: str, xy: FloatArray, score: float = 1.0) -> Instance:
    return Instance(label, (1, 2, 30, 40), landmarks=landmarks(("L", "R"), xy), score=score)


XY = np.array([[3.0, 4], [np.nan, np.nan]])


def test_a_point_by_level_by_alias_and_its_absence() -> None:
    scene = Scene(REF, SCHEMA, (thing("A", XY), thing("B", XY + 1)))
    found = scene.point("A.left")
    assert not isinstance(found, Absent)
    assert found.tolist() == [3, 4]
    for name, words in {
        "A.R": "absent", "C.L": "not found", "A.Z": "not a landmark", "L": "ambiguous",
    }.items():  # fmt: skip
        answer = scene.point(name)
        assert isinstance(answer, Absent)
        assert words in answer.reason


def test_of_two_with_one_name_the_more_certain_answers() -> None:
    scene = Scene(REF, SCHEMA, (thing("A", XY, 0.2), thing("A", XY + 5, 0.9)))
    found = scene.point("A.L")
    assert not isinstance(found, Absent)
    assert found.tolist() == [8, 9]


def test_nan_and_absence_go_together() -> None:
    assert landmarks(("L", "R"), XY).visibility.tolist() == [Visibility.VISIBLE, Visibility.ABSENT]
    with pytest.raises(ValueError, match="NaN exactly"):
        Landmarks(("L", "R"), XY, np.array([2, 2], np.int8))
    with pytest.raises(ValueError, match="2 names"):
        Landmarks(("L", "R"), XY[:1], np.array([2], np.int8))


def test_flip_swaps_by_name() -> None:
    assert SCHEMA.flip_index() == (1, 0)
    assert SCHEMA.fingerprint() != Schema("two", 2, "t", "pose", "v", ("thing",)).fingerprint()


@given(st.floats(0.1, 10), st.floats(0.1, 10))
def test_points_come_back_from_another_grid(x: float, y: float) -> None:
    points = np.array([[0.0, 0], [13.25, 7.5]])
    there = resize_points(points, x, y)
    assert resize_points(there, 1 / x, 1 / y) == pytest.approx(points)


def test_a_resized_scene_keeps_its_millimetres() -> None:
    shape = Outline((np.array([[-0.5, -0.5], [199.5, -0.5], [199.5, 99.5]]),))
    item = Instance("A", (-0.5, -0.5, 199.5, 99.5), shape, landmarks(("L", "R"), XY))
    small = resize_scene(Scene(REF, SCHEMA, (item,)), 50, 50)
    assert small.instances[0].box == pytest.approx((-0.5, -0.5, 49.5, 49.5))
    assert small.instances[0].outline is not None
    assert small.instances[0].outline.box == pytest.approx((-0.5, -0.5, 49.5, 49.5))
    spacing = small.image.spacing
    assert spacing is not None
    assert spacing.row_mm * 50 == pytest.approx(0.2 * 100)
    assert spacing.col_mm * 50 == pytest.approx(0.1 * 200)
