"""Figures of the lateral model, each film read by a fold's model that never saw it.

    SPINEKIT_DATA=<folder of the data sets> python benchmarks/lateral_folds.py FOLDS [--write]

FOLDS is what `spinekit train experiments/vertebrae-pose.yaml` wrote. What is known of spines (sizes, spacing,
curvature) is learnt anew for every film from the others, so that nothing of a film helps to read it. ``--write``
lays the figures into the card of the model that ships.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spinekit.anatomy import name_levels
from spinekit.anatomy.candidates import quad_of
from spinekit.anatomy.learnt_prior import learnt_prior
from spinekit.core.image import FloatArray
from spinekit.core.scene import Scene
from spinekit.core.score import Score
from spinekit.files import write_text
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import read_images
from spinekit.metrics.bootstrap import percentage, score_of_sums
from spinekit.models.reader import InstanceReader
from spinekit.models.weights import find_card
from spinekit.schemas import load_yaml
from spinekit.schemas.spine_prior import SpinePrior, prior_of
from spinekit.schemas.strict_yaml import dump_yaml
from spinekit.workflows.accuracy import as_figures, recipe_path
from spinekit.workflows.recipe import read_labelled
from spinekit.workflows.score_spine import SpineTally
from spinekit.workflows.scoring import Pair, answers
from spinekit.workflows.split import read_split
from spinekit.workflows.train_settings import read_recipe

MODEL = "vertebrae-pose"
NECK = ("C2", "C3", "C4", "C5", "C6", "C7")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folds", type=Path)
    parser.add_argument("--write", action="store_true", help="lay the figures into the card")
    arguments = parser.parse_args()
    truths = {scene.image.name: scene for scene in read_labelled(read_recipe(recipe_path(MODEL)))}
    pairs = []
    for folder in sorted(arguments.folds.glob("fold-*")):
        if (folder / "model" / "card.yaml").is_file():
            pairs += read_fold(folder, truths)
    scores = figures(pairs)
    for score in scores:
        interval = f" [{score.low:.1f}, {score.high:.1f}]" if score.low is not None else ""
        print(f"{score.metric}: {score.value:.2f}{interval}  n={score.n} missed={score.missed}")
    if arguments.write:
        card = find_card(MODEL).weights.parent / "card.yaml"
        content: Any = load_yaml(card)
        content["figures"] = as_figures(scores, f"{len(pairs)} films in folds, each unseen", "spine_lateral")
        write_text(card, dump_yaml(content))


def read_fold(folder: Path, truths: dict[str, Scene]) -> list[Pair]:
    """The test films of a fold as its model reads them."""
    card = find_card(str(folder / "model"))
    reader, parts = InstanceReader(card), read_split(folder / "split.csv")
    pairs = []
    for name, truth in truths.items():
        if parts.get(name) == "test":
            scene = reader.read(next(read_images(truth.image.path, ReadOptions())))
            named = name_levels(scene, known_of([t for n, t in truths.items() if n != name]))
            pairs.append(Pair(name, truth, named))
            told(folder.name, pairs[-1])
    return pairs


def known_of(scenes: Sequence[Scene]) -> SpinePrior:
    schema = scenes[0].schema
    films = [np.array([corners(scene, level) for level in schema.levels]) for scene in scenes]
    learnt = learnt_prior(schema.view, schema.levels, films, f"{len(scenes)} films", symmetric=False)
    return replace(learnt, evidence=prior_of(schema).evidence)


def corners(scene: Scene, level: str) -> FloatArray:
    item = scene.instance(level)
    quad = None if item is None else quad_of(item, scene.schema)
    return np.full((4, 2), np.nan) if quad is None else quad


def told(fold: str, pair: Pair) -> None:
    found = answers(pair.truth, pair.predicted)
    missed = [true.label for true, answer in found.pairs if answer is None]
    named = sum(answer is not None and answer.label == true.label for true, answer in found.pairs)
    count = len(found.pairs)
    print(f"{fold} {pair.name}: {count - len(missed)} of {count} found, {named} named right; missed {missed}")


def figures(pairs: Sequence[Pair]) -> list[Score]:
    """What the card shows: bodies and names of all levels, and those of the neck apart."""
    tally = SpineTally()
    for pair in pairs:
        tally.add(pair)
    section = tally.section()
    scores = [] if section is None else [s for s in section.scores if "of 24" not in s.metric]
    missed: Counter[str] = Counter()
    found: dict[str, tuple[float, float]] = {}
    right: dict[str, tuple[float, float]] = {}
    for pair in pairs:
        rows = [row for row in answers(pair.truth, pair.predicted).pairs if row[0].label in NECK]
        missed.update(true.label for true, answer in rows if answer is None)
        found[pair.name] = sum(answer is not None for _, answer in rows), len(rows)
        named = sum(answer is not None and answer.label == true.label for true, answer in rows)
        right[pair.name] = named, len(rows)
    count = missed.total()
    return [
        *scores,
        score_of_sums("bodies found, C2 to C7 (%)", found, percentage, count, None),
        score_of_sums("level names right, C2 to C7 (%)", right, percentage, count, None),
    ]


if __name__ == "__main__":
    main()
