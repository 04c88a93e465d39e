"""Bodies unlike the same bodies of the other spines of a data set: size, shape, tilt, gaps, centre line.

Every body is described by what it has over its neighbours on the same film, so that neither the size of the
patient nor a smooth curve counts. A description is held against those of the same level on all films, in robust
standard deviations (1.4826 times the median absolute deviation), which a few bad films do not move.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spinekit.anatomy.spine_bodies import Spine
from spinekit.core.finding import Finding, Rule, Severity
from spinekit.core.image import FloatArray

BODY_SIZE = Rule(
    "body-size",
    Severity.WARNING,
    "a body is much larger or smaller than its neighbours",
    "look at the film; draw the corners at the endplates and sides of one body",
)
BODY_SHAPE = Rule(
    "body-shape",
    Severity.WARNING,
    "a body is wedged or tapered as hardly any other",
    "look at the film; move the corner that is off, or keep it where the body is deformed",
)
BODY_TILT = Rule(
    "body-tilt",
    Severity.WARNING,
    "a body is tilted against its neighbours",
    "look at the film; turn the body to its endplates",
)
DISC_GAP = Rule(
    "disc-gap",
    Severity.WARNING,
    "the gap between two bodies is far too wide or negative",
    "look whether a body was passed over or labelled twice",
)
CENTRE_LINE = Rule(
    "centre-line",
    Severity.WARNING,
    "a body stands out sideways from its neighbours",
    "look at the film; move the body into line, or keep it where it has slipped",
)
RULES = (BODY_SIZE, BODY_SHAPE, BODY_TILT, DISC_GAP, CENTRE_LINE)

LIMIT = 6.0
"""Robust standard deviations. Normal values never get so far; the tails of labels and patients are longer."""

SHAPE_LIMIT = 7.0
"""Likewise for the shape of a body: disease wedges bodies sooner than it changes their size among neighbours."""

_ENOUGH = 20  # values from which a median and a spread can be taken
_FEWEST = 5  # bodies of a spine that can be called neighbours


@dataclass(frozen=True, slots=True)
class _Feature:
    """One figure of a body.

    Attributes:
        name: Key.
        rule: What a breach is called.
        words: With ``{0}`` for the value.
        least: Spread below which no set is trusted: what a careful person repeats.
        logarithmic: Whether the value is the logarithm of a ratio.
        pair: Whether it belongs to a body and the next one.
    """

    name: str
    rule: Rule
    words: str
    least: float
    logarithmic: bool = False
    pair: bool = False


_FEATURES = (
    _Feature("width", BODY_SIZE, "{0:.2f} times as wide as its neighbours", 0.04, logarithmic=True),
    _Feature("height", BODY_SIZE, "{0:.2f} times as high as its neighbours", 0.06, logarithmic=True),
    _Feature(
        "taper", BODY_SHAPE, "upper endplate {0:.2f} times as wide as the lower", 0.05, logarithmic=True
    ),
    _Feature("sides", BODY_SHAPE, "left side {0:.2f} times as high as the right", 0.08, logarithmic=True),
    _Feature("wedge", BODY_SHAPE, "endplates at {0:.0f} degrees to each other", 2.5),
    _Feature("tilt", BODY_TILT, "tilted by {0:.0f} degrees against its neighbours", 3.0),
    _Feature("gap", DISC_GAP, "a gap of {0:.2f} body heights", 0.08, pair=True),
    _Feature("offset", CENTRE_LINE, "{0:.2f} body widths beside the line of its neighbours", 0.02),
)


def unlike_others(spines: Sequence[Spine], passed: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    """Bodies that are unlike the same bodies elsewhere.

    Args:
        spines: All of a data set.
        passed: By image the places that are known to be wrong: they and their neighbours are not told
            again. ``*`` passes over a whole image.
    """
    judged = [spine for spine in spines if len(spine.places) >= _FEWEST]
    described = [describe(spine) for spine in judged]
    for feature in _FEATURES:
        usual = _usual(
            [spine.rank for spine in judged], [values[feature.name] for values in described], feature
        )
        for spine, values in zip(judged, described, strict=True):
            silent = passed.get(spine.image, frozenset())
            if "*" not in silent:
                yield from _outliers(spine, values[feature.name], usual, feature, _beside(spine, silent))


def describe(spine: Spine) -> dict[str, FloatArray]:
    """The figures of every body of a spine, (n,) each; NaN where there is none, and for a rectangle's angles.

    ``width``, ``height``: logarithm against the median of up to four neighbours; ``taper``, ``sides``:
    logarithm of upper over lower and of left over right border; ``wedge``: angle from the upper to the lower
    endplate, degrees; ``tilt``: against the median of neighbours, degrees; ``gap``: from the lower endplate to the
    upper one of the next body along both axes, in median heights; ``offset``: of the centre from the line
    between the centres before and after, in widths.
    """
    width = np.maximum(np.linalg.norm(spine.across, axis=1), 1e-3)
    height = np.maximum(np.linalg.norm(spine.down, axis=1), 1e-3)
    top_left, top_right, low_left, low_right = (spine.quads[:, index] for index in range(4))
    upper, lower = top_right - top_left, low_right - low_left
    tilt = _degrees(spine.across)
    wedge = (_degrees(lower) - _degrees(upper) + 180) % 360 - 180
    figures = {
        "width": _over_neighbours(np.log(width)),
        "height": _over_neighbours(np.log(height)),
        "gap": _gaps(spine) / float(np.median(height)),
        "offset": _offsets(spine.centres) / float(np.median(width)),
    }
    if spine.cornered:
        return {
            **figures,
            "taper": _log_ratio(upper, lower),
            "sides": _log_ratio(low_left - top_left, low_right - top_right),
            "wedge": wedge,
            "tilt": _over_neighbours(tilt),
        }
    # The rectangle around a nearly square outline may stand on either of two sides.
    unknown = np.full(len(spine.places), np.nan)
    return {**figures, **dict.fromkeys(("taper", "sides", "wedge", "tilt"), unknown)}


def _degrees(vectors: FloatArray) -> FloatArray:
    return np.asarray(np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])))


def _log_ratio(first: FloatArray, second: FloatArray) -> FloatArray:
    lengths = [np.maximum(np.linalg.norm(vectors, axis=1), 1e-3) for vectors in (first, second)]
    return np.asarray(np.log(lengths[0] / lengths[1]))


def _over_neighbours(values: FloatArray) -> FloatArray:
    """Each value less the median of up to two before and two after."""
    beside = [np.r_[values[max(i - 2, 0) : i], values[i + 1 : i + 3]] for i in range(len(values))]
    return np.asarray(values - np.array([np.median(others) for others in beside]))


def _gaps(spine: Spine) -> FloatArray:
    """Distance of facing endplates along the mean of both bodies' axes, px; NaN after the last body."""
    lower = spine.quads[:-1, 2:].mean(axis=1)
    upper = spine.quads[1:, :2].mean(axis=1)
    axis = spine.down / np.maximum(np.linalg.norm(spine.down, axis=1, keepdims=True), 1e-9)
    both = axis[:-1] + axis[1:]
    both = both / np.maximum(np.linalg.norm(both, axis=1, keepdims=True), 1e-9)
    return np.asarray(np.r_[((upper - lower) * both).sum(axis=1), np.nan])


def _offsets(centres: FloatArray) -> FloatArray:
    """Distance of centres from the line between those before and after, px, + to the right; NaN at the ends."""
    chord = centres[2:] - centres[:-2]
    away = centres[1:-1] - centres[:-2]
    beside = away[:, 0] * chord[:, 1] - away[:, 1] * chord[:, 0]
    return np.asarray(np.r_[np.nan, beside / np.maximum(np.linalg.norm(chord, axis=1), 1e-9), np.nan])


def _usual(
    ranks: Sequence[Sequence[int]], values: Sequence[FloatArray], feature: _Feature
) -> dict[int, tuple[float, float]]:
    """Centre and spread by rank; those of all ranks together where one has too few, none where all have."""
    if not values:
        return {}
    rank = np.concatenate([np.asarray(item) for item in ranks])
    value = np.concatenate(values)
    known = np.isfinite(value)
    rank, value = rank[known], value[known]
    if len(value) < _ENOUGH:
        return {}
    together = _centre(value, feature.least)
    counted = {int(level): value[rank == level] for level in np.unique(rank)}
    return {
        level: _centre(own, feature.least) if len(own) >= _ENOUGH else together
        for level, own in counted.items()
    }


def _centre(values: FloatArray, least: float) -> tuple[float, float]:
    middle = float(np.median(values))
    return middle, max(1.4826 * float(np.median(np.abs(values - middle))), least)


def _beside(spine: Spine, silent: frozenset[str]) -> frozenset[int]:
    """Bodies known to be wrong and those whose neighbours are: their figures say nothing of themselves."""
    known = {index for index, place in enumerate(spine.places) if place in silent}
    return frozenset(near for index in known for near in (index - 2, index - 1, index, index + 1, index + 2))


def _outliers(
    spine: Spine,
    values: FloatArray,
    usual: Mapping[int, tuple[float, float]],
    feature: _Feature,
    silent: frozenset[int],
) -> Iterator[Finding]:
    for index, value in enumerate(values.tolist()):
        middle, spread = usual.get(spine.rank[index], (0.0, np.inf))
        distance = abs(value - middle) / spread
        limit = SHAPE_LIMIT if feature.rule is BODY_SHAPE else LIMIT
        if not distance > limit or index in silent or (feature.pair and index + 1 in silent):
            continue
        place = spine.places[index] + (f" and {spine.places[index + 1]}" if feature.pair else "")
        shown, normal = np.exp([value, middle]) if feature.logarithmic else (value, middle)
        words = f"{feature.words.format(shown)}, usually {normal:.2g} ({distance:.0f} robust SD off)"
        yield Finding(feature.rule, spine.image, place, words)
