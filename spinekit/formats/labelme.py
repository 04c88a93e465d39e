"""LabelMe 5: one JSON per image with polygons, rectangles, circles, points and masks.

LabelMe counts from the outer corner of the first pixel; half a pixel is taken off when reading and added
when writing. The image is the one of the file's own name where there is one, since ``imagePath`` is often
that of another machine; otherwise the one of ``imagePath``, otherwise the one inside the file.

Where several folders hold a file about the same image, each is a reader's: instances carry the folder's
name, without the word labelme, as `Instance.reader`.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Absent, Scene
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.embedded import embedded_image
from spinekit.formats.image_lookup import by_own_name, present, stems_of
from spinekit.formats.json_peek import peek_keys
from spinekit.formats.labelme_shapes import Shape, instances, shapes_of
from spinekit.formats.labelme_writing import OWN_KEY, write
from spinekit.formats.marks import OBJECT, reach_out
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions, Vocabulary
from spinekit.formats.sources import (
    FOUND_SUFFIXES,
    ImageFolder,
    image_folder,
    in_schema_order,
    read_json,
    unsafe_name,
)

__all__ = ["FORMAT", "detect", "read", "vocabulary", "write"]

_LOOKED_AT = 20  # files of a folder
_FORMAT_WORD = re.compile(r"^labelme[-_. ]+|[-_. ]+labelme$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class _File:
    """One annotation file.

    Attributes:
        path: The file.
        folder: Its folder below the one that is read, empty for that itself.
        content: Its JSON object.
        shapes: Its shapes.
    """

    path: Path
    folder: str
    content: Mapping[str, Any]
    shapes: list[Shape]

    @property
    def reader(self) -> str | None:
        """The reader that the file itself names."""
        name = _own(self.content).get("reader")
        return name if isinstance(name, str) else None

    @property
    def folder_reader(self) -> str | None:
        """The reader whom the folder stands for."""
        return _FORMAT_WORD.sub("", self.folder) or self.folder or None


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The annotated images, in the order of the files' names.

    Args:
        path: A JSON file, or a folder of them; files in its folders are read too.
        schema: Names the classes and landmarks.
        options: The folder of the images (otherwise they lie in the folder that is read, or in ``images``
            beside it), and who is told what was passed over or found elsewhere.

    Raises:
        AnnotationError: If a file is broken or does not fit the schema; the message gives the shape.
    """
    folder = image_folder(options.images or _image_root(path))
    stems = stems_of(folder)
    given: dict[str, Path] = {}
    for same_name in _by_name(_files(path, options)):
        images: dict[str, tuple[ImageRef, list[_File]]] = {}
        for file in (_load(item, path) for item in same_name):
            image = present(_image(file, folder, stems, options), str(file.path), options)
            if image is not None:
                images.setdefault(image.name, (image, []))[1].append(file)
        for name, (image, files) in images.items():
            earlier = given.setdefault(name, files[0].path)
            if earlier != files[0].path:
                raise AnnotationError(
                    f"{files[0].path}: {printable(name)} is annotated by {earlier.name} too -- keep one, or "
                    "give each reader a folder"
                )
            yield _scene(image, files, schema, options)


def detect(path: Path) -> bool:
    """Whether a file, or one in a folder, is of LabelMe 5."""
    if path.is_dir():
        return any(map(_is_file, _json_files(path)[:_LOOKED_AT]))
    return _is_file(path)


def vocabulary(path: Path, options: LabelOptions = AS_IT_LIES) -> Vocabulary | None:
    """Labels of points as landmarks, in order of first mention, all other labels as classes."""
    landmarks: dict[str, None] = {}
    classes: set[str] = set()
    tasks: Counter[str] = Counter()
    for item in _files(path, options):
        for shape in _load(item, path).shapes:
            tasks[_TASKS.get(shape.kind, "seg")] += 1
            if shape.kind == "point":
                landmarks.setdefault(shape.label)
            elif shape.label:
                classes.add(shape.label)
    if not tasks:
        return None
    names = tuple(name for name in landmarks if name and name not in classes)
    return Vocabulary(tasks.most_common(1)[0][0], tuple(sorted(classes)) or (OBJECT,), names)


_TASKS = {"point": "pose", "points": "pose", "rectangle": "detect"}


def _is_file(path: Path) -> bool:
    keys = peek_keys(path)
    if keys is None or keys.top & {"annotations", "markups", "_via_img_metadata"}:
        return False
    image = {"imagePath", "imageData"} & keys.top
    return ("shapes" in keys.top and bool(image)) or (
        not keys.whole and ("imageData" in keys.top or {"version", "flags", "shapes"} <= keys.top)
    )


def _json_files(path: Path) -> list[Path]:
    """All JSON files below a folder by name, links not followed."""
    return sorted(
        Path(folder, file)
        for folder, _, files in os.walk(path)
        for file in files
        if file.lower().endswith(".json")
    )


def _files(path: Path, options: LabelOptions) -> list[Path]:
    if not path.is_dir():
        return [path]
    every = _json_files(path)
    found = [item for item in every if len(every) == 1 or _is_file(item)]
    for item in sorted(set(every) - set(found)):
        options.notice(f"{item}: is no LabelMe file: passed over")
    if not found:
        raise AnnotationError(f"{path}: holds no LabelMe file -- name the folder of the JSON files")
    return found


def _by_name(files: list[Path]) -> list[list[Path]]:
    """The files in the order of their names, those of one name together."""
    named: dict[str, list[Path]] = {}
    for file in files:
        named.setdefault(file.stem, []).append(file)
    return [named[stem] for stem in sorted(named)]


def _load(file: Path, root: Path) -> _File:
    content = read_json(file)
    if not isinstance(content, dict):
        raise AnnotationError(f"{file}: is no LabelMe file, which is a JSON object -- save it again")
    folder = file.parent.relative_to(root).as_posix() if root.is_dir() else ""
    return _File(file, "" if folder == "." else folder, content, shapes_of(content, str(file)))


def _image_root(path: Path) -> Path:
    """Where the images lie: in the folder itself, or in ``images`` beside it."""
    base = path if path.is_dir() else path.parent
    beside = base.parent / "images"
    inside = any(Path(name).suffix.lower() in FOUND_SUFFIXES for name in image_folder(base).paths)
    return beside if not inside and beside.is_dir() else base


def _own(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """What spinekit wrote for itself."""
    own = content.get(OWN_KEY)
    return own if isinstance(own, dict) else {}


def _image(
    file: _File, folder: ImageFolder, stems: Mapping[str, list[str]], options: LabelOptions
) -> ImageRef | Absent:
    """The image that a file is about."""
    told = _own(file.content).get("image")
    exact = folder.find(told) if isinstance(told, str) else None
    if isinstance(exact, ImageRef):
        return _checked(exact, file)
    path = file.content.get("imagePath")
    wanted = path.replace("\\", "/") if isinstance(path, str) else ""
    named = _by_image_path(wanted, file, folder)
    stem = file.path.stem
    if isinstance(named, ImageRef) and (PurePosixPath(named.name).stem == stem or stem not in stems):
        return _checked(named, file)
    own = by_own_name(folder, stems, stem)
    if isinstance(own, ImageRef):
        if wanted and PurePosixPath(wanted).name != PurePosixPath(own.name).name:
            shown = printable(wanted[:80])
            options.notice(f"{file.path}: imagePath {shown!r}: taken by the file's own name, {own.name}")
        return _checked(own, file)
    if isinstance(named, ImageRef):
        return _checked(named, file)
    return _inside(file, wanted, options) or named


def _by_image_path(wanted: str, file: _File, folder: ImageFolder) -> ImageRef | Absent:
    """The image at ``imagePath`` seen from the file, then from the image folder, then its last part."""
    from_file = os.path.normpath(PurePosixPath(file.folder, wanted)).replace(os.sep, "/")
    if wanted and from_file in folder.paths:
        return folder.find(from_file)
    return folder.find(PurePosixPath(wanted).name if unsafe_name(wanted) else wanted)


def _inside(file: _File, wanted: str, options: LabelOptions) -> ImageRef | None:
    """The image in ``imageData``, which lies nowhere else."""
    text = file.content.get("imageData")
    if not isinstance(text, str) or not text:
        return None
    found = embedded_image(text, f"{file.path}: imageData")
    name = PurePosixPath(wanted).name
    if unsafe_name(name) or PurePosixPath(name).suffix.lower() not in FOUND_SUFFIXES:
        name = f"{file.path.stem}{found.suffix}"
    options.notice(f"{file.path}: its image lies in the file alone: save it as {printable(name)} to use it")
    image = ImageRef(file.path.parent / name, found.height, found.width, sha256=found.sha256, name=name)
    return _checked(image, file)


def _checked(image: ImageRef, file: _File) -> ImageRef:
    """The image, if it has the size that the file says."""
    stated = file.content.get("imageWidth"), file.content.get("imageHeight")
    for said, real in zip(stated, (image.width, image.height), strict=True):
        if said is not None and said != real:
            sizes = " x ".join(printable(repr(value)[:12]) for value in stated)
            raise AnnotationError(
                f"{file.path}: is about an image of {sizes} px, but {printable(image.name)} is "
                f"{image.width} x {image.height} -- annotate the image at its own size"
            )
    return image


def _scene(image: ImageRef, files: list[_File], schema: Schema, options: LabelOptions) -> Scene:
    """One image with what all its readers drew."""
    found = []
    for file in files:
        reader = file.reader or (file.folder_reader if len(files) > 1 else None)
        drawn = instances(file.shapes, schema, reader, options.notice)
        outside = reach_out(drawn, image)
        if outside:
            options.notice(f"{file.path}: {outside}")
        found += drawn
    groups = [group for file in files if isinstance(group := _own(file.content).get("group"), str)]
    outside = reach_out(found, image)
    empty = "" if any(file.shapes for file in files) else "the annotation holds no shape"
    notes = tuple(note for note in (outside, empty) if note)
    return Scene(image, schema, in_schema_order(found, schema), notes=notes, group=next(iter(groups), ""))


FORMAT = AnnotationFormat(
    name="labelme",
    title="LabelMe 5: one JSON per image with polygons, boxes, points and masks",
    keeps=frozenset(
        {"labels", "boxes", "rectangles", "landmarks", "visibility", "outlines", "holes", "scores", "order"}
        | {"readers", "groups"}
    ),
    read=read,
    write=write,
    detect=detect,
    vocabulary=vocabulary,
)
