from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.image import ImageRef
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.core.translate import labels_of, translate, translation
from tests.formats.annotation_samples import CORNERS, POSE, SEM, body, pose_instances

IMAGE = ImageRef(Path("a.png"), 30, 40, name="a.png")
NAN = float("nan")


def points(*names: str) -> tuple[LandmarkDefinition, ...]:
    return tuple(LandmarkDefinition(name, "a point") for name in names)


def with_points(*names: str) -> Schema:
    return replace(POSE, landmarks=points(*names), edges=(), mirrored=())


@given(pose_instances(), st.permutations(CORNERS))
def test_reordering_there_and_back_changes_nothing(
    instances: tuple[Instance, ...], order: tuple[str, ...]
) -> None:
    other = with_points(*order)
    scene = Scene(IMAGE, POSE, instances)
    there = translate(scene, translation(POSE, other))
    assert not there.points
    assert all(item.landmarks and item.landmarks.names == tuple(order) for item in there.scene.instances)
    back = translate(there.scene, translation(other, POSE)).scene
    assert [item.label for item in back.instances] == [item.label for item in instances]
    for came, went in zip(back.instances, instances, strict=True):
        assert came.landmarks is not None
        assert went.landmarks is not None
        np.testing.assert_array_equal(came.landmarks.xy, went.landmarks.xy)
        np.testing.assert_array_equal(came.landmarks.visibility, went.landmarks.visibility)


def test_points_follow_their_names() -> None:
    item = body("L1", [[1, 2], [3, 4], [5, 6], [NAN, NAN]])
    found = translate(Scene(IMAGE, POSE, (item,)), translation(POSE, with_points("BL", "new", "TL")))
    placed = found.scene.instances[0].landmarks
    assert placed is not None
    np.testing.assert_array_equal(placed.xy, [[5, 6], [NAN, NAN], [1, 2]])
    assert placed.visibility.tolist() == [2, 0, 2]
    assert found.points == {"TR": 1}, "an absent point cannot fall out"


def test_aliases_and_the_users_pairs_are_understood() -> None:
    target = replace(
        POSE,
        classes=("body",),
        levels=(),
        landmarks=(LandmarkDefinition("upper left", "", ("tl",)), *points("x", "br")),
        edges=(),
        mirrored=(),
    )
    names = translation(POSE, target, {"L1": "body", "L2": None}, {"TR": "x", "BL": None})
    assert names.landmarks == {"TL": "upper left", "TR": "x", "BL": None, "BR": "br"}
    scene = Scene(IMAGE, POSE, tuple(body(level, [[1, 1], [2, 1], [1, 2], [2, 2]]) for level in ("L1", "L2")))
    found = translate(scene, names)
    assert [item.label for item in found.scene.instances] == ["body"]
    assert found.instances == {"L2": 1}
    assert found.points == {"BL": 1}


def test_a_label_without_counterpart_is_named() -> None:
    scene = Scene(IMAGE, POSE, (body("L3", [[1, 1], [2, 1], [1, 2], [2, 2]]),))
    other = replace(POSE, classes=("T1", "T2"), levels=())
    with pytest.raises(KeyError, match="L3"):
        translate(scene, translation(POSE, other))


def test_case_is_forgiven_and_one_class_stands_for_one() -> None:
    single = Schema("a", 1, "", "pose", "", ("person",))
    assert translation(single, replace(POSE, levels=())).labels == {"person": "vertebra"}
    assert translation(replace(single, classes=("l1", "VERTEBRA")), POSE).labels == {
        "l1": "L1",
        "VERTEBRA": "vertebra",
    }


def test_bodies_come_in_the_order_of_the_levels() -> None:
    plain = replace(POSE, classes=("L3", "L1", "L2"), levels=())
    corners = [[1.0, 1.0], [2.0, 1.0], [1.0, 2.0], [2.0, 2.0]]
    scene = Scene(IMAGE, plain, tuple(body(level, corners) for level in plain.classes))
    assert [item.label for item in translate(scene, translation(plain, POSE)).scene.instances] == [
        "L1",
        "L2",
        "L3",
    ]


def test_landmarks_go_where_the_schema_has_none() -> None:
    target = Schema("shapes", 1, "", "seg", "", ("L1",))
    scene = Scene(IMAGE, POSE, (body("L1", [[1, 1], [2, 1], [1, 2], [2, 2]]),))
    found = translate(scene, translation(POSE, target))
    assert found.scene.instances[0].landmarks is None
    assert found.points.total() == 4


def test_a_raster_takes_the_numbers_of_the_target() -> None:
    target = replace(SEM, classes=("ground", "membrane", "cell"))
    raster = Raster(np.array([[0, 1], [1, 0]], np.uint8), np.full((2, 2), 0.5, np.float32))
    found = translate(Scene(IMAGE, SEM, raster=raster), translation(SEM, target))
    assert found.scene.raster is not None
    assert found.scene.raster.labels is not None
    assert found.scene.raster.labels.tolist() == [[2, 1], [1, 2]]
    assert found.scene.raster.probability is None
    assert found.rasters == 1
    kept = translate(Scene(IMAGE, SEM, raster=raster), translation(SEM, SEM, {"cell": None}))
    assert kept.scene.raster is not None
    assert kept.scene.raster.probability is raster.probability


def test_labels_are_classes_and_levels_once_each() -> None:
    assert labels_of(POSE) == ("vertebra", "L1", "L2", "L3")
    assert labels_of(replace(POSE, classes=("L2",))) == ("L2", "L1", "L3")
