"""Opens a network by the engine asked for, or by the fastest one that is installed and agrees with torch."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinekit.core.errors import EnvironmentFaultError
from spinekit.files import write_text
from spinekit.models.engines.plugin import AUTO, Computing, Engine, Float32Array, Run
from spinekit.models.engines.registry import check_engine, engines, installed
from spinekit.models.environment import cores, processor
from spinekit.models.graph import Graph, NetworkFile
from spinekit.models.graph_store import note_path, stored_graph

# Of the size of the answers: a twentieth of a pixel on the canvas by which engines are judged.
_AGREE = 2e-4
_ROUGHLY = 0.05  # likewise for a precision that the user asked for knowing that it moves points


def _nobody(_: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """How networks are computed.

    Attributes:
        engine: Name of an engine, or ``auto``.
        precision: ``f32`` for measuring; ``bf16`` is faster on some processors and moves points.
        threads: Threads to compute with; None for every core.
        at_once: Films that are read at once, at least 1.
        notice: Told in one line what is amiss or passed over.
    """

    engine: str = AUTO
    precision: str = "f32"
    threads: int | None = None
    at_once: int = 1
    notice: Callable[[str], None] = _nobody

    @property
    def each(self) -> int:
        """Threads that a film has for what is done with it beside the networks."""
        return max(1, (self.threads or cores()) // self.at_once)


FASTEST = EngineChoice()


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network ready to compute.

    Attributes:
        engine: Which computes it, with its version.
        facts: What the network needs beside its answers; see `spinekit.models.networks`.
        run: Grey uint8 pictures to arrays.
        batch: How many pictures are best computed at once.
        free: Taken while it computes: films may be read by several threads, so that one is named and measured while
            the next is computed, but most engines are not to be called twice at once.
    """

    engine: str
    facts: Mapping[str, Any]
    run: Run
    batch: int = 1
    free: threading.Semaphore = field(default_factory=threading.Semaphore)

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> tuple[Float32Array, ...]:
        """Answers to a batch of pictures."""
        with self.free:
            return self.run(pixels)


def open_network(network: NetworkFile, choice: EngineChoice) -> Network:
    """A network by the engine asked for.

    Args:
        network: Which.
        choice: How it is computed.

    Raises:
        UsageError: If there is no such engine or precision.
        EnvironmentFaultError: If the engine is not installed or does not agree with torch, or the weights are of
            another kind than they should be.
    """
    check_engine(choice.engine, choice.precision)
    wanted = [e for e in engines() if choice.precision in e.precisions and installed(e)]
    if choice.engine == AUTO:
        wanted.sort(key=lambda engine: not (engine.on_gpu is not None and engine.on_gpu()))
    else:
        wanted = [e for e in wanted if e.name == choice.engine]
    threads = choice.threads or cores()
    computing = Computing(threads, choice.precision, min(choice.at_once, threads))
    graph: Graph | None = None
    for engine in wanted:
        if engine.open_weights is not None:
            return _by_weights(engine, network, computing)
        graph = graph or stored_graph(network, choice.notice)
        try:
            return _by_graph(engine, graph, computing)
        except EnvironmentFaultError as error:
            if choice.engine != AUTO:
                raise
            choice.notice(f"{error}; another engine is taken")
    raise EnvironmentFaultError("no engine can compute the networks -- reinstall spinekit")


def _by_weights(engine: Engine, network: NetworkFile, computing: Computing) -> Network:
    assert engine.open_weights is not None
    opened = engine.open_weights(network, computing)
    return Network(_named(engine, computing), opened.facts, opened.run, opened.batch)


def _by_graph(engine: Engine, graph: Graph, computing: Computing) -> Network:
    """A run of a graph, once its answers agreed with torch's on this processor."""
    assert engine.open_graph is not None
    named = _named(engine, computing)
    try:
        run = engine.open_graph(graph, computing)
        _check(run, graph, named, computing.precision)
    except EnvironmentFaultError:
        raise
    except Exception as error:  # each engine has exceptions of its own
        words = " ".join(str(error).split())[:120]
        raise EnvironmentFaultError(
            f"{engine.name}: cannot compute this network ({type(error).__name__}: {words}) -- "
            f"reinstall {engine.package}, or take --engine torch"
        ) from error
    return Network(
        named, graph.facts, run, free=threading.Semaphore(computing.at_once if engine.several else 1)
    )


def _named(engine: Engine, computing: Computing) -> str:
    return f"{engine.name} {version(engine.package)} {computing.precision}"


def _check(run: Run, graph: Graph, named: str, precision: str) -> None:
    """Compares an engine's answers with torch's, unless that was done before with the same of everything."""
    where = f"{named} on {processor()}"
    path = note_path(graph.key)
    noted = _noted(path)
    if where in noted:
        return
    difference = relative_difference(graph.answers, run(graph.example))
    limit = _AGREE if precision == "f32" else _ROUGHLY
    if not difference <= limit:
        raise EnvironmentFaultError(
            f"{named}: its answers differ from torch's by {difference:.2g} of their size, more than {limit:g} -- "
            "take --engine torch, and report this with the versions of the packages"
        )
    if path is not None:
        try:
            write_text(path, json.dumps({**noted, where: difference}, indent=1) + "\n")
        except EnvironmentFaultError:
            return  # it is compared again in the next run


def relative_difference(expected: tuple[Float32Array, ...], found: tuple[Float32Array, ...]) -> float:
    """The largest difference between two sets of answers, in parts of the larger of 1 and their size.

    Returns:
        Infinity where they are not of the same shapes or hold what is no number.
    """
    if [a.shape for a in expected] != [a.shape for a in found]:
        return float("inf")
    worst = 0.0
    for a, b in zip(expected, found, strict=True):
        if not np.isfinite(b).all():
            return float("inf")
        worst = max(worst, float(np.abs(a - b).max() / max(1.0, float(np.abs(a).max()))))
    return worst


def _noted(path: Path | None) -> dict[str, float]:
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
