"""Training on several devices: the file that Ultralytics writes for its processes finds our trainers.

No two devices are here: that the file's trainer is built and watches as ours do is tested, training with it is not.
"""

from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from spinekit.core.errors import EnvironmentFaultError
from spinekit.models.canvas import Canvas
from spinekit.models.course import Course, read_course, write_course
from spinekit.models.environment import load_library
from spinekit.models.faults import Tried, clear_faults
from tests.conftest import environment
from tests.workflows.training_films import tiny_settings

TRIED = Tried(2, Canvas(96, 96), 1e-3, "0,1")


def test_our_trainers_can_be_imported_by_name() -> None:
    load_library()
    from spinekit.models.trainers import TRAINERS

    for trainer in TRAINERS.values():
        assert pickle.loads(pickle.dumps(trainer)) is trainer


def test_a_course_comes_back(tmp_path: Path) -> None:
    course = Course(Canvas(96, 160), 0.25, 0.05, precision="bf16", watched=("a.png",), seconds=3.0)
    write_course(course, tmp_path)
    assert read_course(tmp_path) == course
    (tmp_path / "course.json").write_text("{}", encoding="utf-8")
    with pytest.raises(EnvironmentFaultError, match="missing or broken"):
        read_course(tmp_path)


def test_devices_that_are_not_there_are_told() -> None:
    why = "Invalid CUDA 'device=0,1' requested. Use 'device=cpu' or pass valid CUDA device(s)"
    with (
        pytest.raises(EnvironmentFaultError, match="--device 0,1: there is no such device here"),
        clear_faults(TRIED),
    ):
        raise ValueError(why)


@pytest.mark.skipif(importlib.util.find_spec("cloudpickle") is None, reason="cloudpickle is not installed")
def test_the_generated_file_builds_our_trainer(tmp_path: Path) -> None:
    """As Ultralytics runs it, but for the last line, which would train."""
    load_library()
    from ultralytics.utils.dist import generate_ddp_file

    from spinekit.models.trainers import LandmarkTrainer
    from spinekit.workflows.train_data import prepare

    settings = tiny_settings(tmp_path, "pose", imgsz=96)
    data = prepare(settings, tmp_path / "run").data
    write_course(Course(Canvas(96, 96), 0.25, 0.05, watched=("a.png",)), data.parent)
    overrides = {
        "model": "yolo11n-pose.yaml", "data": str(data), "save_dir": str(tmp_path / "out"), "device": "cpu",
        "augmentations": [], "task": "pose", "mode": "train",
    }  # fmt: skip
    trainer = LandmarkTrainer(overrides=overrides)
    path = Path(generate_ddp_file(trainer))
    try:
        text = path.read_text("utf-8")
        assert "trainer.train()" in text
        said = "print('BUILT', type(trainer).__module__, type(trainer).__name__, trainer._course().watched)"
        path.write_text(text.replace("trainer.train()", said), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(path)],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
    finally:
        path.unlink()
        path.with_suffix(".pt").unlink(missing_ok=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "BUILT spinekit.models.trainers LandmarkTrainer ('a.png',)" in done.stdout
