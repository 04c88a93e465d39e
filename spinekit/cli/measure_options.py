"""The options of ``spinekit measure``, one line of help each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[
    Path,
    typer.Argument(
        metavar="SRC", help="A run's folder, a file of predictions, or annotations of any format."
    ),
]
Schema = Annotated[str | None, typer.Option(help="Landmark or class set.", show_default="of the source")]
Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="A measurement or an analysis, e.g. `sna` or `steiner`; may be repeated."
    ),
]
Norms = Annotated[
    Path | None, typer.Option(help="Your own norms, a YAML file; they take the place of those that ship.")
]
Age = Annotated[float | None, typer.Option(min=0, max=130, help="Age in years, for norms.")]
Sex = Annotated[str | None, typer.Option(metavar="F|M", help="Sex, for norms.")]
Covariates = Annotated[
    bool,
    typer.Option("--covariates", help="Take age and sex from the DICOM files; the results may tell of them."),
]
Inferred = Annotated[
    bool,
    typer.Option("--inferred", help="Measure bodies too that were drawn where they must be, not seen."),
]
Spacing = Annotated[
    str | None,
    typer.Option(metavar="MM|ROWxCOL", help="Pixel spacing in mm; overrides the source's own."),
]
Ruler = Annotated[
    str | None,
    typer.Option(
        metavar="X1,Y1,X2,Y2=100mm", help="Ends and length of a ruler on the one film, to calibrate it."
    ),
]
Draws = Annotated[
    int, typer.Option(min=0, help="Random positions of each point for the intervals; 0 for none.")
]
DataFormat = Annotated[
    str | None, typer.Option("--format", help="Format of SRC.", show_default="by its content")
]
Images = Annotated[Path | None, typer.Option(help="Folder of the images, where it is another.")]
Reader = Annotated[str | None, typer.Option(help="Of several readers.", show_default="their mean")]
Out = Annotated[Path | None, typer.Option(help="A new or empty folder for `measurements.csv`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print all results as JSON, for scripts.")]
