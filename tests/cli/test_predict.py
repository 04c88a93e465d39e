"""``spinekit predict`` on good and bad films: what is read, what fails, and what it all ends with."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinekit.models.weights import find_card, shipped_names
from tests.cli.conftest import Say
from tests.cli.films import (
    MODEL,
    SAMPLES,
    SPINE_DICOM,
    called,
    changed_dicom,
    good,
    reasons,
    scenes,
    spine_pixels,
)
from tests.conftest import CommandLine

QUICK = ("--model", MODEL, "--no-report", "--no-overlays", "--out", "out")


def bodies(out: Path, name: str) -> list[str]:
    return [item["label"] for item in scenes(out)[name]["instances"]]


# --- nothing to read ---


def test_an_empty_folder_ends_with_3(say: Say, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    ended = say("predict", "films", *QUICK)
    assert ended.code == 3
    assert "holds no file" in ended.error()
    assert not (tmp_path / "out").exists()


def test_a_folder_of_texts_ends_with_3_and_says_what_was_seen(say: Say, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "notes.txt").write_text("L1 looks odd")
    (tmp_path / "films" / "table.csv").write_text("a,b\n")
    ended = say("predict", "films", *QUICK)
    assert ended.code == 3
    assert ".csv, .txt" in ended.error()


# --- bad files ---


def write_bad(name: str, folder: Path) -> Path:
    """A file that cannot be read, by what is wrong with it."""
    path = folder / name
    whole = spine_pixels()
    match name:
        case "text.png":
            path.write_text("this is no picture\n")
        case "page.jpg":
            path.write_text("<!DOCTYPE html><html><body>404</body></html>")
        case "empty.png" | "empty.dcm":
            path.write_bytes(b"")
        case "truncated.jpg":
            path.write_bytes(cv2.imencode(".jpg", whole)[1].tobytes()[:4000])
        case "truncated.png":
            path.write_bytes(cv2.imencode(".png", whole)[1].tobytes()[:4000])
        case "truncated.dcm":
            path.write_bytes(SPINE_DICOM.read_bytes()[:20_000])
        case "no-pixels.dcm":
            changed_dicom(path, {}, ["PixelData"])
        case _:
            raise AssertionError(name)
    return path


BAD = (
    "text.png", "page.jpg", "empty.png", "empty.dcm", "truncated.jpg", "truncated.png", "truncated.dcm",
    "no-pixels.dcm",
)  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_alone_ends_with_3_and_one_line(say: Say, tmp_path: Path, name: str) -> None:
    (tmp_path / "films").mkdir()
    write_bad(name, tmp_path / "films")
    ended = say("predict", "films", *QUICK)
    assert ended.code == 3
    assert "Traceback" not in ended.err
    (line,) = (line for line in ended.err.splitlines() if line.startswith(("failed: ", "error: ")))
    assert name in line
    assert " -- " in line


def test_bad_files_do_not_stop_good_ones(say: Say, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    good(folder)
    for name in BAD:
        write_bad(name, folder)
    ended = say("predict", "films", *QUICK, "--names", "keep")
    assert ended.code == 1
    assert "Traceback" not in ended.err
    seen = reasons(tmp_path / "out")
    assert seen.pop("good.png") == ("ok", "")
    assert {name for name, (status, _) in seen.items() if status == "failed"} == set(BAD)
    with (tmp_path / "out" / "failures.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["file"] for row in rows} == set(BAD)
    assert all(row["reason"] and "\n" not in row["reason"] for row in rows)
    assert bodies(tmp_path / "out", "good.png")


def test_objects_that_never_hold_an_image_are_skipped(say: Say, tmp_path: Path) -> None:
    from pydicom.data import get_testdata_file

    folder = tmp_path / "films"
    good(folder)
    for name in ("rtplan.dcm", "reportsi.dcm"):
        found = get_testdata_file(name, download=False)
        assert found is not None
        shutil.copyfile(str(found), folder / name)
    assert say("predict", "films", *QUICK, "--names", "keep").code == 0
    seen = reasons(tmp_path / "out")
    assert seen["rtplan.dcm"][0] == seen["reportsi.dcm"][0] == "skipped"


def test_files_that_are_read_though_they_are_odd(say: Say, tmp_path: Path) -> None:
    """12 bits in 16, transparency, colour, a JPEG called PNG: the same spine is found in each."""
    folder = tmp_path / "films"
    grey = spine_pixels()
    good(folder, "plain.png")
    cv2.imwrite(str(folder / "twelve.png"), grey.astype(np.uint16) * 16)
    cv2.imwrite(str(folder / "clear.png"), np.dstack([grey, grey, grey, np.full_like(grey, 255)]))
    (folder / "called.png").write_bytes(
        cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
    )
    assert say("predict", "films", *QUICK).code == 0
    plain = bodies(tmp_path / "out", "plain.png")
    assert len(plain) > 10
    for name in ("twelve.png", "clear.png", "called.png"):
        assert bodies(tmp_path / "out", name) == plain, name


def test_a_spacing_of_zero_is_no_spacing(say: Say, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    changed_dicom(folder / "zero.dcm", {"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0, 0]})
    ended = say("predict", "films", *QUICK)
    assert ended.code == 0
    (scene,) = scenes(tmp_path / "out").values()
    assert scene["image"]["spacing"] is None
    assert scene["instances"]
    table = (tmp_path / "out" / "measurements.csv").read_text("utf-8").lower()
    assert not {"nan", "inf"} & set(table.replace("\n", ",").split(","))
    assert "mm" not in {row["unit"] for row in csv.DictReader(table.splitlines())}


def test_a_stated_spacing_goes_before_the_files(say: Say, tmp_path: Path) -> None:
    assert say("predict", SPINE_DICOM, *QUICK, "--spacing", "0.2x0.1").code == 0
    (scene,) = scenes(tmp_path / "out").values()
    assert scene["image"]["spacing"] == {"row_mm": 0.2, "col_mm": 0.1, "origin": "stated"}


def test_images_too_large_are_refused_before_they_are_decoded(say: Say, tmp_path: Path) -> None:
    good(tmp_path / "films")
    ended = say("predict", "films", *QUICK, "--max-pixels", "1000")
    assert ended.code == 3
    assert reasons(tmp_path / "out")["good.png"][0] == "failed"


def test_names_cannot_move_the_cursor(say: Say, tmp_path: Path) -> None:
    good(tmp_path / "films", "a\x1b[31mred\u202egnp.png")
    ended = say("predict", "films", *QUICK)
    assert ended.code == 0
    assert "\x1b[31m" not in ended.err
    assert "\u202e" not in ended.err


# --- places ---


def test_two_films_of_one_name_have_two_results(say: Say, tmp_path: Path) -> None:
    good(tmp_path / "films" / "a", "film.png")
    shutil.copyfile(SPINE_DICOM, tmp_path / "films" / "a" / "film.dcm")
    good(tmp_path / "films" / "b", "film.png")
    keep = ("--names", "keep", "--no-report", "--out", "out")
    ended = say("predict", "films/a", "films/b/film.png", "--model", MODEL, *keep)
    assert ended.code == 0
    assert set(scenes(tmp_path / "out")) == {"a/film.png", "a/film.dcm", "b/film.png"}
    overlays = tmp_path / "out" / "overlays"
    drawn = {path.relative_to(overlays).as_posix() for path in overlays.rglob("*.png")}
    assert drawn == {"a/film.png.png", "a/film.dcm.png", "b/film.png.png"}


def test_results_inside_the_input_are_fine_and_are_not_read_by_that_run(say: Say, tmp_path: Path) -> None:
    good(tmp_path / "films")
    assert say("predict", "films", "--model", MODEL, "--no-report", "--out", "films/results").code == 0
    assert set(scenes(tmp_path / "films" / "results")) == {"good.png"}


@pytest.mark.parametrize("first", [("--out", "films/first"), ()], ids=["named", "default"])
def test_results_inside_the_input_are_not_read_by_the_next_run(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: tuple[str, ...]
) -> None:
    good(tmp_path / "films")
    if not first:
        monkeypatch.chdir(tmp_path / "films")
    source = "films" if first else "."
    assert say("predict", source, "--model", MODEL, "--no-report", *first).code == 0
    assert say("predict", source, *QUICK[:-1], tmp_path / "second").code == 0
    assert set(scenes(tmp_path / "second")) == {"good.png"}


def test_runs_number_themselves(say: Say, tmp_path: Path) -> None:
    good(tmp_path / "films")
    for number in (1, 2):
        assert say("predict", "films", *QUICK[:-2]).code == 0
        assert (tmp_path / "spinekit-out" / str(number) / "run.json").is_file()


def test_equal_runs_give_equal_files_that_name_no_machine(say: Say, tmp_path: Path) -> None:
    good(tmp_path / "films", "film.png")
    write_bad("text.png", tmp_path / "films")
    for out in ("one", "two"):
        words = ("--save", "via", "--save", "coco", "--save", "yolo", "--save", "scenes", "--save", "mask")
        assert say("predict", tmp_path / "films", "--model", MODEL, "--out", out, *words).code == 1
    files = sorted(
        path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()
    )
    assert {path.parts[0] for path in files} >= {"report.html", "overlays", "via", "coco", "yolo", "run.json"}
    again = sorted(
        path.relative_to(tmp_path / "two") for path in (tmp_path / "two").rglob("*") if path.is_file()
    )
    assert files == again
    for name in files:
        content = (tmp_path / "one" / name).read_bytes()
        assert content == (tmp_path / "two" / name).read_bytes(), name
        assert str(tmp_path).encode() not in content, name
    assert not [path for path in files if path.name.startswith(".")]


# --- what is shown ---


def test_json_is_all_there_is_on_standard_output(console: CommandLine, tmp_path: Path) -> None:
    good(tmp_path / "films")
    write_bad("truncated.jpg", tmp_path / "films")
    done = console("predict", "films", "--model", MODEL, "--no-report", "--json")
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    shown = json.loads(done.stdout)
    assert shown["out"] == "spinekit-out/1"
    assert shown["counts"] == {"ok": 1, "abstained": 0, "skipped": 0, "failed": 1}
    assert list(shown["failed"]) == ["truncated.jpg"]
    (image,) = shown["images"]
    assert image["image"] == "good.png"
    assert image["model"] == MODEL
    assert image["found"] > 10
    assert image["measurements"]["cobb_aasce_main"] > 10
    assert shown["models"] == {MODEL: find_card(MODEL).sha256}


def test_a_run_on_the_samples_tells_what_became_of_every_file(say: Say, tmp_path: Path) -> None:
    ended = say("predict", SAMPLES, "--no-report", "--out", "out")
    assert ended.code == 0
    record = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))
    assert len(record["files"]) == sum(record["counts"].values()) == len(list(SAMPLES.iterdir()))
    assert record["counts"]["failed"] == 0
    read = {file["name"]: file for file in record["files"] if file["status"] == "ok"}
    assert {called(SPINE_DICOM), "spine-ap-02.png"} <= set(read)
    for file in read.values():
        assert all((tmp_path / "out" / name).is_file() for name in file["outputs"])
    assert "results: out" in ended.err


# Which sample each kind of model reads; a model of another kind needs a line here, empty where none is drawn.
FILMS = {"spine, sagittal MRI": "", "spine, lateral": "",
         "spine, frontal": "spine-ap-01.dcm", "skull, lateral": "skull-lateral-01.dcm",
         "orbits, axial": "orbit-01.dcm", "electron microscopy, section": "membrane-01.dcm"}  # fmt: skip


@pytest.mark.parametrize("name", shipped_names())
def test_every_model_reads_its_sample(say: Say, tmp_path: Path, name: str) -> None:
    card = find_card(name)
    if not FILMS[card.view]:
        pytest.skip(
            f"no synthetic image shows {card.view}; its real test part is read by benchmarks/accuracy.py"
        )
    ended = say("predict", SAMPLES / FILMS[card.view], "--model", name, "--save", "mask", "--out", "out")
    assert ended.code == 0, ended.err
    (scene,) = scenes(tmp_path / "out").values()
    assert scene["model"] == name
    assert scene["schema"]["name"] == card.schema
    if card.task == "sem":
        assert scene["raster"]
        assert (tmp_path / "out" / "probability" / f"{called(SAMPLES / FILMS[card.view])}.tiff").is_file()
    else:
        assert scene["instances"]
    assert list((tmp_path / "out" / "overlays").iterdir())
    shown = say("models", "list").out
    assert name in shown
    assert f"sha256: {card.sha256}" in say("models", "info", name).out


@pytest.mark.parametrize("film", sorted(set(FILMS.values()) - {""}))
def test_each_sample_finds_the_model_made_for_it(say: Say, tmp_path: Path, film: str) -> None:
    fitting = [n for n in shipped_names() if FILMS[find_card(n).view] == film and find_card(n).task != "seg"]
    if not fitting:
        pytest.skip(f"no model for {film} ships yet")
    ended = say("predict", SAMPLES / film, "--no-report", "--no-overlays", "--out", "out")
    assert ended.code == 0, ended.err
    assert [scene["model"] for scene in scenes(tmp_path / "out").values()] == fitting
