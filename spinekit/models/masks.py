"""From a network's coarse masks to a shape on the film's own pixels."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from spinekit.core.image import FloatArray
from spinekit.core.outline import Outline, to_outline
from spinekit.models.canvas import Fitted

_PROTO_STRIDE = 4  # mask logits have a quarter of the canvas' resolution
_MARGIN = 3  # prototype pixels around a box that the interpolation looks at

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
    end = start + step * [right - left - 1, bottom - top - 1]
    size = np.array(prototypes.shape[:0:-1])
    first = np.clip(np.floor(start).astype(int) - _MARGIN, 0, size - 1)
    last = np.clip(np.ceil(end).astype(int) + _MARGIN + 1, first + 1, size)
    near = prototypes[:, first[1] : last[1], first[0] : last[0]]
    logits = np.tensordot(coefficients, near, axes=1)
    matrix = np.array([[step[0], 0, start[0] - first[0]], [0, step[1], start[1] - first[1]]])
    warped = cv2.warpAffine(
        logits, matrix, (right - left, bottom - top),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    shape = to_outline(_largest(warped > 0))
    offset = np.array([left, top], dtype=np.float64)
    return Outline(tuple(r + offset for r in shape.rings), tuple(h + offset for h in shape.holes))


def _largest(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The largest connected part; crumbs of a neighbour inside the box are not this body."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count <= 2:
        return mask
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))
