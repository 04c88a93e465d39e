from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.anatomy.exchange import exchanged
from spinekit.anatomy.unlike_shape import Shape, shapes, unlike_shapes, usual_shape
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Instance, Scene
from spinekit.schemas import load_schema

ORBITS = load_schema("orbit-4")
HEAD = load_schema("ceph-19")
RANDOM = np.random.default_rng(0)
RIMS = np.array([[100, 260], [210, 220], [300, 221], [410, 262]], dtype=np.float64)
SKULL = RANDOM.uniform(0, 1000, (19, 2))


def turned(points: FloatArray, seed: int, noise: float) -> FloatArray:
    """The points as another patient has them: another place, size and turn, and an unsteady hand."""
    random = np.random.default_rng(seed)
    angle = np.radians(random.uniform(-15, 15))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    placed = points @ rotation.T * random.uniform(0.7, 1.4) + random.uniform(-50, 50, 2)
    return np.asarray(placed + random.normal(0, noise, points.shape))


def a_set(points: FloatArray, count: int = 30, noise: float = 4.0) -> list[Shape]:
    return [Shape(f"{number}.png", "head", "", 0, turned(points, number, noise)) for number in range(count)]


def told(found: list[Shape], schema_name: str = "ceph-19") -> list[tuple[str, str, str]]:
    findings = [finding for finding, _ in unlike_shapes(found, load_schema(schema_name))]
    return [(finding.rule.name, finding.file, finding.place) for finding in findings]


def test_a_sound_set_is_silent() -> None:
    assert told(a_set(SKULL)) == []
    assert told(a_set(RIMS), "orbit-4") == []


@settings(max_examples=20)
@given(pair=st.lists(st.integers(0, 18), min_size=2, max_size=2, unique=True), film=st.integers(0, 29))
def test_two_swapped_landmarks_are_named_and_mended(pair: list[int], film: int) -> None:
    i, j = sorted(pair)
    found = a_set(SKULL)
    sound = found[film].xy
    spoilt = sound.copy()
    spoilt[[i, j]] = sound[[j, i]]
    if np.linalg.norm(SKULL[i] - SKULL[j]) < 150:
        return  # too near to each other to be told apart
    found[film] = replace(found[film], xy=spoilt)
    ((finding, exchange),) = unlike_shapes(found, HEAD)
    names = HEAD.landmark_names
    assert (finding.rule.name, finding.file) == ("points-swapped", f"{film}.png")
    assert set(finding.place.split(" and ")) == {names[i], names[j]}
    assert exchange is not None
    np.testing.assert_array_equal(spoilt[list(exchange.order)], sound)


@pytest.mark.parametrize("pair", [(0, 1), (1, 2), (0, 3), (2, 3), (0, 2), (1, 3)])
def test_swaps_among_four_points(pair: tuple[int, int]) -> None:
    found = a_set(RIMS)
    spoilt = found[3].xy.copy()
    spoilt[list(pair)] = spoilt[list(pair[::-1])]
    found[3] = replace(found[3], xy=spoilt)
    ((rule, file, _),) = told(found, "orbit-4")
    assert (rule, file) == ("points-swapped", "3.png")


def test_points_numbered_from_the_other_side() -> None:
    found = a_set(RIMS)
    found[5] = replace(found[5], xy=found[5].xy[::-1].copy())
    ((finding, exchange),) = unlike_shapes(found, ORBITS)
    assert (finding.rule.name, finding.file) == ("left-right-swapped", "5.png")
    assert exchange is not None
    assert exchange.order == (3, 2, 1, 0)


def test_a_film_that_faces_the_other_way_and_one_upside_down() -> None:
    found = a_set(SKULL)
    found[5] = replace(found[5], xy=found[5].xy * [-1, 1])
    found[6] = replace(found[6], xy=-found[6].xy)
    assert told(found) == [("shape-mirrored", "5.png", ""), ("shape-mirrored", "6.png", "")]


def test_a_landmark_far_off_is_named_alone() -> None:
    found = a_set(SKULL)
    found[5].xy[4] += [400, 0]
    assert told(found) == [("point-far", "5.png", HEAD.landmark_names[4])]


def test_absent_landmarks_do_not_count() -> None:
    found = a_set(SKULL)
    for number, shape in enumerate(found):
        shape.xy[[number % 19, (number + 7) % 19]] = np.nan
    assert told(found) == []
    for shape in found:
        shape.xy[3] = np.nan
    assert told(found) == []


def test_a_few_images_are_not_compared() -> None:
    found = a_set(SKULL, 9)
    found[5].xy[4] += [400, 0]
    assert told(found) == []


def test_the_usual_shape_is_that_of_most() -> None:
    points = np.array([shape.xy for shape in a_set(SKULL, noise=1.0)])
    points[:8] = RANDOM.uniform(0, 1000, (8, 19, 2))
    usual = usual_shape(points)
    centred = SKULL - SKULL.mean(axis=0)
    # A turn is free, so distances between landmarks are what can be held against each other.
    apart = [np.linalg.norm(shape[:, None] - shape[None], axis=2) for shape in (usual, centred)]
    size = np.sqrt((centred**2).sum(axis=1).mean())
    np.testing.assert_allclose(apart[0], apart[1] / size, atol=0.03)


def test_shapes_are_the_landmarks_of_sets_without_levels() -> None:
    points = landmarks(HEAD.landmark_names, SKULL)
    scene = Scene(
        ImageRef(Path("a.png"), 1000, 1000, name="a.png"),
        HEAD,
        (Instance("head", (0, 0, 9, 9), landmarks=points),),
    )
    (shape,) = shapes(scene)
    np.testing.assert_array_equal(shape.xy, SKULL)
    assert list(shapes(replace(scene, schema=load_schema("spine-ap")))) == []
    assert list(shapes(replace(scene, instances=scene.instances * 2))) == []


def test_an_exchange_moves_points_with_all_that_is_said_of_them() -> None:
    xy = RIMS.copy()
    xy[0] = np.nan
    points = exchanged(landmarks(ORBITS.landmark_names, xy, score=np.arange(4.0)), (3, 2, 1, 0))
    assert points.names == ORBITS.landmark_names
    np.testing.assert_array_equal(points.xy, xy[::-1])
    assert points.visibility.tolist() == [2, 2, 2, 0]
    assert points.score is not None
    assert points.score.tolist() == [3, 2, 1, 0]
