from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.anatomy import name_levels
from spinekit.anatomy.together import box_of, named_alike, overlaps, with_looks_of
from spinekit.core.image import FloatArray
from spinekit.core.scene import Scene
from spinekit.schemas import load_schema
from spinekit.schemas.spine_prior import prior_of
from tests.anatomy.drawn import drawn_spine, film, labels
from tests.anatomy.faults import votes

AP, MASKS = load_schema("spine-ap"), load_schema("spine-ap-levels")
QUADS = drawn_spine(prior_of(AP), 3)
COUNT = len(QUADS)


def corners(quads: FloatArray = QUADS, shares: FloatArray | None = None) -> Scene:
    return replace(film(quads, AP, shares=shares), image=film(QUADS, AP).image)


def masks(levels: list[int], quads: FloatArray = QUADS, score: float = 0.8) -> Scene:
    found = film(quads, MASKS, score, shares=votes(levels, COUNT), as_outline=True)
    return replace(found, image=film(QUADS, AP).image)


def shares_of(scene: Scene) -> FloatArray:
    return np.array([item.level_shares for item in scene.instances])


def test_looks_of_the_other_become_chances() -> None:
    joined = shares_of(with_looks_of(corners(), masks(list(range(COUNT)))))
    np.testing.assert_allclose(joined.sum(axis=1), 1)
    assert joined.argmax(axis=1).tolist() == list(range(COUNT))


def test_the_two_weigh_alike() -> None:
    ours, theirs = votes([3] * COUNT, COUNT), [5] * COUNT
    joined = shares_of(with_looks_of(corners(shares=ours), masks(theirs)))
    np.testing.assert_allclose(joined[:, 3], joined[:, 5])


def test_where_the_other_sees_nothing_ours_stays_first_and_is_less_sure() -> None:
    ours = votes(list(range(COUNT)), COUNT)
    joined = shares_of(with_looks_of(corners(shares=ours), masks([0], QUADS[:1] + 5000.0)))
    assert joined.argmax(axis=1).tolist() == list(range(COUNT))
    assert (joined.max(axis=1) < ours.max(axis=1)).all()


def test_one_that_says_nothing_changes_nothing() -> None:
    silent = replace(masks(list(range(COUNT))), instances=())
    assert all(item.level_shares is None for item in with_looks_of(corners(), silent).instances)


def test_the_looks_of_the_other_choose_which_seventeen_are_meant() -> None:
    step = np.array([0.0, float(QUADS[-1, 2, 1] - QUADS[-2, 2, 1])])
    one_more = np.concatenate([QUADS, QUADS[-1:] + step])
    told = masks([0, *range(COUNT)], one_more)  # the second of eighteen is the first level
    named = name_levels(with_looks_of(corners(one_more), told))
    lowest = max(named.instances, key=lambda item: box_of(item)[3])
    assert lowest.label == AP.levels[-1]
    assert abs(box_of(lowest)[3] - float(one_more[-1, :, 1].max())) < 1


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(1, 90), st.floats(1, 90))
def test_overlap_is_that_of_rectangles(x: float, y: float, width: float, height: float) -> None:
    one = (0.0, 0.0, 40.0, 30.0)
    other = np.array([[x, y, x + width, y + height]])
    shared = max(0.0, min(40.0, x + width) - max(0.0, x)) * max(0.0, min(30.0, y + height) - max(0.0, y))
    np.testing.assert_allclose(
        overlaps(one, other), shared / (1200 + width * height - shared), atol=1e-9, rtol=1e-6
    )


def test_candidates_take_the_names_of_the_bodies_they_lie_on() -> None:
    scene = corners()
    named = replace(
        scene,
        instances=tuple(
            replace(item, label=name) for item, name in zip(scene.instances, AP.levels, strict=True)
        ),
    )
    shifted = masks([*range(1, COUNT), 0])
    assert labels(named_alike(shifted, named, 0.1)) == labels(named)
    assert not named_alike(shifted, named, 0.9).instances


def test_twins_of_a_body_are_left_out_and_strangers_keep_their_names() -> None:
    scene = corners(QUADS[:2])
    named = replace(
        scene,
        instances=tuple(
            replace(item, label=name) for item, name in zip(scene.instances, AP.levels, strict=False)
        ),
    )
    both = masks([0, 0, 1, 7], np.concatenate([QUADS[:1], QUADS[:1] + 1.0, QUADS[1:2], QUADS[9:10]]))
    both = replace(both, instances=(*both.instances[:3], replace(both.instances[3], label="T8")))
    assert list(labels(named_alike(both, named, 0.1))) == [AP.levels[0], AP.levels[1], "T8"]


def test_films_of_different_sizes_or_levels_are_refused() -> None:
    ours = corners()
    smaller = replace(masks([0], QUADS[:1]), image=replace(ours.image, width=ours.image.width - 1))
    with pytest.raises(ValueError, match="different sizes"):
        with_looks_of(ours, smaller)
    lateral = film(QUADS, load_schema("spine-lateral"), shares=votes(list(range(COUNT)), 24))
    with pytest.raises(ValueError, match="same levels"):
        with_looks_of(ours, replace(lateral, image=ours.image))
