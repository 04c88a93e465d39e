from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import Landmarks, Visibility, landmarks
from spinekit.core.motion import (
    Motion,
    after,
    clip_ring,
    flip_horizontal,
    flip_vertical,
    identity,
    move_scene,
    quarter_turns,
    turn_scale_shift,
)
from spinekit.core.outline import Outline, ring_area, to_mask, to_outline
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.core.spacing import Spacing, SpacingOrigin

H, W = 30, 41
NAMES = ("TL", "TR", "BL", "BR", "M")
SCHEMA = Schema(
    "bodies", 1, "Bodies", "pose", "test", ("vertebra",), (),
    tuple(LandmarkDefinition(name, "a point") for name in NAMES),
    mirrored=(("TL", "TR"), ("BL", "BR")),
)  # fmt: skip
REF = ImageRef(Path("x.png"), H, W, Spacing(0.2, 0.1, SpacingOrigin.DETECTOR), name="x.png")

sizes = st.integers(2, 60)
inside = st.tuples(st.floats(0, W - 1), st.floats(0, H - 1))
grid_motions = st.builds(
    lambda flips, turns: after(flips(H, W), quarter_turns(H, W, turns)),
    st.sampled_from([identity, flip_horizontal, flip_vertical]),
    st.integers(0, 3),
)


def scene(xy: FloatArray, outline: Outline | None = None) -> Scene:
    points = landmarks(NAMES, xy)
    (left, top), (right, bottom) = np.nanmin(xy, axis=0), np.nanmax(xy, axis=0)
    return Scene(REF, SCHEMA, (Instance("vertebra", (left, top, right, bottom), outline, points),))


def points_of(given_scene: Scene) -> Landmarks:
    found = given_scene.instances[0].landmarks
    assert found is not None
    return found


def boxed(outline: Outline) -> Scene:
    return Scene(REF, SCHEMA, (Instance("vertebra", outline.box, outline),))


def outline_of(given_scene: Scene) -> Outline:
    found = given_scene.instances[0].outline
    assert found is not None
    return found


def masks() -> st.SearchStrategy[np.ndarray]:
    return st.integers(1, 1 << 62).map(
        lambda seed: np.pad(np.random.default_rng(seed).random((8, 9)) < 0.6, ((5, H - 13), (20, W - 29)))
    ).filter(lambda mask: bool(mask.any()))  # fmt: skip


@pytest.mark.parametrize("flip", [flip_horizontal, flip_vertical])
@given(xy=st.lists(inside, min_size=5, max_size=5))
def test_flipping_twice_changes_nothing(flip: type[Motion], xy: list[tuple[float, float]]) -> None:
    first = scene(np.array(xy))
    once = move_scene(first, flip(H, W)).scene  # type: ignore[call-arg, arg-type]
    twice = move_scene(once, flip(H, W)).scene  # type: ignore[call-arg, arg-type]
    np.testing.assert_allclose(points_of(twice).xy, points_of(first).xy, atol=1e-9)
    np.testing.assert_allclose(twice.instances[0].box, first.instances[0].box, atol=1e-9)


@given(xy=st.lists(inside, min_size=5, max_size=5), turns=st.integers(0, 3))
def test_four_quarters_make_a_whole(xy: list[tuple[float, float]], turns: int) -> None:
    first = scene(np.array(xy))
    there = move_scene(first, quarter_turns(H, W, turns)).scene
    back = move_scene(there, quarter_turns(there.image.height, there.image.width, 4 - turns)).scene
    np.testing.assert_allclose(points_of(back).xy, points_of(first).xy, atol=1e-9)
    assert (back.image.height, back.image.width) == (H, W)
    assert back.image.spacing == REF.spacing


@given(motion=grid_motions, x=st.integers(0, W - 1), y=st.integers(0, H - 1))
def test_points_go_where_their_pixels_go(motion: Motion, x: int, y: int) -> None:
    pixels = np.zeros((H, W))
    pixels[y, x] = 1
    linear = motion.matrix[:, :2]
    moved = pixels.T if linear[0, 0] == 0 else pixels
    across, down = motion.matrix.sum(axis=1) - motion.matrix[:, 2]
    moved = moved[:: 1 if down > 0 else -1, :: 1 if across > 0 else -1]
    row, column = np.argwhere(moved)[0]
    np.testing.assert_allclose(motion.points(np.array([[float(x), float(y)]]))[0], [column, row], atol=1e-9)


@given(motion=grid_motions)
def test_flips_and_turns_keep_the_grid(motion: Motion) -> None:
    assert motion.keeps_grid


@given(turns=st.integers(0, 3))
def test_quarter_turns_are_those_of_numpy(turns: int) -> None:
    pixels = np.arange(H * W).reshape(H, W)
    motion, turned = quarter_turns(H, W, turns), np.rot90(pixels, turns)
    assert (motion.height, motion.width) == turned.shape
    corner = motion.points(np.array([[3.0, 2.0]]))[0].astype(int)
    assert turned[corner[1], corner[0]] == pixels[2, 3]


@given(mask=masks(), motion=grid_motions)
def test_shapes_cover_the_moved_pixels(mask: np.ndarray, motion: Motion) -> None:
    moved = move_scene(boxed(to_outline(mask)), motion).scene
    filled = to_mask(outline_of(moved), moved.image.height, moved.image.width)
    assert filled.sum() == mask.sum()
    rows, columns = np.nonzero(mask)
    places = motion.points(np.stack([columns, rows], axis=1).astype(float)).round().astype(int)
    assert filled[places[:, 1], places[:, 0]].all()


@given(mask=masks(), degrees=st.floats(-20, 20), scale=st.floats(0.7, 1.2))
def test_area_is_kept_by_turning_and_follows_the_scale(
    mask: np.ndarray,
    degrees: float,
    scale: float,
) -> None:
    outline = to_outline(mask)
    motion = turn_scale_shift(4 * H, 4 * W, degrees=degrees, scale=scale, shift=(30, 20))
    moved = outline_of(move_scene(boxed(outline), motion).scene)

    def area(shape: Outline) -> float:
        return sum(abs(ring_area(ring)) for ring in shape.rings) - sum(abs(ring_area(h)) for h in shape.holes)

    assert area(moved) == pytest.approx(area(outline) * scale**2, rel=1e-9)


def test_mirrored_names_swap_and_others_stay() -> None:
    first = scene(np.array([[1.0, 2.0], [11, 2], [1, 9], [11, 9], [6, 5]]))
    moved = points_of(move_scene(first, flip_horizontal(H, W)).scene)
    assert moved.names == NAMES
    # The viewer's left corner of the mirrored body is what was its right one.
    assert moved.xy.tolist() == [[W - 12, 2], [W - 2, 2], [W - 12, 9], [W - 2, 9], [W - 7, 5]]
    turned = points_of(move_scene(first, quarter_turns(H, W, 2)).scene)
    assert turned.xy[0].tolist() == [W - 2, H - 3]


def test_a_pair_of_which_one_is_missing_changes_its_name() -> None:
    points = landmarks(("TL", "M"), np.array([[1.0, 2.0], [6, 5]]))
    first = Scene(REF, SCHEMA, (Instance("vertebra", (1, 2, 6, 5), None, points),))
    assert points_of(move_scene(first, flip_horizontal(H, W)).scene).names == ("TR", "M")


def test_what_leaves_the_image_is_absent_and_counted() -> None:
    first = scene(np.array([[1.0, 2.0], [39, 2], [1, 9], [39, 9], [20, 5]]))
    moved = move_scene(first, turn_scale_shift(H, W, shift=(5, 0)))
    points = points_of(moved.scene)
    assert moved.points_lost == 2
    assert [Visibility(v) for v in points.visibility] == [2, 0, 2, 0, 2]
    assert np.isnan(points.xy[[1, 3]]).all()
    assert moved.scene.instances[0].box == (6, 2, 25, 9)
    gone = move_scene(first, turn_scale_shift(H, W, shift=(0, -40)))
    assert gone.scene.instances == ()
    assert (gone.lost, gone.points_lost) == (("vertebra",), 5)


def test_occluded_stays_occluded_and_absent_absent() -> None:
    xy = np.array([[1.0, 2.0], [np.nan, np.nan], [1, 9], [11, 9], [6, 5]])
    first = scene(xy)
    points = points_of(first)
    hidden = replace(points, visibility=np.array([1, 0, 2, 2, 2], dtype=np.int8))
    first = replace(first, instances=(replace(first.instances[0], landmarks=hidden),))
    moved = points_of(move_scene(first, flip_horizontal(H, W)).scene)
    assert moved.visibility.tolist() == [0, 1, 2, 2, 2]


def test_a_cut_outline_covers_what_is_left_of_its_pixels() -> None:
    mask = np.zeros((H, W), dtype=np.bool_)
    mask[5:20, 10:30] = True
    mask[8:17, 15:] = False  # a C, open to the right
    motion = turn_scale_shift(H, W, shift=(-20, 0))
    moved = move_scene(boxed(to_outline(mask)), motion).scene
    expected = np.zeros_like(mask)
    expected[:, :-20] = mask[:, 20:]
    assert (to_mask(outline_of(moved), H, W) == expected).all()
    assert moved.instances[0].box == (-0.5, 4.5, 9.5, 19.5)


@given(mask=masks(), dx=st.integers(-60, 60), dy=st.integers(-40, 40))
def test_cutting_never_adds_or_loses_a_pixel(mask: np.ndarray, dx: int, dy: int) -> None:
    wide = np.pad(mask, 60)
    expected = wide[60 - dy : 60 - dy + H, 60 - dx : 60 - dx + W] if abs(dx) <= 60 and abs(dy) <= 60 else mask
    moved = move_scene(boxed(to_outline(mask)), turn_scale_shift(H, W, shift=(dx, dy))).scene
    if not moved.instances:
        assert not expected.any()
    else:
        assert (to_mask(outline_of(moved), H, W) == expected).all()


def test_a_ring_outside_leaves_nothing() -> None:
    square = np.array([[50.0, 5], [60, 5], [60, 9], [50, 9]])
    assert len(clip_ring(square, H, W)) == 0


def test_spacing_follows() -> None:
    first = scene(np.array([[1.0, 2.0], [11, 2], [1, 9], [11, 9], [6, 5]]))
    turned = move_scene(first, quarter_turns(H, W, 1)).scene.image
    assert turned.spacing == Spacing(0.1, 0.2, SpacingOrigin.DETECTOR)
    enlarged = move_scene(first, turn_scale_shift(H, W, scale=1.25)).scene.image
    assert enlarged.spacing == Spacing(0.16, 0.08, SpacingOrigin.DETECTOR)


@given(degrees=st.floats(-60, 60))
def test_a_turn_keeps_lengths_in_mm_when_pixels_are_not_square(degrees: float) -> None:
    motion = turn_scale_shift(H, W, degrees=degrees, aspect=2.0)
    ends = motion.points(np.array([[10.0, 10.0], [16.0, 14.0]])) * [0.1, 0.2]
    assert np.hypot(*(ends[1] - ends[0])) == pytest.approx(1.0)


def test_a_bending_must_come_last() -> None:
    bent = Motion(np.eye(2, 3), H, W, lambda xy: xy + 1)
    assert after(identity(H, W), bent).points(np.zeros((1, 2))).tolist() == [[1, 1]]
    with pytest.raises(ValueError, match="last"):
        after(bent, identity(H, W))
    assert not bent.keeps_grid
    assert not turn_scale_shift(H, W, shift=(3, 0)).keeps_grid
    assert turn_scale_shift(H, W).keeps_grid
    assert not bent.mirrors
    assert flip_vertical(H, W).mirrors


def test_a_bending_bends_the_sides_of_a_shape() -> None:
    square = Outline((np.array([[5.0, 10], [35, 10], [35, 20], [5, 20]]),))
    wave = Motion(
        np.eye(2, 3), H, W, lambda xy: xy + np.stack([0 * xy[:, 0], 3 * np.sin(xy[:, 0] / 5)], axis=1)
    )
    moved = outline_of(move_scene(boxed(square), wave).scene)
    top = moved.rings[0][moved.rings[0][:, 1] < 14]
    assert np.ptp(top[:, 1]) > 5
