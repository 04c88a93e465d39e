"""What a check finds: a rule that is broken, where, why, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    """A label that is wrong, or that training drops or mistakes in silence."""

    WARNING = "warning"
    """What a person should look at: most such labels are wrong, some patients are."""

    NOTE = "note"
    """What is worth knowing and harms nothing by itself."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that labelled data should keep to.

    Attributes:
        name: Short name for tables and scripts, e.g. ``body-order``.
        severity: How much a breach matters.
        title: What is found, in a few words.
        mend: How the user can put it right.
    """

    name: str
    severity: Severity
    title: str
    mend: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach of a rule.

    Attributes:
        rule: Which.
        file: The image or the annotation file.
        place: Line, instance or landmark; empty for the whole file.
        why: What was seen, with its figures.
    """

    rule: Rule
    file: str
    place: str
    why: str

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        return f"{self.file}: {place}{self.why} -- {self.rule.mend}"
