"""Norms and grades as they stand in a YAML file: every number in its place, nothing that says two things."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

from spinekit.core.norm import Grade, LeastChange, Norm, NormBand, NormKind, ResultRule
from spinekit.schemas.place import Place
from spinekit.schemas.strict_yaml import load_yaml

SEXES = ("F", "M")
NOT_KNOWN = "unknown"
FIRST_YEAR, LAST_YEAR = 1900, 2100
OLDEST = 130  # years
_NORM = ("author", "year", "population", "kind")
_WHOM = ("sex", "ages")
_NUMBERS: dict[NormKind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # kind: numbers that must be there, numbers that may
    NormKind.SD: (("mean", "sd"), ("low", "high")),
    NormKind.RANGE: ((), ("low", "high", "mean")),
    NormKind.TARGET: (("mean",), ("tolerance",)),
    NormKind.GROWTH: (("mean", "at_age", "per_year", "until"), ("tolerance",)),
    NormKind.SEX: (("mean",), ("tolerance",)),
}


def norms_of(place: Place) -> tuple[Norm, ...]:
    """The norms of a measurement.

    Args:
        place: A list of mappings.

    Raises:
        UsageError: Names the place and how to mend it.
    """
    found = tuple(_norm(item) for item in place.items())
    place.told_once([norm.source for norm in found])
    return found


def grades_of(place: Place) -> tuple[Grade, ...]:
    """Names between decision limits, ascending; the last has no limit.

    Args:
        place: A list of ``{name, below}`` or ``{name, up_to}`` (the limit belongs to it) mappings.

    Raises:
        UsageError: Names the place and how to mend it.
    """
    items = place.items()
    grades = [_grade(item) for item in items]
    if len(grades) < 2:
        raise place.wrong("tells fewer than two grades, between which a limit would lie")
    limits = [grade.below for grade in grades[:-1] if grade.below is not None]
    if len(limits) != len(grades) - 1 or grades[-1].below is not None:
        raise place.wrong("must give a limit (below or up_to) to each grade but the last")
    # One limit may stand twice, first without and then with itself: a name for the very value.
    ends = [(limit, grade.inclusive) for limit, grade in zip(limits, grades[:-1], strict=True)]
    if any(later <= earlier for earlier, later in itertools.pairwise(ends)):
        raise place.wrong("has limits that do not ascend")
    return tuple(grades)


def rules_of(place: Place) -> tuple[ResultRule, ...]:
    """What is said of results by their name: ``{name or pattern: {norms: [...], grades: [...]}}``."""
    rules = []
    for pattern, said in place.keys(None).items():
        keys = said.keys(("norms", "grades", "least_change"))
        rules.append(
            ResultRule(
                pattern,
                norms_of(keys["norms"]) if "norms" in keys else (),
                grades_of(keys["grades"]) if "grades" in keys else (),
                least_change_of(keys["least_change"]) if "least_change" in keys else None,
            )
        )
    return tuple(rules)


def least_change_of(place: Place) -> LeastChange:
    """The least change between two studies: ``{value, source}``."""
    keys = place.keys(("value", "source"), ("value", "source"))
    value = keys["value"].number()
    if value <= 0:
        raise keys["value"].wrong("must be above 0")
    return LeastChange(value, keys["source"].text())


def load_norms(path: Path) -> Mapping[str, tuple[Norm, ...]]:
    """A user's own norms: by measurement, to take the place of those that ship for it.

    Args:
        path: YAML file with ``norms: {name of a measurement: [norm, ...]}``.

    Raises:
        UsageError: If it cannot be read or is wrong; the message names the place.
    """
    top = Place(str(path), "the file", load_yaml(path)).keys(("norms",), ("norms",))
    return {str(name): norms_of(said) for name, said in top["norms"].keys(None).items()}


def _norm(place: Place) -> Norm:
    numbers = tuple(dict.fromkeys(name for both in _NUMBERS.values() for part in both for name in part))
    keys = place.keys((*_NORM, "note", "asks_age", "bands", *_WHOM, *numbers), _NORM)
    year = keys["year"].value
    if year == NOT_KNOWN:
        year = None
    elif isinstance(year, bool) or not isinstance(year, int) or not FIRST_YEAR <= year <= LAST_YEAR:
        raise keys["year"].wrong(f"must be a year such as 1953, or {NOT_KNOWN}, not {year!r}")
    asks_age = keys["asks_age"].value if "asks_age" in keys else False
    if not isinstance(asks_age, bool):
        raise keys["asks_age"].wrong("must be true or false")
    kind = NormKind(keys["kind"].choice([kind.value for kind in NormKind]))
    if "bands" in keys:
        beside = [name for name in (*_WHOM, *numbers) if name in keys]
        if beside:
            raise place.wrong(f"has bands and {', '.join(beside)} beside them -- numbers stand in the bands")
        bands = tuple(_band(item, kind, item.keys((*_WHOM, *numbers))) for item in keys["bands"].items())
    else:
        inline = {name: keys[name] for name in (*_WHOM, *numbers) if name in keys}
        bands = (_band(place, kind, inline),)
    _check_bands(place, kind, bands)
    return Norm(
        author=keys["author"].text(),
        year=year,
        population=keys["population"].text(),
        kind=kind,
        bands=bands,
        note=keys["note"].text() if "note" in keys else "",
        asks_age=asks_age,
    )


def _band(place: Place, kind: NormKind, keys: Mapping[str, Place]) -> NormBand:
    needed, more = _NUMBERS[kind]
    for name in needed:
        if name not in keys:
            raise place.wrong(f"lacks {name!r}, which a norm of kind {kind.value} has")
    for name in keys:
        if name not in (*_WHOM, *needed, *more):
            raise place.wrong(
                f"has {name!r}, which a norm of kind {kind.value} has not -- it has {', '.join((*needed, *more))}"
            )
    number = {name: keys[name].number() for name in (*needed, *more) if name in keys}
    for name in ("sd", "tolerance"):
        if name in number and number[name] <= 0:
            raise keys[name].wrong("must be above 0")
    if kind is NormKind.RANGE and not {"low", "high"} & number.keys():
        raise place.wrong("is a range without low or high")
    if "low" in number and "high" in number and number["low"] >= number["high"]:
        raise place.wrong("has a low that is not below its high")
    if kind is NormKind.GROWTH and not 0 <= number["at_age"] < number["until"] <= OLDEST:
        raise place.wrong("must grow from at_age until a later age, in years")
    return NormBand(
        sex=keys["sex"].choice(SEXES) if "sex" in keys else None,
        ages=_ages(keys["ages"]) if "ages" in keys else None,
        **number,
    )


def _ages(place: Place) -> tuple[float, float]:
    ends = [item.number() for item in place.items()]
    if len(ends) != 2 or not 0 <= ends[0] < ends[1] <= OLDEST:
        raise place.wrong("must be two ages in years such as [18, 130]: from, and up to but not including")
    return ends[0], ends[1]


def _check_bands(place: Place, kind: NormKind, bands: tuple[NormBand, ...]) -> None:
    """Refuses bands of which two hold for one person, and a norm by sex that leaves one out."""
    if not bands:
        raise place.wrong("has no band")
    for first, second in itertools.combinations(bands, 2):
        one_sex = first.sex is None or second.sex is None or first.sex == second.sex
        apart = first.ages and second.ages and (
            first.ages[1] <= second.ages[0] or second.ages[1] <= first.ages[0]
        )  # fmt: skip
        if one_sex and not apart:
            raise place.wrong("has two bands that hold for one person -- part them by sex or ages")
    if kind is NormKind.SEX and {band.sex for band in bands} != set(SEXES):
        raise place.wrong("is of kind sex and needs a band for F and one for M")


def _grade(place: Place) -> Grade:
    keys = place.keys(("name", "below", "up_to"), ("name",))
    if "below" in keys and "up_to" in keys:
        raise place.wrong("has below and up_to -- one of them")
    limit = keys.get("below") or keys.get("up_to")
    return Grade(keys["name"].text(), None if limit is None else limit.number(), "up_to" in keys)
