from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from spinekit.core.errors import AnnotationError, SpinekitError
from spinekit.formats import aasce
from spinekit.formats.aasce_mat import read_corners
from spinekit.formats.plugin import LabelOptions
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


def test_a_film_that_is_not_there_is_passed_over_and_told(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "images" / NAME).unlink()
    heard: list[str] = []
    assert list(aasce.read(folder, load_schema("spine-ap"), LabelOptions(notice=heard.append))) == []
    assert heard == [f"{folder / 'landmarks.csv'}: line 1: {NAME}: not in {folder / 'images'} -- passed over"]
    with pytest.raises(AnnotationError, match="-- add the image or allow missing ones"):
        list(aasce.read(folder, load_schema("spine-ap"), LabelOptions(allow_missing=False)))


def test_corners_outside_the_film_are_told(tmp_path: Path) -> None:
    row = ",".join([*["1.2"] * 4, *["0.1"] * 132])
    heard: list[str] = []
    list(aasce.read(folder_of(tmp_path, row), load_schema("spine-ap"), LabelOptions(notice=heard.append)))
    assert heard == [
        f"{tmp_path / 'landmarks.csv'}: line 1: T1: TL, TR, BL, BR outside the image of 200 x 1000 px -- kept"
    ]


def test_the_set_says_what_its_points_are(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    assert aasce.detect(folder)
    assert aasce.detect(folder / "landmarks.csv")
    assert not aasce.detect(folder / "images")
    assert not aasce.detect(folder / "angles.csv")
    assert aasce.vocabulary(folder).schema is load_schema("spine-ap")
    (folder / "landmarks.csv").write_text("a,b,c\n")
    assert not aasce.detect(folder)


class TestMats:
    CORNERS = np.column_stack([np.tile([50.0, 100, 52, 102], 17), np.arange(68) * 12.0])

    def file(self, folder: Path, **content: object) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        savemat(folder / f"{NAME}.mat", content or {"p2": self.CORNERS}, do_compression=True)
        return folder / f"{NAME}.mat"

    def test_a_file_gives_a_film_the_corners_in_pixels(self, tmp_path: Path) -> None:
        save_image(tmp_path / "images" / NAME, height=1000, width=200)
        file = self.file(tmp_path / "labels")
        for path in (file, file.parent):
            assert aasce.detect(path)
            (scene,) = aasce.read(path, load_schema("spine-ap"))
            last = scene.instances[-1].landmarks
            assert last is not None
            np.testing.assert_array_equal(last.xy, self.CORNERS[-4:])
            assert scene.image.name == NAME
            assert scene.group == "clinic-162"

    def test_films_lie_in_data_where_labels_lie_in_labels(self, tmp_path: Path) -> None:
        save_image(tmp_path / "data" / "training" / NAME, height=1000, width=200)
        file = self.file(tmp_path / "labels" / "training")
        assert len(list(aasce.read(file.parent, load_schema("spine-ap")))) == 1

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ({"p1": np.zeros((68, 2))}, "holds no numbers p2 of 68 x 2"),
            ({"p2": np.zeros((2, 68))}, "holds no numbers p2 of 68 x 2"),
            ({"p2": np.zeros((68, 2), dtype=complex)}, "holds no numbers p2 of 68 x 2"),
            ({"p2": np.full((68, 2), "x", dtype=object)}, "holds no numbers p2 of 68 x 2"),
            ({"p2": np.full((68, 2), np.nan)}, "p2 holds a number that is none"),
            (
                {"p2": np.zeros((68, 2)), "x": np.random.default_rng(1).random(20_000)},
                "is larger than 65536 bytes",
            ),
        ],
    )
    def test_another_content_is_refused(
        self, tmp_path: Path, content: dict[str, object], message: str
    ) -> None:
        with pytest.raises(AnnotationError, match=rf"\.mat: .*{message}"):
            read_corners(self.file(tmp_path, **content))

    def test_another_file_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "a.mat"
        with pytest.raises(AnnotationError, match="cannot be read"):
            read_corners(path)
        for content in (b"", b"\x89HDF\r\n\x1a\n", b"MATLAB 7.3 MAT-file"):
            path.write_bytes(content)
            assert not aasce.detect(path)
            with pytest.raises(AnnotationError, match="is no MATLAB 5 file"):
                read_corners(path)
        path.unlink()
        with pytest.raises(AnnotationError, match=r"holds neither landmarks\.csv nor \.mat files"):
            list(aasce.read(tmp_path, load_schema("spine-ap")))

    def test_a_bomb_unfolds_to_little(self, tmp_path: Path) -> None:
        path = self.file(tmp_path, p2=np.zeros((68, 2)), bomb=np.zeros(6_000_000))
        assert path.stat().st_size < 65536
        assert read_corners(path).shape == (68, 2)

    def test_mutations_end_in_one_line(self, tmp_path: Path) -> None:
        rng = random.Random(11)
        good = [self.file(tmp_path).read_bytes()]
        savemat(tmp_path / "plain.mat", {"p2": self.CORNERS})
        good.append((tmp_path / "plain.mat").read_bytes())
        path = tmp_path / "x.mat"
        refused: list[str] = []
        for index in range(600):
            content = bytearray(good[index % 2])
            for _ in range(rng.randrange(1, 6)):
                content[rng.randrange(100, len(content))] = rng.randrange(256)
            path.write_bytes(content[: rng.randrange(120, len(content))] if index % 5 == 0 else content)
            try:
                corners = read_corners(path)
            except SpinekitError as error:
                refused.append(str(error))
            else:
                assert corners.shape == (68, 2)
            aasce.detect(path)
        assert len(refused) > 100
        assert not any("\n" in line for line in refused)


def test_real_mat_files_hold_what_the_table_says() -> None:
    folder = real_data() / "aasce2019"
    assert aasce.detect(folder)
    assert aasce.detect(folder / "mat_examples")
    tabled = {scene.image.name: scene for scene in aasce.read(folder, load_schema("spine-ap"))}
    scenes = list(aasce.read(folder / "mat_examples", load_schema("spine-ap")))
    assert len(scenes) == len(list((folder / "mat_examples").glob("*.mat"))) == 5
    for scene in scenes:
        for item, other in zip(scene.instances, tabled[scene.image.name].instances, strict=True):
            assert item.landmarks is not None
            assert other.landmarks is not None
            np.testing.assert_array_equal(item.landmarks.xy, other.landmarks.xy)


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
    heard: list[str] = []
    scenes = list(aasce.read(folder, load_schema("spine-ap"), LabelOptions(notice=heard.append)))
    angles = aasce.read_angles(folder)
    assert len(scenes) == 481
    assert not any("passed over" in line for line in heard)
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
