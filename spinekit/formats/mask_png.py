"""Label images: one PNG per image whose pixel values say what is there.

A folder with ``image/`` and ``label/`` (or ``images/`` and ``masks/``, ...), files paired by name. What
a value means is said by the caller, or by a table ``classes.csv`` (header ``value,label``) beside the
masks. Without either, a semantic schema takes values as class indices (0 and 255 as the two classes of a
binary one), any other schema takes 1, 2, ... as its classes in order. A schema with levels is not guessed
at, since one set counts from C1 and the next from L1: only where the masks use as many values as there
are levels are those taken in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.outline import to_outline
from spinekit.core.scene import Absent, Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.formats.plugin import AS_IT_LIES, MAX_PIXELS, AnnotationFormat, LabelOptions
from spinekit.formats.sources import (
    ImageFolder,
    class_label,
    csv_rows,
    image_folder,
    image_size,
    in_schema_order,
    number,
)

Values = Mapping[int, str]

LUMBAR: Values = MappingProxyType({0: "", 1: "L1", 2: "L2", 3: "L3", 4: "L4", 5: "L5"})
"""Values of MyoSegmenTUM's lumbar bodies."""

MEMBRANE: Values = MappingProxyType({0: "membrane", 255: "cell"})
"""Values of the ISBI 2012 EM challenge: black lines on white cells."""

_CONVENTIONS: Mapping[str, Values] = MappingProxyType({"em-membrane": MEMBRANE})
_MASK_FOLDERS = ("label", "labels", "mask", "masks")
_IMAGE_FOLDERS = ("image", "images", "img", "imgs")
_MASK_SUFFIXES = ("", "_mask", "_label", "_seg")
_SUBJECT = re.compile(r"^([A-Za-z]+\d+)_")


def read(
    path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES, values: Values | None = None
) -> Iterator[Scene]:
    """The images that have a mask, in the order of their names.

    A semantic schema gives a raster of class indices; any other gives one instance per value, with the
    exact border of its pixels as outline. A name such as ``S01_sag32`` gives the group ``S01``.

    Args:
        path: Folder of both folders, or of the masks alone.
        schema: Names the classes.
        options: The folder of the images, and who is told what was passed over.
        values: Label of each pixel value, an empty one for background; None for the rule above.

    Raises:
        AnnotationError: If a mask does not fit its image or holds a value without meaning.
    """
    masks, images = _places(path, options.images)
    values = values or _table(masks / "classes.csv") or _all_levels(masks, schema)
    paired = 0
    for mask_path, image in _pairs(masks, image_folder(images)):
        if isinstance(image, Absent):
            continue
        paired += 1
        mask = _mask(mask_path, image)
        meaning = values or _default_values(schema, mask)
        _check(mask, meaning, mask_path)
        match = _SUBJECT.match(Path(image.name).name)
        group = match[1] if match else ""
        if schema.task == "sem":
            yield Scene(image, schema, raster=_raster(mask, meaning, schema, mask_path), group=group)
        else:
            instances = _instances(mask, meaning, schema, mask_path)
            notes = () if instances else ("the mask is empty",)
            yield Scene(image, schema, instances, notes=notes, group=group)
    if not paired:
        raise AnnotationError(f"{masks}: no mask has the name of an image in {images} -- pair them by name")


def left_out(path: Path, images: Path | None = None) -> tuple[str, ...]:
    """Masks without an image and images without a mask, one line each."""
    masks, images = _places(path, images)
    folder = image_folder(images)
    lines, used = [], set()
    for mask_path, image in _pairs(masks, folder):
        if isinstance(image, Absent):
            lines.append(f"{mask_path.name}: no image of this name in {images}")
        else:
            used.add(image.name)
    inside = masks.is_relative_to(images)
    unused = (name for name, file in folder.paths.items() if name not in used)
    lines += [
        f"{name}: no mask in {masks}"
        for name in unused
        if not (inside and folder.paths[name].is_relative_to(masks))
    ]
    return tuple(lines)


def _places(path: Path, images: Path | None) -> tuple[Path, Path]:
    """The folder of the masks and that of the images."""
    if not path.is_dir():
        raise AnnotationError(f"{path}: no such folder -- name the folder that holds images and masks")
    masks = next((path / name for name in _MASK_FOLDERS if (path / name).is_dir()), path)
    beside = path if masks != path else path.parent
    images = images or next((beside / name for name in _IMAGE_FOLDERS if (beside / name).is_dir()), None)
    if images is None:
        raise AnnotationError(f"{path}: no folder images/ beside the masks -- name it with --images")
    return masks, images


def _pairs(masks: Path, images: ImageFolder) -> Iterator[tuple[Path, ImageRef | Absent]]:
    """Every mask with the image of its name."""
    by_stem: dict[str, list[str]] = {}
    for name in images.paths:
        by_stem.setdefault(Path(name).stem, []).append(name)
    for mask in sorted(masks.glob("*.png")):
        candidates: list[str] = []
        for suffix in _MASK_SUFFIXES:
            if mask.stem.endswith(suffix) and not candidates:
                names = by_stem.get(mask.stem.removesuffix(suffix), [])
                candidates = [name for name in names if images.paths[name] != mask]
        if len(candidates) == 1:
            yield mask, images.find(candidates[0])
        else:
            yield mask, Absent(f"{len(candidates)} images of this name")


def _table(path: Path) -> Values | None:
    """The meaning of the values by ``classes.csv``, or None where there is none."""
    if not path.is_file():
        return None
    rows = list(csv_rows(path))
    if rows[0][1][:2] != ["value", "label"]:
        raise AnnotationError(f"{path}: line 1 is not value,label -- add this header")
    values: dict[int, str] = {}
    for line, row in rows[1:]:
        if len(row) < 2:
            raise AnnotationError(f"{path}: line {line} has one cell -- give value and label")
        values[int(number(row[0], f"{path}: line {line}"))] = row[1].strip()
    return values


def _all_levels(masks: Path, schema: Schema) -> Values | None:
    """The levels in order where the masks together use as many values; None for a schema without levels.

    Raises:
        AnnotationError: If they use other values.
    """
    if not schema.levels or schema.name in _CONVENTIONS:
        return None
    found: set[int] = set()
    for path in sorted(masks.glob("*.png")):
        found |= set(np.unique(_pixels(path)).tolist())
    levels = dict(enumerate(schema.levels, 1))
    if found - {0} != levels.keys():
        shown = ", ".join(map(str, sorted(found)[:12])) + (", ..." if len(found) > 12 else "")
        raise AnnotationError(
            f"{masks}: values {shown}, but nothing says which of the {len(levels)} levels of {schema.name} "
            "they are -- add classes.csv (value,label) beside the masks"
        )
    return {0: ""} | levels


def _mask(path: Path, image: ImageRef) -> npt.NDArray[np.int64]:
    """A mask's values, (H, W), of the image's size."""
    mask = _pixels(path)
    if mask.shape != (image.height, image.width):
        raise AnnotationError(
            f"{path}: is {mask.shape[1]} x {mask.shape[0]} px, its image {image.width} x {image.height} "
            "-- export both at one size"
        )
    return mask


def _pixels(path: Path) -> npt.NDArray[np.int64]:
    """A mask's values, (H, W)."""
    try:
        height, width = image_size(path)
        if height * width > MAX_PIXELS:
            raise AnnotationError(f"{path}: {width} x {height} px exceed {MAX_PIXELS} -- shrink the mask")
        with PillowImage.open(path) as file:
            # The pixels of a palette image are its indices; a bitmap becomes 0 and 255 as elsewhere.
            mask = np.asarray(file.convert("L") if file.mode in {"1", "LA"} else file)
    except (OSError, SyntaxError, ValueError) as error:
        raise AnnotationError(f"{path}: cannot be read as a PNG -- export the mask again") from error
    if mask.ndim == 3:
        if not bool((mask[..., :3] == mask[..., :1]).all()):
            raise AnnotationError(f"{path}: is a colour image -- save the mask with one value per class")
        mask = mask[..., 0]
    return mask.astype(np.int64)


def _default_values(schema: Schema, mask: npt.NDArray[np.int64]) -> Values:
    """What values mean where nobody said so; see the module's text."""
    if schema.name in _CONVENTIONS:
        return _CONVENTIONS[schema.name]
    if schema.task == "sem":
        binary = len(schema.classes) == 2 and bool(np.isin(mask, (0, 255)).all())
        return dict(zip((0, 255) if binary else range(256), schema.classes, strict=False))
    single = len(schema.classes) == 1 and bool(np.isin(mask, (0, 255)).all())
    return {0: ""} | dict(zip((255,) if single else range(1, 1 << 16), schema.classes, strict=False))


def _check(mask: npt.NDArray[np.int64], meaning: Values, path: Path) -> None:
    unknown = [value for value in np.unique(mask).tolist() if value not in meaning and value != 0]
    if 0 not in meaning and len(unknown) == 0 and bool((mask == 0).any()):
        return  # unnamed zero is background
    if unknown:
        shown = ", ".join(map(str, unknown[:8])) + (", ..." if len(unknown) > 8 else "")
        cause = (
            "is it the image itself, or smoothed at its edges?"
            if len(unknown) > 8
            else f"known are {', '.join(map(str, meaning))}"
        )
        raise AnnotationError(
            f"{path}: {len(unknown)} values without meaning ({shown}): {cause} -- save exact class values"
        )


def _raster(mask: npt.NDArray[np.int64], meaning: Values, schema: Schema, path: Path) -> Raster:
    labels = np.zeros(mask.shape, dtype=np.uint8)
    for value, label in meaning.items():
        if label:
            labels[mask == value] = schema.classes.index(class_label(label, schema, str(path)))
    return Raster(labels)


def _instances(
    mask: npt.NDArray[np.int64], meaning: Values, schema: Schema, path: Path
) -> tuple[Instance, ...]:
    found = []
    for value in np.unique(mask).tolist():
        label = meaning.get(value, "")
        if label:
            outline = to_outline(mask == value)
            found.append(Instance(class_label(label, schema, str(path)), outline.box, outline))
    return in_schema_order(found, schema)


FORMAT = AnnotationFormat(
    name="mask-png",
    title="Label images: PNG masks with one value per class or vertebra (read only)",
    keeps=frozenset({"labels", "boxes", "outlines", "holes", "raster", "order"}),
    read=read,
)
