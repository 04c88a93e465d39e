"""Synthetic electron-microscopy tiles: cells with dark membranes, exact to the pixel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from spinekit.core.image import BoolArray
from spinekit.phantoms import canvas
from spinekit.phantoms.canvas import Field
from spinekit.phantoms.phantom import Phantom

_CORNER = 3.5  # px, radius of the roundest corner that a cell may have

_PIXELS_A_CELL = 1450.0  # about 180 cells in 512 x 512, as in the ISBI 2012 sections


def membrane_tile(seed: int, size: int = 512, bits: int = 8) -> Phantom:
    """A section of made-up nerve tissue, as a transmission electron microscope shows it at 4 nm per px.

    Args:
        seed: Everything follows from it.
        size: Rows and columns.
        bits: Grey depth, 8 .. 16.

    Returns:
        No points; ``mask`` is 1 on membrane and 0 in cells (organelles count as cell).
    """
    rng = np.random.default_rng([seed, 3])
    depth = _distance_to_border(rng, size)
    # Membranes cut at a slant look wide: the half width wanders.
    half = np.clip(2.0 + 0.6 * canvas.cloud(rng, size, size, 45.0), 1.3, 4.0)
    mask = _rounded(depth <= half)
    film = _grey(rng, mask, depth)
    return Phantom(kind="membrane", pixels=canvas.quantised(film, bits), mask=mask.astype(np.uint8))


def _rounded(mask: BoolArray) -> BoolArray:
    """The membranes with cells opened by a disc: corners grow round and slivers close."""
    deep = ndimage.distance_transform_edt(~mask) > _CORNER
    opened: BoolArray = ndimage.distance_transform_edt(~deep) <= _CORNER
    return ~opened


def _distance_to_border(rng: np.random.Generator, size: int) -> Field:
    """(size, size) px from the nearest border between two cells.

    Cells are those of a power diagram (nearest seed with a third, hidden coordinate, which makes cells of
    unlike size) on a plane that was bent by smooth noise.
    """
    margin = 40.0
    count = int((size + 2 * margin) ** 2 / _PIXELS_A_CELL)
    seeds = rng.uniform(-margin, size + margin, (count, 2))
    hidden = np.abs(rng.normal(0.0, 24.0, count))
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    for scale, amount in ((110.0, 13.0), (40.0, 4.0), (16.0, 1.1)):
        y = y + canvas.cloud(rng, size, size, scale) * np.float32(amount)
        x = x + canvas.cloud(rng, size, size, scale) * np.float32(amount)
    flat = np.stack([y.ravel(), x.ravel(), np.zeros(size * size, dtype=np.float32)], axis=-1)
    _, nearest = cKDTree(np.column_stack([seeds, hidden])).query(flat)
    cells: npt.NDArray[np.intp] = np.asarray(nearest).reshape(size, size)
    border = np.zeros((size, size), dtype=bool)
    border[:, 1:] |= cells[:, 1:] != cells[:, :-1]
    border[1:] |= cells[1:] != cells[:-1]
    return np.asarray(ndimage.distance_transform_edt(~border), dtype=np.float32)


def _grey(rng: np.random.Generator, mask: BoolArray, depth: Field) -> Field:
    """The tile as grey 0..1; ``depth`` is the distance to the middle of the membranes."""
    size = depth.shape[0]
    inside = np.asarray(ndimage.distance_transform_edt(~mask), dtype=np.float32)
    film = np.full((size, size), rng.uniform(0.57, 0.66), dtype=np.float32)
    film += canvas.cloud(rng, size, size, 90.0) * np.float32(0.035)
    film += canvas.cloud(rng, size, size, 4.0) * np.float32(0.04)
    film = _with_vesicles(rng, film, inside)
    film = _with_mitochondria(rng, film, inside)
    strength = np.float32(rng.uniform(0.26, 0.34)) * (
        1 + canvas.cloud(rng, size, size, 25.0) * np.float32(0.2)
    )
    ridge = np.exp(-((depth / np.float32(1.9)) ** 2)) * np.float32(rng.uniform(0.14, 0.2))
    film -= canvas.blurred(mask.astype(np.float32), 0.9) * strength + ridge
    film = canvas.blurred(film, rng.uniform(0.6, 0.9))
    film += canvas.blurred(rng.standard_normal((size, size), dtype=np.float32), 0.5) * np.float32(0.07)
    film += canvas.cloud(rng, size, size, 2.5) * np.float32(0.025)
    return np.asarray(film, dtype=np.float32)


def _with_vesicles(rng: np.random.Generator, film: Field, depth: Field) -> Field:
    """Small rings, in some cells many, well inside."""
    size = film.shape[0]
    rings, cores = canvas.layer(size, size), canvas.layer(size, size)
    crowd = canvas.cloud(rng, size, size, 70.0)
    for y, x in rng.integers(0, size, (int(3000 * (size / 512) ** 2), 2)):
        radius = rng.uniform(2.0, 3.8)
        if depth[y, x] > radius + 2.5 and crowd[y, x] > rng.normal(0.3, 0.5):
            ring = canvas.ellipse(np.array([float(x), float(y)]), (radius, radius * rng.uniform(0.8, 1.2)))
            canvas.stroke(rings, ring, 1, int(rng.integers(110, 240)), closed=True)
            canvas.fill(cores, ring, 120)
    shade = canvas.blurred(rings, 0.7) * np.float32(0.34) - canvas.blurred(cores, 0.6) * np.float32(0.06)
    return np.asarray(film - shade, dtype=np.float32)


def _with_mitochondria(rng: np.random.Generator, film: Field, depth: Field) -> Field:
    """Dark ovals with folds, where a cell has room for them."""
    size = film.shape[0]
    inside, rim = canvas.layer(size, size), canvas.layer(size, size)
    room = depth.copy()
    for _ in range(int(rng.integers(5, 11) * (size / 512) ** 2 + 0.5)):
        y, x = np.unravel_index(int(np.argmax(room * rng.uniform(0.75, 1.0, room.shape))), room.shape)
        free = float(room[y, x]) - 2.5
        room[max(0, y - 60) : y + 60, max(0, x - 60) : x + 60] = 0.0
        if free < 7.0:
            continue
        long = min(free * 1.15, rng.uniform(13.0, 30.0))
        ring = canvas.ellipse(
            np.array([float(x), float(y)]), (long, long * rng.uniform(0.6, 0.8)), rng.uniform(0, 180)
        )
        canvas.fill(inside, ring)
        canvas.stroke(rim, ring, 2, closed=True)
    ramp = canvas.cloud(rng, size, size, 16.0) * np.float32(6.0) + np.arange(size, dtype=np.float32)[None, :]
    folds = np.float32(0.5) + np.float32(0.5) * np.sin(ramp * np.float32(0.85))
    body = canvas.blurred(inside, 0.8)
    film = (
        film
        - body * (np.float32(0.17) + np.float32(0.16) * folds)
        - canvas.blurred(rim, 0.8) * np.float32(0.16)
    )
    return np.asarray(film, dtype=np.float32)
