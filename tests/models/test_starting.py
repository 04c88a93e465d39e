"""What a training begins from: nothing comes from the network unless that was asked for."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.files import bundled
from spinekit.models import starting
from spinekit.models.starting import find_start
from spinekit.schemas import load_schema
from tests.conftest import Calls

ORBIT = load_schema("orbit-4")


def test_a_bare_architecture_begins_from_the_nearest_that_ships(offline: Calls) -> None:
    start = find_start("pose", "yolo11n", None, ORBIT)
    assert start.weights == bundled("weights") / "orbit-pose" / "weights.pt"
    assert "orbit-pose, the nearest weights that ship" in start.words
    seg = find_start("seg", "yolo11n", None, load_schema("spine-ap-levels"))
    assert seg.weights == bundled("weights") / "spine-ap-seg" / "weights.pt"
    assert offline.made == []


def test_the_small_net_begins_from_scratch_and_says_how_not_to() -> None:
    start = find_start("sem", "unet", None, load_schema("em-membrane"))
    assert start.weights is None
    assert start.words.endswith("--model em-sem goes on from weights that ship")


@pytest.mark.parametrize(("task", "model"), [("pose", "yolo11x"), ("seg", "yolo12s"), ("detect", "yolo26m")])
def test_what_does_not_ship_begins_from_scratch_and_says_why(task: str, model: str) -> None:
    start = find_start(task, model, None, ORBIT)
    assert start.weights is None
    assert "nothing is downloaded without --download" in start.words


def test_scratch_and_paths_are_taken_at_their_word(tmp_path: Path) -> None:
    assert find_start("pose", "yolo11n", Path("scratch"), ORBIT).weights is None
    with pytest.raises(EnvironmentFaultError, match="no such file -- give weights at hand"):
        find_start("pose", "yolo11n", tmp_path / "none.pt", ORBIT)
    folder = bundled("weights") / "orbit-pose"
    assert find_start("pose", "yolo11n", folder, ORBIT).weights == folder / "weights.pt"
    shutil.copytree(folder, tmp_path / "mine")
    assert find_start("pose", str(tmp_path / "mine"), None, ORBIT).architecture == "yolo11n"
    assert find_start("pose", "ceph-pose", None, ORBIT).words == "yolo11n from ceph-pose"


@pytest.mark.parametrize(
    ("task", "model", "words"),
    [
        ("pose", "yolo11m.pt", "did you mean yolo11m"),
        ("pose", "orbit-pos", "did you mean orbit-pose"),
        ("pose", "yolo111n", "did you mean yolo11n"),
        ("sem", "yolo11n", "no semantic YOLO11"),
        ("pose", "unet", "is not known for --task pose"),
        ("sem", "orbit-pose", "no semantic YOLO11"),
    ],
)
def test_a_wrong_model_is_told_with_the_nearest(task: str, model: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as error:
        find_start(task, model, None, ORBIT)
    assert "\n" not in str(error.value)


def test_a_download_is_tried_when_asked_for_and_told_when_it_fails(
    offline: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)  # the library waits between its tries
    with pytest.raises(EnvironmentFaultError, match=r"--download: yolo11n-pose\.pt could not be fetched"):
        find_start("pose", "yolo11n", None, ORBIT, download=True)
    assert any("github" in call for call in offline.made)
    assert not list((tmp_path / "weights").iterdir())
    (tmp_path / "weights" / "yolo11n-pose.pt").write_bytes(b"fetched before")
    made = len(offline.made)
    start = find_start("pose", "yolo11n", None, ORBIT, download=True)
    assert start.weights == tmp_path / "weights" / "yolo11n-pose.pt"
    assert len(offline.made) == made
