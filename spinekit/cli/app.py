"""``spinekit`` whole, with every command, each in a file of its own; a call makes only what it needs of it."""

from __future__ import annotations

import sys

import typer

from spinekit.cli.commands import NAMES, made, run


def __getattr__(name: str) -> typer.Typer:
    """``app``, made when it is first asked for."""
    if name == "app":
        return made(NAMES)
    raise AttributeError(f"module 'spinekit.cli.app' has no attribute {name!r}")


def main() -> None:
    """The commands; the console script comes to `run` by way of `spinekit.cli.entry`."""
    run(sys.argv[1:])
