"""Networks as files of weights, and as graphs that an engine runs without the library that trained them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spinekit.core.errors import EnvironmentFaultError
from spinekit.files import sha256_of
from spinekit.models.weights import UNET, BesideFile, ModelCard

Kind = Literal["yolo", "pixels", "unet", "close", "levels", "shift"]


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """Weights of one network.

    Attributes:
        kind: Which it is, and so what it is fed with and answers; see `spinekit.models.networks`.
        path: Its file.
        sha256: What the file's must be; nothing of another file is opened.
        task: What the model's card says of it, where Ultralytics made it.
    """

    kind: Kind
    path: Path
    sha256: str
    task: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """An exported network with what shows that an engine computes it rightly.

    Attributes:
        onnx: The file's bytes.
        facts: What must be known of the network beside its answers, plain values.
        example: A batch of made pictures, uint8.
        answers: What torch made of the example.
        key: Names the network, its exporter and their versions.
    """

    onnx: bytes
    facts: Mapping[str, Any]
    example: npt.NDArray[np.uint8]
    answers: tuple[npt.NDArray[np.float32], ...]
    key: str


def first_network(card: ModelCard) -> NetworkFile:
    """The network of a card's ``weights.pt``."""
    if card.architecture == UNET:
        return NetworkFile("unet", card.weights, card.sha256)
    return NetworkFile("pixels" if card.task == "sem" else "yolo", card.weights, card.sha256, card.task)


def beside_network(kind: Literal["close", "levels", "shift"], beside: BesideFile) -> NetworkFile:
    """A network that stands beside the first."""
    return NetworkFile(kind, beside.path, beside.sha256)


def lone_network(kind: Literal["close", "levels", "shift", "unet"], path: Path) -> NetworkFile:
    """A network without a card, just trained: its file is what it is.

    Raises:
        EnvironmentFaultError: If there is no such file.
    """
    if not path.is_file():
        raise EnvironmentFaultError(f"{path}: no such file -- train the network anew")
    return NetworkFile(kind, path, sha256_of(path))
