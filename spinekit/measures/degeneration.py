"""Signs of degeneration that an outline shows: uneven endplates and lips of the body's borders.

Both are read off the contour of a mask, beside the straight lines that anatomy fitted to it. They are of the mask:
a smoothed or coarse one shows neither. No norm stands beside them, since none could be verified.
"""

from __future__ import annotations

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.measurement import NotMeasured, Result
from spinekit.core.outline import Outline, resampled, ring_area
from spinekit.core.scene import Absent, Scene
from spinekit.measures.column import IA, IM, IP, LIA, LIP, LSA, LSP, SA, SM, SP, Column, find_column
from spinekit.measures.interval import Draws
from spinekit.measures.plugin import CodeMeasurement
from spinekit.measures.quantity import Quantity, results_along

MARGIN = 0.12  # of an endplate at either end that belongs to the corners
REACH = 0.3  # body heights on either side of an endplate's line in which its contour is looked for
WALL = (0.3, 0.7)  # part of a wall's height that tells where the wall stands
_STEP = 1.0  # px between points of the contour
_LEAST = 8  # points

_PLATES = ((0, LSP), (0, LSA), (0, LIP), (0, LIA))
_MASK = "from the mask's contour; a coarse or smoothed mask shows less"


def _plate(name: str, which: str, plate: tuple[int, int], words: str) -> Quantity:
    line = ((0, plate[0]), (0, plate[1]))
    return Quantity(
        f"degeneration_{name}_{which}", "%", f"{words}, as a share of its length; {_MASK}", _PLATES, (line,),
        undefined="the outline is not known or too coarse",
    )  # fmt: skip


def _lip(side: str, which: str, corner: int) -> Quantity:
    return Quantity(
        f"degeneration_lip_{side}_{which}", "%",
        f"how far the {side} border reaches out at its {which} end, beyond the line through the middle of that "
        f"wall, as "
        f"a share of the body's depth (a normal waist gives a few %); {_MASK}",
        _PLATES, (((0, LSP if corner % 2 == 0 else LSA), (0, LIP if corner % 2 == 0 else LIA)),),
        undefined="the outline is not known or too coarse",
    )  # fmt: skip


_ROUGH = "root mean square distance of the endplate's contour from a smooth bow (a parabola) through it"
_HOLLOW = "distance of the endplate's middle on the contour from the line between its corners, + hollow"
QUANTITIES = (
    _plate("irregularity", "superior", (LSP, LSA), _ROUGH),
    _plate("irregularity", "inferior", (LIP, LIA), _ROUGH),
    _plate("concavity", "superior", (LSP, LSA), _HOLLOW),
    _plate("concavity", "inferior", (LIP, LIA), _HOLLOW),
    _lip("anterior", "superior", 1),
    _lip("anterior", "inferior", 3),
    _lip("posterior", "superior", 0),
    _lip("posterior", "inferior", 2),
)


def measure_degeneration(scene: Scene, draws: Draws) -> tuple[Result, ...]:
    """Irregularity and concavity of every endplate, lips at every corner, in % of the body's depth.

    Args:
        scene: A lateral spine of masks with their corners; of points alone nothing can be told.
        draws: For the column; an outline has no spread, so that the results have no interval.
    """
    column = find_column(scene, draws)
    if isinstance(column, Absent):
        return (NotMeasured("degeneration", column.reason),)
    if all(outline is None for outline in column.outlines):
        return (NotMeasured("degeneration", "no outlines: corners alone show neither endplates nor lips"),)
    values = {quantity.name: np.full(len(column.names), np.nan) for quantity in QUANTITIES}
    for row, outline in enumerate(column.outlines):
        if outline is None or bool(np.isnan(column.points[row, LSP:]).any()):
            continue
        for name, value in contour_values(_contour(outline, column), column.points[row]).items():
            values[name][row] = value
    return results_along(scene, column, QUANTITIES, values, None, pairs=False)


def _contour(outline: Outline, column: Column) -> FloatArray:
    """(N, 2) plane coordinates along the border of the largest part."""
    rings = [ring for ring in outline.rings if len(ring) >= 3 and bool(np.isfinite(ring).all())]
    if not rings:
        return np.zeros((0, 2))
    ring = max(rings, key=lambda one: abs(ring_area(one)))
    return column.plane.to_plane(resampled(ring, _STEP))


def contour_values(contour: FloatArray, points: FloatArray) -> dict[str, float]:
    """The signs of one body; those that its contour does not show are left out.

    Args:
        contour: (N, 2) plane coordinates.
        points: (10, 2) plane coordinates in the order of `spinekit.measures.column`.
    """
    plates = points[LSP:]
    middle = plates.mean(axis=0)
    depth = float(np.hypot(*(plates[[1, 3]].mean(axis=0) - plates[[0, 2]].mean(axis=0))))
    height = float(np.hypot(*(plates[2:].mean(axis=0) - plates[:2].mean(axis=0))))
    if not len(contour) or depth <= 0 or height <= 0:
        return {}
    found: dict[str, float] = {}
    for which, (start, end) in (("superior", plates[:2]), ("inferior", plates[2:])):
        rough = _roughness(contour, start, end, middle, REACH * height)
        if rough is not None:
            found[f"degeneration_irregularity_{which}"] = rough
    for which, (back, front, hollow) in (("superior", (SP, SA, SM)), ("inferior", (IP, IA, IM))):
        _, inwards, length = _axes(points[back], points[front], middle)
        depth_there = float((points[hollow] - (points[back] + points[front]) / 2) @ inwards)
        if np.isfinite(depth_there):
            found[f"degeneration_concavity_{which}"] = 100 * depth_there / length
    for side, top, bottom in (("anterior", plates[1], plates[3]), ("posterior", plates[0], plates[2])):
        lips = _lips(contour, top, bottom, middle, depth)
        if lips is not None:
            found[f"degeneration_lip_{side}_superior"], found[f"degeneration_lip_{side}_inferior"] = lips
    return found


def _roughness(
    contour: FloatArray, start: FloatArray, end: FloatArray, middle: FloatArray, reach: float
) -> float | None:
    """Distance of an endplate's contour from a smooth bow in % of its length."""
    along, inwards, length = _axes(start, end, middle)
    share, depth = (contour - start) @ along / length, (contour - start) @ inwards
    near = (share > MARGIN) & (share < 1 - MARGIN) & (np.abs(depth) < reach)
    if np.count_nonzero(near) < _LEAST:
        return None
    x, y = share[near] - 0.5, depth[near]
    bow = np.polynomial.Polynomial.fit(x, y, 2).convert().coef
    rest = y - np.polynomial.polynomial.polyval(x, bow)
    return 100 * float(np.sqrt((rest**2).mean())) / length


def _lips(
    contour: FloatArray, top: FloatArray, bottom: FloatArray, middle: FloatArray, depth: float
) -> tuple[float, float] | None:
    """How far a wall reaches out at its upper and its lower end, in % of the body's depth, not below 0."""
    along, inwards, length = _axes(top, bottom, middle)
    share, inside = (contour - top) @ along / length, (contour - top) @ inwards
    outer = inside < depth / 3
    wall = outer & (share > WALL[0]) & (share < WALL[1])
    if np.count_nonzero(wall) < _LEAST // 2:
        return None
    slope, offset = np.polyfit(share[wall], inside[wall], 1)
    out = slope * share + offset - inside
    ends = (outer & (share > -0.25) & (share < 1 / 3), outer & (share > 2 / 3) & (share < 1.25))
    if not all(bool(end.any()) for end in ends):
        return None
    first, second = (100 * max(float(out[end].max()), 0.0) / depth for end in ends)
    return first, second


def _axes(start: FloatArray, end: FloatArray, middle: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Unit vectors along a border and from it into the body, and the border's length."""
    vector = end - start
    length = max(float(np.hypot(vector[0], vector[1])), 1e-9)
    along = vector / length
    normal = np.array([-along[1], along[0]])
    return along, normal if float((middle - start) @ normal) > 0 else -normal, length


MEASURES = (
    CodeMeasurement(
        "degeneration",
        "uneven and hollow endplates, anterior and posterior lips, from the contours of masks",
        (),
        measure_degeneration,
        groups=("sagittal", "degeneration"),
        unit="%",
    ),
)
