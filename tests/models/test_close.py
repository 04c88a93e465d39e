"""The close look: its frames, its maps, and that a network learns to place points with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.core.errors import EnvironmentFaultError
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Instance
from spinekit.models.close_frame import Frame, apply, crop, frame_of, inverse, mean_shape

SQUARE = np.array([[-1.0, -0.7], [1.0, -0.7], [-1.0, 0.7], [1.0, 0.7]]) / np.hypot(1, 0.7)
NAMES = ("TL", "TR", "BL", "BR")
turns = st.floats(-0.8, 0.8)
sizes = st.floats(5.0, 80.0)


def similarity(turn: float, size: float, x: float, y: float) -> Frame:
    linear = size * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return Frame(linear, np.array([x, y]))


@given(turns, sizes, st.floats(-50, 500), st.floats(-50, 500))
def test_a_frame_is_found_again_from_the_points_it_gives(
    turn: float, size: float, x: float, y: float
) -> None:
    frame = similarity(turn, size, x, y)
    found = frame_of(SQUARE, frame.to_film(SQUARE))
    np.testing.assert_allclose(found.linear, frame.linear, atol=1e-9)
    np.testing.assert_allclose(found.offset, frame.offset, atol=1e-9)
    np.testing.assert_allclose(found.to_units(found.to_film(SQUARE)), SQUARE, atol=1e-9)


@given(turns, sizes)
def test_an_absent_point_does_not_move_the_frame(turn: float, size: float) -> None:
    frame = similarity(turn, size, 30, 40)
    xy = frame.to_film(SQUARE)
    xy[2] = np.nan
    np.testing.assert_allclose(frame_of(SQUARE, xy).linear, frame.linear, atol=1e-9)


def test_the_mean_shape_forgets_place_and_size() -> None:
    shapes = np.array(
        [similarity(turn, size, 9, size).to_film(SQUARE) for turn, size in ((-0.2, 9), (0.2, 90))]
    )
    np.testing.assert_allclose(mean_shape(shapes), SQUARE, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(turns, st.floats(14, 30), st.booleans())
def test_a_dot_lies_in_the_crop_where_the_matrix_says(turn: float, size: float, mirrored: bool) -> None:
    frame = similarity(turn, size, 101.3, 88.6)
    film = np.zeros((200, 200), np.uint8)
    film[95, 110] = 255
    taken, matrix = crop(cv2.GaussianBlur(film, (0, 0), 1.5) * 8, frame, 96, 24.0, mirrored)
    weight = taken.astype(np.float64)
    rows, columns = np.mgrid[:96, :96]
    seen = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
    np.testing.assert_allclose(apply(matrix, seen), [110, 95], atol=0.15)
    np.testing.assert_allclose(apply(inverse(matrix), apply(matrix, seen)), seen, atol=1e-9)


def test_maps_give_their_mean_and_width() -> None:
    torch = pytest.importorskip("torch")
    from spinekit.models.close_net import places

    x = torch.arange(48) * 2 + 0.5
    for at, sigma in ((31.0, 4.0), (60.25, 6.0)):
        line = -((x - at) ** 2) / (2 * sigma**2)
        mean, variance = places((line[None, :] + line[:, None])[None, None])
        np.testing.assert_allclose(mean[0, 0].numpy(), [at, at], atol=0.01)
        np.testing.assert_allclose(variance[0, 0].sqrt().numpy(), [sigma, sigma], rtol=0.01)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.5, 2.5))
def test_a_bent_crop_takes_its_points_along(seed: int, sigma: float) -> None:
    from spinekit.models.close_training import bent

    rng = np.random.default_rng(seed)
    points = rng.uniform(30, 66, (1, 2))
    y, x = np.mgrid[:96, :96]
    dot = np.exp(-((x - points[0, 0]) ** 2 + (y - points[0, 1]) ** 2) / (2 * 2.0**2)) * 250
    crops, (moved,) = bent(dot[None].astype(np.uint8), points, sigma, rng)
    weight = crops[0].astype(np.float64) ** 2
    seen = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
    np.testing.assert_allclose(moved, seen, atol=1.0)  # the dot itself is bent a little


def film_with_body(rng: np.random.Generator) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """A bright quadrangle on a dark ground, and its corners TL TR BL BR."""
    frame = similarity(rng.uniform(-0.3, 0.3), rng.uniform(20, 26), *rng.uniform(50, 70, 2))
    corners = frame.to_film(SQUARE)
    film = rng.normal(60, 6, (120, 120))
    mask = cv2.fillConvexPoly(
        np.zeros((120, 120)), np.round(corners[[0, 1, 3, 2]] * 16).astype(int), 1.0, shift=4
    )
    return np.clip(film + 120 * cv2.GaussianBlur(mask, (0, 0), 0.8), 0, 255).astype(np.uint8), corners


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a close look that has met 24 drawn bodies."""
    from spinekit.models.close_training import CloseFilm, ClosePlan, train_close

    rng = np.random.default_rng(3)
    films = [CloseFilm(film, corners[None]) for film, corners in (film_with_body(rng) for _ in range(28))]
    plan = ClosePlan(
        side=32, zoom=11.0, views=(1.0, 2.0), each=False, flip_index=(1, 0, 3, 2), epochs=8, batch=8, repeat=4
    )
    return train_close(plan, films[:24], films[24:], tmp_path_factory.mktemp("close"))


def test_a_close_look_places_points_nearer_and_says_how_sure_it_is(learnt: Path) -> None:
    from spinekit.models.close import CloseLook
    from spinekit.models.graph import lone_network

    look = CloseLook(lone_network("close", learnt))
    rng = np.random.default_rng(11)
    before, after, inside = [], [], []
    for _ in range(12):
        film, corners = film_with_body(rng)
        rough = corners + rng.normal(0, 2.5, corners.shape)
        item = Instance("vertebra", (0, 0, 9, 9), landmarks=landmarks(NAMES, rough))
        (found,) = look.refined([item], film)
        points = found.landmarks
        assert points is not None
        assert points.spread is not None
        before.append(np.linalg.norm(rough - corners, axis=1))
        after.append(np.linalg.norm(points.xy - corners, axis=1))
        inside.append(np.abs(points.xy - corners) < 3 * points.spread)
    assert np.mean(after) < 0.5 * np.mean(before)
    assert np.mean(inside) > 0.8


def test_a_network_begins_from_the_backbone_of_its_first_look(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from spinekit.models.close_net import close_network, load_close, save_close
    from spinekit.models.close_settings import CloseSettings
    from spinekit.models.ultralytics_weights import tensors_of
    from spinekit.models.weights import find_card

    state = tensors_of(find_card("ceph-pose"))
    net = close_network(CloseSettings(SQUARE, 64, 20.0, (1.0,), False, (), trunk="yolo11n"))
    assert net.begin_from({}) == 0
    assert net.begin_from(state) > 100
    other = close_network(CloseSettings(SQUARE, 64, 20.0, (1.0,), False, (), trunk="yolo11n"))
    assert other.begin_from(net.state_dict()) == len(net.state_dict())
    assert torch.equal(other.state_dict()["head.weight"], net.state_dict()["head.weight"])
    assert torch.equal(net.state_dict()["trunk.7.conv.weight"], state["model.7.conv.weight"])
    settings = CloseSettings(SQUARE, 64, 20.0, (1.0,), False, (), 1.5, True, "yolo11n")
    save_close(net.eval(), settings, tmp_path / "close.pt")
    again, read = load_close(tmp_path / "close.pt")
    assert read.trunk == "yolo11n"
    crop_of = torch.zeros(1, 1, 64, 64)
    with torch.inference_mode():
        assert again(crop_of).shape == (1, 4, 16, 16)
        assert float((again(crop_of) - net(crop_of)).abs().max()) < 0.1  # half precision


def test_a_cards_factor_widens_the_spread_and_moves_no_point(learnt: Path) -> None:
    from spinekit.models.close import CloseLook
    from spinekit.models.graph import lone_network

    film, corners = film_with_body(np.random.default_rng(5))
    item = Instance("vertebra", (0, 0, 9, 9), landmarks=landmarks(NAMES, corners + 1))
    plain, wide = (
        CloseLook(lone_network("close", learnt), factor).refined([item], film)[0].landmarks
        for factor in (1.0, 1.5)
    )
    assert plain is not None
    assert wide is not None
    assert plain.spread is not None
    assert wide.spread == pytest.approx(1.5 * plain.spread)
    assert (wide.xy == plain.xy).all()


def test_what_has_no_landmarks_stays_as_it_is(learnt: Path) -> None:
    from spinekit.models.close import CloseLook
    from spinekit.models.graph import lone_network

    film, corners = film_with_body(np.random.default_rng(5))
    bare = Instance("vertebra", (0, 0, 9, 9))
    part = corners.copy()
    part[3] = np.nan
    partly = replace(bare, landmarks=landmarks(NAMES, part))
    found = CloseLook(lone_network("close", learnt)).refined([bare, partly], film)
    assert found[0] is bare
    assert found[1].landmarks is not None
    assert np.isnan(found[1].landmarks.xy[3]).all()
    assert np.isfinite(found[1].landmarks.xy[:3]).all()


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from spinekit.models.close_net import load_close

    torch.save({"format": "spinekit-unet-1"}, tmp_path / "close.pt")
    with pytest.raises(EnvironmentFaultError, match="not the weights of a close look"):
        load_close(tmp_path / "close.pt")
