from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinekit.core.errors import AnnotationError
from spinekit.core.outline import ring_area
from spinekit.core.schema import Schema
from spinekit.formats import via
from spinekit.formats.plugin import LabelOptions, Vocabulary
from tests.formats.annotation_samples import POSE, SEG, save_image

THINGS = Schema("things", 1, "One thing", "seg", "test", ("thing",))
TEXT, CHECKBOX, RADIO, SELECT = 1, 2, 3, 4


def content(*regions: tuple[list[float], dict[str, str]], **parts: Any) -> dict[str, Any]:  # noqa: ANN401
    """A project of one image with its regions: xy and av of each."""
    whole: dict[str, Any] = {
        "project": {"pid": "__VIA_PROJECT_ID__", "rev": "1", "pname": "p", "vid_list": ["1"]},
        "config": {"file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}}},
        "attribute": {
            "1": {
                "aname": "class",
                "type": SELECT,
                "options": {"0": "L1", "1": "L2"},
                "anchor_id": "FILE1_Z0_XY1",
            },
            "2": {"aname": "landmark", "type": TEXT, "options": {}, "anchor_id": "FILE1_Z0_XY1"},
            "3": {"aname": "quality", "type": CHECKBOX, "options": {"0": "blurred", "1": "dark"}},
            "4": {"aname": "group", "type": TEXT, "options": {}, "anchor_id": "FILE1_Z0_XY0"},
        },
        "file": {"1": {"fid": "1", "fname": "a.png", "type": 2, "loc": 1, "src": ""}},
        "metadata": {
            f"1_{index}": {"vid": "1", "flg": 0, "z": [], "xy": xy, "av": av}
            for index, (xy, av) in enumerate(regions)
        },
        "view": {"1": {"fid_list": ["1"]}},
    }
    return whole | parts


def project() -> bytes:
    """A project with a polygon and words about the whole image."""
    whole = content(([7, 3, 4, 20, 4, 20, 12, 3, 12], {"1": "0"}), ([], {"4": "patient 7"}))
    return json.dumps(whole).encode()


def saved(tmp_path: Path, whole: dict[str, Any]) -> Path:
    save_image(tmp_path / "a.png")
    path = tmp_path / "via_project_3.json"
    path.write_text(json.dumps(whole))
    return path


def test_every_shape_is_read_by_its_number(tmp_path: Path) -> None:
    heard: list[str] = []
    shapes: list[list[float]] = [
        [2, 3, 4, 10, 5],
        [3, 15, 15, 10],
        [4, 15, 15, 10, 5],
        [5, 1, 1, 9, 9],
        [6, 1, 2, 9, 2, 9, 8],
        [7, 1, 2, 9, 2, 9, 8, 1, 8],
        [8, 4, 1, 9, 6, 5, 11, 2, 7],
        [9, 1, 2, 3, 4, 5, 6],
    ]
    path = saved(tmp_path, content(*[(xy, {}) for xy in shapes]))
    (scene,) = via.read(path, THINGS, LabelOptions(notice=heard.append))
    boxes = [item.box for item in scene.instances]
    assert boxes[0] == (3.0, 4.0, 13.0, 9.0)
    assert boxes[5] == (2.0, 1.0, 9.0, 11.0)
    areas = [abs(ring_area(item.outline.rings[0])) for item in scene.instances if item.outline]
    assert areas == pytest.approx([np.pi * 100, np.pi * 50, 24, 48], rel=0.002)
    assert len(heard) == 2
    assert "metadata '1_3': a line encloses nothing" in heard[0]
    assert "circle by three points" in heard[1]


def test_points_and_choices_have_the_names_of_their_options(tmp_path: Path) -> None:
    whole = content(
        ([1, 2.5, 3], {"1": "1", "2": "TL"}),
        ([1, 9, 3], {"1": "1", "2": "TR"}),
        ([], {"4": "patient 7"}),
    )
    (scene,) = via.read(saved(tmp_path, whole), POSE)
    (item,) = scene.instances
    assert item.label == "L2"
    assert scene.group == "patient 7"
    found = scene.point("L2.TL")
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [2.5, 3.0]


def test_vocabulary_has_the_options_in_their_order(tmp_path: Path) -> None:
    whole = content(([7, 1, 2, 9, 2, 9, 8], {"1": "1"}), ([7, 1, 2, 9, 2, 9, 8], {"1": "0", "3": "0,1"}))
    path = saved(tmp_path, whole)
    assert via.detect(path)
    assert via.vocabulary(path) == Vocabulary("seg", ("L1", "L2"))


def test_the_user_names_the_attribute_of_the_class(tmp_path: Path) -> None:
    whole = content(([7, 1, 2, 9, 2, 9, 8], {"1": "0", "3": "1"}))
    path = saved(tmp_path, whole)
    options = LabelOptions(class_attribute="quality")
    assert via.vocabulary(path, options) == Vocabulary("seg", ("dark",))
    (scene,) = via.read(path, Schema("q", 1, "q", "seg", "test", ("blurred", "dark")), options)
    assert scene.instances[0].label == "dark"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"view": []}, "is of VIA 3 but has no object 'view'"),
        ({"file": {"1": {"fname": "a.mp4", "type": 4}}}, "file '1': a.mp4 is a video or sound"),
        ({"file": {"1": {"type": 2}}}, "file '1' has no fname"),
        ({"view": {"1": {"fid_list": ["1", "2"]}}}, "view '1' shows 2 files"),
        ({"metadata": {"9_a": {"vid": "9", "xy": [1, 2, 3], "av": {}}}}, "'9_a' belongs to no view"),
        ({"metadata": {"1_a": {"vid": "1", "xy": [1, 2], "av": {}}}}, "'1_a': 1 numbers for a point"),
        (
            {"metadata": {"1_a": {"vid": "1", "xy": [12, 2], "av": {}}}},
            "does not begin with the number of a shape",
        ),
        (
            {"metadata": {"1_a": {"vid": "1", "xy": [[1], 2], "av": {}}}},
            "does not begin with the number of a shape",
        ),
        ({"metadata": {"1_a": {"vid": "1", "xy": [True, 2, 3], "av": {}}}}, "does not begin with"),
        ({"metadata": {"1_a": {"vid": "1", "xy": [7, 1, 2, 3], "av": {}}}}, "2 x and 1 y of a polygon"),
        ({"metadata": {"1_a": {"vid": "1", "xy": [8, "x"], "av": {}}}}, "without its outermost points"),
        ({"metadata": {"1_a": None}}, "'1_a' is no object"),
    ],
)
def test_a_broken_project_is_refused_in_one_line(tmp_path: Path, parts: dict[str, Any], message: str) -> None:
    path = saved(tmp_path, content(**parts))
    with pytest.raises(AnnotationError, match=message) as caught:
        list(via.read(path, SEG))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
