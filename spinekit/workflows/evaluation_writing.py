"""What an evaluation leaves behind: the page, tables, plots, and pictures of the worst images."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from spinekit import __version__
from spinekit.core.errors import ReadError, SpinekitError
from spinekit.core.image import UInt8Array
from spinekit.core.score import Score
from spinekit.files import atomic_path, printable, write_bytes
from spinekit.formats.sources import safe_cell
from spinekit.views.comparison import Couple, draw_comparison
from spinekit.views.evaluation import (
    EvaluationPage,
    PageSection,
    PageTable,
    figure_row,
    figure_text,
    interval_text,
    write_page,
)
from spinekit.views.overlay import write_overlay
from spinekit.workflows.evaluation import Contest, Evaluation, unmatched
from spinekit.workflows.outputs import output_path
from spinekit.workflows.pictures import read_picture
from spinekit.workflows.scoring import Pair, Section, answers
from spinekit.workflows.survey import reasons

_MOST_NAMES = 500  # of a list in the page; the tables hold all


def written(found: Evaluation, out: Path) -> Evaluation:
    """Writes everything below a folder.

    Args:
        found: What was computed.
        out: The folder.

    Returns:
        The evaluation with the names of its files, and with what could not be drawn among its notices.
    """
    files = [out / "metrics.csv", out / "per_image.csv"]
    _write_metrics(found, files[0])
    _write_images(found, files[1])
    sections: list[PageSection] = []
    for section in found.sections:
        charts: dict[str, bytes] = {}
        for name, draw in section.charts.items():
            charts[name] = draw()
            files.append(out / "plots" / f"{name}.png")
            write_bytes(files[-1], charts[name])
        sections.append(_page_section(section, charts))
    worst: list[tuple[str, UInt8Array]] = []
    notices = list(found.notices)
    for rank, pair in enumerate(found.worst, start=1):
        caption = f"{rank}. {printable(pair.name)}: {_said_of(pair.name, found.sections)}"
        try:
            picture = _picture(pair, caption)
        except SpinekitError as error:
            notices.append(f"{printable(pair.name)}: not drawn: {error}")
            continue
        files.append(
            output_path(
                out / "worst", f"{rank:02d} {pair.name.replace('/', ' ').removesuffix('.png')}", ".png"
            )
        )
        write_overlay(files[-1], picture)
        worst.append((caption, picture))
    told = replace(found, notices=tuple(notices))
    page = out / "evaluation.html"
    write_page(page, _page(told, sections, worst))
    return replace(told, files=(page, *files))


def _write_metrics(found: Evaluation, path: Path) -> None:
    """One row for each figure: over all images, of each part, and against the second prediction."""
    header = ("section", "metric", "of", "value", "low", "high", "n", "missed")
    with _csv(path, header) as row:
        for section in found.sections:
            for part, score in _all_scores(section):
                ends = (_cell(score.low), _cell(score.high))
                row((section.key, score.metric, part, _cell(score.value), *ends, score.n, score.missed))
        for contest in found.contests:
            result = contest.result
            ends = (_cell(result.low), _cell(result.high))
            row(("against", contest.metric, "difference", _cell(result.difference), *ends, result.n, ""))
            row(("against", contest.metric, "p (Wilcoxon)", _cell(result.p), "", "", result.n, ""))


def _all_scores(section: Section) -> Iterator[tuple[str, Score]]:
    for score in section.scores:
        yield "", score
    for part, scores in section.parts.items():
        for score in scores:
            yield part, score


def _write_images(found: Evaluation, path: Path) -> None:
    """One row for each image, one column for each figure that a single image has."""
    columns: dict[str, Score] = {}
    for section in found.sections:
        for part, score in _all_scores(section):
            # Each landmark's own figures would make hundreds of columns; differences of measurements are wanted.
            if score.items and (not part or section.key == "measurements"):
                columns[f"{section.key}: {f'{part}: ' if part else ''}{score.metric}"] = score
    answerless = set(found.unpaired.without_answer)
    with _csv(path, ("image", "group", "answered", *columns)) as row:
        for name in found.names:
            figures = [score.items.get(name) for score in columns.values()]
            answered = "no" if name in answerless else "yes"
            row((name, found.unpaired.groups.get(name, ""), answered, *map(_cell, figures)))


def _cell(value: float | None) -> float | str:
    """A number with six digits that count; an empty cell where there is none."""
    return "" if value is None or math.isnan(value) else float(f"{value:.6g}")


@contextmanager
def _csv(path: Path, header: Sequence[str]) -> Iterator[Callable[[Sequence[str | float]], None]]:
    """A CSV table that takes its rows one by one; no text can become a formula, numbers stay numbers."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")

        def row(cells: Sequence[str | float]) -> None:
            writer.writerow([safe_cell(cell) if isinstance(cell, str) else cell for cell in cells])

        row(header)
        yield row


def _page_section(section: Section, charts: dict[str, bytes]) -> PageSection:
    tables = (_part_table(section),) if section.parts else ()
    titles = {name.replace("_", " "): content for name, content in charts.items()}
    return PageSection(section.title, section.notes, tuple(map(figure_row, section.scores)), tables, titles)


def _part_table(section: Section) -> PageTable:
    """A row for each part: every figure with its interval below it, images and misses."""
    metrics = list(dict.fromkeys(score.metric for scores in section.parts.values() for score in scores))
    rows = []
    for part, scores in section.parts.items():
        by_name = {score.metric: score for score in scores}
        cells: list[str | tuple[str, str]] = [part]
        for metric in metrics:
            score = by_name.get(metric)
            cells.append("" if score is None else (figure_text(score.value), interval_text(score)))
        counts = (
            (max(score.n for score in scores), max(score.missed for score in scores)) if scores else (0, 0)
        )
        rows.append((*cells, *map(str, counts)))
    return PageTable(f"by {section.part}", (section.part, *metrics, "images", "missed"), tuple(rows))


def _page(
    found: Evaluation, sections: Sequence[PageSection], worst: Sequence[tuple[str, UInt8Array]]
) -> EvaluationPage:
    rest = found.unpaired
    remarks = unmatched(rest)
    remarks += [f"{count} x {reason}" for reason, count in reasons(found.notices).items()]
    facts = (
        ("Prediction", f"{found.settings.predicted.name} ({found.formats[0]})"),
        ("Truth", f"{found.settings.truth.name} ({found.formats[1]})"),
        ("Schema", found.schema.name),
        ("Part", found.settings.part or "all"),
        ("Intervals", _intervals(found)),
        ("spinekit", __version__),
    )
    lists = {
        "Without an answer, counted as missed": rest.without_answer,
        "Of the truth, without a prediction, left out": rest.not_predicted,
        "Predicted, without a truth, left out": rest.without_truth,
        "Not comparable": rest.unlike,
    }
    return EvaluationPage(
        title="spinekit evaluation",
        counts=(
            (found.images, "images"), *(((found.groups, "groups"),) if found.groups else ()),
            (len(rest.without_answer), "without an answer"), (len(rest.not_predicted), "not predicted"),
            (len(rest.unlike), "not comparable"),
        ),
        facts=facts,
        remarks=tuple(remarks),
        sections=tuple(sections),
        contests=_contest_table(found.contests) if found.contests else None,
        worst=worst,
        lists={title: _shown(names) for title, names in lists.items() if names},
    )  # fmt: skip


def _intervals(found: Evaluation) -> str:
    if not found.groups:
        return "95 %, bootstrap over images"
    if found.groups == 1:
        return "none: all images are of one group"
    return f"95 %, bootstrap over {found.groups} groups"


def _shown(names: Sequence[str]) -> list[str]:
    rest = len(names) - _MOST_NAMES
    return [*names[:_MOST_NAMES], *([f"... and {rest} more"] if rest > 0 else [])]


def _contest_table(contests: Sequence[Contest]) -> PageTable:
    rows = []
    for contest in contests:
        result = contest.result
        span = (
            ""
            if result.low is None or result.high is None
            else (f"{figure_text(result.low)} to {figure_text(result.high)}")
        )
        rows.append(
            (
                contest.metric, figure_text(result.first), figure_text(result.second),
                (figure_text(result.difference), span), "-" if result.p is None else f"{result.p:.3g}",
                str(result.n),
            )
        )  # fmt: skip
    return PageTable(
        "means over images that both answered; first minus second with its 95 % interval by paired bootstrap",
        ("figure", "first", "second", "difference", "p (Wilcoxon)", "images"), tuple(rows),
    )  # fmt: skip


def _said_of(name: str, sections: Sequence[Section]) -> str:
    """By what an image is judged: the first figure that has something to say of it."""
    for section in sections:
        for score in section.scores:
            if score.metric == section.judge and name in score.items:
                return f"{score.metric} {score.items[name]:.4g}"
    return ""


def _picture(pair: Pair, caption: str) -> UInt8Array:
    """Truth and prediction drawn on the film, which may be known to either side."""
    if pair.predicted is None:
        raise ReadError(printable(pair.name), "has no prediction", "nothing is to be drawn")
    places = [scene.image.path for scene in (pair.truth, pair.predicted)]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise ReadError(printable(pair.name), "its image is not there", "name the folder with --images")
    image = read_picture(replace(pair.truth.image, path=path))
    couples = [Couple(true, found) for true, found in answers(pair.truth, pair.predicted).pairs]
    return draw_comparison(image, pair.truth, pair.predicted, couples, caption)
