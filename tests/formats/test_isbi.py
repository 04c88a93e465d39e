from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.errors import AnnotationError, SpinekitError
from spinekit.formats import isbi
from spinekit.formats.plugin import LabelOptions
from spinekit.schemas import load_schema
from tests.formats.annotation_samples import POSE, real_data, save_image


def table_of(tmp_path: Path, row: str, header: str = ",".join(isbi.HEADER)) -> Path:
    save_image(tmp_path / "images" / "001.jpg", height=240, width=191)
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


def test_a_film_that_is_not_there_is_passed_over_and_told(tmp_path: Path) -> None:
    table = table_of(tmp_path, cells().replace("001.jpg", "002.jpg"))
    heard: list[str] = []
    assert list(isbi.read(table, load_schema("ceph-19"), LabelOptions(notice=heard.append))) == []
    assert heard == [f"{table}: line 2: 002.jpg: not in {tmp_path / 'images'} -- passed over"]
    with pytest.raises(AnnotationError, match=r"line 2: .* -- add the image"):
        list(isbi.read(table, load_schema("ceph-19"), LabelOptions(allow_missing=False)))


def test_a_point_outside_the_film_is_told(tmp_path: Path) -> None:
    heard: list[str] = []
    list(
        isbi.read(
            table_of(tmp_path, cells(**{"2_x": "1900"})),
            load_schema("ceph-19"),
            LabelOptions(notice=heard.append),
        )
    )
    assert heard == [f"{tmp_path / 'train.csv'}: line 2: N outside the image of 191 x 240 px -- kept"]


def test_the_set_says_what_its_points_are(tmp_path: Path) -> None:
    table = table_of(tmp_path, cells())
    assert isbi.detect(table)
    assert isbi.detect(tmp_path)
    assert not isbi.detect(tmp_path / "images")
    assert not isbi.detect(tmp_path / "none.csv")
    assert isbi.vocabulary(table).schema is load_schema("ceph-19")


class TestTextFiles:
    CLASSES = "1\n2\n1\n3\n1\n1\n2\n4\n"

    def text(self, shift: int = 0, classes: str = CLASSES) -> str:
        return "".join(f"{10 * i + shift},{10 * i + 1}\r\n" for i in range(1, 20)) + classes

    def folder(self, tmp_path: Path, *readers: str) -> Path:
        for number in ("001", "002"):
            save_image(tmp_path / "RawImage" / "TrainingData" / f"{number}.bmp", height=240, width=210)
        for shift, reader in enumerate(readers):
            (tmp_path / "labels" / reader).mkdir(parents=True)
            for number in ("001", "002"):
                (tmp_path / "labels" / reader / f"{number}.txt").write_text(self.text(shift))
        return tmp_path / "labels"

    def test_two_readers_stay_apart(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path, "400_junior", "400_senior")
        assert isbi.detect(folder)
        scenes = list(isbi.read(folder, load_schema("ceph-19")))
        assert [scene.image.name for scene in scenes] == ["TrainingData/001.bmp", "TrainingData/002.bmp"]
        for scene in scenes:
            assert [item.reader for item in scene.instances] == ["junior", "senior"]
            first, second = (item.landmarks for item in scene.instances)
            assert first is not None
            assert second is not None
            np.testing.assert_array_equal(first.xy[[0, 18]], [[10, 11], [190, 191]])
            np.testing.assert_array_equal(second.xy - first.xy, [[1, 0]] * 19)
            assert scene.group == scene.image.name[-7:-4]

    @pytest.mark.parametrize(("name", "reader"), [("400_senior", "senior"), ("points", None)])
    def test_one_reader_is_named_where_the_folder_does(
        self, tmp_path: Path, name: str, reader: str | None
    ) -> None:
        folder = self.folder(tmp_path, name)
        for path in (folder, folder / name, folder / name / "001.txt"):
            assert isbi.detect(path)
            scenes = list(isbi.read(path, load_schema("ceph-19")))
            assert len(scenes) == (1 if path.is_file() else 2)
            assert [item.reader for scene in scenes for item in scene.instances] == [reader] * len(scenes)

    def test_readers_of_other_names_keep_them(self, tmp_path: Path) -> None:
        scene = next(iter(isbi.read(self.folder(tmp_path, "ann", "bob"), load_schema("ceph-19"))))
        assert [item.reader for item in scene.instances] == ["ann", "bob"]

    def test_a_film_of_one_reader_alone_is_read(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path, "junior", "senior")
        (folder / "senior" / "001.txt").unlink()
        first, second = isbi.read(folder, load_schema("ceph-19"))
        assert [item.reader for item in first.instances] == ["junior"]
        assert len(second.instances) == 2

    def test_what_is_no_file_of_points_is_told(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path, "junior")
        (folder / "junior" / "README.txt").write_text("Nineteen points each.\n")
        heard: list[str] = []
        scenes = list(isbi.read(folder, load_schema("ceph-19"), LabelOptions(notice=heard.append)))
        assert len(scenes) == 2
        assert heard == [f"{folder / 'junior' / 'README.txt'}: holds no points -- passed over"]

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("190,191\r\n", "", "begins with 18 lines x,y -- 19 are needed"),
            ("190,191", "190,191\n1,1", "begins with 20 lines x,y"),
            ("100,101", "100", "begins with 9 lines x,y"),
            ("100,101", "100,1O1", "line 10: '1O1' is not a number"),
            ("100,101", "100,101,0", "line 10 has 3 numbers"),
            ("100,101", "nan,101", "line 10: 'nan' is not a number"),
            ("4\n", "x\n", "line 27 is neither x,y nor a class"),
        ],
    )
    def test_a_broken_file_names_its_line(self, tmp_path: Path, old: str, new: str, message: str) -> None:
        folder = self.folder(tmp_path, "junior")
        path = folder / "junior" / "002.txt"
        path.write_text(self.text().replace(old, new), newline="")
        with pytest.raises(AnnotationError, match=rf"002\.txt: {message}"):
            list(isbi.read(folder, load_schema("ceph-19")))

    def test_mutations_end_in_one_line(self, tmp_path: Path) -> None:
        rng = random.Random(2)
        folder = self.folder(tmp_path, "junior")
        path = folder / "junior" / "001.txt"
        refused: list[str] = []
        for _ in range(300):
            text = list(self.text())
            for _ in range(rng.randrange(1, 4)):
                place = rng.randrange(len(text))
                text[place : place + rng.randrange(3)] = rng.choice(
                    ["", ",", "\n", "-", "e9", "x", "\x00", "é"]
                )
            path.write_text("".join(text), encoding="utf-8")
            try:
                list(isbi.read(folder, load_schema("ceph-19")))
            except SpinekitError as error:
                refused.append(str(error))
        assert len(refused) > 100
        assert not any("\n" in line for line in refused)

    def test_label_rows_of_others_are_no_points(self, tmp_path: Path) -> None:
        (tmp_path / "labels").mkdir()
        for name, text in (("a.txt", "0 0.5 0.5 0.1 0.1\n"), ("b.txt", ""), ("c.txt", "1,2\n")):
            (tmp_path / "labels" / name).write_text(text)
        assert not isbi.detect(tmp_path)
        assert not isbi.detect(tmp_path / "labels")
        assert not isbi.detect(tmp_path / "labels" / "a.txt")
        with pytest.raises(AnnotationError, match="no text files of points"):
            list(isbi.read(tmp_path, load_schema("ceph-19")))


def test_all_real_films_are_read() -> None:
    scenes = list(isbi.read(real_data() / "ceph_isbi2015", load_schema("ceph-19")))
    assert len(scenes) == 150
    assert {(scene.image.width, scene.image.height) for scene in scenes} == {(1935, 2400)}
    first = next(scene for scene in scenes if scene.image.name == "017.jpg").instances[0].landmarks
    assert first is not None
    np.testing.assert_array_equal(first.xy[:2], [[806, 1028], [1384, 972]])
