"""What cannot be in the labels of one spine, whoever the patient: order, corners, overlaps, empty bodies.

Rules that need other spines to compare with are in `spinekit.anatomy.unlike_spine`.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import numpy as np

from spinekit.anatomy.spine_bodies import CORNERS, Spine, crossing, shared_part
from spinekit.core.finding import Finding, Rule, Severity
from spinekit.core.image import BoolArray, FloatArray
from spinekit.core.schema import Schema

BODY_ORDER = Rule(
    "body-order",
    Severity.ERROR,
    "a body lies above the one that its name puts over it",
    "name the bodies anew from cranial to caudal, or move the one that is out of place",
)
SPINE_TURNED = Rule(
    "spine-upside-down",
    Severity.WARNING,
    "the names run from the bottom of the image to its top",
    "turn the film, or name the bodies from the other end",
)
CORNER_ORDER = Rule(
    "corner-order",
    Severity.ERROR,
    "corners stand in each other's place",
    "put them in the order of the schema; --fix does where exchanging two sides is enough",
)
BODY_TWICE = Rule(
    "body-twice",
    Severity.ERROR,
    "two labels lie on one body",
    "remove one, and look whether a body beside it has none",
)
BODIES_OVERLAP = Rule(
    "bodies-overlap",
    Severity.WARNING,
    "two bodies overlap",
    "draw both at their own endplates",
)
BODY_EMPTY = Rule(
    "body-empty",
    Severity.ERROR,
    "a body without area",
    "draw it again, or remove it (--fix removes it)",
)
FLAT_BODIES = Rule(
    "flat-bodies",
    Severity.WARNING,
    "bodies are drawn no higher than the gaps between them",
    "draw each from its upper to its lower endplate",
)
LEVEL_TWICE = Rule(
    "level-twice",
    Severity.ERROR,
    "one level is labelled more than once",
    "keep one, or give the other its own level",
)
LEVEL_MISSING = Rule(
    "level-missing",
    Severity.WARNING,
    "a level between labelled ones has no label",
    "label it, or check the names of the others",
)
RULES = (
    BODY_ORDER, SPINE_TURNED, CORNER_ORDER, BODY_TWICE, BODIES_OVERLAP, BODY_EMPTY, FLAT_BODIES, LEVEL_TWICE,
    LEVEL_MISSING,
)  # fmt: skip

_SAME_BODY = 0.5  # two labels that share half of the smaller one cannot both be right
_DRAWN_LOOSELY = 0.1  # neighbours touch where discs are narrow or tilted; a tenth shared is more than that
_LEAST_SIDE = 1.0  # px
_FLAT = 2.0  # centres this many body heights apart: the disc is as high as the body, as in no spine
_FEWEST = 5  # bodies that show which way a spine runs and what is usual in it


def implausible(spine: Spine, schema: Schema) -> Iterator[Finding]:
    """What cannot be in the labels of one spine.

    Args:
        spine: Bodies by rising level.
        schema: Gives the names of the levels.
    """
    yield from _levels(spine, schema)
    # The lesser singular value is what is left of the corners' spread beside the best line through them.
    away = spine.quads - spine.quads.mean(axis=1, keepdims=True)
    empty = np.linalg.svd(away, compute_uv=False)[:, 1] < _LEAST_SIDE
    for index in np.flatnonzero(empty).tolist():
        yield Finding(BODY_EMPTY, spine.image, spine.places[index], "its corners lie on one line or point")
    yield from _order(spine)
    for index, swap in misplaced_corners(spine).items():
        if not empty[index]:
            yield Finding(CORNER_ORDER, spine.image, spine.places[index], _words(swap))
    yield from _overlaps(spine)
    yield from _flat(spine)


def misplaced_corners(spine: Spine) -> dict[int, tuple[int, int, int, int] | None]:
    """Bodies whose corners are out of order, with the order that mends them.

    Left and right are those of a viewer who looks along the spine's way down.

    Returns:
        By index of the body: which of its corners belong at TL, TR, BL, BR; None where no exchange of whole
        sides, ends or one pair gives a plain quadrilateral.
    """
    if not spine.cornered:
        return {}
    down = spine.heading
    found: dict[int, tuple[int, int, int, int] | None] = {}
    for index in np.flatnonzero(~_upright(spine.quads, down)):
        plain = [
            swap
            for swap in _SWAPS
            if bool(_upright(spine.quads[[index]][:, list(swap)], down[[index]], least=0.25)[0])
        ]
        found[int(index)] = plain[0] if plain else None
    return found


_SWAPS = (  # whole sides first, then one pair
    (1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0), (1, 0, 2, 3), (0, 1, 3, 2), (2, 1, 0, 3), (0, 3, 2, 1),
)  # fmt: skip


def _upright(quads: FloatArray, down: FloatArray, least: float = 0.0) -> BoolArray:
    """(n,) whether corners are in order: the lower endplate lower, the right side on the right, nothing crossed.

    Args:
        quads: (n, 4, 2).
        down: (n, 2) the spine's way.
        least: Cosine that both directions must reach; 0 asks only for the right side.
    """
    right = np.stack([down[:, 1], -down[:, 0]], axis=1)
    across = quads[:, 1] + quads[:, 3] - quads[:, 0] - quads[:, 2]
    along = quads[:, 2] + quads[:, 3] - quads[:, 0] - quads[:, 1]

    def cosine(vectors: FloatArray, way: FloatArray) -> FloatArray:
        return np.asarray((vectors * way).sum(axis=1) / np.maximum(np.linalg.norm(vectors, axis=1), 1e-9))

    return np.asarray((cosine(across, right) > least) & (cosine(along, down) > least) & ~crossing(quads))


def _words(swap: tuple[int, int, int, int] | None) -> str:
    if swap is None:
        return "its corners are in no order that makes a plain quadrilateral"
    if swap == _SWAPS[0]:
        return "left and right are swapped"
    if swap == _SWAPS[1]:
        return "top and bottom are swapped"
    if swap == _SWAPS[2]:
        return "top and bottom as well as left and right are swapped"
    moved = [CORNERS[place] for place, corner in enumerate(swap) if place != corner]
    return f"{' and '.join(moved)} are swapped"


def _levels(spine: Spine, schema: Schema) -> Iterator[Finding]:
    if not spine.named:
        return
    for rank, count in sorted(Counter(spine.rank).items()):
        if count > 1:
            yield Finding(LEVEL_TWICE, spine.image, schema.levels[rank], f"labelled {count} times")
    for rank in range(spine.rank[0] + 1, spine.rank[-1]):
        if rank not in spine.rank:
            words = f"not labelled, though {spine.places[0]} to {spine.places[-1]} are"
            yield Finding(LEVEL_MISSING, spine.image, schema.levels[rank], words)


def _order(spine: Spine) -> Iterator[Finding]:
    if not spine.named or len(spine.places) < 3:
        return
    steps = np.diff(spine.centres, axis=0)
    usual = np.median(steps, axis=0)
    # Where whole spines run up the image, it is the film that is turned, not each body.
    if usual[1] < 0 and abs(usual[1]) > abs(usual[0]):
        yield Finding(
            SPINE_TURNED,
            spine.image,
            "",
            f"{spine.places[0]} lies at the bottom, {spine.places[-1]} at the top",
        )
    for index in np.flatnonzero(steps @ usual <= 0):
        above, below = spine.places[index], spine.places[index + 1]
        distance = float(np.linalg.norm(steps[index]))
        usually = float(np.linalg.norm(usual))
        yield Finding(
            BODY_ORDER,
            spine.image,
            below,
            f"lies {distance:.0f} px back from {above}, where bodies are {usually:.0f} px apart",
        )


def _overlaps(spine: Spine) -> Iterator[Finding]:
    shared = {
        (i, j): part
        for (i, first), (j, second) in itertools.combinations(enumerate(spine.quads), 2)
        if (part := shared_part(first, second)) > _DRAWN_LOOSELY
    }
    partners = Counter(index for pair in shared for index in pair)
    told: set[int] = set()
    for (i, j), part in shared.items():
        widest = max((i, j), key=lambda index: partners[index])
        if partners[widest] > 2:  # one that lies across half the spine is told once
            if widest not in told:
                told.add(widest)
                words = f"lies over {partners[widest]} others"
                yield Finding(BODIES_OVERLAP, spine.image, spine.places[widest], words)
            continue
        rule = BODY_TWICE if part > _SAME_BODY else BODIES_OVERLAP
        words = f"covers {part:.0%} of the smaller one"
        yield Finding(rule, spine.image, f"{spine.places[i]} and {spine.places[j]}", words)


def _flat(spine: Spine) -> Iterator[Finding]:
    if len(spine.places) < _FEWEST:
        return
    pitch = np.linalg.norm(np.diff(spine.centres, axis=0), axis=1)
    height = np.linalg.norm(spine.down, axis=1)
    between = (height[1:] + height[:-1]) / 2
    ratio = float(np.median(pitch / np.maximum(between, 1e-9)))
    if ratio > _FLAT:
        yield Finding(
            FLAT_BODIES, spine.image, "", f"centres are {ratio:.1f} body heights apart; about 1.4 is usual"
        )
