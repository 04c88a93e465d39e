"""Synthetic lateral films of the spine, C2 to S1, with exact corners and exact angles.

A made-up patient's profile (`spinekit.phantoms.profile`) in a drawn surrounding: shoulders whiten the upper chest,
lungs darken the lower one, the head stands above and the pelvis below; the whole spine, the neck or the loin.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.phantoms import canvas
from spinekit.phantoms.canvas import Field
from spinekit.phantoms.phantom import Phantom
from spinekit.phantoms.profile import (
    LEVELS,
    POINTS,
    Build,
    Curves,
    Faults,
    Profile,
    lateral_profile,
    usual_build,
)
from spinekit.phantoms.side_frame import SideFrame
from spinekit.phantoms.side_torso import draw_side, lead_and_metal

Part = Literal["whole", "neck", "loin"]
"""What a lateral film shows."""

Facing = Literal["right", "left"]
"""Where the patient looks on the film."""

_TRIES = 12  # of curves, of which the one with the best balance is taken
_AROUND = 40.0  # mm of film that a whole spine has around it
_MEASURED = ("T1", "T4", "L1")  # by their superior plates, which a wedge would turn from what was asked


def spine_lateral(
    seed: int,
    height: int = 1400,
    bits: int = 8,
    *,
    part: Part | None = None,
    facing: Facing | None = None,
    curves: Curves | None = None,
) -> Phantom:
    """A lateral film of a made-up patient.

    Args:
        seed: Everything not asked for follows from it.
        height: Rows.
        bits: Grey depth, 8 .. 16.
        part: What is on the film; drawn by the seed where None, mostly the whole spine.
        facing: Where the patient looks; drawn by the seed where None, mostly to the right.
        curves: Angles of the spine; drawn by the seed where None.

    Returns:
        A thing for each body that lies wholly on the film, ``C2`` .. ``S1``, with the points sup_post, sup_ant,
        inf_post, inf_ant; as facts the angles of the whole profile by the names of their measurements; detector
        spacing.

    Raises:
        ValueError: For an unknown part or facing.
    """
    if part not in (None, *get_args(Part)) or facing not in (None, *get_args(Facing)):
        raise ValueError(
            f"part {part!r}, facing {facing!r}: choose of {get_args(Part)} and {get_args(Facing)}"
        )
    rng = np.random.default_rng([seed, 5])
    part = part or rng.choice(get_args(Part), p=[0.74, 0.19, 0.07])
    facing = facing or ("right" if rng.random() < 0.7 else "left")
    profile = _upright(rng, curves)
    frame = _placed(rng, profile, part, height)
    film = _render(rng, frame, part)
    points = frame.corners
    if facing == "left":
        film = np.ascontiguousarray(film[:, ::-1])
        points = np.stack([frame.width - 1 - points[..., 0], points[..., 1]], axis=-1)
    shown = np.flatnonzero(((points >= 0) & (points <= [frame.width - 1, frame.height - 1])).all(axis=(1, 2)))
    return Phantom(
        kind="spine-lateral",
        pixels=canvas.quantised(film, bits),
        labels=tuple(LEVELS[k] for k in shown),
        names=POINTS,
        points=points[shown],
        spacing=Spacing(1 / frame.mm, 1 / frame.mm, SpacingOrigin.DETECTOR),
        facts=dict(profile.facts),
    )


def _upright(rng: np.random.Generator, curves: Curves | None) -> Profile:
    """A profile whose head stands about above its pelvis, as standing patients hold it."""
    build, faults = _build(rng), _faults(rng)
    tries = [lateral_profile(curves or _curves(rng), faults, build) for _ in range(1 if curves else _TRIES)]
    wanted = rng.normal(15.0, 28.0)  # mm by which the neck's foot is ahead of the sacrum
    return min(tries, key=lambda profile: abs(profile.facts["sva"] - wanted))


def _curves(rng: np.random.Generator) -> Curves:
    """Angles of patients, from flat backs to hunched ones."""
    slope = float(np.clip(rng.normal(38, 9), 12, 62))
    return Curves(
        lumbar_lordosis=float(np.clip(slope + rng.normal(17, 8), 18, 85)),
        thoracic_kyphosis=float(np.clip(rng.normal(37, 14), 4, 80)),
        cervical_lordosis=float(np.clip(rng.normal(8, 14), -22, 42)),
        sacral_slope=slope,
        pelvic_tilt=float(np.clip(rng.normal(13, 7), -5, 35)),
    )


def _build(rng: np.random.Generator) -> Build:
    """A person's bodies: smooth deviations from the usual, and small ones from body to body."""
    usual, place = usual_build(), np.arange(24.0)

    def varied(values: FloatArray, smooth: float, single: float) -> FloatArray:
        bow = np.interp(place, np.linspace(0, 23, 5), rng.normal(0, smooth, 5))
        return np.asarray(values * np.exp(bow + rng.normal(0, single, 24)))

    depth = varied(usual.depth, 0.06, 0.025) * rng.uniform(0.92, 1.15)
    lean = np.interp(place, [0, 5, 8, 16, 23], [8, 7, 1, 1, 3]) * rng.uniform(0.4, 1.3) + rng.normal(
        0, 1.2, 24
    )
    usual.height[23] *= 0.8  # as much of the sacrum as is taken for its first body
    return Build(depth, varied(usual.height, 0.06, 0.03), varied(usual.disc, 0.18, 0.12), lean)


def _faults(rng: np.random.Generator) -> Faults:
    """Every body a little wedged, one now and then crushed, slipped or lipped."""
    whole = [level for level in LEVELS[6:22] if level not in _MEASURED]
    wedge = {level: float(np.clip(rng.normal(0.03, 0.035), -0.06, 0.16)) for level in whole}
    biconcave = {level: float(rng.uniform(0.0, 0.09)) for level in LEVELS[:23]}
    slip = {level: float(rng.normal(0.0, 0.02)) for level in LEVELS[:23]}
    crush: dict[str, float] = {}
    if rng.random() < 0.15:
        ill = whole[int(rng.integers(2, len(whole)))]
        wedge[ill], crush[ill] = float(rng.uniform(0.15, 0.4)), float(rng.uniform(0.0, 0.15))
    if rng.random() < 0.12:
        slip[str(rng.choice(["L3", "L4", "L5"]))] = float(rng.uniform(0.06, 0.25))
    worn = rng.uniform(0.0, 0.5)
    narrow = {level: float(rng.uniform(0.0, worn)) for level in LEVELS[:23]}
    lip = {level: float(rng.uniform(0.5, 3.0)) for level in LEVELS[2:22] if rng.random() < 0.25 * worn}
    return Faults(wedge=wedge, biconcave=biconcave, crush=crush, slip=slip, narrow=narrow, lip=lip)


def _placed(rng: np.random.Generator, profile: Profile, part: Part, height: int) -> SideFrame:
    """The profile on a film of ``height`` rows: turned a little as patients stand, scaled and shifted."""
    corners = profile.corners
    top, foot = corners[0].mean(axis=0), corners[-1].mean(axis=0)
    whole = float(foot[1] - top[1])
    if part == "whole":
        size = whole / rng.uniform(0.6, 0.82)
        head = min(rng.uniform(0.03, 0.16) * size, size - whole - _AROUND)
        wide = max(rng.uniform(0.36, 0.5), (np.ptp(corners[..., 0]) + 2 * _AROUND) / size)
        column = rng.uniform(0.28, 0.5)
    elif part == "neck":
        neck = float(corners[5, 2, 1] - top[1])
        size = neck / rng.uniform(0.42, 0.62)
        head = rng.uniform(0.14, 0.3) * size
        wide, column = rng.uniform(0.75, 1.1), rng.uniform(0.35, 0.55)
    else:
        size = rng.uniform(260, 400)
        head = float(top[1]) - float(corners[int(rng.integers(14, 18)), 0, 1]) + 10
        wide, column = rng.uniform(0.6, 0.95), rng.uniform(0.3, 0.5)
    mm, width = height / size, round(height * wide)
    shown = corners.mean(axis=1)
    inside = (shown[:, 1] > top[1] - head) & (shown[:, 1] < top[1] - head + size)
    middle = float((shown[inside, 0].min() + shown[inside, 0].max()) / 2)
    left = column * width - middle * mm
    if part == "whole":
        least, most = float(corners[..., 0].min()) * mm, float(corners[..., 0].max()) * mm
        left = float(np.clip(left, _AROUND * mm / 2 - least, width - _AROUND * mm / 2 - most))
    origin = np.array([left, (head - float(top[1])) * mm])
    return SideFrame.of(profile, mm, origin, height, width)


def _render(rng: np.random.Generator, frame: SideFrame, part: Part) -> Field:
    """The film as (H, W) grey 0..1."""
    film, seen = draw_side(rng, frame)
    film += _vertebrae(rng, frame) * seen
    if rng.random() < 0.6:
        film += lead_and_metal(rng, frame)
    return _developed(rng, film, frame, part)


def _vertebrae(rng: np.random.Generator, frame: SideFrame) -> Field:
    """Bodies with bright plates, walls, arches and spines as added grey."""
    shape = frame.height, frame.width
    body, plate, wall, arch, hole = (canvas.layer(*shape) for _ in range(5))
    mm, steps = frame.mm, 24
    apart = np.abs(np.interp(np.arange(24.0), np.linspace(0, 23, 6), rng.normal(0, 1.6, 6)))  # turned bodies
    lift = rng.choice([-1.0, 1.0]) * apart
    for k, ring in enumerate(frame.rings):
        canvas.fill(body, ring)
        upper, front = ring[:steps], ring[steps - 1 : len(ring) - 2 * (steps - 1)]
        lower, back = ring[-2 * (steps - 1) - 1 : -(steps - 1) + 1], ring[-(steps - 1) :]
        for line, strength in ((upper, 255), (lower, 255), (front, 150), (back, 170)):
            target = plate if strength == 255 else wall
            canvas.stroke(target, line, 1.5 * mm, int(strength * rng.uniform(0.7, 1.0)))
            if strength == 255:
                canvas.stroke(
                    target,
                    line + np.array([0.0, lift[k] * mm]),
                    1.2 * mm,
                    int(strength * rng.uniform(0.4, 0.9)),
                )
        _arch(rng, arch, hole, frame, k)
    contrast = np.interp(
        np.arange(24.0), [0, 4, 7, 11, 16, 19, 22, 23],
        rng.uniform(0.6, 1.35, 8) * [1.35, 1.2, 0.85, 0.9, 1.15, 1.0, 0.85, 0.6],
    )  # fmt: skip
    grain = 1 + np.float32(rng.uniform(0.03, 0.1)) * canvas.cloud(rng, *shape, 2.2 * mm)
    bone = canvas.blurred(body, 0.8 * mm) * np.float32(rng.uniform(0.04, 0.1)) * grain
    bone += canvas.blurred(plate, 0.6 * mm) * np.float32(rng.uniform(0.09, 0.24))
    bone += canvas.blurred(wall, 0.7 * mm) * np.float32(rng.uniform(0.04, 0.12))
    bone += canvas.blurred(arch, 1.1 * mm) * np.float32(rng.uniform(0.05, 0.13))
    bone -= canvas.blurred(hole, 1.3 * mm) * np.float32(rng.uniform(0.04, 0.12))
    return np.asarray(bone * frame.by_rows(contrast), dtype=np.float32)


def _arch(rng: np.random.Generator, arch: canvas.Layer, hole: canvas.Layer, frame: SideFrame, k: int) -> None:
    """Pedicle, facets and spinous process behind a body, and the hole for the nerve below the pedicle."""
    if k == 23:
        return
    neck, loin = k < 6, k > 17
    depth = float(np.linalg.norm(frame.on(k, 0.5, 0) - frame.on(k, -0.5, 0)))
    tall = float(np.linalg.norm(frame.on(k, 0, 0.5) - frame.on(k, 0, -0.5)))
    root = -0.15 if neck else -0.25
    canvas.stroke(arch, np.array([frame.on(k, -0.5, root), frame.on(k, -0.85, root)]), 0.42 * tall, 180)
    facet = np.array([frame.on(k, -0.95, -0.75), frame.on(k, -0.9, -0.1), frame.on(k, -1.02, 0.72)])
    canvas.stroke(arch, canvas.smooth(facet, 12), (0.3 if neck else 0.26) * depth, 150)
    reach, drop = (
        (-1.95 if k in {0, 4, 5} else -1.6, 0.6) if neck else ((-1.95, 0.5) if loin else (-1.7, 1.25))
    )
    reach += float(rng.normal(0, 0.12))
    spine = np.array([frame.on(k, -1.05, 0.1), frame.on(k, reach, drop)])
    canvas.stroke(arch, spine, (0.5 if loin else 0.36) * tall, 130 if not neck else 210)
    if not neck:
        centre = frame.on(k, -0.75, 0.42)
        canvas.fill(hole, canvas.ellipse(centre, (0.17 * depth, 0.33 * tall)), 220)


def _developed(rng: np.random.Generator, film: Field, frame: SideFrame, part: Part) -> Field:
    """Joined exposures, the grid, borders, blur, noise and the tone curve."""
    height, width, mm = frame.height, frame.width, frame.mm
    y, x = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]
    film = canvas.blurred(film, rng.uniform(0.2, 0.6) * mm)
    low, high = np.percentile(film[::8, ::8], [rng.uniform(1.0, 25.0), 99.7])
    grey = np.clip((film - low) / np.float32(max(high - low, 0.2)), 0.0, 1.05)
    grey = grey ** np.float32(rng.uniform(0.6, 1.35)) * np.float32(rng.uniform(0.68, 0.98))
    if rng.random() < 0.5:  # a harmonised film: near and far contrast come closer to each other
        wide = canvas.blurred(np.asarray(grey, dtype=np.float32), rng.uniform(14, 40) * mm)
        grey = grey + (wide.mean() - wide) * np.float32(rng.uniform(0.1, 0.5))
    if rng.random() < 0.7:  # and fine contrast is lifted
        near = canvas.blurred(np.asarray(grey, dtype=np.float32), rng.uniform(2, 7) * mm)
        grey = grey + (grey - near) * np.float32(rng.uniform(0.3, 1.5))
    if part == "whole" and rng.random() < 0.75:
        seam = np.float32(height * rng.uniform(0.42, 0.55))
        grey += canvas.step(y - seam, 1.0) * np.float32(rng.normal(0, 0.05))
        grey += (np.abs(y - seam) < rng.uniform(0.6, 2.0)) * np.float32(rng.uniform(0.1, 0.6))
    if part == "whole" and rng.random() < 0.7:
        gap = rng.uniform(40, 62) * mm
        lines = (np.mod(y + rng.uniform(0, gap), gap) < 1.2) | (np.mod(x + rng.uniform(0, gap), gap) < 1.2)
        grey += lines * np.float32(rng.uniform(0.02, 0.14))
    if rng.random() < 0.35:
        edge = np.float32(width * rng.uniform(0.02, 0.12))
        sides = canvas.step(edge - x, 2.0) + canvas.step(x - (width - edge), 2.0)
        grey += sides * np.float32(rng.uniform(-0.2, 0.5))
    if part == "neck" and rng.random() < 0.05:
        grey = 1 - grey
    noise = rng.uniform(0.004, 0.02)
    grey = grey + rng.standard_normal((height, width), dtype=np.float32) * np.float32(noise)
    return np.asarray(np.clip(grey, 0.0, 1.0), dtype=np.float32)
