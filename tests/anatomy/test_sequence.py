from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.anatomy import name_levels, unique_levels
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Instance, Scene
from spinekit.phantoms import spine_ap
from spinekit.schemas import load_schema

SCHEMA = load_schema("spine-ap")
REF = ImageRef(Path("film.png"), 1500, 600)


def candidates(quads: FloatArray, scores: FloatArray) -> Scene:
    items = []
    for quad, score in zip(quads, scores, strict=True):
        (left, top), (right, bottom) = quad.min(axis=0), quad.max(axis=0)
        points = landmarks(SCHEMA.landmark_names, quad)
        items.append(Instance("vertebra", (left, top, right, bottom), landmarks=points, score=float(score)))
    return Scene(REF, SCHEMA, tuple(items))


def labels(scene: Scene) -> list[str]:
    return [item.label for item in scene.instances]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(17)))
def test_a_whole_spine_is_named_whatever_the_order(seed: int, order: list[int]) -> None:
    truth = spine_ap(seed).points
    named = name_levels(candidates(truth[order], np.full(17, 0.8)))
    assert labels(named) == list(SCHEMA.levels)
    assert all(
        item.landmarks is not None and np.array_equal(item.landmarks.xy, quad)
        for item, quad in zip(named.instances, truth, strict=True)
    )
    assert named.notes == ()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 16))
def test_a_doubled_body_is_taken_once(seed: int, which: int) -> None:
    truth = spine_ap(seed).points
    doubled = np.concatenate([truth, truth[[which]] + 6])
    named = name_levels(candidates(doubled, np.append(np.full(17, 0.8), 0.6)))
    assert labels(named) == list(SCHEMA.levels)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 15))
def test_a_gap_keeps_the_other_names_and_is_reported(seed: int, which: int) -> None:
    truth = spine_ap(seed).points
    kept = np.delete(np.arange(17), which)
    named = name_levels(candidates(truth[kept], np.full(16, 0.8)))
    assert labels(named) == [SCHEMA.levels[k] for k in kept]
    assert SCHEMA.levels[which] in named.notes[0]
    assert all("uncertain" in item.flags[0] for item in named.instances)


def test_crumbs_beside_the_spine_are_left_out() -> None:
    truth = spine_ap(3).points
    crumbs = truth[[4, 9]] + np.array([160.0, 10.0])
    named = name_levels(candidates(np.concatenate([truth, crumbs]), np.append(np.full(17, 0.7), [0.4, 0.4])))
    assert labels(named) == list(SCHEMA.levels)


def test_nothing_found_stays_nothing() -> None:
    assert name_levels(Scene(REF, SCHEMA)).instances == ()


def test_a_body_without_corners_is_no_candidate() -> None:
    scene = candidates(spine_ap(1).points, np.full(17, 0.8))
    bare = replace(scene, instances=(*scene.instances, Instance("vertebra", (0, 0, 5, 5))))
    assert len(name_levels(bare).instances) == 17


class TestUniqueLevels:
    schema = load_schema("spine-ap-levels")

    def scene(self, *items: tuple[str, float]) -> Scene:
        return Scene(REF, self.schema, tuple(Instance(label, (0, 0, 1, 1), score=s) for label, s in items))

    def test_the_most_certain_of_two_stays(self) -> None:
        named = unique_levels(self.scene(("T5", 0.4), ("T4", 0.9), ("T5", 0.6)), 0.1)
        assert [(item.label, item.score) for item in named.instances] == [("T4", 0.9), ("T5", 0.6)]

    def test_gaps_are_reported_and_doubtful_ones_dropped(self) -> None:
        named = unique_levels(self.scene(("T4", 0.9), ("T5", 0.05), ("T6", 0.6)), 0.1)
        assert labels(named) == ["T4", "T6"]
        assert "T5" in named.notes[0]

    @pytest.mark.parametrize("confidence", [0.5, 1.0])
    def test_nothing_certain_leaves_nothing(self, confidence: float) -> None:
        assert unique_levels(self.scene(("T4", 0.4)), confidence).instances == ()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(("above", "below")), st.floats(0.3, 0.6))
def test_looks_decide_which_seventeen_of_eighteen_bodies_are_meant(
    seed: int, where: str, certain: float
) -> None:
    truth = spine_ap(seed).points
    centres = truth.mean(axis=1)
    extra = truth[0] + centres[0] - centres[1] if where == "above" else truth[-1] + centres[-1] - centres[-2]
    quads = np.concatenate([[extra], truth] if where == "above" else [truth, [extra]])
    level = np.arange(18) - (1 if where == "above" else 0)
    shares = np.full((18, 17), 0.02)
    for row, own in enumerate(level):
        for k in range(17):
            shares[row, k] = max(0.02, certain - 0.2 * abs(own - k))
    if where == "above":
        shares[0] = 0.01
    else:
        shares[-1] = 0.01
    scene = candidates(quads, np.full(18, 0.7))
    seen = replace(
        scene,
        instances=tuple(replace(i, level_shares=row) for i, row in zip(scene.instances, shares, strict=True)),
    )
    named = name_levels(seen)
    assert labels(named) == list(SCHEMA.levels)
    top = named.instances[0].landmarks
    assert top is not None
    assert np.array_equal(top.xy, truth[0])
    assert all(item.level_shares is None for item in named.instances)
