"""``spinekit train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from spinekit.cli import train_options as said
from spinekit.cli.console import one_line_errors, terminal
from spinekit.cli.train_display import Display, display
from spinekit.core.errors import UsageError

if TYPE_CHECKING:
    from spinekit.workflows.folds import FoldResult
    from spinekit.workflows.train import Trained
    from spinekit.workflows.train_close import TrainedClose
    from spinekit.workflows.train_settings import TrainSettings


def command(
    recipe: said.Recipe = None,
    task: said.Task = None,
    data: said.Data = None,
    format: said.Format = None,  # noqa: A002  (the option's name)
    annotations: said.Annotations = None,
    images: said.Images = None,
    schema: said.Schema = None,
    split: said.Split = None,
    folds: said.Folds = None,
    model: said.Model = None,
    start: said.Start = None,
    download: said.Download = False,
    imgsz: said.ImageSize = None,
    height: said.Height = None,
    width: said.Width = None,
    name: said.Name = None,
    epochs: said.Epochs = None,
    batch: said.Batch = None,
    learning_rate: said.LearningRate = None,
    patience: said.Patience = None,
    seed: said.Seed = None,
    device: said.Device = None,
    resume: said.Resume = None,
    out: said.Out = None,
) -> None:
    """Train a model on labelled films; the result is a folder that `spinekit predict --model` takes.

    Examples:

    * `spinekit train --task pose` tries it out on synthetic films, for about a minute
    * `spinekit train --task pose --data films/ --schema orbit-4`
    * `spinekit train experiments/orbit-pose.yaml --out runs/orbit`
    * `spinekit train --resume runs/orbit`
    * `spinekit predict films/ --model runs/orbit/model`
    """
    given = {
        "task": task, "data": data, "format": format, "annotations": annotations, "images": images,
        "schema": schema, "split": split, "folds": folds, "model": model, "start": start,
        "download": download or None, "imgsz": imgsz, "height": height, "width": width, "name": name,
        "epochs": epochs, "batch": batch, "learning_rate": learning_rate, "patience": patience, "seed": seed,
        "device": device,
    }  # fmt: skip
    with one_line_errors():
        if resume is not None:
            _go_on(resume, recipe, given, out)
        elif recipe is not None:
            _by_recipe(recipe, given, out)
        else:
            _by_options({key: value for key, value in given.items() if value is not None}, out)


def _by_recipe(recipe: Path, given: dict[str, Any], out: Path | None) -> None:
    from spinekit.workflows.train_close import is_close
    from spinekit.workflows.train_settings import read_recipe

    if is_close(recipe):
        _train_close(recipe, given, out)
    else:
        _train(read_recipe(recipe, given), _claimed(out))


def _by_options(given: dict[str, Any], out: Path | None) -> None:
    from spinekit.workflows.recipe import settings_of
    from spinekit.workflows.train_settings import TrainSettings

    _demand(given)
    if "data" not in given:
        _try_out(given, out)
        return
    content = {"name": f"my-{given['task']}", **given}
    _train(settings_of(TrainSettings, content, "spinekit train"), _claimed(out))


def _claimed(out: Path | None) -> Path:
    from spinekit.runs import claim_folder, next_folder

    return claim_folder(out) if out else next_folder(Path("runs"))


def _train(settings: TrainSettings, folder: Path) -> None:
    from spinekit.workflows.train import train

    if settings.folds is not None:
        _train_folds(settings, folder)
        return
    with display() as shown:
        trained = train(settings, folder, shown.on_epoch, shown.on_progress, shown.notice)
        _finish(trained, folder, shown)


def _go_on(folder: Path, recipe: Path | None, given: dict[str, Any], out: Path | None) -> None:
    from spinekit.models.history import read_history
    from spinekit.workflows.folds import resume_folds
    from spinekit.workflows.run_recipe import laid_recipe
    from spinekit.workflows.train import resume
    from spinekit.workflows.train_close import laid_close_recipe, resume_close_look

    told = [f"--{key.replace('_', '-')}" for key, value in given.items() if value is not None]
    if recipe is not None or told or out is not None:
        raise UsageError(
            f"--resume {folder}: goes on with the settings that it began with -- leave out "
            f"{', '.join([*([str(recipe)] if recipe else []), *told, *(['--out'] if out else [])])}"
        )
    if laid_close_recipe(folder) is not None:
        with display() as shown:
            close = resume_close_look(folder, shown.on_epoch, shown.on_progress, shown.notice)
        _show_close(close, shown)
        return
    if laid_recipe(folder)[0].folds is not None:
        with display() as shown:
            results = resume_folds(folder, shown.on_epoch, shown.on_progress, shown.notice)
        _show_folds(results, folder)
        return
    with display(read_history(folder / "run")) as shown:
        trained = resume(folder, shown.on_epoch, shown.on_progress, shown.notice)
        _finish(trained, folder, shown)


def _finish(trained: Trained, folder: Path, shown: Display) -> None:
    from spinekit.workflows.model_folder import write_model

    for dropped in trained.data.dropped:
        shown.notice(f"left out: {dropped}")
    card = write_model(trained, folder / "model")
    shown.console.print(
        f"model: {card.parent}\nuse it: spinekit predict FILMS --model {card.parent}", markup=False
    )


def _train_close(recipe: Path, given: dict[str, Any], out: Path | None) -> None:
    from spinekit.workflows.train_close import read_close_recipe, train_close_look

    settings = read_close_recipe(recipe, given)
    folder = _claimed(out)
    with display() as shown:
        trained = train_close_look(settings, folder, shown.on_epoch, shown.on_progress)
    _show_close(trained, shown)


def _show_close(trained: TrainedClose, shown: Display) -> None:
    shown.console.print(
        f"model: {trained.model}\nuse it: spinekit predict FILMS --model {trained.model}", markup=False
    )


def _demand(given: dict[str, Any]) -> None:
    """Refuses what can be neither a training nor a try."""
    if "task" not in given:
        raise UsageError(
            "--task missing -- name a recipe, or say --task pose, seg, sem or detect; see spinekit train --help"
        )
    if "data" in given and "schema" not in given:
        raise UsageError(
            "--schema missing -- name the landmark or class set to learn; see docs/reference/schemas.md"
        )


def _try_out(given: dict[str, Any], out: Path | None) -> None:
    """Trains on synthetic films, and says how to do so on one's own."""
    from spinekit.workflows.trial import SECONDS, own_command, trial_settings

    folder = _claimed(out)
    settings = trial_settings(given, folder)
    limit = f"at most about {SECONDS:.0f} s" if settings.seconds else f"{settings.epochs} epochs"
    terminal().print(
        f"no --data: this tries out a training on synthetic films ({settings.schema_name}), {limit}; "
        "the model is of no use on real ones",
        style="yellow", markup=False,
    )  # fmt: skip
    _train(settings, folder)
    terminal().print(f"with your own films: {own_command(settings)}", markup=False)


def _train_folds(settings: TrainSettings, folder: Path) -> None:
    from spinekit.workflows.folds import train_folds

    with display() as shown:
        results = train_folds(settings, folder, shown.on_epoch, shown.on_progress, shown.notice)
    _show_folds(results, folder)


def _show_folds(results: list[FoldResult], folder: Path) -> None:
    from rich.table import Table

    from spinekit.workflows.folds import TABLE, summary

    totals = summary(results)
    chosen = [
        name for name in totals if any(word in name for word in ("MRE", "missed", "Dice", "mAP", "acc"))
    ]
    table = Table("fold", "test images", *(name.removeprefix("metrics/") for name in chosen), box=None)
    for result in results:
        cells = [f"{result.metrics[name]:.3g}" if name in result.metrics else "" for name in chosen]
        table.add_row(str(result.fold), str(result.images.get("test", 0)), *cells)
    table.add_row("mean (SD)", "", *(f"{totals[name][0]:.3g} ({totals[name][1]:.2g})" for name in chosen))
    Console(soft_wrap=True).print(table)
    terminal().print(f"all figures: {folder / TABLE}; models: {folder}/fold-*/model", markup=False)
