"""Whether something is a YOLO data set, and what its classes and keypoints are called."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from spinekit.core.errors import SpinekitError
from spinekit.formats.plugin import AS_IT_LIES, LabelOptions, Vocabulary
from spinekit.formats.yolo_layout import (
    IMAGE_FOLDERS,
    LABEL_FOLDERS,
    MASK_FOLDER,
    data_set,
    holds_rows,
    label_files,
)
from spinekit.formats.yolo_settings import DARKNET, LISTS_OF_NAMES, is_settings, settings_file

_PEEKED_FILES = 50
_PEEKED_FOLDERS = 200
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".JPG", ".PNG")


def detect(path: Path) -> bool:
    """Whether a path is a YOLO data set: settings that name classes, or label files with rows of numbers."""
    try:
        return _is_settings_file(path) if path.is_file() else path.is_dir() and _is_data_set(path)
    except SpinekitError:
        return True  # several settings, of which reading will ask for one
    except OSError:
        return False


def vocabulary(path: Path, options: LabelOptions = AS_IT_LIES) -> Vocabulary | None:
    """Class names, and the names of keypoints where there are some; None where numbers are all there is."""
    data = data_set(path, options.images)
    settings = data.settings
    if not settings.names:
        return None
    classes = tuple(settings.names.values())
    if settings.keypoints:
        sets = settings.keypoint_names
        points = tuple(dict.fromkeys(name for names in sets.values() for name in names))
        return Vocabulary("pose", classes, points) if points else None
    texts = label_files(data.folder)
    if settings.masks or (not texts and (data.folder / MASK_FOLDER).is_dir()):
        return Vocabulary("sem", classes)
    shaped = any(_has_polygons(text) for text in texts[:_PEEKED_FILES])
    return Vocabulary("seg" if shaped else "detect", classes)


def _is_settings_file(path: Path) -> bool:
    return path.name == DARKNET or (path.suffix.lower() in {".yaml", ".yml"} and is_settings(path))


def _is_data_set(folder: Path) -> bool:
    stated = settings_file(folder)
    if stated is not None and _is_settings_file(stated):
        return True
    verdicts = [holds_rows(text) for text in islice(_texts(folder, stated is not None), _PEEKED_FILES)]
    return verdicts.count(True) > verdicts.count(False)


def _texts(folder: Path, stated: bool) -> Iterator[Path]:
    """Text files that are labels by their place: in a label folder, beside an image of their name, or ``stated``."""
    inner = any(path.name.casefold() in LABEL_FOLDERS for path in folder.iterdir())
    outer = () if inner else (folder.name,)
    for parent, folders, files in islice(os.walk(folder), _PEEKED_FOLDERS):
        place = Path(parent)
        folders[:] = sorted(name for name in folders if not _is_its_own(place / name))
        named = any(part.casefold() in LABEL_FOLDERS for part in (*outer, *place.relative_to(folder).parts))
        for name in sorted(files):
            text = place / name
            if text.suffix.lower() != ".txt" or name in LISTS_OF_NAMES:
                continue
            beside = any(text.with_suffix(suffix).name in files for suffix in _IMAGE_SUFFIXES)
            if named or beside or (stated and holds_rows(text) is not False):
                yield text


def _is_its_own(folder: Path) -> bool:
    """Whether a folder within a folder is a data set by itself: it says what its classes are called.

    A folder of labels may hold the list of names and is no data set for that.
    """
    try:
        if settings_file(folder) is None:
            return False
        inner = {path.name.casefold() for path in folder.iterdir() if path.is_dir()}
    except (SpinekitError, OSError):
        return False
    return folder.name.casefold() not in LABEL_FOLDERS or bool(inner & (LABEL_FOLDERS | IMAGE_FOLDERS))


def _has_polygons(path: Path) -> bool:
    """Whether a label file has rows of more than a box."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as stream:
            return any(len(line.split()) > 5 for line in islice(stream, 100))
    except OSError:
        return False
