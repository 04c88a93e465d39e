"""Masks of single things in a large image, kept as small as they are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spinekit.core.image import BoolArray
from spinekit.core.outline import Outline, to_mask
from spinekit.metrics import intersection_over_union
from spinekit.metrics.detection import Run, packed_runs


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """The part of a mask that holds something.

    Attributes:
        mask: (h, w).
        top: Row of the image where it begins.
        left: Column likewise.
    """

    mask: BoolArray
    top: int
    left: int


def patch_of(outline: Outline, height: int, width: int) -> Patch:
    """The pixels of an outline in the smallest part of the image that holds them.

    Args:
        outline: In px of the image.
        height: Rows of the image.
        width: Columns of the image.
    """
    if not outline.rings or not all(math.isfinite(edge) for edge in outline.box):
        return Patch(np.zeros((0, 0), dtype=bool), 0, 0)
    left, top, right, bottom = outline.box
    x0, y0 = max(math.floor(left), 0), max(math.floor(top), 0)
    rows, columns = min(math.ceil(bottom) + 1, height) - y0, min(math.ceil(right) + 1, width) - x0
    if rows <= 0 or columns <= 0:
        return Patch(np.zeros((0, 0), dtype=bool), 0, 0)
    shift = np.array([x0, y0])
    moved = Outline(
        tuple(ring - shift for ring in outline.rings), tuple(hole - shift for hole in outline.holes)
    )
    return Patch(to_mask(moved, rows, columns), y0, x0)


def overlap_of(first: Patch, second: Patch) -> float:
    """Intersection over union; nothing is laid out where the two lie apart, as most bodies of a spine do."""
    ends = [(patch.top + patch.mask.shape[0], patch.left + patch.mask.shape[1]) for patch in (first, second)]
    apart = max(first.top, second.top) >= min(ends[0][0], ends[1][0]) or max(first.left, second.left) >= min(
        ends[0][1], ends[1][1]
    )
    return 0.0 if apart else intersection_over_union(*together(first, second))


def matched(ours: Sequence[Patch], theirs: Sequence[Patch]) -> dict[int, int]:
    """Which of theirs answers which of ours, so that the sum of overlaps is greatest; none answers without any.

    Only patches that meet are laid on each other, and only those that hang together are weighed against each other:
    both would otherwise grow with the square of their number and more.

    Args:
        ours: Masks of an image.
        theirs: Masks of the same image.

    Returns:
        Index of theirs by index of ours.
    """
    pairs = [
        (a, b, overlap) for a, b in _meeting(ours, theirs) if (overlap := overlap_of(ours[a], theirs[b])) > 0
    ]
    if not pairs:
        return {}
    rows, columns = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    size = len(ours) + len(theirs)
    links = coo_array((np.ones(len(pairs)), (rows, columns + len(ours))), shape=(size, size))
    _, part = connected_components(links, directed=False)
    groups: dict[int, list[tuple[int, int, float]]] = {}
    for pair in pairs:
        groups.setdefault(int(part[pair[0]]), []).append(pair)
    found: dict[int, int] = {}
    for group in groups.values():
        left, right = sorted({a for a, _, _ in group}), sorted({b for _, b, _ in group})
        shared = np.zeros((len(left), len(right)))
        for a, b, value in group:
            shared[left.index(a), right.index(b)] = value
        for row, column in zip(*linear_sum_assignment(-shared), strict=True):
            if shared[row, column] > 0:
                found[left[row]] = right[column]
    return found


def _meeting(ours: Sequence[Patch], theirs: Sequence[Patch]) -> Iterator[tuple[int, int]]:
    """Pairs of patches whose rectangles share a pixel."""
    if not theirs:
        return
    edges = np.array([(p.top, p.left, p.top + p.mask.shape[0], p.left + p.mask.shape[1]) for p in theirs])
    order = np.argsort(edges[:, 0], kind="stable")
    edges = edges[order]
    tallest = int((edges[:, 2] - edges[:, 0]).max())
    for index, one in enumerate(ours):
        bottom, right = one.top + one.mask.shape[0], one.left + one.mask.shape[1]
        first, last = np.searchsorted(edges[:, 0], (one.top - tallest, bottom))
        near = edges[first:last]
        meets = (near[:, 2] > one.top) & (near[:, 1] < right) & (near[:, 3] > one.left)
        yield from ((index, int(other)) for other in order[first:last][meets])


def together(first: Patch, second: Patch) -> tuple[BoolArray, BoolArray]:
    """Two masks laid on the smallest part of the image that holds both."""
    held = [patch for patch in (first, second) if patch.mask.size]
    if not held:
        return np.zeros((1, 1), dtype=bool), np.zeros((1, 1), dtype=bool)
    top, left = min(patch.top for patch in held), min(patch.left for patch in held)
    bottom = max(patch.top + patch.mask.shape[0] for patch in held)
    right = max(patch.left + patch.mask.shape[1] for patch in held)

    def laid(patch: Patch) -> BoolArray:
        whole = np.zeros((bottom - top, right - left), dtype=bool)
        if patch.mask.size:
            rows = slice(patch.top - top, patch.top - top + patch.mask.shape[0])
            whole[rows, patch.left - left : patch.left - left + patch.mask.shape[1]] = patch.mask
        return whole

    return laid(first), laid(second)


def packed_patch(patch: Patch, height: int, width: int) -> Run:
    """A patch as pycocotools packs a mask of the whole image: runs down its columns, one after the other.

    Only the patch's own columns are unfolded; of the rest it is known that nothing is there.

    Args:
        patch: The mask.
        height: Rows of the image.
        width: Columns of the image.
    """
    if not patch.mask.size:
        return packed_runs([height * width], height, width)
    columns = np.zeros((patch.mask.shape[1], height), dtype=bool)
    columns[:, patch.top : patch.top + patch.mask.shape[0]] = patch.mask.T
    framed = np.pad(columns.ravel(), 1)
    # Where the mask begins or ends; the first run is of what lies outside.
    turns = np.flatnonzero(framed[1:] != framed[:-1]) + patch.left * height
    runs = np.diff(turns, prepend=0, append=height * width).tolist()
    return packed_runs(runs if runs[-1] else runs[:-1], height, width)
