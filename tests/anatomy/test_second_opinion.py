from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinekit.anatomy.second_opinion import with_second_opinion
from spinekit.core.scene import Scene
from spinekit.schemas import load_schema
from spinekit.schemas.spine_prior import prior_of
from tests.anatomy.drawn import drawn_spine, film, labels

AP, MASKS = load_schema("spine-ap"), load_schema("spine-ap-levels")
QUADS = drawn_spine(prior_of(AP), 3)
IMAGE = film(QUADS, AP).image


def named(scene: Scene, names: tuple[str, ...] = AP.levels) -> Scene:
    items = (replace(item, label=name) for item, name in zip(scene.instances, names, strict=True))
    return replace(scene, image=IMAGE, instances=tuple(items))


def corners() -> Scene:
    return named(film(QUADS, AP))


def masks(shifted: int | None = None, by: float = 0.0) -> Scene:
    quads = QUADS.copy()
    if shifted is not None:
        quads[shifted] += [0.0, by]
    return replace(named(film(quads, MASKS, as_outline=True)), model="masks")


def test_where_both_agree_nothing_is_said() -> None:
    both = with_second_opinion(corners(), corners())
    assert all(not item.flags for item in both.instances)
    assert all(item.landmarks is not None and item.landmarks.spread is None for item in both.instances)


def test_a_body_in_another_place_is_flagged_and_its_interval_widened() -> None:
    height = float(np.linalg.norm(QUADS[6, 2] - QUADS[6, 0]))
    other = corners()
    moved = film(QUADS + np.where(np.arange(17) == 6, 0.3 * height, 0.0)[:, None, None] * [0.0, 1.0], AP)
    both = with_second_opinion(other, replace(named(moved), model="masks"))
    flagged = [item for item in both.instances if item.flags]
    assert labels(replace(both, instances=tuple(flagged))) == ["T7"]
    assert "masks" in flagged[0].flags[0]
    assert flagged[0].landmarks is not None
    spread = flagged[0].landmarks.spread
    assert spread is not None
    np.testing.assert_allclose(spread, [[0.0, 0.3 * height / np.sqrt(2)]] * 4, atol=1e-9)


def test_spread_grows_by_squares() -> None:
    scene = corners()
    wide = tuple(
        replace(item, landmarks=replace(item.landmarks, spread=np.full((4, 2), 2.0)))
        for item in scene.instances
        if item.landmarks is not None
    )
    both = with_second_opinion(replace(scene, instances=wide), named(film(QUADS + np.array([0.0, 12.0]), AP)))
    first = both.instances[16].landmarks
    assert first is not None
    assert first.spread is not None
    np.testing.assert_allclose(first.spread, [[2.0, np.sqrt(4 + 72)]] * 4)


def test_outlines_are_compared_with_corners() -> None:
    both = with_second_opinion(corners(), masks(4, 12.0))
    assert any("apart" in flag for flag in both.instances[4].flags)
    assert sum(any("apart" in flag for flag in item.flags) for item in both.instances) == 1


def test_another_name_is_told() -> None:
    other = replace(named(film(QUADS, AP), (*AP.levels[1:], "L5")), model="masks")
    both = with_second_opinion(corners(), other)
    assert both.instances[0].flags == ("masks calls it T2",)
    assert labels(both) == list(AP.levels)


def test_bodies_that_one_alone_sees_are_told() -> None:
    less = corners()
    less = replace(less, instances=tuple(item for n, item in enumerate(less.instances) if n != 9))
    both = with_second_opinion(less, masks())
    assert labels(both) == list(AP.levels)
    assert both.instances[9].flags == ("seen by masks alone",)
    back = with_second_opinion(masks(), replace(less, model="corners"))
    assert "not seen by corners" in back.instances[9].flags


def test_different_films_are_refused() -> None:
    other = replace(corners(), image=replace(corners().image, height=77))
    with pytest.raises(ValueError, match="different sizes"):
        with_second_opinion(corners(), other)
