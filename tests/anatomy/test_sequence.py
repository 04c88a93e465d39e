from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.anatomy import name_levels
from spinekit.anatomy.decoding import WEIGHTS
from spinekit.anatomy.sequence import Anchor, read_in_sequence, suppressed
from spinekit.anatomy.spine_bodies import shared_part
from spinekit.core.image import FloatArray
from spinekit.core.scene import Instance, Scene
from spinekit.schemas import load_schema
from spinekit.schemas.spine_prior import prior_of, priors
from tests.anatomy.drawn import drawn_spine, film, labels

AP = load_schema("spine-ap")
LATERAL = load_schema("spine-lateral")
FRONTAL, SIDE = prior_of(AP), prior_of(LATERAL)
SEEDS = st.integers(0, 10_000)


def truth(seed: int) -> FloatArray:
    return drawn_spine(FRONTAL, seed)


@settings(max_examples=12)
@given(SEEDS, st.permutations(range(17)))
def test_a_whole_spine_is_named_whatever_the_order(seed: int, order: list[int]) -> None:
    quads = truth(seed)
    named = name_levels(film(quads[order], AP))
    assert labels(named) == list(AP.levels)
    for item, quad in zip(named.instances, quads, strict=True):
        assert item.landmarks is not None
        assert np.array_equal(item.landmarks.xy, quad)
    assert not any("not found" in note for note in named.notes)


@settings(max_examples=12)
@given(SEEDS, st.integers(0, 16), st.floats(2, 8))
def test_no_body_is_taken_twice(seed: int, which: int, off: float) -> None:
    quads = truth(seed)
    doubled = np.concatenate([quads, quads[[which]] + off])
    named = name_levels(film(doubled, AP, [0.8] * 17 + [0.7]))
    assert labels(named) == list(AP.levels)
    taken = [item.landmarks.xy for item in named.instances if item.landmarks is not None]
    assert all(shared_part(a, b) < 0.5 for n, a in enumerate(taken) for b in taken[:n])


@settings(max_examples=12)
@given(SEEDS, st.integers(1, 15))
def test_a_gap_keeps_the_other_names_and_is_reported(seed: int, which: int) -> None:
    kept = np.delete(np.arange(17), which)
    named = name_levels(film(truth(seed)[kept], AP))
    assert labels(named) == [AP.levels[k] for k in kept]
    assert any(f"not found: {AP.levels[which]}" in note for note in named.notes)


def test_crumbs_beside_the_spine_are_left_out() -> None:
    quads = truth(3)
    crumbs = quads[[4, 9]] + np.array([160.0, 10.0])
    named = name_levels(film(np.concatenate([quads, crumbs]), AP, [0.7] * 17 + [0.4, 0.4]))
    assert labels(named) == list(AP.levels)


def test_nothing_found_stays_nothing() -> None:
    empty = film(np.zeros((0, 4, 2)), AP)
    reading = read_in_sequence(empty)
    assert reading.scene.instances == ()
    assert reading.alternatives == ()


def test_a_single_candidate_is_a_spine_of_one() -> None:
    named = name_levels(film(truth(1)[[8]], AP))
    assert len(named.instances) == 1
    assert any("1 of" in note for note in named.notes)


def test_a_candidate_without_points_is_taken_by_its_box() -> None:
    quads = truth(1)
    scene = film(quads, AP)
    bare = tuple(replace(item, landmarks=None) if n == 5 else item for n, item in enumerate(scene.instances))
    assert labels(name_levels(replace(scene, instances=bare))) == list(AP.levels)


def certain_looks(count: int, first: int, share: float = 0.5) -> FloatArray:
    """(count, 17) looks that know the levels fairly well, beginning with level ``first``; outside nothing."""
    shares = np.full((count, 17), 0.01)
    for row in range(count):
        for near, part in ((0, share), (-1, share / 3), (1, share / 3)):
            if 0 <= row + first + near < 17 and 0 <= row + first < 17:
                shares[row, row + first + near] = part
    return shares


@settings(max_examples=12)
@given(SEEDS, st.sampled_from(("above", "below")), st.floats(0.4, 0.6))
def test_looks_decide_which_seventeen_of_eighteen_bodies_are_meant(
    seed: int, where: str, certain: float
) -> None:
    quads = truth(seed)
    centres = quads.mean(axis=1)
    above = where == "above"
    step = centres[0] - centres[1] if above else centres[-1] - centres[-2]
    extra = (quads[0] if above else quads[-1]) + step
    more = np.concatenate([[extra], quads] if above else [quads, [extra]])
    shares = certain_looks(18, -1 if above else 0, certain)
    named = name_levels(film(more, AP, 0.7, shares=shares))
    assert labels(named) == list(AP.levels)
    top = named.instances[0].landmarks
    assert top is not None
    assert np.array_equal(top.xy, quads[0])
    for place, item in enumerate(named.instances):
        assert item.level_shares is not None
        assert item.level_shares[place] > 0.2
        assert item.level_shares.sum() < 1 + 1e-9


class TestPartialFilms:
    """Only some of the bodies are on the film; its border says that the others cannot be missed."""

    def part(self, seed: int, first: str, last: str, **how: float) -> tuple[Scene, list[str]]:
        levels = list(SIDE.levels)
        a, b = levels.index(first), levels.index(last) + 1
        quads = drawn_spine(SIDE, seed, **how)[a:b]
        quads = quads - [0.0, quads[..., 1].min() - 20.0]
        return film(quads, LATERAL, below=20.0), levels[a:b]

    @pytest.mark.parametrize("seed", range(6))
    @pytest.mark.parametrize(("first", "last", "level"), [("C2", "C7", "C2"), ("L1", "S1", "S1")])
    def test_an_anchor_names_them_all(self, seed: int, first: str, last: str, level: str) -> None:
        scene, expected = self.part(seed, first, last)
        points = scene.instances[expected.index(level)].landmarks
        assert points is not None
        reading = read_in_sequence(scene, anchors=[Anchor(level, points.xy.mean(axis=0))])
        assert labels(reading.scene) == expected
        assert not any("not found" in note for note in reading.scene.notes)

    @pytest.mark.parametrize("seed", range(4))
    def test_without_an_anchor_the_weights_say_what_else_it_may_be(self, seed: int) -> None:
        scene, expected = self.part(seed, "T4", "T9")
        reading = read_in_sequence(scene)
        assert sum(a.weight for a in reading.alternatives) == pytest.approx(1.0, abs=0.05)
        index = {name: k for k, name in enumerate(LATERAL.levels)}
        off = index[expected[0]] - index[labels(reading.scene)[0]]
        assert off in {a.shift for a in reading.alternatives}
        assert any("level uncertain" in flag for item in reading.scene.instances for flag in item.flags)
        assert any("level names are uncertain" in note for note in reading.scene.notes)

    def test_a_film_that_faces_the_other_way_is_read_alike(self) -> None:
        quads = drawn_spine(SIDE, 2)
        turned = quads * [-1.0, 1.0] + [quads[..., 0].max() + 100.0, 0.0]
        assert labels(name_levels(film(turned, LATERAL))) == list(SIDE.levels)

    def test_one_endplate_of_the_first_and_last_body_is_enough(self) -> None:
        quads = drawn_spine(SIDE, 1)
        quads[0, :2] = np.nan
        quads[-1, 2:] = np.nan
        assert labels(name_levels(film(quads, LATERAL))) == list(SIDE.levels)


class TestOtherNumbersOfBodies:
    """Phantoms with 11 or 13 thoracic, 4 or 6 lumbar bodies; C2, T12's rib and S1 are known."""

    def spine(self, seed: int, remove: str = "", double: str = "") -> tuple[FloatArray, list[str]]:
        levels = list(SIDE.levels)
        quads = drawn_spine(SIDE, seed, unlike=0.3)
        place = levels.index(remove or double)
        step = quads[place + 1].mean(axis=0) - quads[place].mean(axis=0)
        if remove:
            lower = quads[place + 1 :] - (quads[place + 1].mean(axis=0) - quads[place].mean(axis=0))
            return np.concatenate([quads[:place], lower]), [name for name in levels if name != remove]
        extra = {"T12": "T13", "L5": "L6"}[double]
        upper, lower = quads[: place + 1], quads[place + 1 :] + step
        names = [*levels[: place + 1], extra, *levels[place + 1 :]]
        return np.concatenate([upper, [quads[place] + step], lower]), names

    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize(
        ("remove", "double", "rib"),
        [("T12", "", "T11"), ("", "T12", "T13"), ("L5", "", "T12"), ("", "L5", "T12")],
    )
    def test_the_count_between_anchors_is_taken_as_it_is(
        self, seed: int, remove: str, double: str, rib: str
    ) -> None:
        quads, names = self.spine(seed, remove, double)
        centres = quads.mean(axis=1)
        at = {"C2": "C2", "S1": "S1"} | ({"T12": "T12"} if rib == "T12" else {"L1": "L1"})
        anchors = [Anchor(level, centres[names.index(body)]) for level, body in at.items()]
        reading = read_in_sequence(film(quads, LATERAL), anchors=anchors)
        assert labels(reading.scene) == names

    def test_without_a_rib_both_ways_to_count_are_told(self) -> None:
        quads, names = self.spine(0, double="L5")
        centres = quads.mean(axis=1)
        anchors = [Anchor("C2", centres[0]), Anchor("S1", centres[-1])]
        reading = read_in_sequence(film(quads, LATERAL), anchors=anchors)
        assert len(reading.scene.instances) == len(names)
        assert {"T13", "L6"} & set(labels(reading.scene))
        # The bodies between the two places where the extra one may be are one level higher or lower.
        lumbar = next(item for item in reading.scene.instances if item.label == "L3")
        assert lumbar.level_shares is not None
        assert 0.05 < float(lumbar.level_shares.max()) < 0.95


class TestSuppression:
    def test_the_more_certain_of_two_stays(self) -> None:
        quads = truth(0)
        both = np.concatenate([quads, quads[[4]] + 1.5])
        assert suppressed(both, np.append(np.full(17, 0.5), 0.9)) == [k for k in range(18) if k != 4]

    def test_a_pair_of_joined_bodies_is_not_one_of_them(self) -> None:
        quads = truth(0)
        pair = np.array([*quads[4, :2], *quads[5, 2:]])
        assert len(suppressed(np.concatenate([quads, [pair]]), np.full(18, 0.5))) == 18

    def test_neighbours_stay(self) -> None:
        assert suppressed(truth(5), np.full(17, 0.5)) == list(range(17))


def test_looks_of_a_class_alone_are_enough() -> None:
    schema = load_schema("spine-ap-levels")
    scene = film(truth(2), schema, 0.6, as_outline=True)
    items: list[Instance] = []
    for k, item in enumerate(scene.instances):
        # T6 is called T5 a second time.
        items.append(replace(item, label=schema.levels[4 if k == 5 else k]))
    assert labels(name_levels(replace(scene, instances=tuple(items)))) == list(schema.levels)


def test_what_a_prior_weighs_otherwise_is_known_to_the_sequence() -> None:
    weighed = {prior.view: replace(WEIGHTS, **prior.evidence) for prior in priors()}
    assert weighed["spine, lateral"].missing > WEIGHTS.missing
    assert weighed["spine, frontal"] == WEIGHTS
