"""What can go wrong, as types: each message names the thing, what is wrong with it and how to mend it."""

from __future__ import annotations

from pathlib import Path


class SpinekitError(Exception):
    """Base of every error that spinekit raises on purpose; its text is one line fit for a terminal."""


class ReadError(SpinekitError):
    """A file could not be read.

    Args:
        path: The file, or anything that names the input.
        reason: What is wrong, in a few words.
        fix: How the user can mend it.
    """

    def __init__(self, path: Path | str, reason: str, fix: str) -> None:
        self.path = str(path)
        self.reason = reason
        self.fix = fix
        super().__init__(f"{path}: {reason} -- {fix}")

    def __reduce__(self) -> tuple[type[ReadError], tuple[str, str, str]]:
        # Exceptions travel between worker processes by their constructor's arguments.
        return type(self), (self.path, self.reason, self.fix)


class SkipFile(ReadError):  # noqa: N818  (a reason to pass over a file, not a failure)
    """A file holds nothing to read (a report, a truth file): passed over with its reason, never a failure."""


class UsageError(SpinekitError):
    """The user asked for something that cannot be: exit code 2."""


class NothingUsableError(SpinekitError):
    """No input could be used: exit code 3."""


class EnvironmentFaultError(SpinekitError):
    """The machine does not allow it (a model is missing, the disk is full, no right to write): exit code 4."""


class AnnotationError(SpinekitError):
    """An annotation file is wrong; the message gives file and place."""
