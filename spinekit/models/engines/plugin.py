"""What an engine declares of itself.

A module in `spinekit.models.engines` that holds a module-level ``ENGINE`` is found, offered by ``--engine`` and
compared with torch in the tests; nothing else has to be edited to add one. Modules import their library only when
a network is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from spinekit.models.graph import Graph, NetworkFile

Float32Array = npt.NDArray[np.float32]

AUTO = "auto"
PRECISIONS = ("f32", "bf16")


class Run(Protocol):
    """A network ready to compute."""

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> tuple[Float32Array, ...]:
        """Answers to a batch of grey pictures, as `spinekit.models.networks` says for each kind of network."""
        ...


@dataclass(frozen=True, slots=True)
class Computing:
    """How to compute.

    Attributes:
        threads: At least 1.
        precision: One of `PRECISIONS`.
        at_once: Films that are read at once, at least 1: an engine that is able to shares its threads among them,
            since one film on one thread wastes less than one film on all.
    """

    threads: int
    precision: str = "f32"
    at_once: int = 1


class Opened(NamedTuple):
    """A network that an engine opened by its weights.

    Attributes:
        run: Computes it.
        facts: See `spinekit.models.graph.Graph`.
        batch: How many pictures are best computed at once.
    """

    run: Run
    facts: Mapping[str, Any]
    batch: int


@dataclass(frozen=True, slots=True)
class Engine:
    """A library that computes networks.

    Attributes:
        name: As on the command line.
        title: One line for people.
        package: That must be installed, as it is imported.
        order: Where it stands when the engine is chosen by itself: the lower is tried first. Fixed and not timed on
            the spot, so that equal input gives equal output.
        precisions: In which it can compute.
        open_graph: Makes a run of an exported network; None for an engine that takes the weights themselves.
        open_weights: Makes a run of the weights themselves; None likewise.
        on_gpu: Whether it would compute on a GPU here, and so is tried first; None where it never does.
        several: Whether a run of a graph may be called by as many threads as `Computing.at_once` says.
    """

    name: str
    title: str
    package: str
    order: int
    precisions: tuple[str, ...]
    open_graph: Callable[[Graph, Computing], Run] | None = None
    open_weights: Callable[[NetworkFile, Computing], Opened] | None = None
    on_gpu: Callable[[], bool] | None = None
    several: bool = False
