"""The text files of the ISBI 2014/15 cephalometric challenge: one for each film and reader.

19 lines ``x,y`` in whole pixels, then lines of a single digit: the classes of eight measurements by the
challenge's own thresholds, which spinekit computes itself and passes over. The files of the junior and the senior
reader have the same names in two folders; a folder's name that holds ``junior`` or ``senior`` names the reader,
otherwise, where there are several, the folder's own name does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import FloatArray
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.sources import ImageFolder, number, read_text

POINTS = 19
_KNOWN_READERS = ("junior", "senior")
_MAX_BYTES = 4096
_PEEKED_FILES = 5
_MAX_READERS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """All points of one film.

    Attributes:
        name: Of the film, as the annotation has it.
        place: File, and line where there are several films in one, for messages.
        readings: (19, 2) px by reader, None where there is but one; NaN where absent.
    """

    name: str
    place: str
    readings: Mapping[str | None, FloatArray]


def label_files(path: Path) -> dict[str | None, dict[str, Path]]:
    """Text files of points by reader and film's stem.

    Args:
        path: One file, their folder, or the folder above those of several readers.

    Returns:
        Nothing where there are none; one reader is None unless the folder names it.
    """
    if path.is_file():
        return {_known(path.parent): {path.stem: path}}
    below = (folder for folder in sorted(path.iterdir()) if folder.is_dir())
    filled: dict[Path, dict[str, Path]] = {}
    for folder in (path, *islice(below, _MAX_READERS)):
        files = sorted(folder.glob("*.txt"))
        if any(is_points(file) for file in files[:_PEEKED_FILES]):
            filled[folder] = {file.stem: file for file in files}
    if len(filled) == 1:
        return {_known(folder): files for folder, files in filled.items()}
    return {_known(folder) or folder.name: files for folder, files in filled.items()}


def read_films(path: Path, images: ImageFolder, options: LabelOptions) -> Iterator[Film]:
    """Every film with the points of all its readers, by name.

    Args:
        path: See `label_files`.
        images: Gives the suffix of a film, which the text files do not tell.
        options: Says who is told of text files that are none of points.

    Raises:
        AnnotationError: If a file is broken; the message gives its line.
    """
    readers = label_files(path)
    stems: dict[str, list[str]] = {}
    for name in images.paths:
        stems.setdefault(Path(name).stem, []).append(name)
    for stem in sorted({stem for files in readers.values() for stem in files}):
        own = {reader: files[stem] for reader, files in readers.items() if stem in files}
        for reader, file in list(own.items()):
            if _is_prose(file):
                options.notice(f"{file}: holds no points -- passed over")
                del own[reader]
        if not own:
            continue
        place = ", ".join(str(file) for file in own.values())
        name = stems[stem][0] if len(stems.get(stem, ())) == 1 else f"{stem}.bmp"
        yield Film(name, place, {reader: read_points(file) for reader, file in own.items()})


def read_points(path: Path) -> FloatArray:
    """The (19, 2) points of a file, px.

    Raises:
        AnnotationError: If it holds others than 19, or its further lines are no classes.
    """
    lines = [
        (index, line.strip()) for index, line in enumerate(read_text(path).splitlines(), 1) if line.strip()
    ]
    points = [pair for pair in lines if "," in pair[1]]
    if len(points) != POINTS or points != lines[:POINTS]:
        raise AnnotationError(
            f"{path}: begins with {_leading(lines)} lines x,y -- 19 are needed, one a point"
        )
    wrong = next(((index, line) for index, line in lines[POINTS:] if not line.isdecimal()), None)
    if wrong is not None:
        raise AnnotationError(f"{path}: line {wrong[0]} is neither x,y nor a class of one digit -- remove it")
    xy = np.empty((POINTS, 2))
    for row, (index, line) in enumerate(points):
        cells = line.split(",")
        if len(cells) != 2:
            raise AnnotationError(f"{path}: line {index} has {len(cells)} numbers -- write x,y")
        xy[row] = [number(cell, f"{path}: line {index}") for cell in cells]
    return xy


def is_points(path: Path) -> bool:
    """Whether a file begins like one of points: lines of two numbers and a comma, at least 19 of them."""
    if path.suffix.lower() != ".txt" or not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            text = stream.read(_MAX_BYTES).decode("ascii")
    except (OSError, UnicodeDecodeError):
        return False
    lines = [line.split(",") for line in text.splitlines() if line.strip()][:POINTS]
    return len(lines) == POINTS and all(len(line) == 2 and all(map(_is_number, line)) for line in lines)


def _is_prose(path: Path) -> bool:
    """Whether a file does not even begin with a pair of numbers."""
    text = read_text(path)
    return not all(map(_is_number, text.split("\n", 1)[0].split(",")))


def _leading(lines: list[tuple[int, str]]) -> int:
    """How many lines there are before the first that is no pair."""
    return next((place for place, (_, line) in enumerate(lines) if "," not in line), len(lines))


def _known(folder: Path) -> str | None:
    """The reader that a folder's name tells, or None."""
    return next((reader for reader in _KNOWN_READERS if reader in folder.name.casefold()), None)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
