"""Trainings that are run: what they leave, how they are judged, how they go on after they were stopped."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.errors import UsageError
from spinekit.core.image import Image, ImageRef
from spinekit.models.history import EpochReport, best_epoch, read_curves, read_history, read_watched
from spinekit.models.load import load_reader
from spinekit.models.weights import find_card
from spinekit.workflows.folds import resume_folds, train_folds
from spinekit.workflows.model_folder import write_model
from spinekit.workflows.plots import write_plots
from spinekit.workflows.reading import read_with
from spinekit.workflows.split import read_split
from spinekit.workflows.train import Trained, resume, train
from spinekit.workflows.train_settings import read_recipe
from tests.conftest import CHECKOUT
from tests.workflows.training_films import tiny_settings


class Killed(BaseException):
    """Ends a training as a kill would: nothing catches it."""


@dataclass(slots=True)
class Run:
    """A training that has ended."""

    folder: Path
    trained: Trained
    told: list[EpochReport]
    notices: list[str]


@pytest.fixture(scope="module")
def pose(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two epochs of landmarks, killed in the first and gone on with."""
    folder = tmp_path_factory.mktemp("pose")
    settings = tiny_settings(folder, "pose", epochs=2, model="yolo11n")
    told: list[EpochReport] = []
    notices: list[str] = []

    def kill(epoch: EpochReport) -> None:
        told.append(epoch)
        raise Killed

    with pytest.raises(Killed):
        train(settings, folder / "run", kill, notice=notices.append)
    trained = resume(folder / "run", told.append, notice=notices.append)
    write_model(trained, folder / "run" / "model")
    return Run(folder / "run", trained, told, notices)


def test_a_killed_training_goes_on_where_it_was(pose: Run) -> None:
    assert [report.epoch for report in pose.told] == [1, 2]
    assert [report.epoch for report in pose.trained.history] == [1, 2]
    assert any("goes on after epoch 1 of 2" in line for line in pose.notices)
    assert pose.notices[0] == "begins: yolo11n from scratch, as was asked for"


def test_a_finished_training_says_so(pose: Run) -> None:
    with pytest.raises(UsageError, match="has ended after 2 epochs -- its model is"):
        resume(pose.folder)


def test_a_folder_of_no_training_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no training began in this folder"):
        resume(tmp_path)


def test_epochs_are_chosen_by_the_landmarks(pose: Run) -> None:
    for report in pose.trained.history:
        assert report.fitness == pytest.approx(-report.metrics["metrics/MRE(px)"], abs=1e-4)
        assert report.seconds > 0
    best = best_epoch(pose.trained.history)
    assert best is not None
    record = json.loads((pose.folder / "model" / "run.json").read_text("utf-8"))
    assert record["best_epoch"] == best.epoch


def test_the_record_says_what_it_was(pose: Run) -> None:
    text = (pose.folder / "model" / "run.json").read_text("utf-8")
    record = json.loads(text)
    assert len(record["data_sha256"]) == 64
    assert record["settings"]["seed"] == 0
    assert record["settings"]["augment"]["fliplr"] == 0.5  # the schema's points swap
    assert record["settings"]["sigma_start"] == 0.25
    assert {"spinekit", "ultralytics", "torch"} <= set(record["versions"])
    assert str(pose.folder.parent) not in text


def test_what_was_seen_is_noted(pose: Run) -> None:
    watched = read_watched(pose.folder / "run")
    assert {item.epoch for item in watched} == {1, 2}
    names = {path.name for path in (pose.folder / "workspace" / "images" / "val").iterdir()}
    assert {item.image for item in watched} == names
    assert all(np.shape(item.truth) == np.shape(item.points) == (1, 4, 2) for item in watched)
    assert np.isfinite(np.array(watched[0].truth, dtype=float)).all()
    curves = read_curves(pose.folder / "run")
    assert curves is not None
    assert list(curves.labels) == ["orbits", "background"]
    assert len(curves.confusion) == 2


def test_the_model_reads(pose: Run) -> None:
    card = find_card(str(pose.folder / "model"))
    assert card.task == "pose"
    assert load_reader(str(pose.folder / "model")).schema.name == "orbit-4"


def test_all_of_it_is_drawn(pose: Run, tmp_path: Path) -> None:
    drawn = {path.name: path.read_bytes() for path in write_plots(pose.folder, tmp_path)}
    assert {"losses.png", "landmarks.png", "boxes.png", "mre.png", "confusion.png", "epochs.gif"} <= set(
        drawn
    )
    assert drawn == {path.name: path.read_bytes() for path in write_plots(pose.folder, tmp_path / "again")}
    with pytest.raises(UsageError, match="no epoch of a training lies here"):
        write_plots(tmp_path / "nothing")


def test_a_history_that_a_kill_cut_short_is_read(pose: Run, tmp_path: Path) -> None:
    shutil.copytree(pose.folder / "run", tmp_path / "run", ignore=shutil.ignore_patterns("*.pt"))
    with (tmp_path / "run" / "epochs.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('{"epoch": 3, "los')
    assert read_history(tmp_path / "run") == pose.trained.history


def test_pixels_go_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    """Our own network's state holds all that its next step depends on: the weights are the same to the byte."""

    def kill(epoch: EpochReport) -> None:
        if epoch.epoch == 1:
            raise Killed

    settings = tiny_settings(tmp_path, "sem", epochs=2)
    assert settings.model == "unet"
    whole = train(settings, tmp_path / "whole")
    with pytest.raises(Killed):
        train(settings, tmp_path / "killed", kill)
    again = resume(tmp_path / "killed")
    assert [e.metrics for e in again.history] == [e.metrics for e in whole.history]
    assert again.weights.read_bytes() == whole.weights.read_bytes()
    assert again.data.sha256 == whole.data.sha256
    assert all(e.fitness == e.metrics["metrics/Dice"] for e in whole.history)
    write_model(whole, tmp_path / "model")
    card = find_card(str(tmp_path / "model"))
    assert card.architecture == "unet"
    assert card.separation is None or 0 < card.separation < card.confidence
    assert "on the 2 val images: V_rand" in (tmp_path / "model" / "card.yaml").read_text("utf-8")


def test_a_detector_of_boxes_is_used_like_any_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of boxes nothing is measured: each level at most once, a single one is enough to be shown."""
    trained = train(
        tiny_settings(tmp_path, "detect"), tmp_path / "run", lambda report: print("epoch", report.epoch)
    )
    assert "epoch 1" in capsys.readouterr().out, "the library is silent, the caller is not"
    write_model(trained, tmp_path / "model")
    reader = load_reader(str(tmp_path / "model"))
    assert reader.card.task == "detect"
    pixels = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (96, 1))
    reading = read_with(reader, Image(ImageRef(Path("a.png"), 96, 96, name="a.png"), pixels))
    # One epoch from scratch knows nothing: what counts is that it is asked as a detector is.
    assert reading.scene is None
    assert "0 vertebral bodies found with certainty, fewer than 1" in reading.refusal


def test_the_classic_recipe_trains_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the first spine system's recipe but its size, one epoch on synthetic films; masks are judged alone."""
    monkeypatch.setenv("SPINEKIT_DATA", str(tmp_path))
    tiny_settings(tmp_path, "seg")
    films = tmp_path / "films"
    recipe = CHECKOUT / "experiments" / "spine-seg-classic.yaml"
    as_it_stands = read_recipe(recipe)
    assert (as_it_stands.height, as_it_stands.batch, as_it_stands.epochs) == (640, 16, 250)
    given = {
        "data": films, "format": "scenes", "split": films / "split.csv", "epochs": 1, "imgsz": 96,
        "start": "scratch",
    }  # fmt: skip
    notices: list[str] = []
    trained = train(read_recipe(recipe, given), tmp_path / "run", notice=notices.append)
    (report,) = trained.history
    assert report.fitness == pytest.approx(report.metrics["metrics/mAP50-95(M)"])
    assert trained.data.instances["train"] >= 4 * 17
    lacking = next(line for line in notices if "no example of" in line)
    assert "C1, C2" in lacking
    assert "T1," not in lacking


def test_folds_are_tested_on_what_they_did_not_learn(tmp_path: Path) -> None:
    """Killed in the second fold and gone on with: the first is not trained again, and all are told once."""
    settings = tiny_settings(tmp_path, "sem", folds=3, epochs=1)
    notices: list[str] = []
    epochs: list[EpochReport] = []

    def kill(epoch: EpochReport) -> None:
        epochs.append(epoch)
        if len(epochs) == 2:
            raise Killed

    with pytest.raises(Killed):
        train_folds(settings, tmp_path / "out", kill, notice=notices.append)
    again: list[str] = []
    results = resume_folds(tmp_path / "out", epochs.append, notice=again.append)
    assert again[0] == "fold 1 of 3: has ended before"
    assert len(epochs) == 3
    with pytest.raises(UsageError, match="all 3 folds have ended"):
        resume_folds(tmp_path / "out")
    assert "split.csv: not used, since folds divide all films anew" in notices[0]
    assert [result.fold for result in results] == [1, 2, 3]
    rows = list(csv.reader((tmp_path / "out" / "folds.csv").read_text("utf-8").splitlines()))
    assert [row[0] for row in rows] == ["fold", "1", "2", "3", "mean", "sd"]
    column = rows[0].index("Dice")
    values = [float(row[column]) for row in rows[1:4]]
    assert float(rows[4][column]) == pytest.approx(np.mean(values), rel=1e-4)
    assert float(rows[5][column]) == pytest.approx(np.std(values, ddof=1), rel=1e-4)
    tested = [
        {
            name
            for name, part in read_split(tmp_path / "out" / f"fold-{k}" / "split.csv").items()
            if part == "test"
        }
        for k in (1, 2, 3)
    ]
    assert len(set.union(*tested)) == sum(map(len, tested))
