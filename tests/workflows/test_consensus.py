from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from spinekit.core.errors import UsageError
from spinekit.core.image import ImageRef
from spinekit.core.outline import Outline
from spinekit.core.scene import Instance, Scene
from spinekit.workflows.consensus import mean_of_readers
from tests.formats.annotation_samples import POSE, body, pose_instances
from tests.workflows.label_sets import SQUARE, by_reader

IMAGE = ImageRef(Path("a.png"), 30, 40, name="a.png")
BODY = body("L1", SQUARE)


def merged(*instances: Instance) -> Scene:
    return mean_of_readers(Scene(IMAGE, POSE, instances))


def test_points_are_averaged_with_their_spread() -> None:
    scene = merged(by_reader(BODY, "ann", (0, 0)), by_reader(BODY, "bob", (2, -4)))
    (item,) = scene.instances
    assert item.reader is None
    assert item.landmarks is not None
    np.testing.assert_allclose(item.landmarks.xy, np.add(SQUARE, [1, -2]))
    assert item.landmarks.spread is not None
    np.testing.assert_allclose(item.landmarks.spread, np.tile(np.sqrt([2.0, 8.0]), (4, 1)))
    np.testing.assert_allclose(item.box, np.add(BODY.box, [1, -2, 1, -2]))
    assert item.flags == ("mean of 2 readers",)
    assert scene.notes == ("mean of 2 readers: ann, bob",)


def test_a_point_of_one_reader_stays_and_is_told() -> None:
    scene = merged(by_reader(BODY, "ann", (0, 0)), by_reader(BODY, "bob", (2, 0), without=("TR",)))
    points = scene.instances[0].landmarks
    assert points is not None
    np.testing.assert_array_equal(points.xy[1], SQUARE[1])
    assert points.spread is not None
    assert np.isnan(points.spread[1]).all()
    assert "L1: TR placed by 1 of 2 readers" in scene.notes


def test_a_point_that_nobody_placed_is_absent() -> None:
    both = [by_reader(BODY, name, (0, 0), without=("TR",)) for name in ("ann", "bob")]
    points = merged(*both).instances[0].landmarks
    assert points is not None
    assert points.visibility.tolist() == [2, 0, 2, 2]


def test_bodies_of_one_name_are_paired_by_their_place() -> None:
    one, other = replace(BODY, label="vertebra"), body("vertebra", [[x, y + 15] for x, y in SQUARE])
    scene = merged(
        by_reader(one, "ann", (0, 0)),
        by_reader(other, "ann", (0, 0)),
        by_reader(other, "bob", (1, 1)),
        by_reader(one, "bob", (1, 1)),
    )
    assert len(scene.instances) == 2
    found = [item.landmarks.xy[0].tolist() for item in scene.instances if item.landmarks]
    assert found == [[2.5, 3.5], [2.5, 18.5]]


def test_bodies_far_apart_are_not_one() -> None:
    far = body("vertebra", [[x + 25, y + 15] for x, y in SQUARE])
    near = replace(BODY, label="vertebra")
    scene = merged(
        by_reader(near, "ann", (0, 0)), by_reader(far, "bob", (0, 0)), by_reader(near, "bob", (1, 0))
    )
    assert len(scene.instances) == 2
    assert "vertebra: drawn by 1 of 2 readers" in scene.notes


@given(pose_instances())
def test_one_reader_is_left_alone(instances: tuple[Instance, ...]) -> None:
    scene = Scene(IMAGE, POSE, tuple(replace(item, reader="ann") for item in instances))
    assert mean_of_readers(scene) is scene


@given(pose_instances())
def test_readers_who_agree_change_nothing(instances: tuple[Instance, ...]) -> None:
    both = tuple(replace(item, reader=reader) for reader in ("ann", "bob", "eve") for item in instances)
    for came, went in zip(merged(*both).instances, instances, strict=True):
        assert came.label == went.label
        assert came.landmarks is not None
        assert went.landmarks is not None
        np.testing.assert_allclose(came.landmarks.xy, went.landmarks.xy, atol=1e-9)
        np.testing.assert_array_equal(came.landmarks.visibility, went.landmarks.visibility)
        assert came.landmarks.spread is not None
        assert np.nanmax(came.landmarks.spread, initial=0.0) < 1e-6


def test_outlines_have_no_mean() -> None:
    shape = replace(BODY, outline=Outline((np.array(SQUARE),)))
    with pytest.raises(UsageError, match=r"a.png: L1: outlines of several readers have no mean"):
        merged(replace(shape, reader="ann"), replace(shape, reader="bob"))
