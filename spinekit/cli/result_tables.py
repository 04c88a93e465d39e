"""Results of measuring on a terminal of 80 columns: what stands for itself first, results of every level in one row.

Nothing is left out by choice of the value: what one row stands for is told, and the whole is in the table of
``--out`` and in ``--json``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from rich.table import Table

from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.core.measurement import Measurement
    from spinekit.core.schema import Schema
    from spinekit.workflows.measure import Measured, MeasureRun

MANY = 40  # names up to which each has a row of its own
FAMILY = 3  # results that differ by their level alone, from which they share a row
EACH = 3  # images up to which all results are shown
_MOST_REASONS = 12
_MOST_NAMES = 6


def families(names: Iterable[str], levels: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Names that differ by the vertebra alone under one pattern; none where there are few names.

    Args:
        names: Of results, e.g. ``disc_angle_l4_l5``.
        levels: Of the schema.

    Returns:
        From ``disc_angle_*`` to the names that it stands for, at least `FAMILY` each.
    """
    listed = list(dict.fromkeys(names))
    if len(listed) <= MANY:
        return {}
    known = {level.lower() for level in levels}
    found: dict[str, list[str]] = {}
    for name in listed:
        parts = ["*" if part in known else part for part in name.split("_")]
        pattern = re.sub(r"\*(?:_\*)+", "*", "_".join(parts))
        if "*" in pattern:
            found.setdefault(pattern, []).append(name)
    return {pattern: tuple(alike) for pattern, alike in found.items() if len(alike) >= FAMILY}


def blank_table(title: str, first: str, right: Sequence[str]) -> Table:
    """A table without lines, whose first column is never cut and whose numbers stand at the right.

    Args:
        title: Above it.
        first: Heading of the names.
        right: Headings of the numbers.
    """
    shown = Table(title=title, title_justify="left", box=None, pad_edge=False)
    shown.add_column(first, overflow="fold")
    for heading in right:
        shown.add_column(heading, justify="right", no_wrap=True)
    return shown


def by_reason(
    told: Iterable[tuple[str, str]], what: str, names: Mapping[str, str] | None = None
) -> list[str]:
    """One line for each kind of reason and the names that share it, most told first; of many lines the first.

    Args:
        told: Name and reason, as often as it was given.
        what: Begins each line, e.g. ``not measured``.
        names: Patterns of families by their members, see `families`; the reasons of a family are of one kind.
    """
    patterns = names or {}
    counts: dict[str, Counter[str]] = {}
    words: dict[str, dict[str, None]] = {}
    for name, reason in told:
        kind = _kind(reason, name in patterns)
        counts.setdefault(kind, Counter())[patterns.get(name, name)] += 1
        words.setdefault(kind, {})[reason] = None
    ordered = sorted(counts, key=lambda kind: -counts[kind].total())
    lines = [_line(what, counts[kind], list(words[kind])) for kind in ordered[:_MOST_REASONS]]
    if len(ordered) > _MOST_REASONS:
        lines.append(f"... and {len(ordered) - _MOST_REASONS} more reasons: --json and --out have them all")
    return lines


def _kind(reason: str, of_a_level: bool) -> str:
    """A reason without its numbers, and without its vertebrae where it is told of many alike."""
    kind = re.sub(r"(?<![\w.-])[-\N{MINUS SIGN}]?\d+(?:\.\d+)?(?!\w)", "N", reason)
    return re.sub(r"\b[CTLS]\d+\b", "*", kind) if of_a_level else kind


def _line(what: str, names: Counter[str], reasons: Sequence[str]) -> str:
    alike = len(set(names.values())) == 1
    times = names.most_common(1)[0][1]
    told = what + (f" ({times} x)" if alike and times > 1 else "")
    shown = [printable(name) + ("" if alike else f" ({count} x)") for name, count in names.items()]
    more = len(shown) - _MOST_NAMES
    rest = f" and {more} more" if more > 0 else ""
    example = "e.g. " if len(reasons) > 1 else ""
    return f"{told}: {', '.join(shown[:_MOST_NAMES])}{rest}: {example}{printable(reasons[0])}"


def image_table(image: Measured, schema: Schema) -> tuple[list[Table], list[str]]:
    """What was measured on one image, and beneath it what a reader should know.

    Args:
        image: With its results.
        schema: Whose levels names may hold.

    Returns:
        Tables, and lines about what asks for review, has no verdict or was refused.
    """
    from spinekit.core.measurement import Measurement, NotMeasured
    from spinekit.core.norm import norm_words

    done = {result.name: result for result in image.results if isinstance(result, Measurement)}
    alike = families((result.name for result in image.results), schema.levels)
    member = _members(alike)
    tables = [_each(printable(image.image.name), [one for name, one in done.items() if name not in member])]
    if any(name in member for name in done):
        tables.append(_families(alike, {name: [one] for name, one in done.items()}, "at"))
    without = [
        (name, norm_words(norm, note=False))
        for name, one in done.items()
        for norm in one.norms
        if not norm.verdict.value
    ]
    refused = [(r.name, r.reason) for r in image.results if isinstance(r, NotMeasured)]
    lines = by_reason(((r.name, r.reason) for r in done.values() if r.reason), "review", member)
    lines += by_reason(without, "no verdict", member)
    return tables, lines + by_reason(refused, "not measured", member)


def _members(alike: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: pattern for pattern, names in alike.items() for name in names}


def _each(title: str, results: Sequence[Measurement]) -> Table:
    """A row for each; a column of intervals or of words only where there are any."""
    from spinekit.core.norm import norm_words
    from spinekit.views.wording import interval, number

    words = {}
    for one in results:
        beside = [norm_words(norm, note=False) for norm in one.norms if norm.verdict.value]
        words[one.name] = "; ".join([one.grade] * bool(one.grade) + beside)
    held = any(interval(one) for one in results)
    shown = blank_table(title, "name", ["value"] + ["95 % interval"] * held)
    shown.add_column("status", no_wrap=True)
    if any(words.values()):
        shown.add_column("grade, norm", ratio=1)
        shown.columns[0].no_wrap = True  # the words give way, not the names
    for one in results:
        cells = [printable(one.name), number(one.value, one.unit)] + [interval(one)] * held
        cells.append(one.status.value)
        shown.add_row(*cells, *([printable(words[one.name])] if any(words.values()) else []))
    return shown


def _families(
    alike: Mapping[str, Sequence[str]], results: Mapping[str, Sequence[Measurement]], place: str
) -> Table:
    """A row for each family: how many values, their range and, of one image, where its ends are."""
    from spinekit.core.measurement import Status
    from spinekit.views.wording import number

    ends = ["n", "lowest", place, "highest", place, "review"] if place else _OF_ALL
    shown = blank_table("of every level (* in a name)", "name", ends)
    for pattern, names in alike.items():
        of_unit: dict[str, list[Measurement]] = {}
        for one in (one for name in names for one in results.get(name, ())):
            of_unit.setdefault(one.unit, []).append(one)
        for unit, found in of_unit.items():
            first, last = (end(found, key=lambda one: one.value) for end in (min, max))
            low, high = (number(one.value, unit) for one in (first, last))
            review = str(sum(one.status is Status.REVIEW for one in found))
            cells = [number(median(one.value for one in found), unit), low, high]
            if place:
                cells = [low, _member(first.name, pattern), high, _member(last.name, pattern)]
            shown.add_row(pattern, str(len(found)), *cells, review)
    return shown


def _member(name: str, pattern: str) -> str:
    """What stands for the star: ``L4-L5`` of ``disc_angle_l4_l5``."""
    before, _, after = pattern.partition("*")
    return name[len(before) : len(name) - len(after)].upper().replace("_", "-")


_OF_ALL = ("n", "median", "lowest", "highest", "review")


def summary_tables(found: MeasureRun) -> tuple[list[Table], list[str]]:
    """How every measurement went over all images, and why some were refused.

    Args:
        found: Of several images.

    Returns:
        Tables, and lines with the reasons.
    """
    from spinekit.core.measurement import Measurement, NotMeasured, Status
    from spinekit.views.wording import number

    results = [result for image in found.images for result in image.results]
    alike = families((result.name for result in results), found.schema.levels)
    member = _members(alike)
    rows: dict[tuple[str, str], list[Measurement]] = {}
    shared: dict[str, list[Measurement]] = {}
    for result in results:
        if isinstance(result, Measurement) and result.name in member:
            shared.setdefault(result.name, []).append(result)
        elif isinstance(result, Measurement):
            rows.setdefault((result.name, result.unit), []).append(result)
    shown = blank_table("all images", "name", _OF_ALL)
    for (name, unit), measured in rows.items():
        values = [one.value for one in measured]
        numbers = (number(one, unit) for one in (median(values), min(values), max(values)))
        review = sum(one.status is Status.REVIEW for one in measured)
        shown.add_row(printable(name), str(len(values)), *numbers, str(review))
    tables = [shown] * bool(rows) + ([_families(alike, shared, "")] if shared else [])
    reviewed = [
        (r.name, r.reason) for r in results if isinstance(r, Measurement) and r.status is Status.REVIEW
    ]
    refused = [(r.name, r.reason) for r in results if isinstance(r, NotMeasured)]
    return tables, by_reason(reviewed, "review", member) + by_reason(refused, "not measured", member)
