"""``spinekit doctor``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from spinekit.cli.console import ENVIRONMENT, one_line_errors

if TYPE_CHECKING:
    from spinekit.workflows.installation import Check

_STYLES = {"ok": "green", "warn": "yellow", "fault": "bold red"}


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON, for scripts.")] = False,
) -> None:
    """Look at this installation: what is wrong with it, and how to mend it.

    Versions, torch with torchvision, every pixel codec, the doors of Ultralytics, weights, GPU, folders, space,
    cores and memory. Nothing is changed. It takes some seconds: what may crash is tried in processes of their own.

    Examples:

    * `spinekit doctor`
    * `spinekit doctor --json`

    Ends with 0 (all well, perhaps with warnings) or 4 (a fault that will be in the way).
    """
    with one_line_errors():
        # Not by way of the interface, which loads every library there is: one of them may be what is broken.
        from spinekit.workflows.doctor import doctor, well_enough

        checks = doctor()
        if as_json:
            typer.echo(json.dumps([_plain(check) for check in checks], ensure_ascii=False, indent=1))
        else:
            _print(checks)
    if not well_enough(checks):
        raise typer.Exit(ENVIRONMENT)


def _plain(check: Check) -> dict[str, str]:
    return {"name": check.name, "status": check.status.value, "found": check.found, "mend": check.mend}


def _print(checks: tuple[Check, ...]) -> None:
    from rich.console import Console

    from spinekit.files import printable

    table = Table(box=None, pad_edge=False)
    for title in ("", "what", "found", "to mend it"):
        table.add_column(title, overflow="fold")
    for check in checks:
        status = Text(check.status.value, style=_STYLES[check.status.value])
        table.add_row(status, *(Text(printable(text)) for text in (check.name, check.found, check.mend)))
    console = Console(highlight=False)
    console.print(table)
    counts = [f"{sum(c.status.value == kind for c in checks)} {kind}" for kind in _STYLES]
    console.print(", ".join(counts))
