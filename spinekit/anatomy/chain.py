"""The levels of a spine as places to be filled in order, with the ways from one to a later one.

Some people have 11 or 13 thoracic, or 4 or 6 lumbar bodies. Where the film says where the counting begins and
ends, such spines are places and ways of the same chain, at the price of being rare.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.schemas.spine_prior import SpinePrior

EXTRA_THORACIC, EXTRA_LUMBAR = "T13", "L6"
_RARE = 3.5  # nats: each of these spines is met in some three of a hundred people (Carrino et al., Radiology 2011)
_LARGEST_STEP = 5  # at most four bodies in a row may be missing inside the sequence
_BESIDE = 1.3  # candidates are less exact than the labels that the spreads were learnt from


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """W ways from a place to a later one.

    Attributes:
        start: (W,) index of the upper place.
        end: (W,) index of the lower one.
        missing: (W,) levels passed over.
        price: (W,) nats for a rare spine.
        pitch: (W,) expected logarithm of the distance over the mean height.
        tilt: (W,) expected change of tilt, degrees.
        bend: (W,) expected bend, degrees.
        growth: (W,) expected step of the log width.
        sd: (W, 4) spreads of these, in this order.
    """

    start: np.ndarray[tuple[int], np.dtype[np.intp]]
    end: np.ndarray[tuple[int], np.dtype[np.intp]]
    missing: FloatArray
    price: FloatArray
    pitch: FloatArray
    tilt: FloatArray
    bend: FloatArray
    growth: FloatArray
    sd: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """K places, cranial to caudal.

    Attributes:
        names: Levels, rare ones among them.
        column: (K,) index of the prior's level whose looks a place shares; of a rare place that of the one above.
        rare: (K,) whether the place is a rare one.
        ordinal: (K,) how many levels lie above it in the common spine.
        log_width: (K,).
        log_height: (K,).
        width_sd: (K,).
        height_sd: (K,).
        ways: Between them.
    """

    names: tuple[str, ...]
    column: tuple[int, ...]
    rare: tuple[bool, ...]
    ordinal: tuple[int, ...]
    log_width: FloatArray
    log_height: FloatArray
    width_sd: FloatArray
    height_sd: FloatArray
    ways: Ways


@lru_cache(maxsize=16)
def chain_of(prior: SpinePrior, variants: bool = False) -> Chain:
    """The chain of a prior's levels.

    Args:
        prior: What is known of L levels.
        variants: Whether spines with a body more or less are thought of.
    """
    column, rare = _places(prior, variants)
    names = tuple(
        (EXTRA_THORACIC if prior.levels[k] == "T12" else EXTRA_LUMBAR) if odd else prior.levels[k]
        for k, odd in zip(column, rare, strict=True)
    )
    lifted = np.array(column) + 0.5 * np.array(rare)  # a rare body is between its neighbours in size
    levels = np.arange(len(prior.levels))

    def at(values: FloatArray) -> FloatArray:
        return np.asarray(np.interp(lifted, levels, values))

    return Chain(
        names=names,
        column=tuple(column),
        rare=tuple(rare),
        ordinal=tuple(column),
        log_width=at(prior.log_width),
        log_height=at(prior.log_height),
        width_sd=_BESIDE * at(prior.width_sd),
        height_sd=_BESIDE * at(prior.height_sd),
        ways=_ways(prior, names, column, rare, variants),
    )


def _places(prior: SpinePrior, variants: bool) -> tuple[list[int], list[bool]]:
    """For each place the level it is like, and whether it is a rare one."""
    places: list[tuple[int, bool]] = []
    for index, name in enumerate(prior.levels):
        places.append((index, False))
        if variants and ((name == "T12" and "L1" in prior.levels) or name == "L5"):
            places.append((index, True))
    return [index for index, _ in places], [odd for _, odd in places]


def _ways(
    prior: SpinePrior, names: tuple[str, ...], column: list[int], rare: list[bool], variants: bool
) -> Ways:
    rows = []
    for start in range(len(names)):
        for end in range(start + 1, len(names)):
            route = _route(names, rare, start, end, variants)
            rows += [(start, end, missing, price) for missing, price in route if missing < _LARGEST_STEP]
    starts, ends = (np.array([row[k] for row in rows], dtype=np.intp) for k in (0, 1))
    steps = np.array([row[2] for row in rows], dtype=np.float64) + 1
    first, last = (np.array(column)[which] for which in (starts, ends))
    gaps = len(prior.levels) - 1
    # The gaps that a way spans: at least one, also into a rare place beside its like.
    low = np.minimum(first, gaps - 1)
    high = np.maximum(low + 1, last)

    def mean(values: FloatArray) -> FloatArray:
        summed = np.append(0.0, np.cumsum(values))
        return np.asarray((summed[high] - summed[low]) / (high - low))

    width = np.interp(np.array(column) + 0.5 * np.array(rare), np.arange(gaps + 1), prior.log_width)
    spreads = [mean(prior.pitch_sd), mean(prior.tilt_sd), mean(prior.bend_sd), mean(prior.growth_sd)]
    grown = np.sqrt(steps)
    return Ways(
        start=starts,
        end=ends,
        missing=steps - 1,
        price=np.array([row[3] for row in rows]),
        # Several steps: the distance is so many pitches, while the heights are those of the ends.
        pitch=mean(prior.pitch) + np.log(steps),
        tilt=mean(prior.tilt) * steps,
        bend=mean(prior.bend),
        growth=width[ends] - width[starts],
        sd=_BESIDE
        * np.stack([spreads[0], spreads[1] * grown, spreads[2] * grown, spreads[3] * grown], axis=1),
    )


def _route(
    names: tuple[str, ...], rare: list[bool], start: int, end: int, variants: bool
) -> list[tuple[int, float]]:
    """How many levels lie between two places, and what that costs: the common spine, or a rare one."""
    inside = sum(not odd for odd in rare[start + 1 : end])
    # A body beyond the common number counts when it is reached from above; below it the counting goes on.
    found = [(inside, _RARE * rare[end])]
    lost = {"T12", "L5"} & {names[k] for k in range(start + 1, end)}
    if variants and not rare[start] and not rare[end]:
        # Eleven thoracic or four lumbar bodies: the last of them is not there, and so not missing.
        found += [(inside - 1, _RARE) for _ in sorted(lost)[:1]]
    return found
