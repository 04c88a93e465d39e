"""What may be said to ``spinekit evaluate``, by what it is about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_READ, _CHOSEN, _COUNTED = "What is read", "Which images", "What counts"

Predicted = Annotated[
    Path, typer.Argument(metavar="PRED", help="What was found: a run's folder, or annotations.")
]
Truth = Annotated[Path, typer.Argument(metavar="TRUTH", help="What is there: annotations of any format.")]

Schema = Annotated[
    str | None,
    typer.Option(
        help="Landmark or class set.", show_default="of those that the two use", rich_help_panel=_READ
    ),
]
PredFormat = Annotated[
    str | None,
    typer.Option(help="Format of PRED and --against.", show_default="by its content", rich_help_panel=_READ),
]
TruthFormat = Annotated[
    str | None,
    typer.Option(help="Format of TRUTH.", show_default="by its content", rich_help_panel=_READ),
]
Images = Annotated[
    Path | None, typer.Option(help="Folder of the images, where it is another.", rich_help_panel=_READ)
]
Against = Annotated[
    Path | None,
    typer.Option(help="A second prediction or reader, compared image by image.", rich_help_panel=_READ),
]
PredReader = Annotated[
    str | None,
    typer.Option(help="Of several readers in PRED.", show_default="their mean", rich_help_panel=_READ),
]
AgainstReader = Annotated[
    str | None,
    typer.Option(help="Of several readers in --against.", show_default="their mean", rich_help_panel=_READ),
]
TruthReader = Annotated[
    str | None,
    typer.Option(help="Of several readers in TRUTH.", show_default="their mean", rich_help_panel=_READ),
]

Split = Annotated[Path | None, typer.Option(help="Table of name,group,part.", rich_help_panel=_CHOSEN)]
Part = Annotated[
    str | None,
    typer.Option(help="Part of --split to evaluate; all of it must be answered.", rich_help_panel=_CHOSEN),
]
SkipNoted = Annotated[
    bool,
    typer.Option(
        "--skip-noted",
        help="Leave out images whose true labels carry a remark.",
        rich_help_panel=_CHOSEN,
    ),
]
Missing = Annotated[
    str | None,
    typer.Option(
        help="`count` images without a prediction as missed, or `skip` them.",
        show_default="count with --part",
        rich_help_panel=_CHOSEN,
    ),
]

Spacing = Annotated[
    str | None,
    typer.Option(
        metavar="MM|ROWxCOL",
        help="Pixel spacing in mm; overrides the files' own.",
        rich_help_panel=_COUNTED,
    ),
]
Within = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,...",
        help="Thresholds of the success rates.",
        show_default="2,2.5,3,4 mm or 5,10 px",
        rich_help_panel=_COUNTED,
    ),
]
Worst = Annotated[
    int, typer.Option(min=0, help="How many of the worst images are drawn.", rich_help_panel=_COUNTED)
]

Out = Annotated[Path | None, typer.Option(help="A new or empty folder for the page, tables and plots.")]
Json = Annotated[bool, typer.Option("--json", help="Print all figures as JSON, for scripts.")]
