from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spinekit.core.errors import AnnotationError
from spinekit.formats import isbi
from spinekit.schemas import load_schema
from tests.formats.annotation_samples import POSE, real_data, save_image


def table_of(tmp_path: Path, row: str, header: str = ",".join(isbi.HEADER)) -> Path:
    save_image(tmp_path / "images" / "001.jpg", height=240, width=190)
    (tmp_path / "train.csv").write_text(f"{header}\n{row}\n")
    return tmp_path / "train.csv"


def cells(**changed: str) -> str:
    values = {f"{index}_{axis}": str(10 * index + (axis == "y")) for index in range(1, 20) for axis in "xy"}
    return ",".join(["001.jpg", *(values | changed).values()])


def test_points_come_in_the_order_of_the_challenge(tmp_path: Path) -> None:
    schema = load_schema("ceph-19")
    (scene,) = isbi.read(table_of(tmp_path, cells()), schema)
    (skull,) = scene.instances
    assert skull.label == schema.classes[0]
    assert skull.landmarks is not None
    assert skull.landmarks.names == schema.landmark_names
    np.testing.assert_array_equal(skull.landmarks.xy[[0, 18]], [[10, 11], [190, 191]])
    assert scene.image.spacing is None
    assert scene.group == "001"


def test_empty_cells_are_an_absent_point(tmp_path: Path) -> None:
    (scene,) = isbi.read(table_of(tmp_path, cells(**{"3_x": "", "3_y": ""})), load_schema("ceph-19"))
    points = scene.instances[0].landmarks
    assert points is not None
    assert np.isnan(points.xy[2]).all()
    assert points.visibility.tolist().count(0) == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("001.jpg,1,2", "line 2 has 3 cells -- 39 are needed"),
        (cells(**{"5_x": "1O"}), "line 2: '1O' is not a number"),
        ("001.jpg" + "," * 38, "line 2 holds no point"),
    ],
)
def test_a_broken_row_names_its_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        list(isbi.read(table_of(tmp_path, row), load_schema("ceph-19")))


def test_another_header_or_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="line 1 is not image_path"):
        list(isbi.read(table_of(tmp_path, cells(), "file,x,y"), load_schema("ceph-19")))
    with pytest.raises(AnnotationError, match="use ceph-19"):
        list(isbi.read(table_of(tmp_path, cells()), POSE))


def test_a_film_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    table = table_of(tmp_path, cells().replace("001.jpg", "002.jpg"))
    assert list(isbi.read(table, load_schema("ceph-19"))) == []
    assert isbi.left_out(table) == (f"002.jpg: not in {tmp_path / 'images'}",)


def test_all_real_films_are_read() -> None:
    scenes = list(isbi.read(real_data() / "ceph_isbi2015", load_schema("ceph-19")))
    assert len(scenes) == 150
    assert {(scene.image.width, scene.image.height) for scene in scenes} == {(1935, 2400)}
    first = next(scene for scene in scenes if scene.image.name == "017.jpg").instances[0].landmarks
    assert first is not None
    np.testing.assert_array_equal(first.xy[:2], [[806, 1028], [1384, 972]])
