"""``spinekit compare``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from spinekit.cli.console import one_line_errors, progress_bar, terminal
from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.workflows.compare import Comparison, Pairing


def command(
    before: Annotated[
        Path,
        typer.Argument(
            metavar="BEFORE", help="The earlier study: a run's folder, predictions or annotations."
        ),
    ],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="The later study.")],
    schema: Annotated[
        str | None, typer.Option(help="Landmark or class set.", show_default="of the earlier study")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A measurement or an analysis; may be repeated.")
    ] = None,
    pair: Annotated[
        str, typer.Option(metavar="auto|name|group", help="What says which images belong together.")
    ] = "auto",
    spacing: Annotated[
        str | None, typer.Option(metavar="MM|ROWxCOL", help="Pixel spacing in mm of both studies.")
    ] = None,
    draws: Annotated[
        int, typer.Option(min=0, help="Random positions of each point for the intervals.")
    ] = 500,
    data_format: Annotated[
        str | None, typer.Option("--format", help="Format of both.", show_default="by its content")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, where it is another.")] = None,
    out: Annotated[Path | None, typer.Option(help="A new or empty folder for `changes.csv`.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all changes as JSON, for scripts.")] = False,
) -> None:
    """Compare two studies of one patient: each change against the error of the measurement itself.

    A change counts where it is larger than the least that can be told from error: the 95 % interval of the
    difference, or what repeated readings published for the measurement ask for, whichever is larger.

    Examples:

    * `spinekit compare first-visit/ second-visit/`
    * `spinekit compare before.json after.json --only cobb_aasce_main --out follow-up`

    Ends with 0 (compared), 1 (annotations are broken), 2 (usage), 3 (nothing to compare), 4 (environment).
    """
    with one_line_errors():
        from spinekit.formats.reading import parse_spacing
        from spinekit.workflows.compare import CompareSettings, compare
        from spinekit.workflows.dataset_source import checked

        settings = checked(
            CompareSettings,
            {
                "before": before, "after": after, "format": data_format, "schema_name": schema,
                "only": tuple(only or ()), "pair": pair, "draws": draws, "images": images, "out": out,
                "spacing": None if spacing is None else parse_spacing(spacing),
            },
        )  # fmt: skip
        with progress_bar("images", quiet=as_json) as bar:
            task = bar.add_task("measuring", total=None)
            found = compare(
                settings,
                lambda done, name: bar.update(task, completed=done, description=printable(name)[-40:]),
            )
        if as_json:
            typer.echo(json.dumps(_summary(found), ensure_ascii=False, indent=1))
        else:
            _print(found)
        _tell(found)


def _summary(found: Comparison) -> dict[str, object]:
    return {
        "schema": found.schema.name,
        "pairs": [
            {
                "before": pair.before,
                "after": pair.after,
                "changes": [{**asdict(one), "change": one.change} for one in pair.changes],
            }
            for pair in found.pairs
        ],
        "unpaired": list(found.unpaired),
        "notices": list(found.notices),
        "files": [] if found.table is None else [found.table.name],
    }


def _print(found: Comparison) -> None:
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    for pair in found.pairs:
        console.print(_changes(pair))
        refused: dict[str, list[str]] = {}
        for one in pair.changes:
            if one.change is None or one.verdict == "refused":
                refused.setdefault(one.reason, []).append(one.name)
        for reason, names in refused.items():
            console.print(f"not compared: {', '.join(names)}: {printable(reason)}", markup=False, style="dim")


def _changes(pair: Pairing) -> Table:
    from spinekit.views.wording import number

    title = f"{printable(pair.before)} -> {printable(pair.after)}"
    shown = Table(title=title, title_justify="left", box=None, pad_edge=False)
    shown.add_column("name", no_wrap=True)
    for column in ("before", "after", "change", "95 % interval", "least"):
        shown.add_column(column, justify="right", no_wrap=True)
    shown.add_column("verdict", no_wrap=True)
    shown.add_column("remark")
    for one in pair.changes:
        if one.before is None or one.after is None or one.change is None or one.verdict == "refused":
            continue
        held = ""
        if one.low is not None and one.high is not None:
            held = f"{number(one.low, one.unit)} to {number(one.high, one.unit)}"
        least = "" if one.least is None else number(one.least, one.unit)
        numbers = (number(value, one.unit) for value in (one.before, one.after, one.change))
        shown.add_row(printable(one.name), *numbers, held, least, one.verdict.value, printable(one.reason))
    return shown


def _tell(found: Comparison) -> None:
    from spinekit.cli.dataset_words import say_lines
    from spinekit.workflows.survey import reasons

    say_lines("without a partner", found.unpaired)
    say_lines("note", [f"{count} x {reason}" for reason, count in reasons(found.notices).items()])
    if found.table is not None:
        terminal().print(f"results: {found.table}", soft_wrap=True, markup=False)
