"""``spinekit dataset split``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from spinekit.cli.console import SOME_FAILED, one_line_errors, progress_bar, terminal
from spinekit.cli.dataset_words import say_lines, say_notices
from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.workflows.dataset_split import SplitReport


def command(
    data: Annotated[Path, typer.Argument(help="Folder or file of the labelled data.")],
    data_format: Annotated[
        str | None,
        typer.Option(
            "--from", "--format", help="Its format, see `spinekit formats`.", show_default="by its content"
        ),
    ] = None,
    schema: Annotated[
        str | None, typer.Option(help="Landmark or class set.", show_default="the names in the labels")
    ] = None,
    out: Annotated[Path, typer.Option(help="The table to write; with --folds, one for each.")] = Path(
        "split.csv"
    ),
    images: Annotated[Path | None, typer.Option(help="Folder of the images, where it is another.")] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="What stays together: patient, visit, image, column:NAME of --table, or a regular expression "
            "whose first group is taken from the image's name.",
            show_default="what the labels say",
        ),
    ] = None,
    blocks: Annotated[
        int | None, typer.Option(min=2, help="Cut each stack of slices into so many runs of neighbours.")
    ] = None,
    gap: Annotated[int, typer.Option(min=0, help="Slices left out between blocks of different parts.")] = 0,
    folds: Annotated[
        int | None,
        typer.Option(
            min=3, help="Write so many tables for cross-validation, FILE-1.csv ...; they set the shares."
        ),
    ] = None,
    stratify: Annotated[
        str | None,
        typer.Option(
            help="Give each part its share of these, by commas: classes, age_years, sex, a column of --table, "
            "or a measurement of the schema."
        ),
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="CSV with a column name, for --by and --stratify.")
    ] = None,
    duplicates: Annotated[bool, typer.Option(help="Keep near-duplicate films together.")] = True,
    train: Annotated[float, typer.Option(min=0.01, max=0.98, help="Share of the groups to train on.")] = 0.7,
    val: Annotated[float, typer.Option(min=0.01, max=0.98, help="Share of the groups to choose by.")] = 0.1,
    salt: Annotated[str, typer.Option(help="Name of the data set; another one falls anew.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the account as JSON, for scripts.")] = False,
) -> None:
    """Divide labelled films into train, val and test by patient or series, near-duplicates together.

    Examples:

    * `spinekit dataset split films/ --from via --schema orbit-4 --out split.csv`
    * `spinekit dataset split films/ --by '^(S[0-9]+)_' --stratify classes --folds 5`
    * `spinekit dataset split stack/ --schema em-membrane --blocks 5 --gap 1`
    """
    with one_line_errors():
        from spinekit.workflows.dataset_source import checked
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
