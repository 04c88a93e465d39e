from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spinekit.workflows.bending import random_bending, unbend

H, W = 150, 200
seeds = st.integers(0, 1 << 32)
strengths = st.floats(0.1, 100)
grains = st.sampled_from([32.0, 64.0, 200.0])


def places() -> np.ndarray:
    x, y = np.meshgrid(np.linspace(-5, W + 5, 40), np.linspace(-5, H + 5, 30))
    return np.stack([x.ravel(), y.ravel()], axis=1)


@given(seeds, strengths, grains)
def test_the_way_back_leads_back(seed: int, strength: float, grain: float) -> None:
    bend = random_bending(H, W, np.random.default_rng(seed), strength, grain)
    np.testing.assert_allclose(bend(unbend(bend, places())), places(), atol=1e-3)


@given(seeds, strengths, grains)
def test_nothing_folds(seed: int, strength: float, grain: float) -> None:
    bend = random_bending(H, W, np.random.default_rng(seed), strength, grain)
    step = 1e-3
    right, down = ((bend(places() + np.array(by)) - bend(places())) / step for by in ([step, 0], [0, step]))
    assert (right[:, 0] * down[:, 1] - right[:, 1] * down[:, 0] > 0.05).all()


def test_an_absent_point_stays_absent() -> None:
    bend = random_bending(H, W, np.random.default_rng(1), 5, 64)
    moved = bend(np.array([[np.nan, np.nan], [3.0, 4.0]]))
    assert np.isnan(moved[0]).all()
    assert not np.isnan(moved[1]).any()


def test_no_strength_moves_nothing() -> None:
    bend = random_bending(H, W, np.random.default_rng(1), 0, 64)
    assert (bend(places()) == places()).all()
