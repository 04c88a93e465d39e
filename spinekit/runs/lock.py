"""One run writes into a folder at a time: a lock that dies with its process."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spinekit.core.errors import EnvironmentFaultError
from spinekit.files import unwritable

LOCK = ".lock"
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}  # said by some network file systems


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps other runs out of a folder while the block lasts.

    The system holds the lock (`flock`), so that of a killed run is free at once; the file names the process
    for whoever is kept out, and is gone at the end.

    Args:
        folder: There already.

    Raises:
        EnvironmentFaultError: If another run holds it, which is named, or if the folder cannot be written.
    """
    path = folder / LOCK
    descriptor = _take(folder, path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held: nobody can have taken it in between
        os.close(descriptor)


def _take(folder: Path, path: Path) -> int:
    """The open lock file, held and with our process written into it."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        except OSError as error:
            raise unwritable(folder, error) from error
        if not _held(descriptor):
            os.lseek(descriptor, 0, os.SEEK_SET)
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            os.close(descriptor)
            who = f"process {holder}" if holder.isdigit() else "a process that just began"
            raise EnvironmentFaultError(
                f"{folder}: another run ({who}) writes into it -- wait for its end, or name another --out"
            )
        if _still_there(descriptor, path):
            break
        os.close(descriptor)  # its holder ended and removed it between our opening and our taking it
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
    return descriptor


def _held(descriptor: int) -> bool:
    """Whether the lock is ours now."""
    if sys.platform == "win32":
        return True  # no `flock`: two runs must be kept apart by hand
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return not _lives(os.read(descriptor, 32))
    return True


def _lives(holder: bytes) -> bool:
    """Whether the process that a lock file names is there, where the system offers no locks."""
    try:
        os.kill(int(holder), 0)
    except PermissionError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return int(holder) != os.getpid()


def _still_there(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))  # noqa: PTH116  (beside its twin)
    except OSError:
        return False
