"""Drawing with sub-pixel edges on 8-bit layers, fields of noise, and the tone curve of a film.

Layers are (H, W) uint8 with 255 = fully covered; films are built as float32 sums of blurred layers.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from spinekit.core.image import FloatArray

Field = npt.NDArray[np.float32]
Layer = npt.NDArray[np.uint8]

_SHIFT = 4  # cv2 takes coordinates as integers in sixteenths of a pixel


def layer(height: int, width: int) -> Layer:
    """An empty (height, width) layer."""
    return np.zeros((height, width), dtype=np.uint8)


def _fixed(points: FloatArray) -> npt.NDArray[np.int32]:
    """(N, 2) px to cv2's fixed-point integers."""
    return np.round(np.asarray(points, dtype=np.float64) * (1 << _SHIFT)).astype(np.int32).reshape(-1, 1, 2)


def fill(target: Layer, ring: FloatArray, value: int = 255) -> None:
    """Fills a closed ring of (N, 2) px points with soft edges, in place."""
    cv2.fillPoly(target, [_fixed(ring)], value, cv2.LINE_AA, _SHIFT)


def stroke(target: Layer, line: FloatArray, width: float, value: int = 255, *, closed: bool = False) -> None:
    """Draws a line through (N, 2) px points in place; the width is rounded to whole pixels, at least 1."""
    cv2.polylines(target, [_fixed(line)], closed, value, max(1, round(width)), cv2.LINE_AA, _SHIFT)


def blurred(source: Layer | Field, sigma: float) -> Field:
    """A layer as float32 (0..1 for 8-bit ones), smoothed by a Gaussian of ``sigma`` px.

    Wide blurs are done on a reduced copy: the result has no detail that the reduction could lose.
    """
    scale = np.float32(1.0 / 255.0 if source.dtype == np.uint8 else 1.0)
    values: Field = source.astype(np.float32) * scale
    if sigma <= 0:
        return values
    step = int(max(1, min(sigma // 3, 16)))
    if step == 1:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), dtype=np.float32)
    height, width = values.shape
    small = cv2.resize(values, (-(-width // step), -(-height // step)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def uneven(rng: np.random.Generator, drawn: Field, scale: float, strength: float = 0.3) -> Field:
    """Drawn lines whose strength wanders along them, as overlaid tissue makes it."""
    wander = 1.0 + strength * cloud(rng, drawn.shape[0], drawn.shape[1], scale)
    return np.asarray(drawn * np.clip(wander, 0.25, 1.75), dtype=np.float32)


def resized(film: Field, height: int, width: int) -> Field:
    """A film in (height, width) by cubic interpolation; a point x moves to (x + 0.5) * scale - 0.5."""
    return np.asarray(cv2.resize(film, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def cloud(rng: np.random.Generator, height: int, width: int, scale: float) -> Field:
    """Smooth noise of unit standard deviation whose lumps are about ``scale`` px wide."""
    rows, columns = int(height / scale) + 4, int(width / scale) + 4
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    deviation = float(fine.std())
    return np.asarray(fine / (deviation if deviation > 0 else 1.0), dtype=np.float32)


def smooth(points: FloatArray, samples: int = 60) -> FloatArray:
    """A (samples, 2) curve through (N, 2) points, N >= 2 (Catmull-Rom, ends held)."""
    knots = np.asarray(points, dtype=np.float64)
    padded = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    position = np.linspace(0, len(knots) - 1, samples)
    left = np.minimum(position.astype(np.intp), len(knots) - 2)
    t = (position - left)[:, None]
    p0, p1, p2, p3 = (padded[left + k] for k in range(4))
    curve: FloatArray = 0.5 * (
        2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return curve


def smooth_ring(points: FloatArray, samples: int = 120) -> FloatArray:
    """A closed (samples, 2) curve through (N, 2) points, N >= 3."""
    knots = np.asarray(points, dtype=np.float64)
    count = len(knots)
    position = np.linspace(0, count, samples, endpoint=False)
    left = position.astype(np.intp)
    t = (position - left)[:, None]
    p0, p1, p2, p3 = (knots[(left + k - 1) % count] for k in range(4))
    curve: FloatArray = 0.5 * (
        2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return curve


def ellipse(centre: FloatArray, radii: tuple[float, float], turn_deg: float = 0.0) -> FloatArray:
    """The (48, 2) ring of an ellipse; the turn is clockwise on the screen."""
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    ring = np.stack([radii[0] * np.cos(angle), radii[1] * np.sin(angle)], axis=-1)
    return ring @ turn(turn_deg).T + centre


def turn(degrees: float) -> FloatArray:
    """The (2, 2) matrix that turns columns clockwise on the screen (x right, y down)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s], [s, c]])


def step(values: Field, softness: float) -> Field:
    """0 far below zero, 1 far above, 0.5 at zero; ``softness`` is the width of the change."""
    return np.asarray(0.5 + 0.5 * np.tanh(values / softness), dtype=np.float32)


def quantised(film: Field, bits: int = 8) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Grey values 0..1, clipped, as whole numbers of ``bits`` bits (uint8 up to 8, otherwise uint16)."""
    top = (1 << bits) - 1
    whole = np.clip(np.round(film * np.float32(top)), 0, top)
    return whole.astype(np.uint8) if bits <= 8 else whole.astype(np.uint16)
