"""By how many levels the names of a spine are off; see `spinekit.models.shift_net`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spinekit.core.image import FloatArray, UInt8Array
from spinekit.models.computed import FASTEST, EngineChoice, open_network
from spinekit.models.graph import NetworkFile
from spinekit.models.shift_settings import shift_settings
from spinekit.models.straight import course_of, straightened

_FEWEST = 2  # bodies that make a course


class ShiftLook:
    """Says of a named spine how likely all its names are off by some levels.

    Args:
        network: Weights of a `spinekit.models.shift_net.ShiftNet`.
        choice: By which engine it is computed.
    """

    def __init__(self, network: NetworkFile, choice: EngineChoice = FASTEST) -> None:
        self._network = open_network(network, choice)
        self._settings = shift_settings(self._network.facts)

    @property
    def levels(self) -> tuple[str, ...]:
        """Names, cranial to caudal."""
        return self._settings.levels

    def chances(self, shapes: FloatArray, places: Sequence[int], pixels: UInt8Array) -> dict[int, float]:
        """How likely the true names are so many levels lower (+) or higher (-) than the given ones.

        Args:
            shapes: (N, K, 2) film px, points on the border of each body, such as its corners.
            places: (N,) the level that each is called, counted from the first.
            pixels: (H, W) of the film.

        Returns:
            Chances by shift, which sum to 1; of a single body nothing is said, and no shift is certain.
        """
        if len(shapes) < _FEWEST:
            return {0: 1.0}
        course, view = course_of(shapes, places), self._settings.view
        looks = [straightened(pixels, course, view)]
        if self._settings.mirrored:
            looks += [np.ascontiguousarray(look[:, :, ::-1]) for look in looks]
        (logits,) = self._network(np.stack(looks))
        shares = _softmax(logits.astype(np.float64)).mean(axis=0)
        reach = self._settings.reach
        return {shift: float(share) for shift, share in zip(range(-reach, reach + 1), shares, strict=True)}


def _softmax(logits: FloatArray) -> FloatArray:
    """Shares along the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
