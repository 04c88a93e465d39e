"""One bad input, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

READ, FAILED, SKIPPED, ABSTAINED = "ok", "failed", "skipped", "abstained"


@dataclass(frozen=True, slots=True)
class Film:
    """A file, or some, among films that are to be read.

    Attributes:
        number: In the catalogue, with a word that tells variants apart.
        make: Writes it into an empty folder.
        status: What ``run.json`` must say of every image of it.
        says: Pattern of the reason, of a warning, or of how the greys and the scale were made.
        images: How many images it must give.
    """

    number: str
    make: Callable[[Path], object]
    status: str
    says: str
    images: int = 1

    @property
    def folder(self) -> str:
        """Name of a folder of its own."""
        return self.number.replace(" ", "-")

    @property
    def code(self) -> int:
        """What a run of this and of good films ends with."""
        return 1 if self.status == FAILED else 0
