from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.image import FloatArray
from spinekit.models.views import Look, merge, surest, unmirrored

FLIP = (1, 0, 3, 2)


def look(count: int, shift: float = 0.0, score: float = 0.8) -> Look:
    unit = np.array([[0.0, 0, 1], [40, 0, 1], [0, 30, 1], [40, 30, 1]])
    points = np.array([unit + np.array([shift, 45 * k, 0]) for k in range(count)]).reshape(-1, 4, 3)
    boxes = np.array([[shift, 45 * k, 40 + shift, 45 * k + 30] for k in range(count)]).reshape(-1, 4)
    return Look(boxes, np.full(count, score), points)


def mirrored(seen: Look, width: int) -> Look:
    return unmirrored(seen, width, FLIP)


@given(st.integers(0, 6), st.integers(50, 900))
def test_mirroring_twice_changes_nothing(count: int, width: int) -> None:
    once = look(count)
    twice = mirrored(mirrored(once, width), width)
    np.testing.assert_allclose(twice.points, once.points)
    np.testing.assert_allclose(twice.boxes, once.boxes)


def test_left_stays_left() -> None:
    points = mirrored(look(3), 200).points
    assert (points[:, 0, 0] < points[:, 1, 0]).all()
    assert points[0, :, 0].tolist() == [159, 199, 159, 199]


def test_two_looks_meet_in_the_middle() -> None:
    both = merge([look(4), look(4, shift=4.0)])
    assert len(both.scores) == 4
    np.testing.assert_allclose(np.sort(both.points[:, 0, 1]), [0, 45, 90, 135])
    np.testing.assert_allclose(both.points[:, 0, 0], 2)
    np.testing.assert_allclose(both.scores, 0.8)


def test_the_more_certain_look_weighs_more() -> None:
    both = merge([look(1, 0.0, 0.9), look(1, 4.0, 0.3)])
    np.testing.assert_allclose(both.points[0, 0, 0], 1)
    np.testing.assert_allclose(both.scores, 0.6)


def test_what_one_look_alone_saw_keeps_half_its_score() -> None:
    both = merge([look(2), look(1)])
    assert both.scores.tolist() == [0.8, 0.4]


def test_neighbours_are_not_joined() -> None:
    assert len(merge([look(3), look(3, shift=2.0)]).scores) == 3


def test_nothing_seen_twice_is_nothing() -> None:
    both = merge([look(0), look(0)])
    assert both.points.shape == (0, 4, 3)
    assert both.boxes.shape == (0, 4)


@given(st.permutations(range(5)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    first = look(5)
    shuffled = Look(first.boxes[order], first.scores, first.points[order])
    plain: FloatArray = merge([first, look(5, 3.0)]).points
    mixed: FloatArray = merge([shuffled, look(5, 3.0)]).points
    np.testing.assert_allclose(np.sort(plain, axis=0), np.sort(mixed, axis=0))


def test_of_film_and_mirror_the_surer_is_kept() -> None:
    faint, clear = look(5, score=0.2), look(3, score=0.9)
    assert surest([faint, clear], 24) is clear
    assert surest([clear, faint], 24) is clear


def test_crumbs_beyond_what_a_film_holds_count_for_nothing() -> None:
    crumbs, few = look(40, score=0.2), look(3, score=0.9)
    assert surest([crumbs, few], 3) is few
