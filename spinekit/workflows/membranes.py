"""The threshold at which a model of membranes keeps cells apart, chosen on the films that chose its epoch."""

from __future__ import annotations

from pathlib import Path

from spinekit.core.image import BoolArray, Image
from spinekit.metrics.separation import MEMBRANE, Probability, Separation, choose_separation
from spinekit.models.load import load_reader
from spinekit.schemas import load_schema
from spinekit.workflows.recipe import LabelledData, labelled_pixels, part_of_scene, read_labelled, split_table
from spinekit.workflows.split import read_split


def chosen_separation(recipe: LabelledData, model: Path) -> Separation | None:
    """The threshold for a model's card, by whole images of the val part, read as ``spinekit predict`` reads them.

    Args:
        recipe: Of its training: data, split, schema.
        model: Its folder, with a card.

    Returns:
        None where the model does not tell membranes from cells, or no val image shows a cell.
    """
    schema = load_schema(recipe.schema_name)
    if schema.task != "sem" or len(schema.classes) != 2 or MEMBRANE not in schema.classes[-1]:
        return None
    reader = load_reader(str(model))
    parts = read_split(split_table(recipe))
    probabilities: list[Probability] = []
    truths: list[BoolArray] = []
    for truth in read_labelled(recipe):
        labels = truth.raster.labels if truth.raster is not None else None
        if part_of_scene(truth, parts) != "val" or truth.notes or labels is None or (labels > 0).all():
            continue
        raster = reader.read(Image(truth.image, labelled_pixels(truth))).raster
        if raster is not None and raster.probability is not None:
            probabilities.append(raster.probability)
            truths.append(labels > 0)
    return choose_separation(probabilities, truths, reader.card.confidence) if truths else None
