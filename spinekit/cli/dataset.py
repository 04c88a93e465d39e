"""``spinekit dataset``: the commands, each in a file of its own."""

from __future__ import annotations

import typer

from spinekit.cli import dataset_split

app = typer.Typer(help="Data sets: divide, merge, augment, count and look.", no_args_is_help=True)


@app.callback()
def root() -> None:
    """Commands about data sets."""


app.command("split", no_args_is_help=True)(dataset_split.command)
