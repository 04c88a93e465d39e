"""Nobody is told and nobody is named: no command opens a connection, no output holds a patient's attribute.

The network is taken away twice: in this process by a fixture, and in processes of their own by an audit
hook, which also sees what compiled code asks for. Libraries swallow refusals, so attempts are noted and the
notes must be empty.
"""

from __future__ import annotations

import inspect
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from pydicom import dcmread
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import spinekit
from spinekit.cli.app import app
from spinekit.formats.registry import annotation_formats
from spinekit.review.store import ReviewStore
from spinekit.workflows.review import ReviewSettings, open_review
from tests.conftest import CHECKOUT, Calls, environment

SAMPLES = CHECKOUT / "datasets" / "samples"
MODEL = "spine-ap-pose"

# --- no connection ---

# Laid as ``sitecustomize.py`` before all else, it watches the processes that a command starts as well.
HOOK = inspect.cleandoc("""
    import os, sys
    NOTES = open(os.environ["SPINEKIT_TEST_NOTES"], "a", encoding="utf-8", buffering=1)
    WATCHED = {"connect", "getaddrinfo", "gethostbyname", "sendto", "sendmsg"}

    def watch(event, arguments):
        near = any(word in str(arguments) for word in ("127.0.0.1", "AF_UNIX"))
        if event.removeprefix("socket.") in WATCHED and not near:
            NOTES.write(f"{event} {arguments}\\n")
            raise OSError("the network is not there")

    sys.addaudithook(watch)
""")
GUARD = "from spinekit.cli.app import main; main()"

QUICK = ("--model", MODEL, "--no-report", "--no-overlays")
PROPOSED = ("predict", "films", *QUICK, "--save", "via", "--out", "proposed")
SPLIT = ("dataset", "split", "proposed/via", "--format", "via", "--schema", "spine-ap", "--images", "films",
         "--train", "0.5", "--val", "0.3")  # fmt: skip
SEEN = ("--from", "via", "--images", "films")
KNOWN = (*SEEN, "--schema", "spine-ap")

# What is said to each command: every command has a line here, in an order in which each finds what it needs.
SAID: dict[str, list[tuple[str, ...]]] = {
    "samples": [("samples", "films", "--kind", "spine-ap", "--count", "6")],
    "formats": [("formats",)],
    "doctor": [("doctor",)],
    "models list": [("models", "list")],
    "models verify": [("models", "verify")],
    "models info": [("models", "info", MODEL), ("models", "info", "yolo11n.pt")],
    "predict": [PROPOSED, ("predict", str(SAMPLES)), ("predict", "films", "--model", "yolo11n.pt")],
    "convert": [("convert", "proposed/via", "converted", "--to", "coco", "--images", "films", "--allow-loss")],
    "dataset check": [("dataset", "check", "proposed/via", *KNOWN, "--out", "findings.csv")],
    "evaluate": [("evaluate", "proposed", "proposed/via", "--images", "films", "--out", "scored")],
    "measure": [("measure", "proposed", "--out", "measured")],
    "compare": [("compare", "proposed", "proposed", "--out", "compared")],
    "deidentify": [("deidentify", "films", "--out", "cleaned", "--key", "secret.key")],
    "report": [("report", "proposed", "--language", "ru", "--out", "told.html")],
    "dataset split": [SPLIT],
    "dataset merge": [
        ("dataset", "merge", "proposed/via", *SEEN, "--schema", "spine-ap", "--to", "coco", "--out", "merged"),
    ],
    "dataset augment": [("dataset", "augment", "proposed/via", *KNOWN, "--rotate", "5", "--out", "augmented")],
    "dataset stats": [("dataset", "stats", "proposed/via", *KNOWN, "--out", "counted")],
    "dataset preview": [("dataset", "preview", "proposed/via", *KNOWN, "--n", "2", "--out", "sheet.png")],
    "train": [
        ("train", "--task", "pose", "--data", "films", "--annotations", "via_project.json", "--format", "via",
         "--schema", "spine-ap", "--split", "split.csv", "--height", "192", "--width", "96", "--epochs", "1",
         "--batch", "4", "--out", "trained"),
    ],
    "plots": [("plots", "trained")],
    "review": [("review", "proposed", "--export", "coco", "--allow-loss", "--out", "reviewed")],
    "export": [("export", "yolo11n.pt")],  # what packages are there decides what becomes of a model at hand
}  # fmt: skip
MEANT_TO_FAIL = "yolo11n.pt"
TRAINING = {"train", "plots"}


def commands() -> set[str]:
    def walk(command: Any, path: tuple[str, ...]) -> Iterator[str]:  # noqa: ANN401  (typer names no type)
        below = getattr(command, "commands", None)
        if below is None:
            yield " ".join(path)
        for name, child in (below or {}).items():
            yield from walk(child, (*path, name))

    return set(walk(typer.main.get_command(app), ()))


def watched(folder: Path) -> dict[str, str]:
    """An environment in which Python, and all Python that it starts, notes its calls in ``network.txt``."""
    hook = folder / ".hook"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(HOOK, "utf-8")
    (folder / "network.txt").touch()
    return {**environment(hook), "SPINEKIT_TEST_NOTES": str(folder / "network.txt")}


def guarded(folder: Path, words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Runs a command with every call to the network refused and noted in ``network.txt``."""
    return subprocess.run(
        [sys.executable, "-c", GUARD, *words],
        cwd=folder, env=watched(folder), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def notes(folder: Path) -> str:
    return (folder / "network.txt").read_text("utf-8")


def test_every_command_is_run_without_a_network() -> None:
    assert commands() == set(SAID), "give the new command a line in SAID"


def test_the_guard_sees_what_is_asked_for(tmp_path: Path) -> None:
    ask = "import socket; socket.create_connection(('192.0.2.{}', 80))"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-P', '-c', {ask.format(2)!r}]); "
    done = subprocess.run(
        [sys.executable, "-c", start + ask.format(1)],
        cwd=tmp_path, env=watched(tmp_path), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "192.0.2.1" in notes(tmp_path)
    assert "192.0.2.2" in notes(tmp_path), "a process that it starts is watched as well"


def accept_all(run: Path) -> None:
    """A person accepts every film of a run, without the page."""
    store = ReviewStore(open_review(ReviewSettings(source=run)))
    for number, film in enumerate(store.review.films):
        store.save(number, film.state.version, "reader", "accepted", {"status": "accepted"})
    store.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all commands but those of a training have been run, in the order of `SAID`."""
    folder = tmp_path_factory.mktemp("guarded")
    for command, lines in SAID.items():
        if command == "review":
            accept_all(folder / "proposed")
        for words in lines if command not in TRAINING else ():
            done = guarded(folder, words)
            assert (done.returncode != 0) == (MEANT_TO_FAIL in words), f"{words}\n{done.stderr}"
    return folder


@pytest.mark.slow
def test_no_command_opens_a_connection(place: Path) -> None:
    assert notes(place) == ""
    assert (place / "split.csv").is_file()


@pytest.mark.slow
def test_training_opens_no_connection_and_its_model_names_no_place(place: Path, tmp_path: Path) -> None:
    for name in ("films", "proposed"):
        shutil.copytree(place / name, tmp_path / name)
    shutil.copyfile(
        tmp_path / "proposed" / "via" / "via_project.json", tmp_path / "films" / "via_project.json"
    )
    shutil.copyfile(place / "split.csv", tmp_path / "split.csv")
    for command in sorted(TRAINING, reverse=True):
        (words,) = SAID[command]
        done = guarded(tmp_path, words)
        assert done.returncode == 0, done.stderr
    assert notes(tmp_path) == ""
    model = tmp_path / "trained" / "model"
    assert {path.name for path in model.iterdir()} == {"weights.pt", "card.yaml", "run.json"}
    for path in model.iterdir():
        assert str(tmp_path).encode() not in path.read_bytes(), path.name
    record = json.loads((model / "run.json").read_text("utf-8"))
    assert record["images"]["train"] >= 1
    assert len(record["epochs"]) == 1
    # A model of one epoch finds nothing, but it must be one that predict takes.
    again = guarded(tmp_path, ("predict", "films/spine-ap-02.png", "--model", "trained/model"))
    assert again.returncode in {0, 3}, again.stderr
    assert "refused by the models" in again.stderr


def test_python_reads_without_a_network(offline: Calls, tmp_path: Path) -> None:
    run = spinekit.predict(SAMPLES / "spine-ap-02.png", model=MODEL, out=tmp_path / "run")
    assert run.record.counts()["ok"] == 1
    assert offline.made == []


def test_the_fixture_refuses_and_notes(offline: Calls) -> None:
    with pytest.raises(OSError, match="the network is not there"):
        socket.create_connection(("192.0.2.1", 80))
    with pytest.raises(OSError, match="the network is not there"):
        socket.getaddrinfo("example.org", 443)
    assert [call.split()[1] for call in offline.made] == ["192.0.2.1", "example.org"]


# --- no name ---

MARK = "Zqxj"
TEXT = {"PN", "LO", "SH", "ST", "LT", "UT", "UC", "AE"}
DATE, TIME, UID = "19010203", "040506.789", "1.2.826.0.1.4711.815.4711"

# Attributes that name nobody and that reading depends on.
STRUCTURE = {"SOPClassUID", "MediaStorageSOPClassUID", "TransferSyntaxUID"}


def plant(item: Dataset, depth: int = 0) -> int:
    """Writes marks into every attribute of a data set that could name somebody, present or not.

    Args:
        item: Changed in place.
        depth: How deep in sequences.

    Returns:
        How many attributes were marked.
    """
    planted = 0
    for tag, (kind, _, _, retired, keyword) in sorted(DicomDictionary.items()):
        if not keyword or tag >> 16 in {0x0000, 0x0002, 0x0004, 0xFFFE} or tag >> 16 >= 0x5000:
            continue
        if keyword in STRUCTURE or (retired and kind == "UT"):
            continue
        values = {"DA": DATE, "DT": DATE + "040506", "TM": TIME, "UI": UID, "AS": "099Y"}
        if kind in TEXT:
            values[kind] = f"{MARK}{planted}^{MARK}" if kind == "PN" else f"{MARK}{planted}"
        if kind in values:
            setattr(item, keyword, values[kind])
            planted += 1
        elif kind == "SQ" and depth == 0 and keyword in NESTED:
            below = item.get(keyword) or Sequence([Dataset()])
            planted += sum(plant(entry, depth + 1) for entry in below)
            setattr(item, keyword, below)
    block = item.private_block(0x0011, f"{MARK} creator", create=True)
    block.add_new(0x01, "LO", f"{MARK} private")
    for element, kind in ((0x0022, "LO"), (0x1500, "LO"), (0x4000, "LT")):  # of a layer of drawings
        item.add_new(0x60000000 + element, kind, MARK)
    if depth == 0:
        item.preamble = (MARK * 32).encode()
        item.file_meta.SourceApplicationEntityTitle = MARK
    return planted


NESTED = {
    f"{name}Sequence"
    for name in (
        "RequestAttributes", "OtherPatientIDs", "ReferencedStudy", "ProcedureCode", "ReferencedImage",
        "PatientPrimaryLanguageCode", "OperatorIdentification", "SourceImage", "PerformedProtocolCode",
    )
}  # fmt: skip


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a film whose every text attribute is marked, written in every format there is."""
    folder = tmp_path_factory.mktemp("planted")
    for name in ("spine-ap-01.dcm", "orbit-01.dcm"):
        item = dcmread(SAMPLES / name)
        item.decompress()
        assert plant(item) > 1000
        (folder / "films").mkdir(exist_ok=True)
        item.save_as(folder / "films" / name, enforce_file_format=False)
        assert (folder / "films" / name).read_bytes().count(MARK.encode()) > 1000
    # A DICOM object must carry its patient: formats that write one say so in their title.
    formats = [f.name for f in annotation_formats() if f.write is not None and "DICOM" not in f.title]
    run = spinekit.predict(
        folder / "films", model=MODEL, out=folder / "run", save=[*formats, "mask"], overlays=True
    )
    assert any(p.image.name == "spine-ap-01.dcm" and not p.refusal for p in run.predictions)
    return folder / "run"


def test_no_output_holds_an_attribute_of_the_patient(planted: Path) -> None:
    files = [path for path in planted.rglob("*") if path.is_file()]
    assert {"report.html", "predictions.jsonl", "measurements.csv", "run.json", "failures.csv"} <= {
        path.name for path in files
    }
    marks = [mark.encode() for mark in (MARK, MARK.upper(), DATE, "1901-02-03", TIME, UID, "099Y")]
    for path in files:
        content = path.read_bytes()
        for mark in marks:
            assert mark not in content, f"{path.relative_to(planted)}: {mark.decode()}"


def test_pictures_carry_no_remarks(planted: Path) -> None:
    pictures = [path for path in planted.rglob("*.png") if path.is_file()]
    assert pictures
    for path in pictures:
        with Image.open(path) as picture:
            picture.load()
            assert set(picture.info) <= {"dpi", "gamma", "transparency"}, path


def test_messages_do_not_quote_attributes(tmp_path: Path) -> None:
    """What is wrong with a marked file is said without its marks, on the terminal too."""
    item = dcmread(SAMPLES / "spine-ap-01.dcm")
    item.decompress()
    plant(item)
    (tmp_path / "films").mkdir()
    item.save_as(tmp_path / "films" / "whole.dcm", enforce_file_format=False)
    whole = (tmp_path / "films" / "whole.dcm").read_bytes()
    (tmp_path / "films" / "cut.dcm").write_bytes(whole[: len(whole) // 2])
    for keyword, value in (("Rows", 0), ("PhotometricInterpretation", MARK.upper()), ("BitsAllocated", 3)):
        odd = dcmread(tmp_path / "films" / "whole.dcm")
        setattr(odd, keyword, value)
        odd.save_as(tmp_path / "films" / f"{keyword}.dcm", enforce_file_format=False)
    (tmp_path / "films" / "whole.dcm").unlink()
    done = guarded(tmp_path, ("predict", "films", *QUICK))
    assert done.returncode == 3
    assert done.stderr.count("failed: ") == 4
    assert MARK not in done.stderr
    assert DATE not in done.stderr
    assert "Traceback" not in done.stderr
