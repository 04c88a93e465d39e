"""What an evaluation is told, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing
from spinekit.files import printable
from spinekit.metrics.comparison import PairedComparison
from spinekit.workflows.pairing import Unpaired
from spinekit.workflows.scoring import Pair, Section

_SHOWN = 5


class EvaluateSettings(BaseModel):
    """What is compared with what, and what is written.

    Attributes:
        predicted: What was found: annotations of any format, the folder of a run among them.
        truth: What is there, likewise.
        schema_name: Landmark or class set, a name or a file; None to choose one of those that the two use.
        pred_format: Format of ``predicted`` and ``against``; None to tell it by the content.
        truth_format: Format of ``truth``; None to tell it by the content.
        images: Folder of the images, where the annotations do not know.
        against: A second prediction (or reader), compared with the first image by image.
        split: Table of ``name,group,part``.
        part: Part of it that is evaluated; None for all of them.
        spacing: Stated by the user; overrides what both sides say.
        within: Thresholds of the success rates; None for those customary in the unit.
        missing: ``count`` an image without prediction as not answered, or ``skip`` it; None counts them where a part
            is named and skips them otherwise. What the prediction's own run gave up always counts.
        skip_noted: Whether images whose true labels carry a remark (suspect labels) are left out, as they are from
            the figures of a model's card.
        pred_reader: Which of several readers is meant in ``predicted``; None for their mean.
        against_reader: Likewise in ``against``.
        truth_reader: Likewise in ``truth``.
        worst: How many of the worst images are drawn.
        out: A new or empty folder for tables, plots and the page; None writes nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    predicted: Path
    truth: Path
    schema_name: str | None = None
    pred_format: str | None = None
    truth_format: str | None = None
    images: Path | None = None
    against: Path | None = None
    split: Path | None = None
    part: str | None = None
    spacing: Spacing | None = None
    within: tuple[float, ...] | None = None
    missing: Literal["count", "skip"] | None = None
    skip_noted: bool = False
    pred_reader: str | None = None
    against_reader: str | None = None
    truth_reader: str | None = None
    worst: int = Field(6, ge=0, le=200)
    out: Path | None = None

    @field_validator("within")
    @classmethod
    def _positive(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value is not None and (not value or not all(0 < one < float("inf") for one in value)):
            raise ValueError("Thresholds must be numbers above 0")
        return None if value is None else tuple(sorted(set(value)))


@dataclass(frozen=True, slots=True)
class Contest:
    """A figure of two predictions on the same images.

    Attributes:
        section: Title of its section.
        metric: Its name.
        result: Both means, their difference and what chance would do.
    """

    section: str
    metric: str
    result: PairedComparison


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What came out.

    Attributes:
        settings: As used.
        schema: By which both sides were read.
        formats: Of prediction and truth.
        names: Of the images that were compared, those without an answer among them.
        sections: Figures by kind of comparison.
        unpaired: What was left over.
        notices: What was passed over while reading, one line each.
        groups: How many groups (patients) the images are of; 0 where none is known.
        contests: Against a second prediction; empty where there is none.
        worst: The worst pairs, the very worst first.
        files: Written, below ``settings.out``.
    """

    settings: EvaluateSettings
    schema: Schema
    formats: tuple[str, str]
    names: tuple[str, ...]
    sections: tuple[Section, ...]
    unpaired: Unpaired
    notices: tuple[str, ...]
    groups: int
    contests: tuple[Contest, ...] = ()
    worst: tuple[Pair, ...] = ()
    files: tuple[Path, ...] = ()

    @property
    def images(self) -> int:
        """How many images were compared."""
        return len(self.names)


def unmatched(rest: Unpaired) -> list[str]:
    """One line for each kind of image that was not compared, with the names of the first.

    Args:
        rest: Of an evaluation.
    """
    kinds = (
        ("without an answer, counted as missed", rest.without_answer),
        ("of the truth without a prediction, left out", rest.not_predicted),
        ("predicted without a truth, left out", rest.without_truth),
    )
    lines = [f"{len(names)} images {what}: {_named(names)}" for what, names in kinds if names]
    if rest.noted:
        lines.append(
            f"the true labels of {rest.noted} images carry a remark -- leave them out with --skip-noted if it matters"
        )
    lines += [f"{count} images left out: {reason}" for reason, count in rest.left_out.items()]
    return lines


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(printable, names[:_SHOWN])) + more
