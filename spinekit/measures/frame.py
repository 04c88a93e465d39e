"""From pixels of the image to the plane in which measuring is done, and back.

The plane is calibrated (mm, or isotropic pixels where no spacing is known), y down. In lateral views x runs
to the front of the patient, whichever way the film shows it: a mirrored film gives identical numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinekit.core.geometry import calibrated
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.measurement import Status
from spinekit.core.scene import Absent, Scene
from spinekit.core.spacing import SpacingOrigin

FARTHEST = 1e6  # px; a point or a spread beyond is no measurement but a fault

# Pairs from back to front, and points below them: the side they turn to tells the way a face looks
# even where the head is tilted.
_BACK_TO_FRONT = (("S", "N"), ("Po", "Or"), ("PNS", "ANS"))
_BELOW = ("Me", "Gn", "Pog", "Go", "B")


@dataclass(frozen=True, slots=True)
class Plane:
    """How pixels become plane coordinates.

    Attributes:
        scale: (2,) units per pixel along x and y.
        front: +1 where the front is to the image's right (and in views without a front), otherwise -1.
        unit: ``mm`` or ``px``.
    """

    scale: FloatArray
    front: int
    unit: str

    def to_plane(self, xy: FloatArray) -> FloatArray:
        """(..., 2) pixels to plane coordinates."""
        return np.asarray(xy * self.scale * np.array([self.front, 1]))

    def to_pixels(self, xy: FloatArray) -> FloatArray:
        """(..., 2) plane coordinates to pixels."""
        return np.asarray(xy * np.array([self.front, 1]) / self.scale)


@dataclass(frozen=True, slots=True)
class Doubt:
    """What of an image's calibration touches a value.

    Attributes:
        origin: Source of the millimetres, for a length that has them.
        status: OK or REVIEW.
        reasons: Why to review.
    """

    origin: SpacingOrigin | None = None
    status: Status = Status.OK
    reasons: tuple[str, ...] = ()


def plane_of(ref: ImageRef, front: int = 1) -> Plane:
    """The plane of an image.

    Args:
        ref: Its spacing or aspect is used.
        front: +1 or -1, see `Plane`.
    """
    return Plane(calibrated(np.ones(2), ref), front, ref.unit)


def length_doubt(ref: ImageRef) -> Doubt:
    """What a length measured on this image must say of its calibration."""
    if ref.spacing is None:
        return Doubt()
    if ref.spacing.needs_review:
        return Doubt(ref.spacing.origin, Status.REVIEW, (f"lengths are {ref.spacing.label}",))
    return Doubt(ref.spacing.origin)


def front_of(scene: Scene) -> int | Absent:
    """The side of the image that the patient's front is on: +1 right, -1 left.

    Told by anatomy, never by a flag: the turn from a line that runs from back to front to a point below
    it; where no such point is there, the direction of that line alone.

    Args:
        scene: Only lateral views have a front; others give +1.

    Returns:
        The side, or `Absent` where the points that would tell are missing.
    """
    if not scene.schema.view.endswith("lateral"):
        return 1
    wanted = []
    for back_name, front_name in _BACK_TO_FRONT:
        back, front = _point(scene, back_name), _point(scene, front_name)
        if back is None or front is None:
            wanted.append(f"{back_name} and {front_name}")
            continue
        forward = calibrated(front - back, scene.image)
        for name in _BELOW:
            below = _point(scene, name)
            if below is not None:
                down = calibrated(below - back, scene.image)
                turn = forward[0] * down[1] - forward[1] * down[0]
                if turn != 0:
                    return 1 if turn > 0 else -1
        if forward[0] != 0:
            return 1 if forward[0] > 0 else -1
    return Absent(f"the way the face looks is unknown: {' or '.join(wanted or ['S and N'])} would tell")


def _point(scene: Scene, name: str) -> FloatArray | None:
    found = scene.point(name)
    return None if isinstance(found, Absent) or not bool((np.abs(found) < FARTHEST).all()) else found
