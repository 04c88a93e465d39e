"""``spinekit dataset augment``."""

from __future__ import annotations

import typer

from spinekit.cli import dataset_augment_options as options
from spinekit.cli.console import SOME_FAILED, one_line_errors, progress_bar, terminal
from spinekit.cli.dataset_words import in_parts, say_counts, say_groups, say_lines, say_notices
from spinekit.core.errors import UsageError
from spinekit.files import printable

_FLIPS = ("horizontal", "vertical")


def command(
    data: options.Data,
    out: options.Out,
    data_format: options.DataFormat = None,
    to: options.To = None,
    schema: options.Schema = None,
    images: options.Images = None,
    copies: options.Copies = 1,
    seed: options.Seed = 0,
    flip: options.Flip = None,
    turn: options.Turn = False,
    rotate: options.Rotate = 0.0,
    scale: options.Scale = 0.0,
    shift: options.Shift = 0.0,
    brightness: options.Brightness = 0.0,
    contrast: options.Contrast = 0.0,
    noise: options.Noise = 0.0,
    elastic: options.Elastic = 0.0,
    elastic_grain: options.ElasticGrain = 64.0,
    originals: options.Originals = True,
    split: options.Split = None,
    allow_leak: options.AllowLeak = False,
    force: options.Force = False,
) -> None:
    """Write altered copies of labelled images; labels follow the pixels exactly, mirrored names swap.

    Each amount is the most that is drawn. Writes `images/`, the annotations, and `sources.csv` with what was done
    to which image.

    Examples:

    * `spinekit dataset augment films/ --flip horizontal --rotate 8 --contrast 0.2 --copies 3 --out more/`
    * `spinekit dataset augment stack/ --schema em-membrane --turn --elastic 4 --out more/`
    """
    with one_line_errors():
        from spinekit.workflows.checked_settings import checked
        from spinekit.workflows.dataset_augment import AugmentSettings, augment_dataset

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
