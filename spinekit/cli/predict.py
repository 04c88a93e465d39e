"""``spinekit predict``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from spinekit.cli.console import NOTHING, SOME_FAILED, one_line_errors, progress_bar, terminal
from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.workflows.predict import Prediction, PredictRun


def command(
    sources: Annotated[list[Path], typer.Argument(metavar="SRC...", help="Films and folders of films.")],
    model: Annotated[
        str, typer.Option(help="`auto`, the name of a shipped model, or a path to weights.")
    ] = "auto",
    out: Annotated[
        Path | None, typer.Option(help="A new or empty folder.", show_default="spinekit-out/<n>")
    ] = None,
    save: Annotated[
        list[str] | None,
        typer.Option(help="Further formats: mask, via, coco, yolo ..., by commas or by saying it again."),
    ] = None,
    spacing: Annotated[
        str | None, typer.Option(metavar="MM|ROWxCOL", help="Pixel spacing in mm; overrides the files' own.")
    ] = None,
    overlays: Annotated[bool, typer.Option(help="Draw what was found.")] = True,
    report: Annotated[bool, typer.Option(help="Write report.html.")] = True,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads.", show_default="all cores")] = None,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Refuse larger images before decoding.")
    ] = 200_000_000,
    window: Annotated[
        str | None,
        typer.Option(
            metavar="C,W|NAME|full",
            help="Read DICOM images by this window; see `spinekit convert`.",
            show_default="the files' own",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, for scripts.")] = False,
) -> None:
    """Read films: name bodies and landmarks, measure, draw, report.

    Writes `predictions.jsonl`, `measurements.csv`, `overlays/`, `report.html`, `failures.csv` and `run.json`.

    Examples:

    * `spinekit predict films/`
    * `spinekit predict films/ --model ceph-pose --spacing 0.1 --save via`
    * `spinekit predict slice.dcm --json`

    Ends with 0 (all done), 1 (some files failed), 2 (usage), 3 (nothing usable), 4 (environment).
    """
    with one_line_errors():
        from spinekit.api import predict

        with progress_bar("files", quiet=as_json) as bar:
            task = bar.add_task("starting", total=None)

            def show(done: int, total: int, name: str) -> None:
                bar.update(task, completed=done, total=total, description=printable(name)[-40:])

            run = predict(
                list(sources),
                model=model,
                out=out,
                save=[name for word in save or () for name in word.split(",") if name],
                spacing=spacing,
                overlays=overlays,
                report=report,
                threads=threads,
                max_pixels=max_pixels,
                window=window,
                on_progress=show,
            )
        if as_json:
            typer.echo(json.dumps(_summary(run), ensure_ascii=False, indent=1))
        else:
            _print(run)
    counts = run.record.counts()
    if not counts["ok"]:
        raise typer.Exit(NOTHING)
    if counts["failed"]:
        raise typer.Exit(SOME_FAILED)


def _summary(run: PredictRun) -> dict[str, object]:
    return {
        "out": str(run.out),
        "counts": run.record.counts(),
        "models": run.record.models,
        "images": [
            {
                "image": prediction.image.name,
                "model": prediction.scene.model if prediction.scene is not None else None,
                "found": len(prediction.scene.instances) if prediction.scene is not None else 0,
                "refusal": prediction.refusal,
                "measurements": {
                    result.name: result.value for result in prediction.results if hasattr(result, "value")
                },
            }
            for prediction in run.predictions
        ],
        "failed": {record.name: record.reason for record in run.record.with_status("failed")},
    }


_MOST_ROWS = 40


def _print(run: PredictRun) -> None:
    console = terminal()
    if run.predictions:
        table = Table(box=None, pad_edge=False)
        for title in ("image", "model", "found", "first measurements"):
            table.add_column(title, overflow="fold")
        for prediction in run.predictions[:_MOST_ROWS]:
            table.add_row(*_row(prediction))
        console.print(table)
        if len(run.predictions) > _MOST_ROWS:
            console.print(f"... and {len(run.predictions) - _MOST_ROWS} more, see measurements.csv")
    for record in run.record.with_status("failed"):
        console.print(
            f"failed: {printable(record.name)}: {printable(record.reason)}", style="red", markup=False
        )
    skipped = run.record.with_status("skipped")
    if skipped:
        console.print(f"skipped {len(skipped)} files that hold no image, see failures.csv", style="dim")
    counts = run.record.counts()
    console.print(
        f"{counts['ok']} read, {counts['abstained']} refused by the models, {counts['failed']} failed, "
        f"{counts['skipped']} skipped"
    )
    console.print(f"results: {run.out}", soft_wrap=True)


def _row(prediction: Prediction) -> tuple[str, str, str, str]:
    from rich.markup import escape

    from spinekit.core.measurement import Measurement

    scene = prediction.scene
    name = escape(printable(prediction.image.name))
    if scene is None:
        return name, "-", "-", f"[yellow]{escape(prediction.refusal)}[/yellow]"
    if scene.raster is not None and scene.raster.labels is not None:
        share = float((scene.raster.labels > 0).mean())
        return name, scene.model, "mask", f"{scene.schema.classes[-1]} {share:.1%} of the pixels"
    words = [
        f"{result.name} {result.value:.1f}{'°' if result.unit == 'deg' else ' ' + result.unit}"
        for result in prediction.results
        if isinstance(result, Measurement)
    ]
    points = scene.instances[0].landmarks if len(scene.instances) == 1 else None
    found = f"{len(points.names)} points" if points is not None else f"{len(scene.instances)} bodies"
    return name, scene.model, found, ", ".join(words[:2])
