"""Distances between the borders of two masks.

A border is what erosion by the 4-neighbourhood takes away. Each border pixel of one mask has its distance to the
nearest border pixel of the other, between pixel centres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spinekit.core.image import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceDistances:
    """The two directed sets of distances.

    Attributes:
        to_true: (P,) of each border pixel of the predicted mask.
        to_predicted: (T,) of each border pixel of the true mask.
    """

    to_true: FloatArray
    to_predicted: FloatArray

    def scaled(self, factor: float) -> SurfaceDistances:
        """The same in another unit of length."""
        return SurfaceDistances(self.to_true * factor, self.to_predicted * factor)


def surface_distances(
    predicted: BoolArray, true: BoolArray, pixel: tuple[float, float] = (1.0, 1.0)
) -> SurfaceDistances | None:
    """Distances between two borders.

    Args:
        predicted: (H, W).
        true: (H, W).
        pixel: Height and width of a pixel, in the unit wanted.

    Returns:
        None where a mask is empty, since then there is no distance.
    """
    rows = np.flatnonzero((predicted | true).any(axis=1))
    columns = np.flatnonzero((predicted | true).any(axis=0))
    if not predicted.any() or not true.any():
        return None
    part = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    ours, theirs = (_border(np.pad(mask[part], 1)) for mask in (predicted, true))
    return SurfaceDistances(_distances(ours, theirs, pixel), _distances(theirs, ours, pixel))


def _border(mask: BoolArray) -> BoolArray:
    return np.asarray(mask & ~ndimage.binary_erosion(mask))


def _distances(of: BoolArray, to: BoolArray, pixel: tuple[float, float]) -> FloatArray:
    return np.asarray(ndimage.distance_transform_edt(~to, sampling=pixel)[of])


def hausdorff_95(distances: SurfaceDistances) -> float:
    """HD95: the larger of the two directed 95th percentiles (the variant of MONAI; nnU-Net pools both sets)."""
    return float(max(np.percentile(part, 95) for part in (distances.to_true, distances.to_predicted)))


def mean_surface_distance(distances: SurfaceDistances) -> float:
    """ASSD: mean of the two directed means (pooling both sets, as MONAI does, weights the longer border more)."""
    return float((distances.to_true.mean() + distances.to_predicted.mean()) / 2)
