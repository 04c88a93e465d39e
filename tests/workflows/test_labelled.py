from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.scene import Scene
from spinekit.core.schema import LandmarkDefinition
from spinekit.formats.plugin import AnnotationFormat, LabelOptions
from spinekit.schemas import load_schema
from spinekit.workflows import labelled
from spinekit.workflows.labelled import find_labelled, open_labelled, read_labelled
from spinekit.workflows.mapping import NameMap
from tests.formats.annotation_samples import POSE, SEG, real_data
from tests.workflows.label_sets import SQUARE, label_set, plain, pose_scene


def labelled_in(folder: Path, scenes: list[Scene] | None = None) -> tuple[Path, LabelOptions]:
    source = label_set(folder, scenes or [pose_scene(folder), pose_scene(folder, "b.png", ("L3",))])
    return source, LabelOptions(folder / "images")


def test_format_and_names_are_found_in_the_data(tmp_path: Path) -> None:
    source, options = labelled_in(tmp_path)
    schema, scenes = open_labelled(source, options=options)
    assert schema.fingerprint() == POSE.fingerprint()
    assert [[item.label for item in scene.instances] for scene in scenes] == [["L1", "L2"], ["L3"]]


def test_a_named_schema_orders_the_points_its_own_way(tmp_path: Path) -> None:
    source, options = labelled_in(tmp_path)
    corners = tuple(LandmarkDefinition(name, "") for name in ("BR", "TL"))
    wanted = replace(POSE, landmarks=corners, edges=(), mirrored=())
    told: list[str] = []
    schema, scenes = open_labelled(source, "scenes", wanted, replace(options, notice=told.append))
    assert schema is wanted
    points = next(scenes).instances[0].landmarks
    assert points is not None
    np.testing.assert_array_equal(points.xy, [SQUARE[3], SQUARE[0]])
    assert len(told) == 1
    assert "a.png: TR (2), BL (2) left out: no place in bodies" in told[0]


def test_labels_of_another_name_are_paired_by_the_user(tmp_path: Path) -> None:
    source, options = labelled_in(tmp_path)
    wanted = plain(POSE, ("body", "other"))
    found = find_labelled(
        source, None, wanted, options, NameMap({"L1": "body", "L2": None, "L3": "other"}, {})
    )
    assert [[item.label for item in scene.instances] for scene in read_labelled(found)] == [
        ["body"],
        ["other"],
    ]
    assert [len(scene.instances) for scene in read_labelled(found)] == [1, 1], "it may be read again"


def test_a_label_that_nobody_paired_is_named_with_its_image(tmp_path: Path) -> None:
    source, options = labelled_in(tmp_path)
    _, scenes = open_labelled(source, None, plain(POSE, ("L1", "L22")), options)
    with pytest.raises(
        AnnotationError, match=r"a.png: 'L2' is no label of bodies \(nor are vertebra, L3\)"
    ) as caught:
        list(scenes)
    assert "did you mean L22?" in str(caught.value)


def test_corners_become_the_body_that_they_enclose(tmp_path: Path) -> None:
    source, options = labelled_in(tmp_path)
    _, scenes = open_labelled(source, None, SEG, options)
    first = next(scenes).instances[0]
    assert first.landmarks is None
    assert first.outline is not None
    assert sorted(first.outline.rings[0].tolist()) == sorted(SQUARE)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            NameMap({}, {"TL": "BR"}),
            "'TL' and 'BR' are both BR of bodies|'BR' and 'TL' are both BR of bodies",
        ),
        (NameMap({}, {"TX": "BR"}), "the source has no 'TX'"),
    ],
)
def test_points_that_meet_are_refused(names: NameMap, words: str, tmp_path: Path) -> None:
    source, options = labelled_in(tmp_path)
    with pytest.raises(UsageError, match=words):
        find_labelled(source, None, POSE, options, names)


def test_a_schema_of_other_landmarks_is_refused(tmp_path: Path) -> None:
    source, options = labelled_in(tmp_path)
    with pytest.raises(UsageError, match=r"none of its landmarks \(TL, TR, BL, BR\) is in ceph-19"):
        find_labelled(source, None, "ceph-19", options)


def test_what_is_not_there_or_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        find_labelled(tmp_path / "none")
    with pytest.raises(UsageError, match="no such file or folder"):
        find_labelled(tmp_path / "none", "scenes")
    with pytest.raises(UsageError, match="did you mean"):
        find_labelled(tmp_path, "scenez")


def test_a_format_that_is_only_written_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = AnnotationFormat("print", "for paper", frozenset())
    monkeypatch.setattr(labelled, "annotation_format", lambda _: printed)
    with pytest.raises(UsageError, match="format print: it can be written, not read"):
        find_labelled(tmp_path, "print")


def test_points_in_an_order_need_a_schema() -> None:
    folder = real_data() / "orbit"
    with pytest.raises(
        UsageError, match=r"bmp\.csv: via does not say what its labels are called -- .* --schema"
    ):
        open_labelled(folder / "bmp.csv")
    schema, scenes = open_labelled(folder / "bmp.csv", schema="orbit-4")
    assert schema is load_schema("orbit-4")
    assert sum(len(scene.instances) for scene in scenes) == 51
