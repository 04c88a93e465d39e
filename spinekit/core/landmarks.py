"""Named points, absent ones among them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from spinekit.core.image import FloatArray


class Visibility(IntEnum):
    """Whether a point is there; the numbers are COCO's."""

    ABSENT = 0
    OCCLUDED = 1
    VISIBLE = 2


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Points with their names.

    Attributes:
        names: K names, in the schema's order.
        xy: (K, 2) float64 pixels, x right, y down, pixel centres at integers; NaN where absent.
        visibility: (K,) int8 of `Visibility`.
        score: (K,) float64 confidence 0..1, or None where a person placed the points.
        spread: (K, 2) float64 standard deviation in px along x and y, or None where unknown.
    """

    names: tuple[str, ...]
    xy: FloatArray
    visibility: npt.NDArray[np.int8]
    score: FloatArray | None = None
    spread: FloatArray | None = None

    def __post_init__(self) -> None:
        k = len(self.names)
        if self.xy.shape != (k, 2) or self.visibility.shape != (k,):
            raise ValueError(f"{k} names, but xy {self.xy.shape} and visibility {self.visibility.shape}")
        absent = self.visibility == Visibility.ABSENT.value
        if not bool((np.isnan(self.xy) == absent[:, None]).all()):
            raise ValueError("a point is NaN exactly where it is absent")

    def index(self, name: str) -> int:
        """Position of a name; `KeyError` if it is not one of these landmarks."""
        try:
            return self.names.index(name)
        except ValueError:
            raise KeyError(name) from None


def landmarks(
    names: tuple[str, ...],
    xy: FloatArray,
    score: FloatArray | None = None,
    spread: FloatArray | None = None,
) -> Landmarks:
    """Landmarks of which those with a NaN coordinate are absent and all others visible.

    Args:
        names: K names.
        xy: (K, 2) pixels.
        score: (K,) confidence, or None.
        spread: (K, 2) standard deviation in px, or None.
    """
    xy = np.array(xy, dtype=np.float64)
    absent = np.isnan(xy).any(axis=1)
    xy[absent] = np.nan
    visibility = np.full(len(xy), Visibility.VISIBLE.value, dtype=np.int8)
    visibility[absent] = Visibility.ABSENT.value
    return Landmarks(names, xy, visibility, score, spread)
