"""What a value is compared with: published norms with their population, and the grades between decision limits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class NormKind(StrEnum):
    """What the numbers of a norm are; it decides what may be concluded from them."""

    SD = "sd"  # mean and a true standard deviation of a sample: a z-score has a meaning
    RANGE = "range"  # bounds of what is usual: inside or outside, no z-score
    TARGET = "target"  # what a treatment aims at
    GROWTH = "growth"  # a mean that moves with age up to an end age
    SEX = "sex"  # means that differ by sex, without a verified standard deviation


class Verdict(StrEnum):
    """Where a value lies to what is expected."""

    BELOW = "below"
    WITHIN = "within"
    ABOVE = "above"
    NONE = ""  # the norm does not say, or age or sex that it asks for is not known


@dataclass(frozen=True, slots=True)
class Person:
    """What norms need to know of a person.

    Attributes:
        age_years: Age when the image was taken, or None.
        sex: ``F`` or ``M``, or None.
    """

    age_years: float | None = None
    sex: str | None = None


@dataclass(frozen=True, slots=True)
class NormBand:
    """The numbers of a norm, for all or for a sex and an age; in the unit of the measurement (lengths: mm).

    Attributes:
        sex: ``F`` or ``M`` that they hold for, or None for both.
        ages: From (inclusive) and up to (exclusive) these years, or None for every age.
        mean: Mean, or the target; None for a range.
        sd: Standard deviation of the sample (kind sd).
        tolerance: What a source allows on either side where it gives no standard deviation.
        low: Lower bound of the usual, or None.
        high: Upper bound of the usual, or None.
        at_age: Age in years at which `mean` holds (kind growth).
        per_year: Change of the mean a year (kind growth).
        until: Age in years at which growth ends (kind growth).
    """

    sex: str | None = None
    ages: tuple[float, float] | None = None
    mean: float | None = None
    sd: float | None = None
    tolerance: float | None = None
    low: float | None = None
    high: float | None = None
    at_age: float | None = None
    per_year: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Norm:
    """One published norm.

    Attributes:
        author: Who published it.
        year: Of the publication; None where it is not known, which is said beside the norm.
        population: Who was measured.
        kind: What the numbers are.
        bands: At least one; no two hold for one person.
        note: A caution to print beside, or empty.
        asks_age: Whether what is usual moves with age though the source parts it by none: without an age the
            numbers are told and no verdict.
    """

    author: str
    year: int | None
    population: str
    kind: NormKind
    bands: tuple[NormBand, ...]
    note: str = ""
    asks_age: bool = False

    @property
    def source(self) -> str:
        """Author and year, e.g. ``Downs 1948``; ``Tweed (year not known)``."""
        return f"{self.author} {self.year if self.year is not None else '(year not known)'}"


@dataclass(frozen=True, slots=True)
class Grade:
    """A name for values up to a decision limit.

    Attributes:
        name: E.g. ``class I``.
        below: Values below this one have the name if they have no earlier one; None for all that are left.
        inclusive: Whether the limit itself belongs to it.
    """

    name: str
    below: float | None = None
    inclusive: bool = False


@dataclass(frozen=True, slots=True)
class LeastChange:
    """The least change between two studies that repeated readings tell from error.

    Attributes:
        value: In the unit of the measurement.
        source: Where it stands.
    """

    value: float
    source: str


@dataclass(frozen=True, slots=True)
class ResultRule:
    """What is said of results that code gives, by their name.

    Attributes:
        pattern: A result's name, in which ``*`` stands for anything: ``disc_height_*``.
        norms: To compare them with.
        grades: Their names between decision limits.
        least_change: Between two studies, where repeated readings are published.
    """

    pattern: str
    norms: tuple[Norm, ...] = ()
    grades: tuple[Grade, ...] = ()
    least_change: LeastChange | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A value beside one norm.

    Attributes:
        norm: The norm.
        expected: Its numbers for this person in words, e.g. ``82 ± 2``; empty where they cannot be chosen.
        verdict: Where the value lies.
        z: Standard deviations from the mean; None unless the norm's kind is ``sd``.
        reason: Why there is no verdict, or empty.
    """

    norm: Norm
    expected: str
    verdict: Verdict = Verdict.NONE
    z: float | None = None
    reason: str = ""


def norm_words(beside: Comparison, note: bool = True) -> str:
    """A norm in words: ``Steiner 1953 82 ± 2: z +1.30``, ``Jacobson 1975: it depends on sex, which is not known``.

    Args:
        beside: From `spinekit.measures.norms.compared`.
        note: Whether the norm's caution is told too.
    """
    norm = beside.norm
    numbers = f" {beside.expected}" if beside.expected else ""
    said = beside.verdict.value or beside.reason
    if beside.z is not None:
        said = f"z {beside.z:+.2f}"
    caution = f" ({norm.note})" if norm.note and note else ""
    return f"{norm.source}{numbers}: {said}{caution}"
