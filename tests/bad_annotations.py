"""Bad annotations by the catalogue's numbers: what lies in a folder, what is said about it, what must come of it."""

from __future__ import annotations

import base64
import copy
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from tests.formats.annotation_samples import HEIGHT, WIDTH, save_image

OK, FAILED, USAGE, NOTHING = 0, 1, 2, 3
SQUARE = {"name": "polygon", "all_points_x": [3, 20, 20, 3], "all_points_y": [3, 3, 20, 20]}
POINTS = [[3.0, 3.0], [20.0, 3.0], [20.0, 20.0], [3.0, 20.0]]


@dataclass(frozen=True, slots=True)
class Bad:
    """One bad input.

    Attributes:
        number: In the catalogue, with a word that tells variants apart.
        make: Fills an empty folder and returns the source.
        code: What the command must end with.
        says: Pattern of what is said on standard error or in ``passed-over.txt``.
        words: Further words of the command.
    """

    number: str
    make: Callable[[Path], Path]
    code: int
    says: str
    words: tuple[str, ...] = ()


def put(folder: Path, name: str, content: str | bytes | dict[str, Any] | list[Any]) -> Path:
    """A file, its folders made; objects as JSON."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, (dict, list)):
        content = json.dumps(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def with_image(folder: Path, name: str = "a.png") -> Path:
    save_image(folder / name)
    return folder


def text(content: str | bytes, name: str = "x.json") -> Callable[[Path], Path]:
    """A file of that content beside an image."""
    return lambda folder: put(with_image(folder), name, content)


# --- VIA ---


def via(*shapes: dict[str, Any], label: Any = "L1", **about: Any) -> Callable[[Path], Path]:  # noqa: ANN401
    """A VIA annotation of one image; ``about`` changes its entry."""
    regions = [{"shape_attributes": shape, "region_attributes": {"label": label}} for shape in shapes]
    entry = {"filename": "a.png", "size": 9, "regions": regions, "file_attributes": {}} | about
    return lambda folder: put(with_image(folder), "via.json", {f"{entry['filename']}9": entry})


def ring(xs: list[float], ys: list[float]) -> dict[str, Any]:
    return {"name": "polygon", "all_points_x": xs, "all_points_y": ys}


def via_named(name: str) -> Callable[[Path], Path]:
    """A good image and one that is called so."""

    def make(folder: Path) -> Path:
        good = {"filename": "a.png", "size": 9, "file_attributes": {}, "regions": [region()]}
        return put(with_image(folder), "via.json", {"a.png9": good, "other9": good | {"filename": name}})

    def region() -> dict[str, Any]:
        return {"shape_attributes": SQUARE, "region_attributes": {"label": "L1"}}

    return make


# --- COCO ---

COCO: dict[str, Any] = {
    "images": [{"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}],
    "categories": [{"id": 1, "name": "L1", "keypoints": ["p", "q"]}],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 1,
            "bbox": [3, 3, 17, 17],
            "segmentation": [[3, 3, 20, 3, 20, 20, 3, 20]],
        }
    ],
}


def coco(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], Path]:
    """The good file with a change done to it."""

    def make(folder: Path) -> Path:
        content = copy.deepcopy(COCO)
        change(content)
        return put(with_image(folder), "coco.json", content)

    return make


def annotated(**members: Any) -> Callable[[Path], Path]:  # noqa: ANN401
    """The good file, members of its annotation replaced (None: removed)."""

    def change(content: dict[str, Any]) -> None:
        entry = content["annotations"][0] | members
        content["annotations"] = [{key: value for key, value in entry.items() if value is not None}]

    return coco(change)


# --- LabelMe, CVAT, VOC ---


def labelme(*shapes: dict[str, Any], **about: Any) -> Callable[[Path], Path]:  # noqa: ANN401
    """A LabelMe file of one image."""

    def make(folder: Path) -> Path:
        listed = [
            {"label": "L1", "points": POINTS, "shape_type": "polygon", "group_id": None} | s for s in shapes
        ]
        content: dict[str, Any] = {
            "version": "5.4.1", "flags": {}, "shapes": listed, "imagePath": "a.png", "imageData": None,
            "imageHeight": HEIGHT, "imageWidth": WIDTH,
        }  # fmt: skip
        if about.pop("alone", False):
            folder.mkdir(parents=True, exist_ok=True)
        else:
            with_image(folder)
        return put(folder, "a.json", content | about).parent

    return make


def png_text(height: int, width: int) -> str:
    """A PNG as LabelMe keeps it inside its JSON."""
    stream = io.BytesIO()
    PillowImage.fromarray(np.zeros((height, width), np.uint8)).save(stream, "png")
    return base64.b64encode(stream.getvalue()).decode("ascii")


CVAT = (
    '<?xml version="1.0"?>{doctype}<annotations><version>1.1</version>'
    '<image id="0" name="{name}" width="40" height="30">'
    '<polygon label="{label}" occluded="0" points="3,3;20,3;20,20;3,20"></polygon></image></annotations>'
)
LAUGHS = "<!DOCTYPE a [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>"
OUTSIDE = "<!DOCTYPE a [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>"


def cvat(doctype: str = "", label: str = "L1", name: str = "a.png") -> Callable[[Path], Path]:
    content = CVAT.format(doctype=doctype, label=label, name=name)
    return lambda folder: put(with_image(folder), "annotations.xml", content)


def cvat_zip(member: str) -> Callable[[Path], Path]:
    """An archive of CVAT with a further member of that name."""

    def make(folder: Path) -> Path:
        path = with_image(folder) / "task.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("annotations.xml", CVAT.format(doctype="", label="L1", name="a.png"))
            archive.writestr(member, "hello")
        return path

    return make


VOC = (
    "<annotation><filename>a.png</filename><size><width>{width}</width><height>30</height><depth>1</depth></size>"
    "<object><name>L1</name><bndbox><xmin>3</xmin><ymin>3</ymin><xmax>{xmax}</xmax><ymax>20</ymax></bndbox></object>"
    "</annotation>"
)


def voc(width: int = WIDTH, xmax: str = "20") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with_image(folder)
        return put(folder, "a.xml", VOC.format(width=width, xmax=xmax)).parent

    return make


# --- masks, YOLO ---


def mask(values: np.ndarray[Any, Any], names: tuple[str, ...] = ("a.png",)) -> Callable[[Path], Path]:
    """Masks of those values beside one image."""

    def make(folder: Path) -> Path:
        save_image(folder / "images" / "a.png")
        (folder / "masks").mkdir()
        for name in names:
            PillowImage.fromarray(values).save(folder / "masks" / name)
        return folder

    return make


def blocks(*values: int, height: int = HEIGHT) -> np.ndarray[Any, Any]:
    """A mask of bodies below each other."""
    found = np.zeros((height, WIDTH), np.uint8)
    for index, value in enumerate(values):
        found[2 + 9 * index : 9 + 9 * index, 5:30] = value
    return found


def yolo(rows: str | bytes, data: str = "names: [L1, L2]\n") -> Callable[[Path], Path]:
    """A YOLO data set of one image."""

    def make(folder: Path) -> Path:
        save_image(folder / "images" / "a.png")
        put(folder, "labels/a.txt", rows)
        put(folder, "data.yaml", data)
        return folder

    return make


ROW = "0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n"
