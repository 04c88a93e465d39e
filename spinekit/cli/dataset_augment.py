"""``spinekit dataset augment``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinekit.cli.console import SOME_FAILED, one_line_errors, progress_bar, terminal
from spinekit.cli.dataset_words import in_parts, say_counts, say_groups, say_lines, say_notices
from spinekit.core.errors import UsageError
from spinekit.files import printable

_FLIPS = ("horizontal", "vertical")


def command(
    data: Annotated[Path, typer.Argument(help="Folder or file of the labelled data.")],
    out: Annotated[Path, typer.Option(help="A new or empty folder.")],
    data_format: Annotated[
        str | None,
        typer.Option("--from", help="Its format, see `spinekit formats`.", show_default="by its content"),
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Format to write.", show_default="as read, or scenes")
    ] = None,
    schema: Annotated[
        str | None, typer.Option(help="Landmark or class set.", show_default="the names in the labels")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, where it is another.")] = None,
    copies: Annotated[int, typer.Option(min=1, max=1000, help="Altered copies of each image.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Another one draws others.")] = 0,
    flip: Annotated[str | None, typer.Option(help="horizontal, vertical or both by commas.")] = None,
    turn: Annotated[bool, typer.Option("--turn", help="Quarter turns.")] = False,
    rotate: Annotated[float, typer.Option(min=0, max=180, help="Degrees to either side.")] = 0.0,
    scale: Annotated[float, typer.Option(min=0, max=0.9, help="Size: 0.1 for 0.9 to 1.1.")] = 0.0,
    shift: Annotated[float, typer.Option(min=0, max=0.9, help="Part of the image's sides.")] = 0.0,
    brightness: Annotated[float, typer.Option(min=0, max=1, help="Part of the grey range.")] = 0.0,
    contrast: Annotated[float, typer.Option(min=0, max=1, help="0.2 for 0.8 to 1.2.")] = 0.0,
    noise: Annotated[float, typer.Option(min=0, max=128, help="Grey levels.")] = 0.0,
    elastic: Annotated[float, typer.Option(min=0, max=200, help="Smooth bending, px; for tissue.")] = 0.0,
    elastic_grain: Annotated[float, typer.Option(min=32, help="Over which it changes, px.")] = 64.0,
    originals: Annotated[bool, typer.Option(help="Take the images themselves over as well.")] = True,
    split: Annotated[
        Path | None,
        typer.Option(help="Lay the output out by the parts of this table, and alter only films of train."),
    ] = None,
    allow_leak: Annotated[
        bool, typer.Option("--allow-leak", help="Even where a patient or an image is in two parts of it.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Even what breaks the anatomy.")] = False,
) -> None:
    """Write altered copies of labelled images; labels follow the pixels exactly, mirrored names swap.

    Each amount is the most that is drawn. Writes `images/`, the annotations, and `sources.csv` with what was done
    to which image.

    Examples:

    * `spinekit dataset augment films/ --flip horizontal --rotate 8 --contrast 0.2 --copies 3 --out more/`
    * `spinekit dataset augment stack/ --schema em-membrane --turn --elastic 4 --out more/`
    """
    with one_line_errors():
        from spinekit.workflows.dataset_augment import AugmentSettings, augment_dataset
        from spinekit.workflows.dataset_source import checked

        flips = [word.strip() for word in (flip or "").split(",") if word.strip()]
        wrong = [word for word in flips if word not in _FLIPS]
        if wrong:
            raise UsageError(f"--flip {wrong[0]}: there is no such flip -- say {' or '.join(_FLIPS)}")
        may = {
            "flip_horizontal": "horizontal" in flips, "flip_vertical": "vertical" in flips, "quarter_turns": turn,
            "rotate": rotate, "scale": scale, "shift": shift, "brightness": brightness, "contrast": contrast,
            "noise": noise, "elastic": elastic, "elastic_grain": elastic_grain,
        }  # fmt: skip
        settings = checked(
            AugmentSettings,
            {
                "data": data, "format": data_format, "schema_name": schema, "images": images, "out": out, "to": to,
                "copies": copies, "seed": seed, "may": may, "originals": originals, "split": split,
                "allow_leak": allow_leak, "force": force,
            },
        )  # fmt: skip
        with progress_bar("images") as bar:
            task = bar.add_task("altering", total=None)
            report = augment_dataset(
                settings,
                lambda done, name: bar.update(task, completed=done, description=printable(name)[-40:]),
            )
        made = f"{report.originals} originals and {report.copies} copies as {report.written.format}"
        terminal().print(f"{report.written.out}: {made}{in_parts(report.parts)}", markup=False)
        say_counts("left the image", report.lost)
        if report.points_lost:
            terminal().print(f"{report.points_lost} landmarks left the image and are absent", style="yellow")
        say_counts(f"{report.written.format} does not keep (images)", report.not_kept)
        say_groups(report.written.out, report.not_kept)
        say_notices(report.notices)
        say_lines("failed", report.failed)
    if report.failed:
        raise typer.Exit(SOME_FAILED)
