"""Synthetic axial CT slices through both orbits with the four exact rim points."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import RBFInterpolator

from spinekit.core.image import FloatArray
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.phantoms import canvas
from spinekit.phantoms.canvas import Field
from spinekit.phantoms.phantom import Phantom
from spinekit.phantoms.sheet import Knots, Sheet

NAMES: tuple[str, ...] = ("P1", "P2", "P3", "P4")

HU_OFFSET = 1024  # stored value of 0 HU in films of more than 8 bits
MM_PER_PX = 0.42  # of the template

# Frame of the template: px of a 512 slice from the middle between the lateral rims, x right, y down. The rim
# points are the means over the public labelled slices, made symmetric; all else is placed around them.
RIMS: Knots = ((-115, 2), (-37, -22), (37, -22), (115, 2))
ANCHORS: Knots = ((0, -66), (-150, 170), (150, 170), (0, 365), (0, 120))

# Right halves (x > 0), mirrored for the left.
_SKIN: Knots = (
    *((0, -76), (17, -68), (32, -48), (52, -40), (84, -43), (112, -30), (136, 10), (152, 70), (166, 150)),
    *((164, 230), (138, 310), (86, 366), (0, 388)),
)
_EAR: Knots = ((158, 150), (182, 158), (190, 186), (178, 214), (158, 206))
_VAULT: Knots = (
    *((60, 118), (86, 108), (112, 116), (134, 142), (146, 190), (142, 250), (118, 308), (72, 350), (0, 368)),
)
_LATERAL: Knots = (
    *((115, 2), (121, 10), (122, 26), (112, 44), (97, 66), (80, 92), (62, 116), (50, 124), (58, 104)),
    *((76, 76), (92, 52), (102, 34), (108, 14)),
)
_MEDIAL: Knots = ((37, -22), (34, 0), (33, 40), (37, 80), (46, 122))
_FRONTAL_PROCESS: Knots = (
    (37, -22),
    (40, -14),
    (32, -8),
    (18, -34),
    (7, -58),
    (0, -65),
    (0, -54),
    (12, -44),
    (26, -28),
)
_ORBIT: Knots = ((40, -20), (76, -34), (112, -8), (104, 36), (80, 82), (54, 116), (42, 80), (37, 30))
_FOSSA: Knots = ((118, 24), (138, 30), (148, 90), (140, 130), (112, 108), (90, 98), (104, 66))
_BRAIN: Knots = (
    *((50, 136), (84, 116), (110, 126), (128, 150), (138, 192), (134, 248), (112, 302), (70, 342), (0, 359)),
)
_MUSCLES: tuple[Knots, ...] = (((44, 10), (42, 60), (50, 112)), ((108, 24), (94, 62), (60, 112)))
_NERVE: Knots = ((78, 38), (72, 66), (56, 116))

_FAT, _SOFT, _BRAIN_HU, _BONE, _AIR = -95.0, 45.0, 36.0, 950.0, -1000.0


def orbit_slice(seed: int, size: int = 512, bits: int = 8) -> Phantom:
    """An axial CT slice of a made-up head at the height of both globes.

    Args:
        seed: Everything follows from it.
        size: Rows and columns.
        bits: 8 for grey values through a window, up to 16 for CT numbers plus 1024.

    Returns:
        One thing ``orbits`` with P1 .. P4 from the image's left to its right: lateral, medial, medial,
        lateral rim. Facts: ``window_center`` and ``window_width`` in HU.
    """
    rng = np.random.default_rng([seed, 4])
    points, warp, zoom = _patient(rng)
    return orbit_film(rng, points, warp, zoom, size, bits)


def orbit_film(
    rng: np.random.Generator, points: FloatArray, warp: RBFInterpolator, zoom: float, size: int, bits: int
) -> Phantom:
    """The slice of orbits whose rim points are known.

    Args:
        rng: For all that is drawn by chance.
        points: (4, 2) P1 .. P4 in px of the slice of 512.
        warp: From template coordinates to px of that slice.
        zoom: How many times larger than the template; a pixel of 512 is 0.42 mm over it.
        size: Rows and columns.
        bits: As for `orbit_slice`.
    """
    scale = size / 512.0
    hounsfield = _slice(rng, Sheet(warp, size, size, scale), zoom)
    center, width = _window(rng)
    if bits <= 8:
        pixels = canvas.quantised(np.asarray((hounsfield - (center - width / 2)) / width, dtype=np.float32))
    else:
        top = (1 << bits) - 1
        pixels = np.clip(np.round(hounsfield + HU_OFFSET), 0, top).astype(np.uint16)
    pixel = MM_PER_PX / zoom / scale
    return Phantom(
        kind="orbit",
        pixels=pixels,
        labels=("orbits",),
        names=NAMES,
        points=((points + 0.5) * scale - 0.5)[None],
        spacing=Spacing(pixel, pixel, SpacingOrigin.TOMOGRAPHIC),
        facts={"window_center": center, "window_width": width},
    )


def _window(rng: np.random.Generator) -> tuple[float, float]:
    """A bone window or a soft-tissue window, HU."""
    if rng.random() < 0.45:
        return round(float(rng.uniform(350, 600))), round(float(rng.uniform(1800, 3000)))
    return round(float(rng.uniform(35, 60))), round(float(rng.uniform(100, 380)))


def _patient(rng: np.random.Generator) -> tuple[FloatArray, RBFInterpolator, float]:
    """Rim points (4, 2) on the 512 slice, the warp that brings template lines there, and the zoom."""
    rims, anchors = np.array(RIMS, dtype=np.float64), np.array(ANCHORS, dtype=np.float64)
    stretch = np.array([rng.normal(1.0, 0.03), rng.normal(1.0, 0.05)])
    zoom = float(np.clip(rng.normal(1.0, 0.07), 0.86, 1.12))
    pose = canvas.turn(float(np.clip(rng.normal(2.0, 5.0), -9.0, 11.0))) * zoom
    place = np.array([265.0, 128.0]) + np.clip(rng.normal(0.0, [16.0, 12.0]), -30, 30)

    def placed(points: FloatArray, wobble: float) -> FloatArray:
        moved = points * stretch + rng.normal(0.0, wobble, points.shape)
        return np.asarray(moved @ pose.T + place, dtype=np.float64)

    points = placed(rims, 3.0)
    warp = RBFInterpolator(np.vstack([rims, anchors]), np.vstack([points, placed(anchors, 4.0)]))
    return points, warp, zoom


def _both(knots: Knots) -> tuple[FloatArray, FloatArray]:
    """Right half and its mirror image, (N, 2) each."""
    right = np.array(knots, dtype=np.float64)
    return right, right * np.array([-1.0, 1.0])


def _whole(half: Knots) -> FloatArray:
    """A closed outline from its right half, ends on the midline."""
    right, left = _both(half)
    # A point on the midline is its own mirror image and must not stand twice: curves would kink there.
    return np.vstack([right, left[left[:, 0] < 0][::-1]])


def _slice(rng: np.random.Generator, sheet: Sheet, zoom: float) -> Field:
    """(H, W) CT numbers."""
    fine = sheet.scale * zoom
    image = np.full((sheet.height, sheet.width), _AIR, dtype=np.float32)
    if rng.random() < 0.6:
        image = _with_table(rng, image, sheet, fine)
    image = _filled(image, sheet, list(_both(_EAR)), _SOFT - 40.0)
    image = _filled(image, sheet, [_whole(_SKIN)], _SOFT + 10.0)
    within = canvas.smooth_ring(_whole(_SKIN), 200) * 0.968 + np.array([0.0, 5.0])
    image = _filled(image, sheet, [within], _FAT, smooth=False)
    image = _filled(image, sheet, list(_both(_FOSSA)), _SOFT + 8.0)
    image = _filled(image, sheet, [_whole(((0, 100), *_VAULT))], _BONE)
    image = _filled(image, sheet, [_whole(((0, 158), *_BRAIN))], _BRAIN_HU)
    image = _with_brain(rng, image, sheet)
    image = _with_orbits(rng, image, sheet, fine)
    image = _with_nose(rng, image, sheet, fine)
    for half in _both(_LATERAL):
        image = _filled(image, sheet, [half], _BONE + 150.0)
    image = canvas.blurred(image, 0.7 * fine)
    grain = canvas.blurred(rng.standard_normal(image.shape, dtype=np.float32), 0.6)
    return np.asarray(image + grain * np.float32(rng.uniform(15.0, 45.0)), dtype=np.float32)


def _filled(
    image: Field, sheet: Sheet, rings: list[FloatArray], value: float, *, smooth: bool = True
) -> Field:
    """The image with template rings (through their knots) set to a CT number."""
    cover = sheet.layer()
    for ring in rings:
        curve = canvas.smooth_ring(ring, 12 * len(ring)) if smooth else ring
        canvas.fill(cover, sheet.placed(curve))
    return _blended(image, cover, value)


def _blended(image: Field, cover: canvas.Layer, value: float) -> Field:
    """The image with a covered part set to a CT number."""
    share = cover.astype(np.float32) / np.float32(255.0)
    return np.asarray(image + share * (np.float32(value) - image), dtype=np.float32)


def _lined(image: Field, sheet: Sheet, lines: list[FloatArray], width: float, value: float) -> Field:
    """The image with smooth template lines of a width in px set to a CT number."""
    cover = sheet.layer()
    for line in lines:
        canvas.stroke(cover, sheet.placed(canvas.smooth(line, 30)), width)
    return _blended(image, cover, value)


def _with_brain(rng: np.random.Generator, image: Field, sheet: Sheet) -> Field:
    """Folds, cisterns and a ventricle within the skull."""
    inside = sheet.layer()
    canvas.fill(inside, sheet.placed(canvas.smooth_ring(_whole(((0, 158), *_BRAIN)), 300)))
    folds = canvas.cloud(rng, sheet.height, sheet.width, 14.0 * sheet.scale)
    image = image + canvas.blurred(inside, 2.0) * folds * np.float32(5.0)
    image = _filled(image, sheet, [canvas.ellipse(np.array([0.0, 214.0]), (30.0, 26.0))], _BRAIN_HU + 4.0)
    star = np.array([[0, 176], [10, 196], [34, 206], [12, 212], [0, 206], [-12, 212], [-34, 206], [-10, 196]])
    image = _filled(image, sheet, [star.astype(np.float64)], 8.0)
    return _filled(image, sheet, [canvas.ellipse(np.array([0.0, 252.0]), (9.0, 6.0))], 6.0)


def _with_orbits(rng: np.random.Generator, image: Field, sheet: Sheet, fine: float) -> Field:
    """Fat, muscles, nerve and globe with its lens, on both sides."""
    image = _filled(image, sheet, list(_both(_ORBIT)), _FAT + 10.0)
    for knots in _MUSCLES:
        image = _lined(image, sheet, list(_both(knots)), 7.0 * fine, _SOFT)
    image = _lined(image, sheet, list(_both(_NERVE)), 6.0 * fine, _SOFT - 10.0)
    lids = canvas.smooth(np.array([(40.0, -34.0), (62.0, -38.0), (84.0, -38.0), (112.0, -22.0)]))
    image = _lined(image, sheet, list(_both([tuple(p) for p in lids])), 8.0 * fine, _SOFT)
    radius = rng.uniform(26.0, 30.0)
    level = rng.uniform(0.0, 8.0)
    for side in (-1.0, 1.0):
        middle = np.array([side * 77.0, level])
        image = _filled(image, sheet, [canvas.ellipse(middle, (radius, radius))], _SOFT + 15.0)
        image = _filled(image, sheet, [canvas.ellipse(middle, (radius - 4.0, radius - 4.0))], 12.0)
        lens = canvas.ellipse(middle + np.array([0.0, 7.0 - radius]), (8.0, 4.0))
        image = _filled(image, sheet, [lens], 95.0)
    return image


def _with_nose(rng: np.random.Generator, image: Field, sheet: Sheet, fine: float) -> Field:
    """Ethmoid cells between the medial walls, sphenoid sinus, nasal bones; walls end in the medial rims."""
    cells: Knots = ((0, -44), (20, -24), (32, -6), (31, 40), (35, 84), (38, 112), (0, 118))
    image = _filled(image, sheet, [_whole(cells)], -920.0)
    septa = [np.array([[0.0, -56.0], [rng.normal(0, 3), 20.0], [rng.normal(0, 2), 116.0]])]
    for side in (-1.0, 1.0):
        lamella = [[side * (14.0 + rng.normal(0, 2.5)), y] for y in (-24.0, 8.0, 40.0, 76.0, 112.0)]
        septa.append(np.array(lamella))
        for y in np.cumsum(rng.uniform(13.0, 26.0, 6)) - 14.0:
            bow = rng.normal(0, 7)
            septa.append(np.array([[side * 14.0, y + bow], [side * 25.0, y - 0.6 * bow], [side * 35.0, y]]))
    image = _with_mucosa(rng, image, sheet)
    image = _lined(image, sheet, septa, 2.0 * fine, rng.uniform(-100.0, 250.0))
    image = _filled(
        image, sheet, [_whole(((0, 112), (40, 110), (56, 126), (44, 150), (0, 158)))], _BONE - 250.0
    )
    sinus: Knots = ((0, 118), (26, 116), (32, 130), (0, 142))
    image = _filled(image, sheet, [_whole(sinus)], -900.0)
    image = _lined(image, sheet, [np.array([[0.0, 112.0], [2.0, 146.0]])], 3.0 * fine, _BONE - 300.0)
    image = _lined(image, sheet, list(_both(_MEDIAL)), 3.0 * fine, _BONE - 150.0)
    for half in _both(_FRONTAL_PROCESS):
        image = _filled(image, sheet, [half], _BONE)
    return image


def _with_mucosa(rng: np.random.Generator, image: Field, sheet: Sheet) -> Field:
    """Swollen lining here and there in the ethmoid cells."""
    lumps = []
    for _ in range(int(rng.integers(2, 9))):
        middle = np.array([rng.uniform(-26.0, 26.0), rng.uniform(-10.0, 105.0)])
        lumps.append(
            canvas.ellipse(middle, (rng.uniform(3.0, 7.0), rng.uniform(3.0, 9.0)), rng.uniform(0, 180))
        )
    return _filled(image, sheet, lumps, _SOFT - 20.0)


def _with_table(rng: np.random.Generator, image: Field, sheet: Sheet, fine: float) -> Field:
    """The head rest: an arc behind the head."""
    angle = np.radians(np.linspace(15.0, 165.0, 40))
    reach = rng.uniform(198.0, 215.0)
    arc = np.stack([reach * np.cos(angle), 205.0 + reach * np.sin(angle)], axis=-1)
    return _lined(image, sheet, [arc], 4.0 * fine, rng.uniform(-150.0, 300.0))
