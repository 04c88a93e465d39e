"""The options of ``spinekit dataset augment``, one line of help each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Argument(help="Folder or file of the labelled data.")]
Out = Annotated[Path, typer.Option(help="A new or empty folder.")]
DataFormat = Annotated[
    str | None,
    typer.Option("--from", help="Its format, see `spinekit formats`.", show_default="by its content"),
]
To = Annotated[str | None, typer.Option(help="Format to write.", show_default="as read, or scenes")]
Schema = Annotated[
    str | None, typer.Option(help="Landmark or class set.", show_default="the names in the labels")
]
Images = Annotated[Path | None, typer.Option(help="Folder of the images, where it is another.")]
Copies = Annotated[int, typer.Option(min=1, max=1000, help="Altered copies of each image.")]
Seed = Annotated[int, typer.Option(min=0, help="Another one draws others.")]
Flip = Annotated[str | None, typer.Option(help="horizontal, vertical or both by commas.")]
Turn = Annotated[bool, typer.Option("--turn", help="Quarter turns.")]
Rotate = Annotated[float, typer.Option(min=0, max=180, help="Degrees to either side.")]
Scale = Annotated[float, typer.Option(min=0, max=0.9, help="Size: 0.1 for 0.9 to 1.1.")]
Shift = Annotated[float, typer.Option(min=0, max=0.9, help="Part of the image's sides.")]
Brightness = Annotated[float, typer.Option(min=0, max=1, help="Part of the grey range.")]
Contrast = Annotated[float, typer.Option(min=0, max=1, help="0.2 for 0.8 to 1.2.")]
Noise = Annotated[float, typer.Option(min=0, max=128, help="Grey levels.")]
Elastic = Annotated[float, typer.Option(min=0, max=200, help="Smooth bending, px; for tissue.")]
ElasticGrain = Annotated[float, typer.Option(min=32, help="Over which it changes, px.")]
Originals = Annotated[bool, typer.Option(help="Take the images themselves over as well.")]
Split = Annotated[
    Path | None,
    typer.Option(help="Lay the output out by the parts of this table, and alter only films of train."),
]
AllowLeak = Annotated[
    bool, typer.Option("--allow-leak", help="Even where a patient or an image is in two parts of it.")
]
Force = Annotated[bool, typer.Option("--force", help="Even what breaks the anatomy.")]
