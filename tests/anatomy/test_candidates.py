"""Candidates as numbers: rectangles around outlines know their upper endplate by the way the spine runs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spinekit.anatomy.candidates import turned_along
from spinekit.core.image import FloatArray

BODY = np.array([[-18.0, -14.0], [18.0, -14.0], [-18.0, 14.0], [18.0, 14.0]])  # broader than high


def spine_bent(lean: float, count: int = 6) -> FloatArray:
    """(count, 4, 2) bodies, each leaning more than the one above, the last by ``lean`` degrees."""
    centre, quads = np.array([200.0, 40.0]), []
    for angle in np.radians(lean * (np.arange(count) / (count - 1)) ** 2):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        quads.append(BODY @ turn.T + centre)
        centre = centre + turn @ [0.0, 36.0]
    return np.array(quads)


def quarter_turned(quad: FloatArray, times: int) -> FloatArray:
    return np.asarray(np.roll(quad[[0, 1, 3, 2]], times, axis=0)[[0, 1, 3, 2]])


@given(lean=st.floats(-65, 65), turns=st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_corners_are_named_by_the_way_of_the_spine(lean: float, turns: list[int]) -> None:
    true = spine_bent(lean)
    given_ = np.array([quarter_turned(quad, times) for quad, times in zip(true, turns, strict=True)])
    found = turned_along(given_, np.full(6, 0.9), np.ones(6, dtype=bool))
    np.testing.assert_allclose(found, true)


def test_named_corners_are_left_alone() -> None:
    true = spine_bent(20.0)
    true[2] = quarter_turned(true[2], 1)
    free = np.ones(6, dtype=bool)
    free[2] = False
    found = turned_along(true, np.full(6, 0.9), free)
    np.testing.assert_array_equal(found[2], true[2])


def test_a_body_alone_stays_as_it_is() -> None:
    lonely = quarter_turned(BODY + 100.0, 1)[None]
    np.testing.assert_array_equal(turned_along(lonely, np.array([0.9]), np.array([True])), lonely)


def test_what_is_little_believed_tells_nothing() -> None:
    true = spine_bent(0.0)
    beside = np.array([*true, true[2] + np.array([25.0, 18.0])])
    found = turned_along(beside, np.array([0.9] * 6 + [0.05]), np.ones(7, dtype=bool))
    np.testing.assert_allclose(found[:6], true)
