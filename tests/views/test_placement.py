from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spinekit.views.caliper import calipers
from spinekit.views.labels import body_of, place_labels
from spinekit.views.occupancy import Occupancy
from spinekit.views.placement import Rect, Wanted, place, side_by_side
from spinekit.views.style import scale_for
from tests.views.scenes import cobb, film, pointed, stack

NAMES = tuple(f"P{k}" for k in range(27))


def overlap(a: Rect, b: Rect) -> bool:
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


def inside(box: Rect, height: float, width: float) -> bool:
    return box[0] >= -1 and box[1] >= -1 and box[2] <= width + 1 and box[3] <= height + 1


@given(st.lists(st.tuples(st.integers(0, 1934), st.integers(0, 2399)), min_size=27, max_size=27, unique=True))
@example([(x, y) for x in range(9) for y in range(3)])
@example([(1934 - x, 2399 - y) for x in range(9) for y in range(3)])
@settings(max_examples=12, deadline=None)
def test_27_names_on_a_skull_film_never_overlap(points: list[tuple[int, int]]) -> None:
    image = film(2400, 1935)
    scene = pointed(image, NAMES, np.array(points, dtype=float))
    lettering = place_labels(scene, [], scale_for(2400, 1935), (2400, 1935), named=True)
    assert sorted(text.words for text in lettering.texts) == sorted(NAMES)
    assert all(inside(text.box, 2400, 1935) for text in lettering.texts)
    assert not any(overlap(a.box, b.box) for a, b in combinations(lettering.texts, 2))


def test_a_crowd_of_27_names_still_does_not_overlap() -> None:
    turn = np.linspace(0, 2 * np.pi, 27, endpoint=False)
    xy = np.stack([900 + 90 * np.cos(turn), 1200 + 90 * np.sin(turn)], axis=1)
    scene = pointed(film(2400, 1935), NAMES, xy)
    lettering = place_labels(scene, [], scale_for(2400, 1935), (2400, 1935), named=True)
    assert not any(overlap(a.box, b.box) for a, b in combinations(lettering.texts, 2))
    assert lettering.leaders


@pytest.mark.parametrize("shape", [(4608, 1920), (2400, 900), (1000, 800), (300, 220)])
def test_level_names_stand_beside_their_bodies(shape: tuple[int, int]) -> None:
    scene = stack(film(*shape))
    scale = scale_for(*shape)
    canvas = (shape[0] * scale.zoom, shape[1] * scale.zoom)
    drawn = calipers(scene, [cobb(scene, "T10", "L4")])
    lettering = place_labels(scene, drawn, scale, canvas, named=True)
    # The interval belongs to the angle above it.
    texts = {text.words: text.box for text in lettering.texts if " to " not in text.words}
    assert not any(overlap(a, b) for a, b in combinations(texts.values(), 2))
    for item in scene.instances:
        left, top, right, bottom = texts[item.label]
        body = scale.to_canvas(body_of(item))
        beside = right <= body[:, 0].min() + 1 or left >= body[:, 0].max() - 1
        assert beside
        assert body[:, 1].min() - 40 * scale.line <= (top + bottom) / 2 <= body[:, 1].max() + 40 * scale.line


def test_flagged_bodies_carry_a_question_mark() -> None:
    scene = stack(film(2400, 900), flags={"L2": ("too tall",)})
    lettering = place_labels(scene, [], scale_for(2400, 900), (2400, 900), named=True)
    words = [text.words for text in lettering.texts]
    assert "L2 ?" in words
    assert [word for word in words if "?" in word] == ["L2 ?"]


def test_the_main_angle_is_the_largest_text() -> None:
    scene = stack(film(2400, 900))
    drawn = calipers(scene, [cobb(scene, "L1", "L5", "cobb_aasce_second"), cobb(scene, "T10", "L4")])
    texts = place_labels(scene, drawn, scale_for(2400, 900), (2400, 900), named=True).texts
    largest = max(texts, key=lambda text: text.size)
    assert largest.words == "Cobb 41.1°"
    assert sum(text.size == largest.size for text in texts) == 1
    assert "38.0° to 44.3°" in {text.words for text in texts}


def test_a_label_avoids_what_matters() -> None:
    occupancy = Occupancy(400, 400)
    occupancy.add_polygon(np.array([[200, 0], [399, 0], [399, 399], [200, 399]], dtype=float), 5)
    (spot,) = place([Wanted(40, 20, (198, 200, 198, 200), 14)], occupancy)
    assert spot.box[2] <= 202
    assert spot.leader is None


def test_names_share_the_freer_side() -> None:
    occupancy = Occupancy(400, 400)
    occupancy.add_polygon(np.array([[220, 0], [399, 0], [399, 399], [220, 399]], dtype=float), 5)
    labels = [Wanted(30, 20, (180, y, 220, y + 40), 14, sideways=True) for y in (50, 150, 250)]
    spots = place(side_by_side(labels, occupancy), occupancy)
    assert all(spot.box[2] <= 180 for spot in spots)


def test_a_far_label_has_a_leader_that_reaches_it() -> None:
    occupancy = Occupancy(400, 400)
    occupancy.add_points(np.array([[200.0, 200.0]]), 90, 50)
    (spot,) = place([Wanted(40, 20, (198, 198, 202, 202), 14)], occupancy)
    assert spot.leader is not None
    (x, y), end = spot.leader
    assert math.dist((x, y), (200, 200)) <= 4
    assert spot.box[0] - 1 <= end[0] <= spot.box[2] + 1
    assert spot.box[1] - 1 <= end[1] <= spot.box[3] + 1


def test_a_label_too_wide_for_the_canvas_is_still_placed() -> None:
    (spot,) = place([Wanted(500, 20, (5, 5, 5, 5), 14)], Occupancy(40, 40))
    assert all(math.isfinite(edge) for edge in spot.box)


def test_cost_is_the_sum_over_the_box() -> None:
    occupancy = Occupancy(100, 100)
    occupancy.add_polygon(np.array([[10, 10], [19, 10], [19, 19], [10, 19]], dtype=float), 2)
    boxes = np.array([(0, 0, 100, 100), (30, 30, 60, 60), (-50, -50, -10, -10)], dtype=float)
    assert occupancy.costs(boxes.T).tolist() == pytest.approx([200.0, 0.0, 0.0])
