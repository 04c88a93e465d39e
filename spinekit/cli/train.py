"""``spinekit train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from spinekit.cli.console import one_line_errors, terminal
from spinekit.cli.train_display import Display, display
from spinekit.core.errors import UsageError

if TYPE_CHECKING:
    from spinekit.workflows.train import Trained
    from spinekit.workflows.train_settings import TrainSettings


def command(
    recipe: Annotated[
        Path | None, typer.Argument(help="A recipe in YAML, e.g. experiments/orbit-pose.yaml.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="pose, seg, sem or detect.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the labelled data; without it synthetic films are learnt.")
    ] = None,
    data_format: Annotated[
        str | None,
        typer.Option("--format", help="Its format, see `spinekit formats`.", show_default="by its content"),
    ] = None,
    annotations: Annotated[str | None, typer.Option(help="Annotation file inside the folder.")] = None,
    images: Annotated[
        str | None, typer.Option(help="Folder of the images inside the folder, if not the format's own.")
    ] = None,
    schema: Annotated[str | None, typer.Option(help="Landmark or class set, e.g. spine-ap.")] = None,
    split: Annotated[
        Path | None, typer.Option(help="CSV with name,group,part.", show_default="by a hash of the groups")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Architecture (yolo11n|s|m|l|x, yolo12n.., yolo26n.., unet for sem), or a model to go on from: "
            "a name of `spinekit models list` or a path.",
            show_default="yolo11n; unet for sem",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="Weights to begin from, or `scratch`.", show_default="the nearest weights that ship"
        ),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch Ultralytics' own weights to begin from.")
    ] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training images.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Images a step.")] = None,
    imgsz: Annotated[
        int | None,
        typer.Option(help="Side at which films are read, a multiple of 32; sets both of the next."),
    ] = None,
    height: Annotated[
        int | None, typer.Option(help="Rows at which films are read, a multiple of 32.")
    ] = None,
    width: Annotated[int | None, typer.Option(help="Columns, likewise.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of AdamW.")] = None,
    patience: Annotated[
        int | None, typer.Option(min=0, help="Epochs without a better score before stopping; 0 never stops.")
    ] = None,
    folds: Annotated[
        int | None, typer.Option(help="So many trainings, each tested on groups that the others learn from.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of everything random.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, 0, 0,1 ...")] = None,
    name: Annotated[str | None, typer.Option(help="Of the model to be.")] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the training in this folder, which was stopped.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A new or empty folder.", show_default="runs/<n>")] = None,
) -> None:
    """Train a model on labelled films; the result is a folder that `spinekit predict --model` takes.

    Examples:

    * `spinekit train --task pose` tries it out on synthetic films, for about a minute
    * `spinekit train --task pose --data films/ --schema orbit-4`
    * `spinekit train experiments/orbit-pose.yaml --out runs/orbit`
    * `spinekit train --resume runs/orbit`
    * `spinekit predict films/ --model runs/orbit/model`
    """
    given: dict[str, Any] = {
        "task": task, "data": data, "format": data_format, "annotations": annotations, "images": images,
        "schema": schema, "split": split, "model": model, "start": start, "download": download or None,
        "epochs": epochs, "batch": batch, "imgsz": imgsz, "height": height, "width": width,
        "learning_rate": learning_rate, "patience": patience, "folds": folds, "seed": seed, "device": device,
        "name": name,
    }  # fmt: skip
    with one_line_errors():
        if resume is not None:
            _go_on(resume, recipe, given, out)
            return
        from spinekit.workflows.recipe import settings_of
        from spinekit.workflows.train_close import is_close
        from spinekit.workflows.train_settings import TrainSettings, read_recipe

        if recipe is not None and is_close(recipe):
            _train_close(recipe, given, out)
            return
        if recipe is not None:
            _train(read_recipe(recipe, given), _claimed(out))
            return
        laid = {key: value for key, value in given.items() if value is not None}
        _demand(laid)
        if data is None:
            _try_out(laid, out)
            return
        _train(settings_of(TrainSettings, {"name": f"my-{task}", **laid}, "spinekit train"), _claimed(out))


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
    from spinekit.workflows.train import resume

    told = [f"--{key.replace('_', '-')}" for key, value in given.items() if value is not None]
    if recipe is not None or told or out is not None:
        raise UsageError(
            f"--resume {folder}: goes on with the settings that it began with -- leave out "
            f"{', '.join([*([str(recipe)] if recipe else []), *told, *(['--out'] if out else [])])}"
        )
    with display() as shown:
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
    from rich.table import Table

    from spinekit.workflows.folds import TABLE, summary, train_folds

    with display() as shown:
        results = train_folds(settings, folder, shown.on_epoch, shown.on_progress, shown.notice)
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
