from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.core.image import FloatArray
from spinekit.core.outline import Outline, to_mask
from spinekit.measures.cobb import cobb_aasce, cobb_endplate, endplate_tilts
from spinekit.phantoms import midline_cobb, spine_ap
from spinekit.phantoms.spine import CORNERS, LEVELS

seeds = st.integers(0, 2**31 - 1)


def main_angle(corners: FloatArray) -> float:
    """The largest pairwise angle between unit mid-lines, as the challenge's script defines it."""
    left, right = (corners[:, 0] + corners[:, 2]) / 2, (corners[:, 1] + corners[:, 3]) / 2
    along = (right - left) / np.linalg.norm(right - left, axis=1, keepdims=True)
    return float(np.degrees(np.arccos(np.clip(along @ along.T, 0.0, 1.0))).max())


@settings(max_examples=12, deadline=None)
@given(seed=seeds, cobb=st.floats(0.5, 85.0))
def test_the_corners_have_the_asked_angle_and_lie_in_the_film(seed: int, cobb: float) -> None:
    phantom = spine_ap(seed, height=300, cobb_deg=cobb)
    assert main_angle(phantom.points) == pytest.approx(cobb, abs=1e-4)
    assert midline_cobb(phantom.points) == pytest.approx(cobb, abs=1e-9)
    assert phantom.facts["cobb_deg"] == midline_cobb(phantom.points)
    assert phantom.points.min() >= 0
    assert (phantom.points < [phantom.width, phantom.height]).all()


@settings(max_examples=12, deadline=None)
@given(seed=seeds)
def test_bodies_stand_in_order_and_do_not_overlap(seed: int) -> None:
    corners = spine_ap(seed, height=300, cobb_deg=40.0).points
    assert (corners[:, 1, 0] > corners[:, 0, 0]).all()
    assert (corners[:, 3, 0] > corners[:, 2, 0]).all()
    assert (corners[:, 2, 1] > corners[:, 0, 1]).all()
    # A disc of some height lies between each two, measured along the upper body's own axis.
    for upper, lower in itertools.pairwise(corners):
        down = (upper[2] + upper[3] - upper[0] - upper[1]) / 2
        gaps = (lower[:2] - upper[2:]) @ (down / np.linalg.norm(down))
        assert gaps.mean() > 0
    widths = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)
    assert widths[16] > 1.2 * widths[4]


def test_a_curve_of_ones_own_is_kept_and_measured() -> None:
    tilts = (0, 2, 4, 7, 10, 12, 12, 9, 5, 0, -5, -9, -12, -12, -8, -4, 0)
    wedged = {"T6": 6.0, "L1": -8.0}
    corners = spine_ap(4, height=600, tilts=tilts, wedges=wedged).points
    top, bottom, middle = endplate_tilts(corners)
    assert middle == pytest.approx(np.array(tilts), abs=1e-9)
    opening = bottom - top
    assert opening[5] == pytest.approx(6.0, abs=1e-9)
    assert opening[12] == pytest.approx(-8.0, abs=1e-9)
    main = cobb_endplate(corners)[0]
    assert (main.upper, main.lower) == (5, 12)
    assert main.angle == pytest.approx(24.0 - 3.0 + 4.0, abs=0.1)
    assert cobb_aasce(corners, 600.0).angles == pytest.approx((24, 12, 12), abs=1e-9)


@pytest.mark.parametrize(
    ("tilts", "wedges"), [((0.0,) * 16, {}), ((70.0,) * 17, {}), ((0.0,) * 17, {"T13": 5.0})]
)
def test_impossible_curves_are_refused(tilts: tuple[float, ...], wedges: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"tilts must be|wedges has"):
        spine_ap(1, height=300, tilts=tilts, wedges=wedges)


def test_the_same_seed_gives_the_same_film_and_another_one_does_not() -> None:
    first, second, third = spine_ap(5, height=400), spine_ap(5, height=400), spine_ap(6, height=400)
    assert np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(first.points, second.points)
    assert first.pixels.shape != third.pixels.shape or not np.array_equal(first.pixels, third.pixels)


@pytest.mark.parametrize("seed", range(4))
def test_bodies_are_brighter_than_discs_in_the_lumbar_spine(seed: int) -> None:
    phantom = spine_ap(seed, height=1000, cobb_deg=15.0)
    bodies: list[float] = []
    discs: list[float] = []
    for k in range(11, 16):
        tl, tr, bl, br = phantom.points[k]
        below = phantom.points[k + 1]
        for ring, into in (((tl, tr, br, bl), bodies), ((bl, br, below[1], below[0]), discs)):
            middle = np.mean(ring, axis=0)
            shrunk = np.array([middle + 0.6 * (point - middle) for point in ring])
            into.append(
                float(phantom.pixels[to_mask(Outline((shrunk,)), phantom.height, phantom.width)].mean())
            )
    assert np.mean(bodies) > np.mean(discs) + 4


def test_size_and_depth_are_as_asked() -> None:
    phantom = spine_ap(1, height=500, width=240, bits=12)
    assert phantom.pixels.shape == (500, 240)
    assert phantom.pixels.dtype == np.uint16
    assert 1000 < int(phantom.pixels.max()) <= 4095
    assert phantom.labels == LEVELS
    assert phantom.names == CORNERS
    assert len(LEVELS) == 17


def test_depth_does_not_change_the_film() -> None:
    deep, flat = spine_ap(2, height=300, bits=12), spine_ap(2, height=300)
    assert np.abs(deep.pixels / 4095 - flat.pixels / 255).max() <= 0.51 / 255 + 0.51 / 4095


@pytest.mark.parametrize("angle", [-1.0, 85.1, float("nan")])
def test_an_impossible_angle_is_refused(angle: float) -> None:
    with pytest.raises(ValueError, match="cobb_deg"):
        spine_ap(1, height=300, cobb_deg=angle)


def test_grey_levels_resemble_real_films() -> None:
    """The public AASCE films have (5th to 95th percentile) means 65 to 134, deviations 37 to 77."""
    films = [spine_ap(seed, height=500).pixels for seed in range(12)]
    means = [float(film.mean()) for film in films]
    deviations = [float(film.std()) for film in films]
    assert 65 < np.median(means) < 134
    assert 37 < np.median(deviations) < 77
    assert np.std(means) > 5
