"""A finer copy of a canvas to draw smooth strokes on, made only where strokes are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from spinekit.core.image import BoolArray, FloatArray, UInt8Array
from spinekit.views.strokes import FAR

TILE = 24
"""Side of the pieces that are copied or not, canvas px."""

_FINE = 4  # binary digits of a tile's parts in which OpenCV is told where a stroke runs


class FineCopy:
    """A canvas at a multiple of its size. Strokes cover little of a film, so only the tiles they touch are ever made.

    Open what a stroke will touch before it is drawn on `pixels`; what is drawn elsewhere is lost.

    Args:
        canvas: (H, W, 3) uint8; left alone until `close`.
        times: Pixels of the copy per canvas pixel along each axis.

    Attributes:
        pixels: (H * times, W * times, 3) uint8; holds the canvas in open tiles and nothing to rely on elsewhere.
    """

    def __init__(self, canvas: UInt8Array, times: int) -> None:
        height, width = canvas.shape[:2]
        self._canvas, self._times = canvas, times
        # The system hands out memory when it is first written to, so closed tiles cost next to nothing.
        self.pixels: UInt8Array = np.empty((height * times, width * times, 3), dtype=np.uint8)
        self._open: BoolArray = np.zeros((-(-height // TILE), -(-width // TILE)), dtype=np.bool_)

    def open_around(self, lines: Sequence[FloatArray], reach: float) -> None:
        """Opens all tiles that strokes may touch.

        Args:
            lines: Segments (N, 2, 2) px of the copy; a dot is a segment without a length. What has an end far off any
                film is passed over, as it is not drawn.
            reach: From these lines to the farthest pixel drawn, px of the copy.
        """
        if not lines:
            return
        tile = TILE * self._times
        ends = (np.concatenate(lines) + 0.5) / tile - 0.5
        ends = ends[(np.abs(ends) < FAR).all(axis=(1, 2))]
        touched = np.zeros(self._open.shape, dtype=np.uint8)
        # A tile is touched where its middle is no farther off than the reach and half its diagonal; half a tile more
        # makes up for what is rounded.
        width = math.ceil(2 * (reach / tile + math.sqrt(0.5) + 0.5))
        fixed = np.rint(ends * (1 << _FINE)).astype(np.int32)
        cv2.polylines(touched, list(fixed), isClosed=False, color=1, thickness=width, shift=_FINE)
        self._fill(touched.astype(np.bool_))

    def open_box(self, left: int, top: int, right: int, bottom: int) -> None:
        """Opens the tiles of a box, px of the copy; ``right`` and ``bottom`` lie behind its last pixels."""
        tile = TILE * self._times
        touched = np.zeros_like(self._open)
        touched[max(0, top // tile) : -(-bottom // tile), max(0, left // tile) : -(-right // tile)] = True
        self._fill(touched)

    def fade(self, opacity: float) -> None:
        """Makes all that has been drawn so far translucent."""
        for y0, y1, x0, x1 in _runs(self._open, self._canvas.shape):
            fine = self._fine(y0, y1, x0, x1)
            part = self._canvas[y0:y1, x0:x1]
            below = cv2.resize(part, fine.shape[1::-1], interpolation=cv2.INTER_NEAREST)
            cv2.addWeighted(fine, opacity, below, 1 - opacity, 0, fine)

    def close(self) -> None:
        """Brings what was drawn back to the canvas, each of its pixels the mean of the finer ones."""
        for y0, y1, x0, x1 in _runs(self._open, self._canvas.shape):
            part = self._canvas[y0:y1, x0:x1]
            cv2.resize(self._fine(y0, y1, x0, x1), part.shape[1::-1], part, interpolation=cv2.INTER_AREA)
        self._open[:] = False

    def _fill(self, touched: BoolArray) -> None:
        touched &= ~self._open
        for y0, y1, x0, x1 in _runs(touched, self._canvas.shape):
            fine = self._fine(y0, y1, x0, x1)
            part = self._canvas[y0:y1, x0:x1]
            cv2.resize(part, fine.shape[1::-1], fine, interpolation=cv2.INTER_NEAREST)
        self._open |= touched

    def _fine(self, y0: int, y1: int, x0: int, x1: int) -> UInt8Array:
        times = self._times
        return self.pixels[y0 * times : y1 * times, x0 * times : x1 * times]


def _runs(tiles: BoolArray, shape: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Top, bottom, left and right in canvas px of tiles that stand side by side."""
    padded = np.zeros((tiles.shape[0], tiles.shape[1] + 2), dtype=np.bool_)
    padded[:, 1:-1] = tiles
    row, column = np.nonzero(padded[:, 1:] != padded[:, :-1])
    return [
        (y * TILE, min((y + 1) * TILE, shape[0]), x0 * TILE, min(x1 * TILE, shape[1]))
        for y, x0, x1 in zip(row[::2].tolist(), column[::2].tolist(), column[1::2].tolist(), strict=True)
    ]
