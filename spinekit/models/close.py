"""The close look: landmarks that a first look has found are looked at again, each body at the resolution of its film.

Decision record 8 has what it is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spinekit.core.image import FloatArray, UInt8Array
from spinekit.core.landmarks import Landmarks, landmarks
from spinekit.core.scene import Instance
from spinekit.models.close_crops import pyramid, take
from spinekit.models.close_frame import Frame, apply, frame_of
from spinekit.models.close_settings import close_settings
from spinekit.models.computed import FASTEST, EngineChoice, Network, open_network
from spinekit.models.graph import NetworkFile

_ROUNDS = 2  # the second round starts from the first one's points, which lie nearer the middle of their crops
_SHIFTS = ((-0.05, -0.05), (0.05, 0.05))  # of the shape's unit: looks from beside, whose errors differ
_BATCH = 8  # always so many: an engine compiles a network for each shape


class CloseLook:
    """A network that looks again.

    Args:
        network: Its weights.
        spread: Factor on the standard deviations that it gives, from the model's card.
        choice: By which engine it is computed.
    """

    def __init__(self, network: NetworkFile, spread: float = 1.0, choice: EngineChoice = FASTEST) -> None:
        self._network = open_network(network, choice)
        self._settings = close_settings(self._network.facts)
        self._spread = spread

    def refined(self, items: Sequence[Instance], pixels: UInt8Array) -> list[Instance]:
        """The instances with their landmarks placed anew; boxes, labels and scores stay.

        Args:
            items: Of one film; those without landmarks stay as they are.
            pixels: (H, W) of the film.
        """
        known = [(i, item.landmarks) for i, item in enumerate(items) if item.landmarks is not None]
        found = list(items)
        if not known:
            return found
        xy = np.array([points.xy for _, points in known])
        for _ in range(_ROUNDS):
            xy, spread = self._looked(xy, pixels)
        for row, (i, points) in enumerate(known):
            found[i] = replace(items[i], landmarks=_moved(points, xy[row], spread[row]))
        return found

    def _looked(self, xy: FloatArray, pixels: UInt8Array) -> tuple[FloatArray, FloatArray]:
        """(N, K, 2) points to better ones and their standard deviations."""
        settings = self._settings
        frames = [frame_of(settings.shape, shape) for shape in xy]
        units = [float(np.sqrt(abs(np.linalg.det(frame.linear)))) for frame in frames]
        levels = pyramid(pixels, float(np.median(units)), settings.zoom, settings.views)
        looks = [
            self._crops(levels, frames, xy, np.array(shift), mirrored)
            for shift in _SHIFTS
            for mirrored in ((False, True) if settings.flip_index else (False,))
        ]
        answers = in_batches(self._network, [crop for look in looks for crop in look.crops])
        means, variances, first = [], [], 0
        for look in looks:
            rows = slice(first, first + len(look.crops))
            mean, variance = self._placed(look, xy, answers[0][rows], answers[1][rows])
            means.append(mean)
            variances.append(variance)
            first = rows.stop
        mean = np.mean(means, axis=0)
        variance = np.mean(variances, axis=0) + np.var(means, axis=0)
        return mean, np.sqrt(variance) * settings.calibration * self._spread

    def _crops(
        self,
        levels: Sequence[tuple[UInt8Array, float]],
        frames: Sequence[Frame],
        xy: FloatArray,
        shift: FloatArray,
        mirrored: bool,
    ) -> _Look:
        """What one look sees of every frame."""
        settings = self._settings
        aims: list[tuple[int, int, Frame]] = []
        for number, frame in enumerate(frames):
            if settings.each:
                aims += [
                    (number, p, Frame(frame.linear, xy[number, p] + frame.linear @ shift))
                    for p in range(len(settings.shape))
                ]
            else:
                aims.append((number, -1, frame.centred(shift)))
        taken = [take(levels, frame, settings, mirrored) for _, _, frame in aims]
        return _Look(
            mirrored,
            [(number, point) for number, point, _ in aims],
            [c for c, _ in taken],
            [m for _, m in taken],
        )

    def _placed(
        self, look: _Look, xy: FloatArray, means: FloatArray, variances: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """(N, K, 2) points and variances in film px of one look at every frame."""
        order = np.array(self._settings.flip_index if look.mirrored else range(len(self._settings.shape)))
        mean, variance = np.array(xy), np.zeros_like(xy)
        for (number, point), matrix, at, var in zip(look.aims, look.matrices, means, variances, strict=True):
            # Channel c of a mirrored crop is the landmark that takes its place.
            film = np.empty_like(at)
            film[order] = apply(matrix, at)
            wide = np.empty_like(var)
            wide[order] = var @ (matrix[:, :2].T ** 2)
            rows = slice(None) if point < 0 else slice(point, point + 1)
            mean[number, rows], variance[number, rows] = film[rows], wide[rows]
        return mean, variance


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """Crops of one look: of which instance and point (-1: all) each is, and how its px lie on the film."""

    mirrored: bool
    aims: list[tuple[int, int]]
    crops: list[UInt8Array]
    matrices: list[FloatArray]


def in_batches(network: Network, crops: Sequence[UInt8Array]) -> list[FloatArray]:
    """A network's answers to any number of crops, computed in batches of one size.

    Args:
        network: That is fed with crops.
        crops: (V, S, S) each, one at least.

    Returns:
        Each answer with a row for each crop.
    """
    rows: list[list[FloatArray]] = []
    for first in range(0, len(crops), _BATCH):
        some = list(crops[first : first + _BATCH])
        filled = np.stack(some + some[-1:] * (_BATCH - len(some)))
        rows.append([answer[: len(some)].astype(np.float64) for answer in network(filled)])
    return [np.concatenate(answer) for answer in zip(*rows, strict=True)]


def _moved(points: Landmarks, xy: FloatArray, spread: FloatArray) -> Landmarks:
    placed = np.where(np.isnan(points.xy), np.nan, xy)
    return landmarks(points.names, placed, points.score, spread)
