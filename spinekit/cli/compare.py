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
    from spinekit.workflows.compare import Change, Comparison, Pairing


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
        from spinekit.workflows.checked_settings import checked
        from spinekit.workflows.compare import CompareSettings, compare

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

    from spinekit.cli.result_tables import EACH, by_reason

    console = Console(soft_wrap=True, highlight=False)
    count = len(found.pairs)
    console.print(
        f"{count} pair{'s' * (count != 1)} of images, schema {printable(found.schema.name)}", markup=False
    )
    for table in map(_changes, found.pairs) if count <= EACH else [_over_all(found)]:
        console.print(table, soft_wrap=False)
    every = [one for pair in found.pairs for one in pair.changes]
    remarks = [(one.name, one.reason) for one in every if one.reason and _is_compared(one)]
    refused = [(one.name, one.reason) for one in every if not _is_compared(one)]
    for line in by_reason(remarks, "remark") + by_reason(refused, "not compared"):
        console.print(line, markup=False, style="dim")


def _is_compared(one: Change) -> bool:
    return one.change is not None and one.verdict.value != "refused"


def _changes(pair: Pairing) -> Table:
    """A row for each measurement of one pair; columns of errors only where any is known."""
    from spinekit.cli.result_tables import blank_table
    from spinekit.views.wording import number

    shown_changes = [one for one in pair.changes if _is_compared(one)]
    known = any(one.low is not None for one in shown_changes)
    least = any(one.least is not None for one in shown_changes)
    headings = ["before", "after", "change"] + ["± 95 %"] * known + ["least"] * least
    shown = blank_table(f"{printable(pair.before)} -> {printable(pair.after)}", "name", headings)
    shown.add_column("verdict", no_wrap=True)
    for one in shown_changes:
        cells = [
            number(value, one.unit) for value in (one.before, one.after, one.change) if value is not None
        ]
        if known:
            half = "" if one.low is None or one.high is None else number((one.high - one.low) / 2, one.unit)
            cells.append(half)
        if least:
            cells.append("" if one.least is None else number(one.least, one.unit))
        shown.add_row(printable(one.name), *cells, one.verdict.value)
    return shown


def _over_all(found: Comparison) -> Table:
    """A row for each measurement over many pairs: its changes, and how many of them are told from error."""
    from statistics import median

    from spinekit.cli.result_tables import blank_table
    from spinekit.views.wording import number

    rows: dict[tuple[str, str], list[Change]] = {}
    for one in (one for pair in found.pairs for one in pair.changes if _is_compared(one)):
        rows.setdefault((one.name, one.unit), []).append(one)
    headings = ("n", "median", "lowest", "highest", "more", "less", "within", "unknown")
    shown = blank_table("changes over all pairs", "name", headings)
    for (name, unit), changes in rows.items():
        values = [one.change for one in changes if one.change is not None]
        numbers = [number(value, unit) for value in (median(values), min(values), max(values))]
        counts = [
            str(sum(one.verdict.value == verdict for one in changes))
            for verdict in ("increased", "decreased", "within error", "error not known")
        ]
        shown.add_row(printable(name), str(len(changes)), *numbers, *counts)
    return shown


def _tell(found: Comparison) -> None:
    from spinekit.cli.dataset_words import say_lines, say_notices

    say_lines("without a partner", found.unpaired)
    say_notices(found.notices)
    if found.table is not None:
        terminal().print(f"results: {found.table}", soft_wrap=True, markup=False)
