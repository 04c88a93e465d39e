"""The close look: landmarks that a first look has found are looked at again, each body at the resolution of its film.

Decision record 8 has what it is worth. Imported late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from spinekit.core.image import FloatArray, UInt8Array
from spinekit.core.landmarks import Landmarks, landmarks
from spinekit.core.scene import Instance
from spinekit.models.close_frame import Frame, apply, frame_of
from spinekit.models.close_net import load_close, places, to_input
from spinekit.models.close_training import pyramid, take

_ROUNDS = 2  # the second round starts from the first one's points, which lie nearer the middle of their crops
_SHIFTS = ((-0.05, -0.05), (0.05, 0.05))  # of the shape's unit: looks from beside, whose errors differ
_BATCH = 32


class CloseLook:
    """A network that looks again.

    Args:
        path: Its weights.
        spread: Factor on the standard deviations that it gives, from the model's card.
    """

    def __init__(self, path: Path, spread: float = 1.0) -> None:
        self._net, self._settings = load_close(path)
        self._spread = spread
        self._net = self._net.to(memory_format=torch.channels_last)

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
        means, variances = [], []
        for shift in _SHIFTS:
            for mirrored in (False, True) if settings.flip_index else (False,):
                mean, variance = self._one(levels, frames, xy, np.array(shift), mirrored)
                means.append(mean)
                variances.append(variance)
        mean = np.mean(means, axis=0)
        variance = np.mean(variances, axis=0) + np.var(means, axis=0)
        return mean, np.sqrt(variance) * settings.calibration * self._spread

    def _one(
        self,
        levels: Sequence[tuple[UInt8Array, float]],
        frames: Sequence[Frame],
        xy: FloatArray,
        shift: FloatArray,
        mirrored: bool,
    ) -> tuple[FloatArray, FloatArray]:
        """One look at every frame: (N, K, 2) points and variances in film px."""
        settings = self._settings
        k = len(settings.shape)
        order = np.array(settings.flip_index if mirrored else range(k))
        aims: list[tuple[int, int, Frame]] = []
        for number, frame in enumerate(frames):
            if settings.each:
                aims += [
                    (number, p, Frame(frame.linear, xy[number, p] + frame.linear @ shift)) for p in range(k)
                ]
            else:
                aims.append((number, -1, frame.centred(shift)))
        mean, variance = np.array(xy), np.zeros_like(xy)
        taken = [take(levels, frame, settings, mirrored) for _, _, frame in aims]
        for (number, point, _), (_, matrix), (at, var) in zip(aims, taken, self._maps(taken), strict=True):
            # Channel c of a mirrored crop is the landmark that takes its place.
            film = np.empty_like(at)
            film[order] = apply(matrix, at)
            wide = np.empty_like(var)
            wide[order] = var @ (matrix[:, :2].T ** 2)
            rows = slice(None) if point < 0 else slice(point, point + 1)
            mean[number, rows], variance[number, rows] = film[rows], wide[rows]
        return mean, variance

    @torch.inference_mode()
    def _maps(
        self, taken: Sequence[tuple[UInt8Array, FloatArray]]
    ) -> Iterator[tuple[FloatArray, FloatArray]]:
        for first in range(0, len(taken), _BATCH):
            crops = to_input(np.stack([crop for crop, _ in taken[first : first + _BATCH]]))
            mean, variance = places(
                self._net(crops.contiguous(memory_format=torch.channels_last)), self._net.cell
            )
            yield from zip(mean.double().numpy(), variance.double().numpy(), strict=True)


def _moved(points: Landmarks, xy: FloatArray, spread: FloatArray) -> Landmarks:
    placed = np.where(np.isnan(points.xy), np.nan, xy)
    return landmarks(points.names, placed, points.score, spread)
