"""Which side of a lateral image the patient's front is on, told by the spine itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spinekit.core.image import BoolArray, FloatArray
from spinekit.core.scene import Absent

AGREEING = 0.8  # share of the bodies that must face one way
SACRAL = 10.0  # degrees of sacral slope from which it tells the front
BENT = 10.0  # degrees of lordosis or kyphosis from which it tells the front
_BOWS = (("L1", "L5", 1.0), ("T4", "T12", -1.0))  # lordosis opens to the front, kyphosis to the back


def spine_front(points: FloatArray, anatomic: BoolArray, labels: Sequence[str]) -> int | Absent:
    """+1 where the front is to the image's right, -1 where it is to the left.

    Points named posterior and anterior tell it by themselves. Where only the viewer's left and right are known
    the shape tells: the sacral endplate falls to the front, the lumbar spine is hollow behind, the thoracic
    one in front. A straight one tells nothing and is refused.

    Args:
        points: (n, 10, 2) isotropic coordinates, x to the image's right, bodies from cranial to caudal; the
            first two and the next two points of each are posterior and anterior (where ``anatomic``), otherwise
            left and right end of the superior and the inferior endplate.
        anatomic: (n,) whether the points of a body are named from behind to the front.
        labels: Levels, or other words where not known.
    """
    across = points[:, [1, 3], 0] - points[:, [0, 2], 0]
    if bool(anatomic.any()):
        sides = np.sign(across[anatomic])
        sides = sides[np.isfinite(sides) & (sides != 0)]
        if not sides.size:
            return Absent("no endplate has both its ends, which would tell the front")
        front = 1 if sides.sum() > 0 else -1
        if float((sides == front).mean()) < AGREEING:
            return Absent("some bodies face the left and others the right of the image")
        return front
    top = _either(_tilt(points[:, 7] - points[:, 6]), _tilt(points[:, 1] - points[:, 0]))
    bottom = _either(_tilt(points[:, 9] - points[:, 8]), _tilt(points[:, 3] - points[:, 2]))
    votes = []
    if "S1" in labels:
        slope = float(top[labels.index("S1")])
        votes += [slope] if abs(slope) >= SACRAL else []
    for upper, lower, sign in _BOWS:
        bow = _bow(labels, top, bottom, (upper, lower))
        votes += [sign * bow] if abs(bow) >= BENT else []
    sides = np.sign([vote for vote in votes if np.isfinite(vote)])
    if not sides.size or abs(sides.sum()) != sides.size:
        return Absent(
            "which side is the front is not known: the endplates are not named anterior and posterior, and the "
            f"spine's bow {'contradicts itself' if sides.size else 'does not tell'}"
        )
    return int(sides[0])


def _bow(labels: Sequence[str], top: FloatArray, bottom: FloatArray, ends: tuple[str, str]) -> float:
    """Turn from the superior endplate of the first to the inferior of the last body of a region, at least 3 of it."""
    region, first, last = ends[0][0], int(ends[0][1:]), int(ends[1][1:])
    inside = [
        i for i, label in enumerate(labels)
        if label[:1] == region and label[1:].isdecimal() and first <= int(label[1:]) <= last
    ]  # fmt: skip
    if len(inside) < 3:
        return 0.0
    turn = float(bottom[inside[-1]] - top[inside[0]])
    return turn if np.isfinite(turn) else 0.0


def _either(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.where(np.isnan(first), second, first)


def _tilt(vectors: FloatArray) -> FloatArray:
    """Degrees, + = the image's right end lower."""
    return np.asarray(np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])))
