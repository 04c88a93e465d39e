"""``spinekit export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from spinekit.cli.console import SOME_FAILED, one_line_errors, terminal


def command(
    name: Annotated[str, typer.Argument(help="Name of a model, or a path to one.")],
    form: Annotated[str, typer.Option("--format", help="onnx or openvino.")] = "onnx",
    out: Annotated[
        Path | None, typer.Option(help="A new or empty folder.", show_default="NAME-FORMAT")
    ] = None,
) -> None:
    """Export a model's networks, close looks too, and compare each with the one that it came from.

    Ends with exit code 1 if one does not agree.

    Example:

    * `spinekit export orbit-pose --format onnx`
    """
    with one_line_errors():
        from rich.console import Console

        from spinekit.models.export import check_packages
        from spinekit.models.weights import find_card
        from spinekit.runs import claim_folder
        from spinekit.workflows.export import export

        check_packages(form)
        folder = claim_folder(out or Path(f"{find_card(name).name}-{form}"))
        made = export(name, form, folder)
        table = Table("file", "input", "largest difference", "of answers up to", "agrees", box=None)
        for item in made.networks:
            shape = " x ".join(map(str, item.shape))
            table.add_row(
                item.path.name, shape, f"{item.difference:.2g}", f"{item.scale:.3g}",
                "yes" if item.agrees else "NO",
            )  # fmt: skip
        Console(soft_wrap=True).print(table)
        terminal().print(f"written: {made.folder}; how to feed it: {made.folder}/export.json", markup=False)
        if not all(item.agrees for item in made.networks):
            raise typer.Exit(SOME_FAILED)
