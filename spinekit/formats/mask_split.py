"""Bodies in a binary mask: its connected parts, and those parted again that merely touch.

A part is split where its inscribed circles pass a neck: each side must hold a circle much larger than the
neck, and no side may be a mere spur of another. A single body with a waist, a process or a hole stays whole:
to join two bodies is an error that a person sees at once, to cut one in two is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinekit.core.image import BoolArray

NECK = 0.7
"""A neck is at most this part of the radius of the smaller body's largest inscribed circle."""

SPUR = 0.5
"""Bodies that touch have inscribed circles of at least this part of the largest one's radius."""

LEAST_SHARE = 0.3
"""And at least this part of the largest one's area."""

SPECK_PX = 16
SPECK_SHARE = 0.01
_LEAST_RADIUS = 3.0
_STEPS = 32
_CONVEX = 0.96

Places = tuple[slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A body in a mask.

    Attributes:
        place: Rows and columns of its bounding box in the mask.
        mask: (h, w) bool, its pixels within ``place``.
        split: Whether it was parted from another that it touches.
    """

    place: Places
    mask: BoolArray
    split: bool = False


def bodies(mask: BoolArray, part_touching: bool) -> tuple[list[Body], int]:
    """The bodies of a mask, from the top down.

    Args:
        mask: (H, W).
        part_touching: Whether bodies that touch are parted.

    Returns:
        The bodies; and how many specks (under `SPECK_PX` pixels and `SPECK_SHARE` of the largest) were left out.
    """
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if not areas.size:
        return [], 0
    speck = (areas < SPECK_PX) & (areas < SPECK_SHARE * areas.max())
    found: list[Body] = []
    for index in range(1, count):
        if speck[index - 1]:
            continue
        left, top, width, height = (int(value) for value in stats[index, :4])
        place = (slice(top, top + height), slice(left, left + width))
        part: BoolArray = labels[place] == index
        found += parted(Body(place, part)) if part_touching else [Body(place, part)]
    found.sort(key=lambda body: (body.place[0].start + body.place[0].stop, body.place[1].start))
    return found, int(speck.sum())


def parted(body: Body) -> list[Body]:
    """A connected part, cut at its necks into the bodies that touch there; itself where there are none."""
    import cv2

    padded = np.pad(body.mask, 1).astype(np.uint8)
    if _solidity(padded) >= _CONVEX:
        return [body]
    depth = cv2.distanceTransform(_filled(padded), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    seeds = _seeds(depth)
    if len(seeds) < 2:
        return [body]
    labels = _watershed(depth, padded, seeds)[1:-1, 1:-1]
    areas = np.bincount(labels.ravel(), minlength=len(seeds) + 1)[1:]
    if areas.min() < LEAST_SHARE * areas.max():
        return [body]
    return [_cut(body, labels == index) for index in range(1, len(seeds) + 1)]


def _cut(body: Body, mask: BoolArray) -> Body:
    """A piece of a body, with a box of its own."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    place = (
        slice(body.place[0].start + top, body.place[0].start + bottom),
        slice(body.place[1].start + left, body.place[1].start + right),
    )
    return Body(place, mask[top:bottom, left:right], split=True)


def _solidity(padded: npt.NDArray[np.uint8]) -> float:
    """Area of a part over that of its convex hull, both with holes filled."""
    import cv2

    contours, _ = cv2.findContours(padded, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = np.zeros_like(padded)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.concatenate(contours)), 1)
    return int(np.count_nonzero(_filled(padded))) / max(int(np.count_nonzero(hull)), 1)


def _filled(padded: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A part without its holes, which are no necks."""
    import cv2

    contours, _ = cv2.findContours(padded, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    whole = np.zeros_like(padded)
    cv2.drawContours(whole, contours, -1, 1, cv2.FILLED)
    return whole


def _seeds(depth: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    """The centres (row, column) of bodies that hang together by necks only.

    The depth is flooded from its peaks down. Where two floods meet, the lower one is a body of its own if
    its peak stands well above the meeting (`NECK`); otherwise it belongs to the higher one.
    """
    import cv2

    highest = float(depth.max())
    if highest < _LEAST_RADIUS:
        return []
    alive: list[tuple[int, int]] = []
    bodies_found: list[tuple[int, int]] = []
    for level in np.linspace(highest, 0.0, _STEPS, endpoint=False)[1:]:
        count, labels = cv2.connectedComponents((depth > level).astype(np.uint8), connectivity=8)
        by_flood: dict[int, list[tuple[int, int]]] = {}
        for peak in alive:
            by_flood.setdefault(int(labels[peak]), []).append(peak)
        for peak in bodies_found:
            by_flood.setdefault(int(labels[peak]), [])
        for flood in range(1, count):
            if flood not in by_flood and level >= SPUR * highest * NECK:
                place = np.unravel_index(int(np.where(labels == flood, depth, -1).argmax()), depth.shape)
                by_flood[flood] = [(int(place[0]), int(place[1]))]
        alive = []
        for peaks in by_flood.values():
            ranked = sorted(peaks, key=lambda peak: (-depth[peak], peak))
            alive += ranked[:1]
            bodies_found += [
                peak
                for peak in ranked[1:]
                if level <= NECK * depth[peak] and depth[peak] >= max(SPUR * highest, _LEAST_RADIUS)
            ]
    return sorted(alive + bodies_found) if bodies_found else []


def _watershed(
    depth: npt.NDArray[np.float32], padded: npt.NDArray[np.uint8], seeds: list[tuple[int, int]]
) -> npt.NDArray[np.uint16]:
    """For each pixel of a part the number of its seed, from 1; 0 outside. Every pixel of the part has one.

    Seeds grow down the depth, level by level (scipy's and OpenCV's watersheds go by differences between
    neighbours instead, which are the same everywhere in a map of distances).
    """
    import cv2

    labels = np.zeros(padded.shape, dtype=np.uint16)
    for index, seed in enumerate(seeds, 1):
        labels[seed] = index
    around = np.ones((3, 3), dtype=np.uint8)
    for level in np.linspace(float(depth.max()), 0.0, _STEPS + 1)[1:]:
        open_ground = (depth > level) & (labels == 0)
        while True:
            reached = np.where(open_ground, cv2.dilate(labels, around), 0)
            if not reached.any():
                break
            labels = np.maximum(labels, reached).astype(np.uint16)
            open_ground &= labels == 0
    return np.where(padded > 0, labels, 0).astype(np.uint16)
