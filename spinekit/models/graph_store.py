"""Exported networks, kept in the user's cache: made once, checked each time, and made anew when damaged.

A graph is one file, so that it is there whole or not at all, whoever else makes it at the same time. Its first line
holds the sha256 of the rest. A file that is another user's, or that others may write, is not trusted: whoever can
change a graph can change every measurement.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import stat
import zipfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinekit.core.errors import EnvironmentFaultError
from spinekit.files import write_bytes
from spinekit.models.environment import cache_folder
from spinekit.models.graph import Graph, NetworkFile

OPSET = 17
_FORMAT = "spinekit-graph-2"
_FOLDER = "engines"

_LOG = logging.getLogger("spinekit")

Notice = Callable[[str], None]


def graph_key(network: NetworkFile) -> str:
    """Names a graph: the weights, what is made of them, and the versions of what makes it."""
    parts = [_FORMAT, str(OPSET), network.kind, network.task, network.sha256]
    parts += [f"{package} {_version(package)}" for package in ("torch", "ultralytics", "spinekit")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def stored_graph(network: NetworkFile, notice: Notice) -> Graph:
    """A network's graph from the cache, or a new one that is put there.

    Args:
        network: Which.
        notice: Told in one line what is amiss with the cache.

    Raises:
        EnvironmentFaultError: If the weights are of another kind than they should be.
    """
    key = graph_key(network)
    path = _place(network, key, notice)
    found = _read(path, key, notice) if path is not None else None
    if found is not None:
        return found
    _LOG.info("%s/%s: is prepared for this computer, once", network.path.parent.name, network.path.name)
    from spinekit.models.export_graph import make_graph

    graph = make_graph(network, key)
    if path is not None:
        try:
            write_bytes(path, _packed(graph))
        except EnvironmentFaultError as error:
            notice(f"{error}; networks are prepared anew in every run until it can")
    return graph


def note_path(key: str) -> Path | None:
    """Where it is noted which engines agreed about a graph; None where the cache cannot be trusted."""
    folder = engines_folder()
    return folder / f"{key}.agreed" if folder is not None else None


def engines_folder() -> Path | None:
    """The folder of what is kept of networks; None where there is none that can be trusted."""
    folder = cache_folder() / _FOLDER
    return folder if is_ours(folder) else None


def _place(network: NetworkFile, key: str, notice: Notice) -> Path | None:
    """The file of a graph, or None where its folder cannot be used."""
    folder = cache_folder() / _FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        notice(
            f"{folder}: cannot be made ({error.strerror}), so networks are prepared anew in every run -- "
            "set SPINEKIT_CACHE to a folder that can be written"
        )
        return None
    if not is_ours(folder):
        notice(
            f"{folder}: is another user's, or others may write it, so nothing in it is used -- "
            "set SPINEKIT_CACHE to a folder of your own"
        )
        return None
    return folder / f"{network.path.parent.name}-{network.path.stem}-{key}.graph"


def is_ours(path: Path) -> bool:
    """Whether nobody else may have written a file or folder; always so where there are no such rights."""
    if not hasattr(os, "getuid"):
        return True
    try:
        status = path.stat()
    except OSError:
        return False
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _packed(graph: Graph) -> bytes:
    """One line with the format, the key and the sha256 of what follows: a zip of arrays, without objects."""
    stream = io.BytesIO()
    arrays: dict[str, npt.NDArray[Any]] = {
        "onnx": np.frombuffer(graph.onnx, dtype=np.uint8),
        "facts": np.frombuffer(json.dumps(graph.facts).encode(), dtype=np.uint8),
        "example": graph.example,
    }
    arrays |= {f"answer{number}": answer for number, answer in enumerate(graph.answers)}
    np.savez(stream, allow_pickle=False, **arrays)
    rest = stream.getvalue()
    return f"{_FORMAT} {graph.key} {hashlib.sha256(rest).hexdigest()}\n".encode() + rest


def _read(path: Path, key: str, notice: Notice) -> Graph | None:
    """A graph from its file, or None where there is none that can be trusted and is whole."""
    if not path.is_file():
        return None
    if not is_ours(path):
        notice(f"{path}: is another user's, or others may write it, so it is made anew -- delete it")
        return None
    try:
        head, _, rest = path.read_bytes().partition(b"\n")
    except OSError as error:
        notice(f"{path}: cannot be read ({error.strerror}), so it is made anew -- delete it")
        return None
    if head.decode("ascii", "replace").split() != [_FORMAT, key, hashlib.sha256(rest).hexdigest()]:
        notice(f"{path}: is damaged or was changed, so it is made anew -- nothing is to be done")
        return None
    try:
        with np.load(io.BytesIO(rest), allow_pickle=False) as held:
            answers = tuple(held[f"answer{number}"] for number in range(len(held.files) - 3))
            facts = json.loads(held["facts"].tobytes())
            return Graph(held["onnx"].tobytes(), facts, held["example"], answers, key)
    except (KeyError, ValueError, zipfile.BadZipFile):
        notice(f"{path}: is damaged or was changed, so it is made anew -- nothing is to be done")
        return None
