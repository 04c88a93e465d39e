"""What surrounds the spine on an AP film: soft tissue, lungs, heart, ribs, bowel gas, pelvis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.phantoms import canvas
from spinekit.phantoms.canvas import Field


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The film and the spine in it.

    Attributes:
        corners: (17, 4, 2) px.
        height: Rows.
        width: Columns.
        top: Upper edge of T1, px.
        length: From there to the lower edge of L5, px.
        centres: (17, 2) px.
    """

    corners: FloatArray
    height: int
    width: int
    top: float
    length: float
    centres: FloatArray

    @classmethod
    def of(cls, corners: FloatArray, height: int, width: int) -> Frame:
        """The frame around (17, 4, 2) corners."""
        top = float(corners[..., 1].min())
        length = float(corners[..., 1].max()) - top
        return cls(corners, height, width, top, length, corners.mean(axis=1))

    @property
    def levels_y(self) -> FloatArray:
        """(17,) heights of the body centres, px."""
        return self.centres[:, 1]

    def grid(self) -> tuple[Field, Field]:
        """Rows y (H, 1) and x (1, W) in px."""
        y = np.arange(self.height, dtype=np.float32)[:, None]
        return y, np.arange(self.width, dtype=np.float32)[None, :]

    def spine_x(self) -> Field:
        """(H, 1) column of the spine in each row."""
        rows = np.arange(self.height)
        return np.interp(rows, self.centres[:, 1], self.centres[:, 0]).astype(np.float32)[:, None]

    def midline_x(self) -> Field:
        """(H, 1) column of the trunk's middle: it follows the spine's curve only in part."""
        rows = np.arange(self.height, dtype=np.float64)
        line = np.polyfit(self.centres[:, 1], self.centres[:, 0], 1)
        straight = np.polyval(line, rows)
        return (0.7 * straight + 0.3 * self.spine_x()[:, 0]).astype(np.float32)[:, None]


def draw_torso(rng: np.random.Generator, frame: Frame) -> Field:
    """Everything but the vertebrae, as (H, W) grey about 0..1."""
    girth = float(rng.uniform(0.95, 1.5))
    film, lungs = _soft_tissue(rng, frame, girth)
    film += _ribs(rng, frame, girth) * (np.float32(0.55) + np.float32(0.45) * lungs)
    film += _shoulders(rng, frame)
    film -= _gas(rng, frame)
    film += _pelvis(rng, frame)
    if rng.random() < 0.5:
        film += _marker(rng, frame)
    if rng.random() < 0.35:
        film += _seam(rng, frame)
    return film


def _soft_tissue(rng: np.random.Generator, frame: Frame, girth: float) -> tuple[Field, Field]:
    """Trunk with neck, shoulders, lungs and abdomen; and (H, W) where the lungs are, 0..1."""
    y, x = frame.grid()
    t = (y - np.float32(frame.top)) / np.float32(frame.length)
    middle, spine = frame.midline_x(), frame.spine_x()
    u = (x - middle) / np.float32(frame.length)
    knots = [-0.1, -0.03, 0.03, 0.09, 0.3, 0.5, 0.72, 0.85, 1.1]
    halves = np.array([0.055, 0.065, 0.16, 0.235, 0.225, 0.205, 0.18, 0.2, 0.24]) * girth
    half = np.interp(t[:, 0], knots, halves).astype(np.float32)[:, None]
    trunk = canvas.step(half - np.abs(u), 0.012)
    neck = canvas.step(np.float32(0.06) - t, 0.02) * np.exp(-((u / np.float32(0.06)) ** 2))
    thick = np.sqrt(np.clip(1.0 - (u / half) ** 2, 0.0, 1.0), dtype=np.float32)
    abdomen = np.interp(
        t[:, 0],
        [-0.1, 0.0, 0.45, 0.6, 0.95, 1.1],
        rng.uniform(0.95, 1.05, 6) * [0.30, 0.40, 0.50, 0.56, 0.60, 0.66],
    ).astype(np.float32)[:, None]
    film = trunk * (np.float32(0.35) + np.float32(0.65) * thick) * abdomen
    lungs = _lungs(rng, frame, u, half)
    heart = _heart(rng, frame)
    # The heart stands between the lungs: it keeps their darkness away and adds little of its own.
    film -= (
        lungs * film * (1 - np.float32(rng.uniform(0.5, 0.9)) * heart) * np.float32(rng.uniform(0.5, 0.85))
    )
    film += heart * np.float32(rng.uniform(0.0, 0.04))
    film += neck * np.float32(rng.uniform(0.0, 0.12))
    column = np.exp(-(((x - spine) / np.float32(frame.length * 0.06)) ** 2))
    film += column * np.float32(rng.uniform(0.03, 0.10))
    vessels = canvas.cloud(rng, frame.height, frame.width, 0.018 * frame.length)
    film += lungs * vessels * np.float32(rng.uniform(0.01, 0.025))
    air = np.exp(
        -(
            ((x - spine - np.float32(rng.normal(0, 0.006) * frame.length)) / np.float32(frame.length * 0.014))
            ** 2
        )
    ) * canvas.step(0.15 - t, 0.04)
    film -= air * np.float32(rng.uniform(0.03, 0.09))
    return film.astype(np.float32), lungs


def _lungs(rng: np.random.Generator, frame: Frame, u: Field, half: Field) -> Field:
    """(H, W) 0..1: between mediastinum and chest wall, from the apices to the domes of the diaphragm."""
    y, x = frame.grid()
    t = (y - np.float32(frame.top)) / np.float32(frame.length)
    v = np.abs(x - frame.spine_x()) / np.float32(frame.length)
    inner = np.interp(t[:, 0], [0.0, 0.1, 0.3, 0.5], [0.05, 0.05, 0.05, 0.065]).astype(np.float32)[:, None]
    outer = half * np.float32(0.86)
    low = np.where(u < 0, np.float32(rng.uniform(0.45, 0.51)), np.float32(rng.uniform(0.48, 0.54)))
    dome = low + ((np.abs(u) - np.float32(0.1)) / np.float32(0.16)) ** 2 * np.float32(0.05)
    apex = np.float32(0.035) + (np.abs(u) - np.float32(0.085)) ** 2 * np.float32(6.0)
    sides = canvas.step(v - inner, 0.006) * canvas.step(outer - np.abs(u), 0.008)
    return np.asarray(sides * canvas.step(dome - t, 0.004) * canvas.step(t - apex, 0.01), dtype=np.float32)


def _heart(rng: np.random.Generator, frame: Frame) -> Field:
    """(H, W) 0..1: the heart's shadow, mostly on the viewer's right, and the aortic knob."""
    shade = canvas.layer(frame.height, frame.width)
    x = float(frame.midline_x()[:, 0].mean())
    at = np.array(
        [x + frame.length * rng.uniform(0.025, 0.05), frame.top + frame.length * rng.uniform(0.37, 0.42)]
    )
    radii = frame.length * rng.uniform(0.07, 0.095), frame.length * rng.uniform(0.1, 0.125)
    canvas.fill(shade, canvas.ellipse(at, radii, -28.0))
    knob = np.array([x + frame.length * 0.045, frame.top + frame.length * 0.22])
    canvas.fill(shade, canvas.ellipse(knob, (frame.length * 0.022, frame.length * 0.03)), 140)
    return canvas.blurred(shade, rng.uniform(0.006, 0.012) * frame.length)


def _ribs(rng: np.random.Generator, frame: Frame, girth: float) -> Field:
    """Twelve pairs: hind parts falling outwards from the spine, front parts rising inwards."""
    height, width, length = frame.height, frame.width, frame.length
    bands, rims = canvas.layer(height, width), canvas.layer(height, width)
    middle = frame.midline_x()[:, 0]
    span = np.interp(np.arange(12.0), [0, 3, 8, 10, 11], [0.105, 0.185, 0.205, 0.17, 0.11]) * (
        0.35 + 0.65 * girth
    )
    fall = rng.uniform(0.055, 0.09)
    for k in range(12):
        root = frame.centres[k] + np.array([0.0, -0.012 * length])
        at = middle[int(np.clip(root[1], 0, height - 1))]
        for side in (-1.0, 1.0):
            edge = at + side * span[k] * length * rng.uniform(0.97, 1.03)
            start = root[0] + side * 0.04 * length
            line = np.array(
                [
                    [start, root[1]],
                    [start + 0.3 * (edge - start), root[1] - 0.012 * length],
                    [start + 0.7 * (edge - start), root[1] + 0.25 * fall * length],
                    [edge, root[1] + fall * length * (1.2 if k < 10 else 0.9)],
                ]
            )
            if k < 9:
                front = [
                    [edge - side * 0.02 * length, root[1] + (fall + 0.07) * length],
                    [edge - side * 0.09 * length, root[1] + (fall + 0.1) * length],
                ]
                line = np.vstack([line, front])
            _draw_rib(rng, bands, rims, canvas.smooth(line, 40), 0.0165 * length)
    grey = canvas.blurred(bands, 1.5) * np.float32(0.045) + canvas.blurred(rims, 1.2) * np.float32(0.065)
    return np.asarray(grey * np.float32(rng.uniform(0.6, 1.5)), dtype=np.float32)


def _draw_rib(
    rng: np.random.Generator, bands: canvas.Layer, rims: canvas.Layer, line: FloatArray, wide: float
) -> None:
    """One rib: a faint band with brighter borders, the lower one brighter."""
    along = np.gradient(line, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=-1)
    normal /= np.hypot(normal[:, 0], normal[:, 1])[:, None] + 1e-9
    wide *= rng.uniform(0.85, 1.1)
    canvas.stroke(bands, line, wide)
    canvas.stroke(rims, line + normal * wide / 2.0, 0.18 * wide, 220)
    canvas.stroke(rims, line - normal * wide / 2.0, 0.12 * wide, 170)


def _shoulders(rng: np.random.Generator, frame: Frame) -> Field:
    """Collar bones and first cervical shadows above T1."""
    height, width, length = frame.height, frame.width, frame.length
    bone = canvas.layer(height, width)
    x = float(frame.centres[0, 0])
    slope = rng.uniform(-0.01, 0.06)
    for side in (-1.0, 1.0):
        start = np.array([x + side * 0.03 * length, frame.top + rng.uniform(0.075, 0.1) * length])
        reach = np.array([[0.0, 0.0], [side * 0.08, -0.02], [side * 0.2, -slope]]) * length
        line = start + reach
        canvas.stroke(bone, canvas.smooth(line, 30), 0.02 * length)
    step_up = 0.034 * length
    at = frame.centres[0].copy()
    for k in range(int(at[1] / step_up) + 1):
        at = at + np.array([0.0, -step_up])
        canvas.fill(bone, canvas.ellipse(at, (0.033 * length, 0.011 * length)), 200 - 10 * min(k, 8))
    return canvas.blurred(bone, 2.0) * np.float32(rng.uniform(0.05, 0.11))


def _gas(rng: np.random.Generator, frame: Frame) -> Field:
    """Bowel gas and the stomach's bubble: dark lumps beside the lumbar spine."""
    dark = canvas.layer(frame.height, frame.width)
    length = frame.length
    x = float(frame.centres[10:, 0].mean())
    for _ in range(int(rng.integers(3, 26))):
        side = rng.choice([-1.0, 1.0])
        at = np.array(
            [x + side * length * rng.uniform(0.07, 0.2), frame.top + length * rng.uniform(0.7, 1.0)]
        )
        radii = length * rng.uniform(0.006, 0.026), length * rng.uniform(0.006, 0.022)
        canvas.fill(dark, canvas.ellipse(at, radii, rng.uniform(0, 180)), int(rng.integers(90, 255)))
    if rng.random() < 0.6:
        at = np.array([x + length * rng.uniform(0.09, 0.15), frame.top + length * rng.uniform(0.55, 0.62)])
        canvas.fill(
            dark, canvas.ellipse(at, (length * rng.uniform(0.025, 0.05), length * rng.uniform(0.02, 0.045)))
        )
    return canvas.blurred(dark, 0.0045 * length) * np.float32(rng.uniform(0.03, 0.16))


def _pelvis(rng: np.random.Generator, frame: Frame) -> Field:
    """Iliac wings and the sacrum below L5."""
    height, width, length = frame.height, frame.width, frame.length
    bone, rim = canvas.layer(height, width), canvas.layer(height, width)
    foot = frame.corners[16, 2:].mean(axis=0)
    for side in (-1.0, 1.0):
        at = foot + np.array([side * 0.055, 0.03]) * length
        outline = np.array(
            [[0, 0], [0.05, -0.07], [0.12, -0.1], [0.17, -0.06], [0.18, 0.05], [0.1, 0.2], [0.02, 0.16]]
        )
        ring = canvas.smooth_ring(at + outline * [side * length, length])
        canvas.fill(bone, ring)
        canvas.stroke(rim, ring, 0.006 * length, closed=True)
    wide = 0.055 * length
    sacrum = foot + np.array(
        [
            [-wide, 0.016 * length],
            [wide, 0.016 * length],
            [1.5 * wide, 0.05 * length],
            [0.6 * wide, 0.2 * length],
            [-0.6 * wide, 0.2 * length],
            [-1.5 * wide, 0.05 * length],
        ]
    )
    canvas.fill(bone, sacrum, 200)
    canvas.stroke(rim, sacrum, 0.004 * length, 180, closed=True)
    grey = canvas.blurred(bone, 0.003 * length) * np.float32(0.1) + canvas.blurred(
        rim, 0.002 * length
    ) * np.float32(0.06)
    return np.asarray(grey * np.float32(rng.uniform(0.7, 1.3)), dtype=np.float32)


def _seam(rng: np.random.Generator, frame: Frame) -> Field:
    """Two exposures joined: a step in brightness at some height, with a bright line now and then."""
    y, _ = frame.grid()
    at = np.float32(frame.top + frame.length * rng.uniform(0.4, 0.62))
    jump = canvas.step(y - at, 1.5) * np.float32(rng.normal(0.0, 0.05))
    line = np.exp(-(((y - at) / np.float32(0.006 * frame.length)) ** 2)) * np.float32(rng.uniform(0.0, 0.04))
    return np.asarray(jump + line, dtype=np.float32)


def _marker(rng: np.random.Generator, frame: Frame) -> Field:
    """A lead letter near the border, or the bright ring of a clothes fastener."""
    lead = canvas.layer(frame.height, frame.width)
    size = frame.length * rng.uniform(0.012, 0.022)
    x = frame.width * rng.choice([rng.uniform(0.05, 0.12), rng.uniform(0.88, 0.95)])
    at = np.array([x, frame.height * rng.uniform(0.05, 0.9)])
    if rng.random() < 0.6:
        letter = np.array([[-0.5, -1.0], [-0.5, 1.0], [0.6, 1.0]]) @ canvas.turn(rng.uniform(-15, 15)).T
        canvas.stroke(lead, at + size * letter, 0.35 * size)
    else:
        canvas.stroke(lead, canvas.ellipse(at, (0.5 * size, 1.3 * size)), 0.3 * size, closed=True)
    return canvas.blurred(lead, 0.8) * np.float32(rng.uniform(0.2, 0.5))
