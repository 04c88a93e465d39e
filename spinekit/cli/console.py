"""Where words for people go, and what a failure ends with."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from spinekit.cli.entry import loaded
from spinekit.core.errors import (
    EnvironmentFaultError,
    NothingUsableError,
    SpinekitError,
    UsageError,
)
from spinekit.files import printable

if TYPE_CHECKING:
    from rich.progress import Progress

OK, SOME_FAILED, USAGE, NOTHING, ENVIRONMENT, INTERRUPTED = 0, 1, 2, 3, 4, 130


def terminal() -> Console:
    """Standard error, for people; standard output is left to results that programs read."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def exit_code(error: SpinekitError) -> int:
    """What a command ends with for each kind of error."""
    if isinstance(error, UsageError):
        return USAGE
    if isinstance(error, NothingUsableError):
        return NOTHING
    if isinstance(error, EnvironmentFaultError):
        return ENVIRONMENT
    return SOME_FAILED


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turns what spinekit raises on purpose into one line and an exit code."""
    try:
        loaded()
        yield
    except SpinekitError as error:
        terminal().print(f"error: {printable(str(error))}", style="red", markup=False)
        raise typer.Exit(exit_code(error)) from None
    except KeyboardInterrupt:
        terminal().print("interrupted", style="yellow")
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def loading() -> Iterator[None]:
    """While libraries load nothing is searched for garbage: there is none, and it takes a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def quiet_echo(text: str) -> None:
    """Prints a result on standard output; who closed it (``| head``) wants no more of it, and hears no complaint."""
    try:
        typer.echo(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is buffered would be written once more at the end of the program.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def progress_bar(unit: str, quiet: bool = False) -> Iterator[Progress]:
    """A bar with time left, on standard error; nothing where that is no terminal but a file or a pipe.

    Args:
        unit: What is counted, e.g. ``files``.
        quiet: Whether to show nothing.
    """
    # Loaded where there is a bar: what only prints help starts sooner.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = terminal()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
    )
    silent = quiet or not console.is_terminal
    with Progress(*columns, console=console, disable=silent, transient=True) as progress:
        yield progress
