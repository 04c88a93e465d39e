from __future__ import annotations

import csv
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spinekit.core.errors import AnnotationError, SpinekitError, UsageError
from spinekit.core.landmarks import Landmarks, landmarks
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats import landmark_csv
from spinekit.formats.plugin import LabelOptions, Vocabulary
from spinekit.schemas import load_schema
from tests.formats.annotation_samples import CORNERS, POSE, SEG, body, real_data, save_image

NAN = float("nan")
HEADER = (
    "image,instance,label,landmark,x,y,visibility,score,reader,spacing_row_mm,spacing_col_mm,spacing_origin"
)
GOOD = f"""{HEADER}
a.png,1,L1,TL,1.5,2,2,,,0.1,0.2,detector
a.png,1,L1,TR,9,2.25,1,,,0.1,0.2,detector
a.png,1,L1,BL,,,0,,,0.1,0.2,detector
a.png,2,L2,TL,-0.25,12,,,,0.1,0.2,detector
"""
NOISE = ("", ",", "\n", '"', "-", "e9", "nan", "x", "\x00", "é", "'=")


def table(tmp_path: Path, text: str = GOOD) -> Path:
    save_image(tmp_path / "a.png")
    (tmp_path / "t.csv").write_text(text, encoding="utf-8", newline="")
    return tmp_path / "t.csv"


def test_rows_of_an_instance_come_together(tmp_path: Path) -> None:
    (scene,) = landmark_csv.read(table(tmp_path), POSE)
    first, second = scene.instances
    assert (first.label, second.label, first.author) == ("L1", "L2", Author.HUMAN)
    assert first.landmarks is not None
    assert first.landmarks.names == CORNERS
    assert first.landmarks.visibility.tolist() == [2, 1, 0, 0]
    np.testing.assert_array_equal(first.landmarks.xy[:2], [[1.5, 2], [9, 2.25]])
    assert first.box == (1.5, 2.0, 9.0, 2.25)
    assert second.landmarks is not None
    assert second.landmarks.xy[0].tolist() == [-0.25, 12]
    assert scene.image.spacing == Spacing(0.1, 0.2, SpacingOrigin.DETECTOR)


def test_order_and_case_of_columns_do_not_matter(tmp_path: Path) -> None:
    text = "\ufeffY, X ,#Landmark,IMAGE\r\n2,1.5,tl,a.png\r\n\r\n8,9,BR,a.png\r\n"
    single = replace(POSE, levels=())
    (scene,) = landmark_csv.read(table(tmp_path, text), single)
    (item,) = scene.instances
    assert item.label == "vertebra"
    assert item.landmarks is not None
    assert item.landmarks.visibility.tolist() == [2, 0, 0, 2]
    assert landmark_csv.detect(tmp_path / "t.csv")
    assert landmark_csv.vocabulary(tmp_path / "t.csv") == Vocabulary("pose", ("object",), ("tl", "BR"))


def test_what_is_passed_over_is_told(tmp_path: Path) -> None:
    text = (
        "image,landmark,x,y,label,comment,\n"
        "a.png,TL,50,2,L1,far,\nb.png,TL,1,2,L1,gone,\na.png,TL,,,L2,empty,\n../c.png,TL,1,2,L1,out,\n"
    )
    heard: list[str] = []
    file = table(tmp_path, text)
    (scene,) = landmark_csv.read(file, POSE, LabelOptions(notice=heard.append))
    assert [item.label for item in scene.instances] == ["L1"]
    assert heard == [
        f"{file}: line 1: columns that nobody knows: comment, (no name) -- passed over",
        f"{file}: line 2: TL outside the image of 40 x 30 px -- kept",
        f"{file}: line 4: an instance without any placed point -- passed over",
        f"{file}: line 3: b.png: not in {tmp_path} -- passed over",
        f"{file}: line 5: ../c.png: the file name climbs out of the image folder -- passed over",
    ]
    with pytest.raises(AnnotationError, match=r"line 3: b\.png: not in .* -- add the image"):
        list(landmark_csv.read(file, POSE, LabelOptions(allow_missing=False)))


def test_an_image_without_points_is_an_image_all_the_same(tmp_path: Path) -> None:
    (scene,) = landmark_csv.read(table(tmp_path, "image,landmark,x,y\na.png,,,\n"), POSE)
    assert scene.instances == ()
    assert landmark_csv.vocabulary(tmp_path / "t.csv") is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("x,y,", "x,z,", "line 1: no column y -- add it"),
        (",", ";", "line 1: no column .* -- are the cells parted by semicolons"),
        ("score", "label", "line 1: the column label stands there twice"),
        ("BL,,,0,,", "BL,,,0,", "line 4 has 11 cells for 12 columns"),
        ("BL,,,", "BL,1,,", "line 4 has one of two coordinates"),
        ("BL,,,0", "BL,,,2", "line 4 has visibility 2, but no coordinates"),
        ("9,2.25,1", "9,2.25,0", "line 3 has coordinates, but visibility 0"),
        ("9,2.25,1", "9,2.25,3", "line 3: a visibility of 3"),
        ("9,2.25,1", "9,2.25,yes", "line 3: 'yes' is not a number"),
        ("9,2.25,1", "nan,2.25,1", "line 3: 'nan' is not a number"),
        ("9,2.25,1,", "9,2.25,1,1.5", "line 3: a score of 1.5"),
        ("TR", "TL", "line 3: TL stands in line 2 already"),
        ("TR", "tl", "line 3: 'tl' is TL a second time"),
        ("TR", "XX", "line 3: 'XX' is no landmark of bodies -- allowed: TL, TR, BL, BR"),
        ("1,L1,TR", "1,L2,TR", "line 3 differs in label or instance_score from line 2"),
        ("2,L2,TL", "2,L9,TL", "line 5: 'L9' is no label of bodies -- allowed: vertebra, disc, L1"),
        ("2,L2,TL", "2,,TL", "line 5: names no label"),
        ("a.png,2", ",2", "line 5 names no image"),
        ("2,L2,TL", "2,L2,", "line 5 has coordinates without a landmark"),
        ("TR,9,2.25,1,,,0.1", "TR,9,2.25,1,,,0.3", "line 3 gives the image another spacing"),
        ("TL,1.5,2,2,,,0.1", "TL,1.5,2,2,,,", "line 2 has one of two spacings"),
        ("TL,1.5,2,2,,,0.1", "TL,1.5,2,2,,,-1", "line 2: the row spacing must be"),
        ("detector", "guess", "line 2: the spacing's origin 'guess' is not known -- one of tomographic"),
        ("a.png,1", '"a.png,1', "line 5 has 1 cells for 12 columns -- check its quotes"),
    ],
)
def test_a_broken_cell_names_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    schema = replace(POSE, classes=("vertebra", "disc"))
    count = -1 if old == "," else 1
    with pytest.raises(AnnotationError, match=rf"t\.csv: {message}") as caught:
        list(landmark_csv.read(table(tmp_path, GOOD.replace(old, new, count)), schema))
    assert "\n" not in str(caught.value)


def test_a_broken_text_is_one_line(tmp_path: Path) -> None:
    for content, message in (
        (b"", "is empty"),
        (GOOD.encode("utf-16"), "UTF-16"),
        (b"image\xff", "not UTF-8"),
    ):
        (tmp_path / "t.csv").write_bytes(content)
        with pytest.raises(AnnotationError, match=message):
            list(landmark_csv.read(tmp_path / "t.csv", POSE))


def test_mutations_end_in_one_line(tmp_path: Path) -> None:
    rng = random.Random(13)
    refused: list[str] = []
    for _ in range(400):
        text = list(GOOD)
        for _ in range(rng.randrange(1, 4)):
            place = rng.randrange(len(text))
            text[place : place + rng.randrange(3)] = rng.choice(NOISE)
        file = table(tmp_path, "".join(text))
        try:
            list(landmark_csv.read(file, POSE))
            landmark_csv.vocabulary(file)
        except SpinekitError as error:
            refused.append(str(error))
        assert landmark_csv.detect(file) in {True, False}
    assert len(refused) > 100
    assert not any("\n" in line for line in refused)


def test_points_named_by_level_are_parted(tmp_path: Path) -> None:
    text = "image,landmark,x,y\na.png,L2TB,1,2\na.png,L2BF,3,4\na.png,L1TB,5,6\n"
    (scene,) = landmark_csv.read(table(tmp_path, text), load_schema("spine-lateral"))
    assert [item.label for item in scene.instances] == ["L1", "L2"]


def test_two_readers_stay_apart(tmp_path: Path) -> None:
    text = "image,landmark,x,y,label,reader\n" + "".join(
        f"a.png,TL,{x},2,L1,{reader}\n" for x, reader in ((1, "ann"), (2, "bob"))
    )
    (scene,) = landmark_csv.read(table(tmp_path, text), POSE)
    assert [item.reader for item in scene.instances] == ["ann", "bob"]


def test_scores_of_points_and_of_instances_come_back(tmp_path: Path) -> None:
    points = landmarks(
        CORNERS, np.array([[1.0, 2], [3, 4], [5, 6], [NAN, NAN]]), np.array([0.5, 0.25, 1, NAN])
    )
    item = Instance("L1", (1, 2, 5, 6), landmarks=points, score=0.125, author=Author.MODEL)
    ref = save_image(tmp_path / "a.png")
    (file,) = landmark_csv.write([Scene(ref, POSE, (item,))], tmp_path)
    (scene,) = landmark_csv.read(file, POSE)
    (back,) = scene.instances
    assert (back.score, back.author) == (0.125, Author.MODEL)
    assert back.landmarks is not None
    assert back.landmarks.score is not None
    np.testing.assert_array_equal(back.landmarks.score, [0.5, 0.25, 1, NAN])
    text = file.read_text().replace(",0.125,", ",,")
    (scene,) = landmark_csv.read(table(tmp_path, text), POSE)
    assert scene.instances[0].score == pytest.approx((0.5 + 0.25 + 1) / 3)


def test_an_image_that_knows_its_spacing_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = replace(save_image(tmp_path / "a.png"), spacing=Spacing(0.5, 0.5, SpacingOrigin.GEOMETRY))
    monkeypatch.setattr("spinekit.formats.landmark_csv.found_image", lambda *_: ref)
    heard: list[str] = []
    (scene,) = landmark_csv.read(table(tmp_path), POSE, LabelOptions(notice=heard.append))
    assert scene.image.spacing == ref.spacing
    assert heard[-1].endswith(
        "a spacing of 0.1 x 0.2 mm, but the image says 0.5 x 0.5 -- the image's own is used"
    )


awkward = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip).filter(bool)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    names=st.lists(awkward, min_size=1, max_size=4, unique=True),
    label=awkward,
    reader=awkward,
    data=st.data(),
)
def test_any_name_comes_back_and_no_cell_is_a_formula(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], label: str, reader: str, data: st.DataObject
) -> None:
    tmp_path = tmp_path_factory.mktemp("names")
    xy = data.draw(arrays(np.float64, (len(names), 2), elements=st.floats(-1e6, 1e6)))
    schema = Schema(
        "s", 1, "", "pose", "", (label,), landmarks=tuple(LandmarkDefinition(name, "") for name in names)
    )
    item = Instance(label, (0, 0, 1, 1), landmarks=landmarks(tuple(names), xy), reader=reader)
    ref = save_image(tmp_path / "a.png")
    (file,) = landmark_csv.write([Scene(ref, schema, (item,), group=label)], tmp_path)
    with file.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            assert float(row["x"]) in xy[:, 0]
            texts = (row[name] for name in ("image", "label", "landmark", "reader", "group"))
            assert not any(cell.startswith(tuple("=+-@\t\r＝＋－＠")) for cell in texts)
    (scene,) = landmark_csv.read(file, schema)
    (back,) = scene.instances
    assert (back.label, back.reader, scene.group) == (label, reader, label)
    assert back.landmarks is not None
    assert back.landmarks.names == tuple(names)
    np.testing.assert_array_equal(back.landmarks.xy, xy)


def test_what_a_row_cannot_hold_is_refused(tmp_path: Path) -> None:
    ref = save_image(tmp_path / "a.png")
    with pytest.raises(AnnotationError, match="L1 has no landmarks -- write it in another format"):
        landmark_csv.write([Scene(ref, SEG, (Instance("L1", (0, 0, 5, 5)),))], tmp_path / "out")
    with pytest.raises(UsageError, match="is of schema"):
        landmark_csv.write([Scene(ref, SEG), Scene(ref, POSE)], tmp_path / "out")
    assert not list((tmp_path / "out").glob("*"))


def test_a_folder_is_known_by_its_table(tmp_path: Path) -> None:
    item = body("L1", [[1, 1], [9, 1], [1, 8], [NAN, NAN]])
    landmark_csv.write([Scene(save_image(tmp_path / "images" / "a.png"), POSE, (item,))], tmp_path)
    assert landmark_csv.detect(tmp_path)
    (scene,) = landmark_csv.read(tmp_path, POSE)
    assert isinstance(scene.instances[0].landmarks, Landmarks)
    (tmp_path / "more.csv").write_text(GOOD)
    (tmp_path / "other.csv").write_text("name,group,part\n")
    with pytest.raises(AnnotationError, match="holds 2 tables of landmarks -- name the one"):
        list(landmark_csv.read(tmp_path, POSE))


@pytest.mark.parametrize("other", ["aasce2019", "ceph_isbi2015", "orbit", "spine_lateral"])
def test_other_tables_are_none_of_landmarks(other: str) -> None:
    path = real_data() / other
    assert not landmark_csv.detect(path)
    assert not any(landmark_csv.detect(file) for file in path.glob("*.csv"))
