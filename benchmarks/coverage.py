"""How often the printed 95 % interval holds the true value, with the shipped models on films unknown to them.

    SPINEKIT_DATA=<folder of the data sets> python benchmarks/coverage.py [MODEL ...] [--part test] [--spread 1 1.5]

True is what the labels' own points measure. The factor on the spread that stands in a model's card is chosen on
the val part, never on test: the smallest of a series (``--spread``) whose intervals hold 95 % of the val part's
values. The factors multiply the card's own.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from spinekit.core.measurement import Measurement
from spinekit.core.scene import Instance, Scene
from spinekit.measures import measure
from spinekit.schemas import load_yaml
from spinekit.workflows.accuracy import readings, recipe_path
from spinekit.workflows.recipe import split_table
from spinekit.workflows.scoring import Pair
from spinekit.workflows.train_settings import read_recipe

MEASURED: Mapping[str, tuple[str, ...]] = {
    "spine-ap-pose": ("cobb_aasce_main", "cobb_aasce_second", "cobb_aasce_third"),
    "ceph-pose": ("sna", "snb", "anb"),
    "orbit-pose": ("orbit_width_right", "orbit_width_left"),
}


@dataclass(frozen=True, slots=True)
class Held:
    """One printed interval: whether it holds the true value, and how wide it is."""

    inside: bool
    width: float
    unit: str


def main() -> None:
    """Prints, for each model, part and factor, n, the share held and the median width."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=tuple(MEASURED))
    parser.add_argument("--part", action="append", choices=("val", "test"))
    parser.add_argument("--spread", nargs="+", type=float, default=[1.0], help="factors on the card's spread")
    arguments = parser.parse_args()
    for model in arguments.models:
        recipe = read_recipe(recipe_path(model))
        set_card: Any = load_yaml(split_table(recipe).parent / "card.yaml")
        for part in arguments.part or ("val", "test"):
            pairs = list(readings(recipe, model, part, set_card.get("spacing_mm")))
            for factor in arguments.spread:
                print(f"\n{model}, {part} part, {len(pairs)} films, spread x {factor:g}")
                for line in report(pairs, MEASURED[model], factor):
                    print(f"  {line}")


def report(pairs: Sequence[Pair], names: Sequence[str], factor: float = 1.0) -> list[str]:
    """One line for each measurement and one for all together."""
    found = {name: held(pairs, name, factor) for name in names}
    found["all"] = [one for items in found.values() for one in items]
    return [words(name, items) for name, items in found.items()]


def held(pairs: Sequence[Pair], name: str, factor: float = 1.0) -> list[Held]:
    """The interval of each film on which both, the labels and the model, give the measurement."""
    items = []
    for pair in pairs:
        if pair.predicted is None:
            continue
        (true,), (found,) = (
            measure(pair.truth, [name], draws=0),
            measure(widened(pair.predicted, factor), [name]),
        )
        if not isinstance(true, Measurement) or not isinstance(found, Measurement):
            continue
        if found.low is not None and found.high is not None:
            inside = found.low <= true.value <= found.high
            items.append(Held(inside, found.high - found.low, found.unit))
    return items


def widened(scene: Scene, factor: float) -> Scene:
    """The scene with the spread of its points times a factor."""
    return replace(scene, instances=tuple(_widened(item, factor) for item in scene.instances))


def _widened(item: Instance, factor: float) -> Instance:
    points = item.landmarks
    if points is None or points.spread is None:
        return item
    return replace(item, landmarks=replace(points, spread=factor * points.spread))


def words(name: str, items: Sequence[Held]) -> str:
    if not items:
        return f"{name}: no interval"
    share = sum(item.inside for item in items) / len(items)
    width = median(item.width for item in items)
    return f"{name}: {100 * share:.1f} % of n={len(items)} held, median width {width:.1f} {items[0].unit}"


if __name__ == "__main__":
    main()
