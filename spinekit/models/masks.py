"""From a network's coarse mask logits to a shape on the film's own pixels."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from spinekit.core.image import FloatArray
from spinekit.core.outline import Outline, to_outline
from spinekit.models.canvas import Fitted

_PROTO_STRIDE = 4  # mask logits have a quarter of the canvas' resolution


def mask_outline(
    logits: npt.NDArray[np.float32], box: FloatArray, fitted: Fitted, height: int, width: int
) -> Outline:
    """The shape inside a box, from logits warped to the film's pixels before they are cut at zero.

    Only the box is warped: a dense mask of a whole film would cost a hundred times as much.

    Args:
        logits: (canvas height / 4, canvas width / 4).
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
    x = ((np.arange(left, right) + 0.5) * fitted.scale_x + fitted.left) / _PROTO_STRIDE - 0.5
    y = ((np.arange(top, bottom) + 0.5) * fitted.scale_y + fitted.top) / _PROTO_STRIDE - 0.5
    map_x = np.repeat(x[None].astype(np.float32), len(y), axis=0)
    map_y = np.repeat(y[:, None].astype(np.float32), len(x), axis=1)
    warped = cv2.remap(logits, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    shape = to_outline(_largest(warped > 0))
    offset = np.array([left, top], dtype=np.float64)
    return Outline(tuple(r + offset for r in shape.rings), tuple(h + offset for h in shape.holes))


def _largest(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The largest connected part; crumbs of a neighbour inside the box are not this body."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count <= 2:
        return mask
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))
