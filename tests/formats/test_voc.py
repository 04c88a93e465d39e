from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError
from spinekit.core.outline import to_mask
from spinekit.core.schema import Schema
from spinekit.formats import voc
from spinekit.formats.plugin import LabelOptions, Vocabulary
from spinekit.formats.voc_masks import label_map
from tests.formats.annotation_samples import SEG, real_data, save_image

ANIMALS = Schema("animals", 1, "Animals", "detect", "test", ("cat", "person"))


def annotation(*objects: str, size: str = "<size><width>40</width><height>30</height></size>") -> bytes:
    return f"<annotation><filename>a.png</filename>{size}{''.join(objects)}</annotation>".encode()


def thing(name: str, *edges: float, more: str = "") -> str:
    sides = ("xmin", "ymin", "xmax", "ymax")
    box = "".join(f"<{side}>{value}</{side}>" for side, value in zip(sides, edges, strict=True))
    return f"<object><name>{name}</name><bndbox>{box}</bndbox>{more}</object>"


VOC = annotation(thing("L1", 3, 4, 12, 14), thing("L2", 15, 4, 22, 14, more="<difficult>1</difficult>"))


def saved(tmp_path: Path, content: bytes) -> Path:
    save_image(tmp_path / "a.png")
    (tmp_path / "a.xml").write_bytes(content)
    return tmp_path / "a.xml"


def test_boxes_count_pixels_from_one_and_hold_their_last(tmp_path: Path) -> None:
    whole = annotation(thing("L1", 1, 1, 40, 30), thing("L2", 0, 5, 41, 5, more="<truncated>1</truncated>"))
    (scene,) = voc.read(saved(tmp_path, whole), SEG)
    assert [item.box for item in scene.instances] == [(-0.5, -0.5, 39.5, 29.5), (-0.5, 3.5, 39.5, 4.5)]
    assert [item.flags for item in scene.instances] == [(), ("truncated",)]
    assert scene.notes == ()


def test_what_has_no_place_is_told(tmp_path: Path) -> None:
    heard: list[str] = []
    whole = annotation(
        thing("L1", 1, 1, 9, 9, more="<part><name>head</name></part>"),
        thing("L1", 9, 9, 1, 1),
        "<object><name>L1</name></object>",
        thing("L1", 30, 1, 60, 9),
    )
    path = saved(tmp_path, whole)
    (scene,) = voc.read(path, SEG, LabelOptions(notice=heard.append))
    assert len(scene.instances) == 2
    assert heard == [
        f"{path}: object 0: part: passed over",
        f"{path}: object 1: a box that ends before it begins: passed over",
        f"{path}: object 2: has no bndbox: passed over",
        f"{path}: 1 of 2 instances reach out of the image",
    ]


def test_masks_are_the_outlines_of_the_boxes_that_they_fill(tmp_path: Path) -> None:
    root = tmp_path / "set"
    save_image(root / "JPEGImages" / "a.png")
    (root / "Annotations").mkdir()
    (root / "Annotations" / "a.xml").write_bytes(annotation(thing("cat", 3, 4, 12, 14)))
    things = np.zeros((30, 40), np.uint8)
    things[3:14, 2:12], things[20:25, 5:9], things[0, :] = 1, 2, 255
    kinds = np.where(things == 1, 8, np.where(things == 2, 15, things)).astype(np.uint8)
    for folder, values in (("SegmentationObject", things), ("SegmentationClass", kinds)):
        (root / folder).mkdir()
        PillowImage.fromarray(values).save(root / folder / "a.png")
    assert voc.vocabulary(root) == Vocabulary("seg", ("cat", "person"))
    (scene,) = voc.read(root, ANIMALS)
    assert [item.label for item in scene.instances] == ["cat", "person"]
    for item, value in zip(scene.instances, (1, 2), strict=True):
        assert item.outline is not None
        np.testing.assert_array_equal(to_mask(item.outline, 30, 40), things == value)
    assert scene.instances[0].box == (1.5, 2.5, 11.5, 13.5)


def test_colours_are_those_of_the_challenge_or_of_its_table(tmp_path: Path) -> None:
    colours = {name: colour for colour, name in label_map(tmp_path).items()}
    assert colours["aeroplane"] == (128, 0, 0)
    assert colours["bicycle"] == (0, 128, 0)
    assert colours["cat"] == (64, 0, 0)
    assert colours["tvmonitor"] == (0, 64, 128)
    (tmp_path / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nL1:10,20,30::\n")
    assert label_map(tmp_path) == {(10, 20, 30): "L1"}
    (tmp_path / "labelmap.txt").write_text("L1:10,20::\n")
    with pytest.raises(AnnotationError, match="line 1: no name:red,green,blue"):
        label_map(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty -- export it again"),
        (b"<annotation><object>", "line 1, column 21: no element found"),
        (b"<annotations/>", "begins with 'annotations', not with annotation"),
        (
            b'<!DOCTYPE a [<!ENTITY x "y">]><annotation>&x;</annotation>',
            "declares a document type or entities",
        ),
        (b"<annotation>" + b"<a>" * 100 + b"</a>" * 100 + b"</annotation>", "nested more than 64 deep"),
        (annotation(thing("L9", 1, 1, 5, 5)), "object 0: 'L9' is no label of shapes -- allowed: L1"),
        (annotation(thing("L1", 1, 1, 5, float("nan"))), "object 0: ymax: nan is not a coordinate"),
        (
            annotation("<object><name>L1</name><bndbox/></object>"),
            "object 0: xmin: nothing is not a coordinate",
        ),
        (annotation(thing("", 1, 1, 5, 5)), "object 0: has no name -- name it, one of L1"),
        (
            annotation(size="<size><width>41</width><height>30</height></size>"),
            "41 x 30 px, but a.png is 40 x 30",
        ),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = saved(tmp_path, content)
    with pytest.raises(AnnotationError, match=message) as caught:
        list(voc.read(path, SEG))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_an_image_is_annotated_once(tmp_path: Path) -> None:
    saved(tmp_path, VOC)
    (tmp_path / "b.xml").write_bytes(VOC)
    with pytest.raises(AnnotationError, match=r"b\.xml: a\.png is annotated by a\.xml too"):
        list(voc.read(tmp_path, SEG))


def test_a_missing_image_is_told_or_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(VOC.replace(b"a.png", b"../../etc/passwd"))
    heard: list[str] = []
    assert list(voc.read(tmp_path, SEG, LabelOptions(notice=heard.append))) == []
    assert heard == [f"{tmp_path / 'a.xml'}: passwd: not in {tmp_path}: passed over"]
    with pytest.raises(AnnotationError, match="add the image"):
        list(voc.read(tmp_path, SEG, LabelOptions(allow_missing=False)))


def test_genuine_sets_are_read() -> None:
    formats = real_data() / "formats"
    heard: list[str] = []
    root = formats / "datumaro_fixtures" / "voc_dataset" / "voc_dataset1"
    assert voc.vocabulary(root) == Vocabulary("seg", ("bicycle", "cat", "person"))
    schema = Schema("voc", 1, "VOC", "seg", "test", ("bicycle", "cat", "person"))
    (scene,) = voc.read(root, schema, LabelOptions(notice=heard.append))
    assert [(item.label, item.flags) for item in scene.instances] == [
        ("cat", ("truncated",)),
        ("person", ()),
        ("bicycle", ()),
    ]
    assert len(heard) == 1
    assert "object 1: actions, part: passed over" in heard[0]
    images = formats / "labelformat_fixtures" / "object_detection"
    found = voc.vocabulary(images / "PascalVOC")
    assert found is not None
    names = Schema("x", 1, "x", "detect", "test", found.classes)
    scenes = list(voc.read(images / "PascalVOC", names, LabelOptions(images / "COCO" / "data")))
    assert [len(scene.instances) for scene in scenes] == [8, 8]
    with pytest.raises(AnnotationError, match="old LabelMe web tool, whose XML spinekit does not read"):
        list(voc.read(formats / "datumaro_fixtures" / "labelme_dataset" / "Annotations", schema))
