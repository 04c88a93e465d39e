"""Cross-validation: as many trainings as folds, each tested on groups that the others learn from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.files import write_text
from spinekit.models.starting import find_start
from spinekit.models.training import score_part
from spinekit.schemas import load_schema
from spinekit.workflows.dataset_split import SplitSettings, split_dataset
from spinekit.workflows.model_folder import write_model
from spinekit.workflows.run_recipe import RECIPE, laid_recipe, lay_recipe
from spinekit.workflows.split import write_split
from spinekit.workflows.train import OnEpoch, plan_of, resume, train
from spinekit.workflows.train_data import Notice, Progress
from spinekit.workflows.train_settings import TrainSettings

TABLE = "folds.csv"
SPLIT = "split.csv"
RESULT = "result.json"
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
    start = find_start(
        settings.task, settings.model, settings.start, load_schema(settings.schema_name), settings.download
    )
    if start.weights is not None:
        notice(
            f"every fold begins with {start.words}: if those weights learnt from these very films, the figures will "
            "be too good -- say --start scratch, or name weights that did not"
        )
    # All tables lie there before the first training begins: a stopped run goes on with the same folds.
    for number, rows in enumerate(_tables(settings, notice), start=1):
        write_split(_folder(out, number) / SPLIT, rows)
    lay_recipe(settings, "", out)
    return _all_folds(settings, out, on_epoch, on_progress, notice)


def resume_folds(
    out: Path,
    on_epoch: OnEpoch | None = None,
    on_progress: Progress | None = None,
    notice: Notice | None = None,
) -> list[FoldResult]:
    """Goes on with a cross-validation that was stopped; folds that have ended are not trained again.

    Args:
        out: Its folder.
        on_epoch: See `train_folds`.
        on_progress: See `train_folds`.
        notice: See `train_folds`.

    Raises:
        UsageError: If no cross-validation began in the folder, or all of it has ended.
    """
    settings, _ = laid_recipe(out)
    if settings.folds is None:
        raise UsageError(f"--resume {out}: a single training began here, not --folds -- see {out / RECIPE}")
    if (out / TABLE).is_file():
        raise UsageError(
            f"--resume {out}: all {settings.folds} folds have ended -- their figures: {out / TABLE}"
        )
    return _all_folds(settings, out, on_epoch, on_progress, notice or (lambda _line: None))


def _all_folds(
    settings: TrainSettings, out: Path, on_epoch: OnEpoch | None, on_progress: Progress | None, notice: Notice
) -> list[FoldResult]:
    folds = settings.folds or 0
    results = []
    for number in range(1, folds + 1):
        folder = _folder(out, number)
        ended = _read_result(number, folder)
        notice(f"fold {number} of {folds}" + ("" if ended is None else ": has ended before"))
        results.append(ended or _one_fold(settings, number, folder, on_epoch, on_progress, notice))
    write_text(out / TABLE, _table(results))
    return results


def _one_fold(
    settings: TrainSettings,
    number: int,
    folder: Path,
    on_epoch: OnEpoch | None,
    on_progress: Progress | None,
    notice: Notice,
) -> FoldResult:
    """Trains a fold, or the rest of it, and tests it; its card is written last and says that it has ended."""
    if (folder / RECIPE).is_file():
        trained = resume(folder, on_epoch, on_progress, notice, _PARTS)
    else:
        name = f"{settings.name}-fold-{number}"
        own = settings.model_copy(update={"split": folder / SPLIT, "folds": None, "name": name})
        trained = train(own, folder, on_epoch, on_progress, notice, _PARTS)
    metrics = score_part(
        plan_of(trained.settings), trained.data.data, trained.weights, "test", folder / "test"
    )
    result = {"images": dict(trained.data.images), "metrics": metrics}
    write_text(folder / RESULT, json.dumps(result, indent=1) + "\n")
    card = write_model(trained, folder / "model")
    return FoldResult(number, card.parent, dict(trained.data.images), metrics)


def _folder(out: Path, number: int) -> Path:
    return out / f"fold-{number}"


def _read_result(number: int, folder: Path) -> FoldResult | None:
    """The result of a fold that has ended, or None."""
    if not (folder / "model" / "card.yaml").is_file():
        return None
    try:
        content = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        images = {str(part): int(count) for part, count in content["images"].items()}
        metrics = {str(name): float(value) for name, value in content["metrics"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnvironmentFaultError(
            f"{folder / RESULT}: broken ({type(error).__name__}) -- delete {folder / 'model'} to test the fold again"
        ) from error
    return FoldResult(number, folder / "model", images, metrics)


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
