"""The options of ``spinekit dataset split``, one line of help each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Argument(help="Folder or file of the labelled data.")]
DataFormat = Annotated[
    str | None,
    typer.Option(
        "--from", "--format", help="Its format, see `spinekit formats`.", show_default="by its content"
    ),
]
Schema = Annotated[
    str | None, typer.Option(help="Landmark or class set.", show_default="the names in the labels")
]
Out = Annotated[Path, typer.Option(help="The table to write; with --folds, one for each.")]
Images = Annotated[Path | None, typer.Option(help="Folder of the images, where it is another.")]
By = Annotated[
    str | None,
    typer.Option(
        help="What stays together: patient, visit, image, column:NAME of --table, or a regular expression "
        "whose first group is taken from the image's name.",
        show_default="what the labels say",
    ),
]
Blocks = Annotated[
    int | None, typer.Option(min=2, help="Cut each stack of slices into so many runs of neighbours.")
]
Gap = Annotated[int, typer.Option(min=0, help="Slices left out between blocks of different parts.")]
Folds = Annotated[
    int | None,
    typer.Option(
        min=3, help="Write so many tables for cross-validation, FILE-1.csv ...; they set the shares."
    ),
]
Stratify = Annotated[
    str | None,
    typer.Option(
        help="Give each part its share of these, by commas: classes, age_years, sex, a column of --table, "
        "or a measurement of the schema."
    ),
]
Table = Annotated[Path | None, typer.Option(help="CSV with a column name, for --by and --stratify.")]
Duplicates = Annotated[bool, typer.Option(help="Keep near-duplicate films together.")]
Train = Annotated[float, typer.Option(min=0.01, max=0.98, help="Share of the groups to train on.")]
Val = Annotated[float, typer.Option(min=0.01, max=0.98, help="Share of the groups to choose by.")]
Salt = Annotated[str, typer.Option(help="Name of the data set; another one falls anew.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the account as JSON, for scripts.")]
