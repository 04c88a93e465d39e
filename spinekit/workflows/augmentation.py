"""One altered copy of an image: what is drawn by chance, and the pixels that follow it.

Geometry is composed into a single motion, so pixels are resampled once, and labels go by the very same motion
(`spinekit.core.motion`). Flips and quarter turns alone resample nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from spinekit.core.image import FloatArray, UInt8Array
from spinekit.core.motion import (
    Motion,
    after,
    flip_horizontal,
    flip_vertical,
    identity,
    quarter_turns,
    turn_scale_shift,
)
from spinekit.core.scene import Raster
from spinekit.workflows.bending import random_bending, unbend

Scalar = TypeVar("Scalar", bound=np.generic)

_COARSEST = 2  # px; the way back of a bending is computed on every so manieth pixel and interpolated


class Alterations(BaseModel):
    """What a copy may differ in; each amount is the most that is drawn, evenly around nothing.

    Attributes:
        flip_horizontal: Left and right change places in half of the copies.
        flip_vertical: Top and bottom likewise.
        quarter_turns: Turned by 0, 90, 180 or 270 degrees.
        rotate: Degrees.
        scale: As a part of the size: 0.1 for 0.9 to 1.1.
        shift: As a part of the image's sides.
        brightness: As a part of the grey range.
        contrast: As a part, about the mean grey.
        noise: Standard deviation of normal noise, grey levels of 255.
        elastic: Standard deviation of a smooth bending, px.
        elastic_grain: Distance over which the bending changes, px.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    flip_horizontal: bool = False
    flip_vertical: bool = False
    quarter_turns: bool = False
    rotate: float = Field(0.0, ge=0, le=180)
    scale: float = Field(0.0, ge=0, le=0.9)
    shift: float = Field(0.0, ge=0, le=0.9)
    brightness: float = Field(0.0, ge=0, le=1)
    contrast: float = Field(0.0, ge=0, le=1)
    noise: float = Field(0.0, ge=0, le=128)
    elastic: float = Field(0.0, ge=0, le=200)
    elastic_grain: float = Field(64.0, ge=32, le=2000)

    @property
    def any(self) -> bool:
        """Whether there is anything to draw."""
        return any(getattr(self, name) for name in type(self).model_fields if name != "elastic_grain")


@dataclass(frozen=True, slots=True, eq=False)
class Alteration:
    """What was drawn for one copy.

    Attributes:
        motion: Of pixels and labels.
        gain: Factor of the contrast.
        lift: Added grey levels.
        noise: Standard deviation of the noise, grey levels.
        noise_seed: Of the noise.
        words: What was done, for the record: ``flip horizontal, rotate -4.2 deg``.
    """

    motion: Motion
    gain: float = 1.0
    lift: float = 0.0
    noise: float = 0.0
    noise_seed: int = 0
    words: str = ""


def generator(seed: int, name: str, copy: int) -> np.random.Generator:
    """Chance that depends on the seed, the image's name and the copy's number, and on no other image."""
    digest = sha256(f"{seed}/{copy}/{name}".encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def draw_alteration(
    may: Alterations, height: int, width: int, rng: np.random.Generator, aspect: float = 1.0
) -> Alteration:
    """Draws one copy's alteration.

    Args:
        may: What may be drawn.
        height: Rows of the image.
        width: Columns.
        rng: Source of chance.
        aspect: Row spacing over column spacing.
    """
    words: list[str] = []
    motion = _grid_motion(may, height, width, rng, words)
    if motion.matrix[0, 0] == 0:
        aspect = 1 / aspect
    motion = after(motion, _free_motion(may, motion.height, motion.width, rng, aspect, words))
    if may.elastic:
        bend = random_bending(motion.height, motion.width, rng, may.elastic, may.elastic_grain)
        motion = Motion(motion.matrix, motion.height, motion.width, bend)
        words.append(f"elastic {may.elastic:g} px")
    gain = 1.0 + _amount(rng, may.contrast, "contrast", "", words)
    lift = 255.0 * _amount(rng, may.brightness, "brightness", "", words)
    noise_seed = int(rng.integers(1 << 62)) if may.noise else 0
    if may.noise:
        words.append(f"noise {may.noise:g}")
    return Alteration(motion, gain, lift, may.noise, noise_seed, ", ".join(words))


def _grid_motion(
    may: Alterations, height: int, width: int, rng: np.random.Generator, words: list[str]
) -> Motion:
    """Flips and quarter turns."""
    motion = identity(height, width)
    if may.flip_horizontal and rng.random() < 0.5:
        motion = flip_horizontal(height, width)
        words.append("flip horizontal")
    if may.flip_vertical and rng.random() < 0.5:
        motion = after(motion, flip_vertical(height, width))
        words.append("flip vertical")
    turns = int(rng.integers(4)) if may.quarter_turns else 0
    if turns:
        motion = after(motion, quarter_turns(motion.height, motion.width, turns))
        words.append(f"turn {90 * turns} deg")
    return motion


def _free_motion(
    may: Alterations, height: int, width: int, rng: np.random.Generator, aspect: float, words: list[str]
) -> Motion:
    """Rotation, size and shift; exactly nothing where none is asked for."""
    if not (may.rotate or may.scale or may.shift):
        return identity(height, width)
    degrees = _amount(rng, may.rotate, "rotate", " deg", words)
    factor = 1.0 + _amount(rng, may.scale, "scale", "", words)
    shift = (
        width * _amount(rng, may.shift, "shift right", "", words),
        height * _amount(rng, may.shift, "shift down", "", words),
    )
    return turn_scale_shift(height, width, degrees=degrees, scale=factor, shift=shift, aspect=aspect)


def _amount(rng: np.random.Generator, most: float, what: str, unit: str, words: list[str]) -> float:
    if not most:
        return 0.0
    value = float(rng.uniform(-most, most))
    words.append(f"{what} {value:+.3g}{unit}")
    return value


def alter_pixels(pixels: UInt8Array, alteration: Alteration, *, fill: bool = True) -> UInt8Array:
    """The grey pixels of a copy.

    Args:
        pixels: (H, W) uint8.
        alteration: What to do.
        fill: Whether what comes in from outside is black; otherwise the image is mirrored there, which suits
            tissue that goes on.
    """
    border = cv2.BORDER_CONSTANT if fill else cv2.BORDER_REFLECT_101
    moved = _moved(pixels, alteration.motion, cv2.INTER_CUBIC, border)
    if alteration.gain == 1.0 and alteration.lift == 0.0 and not alteration.noise:
        return moved
    grey = moved.astype(np.float32)
    mean = float(grey.mean())
    grey = (grey - mean) * alteration.gain + mean + alteration.lift
    if alteration.noise:
        rng = np.random.default_rng(alteration.noise_seed)
        grey += rng.normal(0.0, alteration.noise, grey.shape).astype(np.float32)
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


def alter_raster(raster: Raster | None, motion: Motion) -> Raster | None:
    """Class numbers (never mixed) and probability of the moved pixels; mirrored beyond the border."""
    if raster is None:
        return None
    labels, probability = raster.labels, raster.probability
    if labels is not None:
        labels = _moved(labels, motion, cv2.INTER_NEAREST, cv2.BORDER_REFLECT_101)
    if probability is not None:
        probability = _moved(probability, motion, cv2.INTER_LINEAR, cv2.BORDER_REFLECT_101)
    return Raster(labels, probability)


def _moved(values: npt.NDArray[Scalar], motion: Motion, how: int, border: int) -> npt.NDArray[Scalar]:
    if motion.keeps_grid:
        return _moved_on_grid(values, motion)
    columns, rows = _sources(motion)
    places = columns.astype(np.float32), rows.astype(np.float32)
    moved: npt.NDArray[Scalar] = cv2.remap(values, *places, how, borderMode=border, borderValue=0)
    return moved


def _moved_on_grid(values: npt.NDArray[Scalar], motion: Motion) -> npt.NDArray[Scalar]:
    """Flips and quarter turns by indexing, so that every value stays what it is."""
    linear = motion.matrix[:, :2]
    if linear[0, 0] == 0:
        values, linear = values.T, linear[:, ::-1]
    values = values[:, ::-1] if linear[0, 0] < 0 else values
    return np.ascontiguousarray(values[::-1] if linear[1, 1] < 0 else values)


def _sources(motion: Motion) -> tuple[FloatArray, FloatArray]:
    """For each new pixel the column and row of the old image that it shows."""
    back = np.linalg.inv(motion.matrix[:, :2])
    columns, rows = np.arange(motion.width, dtype=np.float64), np.arange(motion.height, dtype=np.float64)
    if motion.bend is None:
        x, y = np.meshgrid(columns, rows)
    else:
        x, y = _unbent(motion)
    x, y = x - motion.matrix[0, 2], y - motion.matrix[1, 2]
    return back[0, 0] * x + back[0, 1] * y, back[1, 0] * x + back[1, 1] * y


def _unbent(motion: Motion) -> tuple[FloatArray, FloatArray]:
    """For each pixel the place that the bending brings there, as two (H, W) arrays."""
    if motion.bend is None:
        raise ValueError("the motion does not bend")
    step = _COARSEST
    shape = (-(-motion.height // step) + 2, -(-motion.width // step) + 2)
    x, y = np.meshgrid(
        step * np.arange(shape[1], dtype=np.float64), step * np.arange(shape[0], dtype=np.float64)
    )
    places = np.stack([x.ravel(), y.ravel()], axis=1)
    shift = (unbend(motion.bend, places) - places).reshape(*shape, 2)
    full_x, full_y = np.meshgrid(np.arange(motion.width), np.arange(motion.height))
    where = (full_x / step).astype(np.float32), (full_y / step).astype(np.float32)
    fine = [
        cv2.remap(
            shift[..., axis].astype(np.float32), *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        for axis in (0, 1)
    ]
    return full_x + fine[0].astype(np.float64), full_y + fine[1].astype(np.float64)
