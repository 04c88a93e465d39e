from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.core.errors import EnvironmentFaultError
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.measurement import NotMeasured, Status
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.views.footer import footer_height
from spinekit.views.overlay import draw_overlay, encode_picture, thumbnail, write_overlay
from spinekit.views.style import LEVEL_COLOURS, MIN_LONG_SIDE, OverlayStyle, scale_for
from tests.views.scenes import MEMBRANE, SPINE, cobb, film, pointed, stack


@given(st.integers(1, 900), st.integers(1, 900))
@settings(max_examples=15, deadline=None)
def test_small_images_are_enlarged_by_a_whole_factor(height: int, width: int) -> None:
    image = film(height, width)
    picture = draw_overlay(image, Scene(image.ref, SPINE))
    scale = scale_for(height, width)
    assert max(height, width) * scale.zoom >= MIN_LONG_SIDE
    assert scale.zoom == 1 or max(height, width) * (scale.zoom - 1) < MIN_LONG_SIDE
    assert picture.shape == (height * scale.zoom + footer_height(scale), width * scale.zoom, 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize(("height", "width"), [(2000, 900), (1200, 800)])
def test_an_empty_scene_leaves_the_film_as_it_is(height: int, width: int) -> None:
    image = film(height, width)
    picture = draw_overlay(image, Scene(image.ref, SPINE))
    assert np.array_equal(picture[:height], np.repeat(image.pixels[..., None], 3, axis=2))


@pytest.mark.parametrize("height", [2000, 1200])
def test_pixels_away_from_what_was_found_keep_their_grey(height: int) -> None:
    image = film(height, 1000)
    scene = stack(image, outlines=True)
    picture = draw_overlay(image, scene)[:height]
    changed = (picture != image.pixels[..., None]).any(axis=2)
    left = min(item.box[0] for item in scene.instances)
    right = max(item.box[2] for item in scene.instances)
    assert changed.any()
    assert not changed[:, : int(left) - 120].any()
    assert not changed[:, int(right) + 120 :].any()
    assert changed.mean() < 0.35


def test_the_film_stays_visible_under_a_mask() -> None:
    image = film(2000, 1000)
    scene = stack(image, outlines=True)
    picture = draw_overlay(image, scene)
    left, top, right, bottom = (round(edge) for edge in scene.instances[3].box)
    inside = (
        slice((top + bottom) // 2 - 20, (top + bottom) // 2 + 20),
        slice((left + right) // 2 - 20, (left + right) // 2 + 20),
    )
    green = picture[inside][..., 1].astype(float).ravel()
    assert np.corrcoef(green, image.pixels[inside].astype(float).ravel())[0, 1] > 0.95


def test_equal_input_gives_equal_bytes() -> None:
    image = film(1200, 600)
    scene = stack(image, flags={"L1": ("too tall",)})
    results = (cobb(scene, "T10", "L4"), NotMeasured("other", "no"))
    first, second = (encode_picture(draw_overlay(image, scene, results), ".png") for _ in range(2))
    assert first == second


@pytest.mark.parametrize("absent", [0, 2, 4])
def test_an_absent_landmark_draws_nothing(absent: int) -> None:
    image = film(1800, 1400)
    names = ("S", "N", "A", "B", "Me")
    xy = np.array([[500, 500], [900, 480], [880, 800], [850, 1000], [780, 1150]], dtype=float)
    holed = xy.copy()
    holed[absent] = np.nan
    edges = (("S", "N"), ("N", "A"), ("B", "Me"))
    kept = [k for k in range(5) if k != absent]
    without = pointed(image, tuple(names[k] for k in kept), xy[kept])
    without = replace(without, schema=replace(without.schema, edges=edges))
    assert np.array_equal(
        draw_overlay(image, pointed(image, names, holed, edges)), draw_overlay(image, without)
    )


def test_every_visible_landmark_is_marked() -> None:
    image = film(1800, 1400)
    xy = np.array([[500, 500], [900, 480], [880, 800]], dtype=float)
    picture = draw_overlay(image, pointed(image, ("S", "N", "A"), xy))
    for x, y in xy.astype(int).tolist():
        blue, green, red = picture[y, x].tolist()
        assert green > red + 60
        assert green > blue


def test_an_occluded_landmark_is_an_open_ring() -> None:
    image = film(1800, 1400)
    scene = pointed(image, ("S",), np.array([[700.0, 900.0]]))
    item = scene.instances[0]
    points = Landmarks(("S",), np.array([[700.0, 900.0]]), np.array([Visibility.OCCLUDED], dtype=np.int8))
    hidden = replace(scene, instances=(replace(item, landmarks=points),))
    assert (draw_overlay(image, hidden)[900, 700] == image.pixels[900, 700]).all()
    assert (draw_overlay(image, scene)[900, 700] != image.pixels[900, 700]).any()


@pytest.mark.parametrize("outlines", [False, True])
def test_doubts_are_seen(outlines: bool) -> None:
    image = film(2000, 1000)
    lines_only = OverlayStyle(mask_opacity=0)
    sure, unsure = (stack(image, flags, outlines) for flags in (None, {"L2": ("implausible size",)}))
    plain, doubted = (draw_overlay(image, scene, (), lines_only) for scene in (sure, unsure))
    left, top, right, bottom = (round(edge) for edge in stack(image).instances[4].box)
    around = (slice(top - 5, bottom + 5), slice(left - 5, right + 5))
    # Dashes leave gaps where the line of an undoubted body covers the film.
    grey = np.repeat(image.pixels[around][..., None], 3, axis=2).astype(int)
    strength = [np.abs(picture[around].astype(int) - grey).sum() for picture in (plain, doubted)]
    assert strength[1] < 0.9 * strength[0]
    assert not np.array_equal(plain[2000:], doubted[2000:])


def test_a_result_to_review_is_dashed() -> None:
    image = film(2000, 1000)
    scene = stack(image)
    sure, unsure = (
        draw_overlay(image, scene, [cobb(scene, "T10", "L4", status=status)])
        for status in (Status.OK, Status.REVIEW)
    )
    amber = [
        int(((picture[..., 2] > 240) & (picture[..., 1] > 180) & (picture[..., 0] < 60)).sum())
        for picture in (sure, unsure)
    ]
    assert 0 < amber[1] < 0.85 * amber[0]


def test_membranes_are_tinted_and_cells_are_not() -> None:
    image = film(1800, 1800)
    labels = np.zeros((1800, 1800), dtype=np.uint8)
    labels[:, 800:900] = 1
    picture = draw_overlay(image, Scene(image.ref, MEMBRANE, raster=Raster(labels=labels)))[:1800]
    changed = (picture != image.pixels[..., None]).any(axis=2)
    assert np.array_equal(changed, labels == 1)


def test_a_probability_is_cut_at_a_half() -> None:
    image = film(1800, 1800)
    probability = np.tile(np.linspace(0, 1, 1800, dtype=np.float32), (1800, 1))
    picture = draw_overlay(image, Scene(image.ref, MEMBRANE, raster=Raster(probability=probability)))[:1800]
    changed = (picture != image.pixels[..., None]).any(axis=2)
    assert np.array_equal(changed, probability >= 0.5)


def test_a_raster_of_another_shape_is_refused() -> None:
    image = film(900, 900)
    scene = Scene(image.ref, MEMBRANE, raster=Raster(labels=np.zeros((450, 900), dtype=np.uint8)))
    with pytest.raises(ValueError, match="raster has shape"):
        draw_overlay(image, scene)


def test_the_schema_may_choose_colours() -> None:
    image = film(2000, 1000)
    scene = stack(image, outlines=True)
    red = replace(scene, schema=replace(SPINE, colours=dict.fromkeys(SPINE.levels, "#ff0000")))
    left, top, right, bottom = (round(edge) for edge in scene.instances[3].box)
    y, x = (top + bottom) // 2, (left + right) // 2
    assert draw_overlay(image, red)[y, x, 2] > draw_overlay(image, red)[y, x, 0] + 30


def test_neighbouring_levels_have_different_colours() -> None:
    assert len(set(LEVEL_COLOURS)) == len(LEVEL_COLOURS) >= 6


@given(st.lists(st.floats(-1e9, 1e9), min_size=6, max_size=6))
@settings(max_examples=20, deadline=None)
def test_points_off_the_film_do_no_harm(numbers: list[float]) -> None:
    image = film(120, 90)
    xy = np.array(numbers).reshape(3, 2)
    scene = pointed(image, ("a", "b", "c"), xy, (("a", "b"), ("b", "c")))
    box = (float(xy[0, 0]), float(xy[0, 1]), float(xy[1, 0]), float(xy[1, 1]))
    scene = replace(scene, instances=(*scene.instances, Instance("boxed", box)))
    assert draw_overlay(image, scene).shape[1] == 90 * scale_for(120, 90).zoom


def test_hostile_names_are_drawn_as_text() -> None:
    image = film(900, 700)
    name = "L1\n\u202e<script>" + "x" * 500
    scene = stack(image)
    renamed = replace(
        scene, instances=tuple(replace(item, label=name) for item in scene.instances), model=name * 9
    )
    assert draw_overlay(image, renamed).shape == draw_overlay(image, scene).shape


def test_style_turns_parts_off() -> None:
    image = film(2000, 1000)
    scene = stack(image, outlines=True)
    bare = OverlayStyle(mask_opacity=0, outlines=False, names=False)
    assert np.array_equal(
        draw_overlay(image, scene, (), bare)[:2000], np.repeat(image.pixels[..., None], 3, axis=2)
    )


@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 500))
@settings(max_examples=30, deadline=None)
def test_thumbnails_fit_and_never_grow(height: int, width: int, side: int) -> None:
    small = thumbnail(np.zeros((height, width, 3), dtype=np.uint8), side)
    assert max(small.shape[:2]) == min(side, max(height, width))
    assert min(small.shape[:2]) >= 1


def test_png_is_written_without_loss_and_jpeg_nearly(tmp_path: Path) -> None:
    image = film(800, 500)
    picture = draw_overlay(image, stack(image))
    for name, tolerance in (("deep/a.png", 0), ("a.jpg", 12), ("b.JPEG", 12)):
        write_overlay(tmp_path / name, picture)
        back = cv2.imread(str(tmp_path / name))
        assert back is not None
        assert np.abs(back.astype(int) - picture.astype(int)).mean() <= tolerance
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"a.png", "a.jpg", "b.JPEG"}


def test_what_cannot_be_written_says_why(tmp_path: Path) -> None:
    picture = np.zeros((10, 10, 3), dtype=np.uint8)
    with pytest.raises(EnvironmentFaultError, match=r"\.bmp: not a picture format -- use"):
        write_overlay(tmp_path / "a.bmp", picture)
    with pytest.raises(EnvironmentFaultError, match="70000 x 1 pixels could not be encoded"):
        write_overlay(tmp_path / "a.jpg", np.zeros((1, 70000, 3), dtype=np.uint8))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EnvironmentFaultError):
        write_overlay(tmp_path / "file" / "a.png", picture)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
