"""The network of levels: it learns from films with named bodies, and its files are safe and checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spinekit.core.errors import EnvironmentFaultError
from spinekit.phantoms import spine_ap
from spinekit.schemas import load_schema

LEVELS = load_schema("spine-ap").levels


def test_beyond_goes_on_as_the_spine_does() -> None:
    from spinekit.models.level_training import beyond

    shapes = np.array([[[0.0, 10.0 * k], [4.0, 10.0 * k]] for k in range(5)])
    above, below = beyond(shapes)
    np.testing.assert_allclose(above, [[0, -10], [4, -10]])
    np.testing.assert_allclose(below, [[0, 50], [4, 50]])


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from spinekit.models.close_settings import CloseView
    from spinekit.models.close_training import CloseFilm
    from spinekit.models.level_training import LevelPlan, train_levels

    drawn = [spine_ap(seed, height=420) for seed in range(900, 912)]
    films = [CloseFilm(phantom.pixels.astype(np.uint8), phantom.points) for phantom in drawn]
    plan = LevelPlan(LEVELS, CloseView(48, 18.0, (1.5, 4.0, 9.0)), True, epochs=5, batch=16)
    return train_levels(plan, films[:10], films[10:], tmp_path_factory.mktemp("levels"))


def test_shares_are_probabilities_and_lie_near_the_level(learnt: Path) -> None:
    from spinekit.models.graph import lone_network
    from spinekit.models.level_look import LevelLook

    phantom = spine_ap(950, height=420)
    shares = LevelLook(lone_network("levels", learnt)).shares(phantom.points, phantom.pixels.astype(np.uint8))
    assert shares.shape == (17, 17)
    assert (shares >= 0).all()
    assert (shares.sum(axis=1) <= 1 + 1e-9).all()
    off = np.abs(shares.argmax(axis=1) - np.arange(17))
    assert np.mean(off) < 3.0, "chance would be off by five and more"


def test_what_comes_after_the_most_certain_is_not_looked_at(learnt: Path) -> None:
    from spinekit.models.graph import lone_network
    from spinekit.models.level_look import LevelLook

    phantom = spine_ap(951, height=420)
    many = np.concatenate([phantom.points] * 3)
    shares = LevelLook(lone_network("levels", learnt)).shares(many, phantom.pixels.astype(np.uint8))
    assert np.isfinite(shares[:48]).all()
    assert np.isnan(shares[48:]).all()
    assert LevelLook(lone_network("levels", learnt)).shares(
        many[:0], phantom.pixels.astype(np.uint8)
    ).shape == (0, 17)


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    import torch

    from spinekit.models.level_net import load_levels

    torch.save({"format": "spinekit-close-1"}, tmp_path / "levels.pt")
    with pytest.raises(EnvironmentFaultError, match="not the weights of a level network"):
        load_levels(tmp_path / "levels.pt")
