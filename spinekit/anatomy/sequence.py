"""The best sequence of bodies along one spine, by dynamic programming over candidates and levels.

Each level is taken at most once, cranial to caudal; gaps are allowed at a price and reported. A candidate
earns its certainty, and pays for looks and a size unlike its level's and a place unlike the one after its
neighbour's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spinekit.anatomy.prior import SpinePrior, frontal_prior
from spinekit.core.image import FloatArray
from spinekit.core.scene import Instance, Scene

# Chosen on the val part of AASCE 2019 (45 films).
_CERTAINTY_WEIGHT = 2.0
_CERTAINTY_OFFSET = 5.0  # a body of 3 % certainty where one is due is still better than a gap
_MISSING_COST = 8.0  # of each level without a body
_LARGEST_STEP = 3  # at most two bodies in a row may be missing inside the sequence
_COST_CAP = 12.0  # an impossible neighbour is impossible, however far off
_SIZE_WEIGHT = 0.25  # width and height of one body are not independent
_LOOKS_WEIGHT = 0.25  # of what a network says of a level; neighbours see much the same, so each counts less
_LEAST_SHARE = 0.003  # a network is never wholly sure that a body is not some level
_SCALES = np.linspace(-0.25, 0.25, 11)  # of the spine's size against the candidates' median, logarithmic


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """Geometry of N candidates.

    Attributes:
        centre: (N, 2) px.
        log_width: (N,) logarithm of the mid-line width.
        log_height: (N,) logarithm of the mid height.
        tilt: (N,) degrees of the mid-line, + right side lower.
        gain: (N,) what taking a candidate earns.
        looks: (N, L) how likely a candidate is each level by its looks, NaN where unknown; None for none of them.
    """

    centre: FloatArray
    log_width: FloatArray
    log_height: FloatArray
    tilt: FloatArray
    gain: FloatArray
    looks: FloatArray | None = None


def bodies(quads: FloatArray, scores: FloatArray, looks: FloatArray | None = None) -> Bodies:
    """Geometry of candidates.

    Args:
        quads: (N, 4, 2) corners TL, TR, BL, BR in px.
        scores: (N,) 0..1.
        looks: (N, L) as in `Bodies`.
    """
    across = quads[:, [1, 3]].mean(axis=1) - quads[:, [0, 2]].mean(axis=1)
    down = quads[:, [2, 3]].mean(axis=1) - quads[:, [0, 1]].mean(axis=1)
    certain = np.clip(scores, 1e-3, 1 - 1e-3)
    return Bodies(
        centre=quads.mean(axis=1),
        log_width=np.log(np.maximum(np.linalg.norm(across, axis=1), 1e-3)),
        log_height=np.log(np.maximum(np.linalg.norm(down, axis=1), 1e-3)),
        tilt=np.degrees(np.arctan2(across[:, 1], across[:, 0])),
        gain=_CERTAINTY_WEIGHT * np.log(certain / (1 - certain)) + _CERTAINTY_OFFSET,
        looks=looks,
    )


def _step_cost(found: Bodies, prior: SpinePrior, step: int) -> FloatArray:
    """(N, N) cost of candidate j following candidate i ``step`` levels further down."""
    way = found.centre[None] - found.centre[:, None]
    distance = np.maximum(np.linalg.norm(way, axis=2), 1e-6)
    height = np.logaddexp(found.log_height[:, None], found.log_height[None]) - np.log(2)
    pitch = np.log(distance / step) - height - prior.log_pitch
    tilt = found.tilt[None] - found.tilt[:, None]
    # Down the spine is a quarter turn from the mid-line: the way's angle from the vertical against the tilt.
    bend = np.degrees(np.arctan2(way[..., 0], way[..., 1])) + (found.tilt[None] + found.tilt[:, None]) / 2
    grown = found.log_width[None] - found.log_width[:, None]
    cost = (
        (pitch / prior.pitch_sd) ** 2
        + (tilt / (prior.tilt_sd * step)) ** 2
        + (bend / (prior.bend_sd * step)) ** 2
        + (grown / (2 * prior.width_sd * step)) ** 2
    ) / 2
    return np.asarray(np.where(way[..., 1] > 0, np.minimum(cost, _COST_CAP), np.inf))


def _level_cost(found: Bodies, prior: SpinePrior, scale: float) -> FloatArray:
    """(N, L) cost of a candidate's size at each level, for a spine of logarithmic size ``scale``."""
    width = (found.log_width[:, None] - scale - prior.log_width) / prior.width_sd
    ratio = found.log_height.mean() - found.log_width.mean()
    height = (found.log_height[:, None] - scale - ratio - prior.log_height) / prior.height_sd
    cost = _SIZE_WEIGHT * (np.minimum(width**2, 9.0) + np.minimum(height**2, 9.0)) / 2
    return np.asarray(cost)


def _looks_cost(found: Bodies, levels: int) -> FloatArray:
    """(N, L) cost of a candidate's looks at each level."""
    if found.looks is None:
        return np.zeros((len(found.gain), levels))
    shares = np.where(np.isnan(found.looks), 1 / levels, found.looks)
    return np.asarray(-_LOOKS_WEIGHT * np.log(np.maximum(shares, _LEAST_SHARE)))


def best_sequence(found: Bodies, prior: SpinePrior) -> list[tuple[int, int]]:
    """The best assignment of candidates to levels.

    Args:
        found: N candidates.
        prior: What is known of L levels.

    Returns:
        Pairs of candidate and level index, cranial to caudal; empty for no candidate.
    """
    if len(found.gain) == 0:
        return []
    steps = [_step_cost(found, prior, step) for step in range(1, _LARGEST_STEP + 1)]
    certain = found.gain > np.median(found.gain) - 2.0 * _CERTAINTY_WEIGHT
    middle = float(np.median(found.log_width[certain]))
    looks = _looks_cost(found, len(prior.levels))
    runs = [_run(found, steps, _level_cost(found, prior, middle + shift) + looks) for shift in _SCALES]
    return max(runs, key=lambda run: run[0])[1]


def _run(
    found: Bodies, steps: list[FloatArray], level_cost: FloatArray
) -> tuple[float, list[tuple[int, int]]]:
    """Total and path of the best assignment for one size of the spine."""
    n, levels = level_cost.shape
    total = np.full((levels, n), -np.inf)
    origin = np.full((levels, n, 2), -1, dtype=np.intp)
    for level in range(levels):
        best = np.full(n, -_MISSING_COST * level)
        for step, cost in enumerate(steps, start=1):
            if level < step:
                break
            options = total[level - step][:, None] - cost - _MISSING_COST * (step - 1)
            previous = options.argmax(axis=0)
            value = options[previous, np.arange(n)]
            better = value > best
            best[better] = value[better]
            origin[level, better] = np.stack([np.full(n, level - step), previous], axis=1)[better]
        total[level] = best + found.gain - level_cost[:, level]
    ending = total - _MISSING_COST * (levels - 1 - np.arange(levels))[:, None]
    level, candidate = (int(v) for v in np.unravel_index(int(ending.argmax()), ending.shape))
    value = float(ending[level, candidate])
    path = []
    while level >= 0:
        path.append((candidate, level))
        level, candidate = (int(v) for v in origin[level, candidate])
    return value, path[::-1]


def name_levels(scene: Scene, prior: SpinePrior | None = None) -> Scene:
    """A scene whose candidates are one spine: each level at most once, in order, named.

    Args:
        scene: Candidates with the corners TL, TR, BL, BR.
        prior: What is known of the levels; None for frontal films.

    Returns:
        The scene with the chosen instances, cranial to caudal, and notes on what is missing. Where levels
        are missing the names hang on size and spacing alone, and every instance says so in its flags.
    """
    prior = prior or frontal_prior()
    items = [item for item in scene.instances if item.landmarks is not None and _whole(item)]
    quads = np.array([item.landmarks.xy for item in items if item.landmarks is not None]).reshape(-1, 4, 2)
    found = bodies(quads, np.array([item.score for item in items]), _looks(items, len(prior.levels)))
    path = best_sequence(found, prior)
    named = [
        replace(items[candidate], label=prior.levels[level], level_shares=None) for candidate, level in path
    ]
    missing = [level for index, level in enumerate(prior.levels) if index not in {k for _, k in path}]
    if not missing or not named:
        return replace(scene, instances=tuple(named))
    note = f"{len(named)} of {len(prior.levels)} bodies found; not found: {', '.join(missing)}"
    flag = "level uncertain: not every body was found"
    named = [replace(item, flags=(*item.flags, flag)) for item in named]
    return replace(scene, instances=tuple(named), notes=(*scene.notes, note))


def _looks(items: Sequence[Instance], levels: int) -> FloatArray | None:
    """(N, L) shares of the levels by looks; None where no network spoke."""
    if all(item.level_shares is None for item in items):
        return None
    return np.array([np.full(levels, np.nan) if i.level_shares is None else i.level_shares for i in items])


def _whole(item: Instance) -> bool:
    return item.landmarks is not None and not bool(np.isnan(item.landmarks.xy).any())
