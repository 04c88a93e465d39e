"""Bodies, discs, slips and differences between neighbours of a lateral spine."""

from __future__ import annotations

import numpy as np

from spinekit.core.measurement import NotMeasured, Result
from spinekit.core.scene import Absent, Scene
from spinekit.measures.column import IA, IM, IP, LIA, LIP, LSA, LSP, SA, SM, SP, find_column
from spinekit.measures.interval import Draws
from spinekit.measures.lateral import body_values, pair_values
from spinekit.measures.plugin import CodeMeasurement
from spinekit.measures.quantity import Quantity, results_along

_U, _L = 0, 1  # upper and lower body
_DISC = "across the bisector of the two endplates that face the disc (a slip does not lengthen it)"
_DISC_POINTS = ((_U, IP), (_U, IA), (_L, SP), (_L, SA), (_U, LIP), (_U, LIA), (_L, LSP), (_L, LSA))
_CORNERS = ((0, SP), (0, SA), (0, IP), (0, IA))
_MIDS = ((0, LSP), (0, LSA), (0, LIP), (0, LIA))
_LINES = ((_U, LSP), (_U, LSA), (_U, LIP), (_U, LIA), (_L, LSP), (_L, LSA), (_L, LIP), (_L, LIA))


def _both(*points: int) -> tuple[tuple[int, int], ...]:
    return tuple((body, point) for body in (_U, _L) for point in points)


BODY = (
    Quantity("body_height_anterior", "length", "Ha: distance of the anterior corners", ((0, SA), (0, IA)),
             (((0, SA), (0, IA)),)),
    Quantity("body_height_middle", "length", "Hm: distance of the endplates' contours halfway from back to front",
             ((0, SM), (0, IM)), (((0, SM), (0, IM)),)),
    Quantity("body_height_posterior", "length", "Hp: distance of the posterior corners", ((0, SP), (0, IP)),
             (((0, SP), (0, IP)),)),
    Quantity("body_ratio_wedge", "", "Ha / Hp", _CORNERS, (((0, SA), (0, IA)), ((0, SP), (0, IP)))),
    Quantity("body_ratio_biconcave", "", "Hm / Hp", ((0, SM), (0, IM), (0, SP), (0, IP)),
             (((0, SM), (0, IM)), ((0, SP), (0, IP)))),
    Quantity("body_depth", "length", "mean length of both endplates from back to front", _CORNERS,
             (((0, SP), (0, SA)), ((0, IP), (0, IA)))),
    Quantity("body_angle", "deg", "angle from the superior to the inferior endplate, + where the front is "
             "higher than "
             "the back (lordotic)", _MIDS, (((0, LSP), (0, LSA)), ((0, LIP), (0, LIA)))),
)  # fmt: skip
DISC = (
    Quantity("disc_height_anterior", "length", f"distance of the anterior corners {_DISC}", _DISC_POINTS,
             (((_U, IA), (_L, SA)),), positive=True),
    Quantity("disc_height_middle", "length", f"distance of the endplates' middles {_DISC}", _DISC_POINTS,
             (((_U, IP), (_U, IA)), ((_L, SP), (_L, SA))), positive=True),
    Quantity("disc_height_posterior", "length", f"distance of the posterior corners {_DISC}", _DISC_POINTS,
             (((_U, IP), (_L, SP)),), positive=True),
    Quantity("disc_height_mean", "length", f"mean of the anterior, middle and posterior height {_DISC}", _DISC_POINTS,
             (((_U, IA), (_L, SA)), ((_U, IP), (_L, SP))), positive=True),
    Quantity("disc_height_index", "", "mean disc height over the mean depth of the two endplates that face the disc "
             "(free of magnification; after Frobin 1997)", _DISC_POINTS,
             (((_U, IA), (_L, SA)), ((_U, IP), (_L, SP))), positive=True),
    Quantity("disc_angle", "deg", "angle from the inferior endplate above to the superior endplate below, + lordotic",
             ((_U, LIP), (_U, LIA), (_L, LSP), (_L, LSA)), (((_U, LIP), (_U, LIA)), ((_L, LSP), (_L, LSA)))),
)  # fmt: skip
SLIP = (
    Quantity("slip", "%", "place of the upper body's lower posterior corner along the lower body's superior "
             "endplate, from "
             "its posterior corner, as a share of its length; + anterolisthesis, - retrolisthesis",
             ((_U, IP), (_L, SP), (_L, SA)), (((_L, SP), (_L, SA)), ((_U, IP), (_L, SP)))),
)  # fmt: skip
NEIGHBOUR = (
    Quantity("neighbour_height_anterior", "length", "Ha below minus Ha above", _both(SA, IA)),
    Quantity("neighbour_height_middle", "length", "Hm below minus Hm above", _both(SM, IM)),
    Quantity("neighbour_height_posterior", "length", "Hp below minus Hp above", _both(SP, IP)),
    Quantity("neighbour_depth", "length", "depth below minus depth above", _both(SP, SA, IP, IA)),
    Quantity("neighbour_angle", "deg", "turn from the upper body's mid-line to the lower one's, + lordotic", _LINES),
    Quantity("neighbour_shift", "length", "the slip as a length along the lower superior endplate, + to the front",
             ((_U, IP), (_L, SP), (_L, SA)), (((_L, SP), (_L, SA)), ((_U, IP), (_L, SP)))),
)  # fmt: skip


def measure_bodies(scene: Scene, draws: Draws) -> tuple[Result, ...]:
    """Heights, their ratios, depth and wedge of every body.

    Args:
        scene: A lateral spine.
        draws: For the intervals.
    """
    column = find_column(scene, draws)
    if isinstance(column, Absent):
        return (NotMeasured("body", column.reason),)
    with np.errstate(invalid="ignore", over="ignore"):
        values = body_values(column.points)
        drawn = None if column.draws is None else body_values(column.draws)
    return results_along(scene, column, BODY, values, drawn, pairs=False)


def measure_discs(scene: Scene, draws: Draws) -> tuple[Result, ...]:
    """Heights, height index and angle of every disc.

    Args:
        scene: A lateral spine.
        draws: For the intervals.
    """
    return _between(scene, draws, DISC, "disc")


def measure_slips(scene: Scene, draws: Draws) -> tuple[Result, ...]:
    """Slips of every body on the next one.

    Args:
        scene: A lateral spine.
        draws: For the intervals.
    """
    return _between(scene, draws, SLIP, "slip")


def measure_neighbours(scene: Scene, draws: Draws) -> tuple[Result, ...]:
    """Differences of heights, depth, tilt and place between each two neighbours.

    Args:
        scene: A lateral spine.
        draws: For the intervals.
    """
    return _between(scene, draws, NEIGHBOUR, "neighbour")


def _between(scene: Scene, draws: Draws, quantities: tuple[Quantity, ...], name: str) -> tuple[Result, ...]:
    column = find_column(scene, draws)
    if isinstance(column, Absent):
        return (NotMeasured(name, column.reason),)
    if len(column.names) < 2:
        return (NotMeasured(name, f"{column.names[0]} has no neighbour"),)
    with np.errstate(invalid="ignore", over="ignore"):
        values = pair_values(column.points)
        drawn = None if column.draws is None else pair_values(column.draws)
    return results_along(scene, column, quantities, values, drawn, pairs=True)


_SHARED = ("sagittal",)
MEASURES = (
    CodeMeasurement(
        "body",
        "heights Ha, Hm, Hp, their ratios, depth and wedge of each vertebral body",
        (),
        measure_bodies,
        groups=_SHARED,
        unit="length, ratio, deg",
    ),
    CodeMeasurement(
        "disc",
        "height, height index and angle of each disc",
        (),
        measure_discs,
        groups=(*_SHARED, "degeneration"),
        unit="length, ratio, deg",
        source="Frobin 1997 for the index",
    ),
    CodeMeasurement(
        "slip",
        "listhesis of each body on the next one, graded after Meyerding",
        (),
        measure_slips,
        groups=(*_SHARED, "degeneration"),
        unit="%",
        source="Meyerding 1932 for the grades",
    ),
    CodeMeasurement(
        "neighbour",
        "differences of heights, depth, tilt and place between neighbours",
        (),
        measure_neighbours,
        groups=_SHARED,
        unit="length, deg",
    ),
)
