"""The table beside converted annotations: what each image was, which most formats cannot say."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from spinekit.core.image import ImageRef
from spinekit.files import atomic_path
from spinekit.formats.sources import safe_cell

FILE = "manifest.csv"
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
