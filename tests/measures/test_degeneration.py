"""Endplates and lips from contours with a known truth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from spinekit.core.measurement import Measurement, NotMeasured
from spinekit.measures import measure
from tests.measures.columns import Faults, lateral, lateral_profile, masked


def signs(faults: Faults, mirror: bool = False) -> Mapping[str, float]:
    scene = masked(lateral_profile(faults=faults), scale=3.0, mirror=mirror)
    return {r.name: r.value for r in measure(scene, only=["degeneration"]) if isinstance(r, Measurement)}


def test_a_sound_body_shows_little() -> None:
    found = signs(Faults())
    assert {"degeneration_lip_anterior_superior_l3", "degeneration_irregularity_inferior_l5"} <= set(found)
    names = ("concavity", "irregularity", "lip")
    most = {name: max(abs(v) for k, v in found.items() if name in k) for name in names}
    assert most["concavity"] < 1.5
    assert most["irregularity"] < 1.0
    assert most["lip"] < 2.5


@pytest.mark.parametrize("mirror", [False, True])
def test_lips_are_told_where_they_are(mirror: bool) -> None:
    found = signs(Faults(lip={"L3": 3.0}), mirror)
    depth = float(np.interp(20, [17, 22], [30.0, 35.0]))
    for which in ("superior", "inferior"):
        assert found[f"degeneration_lip_anterior_{which}_l3"] == pytest.approx(100 * 3.0 / depth, abs=2.5)
        assert found[f"degeneration_lip_posterior_{which}_l3"] < 2.5
        assert found[f"degeneration_lip_anterior_{which}_l2"] < 2.5


def test_a_hollow_endplate_is_smooth_and_hollow() -> None:
    found = signs(Faults(biconcave={"L2": 0.25}))
    for which in ("superior", "inferior"):
        assert found[f"degeneration_concavity_{which}_l2"] > 6
        assert found[f"degeneration_irregularity_{which}_l2"] < 1.5
        assert abs(found[f"degeneration_concavity_{which}_l4"]) < 1.5


def test_points_alone_show_nothing() -> None:
    (refused,) = (r for r in measure(lateral(), only=["degeneration"]) if r.name.startswith("degeneration"))
    assert isinstance(refused, NotMeasured)
    assert refused.reason.startswith("no outlines")


def test_the_group_gathers_discs_slips_and_signs() -> None:
    names = [result.name for result in measure(masked(lateral_profile()), only=["degeneration"])]
    for start in ("disc_height_index", "disc_angle", "slip", "degeneration_lip"):
        assert any(name.startswith(start) for name in names), start
