"""Runs: their folders, their locks, what became of every file, and how an unfinished one goes on."""

from __future__ import annotations

from spinekit.runs.folder import DEFAULT_FOLDER, claim_folder, next_folder, run_folder
from spinekit.runs.journal import Journal
from spinekit.runs.outcome_line import FileOutcome, ImageOutcome, Output
from spinekit.runs.record import FileRecord, RunRecord

__all__ = [
    "DEFAULT_FOLDER",
    "FileOutcome",
    "FileRecord",
    "ImageOutcome",
    "Journal",
    "Output",
    "RunRecord",
    "claim_folder",
    "next_folder",
    "run_folder",
]
