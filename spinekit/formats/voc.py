"""Pascal VOC: one XML per image with boxes, and label images of instances beside it (read only).

VOC counts pixels from 1 and its boxes hold their last pixel, so in spinekit's frame a box reaches from
``xmin - 1.5`` to ``xmax - 0.5``. Tools that count from 0 shift theirs by a pixel, which nobody can see in a
file; an edge that so falls out of the image by a pixel is put back on its border.

A mask of ``SegmentationObject`` is the outline of the box that it fills best; one that fills none is an
instance of its own, of the class that ``SegmentationClass`` gives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.outline import to_outline
from spinekit.core.scene import Absent, Box, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.image_lookup import by_own_name, present, stems_of
from spinekit.formats.marks import OBJECT, UNLABELLED, reach_out
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions, Vocabulary
from spinekit.formats.sources import ImageFolder, class_label, image_folder, in_schema_order, unsafe_name
from spinekit.formats.voc_masks import MaskInstance, label_map, mask_instances
from spinekit.formats.xml_reading import read_tree, root_tag, text_number

__all__ = ["FORMAT", "detect", "read", "vocabulary"]

_HEAD_BYTES = 65_536
_LOOKED_AT = 20  # files of a folder
_LEAST_OVERLAP = 0.5  # of a mask's bounds and a box, as intersection over union
_FLAGS = ("truncated", "difficult", "occluded")
_UNREAD = frozenset({"part", "polygon", "actions", "attributes"})
_EDGES = ("xmin", "ymin", "xmax", "ymax")


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The annotated images, in the order of the files' names.

    Args:
        path: An XML file, the folder of them, or the folder that holds ``Annotations``.
        schema: Names the classes.
        options: The folder of the images (otherwise ``JPEGImages``, or where the XML lies), and who is told
            what was passed over.

    Raises:
        AnnotationError: If a file is broken or does not fit the schema; the message gives the object.
    """
    root = _root(path)
    folder = image_folder(options.images or _image_root(root))
    stems = stems_of(folder)
    names = label_map(root)
    if (root / "SegmentationClass").is_dir() and not (root / "SegmentationObject").is_dir():
        options.notice(
            f"{root / 'SegmentationClass'}: classes without instances: passed over, read it as mask"
        )
    given: dict[str, Path] = {}
    for file in _files(path):
        tree = _tree(file)
        image = present(_image(tree, file, folder, stems), str(file), options)
        if image is None:
            continue
        if given.setdefault(image.name, file) != file:
            other = given[image.name].name
            raise AnnotationError(f"{file}: {printable(image.name)} is annotated by {other} too -- keep one")
        _check_size(tree, image, file)
        masks = mask_instances(root, file.stem, names, image)
        found = _joined(_objects(tree, file, schema, image, options), masks, schema)
        outside = reach_out(found, image)
        if outside:
            options.notice(f"{file}: {outside}")
        yield Scene(image, schema, in_schema_order(found, schema), notes=(outside,) if outside else ())


def detect(path: Path) -> bool:
    """Whether a file, or one in a folder or in its ``Annotations``, is XML of Pascal VOC's kind."""
    if path.is_dir():
        inside = path / "Annotations"
        folder = inside if inside.is_dir() else path
        return any(detect(item) for item in sorted(folder.glob("*.xml"))[:_LOOKED_AT] if item.is_file())
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError:
        return False
    of_web_tool = b"<sourceImage" in head or b"<pt>" in head
    return root_tag(head) == "annotation" and not of_web_tool


def vocabulary(path: Path, options: LabelOptions = AS_IT_LIES) -> Vocabulary | None:
    """Names of objects and masks: in the order of ``labelmap.txt`` where there is one, otherwise sorted."""
    root = _root(path)
    names = label_map(root)
    used: set[str] = set()
    for file in _files(path):
        used.update(_name(item) or UNLABELLED for item in _tree(file).findall("object"))
        used.update(mask.label or UNLABELLED for mask in mask_instances(root, file.stem, names))
    if not used:
        return None
    order = list(names.values())
    ranked = sorted(used, key=lambda name: (order.index(name) if name in order else len(order), name))
    task = "seg" if (root / "SegmentationObject").is_dir() else "detect"
    classes = tuple(ranked) if (root / "labelmap.txt").is_file() else tuple(sorted(used))
    return Vocabulary(task, (OBJECT,) if classes == (UNLABELLED,) else classes)


def _root(path: Path) -> Path:
    """The folder of the whole set, which holds ``Annotations`` where it has its usual form."""
    folder = path if path.is_dir() else path.parent
    return folder.parent if folder.name == "Annotations" else folder


def _image_root(root: Path) -> Path:
    images = root / "JPEGImages"
    return images if images.is_dir() else root


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    inside = path / "Annotations"
    found = sorted((inside if inside.is_dir() else path).rglob("*.xml"))
    if not found:
        raise AnnotationError(f"{path}: holds no XML file -- name the folder of the annotations")
    return found


def _tree(file: Path) -> Element:
    tree = read_tree(file)
    if tree.tag != "annotation":
        shown = printable(tree.tag[:40])
        raise AnnotationError(f"{file}: begins with {shown!r}, not with annotation -- this is no Pascal VOC")
    if tree.find("object/polygon/pt") is not None or tree.find("source/sourceImage") is not None:
        raise AnnotationError(
            f"{file}: is of the old LabelMe web tool, whose XML spinekit does not read -- convert it to the "
            "JSON of LabelMe 5 or to COCO"
        )
    return tree


def _image(
    tree: Element, file: Path, folder: ImageFolder, stems: Mapping[str, list[str]]
) -> ImageRef | Absent:
    """The image that an annotation names, else the one of the file's own name."""
    name = (tree.findtext("filename") or "").strip()
    found = folder.find(PurePosixPath(name).name if name and unsafe_name(name) else name)
    if isinstance(found, ImageRef):
        return found
    own = by_own_name(folder, stems, file.stem)
    return own if isinstance(own, ImageRef) or not name else found


def _check_size(tree: Element, image: ImageRef, file: Path) -> None:
    texts = tree.findtext("size/width"), tree.findtext("size/height")
    if any(text is None for text in texts):
        return
    stated = tuple(text_number(text, f"{file}: size") for text in texts)
    if stated != (image.width, image.height):
        raise AnnotationError(
            f"{file}: is about an image of {stated[0]:g} x {stated[1]:g} px, but {printable(image.name)} is "
            f"{image.width} x {image.height} -- annotate the image at its own size"
        )


def _objects(
    tree: Element, file: Path, schema: Schema, image: ImageRef, options: LabelOptions
) -> list[Instance]:
    """The objects of a file as instances with their boxes."""
    found = []
    for index, item in enumerate(tree.findall("object")):
        where = f"{file}: object {index}"
        unread = sorted({child.tag for child in item if child.tag in _UNREAD})
        if unread:
            options.notice(f"{where}: {', '.join(unread)}: passed over")
        box = _box(item, where, image, options)
        if box is not None:
            flags = tuple(name for name in _FLAGS if (item.findtext(name) or "").strip() == "1")
            found.append(Instance(_label(_name(item), schema, where), box, flags=flags))
    return found


def _name(item: Element) -> str:
    return (item.findtext("name") or "").strip()


def _label(name: str, schema: Schema, where: str) -> str:
    if name:
        return class_label(name, schema, where)
    if len(schema.classes) == 1:
        return schema.classes[0]
    if UNLABELLED in schema.classes:
        return UNLABELLED
    raise AnnotationError(f"{where}: has no name -- name it, one of {', '.join(schema.classes)}")


def _box(item: Element, where: str, image: ImageRef, options: LabelOptions) -> Box | None:
    """A box, px; None where it is missing or encloses nothing, which is told."""
    box = item.find("bndbox")
    if box is None:
        options.notice(f"{where}: has no bndbox: passed over")
        return None
    xmin, ymin, xmax, ymax = (text_number(box.findtext(name), f"{where}: {name}") for name in _EDGES)
    edges = (xmin - 1.5, ymin - 1.5, xmax - 0.5, ymax - 0.5)
    if xmax < xmin or ymax < ymin:
        options.notice(f"{where}: a box that ends before it begins: passed over")
        return None
    corners = np.array(edges).reshape(2, 2)
    limits = np.array([image.width, image.height]) - 0.5
    near = np.where((corners < -0.5) & (corners >= -1.5), -0.5, corners)
    near = np.where((near > limits) & (near <= limits + 1), limits, near)
    (left, top), (right, bottom) = near.tolist()
    return left, top, right, bottom


def _joined(boxes: Sequence[Instance], masks: Sequence[MaskInstance], schema: Schema) -> list[Instance]:
    """Boxes with the masks that fill them best, then masks that fill none."""
    found = list(boxes)
    free = set(range(len(found)))
    for mask in masks:
        outline = to_outline(mask.mask)
        label = _label(mask.label, schema, mask.place) if mask.label else ""
        fitting = {
            index: _overlap(found[index].box, outline.box)
            for index in sorted(free)
            if not label or label == found[index].label
        }
        best = max(fitting, key=lambda index: fitting[index], default=None)
        if best is not None and fitting[best] >= _LEAST_OVERLAP:
            found[best] = replace(found[best], outline=outline)
            free.discard(best)
        else:
            found.append(Instance(label or _label("", schema, mask.place), outline.box, outline))
    return found


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)


FORMAT = AnnotationFormat(
    name="voc",
    title="Pascal VOC: one XML per image with boxes, and masks of instances beside it (read only)",
    keeps=frozenset({"labels", "boxes", "rectangles", "outlines", "holes"}),
    read=read,
    detect=detect,
    vocabulary=vocabulary,
)
