"""The options of ``spinekit convert``, one line of help each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[Path, typer.Argument(metavar="SRC", help="Annotation file or folder.")]
Out = Annotated[Path, typer.Argument(metavar="DST", help="A new or empty folder.")]
To = Annotated[str, typer.Option("--to", help="Format to write, see `spinekit formats`.")]
FromFormat = Annotated[
    str | None, typer.Option("--from", help="Format of the source.", show_default="told by its content")
]
Schema = Annotated[
    str | None,
    typer.Option(
        help="Landmark or class set, a name or a file.", show_default="the names that the source uses"
    ),
]
Names = Annotated[
    Path | None,
    typer.Option("--map", help="YAML with `classes: {old: new, unwanted: null}` and `landmarks: {...}`."),
]
Images = Annotated[
    Path | None,
    typer.Option(help="Folder of the images.", show_default="what the source says, or beside it"),
]
ClassAttribute = Annotated[
    str | None,
    typer.Option(help="Attribute that holds the class (VIA).", show_default="found by its values"),
]
AllowLoss = Annotated[
    bool, typer.Option("--allow-loss", help="Write even what the target cannot carry whole.")
]
AllowMissing = Annotated[bool, typer.Option(help="Pass over annotated images that are not there.")]
Consensus = Annotated[
    str | None,
    typer.Option(help="`mean`: average the points of several readers.", show_default="readers stay apart"),
]
Corrected = Annotated[
    bool,
    typer.Option("--corrected", help="A person went over all of it: nothing in it is a model's any more."),
]
Covariates = Annotated[
    bool, typer.Option("--covariates", help="Write age and sex, where the source holds them.")
]
CopyImages = Annotated[
    bool | None,
    typer.Option(
        help="Lay 8-bit copies of the images beside the annotations.",
        show_default="where the format needs it",
    ),
]
Split = Annotated[
    Path | None,
    typer.Option(
        help="Lay the output out by the parts of this table (name,group,part; see `dataset split`)."
    ),
]
AllowLeak = Annotated[
    bool, typer.Option("--allow-leak", help="Even where a patient or an image is in two parts of it.")
]
Window = Annotated[
    str | None,
    typer.Option(
        metavar="C,W|NAME|full",
        help="Show DICOM images by this window: centre and width, the number or name of one of the files' own, "
        "or the whole range.",
        show_default="the files' own",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for scripts.")]
