"""Which measurements are drawn on a film, how prominently, and with what lines."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.measurement import Measurement, Result
from spinekit.core.scene import Scene
from spinekit.views.style import Rank
from spinekit.views.wording import doubtful, interval, number

MAX_VALUES = 8
"""Of more measurements than these only the lines are drawn; their values are in the report."""

IN_TABLES_ALONE = (
    *("body_", "disc_", "genant_", "slip_", "neighbour_", "degeneration_"),  # of every body and gap: hundreds
    *(
        "apical_translation_",
        "t1_l5_shift",
        "t1_tilt",
        "l5_tilt",
    ),  # beside the curves they would hide the film
)
"""Begin the names of what is drawn only where it is asked for."""

SAME_PLACE = 2.0
"""Labels that belong within so many px of each other are of the same curve."""

_LEVELS = re.compile(r"(?<![a-z0-9])[ctls]\d+(_[ctls]\d+)*(?![a-z0-9])")

REACH = {Rank.MAIN: 1.9, Rank.MINOR: 0.8, Rank.OTHER: 0.0, Rank.CALIPER: 0.0, Rank.PLANE: 0.0}
"""How far a line goes on beyond each of its ends, in its own length."""


@dataclass(frozen=True, slots=True, eq=False)
class Caliper:
    """A measurement as it is drawn.

    Attributes:
        name: Of the measurement.
        rank: How strongly it is drawn.
        segments: (N, 2, 2) image px, extended already.
        label: Value and unit, or empty where only the lines are drawn.
        below: Smaller rows under the label with the rank that colours each: the main angle's interval,
            the same angle by another method.
        anchor: (2,) image px, where the label belongs.
        doubtful: Whether a person should look.
    """

    name: str
    rank: Rank
    segments: FloatArray
    label: str
    below: tuple[tuple[str, Rank], ...]
    anchor: FloatArray
    doubtful: bool


def calipers(scene: Scene, results: Sequence[Result], only: tuple[str, ...] | None = None) -> list[Caliper]:
    """What to draw of the measurements, the most prominent first.

    Along a spine the lines of the main angle reach far beyond the bodies and its value is large; further
    angles of the same method are drawn smaller; other methods are drawn on the bodies only, their values
    below those of the same curve. What is measured at every body, and balance beside the curves, is
    drawn only where asked for. Elsewhere lines join the points as they are, each once, and distances are
    written while they are few.

    Args:
        scene: What was found.
        results: Refused ones and those without lines are passed over.
        only: Names to draw, or None for all.
    """
    drawable = [
        result
        for result in results
        if isinstance(result, Measurement)
        and _lines(result)
        and math.isfinite(result.value)
        and (not result.name.startswith(IN_TABLES_ALONE) if only is None else result.name in only)
    ]
    return _along_a_spine(drawable) if scene.schema.levels else _between_points(drawable)


def _along_a_spine(results: Sequence[Measurement]) -> list[Caliper]:
    angles = [result for result in results if _between_two_lines(result)]
    main = next((result for result in angles if "main" in result.name), None)
    if main is None and angles:
        main = max(angles, key=lambda result: abs(result.value))
    family = _family(main.name) if main is not None else ""
    others = [result for result in results if _family(result.name) != family]
    drawn: list[Caliper] = []
    for result in results:
        if result is main:
            drawn.append(_caliper(result, Rank.MAIN, labelled=True))
        elif result in others:
            drawn.append(_caliper(result, Rank.OTHER, labelled=True))
        else:
            drawn.append(_caliper(result, Rank.MINOR, labelled=True))
    return _gathered(sorted(drawn, key=lambda item: item.rank))


def _gathered(drawn: Sequence[Caliper]) -> list[Caliper]:
    """Angles by another method put their value below the one that belongs at the same place."""
    kept = [caliper for caliper in drawn if caliper.rank is not Rank.OTHER]
    others: list[Caliper] = []
    for other in drawn[len(kept) :]:
        places = [
            k for k, caliper in enumerate(kept) if np.linalg.norm(caliper.anchor - other.anchor) < SAME_PLACE
        ]
        if other.label and places:
            host = kept[places[0]]
            kept[places[0]] = replace(host, below=(*host.below, (other.label, Rank.OTHER)))
            other = replace(other, label="")  # noqa: PLW2901
        others.append(other)
    if sum(bool(other.label) for other in others) > MAX_VALUES:
        others = [replace(other, label="") for other in others]
    return kept + others


def _between_points(results: Sequence[Measurement]) -> list[Caliper]:
    distances = [result for result in results if result.unit in {"mm", "px"} and len(_lines(result)) == 1]
    labelled = distances if len(distances) <= MAX_VALUES else []
    seen: set[tuple[tuple[int, int], ...]] = set()
    drawn: list[Caliper] = []
    for result in results:
        valued = result in labelled
        caliper = _caliper(result, Rank.CALIPER if valued else Rank.PLANE, valued)
        fresh = [segment for segment in caliper.segments if _key(segment) not in seen]
        seen.update(_key(segment) for segment in fresh)
        if fresh or caliper.label:
            segments = np.array(fresh, dtype=np.float64).reshape(-1, 2, 2)
            drawn.append(replace(caliper, segments=segments))
    return drawn


def _caliper(result: Measurement, rank: Rank, labelled: bool) -> Caliper:
    ends = np.array(_lines(result), dtype=np.float64)
    along = ends[:, 1] - ends[:, 0]
    anchor = result.geometry.anchor
    where = np.array(anchor, dtype=np.float64) if anchor is not None else ends.mean(axis=(0, 1))
    if not bool(np.isfinite(where).all()):
        where = ends.mean(axis=(0, 1))
    return Caliper(
        name=result.name,
        rank=rank,
        segments=np.stack([ends[:, 0] - REACH[rank] * along, ends[:, 1] + REACH[rank] * along], axis=1),
        label=_label(result, rank) if labelled else "",
        below=((interval(result), rank),) if rank is Rank.MAIN and interval(result) else (),
        anchor=where,
        doubtful=doubtful(result),
    )


def _label(result: Measurement, rank: Rank) -> str:
    value = number(result.value, result.unit) + (" ?" if doubtful(result) else "")
    if rank is Rank.MAIN:
        return f"Cobb {value}" if "cobb" in result.name else f"{_words(result.name)} {value}"
    # Of lengths between named points the line says what they are; values along a spine must say it themselves.
    return f"{_words(result.name)} {value}" if rank is Rank.OTHER else value


def _words(name: str) -> str:
    """``endplate`` of ``cobb_endplate_2``, ``lumbar lordosis L1-L5`` of ``lumbar_lordosis_l1_l5``."""
    name = _LEVELS.sub(lambda levels: levels[0].upper().replace("_", "-"), name)
    parts = [part for part in name.split("_") if part != "cobb" and not part.isdigit()]
    return " ".join(parts) or name


def _family(name: str) -> str:
    """A name without its last part, which counts or orders: ``cobb_aasce`` of ``cobb_aasce_main``."""
    return name.rpartition("_")[0] or name


def _lines(result: Measurement) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """The measured segments that have a length and lie somewhere."""
    return [
        line
        for line in result.geometry.lines.values()
        if all(math.isfinite(coordinate) for end in line for coordinate in end) and line[0] != line[1]
    ]


def _between_two_lines(result: Measurement) -> bool:
    """Whether an angle is one between two separate lines, as Cobb's, rather than at a point."""
    lines = _lines(result)
    return result.unit == "deg" and len(lines) == 2 and not set(lines[0]) & set(lines[1])


def _key(segment: FloatArray) -> tuple[tuple[int, int], ...]:
    """A segment to the nearest pixel, whichever end comes first."""
    return tuple(sorted((round(x), round(y)) for x, y in segment.tolist()))
