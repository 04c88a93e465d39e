"""Where a training of our own networks stands after an epoch, so that a stopped one goes on as if nothing had been.

Imported late.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spinekit.core.errors import UsageError
from spinekit.files import write_bytes
from spinekit.models.history import EpochReport

STATE = "state.pt"


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What moves in a training.

    Attributes:
        net: A module.
        optimiser: Of torch.
        schedule: Of its step.
        rng: From which crops are drawn.
    """

    net: Any
    optimiser: Any
    schedule: Any
    rng: np.random.Generator


@dataclass(slots=True)
class Standing:
    """How far a training is.

    Attributes:
        best: The best fitness so far.
        reports: Of all epochs so far.
    """

    best: float = -math.inf
    reports: list[EpochReport] = field(default_factory=list)


def save_standing(out: Path, parts: Parts, standing: Standing) -> None:
    """Writes all that the next epoch depends on, whole or not at all: tensors and plain values, no code."""
    content = {
        "net": parts.net.state_dict(),
        "optimiser": parts.optimiser.state_dict(),
        "schedule": parts.schedule.state_dict(),
        "rng": dict(parts.rng.bit_generator.state),
        "torch": torch.get_rng_state(),
        "best": standing.best,
        "reports": [
            {
                "epoch": r.epoch, "epochs": r.epochs, "losses": dict(r.losses), "metrics": dict(r.metrics),
                "fitness": r.fitness,
            }
            for r in standing.reports
        ],
    }  # fmt: skip
    stream = io.BytesIO()
    torch.save(content, stream)
    write_bytes(out / STATE, stream.getvalue())


def load_standing(out: Path, parts: Parts) -> Standing:
    """Sets a training to where it stood; to its beginning where no epoch had ended.

    Raises:
        UsageError: If what lies there is not from this training.
    """
    path = out / STATE
    if not path.is_file():
        return Standing()
    try:
        content: Mapping[str, Any] = torch.load(path, weights_only=True)
        parts.net.load_state_dict(content["net"])
        parts.optimiser.load_state_dict(content["optimiser"])
        parts.schedule.load_state_dict(content["schedule"])
        parts.rng.bit_generator.state = content["rng"]
        torch.set_rng_state(content["torch"])
        reports = [EpochReport(**report) for report in content["reports"]]
        return Standing(float(content["best"]), reports)
    except Exception as error:
        raise UsageError(
            f"--resume {out}: {path.name} is not where this training stood ({type(error).__name__}) -- begin anew"
        ) from error


def reports_of(out: Path) -> list[EpochReport]:
    """The reports of all epochs that ended in a folder."""
    content: Mapping[str, Any] = torch.load(out / STATE, weights_only=True)
    return [EpochReport(**report) for report in content["reports"]]
