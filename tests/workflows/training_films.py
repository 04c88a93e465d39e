"""Tiny synthetic films as labelled data, and settings of trainings on them that take seconds."""

from __future__ import annotations

from pathlib import Path

from spinekit.workflows.recipe import settings_of
from spinekit.workflows.train_settings import TrainSettings
from spinekit.workflows.trial import write_films

SCHEMAS = {"pose": "orbit-4", "seg": "spine-ap-levels", "detect": "spine-ap-levels", "sem": "em-membrane"}


def tiny_settings(folder: Path, task: str, **more: object) -> TrainSettings:
    """Settings of one quick epoch on a few films, drawn into ``folder/films``; two of them to choose by."""
    films = folder / "films"
    content = {
        "name": f"tiny-{task}",
        "task": task,
        "data": str(films),
        "split": str(films / "split.csv"),
        "schema": SCHEMAS[task],
        "data_schema": "spine-ap" if task in {"seg", "detect"} else None,
        "imgsz": 160 if task == "sem" else 96,
        "epochs": 1,
        "batch": 4,
        "start": "scratch",
        **more,
    }
    settings = settings_of(TrainSettings, content, "tiny")
    if not films.exists():
        write_films(settings, films, 1 if task == "sem" else 4, 2, 160)
    return settings
