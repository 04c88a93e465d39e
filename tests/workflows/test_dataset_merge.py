from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.outline import Outline
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.reading import read_images
from spinekit.formats.registry import annotation_format
from spinekit.schemas import load_schema
from spinekit.workflows.dataset_merge import MergeReport, MergeSettings, MergeSource, merge_datasets
from spinekit.workflows.labelled import open_labelled
from tests.conftest import CHECKOUT
from tests.formats.seg_objects import film
from tests.workflows.labelled_films import block, data_set, dots

NECK = Schema("neck", 1, "Neck", "seg", "", ("C1", "C2", "C3", "C4", "C5", "C6", "C7", "skull base"))
TRUNK_LEVELS = (*(f"T{k}" for k in range(1, 13)), *(f"L{k}" for k in range(1, 6)))
TRUNK = Schema("trunk", 1, "Trunk", "seg", "", TRUNK_LEVELS, TRUNK_LEVELS)
FIVE = Schema("five", 1, "Five points", "pose", "", ("skull",), (), tuple(
    LandmarkDefinition(name, "a point") for name in ("sella", "N", "ANS", "PNS", "wire")
))  # fmt: skip


def merged(
    tmp_path: Path, *sources: MergeSource, to: str | None = None, schema: str = "vertebrae"
) -> MergeReport:
    settings = MergeSettings(sources=sources, schema_name=schema, out=tmp_path / "out", to=to)
    return merge_datasets(settings)


def read(tmp_path: Path, data_format: str = "scenes", schema: str = "vertebrae") -> dict[str, Scene]:
    out = tmp_path / "out"
    scenes = open_labelled(out, data_format, load_schema(schema), LabelOptions(images=out / "images"))[1]
    return {scene.image.name: scene for scene in scenes}


def rows(tmp_path: Path) -> list[dict[str, str]]:
    with (tmp_path / "out" / "sources.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def neck(tmp_path: Path) -> MergeSource:
    films = {"1.png": [block("C2", 10, 10), block("C7", 10, 60)], "2.png": [block("skull base", 5, 5)]}
    folder = data_set(tmp_path / "neck", NECK, films, groups={"1.png": "P7"})
    (tmp_path / "neck.yaml").write_text("classes: {skull base: null}\n")
    return MergeSource(data=folder, map=tmp_path / "neck.yaml")


@pytest.fixture
def trunk(tmp_path: Path) -> MergeSource:
    films = {"1.png": [block("T1", 10, 10), block("L5", 10, 60)], "3.png": [block("T12", 10, 30)]}
    return MergeSource(data=data_set(tmp_path / "trunk", TRUNK, films, groups={"1.png": "P7"}, first_seed=50))


@pytest.mark.parametrize("target", ["scenes", "coco"])
def test_neck_and_trunk_make_a_spine(
    tmp_path: Path, neck: MergeSource, trunk: MergeSource, target: str
) -> None:
    report = merged(tmp_path, neck, trunk, to=target)
    scenes = read(tmp_path, target)
    labels = {name: [item.label for item in scene.instances] for name, scene in scenes.items()}
    assert labels["1.png"] == ["C2", "C7"]
    assert labels["trunk-1.png"] == ["T1", "L5"]
    assert labels["3.png"] == ["T12"]
    assert report.written.images == 4
    assert [source.images for source in report.sources] == [2, 2]
    assert report.sources[0].left_out == {"skull base": 1}
    assert report.sources[1].renamed == [("1.png", "trunk-1.png")]
    assert report.sources[0].never == ("T1", "T12", "L5")
    assert report.sources[1].never == ("C2", "C7")


def test_patient_7_of_one_is_not_patient_7_of_the_other(
    tmp_path: Path, neck: MergeSource, trunk: MergeSource
) -> None:
    merged(tmp_path, neck, trunk)
    groups = {name: scene.group for name, scene in read(tmp_path).items()}
    assert groups == {
        "1.png": "neck/P7", "2.png": "neck/2.png", "trunk-1.png": "trunk/P7", "3.png": "trunk/3.png",
    }  # fmt: skip
    assert [(row["name"], row["source"], row["source_name"]) for row in rows(tmp_path)] == [
        ("1.png", "neck", "1.png"),
        ("2.png", "neck", "2.png"),
        ("trunk-1.png", "trunk", "1.png"),
        ("3.png", "trunk", "3.png"),
    ]
    for name, source in (("1.png", "neck/1.png"), ("trunk-1.png", "trunk/1.png")):
        assert (tmp_path / "out" / "images" / name).read_bytes() == (tmp_path / source).read_bytes()


def test_one_film_labelled_twice_goes_in_once(tmp_path: Path, neck: MergeSource) -> None:
    films = {"same.png": [block("T1", 10, 10)], "later.png": [block("T12", 10, 30)]}
    seeds = {"same.png": 0, "later.png": 77}  # the film that the neck's first one is made of
    folder = data_set(tmp_path / "trunk", TRUNK, films, groups=dict.fromkeys(films, "Q"), seeds=seeds)
    report = merged(tmp_path, neck, MergeSource(data=folder))
    scenes = read(tmp_path)
    assert scenes.keys() == {"1.png", "2.png", "later.png"}
    assert [item.label for item in scenes["1.png"].instances] == ["C2", "C7", "T1"]
    assert [item.reader for item in scenes["1.png"].instances] == [None, None, None]
    assert report.joined == ["1.png: neck + trunk"]
    assert report.conflicts == []
    # The film shows that the neck's P7 is the trunk's Q, whose later film must stay on the same side.
    assert scenes["1.png"].group == scenes["later.png"].group == "neck/P7"
    assert [row["source"] for row in rows(tmp_path) if row["name"] == "1.png"] == ["neck", "trunk"]


def test_two_answers_stay_apart_and_are_told(tmp_path: Path) -> None:
    said = {"a": [block("L1", 10, 10), block("L2", 40, 60)], "b": [block("L1", 10, 14), block("L3", 40, 80)]}
    sources = [
        MergeSource(data=data_set(tmp_path / name, TRUNK, {"x.png": what})) for name, what in said.items()
    ]
    report = merged(tmp_path, *sources)
    (scene,) = read(tmp_path).values()
    assert [(item.label, item.reader) for item in scene.instances] == [
        ("L1", "a"), ("L1", "b"), ("L2", None), ("L3", None),
    ]  # fmt: skip
    assert report.conflicts == ["x.png: L1 labelled by a and b"]


def test_landmark_sets_meet_by_name_and_by_map(tmp_path: Path) -> None:
    folder = data_set(
        tmp_path / "five", FIVE, {"x.png": [dots(FIVE, [[1, 2], [3, 4], [5, 6], [7, 8], [9, 9]])]}
    )
    (tmp_path / "map.yaml").write_text("landmarks: {sella: S}\n")
    report = merged(tmp_path, MergeSource(data=folder, map=tmp_path / "map.yaml"), schema="ceph-19")
    (scene,) = read(tmp_path, schema="ceph-19").values()
    points = scene.instances[0].landmarks
    assert points is not None
    placed = {name: xy for name, xy in zip(points.names, points.xy.tolist(), strict=True) if xy[0] == xy[0]}
    assert placed == {"S": [1, 2], "N": [3, 4], "ANS": [5, 6], "PNS": [7, 8]}
    assert report.sources[0].points == {"wire": 1}


def test_a_name_that_nobody_knows_is_refused(tmp_path: Path, neck: MergeSource, trunk: MergeSource) -> None:
    with pytest.raises(AnnotationError, match="'skull base' is no label of vertebrae") as caught:
        merged(tmp_path, MergeSource(data=neck.data), trunk)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("classes: {skul: null}\n", "no 'skul'"),
        ("classes: {C2: C22}\n", "no 'C22'"),
        ("nothing\n", "no pairs"),
    ],
)
def test_a_map_that_cannot_be_is_refused(tmp_path: Path, neck: MergeSource, content: str, word: str) -> None:
    (tmp_path / "bad.yaml").write_text(content)
    with pytest.raises(UsageError, match=word):
        merged(tmp_path, MergeSource(data=neck.data, map=tmp_path / "bad.yaml"))
    assert not (tmp_path / "out").exists()


def test_sources_of_one_name_are_numbered(tmp_path: Path) -> None:
    folders = [
        data_set(tmp_path / parent / "films", TRUNK, {"x.png": [block("L1", 9, 9)]}, first_seed=seed)
        for parent, seed in (("a", 0), ("b", 9))
    ]
    report = merged(tmp_path, *(MergeSource(data=folder) for folder in folders))
    assert [source.name for source in report.sources] == ["films", "films-2"]
    named = [MergeSource(data=folder, name="same") for folder in folders]
    with pytest.raises(UsageError, match="a name of its own"):
        merged(tmp_path, *named)


def test_a_broken_image_is_told_and_the_others_go_on(tmp_path: Path, trunk: MergeSource) -> None:
    (tmp_path / "trunk" / "1.png").unlink()
    report = merged(tmp_path, trunk)
    assert report.written.images == 1
    assert len(report.failed) + len(report.notices) == 1
    assert "1.png" in "".join([*report.failed, *report.notices])


def test_dicom_goes_in_without_its_patient(tmp_path: Path) -> None:
    film = CHECKOUT / "datasets" / "samples" / "spine-ap-01.dcm"
    (ref,) = (image.ref for image in read_images(film))
    level = Instance("T1", (10.0, 10.0, 50.0, 40.0), Outline((np.array([[10.0, 10], [50, 10], [50, 40]]),)))
    writer = annotation_format("scenes").write
    assert writer is not None
    writer([Scene(ref, TRUNK, (level,))], tmp_path / "films")
    source = MergeSource(data=tmp_path / "films", images=film.parent)
    assert merged(tmp_path, source).written.images == 1
    (name,) = read(tmp_path)
    assert name == "spine-ap-01.png"
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or b"PHANTOM" not in path.read_bytes()


def test_a_patient_of_two_sources_is_one_group(tmp_path: Path) -> None:
    writer = annotation_format("scenes").write
    assert writer is not None
    sources = []
    for name, patient in (("first", "MARKER-1"), ("second", "MARKER-1"), ("third", "MARKER-2")):
        path = film(tmp_path / name / f"{name}.dcm", name, attributes={"PatientID": patient})
        (ref,) = (image.ref for image in read_images(path))
        level = Instance("T1", (2.0, 2.0, 9.0, 9.0), Outline((np.array([[2.0, 2], [9, 2], [9, 9]]),)))
        writer([Scene(ref, TRUNK, (level,))], tmp_path / name)
        sources.append(MergeSource(data=tmp_path / name))
    merged(tmp_path, *sources)
    groups = {row["name"]: row["group"] for row in rows(tmp_path)}
    assert groups["first.png"] == groups["second.png"] != groups["third.png"]
    assert "MARKER" not in "".join(groups.values())
