"""V_rand and V_info after thinning: how well a map of membranes keeps cells apart (ISBI 2012 challenge).

The foreground-restricted scores of Arganda-Carreras et al., "Crowdsourcing the creation of image segmentation
algorithms for connectomics", Frontiers in Neuroanatomy 9:142 (2015). Both count only pixels that are cell in the
truth; a pixel of the proposal's thinned border is a region by itself. Larger is better, 1 is perfect.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from spinekit.core.image import BoolArray, FloatArray

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class RegionScores:
    """How two partitions into cells agree.

    Attributes:
        v_rand: 2 sum p_ij^2 / (sum a_i^2 + sum b_j^2), the Rand F score.
        v_info: 2 I(S;T) / (H(S) + H(T)), the information-theoretic one.
    """

    v_rand: float
    v_info: float


def cells(mask: BoolArray) -> Labels:
    """Connected cells, by the 4-neighbourhood.

    Args:
        mask: (H, W), True within cells.

    Returns:
        (H, W) numbers from 1; 0 where there is no cell.
    """
    return np.asarray(cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[1], dtype=np.int32)


def thinned_cells(mask: BoolArray) -> Labels:
    """Cells grown into the membranes between them until a line of one pixel is left.

    A watershed with 4-neighbourhood of the inverted mask from the cells: all membrane pixels are equally high, so
    cells grow alike from all sides. Membrane that separates nothing vanishes.

    Args:
        mask: (H, W), True within cells.

    Returns:
        (H, W) numbers from 1; 0 on the lines, and everywhere where there is no cell.
    """
    seeds = cells(mask)
    if seeds.max() < 2:
        return np.full_like(seeds, seeds.max())
    # OpenCV draws a frame of border around its image, so the image gets a rim to lose.
    rimmed = cv2.copyMakeBorder(seeds, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    flat = np.zeros((*rimmed.shape, 3), dtype=np.uint8)
    grown = cv2.watershed(flat, rimmed)[1:-1, 1:-1]
    return np.asarray(np.where(grown > 0, grown, 0), dtype=np.int32)


def region_scores(proposed: Labels, true: Labels) -> RegionScores:
    """Scores of a partition.

    Args:
        proposed: (H, W) of `thinned_cells`; 0 on its borders.
        true: (H, W) of `cells`; where it is 0 (membrane) nothing is counted.

    Returns:
        Both scores; of a single region against a single region V_info is 1 too, though nothing is to be told.

    Raises:
        ValueError: If the truth holds no cell.
    """
    inside = true > 0
    n = int(inside.sum())
    if not n:
        raise ValueError("the truth holds no cell")
    # Slow to load, and the reading of films comes by this module too.
    from scipy import sparse

    table = sparse.coo_array((np.ones(n), (true[inside], proposed[inside]))).tocsc() / n
    truths = table.sum(axis=1)
    alone = float(table[:, [0]].sum())  # every border pixel is a region of the share 1/n
    table = table[:, 1:]
    shares = [_positive(part) for part in (truths, table.sum(axis=0), table.data)]
    squares = [float(part @ part) for part in shares]
    squares = [squares[0], squares[1] + alone / n, squares[2] + alone / n]
    entropy = [_entropy(part) for part in shares]
    entropy = [entropy[0], entropy[1] + alone * np.log(n), entropy[2] + alone * np.log(n)]
    both = entropy[0] + entropy[1]
    shared = both - entropy[2]
    return RegionScores(
        v_rand=2 * squares[2] / (squares[0] + squares[1]),
        v_info=float(2 * shared / both) if both > 0 else 1.0,
    )


def membrane_scores(membrane: BoolArray, true: BoolArray) -> RegionScores:
    """Both scores of a mask of membranes, thinned.

    Args:
        membrane: (H, W) proposed.
        true: (H, W) of the truth.

    Raises:
        ValueError: If the truth is membrane throughout.
    """
    return region_scores(thinned_cells(~membrane), cells(~true))


def _positive(share: FloatArray) -> FloatArray:
    return np.asarray(share[share > 0], dtype=np.float64)


def _entropy(share: FloatArray) -> float:
    return float(-(share * np.log(share)).sum())
