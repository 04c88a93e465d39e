"""A spine all of whose names are off is named anew, and its doubts are those of what saw it as a whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinekit.anatomy.sequence import read_in_sequence
from spinekit.anatomy.shifted import with_shifts
from spinekit.core.image import FloatArray
from spinekit.core.scene import Scene
from spinekit.schemas import load_schema
from spinekit.schemas.spine_prior import prior_of
from tests.anatomy.drawn import drawn_spine, film, labels

AP = load_schema("spine-ap")


def with_c7(seed: int, last: float) -> tuple[FloatArray, list[float]]:
    """Corners of C7 and T1 to L5, and their certainties; that of L5 is ``last``."""
    quads = drawn_spine(prior_of(AP), seed)
    above = quads[:1] - (quads[1] - quads[0]).mean(axis=0)
    return np.concatenate([above, quads]), [*[0.8] * 17, last]


def named_one_too_low(scene: Scene) -> Scene:
    """The first seventeen candidates under the levels' names, as where C7 is taken for T1."""
    items = tuple(replace(item, label=level) for item, level in zip(scene.instances, AP.levels, strict=False))
    return replace(scene, instances=items)


@pytest.mark.parametrize("seed", range(6))
def test_names_move_and_what_lies_beyond_the_levels_is_left_out(seed: int) -> None:
    quads, scores = with_c7(seed, last=0.12)
    scene = film(quads, AP, scores)
    spine = with_shifts(scene, named_one_too_low(scene), {-1: 0.9, 0: 0.1})
    assert labels(spine.scene) == list(AP.levels)
    for item, quad in zip(spine.scene.instances, quads[1:], strict=True):
        assert item.landmarks is not None
        np.testing.assert_array_equal(item.landmarks.xy, quad)


def test_a_body_that_no_candidate_shows_is_told_as_missing() -> None:
    quads, scores = with_c7(1, last=0.8)
    scene = film(quads[:17], AP, scores[:17])
    spine = with_shifts(scene, named_one_too_low(scene), {-1: 1.0})
    assert labels(spine.scene) == list(AP.levels[:16])
    assert any("not found: L5" in note for note in spine.scene.notes)


def test_the_doubts_are_those_of_the_chances() -> None:
    quads = drawn_spine(prior_of(AP), 2)
    scene = film(quads, AP)
    named = read_in_sequence(scene).scene
    spine = with_shifts(scene, named, {-1: 0.05, 0: 0.7, 1: 0.25})
    assert labels(spine.scene) == list(AP.levels)
    weights = {alternative.shift: alternative.weight for alternative in spine.alternatives}
    assert weights[0] == pytest.approx(0.7, abs=0.03)  # at the ends there is one level less to be
    assert weights[1] == pytest.approx(0.25, abs=0.03)
    shares = spine.scene.instances[5].level_shares
    assert shares is not None
    np.testing.assert_allclose(shares[4:7], [0.05, 0.7, 0.25])
    assert shares.sum() == pytest.approx(1)
    assert any(
        note == "level names are uncertain: as given 72%, all of them 1 level lower 24%"
        for note in spine.scene.notes
    ), spine.scene.notes


def test_what_is_sure_says_nothing_more() -> None:
    scene = film(drawn_spine(prior_of(AP), 3), AP)
    spine = with_shifts(scene, read_in_sequence(scene).scene, {0: 1.0})
    assert labels(spine.scene) == list(AP.levels)
    assert [alternative.shift for alternative in spine.alternatives] == [0]
    assert not any("uncertain" in note for note in spine.scene.notes)


def test_names_that_are_more_likely_wrong_are_flagged() -> None:
    scene = film(drawn_spine(prior_of(AP), 4), AP)
    spine = with_shifts(scene, read_in_sequence(scene).scene, {-2: 0.3, 0: 0.4, 2: 0.3})
    flags = [flag for item in spine.scene.instances for flag in item.flags]
    assert len(flags) >= 13
    assert all(flag.startswith("level uncertain") for flag in flags)


def test_of_nothing_nothing_is_made() -> None:
    empty = film(np.zeros((0, 4, 2)), AP)
    assert with_shifts(empty, empty, {1: 1.0}).scene.instances == ()
