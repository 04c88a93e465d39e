"""The spine seen from the side: its bodies in order, with their points named from behind to the front.

Plane: calibrated coordinates (`spinekit.measures.frame`), x to the patient's front, y down.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spinekit.core.body_points import BODY_POINTS
from spinekit.core.image import FloatArray
from spinekit.core.outline import Outline
from spinekit.core.scene import Absent, Instance, Scene
from spinekit.measures.facing import spine_front
from spinekit.measures.frame import FARTHEST, Plane, plane_of
from spinekit.measures.interval import Draws

SP, SA, IP, IA, SM, IM = range(
    6
)  # superior and inferior endplate: posterior, anterior, middle on the contour
LSP, LSA, LIP, LIA = range(6, 10)  # ends of the lines that angles are taken from
HIPS = ("FH1", "FH2")
INFERRED = "inferred"  # begins the flag of a body that was drawn where it must be, not seen

_NAMED = ("sup_post", "sup_ant", "inf_post", "inf_ant")
# The viewer's names in the order above, for a patient who faces the image's right and left.
_RIGHT = ("TL", "TR", "BL", "BR", "TM", "BM", "STL", "STR", "SBL", "SBR")
_LEFT = ("TR", "TL", "BR", "BL", "TM", "BM", "STR", "STL", "SBR", "SBL")
UNKNOWN_VIEW = (
    "the image says neither frontal nor lateral -- name a set of one view, such as spine-lateral-levels"
)
_FRONTAL = frozenset({"AP", "PA", "FRONTAL"})
_LATERAL = frozenset({"LL", "RL", "LLO", "RLO", "LATERAL", "LLD", "RLD", "SAGITTAL"})


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Bodies from cranial to caudal.

    Attributes:
        names: Their levels, or ``1``, ``2`` ... where levels are not known.
        levels: All levels of the schema in order, or `names` where levels are not known.
        named: Whether the levels are known.
        points: (n, 10, 2) plane coordinates in the order of the constants above; NaN where absent.
        draws: (draws, n, 10, 2) the same under random points, or None where a spread is unknown.
        pixels: (n, 10, 2) px.
        spoken: For each body the names of its ten points in the scene.
        hips: (h, 2) plane coordinates of the centres of femoral heads, h up to 2.
        hip_names: Names of these points.
        hip_draws: (draws, h, 2) the centres under random points, or None where a spread is unknown.
        outlines: For each body its outline in px, or None.
        plane: From pixels to the plane.
        doubts: For each body why it is to be looked at.
        gone: Why a level that was found is not among the names.
        reasons: Doubts about the column as a whole.
    """

    names: tuple[str, ...]
    levels: tuple[str, ...]
    named: bool
    points: FloatArray
    draws: FloatArray | None
    pixels: FloatArray
    spoken: tuple[tuple[str, ...], ...]
    hips: FloatArray
    hip_names: tuple[str, ...]
    hip_draws: FloatArray | None
    outlines: tuple[Outline | None, ...]
    plane: Plane
    doubts: tuple[tuple[str, ...], ...]
    gone: dict[str, str]
    reasons: tuple[str, ...]

    def index(self, level: str) -> int:
        """Place of a level among the names; -1 where it is not there."""
        return self.names.index(level) if level in self.names else -1

    def lacks(self, level: str) -> str:
        """Why a level is not there, in words."""
        return self.gone.get(level, f"{level} was not found")


def view_of(scene: Scene) -> str:
    """``frontal``, ``lateral`` or empty, by the schema's view; by the file's own word where it has none."""
    view = scene.schema.view
    if "lateral" in view or "sagittal" in view:
        return "lateral"
    if "frontal" in view:
        return "frontal"
    said = scene.image.hints.get("view", "").upper()
    return "lateral" if said in _LATERAL else "frontal" if said in _FRONTAL else ""


@lru_cache(maxsize=2)
def find_column(scene: Scene, draws: Draws) -> Column | Absent:
    """The bodies of a lateral image; the last scenes are remembered, since several measurements ask.

    Args:
        scene: Bodies with ``sup_post`` ... ``inf_ant``, or with TL, TR, BL, BR (and more, from a mask).
        draws: For the intervals.

    Returns:
        The column, or why nothing can be measured: the view, no body with points, or an unknown facing.
    """
    view = view_of(scene)
    if view != "lateral":
        return Absent("this is a frontal image" if view else UNKNOWN_VIEW)
    known = scene.schema.levels
    items = [item for item in scene.instances if item.label not in HIPS]
    named = any(item.label in known for item in items)
    gone: dict[str, str] = {}
    kept = []
    for item in items:
        if named and item.label not in known:
            gone.setdefault(item.label, f"{item.label} is not a level of {scene.schema.name}")
        elif named and sum(other.label == item.label for other in items) > 1:
            gone[item.label] = f"{item.label} was found more than once"
        elif any(flag.lower().startswith(INFERRED) for flag in item.flags):
            gone[item.label] = f"{item.label} was inferred, not seen"
        elif item.landmarks is None or not set(item.landmarks.names) & {*_NAMED, *BODY_POINTS}:
            gone[item.label] = f"{item.label} has no corners"
        else:
            kept.append(item)
    if not kept:
        return Absent(_all_gone(gone) or "no vertebral body was found")
    scale = plane_of(scene.image).scale
    raw = [_raw(item, 1) for item in kept]
    order = sorted(range(len(kept)), key=lambda i: _place(kept[i], raw[i], known, named))
    kept = [kept[i] for i in order]
    anatomic = np.array([set(_NAMED) <= set(_names(item)) for item in kept])
    first = np.stack([raw[i] for i in order])
    front = spine_front(first * scale, anatomic, [item.label for item in kept])
    if isinstance(front, Absent):
        return front
    pixels = np.stack([_raw(item, front) for item in kept])
    return _column(scene, kept, pixels, front, named=named, gone=gone, draws=draws)


def _column(
    scene: Scene,
    kept: Sequence[Instance],
    pixels: FloatArray,
    front: int,
    *,
    named: bool,
    gone: dict[str, str],
    draws: Draws,
) -> Column:
    plane = plane_of(scene.image, front)
    names = tuple(item.label if named else str(i) for i, item in enumerate(kept, 1))
    points = plane.to_plane(pixels)
    spoken = tuple(_spoken(item, name, front) for item, name in zip(kept, names, strict=True))
    hip_names, hips, hip_draws = _hips(scene, draws)
    drawn = _draws(kept, spoken, front, draws)
    return Column(
        names=names,
        levels=scene.schema.levels if named else names,
        named=named,
        points=points,
        draws=None if drawn is None else plane.to_plane(drawn),
        pixels=pixels,
        spoken=spoken,
        hips=plane.to_plane(hips),
        hip_names=hip_names,
        hip_draws=None if hip_draws is None else plane.to_plane(hip_draws),
        outlines=tuple(item.outline for item in kept),
        plane=plane,
        doubts=_doubts(kept, names, points),
        gone=gone,
        reasons=_reasons(names, points, named=named, gone=gone),
    )


def _names(item: Instance) -> tuple[str, ...]:
    return () if item.landmarks is None else item.landmarks.names


def _order(item: Instance, front: int) -> tuple[str, ...]:
    """The names under which an instance holds the ten points; those of lines are its corners' where it has none."""
    names = _names(item)
    if set(names) & set(_NAMED):
        return (*_NAMED, "sup_mid", "inf_mid", *_NAMED)
    viewer = _RIGHT if front > 0 else _LEFT
    return viewer if set(viewer[6:]) <= set(names) else (*viewer[:6], *viewer[:4])


def _spoken(item: Instance, name: str, front: int) -> tuple[str, ...]:
    return tuple(f"{name}.{point}" for point in _order(item, front))


def _taken(item: Instance, values: FloatArray, front: int) -> FloatArray:
    """(10, ...) rows of an instance's values in the column's order; NaN where it has no such point."""
    names = _names(item)
    found = np.full((10, *values.shape[1:]), np.nan)
    for place, point in enumerate(_order(item, front)):
        if point in names:
            found[place] = values[names.index(point)]
    return found


def _all_gone(gone: Mapping[str, str]) -> str:
    """Why no body is left: those with the same reason together."""
    alike: dict[str, list[str]] = {}
    for label, reason in gone.items():
        alike.setdefault(reason.removeprefix(label).strip(), []).append(label)
    return "; ".join(
        f"{', '.join(labels)} {reason.replace('was ', 'were ', 1) if len(labels) > 1 else reason}"
        for reason, labels in alike.items()
    )


def _raw(item: Instance, front: int) -> FloatArray:
    """(10, 2) px; a point outside of any image counts as absent."""
    assert item.landmarks is not None
    xy = _taken(item, item.landmarks.xy, front)
    far = ~(np.abs(xy) < FARTHEST).all(axis=1)
    xy[far] = np.nan
    return xy


def _place(item: Instance, points: FloatArray, known: tuple[str, ...], named: bool) -> float:
    if named:
        return float(known.index(item.label))
    rows = points[:4, 1]
    return float(np.nanmean(rows)) if bool(np.isfinite(rows).any()) else np.inf


def _hips(scene: Scene, how: Draws) -> tuple[tuple[str, ...], FloatArray, FloatArray | None]:
    """Centres of femoral heads: a point ``centre``, or the middle of an outline's box.

    Returns:
        Names, (h, 2) px, and (draws, h, 2) px or None.
    """
    names: list[str] = []
    centres: list[FloatArray] = []
    drawn: list[FloatArray] = []
    for label in HIPS:
        found = [item for item in scene.instances if item.label == label]
        if len(found) != 1:
            continue
        marks, outline = found[0].landmarks, found[0].outline
        spread = None
        if marks is not None and "centre" in marks.names:
            place, name = marks.index("centre"), f"{label}.centre"
            xy, spread = marks.xy[place], None if marks.spread is None else marks.spread[place]
        elif outline is not None and outline.rings:
            left, top, right, bottom = outline.box
            xy, name = np.array([(left + right) / 2, (top + bottom) / 2]), label
        else:
            continue
        if bool((np.abs(xy) < FARTHEST).all()):
            names.append(name)
            centres.append(xy)
            if how.count and spread is not None and bool((np.abs(spread) < FARTHEST).all()):
                drawn.append(how.around(name, xy, spread))
    whole = np.stack(drawn, axis=1) if drawn and len(drawn) == len(centres) else None
    return tuple(names), np.array(centres).reshape(-1, 2), whole


def _draws(
    kept: Sequence[Instance], spoken: Sequence[tuple[str, ...]], front: int, how: Draws
) -> FloatArray | None:
    """(draws, n, 10, 2) px, or None where one of the points in use has no spread."""
    if not how.count:
        return None
    drawn = np.full((how.count, len(kept), 10, 2), np.nan)
    for row, item in enumerate(kept):
        marks = item.landmarks
        if marks is None or marks.spread is None:
            return None
        xy, spread = _raw(item, front), _taken(item, marks.spread, front)
        present = np.isfinite(xy).all(axis=1)
        if not bool((np.abs(spread[present]) < FARTHEST).all()):
            return None
        for place in np.flatnonzero(present).tolist():
            # One name draws one way: the ends of lines that are corners move with them.
            drawn[:, row, place] = how.around(spoken[row][place], xy[place], spread[place])
    return drawn


def _doubts(
    kept: Sequence[Instance], names: tuple[str, ...], points: FloatArray
) -> tuple[tuple[str, ...], ...]:
    found = []
    across, down = points[:, SA] - points[:, SP], points[:, IP] - points[:, SP]
    turn = across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]
    for index, (item, name) in enumerate(zip(kept, names, strict=True)):
        flags = [f"{name}: {flag}" for flag in item.flags]
        if turn[index] <= 0 or across[index, 0] <= 0:
            flags.append(f"{name}: its corners seem swapped")
        found.append(tuple(flags))
    return tuple(found)


def _reasons(
    names: tuple[str, ...], points: FloatArray, *, named: bool, gone: dict[str, str]
) -> tuple[str, ...]:
    reasons = [] if named else ["the levels are not known"]
    if not named and gone:
        reasons += gone.values()
    rows = points[:, :4, 1]
    present = np.isfinite(rows)
    middle = np.where(present, rows, 0.0).sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    seen = np.flatnonzero(present.any(axis=1))
    above = [f"{names[b]} above {names[a]}" for a, b in itertools.pairwise(seen) if middle[b] <= middle[a]]
    if above:
        reasons.append(f"out of order: {', '.join(above)}")
    return tuple(reasons)
