"""What a model is worth on films it did not see: the fixed test part of its data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from spinekit.anatomy.hidden import seen_alone
from spinekit.core.errors import NothingUsableError
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.core.score import Score
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import read_images
from spinekit.formats.rings import corner_outline
from spinekit.models.reader import Reader
from spinekit.workflows.reading import ModelChoice
from spinekit.workflows.recipe import LabelledData, part_of_scene, read_labelled, split_table
from spinekit.workflows.score_detection import DetectionTally
from spinekit.workflows.score_masks import MaskTally
from spinekit.workflows.score_pixels import PixelTally
from spinekit.workflows.score_points import PointTally
from spinekit.workflows.score_spine import SpineTally
from spinekit.workflows.scoring import Pair, Tally
from spinekit.workflows.split import read_split

Progress = Callable[[int, str], None]


def accuracy(
    recipe: LabelledData,
    model: str,
    part: str = "test",
    spacing_mm: float | None = None,
    on_progress: Progress | None = None,
) -> list[Score]:
    """Reads one part of a data set with a model and scores it.

    Films whose labels carry a remark are left out, as in training; what is computed is what ``spinekit evaluate``
    computes, of which a card shows the headline.

    Args:
        recipe: Names data, format, schema and split.
        model: Name of a shipped model or a path.
        part: ``val`` to choose by, ``test`` to report.
        spacing_mm: Of the data set, where its files do not say it.
        on_progress: Told after every film: how many so far, its name.

    Returns:
        The figures of the task, each with n, misses and an interval over films.

    Raises:
        NothingUsableError: If the part holds no film that can be scored.
    """
    choice = ModelChoice(model)
    tallies = _tallies(choice.reader(model))
    for pair in _pairs(recipe, choice, model, part, spacing_mm, on_progress):
        for tally in tallies:
            tally.add(pair)
    sections = [section for tally in tallies if (section := tally.section()) is not None]
    if not sections:
        raise NothingUsableError(
            f"{recipe.name}: no film of the {part} part can be scored -- check the recipe's data and split"
        )
    return [score for section in sections for score in section.headlines()]


def readings(
    recipe: LabelledData, model: str, part: str = "test", spacing_mm: float | None = None
) -> Iterator[Pair]:
    """What a model reads on one part of a data set, film by film, beside the labels.

    Args:
        recipe: Names data, format, schema and split.
        model: Name of a shipped model or a path.
        part: ``val`` to choose by, ``test`` to report.
        spacing_mm: Of the data set, where its files do not say it.
    """
    return _pairs(recipe, ModelChoice(model), model, part, spacing_mm, None)


def _pairs(
    recipe: LabelledData,
    choice: ModelChoice,
    model: str,
    part: str,
    spacing_mm: float | None,
    on_progress: Progress | None,
) -> Iterator[Pair]:
    schema = choice.reader(model).schema
    parts = read_split(split_table(recipe))
    done = 0
    for truth in read_labelled(recipe):
        if part_of_scene(truth, parts) != part or truth.notes:
            continue
        image = next(read_images(truth.image.path, ReadOptions()))
        if spacing_mm is not None:
            spacing = Spacing(spacing_mm, spacing_mm, SpacingOrigin.STATED)
            image = replace(image, ref=replace(image.ref, spacing=spacing))
        name = truth.image.name
        true = _in_words_of(replace(truth, image=replace(image.ref, name=name)), schema)
        read = choice.read(image).scene
        yield Pair(name, true, None if read is None else seen_alone(read))
        done += 1
        if on_progress is not None:
            on_progress(done, truth.image.name)


def _tallies(reader: Reader) -> tuple[Tally, ...]:
    """The kinds of comparison whose headlines go into a card of that task."""
    if reader.card.task == "sem":
        return (PixelTally(),)
    if reader.card.task == "seg":
        return (MaskTally(), DetectionTally())
    if reader.card.task == "detect":
        return (DetectionTally(),)
    return (SpineTally() if reader.schema.levels else PointTally(),)


def _in_words_of(truth: Scene, schema: Schema) -> Scene:
    """The truth as the model speaks: bodies that their corners enclose, where it answers with masks alone."""
    if schema.task != "seg" or truth.schema.task == "seg":
        return truth
    items = []
    for item in truth.instances:
        outline = None if item.landmarks is None else corner_outline(item.landmarks, truth.schema)
        if outline is not None:
            items.append(replace(item, outline=outline, landmarks=None))
    return replace(truth, schema=schema, instances=tuple(items))


def as_figures(scores: list[Score], part: str, data: str) -> dict[str, object]:
    """Scores as plain values for a model's card."""
    return {
        "data": data,
        "part": part,
        "values": [
            {
                "metric": score.metric,
                "value": round(score.value, 3),
                "interval_95": [round(score.low, 3), round(score.high, 3)]
                if score.low is not None and score.high is not None
                else None,
                "n": score.n,
                "missed": score.missed,
            }
            for score in scores
        ],
    }


def recipe_path(model: str, folder: Path = Path("experiments")) -> Path:
    """Where the recipe of a shipped model lies in a checkout."""
    return folder / f"{model}.yaml"
