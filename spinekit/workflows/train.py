"""Training: labels of any format and a split go in, weights with a card come out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spinekit.core.errors import UsageError
from spinekit.models.canvas import Canvas
from spinekit.models.history import EpochReport, read_history
from spinekit.models.starting import Start, find_start
from spinekit.models.training import TrainingPlan
from spinekit.models.training import train as train_network
from spinekit.models.weights import UNET
from spinekit.schemas import load_schema
from spinekit.workflows.run_recipe import laid_recipe, lay_recipe
from spinekit.workflows.train_data import (
    DataSummary,
    Notice,
    Progress,
    prepare,
    read_summary,
    with_split,
)
from spinekit.workflows.train_settings import TrainSettings, with_preset

OnEpoch = Callable[[EpochReport], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training made.

    Attributes:
        weights: The best weights, half precision, cleared of paths.
        history: Every epoch's report.
        data: What went in, and what could not.
        settings: The recipe, with all that it was silent of.
        start: What it began from, in words.
    """

    weights: Path
    history: tuple[EpochReport, ...]
    data: DataSummary
    settings: TrainSettings
    start: str


def train(
    settings: TrainSettings,
    out: Path,
    on_epoch: OnEpoch | None = None,
    on_progress: Progress | None = None,
    notice: Notice | None = None,
    parts: tuple[str, ...] = ("train", "val"),
) -> Trained:
    """Reads, splits, writes a workspace below ``out`` and trains on it.

    Args:
        settings: The recipe.
        out: A new or empty folder.
        on_epoch: Told after every epoch.
        on_progress: Told of work: what, how much is done, of how much (0: unknown).
        notice: Told of what it begins from, and of everything passed over or doubtful, one line each.
        parts: Which parts of the data the workspace is to hold.

    Returns:
        Where the weights are and how it went.

    Raises:
        UsageError: If the settings do not go together, or a part of the data is empty.
        EnvironmentFaultError: If weights, memory or a device are missing.
    """
    schema = load_schema(settings.schema_name)
    start = find_start(settings.task, settings.model, settings.start, schema, settings.download)
    _tell(notice, f"begins: {start.words}")
    if start.architecture == UNET and settings.device not in {None, "cpu"}:
        _tell(notice, f"--device {settings.device}: {UNET} is small and trains on the processor")
    settings = with_preset(_begun(settings, start), schema)
    settings = with_split(settings, out, notice)
    lay_recipe(settings, start.words, out)
    data = prepare(settings, out, parts, on_progress, notice)
    return _trained(settings, start.words, data, out, on_epoch, on_progress, go_on=False)


def resume(
    out: Path,
    on_epoch: OnEpoch | None = None,
    on_progress: Progress | None = None,
    notice: Notice | None = None,
    parts: tuple[str, ...] = ("train", "val"),
) -> Trained:
    """Goes on with a training that was stopped: from its last epoch, or from the start if it had none yet.

    Args:
        out: Its folder.
        on_epoch: See `train`.
        on_progress: See `train`.
        notice: See `train`.
        parts: See `train`.

    Raises:
        UsageError: If it is the folder of no training, or the training has ended.
    """
    settings, words = laid_recipe(out)
    if (out / "model" / "card.yaml").is_file():
        done = len(read_history(out / "run"))
        raise UsageError(
            f"--resume {out}: this training has ended after {done} epochs -- its model is {out / 'model'}; "
            "to train on, begin anew with --model and that folder"
        )
    data = read_summary(out)
    if data is None:
        shutil.rmtree(out / "workspace", ignore_errors=True)
        data = prepare(settings, out, parts, on_progress, notice)
    done = len(read_history(out / "run"))
    _tell(notice, f"goes on after epoch {done} of {settings.epochs}; it began {words}")
    return _trained(settings, words, data, out, on_epoch, on_progress, go_on=True)


def _trained(
    settings: TrainSettings,
    start: str,
    data: DataSummary,
    out: Path,
    on_epoch: OnEpoch | None,
    on_progress: Progress | None,
    go_on: bool,
) -> Trained:
    weights = train_network(
        plan_of(settings), data.data, out / "run", on_epoch, _batches(on_progress, settings), resume=go_on
    )
    return Trained(weights, read_history(out / "run"), data, settings, start)


def _tell(notice: Notice | None, line: str) -> None:
    if notice is not None:
        notice(line)


def _begun(settings: TrainSettings, start: Start) -> TrainSettings:
    """The settings with the architecture and the weights that their model stands for."""
    return settings.model_copy(update={"model": start.architecture, "start": start.weights})


def _batches(on_progress: Progress | None, settings: TrainSettings) -> Callable[[int, int], None] | None:
    if on_progress is None:
        return None
    return lambda done, total: on_progress(f"training {settings.name}", done, total)


def plan_of(settings: TrainSettings) -> TrainingPlan:
    """What a recipe asks of the trainer."""
    return TrainingPlan(
        task=settings.task,
        architecture=settings.model,
        start=settings.start,
        canvas=Canvas(settings.height, settings.width),
        epochs=settings.epochs,
        batch=settings.batch,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        augment=settings.augment or {},
        sigma_start=settings.sigma_start,
        sigma_end=settings.sigma_end,
        pose_gain=settings.pose_gain,
        dice_gain=settings.dice_gain,
        patience=settings.patience,
        precision=settings.precision,
        device=settings.device,
        freeze=settings.freeze,
        classes=len(load_schema(settings.schema_name).classes),
        seconds=settings.seconds,
    )
