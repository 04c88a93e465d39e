"""The commands by name. Only what is asked for is loaded and made: one command, or the words about all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated

import typer

from spinekit import __version__
from spinekit.core.notice import RESEARCH_USE

NAMES = (
    "predict", "report", "train", "review", "plots", "export", "evaluate", "measure", "compare", "convert",
    "deidentify", "samples", "formats", "doctor", "models", "dataset",
)  # fmt: skip
"""In the order of the help; each is a module of this package."""
_ENOUGH_ALONE = {"formats", "doctor"}  # others without a word after them show their help
_GROUPS = {"models", "dataset"}  # of commands of their own


def made(names: Sequence[str], listed: bool = False) -> typer.Typer:
    """The program with some of its commands.

    Args:
        names: Of `NAMES`.
        listed: Whether they are only to be listed: they have no options then, which take most of the time to make.
    """
    app = typer.Typer(
        name="spinekit",
        help=f"Named vertebrae, landmarks and calibrated measurements from skeletal images.\n\n{RESEARCH_USE}",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )
    app.callback()(_root)
    for name in names:
        module = import_module(f"spinekit.cli.{name}")
        if name in _GROUPS:
            app.add_typer(typer.Typer(help=module.app.info.help) if listed else module.app, name=name)
        else:
            command = _words_of(module.command) if listed else module.command
            app.command(name, no_args_is_help=name not in _ENOUGH_ALONE)(command)
    return app


def run(words: Sequence[str]) -> None:
    """The program as it was called.

    Args:
        words: After its name.
    """
    if words and words[0] in NAMES:
        made(words[:1])()
    else:
        made(NAMES, listed=list(words) in ([], ["--help"], ["--version"]))()


def _words_of(command: Callable[..., None]) -> Callable[[], None]:
    def listed() -> None:
        return None

    listed.__doc__ = command.__doc__
    return listed


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"spinekit {__version__}\n{RESEARCH_USE}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Options of the program itself."""
    del version
