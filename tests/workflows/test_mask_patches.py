from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from spinekit.core.image import BoolArray
from spinekit.core.outline import Outline, to_mask, to_outline
from spinekit.metrics import intersection_over_union
from spinekit.metrics.detection import packed
from spinekit.workflows.mask_patches import overlap_of, packed_patch, patch_of, together

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
