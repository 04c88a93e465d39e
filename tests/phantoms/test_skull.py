from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.core.image import ImageRef
from spinekit.phantoms import Phantom, skull_lateral, to_scene
from spinekit.phantoms.skull_template import MEAN, MODES
from spinekit.schemas import load_schema


def at(phantom: Phantom, name: str) -> tuple[float, float]:
    x, y = phantom.point("skull", name)
    return float(x), float(y)


def test_the_points_are_those_of_the_schema_and_the_modes_name_no_others() -> None:
    assert set(MEAN) == set(load_schema("ceph-27").landmark_names)
    for mode in MODES:
        assert set(mode) <= set(MEAN)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_points_lie_in_the_film_in_anatomical_order_facing_right(seed: int) -> None:
    phantom = skull_lateral(seed, height=240)
    assert phantom.pixels.shape == (240, 194)
    assert phantom.points.min() >= 0
    assert (phantom.points < [phantom.width, phantom.height]).all()
    assert at(phantom, "N")[0] > at(phantom, "S")[0] > at(phantom, "Po")[0]
    assert at(phantom, "N")[1] < at(phantom, "SNA")[1] < at(phantom, "A")[1] < at(phantom, "B")[1]
    assert at(phantom, "B")[1] < at(phantom, "Pog")[1] < at(phantom, "Me")[1]
    assert at(phantom, "EN pn")[0] > at(phantom, "Sn")[0] > at(phantom, "SNA")[0] > at(phantom, "SNP pm")[0]
    assert at(phantom, "C")[1] < at(phantom, "Ar")[1] < at(phantom, "Go")[1]
    assert at(phantom, "ais")[1] < at(phantom, "is")[1]
    assert at(phantom, "aii")[1] > at(phantom, "ii")[1]
    assert at(phantom, "Se")[1] < at(phantom, "S")[1]


def test_a_smaller_film_shows_the_same_points() -> None:
    full, small = skull_lateral(3), skull_lateral(3, height=600)
    assert full.pixels.shape == (2400, 1935)
    assert np.allclose(small.points, (full.points + 0.5) / 4 - 0.5)
    assert full.spacing is not None
    assert full.spacing.row_mm == pytest.approx(0.1)
    assert small.spacing is not None
    assert small.spacing.row_mm == pytest.approx(0.4)


def test_the_skin_ends_at_the_soft_tissue_points() -> None:
    """Just behind lips, nose and chin lies tissue, just before them air."""
    for seed in range(4):
        phantom = skull_lateral(seed, height=1200)
        film = phantom.pixels.astype(float)
        for name in ("EN pn", "UL", "DT pog"):
            x, y = (round(value) for value in at(phantom, name))
            assert film[y - 2 : y + 3, x - 18 : x - 8].mean() > film[y - 2 : y + 3, x + 8 : x + 18].mean() + 5


def test_nineteen_points_come_out_under_their_own_names() -> None:
    phantom = skull_lateral(1, height=240)
    schema = load_schema("ceph-19")
    scene = to_scene(phantom, ImageRef(Path("film.png"), phantom.height, phantom.width), schema)
    (skull,) = scene.instances
    assert skull.label == "skull"
    assert skull.landmarks is not None
    assert skull.landmarks.names == schema.landmark_names
    assert not np.isnan(skull.landmarks.xy).any()
    for name, same in (
        ("ANS", "SNA"),
        ("PNS", "SNP pm"),
        ("LI", "ii"),
        ("UI", "is"),
        ("Pog'", "DT pog"),
        ("S", "S"),
    ):
        assert np.array_equal(np.asarray(scene.point(name)), phantom.point("skull", same))


def test_the_same_seed_gives_the_same_film() -> None:
    first, second = skull_lateral(9, height=300), skull_lateral(9, height=300)
    assert np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(first.points, second.points)
    assert not np.array_equal(first.pixels, skull_lateral(10, height=300).pixels)
