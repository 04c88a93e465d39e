"""Networks as an engine compiled them for this processor, kept in the user's cache beside their graphs.

To compile a network for a size of films takes five times as long as to read it back. As of graphs, the first line of
a file holds the sha256 of the rest, and a file that others may write is not used; a damaged one is made anew.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from spinekit.core.errors import EnvironmentFaultError
from spinekit.files import write_bytes
from spinekit.models.graph_store import engines_folder, is_ours

_FORMAT = "spinekit-compiled-1"
_MOST = 8  # sizes of films that are kept of each network, as large as its weights each


def kept_network(key: str, what: str) -> bytes | None:
    """A compiled network from the cache; None where there is none that can be trusted and is whole.

    Args:
        key: Of its graph.
        what: All that decides how it was compiled: the engine with its version, the processor, the size.
    """
    path = _place(key, what)
    if path is None or not path.is_file() or not is_ours(path):
        return None
    try:
        head, _, rest = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return rest if head == _head(what, rest) else None


def keep_network(key: str, what: str, compiled: bytes) -> None:
    """Puts a compiled network into the cache, unless enough of its kind are there or it cannot be written.

    Args:
        key: Of its graph.
        what: As for `kept_network`.
        compiled: As the engine gives it.
    """
    path = _place(key, what)
    if path is None or (not path.exists() and len(list(path.parent.glob(f"{key}-*.compiled"))) >= _MOST):
        return
    try:
        write_bytes(path, _head(what, compiled) + b"\n" + compiled)
    except EnvironmentFaultError:
        return  # it is compiled again in the next run


def _place(key: str, what: str) -> Path | None:
    folder = engines_folder()
    name = hashlib.sha256(what.encode()).hexdigest()[:16]
    return folder / f"{key}-{name}.compiled" if folder is not None else None


def _head(what: str, compiled: bytes) -> bytes:
    digests = (hashlib.sha256(what.encode()).hexdigest(), hashlib.sha256(compiled).hexdigest())
    return " ".join((_FORMAT, *digests)).encode()
