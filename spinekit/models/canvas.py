"""The grid a network reads: a film shrunk to fit, padded to whole strides, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from spinekit.core.image import FloatArray, UInt8Array

STRIDE = 32
PAD_VALUE = 114  # the grey that Ultralytics trains with around an image


@dataclass(frozen=True, slots=True)
class Canvas:
    """Largest size at which a film is read.

    Attributes:
        height: Rows, a multiple of 32.
        width: Columns, a multiple of 32.
    """

    height: int
    width: int

    def scaled(self, factor: float) -> Canvas:
        """A canvas ``factor`` times as large, rounded to whole strides."""
        rows, columns = (max(1, round(side * factor / STRIDE)) * STRIDE for side in (self.height, self.width))
        return Canvas(rows, columns)

    def fit(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of a film of (height, width) made to fill this canvas, proportions kept."""
        scale = min(self.height / height, self.width / width)
        return max(1, round(height * scale)), max(1, round(width * scale))


def shrink(pixels: UInt8Array, height: int, width: int) -> UInt8Array:
    """Grey pixels resampled to (height, width): area means when smaller, since plain interpolation aliases."""
    smaller = height < pixels.shape[0]
    method = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    resized: UInt8Array = cv2.resize(pixels, (width, height), interpolation=method)
    return resized


@dataclass(frozen=True, slots=True)
class Fitted:
    """A film on its canvas.

    Attributes:
        pixels: (h, w) uint8, multiples of 32, padded with grey.
        scale_x: Columns on the canvas over columns of the film.
        scale_y: Rows likewise.
        left: Padding columns before the film.
        top: Padding rows before it.
    """

    pixels: UInt8Array
    scale_x: float
    scale_y: float
    left: int
    top: int

    def to_film(self, xy: FloatArray) -> FloatArray:
        """Network coordinates (origin at the canvas' outer corner) in the film's pixel frame."""
        offset = np.array([self.left, self.top])
        scale = np.array([self.scale_x, self.scale_y])
        return np.asarray((xy - offset) / scale - 0.5)


def fit_film(pixels: UInt8Array, canvas: Canvas) -> Fitted:
    """Shrinks a grey film onto a canvas and pads it to whole strides."""
    rows, columns = canvas.fit(*pixels.shape)
    small = shrink(pixels, rows, columns)
    pad_y, pad_x = -rows % STRIDE, -columns % STRIDE
    top, left = pad_y // 2, pad_x // 2
    padded = cv2.copyMakeBorder(
        small, top, pad_y - top, left, pad_x - left, cv2.BORDER_CONSTANT, value=(PAD_VALUE,)
    )
    return Fitted(
        np.asarray(padded, dtype=np.uint8), columns / pixels.shape[1], rows / pixels.shape[0], left, top
    )
