"""What a model is worth on films it did not see: the fixed test part of its data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.outline import Outline, to_mask
from spinekit.core.scene import Instance, Scene
from spinekit.core.score import Score
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import read_images
from spinekit.measures.cobb import Endplate, cobb_aasce
from spinekit.metrics import (
    circular_mean_error,
    dice,
    match_bodies,
    pixel_accuracy,
    radial_errors,
    score_of,
    smape_of_film,
    success_rate,
)
from spinekit.metrics.spine import CONSTANT_ANGLES
from spinekit.models.load import load_reader
from spinekit.models.reader import Reader
from spinekit.workflows.reading import Reading, read_with
from spinekit.workflows.recipe import LabelledData, part_of_scene, read_labelled, split_table
from spinekit.workflows.split import read_split

Pair = tuple[Scene, Reading]
Progress = Callable[[int, str], None]
_SUCCESS_MM = (2.0, 2.5, 3.0, 4.0)


def accuracy(
    recipe: LabelledData,
    model: str,
    part: str = "test",
    spacing_mm: float | None = None,
    on_progress: Progress | None = None,
) -> list[Score]:
    """Reads one part of a data set with a model and scores it.

    Films whose labels carry a remark are left out, as in training.

    Args:
        recipe: Names data, format, schema and split.
        model: Name of a shipped model or a path.
        part: ``val`` to choose by, ``test`` to report.
        spacing_mm: Of the data set, where its files do not say it.
        on_progress: Told after every film: how many so far, its name.

    Returns:
        The figures of the task, each with n, misses and an interval over films.
    """
    reader = load_reader(model)
    pairs = _pairs(recipe, reader, part, spacing_mm, on_progress)
    if reader.card.task == "sem":
        return _pixel_scores(pairs)
    if reader.card.task == "seg":
        return _mask_scores(pairs)
    if reader.schema.levels:
        return _spine_scores(pairs)
    return _point_scores(pairs)


def _pairs(
    recipe: LabelledData, reader: Reader, part: str, spacing_mm: float | None, on_progress: Progress | None
) -> Iterator[Pair]:
    parts = read_split(split_table(recipe))
    done = 0
    for truth in read_labelled(recipe):
        if part_of_scene(truth, parts) != part or truth.notes:
            continue
        image = next(read_images(truth.image.path, ReadOptions()))
        if spacing_mm is not None:
            spacing = Spacing(spacing_mm, spacing_mm, SpacingOrigin.STATED)
            image = replace(image, ref=replace(image.ref, spacing=spacing))
        yield replace(truth, image=replace(image.ref, name=truth.image.name)), read_with(reader, image)
        done += 1
        if on_progress is not None:
            on_progress(done, truth.image.name)


def _corners(instances: tuple[Instance, ...]) -> FloatArray:
    found = [item.landmarks.xy for item in instances if item.landmarks is not None]
    return np.array(found, dtype=np.float64).reshape(-1, 4, 2)


def _angles(corners: FloatArray, height: int) -> FloatArray:
    """The challenge's three angles; deciding by inferior endplates gives back all 481 of its ``angles.csv``."""
    return np.array(cobb_aasce(corners, height, Endplate.INFERIOR).angles)


def _spine_scores(pairs: Iterator[Pair]) -> list[Score]:
    """Bodies found, level names, corner errors, and the three AASCE angles against those of the true corners."""
    found: dict[str, float] = {}
    named: dict[str, float] = {}
    corner: dict[str, float] = {}
    weight: dict[str, float] = {}
    smape: dict[str, float] = {}
    main: dict[str, float] = {}
    difference: list[float] = []
    missed = empty = 0
    for truth, reading in pairs:
        name, true = truth.image.name, _corners(truth.instances)
        instances = reading.scene.instances if reading.scene is not None else ()
        predicted = _corners(instances)
        match = match_bodies(predicted, true)
        found[name], missed = len(match.pairs), missed + match.missed
        labels = [item.label for item in instances]
        right = sum(truth.instances[t].label == labels[p] for t, p in match.pairs)
        named[name] = 100 * right / len(true)
        weight[name] = match.corner_errors.size
        corner[name] = float(match.corner_errors.mean()) if match.pairs else float("nan")
        want = _angles(true, truth.image.height)
        if len(predicted) >= 2:
            got = _angles(predicted, truth.image.height)
        else:
            got, empty = np.array(CONSTANT_ANGLES), empty + 1
        smape[name], main[name] = smape_of_film(got, want), float(abs(got[0] - want[0]))
        difference.append(circular_mean_error(got, want))
    middle = float(np.median(list(main.values())))
    return [
        score_of("bodies found of 17, mean", found, missed),
        score_of("level names right (%)", named, missed),
        score_of("corner MRE (px), found bodies", corner, missed, weight),
        score_of("SMAPE (%)", smape, empty),
        score_of("main angle MAE (deg)", main, empty),
        Score("main angle median difference (deg)", middle, None, None, len(main), empty),
        Score("CMAE (deg)", float(np.mean(difference)), None, None, len(main), empty),
    ]


def _point_scores(pairs: Iterator[Pair]) -> list[Score]:
    """Mean radial error and success rates, in mm where a spacing is known, otherwise px."""
    error: dict[str, float] = {}
    every: list[FloatArray] = []
    missed, unit = 0, "px"
    for truth, reading in pairs:
        spacing = truth.image.spacing
        scale = np.array([spacing.col_mm, spacing.row_mm]) if spacing else np.ones(2)
        unit = "mm" if spacing else "px"
        true = truth.instances[0].landmarks
        found = reading.scene.instances[0].landmarks if reading.scene is not None else None
        if true is None:
            continue
        predicted = found.xy if found is not None else np.full_like(true.xy, np.nan)
        errors = radial_errors(predicted * scale, true.xy * scale)
        every.append(errors)
        finite = errors[np.isfinite(errors)]
        missed += int(np.isinf(errors).sum())
        error[truth.image.name] = float(finite.mean()) if finite.size else float("nan")
    pooled = np.concatenate(every)
    limits = _SUCCESS_MM if unit == "mm" else (5.0, 10.0)
    rates = [
        Score(f"SDR {limit:g} {unit} (%)", success_rate(pooled, limit), None, None, len(every), missed)
        for limit in limits
    ]
    return [score_of(f"MRE ({unit})", error, missed), *rates]


def _pixel_scores(pairs: Iterator[Pair]) -> list[Score]:
    """Pixel accuracy, and Dice of the schema's last class."""
    right: dict[str, float] = {}
    overlap: dict[str, float] = {}
    majority: dict[str, float] = {}
    for truth, reading in pairs:
        if truth.raster is None or truth.raster.labels is None:
            continue
        true = truth.raster.labels > 0
        raster = reading.scene.raster if reading.scene is not None else None
        got = raster.labels > 0 if raster is not None and raster.labels is not None else np.zeros_like(true)
        right[truth.image.name] = pixel_accuracy(got, true)
        overlap[truth.image.name] = dice(got, true)
        majority[truth.image.name] = max(float(true.mean()), 1 - float(true.mean()))
    return [
        score_of("pixel accuracy", right),
        score_of("Dice, membrane", overlap),
        score_of("pixel accuracy of the commonest class alone", majority),
    ]


def _mask_scores(pairs: Iterator[Pair]) -> list[Score]:
    """Dice of each level's mask with the true level's, missing ones as 0, and how many levels have a mask."""
    overlap: dict[str, float] = {}
    found: dict[str, float] = {}
    missed = 0
    for truth, reading in pairs:
        height, width = truth.image.height, truth.image.width
        values = []
        for item in truth.instances:
            if item.landmarks is None:
                continue
            true = to_mask(Outline((item.landmarks.xy[[0, 1, 3, 2]],)), height, width)
            answer = reading.scene.instance(item.label) if reading.scene is not None else None
            if answer is None or answer.outline is None:
                values.append(0.0)
                missed += 1
            else:
                values.append(dice(to_mask(answer.outline, height, width), true))
        overlap[truth.image.name] = float(np.mean(values))
        found[truth.image.name] = float(np.sum(np.array(values) > 0.5))
    return [
        score_of("Dice per level, missing ones 0", overlap, missed),
        score_of("levels with Dice above 0.5, of 17", found, missed),
    ]


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
