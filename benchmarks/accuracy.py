"""Remakes the table of accuracy of the shipped models from their weights.

    SPINEKIT_DATA=<folder of the data sets> python benchmarks/accuracy.py [MODEL ...] [--part val] [--write]

Each model reads the test part of its data set (datasets/*/split.csv), which no training ever saw; ``--write``
lays the figures into the model's card.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from spinekit.core.score import Score
from spinekit.files import write_text
from spinekit.models.weights import find_card, shipped_names
from spinekit.schemas import load_yaml
from spinekit.schemas.strict_yaml import dump_yaml
from spinekit.workflows.accuracy import accuracy, as_figures, recipe_path
from spinekit.workflows.recipe import split_table
from spinekit.workflows.train_settings import read_recipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=shipped_names())
    parser.add_argument("--part", default="test", choices=("val", "test"))
    parser.add_argument("--write", action="store_true", help="lay the figures into the card")
    arguments = parser.parse_args()
    for model in arguments.models:
        recipe = read_recipe(recipe_path(model))
        if recipe.split is None:
            print(
                f"\n{model}: too few films for a test part; its figures come from folds (benchmarks/*_folds.py)"
            )
            continue
        set_card: Any = load_yaml(split_table(recipe).parent / "card.yaml")
        scores = accuracy(recipe, model, arguments.part, set_card.get("spacing_mm"))
        print(f"\n{model}, {arguments.part} part of {set_card['name']}")
        for score in scores:
            print(f"  {words(score)}")
        if arguments.write and arguments.part == "test":
            write_figures(find_card(model).weights.parent / "card.yaml", scores, str(set_card["name"]))


def words(score: Score) -> str:
    interval = f" [{score.low:.3f}, {score.high:.3f}]" if score.low is not None else ""
    return f"{score.metric}: {score.value:.3f}{interval}  n={score.n} missed={score.missed}"


def write_figures(card: Path, scores: list[Score], data: str) -> None:
    content: Any = load_yaml(card)
    content["figures"] = as_figures(scores, "test", data)
    write_text(card, dump_yaml(content))


if __name__ == "__main__":
    main()
