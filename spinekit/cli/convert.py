"""``spinekit convert``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from spinekit.cli.console import SOME_FAILED, one_line_errors, progress_bar, terminal
from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.workflows.convert import Conversion

_MOST_LINES = 10


def command(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Annotation file or folder.")],
    out: Annotated[Path, typer.Argument(metavar="DST", help="A new or empty folder.")],
    to: Annotated[str, typer.Option("--to", help="Format to write, see `spinekit formats`.")],
    from_format: Annotated[
        str | None, typer.Option("--from", help="Format of the source.", show_default="told by its content")
    ] = None,
    schema: Annotated[
        str | None,
        typer.Option(
            help="Landmark or class set, a name or a file.", show_default="the names that the source uses"
        ),
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option("--map", help="YAML with `classes: {old: new, unwanted: null}` and `landmarks: {...}`."),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of the images.", show_default="what the source says, or beside it"),
    ] = None,
    class_attribute: Annotated[
        str | None,
        typer.Option(help="Attribute that holds the class (VIA).", show_default="found by its values"),
    ] = None,
    allow_loss: Annotated[
        bool, typer.Option("--allow-loss", help="Write even what the target cannot carry whole.")
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option(help="Pass over annotated images that are not there.")
    ] = False,
    consensus: Annotated[
        str | None,
        typer.Option(
            help="`mean`: average the points of several readers.", show_default="readers stay apart"
        ),
    ] = None,
    corrected: Annotated[
        bool,
        typer.Option(
            "--corrected", help="A person went over all of it: nothing in it is a model's any more."
        ),
    ] = False,
    covariates: Annotated[
        bool, typer.Option("--covariates", help="Write age and sex, where the source holds them.")
    ] = False,
    copy_images: Annotated[
        bool | None,
        typer.Option(
            help="Lay 8-bit copies of the images beside the annotations.",
            show_default="where the format needs it",
        ),
    ] = None,
    split: Annotated[
        Path | None,
        typer.Option(
            help="Lay the output out by the parts of this table (name,group,part; see `dataset split`)."
        ),
    ] = None,
    allow_leak: Annotated[
        bool, typer.Option("--allow-leak", help="Even where a patient or an image is in two parts of it.")
    ] = False,
    window: Annotated[
        str | None,
        typer.Option(
            metavar="C,W|NAME|full",
            help="Show DICOM images by this window: centre and width, the number or name of one of the files' own, "
            "or the whole range.",
            show_default="the files' own",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, for scripts.")] = False,
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
