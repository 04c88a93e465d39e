"""The vertebral bodies of a scene with their corners, in order, and everything doubtful about them."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from spinekit.core.body_points import PLATE_ENDS
from spinekit.core.image import FloatArray
from spinekit.core.landmarks import Landmarks
from spinekit.core.scene import Absent, Instance, Scene
from spinekit.measures.cobb import CORNERS
from spinekit.measures.column import UNKNOWN_VIEW, view_of
from spinekit.measures.frame import FARTHEST
from spinekit.measures.interval import Draws

MIN_BODIES = 5
NO_BODIES = frozenset(
    {"C1", "C2", "S1", "FH1", "FH2", "pelvis", "shoulders"}
)  # no quadrilaterals of the spine
INFERRED = "inferred"  # begins the flag of a body that was drawn where it must be, not seen


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """Bodies with all four corners, from cranial to caudal.

    Attributes:
        names: Level of each, or ``body 1`` ... where levels are not known.
        levels: Whether the names are levels of the schema.
        corners: (n, 4, 2) px: TL, TR, BL, BR.
        draws: (draws, n, 4, 2) px random corners by their spread, or None where a spread is unknown.
        reasons: Why a person should look: bodies missing, left out or out of order.
        flags: For each body its doubts.
    """

    names: tuple[str, ...]
    levels: bool
    corners: FloatArray
    draws: FloatArray | None
    reasons: tuple[str, ...]
    flags: tuple[tuple[str, ...], ...]


def find_bodies(scene: Scene, draws: Draws) -> Bodies | Absent:
    """The bodies to measure on.

    Args:
        scene: Instances labelled with levels of the schema, or all with a class; levels give the order,
            otherwise the height in the image does.
        draws: For the intervals.

    Returns:
        The bodies, or why there are none to measure on: fewer than 5, or a level found twice.
    """
    view = view_of(scene)
    if view != "frontal":
        return Absent(f"this is a {view} image" if view else UNKNOWN_VIEW)
    known = tuple(level for level in scene.schema.levels if level not in NO_BODIES)
    items = [item for item in scene.instances if item.label not in NO_BODIES]
    levelled = bool(items) and all(item.label in known for item in items)
    labels = [item.label for item in items]
    if levelled:
        doubled = [level for level in known if labels.count(level) > 1]
        if doubled:
            return Absent(f"{', '.join(doubled)} was found more than once")
    kept: list[tuple[Instance, FloatArray]] = []
    left_out: list[str] = []
    for number, item in enumerate(items, 1):
        corners = _corners(item, item.label if levelled else f"{item.label} {number}")
        if isinstance(corners, Absent):
            left_out.append(corners.reason)
        else:
            kept.append((item, corners))
    key = (
        (lambda pair: known.index(pair[0].label)) if levelled else (lambda pair: float(pair[1][:, 1].mean()))
    )
    kept.sort(key=key)
    missing = _missing(known, labels, levelled)
    if items and all(_without_corners(item) for item in items):
        return Absent("the bodies have no corners")
    if len(kept) < MIN_BODIES:
        why = "; ".join(x for x in (*left_out, missing) if x)
        return Absent(
            f"{len(kept)} bodies with four corners, {MIN_BODIES} are needed" + (f": {why}" if why else "")
        )
    names = tuple(item.label if levelled else f"body {i}" for i, (item, _) in enumerate(kept, 1))
    corners = np.stack([corner for _, corner in kept])
    reasons = [*left_out, *([missing] if missing else []), *_disorder(names, corners)]
    flags = tuple(item.flags for item, _ in kept)
    return Bodies(names, levelled, corners, _draws([item for item, _ in kept], draws), tuple(reasons), flags)


def _corners(item: Instance, name: str) -> FloatArray | Absent:
    """The (4, 2) px corners of one body, or why it cannot be measured on."""
    marks = item.landmarks
    if any(flag.lower().startswith(INFERRED) for flag in item.flags):
        return Absent(f"{name} was inferred, not seen, and is left out")
    if marks is None or _without_corners(item):
        return Absent(f"{name} has no corners and is left out")
    corners = marks.xy[_rows(marks)]
    fault = _fault(corners, name)
    return Absent(f"{fault} and is left out") if fault else corners


def _rows(marks: Landmarks) -> list[int]:
    """Where the four corners stand; of a body fitted to its mask the ends of the endplates' lines."""
    fitted = set(PLATE_ENDS) <= set(marks.names)
    return [marks.index(name) for name in (PLATE_ENDS if fitted else CORNERS)]


def _fault(corners: FloatArray, name: str) -> str:
    """What is wrong with the corners of one body, or nothing."""
    spots: list[list[float]] = corners.tolist()  # for eight numbers numpy takes ten times as long
    absent = [corner for corner, (x, y) in zip(CORNERS, spots, strict=True) if math.isnan(x) or math.isnan(y)]
    if absent:
        return f"{name} lacks {', '.join(absent)}"
    if not all(abs(x) < FARTHEST and abs(y) < FARTHEST for x, y in spots):
        return f"{name} lies outside of any image"
    for first, second in itertools.combinations(range(len(CORNERS)), 2):
        if spots[first] == spots[second]:
            return f"{name} has {CORNERS[first]} and {CORNERS[second]} on one spot"
    if all(tr + br - tl - bl == 0 for tl, tr, bl, br in zip(*spots, strict=True)):
        return f"{name} has a mid-line without length"
    return ""


def _without_corners(item: Instance) -> bool:
    return item.landmarks is None or not set(CORNERS) <= set(item.landmarks.names)


def _missing(known: tuple[str, ...], labels: list[str], levelled: bool) -> str:
    """What of the schema's levels was not found, in words, or nothing."""
    if levelled:
        # Sets that reach up to the neck do not expect it on every film: there only gaps between bodies count.
        seen = [known.index(label) for label in labels]
        expected = known if known[0] == "T1" else known[min(seen) : max(seen) + 1]
        absent = [level for level in expected if level not in labels]
        return f"not found: {', '.join(absent)}" if absent else ""
    if known and len(labels) != len(known):
        return f"{len(labels)} bodies found where {len(known)} are expected"
    return ""


def _disorder(names: tuple[str, ...], corners: FloatArray) -> list[str]:
    """Bodies whose corners seem swapped, and levels that do not follow one another downwards."""
    reasons = []
    across, down = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    turn = across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]
    swapped = [names[i] for i in np.flatnonzero((turn <= 0) | (across[:, 0] <= 0))]
    if swapped:
        reasons.append(f"corners seem swapped in {', '.join(swapped)}")
    height = corners[:, :, 1].mean(axis=1)
    above = [f"{names[i + 1]} above {names[i]}" for i in np.flatnonzero(np.diff(height) <= 0)]
    if above:
        reasons.append(f"out of order: {', '.join(above)}")
    return reasons


def _draws(items: list[Instance], how: Draws) -> FloatArray | None:
    if not how.count:
        return None
    bodies = []
    for number, item in enumerate(items):
        marks = item.landmarks
        if marks is None or marks.spread is None:
            return None
        order = _rows(marks)
        if not bool((np.abs(marks.spread[order]) < FARTHEST).all()):
            return None
        corners = [
            how.around(f"{number}.{name}", marks.xy[i], marks.spread[i])
            for name, i in zip(CORNERS, order, strict=True)
        ]
        bodies.append(np.stack(corners, axis=1))
    return np.stack(bodies, axis=1)
