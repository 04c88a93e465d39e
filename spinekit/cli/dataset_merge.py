"""``spinekit dataset merge``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from spinekit.cli.console import SOME_FAILED, one_line_errors, progress_bar, terminal
from spinekit.cli.dataset_words import in_parts, say_counts, say_groups, say_lines, say_notices
from spinekit.core.errors import UsageError
from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.workflows.dataset_merge import MergeReport

_NONE = "-"


def command(
    data: Annotated[list[Path], typer.Argument(metavar="DATA...", help="Folders or files of labelled data.")],
    out: Annotated[Path, typer.Option(help="A new or empty folder.")],
    schema: Annotated[str, typer.Option(help="Landmark or class set of the whole.")],
    to: Annotated[str, typer.Option(help="Format to write, see `spinekit formats`.")] = "scenes",
    data_format: Annotated[
        list[str] | None,
        typer.Option(
            "--from", help="Format: once for all, or once for each in turn.", show_default="by its content"
        ),
    ] = None,
    name_map: Annotated[
        list[str] | None,
        typer.Option("--map", help="YAML with pairs of names, once for each in turn; - for none."),
    ] = None,
    images: Annotated[
        list[str] | None, typer.Option(help="Folder of the images, once for each in turn; - for none.")
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="What to call each, in turn.", show_default="by its folder")
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(help="Lay the whole out by parts: a split table of all, or one of each source in turn."),
    ] = None,
    allow_leak: Annotated[
        bool, typer.Option("--allow-leak", help="Even where a patient or an image is in two parts.")
    ] = False,
) -> None:
    """Make one data set of several: names under one schema, groups kept apart, a table of what came whence.

    An image that several sources label (the same bytes) goes in once, with the labels of all.

    Examples:

    * `spinekit dataset merge cervical/ thoracolumbar/ --schema vertebrae --to coco --out spine/`
    * `spinekit dataset merge a/ b/ --schema ceph-27 --map - --map b.yaml --out both/`
    * `spinekit dataset merge a/ b/ --schema vertebrae --split a.csv --split b.csv --to yolo --out both/`
    """
    with one_line_errors():
        from spinekit.workflows.checked_settings import checked
        from spinekit.workflows.dataset_merge import MergeSettings, merge_datasets

        columns = {
            "format": _each("--from", data_format, len(data)),
            "map": _each("--map", name_map, len(data)),
            "images": _each("--images", images, len(data)),
            "name": _each("--name", name, len(data)),
            "split": _each("--split", split, len(data)),
        }
        sources = [
            {"data": path, **{key: values[place] for key, values in columns.items()}}
            for place, path in enumerate(data)
        ]
        settings = checked(
            MergeSettings,
            {"sources": sources, "schema_name": schema, "out": out, "to": to, "allow_leak": allow_leak},
        )
        with progress_bar("images") as bar:
            task = bar.add_task("merging", total=None)
            report = merge_datasets(
                settings, lambda done, now: bar.update(task, completed=done, description=printable(now)[-40:])
            )
        _print(report)
    if report.failed:
        raise typer.Exit(SOME_FAILED)


def _each(option: str, given: list[str] | None, count: int) -> list[str | None]:
    """The value of an option for each source."""
    if not given:
        return [None] * count
    if len(given) not in {1, count}:
        raise UsageError(f"{option}: given {len(given)} times for {count} sources -- once, or once for each")
    values = given * count if len(given) == 1 else given
    return [None if value == _NONE else value for value in values]


def _print(report: MergeReport) -> None:
    console = terminal()
    shown = Table("source", "images", "instances", "labels", box=None, pad_edge=False)
    for source in report.sources:
        labels = ", ".join(f"{printable(label)} {count}" for label, count in source.labels.items())
        shown.add_row(printable(source.name), str(source.images), str(source.labels.total()), labels)
    console.print(shown)
    for source in report.sources:
        say_counts(f"{source.name}: left out as the map asks", source.left_out)
        say_counts(f"{source.name}: landmarks without a place in the schema", source.points)
        if source.rasters:
            console.print(
                f"{source.name}: {source.rasters} probabilities left out", style="yellow", markup=False
            )
        say_lines("renamed", [f"{source.name}: {old} is now {new}" for old, new in source.renamed])
        if source.never and source.images:
            words = ", ".join(source.never)
            console.print(
                f"{source.name} never labels {printable(words)}: where one is seen, training learns to miss it",
                style="yellow", markup=False,
            )  # fmt: skip
    say_lines("joined", report.joined)
    say_lines("two answers", report.conflicts)
    say_counts(f"{report.written.format} does not keep (images)", report.not_kept)
    say_groups(report.written.out, report.not_kept)
    say_notices(report.notices)
    say_lines("failed", report.failed)
    console.print(
        f"{report.written.out}: {report.written.images} images as {report.written.format}{in_parts(report.parts)}",
        markup=False,
    )
