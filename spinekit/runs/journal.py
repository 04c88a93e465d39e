"""``records.jsonl``: one line per input file, written once all that was made of it is in place.

All tables of a run are built from these lines, so a run that was killed loses the file it was at and no other.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from spinekit.core.errors import AnnotationError
from spinekit.files import atomic_path, unwritable
from spinekit.runs.outcome_line import FileOutcome, outcome_from_line, outcome_to_line

RECORDS = "records.jsonl"


class Journal:
    """The lines of a run, in memory only as places in the file.

    Opening it takes in what is there; a last line that a killed run left half-written is cut off.

    Args:
        folder: Of the run, locked.

    Raises:
        EnvironmentFaultError: If the file cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / RECORDS
        self._places: dict[str, tuple[int, int]] = {}
        self._order: list[str] = []
        try:
            self._stream: IO[bytes] = self.path.open("a+b")
            self._take_in()
        except OSError as error:
            raise unwritable(self.path, error) from error

    def __enter__(self) -> Journal:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the file; the lines stay."""
        self._stream.close()

    def __contains__(self, file: str) -> bool:
        """Whether a file has a line."""
        return file in self._places

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that have a line."""
        return tuple(self._places)

    def append(self, outcome: FileOutcome) -> None:
        """Adds a line and makes it last.

        Raises:
            EnvironmentFaultError: If it cannot be written; no part of it stays.
        """
        content = (outcome_to_line(outcome) + "\n").encode("utf-8")
        start = self._stream.seek(0, os.SEEK_END)
        try:
            self._stream.write(content)
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            self._cut(start)
            raise unwritable(self.path, error) from error
        self._place(outcome.file, start, len(content))

    def span(self, file: str) -> tuple[int, int]:
        """Where the line of a file begins, and its length in bytes; true until lines are settled anew."""
        return self._places[file]

    def outcome(self, file: str) -> FileOutcome:
        """What the last line of a file says.

        Raises:
            KeyError: If it has none.
            AnnotationError: If the line is broken.
        """
        return _outcome_at(self._stream, *self._places[file], f"{self.path}: {file}")

    def outcomes(self, files: Sequence[str]) -> Iterator[FileOutcome]:
        """The outcomes of some files, those without a line passed over, one at a time."""
        return (self.outcome(file) for file in files if file in self._places)

    def settle(self, files: Sequence[str]) -> None:
        """Leaves one line for each of the files that has one, in their order, and no other.

        Raises:
            EnvironmentFaultError: If it cannot be written; the lines then stay as they were.
        """
        wanted = [file for file in files if file in self._places]
        if wanted == self._order:
            return
        places = [self._places[file] for file in wanted]
        with atomic_path(self.path) as temporary, temporary.open("wb") as settled:
            for start, length in places:
                self._stream.seek(start)
                settled.write(self._stream.read(length))
        self._stream.close()
        self._stream = self.path.open("a+b")
        self._take_in()

    def _take_in(self) -> None:
        self._places, self._order, start = {}, [], 0
        self._stream.seek(0)
        for line in self._stream:
            if not line.endswith(b"\n"):
                self._stream.truncate(start)
                break
            name = _name_of(line)
            if name is not None:
                self._place(name, start, len(line))
            else:
                self._order.append("")  # no file's: it goes when the lines are settled
            start += len(line)

    def _place(self, file: str, start: int, length: int) -> None:
        self._places[file] = (start, length)
        self._order.append(file)

    def _cut(self, start: int) -> None:
        """Takes back a line that could not be written whole."""
        with contextlib.suppress(OSError):  # what is buffered cannot be written either
            self._stream.close()
        with self.path.open("rb+") as stream:
            stream.truncate(start)
        self._stream = self.path.open("a+b")


def outcomes_at(folder: Path, spans: Iterable[tuple[int, int]]) -> Iterator[FileOutcome]:
    """What some lines of a finished run say, by their `Journal.span`.

    Args:
        folder: Of the run.
        spans: Of the lines.

    Raises:
        AnnotationError: If a line is broken, or the file is gone.
    """
    path = folder / RECORDS
    try:
        with path.open("rb") as stream:
            for start, length in spans:
                yield _outcome_at(stream, start, length, str(path))
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror}) -- run again") from error


def _outcome_at(stream: IO[bytes], start: int, length: int, where: str) -> FileOutcome:
    stream.seek(start)
    return outcome_from_line(stream.read(length).decode("utf-8", "replace"), where)


def _name_of(line: bytes) -> str | None:
    """The file that a line speaks of, or None for a broken line."""
    try:
        name = json.loads(line)["file"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return name if isinstance(name, str) else None
