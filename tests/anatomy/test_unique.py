from __future__ import annotations

from pathlib import Path

import pytest

from spinekit.anatomy import unique_levels
from spinekit.core.image import ImageRef
from spinekit.core.scene import Instance, Scene
from spinekit.schemas import load_schema
from tests.anatomy.drawn import labels

SCHEMA = load_schema("spine-ap-levels")


def scene(*items: tuple[str, float]) -> Scene:
    found = tuple(Instance(label, (0, 0, 1, 1), score=score) for label, score in items)
    return Scene(ImageRef(Path("film.png"), 1500, 600), SCHEMA, found)


def test_the_most_certain_of_two_stays() -> None:
    named = unique_levels(scene(("T5", 0.4), ("T4", 0.9), ("T5", 0.6)), 0.1)
    assert [(item.label, item.score) for item in named.instances] == [("T4", 0.9), ("T5", 0.6)]


def test_gaps_are_reported_and_doubtful_ones_dropped() -> None:
    named = unique_levels(scene(("T4", 0.9), ("T5", 0.05), ("T6", 0.6)), 0.1)
    assert labels(named) == ["T4", "T6"]
    assert "T5" in named.notes[0]


@pytest.mark.parametrize("confidence", [0.5, 1.0])
def test_nothing_certain_leaves_nothing(confidence: float) -> None:
    assert unique_levels(scene(("T4", 0.4)), confidence).instances == ()
