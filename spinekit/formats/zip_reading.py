"""Members of a zip archive that somebody sent: read in memory by name, never unpacked."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from spinekit.core.errors import AnnotationError
from spinekit.files import printable
from spinekit.formats.sources import unsafe_name

MAX_MEMBERS = 100_000
MAX_TOTAL_BYTES = 20 << 30
MAX_MEMBER_BYTES = 1 << 30
MAX_RATIO = 200
_SMALL_BYTES = 1 << 20  # below this no ratio is too high to bear


@contextmanager
def open_member(path: Path, name: str) -> Iterator[IO[bytes]]:
    """A member's bytes as a stream.

    Args:
        path: The archive.
        name: The member's name to the letter.

    Raises:
        AnnotationError: If the archive or the member is broken, missing, or made to do harm: too many or
            too large members, names that climb out, links, doubled names, encryption.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            member = _checked(archive, path).get(name)
            if member is None:
                raise AnnotationError(f"{path}: holds no {name} -- export it again")
            _check_size(member, path)
            with archive.open(member) as stream:
                yield stream
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise AnnotationError(f"{path}: is no sound zip archive ({error}) -- export it again") from error
    except OSError as error:
        raise AnnotationError(
            f"{path}: cannot be read ({error.strerror or error}) -- check the file"
        ) from error


def member_names(path: Path) -> tuple[str, ...]:
    """Names of the members as they stand; none where the file is no zip archive. Never raises."""
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(archive.namelist()[:MAX_MEMBERS])
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return ()


def _checked(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The members by name, if the archive as a whole is harmless."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise AnnotationError(f"{path}: {len(members)} members are too many -- unpack it yourself")
    if sum(member.file_size for member in members) > MAX_TOTAL_BYTES:
        raise AnnotationError(
            f"{path}: unfolds to more than {MAX_TOTAL_BYTES >> 30} GB -- unpack it yourself"
        )
    found: dict[str, zipfile.ZipInfo] = {}
    for member in members:
        shown = printable(member.filename[:80])
        reason = unsafe_name(member.orig_filename)
        if reason:
            raise AnnotationError(f"{path}: member {shown!r}: {reason} -- do not trust this archive")
        if member.filename in found:
            raise AnnotationError(f"{path}: holds {shown!r} twice -- export it again")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise AnnotationError(f"{path}: member {shown!r} is a link -- do not trust this archive")
        if member.flag_bits & 1:
            raise AnnotationError(f"{path}: is encrypted -- unpack it yourself")
        found[member.filename] = member
    return found


def _check_size(member: zipfile.ZipInfo, path: Path) -> None:
    ratio = member.file_size / max(member.compress_size, 1)
    if member.file_size > MAX_MEMBER_BYTES or (ratio > MAX_RATIO and member.file_size > _SMALL_BYTES):
        raise AnnotationError(
            f"{path}: {printable(member.filename[:80])} unfolds to {member.file_size} bytes, {ratio:.0f} times "
            "its size -- unpack it yourself if you trust it"
        )
