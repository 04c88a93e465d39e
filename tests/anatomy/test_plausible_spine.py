from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.anatomy.plausible_spine import implausible, misplaced_corners
from spinekit.anatomy.spine_bodies import Spine, shared_part, spines
from spinekit.core.finding import Finding
from spinekit.core.image import FloatArray
from tests.anatomy.spines import AP, LEVELS, outline_scene_of, quads_of, scene_of


def spine_of(quads: FloatArray, labels: tuple[str, ...] = LEVELS) -> Spine:
    (spine,) = spines(scene_of(quads, labels=labels))
    return spine


def found(quads: FloatArray, labels: tuple[str, ...] = LEVELS) -> list[Finding]:
    return list(implausible(spine_of(quads, labels), AP))


def rules(quads: FloatArray, labels: tuple[str, ...] = LEVELS) -> set[tuple[str, str]]:
    return {(finding.rule.name, finding.place) for finding in found(quads, labels)}


@given(seed=st.integers(0, 300), bend=st.floats(-25, 25))
def test_a_sound_spine_breaks_no_rule(seed: int, bend: float) -> None:
    assert rules(quads_of(seed, bend)) == set()


@given(seed=st.integers(0, 50), scale=st.floats(0.2, 4), turn=st.floats(-50, 50))
def test_size_place_and_tilt_of_the_whole_film_do_not_count(seed: int, scale: float, turn: float) -> None:
    angle = np.radians(turn)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert rules(quads_of(seed, 15.0) * scale @ rotation.T + 40) == set()


@given(index=st.integers(0, 16), seed=st.integers(0, 30))
def test_swapped_corners_are_found_and_the_order_that_mends_them(index: int, seed: int) -> None:
    for swap, words in (
        ([1, 0, 3, 2], "left and right are swapped"),
        ([2, 3, 0, 1], "top and bottom are swapped"),
        ([3, 2, 1, 0], "top and bottom as well as left and right are swapped"),
        ([1, 0, 2, 3], "TL and TR are swapped"),
        ([0, 1, 3, 2], "BL and BR are swapped"),
    ):
        sound = quads_of(seed)
        spoilt = sound.copy()
        spoilt[index] = sound[index][swap]
        (finding,) = [item for item in found(spoilt) if item.rule.name == "corner-order"]
        assert (finding.place, finding.why) == (LEVELS[index], words)
        order = misplaced_corners(spine_of(spoilt))[index]
        assert order is not None
        np.testing.assert_array_equal(spoilt[index][list(order)], sound[index])


def test_a_body_out_of_order_is_named() -> None:
    quads = quads_of()
    quads[16] += [0, -1290]  # the fifth lumbar body above the first thoracic one
    assert rules(quads) == {("body-order", "L5")}


def test_names_from_the_other_end_are_a_turned_film() -> None:
    assert rules(quads_of()[::-1]) == {("spine-upside-down", "")} | {
        ("corner-order", level) for level in LEVELS
    }


def test_two_labels_on_one_body_and_an_overlap() -> None:
    quads = quads_of()
    quads[7] = quads[6] + [0, 3]
    assert ("body-twice", "T7 and T8") in rules(quads)
    quads = quads_of()
    quads[6][2:] += [0, 45]
    assert rules(quads) == {("bodies-overlap", "T7 and T8")}


def test_a_body_without_area() -> None:
    quads = quads_of()
    quads[3] = quads[3].mean(axis=0)
    assert ("body-empty", "T4") in rules(quads)


def test_bodies_as_thin_as_the_gaps_between_them() -> None:
    quads = quads_of()
    middle = quads.mean(axis=1, keepdims=True)
    flat = middle + (quads - middle) * [1.0, 0.6]
    assert rules(flat) == {("flat-bodies", "")}


def test_levels_passed_over_and_given_twice() -> None:
    keep = [index for index in range(17) if index != 5]
    assert rules(quads_of()[keep], tuple(LEVELS[i] for i in keep)) == {("level-missing", "T6")}
    labels = (*LEVELS[:5], "T5", *LEVELS[6:])
    assert rules(quads_of(), labels) == {("level-missing", "T6"), ("level-twice", "T5")}


def test_bodies_without_names_are_taken_from_the_top() -> None:
    quads = quads_of()[::-1]
    (spine,) = spines(scene_of(quads, labels=("vertebra",) * 17))
    assert not spine.named
    assert spine.places[0] == "body 1 from the top"
    assert list(implausible(spine, AP)) == []


def test_outlines_become_rectangles_along_the_spine() -> None:
    quads = quads_of(3)
    (spine,) = spines(outline_scene_of(quads))
    assert not spine.cornered
    np.testing.assert_allclose(spine.quads, quads, atol=8)
    assert list(implausible(spine, AP)) == []


def test_readers_are_judged_apart() -> None:
    from dataclasses import replace

    scene = scene_of(quads_of())
    items = tuple(replace(item, reader=reader) for reader in ("A", "B") for item in scene.instances)
    both = list(spines(replace(scene, instances=items)))
    assert [len(spine.places) for spine in both] == [17, 17]
    assert all(list(implausible(spine, AP)) == [] for spine in both)


def test_a_body_with_an_absent_corner_is_left_out() -> None:
    quads = quads_of()
    quads[4, 1] = np.nan
    assert rules(quads) == {("level-missing", "T5")}


@pytest.mark.parametrize(("shift", "part"), [(0, 1.0), (5, 0.5), (20, 0.0)])
def test_the_shared_part_of_two_squares(shift: float, part: float) -> None:
    square = np.array([[0, 0], [10, 0], [0, 10], [10, 10]], dtype=np.float64)
    assert shared_part(square, square + np.array([shift, 0])) == pytest.approx(part, abs=1e-6)
