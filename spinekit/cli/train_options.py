"""What may be said to ``spinekit train``, by what it is about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_DATA, _MODEL, _COURSE = "The data", "The model", "The course"

Recipe = Annotated[Path | None, typer.Argument(help="A recipe in YAML, e.g. experiments/orbit-pose.yaml.")]
Task = Annotated[str | None, typer.Option(help="pose, seg, sem or detect.")]

Data = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the labelled data; without it synthetic films are learnt.", rich_help_panel=_DATA
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="Its format, see `spinekit formats`.",
        show_default="by its content",
        rich_help_panel=_DATA,
    ),
]
Annotations = Annotated[
    str | None, typer.Option(help="Annotation file inside the folder.", rich_help_panel=_DATA)
]
Images = Annotated[
    str | None,
    typer.Option(
        help="Folder of the images inside the folder, if not the format's own.", rich_help_panel=_DATA
    ),
]
Schema = Annotated[
    str | None, typer.Option(help="Landmark or class set, e.g. spine-ap.", rich_help_panel=_DATA)
]
Split = Annotated[
    Path | None,
    typer.Option(
        help="CSV with name,group,part.", show_default="by a hash of the groups", rich_help_panel=_DATA
    ),
]
Folds = Annotated[
    int | None,
    typer.Option(
        help="So many trainings, each tested on groups that the others learn from.", rich_help_panel=_DATA
    ),
]

Model = Annotated[
    str | None,
    typer.Option(
        help="Architecture (yolo11n|s|m|l|x, yolo12n.., yolo26n.., unet for sem), or a model to go on from: "
        "a name of `spinekit models list` or a path.",
        show_default="yolo11n; unet for sem",
        rich_help_panel=_MODEL,
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        help="Weights to begin from, or `scratch`.",
        show_default="the nearest weights that ship",
        rich_help_panel=_MODEL,
    ),
]
Download = Annotated[
    bool,
    typer.Option("--download", help="Fetch Ultralytics' own weights to begin from.", rich_help_panel=_MODEL),
]
ImageSize = Annotated[
    int | None,
    typer.Option(
        help="Side at which films are read, a multiple of 32; sets both of the next.", rich_help_panel=_MODEL
    ),
]
Height = Annotated[
    int | None,
    typer.Option(help="Rows at which films are read, a multiple of 32.", rich_help_panel=_MODEL),
]
Width = Annotated[int | None, typer.Option(help="Columns, likewise.", rich_help_panel=_MODEL)]
Name = Annotated[str | None, typer.Option(help="Of the model to be.", rich_help_panel=_MODEL)]

Epochs = Annotated[
    int | None, typer.Option(min=1, help="Passes over the training images.", rich_help_panel=_COURSE)
]
Batch = Annotated[int | None, typer.Option(min=1, help="Images a step.", rich_help_panel=_COURSE)]
LearningRate = Annotated[float | None, typer.Option(help="Of AdamW.", rich_help_panel=_COURSE)]
Patience = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Epochs without a better score before stopping; 0 never stops.",
        rich_help_panel=_COURSE,
    ),
]
Seed = Annotated[int | None, typer.Option(min=0, help="Of everything random.", rich_help_panel=_COURSE)]
Device = Annotated[str | None, typer.Option(help="cpu, 0, 0,1 ...", rich_help_panel=_COURSE)]
Resume = Annotated[
    Path | None,
    typer.Option(help="Go on with the training in this folder, which was stopped.", rich_help_panel=_COURSE),
]
Out = Annotated[Path | None, typer.Option(help="A new or empty folder.", show_default="runs/<n>")]
