from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.outline import to_outline
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats import slicer_fcsv, slicer_markups
from spinekit.formats.plugin import LabelOptions, Vocabulary
from spinekit.formats.slicer_plane import film_plane
from tests.formats.annotation_samples import POSE, SEG, body, save_image

SKULL = Schema("skull", 1, "Skull", "pose", "test", ("skull",), landmarks=POSE.landmarks)


def markup(*points: tuple[str, list[float]], kind: str = "Fiducial", **about: object) -> dict[str, Any]:
    listed = [{"label": label, "position": position} for label, position in points]
    return {"type": kind, "coordinateSystem": "LPS", "controlPoints": listed} | about


def saved(tmp_path: Path, *markups: dict[str, Any], name: str = "a.mrk.json") -> Path:
    save_image(tmp_path / "a.png")
    (tmp_path / name).write_text(json.dumps({"@schema": "x", "markups": list(markups)}))
    return tmp_path / name


def dicom(path: Path, **attributes: object) -> ImageRef:
    item = Dataset()
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item.SOPClassUID, item.SOPInstanceUID = CTImageStorage, generate_uid()
    for name, value in attributes.items():
        setattr(item, name, value)
    item.save_as(path, enforce_file_format=True)
    return ImageRef(path, 30, 40, name=path.name)


class TestPlane:
    def test_a_picture_has_a_millimetre_a_pixel_whatever_the_user_states(self, tmp_path: Path) -> None:
        ref = replace(save_image(tmp_path / "a.png"), spacing=Spacing(0.1, 0.1, SpacingOrigin.STATED))
        world = film_plane(ref).to_world(np.array([[3.0, 4.0]]))
        assert world.tolist() == [[3, 4, 0]]

    def test_a_film_that_is_not_at_hand_has_the_spacing_that_is_known(self, tmp_path: Path) -> None:
        ref = ImageRef(tmp_path / "gone.png", 30, 40, Spacing(0.2, 0.1, SpacingOrigin.STATED))
        assert film_plane(ref).to_world(np.array([[3.0, 4.0]]))[0] == pytest.approx([0.3, 0.8, 0])

    @pytest.mark.parametrize("suffix", [".tif", ".jpg"])
    def test_a_resolution_in_the_file_counts(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"a{suffix}"
        PillowImage.fromarray(np.zeros((30, 40), np.uint8)).save(path, dpi=(254, 127))
        world = film_plane(ImageRef(path, 30, 40)).to_world(np.array([[10.0, 10.0]]))
        assert world[0] == pytest.approx([1, 2, 0])

    def test_a_slice_lies_where_its_header_says(self, tmp_path: Path) -> None:
        ref = dicom(
            tmp_path / "a.dcm",
            Modality="MR",
            ImagePositionPatient=[10, 20, 30],
            ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
            PixelSpacing=[2, 0.5],
        )
        plane = film_plane(ref)
        world = plane.to_world(np.array([[4.0, 3.0]]))
        assert world[0] == pytest.approx([10, 22, 24])
        xy, off = plane.to_pixels(world + np.array([[7.0, 0, 0]]))
        assert xy[0] == pytest.approx([4, 3])
        assert off[0] == pytest.approx(7)

    def test_a_radiograph_has_the_spacing_of_its_detector(self, tmp_path: Path) -> None:
        ref = dicom(tmp_path / "a.dcm", Modality="DX", PixelSpacing=[0.1, 0.1], ImagerPixelSpacing=[0.2, 0.2])
        assert film_plane(ref).to_world(np.array([[10.0, 10.0]]))[0] == pytest.approx([2, 2, 0])


class TestMarkups:
    @pytest.mark.parametrize(("system", "sign"), [("LPS", 1), ("RAS", -1)])
    def test_the_coordinate_system_is_honoured(self, tmp_path: Path, system: str, sign: int) -> None:
        node = markup(("TL", [sign * 3.5, sign * 4.5, 0.0]), coordinateSystem=system, name="F")
        (scene,) = slicer_markups.read(saved(tmp_path, node), SKULL)
        found = scene.point("TL")
        assert isinstance(found, np.ndarray)
        assert found.tolist() == [3.5, 4.5]
        assert scene.instances[0].label == "skull"

    def test_numbers_of_slicer_go_by_their_order_and_the_undefined_is_absent(self, tmp_path: Path) -> None:
        node = markup(*((f"F-{index}", [float(index), 2.0, 0.0]) for index in range(1, 5)))
        node["controlPoints"][1] |= {"positionStatus": "undefined", "position": None}
        node["controlPoints"][2]["positionStatus"] = "preview"
        (scene,) = slicer_markups.read(saved(tmp_path, node), SKULL)
        points = scene.instances[0].landmarks
        assert points is not None
        assert points.visibility.tolist() == [2, 0, 0, 2]
        assert points.xy[3].tolist() == [4, 2]

    def test_closed_curves_are_outlines_and_open_ones_are_told(self, tmp_path: Path) -> None:
        heard: list[str] = []
        ring = [("c", [float(x), float(y), 0.0]) for x, y in ((1, 1), (9, 1), (9, 8))]
        path = saved(
            tmp_path,
            markup(*ring, kind="ClosedCurve", name="L1"),
            markup(*ring, ring[0], kind="Curve", name="L2"),
            markup(*ring, kind="Curve", name="L2"),
            markup(*ring[:2], kind="Line", name="L2"),
            markup(*ring, name="L3"),
        )
        (scene,) = slicer_markups.read(path, SEG, LabelOptions(notice=heard.append))
        assert [item.label for item in scene.instances] == ["L1", "L2"]
        assert all(item.outline is not None for item in scene.instances)
        assert [line.removeprefix(f"{path}: ") for line in heard] == [
            "markup 2: a Curve encloses nothing: passed over",
            "markup 3: a Line encloses nothing: passed over",
            "markup 4: point 0: points, but shapes has no landmarks: passed over",
        ]

    def test_points_off_the_film_are_told(self, tmp_path: Path) -> None:
        heard: list[str] = []
        path = saved(tmp_path, markup(("TL", [1.0, 2.0, 8.0])))
        assert len(list(slicer_markups.read(path, SKULL, LabelOptions(notice=heard.append)))) == 1
        assert heard == [
            f"{path}: markup 0: points lie up to 8.0 mm off the film: taken as projected onto it"
        ]

    @pytest.mark.parametrize("name", ["a.mrk.json", "a.png.mrk.json", "a_reader 1.mrk.json"])
    def test_the_film_is_found_by_the_name_of_the_markups(self, tmp_path: Path, name: str) -> None:
        (scene,) = slicer_markups.read(saved(tmp_path, markup(("TL", [1.0, 2.0, 0.0])), name=name), SKULL)
        assert scene.image.name == "a.png"

    def test_a_markups_file_without_film_is_told_or_refused(self, tmp_path: Path) -> None:
        path = saved(tmp_path, name="b.mrk.json")
        heard: list[str] = []
        assert list(slicer_markups.read(path, SKULL, LabelOptions(notice=heard.append))) == []
        assert heard == [f"{path}: b: no image of this name in {tmp_path}: passed over"]
        with pytest.raises(AnnotationError, match="add the image"):
            list(slicer_markups.read(path, SKULL, LabelOptions(allow_missing=False)))

    @pytest.mark.parametrize(
        ("node", "message"),
        [
            (markup(("TL", [1.0, 2.0])), "point 0: its position is no list of three numbers"),
            (markup(("TL", [1.0, 2.0, "x"])), "point 0: 'x' is not a coordinate"),  # type: ignore[list-item]
            (markup(("XX", [1.0, 2.0, 0.0])), "'XX' is no landmark of skull"),
            (markup(("TL", [1.0, 2.0, 0.0]), coordinateSystem="XYZ"), "its coordinate system is 'XYZ'"),
            (markup(("TL", [1.0, 2.0, 0.0]), coordinateUnits="in"), "its unit is 'in'"),
            ({"controlPoints": {}}, "its controlPoints are no list"),
            ({"controlPoints": [7]}, "point 0: is no object"),
        ],
    )
    def test_a_broken_list_is_refused_in_one_line(
        self, tmp_path: Path, node: dict[str, Any], message: str
    ) -> None:
        path = saved(tmp_path, node)
        with pytest.raises(AnnotationError, match=message) as caught:
            list(slicer_markups.read(path, SKULL))
        assert str(caught.value).startswith(f"{path}: markup 0: ")
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"markups": 7}', b'{"markups": [7]}', b"{"])
    def test_what_is_no_markups_file_says_so(self, tmp_path: Path, content: bytes) -> None:
        path = saved(tmp_path)
        path.write_bytes(content)
        with pytest.raises(AnnotationError, match=r"a\.mrk\.json: .* -- ") as caught:
            list(slicer_markups.read(path, SKULL))
        assert "\n" not in str(caught.value)

    def test_what_is_written_has_what_slicer_looks_for(self, tmp_path: Path) -> None:
        ref = save_image(tmp_path / "a.png")
        nan = [float("nan")] * 2
        mask = np.zeros((30, 40), np.bool_)
        mask[3:9, 4:12] = True
        items = (
            body("L1", [[2, 3], nan, [3, 13], [13, 14]]),
            Instance("L2", (0, 0, 1, 1), to_outline(mask)),
            Instance("L2", (1.0, 2.0, 9.0, 8.0)),
        )
        (path,) = slicer_markups.write([Scene(ref, POSE, items)], tmp_path)
        content = json.loads(path.read_text())
        assert path.name == "a.mrk.json"
        assert "markups-schema-v1" in content["@schema"]
        nodes = content["markups"]
        assert [(node["type"], node["name"]) for node in nodes] == [
            ("Fiducial", "L1"),
            ("ClosedCurve", "L2"),
            ("ClosedCurve", "L2 #2 box"),
        ]
        assert {(node["coordinateSystem"], node["coordinateUnits"]) for node in nodes} == {("LPS", "mm")}
        statuses = [point["positionStatus"] for point in nodes[0]["controlPoints"]]
        assert statuses == ["defined", "undefined", "defined", "defined"]
        (scene,) = slicer_markups.read(path, POSE)
        assert [item.label for item in scene.instances] == ["L1", "L2", "L2"]
        assert scene.instances[2].box == (1.0, 2.0, 9.0, 8.0)
        assert slicer_markups.vocabulary(path) == Vocabulary("pose", ("L1", "L2"), POSE.landmark_names)


class TestPointLists:
    @pytest.mark.parametrize(
        ("system", "sign"),
        [("LPS", 1), ("1", 1), ("0", -1), ("RAS", -1), ("", -1), ("2", 1), ("IJK", 1)],
    )
    def test_every_way_to_name_the_system(self, tmp_path: Path, system: str, sign: int) -> None:
        save_image(tmp_path / "a.png")
        header = f"# CoordinateSystem = {system}\n" if system else ""
        text = f"# Markups fiducial file version = 4.10\n{header}F_1,{sign * 3},{sign * 4},0,0,0,0,1,1,1,0,TL,,\n"
        (tmp_path / "a.fcsv").write_text(text)
        assert slicer_fcsv.detect(tmp_path / "a.fcsv")
        (scene,) = slicer_fcsv.read(tmp_path, SKULL)
        found = scene.point("TL")
        assert isinstance(found, np.ndarray)
        assert found.tolist() == [3, 4]

    def test_columns_go_by_their_header(self, tmp_path: Path) -> None:
        save_image(tmp_path / "a.png")
        text = "# Fiducial List file x\n# columns = label,x,y,z,sel,visible\nTL,-3,-4,0,1,1\n"
        (tmp_path / "a.fcsv").write_text(text)
        assert slicer_fcsv.detect(tmp_path)
        (scene,) = slicer_fcsv.read(tmp_path, SKULL)
        found = scene.point("TL")
        assert isinstance(found, np.ndarray)
        assert found.tolist() == [3, 4]

    def test_instances_of_one_label_stay_apart(self, tmp_path: Path) -> None:
        ref = save_image(tmp_path / "a.png")
        one, other = (body("skull", [[x, 3], [x + 5, 4], [x, 9], [x + 5, 9]]) for x in (2, 20))
        (path,) = slicer_fcsv.write([Scene(ref, SKULL, (one, other))], tmp_path)
        assert ",skull #2.TL," in path.read_text()
        (scene,) = slicer_fcsv.read(path, SKULL)
        assert [item.box for item in scene.instances] == [one.box, other.box]
        assert slicer_fcsv.vocabulary(path) == Vocabulary("pose", ("skull",), POSE.landmark_names)

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("1,x,2,0,0,0,0,1,1,1,0,TL,,", "line 2: x: 'x' is not a number"),
            ("1,1,nan,0,0,0,0,1,1,1,0,TL,,", "line 2: y: 'nan' is not a number"),
            ("1,1,2", "line 2: has 3 cells for 14 columns"),
            ('1,1,2,0,0,0,0,1,1,1,0,"TL,,', "line 2: unexpected end of data"),
            ("1,1,2,0,0,0,0,1,1,1,0,XX,,", "line 2: 'XX' is no landmark of skull"),
            ("# columns = a,b\n", "has no columns x, y, z and label"),
            ("# CoordinateSystem = XYZ\n1,1,2,0,0,0,0,1,1,1,0,TL,,", "its coordinate system is 'XYZ'"),
        ],
    )
    def test_a_broken_line_is_named(self, tmp_path: Path, line: str, message: str) -> None:
        save_image(tmp_path / "a.png")
        path = tmp_path / "a.fcsv"
        path.write_text(f"# Markups fiducial file version = 4.11\n{line}\n")
        with pytest.raises(AnnotationError, match=message) as caught:
            list(slicer_fcsv.read(path, SKULL))
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
