"""V_rand and V_info against scikit-image, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import label
from skimage.metrics import adapted_rand_error, variation_of_information
from skimage.segmentation import watershed

from spinekit.core.image import BoolArray
from spinekit.metrics.regions import Labels, cells, membrane_scores, region_scores, thinned_cells
from spinekit.phantoms import membrane_tile

blocks = hnp.arrays(np.bool_, (6, 7))
partitions = hnp.arrays(np.int32, (5, 6), elements=st.integers(0, 3))


def enlarged(mask: BoolArray, times: int = 4) -> BoolArray:
    return np.asarray(mask.repeat(times, axis=0).repeat(times, axis=1))


def with_lonely_borders(proposed: Labels) -> Labels:
    """Every border pixel as a region of its own."""
    lonely = proposed.copy()
    border = proposed == 0
    lonely[border] = proposed.max() + 1 + np.arange(border.sum())
    return lonely


@settings(max_examples=40)
@given(partitions, partitions)
def test_v_info_is_that_of_scikit_image(proposed: Labels, true: Labels) -> None:
    inside = true > 0
    assume(inside.any())
    ours, theirs = with_lonely_borders(proposed)[inside], true[inside]
    n = len(ours)
    split, merged = variation_of_information(theirs, ours)  # bits
    entropies = [
        -sum(c / n * np.log2(c / n) for c in np.unique(one, return_counts=True)[1]) for one in (theirs, ours)
    ]
    both = sum(entropies)
    assume(both > 0)
    assert region_scores(proposed, true).v_info == pytest.approx((both - split - merged) / both, abs=1e-9)


@settings(max_examples=40)
@given(partitions, partitions)
def test_v_rand_is_that_of_scikit_image_but_for_pairs_of_a_pixel_with_itself(
    proposed: Labels, true: Labels
) -> None:
    inside = true > 0
    assume(inside.any())
    ours, theirs = with_lonely_borders(proposed)[inside], true[inside]
    n = len(ours)
    rand = region_scores(proposed, true).v_rand
    a, b = (float((np.unique(one, return_counts=True)[1].astype(float) ** 2).sum()) for one in (theirs, ours))
    both = rand * (a + b) / 2
    assume(a + b > 2 * n)
    error, _, _ = adapted_rand_error(theirs, ours, ignore_labels=())
    assert 2 * (both - n) / (a + b - 2 * n) == pytest.approx(1 - error, abs=1e-9)


@settings(max_examples=40)
@given(partitions, partitions)
def test_both_lie_between_0_and_1_and_a_partition_agrees_with_itself(a: Labels, b: Labels) -> None:
    assume((b > 0).any())
    scores = region_scores(a, b)
    assert 0 < scores.v_rand <= 1 + 1e-12
    assert -1e-9 <= scores.v_info <= 1 + 1e-9
    itself = region_scores(b, b)
    assert itself.v_rand == pytest.approx(1)
    assert itself.v_info == pytest.approx(1)


@settings(max_examples=40)
@given(blocks)
def test_cells_are_those_of_scikit_image(mask: BoolArray) -> None:
    ours, theirs = cells(mask), label(mask, connectivity=1)
    assert (ours > 0).tolist() == mask.tolist()
    assert len(np.unique(np.stack([ours, theirs]).reshape(2, -1), axis=1).T) == len(np.unique(theirs))


@settings(max_examples=40)
@given(blocks)
def test_thinning_keeps_the_cells_apart(mask: BoolArray) -> None:
    mask = enlarged(mask)
    assume(cells(mask).max() >= 2)
    grown = thinned_cells(mask)
    # Every cell keeps its pixels, no two of them touch, and nothing but lines is left over.
    seeds = cells(mask)
    assert (grown[mask] == seeds[mask]).all()
    for one, other in ((grown[1:], grown[:-1]), (grown[:, 1:], grown[:, :-1])):
        assert ((one == other) | (one == 0) | (other == 0)).all()


def test_thinned_scores_are_those_by_the_watershed_of_scikit_image() -> None:
    """The two grow cells in another order, which moves lines by a pixel here and there."""
    drawn = membrane_tile(3).mask
    assert drawn is not None
    true = np.asarray(drawn > 0)
    noise = np.random.default_rng(0).random((32, 32)).repeat(drawn.shape[0] // 32, axis=0)
    holes = noise.repeat(drawn.shape[1] // 32, axis=1) < 0.05
    proposed = np.asarray(true & ~holes)
    grown = watershed(proposed, cells(~proposed), connectivity=1, watershed_line=True).astype(np.int32)
    ours, theirs = membrane_scores(proposed, true), region_scores(grown, cells(~true))
    assert 0.1 < ours.v_rand < 0.99
    assert ours.v_rand == pytest.approx(theirs.v_rand, abs=5e-3)
    assert ours.v_info == pytest.approx(theirs.v_info, abs=5e-3)


def test_a_thick_membrane_becomes_a_line_of_one_pixel() -> None:
    mask = np.ones((9, 21), dtype=bool)
    mask[:, 8:13] = False
    assert ((thinned_cells(mask) == 0).sum(axis=1) == 1).all()
    scores = membrane_scores(~mask, ~mask)
    assert scores.v_rand == pytest.approx(1)
    assert scores.v_info == pytest.approx(1)


def test_two_equal_cells_joined_by_hand() -> None:
    """Two cells of n/2 each, proposed as one: a_i = 1/2, b = 1, p = 1/2, so 2 * 0.5 / 1.5."""
    true = np.array([[1, 1, 0, 2, 2]], dtype=np.int32)
    scores = region_scores(np.ones_like(true), true)
    assert scores.v_rand == pytest.approx(2 / 3)
    assert scores.v_info == pytest.approx(0)


def test_border_pixels_within_a_cell_count_as_regions_of_their_own() -> None:
    """One cell of 4 pixels, one of them on a proposed border: S = 1/16; (9/16 + 1/16) against 1."""
    true = np.ones((1, 4), dtype=np.int32)
    proposed = np.array([[5, 5, 5, 0]], dtype=np.int32)
    assert region_scores(proposed, true).v_rand == pytest.approx(2 * (10 / 16) / (1 + 10 / 16))


def test_a_truth_without_cells_is_refused() -> None:
    with pytest.raises(ValueError, match="no cell"):
        membrane_scores(np.zeros((4, 4), bool), np.ones((4, 4), bool))
