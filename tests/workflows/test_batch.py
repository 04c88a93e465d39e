"""A batch survives what happens to batches: kills, full disks, crashes, interrupts, a second run, changed films."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.core.image import Image
from spinekit.workflows import predict as workflow
from spinekit.workflows.batch import films_at_once
from spinekit.workflows.predict import InterruptedRunError, PredictRun, PredictSettings
from spinekit.workflows.reading import Reading
from tests.conftest import CHECKOUT, environment
from tests.workflows.batch_films import MODEL, StandIn, write_films

COUNT = 12


def test_as_many_films_are_computed_at_once_as_there_are_threads_for() -> None:
    assert [films_at_once(threads, 100) for threads in (1, 2, 3, 64)] == [1, 2, 3, 4]
    assert [films_at_once(8, films) for films in (0, 1, 2)] == [1, 1, 2]  # one film has all threads


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "ModelChoice", StandIn)


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = write_films(tmp_path / "films", COUNT)
    (folder / "notes.txt").write_text("nothing to see")
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 99)
    black = np.random.default_rng(0).integers(0, 255, (80, 60), dtype=np.uint8)
    black[0, 0] = 0
    PillowImage.fromarray(black).save(folder / "refused.png")
    return folder


def run(films: Path, out: Path, **options: Any) -> PredictRun:  # noqa: ANN401  (settings of many types)
    return workflow.predict(PredictSettings(sources=(films,), out=out, model=MODEL, **options))


def tree(folder: Path) -> dict[str, str]:
    """Hash of every file by its relative path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def child(films: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    """``predict`` in a process of its own."""
    words = [sys.executable, "-m", "tests.workflows.batch_films", str(films), str(out), *options]
    return subprocess.Popen(
        words, cwd=CHECKOUT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    return iter(process.stdout.readline, "")


SAVE = ("via", "coco")


@pytest.fixture
def undisturbed(films: Path, tmp_path: Path) -> dict[str, str]:
    """What a run comes to that nothing happens to."""
    made = run(films, tmp_path / "undisturbed", save=SAVE)
    assert made.record.counts() == {"ok": COUNT, "abstained": 1, "skipped": 1, "failed": 1}
    return tree(tmp_path / "undisturbed")


# --- what a run leaves ---


def test_a_run_is_its_records_and_all_else_is_built_of_them(films: Path, tmp_path: Path) -> None:
    made = run(films, tmp_path / "out", save=SAVE)
    records = [json.loads(line) for line in (tmp_path / "out" / "records.jsonl").read_text().splitlines()]
    assert [record["file"] for record in records] == [file.name for file in made.record.files]
    for record in records:
        for image in record["images"]:
            for output in image["outputs"]:
                content = (tmp_path / "out" / output["path"]).read_bytes()
                assert hashlib.sha256(content).hexdigest() == output["sha256"]
    assert json.loads((tmp_path / "out" / "run.json").read_text())["finished"] is True
    assert json.loads((tmp_path / "out" / "run.json").read_text())["images"] == ["../films"]
    assert not list((tmp_path / "out").rglob(".*"))


def test_predictions_are_read_from_the_folder(films: Path, tmp_path: Path) -> None:
    made = run(films, tmp_path / "out")
    assert len(made.predictions) == COUNT + 1
    assert made.predictions[-1].refusal == "it begins with black"
    assert made.predictions[-1].image.height == 80
    scene = made.predictions[3].scene
    assert scene is not None
    assert scene.image.path == films / scene.image.name
    assert scene.notes == ("made up",)
    assert [p.image.name for p in made.predictions[1:3]] == [p.image.name for p in made.predictions][1:3]
    assert any(result.name == "cobb_aasce_main" for result in made.predictions[0].results)


def test_processes_and_the_order_of_the_sources_change_no_byte(
    films: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    sources = [films / "refused.png", films / "b", films / "bad.png", films / "notes.txt", films / "a"]
    for workers in (0, 2):
        out = tmp_path / f"out{workers}"
        settings = PredictSettings(
            sources=tuple(sources), out=out, model=MODEL, save=SAVE, workers=workers, overlays=True
        )
        workflow.predict(settings)
        mine = tree(out)
        assert set(mine) == set(undisturbed)
        # A text file that is named is no companion: only the word about it differs.
        said = {"run.json", "records.jsonl", "failures.csv", "report.html"}
        assert {k: v for k, v in mine.items() if k not in said} == {
            k: v for k, v in undisturbed.items() if k not in said
        }
        sources.reverse()


def test_dicom_objects_are_written_and_recorded_like_pictures(tmp_path: Path) -> None:
    films, out = write_films(tmp_path / "films", 2), tmp_path / "out"
    made = run(films, out, save=("dicom-sc",), overlays=False, report=False)
    names = [name for file in made.record.files for name in file.outputs]
    assert len(names) >= 2
    assert all(name.startswith("dicom-sc/") and (out / name).is_file() for name in names)
    assert run(films, out, save=("dicom-sc",), overlays=False, report=False, resume=True).done_before


def test_names_as_long_as_can_be_are_kept_apart(tmp_path: Path) -> None:
    films = write_films(tmp_path / "films", 2)
    for number, film in enumerate(sorted(films.rglob("*.png"))):
        film.rename(film.with_name("x" * 250 + f"{number}.png"))
    (films / ("y" * 255)).write_bytes(next(films.rglob("*.png")).read_bytes())
    save = ("via", "labelme", "mask", "yolo", "slicer")
    made = run(films, tmp_path / "out", save=save, report=True, overlays=True)
    assert made.record.counts()["ok"] == 3
    outputs = [name for file in made.record.files for name in file.outputs]
    assert len(set(outputs)) == len(outputs) == 6
    assert len(list((tmp_path / "out" / "labelme").rglob("*.json"))) == 3
    assert all("mask" in line and "File name too long" in line for line in made.unsaved), made.unsaved
    assert run(films, tmp_path / "out", save=save, resume=True).done_before


# --- going on ---


def test_a_finished_run_says_so_and_does_nothing(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (films / "bad.png").unlink()
    run(films, tmp_path / "out")
    before = tree(tmp_path / "out")

    def unread(*_: object) -> Reading:
        raise AssertionError("read again")

    monkeypatch.setattr(StandIn, "read", unread)
    again = run(films, tmp_path / "out", resume=True)
    assert again.done_before
    assert again.earlier == COUNT + 2
    assert again.record.counts()["ok"] == COUNT
    assert tree(tmp_path / "out") == before


def changed_film(films: Path, out: Path) -> None:
    del out
    PillowImage.fromarray(np.full((90, 50), 128, np.uint8)).save(films / "a" / "film-00002.png")


def new_film(films: Path, out: Path) -> None:
    del out
    shutil.copyfile(films / "a" / "film-00002.png", films / "a" / "another.png")


def lost_film(films: Path, out: Path) -> None:
    del out
    (films / "a" / "film-00002.png").unlink()


def spoilt_overlay(films: Path, out: Path) -> None:
    del films
    (out / "overlays" / "a" / "film-00004.png.png").write_bytes(b"half")


def lost_page(films: Path, out: Path) -> None:
    del films
    (out / "report.html").unlink()
    (out / "films" / "b" / "film-00001.png.jpg").unlink()


def lost_records(films: Path, out: Path) -> None:
    del films
    path = out / "records.jsonl"
    path.write_bytes(path.read_bytes()[:-300])


@pytest.mark.parametrize(
    "change", [changed_film, new_film, lost_film, spoilt_overlay, lost_page, lost_records]
)
def test_what_changed_is_read_again_and_only_that(films: Path, tmp_path: Path, change: Any) -> None:  # noqa: ANN401
    out = tmp_path / "out"
    run(films, out, save=SAVE)
    change(films, out)
    again = run(films, out, save=SAVE, resume=True)
    assert again.earlier >= COUNT - 2
    run(films, tmp_path / "anew", save=SAVE)
    assert tree(out) == tree(tmp_path / "anew")


def test_other_settings_are_refused_or_begin_anew(films: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(films, out, save=("coco",))
    with pytest.raises(UsageError, match=r"save 'coco', now 'via'.*--force"):
        run(films, out, save=("via",), resume=True)
    with pytest.raises(UsageError, match="--resume"):
        run(films, out, force=True)
    (out / "review").mkdir()
    (out / "review" / "edits.jsonl").write_text("mine")
    again = run(films, out, save=("via",), overlays=False, resume=True, force=True)
    assert again.earlier == 0
    assert not (out / "coco").exists()
    assert not (out / "overlays").exists()
    assert (out / "review" / "edits.jsonl").read_text() == "mine"
    shutil.rmtree(out / "review")
    run(films, tmp_path / "anew", save=("via",), overlays=False)
    assert tree(out) == tree(tmp_path / "anew")


# --- kills ---


@pytest.mark.parametrize("at", [1, 8, COUNT + 3], ids=["first film", "midway", "while tables are written"])
def test_a_killed_run_goes_on_to_the_same_bytes(
    films: Path, undisturbed: dict[str, str], tmp_path: Path, at: int
) -> None:
    out = tmp_path / "out"
    process = child(films, out, "save=" + json.dumps(SAVE), "pause=0.02", "workers=1")
    for number, _ in enumerate(lines(process)):
        if number == at:
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (out / "overlays").mkdir(exist_ok=True)
    (out / "overlays" / ".abcdefgh.tmp.png").write_bytes(b"half")
    with pytest.raises(UsageError, match="--resume"):
        run(films, out, save=SAVE)
    run(films, out, save=SAVE, resume=True)
    assert tree(out) == undisturbed


def test_the_second_run_on_a_folder_is_told_who_is_there(films: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = child(films, out, "pause=0.5")
    told = lines(process)
    while not next(told).startswith("0 "):
        pass
    with pytest.raises(EnvironmentFaultError, match=f"process {process.pid}"):
        run(films, out)
    process.kill()
    process.communicate()


# --- interrupts ---


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_tidily(
    films: Path, undisturbed: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    process = child(films, out, "pause=0.2", "save=" + json.dumps(SAVE))
    for line in lines(process):
        if line.startswith("3 "):
            process.send_signal(number)
    _, words = process.communicate()
    assert process.returncode == 130, words
    told = json.loads((out / "run.json").read_text())
    assert told["finished"] is False
    assert 4 <= told["counts"]["ok"] + told["counts"]["failed"] < COUNT
    assert "interrupted before it was read" in (out / "failures.csv").read_text()
    assert (out / "report.html").is_file()
    assert not (out / ".lock").exists()
    run(films, out, save=SAVE, resume=True)
    assert tree(out) == undisturbed


def test_the_second_signal_ends_at_once(films: Path, tmp_path: Path) -> None:
    process = child(films, tmp_path / "out", "pause=1.5")
    for line in lines(process):
        if line.startswith("1 "):
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGTERM)
            break
    rest, words = process.communicate()
    assert process.returncode == 130, words
    assert "KeyboardInterrupt" in rest
    assert not (tmp_path / "out" / "report.html").exists()


def test_signals_are_given_back(films: Path, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run(films, tmp_path / "out", report=False, overlays=False)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_an_interrupt_from_elsewhere_keeps_what_is_done(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = StandIn.read

    def read(self: StandIn, image: Image) -> Reading:
        if image.ref.name == "a/film-00004.png":
            raise KeyboardInterrupt
        return whole(self, image)

    monkeypatch.setattr(StandIn, "read", read)
    with pytest.raises(InterruptedRunError) as stopped:
        run(films, tmp_path / "out")
    assert [p.image.name for p in stopped.value.run.predictions] == ["a/film-00000.png", "a/film-00002.png"]


# --- failures ---


def test_a_network_that_stumbles_costs_the_film_only(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = StandIn.read

    def read(self: StandIn, image: Image) -> Reading:
        if image.ref.name == "a/film-00004.png":
            raise RuntimeError("secret")
        if image.ref.name == "a/film-00006.png":
            raise MemoryError
        return whole(self, image)

    monkeypatch.setattr(StandIn, "read", read)
    made = run(films, tmp_path / "out")
    said = {file.name: file.reason for file in made.record.with_status("failed")}
    assert list(said) == ["a/film-00004.png", "a/film-00006.png", "bad.png"]
    assert "RuntimeError" in said["a/film-00004.png"]
    assert "secret" not in said["a/film-00004.png"]
    assert "not enough memory" in said["a/film-00006.png"]


@pytest.mark.parametrize(("options", "read"), [({"fail_fast": True}, 1), ({"max_failures": 2}, 2)])
def test_failures_end_a_run_when_they_are_to(
    films: Path, tmp_path: Path, options: dict[str, Any], read: int
) -> None:
    for index in (2, 6, 10):
        path = films / "a" / f"film-{index:05}.png"
        path.write_bytes(path.read_bytes()[:60])
    made = run(films, tmp_path / "out", **options)
    assert made.record.counts()["failed"] == read
    assert made.left_out == COUNT + 3 - 2 * read
    assert "too many files failed" in (tmp_path / "out" / "failures.csv").read_text()
    again = run(films, tmp_path / "out", resume=True)
    assert again.left_out == 0
    assert again.record.counts()["failed"] == 4


# --- full disks ---


@pytest.mark.parametrize("at", [3, 17, 60])
def test_a_full_disk_leaves_no_half_file_and_the_run_goes_on(
    films: Path, undisturbed: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    out, calls, real = tmp_path / "out", iter(range(10_000)), os.fsync

    def full(descriptor: int) -> None:
        if next(calls) >= at:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnvironmentFaultError, match="free space") as error:
        run(films, out, save=SAVE)
    assert "\n" not in str(error.value)
    monkeypatch.undo()
    monkeypatch.setattr(workflow, "ModelChoice", StandIn)
    early = {name: digest for name, digest in tree(out).items() if name.startswith(("overlays", "films"))}
    assert early.items() <= undisturbed.items()
    run(films, out, save=SAVE, resume=True)
    assert tree(out) == undisturbed


def test_a_disk_that_cannot_hold_the_run_is_refused_before_the_first_film(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 1000))
    with pytest.raises(EnvironmentFaultError, match="KiB are free"):
        run(films, tmp_path / "out")
