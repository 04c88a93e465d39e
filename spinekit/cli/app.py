"""``spinekit``: the commands, each in a file of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from spinekit import __version__
from spinekit.cli import (
    compare,
    convert,
    dataset,
    deidentify,
    doctor,
    evaluate,
    export,
    formats,
    measure,
    models,
    plots,
    predict,
    report,
    review,
    samples,
    train,
)
from spinekit.core.notice import RESEARCH_USE

app = typer.Typer(
    name="spinekit",
    help=f"Named vertebrae, landmarks and calibrated measurements from skeletal images.\n\n{RESEARCH_USE}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"spinekit {__version__}\n{RESEARCH_USE}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Options of the program itself."""
    del version


app.command("predict", no_args_is_help=True)(predict.command)
app.command("report", no_args_is_help=True)(report.command)
app.command("train", no_args_is_help=True)(train.command)
app.command("review", no_args_is_help=True)(review.command)
app.command("plots", no_args_is_help=True)(plots.command)
app.command("export", no_args_is_help=True)(export.command)
app.command("evaluate", no_args_is_help=True)(evaluate.command)
app.command("measure", no_args_is_help=True)(measure.command)
app.command("compare", no_args_is_help=True)(compare.command)
app.command("convert", no_args_is_help=True)(convert.command)
app.command("deidentify", no_args_is_help=True)(deidentify.command)
app.command("samples", no_args_is_help=True)(samples.command)
app.command("formats")(formats.command)
app.command("doctor")(doctor.command)
app.add_typer(models.app, name="models")
app.add_typer(dataset.app, name="dataset")


def main() -> None:
    """The commands; the console script comes here by way of `spinekit.cli.entry`."""
    app()
