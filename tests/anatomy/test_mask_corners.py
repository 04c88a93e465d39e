"""Corners and endplates from masks: the table of errors, hostile shapes, whole scenes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.anatomy import BodyShape, body_shape, with_corners
from spinekit.anatomy.mask_corners import body_shapes
from spinekit.core.body_points import BODY_POINTS
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.outline import Outline, to_mask, to_outline
from spinekit.core.scene import Instance, Scene
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.schemas import load_schema

WIDE, TALL = 70.0, 52.0
TILTS = np.linspace(-50, 50, 21)
DOWN = np.array([0.0, 1.0])


def turned(points: FloatArray, degrees: float) -> FloatArray:
    """Points (..., 2) turned clockwise on the screen."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.asarray(points @ np.array([[cosine, sine], [-sine, cosine]]))


def border(start: FloatArray, end: FloatArray, dent: float = 0.0) -> FloatArray:
    """A line whose middle is pushed inwards (clockwise rings), without its last point."""
    share = np.linspace(0, 1, 40)[:-1, None]
    normal = np.array([start[1] - end[1], end[0] - start[0]]) / np.hypot(*(end - start))
    return np.asarray(start + (end - start) * share + normal * dent * 4 * share * (1 - share))


def body(kind: str) -> tuple[FloatArray, FloatArray]:
    """Corners TL, TR, BL, BR about the centre, and the ring around them."""
    half, tall = WIDE / 2, TALL / 2
    corners = np.array([[-half, -tall], [half, -tall], [-half, tall], [half, tall]])
    if kind.startswith("wedge"):
        lost = float(kind.split()[1]) / 100 * tall
        corners[1, 1] += lost
        corners[3, 1] -= lost
    side, plate = (4.0, 5.0) if kind == "waisted and biconcave" else (0.0, 0.0)
    upper_left, upper_right, low_left, low_right = corners
    parts = [
        border(upper_left, upper_right, plate),
        border(upper_right, low_right, side),
        border(low_right, low_left, plate),
        border(low_left, upper_left, side),
    ]
    if kind == "osteophyte":
        parts[0] = parts[0][:-4]
        parts.insert(1, np.array([[half - 7, -tall], [half + 8, -tall - 1], [half + 1, -tall + 8]]))
        parts[2] = parts[2][6:]
    return corners, np.concatenate(parts)


def tilts_of(corners: FloatArray) -> FloatArray:
    across = corners[[1, 3]] - corners[[0, 2]]
    return np.asarray(np.degrees(np.arctan2(across[:, 1], across[:, 0])))


def fitted(ring: FloatArray, down: FloatArray | None = DOWN) -> BodyShape:
    shape = body_shape(to_outline(to_mask(Outline((ring,)), 150, 150)), down)
    assert shape is not None
    return shape


# Mean corner error (px), mean and largest endplate error (degrees) that are allowed.
TABLE = [
    ("clean", 0.6, 0.1, 0.3),
    ("wedge 25", 0.7, 0.2, 0.8),
    ("wedge 40", 0.7, 0.2, 0.7),
    ("waisted and biconcave", 0.8, 0.5, 1.0),
    ("osteophyte", 2.4, 0.4, 0.8),
]


@pytest.mark.parametrize(("kind", "corner", "mean", "largest"), TABLE)
def test_the_table_of_errors(kind: str, corner: float, mean: float, largest: float) -> None:
    random = np.random.default_rng(7)
    off, angles = [], []
    for tilt in TILTS:
        corners, ring = body(kind)
        centre = 75 + random.uniform(-0.5, 0.5, 2)
        truth = turned(corners, tilt) + centre
        hint = turned(DOWN, tilt + random.normal(0, 8))
        shape = fitted(turned(ring, tilt) + centre, hint)
        off.append(np.linalg.norm(shape.corners - truth, axis=1).mean())
        angles.append(np.abs(np.array(shape.tilts) - tilts_of(truth)))
        assert shape.doubts == ()
    assert np.mean(off) <= corner
    assert np.mean(angles) <= mean
    assert np.max(angles) <= largest


def test_noise_of_a_pixel_on_the_contour() -> None:
    random = np.random.default_rng(8)
    angles = []
    for tilt in TILTS:
        corners, ring = body("clean")
        shape = body_shape(
            Outline((turned(ring, tilt) + random.normal(0, 1, ring.shape),)), turned(DOWN, tilt)
        )
        assert shape is not None
        angles.append(np.abs(np.array(shape.tilts) - tilts_of(turned(corners, tilt))))
    assert np.mean(angles) <= 0.7


def test_the_middle_of_a_hollow_endplate_lies_on_the_contour() -> None:
    _, ring = body("waisted and biconcave")
    shape = fitted(turned(ring, 20) + 75)
    expected = turned(np.array([[0, 5 - TALL / 2], [0, TALL / 2 - 5]]), 20) + 75
    assert np.abs(shape.middles - expected).max() < 0.8


@given(dx=st.floats(-20, 20), dy=st.floats(-20, 20), factor=st.floats(0.5, 2))
def test_place_and_size_of_an_outline_do_not_matter(dx: float, dy: float, factor: float) -> None:
    _, ring = body("wedge 25")
    plain, other = body_shape(Outline((ring,)), DOWN), body_shape(Outline((ring * factor + (dx, dy),)), DOWN)
    assert plain is not None
    assert other is not None
    assert other.corners == pytest.approx(plain.corners * factor + (dx, dy), abs=0.6 * max(factor, 1))
    assert other.tilts == pytest.approx(plain.tilts, abs=0.1)


def test_quality_tells_what_is_no_body() -> None:
    angle = np.linspace(0, 2 * np.pi, 90)[:-1]
    disc = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ellipse = fitted(disc * (40, 14) + 75)
    assert ellipse.doubts == ("the mask is no quadrilateral (area ratio 1.09)",)
    round_one = fitted(disc * (40, 40) + 75)
    assert any("no corner" in doubt for doubt in round_one.doubts)
    triangle = body_shape(Outline((np.array([[0.0, 0], [60, 30], [0, 60]]),)), DOWN)
    assert triangle is None or triangle.doubts
    _, ring = body("clean")
    holed = body_shape(Outline((ring,), (ring * 0.4,)), DOWN)
    assert holed is not None
    assert holed.doubts == ("holes take 16% of the mask",)


@pytest.mark.parametrize(
    "ring",
    [
        np.zeros((0, 2)),
        np.zeros((4, 2)),
        np.array([[0.0, 0], [100, 0], [200, 0]]),
        np.array([[0.0, 0], [3, 0], [3, 3], [0, 3]]),
        np.array([[0.0, 0], [np.nan, 0], [60, 60], [0, 60]]),
    ],
)
def test_no_shape_gives_nothing(ring: FloatArray) -> None:
    assert body_shape(Outline((ring,)), DOWN) is None


def test_parts_nearby_belong_to_the_body_and_far_ones_do_not() -> None:
    _, ring = body("clean")
    far = np.array([[60.0, 60], [80, 60], [80, 80], [60, 80]])
    alone, with_far = body_shape(Outline((ring,)), DOWN), body_shape(Outline((ring, far)), DOWN)
    assert alone is not None
    assert with_far is not None
    assert with_far.corners == pytest.approx(alone.corners)


def test_a_body_is_the_same_whatever_is_fitted_with_it() -> None:
    random = np.random.default_rng(5)
    bodies: list[tuple[Outline, FloatArray | None]] = []
    for kind, _, _, _ in TABLE:
        for size in (0.2, 1.0, 6.0):  # from 240 points on the contour to thousands
            tilt = random.uniform(-40, 40)
            ring = turned(body(kind)[1], tilt) * size + random.uniform(0, 300, 2)
            bodies.append((Outline((ring,)), turned(DOWN, tilt)))
    bodies.insert(3, (Outline((np.zeros((4, 2)),)), DOWN))  # without any shape
    together = body_shapes(bodies)
    assert together[3] is None
    for shape, (outline, down) in zip(together, bodies, strict=True):
        alone = body_shape(outline, down)
        assert (shape is None) == (alone is None)
        if shape is not None and alone is not None:
            for one, other in ((shape.corners, alone.corners), (shape.plates, alone.plates)):
                assert np.abs(one - other).max() < 1e-9
            assert np.abs(shape.middles - alone.middles).max() < 1e-9
            assert shape.doubts == alone.doubts


def test_bodies_of_which_none_has_four_borders() -> None:
    needle = np.array([[0.0, 0], [200, 0], [200, 0.3], [0, 0.3]])
    assert body_shapes([(Outline((needle,)), DOWN)] * 2) == [None, None]
    assert body_shapes([]) == []


def test_a_body_alone_is_taken_upright() -> None:
    corners, ring = body("wedge 25")
    shape = fitted(turned(ring, 15) + 75, None)
    assert np.abs(np.array(shape.tilts) - tilts_of(turned(corners, 15))).max() < 0.5


def column(levels: tuple[str, ...], schema: str = "mri-lumbar", spacing: Spacing | None = None) -> Scene:
    """Wedged bodies down a bow, as outlines."""
    items = []
    rows = 1.0 if spacing is None else spacing.row_mm / spacing.col_mm
    for number, level in enumerate(levels):
        _, ring = body("wedge 25")
        centre = np.array([150 - 4 * (number - 2) ** 2, 60 + 68 * number])
        placed = (turned(ring, 6.0 * number - 12) + centre) / np.array([1.0, rows])
        items.append(Instance(level, (0, 0, 1, 1), outline=Outline((placed,))))
    return Scene(ImageRef(Path("slice.png"), 480, 300, spacing), load_schema(schema), tuple(items))


def test_every_mask_of_a_scene_gets_its_points() -> None:
    scene = with_corners(column(("L1", "L2", "L3", "L4", "L5")))
    for number, item in enumerate(scene.instances):
        assert item.landmarks is not None
        assert item.landmarks.names == BODY_POINTS
        truth = turned(body("wedge 25")[0], 6.0 * number - 12)
        plates = item.landmarks.xy[[BODY_POINTS.index(name) for name in ("STL", "STR", "SBL", "SBR")]]
        assert np.abs(tilts_of(plates) - tilts_of(truth)).max() < 0.5
        assert item.flags == ()


def test_pixels_need_not_be_square() -> None:
    levels = ("L1", "L2", "L3")
    square = with_corners(column(levels))
    oblong = with_corners(column(levels, spacing=Spacing(2.0, 1.0, SpacingOrigin.TOMOGRAPHIC)))
    for one, other in zip(square.instances, oblong.instances, strict=True):
        assert one.landmarks is not None
        assert other.landmarks is not None
        assert other.landmarks.xy * (1, 2) == pytest.approx(one.landmarks.xy, abs=0.8)


def test_order_in_the_file_does_not_matter() -> None:
    scene = column(("L1", "L2", "L3", "L4", "L5"))
    back = with_corners(replace(scene, instances=scene.instances[::-1]))
    for one, other in zip(with_corners(scene).instances, back.instances[::-1], strict=True):
        assert one.landmarks is not None
        assert other.landmarks is not None
        assert np.array_equal(one.landmarks.xy, other.landmarks.xy)


def test_what_has_corners_or_no_levels_stays_as_it_is() -> None:
    scene = column(("L1", "L2"))
    again = with_corners(scene)
    assert with_corners(again) is again
    assert with_corners(replace(scene, instances=())).instances == ()
    tissue = replace(scene, schema=load_schema("em-membrane"))
    assert with_corners(tissue) is tissue


def test_the_ends_of_the_spine_give_one_endplate() -> None:
    scene = with_corners(column(("C1", "C2", "C3", "S1"), "vertebrae"))
    atlas, axis, third, sacrum = (item.landmarks for item in scene.instances)
    assert atlas is None
    for marks, absent in ((axis, "TL TR TM STL STR"), (third, ""), (sacrum, "BL BR BM SBL SBR")):
        assert marks is not None
        missing = [name for name, xy in zip(marks.names, marks.xy, strict=True) if np.isnan(xy).any()]
        assert missing == absent.split()


def test_a_mask_without_shape_is_flagged_and_has_no_points() -> None:
    scene = column(("L1", "L2", "L3"))
    dots = Outline((np.array([[0.0, 0], [2, 0], [2, 2], [0, 2]]),))
    items = (scene.instances[0], replace(scene.instances[1], outline=dots), scene.instances[2])
    found = with_corners(replace(scene, instances=items)).instances
    assert found[1].landmarks is None
    assert found[1].flags == ("the mask has no four borders",)
    assert found[0].landmarks is not None
