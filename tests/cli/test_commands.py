"""The program is made of what a call needs, and says the same as if it were made whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import spinekit.cli
from spinekit.cli.commands import NAMES, made


def said(listed: bool, *words: str) -> str:
    return CliRunner().invoke(made(NAMES, listed), words).output


@pytest.mark.parametrize("words", [(), ("--help",), ("--version",)])
def test_a_list_of_commands_is_that_of_the_whole_program(words: tuple[str, ...]) -> None:
    assert said(True, *words) == said(False, *words)
    assert "spinekit" in said(True, *words)


@pytest.mark.parametrize("words", [("predict", "--help"), ("formats", "--nonsense"), ("dataset", "--help")])
def test_a_command_alone_says_what_it_says_among_the_others(words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(made(words[:1]), words).output == said(False, *words)


def test_every_module_with_a_command_is_named() -> None:
    """A module that defines ``command`` or is a group of its own cannot be forgotten."""
    folder = Path(spinekit.cli.__file__).parent
    commands = {path.stem for path in folder.glob("*.py") if "\ndef command(" in path.read_text("utf-8")}
    commands -= {
        name for name in commands if name.partition("_")[0] in {"dataset", "models"}
    }  # those of groups
    assert commands <= set(NAMES)
    assert set(NAMES) <= {path.stem for path in folder.glob("*.py")}
