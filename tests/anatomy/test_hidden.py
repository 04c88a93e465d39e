from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.anatomy.hidden import INFERRED, is_inferred, seen_alone, to_be_measured, with_inferred
from spinekit.anatomy.spine_bodies import shared_part
from spinekit.core.landmarks import Visibility
from spinekit.core.measurement import Measurement
from spinekit.core.scene import Scene
from spinekit.measures import bodies as measured
from spinekit.measures import measure
from spinekit.measures.interval import Draws
from spinekit.schemas import load_schema
from spinekit.schemas.spine_prior import prior_of
from tests.anatomy.drawn import drawn_spine, film, labels

AP, MASKS = load_schema("spine-ap"), load_schema("spine-ap-levels")
PRIOR = prior_of(AP)


def without(seed: int, *gone: int, outlines: bool = False) -> Scene:
    quads = drawn_spine(PRIOR, seed)
    scene = film(quads, MASKS if outlines else AP, as_outline=outlines)
    named = tuple(replace(item, label=name) for item, name in zip(scene.instances, AP.levels, strict=True))
    return replace(scene, instances=tuple(item for n, item in enumerate(named) if n not in gone))


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(2, 14))
def test_a_hidden_body_is_drawn_where_it_is(seed: int, gone: int) -> None:
    quads = drawn_spine(PRIOR, seed)
    drawn = with_inferred(without(seed, gone))
    assert labels(drawn) == list(AP.levels)
    assert [is_inferred(item) for item in drawn.instances] == [n == gone for n in range(17)]
    points = drawn.instances[gone].landmarks
    assert points is not None
    assert shared_part(points.xy, quads[gone]) > 0.5
    assert drawn.instances[gone].score == 0.0
    assert bool((points.visibility == Visibility.OCCLUDED).all())
    assert labels(seen_alone(drawn)) == [name for n, name in enumerate(AP.levels) if n != gone]


def test_on_a_straight_spine_it_is_exact() -> None:
    quads = np.array(
        [[[0, y], [40, y], [0, y + 20], [40, y + 20]] for y in range(0, 17 * 30, 30)], dtype=float
    )
    scene = film(quads, AP)
    named = tuple(replace(item, label=name) for item, name in zip(scene.instances, AP.levels, strict=True))
    drawn = with_inferred(replace(scene, instances=(*named[:7], *named[9:])))
    for place in (7, 8):
        points = drawn.instances[place].landmarks
        assert points is not None
        np.testing.assert_allclose(points.xy, quads[place], atol=1e-9)
    assert drawn.notes == ("drawn along the spine's curve, not seen: T8, T9",)


def test_outlines_are_drawn_as_outlines() -> None:
    drawn = with_inferred(without(1, 5, outlines=True))
    outline = drawn.instances[5].outline
    assert outline is not None
    assert drawn.instances[5].landmarks is None
    assert len(outline.rings[0]) == 4


def test_nothing_is_drawn_without_a_gap_or_beyond_the_ends() -> None:
    for scene in (without(1), without(1, 0, 1, 16)):
        assert with_inferred(scene) is scene


@pytest.mark.parametrize("gone", [range(3, 8), range(1, 16)])
def test_wide_gaps_and_few_bodies_stay_open(gone: range) -> None:
    scene = without(1, *gone)
    assert with_inferred(scene) is scene


def test_what_is_inferred_is_left_out_of_measurements() -> None:
    found = measured.find_bodies(with_inferred(without(2, 6)), Draws(0))
    assert isinstance(found, measured.Bodies)
    assert "T7" not in found.names
    assert any("T7" in reason and "not seen" in reason for reason in found.reasons)
    assert INFERRED.startswith(measured.INFERRED)


def test_on_request_it_is_measured_and_to_be_reviewed() -> None:
    scene = to_be_measured(with_inferred(without(2, 6)))
    found = measured.find_bodies(scene, Draws(0))
    assert isinstance(found, measured.Bodies)
    assert found.names == AP.levels
    assert any("not seen" in flag for flag in found.flags[6])
    whole, drawn = measure(without(2), draws=0), measure(scene, draws=0)
    true, guessed = (next(r for r in results if r.name == "cobb_aasce_main") for results in (whole, drawn))
    assert isinstance(true, Measurement)
    assert isinstance(guessed, Measurement)
    assert abs(true.value - guessed.value) < 3
