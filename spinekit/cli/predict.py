"""``spinekit predict``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from spinekit.cli import predict_options as options
from spinekit.cli.console import (
    NOTHING,
    SOME_FAILED,
    loading,
    one_line_errors,
    progress_bar,
    quiet_echo,
    terminal,
)
from spinekit.files import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spinekit.workflows.predict import Prediction, PredictRun


def command(
    sources: options.Sources,
    model: options.Model = "auto",
    out: options.Out = None,
    save: options.Save = None,
    deidentify: options.Deidentify = False,
    names: options.Names = "neutral",
    name_table: options.NameTable = None,
    spacing: options.SpacingText = None,
    overlays: options.Overlays = True,
    report: options.Report = True,
    window: options.WindowText = None,
    refine: options.Refine = True,
    second_opinion: options.SecondOpinion = False,
    engine: options.Engine = "auto",
    precision: options.Precision = "f32",
    threads: options.Threads = None,
    workers: options.Workers = None,
    resume: options.Resume = False,
    force: options.Force = False,
    max_pixels: options.MaxPixels = options.MAX_PIXELS,
    max_bytes: options.MaxBytes = options.MAX_BYTES,
    seconds: options.Seconds = options.SECONDS,
    fail_fast: options.FailFast = False,
    max_failures: options.MaxFailures = None,
    as_json: options.AsJson = False,
) -> None:
    """Read films: name bodies and landmarks, measure, draw, report.

    Writes `predictions.jsonl`, `measurements.csv`, `overlays/`, `report.html`, `failures.csv`, `run.json` and more.
    A run that was stopped, killed or ran out of disk goes on with `--resume`; Ctrl-C finishes the film at hand and
    the tables, a second Ctrl-C stops at once.

    Examples:

    * `spinekit predict films/`
    * `spinekit predict films/ --model ceph-pose --spacing 0.1 --save via`
    * `spinekit predict slice.dcm --json`
    * `spinekit predict archive/ --out run --resume`

    Ends with 0 (all done), 1 (some files failed), 2 (usage), 3 (nothing usable), 4 (environment), 130 (interrupted).
    """
    interrupted = False
    with one_line_errors():
        with loading():
            from spinekit.api import predict
            from spinekit.workflows.predict import InterruptedRunError

        with progress_bar("files", quiet=as_json) as bar:
            task = bar.add_task("starting", total=None)

            def show(done: int, total: int, name: str) -> None:
                bar.update(task, completed=done, total=total, description=printable(name)[-40:])

            try:
                run = predict(
                    list(sources),
                    model=model,
                    out=out,
                    save=[name for word in save or () for name in word.split(",") if name],
                    deidentify=deidentify,
                    names=names,
                    name_table=name_table,
                    spacing=spacing,
                    overlays=overlays,
                    report=report,
                    refine=refine,
                    second_opinion=second_opinion,
                    engine=engine,
                    precision=precision,
                    threads=threads,
                    workers=workers,
                    max_pixels=max_pixels,
                    max_bytes=max_bytes,
                    seconds=seconds,
                    window=window,
                    resume=resume,
                    force=force,
                    fail_fast=fail_fast,
                    max_failures=max_failures,
                    on_progress=show,
                )
            except InterruptedRunError as stopped:
                run, interrupted = stopped.run, True
        if as_json:
            quiet_echo(json.dumps(_summary(run), ensure_ascii=False, indent=1))
        else:
            _print(run, name_table is not None)
            _warn(run, deidentify)
        if interrupted:
            raise KeyboardInterrupt
    counts = run.record.counts()
    if run.left_out or run.unsaved or (counts["failed"] and counts["ok"]):
        raise typer.Exit(SOME_FAILED)
    if not counts["ok"]:
        raise typer.Exit(NOTHING)


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


def _warn(run: PredictRun, deidentify: bool) -> None:
    from spinekit.workflows.dicom_outputs import DICOM_KINDS, PATIENT_WARNING

    if not deidentify and any((run.out / kind).is_dir() for kind in DICOM_KINDS):
        terminal().print(PATIENT_WARNING, style="yellow", markup=False)


_MOST_ROWS, _MOST_DOUBLES = 40, 5


def _print(run: PredictRun, tabled: bool) -> None:
    from spinekit.workflows.building import told_double

    console = terminal()
    if run.predictions:
        table = Table(box=None, pad_edge=False)
        for title in ("image", "model", "found", "first measurements"):
            table.add_column(title, overflow="fold")
        for prediction in run.predictions[:_MOST_ROWS]:
            # What is kept of a screen (a log) is kept longer than it is looked at.
            table.add_row(*_row(prediction, run.own_names if console.is_terminal else {}))
        console.print(table)
        if len(run.predictions) > _MOST_ROWS:
            console.print(f"... and {len(run.predictions) - _MOST_ROWS} more, see measurements.csv")
    for record in run.record.with_status("failed"):
        console.print(
            f"failed: {_own(record.name, run)}: {printable(record.reason)}", style="red", markup=False
        )
    for files in run.doubles[:_MOST_DOUBLES]:
        console.print(told_double([_own(file, run) for file in files]), style="yellow", markup=False)
    if len(run.doubles) > _MOST_DOUBLES:
        console.print(
            f"... and {len(run.doubles) - _MOST_DOUBLES} more like that, see run.json", style="yellow"
        )
    counts = run.record.counts()
    skipped = counts["skipped"] - run.left_out
    if skipped:
        console.print(f"skipped {skipped} files that hold no image, see failures.csv", style="dim")
    if run.earlier:
        again = "nothing is left to do" if run.done_before else "the others were read now"
        console.print(f"{run.earlier} files were done by an earlier run; {again}")
    for line in run.unsaved:
        console.print(printable(line), style="yellow", markup=False)
    if run.left_out:
        console.print(
            f"left out {run.left_out} files -- go on with: --out {run.out} --resume",
            style="yellow",
            markup=False,
        )
    console.print(
        f"{counts['ok']} read, {counts['abstained']} refused by the models, {counts['failed']} failed, "
        f"{counts['skipped']} skipped"
    )
    if run.own_names and not tabled:
        console.print(
            f"files called by their content in the results: {len(run.own_names)} -- which is which: --name-table "
            "FILE; their own names: --names keep",
            style="dim",
            markup=False,
        )
    console.print(f"results: {run.out}", soft_wrap=True)


def _own(name: str, run: PredictRun) -> str:
    """What a file is called by its owner, for messages that are no use without."""
    from spinekit.workflows.film_names import own_name

    return printable(own_name(name, run.own_names))


def _row(prediction: Prediction, own: Mapping[str, str]) -> tuple[str, str, str, str]:
    from rich.markup import escape

    from spinekit.core.measurement import Measurement
    from spinekit.workflows.film_names import own_name

    scene = prediction.scene
    name = escape(printable(own_name(prediction.image.name, own)))
    if scene is None:
        return name, "-", "-", f"[yellow]{escape(prediction.refusal)}[/yellow]"
    if scene.raster is not None and scene.raster.labels is not None:
        labels = scene.raster.labels
        shares = [(title, (labels == k).mean()) for k, title in enumerate(scene.schema.classes) if k]
        told = ", ".join(f"{title} {share:.1%}" for title, share in shares)
        return name, scene.model, "mask", f"{told} of the pixels"
    words = [
        f"{result.name} {result.value:.1f}{'°' if result.unit == 'deg' else ' ' + result.unit}"
        for result in prediction.results
        if isinstance(result, Measurement)
    ]
    points = scene.instances[0].landmarks if len(scene.instances) == 1 else None
    found = f"{len(points.names)} points" if points is not None else f"{len(scene.instances)} bodies"
    return name, scene.model, found, ", ".join(words[:2])
