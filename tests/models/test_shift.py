"""The network of shifts: it learns where a spine ends, and its files are safe and checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from spinekit.core.errors import EnvironmentFaultError
from spinekit.models.close_training import CloseFilm
from spinekit.models.graph import lone_network
from spinekit.models.history import EpochReport
from spinekit.models.shift_look import ShiftLook
from spinekit.models.shift_net import ShiftNet, load_shift, save_shift
from spinekit.models.shift_settings import ShiftSettings
from spinekit.models.shift_training import ShiftPlan, cut, train_shift, view_of
from spinekit.models.straight import ROWS, course_of
from tests.models.test_straight import bodies

SETTINGS = ShiftSettings(("L1", "L2", "L3", "L4", "L5"), view_of(5, 64, 16.0, 2), 2, False)


def lumbar(seed: int) -> CloseFilm:
    """Five like bodies, more of the same above, and below them a broad bright sacrum."""
    rng = np.random.default_rng(seed)
    shapes = bodies(5, slope=rng.uniform(-0.3, 0.3), top=rng.uniform(130, 170))
    step = shapes[1].mean(axis=0) - shapes[0].mean(axis=0)
    film = rng.integers(20, 50, (440, 400)).astype(np.uint8)
    for k in range(-4, 5):
        x, y = (shapes[0].mean(axis=0) + k * step).astype(int)
        film[max(0, y - 9) : y + 9, x - 15 : x + 15] = 150
    x, y = (shapes[-1].mean(axis=0) + step).astype(int)
    film[y - 9 : y + 90, x - 60 : x + 60] = 220
    return CloseFilm(film, shapes)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    films = [lumbar(seed) for seed in range(16)]
    plan = ShiftPlan(SETTINGS, epochs=8, batch=6, repeat=2)
    return train_shift(plan, films[:12], films[12:], tmp_path_factory.mktemp("shift"))


@pytest.mark.parametrize("shift", [-2, -1, 0, 1, 2])
@pytest.mark.parametrize("found", [(0, 5), (1, 5), (0, 4)])
def test_names_that_are_off_are_found_out(learnt: Path, shift: int, found: tuple[int, int]) -> None:
    film = lumbar(100 + shift)
    first, last = found
    chances = ShiftLook(lone_network("shift", learnt)).chances(
        film.shapes[first:last], range(first - shift, last - shift), film.pixels
    )
    assert list(chances) == [-2, -1, 0, 1, 2]
    assert sum(chances.values()) == pytest.approx(1)
    assert max(chances, key=lambda one: chances[one]) == shift


def test_of_a_single_body_nothing_is_said(learnt: Path) -> None:
    film = lumbar(3)
    assert ShiftLook(lone_network("shift", learnt)).chances(film.shapes[:1], [0], film.pixels) == {0: 1.0}


def test_courses_begin_and_end_anywhere_but_keep_their_names() -> None:
    course = course_of(bodies(5), range(5))
    rng = np.random.default_rng(0)
    some = [cut(course, rng) for _ in range(200)]
    assert {one.first for one in some} == {-1, 0, 1, 2}
    assert {one.first + len(one.centres) for one in some} >= {4, 5, 6}
    for one in some:
        assert len(one.centres) >= 2
        np.testing.assert_allclose(one.centres[:, 1], 150 + 24 * (one.first + np.arange(len(one.centres))))


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    films = [lumbar(seed) for seed in range(8)]
    plan = ShiftPlan(SETTINGS, epochs=3, batch=4)
    whole: list[EpochReport] = []
    train_shift(plan, films[:6], films[6:], tmp_path / "a", whole.append)

    class StoppedError(Exception):
        pass

    def stop(report: EpochReport) -> None:
        if report.epoch == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_shift(plan, films[:6], films[6:], tmp_path / "b", stop)
    rest: list[EpochReport] = []
    train_shift(plan, films[:6], films[6:], tmp_path / "b", rest.append, resume=True)
    assert [report.epoch for report in rest] == [3]
    assert rest[0].losses == whole[2].losses


def test_weights_come_back_with_their_settings(tmp_path: Path) -> None:
    torch.manual_seed(1)
    net = ShiftNet(SETTINGS).eval()
    save_shift(net, SETTINGS, tmp_path / "shift.pt")
    loaded, settings = load_shift(tmp_path / "shift.pt")
    assert settings == SETTINGS
    strips = torch.randint(0, 256, (2, 2, ROWS * SETTINGS.view.bodies, 64), dtype=torch.uint8)
    with torch.inference_mode():
        assert float((loaded(strips) - net(strips)).abs().max()) < 0.05  # half precision
    assert (tmp_path / "shift.pt").stat().st_size < 2_000_000


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    torch.save({"format": "spinekit-levels-1"}, tmp_path / "shift.pt")
    with pytest.raises(EnvironmentFaultError, match="not the weights of a network of shifts"):
        load_shift(tmp_path / "shift.pt")
