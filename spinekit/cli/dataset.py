"""``spinekit dataset``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinekit.cli.console import one_line_errors, terminal

app = typer.Typer(help="Data sets: splits that never share a patient.", no_args_is_help=True)


@app.callback()
def root() -> None:
    """Commands about data sets."""


@app.command("split", no_args_is_help=True)
def split_command(
    data: Annotated[Path, typer.Argument(help="Folder or file of the labelled data.")],
    data_format: Annotated[str, typer.Option("--format", help="Its format, see `spinekit formats`.")],
    schema: Annotated[str, typer.Option(help="Landmark or class set.")],
    out: Annotated[Path, typer.Option(help="The table to write.")] = Path("split.csv"),
    images: Annotated[Path | None, typer.Option(help="Folder of the images, where it is another.")] = None,
    train: Annotated[float, typer.Option(min=0.01, max=0.98, help="Share of the groups to train on.")] = 0.7,
    val: Annotated[float, typer.Option(min=0.01, max=0.98, help="Share of the groups to choose by.")] = 0.1,
    salt: Annotated[str, typer.Option(help="Name of the data set; another one falls anew.")] = "",
) -> None:
    """Divide labelled films into train, val and test by patient or series, near-duplicates together.

    Example:

    * `spinekit dataset split films/ --format via --schema orbit-4 --out split.csv`
    """
    with one_line_errors():
        from spinekit.workflows.split import PARTS, split_labelled, write_split

        parts = split_labelled(data, data_format, schema, images, salt or data.resolve().name, (train, val))
        write_split(out, parts)
        counts = {part: sum(side == part for side, _ in parts.values()) for part in PARTS}
        terminal().print(f"{out}: " + ", ".join(f"{n} {part}" for part, n in counts.items()), markup=False)
