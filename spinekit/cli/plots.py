"""``spinekit plots``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinekit.cli.console import one_line_errors


def command(
    run: Annotated[
        Path,
        typer.Argument(help="Folder that `spinekit train`, finished or not, or `spinekit predict` wrote."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the pictures.", show_default="RUN/plots")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="Another run of `spinekit predict` on the same films, to compare with."
        ),
    ] = None,
) -> None:
    """Draw a training or a run of predict.

    Of a training: losses, precision, recall, F1, landmark errors, confusion, and the points' way as a GIF;
    pictures of val images show your films. Of a run: the tilt of the bodies level by level, how each measurement is
    distributed, and with `--against` how far two runs agree (Bland and Altman).

    Examples:

    * `spinekit plots runs/1`
    * `spinekit plots run/ --against other-run/`
    """
    with one_line_errors():
        from spinekit.workflows.plots import write_plots

        for path in write_plots(run, out, against):
            typer.echo(path)
