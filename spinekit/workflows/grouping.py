"""What must stay together when data are divided: patients, visits, what a name says, blocks of a stack."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.scene import Scene
from spinekit.formats.dicom_identity import Identity, read_identity
from spinekit.formats.sources import csv_rows, plain_cell
from spinekit.schemas import nearest

NAME_COLUMNS = ("name", "image")
COLUMN = "column:"
WORDS = ("patient", "visit", "image")


@dataclass(frozen=True, slots=True)
class Table:
    """What a table of the user's says of films.

    Attributes:
        path: For messages.
        columns: Names of its columns but ``name``.
        rows: Cells by column, by the film's name.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, str]]

    def cell(self, name: str, column: str) -> str:
        """What a column says of a film, by its name or its file's name alone; empty where nothing."""
        row = self.rows.get(name) or self.rows.get(PurePosixPath(name).name) or {}
        return row.get(column, "")


def read_table(path: Path) -> Table:
    """A CSV table with a column ``name`` (or ``image``, as in a manifest) and any others.

    Raises:
        AnnotationError: If it has no such column, or a name twice.
    """
    rows = csv_rows(path)
    _, header = next(rows)
    header = [cell.strip() for cell in header]
    key = next((column for column in NAME_COLUMNS if column in header), None)
    if key is None:
        raise AnnotationError(f"{path}: line 1 has no column name -- add one with the films' names")
    place = header.index(key)
    found: dict[str, dict[str, str]] = {}
    for line, row in rows:
        cells = dict(zip(header, (plain_cell(cell.strip()) for cell in row), strict=False))
        name = plain_cell(row[place].strip()) if place < len(row) else ""
        if not name or name in found:
            raise AnnotationError(f"{path}: line {line}: the name {name!r} is empty or doubled -- correct it")
        found[name] = cells
    return Table(path, tuple(column for column in header if column != key), found)


def grouping(
    by: str | None, salt: str, table: Table | None, notice: Callable[[str], None]
) -> Callable[[Scene], str]:
    """The rule that gives a scene its group.

    Args:
        by: ``patient`` (hash of a DICOM file's PatientID, else what the annotations say), ``visit`` (patient and
            study, else likewise), ``image`` (each by itself), ``column:NAME`` of the table, or a regular
            expression whose first group is taken from the image's name; None for what the annotations say.
        salt: Of the hashes.
        table: For a column.
        notice: Told of each film to which the rule does not apply and which then is a group by itself.

    Raises:
        UsageError: If the rule cannot be understood.
    """
    if by is None:
        return lambda scene: scene.group or scene.image.name
    if by == "image":
        return lambda scene: scene.image.name
    if by in {"patient", "visit"}:
        return lambda scene: _by_identity(scene, by, salt, notice)
    if by.startswith(COLUMN):
        return _by_column(by.removeprefix(COLUMN), table, notice)
    return _by_pattern(by, notice)


def _by_identity(scene: Scene, by: str, salt: str, notice: Callable[[str], None]) -> str:
    found: Identity | None = read_identity(scene.image.path, salt)
    group = "" if found is None else (found.patient if by == "patient" else found.visit or found.patient)
    if group or scene.group:
        return group or scene.group
    why = "is no DICOM file, and its labels name no group" if found is None else f"names no {by}"
    notice(f"{scene.image.name}: {why} -- it is a group by itself; say --by with a regular expression")
    return scene.image.name


def _by_column(column: str, table: Table | None, notice: Callable[[str], None]) -> Callable[[Scene], str]:
    if table is None:
        raise UsageError(f"--by {COLUMN}{column}: no table was given -- name one with --table")
    if column not in table.columns:
        raise UsageError(f"--by {COLUMN}{column}: not in {table.path} -- {nearest(column, table.columns)}")

    def group(scene: Scene) -> str:
        cell = table.cell(scene.image.name, column)
        if not cell:
            notice(f"{scene.image.name}: {table.path} has no {column} for it -- it is a group by itself")
        return cell or scene.image.name

    return group


def _by_pattern(by: str, notice: Callable[[str], None]) -> Callable[[Scene], str]:
    try:
        pattern = re.compile(by)
    except re.error as error:
        raise UsageError(
            f"--by {by!r}: {error} -- say patient, visit, image or a regular expression"
        ) from error
    if pattern.groups < 1:
        raise UsageError(
            f"--by {by!r}: neither {', '.join(WORDS)} nor an expression with a group -- put in brackets "
            "what films of one patient share, e.g. '^(S[0-9]+)_'"
        )

    def group(scene: Scene) -> str:
        match = pattern.search(scene.image.name)
        if match is None or not match[1]:
            notice(f"{scene.image.name}: does not match {by!r} -- it is a group by itself")
            return scene.image.name
        return match[1]

    return group


def natural(name: str) -> list[tuple[int, int, str]]:
    """Orders names as people count: ``slice 9`` before ``slice 10``."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part
    ]


def stack_blocks(names: Sequence[str], stacks: Sequence[str], blocks: int) -> list[str]:
    """The block of each film: runs of neighbours, each stack cut into as many.

    Args:
        names: N films.
        stacks: Which stack each is of.
        blocks: How many of each stack.

    Returns:
        N groups such as ``S01 block 2 of 5``, in the order given.

    Raises:
        UsageError: If a stack has fewer films than blocks.
    """
    groups = [""] * len(names)
    for stack in dict.fromkeys(stacks):
        members = in_order(names, stacks, stack)
        if len(members) < blocks:
            raise UsageError(
                f"{stack or 'the stack'}: {len(members)} films for {blocks} blocks -- lower --blocks"
            )
        for place, film in enumerate(members):
            block = place * blocks // len(members) + 1
            groups[film] = f"{stack} block {block} of {blocks}".strip()
    return groups


def in_order(names: Sequence[str], stacks: Sequence[str], stack: str) -> list[int]:
    """The films of a stack in the order of their names, as places in ``names``."""
    members = [film for film, of in enumerate(stacks) if of == stack]
    return sorted(members, key=lambda film: natural(names[film]))


def gap_films(names: Sequence[str], stacks: Sequence[str], parts: Sequence[str], gap: int) -> set[int]:
    """The films to leave out so that neighbours in different parts lie further apart.

    They are taken from the part train where one side is of it, since films to test on are dear.

    Args:
        names: N films.
        stacks: Which stack each is of.
        parts: Which part each is in.
        gap: How many films to leave out between two parts.
    """
    left_out: set[int] = set()
    for stack in dict.fromkeys(stacks):
        members = in_order(names, stacks, stack)
        for place in range(1, len(members)):
            before, behind = parts[members[place - 1]], parts[members[place]]
            if before == behind:
                continue
            near = members[place : place + gap] if behind == "train" else members[max(place - gap, 0) : place]
            side = behind if behind == "train" else before
            left_out |= {film for film in near if parts[film] == side}
    return left_out
