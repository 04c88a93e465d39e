"""Synthetic lateral cephalograms with 27 exact points."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import RBFInterpolator

from spinekit.core.image import FloatArray
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.phantoms import canvas
from spinekit.phantoms import skull_template as template
from spinekit.phantoms.canvas import Field, Layer
from spinekit.phantoms.phantom import Phantom
from spinekit.phantoms.sheet import Sheet

NAMES: tuple[str, ...] = tuple(template.MEAN)

FILM = (2400.0, 1935.0)  # rows and columns at 0.1 mm, as in ISBI 2015
_DRAWN_ROWS = 1200  # lines are drawn on at most so many rows: films are no sharper


def skull_lateral(seed: int, height: int = 2400, bits: int = 8) -> Phantom:
    """A lateral cephalogram of a made-up patient who looks to the right.

    Args:
        seed: Everything follows from it.
        height: Rows; the film has the aspect of 2400 x 1935 and shows 240 mm in height.
        bits: Grey depth, 8 .. 16.

    Returns:
        One thing ``skull`` with the 27 points of the schema ``ceph-27``; the 19 of ``ceph-19`` are among
        them. Spacing in the detector's plane: 0.1 mm at 2400 rows.
    """
    rng = np.random.default_rng([seed, 2])
    points, warp = _patient(rng)
    return skull_film(rng, points, warp, height, bits)


def skull_film(
    rng: np.random.Generator, points: FloatArray, warp: RBFInterpolator, height: int, bits: int
) -> Phantom:
    """The film of a skull whose points are known.

    Args:
        rng: For all that is drawn by chance.
        points: (27, 2) the points `NAMES` in px of the 2400 x 1935 film.
        warp: From template coordinates to px of that film.
        height: Rows.
        bits: Grey depth.
    """
    scale = height / FILM[0]
    film = _render(rng, warp, (height, round(FILM[1] * scale)), scale)
    pixel = 0.1 / scale
    return Phantom(
        kind="skull-lateral",
        pixels=canvas.quantised(film, bits),
        labels=("skull",),
        names=NAMES,
        points=((points + 0.5) * scale - 0.5)[None],
        spacing=Spacing(pixel, pixel, SpacingOrigin.DETECTOR),
    )


def _patient(rng: np.random.Generator) -> tuple[FloatArray, RBFInterpolator]:
    """Points (27, 2) on the 2400 x 1935 film, and the warp that brings template lines there."""
    mean = np.array([template.MEAN[name] for name in NAMES], dtype=np.float64)
    shape = mean.copy()
    for mode in template.MODES:
        weight = float(np.clip(rng.standard_normal(), -1.7, 1.7))
        shape += weight * np.array([mode.get(name, (0.0, 0.0)) for name in NAMES])
    shape += rng.standard_normal(shape.shape) * 2.5
    anchors = np.array(template.ANCHORS, dtype=np.float64)
    moved = anchors + rng.standard_normal(anchors.shape) * 14.0
    size = float(np.clip(rng.normal(1.0, 0.05), 0.9, 1.1))
    posture = canvas.turn(float(np.clip(rng.normal(0.0, 4.0), -8.0, 8.0))) * size
    # The middle of the face stays near the film's middle whatever the turn.
    pivot = np.array([430.0, 540.0])
    place = np.array([1237.0, 1581.0]) + rng.normal(0.0, 40.0, 2).clip(-80, 80)
    points = (shape - pivot) @ posture.T + place
    fixed = (moved - pivot) @ posture.T + place
    warp = RBFInterpolator(np.vstack([mean, anchors]), np.vstack([points, fixed]), kernel="thin_plate_spline")
    return points, warp


def _render(rng: np.random.Generator, warp: RBFInterpolator, size: tuple[int, int], scale: float) -> Field:
    """The film as (H, W) grey 0..1."""
    height, width = size
    rows = min(height, _DRAWN_ROWS)
    columns = round(width * rows / height)
    sheet = Sheet(warp, rows, columns, scale * rows / height)
    film = _background(rng, sheet)
    film += _soft_parts(rng, sheet)
    film += _cranium(rng, sheet)
    film += _face(rng, sheet)
    film += _neck(rng, sheet) + _mandible(rng, sheet)
    film += _teeth(rng, sheet)
    film += _ear_rod(rng, sheet)
    film *= 1 + canvas.cloud(rng, rows, columns, sheet.tenths(130)) * np.float32(0.02)
    film = canvas.blurred(film, sheet.tenths(rng.uniform(1.2, 2.2)))
    film += canvas.cloud(rng, rows, columns, sheet.tenths(9.0)) * np.float32(0.006)
    if (rows, columns) != (height, width):
        film = canvas.resized(film, height, width)
    film += rng.standard_normal((height, width), dtype=np.float32) * np.float32(rng.uniform(0.006, 0.014))
    high = np.percentile(film[::8, ::8], 99.3)
    grey = np.clip(film / high, 0.0, 1.0) ** rng.uniform(0.65, 1.0)
    return np.asarray(grey * rng.uniform(0.9, 1.0), dtype=np.float32)


def _background(rng: np.random.Generator, sheet: Sheet) -> Field:
    """Air: dark near the head and lighter towards the film's edge in front, and the holder's rod."""
    y = np.linspace(0, 1, sheet.height, dtype=np.float32)[:, None]
    x = np.linspace(0, 1, sheet.width, dtype=np.float32)[None, :]
    light = np.float32(rng.uniform(0.0, 1.2))
    film = 0.04 + light * np.clip(x - np.float32(0.62), 0, 1) ** 2 * 3.0 * (1.1 - y)
    rod = sheet.layer()
    at = sheet.warp(np.array([[700.0, -75.0]]))[0] * sheet.scale
    stem = at + np.array([[0, 0], [sheet.tenths(115), 0], [sheet.tenths(115), -at[1]]])
    canvas.stroke(rod, stem, sheet.tenths(34))
    film = film + canvas.blurred(rod, sheet.tenths(3)) * np.float32(rng.uniform(0.05, 0.2))
    return np.asarray(film, dtype=np.float32)


def _soft_parts(rng: np.random.Generator, sheet: Sheet) -> Field:
    """Skin, muscle and neck: a grey that grows inwards from the profile."""
    skin = sheet.layer()
    canvas.fill(skin, sheet.ring((*template.PROFILE, *template.BEHIND)))
    deep = canvas.blurred(skin, sheet.tenths(45))
    inside = canvas.blurred(skin, sheet.tenths(2.5))
    grey = inside * (np.float32(rng.uniform(0.07, 0.12)) + np.float32(0.17) * deep**2)
    airway = sheet.layer()
    canvas.stroke(
        airway, sheet.through(((60, 430), (20, 600), (0, 800), (-30, 1000), (-60, 1300))), sheet.tenths(90)
    )
    return np.asarray(grey - canvas.blurred(airway, sheet.tenths(14)) * np.float32(0.07), dtype=np.float32)


def _cranium(rng: np.random.Generator, sheet: Sheet) -> Field:
    """Vault with its two tables, brain, sella, clivus, petrous bone and mastoid."""
    solid, lines, cells = sheet.layer(), sheet.layer(), sheet.layer()
    outer, inner = (
        sheet.through(template.VAULT_OUTER, samples=120),
        sheet.through(template.VAULT_INNER, samples=120),
    )
    canvas.fill(solid, np.vstack([outer, inner[::-1]]), 150)
    for line, wide in ((outer, 11), (inner, 15)):
        canvas.stroke(lines, line, sheet.tenths(wide), 150)
    base = ((template.ORBIT_ROOF, 10), (template.SELLA, 11), (template.CLIVUS, 11), (template.SKULL_BASE, 11))
    for knots, wide in (*base, (template.SPHENOID, 8)):
        canvas.stroke(lines, sheet.through(knots, samples=40), sheet.tenths(wide), 230)
    second = np.array(template.ORBIT_ROOF) + np.array([6.0, rng.uniform(-38.0, -18.0)])
    canvas.stroke(lines, sheet.placed(canvas.smooth(second[:-1])), sheet.tenths(8), 130)
    brain = sheet.layer()
    canvas.fill(brain, sheet.ring(template.BRAIN))
    petrous, sinus, body = sheet.layer(), sheet.layer(), sheet.layer()
    canvas.fill(petrous, sheet.ring(template.PETROUS))
    canvas.fill(body, sheet.placed(np.array(template.SPHENOID_BODY, dtype=np.float64)))
    canvas.fill(sinus, sheet.ring(template.FRONTAL_SINUS))
    canvas.fill(sinus, sheet.ring(((30, 75), (120, 0), (190, 40), (140, 130), (50, 140))), 150)
    for x, y in np.array([-415.0, 240.0]) + rng.normal(0, 45, (26, 2)):
        radii = sheet.tenths(rng.uniform(9, 22)), sheet.tenths(rng.uniform(7, 16))
        canvas.fill(cells, canvas.ellipse(sheet.placed(np.array([[x, y]]))[0], radii, rng.uniform(0, 180)))
    size = sheet.height, sheet.width
    convolutions = canvas.cloud(rng, *size, sheet.tenths(150)) + canvas.cloud(rng, *size, sheet.tenths(60))
    depth = canvas.blurred(brain, sheet.tenths(170)) ** 2
    grey = canvas.blurred(brain, sheet.tenths(10)) * (
        np.float32(rng.uniform(0.18, 0.28)) + np.float32(0.13) * depth + convolutions * np.float32(0.006)
    )
    grey += canvas.blurred(solid, sheet.tenths(4)) * np.float32(0.42)
    grey += canvas.uneven(rng, _tissue(sheet, lines), sheet.tenths(60)) * np.float32(0.24)
    grey += canvas.blurred(petrous, sheet.tenths(30)) * np.float32(0.13)
    grey += canvas.blurred(body, sheet.tenths(9)) * np.float32(0.2)
    grey -= canvas.blurred(cells, sheet.tenths(4)) * np.float32(0.07)
    return np.asarray(grey - canvas.blurred(sinus, sheet.tenths(7)) * np.float32(0.08), dtype=np.float32)


def _face(rng: np.random.Generator, sheet: Sheet) -> Field:
    """Nasal bone, orbit, cheek bone, maxilla with both spines, fissure, maxillary sinus."""
    bone, lines, air = sheet.layer(), sheet.layer(), sheet.layer()
    canvas.fill(bone, sheet.ring(template.NASAL_BONE), 200)
    canvas.fill(bone, sheet.ring(template.ZYGOMA), 150)
    maxilla = (template.NASAL_FLOOR, template.PALATE, template.MAXILLA_FRONT[::-1])
    canvas.fill(bone, sheet.through(*maxilla), 215)
    drawn = (
        (template.ORBIT_RIM, 9),
        (template.NASAL_FLOOR, 9),
        (template.PALATE, 7),
        (template.MAXILLA_FRONT, 8),
        (template.NASAL_BONE[:4], 8),
    )
    for knots, wide in drawn:
        canvas.stroke(lines, sheet.through(knots, samples=40), sheet.tenths(wide), 235)
    # The side nearer to the film is drawn smaller: a faint second contour, behind the measured one.
    aside = np.array([rng.uniform(-16, -7), rng.uniform(-14, 4)])
    for knots in (template.ORBIT_RIM, template.ZYGOMA[:4], template.SINUS):
        canvas.stroke(lines, sheet.placed(canvas.smooth(np.array(knots) + aside)), sheet.tenths(6), 90)
    canvas.stroke(lines, sheet.ring(template.FISSURE), sheet.tenths(8), 210, closed=True)
    canvas.stroke(lines, sheet.ring(template.ZYGOMA), sheet.tenths(7), 150, closed=True)
    for knots in (template.SINUS, template.FISSURE):
        canvas.fill(air, sheet.ring(knots), 200)
    for x in rng.uniform(230, 540, 9):
        wall = np.array([[x, -70.0], [x + rng.normal(0, 22), 40.0], [x + rng.normal(-15, 30), 170.0]])
        canvas.stroke(
            lines, sheet.placed(canvas.smooth(wall, 20)), sheet.tenths(6), int(rng.integers(30, 100))
        )
    walls = canvas.cloud(rng, sheet.height, sheet.width, sheet.tenths(40))
    region = sheet.layer()
    canvas.fill(region, sheet.ring(((170, -40), (540, -80), (570, 60), (560, 400), (170, 390))))
    deep = canvas.blurred(region, sheet.tenths(18))
    grey = deep * (np.float32(0.12) + walls * np.float32(0.016))
    grey += canvas.blurred(bone, sheet.tenths(3.5)) * np.float32(0.16)
    drawn_lines = canvas.uneven(rng, _tissue(sheet, lines), sheet.tenths(50), 0.4)
    grey += drawn_lines * np.float32(rng.uniform(0.2, 0.28))
    return np.asarray(grey - canvas.blurred(air, sheet.tenths(8)) * np.float32(0.09), dtype=np.float32)


def _mandible(rng: np.random.Generator, sheet: Sheet) -> Field:
    """Condyle, ramus, angle, body and symphysis, with the second side faint beside the first."""
    around = (template.SYMPHYSIS_FRONT, template.LOWER_BORDER, template.RAMUS_BACK, template.CONDYLE)
    ring = sheet.through(*around, template.RAMUS_FRONT, template.CREST)
    bone, cortex, chin = sheet.layer(), sheet.layer(), sheet.layer()
    canvas.fill(bone, ring)
    for knots, wide in ((template.LOWER_BORDER, 20), (template.RAMUS_BACK, 13), (template.CONDYLE, 11)):
        canvas.stroke(cortex, sheet.through(knots), sheet.tenths(wide), 190)
    canvas.stroke(cortex, sheet.through(template.RAMUS_FRONT), sheet.tenths(7), 120)
    canvas.stroke(cortex, sheet.through(template.CANAL), sheet.tenths(6), 50)
    aside = np.array([rng.uniform(4, 16), rng.uniform(-26, -12)])
    other = np.array(template.LOWER_BORDER[2:]) + aside
    canvas.stroke(cortex, sheet.placed(canvas.smooth(other)), sheet.tenths(8), 120)
    inner = np.array(template.RAMUS_BACK[1:]) + np.array([rng.uniform(14, 34), 0.0])
    canvas.stroke(cortex, sheet.placed(canvas.smooth(inner)), sheet.tenths(8), 110)
    canvas.fill(chin, sheet.through(template.SYMPHYSIS_FRONT, template.SYMPHYSIS_BACK[::-1]))
    canvas.stroke(cortex, sheet.through(template.SYMPHYSIS_FRONT), sheet.tenths(13), 235)
    canvas.stroke(cortex, sheet.through(template.SYMPHYSIS_BACK), sheet.tenths(14), 210)
    # Strokes are centred on the outline: what lies outside is taken away, so that the edge is the outline.
    cortex = np.minimum(cortex, bone | _thin(sheet, ring))
    trabecular = canvas.cloud(rng, sheet.height, sheet.width, sheet.tenths(12)) * np.float32(0.016)
    trabecular += canvas.cloud(rng, sheet.height, sheet.width, sheet.tenths(90)) * np.float32(0.02)
    whole = canvas.blurred(bone, sheet.tenths(2.5))
    grey = whole * (np.float32(rng.uniform(0.15, 0.22)) + trabecular)
    grey += canvas.uneven(rng, _tissue(sheet, cortex), sheet.tenths(70)) * np.float32(0.24)
    return np.asarray(grey + canvas.blurred(chin, sheet.tenths(5)) * np.float32(0.09), dtype=np.float32)


def _tissue(sheet: Sheet, lines: Layer) -> Field:
    """Lines as bone shows them: a crisp ridge on a soft flank."""
    crisp, flank = canvas.blurred(lines, sheet.tenths(2.2)), canvas.blurred(lines, sheet.tenths(8))
    return np.asarray(np.float32(0.6) * crisp + np.float32(0.65) * flank, dtype=np.float32)


def _thin(sheet: Sheet, ring: FloatArray) -> Layer:
    """The outline itself as a fine line, so that cortex keeps its soft edge."""
    rim = sheet.layer()
    canvas.stroke(rim, ring, 1, closed=True)
    return rim


def _teeth(rng: np.random.Generator, sheet: Sheet) -> Field:
    """Both front teeth through their exact tips and apices, side teeth between the jaws."""
    crowns, roots = sheet.layer(), sheet.layer()
    # From the incisors' meeting point back along the plane of occlusion.
    for k in range(7):
        x = 552.0 - 52.0 * k - (16.0 * max(k - 4, 0))
        wide = 27.0 if k < 5 else 36.0
        level = 655.0 - 0.10 * (600.0 - x)
        for up in (-1.0, 1.0):
            tip = np.array([x + up * 9.0, level + up * 4.0])
            lean = np.array([-up * 14.0 - 12.0, up * 190.0]) * (1.0 if k < 5 else 0.85)
            _draw_tooth(sheet, crowns, roots, np.array([tip, tip + lean]), wide)
    for crown, root in (("is", "ais"), ("ii", "aii")):
        line = np.array([template.MEAN[crown], template.MEAN[root]], dtype=np.float64)
        _draw_tooth(sheet, crowns, roots, line, 27.0 if crown == "is" else 21.0, pointed=True)
    grey = canvas.blurred(roots, sheet.tenths(3.0)) * np.float32(rng.uniform(0.08, 0.13))
    grey += canvas.blurred(crowns, sheet.tenths(2.5)) * np.float32(rng.uniform(0.2, 0.28))
    return np.asarray(grey, dtype=np.float32)


def _draw_tooth(
    sheet: Sheet, crowns: Layer, roots: Layer, line: FloatArray, half: float, *, pointed: bool = False
) -> None:
    """One tooth along (2, 2) template points from its tip to its apex; ``half`` is half its width."""
    tip, apex = line
    along = apex - tip
    across = np.array([-along[1], along[0]]) / float(np.hypot(*along)) * half

    def at(u: float, v: float) -> FloatArray:
        return np.asarray(tip + along * v + across * u, dtype=np.float64)

    edge = [at(-0.25, 0.02), at(0.0, 0.0), at(0.25, 0.02)] if pointed else [at(-0.7, 0.01), at(0.7, 0.01)]
    crown = [*edge, at(1.0, 0.2), at(0.8, 0.37), at(-0.8, 0.37), at(-1.0, 0.2)]
    root = [at(-0.75, 0.38), at(0.75, 0.38), at(0.55, 0.75), at(0.0, 1.0), at(-0.55, 0.75)]
    canvas.fill(crowns, sheet.placed(canvas.smooth_ring(np.array(crown), 40)), 235)
    outline = sheet.placed(canvas.smooth_ring(np.array(root), 40))
    canvas.fill(roots, outline, 215)
    canvas.stroke(roots, outline, sheet.tenths(4), 255, closed=True)


def _neck(rng: np.random.Generator, sheet: Sheet) -> Field:
    """Dens, bodies and spinous processes of the upper cervical spine."""
    bone, rim = sheet.layer(), sheet.layer()
    shapes = [np.array(template.DENS, dtype=np.float64)]
    middles = np.array(template.NECK, dtype=np.float64)
    for k, middle in enumerate(middles):
        body = np.array([[-68, -55], [66, -44], [74, 50], [-66, 46]]) + middle
        arch = (
            np.array([[-75, -25], [-190, -12], [-330 - 12 * k, 30], [-340, 58], [-180, 40], [-75, 30]])
            + middle
        )
        shapes += [body, arch]
    for shape in shapes:
        ring = sheet.placed(canvas.smooth_ring(shape))
        canvas.fill(bone, ring, 220)
        canvas.stroke(rim, ring, sheet.tenths(8), 190, closed=True)
    grey = canvas.blurred(bone, sheet.tenths(4)) * np.float32(0.12)
    return np.asarray(
        grey + canvas.blurred(rim, sheet.tenths(3)) * np.float32(rng.uniform(0.08, 0.12)), dtype=np.float32
    )


def _ear_rod(rng: np.random.Generator, sheet: Sheet) -> Field:
    """The meatus as the bright ring of the holder's rod; the porion is its highest point."""
    ring = sheet.layer()
    top = sheet.placed(np.array([template.MEAN["Po"]]))[0]
    radius = sheet.tenths(rng.uniform(52, 68))
    circle = canvas.ellipse(top + np.array([0.0, radius]), (radius, radius))
    canvas.stroke(ring, circle, sheet.tenths(11), closed=True)
    return canvas.blurred(ring, sheet.tenths(2)) * np.float32(rng.uniform(0.18, 0.3))
