from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.anatomy.exchange import corner_exchanges
from spinekit.core.errors import UsageError
from spinekit.core.finding import Severity
from spinekit.core.image import ImageRef
from spinekit.core.outline import Outline
from spinekit.core.scene import Instance
from spinekit.schemas import load_yaml
from spinekit.workflows.dataset_check import CheckSettings, check
from spinekit.workflows.dataset_mending import Mended, free_folder, mend, mended_scene, to_edge
from tests.anatomy.spines import quads_of, scene_of
from tests.workflows.yolo_films import SETTINGS, image, label, rows_of, spoil, write_films, write_rows


@pytest.fixture
def films(tmp_path: Path) -> Path:
    return write_films(tmp_path / "films")


def digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def mended(films: Path) -> Mended:
    settings = CheckSettings(films, pixels=False)
    before = digest(films)
    result = mend(settings, check(settings))
    assert digest(films) == before
    return result


def test_a_sound_set_is_copied_as_it_is(films: Path) -> None:
    result = mended(films)
    assert result.changes == ()
    assert digest(result.folder) == digest(films)


def test_rows_and_settings_are_mended_and_each_change_is_told(films: Path) -> None:
    quads = quads_of(1, 12.0)
    quads[4], quads[6] = quads[4][[1, 0, 3, 2]], quads[6][[2, 3, 0, 1]]
    write_rows(label(films, 1), rows_of(quads))
    path = label(films, 2)
    write_rows(path, [*path.read_text().splitlines(), path.read_text().splitlines()[3]])
    spoil(label(films, 3), 2, 3, "0")
    settings = SETTINGS.replace("[1, 0, 3, 2]", "[0, 1, 2, 3]").replace("train: images/train\n", "")
    (films / "data.yaml").write_text(f"{settings}nc: 4\npath: elsewhere\ndownload: run me\n")
    (films / "labels" / "train.cache").write_bytes(b"x")
    result = mended(films)
    assert sorted(result.changes) == sorted(
        [
            "labels/train.cache: left out, it is made anew",
            "labels/train/film01.txt: line 5: exchanged TL, TR, BL, BR",
            "labels/train/film01.txt: line 7: exchanged TL, TR, BL, BR",
            "labels/train/film02.txt: line 18: removed (row-twice)",
            "labels/train/film03.txt: line 3: removed (row-empty)",
            "data.yaml: download: removed",
            "data.yaml: path: removed",
            "data.yaml: nc: as many as names",
            "data.yaml: train: added",
            "data.yaml: flip_idx: corrected, of the schema",
        ]
    )
    assert label(result.folder, 1).read_text() == "".join(f"{row}\n" for row in rows_of(quads_of(1, 12.0)))
    assert label(result.folder, 2).read_text() == "".join(f"{row}\n" for row in rows_of(quads_of(2, 12.0)))
    content = load_yaml(result.folder / "data.yaml", number_keys=True)
    assert isinstance(content, dict)
    assert (content["flip_idx"], content["nc"], content["train"]) == ([1, 0, 3, 2], 1, "images/train")
    assert not {"path", "download"} & set(content)
    # What is left is the hole of the removed row alone.
    assert {finding.rule.name for finding in check(CheckSettings(result.folder)).findings} == {"disc-gap"}


def test_less_than_a_pixel_outside_is_brought_to_the_edge(films: Path) -> None:
    quads = quads_of(1, 12.0)
    shift = quads[:, :, 0].min() + 0.5 + 0.4  # the leftmost corner lies 0.4 px outside
    quads -= [shift, 0]
    write_rows(label(films, 1), rows_of(quads))
    spoilt = check(CheckSettings(films, pixels=False))
    assert "row-range" in {finding.rule.name for finding in spoilt.findings}
    result = mended(films)
    assert all("less than 1 px" in line for line in result.changes)
    (row,) = [
        row
        for row in label(result.folder, 1).read_text().splitlines()
        if min(map(float, row.split()[5::3])) == 0
    ]
    assert min(map(float, row.split())) >= 0


def test_settings_are_written_where_there_are_none(films: Path) -> None:
    (films / "data.yaml").unlink()
    settings = CheckSettings(films, "yolo", "spine-ap", pixels=False)
    result = mend(settings, check(settings))
    content = load_yaml(result.folder / "data.yaml")
    assert isinstance(content, dict)
    assert content["kpt_shape"] == [4, 3]
    assert content["flip_idx"] == [1, 0, 3, 2]
    assert content["names"][0] == "vertebra"
    assert check(CheckSettings(result.folder, pixels=False)).counts[Severity.ERROR] == 0


def test_the_folder_is_always_a_new_one(films: Path) -> None:
    names = [mended(films).folder.name for _ in range(3)]
    assert names == ["films-fixed", "films-fixed-2", "films-fixed-3"]
    assert free_folder(films / "data.yaml").name == "data-fixed"
    with pytest.raises(UsageError, match="exists already"):
        mend(CheckSettings(films), check(CheckSettings(films, pixels=False)), films)


def test_links_are_not_followed(films: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("0 0.5 0.5 0.1 0.1")
    (films / "notes.md").symlink_to(secret)
    assert not (mended(films).folder / "notes.md").exists()


def test_other_formats_are_written_as_themselves(tmp_path: Path) -> None:
    write_films(tmp_path, 1)
    points = [[100, 260], [210, 220], [300, 221], [410, 262]]
    regions = [
        {"shape_attributes": {"name": "point", "cx": x, "cy": y}, "region_attributes": {}} for x, y in points
    ]
    name = image(tmp_path, 0).relative_to(tmp_path / "images").as_posix()
    (tmp_path / "via.json").write_text(
        json.dumps({f"{name}-1": {"filename": name, "size": -1, "regions": regions, "file_attributes": {}}})
    )
    settings = CheckSettings(tmp_path / "via.json", "via", "orbit-4", tmp_path / "images", pixels=False)
    result = mend(settings, check(settings))
    again = CheckSettings(result.folder, "via", "orbit-4", tmp_path / "images", pixels=False)
    assert check(again).instances == 1


def test_broken_annotations_are_not_copied_in_part(tmp_path: Path) -> None:
    (tmp_path / "coco.json").write_text("{")
    settings = CheckSettings(tmp_path / "coco.json", "coco", "orbit-4")
    with pytest.raises(UsageError, match="correct this before --fix"):
        mend(settings, check(settings))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["coco.json"]


def test_a_scene_loses_copies_and_empty_shapes_and_gets_its_corners_back() -> None:
    sound = scene_of(quads_of())
    quads = quads_of()
    quads[5] = quads[5][[1, 0, 3, 2]]
    scene = scene_of(quads)
    extra = (scene.instances[2], Instance("L5", (5.0, 5.0, 5.0, 9.0)))
    scene = replace(scene, instances=(*scene.instances, *extra))
    better, lines = mended_scene(scene, [*corner_exchanges(scene)])
    assert len(lines) == 3
    assert len(better.instances) == 17
    for item, wanted in zip(better.instances, sound.instances, strict=True):
        assert item.landmarks is not None
        assert wanted.landmarks is not None
        np.testing.assert_array_equal(item.landmarks.xy, wanted.landmarks.xy)


def test_a_sound_scene_stays_as_it_is() -> None:
    scene = scene_of(quads_of())
    better, lines = mended_scene(scene, [])
    assert lines == []
    assert all(a is b for a, b in zip(better.instances, scene.instances, strict=True))


@given(x=st.floats(-3, 103), y=st.floats(-3, 53))
def test_only_what_is_less_than_a_pixel_outside_moves(x: float, y: float) -> None:
    ref = ImageRef(Path("a.png"), 50, 100)
    moved = to_edge(np.array([[x, y]]), ref)[0]
    far = x <= -1.5 or x >= 100.5 or y <= -1.5 or y >= 50.5
    inside = -0.5 <= x <= 99.5 and -0.5 <= y <= 49.5
    if far or inside:
        assert moved.tolist() == [x, y]
    else:
        assert -0.5 <= moved[0] <= 99.5
        assert -0.5 <= moved[1] <= 49.5
        assert abs(moved - [x, y]).max() < 1


def test_an_outline_is_brought_to_the_edge_too() -> None:
    ring = np.array([[-0.9, 5], [40, 5], [40, 30]])
    outline = Outline((ring,))
    scene = replace(scene_of(quads_of()), instances=(Instance("L1", outline.box, outline),))
    better, lines = mended_scene(scene, [])
    assert len(lines) == 1
    moved = better.instances[0].outline
    assert moved is not None
    assert moved.rings[0][0].tolist() == [-0.5, 5]
    assert better.instances[0].box[0] == -0.5
