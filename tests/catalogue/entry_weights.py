"""Bad weights: what lies in a model's folder."""

from __future__ import annotations

import io
import pickle
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinekit.files import sha256_of
from spinekit.models.weights import find_card
from spinekit.schemas import load_schema
from tests.cli.films import MODEL

USAGE, ENVIRONMENT = 2, 4
MARKER = "run-by-the-weights"


@dataclass(frozen=True, slots=True)
class Weights:
    """A model that must be refused.

    Attributes:
        number: In the catalogue, with a word that tells variants apart.
        make: Writes it into an empty folder and gives what ``--model`` is to name.
        code: Exit code.
        says: Pattern of the line.
    """

    number: str
    make: Callable[[Path], object]
    code: int
    says: str


def card(folder: Path, *, trusted: bool = True, **changes: Any) -> Path:  # noqa: ANN401
    """A card for whatever ``weights.pt`` is, with its own hash where the weights are to be trusted."""
    text = (find_card(MODEL).weights.parent / "card.yaml").read_text("utf-8")
    text = re.sub(r"^(close|levels|shift):\n(?:[ -].*\n)+", "", text, flags=re.MULTILINE)
    if trusted and (folder / "weights.pt").exists():
        changes["sha256"] = f'"{sha256_of(folder / "weights.pt")}"'
    for key, value in changes.items():
        text, found = re.subn(rf"^{key}: .*$", f"{key}: {value}", text, flags=re.MULTILINE)
        assert found == 1, key
    (folder / "card.yaml").write_text(text, "utf-8")
    return folder


def content(data: bytes, trusted: bool = True) -> Callable[[Path], Path]:
    """These bytes as weights, with a card that vouches for them."""

    def make(folder: Path) -> Path:
        (folder / "weights.pt").write_bytes(data)
        return card(folder, trusted=trusted)

    return make


def made(data: Callable[[], bytes]) -> Callable[[Path], Path]:
    """Likewise, of bytes that take a library to make."""

    def make(folder: Path) -> Path:
        return content(data())(folder)

    return make


def shipped(**changes: Any) -> Callable[[Path], Path]:  # noqa: ANN401
    """The weights that ship, under a card that says something else."""

    def make(folder: Path) -> Path:
        shutil.copyfile(find_card(MODEL).weights, folder / "weights.pt")
        return card(folder, **changes)

    return make


def of_schema(name: str, task: str) -> Callable[[Path], Path]:
    schema = load_schema(name)
    return shipped(task=task, schema=name, fingerprint=f'"{schema.fingerprint()}"')


def pickled(stream: bytes) -> bytes:
    """A file such as torch writes, around a pickle of one's own."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("archive/data.pkl", stream)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
    return target.getvalue()


class _Runs:
    """Leaves a mark where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (f"open({MARKER!r}, 'w').close()",)


def absent(module: str, name: str) -> bytes:
    """A pickle of an object whose class lies in a module that is not installed."""
    return b"\x80\x02}q\0X\x05\0\0\0modelq\1c" + f"{module}\n{name}\n".encode() + b"q\2)\x81q\3s."


def scripted() -> bytes:
    import torch

    stream = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), stream)
    return stream.getvalue()


def plain() -> bytes:
    import torch

    stream = io.BytesIO()
    torch.save({"state_dict": {"conv.weight": torch.zeros(3)}, "epoch": 3}, stream)
    return stream.getvalue()


def archive(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "weights.pt", "w") as made:
        made.writestr("films/a.png", b"x")
    return card(folder)


def network(form: str) -> Callable[[Path], Path]:
    """A file of another engine, by its first bytes, with no card."""

    def make(folder: Path) -> Path:
        path = folder / f"model.{form}"
        path.write_bytes(b"\x08\x07\x12\x07pytorch")
        return path

    return make


NO_MODEL = r"weights.pt: not a model file \(truncated, empty or of another kind\) -- get it anew"
UNSAFE = "not a model that can be loaded safely .* and no code in them is run"

WEIGHTS: tuple[Weights, ...] = (
    Weights("W1 name", lambda _: "yolo11n-pose.pt", ENVIRONMENT, "no such file or shipped model, and nothing is"),
    Weights("W1 near", lambda _: "spine-ap-poze", ENVIRONMENT, r"did you mean spine-ap-pose\?"),
    Weights("W1 address", lambda _: "https://example.org/best.pt", USAGE, "nothing is downloaded -- give a local"),
    Weights("W1 gone", card, ENVIRONMENT, "weights.pt: no such file"),
    Weights("W2 pickle", content(pickled(pickle.dumps({"model": _Runs()}))), ENVIRONMENT, UNSAFE),
    Weights("W2 bare pickle", content(pickle.dumps({"model": _Runs()})), ENVIRONMENT, NO_MODEL),
    Weights("W3 empty", content(b""), ENVIRONMENT, NO_MODEL),
    Weights("W3 page", content(b"<!DOCTYPE html><html>404</html>"), ENVIRONMENT, NO_MODEL),
    Weights("W3 cut", made(lambda: find_card(MODEL).weights.read_bytes()[:90_000]), ENVIRONMENT, NO_MODEL),
    Weights("W3 archive", archive, ENVIRONMENT, UNSAFE),
    Weights("W3 TorchScript", made(scripted), ENVIRONMENT, UNSAFE),
    Weights("W4 task", of_schema("spine-ap-levels", "seg"), ENVIRONMENT,
            "a pose model, but its card says segment -- give weights of that task"),
    Weights("W4 names", of_schema("orbit-4", "pose"), ENVIRONMENT,
            "finds vertebra, 4 points, which is not what orbit-4 of its card names"),
    Weights("W4 points", of_schema("ceph-27", "pose"), ENVIRONMENT, "4 points, which is not what ceph-27 of its"),
    Weights("W4 version", shipped(fingerprint='"0000000000000000"'), ENVIRONMENT, "another version of spine-ap"),
    Weights("W5 YOLOv5", content(pickled(absent("models.yolo", "DetectionModel"))), ENVIRONMENT, UNSAFE),
    Weights("W5 state", made(plain), ENVIRONMENT, UNSAFE),
    Weights("W6 changed", content(pickled(b"N."), trusted=False), ENVIRONMENT, "its sha256 is not the one in card"),
    Weights("W6 no card", lambda f: content(b"PK")(f) / "weights.pt", ENVIRONMENT, NO_MODEL),
    Weights("W7", content(pickled(absent("a_module_that_is_nowhere", "Net"))), ENVIRONMENT, UNSAFE),
    Weights("W8", network("onnx"), USAGE, "no card.yaml beside it"),
)  # fmt: skip
