"""``spinekit models``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from spinekit.cli.console import one_line_errors

app = typer.Typer(help="The models that ship.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """List the models that ship, what they look for and on which films.

    Example:

    * `spinekit models list`
    """
    with one_line_errors():
        from rich.console import Console

        from spinekit.models.weights import find_card, shipped_names

        table = Table("name", "task", "schema", "view", "what it finds", box=None)
        for name in shipped_names():
            card = find_card(name)
            table.add_row(card.name, card.task, card.schema, card.view, card.title)
        Console(soft_wrap=True).print(table)


@app.command("info")
def info(name: Annotated[str, typer.Argument(help="Name of a model, or a path to one.")]) -> None:
    """Show a model's card: data, figures with their intervals, limits.

    Example:

    * `spinekit models info spine-ap-pose`
    """
    with one_line_errors():
        from spinekit.models.weights import check_weights, find_card

        card = find_card(name)
        check_weights(card)
        typer.echo((card.weights.parent / "card.yaml").read_text(encoding="utf-8"))
