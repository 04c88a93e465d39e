"""Results as the rows of a report: values, norms and grades in words, levels side by side, refusals by reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from spinekit.core.measurement import Measurement, NotMeasured, Result
from spinekit.core.norm import Comparison, Verdict
from spinekit.core.scene import Scene
from spinekit.views.language import Language
from spinekit.views.norm_bar import norm_bar
from spinekit.views.wording import LEVELLED, doubtful

_LEAST_LEVELS = 3
"""Levels from which on a measurement's values stand side by side instead of one below the other."""


@dataclass(frozen=True, slots=True, eq=False)
class NormLine:
    """A norm beside a value.

    Attributes:
        bar: A drawing, or None where there is nothing to draw.
        words: The norm's numbers, source and verdict, or why it gives none.
        outside: Whether the value is not within it.
    """

    bar: Markup | None
    words: str
    outside: bool


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One measurement, worded.

    Attributes:
        key: Its place among the image's results, which its drawing over the film shares.
        name: As in tables.
        title: As clinicians call it, or empty.
        plain: Whether the name would say no more than the title.
        value: Number and unit.
        scale: Where millimetres come from, or empty.
        interval: 95 %, or empty.
        norms: Beside the value.
        grade: Or empty.
        review: Whether a person should look.
        reason: Why.
        details: Further words.
    """

    key: int
    name: str
    title: str
    plain: bool
    value: str
    scale: str
    interval: str
    norms: tuple[NormLine, ...]
    grade: str
    review: bool
    reason: str
    details: str


@dataclass(frozen=True, slots=True)
class LevelTable:
    """Measurements that are taken at every level: one a row, one level a column.

    Attributes:
        places: Column heads, e.g. ``L1`` or ``L1-L2``.
        rows: Name, and a row of the table or None for each place.
        reasons: Place, name and reason of what is to be looked at.
    """

    places: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Row | None, ...]], ...]
    reasons: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was not measured for one reason.

    Attributes:
        reason: In words.
        names: Of the measurements.
    """

    reason: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CardRows:
    """All results of one image, worded.

    Attributes:
        rows: One a measurement.
        levels: Tables of what is measured at every level.
        refusals: By reason.
        normed: Whether any row has a norm.
        measured: Number of values.
        review: How many of them a person should look at.
        refused: Number of refusals.
        reasons: Of reviews, each once, the commonest first.
        levelled: Names that stand in `levels`.
    """

    rows: tuple[Row, ...]
    levels: tuple[LevelTable, ...]
    refusals: tuple[Refusal, ...]
    normed: bool
    measured: int
    review: int
    refused: int
    reasons: tuple[str, ...]
    levelled: frozenset[str]


def card_rows(results: Sequence[Result], scene: Scene | None, language: Language) -> CardRows:
    """The results of an image as a report shows them."""
    titles = (
        {} if scene is None else {line.name: line.title for line in scene.schema.measurements if line.title}
    )
    rows = [
        _row(key, result, titles.get(result.name, ""), language)
        for key, result in enumerate(results)
        if isinstance(result, Measurement)
    ]
    levelled = _levelled(rows)
    inside = {row.key for family in levelled.values() for row in family.values()}
    single = tuple(row for row in rows if row.key not in inside)
    refused = [result for result in results if isinstance(result, NotMeasured)]
    return CardRows(
        rows=single,
        levels=_level_tables(levelled),
        refusals=_by_reason(refused, language),
        normed=any(row.norms or row.grade for row in single),
        measured=len(rows),
        review=sum(row.review for row in rows),
        refused=len(refused),
        reasons=_commonest(row.reason for row in rows if row.review and row.reason),
        levelled=frozenset(row.name for row in rows if row.key in inside),
    )


def _row(key: int, result: Measurement, title: str, language: Language) -> Row:
    return Row(
        key=key,
        name=result.name,
        title=title,
        plain=not title or title.lower() == result.name.lower(),
        value=language.number(result.value, result.unit),
        scale=_scale(result, language),
        interval=_interval(result, language),
        norms=tuple(_norm(result, beside, language) for beside in result.norms),
        grade=language.saying(result.grade),
        review=doubtful(result),
        reason=language.saying(result.reason),
        details="; ".join(
            f"{language.saying(name)}: {language.saying(words)}" for name, words in result.details.items()
        ),
    )


def _interval(result: Measurement, language: Language) -> str:
    if result.low is None or result.high is None:
        return ""
    ends = {
        "low": language.number(result.low, result.unit),
        "high": language.number(result.high, result.unit),
    }
    return language.fill("interval", ends)


def _scale(result: Measurement, language: Language) -> str:
    """What a number without it would not say: the source of millimetres. Of pixels the card's head speaks."""
    if result.spacing_origin is not None and result.unit == "mm":
        return language.text[f"spacing_{result.spacing_origin.value}"]
    return language.text["ratio"] if not result.unit else ""


def _norm(result: Measurement, beside: Comparison, language: Language) -> NormLine:
    words = norm_line(beside, language)
    outside = beside.verdict in {Verdict.BELOW, Verdict.ABOVE}
    return NormLine(norm_bar(result, beside, words), words, outside)


def norm_line(beside: Comparison, language: Language) -> str:
    """A norm in a few words: ``82 ± 2, Steiner 1953, z +1.3``; why it says nothing where it does not."""
    norm = beside.norm
    source = f"{norm.author} {norm.year}" if norm.year is not None else f"{norm.author}"
    said = language.text[f"verdict_{beside.verdict.value}"] if beside.verdict is not Verdict.NONE else ""
    if beside.z is not None:
        said = language.figures(f"z {beside.z:+.1f}") + (
            f", {said}" if beside.verdict is not Verdict.WITHIN else ""
        )
    said = said or language.saying(beside.reason)
    return ", ".join(part for part in (language.figures(beside.expected), source, said) if part)


def _levelled(rows: Iterable[Row]) -> dict[str, dict[str, Row]]:
    """Rows by measurement and level, of those measurements that are taken at several levels."""
    families: dict[str, dict[str, Row]] = {}
    for row in rows:
        found = LEVELLED.fullmatch(row.name)
        if found is not None:
            families.setdefault(found["family"], {})[found["place"]] = row
    return {name: family for name, family in families.items() if len(family) >= _LEAST_LEVELS}


def _level_tables(families: dict[str, dict[str, Row]]) -> tuple[LevelTable, ...]:
    """One table for bodies, one for what lies between two."""
    tables = []
    for between in (False, True):
        chosen = {
            name: family
            for name, family in families.items()
            if any(("_" in place) == between for place in family)
        }
        places = list(
            dict.fromkeys(
                place for family in chosen.values() for place in family if ("_" in place) == between
            )
        )
        if not places:
            continue
        reasons: dict[str, list[str]] = {}
        for name, family in chosen.items():
            for place, row in family.items():
                if row.review and row.reason:
                    reasons.setdefault(row.reason, []).append(f"{name} {_place(place)}")
        tables.append(
            LevelTable(
                places=tuple(_place(place) for place in places),
                rows=tuple(
                    (name, tuple(family.get(place) for place in places)) for name, family in chosen.items()
                ),
                reasons=tuple((", ".join(names), reason) for reason, names in reasons.items()),
            )
        )
    return tuple(tables)


def _place(place: str) -> str:
    return place.upper().replace("_", "-")


def _by_reason(refused: Iterable[NotMeasured], language: Language) -> tuple[Refusal, ...]:
    reasons: dict[str, list[str]] = {}
    for result in refused:
        reasons.setdefault(language.saying(result.reason), []).append(result.name)
    return tuple(Refusal(reason, tuple(names)) for reason, names in reasons.items())


def _commonest(reasons: Iterable[str]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for reason in reasons:
        counts[reason] = counts.get(reason, 0) + 1
    return tuple(sorted(counts, key=lambda reason: -counts[reason]))
