"""Data sets written by the parts of a split table: every film where the table says, nothing shared between parts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np

from spinekit.core.errors import AnnotationError, ReadError, UsageError
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.scene import Scene
from spinekit.files import printable
from spinekit.formats.plugin import AnnotationFormat
from spinekit.formats.sources import csv_rows, plain_cell
from spinekit.formats.yolo_settings import validates_on_train
from spinekit.workflows.check_parts import LIKENESS
from spinekit.workflows.manifest import known_beside
from spinekit.workflows.pictures import read_picture
from spinekit.workflows.split import PARTS, thumbnail

_SHOWN = 3
_FOLDERS_OF_PARTS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_BLOCK = re.compile(r"\bblock\b")  # a run of slices of one stack, cut knowingly


@dataclass(frozen=True, slots=True)
class PartTable:
    """Which part each film goes to.

    Attributes:
        path: Of the table.
        parts: Part by the film's name.
        groups: Group by the film's name, where the table has a column of that name.
    """

    path: Path
    parts: Mapping[str, str]
    groups: Mapping[str, str] = field(default_factory=dict)

    def row(self, name: str) -> str:
        """The name of a film in the table: its own, or that of its file alone; empty where it is not there."""
        alone = PurePosixPath(name).name
        return name if name in self.parts else alone if alone in self.parts else ""


def part_table(path: Path) -> PartTable:
    """The table of a split, as `spinekit dataset split` writes it.

    Args:
        path: CSV with the columns name, group (which may be missing) and part.

    Raises:
        UsageError: If there is no such file, or it is of another kind.
        AnnotationError: If a row is wrong, with its line.
    """
    shown = printable(str(path))
    if not path.is_file():
        raise UsageError(f"--split {shown}: no such file -- write one with spinekit dataset split")
    rows = csv_rows(path)
    header = [cell.strip().casefold() for cell in next(rows, (0, []))[1]]
    missing = [name for name in ("name", "part") if name not in header]
    if missing:
        how = "write one with spinekit dataset split"
        if {"fold", "folds"} & set(header):
            how = "of a table of folds name one fold by itself, as spinekit dataset split --folds writes them"
        raise UsageError(
            f"{shown}: line 1: has no column {' and '.join(missing)}, it needs name, group and part -- {how}"
        )
    parts: dict[str, str] = {}
    groups: dict[str, str] = {}
    for line, row in rows:
        cells = dict(zip(header, (plain_cell(cell.strip()) for cell in row), strict=False))
        name, part = cells.get("name", ""), cells.get("part", "")
        if part not in PARTS:
            raise AnnotationError(
                f"{shown}: line {line}: part {printable(part)!r} -- it must be train, val or test"
            )
        if not name or name in parts:
            raise AnnotationError(
                f"{shown}: line {line}: the name {printable(name)!r} is empty or doubled -- correct it"
            )
        parts[name] = part
        groups[name] = cells.get("group", "")
    if not parts:
        raise UsageError(f"{shown}: names no film -- write it with spinekit dataset split")
    return PartTable(path, parts, groups)


@dataclass(slots=True)
class Parted:
    """A division that is checked while the annotations are read for the first time.

    Attributes:
        tables: One for each source.
        folders: Annotations of the sources, beside which a table may say what is an altered copy of what.
        leak: Whether films that belong together may be in two parts.
        counts: Films by part.
        missing: Films that no table names.
    """

    tables: tuple[PartTable, ...]
    folders: tuple[Path, ...]
    leak: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    _met: set[tuple[int, str]] = field(default_factory=set)
    _homes: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    _torn: dict[str, str] = field(default_factory=dict)
    _originals: tuple[dict[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Looks up which images are altered copies."""
        self._originals = tuple(
            {name: known.original for name, known in known_beside(folder).items() if known.original}
            for folder in self.folders
        )

    def part(self, name: str, source: int = 0) -> str:
        """The part of a film; empty where its table does not name it."""
        table = self.tables[source]
        return table.parts.get(table.row(name), "")

    def group(self, scene: Scene, source: int = 0) -> str:
        """What a film stays together with: as the table says, else as its labels do."""
        table = self.tables[source]
        return table.groups.get(table.row(scene.image.name), "") or scene.group

    def see(self, scene: Scene, source: int = 0) -> bool:
        """Counts a film, and whether it goes in."""
        table, name = self.tables[source], scene.image.name
        row = table.row(name)
        if not row:
            self.missing.append(name)
            return False
        part = table.parts[row]
        self._met.add((source, row))
        self.counts[part] += 1
        group = table.groups.get(row, "")
        original = self._originals[source].get(name, name)
        image = scene.image
        same = f"{image.sha256}#{image.frame}" if image.sha256 else ""
        told = "" if _BLOCK.search(group) else scene.group
        for kind, key in (
            ("the table's group", f"{source}/{group}" if group else ""),
            ("the labels' group", f"/{told}" if told else ""),
            ("altered copies of", f"{source}/{original}"),
            ("the same image", same),
        ):
            if key:
                first = self._homes.setdefault((kind, key), (part, name))
                if first[0] != part:
                    what = "" if kind == "the same image" else f" {key.partition('/')[2]}"
                    self._torn.setdefault(f"{kind}{what}", f"{first[0]} ({first[1]}) and {part} ({name})")
        return True

    def refuse(self, data: str) -> None:
        """Refuses a table that does not fit, once all films were seen.

        Args:
            data: What is divided, for messages.

        Raises:
            UsageError: If no film is named, none is to be trained on, or what belongs together is torn apart.
        """
        tables = ", ".join(dict.fromkeys(printable(str(table.path)) for table in self.tables))
        if not self.counts:
            raise UsageError(
                f"{tables}: names none of the films of {data}, e.g. not {_some(self.missing)} -- name the table "
                "that was written for them"
            )
        if not self.counts["train"]:
            raise UsageError(f"{tables}: no film of {data} is in the part train -- divide the data anew")
        if self._torn and not self.leak:
            what, where = next(iter(self._torn.items()))
            more = f" ({len(self._torn) - 1} more)" if len(self._torn) > 1 else ""
            raise UsageError(
                f"{tables}: {printable(what)} is in two parts: {printable(where)}{more} -- divide with spinekit "
                "dataset split, or write it all the same with --allow-leak"
            )

    def remarks(self) -> list[str]:
        """What a person should know of the division, one line each."""
        tables = ", ".join(dict.fromkeys(printable(str(table.path)) for table in self.tables))
        lines = []
        if self.missing:
            lines.append(
                f"{tables}: {_films(len(self.missing))} left out that it does not name: {_some(self.missing)}"
            )
        unmet = [
            row
            for place, table in enumerate(self.tables)
            for row in table.parts
            if (place, row) not in self._met
        ]
        absent = list(dict.fromkeys(row for row in unmet if len(self.tables) == 1 or self._nowhere(row)))
        if absent:
            lines.append(f"{tables}: {_films(len(absent))} of its rows not in the data: {_some(absent)}")
        empty = [part for part in ("val", "test") if not self.counts[part]]
        if empty:
            also = ", so train stands for val and its scores say nothing" if "val" in empty else ""
            lines.append(
                f"{tables}: no film is in the part {' or '.join(empty)}{also} -- divide anew if that is not meant"
            )
        for what, where in self._torn.items():
            lines.append(f"{tables}: {printable(what)} is in two parts: {printable(where)}")
        return lines

    def _nowhere(self, row: str) -> bool:
        return all(name != row for _, name in self._met)


def _films(count: int) -> str:
    return f"{count} film{'s' if count != 1 else ''}"


def _some(names: list[str]) -> str:
    return ", ".join(map(printable, names[:_SHOWN])) + (", ..." if len(names) > _SHOWN else "")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that a data set, or one part of it, is written to.

    Attributes:
        folder: Below the output; empty for the output itself.
        parts: What goes there; empty for everything.
    """

    folder: str = ""
    parts: tuple[str, ...] = ()


def places(form: AnnotationFormat, division: Parted | None) -> tuple[Place, ...]:
    """Where the parts go: into one data set with folders for them where the format knows parts, else into one each.

    Args:
        form: To be written.
        division: Or None where nothing divides the films.
    """
    if division is None:
        return (Place(),)
    there = tuple(part for part in PARTS if division.counts[part])
    return (Place("", there),) if form.images else tuple(Place(part, (part,)) for part in there)


def in_part(ref: ImageRef, part: str, place: Place) -> ImageRef:
    """The image as it is called in its part: below a folder of its own, in place of that of an older division.

    Args:
        ref: The image.
        part: Or empty.
        place: That it is written to.
    """
    if not part:
        return ref
    name = PurePosixPath(ref.name or ref.path.name)
    older = len(name.parts) > 1 and name.parts[0] in _FOLDERS_OF_PARTS
    bare = PurePosixPath(*name.parts[1:]) if older else name
    return replace(ref, name=bare.as_posix() if place.folder else f"{part}/{bare.as_posix()}")


def laid_part(name: str) -> str:
    """The part that an image's folder says it is of, in a set that is laid out by parts; empty where none."""
    folder, slash, _ = name.partition("/")
    return _FOLDERS_OF_PARTS.get(folder, "") if slash else ""


def val_remark(files: Iterable[Path]) -> list[str]:
    """One line where a ``data.yaml`` among the files written names the same images for train and val."""
    if not any(validates_on_train(file) for file in files if file.name == "data.yaml"):
        return []
    return [
        "data.yaml names the same images for train and val, so a training would be judged by what it learnt from -- "
        "divide the films with spinekit dataset split, and write them again with --split split.csv"
    ]


@dataclass(slots=True)
class Likenesses:
    """Looks for films that are nearly the same and in two parts."""

    names: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    thumbnails: list[FloatArray] = field(default_factory=list)

    def add(self, ref: ImageRef, part: str, group: str) -> None:
        """One film; neighbours in a stack that was cut into blocks are alike by nature and do not count."""
        if _BLOCK.search(group):
            return
        try:
            self.thumbnails.append(thumbnail(read_picture(ref).pixels).astype(np.float32))
        except ReadError:
            return  # told by whoever copies it
        self.names.append(ref.name)
        self.groups.append(group)
        self.parts.append(part)

    def remark(self) -> list[str]:
        """One line where there are such films."""
        if len(set(self.parts)) < 2:
            return []
        table, parts = np.array(self.thumbnails), np.array(self.parts)
        found: list[str] = []
        for one, row in enumerate(table):
            alike = (
                np.flatnonzero((table[one + 1 :] @ row > LIKENESS) & (parts[one + 1 :] != parts[one]))
                + one
                + 1
            )
            found += [
                f"{self.names[one]} ({parts[one]}) and {self.names[other]} ({parts[other]})"
                for other in alike
            ]
        if not found:
            return []
        return [
            f"nearly the same films are in two parts ({len(found)}): {_some(found)} -- look at them; "
            "spinekit dataset split keeps such films together"
        ]
