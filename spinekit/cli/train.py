"""``spinekit train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spinekit.cli.console import one_line_errors, progress_bar, terminal
from spinekit.core.errors import UsageError

if TYPE_CHECKING:
    from spinekit.models.training import EpochReport


def command(
    recipe: Annotated[
        Path | None, typer.Argument(help="A recipe in YAML, e.g. experiments/orbit-pose.yaml.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="pose, seg or sem.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the labelled data.")] = None,
    data_format: Annotated[
        str | None, typer.Option("--format", help="Its format, see `spinekit formats`.")
    ] = None,
    annotations: Annotated[str | None, typer.Option(help="Annotation file inside the folder.")] = None,
    schema: Annotated[str | None, typer.Option(help="Landmark or class set, e.g. spine-ap.")] = None,
    split: Annotated[
        Path | None, typer.Option(help="CSV with name,group,part.", show_default="by a hash of the groups")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Architecture, e.g. yolo11n.")] = None,
    start: Annotated[Path | None, typer.Option(help="Weights to begin from.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training images.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Images a step.")] = None,
    height: Annotated[
        int | None, typer.Option(help="Rows at which films are read, a multiple of 32.")
    ] = None,
    width: Annotated[int | None, typer.Option(help="Columns, likewise.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of everything random.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, 0, 0,1 ...")] = None,
    name: Annotated[str | None, typer.Option(help="Of the model to be.")] = None,
    out: Annotated[Path | None, typer.Option(help="A new or empty folder.", show_default="runs/<n>")] = None,
) -> None:
    """Train a model on labelled films; the result is a folder that `spinekit predict --model` takes.

    Examples:

    * `spinekit train experiments/orbit-pose.yaml --out runs/orbit`
    * `spinekit train --task pose --data films/ --format via --schema orbit-4`
    * `spinekit predict films/ --model runs/orbit/model`
    """
    with one_line_errors():
        from spinekit.runs import claim_folder, next_folder
        from spinekit.workflows.model_folder import write_model
        from spinekit.workflows.recipe import settings_of
        from spinekit.workflows.train import TrainSettings, read_recipe, train
        from spinekit.workflows.train_close import is_close

        given: dict[str, Any] = {
            "task": task, "data": data, "format": data_format, "annotations": annotations, "schema": schema,
            "split": split, "model": model, "start": start, "epochs": epochs, "batch": batch,
            "height": height, "width": width, "seed": seed, "device": device, "name": name,
        }  # fmt: skip
        if recipe is not None and is_close(recipe):
            _train_close(recipe, given, claim_folder(out) if out else next_folder(Path("runs")))
            return
        if recipe is not None:
            settings = read_recipe(recipe, given)
        else:
            _demand(given)
            laid = {key: value for key, value in given.items() if value is not None}
            settings = settings_of(TrainSettings, {"name": f"my-{task}", **laid}, "spinekit train")
        folder = claim_folder(out) if out else next_folder(Path("runs"))
        console = terminal()
        with progress_bar("batches") as bar:
            line = bar.add_task("preparing", total=None)
            trained = train(
                settings,
                folder,
                on_epoch=lambda epoch: console.print(_words(epoch), markup=False),
                on_progress=lambda what, done, total: bar.update(
                    line, description=what, completed=done, total=total or None
                ),
            )
        for dropped in trained.data.dropped[:10]:
            console.print(f"left out: {dropped}", style="yellow", markup=False)
        card = write_model(trained, folder / "model")
        console.print(
            f"model: {card.parent}\nuse it: spinekit predict FILMS --model {card.parent}", markup=False
        )


def _train_close(recipe: Path, given: dict[str, Any], folder: Path) -> None:
    from spinekit.workflows.train_close import read_close_recipe, train_close_look

    console = terminal()
    settings = read_close_recipe(recipe, given)
    with progress_bar("films") as bar:
        line = bar.add_task("preparing", total=None)
        trained = train_close_look(
            settings,
            folder,
            on_epoch=lambda epoch: console.print(_words(epoch), markup=False),
            on_progress=lambda what, done, total: bar.update(
                line, description=what, completed=done, total=total or None
            ),
        )
    console.print(
        f"model: {trained.model}\nuse it: spinekit predict FILMS --model {trained.model}", markup=False
    )


def _demand(given: dict[str, Any]) -> None:
    missing = [f"--{key}" for key in ("task", "data", "format", "schema") if given[key] is None]
    if missing:
        raise UsageError(
            f"{', '.join(missing)} missing -- name a recipe, or give these; see spinekit train --help"
        )


def _words(epoch: EpochReport) -> str:
    shown = {
        key.removeprefix("metrics/"): value
        for key, value in epoch.metrics.items()
        if key.startswith("metrics/")
    }
    chosen = ("MRE(px)", "missed", "mAP50(M)", "mIoU", "pixel_acc", "mAP50(B)")
    words = [f"{key} {shown[key]:.3g}" for key in chosen if key in shown]
    losses = ", ".join(f"{key} {value:.3g}" for key, value in epoch.losses.items())
    return f"epoch {epoch.epoch}/{epoch.epochs}  {'  '.join(words)}  ({losses})"
