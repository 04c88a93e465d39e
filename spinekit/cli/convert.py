"""``spinekit convert``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from spinekit.cli import convert_options as options
from spinekit.cli.console import SOME_FAILED, one_line_errors, progress_bar, terminal
from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.workflows.convert import Conversion

_MOST_LINES = 10


def command(
    source: options.Source,
    out: options.Out,
    to: options.To,
    from_format: options.FromFormat = None,
    schema: options.Schema = None,
    names: options.Names = None,
    images: options.Images = None,
    class_attribute: options.ClassAttribute = None,
    allow_loss: options.AllowLoss = False,
    allow_missing: options.AllowMissing = False,
    consensus: options.Consensus = None,
    corrected: options.Corrected = False,
    covariates: options.Covariates = False,
    copy_images: options.CopyImages = None,
    split: options.Split = None,
    allow_leak: options.AllowLeak = False,
    window: options.Window = None,
    as_json: options.AsJson = False,
) -> None:
    """Convert annotations from one format to another; what the target cannot carry is told first.

    Writes the annotations, `manifest.csv` (each image's source, spacing, hashes) and, where something was
    passed over, `passed-over.txt`. The source is only read. With `--split`, a YOLO set has folders `train`, `val`
    and `test` that its `data.yaml` names; of other formats each part is a folder, a data set by itself.

    Examples:

    * `spinekit convert labels.csv dataset --to yolo --schema orbit-4 --images films/`
    * `spinekit convert labels.csv dataset --to yolo --images films/ --split split.csv`
    * `spinekit convert coco.json via --to via --map names.yaml --allow-loss`
    * `spinekit convert slices/ dataset --to yolo --window 300,1500`
    * `spinekit convert two-readers/ merged --to coco --consensus mean`

    Ends with 0 (all done), 1 (some images or the annotation failed), 2 (usage, or a loss that was not
    allowed), 3 (nothing to convert), 4 (environment).
    """
    with one_line_errors():
        from spinekit.formats.reading import parse_window
        from spinekit.workflows.convert import ConvertSettings, convert

        settings = ConvertSettings(
            source=source,
            out=out,
            to=to,
            from_format=from_format,
            schema_name=schema,
            map=names,
            images=images,
            class_attribute=class_attribute,
            allow_loss=allow_loss,
            allow_missing=allow_missing,
            consensus=consensus,
            corrected=corrected,
            covariates=covariates,
            copy_images=copy_images,
            split=split,
            allow_leak=allow_leak,
            window=None if window is None else parse_window(window),
        )
        with progress_bar("images", quiet=as_json) as bar:
            line = bar.add_task("reading", total=None)

            def show(what: str, count: int, total: int) -> None:
                bar.update(line, description=what, completed=count, total=total or None)

            done = convert(settings, show, _print_losses)
        if as_json:
            typer.echo(json.dumps(_summary(done), ensure_ascii=False, indent=1))
        else:
            _print(done)
    if done.failed:
        raise typer.Exit(SOME_FAILED)


def _print_losses(lost: Mapping[str, str]) -> None:
    console = terminal()
    for words in lost.values():
        console.print(f"lost: {printable(words)}", style="yellow", markup=False)


def _summary(done: Conversion) -> dict[str, object]:
    from spinekit.workflows.survey import reasons

    return {
        "out": str(done.out),
        "from": done.source_format,
        "to": done.target_format,
        "schema": done.schema,
        "images": done.images,
        "instances": done.instances,
        "rasters": done.rasters,
        "passed_over": reasons(done.passed_over),
        "left_out": dict(done.left_out),
        "lost": dict(done.lost),
        "parts": dict(done.parts),
        "notes": list(done.remarks),
        "failed": list(done.failed),
        "files": [file.relative_to(done.out).as_posix() for file in done.files],
    }


def _print(done: Conversion) -> None:
    from spinekit.workflows.survey import reasons

    console = terminal()
    for line in done.failed[:_MOST_LINES]:
        console.print(f"failed: {printable(line)}", style="red", markup=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("read", f"{done.source_format}, named by {printable(done.schema)}")
    rasters = f", {done.rasters} rasters" if done.rasters else ""
    table.add_row(
        "written", f"{done.target_format}: {done.images} images, {done.instances} instances{rasters}"
    )
    if done.parts:
        table.add_row("parts", ", ".join(f"{count} {part}" for part, count in done.parts.items()))
    for label, count in done.left_out.items():
        table.add_row("left out", f"{count} x {printable(label)}, as the map says")
    for reason, count in reasons(done.passed_over).items():
        table.add_row("told", f"{count} x {printable(reason)}")
    if done.failed:
        table.add_row("failed", f"{len(done.failed)} images")
    table.add_row("files", ", ".join(_files(done)))
    console.print(table)
    for line in done.remarks:
        console.print(f"note: {printable(line)}", style="yellow", markup=False)
    console.print(f"results: {done.out}", soft_wrap=True, markup=False)


def _files(done: Conversion) -> list[str]:
    names = [file.relative_to(done.out).as_posix() for file in done.files]
    last = names[-3:] if len(names) > 6 else []
    shown = names if not last else [names[0], f"... {len(names) - 4} more ...", *last]
    return [printable(name) for name in shown]
