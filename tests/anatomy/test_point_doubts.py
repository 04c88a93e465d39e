from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinekit.anatomy.point_doubts import learnt_limits, with_point_doubts
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Instance, Scene
from spinekit.schemas import load_schema
from spinekit.schemas.point_limits import PointLimits, point_limits

CEPH = load_schema("ceph-19")


def limits(schema: str = "ceph-19") -> PointLimits:
    found = point_limits(load_schema(schema))
    assert found is not None
    return found


def usual(schema: str = "ceph-19", seed: int = 0) -> FloatArray:
    """The usual shape on a film, turned a little, each point as far off as people's are."""
    known, random = limits(schema), np.random.default_rng(seed)
    turn = np.radians(random.uniform(-10, 10))
    away = known.usual + random.normal(size=known.usual.shape) * known.spread[:, None]
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.asarray(away @ spin.T * 300 + 700)


def scene(xy: FloatArray, schema: str = "ceph-19") -> Scene:
    known = load_schema(schema)
    item = Instance(known.classes[0], (0, 0, 9, 9), landmarks=landmarks(known.landmark_names, xy))
    return Scene(ImageRef(Path("film.png"), 2000, 2000, name="film.png"), known, (item,))


def flags(xy: FloatArray, schema: str = "ceph-19") -> tuple[str, ...]:
    return with_point_doubts(scene(xy, schema)).instances[0].flags


@pytest.mark.parametrize("schema", ["ceph-19", "orbit-4"])
@pytest.mark.parametrize("seed", range(8))
def test_usual_shapes_raise_nothing(schema: str, seed: int) -> None:
    assert flags(usual(schema, seed), schema) == ()


@pytest.mark.parametrize(("first", "second"), [("S", "N"), ("Me", "Go"), ("ANS", "PNS")])
def test_exchanged_points_are_told_and_left_where_they_are(first: str, second: str) -> None:
    xy, i, j = usual(), CEPH.landmark_names.index(first), CEPH.landmark_names.index(second)
    xy[[i, j]] = xy[[j, i]]
    told = with_point_doubts(scene(xy)).instances[0]
    pair = sorted((i, j))
    names = [CEPH.landmark_names[k] for k in pair]
    assert any(all(name in flag for name in names) and "in each other's place" in flag for flag in told.flags)
    assert told.landmarks is not None
    np.testing.assert_array_equal(told.landmarks.xy, xy)


def test_a_point_far_off_is_told_with_its_distance() -> None:
    xy = usual()
    xy[CEPH.landmark_names.index("A")] += [400.0, -250.0]
    assert any(flag.startswith("A lies") and "robust SD" in flag for flag in flags(xy))


def test_absent_points_and_few_points_are_no_doubt() -> None:
    xy = usual()
    xy[3:9] = np.nan
    assert flags(xy) == ()
    xy[2:] = np.nan
    assert flags(xy) == ()


def test_a_schema_without_limits_stays_as_it_is() -> None:
    bare = replace(CEPH, name="own")
    assert point_limits(bare) is None
    known = replace(scene(usual() * [1.0, -3.0]), schema=bare)
    assert with_point_doubts(known) is known


def test_limits_are_learnt_from_labels() -> None:
    sets = np.array([usual(seed=seed) for seed in range(40)])
    found = learnt_limits("ceph-19", CEPH.landmark_names, sets, "drawn")
    np.testing.assert_allclose(found.usual, limits().usual, atol=0.12)
    assert float(np.median(found.spread / limits().spread)) == pytest.approx(1.0, abs=0.25)
