"""What the commands on data sets say alike: warnings by the line, and that something was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from spinekit.cli.console import terminal
from spinekit.files import printable

_MOST_LINES = 10


def say_lines(what: str, lines: Sequence[str]) -> None:
    """The first lines of a list, and how many more there are.

    Args:
        what: They are, in a word before each.
        lines: One thing each.
    """
    console = terminal()
    for line in lines[:_MOST_LINES]:
        console.print(f"{what}: {printable(line)}", markup=False, style="yellow")
    if len(lines) > _MOST_LINES:
        console.print(f"... and {len(lines) - _MOST_LINES} more: {what}", style="yellow", markup=False)


def say_notices(notices: Sequence[str]) -> None:
    """What was passed over or is doubtful, one line a kind: its first in full, and how many there are.

    Args:
        notices: One line for each thing.
    """
    from spinekit.workflows.survey import reason

    kinds: dict[str, list[str]] = {}
    for line in notices:
        kinds.setdefault(reason(line), []).append(line)
    alike = sorted(kinds.values(), key=len, reverse=True)
    say_lines("note", [f"{f'{len(lines)} x, e.g. ' if len(lines) > 1 else ''}{lines[0]}" for lines in alike])


def say_counts(before: str, counts: Mapping[str, int]) -> None:
    """Counts by name in one line, most first; nothing where there are none.

    Args:
        before: What was counted.
        counts: By name.
    """
    if counts:
        words = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        shown = ", ".join(f"{count} {printable(name)}" for name, count in words)
        terminal().print(f"{before}: {shown}", markup=False, style="yellow")


def in_parts(counts: Mapping[str, int]) -> str:
    """How many images are in each part, in words to follow others; nothing where nothing divides them.

    Args:
        counts: By part.
    """
    divided = {part: counts[part] for part in ("train", "val", "test") if counts.get(part)}
    return f": {', '.join(f'{count} {part}' for part, count in divided.items())}" if divided else ""


def say_groups(out: Path, not_kept: Mapping[str, int]) -> None:
    """Where groups are to be found that the annotations could not keep.

    Args:
        out: Folder of the data set.
        not_kept: What the format does not keep.
    """
    if "groups" in not_kept:
        words = f"groups stand in {out / 'sources.csv'}, where dataset split finds them"
        terminal().print(printable(words), markup=False)
