"""``spinekit dataset preview``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinekit.cli.console import SOME_FAILED, one_line_errors, progress_bar, terminal
from spinekit.cli.dataset_words import say_lines, say_notices
from spinekit.files import printable


def command(
    data: Annotated[Path, typer.Argument(help="Folder or file of the labelled data.")],
    out: Annotated[Path, typer.Option(help="The sheet, .png or .jpg.")] = Path("sheet.png"),
    data_format: Annotated[
        str | None,
        typer.Option("--from", help="Its format, see `spinekit formats`.", show_default="by its content"),
    ] = None,
    schema: Annotated[
        str | None, typer.Option(help="Landmark or class set.", show_default="the names in the labels")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, where it is another.")] = None,
    n: Annotated[int, typer.Option("--n", min=1, max=400, help="How many images.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Another one picks others.")] = 0,
    label: Annotated[str | None, typer.Option(help="Only images with an instance of this class.")] = None,
    columns: Annotated[int | None, typer.Option(min=1, max=40, help="Images beside each other.")] = None,
    cell: Annotated[int, typer.Option(min=64, max=2000, help="Longest side of each, px.")] = 420,
) -> None:
    """Draw a contact sheet: some images with what is labelled on them.

    Examples:

    * `spinekit dataset preview films/ --out sheet.png`
    * `spinekit dataset preview films/ --n 12 --seed 7 --label L5 --cell 800 --out l5.jpg`
    """
    with one_line_errors():
        from spinekit.workflows.checked_settings import checked
        from spinekit.workflows.dataset_preview import PreviewSettings, preview_dataset

        settings = checked(
            PreviewSettings,
            {
                "data": data, "format": data_format, "schema_name": schema, "images": images, "out": out,
                "n": n, "seed": seed, "label": label, "columns": columns, "cell": cell,
            },
        )  # fmt: skip
        with progress_bar("images") as bar:
            task = bar.add_task("reading", total=None)
            report = preview_dataset(
                settings,
                lambda done, name: bar.update(task, completed=done, description=printable(name)[-40:]),
            )
        say_notices(report.notices)
        say_lines("failed", report.failed)
        terminal().print(f"{report.out}: {len(report.shown)} of {report.images} images", markup=False)
    if report.failed:
        raise typer.Exit(SOME_FAILED)
