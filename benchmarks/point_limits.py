"""Learns where landmarks usually lie to each other (spinekit/schemas/shapes) from the training parts.

SPINEKIT_DATA=<folder of the data sets> python benchmarks/point_limits.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spinekit.anatomy.point_doubts import learnt_limits
from spinekit.files import write_text
from spinekit.schemas.point_limits import lines
from spinekit.workflows.recipe import part_of_scene, read_labelled, split_table
from spinekit.workflows.split import read_split
from spinekit.workflows.train_settings import read_recipe

FOLDER = Path("spinekit/schemas/shapes")
RECIPES = ("ceph-pose", "orbit-pose")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in RECIPES:
        recipe = read_recipe(Path("experiments") / f"{name}.yaml")
        parts = read_split(split_table(recipe))
        films = [
            scene
            for scene in read_labelled(recipe)
            if part_of_scene(scene, parts) == "train" and len(scene.instances) == 1 and not scene.notes
        ]
        points = [scene.instances[0].landmarks for scene in films]
        sets = np.array([item.xy for item in points if item is not None])
        schema = films[0].schema
        learnt_from = f"{Path(recipe.data).name}, training part, {len(sets)} images"
        limits = learnt_limits(schema.name, schema.landmark_names, sets, learnt_from)
        write_text(FOLDER / f"{schema.name}.yaml", "\n".join(lines(limits)) + "\n")


if __name__ == "__main__":
    main()
