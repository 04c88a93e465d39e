"""A drawing surface on which template lines fall where a patient's points lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RBFInterpolator

from spinekit.core.image import FloatArray
from spinekit.phantoms import canvas
from spinekit.phantoms.canvas import Layer

Knots = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Where the lines of a template fall on the drawn film.

    Attributes:
        warp: Template coordinates to px of the full film.
        height: Rows drawn.
        width: Columns drawn.
        scale: Drawn px per px of the full film.
    """

    warp: RBFInterpolator
    height: int
    width: int
    scale: float

    def through(self, *pieces: Knots, samples: int = 24) -> FloatArray:
        """(N, 2) px of smooth curves through template knots, joined end to end."""
        curves = [canvas.smooth(np.array(piece, dtype=np.float64), samples) for piece in pieces]
        return self.placed(np.vstack(curves))

    def ring(self, knots: Knots) -> FloatArray:
        """(N, 2) px of a smooth closed curve through template knots."""
        return self.placed(canvas.smooth_ring(np.array(knots, dtype=np.float64), 16 * len(knots)))

    def placed(self, points: FloatArray) -> FloatArray:
        """Template points in px of the drawn film."""
        on_film: FloatArray = (self.warp(points) + 0.5) * self.scale - 0.5
        return on_film

    def layer(self) -> Layer:
        """An empty layer."""
        return canvas.layer(self.height, self.width)

    def tenths(self, length: float) -> float:
        """Tenths of a millimetre in px of the drawn film, for films of 0.1 mm per px."""
        return length * self.scale
