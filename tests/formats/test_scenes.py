from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.landmarks import Landmarks
from spinekit.core.outline import Outline
from spinekit.core.scene import Author, Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats import scenes
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.reviewed import PREDICTIONS
from spinekit.schemas import load_schema
from tests.formats.annotation_samples import CORNERS, POSE, SEG, SEM, pose_instances, shape_instances

ROOT = Path("/data")
NAN = float("nan")
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBERS = st.floats(-1e6, 1e6)


def image(height: int = 6, width: int = 5) -> ImageRef:
    return ImageRef(
        ROOT / "sub" / "x.dcm",
        height,
        width,
        Spacing(0.2, 0.1, SpacingOrigin.DETECTOR),
        2.0,
        "ab" * 32,
        3,
        "sub/x.dcm#3",
        {"window": "C 1 W 2"},
        {"modality": "DX"},
    )


def same(one: Scene, other: Scene) -> None:
    """That two scenes are equal to the last bit."""
    assert one.image == other.image
    assert (one.model, one.notes, one.group) == (other.model, other.notes, other.group)
    assert len(one.instances) == len(other.instances)
    for came, went in zip(one.instances, other.instances, strict=True):
        plain = ("label", "box", "score", "author", "reader", "flags")
        assert [getattr(came, name) for name in plain] == [getattr(went, name) for name in plain]
        assert (came.level_shares is None) == (went.level_shares is None)
        if came.level_shares is not None and went.level_shares is not None:
            np.testing.assert_array_equal(came.level_shares, went.level_shares)
        assert (came.outline is None) == (went.outline is None)
        if came.outline is not None and went.outline is not None:
            for part in ("rings", "holes"):
                pairs = zip(getattr(came.outline, part), getattr(went.outline, part), strict=True)
                assert all(np.array_equal(a, b) for a, b in pairs)
        assert (came.landmarks is None) == (went.landmarks is None)
        if came.landmarks is not None and went.landmarks is not None:
            assert came.landmarks.names == went.landmarks.names
            for name in ("xy", "visibility", "score", "spread"):
                a, b = getattr(came.landmarks, name), getattr(went.landmarks, name)
                assert (a is None) == (b is None)
                if a is not None:
                    np.testing.assert_array_equal(a, b)
                    assert a.dtype == b.dtype


def there_and_back(scene: Scene) -> Scene:
    line = scenes.to_line(scene)
    assert "\n" not in line
    assert "NaN" not in line
    assert str(ROOT) not in line
    return scenes.from_line(line, scene.schema, ROOT, "line")


@given(st.lists(st.floats(0, 1) | st.just(NAN), max_size=4))
def test_shares_of_levels_come_back(shares: list[float]) -> None:
    item = Instance("L1", (0.0, 0.0, 2.0, 2.0), score=0.5, author=Author.MODEL, level_shares=np.array(shares))
    scene = Scene(image(), SEG, (item, replace(item, level_shares=None)))
    same(there_and_back(scene), scene)


@given(pose_instances(), TEXT, st.lists(TEXT, max_size=2))
def test_landmarks_come_back_to_the_last_bit(
    instances: tuple[Instance, ...], text: str, notes: list[str]
) -> None:
    scene = Scene(image(), POSE, instances, None, text, tuple(notes), text)
    same(there_and_back(scene), scene)


@given(shape_instances(), st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), st.lists(TEXT, max_size=2))
def test_shapes_come_back_to_the_last_bit(
    instances: tuple[Instance, ...], box: tuple[float, float, float, float], flags: list[str]
) -> None:
    changed = tuple(replace(item, box=box, flags=tuple(flags), reader="B") for item in instances)
    scene = Scene(image(), SEG, changed)
    same(there_and_back(scene), scene)


@settings(deadline=None)
@given(
    arrays(np.uint8, (6, 5), elements=st.integers(0, 1)),
    arrays(np.float32, (6, 5), elements=st.floats(0, 1, width=32)),
)
def test_rasters_come_back_to_the_last_bit(
    labels: npt.NDArray[np.uint8], probability: npt.NDArray[np.float32]
) -> None:
    for raster in (Raster(labels), Raster(None, probability), Raster(labels, probability)):
        came = there_and_back(Scene(image(), SEM, raster=raster)).raster
        assert came is not None
        for name in ("labels", "probability"):
            a, b = getattr(came, name), getattr(raster, name)
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_array_equal(a, b)
                assert a.dtype == b.dtype


def test_unknown_certainties_are_null() -> None:
    points = Landmarks(
        CORNERS,
        np.array([[1.5, 2], [NAN, NAN], [3, 4], [5, 6]]),
        np.array([2, 0, 1, 2], np.int8),
        np.array([0.5, NAN, 0.25, 1]),
        np.array([[0.1, 0.2], [NAN, NAN], [0.3, NAN], [1, 1]]),
    )
    scene = Scene(image(), POSE, (Instance("L1", (0, 0, 9, 9), landmarks=points, author=Author.MODEL),))
    same(there_and_back(scene), scene)
    second = json.loads(scenes.to_line(scene))["instances"][0]["landmarks"][1]
    assert second == {"name": "TR", "xy": None, "visibility": 0, "score": None, "spread": [None, None]}


def test_every_line_says_what_it_is() -> None:
    content = json.loads(scenes.to_line(Scene(image(), POSE)))
    assert (content["format"], content["version"]) == ("spinekit-scene", 1)
    assert content["schema"].items() >= {"name": "bodies", "version": 1}.items()
    assert content["schema"]["fingerprint"] == POSE.fingerprint()
    assert content["image"]["spacing"] == {"row_mm": 0.2, "col_mm": 0.1, "origin": "detector"}
    assert "path" not in content["image"]


def test_a_number_that_is_none_is_not_written() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        scenes.to_line(Scene(image(), POSE, (Instance("L1", (0, 0, NAN, 1)),)))


def test_a_file_holds_a_scene_a_line(tmp_path: Path) -> None:
    written = [
        Scene(replace(image(), name=f"{i}.png", frame=None), POSE, notes=("é\u2028",)) for i in range(3)
    ]
    (file,) = scenes.write(iter(written), tmp_path)
    assert file.name == "predictions.jsonl"
    assert file.read_bytes().count(b"\n") == 3
    for source in (file, tmp_path):
        names = [scene.image.name for scene in scenes.read(source, POSE)]
        assert names == ["0.png", "1.png", "2.png"]
    assert next(scenes.read(file, POSE, LabelOptions(ROOT))).image.path == ROOT / "0.png"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "x"}, "is no spinekit-scene"),
        ({"version": 2}, "is of version 2, this spinekit reads 1"),
        ({"notes": 3}, "is misshapen"),
        ({"instances": [{}]}, "lacks 'box'"),
        ({"raster": {"labels": [[0, 29]]}}, "runs for 29 pixels of 30"),
        ({"raster": {"labels": [[0, -1], [0, 31]]}}, "a run outside"),
        ({"raster": {"probability": "AAAA"}}, "is misshapen"),
        ({"image": {}}, "lacks 'name'"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    good = scenes.to_line(Scene(image(), POSE))
    bad = json.dumps(json.loads(good) | change)
    (tmp_path / "x.jsonl").write_text(f"{good}\n{bad}\n")
    with pytest.raises(AnnotationError, match=f"x.jsonl: line 2: .*{message}"):
        list(scenes.read(tmp_path / "x.jsonl", POSE))


def test_a_line_cut_short_names_its_place(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(scenes.to_line(Scene(image(), POSE))[:-9])
    with pytest.raises(AnnotationError, match=r"x\.jsonl: line 1"):
        list(scenes.read(tmp_path / "x.jsonl", POSE))


def test_another_schema_is_refused() -> None:
    with pytest.raises(AnnotationError, match="was made with schema bodies version 1, not with this shapes"):
        scenes.from_line(scenes.to_line(Scene(image(), POSE)), SEG, ROOT, "line")


@pytest.mark.parametrize("name", ["../x.png", "/x.png", "a\\b.png"])
def test_a_name_that_climbs_out_is_refused(name: str) -> None:
    line = json.loads(scenes.to_line(Scene(image(), POSE)))
    line["image"]["name"] = name
    with pytest.raises(AnnotationError, match="the file name"):
        scenes.from_line(json.dumps(line), POSE, ROOT, "line")


def test_a_packed_probability_cannot_unfold_beyond_the_image() -> None:
    huge = Scene(image(3000, 3000), SEM, raster=Raster(None, np.zeros((3000, 3000), np.float32)))
    line = json.loads(scenes.to_line(huge))
    line["image"] |= {"height": 2, "width": 2}
    with pytest.raises(AnnotationError, match="is misshapen"):
        scenes.from_line(json.dumps(line), SEM, ROOT, "line")


def test_outlines_of_an_empty_shape_stay_empty() -> None:
    scene = Scene(image(), SEG, (Instance("L1", (0, 0, 1, 1), Outline(())),))
    same(there_and_back(scene), scene)


def test_covariates_come_back() -> None:
    scene = Scene(image(), POSE, covariates={"age_years": 63.0, "sex": "F"})
    assert there_and_back(scene).covariates == scene.covariates


@pytest.mark.parametrize("schema", [POSE, SEG, SEM, load_schema("spine-ap")], ids=lambda item: str(item.name))
def test_a_file_tells_the_schema_it_was_made_with(schema: Schema, tmp_path: Path) -> None:
    scenes.write([Scene(image(), schema)], tmp_path)
    assert scenes.detect(tmp_path)
    assert scenes.detect(tmp_path / PREDICTIONS)
    found = scenes.vocabulary(tmp_path)
    assert found is not None
    assert found.schema is not None
    assert found.schema.fingerprint() == schema.fingerprint()
    assert (found.schema.levels, found.schema.edges) == (schema.levels, schema.edges)
    assert found.schema.flip_index() == schema.flip_index()
    assert found.schema.resolve("tl") == schema.resolve("tl")
    assert len(list(scenes.read(tmp_path, found.schema))) == 1


def test_a_schema_that_ships_is_only_named() -> None:
    content = json.loads(scenes.to_line(Scene(image(), load_schema("spine-ap"))))
    assert set(content["schema"]) == {"name", "version", "fingerprint"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("classes", "L1"),
        ("landmarks", [{"name": "TL"}]),
        ("edges", [["TL", "XX"]]),
        ("levels", [1]),
        ("name", 3),
    ],
)
def test_a_misshapen_schema_is_told(key: str, value: object, tmp_path: Path) -> None:
    content = json.loads(scenes.to_line(Scene(image(), POSE)))
    content["schema"][key] = value
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(AnnotationError, match=r"line 1: its schema is misshapen"):
        scenes.vocabulary(path)


@pytest.mark.parametrize(
    "text", ["", "{}", '{"format": "coco"}', "format,version", '[{"format":"spinekit-scene"}]']
)
def test_other_files_are_none_of_these(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    assert not scenes.detect(path)
    assert not scenes.detect(tmp_path)
    assert not scenes.detect(tmp_path / "nothing")
