"""Weights of Ultralytics, opened without running code in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spinekit.core.errors import EnvironmentFaultError
from spinekit.models.environment import load_library
from spinekit.models.training import TASKS
from spinekit.models.weights import ModelCard


def load_yolo(card: ModelCard) -> Any:
    """The YOLO object of a card, if its task is the one that the card names."""
    return load_yolo_file(card.weights, card.task)


def load_yolo_file(path: Path, task: str) -> Any:
    """The YOLO object of a file, if its task is the one asked for.

    Args:
        path: The weights.
        task: As model cards name it.

    Raises:
        EnvironmentFaultError: If the file cannot be loaded safely or is of another task.
    """
    library = load_library()
    try:
        model = library.YOLO(str(path))
        found = model.task
    except Exception as error:
        raise EnvironmentFaultError(
            f"{path}: not a model that can be loaded safely ({type(error).__name__}) -- "
            "only weights trained with spinekit or Ultralytics are read, and no code in them is run"
        ) from error
    if found != TASKS[task]:
        raise EnvironmentFaultError(
            f"{path}: a {found} model, but its card says {TASKS[task]} -- give weights of that task"
        )
    return model


def tensors_of(card: ModelCard) -> dict[str, Any]:
    """The weights of a card's network by the library's names, in single precision."""
    state = load_yolo(card).model.state_dict()
    return {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
