"""``spinekit dataset split``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from spinekit.cli import dataset_split_options as options
from spinekit.cli.console import SOME_FAILED, one_line_errors, progress_bar, terminal
from spinekit.cli.dataset_words import say_lines, say_notices
from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.workflows.dataset_split import SplitReport


def command(
    data: options.Data,
    data_format: options.DataFormat = None,
    schema: options.Schema = None,
    out: options.Out = Path("split.csv"),
    images: options.Images = None,
    by: options.By = None,
    blocks: options.Blocks = None,
    gap: options.Gap = 0,
    folds: options.Folds = None,
    stratify: options.Stratify = None,
    table: options.Table = None,
    duplicates: options.Duplicates = True,
    train: options.Train = 0.7,
    val: options.Val = 0.1,
    salt: options.Salt = "",
    as_json: options.AsJson = False,
) -> None:
    """Divide labelled films into train, val and test by patient or series, near-duplicates together.

    Examples:

    * `spinekit dataset split films/ --from via --schema orbit-4 --out split.csv`
    * `spinekit dataset split films/ --by '^(S[0-9]+)_' --stratify classes --folds 5`
    * `spinekit dataset split stack/ --schema em-membrane --blocks 5 --gap 1`
    """
    with one_line_errors():
        from spinekit.workflows.checked_settings import checked
        from spinekit.workflows.dataset_split import SplitSettings, split_dataset
        from spinekit.workflows.split import write_split

        settings = checked(
            SplitSettings,
            {
                "data": data, "format": data_format, "schema_name": schema, "images": images, "salt": salt or None,
                "train": train, "val": val, "by": by, "blocks": blocks, "gap": gap, "folds": folds,
                "stratify": tuple(filter(None, (stratify or "").split(","))), "table": table,
                "duplicates": duplicates,
            },
        )  # fmt: skip
        with progress_bar("images", quiet=as_json) as bar:
            task = bar.add_task("reading", total=None)
            report = split_dataset(
                settings,
                lambda done, name: bar.update(task, completed=done, description=printable(name)[-40:]),
            )
        files = [out]
        if folds is not None:
            files = [out.with_name(f"{out.stem}-{fold + 1}{out.suffix}") for fold in range(folds)]
        for file, rows in zip(files, report.tables, strict=True):
            write_split(file, rows)
        if as_json:
            typer.echo(json.dumps(_account(files, report), ensure_ascii=False, indent=1))
        else:
            _print(files, report)
    if report.failed:
        raise typer.Exit(SOME_FAILED)


def _account(files: list[Path], report: SplitReport) -> dict[str, object]:
    return {
        "tables": {str(file): report.counts(number) for number, file in enumerate(files)},
        "strata": report.strata,
        "joined": [list(groups) for groups in report.joined],
        "left_out": list(report.left_out),
        "failed": list(report.failed),
        "notices": list(report.notices),
    }


def _print(files: list[Path], report: SplitReport) -> None:
    console = terminal()
    for number, file in enumerate(files):
        counts = report.counts(number)
        words = (f"{held['films']} {part} ({held['groups']} groups)" for part, held in counts.items())
        console.print(f"{file}: {', '.join(words)}", markup=False)
    if report.strata:
        shown = Table("films with", "train", "val", "test", box=None, pad_edge=False)
        for label, held in report.strata.items():
            shown.add_row(printable(label), *(str(count) for count in held.values()))
        console.print(shown)
    if report.joined:
        console.print(
            f"{len(report.joined)} times groups were joined: they hold near-duplicate films", style="yellow"
        )
    say_lines("joined", [" + ".join(groups) for groups in report.joined])
    say_lines("left out between blocks", report.left_out)
    say_notices(report.notices)
    say_lines("failed", report.failed)
