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


@app.command("verify")
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names or paths of models.", show_default="all that ship")
    ] = None,
) -> None:
    """Check every weights file of a model against its card: sha256 and the schema's fingerprint.

    Ends with exit code 1 if one is not what its card says.

    Examples:

    * `spinekit models verify`
    * `spinekit models verify runs/1/model`
    """
    with one_line_errors():
        from rich.console import Console

        from spinekit.core.errors import SpinekitError
        from spinekit.files import printable
        from spinekit.models.weights import check_weights, find_card, shipped_names

        table = Table("model", "files", "schema", "verdict", box=None)
        failed = 0
        for name in names or shipped_names():
            try:
                card = find_card(name)
                schema = check_weights(card)
            except SpinekitError as error:
                failed += 1
                table.add_row(name, "", "", printable(str(error)), style="red")
                continue
            files = (card.weights, *(file.path for file in card.beside))
            stray = sorted({path.name for path in card.weights.parent.glob("*.pt")} - {p.name for p in files})
            verdict = (
                f"as its card says; not named in it: {', '.join(stray)}" if stray else "as its card says"
            )
            table.add_row(
                card.name, " ".join(path.name for path in files), f"{schema.name} {card.fingerprint}", verdict
            )
        Console(soft_wrap=True, markup=False, highlight=False).print(table)
        if failed:
            raise typer.Exit(1)
