"""Scores a prediction against the truth, in whatever format either is: figures, plots, pictures of the worst."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from spinekit.core.errors import AnnotationError, NothingUsableError, UsageError
from spinekit.files import printable
from spinekit.formats.neutral import hint
from spinekit.metrics.comparison import compare_drawn, compare_paired
from spinekit.runs import claim_folder
from spinekit.workflows.evaluation import Contest, EvaluateSettings, Evaluation
from spinekit.workflows.evaluation_sources import Source, open_both
from spinekit.workflows.evaluation_writing import written
from spinekit.workflows.grouping import Table, read_table
from spinekit.workflows.labelled import Labelled, read_labelled
from spinekit.workflows.pairing import PairingRules, Unpaired, by_one_reader, paired, refused_images
from spinekit.workflows.score_agreement import AgreementTally
from spinekit.workflows.score_classes import ClassTally
from spinekit.workflows.score_detection import DetectionTally
from spinekit.workflows.score_masks import MaskTally
from spinekit.workflows.score_pixels import PixelTally
from spinekit.workflows.score_points import PointTally
from spinekit.workflows.score_spine import SpineTally
from spinekit.workflows.scoring import Pair, Section, Tally
from spinekit.workflows.split import PARTS

Progress = Callable[[int, str], None]
"""Told after each image: how many are done, and its name."""


@dataclass(slots=True)
class _Run:
    """One pass over a prediction and the truth."""

    predicted: Labelled
    truth: Labelled
    names: list[str] = field(default_factory=list)
    sections: tuple[Section, ...] = ()
    unpaired: Unpaired = field(default_factory=Unpaired)
    worst: tuple[Pair, ...] = ()


def evaluate(settings: EvaluateSettings, on_progress: Progress | None = None) -> Evaluation:
    """Reads both sides once, compares image by image, and writes what was asked for.

    Args:
        settings: What and how.
        on_progress: Told after each image.

    Returns:
        Every figure with its number of images, its misses and its interval.

    Raises:
        UsageError: If the settings, the formats or the schemas do not fit.
        AnnotationError: If annotations are broken.
        NothingUsableError: If the two have no image in common, or nothing that could be compared.
    """
    try:
        return _evaluated(settings, on_progress)
    except (AnnotationError, UsageError) as error:
        # Elsewhere names are paired by an option of the command; here that is a step before.
        words = str(error).replace("in the file of --map", "with spinekit convert --map before")
        raise type(error)(words) from None


def _evaluated(settings: EvaluateSettings, on_progress: Progress | None) -> Evaluation:
    notices: list[str] = []
    rules = _rules(settings)
    if settings.out is not None:
        claim_folder(settings.out)
    run = _run(
        settings, settings.predicted, ("--pred-reader", settings.pred_reader), rules, notices, on_progress
    )
    contests: tuple[Contest, ...] = ()
    if settings.against is not None:
        reader = ("--against-reader", settings.against_reader)
        other = _run(settings, settings.against, reader, rules, notices, on_progress)
        contests = tuple(_contests(run, other))
        if not contests:
            raise NothingUsableError(
                f"{printable(str(settings.against))}: no image and figure in common with "
                f"{printable(str(settings.predicted))} -- give predictions of the same images and kind"
            )
    found = Evaluation(
        settings, run.truth.schema, (run.predicted.format.name, run.truth.format.name), tuple(run.names),
        run.sections, run.unpaired, tuple(dict.fromkeys(notices)), len(set(run.unpaired.groups.values())),
        contests, run.worst,
    )  # fmt: skip
    return found if settings.out is None else written(found, settings.out)


def _rules(settings: EvaluateSettings) -> PairingRules:
    table: Table | None = None
    if settings.part is not None and settings.split is None:
        raise UsageError(f"--part {settings.part}: of which split? -- name its table with --split")
    if settings.split is not None:
        table = read_table(settings.split)
        if settings.part is not None:
            _check_part(settings.part, table)
    count = settings.missing == "count" or (settings.missing is None and settings.part is not None)
    return PairingRules(settings.part, table, settings.skip_noted, count, frozenset(), settings.spacing)


def _check_part(part: str, table: Table) -> None:
    if "part" not in table.columns:
        raise UsageError(f"{table.path}: has no column part -- write one with spinekit dataset split")
    there = dict.fromkeys(row.get("part", "") for row in table.rows.values())
    if part not in there:
        names = ", ".join(printable(one) for one in there if one) or ", ".join(PARTS)
        raise UsageError(
            f"--part {printable(part)}: {table.path} has none of that name -- its parts are {names}"
        )


def _run(
    settings: EvaluateSettings, predicted: Path, reader: tuple[str, str | None], rules: PairingRules,
    notices: list[str], on_progress: Progress | None,
) -> _Run:  # fmt: skip
    ours = Source(predicted, "--pred-format", settings.pred_format, settings.images)
    theirs = Source(settings.truth, "--truth-format", settings.truth_format, settings.images)
    run = _Run(*open_both(ours, theirs, settings.schema_name, notices.append))
    rules = replace(rules, refused=refused_images(predicted))
    option, name = reader
    pairs = paired(
        by_one_reader(read_labelled(run.predicted), name, option, notices.append),
        by_one_reader(read_labelled(run.truth), settings.truth_reader, "--truth-reader", notices.append),
        rules,
        run.unpaired,
    )
    tallies: list[Tally] = [
        SpineTally(), PointTally(settings.within), MaskTally(), DetectionTally(), PixelTally(), ClassTally(),
        AgreementTally(),
    ]  # fmt: skip
    # Of a second prediction only its figures are wanted.
    wanted = settings.worst if settings.out is not None and option == "--pred-reader" else 0
    run.worst = _counted(pairs, tallies, run, wanted, on_progress)
    if not run.names or len(run.unpaired.without_answer) == len(run.names):
        raise NothingUsableError(_nothing(run, settings.truth, predicted))
    groups = run.unpaired.groups or None
    run.sections = tuple(section for tally in tallies if (section := tally.section(groups)) is not None)
    if not run.sections:
        raise NothingUsableError(
            f"{printable(str(predicted))}: {len(run.names)} images in common with {printable(str(settings.truth))}, "
            f"but nothing of {run.truth.schema.name} that both hold -- check --schema"
        )
    return run


def _counted(
    pairs: Iterator[Pair], tallies: list[Tally], run: _Run, worst: int, on_progress: Progress | None
) -> tuple[Pair, ...]:
    """Feeds the tallies; keeps the worst pairs by the first of them that judges an image."""
    kept: list[tuple[float, int, Pair]] = []
    for done, pair in enumerate(pairs, start=1):
        run.names.append(pair.name)
        judged = [tally.add(pair) for tally in tallies]
        bad = next((one for one in judged if one is not None), None)
        if bad is not None and pair.predicted is not None and worst:
            heapq.heappush(kept, (bad, -done, pair))
            if len(kept) > worst:
                heapq.heappop(kept)
        if on_progress is not None:
            on_progress(done, pair.name)
    return tuple(pair for _, _, pair in sorted(kept, reverse=True))


def _nothing(run: _Run, truth: Path, predicted: Path) -> str:
    """Why nothing could be compared."""
    rest = run.unpaired
    ours, theirs = printable(str(predicted)), printable(str(truth))
    if rest.unlike:
        return f"{ours}: no image can be compared: {rest.unlike[0]}"
    if not rest.without_truth:
        return f"{ours}: holds no prediction of an image -- name the folder or file that does"
    missing = rest.not_predicted + rest.without_answer
    if not missing:
        left = ", ".join(f"{count} since {reason}" for reason, count in rest.left_out.items())
        why = (
            f"none of its images is to be evaluated (images left out: {left})"
            if left
            else "it holds no labelled image"
        )
        return f"{theirs}: {why} -- check TRUTH, --part and --images"
    shown = " and ".join(", ".join(map(printable, names[:2])) for names in (rest.without_truth, missing))
    return (
        f"{ours}: no image in common with {theirs} (names such as {shown}) -- images are matched by their name"
        f"{hint((*rest.without_truth, *missing))}"
    )


def _contests(first: _Run, second: _Run) -> Iterator[Contest]:
    """Every figure that both give image by image, or over the same draws of images."""
    groups = first.unpaired.groups or None
    others = {section.key: _by_image(section) for section in second.sections}
    for section in first.sections:
        for metric, items in _by_image(section).items():
            theirs = others.get(section.key, {}).get(metric)
            if theirs is None:
                continue
            try:
                yield Contest(section.title, metric, compare_paired(items, theirs, groups))
            except ValueError:
                continue
        drawn = next((other.drawn for other in second.sections if other.key == section.key), {})
        for metric, figure in section.drawn.items():
            if metric in drawn:
                try:
                    yield Contest(section.title, metric, compare_drawn(figure, drawn[metric], groups))
                except ValueError:
                    continue


def _by_image(section: Section) -> dict[str, Mapping[str, float]]:
    found = {score.metric: score.items for score in section.scores if score.items}
    if section.key == "measurements":
        for part, scores in section.parts.items():
            found |= {
                f"{part}: {score.metric}": score.items for score in scores if score.metric == "mean error"
            }
    return found
