"""``spinekit dataset check``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from spinekit.cli.console import NOTHING, SOME_FAILED, one_line_errors, progress_bar, terminal
from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.workflows.dataset_check import CheckReport
    from spinekit.workflows.dataset_mending import Mended

_COLOURS = {"error": "red", "warning": "yellow", "note": "dim"}
_SHOWN_EACH = 3


def command(
    data: Annotated[Path, typer.Argument(help="Folder or file of the labelled data.")],
    data_format: Annotated[
        str | None,
        typer.Option(
            "--from", "--format", help="Its format, see `spinekit formats`.", show_default="by its content"
        ),
    ] = None,
    schema: Annotated[
        str | None, typer.Option(help="Landmark or class set.", show_default="by the names in the labels")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, where it is another.")] = None,
    split: Annotated[
        Path | None,
        typer.Option(help="Table of the parts, name,group,part.", show_default="data.yaml or split.csv"),
    ] = None,
    pixels: Annotated[bool, typer.Option(help="Decode the images and look at them, too.")] = True,
    fix: Annotated[
        bool, typer.Option("--fix", help="Write a corrected copy; the data themselves stay as they are.")
    ] = False,
    fixed: Annotated[
        Path | None, typer.Option(help="A new folder for --fix.", show_default="DATA-fixed")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="CSV of all findings.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON, for scripts.")] = False,
) -> None:
    """Look labelled data through: what training would drop in silence or learn wrongly, and what cannot be.

    Broken rows, missing and damaged images, one patient in two parts, swapped corners, vertebrae out of order,
    bodies and landmarks unlike all others ...; each finding says where, why and how to mend it.

    Examples:

    * `spinekit dataset check films/`
    * `spinekit dataset check via.csv --schema orbit-4 --images films/ --out findings.csv`
    * `spinekit dataset check yolo/ --fix`

    Ends with 0 (nothing but notes), 1 (errors or warnings), 2 (usage), 3 (nothing usable), 4 (environment).
    """
    with one_line_errors():
        from spinekit.workflows.check_table import write_findings
        from spinekit.workflows.dataset_check import CheckSettings, check
        from spinekit.workflows.dataset_mending import mend

        settings = CheckSettings(data, data_format, schema, images, split, pixels)
        with progress_bar("", quiet=as_json) as bar:
            task = bar.add_task("reading labels", total=None)
            report = check(
                settings,
                lambda what, done, total: bar.update(
                    task, description=what, completed=done, total=total or None
                ),
            )
        mended = mend(settings, report, fixed) if fix or fixed else None
        if out is not None:
            write_findings(out, report)
        if as_json:
            typer.echo(json.dumps(_summary(report, mended), ensure_ascii=False, indent=1))
        else:
            _print(report, mended, out)
    if not report.instances:
        raise typer.Exit(NOTHING)
    if report.bad:
        raise typer.Exit(SOME_FAILED)


def _summary(report: CheckReport, mended: Mended | None) -> dict[str, object]:
    summary: dict[str, object] = {
        "format": report.format,
        "schema": report.schema,
        "images": report.images,
        "instances": report.instances,
        "counts": {str(severity): count for severity, count in report.counts.items()},
        "findings": [
            {
                "severity": str(finding.rule.severity),
                "rule": finding.rule.name,
                "file": printable(finding.file),
                "place": printable(finding.place),
                "why": printable(finding.why),
                "mend": finding.rule.mend,
            }
            for finding in report.findings
        ],
    }
    if mended is not None:
        summary["fixed"] = {"folder": str(mended.folder), "changes": list(mended.changes)}
    return summary


def _print(report: CheckReport, mended: Mended | None, out: Path | None) -> None:
    from rich.markup import escape

    console = terminal()
    for rule, count, _ in report.by_rule:
        colour = _COLOURS[rule.severity]
        console.print(f"[{colour}]{rule.severity}[/{colour}] [bold]{rule.name}[/bold]: {escape(rule.title)}")
        for finding in [item for item in report.findings if item.rule is rule][:_SHOWN_EACH]:
            place = f"{finding.place}: " if finding.place else ""
            console.print(f"  {printable(finding.file)}: {printable(place + finding.why)}", markup=False)
        if count > _SHOWN_EACH:
            console.print(f"  ... and {count - _SHOWN_EACH} more", style="dim")
        console.print(f"  to mend it: {rule.mend}", style="dim", markup=False)
    if report.findings:
        table = Table("severity", "rule", "findings", "files", box=None, pad_edge=False)
        for rule, count, files in report.by_rule:
            table.add_row(str(rule.severity), rule.name, str(count), str(files))
        console.print(table)
    counts = ", ".join(f"{count} {severity}s" for severity, count in report.counts.items())
    console.print(
        f"{report.images} images, {report.instances} instances of {printable(report.schema)}: {counts}",
        markup=False,
    )
    if mended is not None:
        for line in mended.changes:
            console.print(f"fixed: {printable(line)}", markup=False)
        console.print(
            f"{len(mended.changes)} changes in {mended.folder}; the data themselves are as they were"
        )
    if out is not None:
        console.print(f"findings: {out}", markup=False)
    elif len(report.findings) > _SHOWN_EACH * len(report.by_rule):
        console.print("all of them: --out findings.csv, or --json", style="dim")
