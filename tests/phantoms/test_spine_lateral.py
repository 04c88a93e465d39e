from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.core.image import ImageRef
from spinekit.core.measurement import Measurement
from spinekit.core.outline import Outline, to_mask
from spinekit.formats.result_lines import results_to_text
from spinekit.measures import measure
from spinekit.phantoms import Facing, Part, spine_lateral, to_scene
from spinekit.phantoms.profile import LEVELS, POINTS, Curves
from spinekit.schemas import load_schema

seeds = st.integers(0, 2**31 - 1)
parts = st.sampled_from(("whole", "neck", "loin"))
facings = st.sampled_from(("right", "left"))


@settings(max_examples=12, deadline=None)
@given(seed=seeds, part=parts, facing=facings)
def test_whole_bodies_alone_are_named_in_order_and_lie_on_the_film(
    seed: int, part: Part, facing: Facing
) -> None:
    film = spine_lateral(seed, height=320, part=part, facing=facing)
    assert film.names == POINTS
    assert film.points.shape == (len(film.labels), 4, 2)
    assert film.points.min() >= 0
    assert (film.points <= [film.width - 1, film.height - 1]).all()
    # One run of the spine without gaps, cranial to caudal.
    first = LEVELS.index(film.labels[0])
    assert film.labels == LEVELS[first : first + len(film.labels)]
    assert len(film.labels) >= {"whole": 24, "neck": 6, "loin": 4}[part]
    middles = film.points.mean(axis=1)
    assert (np.diff(middles[:, 1]) > 0).all()


@settings(max_examples=12, deadline=None)
@given(seed=seeds, facing=facings)
def test_front_lies_where_the_patient_looks_and_discs_between_bodies(seed: int, facing: Facing) -> None:
    corners = spine_lateral(seed, height=320, part="whole", facing=facing).points
    ahead = corners[:, [1, 3], 0].mean(axis=1) - corners[:, [0, 2], 0].mean(axis=1)
    assert (ahead > 0).all() if facing == "right" else (ahead < 0).all()
    for upper, lower in itertools.pairwise(corners):
        down = (upper[2] + upper[3] - upper[0] - upper[1]) / 2
        gaps = (lower[:2] - upper[2:]) @ (down / np.linalg.norm(down))
        assert gaps.mean() > 0


@settings(max_examples=10, deadline=None)
@given(seed=seeds, lordosis=st.floats(25, 80), slope=st.floats(15, 55))
def test_the_angles_are_those_that_the_film_is_measured_to(seed: int, lordosis: float, slope: float) -> None:
    curves = Curves(lumbar_lordosis=lordosis, sacral_slope=slope)
    film = spine_lateral(seed, height=320, part="whole", curves=curves)
    ref = ImageRef(Path("film.png"), film.height, film.width, spacing=film.spacing)
    results = {r.name: r for r in measure(to_scene(film, ref, load_schema("spine-lateral")))}
    for name in ("lumbar_lordosis", "sacral_slope"):
        result = results[name]
        assert isinstance(result, Measurement)
        assert result.value == pytest.approx(film.facts[name], abs=1e-6)
    assert film.facts["lumbar_lordosis"] == pytest.approx(lordosis)


def test_what_is_measured_by_corners_alone_can_be_written_down() -> None:
    """Without outlines the middles of bodies are unknown, and no line may lead to them."""
    film = spine_lateral(2, height=320, part="whole")
    ref = ImageRef(Path("film.png"), film.height, film.width, spacing=film.spacing)
    results = measure(to_scene(film, ref, load_schema("spine-lateral")))
    assert sum(isinstance(result, Measurement) for result in results) > 100
    assert "NaN" not in results_to_text(results)


def test_the_same_seed_gives_the_same_film_and_another_one_does_not() -> None:
    first, second, third = (spine_lateral(seed, height=320) for seed in (5, 5, 6))
    assert np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(first.points, second.points)
    assert first.pixels.shape != third.pixels.shape or not np.array_equal(first.pixels, third.pixels)


def test_a_film_that_faces_the_left_is_the_mirror_image() -> None:
    right, left = (spine_lateral(9, height=320, part="whole", facing=side) for side in ("right", "left"))
    assert np.array_equal(left.pixels, right.pixels[:, ::-1])
    assert left.points[..., 0] == pytest.approx(right.width - 1 - right.points[..., 0])
    assert left.labels == right.labels


@pytest.mark.parametrize("seed", range(4))
def test_bodies_are_brighter_than_discs_in_the_loin(seed: int) -> None:
    film = spine_lateral(seed, height=900, part="whole")
    bodies: list[float] = []
    discs: list[float] = []
    for upper, lower in itertools.pairwise(LEVELS[18:23]):
        above, below = film.points[film.labels.index(upper)], film.points[film.labels.index(lower)]
        for ring, into in ((above[[0, 1, 3, 2]], bodies), ([above[2], above[3], below[1], below[0]], discs)):
            middle = np.mean(ring, axis=0)
            inner = np.array([middle + 0.5 * (point - middle) for point in ring])
            into.append(float(film.pixels[to_mask(Outline((inner,)), film.height, film.width)].mean()))
    assert np.mean(bodies) > np.mean(discs) + 2


def test_depth_size_and_part_are_as_asked() -> None:
    film = spine_lateral(1, height=500, bits=12, part="neck")
    assert film.height == 500
    assert film.pixels.dtype == np.uint16
    assert 1000 < int(film.pixels.max()) <= 4095
    assert set(film.labels) < set(LEVELS[:12])
    assert film.spacing is not None
    assert 0.1 < film.spacing.row_mm < 1.2


def test_grey_levels_resemble_real_films() -> None:
    """Ten real films have means from 81 to 121."""
    films = [spine_lateral(seed, height=400, part="whole").pixels for seed in range(12)]
    means = [float(film.mean()) for film in films]
    assert 65 < np.median(means) < 140
    assert np.std(means) > 5


@pytest.mark.parametrize("wrong", [{"part": "knee"}, {"facing": "up"}])
def test_an_unknown_part_or_facing_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="choose of"):
        spine_lateral(1, height=320, **wrong)  # type: ignore[arg-type]
