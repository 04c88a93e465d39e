"""Loss of height of vertebral bodies, graded in the manner of Genant.

Genant's grading is a visual one; ratios over- and under-call it. Congenital, Scheuermann and degenerative shapes and
Cupid's bow look like it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spinekit.core.image import BoolArray, FloatArray
from spinekit.core.measurement import Measurement, NotMeasured, Result, Status
from spinekit.core.scene import Absent, Scene
from spinekit.measures.column import IA, IM, IP, SA, SM, SP, Column, find_column
from spinekit.measures.interval import Draws
from spinekit.measures.lateral import body_values, share
from spinekit.measures.plugin import CodeMeasurement
from spinekit.measures.quantity import Quantity, results_along

LOSS = 20.0  # %; from here on a body counts as fractured and is no reference for its neighbours
FARTHEST_REFERENCE = 3  # levels
TYPES = ("wedge", "biconcave", "crush (posterior)", "crush (anterior)")

_QUANTITY = Quantity(
    "genant_loss",
    "%",
    "loss of height: 1 - the smallest of Ha/Hp, Hm/Hp and of Hp and Ha over the mean of the nearest unfractured "
    "bodies "
    "above and below; Genant's grading is visual: congenital, Scheuermann and degenerative shapes and Cupid's bow "
    "mimic a loss",
    ((0, SP), (0, SA), (0, IP), (0, IA)),
    (((0, SA), (0, IA)), ((0, SM), (0, IM)), ((0, SP), (0, IP))),
)


def measure_genant(scene: Scene, draws: Draws) -> tuple[Result, ...]:
    """Loss of height of every body from T4 to L4 (of every body where levels are not known).

    Args:
        scene: A lateral spine. Without outlines the middle of a body is not seen, and the loss is to be reviewed.
        draws: For the intervals.
    """
    column = find_column(scene, draws)
    if isinstance(column, Absent):
        return (NotMeasured("genant", column.reason),)
    with np.errstate(invalid="ignore", over="ignore"):
        heights = body_values(column.points)
        beside = references(heights, [place_of(column, row) for row in range(len(column.names))])
        ratios = height_ratios(heights, beside)
        drawn = None
        if column.draws is not None:
            drawn = {"genant_loss": height_loss(height_ratios(body_values(column.draws), beside))}
    values = {"genant_loss": height_loss(ratios)}
    found = results_along(scene, column, (_QUANTITY,), values, drawn, pairs=False)
    graded = {
        f"genant_loss_{name.lower()}": row for row, name in enumerate(column.names) if _graded(column, row)
    }
    named = [(result, graded[result.name]) for result in found if result.name in graded]
    return tuple(_told(result, row, ratios, beside) for result, row in named)


def references(heights: dict[str, FloatArray], places: Sequence[int]) -> FloatArray:
    """For each body the rows of the nearest unfractured ones above and below, (n, 2); -1 where there is none.

    A body with a loss by its own ratios is no reference, nor one that is then found crushed beside the others.

    Args:
        heights: As `spinekit.measures.lateral.body_values` gives them, (n,) each.
        places: (n,) of each body along the spine.
    """
    ratios = height_ratios(heights, np.full((len(places), 2), -1))
    usable = np.isfinite(heights["body_height_anterior"]) & np.isfinite(heights["body_height_posterior"])
    sound = usable & ~(height_loss(ratios) >= LOSS)
    beside = _nearest_rows(sound, places)
    crushed = height_loss(height_ratios(heights, beside)) >= LOSS
    return _nearest_rows(sound & ~crushed, places)


def height_ratios(heights: dict[str, FloatArray], beside: FloatArray) -> FloatArray:
    """Ha/Hp, Hm/Hp, Hp/Hp* and Ha/Ha* of each body, (..., n, 4); NaN where there is none.

    Args:
        heights: (..., n) each.
        beside: (n, 2) rows of the reference bodies, -1 for none.
    """
    front, back = heights["body_height_anterior"], heights["body_height_posterior"]
    return np.stack(
        [
            heights["body_ratio_wedge"],
            heights["body_ratio_biconcave"],
            share(back, _expected(back, beside)),
            share(front, _expected(front, beside)),
        ],
        axis=-1,
    )


def height_loss(ratios: FloatArray) -> FloatArray:
    """Loss in % by the smallest ratio, not below 0, (..., n); NaN without any ratio."""
    smallest = np.where(np.isnan(ratios), np.inf, ratios).min(axis=-1)
    return np.where(np.isfinite(smallest), np.maximum(100.0 * (1.0 - smallest), 0.0), np.nan)


def _expected(heights: FloatArray, beside: FloatArray) -> FloatArray:
    """Mean height of the reference bodies, (..., n); NaN where there is none."""
    above = np.where(beside[:, 0] >= 0, heights[..., beside[:, 0]], np.nan)
    below = np.where(beside[:, 1] >= 0, heights[..., beside[:, 1]], np.nan)
    both = (above + below) / 2
    return np.where(np.isnan(both), np.where(np.isnan(above), below, above), both)


def _nearest_rows(sound: BoolArray, places: Sequence[int]) -> FloatArray:
    rows = np.full((len(places), 2), -1)
    for row, place in enumerate(places):
        near = [i for i in np.flatnonzero(sound).tolist() if 0 < abs(places[i] - place) <= FARTHEST_REFERENCE]
        above, below = [i for i in near if i < row], [i for i in near if i > row]
        rows[row] = (above[-1] if above else -1, below[0] if below else -1)
    return rows


def place_of(column: Column, row: int) -> int:
    """Place of a body along the spine."""
    return column.levels.index(column.names[row])


def _graded(column: Column, row: int) -> bool:
    if not column.named:
        return True
    found = re.fullmatch(r"([TL])([0-9]{1,2})", column.names[row])
    return found is not None and (int(found[2]) >= 4 if found[1] == "T" else int(found[2]) <= 4)


def _told(result: Result, row: int, ratios: FloatArray, beside: FloatArray) -> Result:
    """The result with its type and with what its references leave in doubt."""
    if isinstance(result, NotMeasured):
        return result
    above, below = beside[row].tolist()
    if above < 0 and below < 0:
        return NotMeasured(result.name, "no unfractured body near it to compare its height with")
    doubts = [] if above >= 0 and below >= 0 else ["compared with a body on one side only"]
    if np.isnan(ratios[row, 1]):
        doubts.append("the outline is not known, so that a hollow endplate is not seen")
    return _reviewed(result, doubts, ratios[row])


def _reviewed(result: Measurement, doubts: Sequence[str], ratios: FloatArray) -> Measurement:
    details = {
        name: f"{value:.2f}"
        for name, value in zip(("Ha/Hp", "Hm/Hp", "Hp/Hp*", "Ha/Ha*"), ratios.tolist(), strict=True)
        if np.isfinite(value)
    }
    if result.value > 0:
        details = {"type": TYPES[int(np.nanargmin(ratios))], **details}
    reasons = [reason for reason in (result.reason, *doubts) if reason]
    return replace(
        result,
        status=Status.REVIEW if reasons else Status.OK,
        reason="; ".join(reasons),
        details=details,
    )


MEASURES = (
    CodeMeasurement(
        "genant",
        "loss of height of each body from T4 to L4, graded in the manner of Genant",
        (),
        measure_genant,
        groups=("sagittal",),
        unit="%",
        source="after Genant 1993, by ratios",
    ),
)
