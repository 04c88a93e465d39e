"""The options of ``spinekit review``, one line of help each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or annotations of any format.")]
Images = Annotated[Path | None, typer.Option(help="Folder of the films.", show_default="what the run says")]
FromFormat = Annotated[
    str | None, typer.Option("--from", help="Format of annotations.", show_default="told by the content")
]
Schema = Annotated[
    str | None,
    typer.Option(help="Landmark or class set of annotations, and of films that no model read."),
]
Reader = Annotated[
    str, typer.Option(metavar="NAME", help="Read apart from others, for agreement between readers.")
]
ExportTo = Annotated[
    str | None,
    typer.Option(
        "--export", metavar="FORMAT", help="Serve nothing; write what was reviewed, e.g. as `coco`."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="A new folder: of the export, or of the review of annotations.",
        show_default="beside the source",
    ),
]
AllowLoss = Annotated[
    bool, typer.Option("--allow-loss", help="Export even what the format cannot carry whole.")
]
CopyImages = Annotated[
    bool | None,
    typer.Option(
        help="Lay 8-bit copies of the films beside the export.", show_default="where the format needs it"
    ),
]
Host = Annotated[str, typer.Option(help="Address to serve on; beyond this machine it asks for a password.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")]
Browser = Annotated[bool, typer.Option(help="Open the page in the browser.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print address or export as JSON, for scripts.")]
