"""Labels go where their pixels go: each way of altering is held against drawn dots and painted masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.image import FloatArray, ImageRef, UInt8Array
from spinekit.core.motion import (
    Motion,
    flip_horizontal,
    identity,
    move_scene,
    quarter_turns,
    turn_scale_shift,
)
from spinekit.core.outline import to_mask, to_outline
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.workflows.augmentation import (
    Alteration,
    Alterations,
    alter_pixels,
    alter_raster,
    draw_alteration,
    generator,
)

H, W = 161, 220
SCHEMA = Schema("shapes", 1, "Shapes", "seg", "test", ("a",))
EVERYTHING = Alterations(
    flip_horizontal=True, flip_vertical=True, quarter_turns=True, rotate=180, scale=0.2, shift=0.05
)


def dot(xy: FloatArray, sharpness: float = 2.5) -> UInt8Array:
    """A soft dot."""
    y, x = np.mgrid[:H, :W]
    squared: FloatArray = (x - xy[0]) ** 2 + (y - xy[1]) ** 2
    return np.asarray(np.rint(255 * np.exp(-squared / (2 * sharpness**2))), dtype=np.uint8)


def centre(pixels: UInt8Array) -> FloatArray:
    """The centre of brightness."""
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    weight = pixels.astype(np.float64)
    return np.array([(weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()])


near_the_middle = st.tuples(st.floats(85, 135), st.floats(60, 100)).map(np.array)


@given(st.integers(0, 1 << 32), near_the_middle)
def test_a_drawn_dot_lands_on_its_moved_point(seed: int, xy: FloatArray) -> None:
    alteration = draw_alteration(EVERYTHING, H, W, np.random.default_rng(seed))
    there = alteration.motion.points(xy[None])[0]
    assert np.abs(centre(alter_pixels(dot(xy), alteration)) - there).max() < 0.1


@given(st.integers(0, 1 << 32), near_the_middle)
def test_a_dot_in_bent_tissue_lands_on_its_moved_point(seed: int, xy: FloatArray) -> None:
    alteration = draw_alteration(Alterations(elastic=6, rotate=20), H, W, np.random.default_rng(seed))
    there = alteration.motion.points(xy[None])[0]
    # A bent dot is no longer round, which moves its centre of brightness a little.
    assert np.abs(centre(alter_pixels(dot(xy, 1.5), alteration)) - there).max() < 0.15


@pytest.mark.parametrize(
    "motion",
    [
        flip_horizontal(H, W),
        quarter_turns(H, W, 1),
        quarter_turns(H, W, 2),
        quarter_turns(H, W, 3),
        identity(H, W),
    ],
)
def test_flips_and_quarter_turns_change_no_grey_value(motion: Motion) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (H, W)).astype(np.uint8)
    moved = alter_pixels(pixels, Alteration(motion))
    places = np.stack([axis.ravel() for axis in np.meshgrid(np.arange(W), np.arange(H))], axis=1)
    there = motion.points(places.astype(np.float64))
    assert (there == np.rint(there)).all()
    columns, rows = there.astype(int).T
    assert (moved[rows, columns] == pixels.ravel()).all()


@given(st.floats(-40, 40), st.floats(0.8, 1.2))
def test_a_painted_mask_covers_its_moved_outline(degrees: float, scale: float) -> None:
    mask = np.zeros((H, W), dtype=np.bool_)
    mask[60:100, 80:140] = True
    mask[70:80, 100:120] = False
    outline = to_outline(mask)
    scene = Scene(ImageRef(Path("x"), H, W), SCHEMA, (Instance("a", outline.box, outline),))
    motion = turn_scale_shift(H, W, degrees=degrees, scale=scale)
    raster = alter_raster(Raster(mask.astype(np.uint8)), motion)
    assert raster is not None
    assert raster.labels is not None
    moved = move_scene(scene, motion).scene.instances[0].outline
    assert moved is not None
    filled = to_mask(moved, H, W)
    # Both ask whether a pixel's centre came from inside, so they differ at most where it lay on the border.
    around = np.s_[30:131, 40:181]  # further out lies the mirrored image
    assert filled.sum() == filled[around].sum()
    assert (filled != raster.labels.astype(np.bool_))[around].sum() <= 0.01 * filled.sum()


def test_class_numbers_are_never_mixed() -> None:
    labels = np.random.default_rng(0).choice([0, 7, 200], (H, W)).astype(np.uint8)
    raster = alter_raster(
        Raster(labels, (labels / 200).astype(np.float32)), turn_scale_shift(H, W, degrees=13)
    )
    assert raster is not None
    assert raster.labels is not None
    assert raster.probability is not None
    assert set(np.unique(raster.labels)) == {0, 7, 200}
    assert raster.probability.dtype == np.float32
    assert alter_raster(None, identity(H, W)) is None


def test_tissue_goes_on_beyond_its_border_and_a_film_does_not() -> None:
    pixels = np.full((H, W), 180, dtype=np.uint8)
    away = Alteration(turn_scale_shift(H, W, shift=(50, 0)))
    assert (alter_pixels(pixels, away)[:, :48] == 0).all()
    assert (alter_pixels(pixels, away, fill=False) == 180).all()


def test_brightness_contrast_and_noise_do_what_they_say() -> None:
    pixels = np.tile(np.array([100, 140], dtype=np.uint8), (H, W // 2))
    still = identity(H, W)
    assert set(np.unique(alter_pixels(pixels, Alteration(still, lift=10)))) == {110, 150}
    assert set(np.unique(alter_pixels(pixels, Alteration(still, gain=1.5)))) == {90, 150}
    noisy = alter_pixels(pixels, Alteration(still, noise=5, noise_seed=3)).astype(float)
    assert np.std(noisy - pixels) == pytest.approx(5, rel=0.05)
    bright = alter_pixels(pixels, Alteration(still, lift=400))
    assert (bright == 255).all()


def test_chance_depends_on_seed_name_and_number_alone() -> None:
    def drawn(seed: int, name: str, copy: int) -> str:
        return draw_alteration(Alterations(rotate=10), H, W, generator(seed, name, copy)).words

    assert drawn(1, "a.png", 1) == drawn(1, "a.png", 1)
    assert len({drawn(1, "a.png", 1), drawn(2, "a.png", 1), drawn(1, "b.png", 1), drawn(1, "a.png", 2)}) == 4


def test_what_was_done_is_said() -> None:
    may = Alterations(rotate=10, elastic=3, noise=2, contrast=0.1)
    words = draw_alteration(may, H, W, np.random.default_rng(0)).words
    for word in ("rotate", "elastic 3 px", "noise 2", "contrast"):
        assert word in words
    assert not Alterations().any
    assert Alterations(noise=1).any
