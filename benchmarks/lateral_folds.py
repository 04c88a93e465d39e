"""Figures of the lateral model, each film read by a fold's model that never saw it.

    SPINEKIT_DATA=<folder of the data sets> python benchmarks/lateral_folds.py FOLDS [--necks] [--nested] [--write]

FOLDS is what `spinekit train experiments/vertebrae-pose.yaml` wrote. What is known of spines (sizes, spacing,
curvature) is learnt anew for every film from the others, so that nothing of a film helps to read it. How much each
kind of evidence counts (``evidence`` of the lateral prior) was chosen on all ten films; with ``--nested`` it is
chosen for every fold on the films of the others. ``--necks`` reads what lies above T2 alone, cut out of each film.
``--write`` lays the figures into the card of the model that ships.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from spinekit.anatomy.candidates import quad_of
from spinekit.anatomy.decoding import WEIGHTS, Weights
from spinekit.anatomy.joined import with_proposals
from spinekit.anatomy.learnt_prior import learnt_prior
from spinekit.anatomy.sequence import read_in_sequence
from spinekit.core.image import FloatArray, Image
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
from spinekit.workflows.scoring import Pair, answers, points_of
from spinekit.workflows.split import read_split
from spinekit.workflows.train_settings import read_recipe

MODEL = "vertebrae-pose"
GRID = {"certainty": (1.0, 2.0), "missing": (4.0, 8.0, 12.0), "size": (0.1, 0.25), "step": (0.05, 0.1, 0.2)}
NECK = ("C2", "C3", "C4", "C5", "C6", "C7")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folds", type=Path)
    parser.add_argument("--necks", action="store_true", help="only what lies above T2 on each film, cut out")
    parser.add_argument(
        "--nested", action="store_true", help="weights of the sequence chosen on the other folds"
    )
    parser.add_argument("--write", action="store_true", help="lay the figures into the card")
    arguments = parser.parse_args()
    truths = {scene.image.name: scene for scene in read_labelled(read_recipe(recipe_path(MODEL)))}
    looks = []
    for folder in sorted(arguments.folds.glob("fold-*")):
        if (folder / "model" / "card.yaml").is_file():
            looks += looked(folder, truths, arguments.necks)
    known = {look.name: known_of([t for n, t in truths.items() if n != look.name]) for look in looks}
    pairs = []
    for look in looks:
        others = [other for other in looks if other.fold != look.fold]
        pairs.append(named(look, known, chosen(others, known) if arguments.nested else None))
        told(look.fold, pairs[-1])
    scores = figures(pairs)
    for score in scores:
        interval = f" [{score.low:.1f}, {score.high:.1f}]" if score.low is not None else ""
        print(f"{score.metric}: {score.value:.2f}{interval}  n={score.n} missed={score.missed}")
    if arguments.write:
        card = find_card(MODEL).weights.parent / "card.yaml"
        content: Any = load_yaml(card)
        content["figures"] = as_figures(scores, f"{len(pairs)} films in folds, each unseen", "spine_lateral")
        write_text(card, dump_yaml(content))


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A test film of a fold: what is there, and what its model proposes."""

    fold: str
    name: str
    truth: Scene
    proposed: Scene


def looked(folder: Path, truths: dict[str, Scene], necks: bool) -> list[Look]:
    """The test films of a fold as its model sees them."""
    reader, parts = InstanceReader(find_card(str(folder / "model"))), read_split(folder / "split.csv")
    found = []
    for name, truth in truths.items():
        if parts.get(name) == "test":
            image = next(read_images(truth.image.path, ReadOptions()))
            true, shown = neck_of(truth, image) if necks else (truth, image)
            found.append(Look(folder.name, name, true, reader.read(shown)))
    return found


def neck_of(truth: Scene, image: Image) -> tuple[Scene, Image]:
    """What lies above T2, nearly square, with the bodies C2 to C7."""
    items = [item for item in truth.instances if item.label in NECK]
    middle = np.nanmean(np.concatenate([points_of(item).xy for item in items]), axis=0)
    chest = truth.instance("T1")
    assert chest is not None
    rows = int(points_of(chest).xy[:, 1].max()) + 60
    left = max(0, int(middle[0] - 0.45 * rows))
    pixels = np.ascontiguousarray(image.pixels[:rows, left : left + int(0.9 * rows)])
    ref = replace(image.ref, height=pixels.shape[0], width=pixels.shape[1])
    moved = [
        replace(item, landmarks=replace(points_of(item), xy=points_of(item).xy - [left, 0])) for item in items
    ]
    return replace(truth, image=ref, instances=tuple(moved)), replace(image, ref=ref, pixels=pixels)


def named(look: Look, known: Mapping[str, SpinePrior], weights: Weights | None) -> Pair:
    """The film's bodies brought into sequence with what the other films teach."""
    read = read_in_sequence(with_proposals(look.proposed), known[look.name], weights=weights)
    return Pair(look.name, look.truth, read.scene)


def chosen(looks: Sequence[Look], known: Mapping[str, SpinePrior]) -> Weights:
    """The weights by which most bodies of some films are found and named right."""

    def right(weights: Weights) -> int:
        rows = [
            row for look in looks for row in answers(look.truth, named(look, known, weights).predicted).pairs
        ]
        return sum(
            (answer is not None) + (answer is not None and answer.label == true.label)
            for true, answer in rows
        )

    return max(
        (replace(WEIGHTS, **dict(zip(GRID, row, strict=True))) for row in product(*GRID.values())), key=right
    )


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
