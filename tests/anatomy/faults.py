"""Single faults laid on true spines, as detectors make them, and whether the sequence mends them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spinekit.anatomy.hidden import is_inferred, with_inferred
from spinekit.anatomy.sequence import name_levels
from spinekit.anatomy.spine_bodies import shared_part
from spinekit.core.image import FloatArray
from spinekit.core.scene import Instance
from spinekit.core.schema import Schema
from tests.anatomy.drawn import film


@dataclass(frozen=True, slots=True, eq=False)
class Spoilt:
    """Candidates with a fault.

    Attributes:
        quads: (N, 4, 2).
        scores: (N,).
        shares: (N, L) what a network says of the levels.
    """

    quads: FloatArray
    scores: FloatArray
    shares: FloatArray


def votes(levels: Sequence[int], count: int) -> FloatArray:
    """(N, count) shares of a network that is fairly sure of (N,) levels."""
    away = np.abs(np.arange(count) - np.asarray(levels)[:, None])
    return np.asarray(np.select([away == 0, away == 1], [0.6, 0.15], 0.01))


def seen(quads: FloatArray) -> Spoilt:
    """A spine without a fault."""
    count = len(quads)
    return Spoilt(quads, np.full(count, 0.8), votes(range(count), count))


def drop(quads: FloatArray, random: np.random.Generator) -> Spoilt:
    """A body inside the spine is missing."""
    kept = np.delete(np.arange(len(quads)), random.integers(1, len(quads) - 1))
    whole = seen(quads)
    return Spoilt(whole.quads[kept], whole.scores[kept], whole.shares[kept])


def double(quads: FloatArray, random: np.random.Generator) -> Spoilt:
    """A body is there twice, a little beside, under its neighbour's name."""
    which = int(random.integers(0, len(quads)))
    whole, size = seen(quads), np.linalg.norm(quads[which, 1] - quads[which, 0])
    again = quads[which] + random.normal(0, 0.08, 2) * size
    near = min(max(which + int(random.choice([-1, 1])), 0), len(quads) - 1)
    return Spoilt(
        np.concatenate([whole.quads, [again]]),
        np.append(whole.scores, 0.75),
        np.concatenate([whole.shares, votes([near], len(quads))]),
    )


def swap(quads: FloatArray, random: np.random.Generator) -> Spoilt:
    """Two neighbours have each other's name."""
    level = np.arange(len(quads))
    which = int(random.integers(0, len(quads) - 1))
    level[[which, which + 1]] = level[[which + 1, which]]
    return Spoilt(quads, np.full(len(quads), 0.8), votes(level.tolist(), len(quads)))


def join(quads: FloatArray, random: np.random.Generator) -> Spoilt:
    """Two neighbours are drawn as one body."""
    which = int(random.integers(0, len(quads) - 1))
    both = np.array([*quads[which, :2], *quads[which + 1, 2:]])
    rest = np.delete(np.arange(len(quads)), [which, which + 1])
    whole = seen(quads)
    return Spoilt(
        np.concatenate([whole.quads[rest], [both]]),
        np.append(whole.scores[rest], 0.8),
        np.concatenate([whole.shares[rest], whole.shares[[which]]]),
    )


def shift(quads: FloatArray, random: np.random.Generator) -> Spoilt:
    """From a body on all names are one too low."""
    level = np.arange(len(quads))
    level[int(random.integers(2, len(quads) - 2)) :] += 1
    return Spoilt(quads, np.full(len(quads), 0.8), votes(level.tolist(), len(quads)))


Fault = Callable[[FloatArray, np.random.Generator], Spoilt]
FAULTS: dict[str, Fault] = {"drop": drop, "double": double, "swap": swap, "join": join, "shift": shift}


def recovered(quads: FloatArray, spoilt: Spoilt, schema: Schema, levels: tuple[str, ...]) -> bool:
    """Whether every true body is found or drawn at its place under its name, and none is there twice."""
    columns = [schema.levels.index(level) for level in levels]
    shares = np.zeros((len(spoilt.quads), len(schema.levels)))
    shares[:, columns] = spoilt.shares
    scene = with_inferred(name_levels(film(spoilt.quads, schema, spoilt.scores.tolist(), shares=shares)))
    if [item.label for item in scene.instances] != list(levels):
        return False
    return all(_there(item, quad) for item, quad in zip(scene.instances, quads, strict=True))


def _there(item: Instance, quad: FloatArray) -> bool:
    assert item.landmarks is not None
    return shared_part(item.landmarks.xy, quad) > (0.4 if is_inferred(item) else 0.6)
