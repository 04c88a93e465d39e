"""Nobody is told and nobody is named: no command opens a connection, no output holds a patient's attribute.

The network is taken away twice: in this process by a fixture, and in processes of their own by an audit
hook, which also sees what compiled code asks for. Libraries swallow refusals, so attempts are noted and the
notes must be empty.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import re
import shutil
import socket
import subprocess
import sys
import zipfile
import zlib
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
from spinekit.core.errors import EnvironmentFaultError
from spinekit.formats.neutral import caption, neutral_name
from spinekit.formats.registry import annotation_formats
from spinekit.review.store import ReviewStore
from spinekit.workflows.dicom_outputs import DICOM_KINDS
from spinekit.workflows.report import make_report
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


FOLDER = f"{MARK}OV_{MARK}_{DATE}"


def plant_film(source: Path, target: Path) -> None:
    """A film whose text attributes, drawn overlay and name, and the folder that it lies in, are marked."""
    item = dcmread(source)
    item.decompress()
    assert plant(item) > 1000
    drawn = (MARK * (item.Rows * item.Columns // 32 + 8)).encode()[: -(-item.Rows * item.Columns // 16) * 2]
    for element, kind, value in (
        (0x0010, "US", item.Rows), (0x0011, "US", item.Columns), (0x0040, "CS", "G"), (0x0050, "SS", [1, 1]),
        (0x0100, "US", 1), (0x0102, "US", 0), (0x3000, "OW", drawn),
    ):  # fmt: skip
        item.add_new(0x60000000 + element, kind, value)
    target.parent.mkdir(parents=True, exist_ok=True)
    item.save_as(target, enforce_file_format=False)
    assert target.read_bytes().count(MARK.encode()) > 1000


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on films that are marked all over, beside all kinds of other files, in every format there is."""
    root = tmp_path_factory.mktemp("planted")
    films = root / FOLDER / MARK
    plant_film(SAMPLES / "spine-ap-01.dcm", films / f"{MARK}^{MARK}_{DATE}.dcm")
    plant_film(SAMPLES / "spine-ap-01.dcm", films / MARK / f"{MARK}.{MARK}")
    plant_film(SAMPLES / "orbit-01.dcm", films / f"{MARK}.png")  # named as if it were a picture
    shutil.copyfile(films / f"{MARK}.png", films / MARK / MARK)
    whole = (films / f"{MARK}^{MARK}_{DATE}.dcm").read_bytes()
    (films / f"{MARK} cut.dcm").write_bytes(whole[: len(whole) // 2])
    (films / f"{MARK} empty.dcm").touch()
    (films / f"{MARK}.csv").write_text(MARK, "utf-8")
    (films / f"{MARK}.pdf").write_bytes(b"%PDF-1.4 " + MARK.encode())
    (films / f"{MARK} link.dcm").symlink_to(films / f"{MARK} empty.dcm")
    shutil.copyfile(SAMPLES / "spine-ap-02.png", films / f"{MARK}-picture.png")  # beside the patient's films
    # A DICOM object must carry its patient, but for those that are cleaned.
    formats = [f.name for f in annotation_formats() if f.write is not None]
    run = spinekit.predict(
        root / FOLDER, model=MODEL, out=root / "run", save=[*formats, *DICOM_KINDS, "excel"], deidentify=True
    )
    assert sum(p.image.path.is_relative_to(films) and not p.refusal for p in run.predictions) == 3
    assert run.record.counts()["failed"] == 2
    assert [len(files) for files in run.doubles] == [4], "all have one UID"
    return root / "run"


def test_no_output_holds_an_attribute_a_name_or_an_overlay_of_a_dicom_file(planted: Path) -> None:
    files = [path for path in planted.rglob("*") if path.is_file()]
    assert {"report.html", "predictions.jsonl", "measurements.csv", "run.json", "failures.csv"} <= {
        path.name for path in files
    }
    assert (planted / "excel" / "measurements.xlsx").is_file()
    assert any(path.suffix == ".dcm" for path in files)
    for path in files:
        check_unmarked(path, planted)


def check_unmarked(path: Path, root: Path) -> None:
    """Looks for marks in a file's name, its bytes, and what is packed in them."""
    shown = path.relative_to(root)
    contents = {"": path.read_bytes()}
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            contents |= {name: packed.read(name) for name in packed.namelist()}
    for match in (
        re.finditer(rb"stream\r?\n(.*?)endstream", contents[""], re.DOTALL) if path.suffix == ".pdf" else ()
    ):
        with contextlib.suppress(zlib.error):
            contents[str(match.start())] = zlib.decompressobj().decompress(match[1])
    for name, content in {**contents, "its name": str(shown).encode()}.items():
        for mark in (MARK, MARK.upper(), DATE, "1901-02-03", TIME, UID, "099Y"):
            assert mark.encode() not in content, f"{shown} {name}: {mark}"
            assert mark.encode("utf-16-le") not in content, f"{shown} {name}: {mark}"


def test_what_is_made_of_a_run_names_nobody(planted: Path, tmp_path: Path) -> None:
    """The report made again, on paper too where it can be printed; what comes out of a review; measurements."""
    run, made = Path(shutil.copytree(planted, tmp_path / "run")), tmp_path / "made"
    make_report(run, language="ru")
    with contextlib.suppress(EnvironmentFaultError):
        make_report(run, run / "report.pdf", pdf=True)
    accept_all(run)
    films = planted.parent / FOLDER
    for to in ("coco", "yolo", "labelme"):
        spinekit.convert(run, made / f"as-{to}", to=to, from_format="scenes", images=films, allow_loss=True)
    assert any(path.suffix == ".png" for path in (made / "as-yolo").rglob("*")), "the films were found again"
    spinekit.measure_files(run, data_format="scenes", out=made / "measured")
    spinekit.compare(run / "predictions.jsonl", run / "predictions.jsonl", out=made / "compared")
    spinekit.evaluate(run / "predictions.jsonl", run, truth_format="scenes", out=made / "scored")
    for path in (*run.rglob("*"), *made.rglob("*")):
        if path.is_file():
            check_unmarked(path, tmp_path)


def test_a_contact_sheet_calls_dicom_films_by_their_content(tmp_path: Path) -> None:
    plant_film(SAMPLES / "spine-ap-01.dcm", tmp_path / f"{MARK}.dcm")
    (image,) = spinekit.read_images(tmp_path / f"{MARK}.dcm")
    assert MARK in image.ref.name
    assert caption(image.ref) == neutral_name(image.ref.sha256, ".dcm")


def test_a_log_holds_names_only_of_what_failed(tmp_path: Path) -> None:
    """What is redirected is kept; but a message about a file that it does not name is of no use."""
    plant_film(SAMPLES / "spine-ap-01.dcm", tmp_path / FOLDER / f"{MARK}.dcm")
    for again in ((), ("--resume",)):
        done = guarded(tmp_path, ("predict", FOLDER, *QUICK, "--out", "run", "--json", *again))
        assert done.returncode == 0, done.stderr
        assert MARK not in done.stdout + done.stderr
    done = guarded(tmp_path, ("predict", FOLDER, *QUICK, "--out", "run", "--resume"))
    assert done.returncode == 0, done.stderr
    assert MARK not in done.stdout + done.stderr
    (tmp_path / FOLDER / f"{MARK}.dcm").write_bytes(b"")
    done = guarded(tmp_path, ("predict", FOLDER, *QUICK, "--out", "other"))
    assert f"failed: {MARK}.dcm: the file is empty" in done.stderr


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
