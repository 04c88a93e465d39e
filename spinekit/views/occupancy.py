"""What lies where on a canvas, and how much it matters that it is seen."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from spinekit.core.image import FloatArray, UInt8Array


class Occupancy:
    """How much each part of the canvas matters: a coarse grid of costs 0..255, summed over any box at once.

    What is added later replaces what lies under it, so add what matters least first.
    """

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.cell = max(1.0, max(height, width) / 700)
        rows, columns = math.ceil(height / self.cell), math.ceil(width / self.cell)
        self._cost: UInt8Array = np.zeros((rows, columns), dtype=np.uint8)
        self._sums: npt.NDArray[np.int32] | None = None

    def add_polygon(self, xy: FloatArray, cost: int) -> None:
        """Marks the inside of a polygon (N, 2) px."""
        cv2.fillPoly(self._cost, [self._cells(xy)], cost)
        self._sums = None

    def add_lines(self, segments: FloatArray, cost: int) -> None:
        """Marks lines (N, 2, 2) px and one cell to each side of them."""
        for (ax, ay), (bx, by) in self._cells(segments).tolist():
            cv2.line(self._cost, (ax, ay), (bx, by), cost, 3)
        self._sums = None

    def add_points(self, xy: FloatArray, radius: float, cost: int) -> None:
        """Marks discs of ``radius`` px around points (N, 2) px."""
        for x, y in self._cells(xy).tolist():
            cv2.circle(self._cost, (x, y), max(1, round(radius / self.cell)), cost, -1)
        self._sums = None

    def costs(self, boxes: FloatArray) -> FloatArray:
        """Sums over the cells of boxes.

        Args:
            boxes: (4, ...) left, top, right, bottom, px.

        Returns:
            (...) sums.
        """
        if self._sums is None:
            self._sums = np.asarray(cv2.integral(self._cost, sdepth=cv2.CV_32S), dtype=np.int32)
        rows, columns = self._cost.shape
        edges = boxes / self.cell
        edges[2:] = (boxes[2:] + self.cell) / self.cell
        across, down = edges[::2], edges[1::2]
        np.clip(across, 0, columns, out=across)
        np.clip(down, 0, rows, out=down)
        left, top, right, bottom = edges.astype(np.intp)
        sums = self._sums
        found = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        return np.asarray(found, dtype=np.float64)

    def _cells(self, xy: FloatArray) -> npt.NDArray[np.int32]:
        # Far outside the canvas nothing matters, and OpenCV's integers overflow.
        limit = 4.0 * max(self._cost.shape)
        cells = np.minimum(
            np.maximum(np.floor(xy / self.cell), -limit), limit
        )  # `numpy.clip` takes twice as long
        return np.asarray(cells, dtype=np.int32)
