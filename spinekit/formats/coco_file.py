"""A COCO file as it stands: found, parsed, its parts put together, its names listed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinekit.core.errors import AnnotationError
from spinekit.files import printable
from spinekit.formats.plugin import AS_IT_LIES, LabelOptions, Vocabulary
from spinekit.formats.sources import read_json

FILE = "coco.json"
Json = dict[str, Any]

_PARTS = ("images", "annotations", "categories")
_LIST_OF = {part: re.compile(rf'"{part}"\s*:\s*\['.encode()) for part in _PARTS}
_PEEKED_BYTES = 1 << 18
_ANNOTATIONS = "annotations"


@dataclass(frozen=True, slots=True)
class CocoFile:
    """The parts of a file by their ids.

    Attributes:
        path: The file.
        images: Images in the file's order.
        categories: Categories.
        annotations: Annotations by the id of their image.
    """

    path: Path
    images: dict[object, Json]
    categories: dict[object, Json]
    annotations: dict[object, list[Json]]


def coco_file(path: Path) -> Path:
    """The file that a path means: itself, or in a folder the only one of this kind.

    Raises:
        AnnotationError: If a folder holds none or several.
    """
    if not path.is_dir():
        return path
    if (path / FILE).is_file():
        return path / FILE
    found = [file for folder in (path, path / _ANNOTATIONS) for file in sorted(folder.glob("*.json"))]
    fitting = [file for file in found if _looks_right(file)]
    if len(fitting) != 1:
        names = f" ({', '.join(printable(file.name) for file in fitting[:5])})" if fitting else ""
        raise AnnotationError(f"{path}: holds {len(fitting)} COCO files{names} -- name the one to read")
    return fitting[0]


def image_root(path: Path, images: Path | None) -> Path:
    """The folder of the images: as stated, or ``images`` beside the file or beside ``annotations/``."""
    if images is not None:
        return images
    beside = path.parent.parent if path.parent.name == _ANNOTATIONS else path.parent
    return beside / "images" if (beside / "images").is_dir() else beside


def parsed(path: Path) -> CocoFile:
    """The file's parts.

    Raises:
        AnnotationError: If it is no COCO file, or an id is missing, doubled or points to nothing.
    """
    content = _content(path)
    images = _by_id(content["images"], f"{path}: images")
    categories = _by_id(content["categories"], f"{path}: categories")
    annotations: dict[object, list[Json]] = {key: [] for key in images}
    for key, annotation in _by_id(content["annotations"], f"{path}: annotations").items():
        owner = annotation.get("image_id")
        if not isinstance(owner, int | str) or owner not in annotations:
            raise AnnotationError(
                f"{path}: annotation {_shown(key)} belongs to image {_shown(owner)}, which is not listed -- add "
                "the image or remove the annotation"
            )
        annotations[owner].append(annotation)
    return CocoFile(path, images, categories, annotations)


def keypoint_names(category: Json, where: str) -> tuple[str, ...]:
    """The names of a category's keypoints, without outer blanks; empty where it gives none.

    Raises:
        AnnotationError: If they are no texts, or a name occurs twice.
    """
    stated = category.get("keypoints") or []
    if not isinstance(stated, list) or not all(isinstance(name, str) and name.strip() for name in stated):
        raise AnnotationError(f"{where}: its keypoints are no list of names -- export the file again")
    names = tuple(name.strip() for name in stated)
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise AnnotationError(
            f"{where}: the keypoint {_shown(doubled)} is named twice -- give each its own name"
        )
    return names


def detect(path: Path) -> bool:
    """Whether a path is a COCO file, or a folder that holds one, by the lists it begins and ends with."""
    try:
        if path.is_file():
            return _looks_right(path)
        folders = (path, path / _ANNOTATIONS) if path.is_dir() else ()
        return any(_looks_right(file) for folder in folders for file in sorted(folder.glob("*.json")))
    except OSError:
        return False


def vocabulary(path: Path, options: LabelOptions = AS_IT_LIES) -> Vocabulary | None:
    """Categories as classes, keypoints as landmarks; None where keypoints have no names."""
    del options
    path = coco_file(path)
    content = parsed(path)
    where = f"{path}: category"
    classes: dict[str, None] = {}
    points: dict[str, None] = {}
    edges: dict[tuple[str, str], None] = {}
    for key, category in content.categories.items():
        classes.setdefault(category_name(category, f"{where} {_shown(key)}"))
        names = keypoint_names(category, f"{where} {_shown(key)}")
        points |= dict.fromkeys(names)
        edges |= dict.fromkeys(_edges(category.get("skeleton"), names))
    found = [item for items in content.annotations.values() for item in items]
    if points:
        return Vocabulary("pose", tuple(classes), tuple(points), tuple(edges))
    if not classes or any(item.get("keypoints") for item in found):
        return None
    return Vocabulary("seg" if any(item.get("segmentation") for item in found) else "detect", tuple(classes))


def category_name(category: Json, where: str) -> str:
    """The name of a category.

    Raises:
        AnnotationError: If it has none.
    """
    name = category.get("name")
    if not isinstance(name, str) or not name.strip():
        raise AnnotationError(f"{where}: has no name -- add it")
    return name


def _edges(skeleton: object, names: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    """Pairs of names; a skeleton counts from 1, and pairs of other numbers are no edges."""
    for pair in skeleton if isinstance(skeleton, list) else ():
        if isinstance(pair, list) and len(pair) == 2 and all(type(end) is int for end in pair):
            one, other = pair
            if 1 <= one <= len(names) and 1 <= other <= len(names) and one != other:
                yield names[one - 1], names[other - 1]


def _looks_right(path: Path) -> bool:
    """Whether a file is an object with at least two of the three lists, seen at its beginning and end."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            head = stream.read(_PEEKED_BYTES)
            if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
                return False
            stream.seek(max(len(head), path.stat().st_size - _PEEKED_BYTES))
            seen = head + b"\n" + stream.read(_PEEKED_BYTES)
    except OSError:
        return False
    return sum(bool(pattern.search(seen)) for pattern in _LIST_OF.values()) >= 2


def _content(path: Path) -> Json:
    content = read_json(path)
    if isinstance(content, list):
        raise AnnotationError(
            f"{path}: is a list, as of COCO results, without images and categories -- name the file that has them"
        )
    if not isinstance(content, dict):
        raise AnnotationError(f"{path}: is no COCO file, which is an object -- export it again")
    for part in _PARTS:
        if not isinstance(content.get(part), list):
            raise AnnotationError(f"{path}: has no list of {part} -- this is no COCO file")
    return content


def _by_id(entries: list[Any], where: str) -> dict[object, Json]:
    listed: dict[object, Json] = {}
    for index, entry in enumerate(entries):
        key = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(key, int | str):
            raise AnnotationError(f"{where}: entry {index} has no id -- export the file again")
        if key in listed:
            raise AnnotationError(f"{where}: the id {_shown(key)} occurs twice -- give each its own")
        listed[key] = entry
    return listed


def _shown(value: object) -> str:
    return printable(repr(value)[:40])
