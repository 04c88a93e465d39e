"""What a mask network is to learn: how much of each cell of its coarse maps an outline covers.

The library fills outlines with all pixels that they touch and then takes single pixels of that for the coarse map,
which makes a vertebral body of 30 pixels a twelfth larger than it is; a network learns that faithfully. Here a cell
belongs to a body if the outline covers at least half of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from ultralytics.data import utils

_SHIFT = 4  # bits of fraction in drawing


def covered(
    imgsz: tuple[int, int],
    polygons: Sequence[npt.NDArray[np.float32]],
    color: int = 1,
    downsample_ratio: int = 1,
) -> npt.NDArray[np.uint8]:
    """The cells that outlines cover, with the library's own signature.

    Args:
        imgsz: Rows and columns of the image.
        polygons: Each x, y, x, y ... in px, where the first pixel reaches from 0 to 1.
        color: Value of covered cells.
        downsample_ratio: Px of a cell's side.

    Returns:
        (rows // ratio, columns // ratio).
    """
    touched = np.zeros(imgsz, np.uint8)
    for polygon in polygons:
        points = np.asarray(polygon, np.float64).reshape(1, -1, 2)
        centred = np.round((points - 0.5) * 2**_SHIFT).astype(np.int32)
        # Pixels on the outline count half: they lie half inside on the mean.
        cv2.fillPoly(touched, centred, 2, shift=_SHIFT)
        cv2.polylines(touched, centred, True, 1, shift=_SHIFT)
    rows, columns = imgsz[0] // downsample_ratio, imgsz[1] // downsample_ratio
    whole = touched[: rows * downsample_ratio, : columns * downsample_ratio].astype(np.float32)
    share = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray((share >= 1.0) * color, dtype=np.uint8)


def learn_covered_cells() -> None:
    """Lets the library make its targets so, in this process and those that it forks."""
    utils.polygon2mask = covered
