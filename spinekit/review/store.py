"""Keeps a review: every edit appended to the record and synced to disk before the page is told that it is kept."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from spinekit.core.errors import EnvironmentFaultError, SpinekitError, UsageError
from spinekit.files import printable
from spinekit.formats.review_lines import Edit, edit_to_line, header_to_line, reviewed_image
from spinekit.formats.scenes import to_line
from spinekit.workflows.review import Review, ReviewFilm, empty_scene
from spinekit.workflows.review_edits import Step, step_of

_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}  # said by some network file systems


class ConflictError(SpinekitError):
    """Somebody else has changed the film since the page read it.

    Args:
        version: That stands now.
    """

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__("the film was changed elsewhere since it was opened here -- look at it again")


def now() -> str:
    """The time in UTC, ISO 8601 to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class ReviewStore:
    """Takes edits from any number of threads.

    The record is only ever appended to. Edits that arrive together are written and synced together, so that twenty
    people who save at once wait for one disk and not for twenty. An edit whose line could not be written whole is
    taken back, and nothing further is accepted.

    Args:
        review: What is under review; its films' states change with the edits.
        clock: Gives the time of an edit.
    """

    def __init__(self, review: Review, clock: Callable[[], str] = now) -> None:
        self.review = review
        self._clock = clock
        self._states = threading.Lock()  # guards films, pending lines and numbers
        self._disk = threading.Lock()  # guards the file
        self._pending: list[bytes] = []
        self._given = self._written = review.last
        self._fault = ""
        self._lock = _locked(review)
        self._size = _mended(review)

    def close(self) -> None:
        """Lets the record go, for another server to take."""
        with self._disk, contextlib.suppress(OSError):
            os.close(self._lock)
            self._fault = self._fault or "the review was closed"

    def film(self, number: int) -> ReviewFilm:
        """A film by its number.

        Raises:
            UsageError: If there is none.
        """
        if not 0 <= number < len(self.review.films):
            raise UsageError("there is no such film -- reload the page")
        return self.review.films[number]

    def complete(self, number: int) -> ReviewFilm:
        """A film by its number; one that no model read gets its size from its file first."""
        film = self.film(number)
        if film.state.base.image.height == 0:
            base = empty_scene(film)
            with self._states:
                if film.state.base.image.height == 0:
                    film.state = reviewed_image(base)
        return film

    def standing(self, number: int) -> ReviewFilm:
        """A film as it stands now, whole: an edit that comes meanwhile is in it with all its parts or not at all."""
        film = self.complete(number)
        with self._states:
            return replace(film, state=film.state.copied())

    @contextlib.contextmanager
    def still(self) -> Iterator[Sequence[ReviewFilm]]:
        """All films, while edits wait."""
        with self._states:
            yield self.review.films

    def save(self, number: int, version: int, who: str, action: str, wanted: Mapping[str, Any]) -> int:
        """Keeps an edit; it is on the disk when this returns.

        Args:
            number: Of the film.
            version: That the page has seen.
            who: Edits.
            action: What was done, in a word or two.
            wanted: See `spinekit.workflows.review_edits.step_of`.

        Returns:
            The new version; the old one where the edit changes nothing.

        Raises:
            ConflictError: If the film was changed in between.
            UsageError: If the edit cannot be.
            EnvironmentFaultError: If it cannot be written.
        """
        film = self.complete(number)
        with self._states:
            _check(film, version)
            step = step_of(film.state, wanted, self.review.header.reader)
            if step.empty:
                return film.state.version
            ticket = self._take(film, who, action, step)
        self._settle(ticket)
        return version + 1

    def undo(self, number: int, version: int, who: str) -> int:
        """Takes the latest edit of a film back; see `save`. Nothing to take back changes nothing."""
        return self._turn(number, version, who, back=True)

    def redo(self, number: int, version: int, who: str) -> int:
        """Does again what was taken back last; see `save`."""
        return self._turn(number, version, who, back=False)

    def _turn(self, number: int, version: int, who: str, back: bool) -> int:
        film = self.complete(number)
        with self._states:
            _check(film, version)
            edits = film.state.done if back else film.state.undone
            if not edits:
                return version
            last = edits[-1]
            if back:
                step = Step(dict(last.after), dict(last.before))
                ticket = self._take(film, who, f"undo: {last.action}", step, undoes=last.number)
            else:
                step = Step(dict(last.before), dict(last.after))
                ticket = self._take(film, who, f"redo: {last.action}", step, redoes=last.number)
        self._settle(ticket)
        return version + 1

    def _take(
        self,
        film: ReviewFilm,
        who: str,
        action: str,
        step: Step,
        undoes: int | None = None,
        redoes: int | None = None,
    ) -> int:
        if self._fault:
            raise EnvironmentFaultError(self._fault)
        first = not film.predicted and film.state.version == 0
        edit = Edit(
            self._given + 1,
            film.name,
            film.state.version + 1,
            printable(who)[:80],
            self._clock(),
            printable(action)[:80],
            step.before,
            step.after,
            undoes,
            redoes,
            json.loads(to_line(replace(film.state.base))) if first else None,
        )
        line = f"{edit_to_line(edit)}\n".encode()
        film.state.apply(edit)
        self._given = edit.number
        self._pending.append(line)
        return edit.number

    def _settle(self, ticket: int) -> None:
        """Waits until an edit is on the disk; the first to come writes for all who wait."""
        with self._disk:
            if self._fault:
                raise EnvironmentFaultError(self._fault)
            with self._states:
                if self._written >= ticket:
                    return
                lines, self._pending = b"".join(self._pending), []
                upto = self._given
            try:
                if self._size == 0:
                    lines = f"{header_to_line(self.review.header)}\n".encode() + lines
                _append(self.review.record, lines)
            except OSError as error:
                reason = error.strerror or "it cannot be written"
                self._fault = (
                    f"{self.review.record}: {reason}: the last edits are lost -- make room and start again"
                )
                with contextlib.suppress(OSError):
                    os.truncate(self.review.record, self._size)
                raise EnvironmentFaultError(self._fault) from error
            self._size += len(lines)
            self._written = upto


def _check(film: ReviewFilm, version: int) -> None:
    if version != film.state.version:
        raise ConflictError(film.state.version)


def _append(path: Path, content: bytes) -> None:
    """Adds to the record, which is made where it is missing, and waits for the disk."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0), 0o644)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(file, view) :]
        os.fsync(file)
    finally:
        os.close(file)


def _locked(review: Review) -> int:
    """The record's folder, locked: a page that is only looked at leaves no record behind."""
    folder = review.record.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, "no right to write")
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise EnvironmentFaultError(
            f"{folder}: cannot be written ({error.strerror}) -- copy the run to where you may write"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            review.notices.append(f"{folder}: this file system knows no locks: open the review only once")
            return lock
        os.close(lock)
        raise EnvironmentFaultError(
            f"{folder}: is being reviewed by another spinekit -- use its page, or read apart with --reader NAME"
        ) from error
    return lock


def _mended(review: Review) -> int:
    """Cuts off the half line that a killed server may have left, and tells the size of the record."""
    path = review.record
    if not path.is_file():
        return 0
    whole = path.read_bytes().rfind(b"\n") + 1
    if whole < path.stat().st_size:
        os.truncate(path, whole)
        review.notices.append(
            f"{path}: its last line was never finished (a save that was cut off) and was removed"
        )
    return whole
