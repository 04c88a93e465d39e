"""Files written whole or not at all, safe names, and what ships inside the package. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from spinekit.core.errors import EnvironmentFaultError

_TEMPORARY = re.compile(r"\.[a-z0-9_]{8}\.tmp(\..*)?", re.DOTALL)  # as `atomic_path` names them
_FULL = {errno.ENOSPC, errno.EDQUOT}
_LONGEST_NAME = 200  # bytes; file systems allow 255, and suffixes and temporary names are added


@contextlib.contextmanager
def atomic_path(path: Path, lasting: bool = True) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends without an error.

    Args:
        path: The file to be; its folder is made where missing.
        lasting: Whether its name lasts through a loss of power at once. Who writes several files into a folder says
            no, and calls `sync_folder` when all are there.

    Yields:
        Where to write; same suffix, so that libraries choose the right encoder.

    Raises:
        EnvironmentFaultError: If the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=f".tmp{path.suffix}")
    except OSError as error:
        raise EnvironmentFaultError(
            f"{path.parent}: cannot be written ({error.strerror}) -- choose another folder with --out"
        ) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
        if lasting:
            sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> EnvironmentFaultError:
    """One line for a file that could not be written, by what the system said.

    Args:
        path: The file or folder.
        error: As caught.
    """
    fix = "free space on the disk" if error.errno in _FULL else "check the disk and the rights"
    return EnvironmentFaultError(f"{path}: could not be written ({error.strerror}) -- {fix}")


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder last through a loss of power, where the system can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # folders cannot be opened everywhere
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def sweep_temporaries(folder: Path) -> int:
    """Removes what `atomic_path` left below a folder when its process was killed.

    Only for a folder that nobody else writes into: hold its lock.

    Args:
        folder: Searched with its sub-folders; links are not followed.

    Returns:
        How many were removed.
    """
    removed = 0
    for place, _, names in os.walk(folder):
        for name in names:
            if _TEMPORARY.fullmatch(name):
                (Path(place) / name).unlink(missing_ok=True)
                removed += 1
    return removed


def write_bytes(path: Path, content: bytes, lasting: bool = True) -> None:
    """Writes a file whole or not at all (temporary file, fsync, rename); see `atomic_path`."""
    with atomic_path(path, lasting) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str, lasting: bool = True) -> None:
    """Writes UTF-8 text whole or not at all; see `atomic_path`."""
    write_bytes(path, content.encode("utf-8"), lasting)


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def short_name(name: str) -> str:
    """A file's name with room for another suffix: of a long one the beginning, and a hash by which no two are alike.

    Args:
        name: Without folders.
    """
    content = name.encode("utf-8", "surrogateescape")
    if len(content) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(content).hexdigest()[:8]
    return f"{content[: _LONGEST_NAME - 9].decode('utf-8', 'ignore')}~{digest}"


def printable(name: str) -> str:
    """A file's name fit for a terminal: control and direction-changing characters become ``?``."""
    cleaned = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join("?" if unicodedata.category(c) in {"Cc", "Cf", "Cs"} else c for c in cleaned)


def bundled(kind: str) -> Path:
    """The folder ``weights`` or ``datasets`` that ships with spinekit.

    It lies inside an installed package, and beside the package in a checkout.

    Args:
        kind: ``weights`` or ``datasets``.
    """
    package = Path(__file__).resolve().parent
    inside = package / "bundled" / kind
    return inside if inside.is_dir() else package.parent / kind
