"""From a network's coarse masks to a shape on the film's own pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from spinekit.core.image import BoolArray, FloatArray
from spinekit.core.outline import Outline, ring_area, to_outline, to_outlines
from spinekit.models.canvas import Fitted

_PROTO_STRIDE = 4  # mask logits have a quarter of the canvas' resolution
_AT_ONCE = 1 << 20  # pixels of masks that are held until they are followed together

Float32Array = npt.NDArray[np.float32]


def mask_outlines(
    coefficients: Float32Array,
    prototypes: Float32Array,
    boxes: FloatArray,
    fitted: Fitted,
    height: int,
    width: int,
) -> Iterator[Outline]:
    """The shapes inside boxes, from logits warped to the film's pixels before they are cut at zero.

    Logits are made and warped inside each box alone: a dense mask of a whole film would cost a hundred times as much.

    Args:
        coefficients: (N, E) parts of the prototypes.
        prototypes: (E, canvas height / 4, canvas width / 4).
        boxes: (N, 4) left, top, right, bottom in film px.
        fitted: How the film lies on the canvas.
        height: Rows of the film.
        width: Columns of the film.

    Returns:
        Their outlines in film px; without rings where nothing is above zero.
    """
    windows = [_window(box, height, width) for box in boxes.tolist()]
    # Film pixel (x, y) lies at canvas ((x + 0.5) * scale + pad) and so at proto pixel (that / 4 - 0.5).
    rows = _taps(height, fitted.scale_y, fitted.top, prototypes.shape[1])
    columns = _taps(width, fitted.scale_x, fitted.left, prototypes.shape[2])
    for some in _together(windows):
        masks = [_mask(coefficients[index], prototypes, windows[index], rows, columns) for index in some]
        for index, mask, shape in zip(some, masks, to_outlines(masks), strict=True):
            yield _placed(_of_one(shape, mask), windows[index])


@dataclass(frozen=True, slots=True)
class _Window:
    """The film's pixels inside a box: rows and columns, the last ones exclusive."""

    left: int
    top: int
    right: int
    bottom: int


def _window(box: Sequence[float], height: int, width: int) -> _Window:
    left, top = (max(0, int(np.floor(v))) for v in box[:2])
    right, bottom = min(width, int(np.ceil(box[2])) + 1), min(height, int(np.ceil(box[3])) + 1)
    return _Window(left, top, max(left, right), max(top, bottom))


def _together(windows: Sequence[_Window]) -> Iterator[list[int]]:
    """Indices of windows, in order, as many at once as make a picture of a moderate size."""
    some: list[int] = []
    rows = columns = 0
    for index, window in enumerate(windows):
        rows, columns = rows + window.bottom - window.top, max(columns, window.right - window.left)
        if some and rows * columns > _AT_ONCE:
            yield some
            some, rows, columns = [], window.bottom - window.top, window.right - window.left
        some.append(index)
    if some:
        yield some


@dataclass(frozen=True, slots=True, eq=False)
class _Taps:
    """How the N rows or columns of a film are interpolated from P of the prototypes.

    Attributes:
        at: (N,) places among the prototypes' pixels.
        weights: (N, P) of these.
    """

    at: FloatArray
    weights: Float32Array


def _taps(film: int, scale: float, pad: int, size: int) -> _Taps:
    at = (np.arange(film, dtype=np.float64) + 0.5) * (scale / _PROTO_STRIDE) + pad / _PROTO_STRIDE - 0.5
    return _Taps(at, _cubic(at, size))


def _mask(
    parts: Float32Array, prototypes: Float32Array, window: _Window, rows: _Taps, columns: _Taps
) -> BoolArray:
    """The pixels of a window that lie inside the shape."""
    if window.right <= window.left or window.bottom <= window.top:
        return np.zeros((0, 0), dtype=bool)
    down, across = slice(window.top, window.bottom), slice(window.left, window.right)
    first_y, last_y = _near(rows.at[down], prototypes.shape[1])
    first_x, last_x = _near(columns.at[across], prototypes.shape[2])
    near = np.tensordot(parts, prototypes[:, first_y:last_y, first_x:last_x], axes=1)
    warped = rows.weights[down, first_y:last_y] @ near @ columns.weights[across, first_x:last_x].T
    return np.asarray(warped > 0)


def _of_one(shape: Outline, mask: BoolArray) -> Outline:
    """A shape without the crumbs of its neighbours that lie in the box too."""
    if len(shape.rings) <= 1:
        return shape
    return Outline((_widest(shape),)) if not shape.holes else to_outline(_largest(mask))


def _placed(shape: Outline, window: _Window) -> Outline:
    """A shape of a window on the film."""
    offset = np.array([window.left, window.top], dtype=np.float64)
    return Outline(tuple(r + offset for r in shape.rings), tuple(h + offset for h in shape.holes))


def _near(at: FloatArray, size: int) -> tuple[int, int]:
    """First and last (exclusive) of the ``size`` prototype pixels that interpolation at places looks at."""
    first = min(max(int(np.floor(at[0])) - 1, 0), size - 1)
    return first, max(min(int(np.floor(at[-1])) + 3, size), first + 1)


def _cubic(at: FloatArray, size: int) -> Float32Array:
    """(N, size) weights of pixels in the cubic interpolation at N places (Keys 1981, a = -1/2), edges repeated.

    OpenCV's own warps round places to a 32nd of a pixel, which is a whole pixel of a long film.
    """
    base = np.floor(at).astype(int)
    t = at - base
    taps = (
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    )
    weights = np.zeros((len(at), size), np.float32)
    rows = np.arange(len(at))
    for shift, tap in enumerate(taps, -1):
        weights[rows, np.clip(base + shift, 0, size - 1)] += tap.astype(np.float32)
    return weights


def _widest(shape: Outline) -> FloatArray:
    """The ring around most pixels."""
    return max(shape.rings, key=ring_area)


def _largest(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The largest connected part."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count <= 2:
        return mask
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))
