"""Orbits made to measure: an axial slice on which widths, distances, depths and tilt are known exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import RBFInterpolator

from spinekit.core.image import FloatArray
from spinekit.phantoms import canvas
from spinekit.phantoms.orbit import ANCHORS, MM_PER_PX, RIMS, orbit_film
from spinekit.phantoms.phantom import Phantom

_MIDDLE = (262.0, 140.0)  # px of the slice of 512 between the lateral rims


@dataclass(frozen=True, slots=True)
class Orbits:
    """Both orbits by their measurements in mm and degrees; right is the image's left.

    Attributes:
        width_right: Lateral to medial rim.
        width_left: Medial to lateral rim.
        iod: Between the medial rims.
        depth_right: Medial rim before the line between the lateral rims.
        depth_left: Medial rim before the line between the lateral rims.
        tilt: Of that line against the rows, degrees, + when the image's right side is lower.
    """

    width_right: float = 38.0
    width_left: float = 37.5
    iod: float = 26.0
    depth_right: float = 11.0
    depth_left: float = 10.5
    tilt: float = 0.0


def rim_points(orbits: Orbits) -> FloatArray:
    """P1 .. P4, (4, 2) mm from the middle between the lateral rims, x right, y down.

    Args:
        orbits: Their measurements; each width longer than the depth, IOD longer than the depths' difference.
    """
    # Lengths along the line between the lateral rims, by Pythagoras.
    right = np.sqrt(orbits.width_right**2 - orbits.depth_right**2)
    between = np.sqrt(orbits.iod**2 - (orbits.depth_right - orbits.depth_left) ** 2)
    left = np.sqrt(orbits.width_left**2 - orbits.depth_left**2)
    upright = np.array(
        [
            (0.0, 0.0),
            (right, -orbits.depth_right),
            (right + between, -orbits.depth_left),
            (right + between + left, 0.0),
        ]
    )
    middle = np.array([(right + between + left) / 2, 0.0])
    return np.asarray((upright - middle) @ canvas.turn(orbits.tilt).T)


def orbits_of(orbits: Orbits, seed: int = 0, size: int = 512, bits: int = 8) -> Phantom:
    """The slice of orbits made to measure.

    Args:
        orbits: Their measurements.
        seed: For grey values and all that is drawn by chance.
        size: Rows and columns; the slice shows 215 mm.
        bits: As for `spinekit.phantoms.orbit.orbit_slice`.

    Returns:
        One thing ``orbits`` with P1 .. P4, and the true measurements beside the window among its facts.
    """
    rims, anchors = np.array(RIMS, dtype=np.float64), np.array(ANCHORS, dtype=np.float64)
    points = rim_points(orbits) / MM_PER_PX + np.array(_MIDDLE)
    fixed = anchors @ canvas.turn(orbits.tilt).T + np.array(_MIDDLE)
    warp = RBFInterpolator(np.vstack([rims, anchors]), np.vstack([points, fixed]))
    film = orbit_film(np.random.default_rng([seed, 6]), points, warp, 1.0, size, bits)
    return replace(film, facts={**film.facts, **orbit_truth(orbits)})


def orbit_truth(orbits: Orbits) -> Mapping[str, float]:
    """What is to be measured, by the names of the measurements: mm, degrees, % and a ratio.

    Args:
        orbits: Their measurements.
    """
    points = rim_points(orbits)
    lod = float(np.hypot(*(points[3] - points[0])))
    width_right, width_left = orbits.width_right, orbits.width_left
    return {
        "orbit_width_right": width_right,
        "orbit_width_left": width_left,
        "iod": orbits.iod,
        "lod": lod,
        "iod_lod_ratio": orbits.iod / lod,
        "medial_depth_right": orbits.depth_right,
        "medial_depth_left": orbits.depth_left,
        "medial_depth_difference": orbits.depth_right - orbits.depth_left,
        "head_tilt": abs(orbits.tilt),
        "orbit_asymmetry": 100 * (width_right - width_left) / ((width_right + width_left) / 2),
    }
