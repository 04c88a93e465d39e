from __future__ import annotations

import numpy as np
import pytest

from spinekit.anatomy.spine_bodies import Spine, spines
from spinekit.anatomy.unlike_spine import unlike_others
from spinekit.core.image import FloatArray
from tests.anatomy.spines import quads_of, scene_of

SOUND = [quads_of(seed, 12.0) for seed in range(40)]


def spine_of(quads: FloatArray, name: str) -> Spine:
    (spine,) = spines(scene_of(quads, name))
    return spine


def rules(quads: FloatArray, passed: dict[str, frozenset[str]] | None = None) -> set[tuple[str, str]]:
    """What is found in one more film among forty sound ones."""
    among = [spine_of(item, f"{number}.png") for number, item in enumerate(SOUND)]
    findings = list(unlike_others([*among, spine_of(quads, "odd.png")], passed or {}))
    assert {item.file for item in findings} <= {"odd.png"}
    return {(item.rule.name, item.place) for item in findings}


def stretched(index: int, x: float = 1.0, y: float = 1.0) -> FloatArray:
    quads = quads_of(99, 12.0)
    middle = quads[index].mean(axis=0)
    quads[index] = middle + (quads[index] - middle) * [x, y]
    return quads


def test_a_sound_film_among_sound_films_is_silent() -> None:
    assert rules(quads_of(99, 12.0)) == set()


def test_a_patient_of_another_size_is_no_outlier() -> None:
    assert rules(quads_of(99, 12.0) * 3) == set()


def test_a_body_too_low_or_too_wide() -> None:
    assert ("body-size", "T9") in rules(stretched(8, y=0.3))
    assert ("body-size", "T9") in rules(stretched(8, x=1.8))


def test_a_wedge() -> None:
    quads = quads_of(99, 12.0)
    quads[8, 1] += [0, 35]
    assert ("body-shape", "T9") in rules(quads)


def test_a_turned_body() -> None:
    quads = quads_of(99, 12.0)
    middle = quads[8].mean(axis=0)
    turn = np.radians(60)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    quads[8] = middle + (quads[8] - middle) @ rotation.T
    assert ("body-tilt", "T9") in rules(quads)


def test_a_body_passed_over_leaves_a_gap() -> None:
    quads = quads_of(99, 12.0)
    quads[9:] += [0, 75]
    assert rules(quads) == {("disc-gap", "T9 and T10")}


def test_a_body_that_stands_out_sideways() -> None:
    quads = quads_of(99, 12.0)
    quads[8] += [45, 0]
    assert ("centre-line", "T9") in rules(quads)


def test_what_is_known_to_be_wrong_is_not_told_again() -> None:
    spoilt = stretched(8, y=0.3)
    assert rules(spoilt, {"odd.png": frozenset({"T9"})}) == set()
    assert rules(spoilt, {"odd.png": frozenset({"*"})}) == set()
    assert rules(spoilt, {"other.png": frozenset({"*"})}) != set()


def test_a_few_spines_are_not_compared() -> None:
    short = [spine_of(stretched(0, y=0.3), "a.png")]
    assert list(unlike_others(short, {})) == []  # one film, no level seen twenty times
    assert list(unlike_others([], {})) == []


@pytest.mark.parametrize("share", [0.3])
def test_many_bad_films_do_not_hide_each_other(share: float) -> None:
    bad = [spine_of(stretched(8, y=0.3), f"bad{number}.png") for number in range(int(40 * share))]
    among = [spine_of(item, f"{number}.png") for number, item in enumerate(SOUND)]
    told = {item.file for item in unlike_others([*among, *bad], {}) if item.rule.name == "body-size"}
    assert told == {spine.image for spine in bad}
