"""Where a close look looks: a small upright picture of a body, or of the surroundings of a point.

A frame is the similarity that lays the mean shape of a landmark set onto what a first look found, so that
tilted, large and small bodies all come to the network the same way round and of the same size.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from spinekit.core.image import FloatArray, UInt8Array


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A similarity between the shape's own units and the film's pixels.

    Attributes:
        linear: (2, 2) rotation times scale; film px per unit of the shape.
        offset: (2,) film px of the shape's origin.
    """

    linear: FloatArray
    offset: FloatArray

    def to_film(self, units: FloatArray) -> FloatArray:
        """(..., 2) shape units as film px."""
        return np.asarray(units @ self.linear.T + self.offset)

    def to_units(self, xy: FloatArray) -> FloatArray:
        """(..., 2) film px as shape units."""
        return np.asarray((xy - self.offset) @ np.linalg.inv(self.linear).T)

    def centred(self, units: FloatArray) -> Frame:
        """The same frame with its origin at a point given in shape units."""
        return Frame(self.linear, self.to_film(units))


def mean_shape(shapes: FloatArray, rounds: int = 5) -> FloatArray:
    """The (K, 2) mean of N shapes after position and size, but not direction, are taken out.

    Films are taken upright, so the mean direction of the shapes is kept; single ones may lean.

    Args:
        shapes: (N, K, 2) px, none absent.
        rounds: Of aligning and averaging (generalised Procrustes analysis, Gower 1975).

    Returns:
        Centred on its mean, of root mean square radius 1.
    """
    mean = _unit(np.mean([_unit(shape) for shape in shapes], axis=0))
    for _ in range(rounds):
        aligned = [frame_of(mean, shape).to_units(shape) for shape in shapes]
        mean = _unit(np.mean(aligned, axis=0))
    return mean


def _unit(shape: FloatArray) -> FloatArray:
    centred = shape - shape.mean(axis=0)
    return np.asarray(centred / np.sqrt((centred**2).sum(axis=1).mean()))


def frame_of(shape: FloatArray, xy: FloatArray) -> Frame:
    """The similarity that lays a shape onto points with least squares (Umeyama 1991, without reflection).

    Args:
        shape: (K, 2) units.
        xy: (K, 2) film px; at least two points, rows with NaN are passed over.
    """
    here = np.isfinite(xy).all(axis=1)
    source, target = shape[here], xy[here]
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    a, b = (source - source_mean).T, (target - target_mean).T
    # In the plane the best rotation and scale are one complex number.
    z, w = a[0] + 1j * a[1], b[0] + 1j * b[1]
    factor = complex((np.conj(z) * w).sum() / max(float((np.abs(z) ** 2).sum()), 1e-12))
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return Frame(linear, target_mean - linear @ source_mean)


def crop(
    pixels: UInt8Array, frame: Frame, side: int, zoom: float, mirrored: bool = False
) -> tuple[UInt8Array, FloatArray]:
    """The square picture around a frame's origin.

    Args:
        pixels: (H, W) of the film, not much finer than the crop (shrink it before, or it aliases).
        frame: Where, which way round and how large.
        side: Rows and columns of the crop.
        zoom: Crop px per unit of the shape.
        mirrored: Whether left and right are exchanged.

    Returns:
        The crop, and the (2, 3) affine matrix from crop px to film px.
    """
    middle = (side - 1) / 2
    sign = -1.0 if mirrored else 1.0
    linear = frame.linear @ np.diag([sign / zoom, 1 / zoom])
    matrix = np.hstack([linear, (frame.offset - linear @ [middle, middle])[:, None]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    taken = cv2.warpAffine(pixels, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(taken, dtype=np.uint8), matrix


def apply(matrix: FloatArray, xy: FloatArray) -> FloatArray:
    """(..., 2) points through a (2, 3) affine matrix."""
    return np.asarray(xy @ matrix[:, :2].T + matrix[:, 2])


def inverse(matrix: FloatArray) -> FloatArray:
    """The (2, 3) matrix back."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.hstack([linear, (-linear @ matrix[:, 2])[:, None]])
