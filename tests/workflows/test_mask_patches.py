from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linear_sum_assignment

from spinekit.core.image import BoolArray
from spinekit.core.outline import Outline, to_mask, to_outline
from spinekit.metrics import intersection_over_union
from spinekit.metrics.detection import packed
from spinekit.workflows.mask_patches import Patch, matched, overlap_of, packed_patch, patch_of, together

masks = hnp.arrays(np.bool_, (9, 11))


@settings(max_examples=50)
@given(masks, masks)
def test_patches_say_what_whole_masks_say(a: BoolArray, b: BoolArray) -> None:
    patches = [patch_of(to_outline(mask), *mask.shape) for mask in (a, b)]
    for mask, patch in zip((a, b), patches, strict=True):
        whole = packed_patch(patch, *mask.shape)
        assert whole["counts"] == packed(mask)["counts"]
        assert whole["size"] == list(mask.shape)
    one, other = together(*patches)
    assert (one & other).sum() == (a & b).sum()
    assert one.sum() == a.sum()
    if (a | b).any():
        assert overlap_of(*patches) == pytest.approx(intersection_over_union(a, b))


def test_outlines_beyond_the_image_are_cut() -> None:
    ring = np.array([[-5.0, -5], [6, -5], [6, 6], [-5, 6]])
    outline = Outline((ring,))
    assert patch_of(outline, 8, 4).mask.sum() == to_mask(outline, 8, 4).sum()
    far = Outline((ring + 100,))
    assert patch_of(far, 8, 4).mask.size == 0
    assert patch_of(Outline((ring * np.nan,)), 8, 4).mask.size == 0


@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.integers(0, 12))
def test_answers_are_those_of_the_greatest_sum_of_overlaps(seed: int, ours: int, theirs: int) -> None:
    rng = np.random.default_rng(seed)

    def patches(count: int) -> list[Patch]:
        places = rng.integers(0, 40, (count, 2)).tolist()
        return [Patch(rng.random(rng.integers(1, 14, 2)) < 0.8, top, left) for top, left in places]

    left, right = patches(ours), patches(theirs)
    overlap = np.array([[overlap_of(a, b) for b in right] for a in left]).reshape(ours, theirs)
    found = matched(left, right)
    rows, columns = linear_sum_assignment(-overlap)
    assert sum(overlap[a, b] for a, b in found.items()) == pytest.approx(overlap[rows, columns].sum())
    assert all(overlap[a, b] > 0 for a, b in found.items())
    assert len(set(found.values())) == len(found)
