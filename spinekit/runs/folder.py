"""Folders that runs write into: numbered, new or empty, or those of a run that goes on."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.files import sweep_temporaries
from spinekit.runs.journal import RECORDS
from spinekit.runs.lock import LOCK, locked

DEFAULT_FOLDER = "spinekit-out"


def next_folder(base: Path) -> Path:
    """The first of ``base/1``, ``base/2`` ... that does not exist, made so that no other run takes it.

    Raises:
        EnvironmentFaultError: If it cannot be made.
    """
    try:
        base.mkdir(parents=True, exist_ok=True)
        number = 1 + max((int(p.name) for p in base.iterdir() if p.name.isdigit()), default=0)
        while True:
            folder = base / str(number)
            try:
                folder.mkdir()
            except FileExistsError:
                number += 1
            else:
                return folder
    except OSError as error:
        raise EnvironmentFaultError(
            f"{base}: cannot be written ({error.strerror}) -- choose a folder with --out"
        ) from error


def claim_folder(folder: Path, option: str = "--out") -> Path:
    """A folder for results: new, or empty.

    Args:
        folder: Which.
        option: What the user calls it, for messages.

    Raises:
        UsageError: If it holds something, which is never overwritten.
        EnvironmentFaultError: If it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{option} {folder}: is not empty -- name a new or empty folder")
        probe = folder / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise EnvironmentFaultError(
            f"{option} {folder}: cannot be written ({error.strerror}) -- choose another folder"
        ) from error
    return folder


@contextmanager
def run_folder(folder: Path | None, resume: bool = False) -> Iterator[Path]:
    """The folder of a run, locked while the block lasts and free of what a killed run left half-written.

    Args:
        folder: New, empty, or of the run that goes on; None for the next below `DEFAULT_FOLDER`.
        resume: Whether a run in it goes on.

    Yields:
        The folder.

    Raises:
        UsageError: If it holds something that is no run to go on with, or nothing says which run.
        EnvironmentFaultError: If it cannot be made or written, or if another run holds it.
    """
    if folder is None:
        if resume:
            raise UsageError("--resume: which run is to go on? -- name its folder with --out")
        folder = next_folder(Path(DEFAULT_FOLDER))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFaultError(
            f"--out {folder}: cannot be written ({error.strerror}) -- choose another folder"
        ) from error
    with locked(folder):
        _check_content(folder, resume)
        sweep_temporaries(folder)
        yield folder


def check_folder(folder: Path | None, resume: bool = False) -> None:
    """Says early, before anything is loaded, what `run_folder` would not accept.

    Args:
        folder: As for `run_folder`; one that another run holds is left to it to refuse.
        resume: Likewise.

    Raises:
        UsageError: As `run_folder` does.
    """
    if folder is not None and folder.is_dir() and not (folder / LOCK).exists():
        with contextlib.suppress(OSError):
            _check_content(folder, resume)


def _check_content(folder: Path, resume: bool) -> None:
    content = {path.name for path in folder.iterdir()} - {LOCK}
    if not content or (resume and RECORDS in content):
        return
    if resume:
        raise UsageError(f"--resume: {folder} holds no run of predict -- name the folder of one with --out")
    fix = "name a new or empty folder"
    fix += ", or go on with the run in it by --resume" if RECORDS in content else ""
    raise UsageError(f"--out {folder}: is not empty -- {fix}")


def clear_results(folder: Path, names: tuple[str, ...]) -> None:
    """Removes what a run wrote, so that it can be made anew; what people added (reviews) stays.

    Args:
        folder: Of the run, locked.
        names: Files and folders in it; those that are not there are passed over.
    """
    for name in names:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
