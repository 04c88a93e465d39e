from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.errors import AnnotationError, SpinekitError
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.formats.yolo_settings import is_settings, read_settings, settings_file, settings_text
from spinekit.schemas import load_schema
from tests.formats.annotation_samples import POSE, SEG

GOOD = """
path: ../datasets/spine  # dataset root dir
train: images/train
val: images/val
nc: 2
names:
  0: vertebra
  1: 'no'
kpt_shape: [2, 3]
flip_idx: [1, 0]
kpt_names:
  0: [left, right]
  1: [left, right]
"""


NOISE = ("", ":", "[", "]", "\n", "&a", "1e999", "{", "é", "- ")


def of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "data.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_good_one_is_read(tmp_path: Path) -> None:
    settings = read_settings(of(tmp_path, GOOD))
    assert settings.names == {0: "vertebra", 1: "no"}
    assert (settings.keypoints, settings.columns) == (2, 3)
    assert settings.keypoint_names == {0: ("left", "right"), 1: ("left", "right")}
    assert settings.root == "../datasets/spine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("path: ../datasets", "path: !!python/object/apply:os.system [ls]\nx: ../datasets", "line 2, column"),
        ("\ntrain: images/train", "\n\ttrain: images/train", "line 3, column 1"),
        ("val: images/val", "train: images/val", "'train' occurs twice"),
        ("val: images/val", " val: images/val", "line 4"),
        ("1: 'no'", "1: no", "class 1 is False, no text -- quote the name"),
        ("1: 'no'", "1: 12", "class 1 is 12, no text"),
        ("1: 'no'", "2: 'no'", "2 classes, but class 1 is missing"),
        ("nc: 2", "nc: 3", "nc is 3, but names has 2"),
        ("1: 'no'", "1.5: 'no'", "the key '1.5' is not text"),
        ("[2, 3]", "[2, 4]", r"kpt_shape is \[2, 4\]"),
        ("[2, 3]", "2", "kpt_shape is 2"),
        ("[2, 3]", "[3, 3]", "flip_idx has 2 numbers, kpt_shape 3 points"),
        ("[1, 0]", "[1, 1]", "flip_idx does not hold each of 0 to 1 once"),
        ("[1, 0]", "[1, 2]", "flip_idx does not hold each of 0 to 1 once"),
        ("1: [left, right]", "1: [left]", "class 1 has 1 different names, kpt_shape 2 points"),
        ("1: [left, right]", "1: [left, left]", "class 1 has 1 different names, kpt_shape 2 points"),
        ("1: [left, right]", "1: [left, off]", "class 1 has False, no text"),
        ("flip_idx", "kpt_oks_sigmas: [0.1]\nflip_idx", "kpt_oks_sigmas has 1 numbers, kpt_shape 2"),
        ("nc: 2", "masks_dir: 3", "masks_dir is 3, no text"),
        ("nc: 2", "a: &b 1\nc: *b", "aliases"),
    ],
)
def test_a_fault_is_named_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(AnnotationError, match=message) as caught:
        read_settings(of(tmp_path, GOOD.replace(old, new, 1)))
    assert str(caught.value).startswith(f"{tmp_path / 'data.yaml'}")
    assert "\n" not in str(caught.value)
    assert " -- " in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{new}: &{new} [*{old}, *{old}, *{old}]\n"
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "names: [" + "a, " * 4_000_000 + "]",
        "names: " + "[" * 2000 + "]" * 2000,
        "names: " + "{a: " * 2000 + "}" * 2000,
        "",
        "\x00\x01",
        "- a\n- b\n",
    ],
    ids=["aliases", "large", "deep list", "deep mapping", "empty", "binary", "list"],
)
def test_a_hostile_file_is_refused_at_once(tmp_path: Path, text: str) -> None:
    path = of(tmp_path, text)
    begun = time.perf_counter()
    with pytest.raises(AnnotationError, match=r"data\.yaml"):
        read_settings(path)
    assert time.perf_counter() - begun < 1


def test_mutations_end_in_one_line(tmp_path: Path) -> None:
    rng = random.Random(5)
    for _ in range(400):
        text = list(GOOD)
        for _ in range(rng.randrange(1, 4)):
            place = rng.randrange(len(text))
            text[place : place + rng.randrange(3)] = rng.choice(
                ["", ":", "[", "]", "\n", "&a", "1e999", "{", "é", "- "]
            )
        said = ""
        try:
            settings = read_settings(of(tmp_path, "".join(text)))
        except SpinekitError as error:
            said = str(error)
        else:
            assert all(isinstance(name, str) for name in settings.names.values())
        assert "\n" not in said


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, unique=True))
def test_any_name_survives_the_file(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    folder = tmp_path_factory.mktemp("names")
    path = of(folder, settings_text(SEG, "seg", names, {"train": "images"}))
    assert list(read_settings(path).names.values()) == names


@pytest.mark.parametrize("schema", [POSE, load_schema("ceph-19"), load_schema("spine-ap")])
def test_what_is_written_of_a_pose_is_complete(tmp_path: Path, schema: Schema) -> None:
    path = of(tmp_path, settings_text(schema, "pose", schema.classes, {"train": "images", "val": "images"}))
    settings = read_settings(path)
    assert settings.keypoints == len(schema.landmarks)
    assert settings.keypoint_names[0] == schema.landmark_names
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert content["flip_idx"] == list(schema.flip_index())
    assert content["kpt_oks_sigmas"] == [landmark.sigma for landmark in schema.landmarks]


def test_a_landmark_that_yaml_would_take_for_something_else_is_quoted(tmp_path: Path) -> None:
    names = ("no", "1", "1e3", "~", "x: y", "- a")
    schema = Schema("s", 1, "", "pose", "", ("a",), landmarks=tuple(LandmarkDefinition(n, "") for n in names))
    settings = read_settings(of(tmp_path, settings_text(schema, "pose", ["a"], {"train": "images"})))
    assert settings.keypoint_names == {0: names}


def test_darknet_names_are_read(tmp_path: Path) -> None:
    (tmp_path / "obj.names").write_text("L1\nL2\n\n")
    (tmp_path / "obj.data").write_text("classes = 2\nnames = C:\\data\\obj.names\nbackup=x\n")
    assert read_settings(tmp_path / "obj.data").names == {0: "L1", 1: "L2"}
    assert settings_file(tmp_path) == tmp_path / "obj.data"
    (tmp_path / "obj.data").write_text("classes = 3\nnames = obj.names\n")
    with pytest.raises(AnnotationError, match=r"classes is 3, but obj\.names has 2"):
        read_settings(tmp_path / "obj.data")
    (tmp_path / "obj.data").write_text("names = ../../etc/passwd\n")
    with pytest.raises(AnnotationError, match=r"passwd: cannot be read"):
        read_settings(tmp_path / "obj.data")


def test_settings_are_told_from_other_yaml(tmp_path: Path) -> None:
    assert is_settings(of(tmp_path, GOOD))
    assert is_settings(of(tmp_path, GOOD.replace("nc: 2", "nc: [")))  # broken, but meant as one
    assert not is_settings(of(tmp_path, "name: hip\nversion: 1\ntitle: Hip\nclasses: [hip]\n"))
    assert not is_settings(of(tmp_path, "- a"))
    assert not is_settings(tmp_path / "none.yaml")


def test_one_of_several_settings_must_be_named(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(GOOD)
    with pytest.raises(AnnotationError, match=r"a\.yaml, b\.yaml all describe a data set"):
        settings_file(tmp_path)
    (tmp_path / "data.yaml").write_text(GOOD)
    assert settings_file(tmp_path) == tmp_path / "data.yaml"
