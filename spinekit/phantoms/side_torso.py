"""What surrounds the spine on a lateral film: head, neck, trunk, lungs, arms, ribs, gas, pelvis."""

from __future__ import annotations

import numpy as np

from spinekit.phantoms import canvas
from spinekit.phantoms.canvas import Field, Layer
from spinekit.phantoms.side_frame import SideFrame

# Behind and in front of the bodies to the skin, mm: level, down, behind, in front.
_SKIN = (
    ("C2", -75.0, 70.0, 44.0), ("C2", -15.0, 52.0, 26.0),
    ("C4", 0.0, 48.0, 30.0), ("C6", 0.0, 52.0, 34.0), ("T1", 0.0, 66.0, 48.0),
    ("T3", 0.0, 74.0, 92.0), ("T6", 0.0, 66.0, 142.0), ("T9", 0.0, 60.0, 158.0), ("T12", 0.0, 56.0, 148.0),
    ("L2", 0.0, 58.0, 132.0), ("L4", 0.0, 66.0, 122.0), ("S1", 0.0, 88.0, 112.0), ("S1", 70.0, 118.0, 116.0),
    ("S1", 150.0, 112.0, 110.0), ("S1", 420.0, 80.0, 90.0),
)  # fmt: skip


def draw_side(rng: np.random.Generator, frame: SideFrame) -> tuple[Field, Field]:
    """Everything but the vertebrae as (H, W) grey about 0..1, and how much of what lies in it is seen, 0..1."""
    girth, front = float(rng.uniform(0.75, 1.15)), float(rng.uniform(0.75, 1.25))
    trunk = _trunk(frame, girth, front)
    steep = np.float32(
        rng.uniform(0.5, 0.85)
    )  # skin as harmonised films show it: a sharp border, then a plateau
    thick = canvas.blurred(trunk, 1.5 * frame.mm) * steep + canvas.blurred(trunk, 14 * frame.mm) * (1 - steep)
    levels = rng.uniform(0.88, 1.12, 7) * [0.24, 0.32, 0.56, 0.62, 0.62, 0.66, 0.74]
    film = thick * frame.by_rows(np.interp(np.arange(24.0), [0, 4, 7, 11, 15, 19, 23], levels))
    lung = _lung(rng, frame, girth, front)
    film -= lung * np.float32(rng.uniform(0.14, 0.36))
    film += _head(rng, frame)
    shade = _shoulders(rng, frame)
    film += shade * np.float32(rng.uniform(0.12, 0.38))
    film += _ribs(rng, frame) * (np.float32(0.45) + np.float32(0.55) * lung)
    film += _pelvis(rng, frame)
    film -= _gas(rng, frame) * thick
    lumps = canvas.cloud(rng, frame.height, frame.width, 22 * frame.mm) * np.float32(0.018)
    streaks = canvas.cloud(rng, frame.height, frame.width, 5 * frame.mm) * np.float32(
        rng.uniform(0.004, 0.014)
    )
    film += (lumps + streaks) * thick
    film += _clutter(rng, frame) * thick
    seen = np.clip(1.0 - shade * np.float32(rng.uniform(0.25, 0.8)), 0.12, 1.0)
    return np.asarray(film, dtype=np.float32), np.asarray(seen, dtype=np.float32)


def _trunk(frame: SideFrame, girth: float, front: float) -> Layer:
    """The neck and the trunk, filled."""
    drawn = canvas.layer(frame.height, frame.width)
    back = np.array([frame.at(level, -behind * girth, down) for level, down, behind, _ in _SKIN])
    belly = np.array([frame.at(level, ahead * front, down) for level, down, _, ahead in _SKIN])
    canvas.fill(drawn, np.vstack([canvas.smooth(back, 80), canvas.smooth(belly, 80)[::-1]]))
    return drawn


def _lung(rng: np.random.Generator, frame: SideFrame, girth: float, front: float) -> Field:
    """(H, W) 0..1: the dark of the chest, from behind the bodies to the breastbone, down to the diaphragm."""
    low = float(rng.uniform(-30, 30))  # where the dome stands
    ring = frame.places(
        (
            ("T2", -6, 0), ("T4", -30 * girth, 0), ("T7", -40 * girth, 0), ("T10", -38 * girth, 0),
            ("T12", -32 * girth, -6 + 0.5 * low), ("T11", 5, 5 + low), ("T10", 40, 2 + low),
            ("T10", 85 * front, 4 + low), ("T10", 120 * front, 30 + low), ("T8", 140 * front, 0),
            ("T6", 112 * front, 0), ("T4", 70 * front, 0),
        )
    )  # fmt: skip
    drawn = canvas.layer(frame.height, frame.width)
    canvas.fill(drawn, canvas.smooth_ring(ring, 90))
    lung = canvas.blurred(drawn, rng.uniform(0.8, 3.5) * frame.mm)
    heart = canvas.layer(frame.height, frame.width)
    at = frame.at("T8", rng.uniform(70, 95) * front, rng.uniform(0, 25))
    canvas.fill(heart, canvas.ellipse(at, (42 * frame.mm, 58 * frame.mm), -25.0), 220)
    canvas.stroke(
        heart, canvas.smooth(frame.places((("T4", 22, 0), ("T7", 26, 0), ("T11", 16, 0)))), 24 * frame.mm, 90
    )
    lung *= 1 - canvas.blurred(heart, 4 * frame.mm) * np.float32(rng.uniform(0.4, 1.0))
    fade = frame.by_rows(
        np.interp(np.arange(24.0), [7, 11, 14], [rng.uniform(0.1, 0.8), rng.uniform(0.5, 1), 1])
    )
    vessels = np.float32(0.07) * canvas.cloud(rng, frame.height, frame.width, 4 * frame.mm)
    vessels += np.float32(0.1) * canvas.cloud(rng, frame.height, frame.width, 11 * frame.mm)
    return np.asarray(np.clip(lung * fade * (1 + vessels), 0, 1.2), dtype=np.float32)


def _head(rng: np.random.Generator, frame: SideFrame) -> Field:
    """Skull, jaw and teeth above and before the neck."""
    mm = frame.mm
    soft, bone, rim = (canvas.layer(frame.height, frame.width) for _ in range(3))
    nod, reach = rng.uniform(-12, 12), rng.uniform(-10, 14)
    skull = canvas.ellipse(frame.at("C2", 14 + reach, -98), (96 * mm, 74 * mm), nod)
    canvas.fill(soft, skull, 230)
    canvas.stroke(rim, skull, 5 * mm, 200, closed=True)
    base = frame.places(
        (("C2", -62 + reach, -52), ("C2", -10, -34), ("C2", 18, -44), ("C2", 62 + reach, -52))
    )
    canvas.stroke(rim, canvas.smooth(base), 7 * mm, 220)
    chin = rng.uniform(-8, 12)
    jaw = frame.places(
        (
            ("C2", 30 + reach, -42), ("C2", 36 + reach, -6 + chin), ("C2", 62 + reach, 16 + chin),
            ("C2", 98 + reach, 26 + chin), ("C2", 106 + reach, 4 + chin), ("C2", 98 + reach, -40),
        )
    )  # fmt: skip
    canvas.fill(soft, canvas.smooth_ring(jaw), 200)
    canvas.fill(bone, jaw[[0, 1, 2, 3, 4, 2, 1]], 120)
    canvas.stroke(rim, canvas.smooth(jaw[:5]), 5 * mm, 255)
    for k in range(6):
        for side in (-1.0, 1.0):
            at = frame.at("C2", 56 + 7 * k + reach, -14 + side * 7 + chin * 0.6)
            canvas.fill(bone, canvas.ellipse(at, (2.8 * mm, 6 * mm)), int(rng.integers(120, 256)))
    atlas = canvas.ellipse(frame.at("C2", -22, -24), (17 * mm, 4 * mm), rng.uniform(-25, 10))
    canvas.stroke(rim, atlas, 2.5 * mm, 160, closed=True)
    canvas.fill(bone, canvas.ellipse(frame.at("C2", 9, -23), (3.5 * mm, 5.5 * mm)), 160)
    dens = np.array(
        [
            frame.on(0, -0.32, -0.45),
            frame.on(0, -0.25, -1.5),
            frame.on(0, 0.1, -1.75),
            frame.on(0, 0.3, -0.45),
        ]
    )
    canvas.fill(bone, canvas.smooth(dens, 24), 120)
    head = canvas.blurred(soft, 2.5 * mm) * np.float32(rng.uniform(0.18, 0.4))
    head += canvas.blurred(rim, 1.2 * mm) * np.float32(rng.uniform(0.15, 0.35))
    return np.asarray(head + canvas.blurred(bone, mm) * np.float32(rng.uniform(0.1, 0.35)), dtype=np.float32)


def _shoulders(rng: np.random.Generator, frame: SideFrame) -> Field:
    """(H, W) 0..1: both shoulders and upper arms, which lie over the upper chest and whiten it."""
    mm = frame.mm
    drawn = canvas.layer(frame.height, frame.width).astype(np.float32)
    raised = rng.uniform(15.0, 70.0) if rng.random() < 0.8 else rng.uniform(-30.0, 15.0)
    for _ in range(2):
        flesh, bone = (canvas.layer(frame.height, frame.width) for _ in range(2))
        joint = frame.at("T3", rng.uniform(-12, 42), rng.uniform(-38, 22))
        turned = raised + rng.normal(0, 5)
        way = canvas.turn(turned)[:, 0] * mm  # forwards, and down by as much as the arm is not raised
        line = np.array(
            [joint, joint + way * 120, joint + way * 290 + np.array([0.0, rng.uniform(-20, 30)]) * mm]
        )
        canvas.stroke(flesh, canvas.smooth(line, 30), rng.uniform(80, 135) * mm, 210)
        canvas.fill(
            flesh, canvas.ellipse(joint, (rng.uniform(50, 72) * mm, rng.uniform(42, 62) * mm), turned), 255
        )
        canvas.fill(bone, canvas.ellipse(joint, (24 * mm, 22 * mm)), 190)
        canvas.stroke(bone, canvas.smooth(line, 30), 22 * mm, 150)
        blade = np.array([[-4, -6], [8, 10], [-14, 92], [-30, 60]]) * mm + joint
        canvas.stroke(bone, canvas.smooth_ring(blade, 40), 4 * mm, 255, closed=True)
        drawn += canvas.blurred(flesh, rng.uniform(1.5, 8) * mm) * np.float32(0.55)
        drawn += canvas.blurred(bone, 1.5 * mm) * np.float32(rng.uniform(0.1, 0.35))
    return np.asarray(np.clip(drawn, 0, 1.3), dtype=np.float32)


def _ribs(rng: np.random.Generator, frame: SideFrame) -> Field:
    """Both sides' ribs: backwards from the bodies, round, and forwards down across the chest."""
    mm = frame.mm
    bands, rims = canvas.layer(frame.height, frame.width), canvas.layer(frame.height, frame.width)
    steep, behind = rng.uniform(0.6, 1.2), rng.uniform(34, 50)
    for side in range(2):
        apart = np.array([rng.normal(0, 4), rng.normal(0, 4)]) * mm if side else np.zeros(2)
        for k in range(12):
            long = np.interp(k, [0, 3, 8, 11], [50, 120, 140, 55])
            points = np.array(
                [(-10, -4), (-0.75 * behind, -6), (-behind, 12 * steep), (-0.4 * behind, 40 * steep),
                 (0.45 * long, 68 * steep), (long, 84 * steep)]
            )  # fmt: skip
            line = canvas.smooth(frame.centre(f"T{k + 1}") + apart + points[: 6 if k < 10 else 5] * mm, 36)
            normal = np.gradient(line, axis=0)[:, ::-1] * [-1.0, 1.0]
            normal /= np.hypot(normal[:, 0], normal[:, 1])[:, None] + 1e-9
            wide = rng.uniform(8, 12) * mm
            canvas.stroke(bands, line, wide, 140)
            canvas.stroke(rims, line + normal * wide / 2, 1.6 * mm, 220)
            canvas.stroke(rims, line - normal * wide / 2, 1.3 * mm, 180)
    grey = canvas.blurred(bands, mm) * np.float32(0.05) + canvas.blurred(rims, 0.8 * mm) * np.float32(0.07)
    return np.asarray(grey * np.float32(rng.uniform(0.5, 1.5)), dtype=np.float32)


def _clutter(rng: np.random.Generator, frame: SideFrame) -> Field:
    """Lines of all that lies over the upper chest: blades, folds, vessels, the windpipe's dark band."""
    light, dark = canvas.layer(frame.height, frame.width), canvas.layer(frame.height, frame.width)
    for _ in range(int(rng.integers(25, 90))):
        start = frame.at(f"T{rng.integers(1, 11)}", rng.uniform(-50, 70), rng.uniform(-15, 15))
        way = canvas.turn(rng.uniform(-180, 180))[:, 0] * rng.uniform(8, 45) * frame.mm
        bow = np.array([-way[1], way[0]]) * rng.uniform(-0.5, 0.5)
        line = canvas.smooth(np.array([start - way, start + bow, start + way]), 14)
        strength = int(rng.integers(50, 255))
        canvas.stroke(
            light if rng.random() < 0.65 else dark, line, rng.uniform(0.7, 5.0) * frame.mm, strength
        )
    air = frame.places((("C4", 26, 0), ("C7", 24, 0), ("T3", 24, 0), ("T5", 20, 0)))
    canvas.stroke(dark, canvas.smooth(air), 15 * frame.mm, 150)
    drawn = canvas.blurred(light, 0.9 * frame.mm) - canvas.blurred(dark, 1.6 * frame.mm)
    return np.asarray(drawn * np.float32(rng.uniform(0.02, 0.11)), dtype=np.float32)


def _pelvis(rng: np.random.Generator, frame: SideFrame) -> Field:
    """The sacrum below its first body, iliac wings and femoral heads."""
    mm = frame.mm
    bone, rim = canvas.layer(frame.height, frame.width), canvas.layer(frame.height, frame.width)
    bow = rng.uniform(-10, 10)
    below = [frame.on(23, 0.5, 0.45), frame.on(23, 0.2, 1.2), frame.on(23, -0.55, 2.4) + bow * mm]
    behind = [frame.on(23, -1.0, 2.5) + bow * mm, frame.on(23, -0.85, 1.2), frame.on(23, -0.55, 0.2)]
    sacrum = canvas.smooth(np.array([*below, *behind]), 50)
    canvas.fill(bone, sacrum, 190)
    canvas.stroke(rim, sacrum, 2 * mm, 150)
    for side in range(2):
        shift = np.array([rng.normal(0, 5), rng.normal(0, 5)]) * mm if side else np.zeros(2)
        wing = frame.places(
            (("L5", -34, 0), ("L5", 8, -16), ("L5", 52, 4), ("S1", 62, 34), ("S1", 34, 78), ("S1", -28, 66))
        )
        canvas.stroke(rim, canvas.smooth_ring(wing + shift), 3 * mm, 130, closed=True)
        canvas.fill(bone, canvas.smooth_ring(wing + shift), 70)
        head = canvas.ellipse(frame.hips[side], (23 * mm, 23 * mm))
        canvas.fill(bone, head, 150)
        canvas.stroke(rim, head, 2 * mm, 170, closed=True)
        shaft = np.array([frame.hips[side], frame.hips[side] + np.array([-6.0, 160.0]) * mm])
        canvas.stroke(bone, shaft, 34 * mm, 120)
    grey = canvas.blurred(bone, 2 * mm) * np.float32(0.1) + canvas.blurred(rim, 1.2 * mm) * np.float32(0.08)
    return np.asarray(grey * np.float32(rng.uniform(0.5, 1.3)), dtype=np.float32)


def _gas(rng: np.random.Generator, frame: SideFrame) -> Field:
    """Bowel gas before the lumbar spine and in the pelvis, the stomach's bubble below the diaphragm."""
    dark = canvas.layer(frame.height, frame.width)
    for _ in range(int(rng.integers(4, 30))):
        level = f"L{rng.integers(1, 6)}"
        at = frame.at(level, rng.uniform(35, 110), rng.uniform(-20, 60))
        radii = rng.uniform(3, 16) * frame.mm, rng.uniform(3, 13) * frame.mm
        canvas.fill(dark, canvas.ellipse(at, radii, rng.uniform(0, 180)), int(rng.integers(60, 230)))
    if rng.random() < 0.7:
        at = frame.at("T12", rng.uniform(45, 80), rng.uniform(-20, 10))
        canvas.fill(
            dark,
            canvas.ellipse(at, (rng.uniform(15, 35) * frame.mm, rng.uniform(8, 18) * frame.mm), 15.0),
            200,
        )
    if rng.random() < 0.7:
        at = frame.at("S1", rng.uniform(-35, 5), rng.uniform(40, 85))
        canvas.fill(
            dark, canvas.ellipse(at, (rng.uniform(12, 30) * frame.mm, rng.uniform(10, 25) * frame.mm)), 220
        )
    return canvas.blurred(dark, rng.uniform(1.5, 4) * frame.mm) * np.float32(rng.uniform(0.1, 0.4))


def lead_and_metal(rng: np.random.Generator, frame: SideFrame) -> Field:
    """What is no part of the patient: chains, rings, rods with screws, letters, as added grey."""
    mm = frame.mm
    metal = canvas.layer(frame.height, frame.width)
    if rng.random() < 0.35:
        loop = frame.places((("C4", 6, -30), ("C5", 14, 0), ("C7", 10, 0), ("C5", -6, 6)))
        canvas.stroke(metal, canvas.smooth_ring(loop + rng.normal(0, 8, 2) * mm), 2.2 * mm, 220, closed=True)
    if rng.random() < 0.15:
        first = int(rng.integers(6, 18))
        last = min(first + int(rng.integers(3, 11)), 22)
        canvas.stroke(
            metal, canvas.smooth(np.array([frame.on(k, -0.95, 0.0) for k in range(first, last + 1)])), 5 * mm
        )
        for k in range(first, last + 1, int(rng.integers(1, 3))):
            canvas.stroke(metal, np.array([frame.on(k, -1.0, -0.1), frame.on(k, 0.35, -0.1)]), 4.5 * mm)
    if rng.random() < 0.3:
        at = np.array([frame.width * rng.uniform(0.7, 0.95), frame.height * rng.uniform(0.25, 0.6)])
        canvas.stroke(metal, canvas.ellipse(at, (9 * mm, 9 * mm)), 2.5 * mm, closed=True)
    return canvas.blurred(metal, 0.8) * np.float32(rng.uniform(0.35, 0.7))
