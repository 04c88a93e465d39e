"""From a network's coarse masks to a shape on the film's own pixels."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from spinekit.core.image import FloatArray
from spinekit.core.outline import Outline, ring_area, to_outline
from spinekit.models.canvas import Fitted

_PROTO_STRIDE = 4  # mask logits have a quarter of the canvas' resolution

Float32Array = npt.NDArray[np.float32]


def mask_outline(
    coefficients: Float32Array,
    prototypes: Float32Array,
    box: FloatArray,
    fitted: Fitted,
    height: int,
    width: int,
) -> Outline:
    """The shape inside a box, from logits warped to the film's pixels before they are cut at zero.

    Logits are made and warped inside the box alone: a dense mask of a whole film would cost a hundred times as much.

    Args:
        coefficients: (E,) parts of the prototypes.
        prototypes: (E, canvas height / 4, canvas width / 4).
        box: (4,) left, top, right, bottom in film px.
        fitted: How the film lies on the canvas.
        height: Rows of the film.
        width: Columns of the film.

    Returns:
        Its outline in film px; without rings where nothing is above zero.
    """
    left, top = (max(0, int(np.floor(v))) for v in box[:2])
    right, bottom = min(width, int(np.ceil(box[2])) + 1), min(height, int(np.ceil(box[3])) + 1)
    if right <= left or bottom <= top:
        return Outline(())
    # Film pixel (x, y) lies at canvas ((x + 0.5) * scale + pad) and so at proto pixel (that / 4 - 0.5).
    step = np.array([fitted.scale_x, fitted.scale_y]) / _PROTO_STRIDE
    start = (np.array([left, top]) + 0.5) * step + np.array([fitted.left, fitted.top]) / _PROTO_STRIDE - 0.5
    columns = start[0] + step[0] * np.arange(right - left)
    rows = start[1] + step[1] * np.arange(bottom - top)
    (first_x, last_x), (first_y, last_y) = (
        _near(at, size) for at, size in ((columns, prototypes.shape[2]), (rows, prototypes.shape[1]))
    )
    near = np.tensordot(coefficients, prototypes[:, first_y:last_y, first_x:last_x], axes=1)
    warped = _cubic(rows - first_y, last_y - first_y) @ near @ _cubic(columns - first_x, last_x - first_x).T
    shape = to_outline(warped > 0)
    if len(shape.rings) > 1:
        # Crumbs of a neighbour inside the box are not this body.
        shape = Outline((_widest(shape),)) if not shape.holes else to_outline(_largest(warped > 0))
    offset = np.array([left, top], dtype=np.float64)
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
