"""``spinekit report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinekit.cli.console import one_line_errors, progress_bar
from spinekit.files import printable


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `spinekit predict` wrote.")],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The page; with `--pdf` the PDF.", show_default="RUN/report[.LANGUAGE].html"
        ),
    ] = None,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Print it too, by a Chromium of this machine; nothing is sent.")
    ] = False,
    language: Annotated[str, typer.Option(help="`en`, `ru`, or that of a file added.")] = "en",
    pictures: Annotated[
        str,
        typer.Option(
            metavar="auto|full|screen",
            help="`full`: the films as they are; `screen`: 1600 px; `auto`: smaller where they are many.",
        ),
    ] = "auto",
) -> None:
    """Make the report of a run again from its folder: one page that needs nothing else, to look at and to print.

    Examples:

    * `spinekit report run/`
    * `spinekit report run/ --language ru --pdf`

    Ends with 0 (written), 1 (a file of the run is broken), 2 (usage), 4 (no Chromium to print with).
    """
    with one_line_errors():
        from spinekit.api import report

        with progress_bar("images") as bar:
            task = bar.add_task("writing", total=None)
            written = report(
                run,
                out=out,
                pdf=pdf,
                language=language,
                pictures=pictures,
                on_progress=lambda done, total, name: bar.update(
                    task, completed=done, total=total, description=printable(name)[-40:]
                ),
            )
        typer.echo(written)
