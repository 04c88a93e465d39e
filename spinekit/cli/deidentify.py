"""``spinekit deidentify``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinekit.cli.console import SOME_FAILED, one_line_errors, progress_bar, terminal
from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.workflows.deidentify import Deidentified

_MOST_LINES = 10


def command(
    sources: Annotated[list[Path], typer.Argument(metavar="SRC...", help="Images, or folders of them.")],
    out: Annotated[Path, typer.Option(help="A new or empty folder for the copies.")],
    blank: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y,W,H",
            help="Blacken this part of every picture, in px from its corner; may be repeated.",
        ),
    ] = None,
    dates: Annotated[
        str,
        typer.Option(
            metavar="remove|shift", help="Remove dates, or shift all of a patient's by as many days."
        ),
    ] = "remove",
    keep_person: Annotated[
        bool, typer.Option("--keep-person", help="Keep sex, and age below 90 years, of DICOM images.")
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option(
            help="File with the secret of the pseudonyms; made where it is missing.",
            show_default="your own, in spinekit's cache",
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(help="Write old and new names to this file; keep it secret.", show_default="no table"),
    ] = None,
    max_pixels: Annotated[int, typer.Option(min=1, help="Refuse larger images.")] = 200_000_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON, for scripts.")] = False,
) -> None:
    """Write copies of images that name nobody: clean headers, numbered names, each searched after it was written.

    DICOM images keep what is known to name nobody and lose everything else (PS3.15, Basic Profile); their UIDs and
    numbers become pseudonyms, alike wherever the same secret is used. PNG, JPEG, TIFF and the like become PNG
    without a remark. Text that is burned into a picture is yours to find: `--blank` blackens it.

    Examples:

    * `spinekit deidentify films/ --out clean`
    * `spinekit deidentify films/ --out clean --blank 0,0,600,80 --dates shift --keep-person`
    * `spinekit deidentify films/ --out clean --key secret.key --table names.csv`

    Ends with 0 (all done), 1 (some images have no copy), 2 (usage), 3 (no copy at all), 4 (environment).
    """
    with one_line_errors():
        from spinekit.workflows.checked_settings import checked
        from spinekit.workflows.deidentify import DeidentifySettings, deidentify, parse_box

        settings = checked(
            DeidentifySettings,
            {
                "sources": tuple(sources), "out": out, "blank": tuple(parse_box(text) for text in blank or ()),
                "dates": dates, "person": keep_person, "key": key, "table": table, "max_pixels": max_pixels,
            },
        )  # fmt: skip
        with progress_bar("images", quiet=as_json) as bar:
            task = bar.add_task("cleaning", total=None)
            done = deidentify(settings, lambda count, total: bar.update(task, completed=count, total=total))
        if as_json:
            typer.echo(json.dumps(_summary(done), ensure_ascii=False, indent=1))
        else:
            _print(done)
    if done.failed:
        raise typer.Exit(SOME_FAILED)


def _summary(done: Deidentified) -> dict[str, object]:
    return {
        "out": str(done.out),
        "copies": done.copies,
        "files": [
            {
                "source": file.source,
                "copies": list(file.copies),
                "reason": file.reason,
                "notes": list(file.notes),
            }
            for file in done.files
        ],
    }


def _print(done: Deidentified) -> None:
    console = terminal()
    for file in done.failed[:_MOST_LINES]:
        console.print(f"failed: {printable(file.source)}: {file.reason}", style="red", markup=False)
    if len(done.failed) > _MOST_LINES:
        console.print(f"failed: {len(done.failed) - _MOST_LINES} more", style="red")
    notes: dict[str, int] = {}
    for file in done.files:
        for note in file.notes:
            notes[note] = notes.get(note, 0) + 1
    for note, count in notes.items():
        console.print(f"note: {count} x {note}", style="yellow", markup=False)
    skipped = sum(file.skipped for file in done.files)
    more = f", {skipped} files without an image passed over" if skipped else ""
    console.print(f"{done.copies} copies{more}", markup=False)
    console.print(f"results: {done.out}", soft_wrap=True, markup=False)
