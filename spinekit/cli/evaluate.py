"""``spinekit evaluate``."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from spinekit.cli import evaluate_options as said
from spinekit.cli.console import SOME_FAILED, one_line_errors, progress_bar, terminal
from spinekit.cli.dataset_words import say_lines
from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.core.score import Score
    from spinekit.workflows.evaluation import Evaluation
    from spinekit.workflows.scoring import Section


def command(
    predicted: said.Predicted,
    truth: said.Truth,
    schema: said.Schema = None,
    pred_format: said.PredFormat = None,
    truth_format: said.TruthFormat = None,
    images: said.Images = None,
    against: said.Against = None,
    pred_reader: said.PredReader = None,
    against_reader: said.AgainstReader = None,
    truth_reader: said.TruthReader = None,
    split: said.Split = None,
    part: said.Part = None,
    skip_noted: said.SkipNoted = False,
    missing: said.Missing = None,
    spacing: said.Spacing = None,
    within: said.Within = None,
    worst: said.Worst = 6,
    out: said.Out = None,
    as_json: said.Json = False,
) -> None:
    """Score a prediction against the truth: every figure with n, misses and a 95 % interval.

    Images are matched by name. `--out` writes `evaluation.html`, `metrics.csv`, `per_image.csv`, `plots/`, `worst/`.

    Examples:

    * `spinekit evaluate run/ labels/ --out score`
    * `spinekit evaluate run/ labels.json --split split.csv --part test --spacing 0.1`
    * `spinekit evaluate run/ labels/ --against other-run/ --json`

    Ends with 0 (all compared), 1 (some images could not be), 2 (usage), 3 (nothing in common), 4 (environment).
    """
    with one_line_errors():
        from spinekit.formats.reading import parse_spacing

        found = _evaluated(
            {
                "predicted": predicted, "truth": truth, "schema_name": schema, "pred_format": pred_format,
                "truth_format": truth_format, "images": images, "against": against, "split": split, "part": part,
                "spacing": None if spacing is None else parse_spacing(spacing),
                "within": None if within is None else tuple(within.split(",")), "missing": missing,
                "skip_noted": skip_noted, "pred_reader": pred_reader, "against_reader": against_reader,
                "truth_reader": truth_reader, "worst": worst, "out": out,
            },
            quiet=as_json,
        )  # fmt: skip
        if as_json:
            typer.echo(json.dumps(_summary(found), ensure_ascii=False, indent=1))
        else:
            _print(found)
        _tell(found)
    if found.unpaired.unlike:
        raise typer.Exit(SOME_FAILED)


def _evaluated(given: dict[str, object], quiet: bool) -> Evaluation:
    """Checks what was said and compares, with a bar unless JSON alone is wanted."""
    from spinekit.workflows.checked_settings import checked
    from spinekit.workflows.evaluate import evaluate
    from spinekit.workflows.evaluation import EvaluateSettings

    settings = checked(EvaluateSettings, given)
    with progress_bar("images", quiet=quiet) as bar:
        task = bar.add_task("comparing", total=None)
        return evaluate(
            settings, lambda done, name: bar.update(task, completed=done, description=printable(name)[-40:])
        )


def _summary(found: Evaluation) -> dict[str, object]:
    rest = found.unpaired
    return {
        "schema": found.schema.name,
        "formats": {"predicted": found.formats[0], "truth": found.formats[1]},
        "images": found.images,
        "groups": found.groups,
        "without_answer": rest.without_answer,
        "not_predicted": rest.not_predicted,
        "without_truth": rest.without_truth,
        "left_out": dict(rest.left_out),
        "not_comparable": rest.unlike,
        "notices": list(found.notices),
        "sections": {
            section.key: {
                "notes": list(section.notes),
                "scores": [_plain(score) for score in section.scores],
                "parts": {name: [_plain(score) for score in scores] for name, scores in section.parts.items()},
            }
            for section in found.sections
        },
        "against": [
            {
                "section": contest.section, "metric": contest.metric, "first": contest.result.first,
                "second": contest.result.second, "difference": contest.result.difference,
                "low": contest.result.low, "high": contest.result.high, "p_wilcoxon": contest.result.p,
                "n": contest.result.n,
            }
            for contest in found.contests
        ],
        "files": [] if found.settings.out is None
        else [path.relative_to(found.settings.out).as_posix() for path in found.files],
    }  # fmt: skip


def _plain(score: Score) -> dict[str, object]:
    return {
        "metric": score.metric, "value": score.value, "low": score.low, "high": score.high, "n": score.n,
        "missed": score.missed,
    }  # fmt: skip


def _print(found: Evaluation) -> None:
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    groups = f", {found.groups} groups" if found.groups else ""
    console.print(
        f"{found.images} images{groups}, {found.formats[0]} against {found.formats[1]}, schema {found.schema.name}",
        markup=False,
    )
    for section in found.sections:
        _print_whole(_figures(section) if section.scores else _parts(section))
    if found.contests:
        _print_whole(_contests(found))


def _print_whole(table: Table) -> None:
    """Prints a table with no name cut short: one wider than the terminal runs over its edge."""
    from rich.console import Console
    from rich.measure import Measurement

    console = Console(soft_wrap=True, highlight=False)
    needed = Measurement.get(console, console.options.update(max_width=1000), table).maximum
    Console(soft_wrap=True, highlight=False, width=max(console.width, needed)).print(table)


def _figures(section: Section) -> Table:
    shown = Table(title=section.title, title_justify="left", box=None, pad_edge=False)
    shown.add_column("figure")
    for title in ("value", "95 % interval", "n", "missed"):
        shown.add_column(title, justify="right", no_wrap=True)
    for score in section.scores:
        shown.add_row(
            printable(score.metric), _number(score.value), _interval(score.low, score.high), str(score.n),
            str(score.missed),
        )  # fmt: skip
    return shown


def _parts(section: Section) -> Table:
    """A row for each part; intervals, for which a terminal is too narrow, stand in the tables of ``--out``."""
    metrics = dict.fromkeys(score.metric for scores in section.parts.values() for score in scores)
    shown = Table(title=section.title, title_justify="left", box=None, pad_edge=False)
    shown.add_column(section.part, no_wrap=True)
    for title in (*metrics, "n", "missed"):
        shown.add_column(title, justify="right", no_wrap=True)
    for part, scores in section.parts.items():
        values = {score.metric: _number(score.value) for score in scores}
        cells = [values.get(metric, "-") for metric in metrics]
        shown.add_row(printable(part), *cells, str(scores[0].n), str(scores[0].missed))
    return shown


def _contests(found: Evaluation) -> Table:
    shown = Table(title="Against", title_justify="left", box=None, pad_edge=False)
    shown.add_column("figure")
    for title in ("first", "second", "difference", "95 % interval", "p (Wilcoxon)", "n"):
        shown.add_column(title, justify="right", no_wrap=True)
    for contest in found.contests:
        result = contest.result
        shown.add_row(
            printable(contest.metric), _number(result.first), _number(result.second), _number(result.difference),
            _interval(result.low, result.high), "-" if result.p is None else f"{result.p:.3g}", str(result.n),
        )  # fmt: skip
    return shown


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"


def _interval(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"{low:.4g} to {high:.4g}"


def _tell(found: Evaluation) -> None:
    """What was not compared and what was passed over, on standard error."""
    from spinekit.workflows.evaluation import unmatched
    from spinekit.workflows.survey import reasons

    say_lines("note", unmatched(found.unpaired))
    say_lines("failed", found.unpaired.unlike)
    say_lines("note", [f"{count} x {reason}" for reason, count in reasons(found.notices).items()])
    if found.settings.out is not None:
        terminal().print(f"results: {found.settings.out}", soft_wrap=True, markup=False)
