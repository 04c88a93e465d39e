"""The crops that a close look and a network of levels are fed with: one for each field of view of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from spinekit.core.image import FloatArray, UInt8Array
from spinekit.models.close_frame import Frame, crop


class CropPlan(Protocol):
    """How crops are cut: see `spinekit.models.close_settings.CloseView`."""

    @property
    def side(self) -> int:
        """Rows and columns of a crop."""

    @property
    def zoom(self) -> float:
        """Crop px per unit of the mean shape."""

    @property
    def views(self) -> tuple[float, ...]:
        """Fields of view of a crop's channels."""


def shrunk(pixels: UInt8Array, scale: float) -> UInt8Array:
    """A film made smaller by area means; never larger."""
    if scale >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def pyramid(
    pixels: UInt8Array, unit_px: float, zoom: float, views: Sequence[float]
) -> list[tuple[UInt8Array, float]]:
    """For each view the film shrunk to about the resolution of its crops, and by how much."""
    found = []
    for view in views:
        scale = min(1.0, 1.25 * zoom / (unit_px * view))
        found.append((shrunk(pixels, scale), scale))
    return found


def at_scale(frame: Frame, scale: float) -> Frame:
    """A frame on a film made ``scale`` times as large (pixel centres at integers)."""
    return Frame(frame.linear * scale, (frame.offset + 0.5) * scale - 0.5)


def take(
    levels: Sequence[tuple[UInt8Array, float]], frame: Frame, plan: CropPlan, mirrored: bool
) -> tuple[UInt8Array, FloatArray]:
    """The (V, S, S) crop of a frame, and the (2, 3) matrix from its px to film px."""
    channels, matrix = [], np.zeros((2, 3))
    for (pixels, scale), view in zip(levels, plan.views, strict=True):
        taken, affine = crop(pixels, at_scale(frame, scale), plan.side, plan.zoom / view, mirrored)
        channels.append(taken)
        if view == plan.views[0]:
            matrix = affine / scale
            matrix[:, 2] = (affine[:, 2] + 0.5) / scale - 0.5
    return np.stack(channels), matrix
