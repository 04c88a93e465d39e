"""CVAT for images 1.1: one XML with boxes, polygons, skeletons and masks, or the zip that holds it.

CVAT counts from the outer corner of the first pixel; half a pixel is taken off when reading and added when
writing. Masks are pixels and stay as they are. In a zip only ``annotations.xml`` is read, in memory; its
images must lie unpacked somewhere.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.cvat_shapes import OWN_ATTRIBUTES, instances
from spinekit.formats.cvat_writing import FILE, write
from spinekit.formats.image_lookup import present
from spinekit.formats.marks import OBJECT, UNLABELLED, reach_out
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions, Vocabulary
from spinekit.formats.sources import ImageFolder, image_folder, in_schema_order, unsafe_name
from spinekit.formats.xml_reading import attribute_number, pieces, root_tag
from spinekit.formats.zip_reading import member_names, open_member

__all__ = ["FORMAT", "detect", "read", "vocabulary", "write"]

_HEAD_BYTES = 65_536
_LOOKED_AT = 20  # files of a folder
_SHAPE_TASKS = {"box": "detect", "points": "pose", "skeleton": "pose"}
_SHAPES = frozenset({"box", "polygon", "polyline", "points", "skeleton", "mask", "ellipse"})


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The annotated images, in the order of the file.

    Args:
        path: ``annotations.xml``, the zip of an export, or a folder that holds one of them.
        schema: Names the classes and landmarks.
        options: The folder of the images (otherwise ``images`` beside the file, or where it lies), and who
            is told what was passed over.

    Raises:
        AnnotationError: If the file is broken, of a video, or does not fit the schema.
    """
    path = _annotation_file(path)
    folder = image_folder(options.images or _image_root(path))
    given: dict[str, str] = {}
    unread: Counter[str] = Counter()
    for index, image in enumerate(_images(path)):
        name = image.get("name", "")
        where = f"{path}: image {index} {printable(name[:80])!r}"
        found = _find(image, where, folder, options)
        if found is None:
            continue
        if given.setdefault(found.name, where) != where:
            raise AnnotationError(f"{where}: {printable(found.name)} stands in the file twice -- keep one")
        drawn = instances(image, where, schema, options.notice)
        unread.update(_foreign_attributes(image))
        outside = reach_out(drawn, found)
        if outside:
            options.notice(f"{where}: {outside}")
        empty = "" if len(image) else "the annotation names the image without any shape"
        notes = tuple(note for note in (outside, empty) if note)
        yield Scene(found, schema, in_schema_order(drawn, schema), notes=notes)
    if unread:
        names = ", ".join(f"{printable(name[:40])} ({count})" for name, count in unread.items())
        options.notice(f"{path}: attributes that have no place in a scene: {names}")


def detect(path: Path) -> bool:
    """Whether a file, or one in a folder, is XML of CVAT for images or a zip with it; not of a video."""
    if path.is_dir():
        found = sorted(item for pattern in ("*.xml", "*.zip") for item in path.glob(pattern))
        return any(detect(item) for item in found[:_LOOKED_AT] if item.is_file())
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
        if head.startswith(b"PK"):
            return FILE in member_names(path)
    except OSError:
        return False
    of_video = b"<track" in head and b"<image" not in head
    return root_tag(head) == "annotations" and not of_video


def vocabulary(path: Path, options: LabelOptions = AS_IT_LIES) -> Vocabulary | None:
    """The names that a file uses.

    Labels are classes, in the order of the task; elements of skeletons are landmarks, their lines edges.
    Without skeletons, labels that are only ever given to single points are landmarks, and points that
    always come in one number are landmarks 1, 2, ...
    """
    used = _Use()
    for piece in _pieces(_annotation_file(path)):
        if piece.tag == "meta":
            for label in piece.iter("label"):
                used.define(label)
        elif piece.tag == "image":
            for shape in piece:
                used.count(shape)
    if not used.tasks:
        return None
    landmarks, classes = list(used.elements), list(used.labels)
    if not landmarks:
        landmarks = [name for name in used.points if used.points[name] == {1} and name not in used.areas]
        classes = [name for name in classes if name not in landmarks]
    counts = set().union(*used.points.values())
    if not landmarks and len(counts) == 1:
        landmarks = [str(number) for number in range(1, counts.pop() + 1)]
    edges = tuple(dict.fromkeys(pair for pair in used.edges if set(pair) <= set(landmarks)))
    return Vocabulary(used.tasks.most_common(1)[0][0], tuple(classes) or (OBJECT,), tuple(landmarks), edges)


@dataclass(slots=True)
class _Use:
    """What names a file defines and uses."""

    labels: dict[str, None] = field(default_factory=dict)
    elements: dict[str, None] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    points: dict[str, set[int]] = field(default_factory=dict)
    areas: set[str] = field(default_factory=set)
    tasks: Counter[str] = field(default_factory=Counter)

    def define(self, label: Element) -> None:
        """Takes in a label of the task."""
        name = (label.findtext("name") or "").strip()
        if name:
            (self.labels if label.find("parent") is None else self.elements).setdefault(name)
        self.edges += _edges(label.findtext("svg"))

    def count(self, shape: Element) -> None:
        """Takes in a shape of an image."""
        if shape.tag not in _SHAPES:
            return
        label = shape.get("label", "").strip() or UNLABELLED
        self.labels.setdefault(label)
        self.tasks[_SHAPE_TASKS.get(shape.tag, "seg")] += 1
        if shape.tag == "points":
            self.points.setdefault(label, set()).add(shape.get("points", "").count(";") + 1)
        else:
            self.areas.add(label)
        names = (child.get("label", "").strip() for child in shape.findall("points"))
        self.elements.update((name, None) for name in names if name)


def _annotation_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    if (path / FILE).is_file():
        return path / FILE
    found = sorted(item for pattern in ("*.xml", "*.zip") for item in path.glob(pattern) if detect(item))
    if len(found) != 1:
        raise AnnotationError(f"{path}: holds {len(found)} files of CVAT -- name the one to read")
    return found[0]


def _image_root(path: Path) -> Path:
    beside = path.parent / "images"
    return beside if beside.is_dir() else path.parent


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of the XML, out of its zip where it is in one."""
    try:
        with path.open("rb") as stream:
            zipped = stream.read(2) == b"PK"
            if not zipped:
                stream.seek(0)
                yield stream
                return
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror}) -- check the path") from error
    with open_member(path, FILE) as member:
        yield member


def _pieces(path: Path) -> Iterator[Element]:
    """What lies below the root of an XML that is of images."""
    with _opened(path) as stream:
        found = pieces(stream, str(path))
        root = next(found)
        if root.tag != "annotations":
            raise AnnotationError(
                f"{path}: begins with {printable(root.tag[:40])!r}, not with annotations -- export from CVAT"
            )
        for piece in found:
            if piece.tag == "track":
                raise AnnotationError(
                    f"{path}: is CVAT for video, which tracks things through frames -- export the task as "
                    "'CVAT for images 1.1'"
                )
            yield piece


def _images(path: Path) -> Iterator[Element]:
    count = 0
    for piece in _pieces(path):
        if piece.tag == "image":
            count += 1
            yield piece
    if not count:
        raise AnnotationError(f"{path}: holds no image -- export the annotations again")


def _find(image: Element, where: str, folder: ImageFolder, options: LabelOptions) -> ImageRef | None:
    """The image that an element names, in the folder of its subset first."""
    name, subset = image.get("name", ""), image.get("subset", "")
    in_subset = f"{subset}/{name}"
    wanted = in_subset if subset and not unsafe_name(in_subset) and in_subset in folder.paths else name
    found = present(folder.find(wanted), where, options)
    if found is None:
        return None
    stated = tuple(attribute_number(image, side, where) for side in ("width", "height"))
    if stated != (found.width, found.height):
        raise AnnotationError(
            f"{where}: is {stated[0]:g} x {stated[1]:g} px by the file, but {printable(found.name)} is "
            f"{found.width} x {found.height} -- annotate the image at its own size"
        )
    return found


def _foreign_attributes(image: Element) -> list[str]:
    """Names of the attributes of shapes that scenes have no place for."""
    names = [str(child.get("name")) for child in image.iter("attribute")]
    return [name for name in names if name not in OWN_ATTRIBUTES]


def _edges(svg: str | None) -> list[tuple[str, str]]:
    """The lines of a skeleton's drawing, as pairs of the names that its circles bear."""
    if not svg:
        return []
    try:
        drawn = list(pieces(io.BytesIO(f"<svg>{svg}</svg>".encode()), "svg"))
    except AnnotationError:
        return []  # a drawing, not data: without it the skeleton has no lines
    names = {item.get("data-node-id"): item.get("data-label-name") for item in drawn if item.tag == "circle"}
    lines = [item for item in drawn if item.tag == "line"]
    ends = [(names.get(line.get("data-node-from")), names.get(line.get("data-node-to"))) for line in lines]
    return [(one, other) for one, other in ends if one and other]


FORMAT = AnnotationFormat(
    name="cvat",
    title="CVAT for images 1.1: XML, or the zip of an export",
    keeps=frozenset(
        {"labels", "rectangles", "landmarks", "visibility", "outlines", "holes", "scores", "order", "readers"}
    ),
    read=read,
    write=write,
    detect=detect,
    vocabulary=vocabulary,
)
