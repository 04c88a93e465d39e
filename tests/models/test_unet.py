from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from spinekit.core.errors import EnvironmentFaultError
from spinekit.models.canvas import Canvas
from spinekit.models.computed import FASTEST, open_network
from spinekit.models.graph import lone_network
from spinekit.models.history import EpochReport
from spinekit.models.pixel_augmentation import CROP, IGNORED, Example, augmented
from spinekit.models.training import TrainingPlan
from spinekit.models.unet import UNet, load_unet, save_unet, to_input
from spinekit.models.unet_training import _learner, _take_over, loss_of, train_unet
from spinekit.phantoms import membrane_tile


def workspace(folder: Path, count: int) -> Path:
    for part, first in (("train", 0), ("val", 50)):
        for seed in range(first, first + count):
            tile = membrane_tile(seed, size=128)
            assert tile.mask is not None
            for kind, pixels in (("images", tile.pixels), ("masks", tile.mask)):
                path = folder / kind / part / f"{seed}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                PillowImage.fromarray(pixels).save(path)
    return folder


def test_an_answer_has_the_size_of_its_image_and_few_weights() -> None:
    net = UNet(2).eval()
    assert net(torch.zeros(1, 1, 64, 96)).shape == (1, 2, 64, 96)
    assert sum(p.numel() for p in net.parameters()) < 2_500_000  # 5 MB in half precision
    assert net.stride == 16


def test_a_file_says_how_wide_its_network_is(tmp_path: Path) -> None:
    save_unet(UNet(2, (8, 16, 24, 32)), 2, tmp_path / "w.pt")
    assert load_unet(tmp_path / "w.pt").widths == (8, 16, 24, 32)


def test_weights_come_back(tmp_path: Path) -> None:
    torch.manual_seed(1)
    net = UNet(3).eval()
    save_unet(net, 3, tmp_path / "w.pt")
    pixels = membrane_tile(1, size=64).pixels[None].astype(np.uint8)
    with torch.inference_mode():
        difference = load_unet(tmp_path / "w.pt")(to_input(pixels)) - net(to_input(pixels))
    assert float(difference.abs().max()) < 0.05  # half precision
    (found,) = open_network(lone_network("unet", tmp_path / "w.pt"), FASTEST)(pixels)
    assert found.shape == (1, 3, 64, 64)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"text"])
def test_another_file_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(EnvironmentFaultError, match="not the weights of a U-Net"):
        load_unet(tmp_path / "w.pt")


def test_weights_of_another_net_are_refused(tmp_path: Path) -> None:
    torch.save({"format": "other", "classes": 2, "state": {}}, tmp_path / "w.pt")
    with pytest.raises(EnvironmentFaultError, match="not the weights"):
        load_unet(tmp_path / "w.pt")


def test_labels_move_with_their_pixels() -> None:
    labels = (np.indices((300, 280)).sum(axis=0) // 40 % 2).astype(np.uint8)
    rng = np.random.default_rng(0)
    for _ in range(10):
        seen = augmented(Example(labels * 200 + 20, labels), rng)
        bright = seen.pixels[seen.labels == 1].mean()
        dark = seen.pixels[seen.labels == 0].mean()
        assert bright - dark > 60


def test_a_small_image_is_padded_and_the_padding_counts_for_nothing() -> None:
    small = Example(np.full((90, 100), 80, np.uint8), np.ones((90, 100), np.uint8))
    seen = augmented(small, np.random.default_rng(1))
    assert seen.pixels.shape == seen.labels.shape == (256, 256)
    assert set(np.unique(seen.labels)) == {1, 255}


def test_the_loss_knows_right_from_wrong_and_skips_what_is_ignored() -> None:
    labels = torch.tensor([[[0, 1], [1, 255]]])
    right = torch.tensor([[[[9.0, -9], [-9, 9]], [[-9.0, 9], [9, -9]]]])
    changed = right.clone()
    changed[..., 1, 1] *= -1
    assert float(loss_of(right, labels)) < 0.3 < float(loss_of(-right, labels))
    assert float(loss_of(right, labels)) == pytest.approx(float(loss_of(changed, labels)))


@pytest.mark.slow
def test_two_epochs_learn_something_and_repeat(tmp_path: Path) -> None:
    data = workspace(tmp_path / "data", 2)
    plan = TrainingPlan("sem", "unet", None, Canvas(128, 128), epochs=2, batch=4, learning_rate=3e-3, seed=5)
    histories: list[list[EpochReport]] = [[], []]
    for run, history in enumerate(histories):
        weights = train_unet(plan, data, tmp_path / str(run), 2, history.append)
        assert load_unet(weights)
    first, second = ([report.losses["loss"] for report in history] for history in histories)
    assert first[1] < first[0]
    assert first == second


def test_a_file_that_does_not_say_how_wide_it_is_has_four_scales(tmp_path: Path) -> None:
    save_unet(UNet(2, (16, 32, 64, 128)), 2, tmp_path / "w.pt")
    content = torch.load(tmp_path / "w.pt", weights_only=True)
    del content["widths"]
    torch.save(content, tmp_path / "w.pt")
    assert load_unet(tmp_path / "w.pt").widths == (16, 32, 64, 128)


def test_a_deeper_network_takes_over_the_scales_that_a_shallower_one_has(tmp_path: Path) -> None:
    shallow, deep = UNet(2, (8, 16, 24)), UNet(2, (8, 16, 24, 32))
    save_unet(shallow, 2, tmp_path / "w.pt")
    _take_over(deep, tmp_path / "w.pt")
    given, taken = shallow.half().float().state_dict(), deep.state_dict()
    assert all(torch.equal(taken[f"down.{k}.0.weight"], given[f"down.{k}.0.weight"]) for k in range(3))
    assert torch.equal(taken["up.2.0.weight"], given["up.1.0.weight"])  # the finest one on both ways up
    assert torch.equal(taken["head.weight"], given["head.weight"])


def test_the_running_mean_follows_the_weights_and_comes_back_with_them(tmp_path: Path) -> None:
    plan = TrainingPlan("sem", "unet", None, Canvas(64, 64), epochs=2, batch=4, learning_rate=1e-3, seed=5)
    learner = _learner(plan, 2, 4)
    with torch.no_grad():
        for weights in learner.net.parameters():
            weights.add_(1)
    before = learner.mean.head.weight.clone()
    learner.follow()
    after = learner.mean.head.weight.clone()
    now = learner.net.head.weight
    assert torch.allclose(after, before / 11 + now * 10 / 11, atol=1e-6)  # the first steps are soon forgotten
    learner.save(tmp_path / "last.pt")
    other = _learner(replace(plan, seed=6), 2, 4)
    other.restore(tmp_path / "last.pt")
    assert other.steps == 1
    assert torch.equal(other.mean.head.weight, after)


@pytest.mark.parametrize("size", [(300, 280), (512, 512), (90, 700)])
def test_views_are_of_one_size_and_change_with_chance_alone(size: tuple[int, int]) -> None:
    example = Example(np.full(size, 90, np.uint8), np.ones(size, np.uint8))
    first, again, other = (augmented(example, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.pixels.shape == first.labels.shape == (CROP, CROP)
    assert np.array_equal(first.pixels, again.pixels)
    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.pixels, other.pixels)


def test_what_is_not_known_stays_unknown_and_no_class_is_made_up() -> None:
    labels = np.full((400, 400), 3, np.uint8)
    labels[100:200] = 7
    labels[200:300] = IGNORED
    example = Example(np.zeros_like(labels), labels)
    rng = np.random.default_rng(0)
    seen = np.unique([augmented(example, rng).labels for _ in range(8)])
    assert seen.tolist() == [3, 7, IGNORED]  # not 5, between 3 and 7


def test_the_weight_of_dice_is_what_is_asked_for() -> None:
    labels = torch.tensor([[[0, 1], [1, 0]]])
    logits = torch.randn(1, 2, 2, 2, generator=torch.Generator().manual_seed(1))
    none, half, whole = (float(loss_of(logits, labels, gain)) for gain in (0.0, 0.5, 1.0))
    assert none == pytest.approx(float(torch.nn.functional.cross_entropy(logits, labels)))
    assert half - none == pytest.approx(whole - half)
    assert half > none
