"""``spinekit formats``."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from spinekit.cli.console import one_line_errors

if TYPE_CHECKING:
    from spinekit.formats.plugin import AnnotationFormat


def command(
    name: Annotated[
        str | None, typer.Argument(help="An annotation format, to be shown in full.", show_default="list all")
    ] = None,
) -> None:
    """List the formats of images and annotations, and what each keeps; or show one in full.

    Examples:

    * `spinekit formats`
    * `spinekit formats coco`
    """
    with one_line_errors():
        from spinekit.formats.registry import annotation_format

        if name is None:
            _list()
        else:
            _show(annotation_format(name))


def _list() -> None:
    from rich.console import Console

    from spinekit.formats.registry import annotation_formats, image_formats

    console = Console(soft_wrap=True)
    images = Table("images", "suffixes (content decides)", "what it is", box=None)
    for image in image_formats():
        images.add_row(image.name, " ".join(image.suffixes), image.title)
    console.print(images)
    table = Table("annotations", "read", "write", "what it is", "keeps", box=None)
    for item in annotation_formats():
        table.add_row(
            item.name,
            "yes" if item.read else "-",
            "yes" if item.write else "-",
            item.title,
            ", ".join(sorted(item.may_keep)),
        )
    console.print(table)


def _show(item: AnnotationFormat) -> None:
    from spinekit.formats.plugin import KEEPABLE
    from spinekit.formats.registry import annotation_notes

    typer.echo(f"{item.name}: {item.title}\n")
    notes = inspect.cleandoc(annotation_notes(item.name)).partition("\n\n")[2]
    if notes:
        typer.echo(f"{notes.replace('``', '').replace('`', '')}\n")
    kept, lost = [], []
    for what, words in KEEPABLE.items():
        tasks = [task for task, more in item.keeps_by_task.items() if what in more]
        if what in item.keeps:
            kept.append(f"  {what}: {words}")
        elif tasks:
            kept.append(f"  {what}: {words} (where the task is {' or '.join(tasks)})")
        else:
            lost.append(what)
    typer.echo("\n".join(["keeps:", *kept]))
    typer.echo(f"does not keep: {', '.join(lost) or 'nothing is lost'}\n")
    if item.read is not None:
        typer.echo(f"read:  spinekit convert SRC DST --from {item.name} --to coco")
    if item.write is not None:
        typer.echo(f"write: spinekit convert SRC DST --to {item.name}")
    if item.images:
        typer.echo(f"The images are laid below {item.images}/, where readers of {item.name} look for them.")
