"""The page of an evaluation: one HTML file that needs nothing else, opens no connection and runs no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from spinekit.core.image import UInt8Array
from spinekit.core.notice import RESEARCH_USE
from spinekit.core.score import Score
from spinekit.files import write_text
from spinekit.views.overlay import encode_picture, thumbnail
from spinekit.views.pages import page_parts, picture_address
from spinekit.views.report_film import PICTURE_PX, PICTURE_QUALITY

TEMPLATE = "evaluation.html"


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A figure, worded.

    Attributes:
        name: With unit.
        value: The figure.
        interval: Its 95 % interval, or empty.
        n: Images.
        missed: What gave no answer.
    """

    name: str
    value: str
    interval: str
    n: int
    missed: int


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table.

    Attributes:
        title: Above it.
        columns: Their heads.
        rows: Cells; a cell may be a pair of a value and what stands small below it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | tuple[str, str], ...], ...]


@dataclass(frozen=True, slots=True)
class PageSection:
    """One kind of comparison.

    Attributes:
        title: Above it.
        notes: How the figures are meant.
        figures: Over all images.
        tables: By part, and others.
        charts: PNG bytes by title.
    """

    title: str
    notes: tuple[str, ...]
    figures: tuple[FigureRow, ...]
    tables: tuple[PageTable, ...]
    charts: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationPage:
    """What the page says. It holds no time of day, so that equal evaluations give equal files.

    Attributes:
        title: Of the page.
        counts: Number and what is counted, in the head.
        facts: Name and words.
        remarks: Of the whole evaluation, one line each.
        sections: In order.
        contests: Against a second prediction, or None.
        worst: Caption and (H, W, 3) BGR picture of each of the worst images.
        lists: Names by what is the matter with them.
    """

    title: str
    counts: tuple[tuple[int, str], ...]
    facts: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...]
    sections: tuple[PageSection, ...]
    contests: PageTable | None = None
    worst: Sequence[tuple[str, UInt8Array]] = ()
    lists: Mapping[str, Sequence[str]] | None = None


def write_page(path: Path, page: EvaluationPage) -> None:
    """Writes the page whole or not at all.

    Raises:
        EnvironmentFaultError: If the folder cannot be written.
    """
    drawn = [
        {title: picture_address(content, "png") for title, content in section.charts.items()}
        for section in page.sections
    ]
    worst = [(caption, _shrunk(picture)) for caption, picture in page.worst]
    macro = getattr(page_parts(TEMPLATE), "page")  # noqa: B009  (the macros of a template have no types)
    write_text(path, str(macro(page, drawn, worst, dict(page.lists or {}), RESEARCH_USE)))


def figure_row(score: Score) -> FigureRow:
    """A score, worded."""
    return FigureRow(score.metric, figure_text(score.value), interval_text(score), score.n, score.missed)


def figure_text(value: float) -> str:
    """A number with four digits that count; whole parts are never cut."""
    text = f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
    return text.replace("-", "\N{MINUS SIGN}")


def interval_text(score: Score) -> str:
    """The 95 % interval, or an empty text."""
    if score.low is None or score.high is None:
        return ""
    return f"{figure_text(score.low)} to {figure_text(score.high)}"


def _shrunk(picture: UInt8Array) -> Markup:
    content = encode_picture(thumbnail(picture, PICTURE_PX), ".jpg", PICTURE_QUALITY)
    return picture_address(content, "jpeg")
