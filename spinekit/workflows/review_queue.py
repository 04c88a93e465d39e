"""In which order a person looks at films: what is most likely to be wrong comes first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from spinekit.anatomy.plausible_points import implausible_instances
from spinekit.core.errors import AnnotationError
from spinekit.core.scene import Author, Scene
from spinekit.files import printable
from spinekit.formats.sources import csv_rows, plain_cell

_SURE = 0.9  # score of an instance from which nothing is said of it
_WIDE_DEG = 10.0  # of a 95 % interval: twice what two readers differ by
_APART = re.compile(r"(not )?seen by | calls it |and those of ")  # what a second model puts on an instance
_MOST = 8  # signs of one kind that count; a film with twenty doubts is not twice as urgent as one with ten


class Sign(StrEnum):
    """Why a film is looked at early, the gravest first."""

    REFUSED = "refused"  # no model reported anything
    UNMEASURED = "unmeasured"  # nothing on it could be measured
    DISAGREEMENT = "disagreement"  # two models saw different things
    DOUBT = "doubt"  # flags of instances, notes of the film
    WIDE = "wide"  # the interval of the main angle, degrees
    REVIEW = "review"  # measurements that say so of themselves
    UNSURE = "unsure"  # the least certain instance, percent


_WEIGHT = {
    Sign.REFUSED: 1000.0,
    Sign.UNMEASURED: 300.0,
    Sign.DISAGREEMENT: 30.0,
    Sign.DOUBT: 12.0,
    Sign.WIDE: 1.0,
    Sign.REVIEW: 3.0,
    Sign.UNSURE: 0.3,
}


@dataclass(frozen=True, slots=True)
class ResultSummary:
    """What the results of one image say of their own quality.

    Attributes:
        measured: Results with a value.
        review: Of these, how many are to be looked at.
        refused: Results without a value.
        width_deg: Of the 95 % interval of the first angle that has one; 0 where none has.
    """

    measured: int = 0
    review: int = 0
    refused: int = 0
    width_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Urgency:
    """How early a film is to be looked at.

    Attributes:
        score: The higher, the earlier; 0 where nothing speaks for it.
        signs: Why: how many doubts, how many degrees, ...
    """

    score: float = 0.0
    signs: dict[Sign, float] = field(default_factory=dict)


def urgency(scene: Scene, refusal: str = "", results: ResultSummary | None = None) -> Urgency:
    """How much speaks for looking at a film.

    Args:
        scene: As predicted or labelled.
        refusal: Why no model reported anything, or empty.
        results: What was measured; None where that is not known.
    """
    flags = [flag for item in scene.instances for flag in dict.fromkeys(item.flags)]
    if any(item.author is Author.HUMAN for item in scene.instances):
        flags += [str(finding) for finding in implausible_instances(scene)]
    apart = sum(_APART.search(flag) is not None for flag in flags)
    scores = [item.score for item in scene.instances if item.author is Author.MODEL]
    signs = {
        Sign.REFUSED: float(bool(refusal)),
        Sign.UNMEASURED: float(results is not None and not results.measured and results.refused > 0),
        Sign.DISAGREEMENT: float(apart),
        Sign.DOUBT: float(len(flags) - apart + len(scene.notes)),
        Sign.WIDE: results.width_deg if results is not None and results.width_deg >= _WIDE_DEG else 0.0,
        Sign.REVIEW: float(results.review if results is not None else 0),
        Sign.UNSURE: 100.0 * (1.0 - min(scores)) if scores and min(scores) < _SURE else 0.0,
    }
    counted = {Sign.DISAGREEMENT, Sign.DOUBT, Sign.REVIEW}
    score = sum(
        _WEIGHT[sign] * (min(value, _MOST) if sign in counted else value) for sign, value in signs.items()
    )
    return Urgency(round(score, 3), {sign: value for sign, value in signs.items() if value})


def worst_first(urgencies: Sequence[Urgency]) -> list[int]:
    """Places of the films in the order in which they are best looked at; equals stay as they came."""
    return sorted(range(len(urgencies)), key=lambda place: -urgencies[place].score)


def summaries(table: Path) -> dict[str, ResultSummary]:
    """What ``measurements.csv`` says of each image; nothing where there is no such table.

    Raises:
        AnnotationError: If the table cannot be read.
    """
    if not table.is_file():
        return {}
    rows = csv_rows(table)
    _, header = next(rows, (0, []))
    columns = {name: place for place, name in enumerate(header)}
    if not {"image", "name", "unit", "low", "high", "status"} <= set(columns):
        raise AnnotationError(
            f"{printable(str(table))}: line 1: is no table of measurements -- predict again"
        )
    by_image: dict[str, list[list[str]]] = {}
    for _, row in rows:
        if len(row) == len(header):
            by_image.setdefault(plain_cell(row[columns["image"]]), []).append(row)
    return {name: _summary(found, columns) for name, found in by_image.items()}


def _summary(rows: Iterable[list[str]], columns: dict[str, int]) -> ResultSummary:
    measured = review = refused = 0
    width = None
    for row in rows:
        status, unit, low, high = (row[columns[name]] for name in ("status", "unit", "low", "high"))
        refused += status == "refused"
        measured += status != "refused"
        review += status == "review"
        if width is None and unit == "deg" and low and high:
            width = float(high) - float(low)
    return ResultSummary(measured, review, refused, width or 0.0)
