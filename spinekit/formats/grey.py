"""From numbers of any kind to 8-bit grey: the rules that DICOM and other images share.

Colour becomes grey by the luma of ITU-R BT.601 (0.299 R + 0.587 G + 0.114 B) in 16-bit fixed point, so
that grey stored as colour keeps its very values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spinekit.core.image import BoolArray, UInt8Array

LOW_PERCENTILE = 0.5
HIGH_PERCENTILE = 99.5
NO_CONTRAST = "no contrast: every pixel has the same value"
_LUMA_16 = (19595, 38470, 7471)  # 65536 x (0.299, 0.587, 0.114), rounded so that they sum to 65536
_DARK_SHARE = 4


def luma(colour: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Grey of (H, W, 3) red, green, blue; (H, W) of the same type, equal channels kept exactly."""
    red, green, blue = (colour[..., channel] for channel in range(3))
    if colour.dtype in (np.uint8, np.uint16):
        total = np.full(colour.shape[:2], 0x8000, dtype=np.uint32)
        for channel, weight in zip((red, green, blue), _LUMA_16, strict=True):
            total += channel.astype(np.uint32) * weight
        return (total >> 16).astype(colour.dtype)
    mixed = np.zeros(colour.shape[:2])
    for channel, weight in zip((red, green, blue), _LUMA_16, strict=True):
        mixed += channel * (weight / 65536.0)
    whole = colour.dtype.kind in "iu"
    return np.rint(mixed).astype(colour.dtype) if whole else mixed


def over_black(grey: npt.NDArray[Any], alpha: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Grey (H, W) seen through its opacity before a black ground; both of one unsigned type."""
    full = np.iinfo(grey.dtype).max
    seen: npt.NDArray[Any] = (grey.astype(np.uint64) * alpha + full // 2) // full
    return seen.astype(grey.dtype)


@dataclass(frozen=True, slots=True)
class Levels:
    """An image as its levels, so that a recipe is worked out once per level and not once per pixel.

    Attributes:
        values: (N,) the levels; of numbers wider than 16 bits and of fractions simply all pixels.
        counts: (N,) how many of the pixels that count have each.
        index: (H, W) each pixel's level, or None where ``values`` are the pixels in order.
        shape: H, W.
    """

    values: npt.NDArray[Any]
    counts: npt.NDArray[np.int64]
    index: npt.NDArray[np.uint16] | None
    shape: tuple[int, int]

    def picture(self, table: UInt8Array) -> UInt8Array:
        """The (H, W) picture of an 8-bit value for each level."""
        if self.index is None:
            return table.reshape(self.shape)
        pixels = np.empty(self.shape, dtype=np.uint8)
        for rows in _row_blocks(self.shape):
            pixels[rows] = table[self.index[rows]]
        return pixels


def levels_of(values: npt.NDArray[Any], kept: BoolArray | None = None) -> Levels:
    """The levels of an image.

    Args:
        values: (H, W) numbers of any kind.
        kept: (H, W) which pixels count, or None for all.
    """
    shape = (values.shape[0], values.shape[1])
    if values.dtype.kind not in "iu" or values.dtype.itemsize > 2:
        ones = np.ones(values.size, dtype=np.int64) if kept is None else kept.ravel().astype(np.int64)
        return Levels(values.ravel(), ones, None, shape)
    lowest, highest = int(values.min()), int(values.max())
    index = np.empty(shape, dtype=np.uint16)
    counts = np.zeros(highest - lowest + 1, dtype=np.int64)
    for rows in _row_blocks(shape):
        index[rows] = values[rows].astype(np.int32) - lowest
        counted = index[rows].ravel() if kept is None else index[rows][kept[rows]]
        counts += np.bincount(counted, minlength=counts.size)
    return Levels(np.arange(lowest, highest + 1), counts, index, shape)


def _row_blocks(shape: tuple[int, int]) -> Iterator[slice]:
    """Slices of rows that hold about a million pixels each."""
    step = max(1, (1 << 20) // max(shape[1], 1))
    for start in range(0, shape[0], step):
        yield slice(start, start + step)


def percentile_window(values: npt.NDArray[Any], counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    """The lowest values that 0.5 % and 99.5 % of the pixels do not exceed, or the extremes if these are one.

    Args:
        values: (N,) levels; those that are not finite never count.
        counts: (N,) pixels of each.

    Returns:
        Low and high; equal where the pixels that count are constant, (0, 0) where none counts.
    """
    low, high = (quantile(values, counts, share / 100) for share in (LOW_PERCENTILE, HIGH_PERCENTILE))
    if low < high:
        return low, high
    used = values[_used(values, counts)]
    return (float(used.min()), float(used.max())) if used.size else (0.0, 0.0)


def quantile(values: npt.NDArray[Any], counts: npt.NDArray[np.int64], share: float) -> float:
    """The lowest of (N,) values that a share (0..1) of the (N,) counted pixels do not exceed; 0 for none."""
    used = _used(values, counts)
    if not used.any():
        return 0.0
    order = np.argsort(values[used], kind="stable")
    reached = np.cumsum(counts[used][order])
    place = int(np.searchsorted(reached, share * reached[-1]))
    return float(values[used][order][place])


def _used(values: npt.NDArray[Any], counts: npt.NDArray[np.int64]) -> BoolArray:
    used: BoolArray = (counts > 0) & np.isfinite(values)
    return used


def linear(values: npt.NDArray[Any], low: float, high: float) -> UInt8Array:
    """8 bits that rise from 0 at ``low`` to 255 at ``high``; NaN becomes 0, a window without width 0."""
    if not high > low:
        return np.zeros(values.shape, dtype=np.uint8)
    scaled = (values.astype(np.float64) - low) * (255.0 / (high - low))
    return to_uint8(scaled)


def to_uint8(grey: npt.NDArray[np.float64]) -> UInt8Array:
    """Rounded and clipped to 0..255; NaN becomes 0."""
    finite = np.nan_to_num(grey, nan=0.0, posinf=255.0, neginf=0.0)
    return np.clip(np.rint(finite), 0, 255).astype(np.uint8)


def full_range(values: npt.NDArray[Any]) -> tuple[UInt8Array, str]:
    """8 bits from (H, W) numbers whose range nobody states, and the rule that was used.

    - 8-bit numbers stay as they are;
    - whole numbers from 0 up are divided by the full range of as many bits as their maximum takes (8 at
      least), so that 12 bits in a 16-bit file fill the scale;
    - where nearly all of them (99.9 %) stay below a quarter of that range, and where some are negative,
      the window goes from 0.5 % to 99.5 % of the pixels;
    - fractions within 0..1 are multiplied by 255, all others are windowed by the same percentiles.
    """
    if values.dtype == np.uint8:
        return values, "as stored, 8 bits"
    levels = levels_of(values)
    used = levels.values[_used(levels.values, levels.counts)]
    lowest, highest = (used.min(), used.max()) if used.size else (0, 0)
    if values.dtype.kind == "f" and lowest >= 0 and 0.25 < highest <= 1:
        return levels.picture(linear(levels.values, 0.0, 1.0)), "fractions, 0 to 1"
    if values.dtype.kind != "f" and lowest >= 0:
        bits = max(8, int(highest).bit_length())
        limit = 2**bits - 1
        if bits == 8 or quantile(levels.values, levels.counts, 0.999) >= limit / _DARK_SHARE:
            words = f"full range of {bits} bits (largest value {highest})"
            return levels.picture(linear(levels.values, 0.0, limit)), words
    low, high = percentile_window(levels.values, levels.counts)
    return levels.picture(linear(levels.values, low, high)), percentile_words(low, high)


def percentile_words(low: float, high: float) -> str:
    """How a percentile window is recorded."""
    return f"percentiles {LOW_PERCENTILE:g} to {HIGH_PERCENTILE:g}: {low:g} to {high:g}"
