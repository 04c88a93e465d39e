"""``spinekit plots``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinekit.cli.console import one_line_errors


def command(
    run: Annotated[Path, typer.Argument(help="Folder that `spinekit train` wrote, finished or not.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the pictures.", show_default="RUN/plots")
    ] = None,
) -> None:
    """Draw a training: losses, precision, recall, F1, landmark errors, confusion, and the points' way as a GIF.

    Pictures of val images show your films.

    Example:

    * `spinekit plots runs/1`
    """
    with one_line_errors():
        from spinekit.workflows.plots import write_plots

        for path in write_plots(run, out):
            typer.echo(path)
