"""Follow-up: two studies of one patient, the change of every measurement against the measurement's own error."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from spinekit.core.errors import NothingUsableError, UsageError
from spinekit.core.measurement import Measurement, Result
from spinekit.core.norm import LeastChange
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing
from spinekit.files import printable, write_text
from spinekit.formats.neutral import hint
from spinekit.formats.sources import safe_cell
from spinekit.measures.interval import DRAWS
from spinekit.measures.norms import rule_for
from spinekit.runs import claim_folder
from spinekit.workflows.measure import (
    MOST_DRAWS,
    Measured,
    MeasureRun,
    MeasureSettings,
    Progress,
    measure_files,
)

NORMAL_95 = 1.959964  # standard deviations on either side that hold 95 % of a normal distribution
TABLE = "changes.csv"
COLUMNS = (
    "before", "after", "name", "unit", "value_before", "value_after", "change", "low", "high", "least_detectable",
    "verdict", "reason",
)  # fmt: skip
_MUST_AGREE = ("side",)  # of a curve: the convexity to another side is another curve
_TOLD = ("upper end", "lower end", "levels")


class Verdict(StrEnum):
    """What may be said of a change."""

    INCREASED = "increased"
    DECREASED = "decreased"
    WITHIN_ERROR = "within error"
    UNKNOWN = "error not known"
    REFUSED = "refused"


class CompareSettings(BaseModel):
    """What to compare.

    Attributes:
        before: The earlier study: a run's folder, a file of predictions, or annotations.
        after: The later one.
        format: Format of both; None to tell it by the content.
        schema_name: Landmark or class set; None for the one of the earlier study.
        only: Names of measurements or groups; empty for all.
        pair: What says which images belong together: their ``name``, the patient's ``group``, or ``auto``.
        spacing: Overrides what both say.
        draws: Random positions of each point for the intervals.
        images: Folder of the images, where the sources do not know.
        out: A new or empty folder for the table.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    before: Path
    after: Path
    format: str | None = None
    schema_name: str | None = None
    only: tuple[str, ...] = ()
    pair: Literal["auto", "name", "group"] = "auto"
    spacing: Spacing | None = None
    draws: int = Field(DRAWS, ge=0, le=MOST_DRAWS)
    images: Path | None = None
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One measurement of two studies.

    Attributes:
        name: Of the measurement.
        unit: Of both values.
        before: The earlier value, or None where it was refused.
        after: The later value, or None.
        low: Lower end of the 95 % interval of the change, or None where an error is not known.
        high: Its upper end.
        least: The least change that is told from error, or None where nothing is known of it.
        verdict: What may be said.
        reason: Why it was refused, or what a reader should know.
    """

    name: str
    unit: str
    before: float | None
    after: float | None
    low: float | None
    high: float | None
    least: float | None
    verdict: Verdict
    reason: str = ""

    @property
    def change(self) -> float | None:
        """Later minus earlier, or None."""
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two images of one patient.

    Attributes:
        before: Name of the earlier image.
        after: Name of the later one.
        changes: Of every measurement that either has.
    """

    before: str
    after: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What came of it.

    Attributes:
        settings: What was asked for.
        schema: Whose measurements these are.
        pairs: Images that belong together.
        unpaired: Names of images without a partner.
        notices: What was passed over.
        table: The table that was written, or None.
    """

    settings: CompareSettings
    schema: Schema
    pairs: tuple[Pairing, ...]
    unpaired: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    table: Path | None = None


def compare(settings: CompareSettings, on_progress: Progress | None = None) -> Comparison:
    """Measures both studies and compares them.

    Args:
        settings: What and how.
        on_progress: Told after each image.

    Raises:
        UsageError: If the settings cannot be, or which images belong together cannot be told.
        AnnotationError: If annotations are broken.
        NothingUsableError: If nothing could be measured, or no image has a partner.
    """
    before = _measured(settings, settings.before, settings.schema_name, on_progress)
    after = _measured(settings, settings.after, settings.schema_name or before.schema.name, on_progress)
    if before.schema.fingerprint() != after.schema.fingerprint():
        raise UsageError(
            f"{printable(str(settings.after))}: is of {after.schema.name}, the other of {before.schema.name} -- name "
            "one landmark or class set for both with --schema"
        )
    if settings.out is not None:
        claim_folder(settings.out)
    couples, alone = _couples(settings, before.images, after.images)
    pairs = tuple(
        Pairing(first.image.name, second.image.name, _changes(before.schema, first.results, second.results))
        for first, second in couples
    )
    table = None if settings.out is None else _written(settings.out, pairs)
    notices = tuple(dict.fromkeys((*before.notices, *after.notices)))
    return Comparison(settings, before.schema, pairs, alone, notices, table)


def compared(first: Result, second: Result, known: LeastChange | None = None) -> Change:
    """The change of one measurement.

    The error of a change is that of both values together: with standard deviations of a quarter of each
    interval's width (its width is 3.92 of them) the 95 % interval of the difference has a half width of
    1.96 sqrt(s1^2 + s2^2). A change of that size is the least that is told from error, unless published
    repeated readings ask for more.

    Args:
        first: The earlier result.
        second: The later one, of the same measurement.
        known: Least detectable change by repeated readings, where one is published.
    """
    if not isinstance(first, Measurement) or not isinstance(second, Measurement):
        return _half(first, second)
    name, unit = first.name, first.unit
    refusal = _refusal(first, second)
    if refusal:
        return Change(name, unit, first.value, second.value, None, None, None, Verdict.REFUSED, refusal)
    difference = second.value - first.value
    deviations = [_deviation(first), _deviation(second)]
    low = high = least = None
    if None not in deviations:
        half = NORMAL_95 * math.hypot(*(value for value in deviations if value is not None))
        low, high, least = difference - half, difference + half, half
    reasons = _remarks(first, second)
    if known is not None and (least is None or known.value > least):
        least = known.value
        reasons.append(f"least change by repeated readings ({known.source})")
    if least is None:
        verdict = Verdict.UNKNOWN
        reasons.append("the points carry no spread")
    elif abs(difference) <= least:
        verdict = Verdict.WITHIN_ERROR
    else:
        verdict = Verdict.INCREASED if difference > 0 else Verdict.DECREASED
    return Change(name, unit, first.value, second.value, low, high, least, verdict, "; ".join(reasons))


def _measured(
    settings: CompareSettings, source: Path, schema: str | None, on_progress: Progress | None
) -> MeasureRun:
    wanted = MeasureSettings(
        source=source, format=settings.format, schema_name=schema, only=settings.only, spacing=settings.spacing,
        draws=settings.draws, images=settings.images,
    )  # fmt: skip
    return measure_files(wanted, on_progress)


def _couples(
    settings: CompareSettings, before: Sequence[Measured], after: Sequence[Measured]
) -> tuple[list[tuple[Measured, Measured]], tuple[str, ...]]:
    """Images that belong together, and the names of those without a partner."""
    if settings.pair == "auto" and len(before) == len(after) == 1:
        return [(before[0], after[0])], ()
    for kind in ("name", "group") if settings.pair == "auto" else (settings.pair,):
        firsts, seconds = _by(kind, before), _by(kind, after)
        common = [key for key in firsts if key in seconds]
        if common:
            met = [(firsts[key], seconds[key]) for key in common]
            paired = {id(item) for couple in met for item in couple}
            alone = tuple(item.image.name for item in (*before, *after) if id(item) not in paired)
            return met, alone
    if settings.pair == "group" and not any(item.group for item in after):
        raise NothingUsableError(
            f"{printable(str(settings.after))}: none of its images names a patient -- use --pair name"
        )
    names = " and ".join(printable(items[0].image.name) for items in (before, after))
    raise NothingUsableError(
        f"{printable(str(settings.after))}: no image belongs to one of {printable(str(settings.before))} (names such "
        f"as {names}) -- images are paired by their name or their patient; compare two films alone otherwise"
        f"{hint(item.image.name for item in (*before, *after))}"
    )


def _by(kind: str, items: Sequence[Measured]) -> dict[str, Measured]:
    """Images by what pairs them; a patient with several images in one study is left alone."""
    keys = [item.image.name if kind == "name" else item.group for item in items]
    return {key: item for key, item in zip(keys, items, strict=True) if key and keys.count(key) == 1}


def _changes(schema: Schema, before: Sequence[Result], after: Sequence[Result]) -> tuple[Change, ...]:
    firsts, seconds = {r.name: r for r in before}, {r.name: r for r in after}
    known = _least_changes(schema, [*firsts, *seconds])
    return tuple(
        compared(firsts[name], seconds[name], known.get(name)) if name in seconds and name in firsts
        else _single(name, name in firsts)
        for name in dict.fromkeys((*firsts, *seconds))
    )  # fmt: skip


def _single(name: str, earlier: bool) -> Change:
    only = "only the earlier study has it" if earlier else "only the later study has it"
    return Change(name, "", None, None, None, None, None, Verdict.REFUSED, only)


def _least_changes(schema: Schema, names: Sequence[str]) -> Mapping[str, LeastChange]:
    found = {line.name: line.least_change for line in schema.measurements if line.least_change is not None}
    for name in names:
        rule = rule_for(schema.results, name)
        if rule is not None and rule.least_change is not None:
            found.setdefault(name, rule.least_change)
    return found


def _half(first: Result, second: Result) -> Change:
    refused = [
        (when, result.reason)
        for when, result in (("earlier", first), ("later", second))
        if not isinstance(result, Measurement)
    ]
    alike = len(refused) == 2 and refused[0][1] == refused[1][1]
    reasons = [f"both: {refused[0][1]}"] if alike else [f"{when}: {words}" for when, words in refused]
    values = [result.value if isinstance(result, Measurement) else None for result in (first, second)]
    unit = next((result.unit for result in (first, second) if isinstance(result, Measurement)), "")
    reason = "; ".join(reasons)
    return Change(first.name, unit, values[0], values[1], None, None, None, Verdict.REFUSED, reason)


def _refusal(first: Measurement, second: Measurement) -> str:
    if first.unit != second.unit:
        return f"one is in {first.unit}, the other in {second.unit} -- state a scale for both"
    if first.unit == "px":
        return "pixels of two films are no common measure -- state a scale with --spacing"
    for key in _MUST_AGREE:
        both = first.details.get(key), second.details.get(key)
        if None not in both and both[0] != both[1]:
            return f"not the same curve: {key} {both[0]}, then {both[1]}"
    return ""


def _remarks(first: Measurement, second: Measurement) -> list[str]:
    """What differs between the two beside the value."""
    found = []
    for key in _TOLD:
        both = first.details.get(key), second.details.get(key)
        if both[0] != both[1]:
            found.append(f"{key} {both[0]}, then {both[1]}")
    if first.spacing_origin is not second.spacing_origin:
        found.append(f"scale {first.spacing_origin}, then {second.spacing_origin}")
    if first.reason and first.reason == second.reason:
        return [*found, f"both: {first.reason}"]
    found += [f"{when}: {r.reason}" for when, r in (("earlier", first), ("later", second)) if r.reason]
    return found


def _deviation(result: Measurement) -> float | None:
    if result.low is None or result.high is None:
        return None
    return (result.high - result.low) / (2 * NORMAL_95)


def _written(out: Path, pairs: Sequence[Pairing]) -> Path:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for pair in pairs:
        for one in pair.changes:
            numbers = (one.before, one.after, one.change, one.low, one.high, one.least)
            cells = ["" if value is None else f"{value:.4f}".rstrip("0").rstrip(".") for value in numbers]
            named = (safe_cell(pair.before), safe_cell(pair.after), safe_cell(one.name), one.unit)
            writer.writerow((*named, *cells, one.verdict.value, safe_cell(one.reason)))
    path = out / TABLE
    write_text(path, text.getvalue())
    return path
