from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.errors import AnnotationError
from spinekit.core.outline import ring_area, to_mask, to_outline
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.formats import cvat
from spinekit.formats.plugin import LabelOptions, Vocabulary
from tests.formats.annotation_samples import POSE, SEG, body, real_data, save_image

IMAGE = '<image id="0" name="a.png" width="40" height="30">'


def annotation(*shapes: str, image: str = IMAGE) -> bytes:
    return f"<annotations><version>1.1</version>{image}{''.join(shapes)}</image></annotations>".encode()


def saved(tmp_path: Path, content: bytes) -> Path:
    save_image(tmp_path / "a.png")
    (tmp_path / "annotations.xml").write_bytes(content)
    return tmp_path / "annotations.xml"


def skeleton(label: str, *points: str, more: str = "") -> str:
    return f'<skeleton label="{label}" {more}>{"".join(points)}</skeleton>'


def element(label: str, x: float, y: float, outside: int = 0, occluded: int = 0) -> str:
    return f'<points label="{label}" outside="{outside}" occluded="{occluded}" points="{x},{y}"/>'


def test_boxes_rings_and_masks_in_one_frame(tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        annotation(
            '<box label="L1" xtl="3.5" ytl="4.5" xbr="13.5" ybr="9.5" occluded="1"/>',
            '<box label="L1" xtl="10" ytl="10" xbr="20" ybr="14" rotation="90"/>',
            '<ellipse label="L2" cx="15.5" cy="15.5" rx="10" ry="5" rotation="30"/>',
            '<polygon label="L2" points="1.5,2.5;9.5,2.5;9.5,8.5"/>',
            '<polyline label="L2" points="1,2;9,2;9,8;1,2"/>',
            '<mask label="L3" rle="1, 2, 1, 3" left="5" top="6" width="4" height="2"/>',
        ),
    )
    (scene,) = cvat.read(path, SEG)
    box, turned, ellipse, polygon, line, mask = scene.instances
    assert box.box == (3.0, 4.0, 13.0, 9.0)
    assert box.flags == ("occluded",)
    assert turned.box == pytest.approx((12.5, 6.5, 16.5, 16.5))
    assert turned.outline is not None
    assert ellipse.outline is not None
    assert ring_area(ellipse.outline.rings[0]) == pytest.approx(np.pi * 50, rel=0.002)
    # Turned clockwise by 30 degrees, the long axis points right and down.
    far = ellipse.outline.rings[0][0] - [15, 15]
    assert far == pytest.approx([10 * np.cos(np.pi / 6), 10 * np.sin(np.pi / 6)])
    assert polygon.outline is not None
    assert polygon.outline.rings[0].tolist() == [[1, 2], [9, 2], [9, 8]]
    assert line.outline is not None
    assert mask.outline is not None
    expected = np.zeros((30, 40), np.bool_)
    expected[6, 6:8] = expected[7, 5:8] = True
    np.testing.assert_array_equal(to_mask(mask.outline, 30, 40), expected)


def test_a_skeleton_is_the_landmarks_of_its_label(tmp_path: Path) -> None:
    points = [element("TL", 3.5, 4.5), element("tr", 9.5, 4.5, occluded=1), element("BL", 0, 0, outside=1)]
    (scene,) = cvat.read(saved(tmp_path, annotation(skeleton("L2", *points))), POSE)
    (item,) = scene.instances
    assert item.label == "L2"
    assert item.landmarks is not None
    assert item.landmarks.visibility.tolist() == [2, 1, 0, 0]
    assert item.landmarks.xy[0].tolist() == [3, 4]


def test_a_group_of_one_label_is_one_instance(tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        annotation(
            '<polygon label="L1" group_id="3" points="1,1;5,1;5,5"/>',
            '<polygon label="L1" group_id="3" points="11,1;15,1;15,5"/>',
            '<polygon label="L2" group_id="3" points="11,1;15,1;15,5"/>',
            skeleton("L1", element("TL", 1, 1), more='group_id="3"'),
            '<box label="L3" group_id="4" xtl="1" ytl="1" xbr="5" ybr="5"/>',
            '<box label="L3" group_id="4" xtl="11" ytl="1" xbr="15" ybr="5"/>',
        ),
    )
    (scene,) = cvat.read(path, POSE)
    assert [item.label for item in scene.instances] == ["L1", "L2", "L3", "L3"]
    first = scene.instances[0]
    assert first.outline is not None
    assert len(first.outline.rings) == 2
    assert first.landmarks is not None


def test_points_go_by_label_or_by_order(tmp_path: Path) -> None:
    heard: list[str] = []
    path = saved(
        tmp_path,
        annotation(
            '<points label="TL" points="3.5,4.5"/>',
            '<points label="L2" points="1,1;5,1;1,5;5.5,5.5"/>',
            '<points label="L3" points="1,1;5,1"/>',
        ),
    )
    (scene,) = cvat.read(path, POSE, LabelOptions(notice=heard.append))
    assert sorted(item.label for item in scene.instances) == ["L2", "vertebra"]
    found = scene.point("L2.BR")
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [5, 5]
    assert len(heard) == 1
    assert "points 2: 2 points for the 4 landmarks of bodies: passed over" in heard[0]


def test_what_has_no_place_is_told(tmp_path: Path) -> None:
    heard: list[str] = []
    path = saved(
        tmp_path,
        annotation(
            '<tag label="L1"/>',
            '<cuboid label="L1"/>',
            '<polyline label="L1" points="1,1;5,1;5,5"/>',
            '<polygon label="L1" points="1,1;5,1"/>',
            skeleton("L1", element("TL", 1, 1)),
            '<box label="L1" xtl="1" ytl="1" xbr="50" ybr="5"><attribute name="sure">no</attribute></box>',
        ),
    )
    (scene,) = cvat.read(path, SEG, LabelOptions(notice=heard.append))
    assert len(scene.instances) == 1
    words = (
        "a label of the whole image",
        "no shape",
        "an open polyline",
        "of 2 vertices",
        "a skeleton, but shapes",
    )
    for line, word in zip(heard, words, strict=False):
        assert line.startswith(f"{path}: image 0 'a.png': ")
        assert word in line
    assert "1 of 1 instances reach out of the image" in heard[5]
    assert heard[6] == f"{path}: attributes that have no place in a scene: sure (1)"
    assert len(heard) == 7


def test_a_zip_is_read_without_being_unpacked(tmp_path: Path) -> None:
    save_image(tmp_path / "images" / "a.png")
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("annotations.xml", annotation('<polygon label="L1" points="1,1;5,1;5,5"/>'))
        archive.writestr("images/a.png", b"x")
    before = sorted(tmp_path.rglob("*"))
    assert cvat.detect(path)
    assert cvat.detect(tmp_path)
    assert cvat.vocabulary(path) == Vocabulary("seg", ("L1",))
    (scene,) = cvat.read(path, SEG)
    assert len(scene.instances) == 1
    assert sorted(tmp_path.rglob("*")) == before
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../x", b"x")
    with pytest.raises(AnnotationError, match="climbs out"):
        list(cvat.read(path, SEG))


BILLION = b'<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;&x;">]><annotations>&y;</annotations>'
OUTSIDE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotations>&x;</annotations>'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"{}", "line 1, column 1"),
        (b"<annotations>", "line 1, column 14"),
        (b"<annotation/>", "begins with 'annotation', not with annotations"),
        (b"<annotations/>", "holds no image"),
        (BILLION, "declares a document type or entities"),
        (OUTSIDE, "declares a document type or entities"),
        (b"<annotations><track/></annotations>", "is CVAT for video"),
        (
            annotation('<box label="L1" xtl="x" ytl="1" xbr="5" ybr="5"/>'),
            "box 0: xtl: 'x' is not a coordinate",
        ),
        (annotation('<box label="L1"/>'), "box 0: xtl: nothing is not a coordinate"),
        (annotation('<polygon label="L1" points="1,1;5"/>'), "'1,1;5' are no x,y;x,y"),
        (annotation('<polygon label="L1" points="1,nan;5,1;5,5"/>'), "nan is not a coordinate"),
        (annotation('<polygon label="L4" points="1,1;5,1;5,5"/>'), "polygon 0: 'L4' is no label of shapes"),
        (
            annotation('<polygon label="" points="1,1;5,1;5,5"/>'),
            "polygon 0: has no label -- give it a label",
        ),
        (
            annotation('<mask label="L1" rle="9" left="0" top="0" width="2" height="2"/>'),
            "its runs do not fill",
        ),
        (
            annotation('<mask label="L1" rle="x" left="0" top="0" width="2" height="2"/>'),
            "its runs do not fill",
        ),
        (
            annotation('<mask label="L1" rle="1" left="0" top="0" width="2e9" height="2"/>'),
            "is not a coord|no mask",
        ),
        (annotation(image=IMAGE.replace("40", "41")), "41 x 30 px by the file, but a.png is 40 x 30"),
        (annotation("</image>", IMAGE), r"image 1 'a.png': a.png stands in the file twice"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = saved(tmp_path, content)
    with pytest.raises(AnnotationError, match=message) as caught:
        list(cvat.read(path, SEG))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_names_that_climb_out_are_passed_over(tmp_path: Path) -> None:
    heard: list[str] = []
    for name in ("../../etc/passwd", "/etc/passwd", "C:\\x", "b.png"):
        path = saved(tmp_path, annotation(image=IMAGE.replace("a.png", name)))
        assert list(cvat.read(path, SEG, LabelOptions(notice=heard.append))) == []
        with pytest.raises(AnnotationError, match="add the image"):
            list(cvat.read(path, SEG, LabelOptions(allow_missing=False)))
    assert len(heard) == 4


def test_what_is_written_holds_the_names_and_their_lines(tmp_path: Path) -> None:
    ref = save_image(tmp_path / "images" / "a.png")
    mask = np.zeros((30, 40), np.bool_)
    mask[3:9, 4:12] = True
    mask[5, 6] = False
    holed = Instance(
        "L1", to_outline(mask).box, to_outline(mask), score=0.5, author=Author.MODEL, reader="ann"
    )
    points = body("L2", [[2, 3], [12, 4], [3, 13], [13, 14]])
    odd = replace(ref, name='a "<&>\x07.png', path=tmp_path / "gone.png")
    (path,) = cvat.write([Scene(ref, POSE, (holed, points)), Scene(odd, POSE)], tmp_path / "out")
    found = cvat.vocabulary(path)
    assert found == Vocabulary("seg", ("vertebra", "L1", "L2", "L3"), POSE.landmark_names, POSE.edges)
    (scene,) = cvat.read(path, POSE, LabelOptions(tmp_path / "images"))
    first, second = scene.instances
    assert (first.score, first.author, first.reader) == (0.5, Author.MODEL, "ann")
    assert second.author is Author.HUMAN
    assert first.outline is not None
    np.testing.assert_array_equal(to_mask(first.outline, 30, 40), mask)


def test_genuine_exports_are_read_and_a_video_is_refused() -> None:
    folder = real_data() / "formats" / "datumaro_fixtures" / "cvat_dataset"
    project = folder / "for_images" / "export_project"
    found = cvat.vocabulary(project)
    assert found == Vocabulary("seg", ("label1", "label2"), ("1", "2", "3"))
    schema = Schema("x", 1, "x", "seg", "test", ("label1", "label2"), landmarks=POSE.landmarks[:3])
    scenes = list(cvat.read(project, schema))
    assert [scene.image.name for scene in scenes] == [
        f"{subset}/img{number}.jpg" for subset in ("Test", "Train", "Validation") for number in (0, 1)
    ]
    assert [len(scene.instances) for scene in scenes] == [1, 2] * 3
    assert not cvat.detect(folder / "for_video")
    with pytest.raises(AnnotationError, match="is CVAT for video"):
        list(cvat.read(folder / "for_video" / "annotations.xml", schema))
