"""What values mean is stated in a file, and a wrong file is refused in one line with its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.formats import mask as masks
from spinekit.formats.mask_table import MaskTable, find_table
from spinekit.formats.plugin import LabelOptions
from spinekit.schemas import load_schema
from tests.formats.annotation_samples import SEG
from tests.formats.mask_samples import THINGS, blank, pair, ring_and_blob

BODY = Schema("bodies", 1, "Bodies", "seg", "test", ("vertebra",))


def read(folder: Path, schema: Schema, table: str, name: str = "masks.yaml") -> list[Scene]:
    (folder / "masks" / name).write_text(table)
    return list(masks.read(folder, schema))


def labels(scene: Scene) -> list[str]:
    return [item.label for item in scene.instances]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("masks.yaml", "values: {1: blob, 2: ring}"),
        ("masks.yaml", "kind: classes\nvalues:\n  '1': Blob\n  2: ring\n  0:\n"),
        ("masks.yaml", "kind: instances\nvalues: {0: background, 1: blob, 2: ring}"),
        ("masks.yaml", "kind: binary\nvalues: {1: blob, 2: ring}"),
        ("classes.csv", "value,label\n0,\n1,blob\n2,ring\n"),
    ],
)
def test_values_are_named(tmp_path: Path, name: str, text: str) -> None:
    (scene,) = read(pair(tmp_path, ring_and_blob()), THINGS, text, name)
    assert labels(scene) == ["blob", "ring"]


def test_a_step_tells_the_second_of_a_label(tmp_path: Path) -> None:
    values = blank()
    values[2:6, 2:8], values[10:14, 2:8], values[20:24, 2:8] = 1, 11, 2
    (scene,) = read(pair(tmp_path, values), THINGS, "kind: instances\nvalues: {1: ring, 2: blob}\nstep: 10\n")
    assert labels(scene) == ["ring", "blob", "ring"]


def test_background_may_be_any_value(tmp_path: Path) -> None:
    values = np.where(ring_and_blob() == 0, 9, ring_and_blob() - 1).astype(np.uint8)
    (scene,) = read(pair(tmp_path, values), THINGS, "values: {9: '', 0: ring, 1: blob}")
    assert labels(scene) == ["ring", "blob"]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("masks.yaml", 'colours: {"#FF0000": ring, "#00ff00": blob}'),
        (
            "labelmap.txt",
            "# label:color_rgb:parts:actions\nbackground:0,0,0::\nring:255,0,0::\nblob:0,255,0::\n",
        ),
    ],
)
def test_colours_are_named(tmp_path: Path, mode: str, name: str, table: str) -> None:
    folder = pair(tmp_path, ring_and_blob())
    coloured(ring_and_blob(), mode).save(folder / "masks" / "a.png")
    (scene,) = read(folder, THINGS, table, name)
    assert [(item.label, item.box) for item in scene.instances] == [
        ("blob", (19.5, 19.5, 29.5, 24.5)),
        ("ring", (3.5, 2.5, 13.5, 11.5)),
    ]


def test_an_export_of_class_masks_by_cvat(tmp_path: Path) -> None:
    folder = pair(tmp_path, ring_and_blob())
    (folder / "masks").rename(folder / "SegmentationClass")
    (folder / "images").rename(folder / "JPEGImages")
    (folder / "ImageSets").mkdir()
    (folder / "labelmap.txt").write_text("background:0,0,0::\nring:255,0,0::\nblob:0,255,0::\n")
    colour = np.asarray(coloured(ring_and_blob(), "RGB")).copy()
    colour[20:25, 19] = (224, 224, 192)  # an undecided border
    PillowImage.fromarray(colour).save(folder / "SegmentationClass" / "a.png")
    assert masks.detect(folder)
    (scene,) = masks.read(folder, THINGS)
    assert sorted(item.label for item in scene.instances) == ["blob", "ring"]


def test_colours_without_names_are_listed_with_the_file_to_write(tmp_path: Path) -> None:
    folder = pair(tmp_path, ring_and_blob())
    coloured(ring_and_blob(), "RGB").save(folder / "masks" / "a.png")
    expected = (
        r"the masks are coloured \(#00ff00, #ff0000\), but nothing says what colours mean -- write masks\.yaml "
        r'beside the masks, like \{kind: classes, colours: \{"#00ff00": ring, "#ff0000": blob\}\}'
    )
    with pytest.raises(AnnotationError, match=expected):
        list(masks.read(folder, THINGS))
    with pytest.raises(AnnotationError, match="is a colour image"):
        read(folder, THINGS, "values: {1: ring}")
    with pytest.raises(AnnotationError, match=r"1 values without meaning \(#00ff00, 50 px\)"):
        read(folder, THINGS, 'colours: {"#ff0000": ring}')


def test_the_line_that_an_error_offers_can_be_used(tmp_path: Path) -> None:
    folder = pair(tmp_path, ring_and_blob())
    with pytest.raises(AnnotationError) as caught:
        list(masks.read(folder, load_schema("vertebrae")))
    offered = str(caught.value).rpartition("like ")[2]
    (scene,) = read(folder, load_schema("vertebrae"), offered)
    assert labels(scene) == ["L1", "L2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: klasses", r"kind: 'klasses' -- write classes, instances, binary"),
        ("value: {1: ring}", r"unknown key 'value' -- did you mean values"),
        ("values: [ring]", r"values: is no mapping"),
        ("values: {1.5: ring}", r"is not text"),
        ("values: {-1: ring}", r"is no value of a mask"),
        ("values: {x: ring}", r"is no value of a mask"),
        ("values: {'99999999999': ring}", r"is no value of a mask"),
        ("values: {'1': ring, 1: blob}", r"is told twice"),
        ("values: {1: ring, 1: blob}", r"line 1, column 19: the key 1 occurs twice"),
        ("values: {1: no}", r"the label is no text -- put it in quotes"),
        ("values: {1: rign, 2: blob}", r"did you mean ring"),
        ("values: {1: &a ring, 2: *a}", r"aliases"),
        ("values: {1: ring}\ncolours: {'#000000': blob}", r"tells both values and colours"),
        ("colours: {red: ring}", r"is no colour -- write it like"),
        ("values: {1: ring}\nstep: -1", r"step: is no whole number"),
        ("kind: instances\nvalues: {1: ring, 12: blob}\nstep: 10", r"step: 10 is not above all values"),
        ("- 1", r"is no mapping of keys"),
        ("kind: binary", r"binary masks of 2 possible classes -- say which one: values: \{255: ring\}"),
        ("kind: !!python/object/apply:os.system [x]", r"masks\.yaml"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message) as caught:
        read(pair(tmp_path, ring_and_blob()), THINGS, text)
    assert "masks.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("classes.csv", "1,ring\n", "line 1 is not value,label"),
        ("classes.csv", "value,label\n1\n", "line 2 has one cell"),
        ("classes.csv", "value,label\n1.5,ring\n", "line 2: is no value of a mask"),
        ("classes.csv", "value,label\n1,ring\n1,blob\n", "line 3: is told twice"),
        ("classes.csv", "value,label\n1,rign\n2,blob\n", "did you mean ring"),
        ("labelmap.txt", "ring:255,0::\n", "line 1 is not label:red,green,blue::"),
        ("labelmap.txt", "ring:255,0,300::\n", "line 1 is not label:red,green,blue::"),
    ],
)
def test_a_wrong_table_of_another_tool_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        read(pair(tmp_path, ring_and_blob()), THINGS, text, name)


def test_the_table_beside_or_above_the_masks(tmp_path: Path) -> None:
    folder = pair(tmp_path, ring_and_blob())
    assert find_table(folder / "masks") is None
    (folder / "masks.yaml").write_text("values: {1: ring}")
    above = find_table(folder / "masks")
    assert above is not None
    assert above.values == {1: "ring"}
    (folder / "masks" / "masks.yaml").write_text("values: {1: blob}")
    beside = find_table(folder / "masks")
    assert beside is not None
    assert beside.labels() == ("blob",)


def test_the_vocabulary_is_the_tables(tmp_path: Path) -> None:
    assert masks.FORMAT.vocabulary is not None
    folder = pair(tmp_path, ring_and_blob())
    assert masks.FORMAT.vocabulary(folder, LabelOptions()) is None
    for text, task, classes in (
        ("values: {0: background, 1: ring, 2: blob}", "seg", ("ring", "blob")),
        ("values: {0: cell, 1: membrane}", "sem", ("cell", "membrane")),
        ("kind: instances\nvalues: {2: L2, 1: L1}", "seg", ("L1", "L2")),
    ):
        (folder / "masks.yaml").write_text(text)
        vocabulary = masks.FORMAT.vocabulary(folder, LabelOptions())
        assert vocabulary is not None
        assert (vocabulary.task, vocabulary.classes) == (task, classes)
        assert (vocabulary.schema is None) == ("L1" not in classes)
    vocabulary = masks.FORMAT.vocabulary(folder, LabelOptions())
    assert vocabulary is not None
    assert vocabulary.schema is not None
    assert vocabulary.schema.levels == ("L1", "L2")


def test_a_value_beyond_the_table() -> None:
    table = MaskTable("instances", {1: "L1", 2: "L2"}, step=10)
    assert [table.label(value) for value in (0, 1, 2, 3, 10, 11, 22, 23)] == [
        "", "L1", "L2", None, None, "L1", "L2", None,
    ]  # fmt: skip


def test_several_masks_of_levels_by_a_table(tmp_path: Path) -> None:
    folder = pair(pair(tmp_path, ring_and_blob()), ring_and_blob(), "b")
    (folder / "masks.yaml").write_text("kind: instances\nvalues: {1: L2, 2: L3}\n")
    assert [labels(scene) for scene in masks.read(folder, SEG)] == [["L2", "L3"]] * 2


def coloured(values: npt.NDArray[np.uint8], mode: str) -> PillowImage.Image:
    """1 in red, 2 in green; with a palette whose order tells nothing."""
    image = PillowImage.fromarray(np.array([2, 0, 1], dtype=np.uint8)[values], "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 0])
    if mode == "RGBA":
        colour = np.dstack([np.asarray(image.convert("RGB")), np.where(values > 0, 255, 0).astype(np.uint8)])
        return PillowImage.fromarray(colour)
    return image if mode == "P" else image.convert(mode)
