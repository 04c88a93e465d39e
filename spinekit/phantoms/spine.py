"""Synthetic AP full-spine films with exact corners and an exact main Cobb angle.

Sizes of bodies and discs are medians over the labels of the public AASCE 2019 training films, as shares of
the length from the upper edge of T1 to the lower edge of L5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.phantoms import canvas
from spinekit.phantoms.canvas import Field
from spinekit.phantoms.phantom import Phantom
from spinekit.phantoms.torso import Frame, draw_torso

LEVELS: tuple[str, ...] = (*(f"T{k}" for k in range(1, 13)), *(f"L{k}" for k in range(1, 6)))
CORNERS: tuple[str, ...] = ("TL", "TR", "BL", "BR")

# Medians over 481 films, shares of the T1..L5 length: body widths, body heights, gaps below T1 .. L4.
_WIDTHS: tuple[float, ...] = (
    *(0.0737, 0.069, 0.0649, 0.0636, 0.0649, 0.0673, 0.0703, 0.0717, 0.0749, 0.0786, 0.0831, 0.0887),
    *(0.0929, 0.0953, 0.0989, 0.1039, 0.1114),
)
_HEIGHTS: tuple[float, ...] = (
    *(0.0289, 0.0325, 0.0359, 0.0382, 0.0407, 0.0415, 0.0425, 0.0431, 0.0446, 0.0467, 0.0486, 0.051),
    *(0.0521, 0.0528, 0.0547, 0.057, 0.0532),
)
_GAPS: tuple[float, ...] = (
    *(0.0117, 0.0124, 0.0127, 0.0124, 0.0123, 0.0126, 0.0132, 0.0137, 0.0144, 0.0155, 0.0175, 0.0194),
    *(0.0212, 0.023, 0.0233, 0.0234),
)

_STEEPEST = 60.0  # degrees of a body
_WIDEST_WEDGE = 25.0  # degrees between the endplates of a body
_LARGEST_COBB = 85.0  # the midline definition folds at 90 degrees


def spine_ap(
    seed: int,
    height: int = 1500,
    width: int | None = None,
    cobb_deg: float | None = None,
    bits: int = 8,
    *,
    tilts: Sequence[float] | None = None,
    wedges: Mapping[str, float] | None = None,
) -> Phantom:
    """An AP full-spine film of a made-up patient.

    Args:
        seed: Everything not asked for follows from it.
        height: Rows.
        width: Columns; chosen by the seed and the curve where None.
        cobb_deg: Main Cobb angle by the mid-line definition (largest angle between the lines that join the
            middles of the left and right sides of two bodies), 0 .. 85 degrees; drawn by the seed where None.
        bits: Grey depth, 8 .. 16.
        tilts: A curve of one's own: the tilt of each of the 17 bodies' mid-lines, T1 to L5, degrees, + = right
            side lower, within 60 of level; they stay as they are, and so do the endplates, which run along them.
        wedges: Angle between the endplates of single bodies by level, degrees, + = open to the right: the
            superior endplate is turned by half of it up on the right, the inferior one down.

    Returns:
        17 things ``T1`` .. ``L5`` with the corners TL, TR, BL, BR in the viewer's frame; facts
        ``cobb_deg``; detector spacing for a film 900 mm high.

    Raises:
        ValueError: For an angle outside 0 .. 85 degrees, tilts that are not 17 or too steep, an unknown level.
    """
    if cobb_deg is not None and not 0.0 <= cobb_deg <= _LARGEST_COBB:
        raise ValueError(f"cobb_deg must lie between 0 and {_LARGEST_COBB:g}, not {cobb_deg:g}")
    rng = np.random.default_rng([seed, 1])
    _check_curve(cobb_deg, tilts, wedges or {})
    if cobb_deg is None:
        cobb_deg = float(np.clip(rng.gamma(3.2, 11.5), 3.0, 80.0))
    shape = _shape(rng, cobb_deg, tilts)
    _wedge(shape, {**({} if tilts is None else dict.fromkeys(LEVELS, 0.0)), **(wedges or {})})
    width = width or _film_width(rng, shape, height)
    corners = _place(rng, shape, height, width)
    film = _render(rng, corners, height, width)
    pixel = 900.0 / height
    return Phantom(
        kind="spine-ap",
        pixels=canvas.quantised(film, bits),
        labels=LEVELS,
        names=CORNERS,
        points=corners,
        spacing=Spacing(pixel, pixel, SpacingOrigin.DETECTOR),
        facts={"cobb_deg": midline_cobb(corners)},
    )


def midline_cobb(corners: FloatArray) -> float:
    """Largest angle between two bodies' mid-lines, degrees (AASCE convention).

    Args:
        corners: (N, 4, 2) TL, TR, BL, BR in isotropic px.
    """
    across = (corners[:, 1] + corners[:, 3] - corners[:, 0] - corners[:, 2]) / 2.0
    tilts = np.degrees(np.arctan2(across[:, 1], across[:, 0]))
    return float(tilts.max() - tilts.min())


def _tilts(rng: np.random.Generator, cobb_deg: float) -> FloatArray:
    """Tilt of each body in degrees, + right side down; largest minus smallest is the asked angle."""
    level = np.arange(17.0)
    pattern = rng.choice(4, p=[0.35, 0.3, 0.2, 0.15])
    apex = (7.0, 8.0, 10.5, 12.5)[pattern] + rng.uniform(-1.0, 1.0)
    reach = rng.uniform(3.0, 4.5)
    # The tilt swings from one extreme above the apex to the other below it, then back towards level.
    raw = -np.tanh((level - apex) / reach * 1.4)
    raw *= np.exp(-(((level - apex) / (reach * rng.uniform(1.9, 2.6))) ** 2))
    if pattern == 1:
        second = apex + rng.uniform(6.0, 7.5)
        raw += (
            rng.uniform(0.35, 0.75) * np.tanh((level - second) / 2.2) * np.exp(-(((level - second) / 5) ** 2))
        )
    # Upright patients: the lowest bodies and the neck's foot come back towards level.
    raw *= np.interp(level, [0, 3, 13, 16], [0.75, 1.0, 1.0, rng.uniform(0.3, 0.8)])
    raw *= rng.choice([-1.0, 1.0], p=[0.65, 0.35])
    # Straight spines wobble more, in proportion, than crooked ones.
    raw += rng.standard_normal(17) * (0.02 + 0.5 / (cobb_deg + 4.0))
    scaled = raw * (cobb_deg / (raw.max() - raw.min()))
    level_on_average: FloatArray = scaled - scaled.mean()
    return level_on_average


def _check_curve(cobb_deg: float | None, tilts: Sequence[float] | None, wedges: Mapping[str, float]) -> None:
    if tilts is not None and (len(tilts) != len(LEVELS) or not max(abs(tilt) for tilt in tilts) <= _STEEPEST):
        raise ValueError(f"tilts must be {len(LEVELS)} angles of at most {_STEEPEST:g} degrees")
    if tilts is not None and cobb_deg is not None:
        raise ValueError("tilts make the angle: cobb_deg cannot be asked for beside them")
    for level, angle in wedges.items():
        if level not in LEVELS or not abs(angle) <= _WIDEST_WEDGE:
            raise ValueError(
                f"wedges has {level}: {angle}, not a level from T1 to L5 and at most {_WIDEST_WEDGE:g} deg"
            )


def _wedge(shape: FloatArray, wedges: Mapping[str, float]) -> None:
    """Turns the endplates of single bodies about their middles, in place: mid-lines keep their tilt."""
    for level, angle in wedges.items():
        body = shape[LEVELS.index(level)]
        across = (body[1] + body[3] - body[0] - body[2]) / 2
        tilt = float(np.degrees(np.arctan2(across[1], across[0])))
        half = (np.hypot(*(body[1] - body[0])) + np.hypot(*(body[3] - body[2]))) / 4
        for left, right, sign in ((0, 1, -1.0), (2, 3, 1.0)):
            middle = (body[left] + body[right]) / 2
            along = canvas.turn(tilt + sign * angle / 2)[:, 0] * half
            body[left], body[right] = middle - along, middle + along


def _shape(rng: np.random.Generator, cobb_deg: float, asked: Sequence[float] | None = None) -> FloatArray:
    """(17, 4, 2) corners in shares of the spine's height, upper edge at y = 0, centred on x = 0."""
    tilts = _tilts(rng, cobb_deg)
    jitter = np.cumsum(rng.standard_normal((3, 17)), axis=1) * 0.012
    widths = np.array(_WIDTHS) * (rng.uniform(0.9, 1.14) + jitter[0] + rng.standard_normal(17) * 0.02)
    heights = np.array(_HEIGHTS) * (1.0 + jitter[1] + rng.standard_normal(17) * 0.02)
    gaps = np.append(np.array(_GAPS), 0.0) * (rng.uniform(0.75, 1.25) + jitter[2])
    tilts = tilts + _balance(tilts, heights + gaps, rng)
    tilts = tilts if asked is None else np.asarray(asked, dtype=np.float64)
    bodies = []
    at = np.zeros(2)
    for k in range(17):
        down = canvas.turn(tilts[k])[:, 1]
        centre = at + down * heights[k] / 2.0
        bodies.append(_body(rng, widths[k], heights[k], tilts[k]) + centre)
        following = canvas.turn(tilts[min(k + 1, 16)])[:, 1]
        at = centre + down * heights[k] / 2.0 + (down + following) * gaps[k] / 2.0
    corners = np.array(bodies)
    corners -= np.array([(corners[..., 0].min() + corners[..., 0].max()) / 2.0, corners[..., 1].min()])
    shares: FloatArray = corners / corners[..., 1].max()
    return shares


def _balance(tilts: FloatArray, steps: FloatArray, rng: np.random.Generator) -> float:
    """The common turn in degrees that brings L5 nearly below T1: patients stand upright."""
    drift = float(np.sum(-np.sin(np.radians(tilts)) * steps) / np.sum(np.cos(np.radians(tilts)) * steps))
    return float(np.degrees(np.arctan(drift)) + rng.normal(0.0, 1.6))


def _body(rng: np.random.Generator, width: float, height: float, tilt: float) -> FloatArray:
    """(4, 2) corners of one body about its centre.

    The middles of both sides lie on the body's own x axis, so that the mid-line has exactly the tilt.
    """
    upper = width * rng.uniform(0.95, 1.0) / 2.0
    lower = width * rng.uniform(0.99, 1.04) / 2.0
    wedge = 1.0 + rng.normal(0.0, 0.025)
    left, right = height * wedge / 2.0, height * (2.0 - wedge) / 2.0
    shift = rng.normal(0.0, 0.01) * width
    local = np.array([[-upper + shift, -left], [upper + shift, -right], [-lower, left], [lower, right]])
    turned: FloatArray = local @ canvas.turn(tilt).T
    return turned


def _film_width(rng: np.random.Generator, shape: FloatArray, height: int) -> int:
    """Columns of a film that shows the whole curve."""
    needed = (shape[..., 0].max() - shape[..., 0].min()) * 0.93 + 0.1
    return round(height * max(rng.uniform(0.29, 0.46), float(needed)))


def _place(rng: np.random.Generator, shape: FloatArray, height: int, width: int) -> FloatArray:
    """(17, 4, 2) corners in px of the film: scaled and shifted, never turned, so that angles stay."""
    extent = shape[..., 0].max() - shape[..., 0].min()
    length = min(height * rng.uniform(0.8, 0.925), 0.9 * width / float(extent))
    free_x = width - extent * length
    free_y = height - length
    left = free_x * np.clip(rng.normal(0.48, 0.12), 0.12, 0.88)
    top = free_y * rng.uniform(0.25, 0.65)
    placed: FloatArray = shape * length + np.array([left - shape[..., 0].min() * length, top])
    return placed


def _render(rng: np.random.Generator, corners: FloatArray, height: int, width: int) -> Field:
    """The film as (H, W) grey 0..1."""
    frame = Frame.of(corners, height, width)
    film = draw_torso(rng, frame)
    film += _vertebrae(rng, frame)
    return _developed(rng, film, frame)


@dataclass(frozen=True, slots=True, eq=False)
class _Vertebra:
    """One body with its own axes: ``at(u, v)`` is u widths right and v heights below the centre."""

    corner: FloatArray
    level: int
    across: FloatArray
    down: FloatArray

    @classmethod
    def of(cls, corner: FloatArray, level: int) -> _Vertebra:
        """From (4, 2) corners."""
        tl, tr, bl, br = corner
        return cls(corner, level, (tr + br - tl - bl) / 2.0, (bl + br - tl - tr) / 2.0)

    @property
    def width(self) -> float:
        """Length of the mid-line, px."""
        return float(np.hypot(*self.across))

    def at(self, u: float, v: float) -> FloatArray:
        """(2,) px."""
        place: FloatArray = self.corner.mean(axis=0) + self.across * u + self.down * v
        return place


def _vertebrae(rng: np.random.Generator, frame: Frame) -> Field:
    """Bodies, end plates, pedicles and processes as added grey."""
    height, width = frame.height, frame.width
    parts = {name: canvas.layer(height, width) for name in ("body", "plate", "side", "pedicle", "process")}
    fine = frame.length / 1350.0
    waist = rng.uniform(0.02, 0.06)
    turned = rng.normal(0.0, 0.05)
    for level, corner in enumerate(frame.corners):
        vertebra = _Vertebra.of(corner, level)
        _draw_body(rng, parts, vertebra, waist, fine)
        _draw_arch(rng, parts, vertebra, turned, fine)
    lumbar = np.interp(np.arange(height), frame.levels_y[[0, 9, 13]], [0.75, 0.85, 1.15])
    bone = (
        canvas.blurred(parts["body"], 1.2 * fine) * np.float32(0.075)
        + canvas.blurred(parts["plate"], 0.9 * fine) * np.float32(0.11)
        + canvas.blurred(parts["side"], 1.1 * fine) * np.float32(0.07)
        + canvas.blurred(parts["pedicle"], 1.1 * fine) * np.float32(0.085)
        + canvas.blurred(parts["process"], 1.6 * fine) * np.float32(0.095)
    )
    trabecular = canvas.cloud(rng, height, width, 5.0 * fine) * canvas.blurred(parts["body"], 1.0)
    bone += trabecular * np.float32(0.008)
    strength = rng.uniform(0.45, 1.1)
    return np.asarray(bone * lumbar[:, None] * strength, dtype=np.float32)


def _draw_body(
    rng: np.random.Generator, parts: dict[str, canvas.Layer], vertebra: _Vertebra, waist: float, fine: float
) -> None:
    """The body with bright end plates and a waist; its corners are the truth."""
    tl, tr, bl, br = vertebra.corner
    dent, narrow = vertebra.down * 0.03, vertebra.across * waist
    upper = canvas.smooth(np.array([tl, (tl + tr) / 2 + dent, tr]), 16)
    lower = canvas.smooth(np.array([br, (bl + br) / 2 - dent, bl]), 16)
    right = canvas.smooth(np.array([tr, (tr + br) / 2 - narrow, br]), 16)
    left = canvas.smooth(np.array([bl, (tl + bl) / 2 + narrow, tl]), 16)
    canvas.fill(parts["body"], np.vstack([upper, right, lower, left]))
    for line in (upper, lower):
        canvas.stroke(parts["plate"], line, 2.6 * fine, int(rng.integers(170, 256)))
    for line in (left, right):
        canvas.stroke(parts["side"], line, 2.4 * fine)


def _draw_arch(
    rng: np.random.Generator, parts: dict[str, canvas.Layer], vertebra: _Vertebra, turned: float, fine: float
) -> None:
    """Pedicles, processes and facets; ``turned`` shifts the hind parts (axial rotation), in widths."""
    at, level, width = vertebra.at, vertebra.level, vertebra.width
    tilt = float(np.degrees(np.arctan2(vertebra.across[1], vertebra.across[0])))
    spread = 0.31 if level > 10 else 0.27
    tall = float(np.hypot(*vertebra.down)) * (0.25 if level > 3 else 0.2)
    for side in (-1.0, 1.0):
        centre = at(side * spread + turned, -0.12)
        ring = canvas.ellipse(centre, (width * 0.075, tall), tilt + side * 6.0)
        canvas.stroke(parts["pedicle"], ring, 2.2 * fine, closed=True)
        _draw_transverse(rng, parts["process"], vertebra, side)
        if level > 10:
            facet = [at(side * u + turned, v) for u, v in ((0.2, 0.35), (0.27, 0.55), (0.25, 0.8))]
            canvas.stroke(parts["process"], np.array(facet), width * 0.06, 150)
    thoracic = ((-0.035, 0.05), (0.0, 0.75), (0.035, 0.05))
    lumbar = ((-0.05, 0.0), (-0.035, 0.62), (0.04, 0.6), (0.05, 0.0))
    spinous = np.array([at(turned + u, v) for u, v in (thoracic if level <= 11 else lumbar)])
    canvas.fill(parts["process"], spinous, 110)
    canvas.stroke(parts["process"], spinous, 1.6 * fine, 220, closed=True)


def _draw_transverse(
    rng: np.random.Generator, target: canvas.Layer, vertebra: _Vertebra, side: float
) -> None:
    """A transverse process: short and rising beside thoracic bodies, longer beside lumbar ones."""
    lumbar = vertebra.level > 11
    reach = (0.78 if lumbar else 0.68) + float(rng.normal(0.0, 0.04))
    bends = ((0.44, -0.08), (0.58, -0.14), (reach, -0.12 if lumbar else -0.28))
    line = np.array([vertebra.at(side * u, v) for u, v in bends])
    canvas.stroke(target, canvas.smooth(line, 10), vertebra.width * 0.075, 110)


def _developed(rng: np.random.Generator, film: Field, frame: Frame) -> Field:
    """Blur, noise, uneven exposure and the tone curve."""
    height, width = frame.height, frame.width
    fine = frame.length / 1350.0
    film = canvas.blurred(film, rng.uniform(0.5, 1.1) * fine)
    film += canvas.cloud(rng, height, width, 90 * fine) * np.float32(0.012)
    y, x = frame.grid()
    vignette = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2 * 0.5) * np.float32(rng.uniform(0.0, 0.22))
    film = np.asarray(film - vignette, dtype=np.float32)
    film += rng.standard_normal((height, width), dtype=np.float32) * np.float32(rng.uniform(0.004, 0.012))
    low, high = np.percentile(film[::8, ::8], [rng.uniform(0.5, 16.0), 99.6])
    grey = np.clip((film - low) / max(high - low, 0.2), 0.0, 1.0)
    top = rng.uniform(0.72, 0.98)
    return np.asarray(grey ** rng.uniform(0.75, 1.25) * top, dtype=np.float32)
