"""The best sequence of bodies along a spine, and how likely every other one is: one model, two readings of it.

A candidate earns its certainty, and pays for looks and a size unlike its level's and for a place unlike the one
after its neighbour's. Levels that are passed over cost where the film would show them. The best path is found by
dynamic programming; sums over all paths (forward and backward) give for every candidate how likely it is each
level. The size of the spine on the film is unknown and tried in steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinekit.anatomy.candidates import Between, Bodies, between
from spinekit.anatomy.chain import Chain, Ways
from spinekit.core.image import FloatArray

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each kind of evidence counts, in nats. Chosen on the val part of AASCE 2019 (45 films).

    Attributes:
        certainty: Of the log odds that a candidate is a body.
        welcome: What any candidate earns: one of 3 % certainty where a body is due is better than a gap.
        missing: Of each level without a body that the film would show.
        size: Of the squared deviations of width and height, which are not independent from body to body.
        looks: Of the logarithm of what a network says of a level; neighbours see much the same.
        least_share: A network is never wholly sure that a body is not some level.
        pitch: Of the squared deviation of the distance to the next body, which tells a gap from none.
        step: Of the squared deviations of tilt, bend and growth.
        beyond: Of the log odds of a body that would lie below the last level: there is the sacrum, while above the
            first level there is mostly another body.
        cap: An impossible neighbour is impossible, however far off.
        temperature: Scores are divided by it before they become chances.
    """

    certainty: float = 2.0
    welcome: float = 5.0
    missing: float = 4.0
    size: float = 0.25
    looks: float = 0.25
    least_share: float = 0.003
    pitch: float = 0.4
    step: float = 0.1
    beyond: float = 2.0
    cap: float = 12.0
    temperature: float = 2.0


WEIGHTS = Weights()
_SCALES = np.arange(-0.9, 0.901, 0.06)  # of the spine's size against the candidates' median, logarithmic
_SIZE_CAP = 9.0
_KEPT_SCALES = 3
_LEAST_ODDS = 1e-3
_LIKELY = 0.5  # a candidate of less certainty is no body that would have to be explained
_NEXT = 0.7  # logarithm of the distance over the height within which a neighbour lies
_CERTAIN = 0.3  # of the best score: candidates from which the spine's size is taken
_LEAST_KNOWN = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """What the candidates of one film are.

    Attributes:
        path: Pairs of candidate and place, cranial to caudal.
        shares: (N, K) how likely each candidate is each place; what is missing to 1 is the chance to be none.
        score: Of the path, in nats.
    """

    path: tuple[tuple[int, int], ...]
    shares: FloatArray
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """The model of one film in nats, for S sizes, N candidates, K places and W ways."""

    own: FloatArray  # (S, K, N) of a candidate at a place
    first: FloatArray  # (K, N) of beginning there
    last: FloatArray  # (K, N) of ending there
    step: FloatArray  # (W, N, N) of going on
    ways: Ways


def decode(
    found: Bodies,
    chain: Chain,
    ratio: float,
    room: FloatArray,
    weights: Weights = WEIGHTS,
) -> Decoded:
    """Which candidates are the bodies of the spine, and which levels they may be.

    Args:
        found: N candidates.
        chain: K places.
        ratio: Log height less log width expected of the spine's mean body; NaN to take the candidates' own.
        room: (N, 2) how many bodies have room on the film above and below each candidate.
        weights: Of the kinds of evidence.
    """
    count = len(found.score)
    if count == 0:
        return Decoded((), np.zeros((0, len(chain.names))), -np.inf)
    scores = _scores(found, chain, ratio, room, weights)
    shares, evidence = _sums(scores, weights.temperature)
    score, path = max(_best(scores, np.argsort(-evidence)[:_KEPT_SCALES]), key=lambda run: run[0])
    return Decoded(path, shares, score)


def _scores(found: Bodies, chain: Chain, ratio: float, room: FloatArray, weights: Weights) -> _Scores:
    odds = np.clip(found.score, _LEAST_ODDS, 1 - _LEAST_ODDS)
    log_odds = np.log(odds / (1 - odds))
    gain = weights.certainty * log_odds + weights.welcome
    own = gain - _size_cost(found, chain, ratio, weights) - _looks_cost(found, chain, weights).T
    ordinal = np.array(chain.ordinal, dtype=np.float64)
    above, below = ordinal, ordinal.max() - ordinal
    rare = np.array(chain.rare, dtype=np.float64)
    pairs = between(found)
    caudal = (below == 0)[:, None] * _left_below(pairs, log_odds - np.log(_LIKELY / (1 - _LIKELY)))
    return _Scores(
        own=own,
        first=-weights.missing * np.minimum(above[:, None], room[:, 0]) - 1e9 * rare[:, None],
        last=-weights.missing * np.minimum(below[:, None], room[:, 1]) - weights.beyond * caudal,
        step=_step_scores(pairs, chain.ways, weights),
        ways=chain.ways,
    )


def _left_below(pairs: Between, log_odds: FloatArray) -> FloatArray:
    """(N,) how surely a body lies next below each candidate, in nats; 0 where none does."""
    near = pairs.below & (pairs.pitch < _NEXT)
    return np.asarray(np.where(near, np.maximum(log_odds, 0.0)[None], 0.0).max(axis=1, initial=0.0))


def _size_cost(found: Bodies, chain: Chain, ratio: float, weights: Weights) -> FloatArray:
    """(S, K, N) for sizes unlike those of a level on a spine of each size."""
    certain = found.score >= _CERTAIN * found.score.max()
    middle = float(np.median(found.log_width[certain]))
    width = found.log_width - middle - _SCALES[:, None, None] - chain.log_width[:, None]
    known = ~np.isnan(found.log_height)
    if np.isnan(ratio):
        ratio = (
            float(np.nanmedian((found.log_height - found.log_width)[certain])) if known[certain].any() else 0
        )
    height = np.where(known, found.log_height, 0.0) - middle - ratio - _SCALES[:, None, None]
    height = np.where(known, height - chain.log_height[:, None], 0.0)
    squares = np.minimum((width / chain.width_sd[:, None]) ** 2, _SIZE_CAP)
    squares = squares + np.minimum((height / chain.height_sd[:, None]) ** 2, _SIZE_CAP)
    return np.asarray(weights.size * squares / 2)


def _looks_cost(found: Bodies, chain: Chain, weights: Weights) -> FloatArray:
    """(N, K) for looks unlike a level's."""
    cost = np.zeros((len(found.score), len(chain.names)))
    # What is known counts as it stands, so that it survives the division by the temperature; of whom nothing is
    # known, nothing is taken: a body beside an anchor is no less of a body.
    for shares, weight in ((found.looks, weights.looks), (found.known, weights.temperature)):
        if shares is not None:
            unknown = 1 / shares.shape[1] if shares is found.looks else 1.0
            filled = np.where(np.isnan(shares), unknown, shares)
            floor = weights.least_share if shares is found.looks else _LEAST_KNOWN
            cost -= weight * np.log(np.maximum(filled, floor))[:, list(chain.column)]
    return np.asarray(cost)


def _step_scores(pairs: Between, ways: Ways, weights: Weights) -> FloatArray:
    """(W, N, N) for going from one candidate to another along a way."""
    below = np.flatnonzero(pairs.below)  # the others are out of the question
    values = (pairs.pitch, pairs.tilt, pairs.bend, pairs.growth)
    means = (ways.pitch, ways.tilt, ways.bend, ways.growth)
    parts = (weights.pitch, weights.step, weights.step, weights.step)
    cost = np.zeros((len(ways.start), len(below)))
    for k, (value, mean, part) in enumerate(zip(values, means, parts, strict=True)):
        cost += part * ((value.reshape(-1)[below] - mean[:, None]) / ways.sd[:, k, None]) ** 2
    cost = np.minimum(cost, weights.cap)
    cost += (weights.missing * ways.missing + ways.price)[:, None]
    scores = np.full((len(ways.start), *pairs.pitch.shape), -np.inf)
    scores.reshape(len(scores), -1)[:, below] = -cost
    return scores


def _best(scores: _Scores, sizes: IntArray) -> list[tuple[float, tuple[tuple[int, int], ...]]]:
    """Score and path of the best sequence on a spine of each of some sizes."""
    own, ways = scores.own[sizes], scores.ways
    total = scores.first + own  # (sizes, places, candidates)
    came = np.full((*total.shape, 2), -1, dtype=np.intp)
    upwards = np.ascontiguousarray(
        scores.step.swapaxes(1, 2)
    )  # the lower body first: rows are looked through
    size, lower = np.ogrid[: len(own), : own.shape[2]]
    for end in range(1, own.shape[1]):
        into = np.flatnonzero(ways.end == end)
        start = ways.start[into]
        options = total[:, start, None] + upwards[into]  # (sizes, ways, to, from)
        value = options.max(axis=3) + own[:, None, end]
        way, highest = value.argmax(axis=1), value.max(axis=1)
        better = highest > total[:, end]
        total[:, end] = np.where(better, highest, total[:, end])
        upper = options[size, way, lower].argmax(axis=2)
        came[:, end, :, 0] = np.where(better, start[way], -1)
        came[:, end, :, 1] = np.where(better, upper, -1)
    return [_traced(one, back) for one, back in zip(total + scores.last, came, strict=True)]


def _traced(ending: FloatArray, came: IntArray) -> tuple[float, tuple[tuple[int, int], ...]]:
    """The best end of a sequence, and the way back from it."""
    place, candidate = (int(v) for v in np.unravel_index(int(ending.argmax()), ending.shape))
    best = float(ending[place, candidate])
    path = []
    while place >= 0:
        path.append((candidate, place))
        place, candidate = (int(v) for v in came[place, candidate])
    return best, tuple(path[::-1])


def _sums(scores: _Scores, temperature: float) -> tuple[FloatArray, FloatArray]:
    """(N, K) chances of each candidate at each place, and (S,) the evidence for each size of the spine."""
    ways, places = scores.ways, scores.own.shape[1]
    own = np.exp(scores.own / temperature)
    step = np.exp(scores.step / temperature)
    down = np.exp(scores.first / temperature) * own
    for end in range(1, places):
        into = np.flatnonzero(ways.end == end)
        before = np.ascontiguousarray(down[:, ways.start[into]].swapaxes(0, 1))  # (ways, sizes, candidates)
        down[:, end] = np.add.reduce([down[:, end], *(before @ step[into] * own[:, end])])
    up = np.broadcast_to(np.exp(scores.last / temperature), own.shape).copy()
    for start in range(places - 2, -1, -1):
        out = np.flatnonzero(ways.start == start)
        ends = ways.end[out]
        after = np.ascontiguousarray((up[:, ends] * own[:, ends]).swapaxes(0, 1))
        up[:, start] = np.add.reduce([up[:, start], *(after @ step[out].swapaxes(1, 2))])
    whole = (down * np.exp(scores.last / temperature)).sum(axis=(1, 2))
    shares = (down * up).sum(axis=0) / max(float(whole.sum()), np.finfo(np.float64).tiny)
    return np.asarray(shares.T), np.log(np.maximum(whole, np.finfo(np.float64).tiny))
