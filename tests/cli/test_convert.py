"""Converting from the command line: what is printed, and what it ends with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import spinekit
from spinekit.core.scene import Scene
from tests.cli.conftest import Say
from tests.workflows.label_sets import label_set, pose_scene


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    scenes = [pose_scene(tmp_path), pose_scene(tmp_path, "b.png", ("L3",))]
    return label_set(tmp_path, scenes, "via")


def test_what_was_done_is_told_at_the_end(say: Say, labels: Path) -> None:
    ended = say("convert", labels, "out", "--to", "coco", "--images", "images")
    assert ended.code == 0, ended.err
    assert ended.out == ""
    for words in (
        "via, named by via",
        "coco: 2 images, 3 instances",
        "coco.json, manifest.csv",
        "results: out",
    ):
        assert words in ended.err


def test_a_script_gets_json(say: Say, labels: Path, tmp_path: Path) -> None:
    (tmp_path / "images" / "b.png").unlink()
    words = ("convert", labels, "out", "--to", "coco", "--images", "images")
    assert "--allow-missing" in say(*words, "--json").error()
    ended = say(*words, "--json", "--allow-missing")
    assert ended.code == 0, ended.err
    assert ended.err == ""
    done = json.loads(ended.out)
    assert done["from"] == "via"
    assert (done["images"], done["instances"]) == (1, 2)
    assert done["passed_over"] == {"not in images": 1}
    assert done["lost"] == {}
    assert done["files"] == ["coco.json", "manifest.csv", "passed-over.txt"]
    assert all((tmp_path / "out" / name).is_file() for name in done["files"])


def test_a_loss_stops_and_is_told_line_by_line_once_allowed(say: Say, tmp_path: Path) -> None:
    scene = pose_scene(tmp_path)
    one = replace(scene.instances[0], reader="ann", score=0.5)
    labels = label_set(tmp_path, [replace(scene, instances=(one,))])
    words = ("convert", labels, "out", "--to", "yolo", "--images", "images")
    refused = say(*words)
    assert refused.code == 2
    assert "how certain a model was (1); who of several readers said it (1)" in refused.error()
    assert not (tmp_path / "out").exists()
    ended = say(*words, "--allow-loss")
    assert ended.code == 0, ended.err
    assert "lost: how certain a model was (1)\nlost: who of several readers said it (1)\n" in ended.err


def test_one_bad_image_ends_with_1_and_the_others_are_there(say: Say, tmp_path: Path) -> None:
    labels = label_set(tmp_path, [pose_scene(tmp_path), pose_scene(tmp_path, "b.png", ("L3",))])
    (tmp_path / "images" / "a.png").write_bytes((tmp_path / "images" / "a.png").read_bytes()[:60])
    ended = say("convert", labels, "out", "--to", "yolo", "--images", "images")
    assert ended.code == 1, ended.err
    assert "failed: " in ended.err
    assert "a.png" in ended.err
    assert sorted(path.name for path in (tmp_path / "out" / "images").iterdir()) == ["b.png"]
    assert sorted(path.name for path in (tmp_path / "out" / "labels").iterdir()) == ["b.txt"]


def test_nothing_to_convert_ends_with_3(say: Say, tmp_path: Path) -> None:
    labels = label_set(tmp_path, [Scene(pose_scene(tmp_path).image, pose_scene(tmp_path).schema)])
    ended = say("convert", labels, "out", "--to", "coco", "--images", "images")
    assert ended.code == 3
    assert "nothing to convert" in ended.error()


def test_names_are_mapped(say: Say, labels: Path, tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text("classes: {L1: first, L3: null}\n", encoding="utf-8")
    ended = say("convert", labels, "out", "--to", "coco", "--images", "images", "--map", "names.yaml")
    assert ended.code == 0, ended.err
    assert "1 x L3, as the map says" in ended.err
    content = json.loads((tmp_path / "out" / "coco.json").read_text(encoding="utf-8"))
    assert {item["name"] for item in content["categories"]} == {"first", "L2"}


def test_python_says_the_same_words(labels: Path, tmp_path: Path) -> None:
    done = spinekit.convert(labels, tmp_path / "out", to="coco", images=tmp_path / "images")
    assert (done.images, done.instances) == (2, 3)
    assert (tmp_path / "out" / "coco.json").is_file()


def test_a_hostile_name_reaches_no_terminal(say: Say, tmp_path: Path) -> None:
    entry = {
        "filename": "\x1b[31mred.png", "size": 1, "file_attributes": {},
        "regions": [{"shape_attributes": {"name": "rect", "x": 1, "y": 1, "width": 5, "height": 5},
                     "region_attributes": {"label": "\x1b[2J=cmd"}}],
    }  # fmt: skip
    pose_scene(tmp_path)
    path = tmp_path / "images" / "via.json"
    path.write_text(json.dumps({"x": entry, "y": entry | {"filename": "a.png"}}), encoding="utf-8")
    ended = say("convert", path, "out", "--to", "coco", "--allow-missing")
    assert ended.code == 0, ended.err
    assert "\x1b" not in ended.err
    assert "\x1b" not in (tmp_path / "out" / "passed-over.txt").read_text(encoding="utf-8")
    assert "\x1b" not in (tmp_path / "out" / "manifest.csv").read_text(encoding="utf-8")
