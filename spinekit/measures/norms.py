"""A value beside published norms, and its grade between decision limits.

A z-score stands only where the norm's kind is a true standard deviation. Where age or sex decides and is not
known, the value is given without a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import lru_cache

from spinekit.core.measurement import Measurement, Status
from spinekit.core.norm import Comparison, Grade, Norm, NormBand, NormKind, Person, ResultRule, Verdict

WITHIN_SD = 2.0  # standard deviations that are called within: 95 % of a normal sample
_DECIMALS = 2


def compared(norm: Norm, value: float, unit: str, person: Person) -> Comparison:
    """A value beside a norm.

    Args:
        norm: Its numbers are in the unit of the measurement, lengths in mm.
        value: What was measured.
        unit: Of the value; with ``px`` there is nothing to compare.
        person: Age and sex, where known.
    """
    band = "a length in pixels has no norm" if unit == "px" else _band(norm, person)
    if isinstance(band, str):
        return Comparison(norm, "", reason=band)
    if norm.asks_age and person.age_years is None:
        words = expected_words(norm, band, band.mean)
        return Comparison(norm, words, reason="no verdict without an age, with which it moves")
    centre = band.mean
    if norm.kind is NormKind.GROWTH and person.age_years is not None:
        centre = grown(band, person.age_years)
    words = expected_words(norm, band, centre)
    if band.sd is not None and centre is not None:
        z = (value - centre) / band.sd
        return Comparison(norm, words, _side(z, -WITHIN_SD, WITHIN_SD), z)
    if band.tolerance is not None and centre is not None:
        return Comparison(norm, words, _side(value, centre - band.tolerance, centre + band.tolerance))
    if norm.kind is NormKind.RANGE:
        return Comparison(norm, words, _side(value, band.low, band.high))
    return Comparison(norm, words, reason="its source gives no bounds")


def grown(band: NormBand, age_years: float) -> float:
    """The mean at an age; growth stops at the end age, and before the starting age nothing is known but it.

    Args:
        band: Of a norm of kind growth.
        age_years: Age.
    """
    assert band.mean is not None  # the reading of the schema has checked these
    assert band.at_age is not None
    assert band.until is not None
    assert band.per_year is not None
    years = min(max(age_years, band.at_age), band.until) - band.at_age
    return band.mean + band.per_year * years


def expected_words(norm: Norm, band: NormBand, centre: float | None) -> str:
    """The numbers of a band as they are printed: ``82 ± 2``, ``62 to 65``, ``up to 40``."""
    if norm.kind is NormKind.RANGE:
        if band.low is None or band.high is None:
            return f"up to {_number(band.high)}" if band.low is None else f"from {_number(band.low)}"
        return f"{_number(band.low)} to {_number(band.high)}"
    width = band.sd if band.sd is not None else band.tolerance
    return _number(centre) + ("" if width is None else f" ± {_number(width)}")


def grade_of(grades: Sequence[Grade], value: float) -> str:
    """The name of a value."""
    for grade in grades:
        if grade.below is None or value < grade.below or (grade.inclusive and value == grade.below):
            return grade.name
    return ""


def judged(
    result: Measurement, norms: Sequence[Norm], grades: Sequence[Grade], person: Person
) -> Measurement:
    """The result with its norms and its grade; in review where the interval crosses a decision limit.

    Args:
        result: As measured.
        norms: To compare with.
        grades: Its names; a length in pixels has none.
        person: Age and sex, where known.
    """
    if not norms and not grades:
        return result
    comparisons = tuple(compared(norm, result.value, result.unit, person) for norm in norms)
    if not grades or result.unit == "px":
        return replace(result, norms=comparisons)
    name = grade_of(grades, result.value)
    held = _held(grades, result)
    if not held:
        return replace(result, norms=comparisons, grade=name)
    assert result.low is not None  # a limit is held by an interval
    assert result.high is not None
    names = dict.fromkeys(_names(grades, result.low, result.high))
    unit = f" {result.unit}" if result.unit else ""
    reason = f"the interval holds {' and '.join(f'{_number(limit)}{unit}' for limit in held)}"
    return replace(
        result,
        norms=comparisons,
        grade=" or ".join(names),
        status=Status.REVIEW,
        reason="; ".join(part for part in (result.reason, reason) if part),
    )


def rule_for(rules: Sequence[ResultRule], name: str) -> ResultRule | None:
    """What the schema says of a result that code gave; an exact name goes before a pattern."""
    place = _place_of(tuple(rule.pattern for rule in rules), name)
    return None if place is None else rules[place]


@lru_cache(maxsize=8192)
def _place_of(patterns: tuple[str, ...], name: str) -> int | None:
    """Which pattern is a name's; every study asks the same of hundreds of names."""
    if name in patterns:
        return patterns.index(name)
    return next((i for i, pattern in enumerate(patterns) if fnmatchcase(name, pattern)), None)


def _held(grades: Sequence[Grade], result: Measurement) -> list[float]:
    if result.low is None or result.high is None:
        return []
    limits = [grade.below for grade in grades if grade.below is not None]
    return [limit for limit in limits if result.low < limit <= result.high]


def _names(grades: Sequence[Grade], low: float, high: float) -> list[str]:
    """The names met on the way from low to high."""
    between = [grade.below for grade in grades if grade.below is not None and low < grade.below <= high]
    return [grade_of(grades, value) for value in (low, *between, high)]


def _band(norm: Norm, person: Person) -> NormBand | str:
    """The band that holds for a person, or why none can be chosen."""
    asked = [
        word
        for word, known, matters in (
            ("sex", person.sex, any(band.sex for band in norm.bands)),
            ("age", person.age_years, norm.kind is NormKind.GROWTH or any(band.ages for band in norm.bands)),
        )
        if matters and known is None
    ]
    if asked:
        return f"it depends on {' and '.join(asked)}, which {'are' if len(asked) > 1 else 'is'} not known"
    for band in norm.bands:
        if band.sex is not None and band.sex != person.sex:
            continue
        if band.ages is not None and person.age_years is not None:
            low, high = band.ages
            if not low <= person.age_years < high:
                continue
        return band
    return "it says nothing of persons of this age or sex"


def _side(value: float, low: float | None, high: float | None) -> Verdict:
    if low is not None and value < low:
        return Verdict.BELOW
    if high is not None and value > high:
        return Verdict.ABOVE
    return Verdict.WITHIN


def _number(value: float | None) -> str:
    return "" if value is None else f"{round(value, _DECIMALS) + 0.0:g}"
