"""The lateral profile of a made-up spine, C2 to the femoral heads, with exact truth: curves, fractures, slips.

Built from the sacrum upwards in mm, x to the front, y down: every tilt of an endplate, posterior height, depth,
slip and posterior disc height is what was asked for; the rest follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from spinekit.core.image import FloatArray

LEVELS: tuple[str, ...] = (
    *(f"C{k}" for k in range(2, 8)),
    *(f"T{k}" for k in range(1, 13)),
    *(f"L{k}" for k in range(1, 6)),
    "S1",
)
POINTS: tuple[str, ...] = ("sup_post", "sup_ant", "inf_post", "inf_ant")
_STEPS = 24  # points along each border of an outline
_HIP_DISTANCE = 105.0  # mm from the sacral endplate to the femoral heads
_HIP_SPREAD = 8.0  # mm between the two heads, as a film that is a little turned shows them


@dataclass(frozen=True, slots=True)
class Curves:
    """The angles of a profile in degrees: lordosis and kyphosis positive, slopes positive where the front is lower.

    Attributes:
        lumbar_lordosis: Superior endplate of L1 to that of S1.
        thoracic_kyphosis: Superior endplate of T4 to the inferior one of T12.
        cervical_lordosis: Inferior endplate of C2 to that of C7.
        sacral_slope: Superior endplate of S1.
        pelvic_tilt: Of the hips below the sacrum.
    """

    lumbar_lordosis: float = 58.0
    thoracic_kyphosis: float = 38.0
    cervical_lordosis: float = 14.0
    sacral_slope: float = 40.0
    pelvic_tilt: float = 13.0


@dataclass(frozen=True, slots=True)
class Faults:
    """What ails single bodies; levels as keys.

    Attributes:
        wedge: Ha is short of Hp by this share.
        biconcave: Hm is short of Hp by this share; both endplates are hollow alike.
        crush: Ha and Hp are short of what they would be by this share.
        slip: The body stands this share of the lower body's endplate ahead of it (+) or behind.
        narrow: The disc below the body is lower by this share.
        lip: Anterior lips on both endplates, mm.
    """

    wedge: Mapping[str, float] = field(default_factory=dict)
    biconcave: Mapping[str, float] = field(default_factory=dict)
    crush: Mapping[str, float] = field(default_factory=dict)
    slip: Mapping[str, float] = field(default_factory=dict)
    narrow: Mapping[str, float] = field(default_factory=dict)
    lip: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Build:
    """The sizes of a person's 24 bodies, C2 to S1, (24,) each.

    Attributes:
        depth: Of an endplate from back to front, mm.
        height: Of the posterior wall, mm.
        disc: Posterior height of the disc below, mm; that of S1 counts for nothing.
        lean: How far the walls lean backwards against the perpendicular of the endplates, degrees.
    """

    depth: FloatArray
    height: FloatArray
    disc: FloatArray
    lean: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """A lateral spine.

    Attributes:
        corners: (24, 4, 2) mm in the order of `LEVELS` and `POINTS`.
        middles: (24, 2, 2) mm middles of the superior and the inferior endplate.
        rings: For each level its outline, (N, 2) mm.
        hips: (2, 2) mm centres of the femoral heads.
        facts: Truth by the names of the measurements.
    """

    corners: FloatArray
    middles: FloatArray
    rings: tuple[FloatArray, ...]
    hips: FloatArray
    facts: Mapping[str, float]


def usual_build() -> Build:
    """Sizes of a usual adult, walls upright on the endplates."""
    place, knots = np.arange(24.0), [0, 5, 6, 17, 22, 23]
    return Build(
        depth=np.interp(place, knots, [15.0, 17.0, 17.5, 30.0, 35.0, 34.0]),
        height=np.interp(place, knots, [13.0, 14.5, 16.0, 25.0, 28.0, 30.0]),
        disc=np.interp(place, knots, [4.0, 4.2, 3.6, 5.0, 6.5, 6.5]),
        lean=np.zeros(24),
    )


def lateral_profile(
    curves: Curves | None = None, faults: Faults | None = None, build: Build | None = None
) -> Profile:
    """A profile with the asked angles and faults.

    Args:
        curves: None for those of a usual adult.
        faults: None for a sound spine.
        build: None for the sizes of a usual adult.
    """
    wanted, ail = curves or Curves(), faults or Faults()
    top, bottom = _plate_tilts(wanted)
    corners, slips, gaps = _stacked(top, bottom, ail, build or usual_build())
    middles = _middles(corners, ail)
    rings = tuple(
        _ring(body, middle, ail.lip.get(level, 0.0))
        for level, body, middle in zip(LEVELS, corners, middles, strict=True)
    )
    hips = _hips(corners[-1], wanted.pelvic_tilt)
    facts = {**_angles(wanted), **_lengths(corners, middles), **slips, **gaps}
    return Profile(corners, middles, rings, hips, facts)


def _plate_tilts(curves: Curves) -> tuple[FloatArray, FloatArray]:
    """Tilts of the 24 superior and inferior endplates, degrees."""
    sacrum = curves.sacral_slope
    upper_lumbar = sacrum - curves.lumbar_lordosis
    upper_thoracic = upper_lumbar + curves.thoracic_kyphosis
    upper_chest = upper_thoracic + 4.0
    axis = upper_chest - curves.cervical_lordosis
    # Places of endplates down the column: the superior one of level k at 2 k, the inferior one at 2 k + 1.
    place = {level: 2.0 * index for index, level in enumerate(LEVELS)}
    knots = (
        (0.0, axis), (place["C2"] + 1, axis), (place["C7"] + 1, upper_chest), (place["T1"], upper_chest),
        (place["T4"], upper_thoracic), (place["T12"] + 1, upper_lumbar), (place["L1"], upper_lumbar),
        (place["S1"], sacrum), (place["S1"] + 1, sacrum),
    )  # fmt: skip
    where, values = zip(*knots, strict=True)
    tilts = np.interp(np.arange(2.0 * len(LEVELS)), where, values)
    return np.asarray(tilts[0::2]), np.asarray(tilts[1::2])


def _stacked(
    top: FloatArray, bottom: FloatArray, ail: Faults, build: Build
) -> tuple[FloatArray, dict[str, float], dict[str, float]]:
    """Corners from the sacrum up, the slips and the posterior disc heights."""
    corners = np.zeros((len(LEVELS), 4, 2))
    slips: dict[str, float] = {}
    gaps: dict[str, float] = {}
    for row in range(len(LEVELS) - 1, -1, -1):
        level = LEVELS[row]
        foot = np.zeros(2)
        if row + 1 < len(LEVELS):
            name = f"{level}_{LEVELS[row + 1]}".lower()
            share, gap = ail.slip.get(level, 0.0), build.disc[row] * (1.0 - ail.narrow.get(level, 0.0))
            foot = _foot(corners[row + 1], bottom[row], share, gap)
            slips[f"slip_{name}"], gaps[f"disc_height_posterior_{name}"] = 100.0 * share, gap
        tall = build.height[row] * (1.0 - ail.crush.get(level, 0.0))
        up = -_along((top[row] + bottom[row]) / 2 + 90.0 - build.lean[row])
        behind, ahead = foot + tall * up, foot + build.depth[row] * _along(bottom[row])
        front = behind + build.depth[row] * _along(top[row])
        if level in ail.wedge:
            front = ahead + (1.0 - ail.wedge[level]) * tall * up
        corners[row] = behind, front, foot, ahead
    return corners, slips, gaps


def _foot(below: FloatArray, tilt: float, share: float, gap: float) -> FloatArray:
    """The lower posterior corner of a body over another: so far along its plate, so far above it across the disc."""
    behind, front = below[0], below[1]
    plate = front - behind
    length = float(np.hypot(plate[0], plate[1]))
    along = plate / length
    normal = np.array([-along[1], along[0]])  # down
    under = float(np.degrees(np.arctan2(plate[1], plate[0])))
    across = _along((tilt + under) / 2 + 90.0)
    shift = share * length
    rise = (gap + shift * float(along @ across)) / float(normal @ across)
    return np.asarray(behind + shift * along - rise * normal)


def _along(degrees: float) -> FloatArray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def _middles(corners: FloatArray, ail: Faults) -> FloatArray:
    """Middles of the endplates on the perpendicular of the body's mid-line."""
    found = np.zeros((len(corners), 2, 2))
    for row, (level, body) in enumerate(zip(LEVELS, corners, strict=True)):
        middles = np.stack([(body[0] + body[1]) / 2, (body[2] + body[3]) / 2])
        if level in ail.biconcave:
            tall = float(np.hypot(*(body[2] - body[0])))
            way = middles[1] - middles[0]
            lost = float(np.hypot(*way)) - (1.0 - ail.biconcave[level]) * tall
            step = way / float(np.hypot(*way)) * lost / 2
            middles = middles + np.stack([step, -step])
        found[row] = middles
    return found


def _ring(body: FloatArray, middles: FloatArray, lip: float) -> FloatArray:
    """The outline, clockwise for a patient who faces right: over the top, down the front, back below, up."""
    behind, front, foot, ahead = body
    share = np.linspace(0, 1, _STEPS)[:, None]

    def plate(start: FloatArray, end: FloatArray, middle: FloatArray) -> FloatArray:
        bow = middle - (start + end) / 2
        return np.asarray(start + (end - start) * share + bow * 4 * share * (1 - share))

    upper, lower = plate(behind, front, middles[0]), plate(ahead, foot, middles[1])
    side = front + (ahead - front) * share
    if lip > 0:
        # A lip is a small triangle on the wall, next to the endplate.
        away = (front - behind) / float(np.hypot(*(front - behind)))
        near = np.minimum(share, 1 - share)
        side = side + away * lip * np.clip(1 - near / 0.15, 0, 1)
    return np.concatenate(
        [upper[:-1], side[1:-1] if lip <= 0 else side, lower[:-1], foot + (behind - foot) * share[:-1]]
    )


def _hips(sacrum: FloatArray, tilt: float) -> FloatArray:
    """Centres of both heads about the axis below and in front of the sacral endplate."""
    middle = (sacrum[0] + sacrum[1]) / 2
    axis = middle + _HIP_DISTANCE * np.array([np.sin(np.radians(tilt)), np.cos(np.radians(tilt))])
    beside = np.array([_HIP_SPREAD / 2, 0.0])
    return np.stack([axis - beside, axis + beside])


def _angles(curves: Curves) -> dict[str, float]:
    incidence = curves.sacral_slope + curves.pelvic_tilt
    return {
        "lumbar_lordosis": curves.lumbar_lordosis,
        "thoracic_kyphosis": curves.thoracic_kyphosis,
        "cervical_lordosis": curves.cervical_lordosis,
        "sacral_slope": curves.sacral_slope,
        "pelvic_tilt": curves.pelvic_tilt,
        "pelvic_incidence": incidence,
        "pi_ll": incidence - curves.lumbar_lordosis,
        "t1_slope": curves.sacral_slope - curves.lumbar_lordosis + curves.thoracic_kyphosis + 4.0,
    }


def _lengths(corners: FloatArray, middles: FloatArray) -> dict[str, float]:
    facts = {
        "sva": float(corners[LEVELS.index("C7")].mean(axis=0)[0] - corners[-1, 0, 0]),
    }
    for level, body, middle in zip(LEVELS, corners, middles, strict=True):
        facts |= {
            f"body_height_anterior_{level}".lower(): float(np.hypot(*(body[3] - body[1]))),
            f"body_height_posterior_{level}".lower(): float(np.hypot(*(body[2] - body[0]))),
            f"body_height_middle_{level}".lower(): float(np.hypot(*(middle[1] - middle[0]))),
        }
    return facts
