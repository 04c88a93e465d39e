"""Text and images that annotation files point at, read with suspicion.

Names inside an annotation are a stranger's text: an image is only ever found by looking it up among
the files that lie in the image folder, so no name can climb out of it.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import math
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError, SpinekitError, UsageError
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.json_numbers import may_overflow
from spinekit.core.scene import Absent, Box, Instance
from spinekit.core.schema import Schema
from spinekit.files import printable, sha256_of
from spinekit.formats.neutral import ByContent
from spinekit.formats.plugin import ReadOptions

MAX_TEXT_BYTES = 1 << 30
_EXIF_ORIENTATION = 0x0112
_EXIF_TURNED = range(5, 9)  # the four orientations that swap rows and columns
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
FOUND_SUFFIXES = frozenset(
    {".bmp", ".dcm", ".dicom", ".gif", ".heic", ".ima", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm"}
    | {".tif", ".tiff", ".webp"}
)


def image_size(path: Path) -> tuple[int, int]:
    """Height and width of an image as it is shown, from its header alone.

    An EXIF orientation that turns the image by a quarter swaps the two, as browsers and the readers
    of `spinekit.formats` do.

    Raises:
        OSError: If the file is no image that Pillow knows.
    """
    try:
        with warnings.catch_warnings(action="ignore"), PillowImage.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(_EXIF_ORIENTATION) in _EXIF_TURNED
    except (PillowImage.DecompressionBombError, SyntaxError, ValueError) as error:
        raise OSError(str(error)) from error
    return (width, height) if turned else (height, width)


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """The images below a folder, found by the names that annotations use.

    Attributes:
        root: The folder.
        paths: Every file below it with an image's suffix or none, by its relative name with ``/``.
        by_name: The same files by their last part, several where subfolders hold the same name.
        by_content: The same files by what they hold.
    """

    root: Path
    paths: dict[str, Path] = field(repr=False)
    by_name: dict[str, list[str]] = field(repr=False)
    by_content: ByContent = field(repr=False)

    def path_of(self, name: str) -> Path | None:
        """Where the file of an image lies; None where there is none of that name, or several.

        Args:
            name: As `find` takes it.
        """
        file = split_frame(name)[0]
        namesakes = self.by_name.get(PurePosixPath(file).name, [])
        path = self.paths.get(name) or self.paths.get(file)
        return path or (self.paths[namesakes[0]] if len(namesakes) == 1 else self.by_content.find(file))

    def find(self, name: str) -> ImageRef | Absent:
        """The image that an annotation calls ``name``.

        The relative name decides; where there is none of that name, a file of that last part in a
        subfolder is taken if there is exactly one. A neutral name means the file of that content.

        Args:
            name: As written in the annotation.

        Returns:
            The image's reference (size from the header, hash of its bytes), or `Absent` with the reason.
        """
        reason = unsafe_name(name)
        if reason:
            return Absent(f"{printable(name)}: {reason}")
        file, frame = (name, "") if str(PurePosixPath(name)) in self.paths else split_frame(name)
        relative = str(PurePosixPath(file))
        if relative not in self.paths:
            namesakes = self.by_name.get(PurePosixPath(file).name, [])
            if len(namesakes) > 1:
                return Absent(f"{printable(name)}: {len(namesakes)} subfolders hold an image of this name")
            if not namesakes and (path := self.by_content.find(file)) is not None:
                return self._called(path, file, frame)
            if not namesakes:
                return Absent(f"{printable(name)}: not in {self.root}")
            relative = namesakes[0]
        found = None if frame else _from_header(self.paths[relative], relative)
        return found or _from_pixels(self.paths[relative], self.root, f"{relative}{frame}")

    def _called(self, path: Path, name: str, frame: str) -> ImageRef | Absent:
        """A file's reference under another name than its own."""
        own = path.relative_to(self.root).as_posix()
        found = None if frame else _from_header(path, own)
        ref = found or _from_pixels(path, self.root, f"{own}{frame}")
        return ref if isinstance(ref, Absent) else replace(ref, name=f"{name}{frame}")


def _from_header(path: Path, name: str) -> ImageRef | None:
    """The reference of an ordinary image, without decoding it; None for any other file."""
    from spinekit.formats.raster import sniff

    try:
        with path.open("rb") as stream:
            head = stream.read(1024)
        # A DICOM file may begin like a TIFF.
        if head[128:132] == b"DICM" or not sniff(head):
            return None
        height, width = image_size(path)
        return ImageRef(path, height, width, sha256=sha256_of(path), name=name)
    except OSError:
        return None


def _from_pixels(path: Path, root: Path, name: str) -> ImageRef | Absent:
    """The reference of a DICOM file or of one frame, as the image readers give it."""
    from spinekit.formats.reading import read_images

    try:
        refs = [image.ref for image in read_images(path, ReadOptions(root=root))]
    except SpinekitError as error:
        return Absent(str(error))
    named = [ref for ref in refs if ref.name == name]
    if not named:
        return Absent(f"{printable(name)}: the file holds {len(refs)} frames, none of this name")
    return named[0]


def split_frame(name: str) -> tuple[str, str]:
    """A name without its frame, and the frame with its ``#``: ``x.dcm#3`` gives ``x.dcm`` and ``#3``."""
    file, mark, frame = name.rpartition("#")
    return (file, f"#{frame}") if mark and file and frame.isdecimal() else (name, "")


def image_folder(root: Path) -> ImageFolder:
    """Lists the images below ``root``; links are not followed.

    Raises:
        AnnotationError: If the folder does not exist.
    """
    if not root.is_dir():
        raise AnnotationError(f"{root}: no such folder of images -- name the folder that holds the images")
    paths: dict[str, Path] = {}
    by_name: dict[str, list[str]] = {}
    for folder, subfolders, files in os.walk(root):
        subfolders.sort()
        for file in sorted(files):
            path = Path(folder, file)
            if path.suffix.lower() not in FOUND_SUFFIXES and path.suffix:
                continue
            relative = path.relative_to(root).as_posix()
            paths[relative] = path
            by_name.setdefault(file, []).append(relative)
    return ImageFolder(root, paths, by_name, ByContent(paths.values()))


def unsafe_name(name: str) -> str:
    """Why a file name out of an annotation must not be followed; empty where it may."""
    faults = {
        "the file name is empty": not name.strip(),
        "the file name holds a NUL character": "\0" in name,
        "the file name is absolute; only names inside the image folder are followed": name.startswith("/")
        or bool(PureWindowsPath(name).drive),
        "the file name holds a backslash; write folders with /": "\\" in name,
        "the file name climbs out of the image folder": ".." in PurePosixPath(name).parts,
        "the file name is too long": len(name) > 4096,
    }
    return next((reason for reason, true in faults.items() if true), "")


def read_text(path: Path) -> str:
    """The UTF-8 text of an annotation file, without byte-order mark.

    Raises:
        AnnotationError: If it cannot be read, is empty, is not UTF-8, or is larger than 1 GB.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MAX_TEXT_BYTES else b""
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror}) -- check the path") from error
    if size > MAX_TEXT_BYTES:
        raise AnnotationError(f"{path}: {size} bytes are too many for an annotation file -- split it")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise AnnotationError(f"{path}: is UTF-16 text -- save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise AnnotationError(f"{path}: line {line} is not UTF-8 text -- save the file as UTF-8") from error
    if not text.strip():
        raise AnnotationError(f"{path}: is empty -- export the annotations again")
    return text


def csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file with the line each ends on; blank rows are passed over.

    Raises:
        AnnotationError: If the file is not readable CSV.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""))
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise AnnotationError(f"{path}: line {reader.line_num}: {error} -- save it as plain CSV") from error


def number(text: str, where: str) -> float:
    """A finite number out of a cell.

    Args:
        text: The cell.
        where: File and place for the message.

    Raises:
        AnnotationError: If it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise AnnotationError(f"{where}: {printable(text[:40])!r} is not a number -- correct the cell")
    return value


def safe_cell(text: str) -> str:
    """A text cell that no spreadsheet takes for a formula: a leading ``'`` where it would begin one.

    A text that has such a mark of its own gets a second one, so that `plain_cell` gives it back.
    """
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA_STARTS) else text


def plain_cell(text: str) -> str:
    """The text behind `safe_cell`."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA_STARTS) else text


def read_json(path: Path) -> object:
    """The content of a JSON file; NaN, infinities, doubled keys and bottomless nesting are refused.

    Raises:
        AnnotationError: With line and column where the text is broken.
    """
    return parse_json(read_text(path), str(path))


def parse_json(text: str, where: str) -> object:
    """JSON out of a text; see `read_json`.

    Args:
        text: The JSON text.
        where: File, and line or cell where known, for the message.

    Raises:
        AnnotationError: If the text is no strict JSON.
    """

    def refuse(constant: str) -> object:
        raise AnnotationError(f"{where}: holds {constant}, which is no JSON number -- remove it")

    def bounded(digits: str) -> float:
        value = float(digits)
        if math.isinf(value):
            raise AnnotationError(f"{where}: holds {digits[:40]}, which no number reaches -- correct it")
        return value

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(pairs)
        if len(members) < len(pairs):
            doubled = next(key for key, _ in pairs if sum(other == key for other, _ in pairs) > 1)
            raise AnnotationError(f"{where}: the key {printable(doubled)!r} occurs twice -- keep one")
        return members

    try:
        # Only a text that may hold a number beyond all bounds is looked through number by number.
        fractions = bounded if may_overflow(text) else None
        return json.loads(text, parse_constant=refuse, parse_float=fractions, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise AnnotationError(
            f"{where}: line {error.lineno}, column {error.colno}: {error.msg} -- export the file again"
        ) from error
    except RecursionError as error:
        raise AnnotationError(f"{where}: is nested too deeply -- this is no annotation file") from error
    except ValueError as error:
        raise AnnotationError(f"{where}: {error} -- correct the number") from error


def finite(value: object, where: str) -> float:
    """A finite number out of JSON.

    Raises:
        AnnotationError: If it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e9:
        raise AnnotationError(f"{where}: {printable(repr(value)[:40])} is not a coordinate -- correct it")
    return float(value)


def all_labels(schema: Schema) -> tuple[str, ...]:
    """The classes of a schema, then those levels that are no classes."""
    return (*schema.classes, *(level for level in schema.levels if level not in schema.classes))


def label_index(label: str, schema: Schema) -> int:
    """Position of a label among `all_labels`.

    Raises:
        UsageError: If it is none of them.
    """
    try:
        return all_labels(schema).index(label)
    except ValueError:
        raise UsageError(
            f"{label} is no label of {schema.name} -- its labels: {', '.join(all_labels(schema))}"
        ) from None


def class_label(text: str, schema: Schema, where: str) -> str:
    """The class or level of the schema that a label in a file stands for; outer blanks are ignored.

    Raises:
        AnnotationError: If there is none; the message names the nearest and all that are allowed.
    """
    label = text.strip()
    allowed = all_labels(schema)
    if label in allowed:
        return label
    folded = {name.casefold(): name for name in allowed}
    if label.casefold() in folded:
        return folded[label.casefold()]
    near = difflib.get_close_matches(label, allowed, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise AnnotationError(
        f"{where}: {printable(label[:60])!r} is no label of {schema.name} -- "
        f"{hint}allowed: {', '.join(allowed)}"
    )


def in_schema_order(instances: list[Instance], schema: Schema) -> tuple[Instance, ...]:
    """Instances cranial to caudal where the schema has levels, otherwise as they came."""
    rank = {level: index for index, level in enumerate(schema.levels)}
    return tuple(sorted(instances, key=lambda item: rank.get(item.label, len(rank))))


def points_box(xy: FloatArray) -> Box:
    """Left, top, right, bottom of those of (N, 2) points that are not NaN."""
    (left, top), (right, bottom) = np.nanmin(xy, axis=0), np.nanmax(xy, axis=0)
    return float(left), float(top), float(right), float(bottom)
