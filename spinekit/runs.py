"""The record of a run: what went in, with what, and what became of every file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.core.notice import RESEARCH_USE
from spinekit.files import write_text

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


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What became of one file.

    Attributes:
        name: Relative to the folder that was read.
        status: ``ok``, ``skipped``, ``failed`` or ``abstained``.
        reason: Why it gave no result, or empty.
        sha256: Of its bytes, where it was read.
        model: That read it.
        outputs: Files written for it, relative to the run's folder.
    """

    name: str
    status: str
    reason: str = ""
    sha256: str = ""
    model: str = ""
    outputs: tuple[str, ...] = ()


@dataclass(slots=True)
class RunRecord:
    """A run in the making.

    Attributes:
        settings: As used.
        models: Name and sha256 of each model used.
        versions: Of spinekit and what it stands on.
        files: One record per file, in order.
    """

    settings: Mapping[str, str]
    versions: Mapping[str, str]
    models: dict[str, str] = field(default_factory=dict)
    files: list[FileRecord] = field(default_factory=list)

    def with_status(self, status: str) -> list[FileRecord]:
        """The files of one status."""
        return [record for record in self.files if record.status == status]

    def counts(self) -> dict[str, int]:
        """Files by status."""
        kinds = ("ok", "abstained", "skipped", "failed")
        return {kind: len(self.with_status(kind)) for kind in kinds}

    def write(self, path: Path) -> None:
        """Writes ``run.json``; it holds no time of day, so that equal runs give equal files."""
        content = {
            "format": "spinekit-run",
            "version": 1,
            "note": RESEARCH_USE,
            "settings": dict(self.settings),
            "models": self.models,
            "versions": dict(self.versions),
            "counts": self.counts(),
            "files": [
                {
                    "name": record.name,
                    "status": record.status,
                    "reason": record.reason,
                    "sha256": record.sha256,
                    "model": record.model,
                    "outputs": list(record.outputs),
                }
                for record in self.files
            ],
        }
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
