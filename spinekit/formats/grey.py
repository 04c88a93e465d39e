"""From numbers of any kind to 8-bit grey: the rules that DICOM and other images share.

Colour becomes grey by the luma of ITU-R BT.601 (0.299 R + 0.587 G + 0.114 B) in 16-bit fixed point, so
that grey stored as colour keeps its very values.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spinekit.core.image import BoolArray, UInt8Array

LOW_PERCENTILE = 0.5
HIGH_PERCENTILE = 99.5
NO_CONTRAST = "no contrast: every pixel has the same value"
_LUMA_16 = (19595, 38470, 7471)  # 65536 x (0.299, 0.587, 0.114), rounded so that they sum to 65536
_DARK_SHARE = 4
_SAMPLED_PIXELS = 4_000_000


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


def percentile_window(values: npt.NDArray[Any], kept: BoolArray | None = None) -> tuple[float, float]:
    """Values at 0.5 % and 99.5 % of the pixels that count, or their extremes where these coincide.

    Of very large images every n-th pixel is looked at, with n such that four million remain.

    Args:
        values: (H, W) numbers; those that are not finite never count.
        kept: (H, W) which pixels count, or None for all.

    Returns:
        Low and high; equal where the pixels that count are constant, (0, 0) where none counts.
    """
    counted = values[kept] if kept is not None else values.ravel()
    if counted.dtype.kind == "f":
        counted = counted[np.isfinite(counted)]
    if counted.size == 0:
        return 0.0, 0.0
    sample = counted[:: max(1, counted.size // _SAMPLED_PIXELS)]
    low, high = np.percentile(sample, (LOW_PERCENTILE, HIGH_PERCENTILE))
    if low == high:
        low, high = counted.min(), counted.max()
    return float(low), float(high)


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
    """8 bits from numbers whose range nobody states, and the rule that was used.

    - 8-bit numbers stay as they are;
    - whole numbers from 0 up are divided by the full range of as many bits as their maximum takes (8 at
      least), so that 12 bits in a 16-bit file fill the scale;
    - where nearly all of them (99.9 %) stay below a quarter of that range, and where some are negative,
      the window goes from 0.5 % to 99.5 % of the pixels;
    - fractions within 0..1 are multiplied by 255, all others are windowed by the same percentiles.
    """
    if values.dtype == np.uint8:
        return values, "as stored, 8 bits"
    if values.dtype.kind == "f":
        finite = values[np.isfinite(values)]
        if finite.size and finite.min() >= 0 and 0.25 < finite.max() <= 1:
            return linear(values, 0.0, 1.0), "fractions, 0 to 1"
        return _by_percentiles(values)
    lowest, highest = int(values.min()), int(values.max())
    if lowest < 0:
        return _by_percentiles(values)
    bits = max(8, highest.bit_length())
    limit = 2**bits - 1
    sample = values.ravel()[:: max(1, values.size // _SAMPLED_PIXELS)]
    if bits > 8 and float(np.percentile(sample, 99.9)) < limit / _DARK_SHARE:
        return _by_percentiles(values)
    return linear(values, 0.0, limit), f"full range of {bits} bits (largest value {highest})"


def _by_percentiles(values: npt.NDArray[Any]) -> tuple[UInt8Array, str]:
    low, high = percentile_window(values)
    return linear(values, low, high), percentile_words(low, high)


def percentile_words(low: float, high: float) -> str:
    """How a percentile window is recorded."""
    return f"percentiles {LOW_PERCENTILE:g} to {HIGH_PERCENTILE:g}: {low:g} to {high:g}"
