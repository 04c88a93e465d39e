"""Faint membranes as lines: cells apart, hardly a pixel changed; the threshold chosen by what separates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spinekit.core.image import BoolArray
from spinekit.metrics.regions import cells, membrane_scores
from spinekit.metrics.separation import SEPARATIONS, Probability, choose_separation, separated


def two_cells(faint: float) -> tuple[Probability, BoolArray]:
    """Two cells and a membrane of three pixels between them, whose middle is faint."""
    truth = np.zeros((40, 60), dtype=bool)
    truth[:, 29:32] = True
    probability = np.where(truth, 0.9, 0.0).astype(np.float32)
    probability[15:25, 27:34] = faint
    return probability, truth


def test_a_faint_gap_is_closed_by_a_line() -> None:
    probability, truth = two_cells(0.2)
    plain, kept = separated(probability, 0.5, None), separated(probability, 0.5, 0.1)
    assert cells(~plain).max() == 1
    assert cells(~kept).max() == 2
    assert 8 <= int((kept & ~plain).sum()) <= 12  # a line through the gap, not the whole faint patch
    assert membrane_scores(kept, truth).v_rand > 0.97 > membrane_scores(plain, truth).v_rand


@settings(max_examples=40, deadline=None)
@given(arrays(np.float32, (12, 15), elements=st.floats(0, 1, width=32)), st.sampled_from(SEPARATIONS))
def test_lines_are_only_added_and_only_on_likely_pixels(probability: Probability, separation: float) -> None:
    plain, kept = separated(probability, 0.5, None), separated(probability, 0.5, separation)
    assert not (plain & ~kept).any()
    added = kept & ~plain
    # The watershed runs a line only through what was membrane at the low threshold.
    assert bool((probability[added] >= separation).all())
    assert kept.shape == probability.shape


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_an_even_image_gets_no_lines(level: float) -> None:
    flat = np.full((20, 20), level, dtype=np.float32)
    np.testing.assert_array_equal(separated(flat, 0.5, 0.1), separated(flat, 0.5, None))


def test_the_threshold_is_chosen_by_what_separates() -> None:
    probability, truth = two_cells(0.2)
    chosen = choose_separation([probability], [truth], 0.5)
    assert chosen.threshold is not None
    assert chosen.threshold <= 0.2
    assert chosen.v_rand > chosen.plain
    assert chosen.images == 1
    clear, truth = two_cells(0.9)
    clear = np.where(truth, 0.9, 0.0).astype(np.float32)
    assert choose_separation([clear], [truth], 0.5).threshold is None
    with pytest.raises(ValueError, match="no image"):
        choose_separation([], [], 0.5)
