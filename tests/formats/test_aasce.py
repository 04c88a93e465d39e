from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spinekit.core.errors import AnnotationError
from spinekit.formats import aasce
from spinekit.schemas import load_schema
from tests.formats.annotation_samples import POSE, real_data, save_image

NAME = "clinic-02-Jan-2017-162 A AP.jpg"


def folder_of(tmp_path: Path, landmarks: str | None = None, names: str = NAME) -> Path:
    """A folder with one film of 200 x 1000 px whose corners lie on whole pixels."""
    save_image(tmp_path / "images" / NAME, height=1000, width=200)
    x = [value / 200 for body in range(17) for value in (50, 100, 52, 102)]
    y = [
        value / 1000
        for body in range(17)
        for value in (50 * body, 50 * body + 3, 50 * body + 30, 50 * body + 33)
    ]
    row = landmarks if landmarks is not None else ",".join(f"{value:.5g}" for value in x + y) + "\n"
    (tmp_path / "filenames.csv").write_text(f"{names}\n")
    (tmp_path / "landmarks.csv").write_text(row)
    (tmp_path / "angles.csv").write_text("41.139,14.63,40.147\n")
    return tmp_path


def test_a_film_has_17_named_bodies_with_corners_in_pixels(tmp_path: Path) -> None:
    (scene,) = aasce.read(folder_of(tmp_path), load_schema("spine-ap"))
    assert [item.label for item in scene.instances] == list(load_schema("spine-ap").levels)
    lowest = scene.instances[-1]
    assert lowest.landmarks is not None
    np.testing.assert_array_equal(lowest.landmarks.xy, [[50, 800], [100, 803], [52, 830], [102, 833]])
    assert lowest.box == (50.0, 800.0, 102.0, 833.0)
    assert scene.group == "clinic-162"
    assert (scene.image.height, scene.image.width) == (1000, 200)


def test_a_schema_of_shapes_gets_outlines_around_the_body(tmp_path: Path) -> None:
    (scene,) = aasce.read(folder_of(tmp_path), load_schema("spine-ap-levels"))
    outline = scene.instances[0].outline
    assert outline is not None
    np.testing.assert_array_equal(outline.rings[0], [[50, 0], [100, 3], [102, 33], [52, 30]])


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("sunhl-1th-03-Jan-2017-165 A AP.jpg", "sunhl-1th-165"),
        ("sunhl-1th-04-Jan-2017-165 B AP.jpg", "sunhl-1th-165"),
        ("sunhl-1th-22-Nov-2016-142 A AP (2).jpg", "sunhl-1th-142"),
        ("sunhl-1th-20-Jul-2016-coronal12.jpg", "sunhl-1th-coronal12"),
        ("film 7.png", "film 7"),
    ],
)
def test_films_of_a_patient_share_a_group(name: str, group: str) -> None:
    assert aasce.visit_of(name) == group


def test_angles_are_read_by_film(tmp_path: Path) -> None:
    assert aasce.read_angles(folder_of(tmp_path)) == {NAME: (41.139, 14.63, 40.147)}


def test_a_film_that_is_not_there_is_left_out_and_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "images" / NAME).unlink()
    assert list(aasce.read(folder, load_schema("spine-ap"))) == []
    assert aasce.left_out(folder) == (f"{NAME}: not in {folder / 'images'}",)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0.1,0.2\n", "line 1 has 2 numbers -- 136 are needed"),
        (",".join(["0.1"] * 135 + ["x"]) + "\n", "line 1: 'x' is not a number"),
        (",".join(["0.1"] * 135 + ["nan"]) + "\n", "line 1: 'nan' is not a number"),
        ((",".join(["0.1"] * 136) + "\n") * 2, "2 rows for 1 films"),
        ("", "is empty"),
    ],
)
def test_a_broken_table_names_its_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        list(aasce.read(folder_of(tmp_path, row), load_schema("spine-ap")))


def test_a_schema_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="use spine-ap"):
        list(aasce.read(folder_of(tmp_path), POSE))


def test_real_films_give_back_the_angles_of_the_challenge() -> None:
    folder = real_data() / "aasce2019"
    scenes = list(aasce.read(folder, load_schema("spine-ap")))
    angles = aasce.read_angles(folder)
    assert len(scenes) == 481
    assert not aasce.left_out(folder)
    assert sum(bool(scene.notes) for scene in scenes) == 29
    off = []
    for scene in scenes:
        corners = np.stack([item.landmarks.xy for item in scene.instances if item.landmarks is not None])
        middle = corners[:, 1::2].mean(axis=1) - corners[:, ::2].mean(axis=1)
        middle /= np.linalg.norm(middle, axis=1, keepdims=True)
        largest = np.degrees(np.arccos(np.clip(middle @ middle.T, 0, 1))).max()
        off.append(abs(largest - angles[scene.image.name][0]))
    assert np.median(off) < 0.0005
    assert np.count_nonzero(np.array(off) > 0.01) == 3  # rows whose stated angle does not belong to them
