from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError
from spinekit.core.outline import ring_area, to_mask, to_outline
from spinekit.core.scene import Instance, Scene
from spinekit.formats import labelme
from spinekit.formats.plugin import LabelOptions, Vocabulary
from spinekit.schemas import load_schema
from tests.formats.annotation_samples import POSE, SEG, body, real_data, save_image


def shape(
    label: str, points: Sequence[Sequence[float]], kind: str = "polygon", **about: object
) -> dict[str, Any]:
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}} | about


def saved(folder: Path, *shapes: dict[str, Any], name: str = "a", **about: object) -> Path:
    save_image(folder / "a.png")
    content: dict[str, Any] = {
        "version": "5.0.1",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": "a.png",
        "imageData": None,
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content | {"imageHeight": 30, "imageWidth": 40} | about))
    return path


def in_base64(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> str:
    stream = io.BytesIO()
    PillowImage.fromarray(pixels).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


class TestShapes:
    def test_half_a_pixel_is_taken_off(self, tmp_path: Path) -> None:
        path = saved(tmp_path, shape("L1", [[1.5, 2.5], [9.5, 2.5], [9.5, 8.5]]))
        (scene,) = labelme.read(path, SEG)
        outline = scene.instances[0].outline
        assert outline is not None
        assert outline.rings[0].tolist() == [[1, 2], [9, 2], [9, 8]]

    def test_a_group_joins_parts_and_points(self, tmp_path: Path) -> None:
        triangle, other = [[1, 1], [5, 1], [5, 5]], [[10, 1], [15, 1], [15, 5]]
        path = saved(
            tmp_path,
            shape("L2", triangle, group_id=4),
            shape("L2", other, group_id=4),
            shape("L1", other),
            shape("TL", [[3.5, 4.5]], "point", group_id=4),
            shape("tr", [[7.5, 4.5]], "point", group_id=4, flags={"occluded": True}),
        )
        (scene,) = labelme.read(path, POSE)
        assert [item.label for item in scene.instances] == ["L1", "L2"]
        joined = scene.instances[1]
        assert joined.outline is not None
        assert len(joined.outline.rings) == 2
        assert joined.landmarks is not None
        assert joined.landmarks.visibility.tolist() == [2, 1, 0, 0]
        assert joined.landmarks.xy[0].tolist() == [3, 4]

    def test_one_group_of_two_labels_is_two_things(self, tmp_path: Path) -> None:
        triangle = [[1, 1], [5, 1], [5, 5]]
        path = saved(tmp_path, *(shape(label, triangle, group_id=1) for label in ("L1", "L2")))
        (scene,) = labelme.read(path, SEG)
        assert [item.label for item in scene.instances] == ["L1", "L2"]
        point = shape("TL", [[1, 1]], "point", group_id=1)
        mixed = saved(tmp_path, *(shape(label, triangle, group_id=1) for label in ("L1", "L2")), point)
        with pytest.raises(
            AnnotationError, match=r"group 1 holds points and shapes of several labels \(L1, L2\)"
        ):
            list(labelme.read(mixed, POSE))

    def test_round_and_square_things_and_masks(self, tmp_path: Path) -> None:
        pixels = np.zeros((4, 5), np.uint8)
        pixels[1:, 1:] = 1
        path = saved(
            tmp_path,
            shape("L1", [[15, 15], [15, 5]], "circle"),
            shape("L2", [[13.5, 9.5], [3.5, 4.5]], "rectangle"),
            shape("L3", [[7, 2], [11, 5]], "mask", mask=in_base64(pixels)),
        )
        (scene,) = labelme.read(path, SEG)
        circle, square, mask = scene.instances
        assert circle.outline is not None
        assert ring_area(circle.outline.rings[0]) == pytest.approx(np.pi * 100, rel=0.002)
        assert square.box == (3.0, 4.0, 13.0, 9.0)
        assert square.outline is None
        assert mask.outline is not None
        rows, columns = np.nonzero(to_mask(mask.outline, 30, 40))
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 5, 8, 11)

    def test_what_encloses_nothing_or_is_ambiguous_is_told(self, tmp_path: Path) -> None:
        heard: list[str] = []
        path = saved(
            tmp_path,
            shape("L1", [[1, 1], [5, 5]], "line"),
            shape("L1", [[1, 1], [5, 5], [9, 1]], "linestrip"),
            shape("L1", [[1, 1], [5, 5]]),
            shape("L1", [[1, 1], [1, 1]], "rectangle"),
            shape("L1", [[1, 1]], "cuboid"),
            shape("TL", [[1, 1]], "point"),
            shape("TL", [[9, 9]], "point"),
            shape("TR", [[5, 1]], "point"),
        )
        (scene,) = labelme.read(path, POSE, LabelOptions(notice=heard.append))
        (item,) = scene.instances
        assert item.landmarks is not None
        assert item.landmarks.visibility.tolist() == [0, 2, 0, 0]
        assert [line.split(": ")[1] for line in heard] == [f"shape {number}" for number in range(7)]
        assert "an open line encloses nothing" in heard[0]
        assert "TL is there twice, here at 8.5, 8.5: taken as absent" in heard[-1]

    def test_points_of_one_shape_go_by_their_order(self, tmp_path: Path) -> None:
        heard: list[str] = []
        four = [[1.5, 1.5], [5.5, 1.5], [1.5, 5.5], [5.5, 5.5]]
        path = saved(tmp_path, shape("L1", four, "points"), shape("L2", four[:3], "points"))
        (scene,) = labelme.read(path, POSE, LabelOptions(notice=heard.append))
        assert scene.instances[0].label == "L1"
        found = scene.point("L1.BR")
        assert isinstance(found, np.ndarray)
        assert found.tolist() == [5, 5]
        assert heard == [f"{path}: shape 1: 3 points for the 4 of bodies: passed over"]


class TestImages:
    def test_a_wrong_image_path_gives_way_to_the_files_own_name(self, tmp_path: Path) -> None:
        for wrong in ("1.tif", "C:\\films\\b.png", "../../etc/passwd", "/etc/passwd", "", "x\0.png", None, 7):
            heard: list[str] = []
            path = saved(tmp_path, imagePath=wrong)
            (scene,) = labelme.read(path, SEG, LabelOptions(notice=heard.append))
            assert scene.image.name == "a.png"
            assert len(heard) == (1 if isinstance(wrong, str) and wrong else 0)
            assert all("taken by the file's own name, a.png" in line for line in heard)

    def test_an_image_inside_the_file_gives_its_size(self, tmp_path: Path) -> None:
        heard: list[str] = []
        pixels = np.zeros((30, 40), np.uint8)
        path = saved(tmp_path / "x", imageData=in_base64(pixels), imagePath="b.jpg", name="b")
        (tmp_path / "x" / "a.png").unlink()
        (scene,) = labelme.read(path, SEG, LabelOptions(notice=heard.append))
        assert (scene.image.height, scene.image.width, scene.image.name) == (30, 40, "b.jpg")
        assert "its image lies in the file alone" in heard[0]

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ("####", "damaged or of no known kind"),
            ("AAAA", "damaged or of no known kind"),
            ("A", "no base64"),
        ],
    )
    def test_a_broken_image_inside_is_refused(self, tmp_path: Path, data: str, message: str) -> None:
        path = saved(tmp_path, imageData=data, name="b", imagePath="b.png")
        (tmp_path / "a.png").unlink()
        with pytest.raises(AnnotationError, match=message):
            list(labelme.read(path, SEG))

    def test_a_huge_image_inside_is_refused_by_its_header(self, tmp_path: Path) -> None:
        stream = io.BytesIO()
        PillowImage.new("1", (30_000, 10_000)).save(stream, "PNG")
        text = base64.b64encode(stream.getvalue()).decode()
        path = saved(tmp_path, imageData=text, name="b", imagePath="b.png")
        (tmp_path / "a.png").unlink()
        with pytest.raises(AnnotationError, match=r"of no known kind|exceeds 200 million"):
            list(labelme.read(path, SEG))

    def test_a_missing_image_is_told_or_refused(self, tmp_path: Path) -> None:
        path = saved(tmp_path, name="b", imagePath="b.png")
        heard: list[str] = []
        assert list(labelme.read(path, SEG, LabelOptions(notice=heard.append))) == []
        assert heard == [f"{path}: b.png: not in {tmp_path}: passed over"]
        with pytest.raises(AnnotationError, match="add the image"):
            list(labelme.read(path, SEG, LabelOptions(allow_missing=False)))

    def test_another_size_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(AnnotationError, match=r"41 x 30 px, but a\.png is 40 x 30"):
            list(labelme.read(saved(tmp_path, imageWidth=41), SEG))


class TestFolders:
    def test_folders_about_one_image_are_readers(self, tmp_path: Path) -> None:
        save_image(tmp_path / "images" / "a.png")
        for reader in ("labelme_ann", "bob"):
            saved(tmp_path / reader, shape("TL", [[3, 3]], "point"))
            (tmp_path / reader / "a.png").unlink()
        (scene,) = labelme.read(tmp_path, POSE)
        assert [item.reader for item in scene.instances] == ["bob", "ann"]

    def test_two_files_about_one_image_in_one_folder_are_refused(self, tmp_path: Path) -> None:
        saved(tmp_path)
        saved(tmp_path, name="a_copy")
        with pytest.raises(AnnotationError, match=r"a_copy\.json: a\.png is annotated by a\.json too"):
            list(labelme.read(tmp_path, SEG))

    def test_other_json_is_told(self, tmp_path: Path) -> None:
        saved(tmp_path)
        (tmp_path / "other.json").write_text('{"images": []}')
        heard: list[str] = []
        assert len(list(labelme.read(tmp_path, SEG, LabelOptions(notice=heard.append)))) == 1
        assert heard == [f"{tmp_path / 'other.json'}: is no LabelMe file: passed over"]

    def test_vocabulary(self, tmp_path: Path) -> None:
        saved(tmp_path, shape("b", [[1, 1]]), shape("a", [[1, 1]]), shape("S", [[1, 1]], "point"))
        assert labelme.vocabulary(tmp_path) == Vocabulary("seg", ("a", "b"), ("S",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"[]", "is no LabelMe file"),
        (b"null", "is no LabelMe file"),
        (b'{"shapes": [', "line 1, column 13"),
        ('{"shapes": []}'.encode("utf-16"), "UTF-16"),
        (b'{"shapes": [],}', "line 1, column 15"),
        (b'{"shapes": [7]}', "shape 0: is no object"),
        (b'{"shapes": [{"label": 7, "points": []}]}', "shape 0: its label is 7, no text"),
        (b'{"shapes": [{"label": "L1", "points": [[1]]}]}', r"shape 0: its points are no list of \[x, y\]"),
        (b'{"shapes": [{"label": "L1", "points": [[1, NaN]]}]}', "holds NaN"),
        (
            b'{"shapes": [{"label": "L1", "points": [], "group_id": {}}]}',
            "shape 0: its group_id {} is no number",
        ),
        (b'{"shapes": [{"label": "L1", "points": [[1, 1]], "shape_type": "mask"}]}', "without its pixels"),
        (
            b'{"shapes": [{"label": "L1", "points": [[1, 1]], "shape_type": "circle"}]}',
            "a circle of 1 points",
        ),
        (b'{"shapes": [{"label": "L4", "points": [[1, 1], [9, 1], [9, 9]]}]}', "'L4' is no label of shapes"),
        (
            b'{"shapes": [{"label": "", "points": [[1, 1], [9, 1], [9, 9]]}]}',
            "has no label -- give the shape",
        ),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    save_image(tmp_path / "a.png")
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(AnnotationError, match=message) as caught:
        list(labelme.read(path, SEG))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = saved(tmp_path, shape("L1", [[1, 1], [9, 1], [9, 9]]))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    (scene,) = labelme.read(path, SEG)
    assert len(scene.instances) == 1


def test_what_is_written_is_what_the_tool_opens(tmp_path: Path) -> None:
    ref = save_image(tmp_path / "images" / "a.png")
    mask = np.zeros((30, 40), np.bool_)
    mask[3:9, 4:12] = True
    mask[5, 6] = False
    holed = Instance("L1", to_outline(mask).box, to_outline(mask))
    points = replace(body("L2", [[2, 3], [12, 4], [3, 13], [13, 14]]), reader="Dr. A/B")
    first, second = labelme.write([Scene(ref, POSE, (holed, points), group="p1")], tmp_path / "out")
    assert first == tmp_path / "out" / "a.json"
    assert second == tmp_path / "out" / "Dr_A_B" / "a.json"
    content = json.loads(first.read_text())
    assert content["version"].startswith("5.")
    assert content["imagePath"] == "../images/a.png"
    assert content["imageData"] is None
    assert (content["imageHeight"], content["imageWidth"]) == (30, 40)
    (drawn,) = content["shapes"]
    assert drawn.keys() >= {"label", "points", "group_id", "description", "shape_type", "flags", "mask"}
    assert (drawn["shape_type"], drawn["points"]) == ("mask", [[4, 3], [11, 8]])
    kinds = [
        (item["shape_type"], item["label"], item["group_id"])
        for item in json.loads(second.read_text())["shapes"]
    ]
    assert kinds == [("rectangle", "L2", 1), *(("point", name, 1) for name in ("TL", "TR", "BL", "BR"))]
    (scene,) = labelme.read(tmp_path / "out", POSE, LabelOptions(tmp_path / "images"))
    assert [(item.label, item.reader) for item in scene.instances] == [("L1", None), ("L2", "Dr. A/B")]
    assert scene.group == "p1"


def test_genuine_films_of_two_readers_are_read() -> None:
    heard: list[str] = []
    folder = real_data() / "ceph_hamedan"
    scenes = list(labelme.read(folder, load_schema("ceph-19"), LabelOptions(notice=heard.append)))
    assert [len(scene.instances) for scene in scenes] == [2] * 6
    assert all([item.reader for item in scene.instances] == ["farhadifar", "mollabashi"] for scene in scenes)
    points = [item.landmarks for scene in scenes for item in scene.instances if item.landmarks]
    placed = [int(np.count_nonzero(item.visibility)) for item in points]
    assert placed == [19, 19, 17, 18, *[19] * 8]
    assert points[0].xy[0] == pytest.approx([366.9068, 597.8051], abs=1e-3)
    assert sum("taken by the file's own name" in line for line in heard) == 12
    assert sum("is there twice" in line for line in heard) == 4
    found = labelme.vocabulary(folder)
    assert found is not None
    assert found.landmarks == tuple(f"l{number}" for number in range(1, 20))
