from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.image import ImageRef
from spinekit.core.outline import Outline
from spinekit.core.scene import Author, Instance, Raster, Scene
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.core.translate import Translated
from spinekit.formats.plugin import KEEPABLE, AnnotationFormat
from spinekit.workflows.survey import (
    Survey,
    count_scene,
    count_translated,
    losses,
    reasons,
    said_of,
)
from tests.formats.annotation_samples import POSE, SEG, SEM, body
from tests.workflows.label_sets import SQUARE

IMAGE = ImageRef(Path("a.png"), 30, 40, name="a.png")
RING = np.array([[1.0, 1], [9, 1], [9, 9], [1, 9]])
SHAPE = Instance("L1", (1, 1, 9, 9), Outline((RING,)))
BODY = body("L1", SQUARE)
NOTHING = AnnotationFormat("none", "keeps nothing", frozenset())


def held(scene: Scene) -> set[str]:
    survey = Survey()
    count_scene(survey, scene)
    return {name for name, count in survey.held.items() if count}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (BODY, {"labels", "landmarks"}),
        (replace(BODY, box=(0, 0, 30, 30)), {"labels", "landmarks", "boxes"}),
        (SHAPE, {"labels", "outlines"}),
        (replace(SHAPE, outline=Outline((RING,), (RING / 2 + 2,))), {"labels", "outlines", "holes"}),
        (replace(SHAPE, outline=None), {"labels", "rectangles"}),
        (replace(SHAPE, score=0.5), {"labels", "outlines", "scores"}),
        (replace(SHAPE, author=Author.MODEL), {"labels", "outlines", "scores"}),
        (replace(SHAPE, reader="ann"), {"labels", "outlines", "readers"}),
    ],
)
def test_what_an_instance_holds(item: Instance, expected: set[str]) -> None:
    assert held(Scene(IMAGE, SEG, (item,))) == expected


def test_what_a_scene_holds() -> None:
    spaced = replace(IMAGE, spacing=Spacing(0.1, 0.1, SpacingOrigin.STATED))
    raster = Raster(np.zeros((30, 40), np.uint8))
    scene = Scene(spaced, SEM, raster=raster, group="p1", covariates={"sex": "F"})
    assert held(scene) == {"raster", "spacing", "groups", "covariates"}
    two = (BODY, replace(BODY, label="L2"))
    assert "order" not in held(Scene(IMAGE, POSE, two)), "levels carry the order by their names"
    assert "order" in held(Scene(IMAGE, replace(POSE, levels=()), two))


def test_losses_are_told_with_their_number() -> None:
    survey = Survey()
    for _ in range(3):
        count_scene(survey, Scene(IMAGE, SEG, (replace(SHAPE, reader="ann"),), group="p"))
    assert losses(survey, NOTHING, frozenset({"groups"})) == {
        "labels": f"{KEEPABLE['labels']} (3)",
        "outlines": f"{KEEPABLE['outlines']} (3)",
        "readers": f"{KEEPABLE['readers']} (3)",
    }
    everything = replace(NOTHING, keeps=frozenset(KEEPABLE))
    assert losses(survey, everything, frozenset()) == {}


@pytest.mark.parametrize(("task", "expected"), [("detect", set()), ("seg", {"rectangles"})])
def test_a_format_may_keep_more_for_one_task(task: str, expected: set[str]) -> None:
    survey = Survey()
    count_scene(survey, Scene(IMAGE, replace(SEG, task=task), (replace(SHAPE, outline=None),)))
    boxes = replace(NOTHING, keeps=frozenset({"labels"}), keeps_by_task={"detect": frozenset({"rectangles"})})
    assert set(losses(survey, boxes, frozenset())) == expected


def test_points_without_a_place_are_losses_unless_the_user_says_so() -> None:
    survey = Survey()
    translated = Translated(Scene(IMAGE, POSE), Counter({"L2": 1}), Counter({"TL": 2, "TR": 1}))
    count_translated(survey, translated, frozenset({"TR"}))
    assert losses(survey, NOTHING, frozenset()) == {"points": "landmarks that the schema lacks: TL (2)"}
    assert survey.left_out == {"L2": 1}


def test_reasons_are_counted_without_places() -> None:
    lines = [
        "a.csv: line 3: x.png: not in /films: passed over",
        "a.csv: line 4: y.png: not in /films: passed over",
        "a.csv: line 9: 'L1': the shape encloses nothing -- passed over",
        "a.xml: attributes without a place: a1 (1), a2 (1)",
        "a.xml: object 2: pose, part: passed over",
    ]
    assert reasons(lines) == {
        "not in ...": 2,
        "the shape encloses nothing": 1,
        "attributes without a place": 1,
        "pose, part": 1,
    }
    assert said_of(lines[0]) == ("x.png", "not in /films")


def test_a_reason_given_once_keeps_its_numbers() -> None:
    line = "masks: without masks.yaml values 1 to 5 are read as L1 to L5"
    assert reasons([line]) == {"without masks.yaml values 1 to 5 are read as L1 to L5": 1}
    assert reasons([line, line]) == {"without masks.yaml values N to N are read as L1 to L5": 2}


def test_names_with_digits_are_not_counted_together() -> None:
    assert reasons(["x.csv: L1 lies above L2 by 3.5 px", "y.csv: L1 lies above L2 by 9 px"]) == {
        "L1 lies above L2 by N px": 2
    }
