from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.image import UInt8Array
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Raster, Scene
from spinekit.core.score import Score
from spinekit.views.comparison import FOUND, TRUE, Couple, draw_comparison
from spinekit.views.evaluation import (
    EvaluationPage,
    PageSection,
    PageTable,
    figure_row,
    figure_text,
    write_page,
)
from tests.views.scenes import MEMBRANE, film, stack


def near(picture: UInt8Array, colour: str) -> int:
    """How many pixels are of a colour."""
    wanted = np.array([int(colour[place : place + 2], 16) for place in (5, 3, 1)])
    return int((np.abs(picture.astype(int) - wanted).max(axis=2) < 40).sum())


def shifted(scene: Scene, by: float) -> Scene:
    items = []
    for item in scene.instances:
        points = item.landmarks
        assert points is not None
        items.append(replace(item, landmarks=landmarks(points.names, points.xy + by)))
    return replace(scene, instances=tuple(items))


def test_both_sides_are_drawn_in_their_colours_and_explained_below() -> None:
    image = film(900, 400)
    truth = stack(image)
    found = shifted(truth, 9.0)
    couples = [Couple(*pair) for pair in zip(truth.instances, found.instances, strict=True)]
    picture = draw_comparison(image, truth, found, couples, "1. film.png: MRE 12.7 " * 6)
    assert picture.shape[1] == 400
    assert picture.shape[0] > 900 + 60
    assert near(picture[:900], TRUE) > 100
    assert near(picture[:900], FOUND) > 100
    legend = picture[900:]
    assert near(legend, TRUE) > 10
    assert near(legend, FOUND) > 10
    untouched = draw_comparison(image, replace(truth, instances=()), replace(found, instances=()), ())
    assert near(untouched[:900], TRUE) == 0
    assert near(untouched[:900], FOUND) == 0


def test_masks_boxes_and_points_that_are_missing() -> None:
    image = film(900, 400)
    truth = stack(image, outlines=True)
    boxes = replace(truth, instances=tuple(replace(i, outline=None, landmarks=None) for i in truth.instances))
    couples = [Couple(one, None) for one in truth.instances]
    picture = draw_comparison(image, truth, boxes, couples, "")
    assert near(picture[:900], TRUE) > 500
    assert near(picture[:900], FOUND) > 500


def test_semantic_answers_show_who_says_what() -> None:
    image = film(64, 64)
    left, right = np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8)
    left[:, :40], right[:, 20:] = 1, 1
    truth = Scene(image.ref, MEMBRANE, raster=Raster(labels=left))
    found = Scene(image.ref, MEMBRANE, raster=Raster(probability=right.astype(np.float32)))
    picture = draw_comparison(image, truth, found, ()).astype(int)
    zoom = picture.shape[1] // 64
    only_true, both, only_found = (picture[5 * zoom, column * zoom] for column in (5, 30, 60))
    assert only_true[0] > only_true[2]  # blue
    assert only_found[2] > only_found[0]  # amber
    assert both[1] > max(both[0], both[2])  # green
    with pytest.raises(ValueError, match="shapes"):
        draw_comparison(image, truth, replace(found, raster=Raster(labels=right[:10])), ())


def test_the_page_holds_everything_and_asks_for_nothing(tmp_path: Path) -> None:
    score = Score("MRE <mm>", 1.23456, 1.0, 1.5, 7, 2)
    section = PageSection(
        "Landmarks & more", ("a < b",), (figure_row(score),),
        (PageTable("by landmark", ("landmark", "MRE"), (("S\u202e", ("1.2", "1 to 2")),)),), {"boxes": b"png"},
    )  # fmt: skip
    page = EvaluationPage(
        "evaluation", ((7, "images"),), (("Schema", "ceph-19"),), ("<script>alert(1)</script>",), (section,),
        PageTable("against", ("figure", "difference"), (("MRE", ("0.1", "0 to 1")),)),
        [("1. film.png", np.zeros((40, 30, 3), np.uint8))], {"Not predicted": ["a.png", "<b>.png"]},
    )  # fmt: skip
    write_page(tmp_path / "evaluation.html", page)
    text = (tmp_path / "evaluation.html").read_text("utf-8")
    assert "1.235" in text
    assert "1 to 1.5" in text
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "\u202e" not in text
    assert "http://" not in text
    assert "https://" not in text
    assert text.count("data:image/png;base64,") == 1
    assert text.count("data:image/jpeg;base64,") == 1
    assert "&lt;b&gt;.png" in text
    write_page(tmp_path / "again.html", page)
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "evaluation.html").read_bytes()


@pytest.mark.parametrize(
    ("value", "text"), [(0.123456, "0.1235"), (-2.0, "\N{MINUS SIGN}2"), (123456.7, "123457"), (0.0, "0")]
)
def test_numbers(value: float, text: str) -> None:
    assert figure_text(value) == text
