"""Which vertebra each candidate may be, by a network of levels; see `spinekit.models.level_net`."""

from __future__ import annotations

import numpy as np

from spinekit.core.image import FloatArray, UInt8Array
from spinekit.core.scene import Instance
from spinekit.models.close import in_batches
from spinekit.models.close_crops import pyramid, take
from spinekit.models.close_frame import frame_of
from spinekit.models.close_settings import level_settings
from spinekit.models.computed import FASTEST, EngineChoice, open_network
from spinekit.models.graph import NetworkFile

_MOST = 48  # candidates looked at; a spine has 24 bodies, and the rest are hardly believed


def level_shape(item: Instance) -> FloatArray:
    """The (4, 2) points, film px, by which a network of levels finds a body.

    They are its landmarks; of a shape alone the corners of its box, row by row, which stand upright whatever
    the body's tilt is.
    """
    if item.landmarks is not None:
        return item.landmarks.xy
    left, top, right, bottom = item.box
    return np.array([[left, top], [right, top], [left, bottom], [right, bottom]])


class LevelLook:
    """Says of bodies which levels they may be.

    Args:
        network: Weights of a `spinekit.models.level_net.LevelNet`.
        choice: By which engine it is computed.
    """

    def __init__(self, network: NetworkFile, choice: EngineChoice = FASTEST) -> None:
        self._network = open_network(network, choice)
        self._settings = level_settings(self._network.facts)

    @property
    def levels(self) -> tuple[str, ...]:
        """Names, cranial to caudal."""
        return self._settings.levels

    def shares(self, shapes: FloatArray, pixels: UInt8Array) -> FloatArray:
        """How likely each body is each level.

        Args:
            shapes: (N, K, 2) corners in film px, most certain first; of those after the 48th nothing is said.
            pixels: (H, W) of the film.

        Returns:
            (N, L) probabilities; what is missing to 1 is the chance to be none of the levels. Rows that
            were not looked at are NaN.
        """
        settings = self._settings
        found = np.full((len(shapes), len(settings.levels)), np.nan)
        frames = [frame_of(settings.shape, shape) for shape in shapes[:_MOST]]
        if not frames:
            return found
        units = [float(np.sqrt(abs(np.linalg.det(frame.linear)))) for frame in frames]
        levels = pyramid(pixels, float(np.median(units)), settings.view.zoom, settings.view.views)
        crops = []
        for frame in frames:
            crops += [take(levels, frame, settings.view, mirrored)[0] for mirrored in (False, True)]
        (logits,) = in_batches(self._network, crops)
        both = _log_softmax(logits).reshape(len(frames), 2, -1).mean(axis=1)
        found[: len(frames)] = np.exp(_log_softmax(both))[:, 1:-1]
        return found


def _log_softmax(logits: FloatArray) -> FloatArray:
    """Logarithms of shares along the last axis."""
    down = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(down - np.log(np.exp(down).sum(axis=-1, keepdims=True)))
