"""The options of ``spinekit predict``, one line of help each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

MAX_PIXELS = 200_000_000
MAX_BYTES = 2 << 30
SECONDS = 60.0

_LIMITS = "Limits and what happens at them"
_AGAIN = "Going on with a run"

Sources = Annotated[list[Path], typer.Argument(metavar="SRC...", help="Films and folders of films.")]
Model = Annotated[str, typer.Option(help="`auto`, the name of a shipped model, or a path to weights.")]
Out = Annotated[Path | None, typer.Option(help="A new or empty folder.", show_default="spinekit-out/<n>")]
Save = Annotated[
    list[str] | None,
    typer.Option(
        help="Further formats: mask, via, coco, excel, dicom-seg ..., by commas or by saying it again."
    ),
]
Deidentify = Annotated[
    bool,
    typer.Option("--deidentify", help="Write DICOM objects without the patient; see `spinekit deidentify`."),
]
Names = Annotated[
    str,
    typer.Option(
        metavar="neutral|keep",
        help="Call DICOM files in the results by their content, or by their own names, which may name a patient.",
    ),
]
NameTable = Annotated[
    Path | None,
    typer.Option(
        help="Write which film is which to this file; keep it apart from the results.",
        show_default="no table",
    ),
]
SpacingText = Annotated[
    str | None, typer.Option(metavar="MM|ROWxCOL", help="Pixel spacing in mm; overrides the files' own.")
]
Overlays = Annotated[bool, typer.Option(help="Draw what was found.")]
Report = Annotated[bool, typer.Option(help="Write report.html.")]
WindowText = Annotated[
    str | None,
    typer.Option(
        metavar="C,W|NAME|full",
        help="Read DICOM images by this window; see `spinekit convert`.",
        show_default="the files' own",
    ),
]
Refine = Annotated[
    bool, typer.Option(help="Look again at each landmark at the film's resolution, where the model can.")
]
SecondOpinion = Annotated[
    bool,
    typer.Option(
        "--second-opinion", help="Ask a second model of the same films too, and flag where the two disagree."
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        metavar="auto|openvino|onnx|torch",
        help="What computes the networks.",
        show_default="auto: the fastest that is installed and agrees with torch",
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        metavar="f32|bf16", help="bf16 is faster on processors with units for it, and moves points."
    ),
]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads.", show_default="all cores")]
Workers = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=64,
        help="Processes that decode files ahead of the network; 0 decodes without, and a codec's crash ends all.",
        show_default="by files and cores",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for scripts.")]

Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the run in --out.", rich_help_panel=_AGAIN)
]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="With --resume: begin anew where settings were others.", rich_help_panel=_AGAIN
    ),
]

MaxPixels = Annotated[
    int, typer.Option(min=1, help="Refuse larger images before decoding.", rich_help_panel=_LIMITS)
]
MaxBytes = Annotated[
    int, typer.Option(min=1, help="Refuse larger files before opening.", rich_help_panel=_LIMITS)
]
Seconds = Annotated[
    float,
    typer.Option(min=0.1, max=86_400, help="Give up files that decode for longer.", rich_help_panel=_LIMITS),
]
FailFast = Annotated[
    bool, typer.Option("--fail-fast", help="Stop at the first file that fails.", rich_help_panel=_LIMITS)
]
MaxFailures = Annotated[
    int | None,
    typer.Option(
        min=1, help="Stop when so many files failed.", show_default="no limit", rich_help_panel=_LIMITS
    ),
]
