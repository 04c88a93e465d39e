"""Dividing a labelled data set: by whom or what, into parts or folds, with an account of how it came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from pydantic import Field

from spinekit.core.errors import NothingUsableError, ReadError, UsageError
from spinekit.core.image import FloatArray
from spinekit.workflows.allotment import FILMS, allot
from spinekit.workflows.dataset_source import DataSource, Progress, scenes_of
from spinekit.workflows.grouping import gap_films, grouping, read_table, stack_blocks
from spinekit.workflows.pictures import read_picture
from spinekit.workflows.split import PARTS, join_duplicates, part_of, thumbnail
from spinekit.workflows.strata import Kinds, Value, stratum_labels, stratum_values

Row = tuple[str, str]
Rows = dict[str, Row]


class SplitSettings(DataSource):
    """How a data set is divided.

    Attributes:
        salt: Name of the data set; None for the name of its folder.
        train: Share of the groups to train on.
        val: Share to choose by; test is the rest.
        by: What stays together, see `spinekit.workflows.grouping.grouping`.
        blocks: Each stack of slices is cut into so many runs of neighbours, which are the groups.
        gap: Films left out between neighbouring blocks of different parts.
        folds: So many tables for cross-validation instead of one.
        stratify: What every part gets its share of, see `spinekit.workflows.strata.stratum_values`.
        table: CSV with a column ``name`` and others for ``by`` and ``stratify``.
        duplicates: Whether near-duplicate films are joined; never among blocks, whose neighbours are all alike.
    """

    salt: str | None = None
    train: float = Field(0.7, gt=0, lt=1)
    val: float = Field(0.1, gt=0, lt=1)
    by: str | None = None
    blocks: int | None = Field(None, ge=2, le=10_000)
    gap: int = Field(0, ge=0, le=10_000)
    folds: int | None = Field(None, ge=3, le=1000)
    stratify: tuple[str, ...] = ()
    table: Path | None = None
    duplicates: bool = True


@dataclass(frozen=True, slots=True)
class SplitReport:
    """How a division came out.

    Attributes:
        tables: ``{name: (part, group)}``: one, or one for each fold.
        joined: Groups that were joined because films in them are near-duplicates.
        left_out: Films between blocks.
        failed: Images that could not be read, one line each.
        notices: What was passed over, one line each.
        strata: Films of each stratum by part, of the first table.
    """

    tables: tuple[Rows, ...]
    joined: tuple[tuple[str, ...], ...] = ()
    left_out: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    strata: dict[str, dict[str, int]] = field(default_factory=dict)

    def counts(self, table: int = 0) -> dict[str, dict[str, int]]:
        """Films and groups of each part."""
        rows = self.tables[table].values()
        return {
            part: {
                "films": sum(of == part for of, _ in rows),
                "groups": len({group for of, group in rows if of == part}),
            }
            for part in PARTS
        }


@dataclass(slots=True)
class _Films:
    """What is kept of each film while the data are read."""

    names: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    grouped: bool = False
    thumbnails: list[FloatArray] = field(default_factory=list)
    values: list[list[Value]] = field(default_factory=list)


def split_dataset(settings: SplitSettings, on_progress: Progress | None = None) -> SplitReport:
    """Divides a data set; the same data, settings and salt give the same table on every machine.

    Without strata, blocks or folds a group's part is a hash of its name alone and does not move when films are
    added; with them it depends on all groups, so that shares can be kept.

    Args:
        settings: How.
        on_progress: Told after each image.

    Raises:
        UsageError: If shares leave nothing for test, or settings do not go together.
        NothingUsableError: If no labelled image could be read.
    """
    shares = _shares(settings)
    if settings.gap and settings.blocks is None:
        raise UsageError("--gap: lies between blocks of a stack -- say --blocks too")
    salt = settings.salt or settings.data.resolve().name
    notices: list[str] = []
    failed: list[str] = []
    films = _read(settings, salt, notices, failed, on_progress)
    if not films.names:
        raise NothingUsableError(
            f"{settings.data}: no labelled image could be read -- see what was passed over"
        )
    groups, joined = _groups(settings, films)
    strata = _strata(settings, films)
    parts = _parts(settings, groups, strata, shares, salt)
    tables, left_out = [], set[str]()
    for fold in range(settings.folds or 1):
        rows, gone = _table(settings, films, groups, _of_fold(parts, fold, settings.folds))
        tables.append(rows)
        left_out |= gone
    return SplitReport(
        tuple(tables),
        joined,
        tuple(sorted(left_out)),
        tuple(failed),
        (
            *notices,
            *([] if films.grouped or settings.blocks is not None else [_ungrouped()]),
            *_doubts(tables, groups),
        ),
        _strata_counts(films.names, strata, tables[0]),
    )


def _shares(settings: SplitSettings) -> tuple[float, float, float]:
    rest = 1.0 - settings.train - settings.val
    if rest <= 0:
        raise UsageError(
            f"train {settings.train:g} and val {settings.val:g} leave nothing for test -- lower one of them"
        )
    return settings.train, settings.val, rest


def _read(
    settings: SplitSettings, salt: str, notices: list[str], failed: list[str], on_progress: Progress | None
) -> _Films:
    """Name, group, strata and thumbnail of every film."""
    found = settings.labelled(notices.append)
    table = read_table(settings.table) if settings.table is not None else None
    group_of = grouping(settings.by, salt, table, notices.append)
    values_of = [stratum_values(name, found.schema, table) for name in settings.stratify]
    likeness = settings.duplicates and settings.blocks is None
    films = _Films()
    for scene in scenes_of(found, on_progress):
        if likeness:
            try:
                films.thumbnails.append(thumbnail(read_picture(scene.image).pixels))
            except ReadError as error:
                failed.append(str(error))
                continue
        films.names.append(scene.image.name)
        films.groups.append(group_of(scene))
        films.grouped |= settings.by is not None or bool(scene.group)
        films.values.append([value_of(scene) for value_of in values_of])
    return films


def _groups(settings: SplitSettings, films: _Films) -> tuple[list[str], tuple[tuple[str, ...], ...]]:
    """The group of each film, and which groups were joined."""
    if settings.blocks is not None:
        return stack_blocks(films.names, _stacks(settings, films), settings.blocks), ()
    if not films.thumbnails:
        return films.groups, ()
    groups = join_duplicates(films.names, films.groups, np.array(films.thumbnails))
    members: dict[str, set[str]] = {}
    for before, now in zip(films.groups, groups, strict=True):
        members.setdefault(now, set()).add(before)
    return groups, tuple(tuple(sorted(names)) for names in members.values() if len(names) > 1)


def _stacks(settings: SplitSettings, films: _Films) -> list[str]:
    """The stack of each film: what the rule says, or its folder where every film would be a stack by itself."""
    if settings.by is None and len(set(films.groups)) == len(films.groups):
        return [str(PurePosixPath(name).parent).removeprefix(".") for name in films.names]
    return films.groups


def _strata(settings: SplitSettings, films: _Films) -> list[Kinds]:
    """All strata that each film belongs to."""
    columns = [
        stratum_labels(name, [values[place] for values in films.values])
        for place, name in enumerate(settings.stratify)
    ]
    return [tuple(label for column in columns for label in column[film]) for film in range(len(films.names))]


def _parts(
    settings: SplitSettings,
    groups: Sequence[str],
    strata: Sequence[Kinds],
    shares: tuple[float, float, float],
    salt: str,
) -> dict[str, str]:
    """The part of each group; with folds, the fold in which it is tested on."""
    if settings.folds is None and settings.blocks is None and not settings.stratify:
        return {group: part_of(group, salt, shares) for group in groups}
    held: dict[str, Counter[str]] = {}
    for group, labels in zip(groups, strata, strict=True):
        held.setdefault(group, Counter()).update((FILMS, *labels))
    if settings.folds is None:
        return allot(held, dict(zip(PARTS, shares, strict=True)), salt)
    if len(held) < settings.folds:
        raise UsageError(
            f"{len(held)} groups for {settings.folds} folds -- lower --folds, or divide finer with --by"
        )
    return allot(held, {str(fold): 1 / settings.folds for fold in range(settings.folds)}, salt)


def _of_fold(parts: dict[str, str], fold: int, folds: int | None) -> dict[str, str]:
    """Parts of one fold: it is tested on, the next one is chosen by, the others are learnt from."""
    if folds is None:
        return parts
    roles = {str(fold): "test", str((fold + 1) % folds): "val"}
    return {group: roles.get(part, "train") for group, part in parts.items()}


def _table(
    settings: SplitSettings, films: _Films, groups: Sequence[str], parts: dict[str, str]
) -> tuple[Rows, set[str]]:
    """The rows of a table, and the films left out of it."""
    homes = [parts[group] for group in groups]
    gone: set[int] = set()
    if settings.gap:
        gone = gap_films(films.names, _stacks(settings, films), homes, settings.gap)
    rows = {name: (homes[film], groups[film]) for film, name in enumerate(films.names) if film not in gone}
    return rows, {films.names[film] for film in gone}


def _ungrouped() -> str:
    """That no film has a group."""
    return (
        "nothing says which films are of one patient, visit or stack, so each is a group by itself -- say it "
        "with --by or --blocks"
    )


def _doubts(tables: Sequence[Rows], groups: Sequence[str]) -> list[str]:
    """What a person should know before trusting the division."""
    doubts = []
    if len(set(groups)) == 1:
        doubts.append("all films are of one group, so they are all in one part -- divide finer with --by")
    for number, rows in enumerate(tables, start=1):
        empty = [part for part in PARTS if all(of != part for of, _ in rows.values())]
        if empty:
            where = f"table {number}: " if len(tables) > 1 else ""
            doubts.append(
                f"{where}{' and '.join(empty)} is empty -- use --stratify, other shares, or another --salt"
            )
    return doubts


def _strata_counts(names: Sequence[str], strata: Sequence[Kinds], rows: Rows) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for name, labels in zip(names, strata, strict=True):
        if name in rows:
            for label in labels:
                counts.setdefault(label, dict.fromkeys(PARTS, 0))[rows[name][0]] += 1
    return dict(sorted(counts.items()))
