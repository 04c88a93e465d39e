"""``spinekit dataset stats``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from spinekit.cli.console import one_line_errors, progress_bar, terminal
from spinekit.cli.dataset_words import say_notices
from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.workflows.census import Census

_MOST_SIZES = 3


def command(
    data: Annotated[Path, typer.Argument(help="Folder or file of the labelled data.")],
    data_format: Annotated[
        str | None,
        typer.Option("--from", help="Its format, see `spinekit formats`.", show_default="by its content"),
    ] = None,
    schema: Annotated[
        str | None, typer.Option(help="Landmark or class set.", show_default="the names in the labels")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, where it is another.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for stats.json, tables as CSV and plots as PNG.")
    ] = None,
    plots: Annotated[bool, typer.Option(help="Draw plots into --out.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON, for scripts.")] = False,
) -> None:
    """Count what is labelled: classes, landmarks, sizes, spacing, balance, positions, persons.

    Examples:

    * `spinekit dataset stats films/`
    * `spinekit dataset stats films/ --out counted/`
    """
    with one_line_errors():
        from spinekit.workflows.checked_settings import checked
        from spinekit.workflows.dataset_stats import StatsSettings, dataset_stats, summary

        settings = checked(
            StatsSettings,
            {
                "data": data, "format": data_format, "schema_name": schema, "images": images, "out": out,
                "plots": plots,
            },
        )  # fmt: skip
        with progress_bar("images", quiet=as_json) as bar:
            task = bar.add_task("counting", total=None)
            report = dataset_stats(
                settings,
                lambda done, name: bar.update(task, completed=done, description=printable(name)[-40:]),
            )
        if as_json:
            typer.echo(json.dumps(summary(report.census), ensure_ascii=False, indent=1))
        else:
            _print(report.census)
            if settings.out is not None:
                terminal().print(f"{settings.out}: {len(report.files)} files", markup=False)
        say_notices(report.notices)


def _print(held: Census) -> None:
    from rich.console import Console

    from spinekit.workflows.census import imbalance

    console = Console(soft_wrap=True, highlight=False)
    known = len(held.groups.keys() - {""})
    words = [
        f"{held.images} images",
        f"{known} groups" if known else "no groups",
        f"schema {held.schema.name}",
    ]
    if held.empty:
        words.append(f"{held.empty} without any label")
    if held.noted:
        words.append(f"{held.noted} with a remark")
    console.print(", ".join(words), markup=False)
    console.print(f"sizes: {_sizes(held)}", markup=False)
    console.print(f"spacing: {_spacings(held)}", markup=False)
    console.print(_classes(held))
    never = [label for label, counts in held.classes.items() if not counts.images]
    if never:
        console.print(f"never labelled: {printable(', '.join(never))}", markup=False)
    ratio = imbalance(held)
    if ratio is not None:
        console.print(f"balance: the most frequent class is {ratio:.3g} times as frequent as the rarest")
    if held.landmarks:
        console.print(_landmarks(held))
    if held.persons:
        console.print(_persons(held))


def _classes(held: Census) -> Table:
    from spinekit.workflows.census import quartiles

    semantic = any(counts.pixels for counts in held.classes.values())
    whole = sum(counts.pixels for counts in held.classes.values()) or 1
    shown = Table(box=None, pad_edge=False)
    numbers = ("pixels",) if semantic else ("instances", "width, px", "height, px", "across", "down")
    shown.add_column("class")
    for title in ("images", *numbers):
        shown.add_column(title, justify="right", no_wrap=True)
    for label, counts in held.classes.items():
        if not counts.images:
            continue
        row = [printable(label), str(counts.images)]
        if semantic:
            shown.add_row(*row, f"{counts.pixels / whole:.1%}")
            continue
        row.append(str(counts.instances))
        row += [_range(quartiles(values)) for values in (counts.widths, counts.heights)]
        row += [_middle(quartiles(values)) for values in (counts.across, counts.down)]
        shown.add_row(*row)
    return shown


def _range(five: tuple[float, ...] | None) -> str:
    return "-" if five is None else f"{five[2]:.0f} ({five[0]:.0f} to {five[4]:.0f})"


def _middle(five: tuple[float, ...] | None) -> str:
    return "-" if five is None else f"{five[2]:.0%}"


def _landmarks(held: Census) -> Table:
    shown = Table("landmark", "visible", "occluded", "absent", box=None, pad_edge=False)
    for name, seen in held.landmarks.items():
        shown.add_row(printable(name), *(str(seen[state]) for state in ("visible", "occluded", "absent")))
    return shown


def _persons(held: Census) -> Table:
    shown = Table("age", "sex", "images", "instances", box=None, pad_edge=False)
    for (decade, sex), images in sorted(held.persons.items(), key=str):
        age = "unknown" if decade is None else f"{decade} to {decade + 9}"
        shown.add_row(age, printable(sex) or "unknown", str(images), str(held.by_person[decade, sex].total()))
    return shown


def _sizes(held: Census) -> str:
    common = held.sizes.most_common(_MOST_SIZES)
    words = [f"{count} of {width} x {height}" for (width, height), count in common]
    if len(held.sizes) > len(common):
        widths, heights = zip(*held.sizes, strict=True)
        words = [f"{min(widths)} to {max(widths)} wide, {min(heights)} to {max(heights)} high"]
    return ", ".join(words)


def _spacings(held: Census) -> str:
    words = [
        f"unknown in {count}"
        if spacing is None
        else f"{spacing[0]:g} x {spacing[1]:g} mm ({spacing[2]}) in {count}"
        for spacing, count in held.spacings.most_common(_MOST_SIZES)
    ]
    more = len(held.spacings) - len(words)
    return ", ".join(words) + (f", and {more} others" if more > 0 else "")
