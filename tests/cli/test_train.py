"""``spinekit train``, ``plots``, ``export`` and ``models verify`` as they are said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.files import bundled
from spinekit.models.canvas import Canvas
from spinekit.models.faults import Tried, clear_faults
from spinekit.models.history import EpochReport
from spinekit.models.weights import shipped_names
from tests.cli.conftest import Say

TRIED = Tried(16, Canvas(640, 640), 1e-3)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "--task missing"),
        (("--task", "pose", "--data", "films"), "--schema missing"),
        (("--task", "box"), "task is 'box'"),
        (("--task", "pose", "--schema", "orbit-5"), "did you mean orbit-4?"),
        (("--task", "pose", "--imgsz", "100"), "height is 100"),
        (("--task", "pose", "--data", "nowhere", "--schema", "orbit-4"), "nowhere"),
        (("--resume", "nowhere"), "no training began in this folder"),
        (("--resume", "nowhere", "--epochs", "3"), "leave out --epochs"),
        (("nowhere.yaml",), "nowhere.yaml"),
    ],
)
def test_what_cannot_be_trained_is_told_in_one_line(say: Say, words: tuple[str, ...], told: str) -> None:
    ended = (
        say("train", "--epochs", "1", *words) if "--resume" not in words and words else say("train", *words)
    )
    if not words:
        assert ended.code == 2  # the help
        return
    assert ended.code == 2
    last = [line for line in ended.err.splitlines() if line.strip()][-1]
    assert last.startswith("error: ")
    assert told in last
    assert "Traceback" not in ended.err


def test_what_a_training_dies_of_is_told() -> None:
    for error, told in (
        (
            RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
            "out of memory with batch 16 of 640 x 640",
        ),
        (MemoryError(), "lower --batch or --imgsz"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "take a smaller --model"),
    ):
        with pytest.raises(EnvironmentFaultError, match=told), clear_faults(TRIED):
            raise error
    why = r"the loss is no number any more -- lower learning_rate \(0\.001\)"
    with pytest.raises(UsageError, match=why), clear_faults(TRIED):
        raise RuntimeError("Training failed: NaN persisted for 4 epochs")
    why = "CUDA error: device-side assert triggered"  # not for want of a device
    with pytest.raises(RuntimeError, match=why), clear_faults(TRIED):
        raise RuntimeError(why)


def test_an_epoch_is_told_with_the_best_and_the_time_left() -> None:
    from spinekit.cli.train_display import words

    first = EpochReport(1, 10, {"pose_loss": 2.0}, {"metrics/MRE(px)": 12.34, "metrics/missed": 1.0}, -12.34)
    second = EpochReport(2, 10, {"pose_loss": 1.5}, {"metrics/MRE(px)": 14.0}, -14.0)
    assert (
        words(first, first, 90)
        == "epoch 1/10  MRE 12.3 px  1 missed  best so far  loss pose_loss 2  1:30 left"
    )
    levels = EpochReport(1, 2, {"loss": 0.5}, {"metrics/films": 0.9, "metrics/bodies": 0.8}, 0.91)
    assert words(levels, levels, 5) == "epoch 1/2  films named right 0.9  best so far  loss 0.5  0:05 left"
    assert "best MRE 12.3 px (epoch 1)" in words(second, first, 80)


def test_the_best_so_far_is_of_this_training_and_not_of_the_fold_before(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from spinekit.cli.train_display import display

    def told(epoch: int, error: float) -> EpochReport:
        return EpochReport(epoch, 3, {"pose_loss": 1.0}, {"metrics/MRE(px)": error}, -error, 1.0)

    with display([told(1, 5.0)]) as shown:  # one that goes on after its first epoch
        shown.on_epoch(told(2, 7.0))
        shown.on_epoch(told(1, 9.0))
        shown.on_epoch(told(2, 10.0))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch")]
    assert "best MRE 5 px (epoch 1)" in lines[0]
    assert "best so far" in lines[1]
    assert "best MRE 9 px (epoch 1)" in lines[2]


def test_models_are_verified_with_all_that_stands_beside_them(say: Say, tmp_path: Path) -> None:
    ended = say("models", "verify")
    assert ended.code == 0
    for name in shipped_names():
        assert name in ended.out
        for path in (bundled("weights") / name).glob("*.pt"):
            assert path.name in ended.out
    copy = tmp_path / "mine"
    shutil.copytree(bundled("weights") / "orbit-pose", copy)
    with (copy / "close-1.pt").open("ab") as stream:
        stream.write(b"x")
    ended = say("models", "verify", "mine", "ceph-pose")
    assert ended.code == 1
    assert "its sha256 is not the one in card.yaml" in ended.out
    assert "as its card says" in ended.out


def test_plots_of_no_training_and_exports_of_no_format_are_told(say: Say) -> None:
    assert "no epoch of a training lies here" in say("plots", "nowhere").error()
    assert "choose of onnx, openvino" in say("export", "orbit-pose", "--format", "tflite").error()


@pytest.mark.slow
def test_a_task_alone_is_tried_out_on_synthetic_films(say: Say, tmp_path: Path) -> None:
    ended = say("train", "--task", "pose", "--epochs", "1", "--imgsz", "96", "--out", "try")
    assert ended.code == 0, ended.err
    assert "this tries out a training on synthetic films (orbit-4), 1 epochs" in ended.err
    assert "begins: yolo11n from orbit-pose, the nearest weights that ship" in ended.err
    assert "with your own films: spinekit train --task pose --data MY_FILMS --schema orbit-4" in ended.err
    assert (tmp_path / "try" / "model" / "card.yaml").is_file()
    again = say("train", "--resume", "try")
    assert again.code == 2
    assert "has ended after 1 epochs" in again.error()
