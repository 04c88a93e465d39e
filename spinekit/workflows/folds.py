"""Cross-validation: as many trainings as folds, each tested on groups that the others learn from."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinekit.core.errors import UsageError
from spinekit.files import write_text
from spinekit.models.training import score_part
from spinekit.workflows.dataset_split import SplitSettings, split_dataset
from spinekit.workflows.model_folder import write_model
from spinekit.workflows.split import write_split
from spinekit.workflows.train import OnEpoch, plan_of, train
from spinekit.workflows.train_data import Notice, Progress
from spinekit.workflows.train_settings import TrainSettings

TABLE = "folds.csv"
_PARTS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class FoldResult:
    """How one fold came out.

    Attributes:
        fold: Counted from 1.
        model: The model's folder.
        images: Images by part.
        metrics: Of the part that was neither learnt from nor chosen by, by name.
    """

    fold: int
    model: Path
    images: Mapping[str, int]
    metrics: Mapping[str, float]


def train_folds(
    settings: TrainSettings,
    out: Path,
    on_epoch: OnEpoch | None = None,
    on_progress: Progress | None = None,
    notice: Notice | None = None,
) -> list[FoldResult]:
    """Trains once for every fold and writes ``folds.csv`` with the results, their mean and standard deviation.

    Groups stay together; a fold is tested on, the next one chosen by, the others are learnt from.

    Args:
        settings: The recipe, with its folds and without a split.
        out: A new or empty folder; ``fold-1`` and so on come to lie in it.
        on_epoch: Told after every epoch of every training.
        on_progress: Told of work.
        notice: Told of which fold it is, and of everything passed over or doubtful.

    Raises:
        UsageError: If there are fewer groups than folds.
    """
    if settings.folds is None:
        raise UsageError("--folds: how many is not said -- give a number from 3")
    notice = notice or (lambda _line: None)
    if settings.split is not None:
        notice(f"{settings.split}: not used, since folds divide all films anew")
    tables = _tables(settings, notice)
    results: list[FoldResult] = []
    for number, rows in enumerate(tables, start=1):
        notice(f"fold {number} of {len(tables)}")
        folder = out / f"fold-{number}"
        table = folder / "split.csv"
        write_split(table, rows)
        own = settings.model_copy(
            update={"split": table, "folds": None, "name": f"{settings.name}-fold-{number}"}
        )
        trained = train(own, folder, on_epoch, on_progress, notice, _PARTS)
        metrics = score_part(
            plan_of(trained.settings), trained.data.data, trained.weights, "test", folder / "test"
        )
        card = write_model(trained, folder / "model")
        results.append(FoldResult(number, card.parent, dict(trained.data.images), metrics))
    write_text(out / TABLE, _table(results))
    return results


def _tables(settings: TrainSettings, notice: Notice) -> tuple[dict[str, tuple[str, str]], ...]:
    source = settings.data / settings.annotations if settings.annotations else settings.data
    report = split_dataset(
        SplitSettings(
            data=source,
            format=settings.format,
            schema_name=settings.data_schema or settings.schema_name,
            images=settings.data / settings.images if settings.images else None,
            salt=settings.data.resolve().name,
            folds=settings.folds,
        )
    )
    for line in (*report.notices, *report.failed):
        notice(line)
    return report.tables


def summary(results: list[FoldResult]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation (of a sample) of each metric over the folds."""
    names = list(dict.fromkeys(name for result in results for name in result.metrics))
    columns = {name: [r.metrics[name] for r in results if name in r.metrics] for name in names}
    return {
        name: (float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0)
        for name, values in columns.items()
    }


def _table(results: list[FoldResult]) -> str:
    totals = summary(results)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("fold", *_PARTS, *(name.removeprefix("metrics/") for name in totals)))
    for result in results:
        counts = [result.images.get(part, 0) for part in _PARTS]
        writer.writerow((result.fold, *counts, *(f"{result.metrics.get(name, '')}" for name in totals)))
    writer.writerow(("mean", "", "", "", *(f"{mean:.6g}" for mean, _ in totals.values())))
    writer.writerow(("sd", "", "", "", *(f"{sd:.6g}" for _, sd in totals.values())))
    return stream.getvalue()
