"""What bodies of a frontal spine look like, measured on the training part of AASCE 2019 (n = 321 films)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinekit.core.image import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SpinePrior:
    """Sizes and spacing along a spine, cranial to caudal.

    Attributes:
        levels: L names.
        log_width: (L,) natural logarithm of the mid-line width, less its mean over the spine.
        log_height: (L,) likewise of the mid height.
        log_pitch: Mean logarithm of the distance of neighbouring centres over their mean height.
        width_sd: Spread of one film's ``log_width``.
        height_sd: Spread of one film's ``log_height``.
        pitch_sd: Spread of ``log_pitch``.
        tilt_sd: Spread of the tilt between neighbours, degrees.
        bend_sd: Spread of the angle between the way to the next centre and the bodies' own axis, degrees.
    """

    levels: tuple[str, ...]
    log_width: FloatArray
    log_height: FloatArray
    log_pitch: float
    width_sd: float
    height_sd: float
    pitch_sd: float
    tilt_sd: float
    bend_sd: float


def frontal_prior() -> SpinePrior:
    """The prior of T1..L5 on frontal films; spreads are rounded up, since candidates are less exact than labels."""
    return SpinePrior(
        levels=(*(f"T{k}" for k in range(1, 13)), *(f"L{k}" for k in range(1, 6))),
        log_width=np.array(
            (
                *(-0.056, -0.129, -0.192, -0.209, -0.190, -0.160, -0.116, -0.080, -0.045),
                *(-0.006, 0.047, 0.097, 0.128, 0.148, 0.192, 0.249, 0.322),
            )
        ),
        log_height=np.array(
            (
                *(-0.413, -0.301, -0.213, -0.136, -0.079, -0.055, -0.036, -0.027, 0.006),
                *(0.056, 0.100, 0.145, 0.172, 0.169, 0.215, 0.236, 0.161),
            )
        ),
        log_pitch=0.333,
        width_sd=0.10,
        height_sd=0.16,
        pitch_sd=0.18,
        tilt_sd=8.0,
        bend_sd=7.0,
    )
