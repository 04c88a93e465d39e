"""The tables beside written annotations: what each image was and whose, which most formats cannot say.

They are written by conversions (``manifest.csv``), merges and alterations (``sources.csv``), and are read
again with the annotations, so that spacing, groups, age and sex survive a format that has no place for them.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import IO

from spinekit.core.image import ImageRef
from spinekit.core.scene import Scene
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.files import atomic_path
from spinekit.formats.sources import csv_rows, plain_cell, safe_cell

FILE = "manifest.csv"
SOURCES = "sources.csv"
COLUMNS = (
    "image",
    "source",
    "frame",
    "width",
    "height",
    "row_mm",
    "col_mm",
    "spacing_origin",
    "source_sha256",
    "sha256",
    "group",
    "made_by",
)
COVARIATES = ("age_years", "sex")
_GROUP_DIGITS = 16


class Manifest:
    """Takes one row for each image; from `manifest`."""

    def __init__(self, stream: IO[str], salt: str, covariates: bool) -> None:
        self._rows = csv.writer(stream, lineterminator="\n")
        self._salt = salt
        self._covariates = covariates
        self._rows.writerow((*COLUMNS, *(COVARIATES if covariates else ())))

    def add(self, source: ImageRef, image: ImageRef, group: str, known: Mapping[str, float | str]) -> None:
        """One image.

        Args:
            source: As it was read.
            image: As it is named, and lies, in the output.
            group: What it must stay together with in a split; only its hash is written.
            known: Age and sex; written only where the user asked for them.
        """
        spacing = source.spacing
        cells: list[object] = [
            image.name or image.path.name,
            source.name or source.path.name,
            "" if source.frame is None else source.frame,
            source.width,
            source.height,
            "" if spacing is None else f"{spacing.row_mm:.10g}",
            "" if spacing is None else f"{spacing.col_mm:.10g}",
            "" if spacing is None else spacing.origin.value,
            source.sha256,
            image.sha256,
            hashed_group(group, self._salt),
            "; ".join(f"{key}: {value}" for key, value in image.provenance.items()),
        ]
        if self._covariates:
            cells += [known.get(name, "") for name in COVARIATES]
        self._rows.writerow([safe_cell(str(cell)) for cell in cells])


@contextmanager
def manifest(folder: Path, salt: str, covariates: bool) -> Iterator[Manifest]:
    """The table in the making; it is there, whole, when the block ends.

    Args:
        folder: Where ``manifest.csv`` goes.
        salt: Name of the data set, so that one group has another hash elsewhere.
        covariates: Whether age and sex are written.
    """
    with atomic_path(folder / FILE) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        yield Manifest(stream, salt, covariates)


def hashed_group(group: str, salt: str) -> str:
    """What stands for a group: equal for equal groups of one data set; empty for none.

    A hash keeps a name from being read, not from being guessed and tried.
    """
    if not group:
        return ""
    return hashlib.sha256(f"{salt}/{group}".encode("utf-8", "surrogatepass")).hexdigest()[:_GROUP_DIGITS]


@dataclass(frozen=True, slots=True)
class Known:
    """What the table beside annotations says of an image.

    Attributes:
        group: What it must stay together with, or empty.
        original: The image that it is, or is an altered copy of, in the data that were altered; or empty.
        spacing: Of its pixels, or None.
        covariates: Age and sex, where they were written.
    """

    group: str = ""
    original: str = ""
    spacing: Spacing | None = None
    covariates: Mapping[str, float | str] = field(default_factory=dict)


def known_beside(source: Path) -> dict[str, Known]:
    """What the tables beside annotations say, by the image's name; nothing where none lies there.

    A table of another kind that happens to have the name is left alone.

    Args:
        source: File or folder of the annotations.

    Raises:
        AnnotationError: If a table cannot be read.
    """
    folder = source if source.is_dir() else source.parent
    found: dict[str, Known] = {}
    for name, key, mark in ((SOURCES, "name", "source"), (FILE, "image", "source_sha256")):
        path = folder / name
        if not path.is_file():
            continue
        rows = csv_rows(path)
        _, header = next(rows, (0, []))
        if key not in header or mark not in header:
            continue
        for _, row in rows:
            cells = dict(zip(header, map(plain_cell, row), strict=False))
            if cells.get(key):
                found[cells[key]] = _known(cells)
    return found


def completed(scene: Scene, known: Mapping[str, Known]) -> Scene:
    """The scene with what the tables beside it say and its annotations do not.

    Args:
        scene: As it was read.
        known: From `known_beside`.
    """
    told = known.get(scene.image.name) or known.get(PurePosixPath(scene.image.name).name)
    if told is None:
        return scene
    image = (
        scene.image if scene.image.spacing or not told.spacing else replace(scene.image, spacing=told.spacing)
    )
    return replace(
        scene,
        image=image,
        group=scene.group or told.group,
        covariates={**told.covariates, **scene.covariates},
    )


def _known(cells: Mapping[str, str]) -> Known:
    altered = cells.get("source", "") if "alteration" in cells else ""
    covariates: dict[str, float | str] = {}
    age = _number(cells.get("age_years", ""))
    if age is not None:
        covariates["age_years"] = age
    if cells.get("sex"):
        covariates["sex"] = cells["sex"]
    return Known(cells.get("group", ""), altered, _spacing(cells), covariates)


def _spacing(cells: Mapping[str, str]) -> Spacing | None:
    row, col = _number(cells.get("row_mm", "")), _number(cells.get("col_mm", ""))
    origin = cells.get("spacing_origin", "")
    if row is None or col is None or min(row, col) <= 0 or origin not in set(SpacingOrigin):
        return None
    return Spacing(row, col, SpacingOrigin(origin))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
