"""``spinekit formats``."""

from __future__ import annotations

from rich.table import Table

from spinekit.cli.console import one_line_errors


def command() -> None:
    """List the formats of images and annotations, and what each keeps.

    Example:

    * `spinekit formats`
    """
    with one_line_errors():
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
                ", ".join(sorted(item.keeps)),
            )
        console.print(table)
