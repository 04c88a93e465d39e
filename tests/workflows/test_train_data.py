from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spinekit.core.image import ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Instance, Scene
from spinekit.formats.yolo_labels import LabelPlan, Losses, label_rows
from spinekit.phantoms import spine_lateral, to_scene
from spinekit.schemas import load_schema
from spinekit.workflows.train_data import with_whole_boxes

SCHEMA = load_schema("spine-lateral")
REF = ImageRef(Path("film.png"), 400, 200)


def body(label: str, xy: list[list[float]]) -> Instance:
    points = landmarks(SCHEMA.landmark_names, np.array(xy))
    known = points.xy[~np.isnan(points.xy).any(axis=1)]
    (left, top), (right, bottom) = known.min(axis=0), known.max(axis=0)
    return Instance(label, (float(left), float(top), float(right), float(bottom)), landmarks=points)


AXIS = body("C2", [[np.nan, np.nan], [np.nan, np.nan], [80.0, 100.0], [120.0, 100.0]])
WHOLE = body("C3", [[80.0, 110.0], [120.0, 110.0], [80.0, 140.0], [120.0, 140.0]])


def test_a_body_of_one_endplate_gets_the_box_of_a_whole_one() -> None:
    axis, whole = with_whole_boxes(Scene(REF, SCHEMA, (AXIS, WHOLE))).instances
    assert axis.box == pytest.approx((80.0, 72.0, 120.0, 100.0))  # upwards by 0.7 of the endplate's length
    assert whole.box == WHOLE.box
    assert np.isnan(axis.landmarks.xy[:2]).all() if axis.landmarks is not None else False


def test_its_label_has_that_box_and_the_missing_points_stay_absent() -> None:
    plan = LabelPlan(SCHEMA, "pose", SCHEMA.classes, 0.0)
    rows = label_rows(with_whole_boxes(Scene(REF, SCHEMA, (AXIS,))), plan, Losses()).split()
    _, height = float(rows[3]) * REF.width, float(rows[4]) * REF.height
    assert height == pytest.approx(28.5, abs=1.0)
    assert [rows[k] for k in (7, 10)] == ["0", "0"]
    assert [rows[k] for k in (13, 16)] == ["2", "2"]


def test_whole_bodies_keep_the_box_around_their_points() -> None:
    film = spine_lateral(3, height=320, part="whole")
    scene = to_scene(film, ImageRef(Path("x.png"), film.height, film.width), SCHEMA)
    assert [i.box for i in with_whole_boxes(scene).instances] == [i.box for i in scene.instances]
