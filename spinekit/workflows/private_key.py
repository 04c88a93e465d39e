"""The secret by which pseudonyms are made: who does not have it cannot tell whose they are."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from spinekit.core.errors import EnvironmentFaultError, UsageError

NAME = "deidentify.key"
_BYTES = 32


def private_key(path: Path | None = None) -> bytes:
    """The secret of this user, made when it is first asked for; equal secrets give equal pseudonyms.

    Args:
        path: A file of the user's own, made where it is missing; None for the one in spinekit's cache.

    Returns:
        32 bytes.

    Raises:
        UsageError: If the file holds something else.
        EnvironmentFaultError: If it can be neither read nor made.
    """
    if path is None:
        from spinekit.models.environment import cache_folder

        path = cache_folder() / NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise EnvironmentFaultError(
            f"{path}: cannot be written ({error.strerror}) -- name a file with --key"
        ) from error
    key = secrets.token_bytes(_BYTES)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(key.hex() + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    return key


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise EnvironmentFaultError(
            f"{path}: cannot be read ({error.strerror}) -- name another with --key"
        ) from error
    except ValueError:
        key = b""
    if len(key) != _BYTES:
        raise UsageError(
            f"{path}: is no key of spinekit deidentify -- name another file with --key, or a new one"
        )
    return key
