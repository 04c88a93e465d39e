"""What a close look and a network of levels need beside their weights, as values and as plain content of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinekit.core.image import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class CloseSettings:
    """What a close look needs beside its weights.

    Attributes:
        shape: (K, 2) mean shape in units.
        side: Rows and columns of a crop, a multiple of 16.
        zoom: Crop px per unit of the shape.
        views: Fields of view of a crop's channels, as multiples of the first.
        each: Whether every landmark has a crop of its own; otherwise one crop shows all of them.
        flip_index: For each landmark the one that takes its place in the mirror; empty where the mirror image
            is never met (lateral films).
        placed: Whether the network is told where in its crop it looks. The crops come in the shape's own frame, so
            place says much of what may lie there, and a convolution alone does not know it (Liu et al. 2018,
            "An intriguing failing of convolutional neural networks and the CoordConv solution").
        calibration: Factor that makes the spread of the maps the standard deviation of the errors on films that
            were not trained on.
        trunk: ``unet`` for a small U-Net of our own, ``yolo11n`` for the backbone of a first look.
    """

    shape: FloatArray
    side: int
    zoom: float
    views: tuple[float, ...]
    each: bool
    flip_index: tuple[int, ...]
    calibration: float = 1.0
    placed: bool = True
    trunk: str = "unet"


@dataclass(frozen=True, slots=True)
class CloseView:
    """How crops are cut.

    Attributes:
        side: Rows and columns of a crop, a multiple of 16.
        zoom: Crop px per unit of the mean shape.
        views: Fields of view of a crop's channels.
    """

    side: int
    zoom: float
    views: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LevelSettings:
    """What a network of levels needs beside its weights.

    Attributes:
        levels: L names, cranial to caudal.
        shape: (K, 2) mean shape of a body in units.
        view: Size, zoom and fields of view of its crops.
    """

    levels: tuple[str, ...]
    shape: FloatArray
    view: CloseView


def close_content(settings: CloseSettings) -> dict[str, object]:
    """Settings as plain values."""
    return {
        "shape": settings.shape.tolist(),
        "side": settings.side,
        "zoom": settings.zoom,
        "views": list(settings.views),
        "each": settings.each,
        "flip_index": list(settings.flip_index),
        "calibration": settings.calibration,
        "placed": settings.placed,
        "trunk": settings.trunk,
    }


def close_settings(content: Mapping[str, Any]) -> CloseSettings:
    """Settings from what `close_content` gave.

    Raises:
        KeyError: If a value is missing; TypeError or ValueError where one is misshapen.
    """
    return CloseSettings(
        np.array(content["shape"], dtype=np.float64),
        int(content["side"]),
        float(content["zoom"]),
        tuple(float(view) for view in content["views"]),
        bool(content["each"]),
        tuple(int(index) for index in content["flip_index"]),
        float(content["calibration"]),
        bool(content.get("placed", False)),
        str(content.get("trunk", "unet")),
    )


def level_content(settings: LevelSettings) -> dict[str, object]:
    """Settings as plain values."""
    view = settings.view
    return {
        "levels": list(settings.levels),
        "shape": settings.shape.tolist(),
        "side": view.side,
        "zoom": view.zoom,
        "views": list(view.views),
    }


def level_settings(content: Mapping[str, Any]) -> LevelSettings:
    """Settings from what `level_content` gave.

    Raises:
        KeyError: If a value is missing; TypeError or ValueError where one is misshapen.
    """
    view = CloseView(int(content["side"]), float(content["zoom"]), tuple(float(v) for v in content["views"]))
    names = tuple(str(name) for name in content["levels"])
    return LevelSettings(names, np.array(content["shape"], dtype=np.float64), view)
