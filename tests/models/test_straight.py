"""A spine straightened: every body on its rows, whatever the spine's course and the film's scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.image import FloatArray, UInt8Array
from spinekit.models.straight import ROWS, StraightView, Wobble, course_of, drawn_out, straightened

VIEW = StraightView(levels=5, above=2, below=3, columns=64, unit=16.0)


def bodies(count: int, height: float = 24.0, slope: float = 0.0, top: float = 150.0) -> FloatArray:
    """(N, 4, 2) corners of bodies 30 px broad and 18 high along a line."""
    corners = np.array([[-15.0, -9.0], [15.0, -9.0], [-15.0, 9.0], [15.0, 9.0]])
    centres = [[200 + slope * height * k, top + height * k] for k in range(count)]
    return np.asarray(corners + np.array(centres)[:, None])


def marked(shapes: FloatArray, size: tuple[int, int] = (520, 400)) -> UInt8Array:
    """A film on which each body is a disc, the first the brightest."""
    rows, columns = np.indices(size)
    film = np.full(size, 10, np.uint8)
    for k, (x, y) in enumerate(shapes.mean(axis=1)):
        film[(columns - x) ** 2 + (rows - y) ** 2 < 36] = 240 - 20 * k
    return film


def row_of(level: int) -> int:
    return round(ROWS * (VIEW.above + level + 0.5) - 0.5)


@pytest.mark.parametrize("slope", [0.0, 0.4, -0.8])
@pytest.mark.parametrize("factor", [1, 3])
def test_each_body_lies_on_its_rows(slope: float, factor: int) -> None:
    shapes = bodies(5, slope=slope)
    film = marked(shapes).repeat(factor, 0).repeat(factor, 1)
    grey, there = straightened(film, course_of((shapes + 0.5) * factor - 0.5, range(5)), VIEW)
    assert grey.shape == there.shape == (ROWS * 10, 64)
    for level in range(5):
        assert abs(int(grey[row_of(level), 32]) - (240 - 20 * level)) <= 12
        between = grey[row_of(level) + ROWS // 2, 32]
        assert between < 60


def test_names_that_are_off_move_the_picture_by_bodies() -> None:
    shapes = bodies(5)
    film = marked(shapes)
    named, lower = (straightened(film, course_of(shapes, range(k, 5 + k)), VIEW)[0] for k in (0, 1))
    np.testing.assert_allclose(named[ROWS:-ROWS], lower[2 * ROWS :], atol=2)


def test_beside_the_film_nothing_is_known() -> None:
    shapes = bodies(5, top=20.0)
    grey, there = straightened(marked(shapes), course_of(shapes, range(5)), VIEW)
    above = np.flatnonzero((there == 0).all(axis=1))
    assert above.size, "the first bodies lie near the film's edge"
    assert (grey[above] == 0).all()
    assert set(np.unique(there)) == {0, 255}


def test_a_body_between_two_that_are_known_is_laid_between_them() -> None:
    shapes = bodies(5)
    whole, without = (
        course_of(shapes, range(5)), course_of(shapes[[0, 1, 4]], (0, 1, 4))
    )  # fmt: skip
    np.testing.assert_allclose(whole.centres, without.centres)
    np.testing.assert_allclose(whole.sizes, without.sizes)
    assert whole.sizes[0] == pytest.approx(np.hypot(30, 18))


def test_of_a_sacrum_one_endplate_is_enough() -> None:
    shapes = bodies(5)
    shapes[4, 2:] = np.nan
    course = course_of(shapes, range(5))
    np.testing.assert_allclose(course.centres[4], [200, 150 + 4 * 24 - 9])
    assert course.sizes[4] == pytest.approx(30)


def test_the_order_in_which_bodies_come_does_not_matter() -> None:
    shapes, order = bodies(5, slope=0.3), [3, 0, 4, 1, 2]
    one, other = course_of(shapes, range(5)), course_of(shapes[order], order)
    np.testing.assert_array_equal(one.centres, other.centres)
    assert one.first == other.first == 0


@given(st.integers(0, 4), st.integers(0, 4), st.floats(-0.5, 0.5))
def test_a_straight_course_goes_on_straight(above: int, below: int, slope: float) -> None:
    longer = course_of(bodies(5 + above + below, slope=slope), range(-above, 5 + below))
    drawn = drawn_out(
        course_of(bodies(5 + above + below, slope=slope)[above : above + 5], range(5)), above, below
    )
    assert drawn.first == longer.first == -above
    np.testing.assert_allclose(drawn.centres, longer.centres, atol=1e-9)
    np.testing.assert_allclose(drawn.sizes, longer.sizes, atol=1e-9)


def test_a_wobble_moves_the_look_and_no_wobble_none() -> None:
    shapes = bodies(5)
    film, course = marked(shapes), course_of(shapes, range(5))
    plain = straightened(film, course, VIEW)[0]
    moved = straightened(film, course, VIEW, Wobble(place=1.0))[0]
    np.testing.assert_allclose(moved[:-ROWS], plain[ROWS:], atol=2)
    assert np.array_equal(straightened(film, course, VIEW, Wobble())[0], plain)
