"""The record of a run: what went in, with what, and what became of every file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spinekit.core.notice import RESEARCH_USE
from spinekit.files import write_text

RUN = "run.json"


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
        parameters: Hash of all that decides what is written; a run goes on only under the same.
        finished: Whether every file has been looked at and every table is written.
        notes: What a reader should know of the whole run, one line each.
        images: Folder that the names are relative to, itself relative to the run's; empty where it is not near.
    """

    settings: Mapping[str, str]
    versions: Mapping[str, str]
    models: dict[str, str] = field(default_factory=dict)
    files: list[FileRecord] = field(default_factory=list)
    parameters: str = ""
    finished: bool = False
    images: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

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
            "finished": self.finished,
            "settings": dict(self.settings),
            "parameters": self.parameters,
            "models": self.models,
            "versions": dict(self.versions),
            "images": list(self.images),
            "notes": list(self.notes),
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


def stated(path: Path) -> dict[str, object]:
    """What a ``run.json`` says of itself; empty where there is none that can be read."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
