"""Random views of an image with the class of every pixel: another place, size, turn, shape, sharpness and contrast.

From very few images a network learns only what it is shown in many guises (Ronneberger, Fischer and Brox 2015).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]

CROP = 256  # px, sides of a view
IGNORED = 255  # label of pixels that count for nothing
_EDGE = 90.0  # px from the image's edge within which no view has its middle
_ZOOM = 1.25  # largest enlargement, and reduction
_STRETCH = 0.06  # standard deviation of the logarithm of the ratio of both sides
_NODES = (3, 8)  # along a side of the grid of the elastic distortion: slow waves and ripples
_SHIFT_PX = 14.0  # of a node of a grid of one; finer grids shift less, or borders would fold
_BLUR = (0.4, 1.0)  # px
_NOISE = 0.06  # of the range of greys, at most
_GAMMA = (0.75, 1.33)
_GAIN = (0.8, 1.2)
_OFFSET = 0.1  # of the range of greys


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """An image with its labels.

    Attributes:
        pixels: (H, W) grey.
        labels: (H, W) class indices; `IGNORED` where nothing is known.
    """

    pixels: UInt8
    labels: UInt8


def augmented(example: Example, rng: np.random.Generator) -> Example:
    """A random view of an image; labels go along, and what lies beyond the image's edge is `IGNORED`.

    Args:
        example: Of any size.
        rng: Source of chance.

    Returns:
        (`CROP`, `CROP`) pixels and labels.
    """
    height, width = example.pixels.shape
    map_x, map_y = _places(height, width, rng)
    pixels = cv2.remap(
        example.pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    ).astype(np.float32)
    return Example(_other_greys(pixels / 255, rng), _labels_at(example.labels, map_x, map_y))


def _places(height: int, width: int, rng: np.random.Generator) -> tuple[Float32, Float32]:
    """Where in the image the pixels of a view lie: (`CROP`, `CROP`) columns and rows, px."""
    x, y = np.meshgrid(np.arange(CROP) - (CROP - 1) / 2, np.arange(CROP) - (CROP - 1) / 2)
    turn = rng.uniform(0, 2 * np.pi)
    zoom, stretch = math.exp(rng.uniform(-1, 1) * math.log(_ZOOM)), math.exp(rng.normal(0, _STRETCH))
    nodes = int(rng.integers(_NODES[0], _NODES[1] + 1))
    shifts = rng.normal(0, rng.uniform(1, _SHIFT_PX / math.sqrt(nodes)), (2, nodes, nodes))
    ripple_x, ripple_y = (cv2.resize(shift, (CROP, CROP), interpolation=cv2.INTER_CUBIC) for shift in shifts)
    along, down = x * zoom * stretch + ripple_x, y * zoom / stretch + ripple_y
    middle_x, middle_y = (
        rng.uniform(edge, side - edge) for side in (width, height) for edge in [_edge(side)]
    )
    map_x = math.cos(turn) * along - math.sin(turn) * down + middle_x
    map_y = math.sin(turn) * along + math.cos(turn) * down + middle_y
    if rng.random() < 0.5:
        map_x, map_y = map_x[:, ::-1], map_y[:, ::-1]
    return np.ascontiguousarray(map_x, np.float32), np.ascontiguousarray(map_y, np.float32)


def _edge(side: int) -> float:
    """How near to the edge of a side the middle of a view may lie, px."""
    return min(_EDGE, side / 2)


def _labels_at(labels: UInt8, map_x: Float32, map_y: Float32) -> UInt8:
    """The class with the largest part in each place: taking the nearest pixel's would fray thin borders."""
    classes = np.unique(labels)
    shares = [
        cv2.remap(
            (labels == value).astype(np.float32), map_x, map_y, cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT, borderValue=float(value == IGNORED),
        )
        for value in classes
    ]  # fmt: skip
    found = classes[np.argmax(shares, axis=0)]
    return np.where(np.max(shares, axis=0) > 0, found, IGNORED).astype(np.uint8)


def _other_greys(grey: Float32, rng: np.random.Generator) -> UInt8:
    """Greys of 0..1 blurred or noisy or neither, of another contrast, as 0..255."""
    if rng.random() < 0.25:
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), rng.uniform(*_BLUR)), dtype=np.float32)
    if rng.random() < 0.5:
        grey = grey + rng.normal(0, rng.uniform(0, _NOISE), grey.shape).astype(np.float32)
    curved = np.clip(grey, 0, 1) ** rng.uniform(*_GAMMA)
    moved = curved * rng.uniform(*_GAIN) + rng.uniform(-_OFFSET, _OFFSET)
    return np.asarray(np.clip(moved, 0, 1) * 255, dtype=np.uint8)
