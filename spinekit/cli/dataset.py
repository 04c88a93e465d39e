"""``spinekit dataset``: the commands, each in a file of its own."""

from __future__ import annotations

import typer

from spinekit.cli import (
    dataset_augment,
    dataset_check,
    dataset_merge,
    dataset_preview,
    dataset_split,
    dataset_stats,
)

app = typer.Typer(help="Data sets: divide, merge, augment, count and look.", no_args_is_help=True)


@app.callback()
def root() -> None:
    """Commands about data sets."""


app.command("check", no_args_is_help=True)(dataset_check.command)
app.command("split", no_args_is_help=True)(dataset_split.command)
app.command("merge", no_args_is_help=True)(dataset_merge.command)
app.command("augment", no_args_is_help=True)(dataset_augment.command)
app.command("stats", no_args_is_help=True)(dataset_stats.command)
app.command("preview", no_args_is_help=True)(dataset_preview.command)
