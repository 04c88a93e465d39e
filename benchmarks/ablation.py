"""What each part of the landmark models is worth: the same films read with parts of a model switched off.

    SPINEKIT_DATA=<folder of the data sets> python benchmarks/ablation.py [MODEL ...] [--part val] [--write]

Two plain models (a regressor and a U-Net heat map, `benchmarks/plain_models.py`) are trained on the spot, once, and
kept below ``--cache``. ``--write`` lays the table into docs/ablation.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.plain_models import WAYS, cached, read, samples_of
from spinekit.anatomy.hidden import seen_alone
from spinekit.core.score import Score
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.files import write_text
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import read_images
from spinekit.models.reader import InstanceReader
from spinekit.models.weights import ModelCard, find_card
from spinekit.schemas import load_yaml
from spinekit.workflows.accuracy import recipe_path
from spinekit.workflows.reading import read_with
from spinekit.workflows.recipe import part_of_scene, read_labelled, split_table
from spinekit.workflows.score_points import PointTally
from spinekit.workflows.score_spine import SpineTally
from spinekit.workflows.scoring import Pair
from spinekit.workflows.split import read_split
from spinekit.workflows.train_settings import TrainSettings, read_recipe

MODELS = ("orbit-pose", "ceph-pose", "spine-ap-pose")
EPOCHS = {"orbit-pose": {"regressor": 120, "heatmap": 60}, "ceph-pose": {"regressor": 60, "heatmap": 30}}
PAGE = Path("docs/ablation.md")
_BEGIN, _END = "<!-- figures -->", "<!-- end of figures -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--part", default="test", choices=("val", "test"))
    parser.add_argument(
        "--cache", type=Path, default=Path("runs/plain"), help="where plain networks are kept"
    )
    parser.add_argument("--write", action="store_true", help=f"lay the table into {PAGE}")
    arguments = parser.parse_args()
    text = []
    for model in arguments.models:
        text += [
            f"### `{model}`, {arguments.part} part",
            "",
            *table(model, arguments.part, arguments.cache),
            "",
        ]
        print("\n".join(text[-8:]), flush=True)
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        head, rest = page.split(_BEGIN)
        write_text(PAGE, head + _BEGIN + "\n\n" + "\n".join(text) + "\n" + _END + rest.split(_END)[1])


def table(model: str, part: str, cache: Path) -> list[str]:
    """Rows of Markdown, one a way to read."""
    recipe = read_recipe(recipe_path(model))
    lines: list[str] = []
    for title, scores, each in ways(model, recipe, part, cache):
        if not lines:
            names = [score.metric for score in scores]
            lines = [f"| read by | {' | '.join(names)} | ms a film |", "|---|" + "---|" * (len(names) + 1)]
        lines.append(f"| {title} | {' | '.join(words(score) for score in scores)} | {each:.0f} |")
    return lines


def words(score: Score) -> str:
    interval = "" if score.low is None else f" [{score.low:.2f}, {score.high:.2f}]"
    missed = f", {score.missed} missed" if score.missed else ""
    return f"{score.value:.2f}{interval} (n={score.n}{missed})"


def ways(
    model: str, recipe: TrainSettings, part: str, cache: Path
) -> Iterator[tuple[str, list[Score], float]]:
    """Title, figures and milliseconds a film of every way to read."""
    for way, epochs in EPOCHS.get(model, {}).items():
        net = cached(way, samples_of(recipe, "train"), epochs, cache)
        plain = WAYS[way]
        titles = {
            "regressor": "plain convolutional regressor",
            "heatmap": "U-Net heat map of the whole film",
        }
        samples = samples_of(recipe, part)
        start = time.perf_counter()
        found = [(sample.scene, read(plain, net, sample)) for sample in samples]
        each = 1000 * (time.perf_counter() - start) / len(samples)
        yield titles[way], scored(recipe, [Pair(t.image.name, t, p) for t, p in found]), each
    card = find_card(model)
    for title, partial in parts_of(card):
        yield title, *by_reader(recipe, InstanceReader(partial), part)


def parts_of(card: ModelCard) -> Iterator[tuple[str, ModelCard]]:
    """The card of the first look alone, then with more and more of the model."""
    bare = replace(card, close=(), scales=(1.0,), mirrored=False)
    yield "first look (YOLO11n-pose), once", bare
    first = replace(card, close=())
    if first != bare:
        yield "first look, mirrored and at all its sizes", first
    for count in range(1, len(card.close) + 1):
        yield f"the same, then {count} close look{'s' * (count > 1)}", replace(card, close=card.close[:count])


def by_reader(recipe: TrainSettings, reader: InstanceReader, part: str) -> tuple[list[Score], float]:
    """Figures and milliseconds a film of a model, whole reading with names in sequence."""
    parts = read_split(split_table(recipe))
    pairs, spent = [], 0.0
    for truth in read_labelled(recipe):
        if part_of_scene(truth, parts) != part or truth.notes:
            continue
        image = next(read_images(truth.image.path, ReadOptions()))
        start = time.perf_counter()
        scene = read_with(reader, image).scene
        spent += time.perf_counter() - start
        pairs.append(Pair(truth.image.name, truth, None if scene is None else seen_alone(scene)))
    return scored(recipe, pairs), 1000 * spent / len(pairs)


def scored(recipe: TrainSettings, pairs: list[Pair]) -> list[Score]:
    """The headline figures; in mm where the data set says how large its pixels are."""
    card: Any = load_yaml(split_table(recipe).parent / "card.yaml")
    tally = SpineTally() if pairs[0].truth.schema.levels else PointTally()
    for pair in pairs:
        tally.add(pair_in_mm(pair, card.get("spacing_mm")))
    section = tally.section()
    assert section is not None, f"no film of {recipe.name} can be scored"
    return section.headlines()


def pair_in_mm(pair: Pair, spacing_mm: float | None) -> Pair:
    if spacing_mm is None:
        return pair
    spacing = Spacing(spacing_mm, spacing_mm, SpacingOrigin.STATED)
    truth = replace(pair.truth, image=replace(pair.truth.image, spacing=spacing))
    return replace(pair, truth=truth)


if __name__ == "__main__":
    main()
