"""The spine of a lateral film as the rest is drawn around it: everything in px, facing the image's right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.phantoms.canvas import Field
from spinekit.phantoms.profile import LEVELS, Profile


@dataclass(frozen=True, slots=True, eq=False)
class SideFrame:
    """A lateral spine on its film.

    Attributes:
        corners: (24, 4, 2) px, in the order of `spinekit.phantoms.profile`.
        rings: For each level its outline, (N, 2) px.
        hips: (2, 2) px centres of the femoral heads.
        mm: Px of a millimetre.
        height: Rows.
        width: Columns.
    """

    corners: FloatArray
    rings: tuple[FloatArray, ...]
    hips: FloatArray
    mm: float
    height: int
    width: int

    @classmethod
    def of(cls, profile: Profile, mm: float, origin: FloatArray, height: int, width: int) -> SideFrame:
        """A profile in mm, its (0, 0) laid to ``origin``, at ``mm`` px a millimetre."""
        return cls(
            profile.corners * mm + origin,
            tuple(ring * mm + origin for ring in profile.rings),
            profile.hips * mm + origin,
            mm,
            height,
            width,
        )

    def centre(self, level: str) -> FloatArray:
        """(2,) px middle of a body."""
        middle: FloatArray = self.corners[LEVELS.index(level)].mean(axis=0)
        return middle

    def at(self, level: str, ahead: float, down: float) -> FloatArray:
        """(2,) px of a place so many mm in front of and below a body's middle, along the film's axes."""
        return self.centre(level) + np.array([ahead, down]) * self.mm

    def places(self, rows: tuple[tuple[str, float, float], ...]) -> FloatArray:
        """(N, 2) px of several places as `at` takes them."""
        return np.array([self.at(*row) for row in rows])

    def on(self, index: int, u: float, v: float) -> FloatArray:
        """(2,) px beside a body in its own axes: ``u`` depths ahead of and ``v`` heights below its middle."""
        behind, front, foot, ahead = self.corners[index]
        across, down = (front + ahead - behind - foot) / 2, (foot + ahead - behind - front) / 2
        place: FloatArray = self.corners[index].mean(axis=0) + across * u + down * v
        return place

    def by_rows(self, values: FloatArray) -> Field:
        """(H, 1) values given at the 24 middles, between and beyond them by their height on the film."""
        middles = self.corners.mean(axis=1)[:, 1]
        order = np.argsort(middles)
        rows = np.arange(self.height)
        return np.interp(rows, middles[order], np.asarray(values)[order]).astype(np.float32)[:, None]
