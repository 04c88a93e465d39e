"""Train, val and test parts that never share a patient, fixed once by a hash and kept in a table."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.image import FloatArray, UInt8Array
from spinekit.files import write_text
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.reading import read_images
from spinekit.formats.registry import annotation_format
from spinekit.formats.sources import plain_cell, safe_cell
from spinekit.schemas import load_schema

PARTS = ("train", "val", "test")
_THUMBNAIL = 32
_ROWS = 512
_DUPLICATE = 0.984  # correlation of thumbnails: films of one visit reach 0.978, retakes exceed this


def part_of(group: str, salt: str, shares: tuple[float, float, float]) -> str:
    """The part of a group, by a hash alone: the same on every machine, and unmoved by other groups.

    Args:
        group: Patient, visit or series.
        salt: Name of the data set, so that the same number elsewhere falls anew.
        shares: Of train, val and test; they add up to 1.
    """
    digest = hashlib.sha256(f"{salt}/{group}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position < shares[0]:
        return "train"
    return "val" if position < shares[0] + shares[1] else "test"


def thumbnail(pixels: UInt8Array) -> FloatArray:
    """A (1024,) description of a film of unit length, the same under changes of size and brightness."""
    small = cv2.resize(pixels, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float64)
    centred = (small - small.mean()).ravel()
    return np.asarray(centred / (np.linalg.norm(centred) or 1.0))


def join_duplicates(names: Sequence[str], groups: Sequence[str], thumbnails: FloatArray) -> list[str]:
    """Groups with those joined that hold near-duplicate films; a joined group takes its first name.

    Args:
        names: N films.
        groups: Their N groups.
        thumbnails: (N, D) of `thumbnail`.
    """
    root = {group: group for group in groups}

    def find(group: str) -> str:
        while root[group] != group:
            group = root[group]
        return group

    # A few rows of the table of likenesses at a time: whole, it would fill the memory of a large set.
    for start in range(0, len(names), _ROWS):
        likeness = thumbnails[start : start + _ROWS] @ thumbnails[start:].T
        for i, j in np.argwhere(np.triu(likeness > _DUPLICATE, k=1)).tolist():
            first, second = sorted((find(groups[start + i]), find(groups[start + j])))
            root[second] = first
    return [find(group) for group in groups]


def split(
    films: Iterable[tuple[str, str, UInt8Array]], salt: str, shares: tuple[float, float, float]
) -> dict[str, tuple[str, str]]:
    """Part and group of every film.

    Args:
        films: Name, group and grey pixels of each.
        salt: Name of the data set.
        shares: Of train, val and test.

    Returns:
        ``{name: (part, group)}`` in the order given.
    """
    names, groups, thumbnails = [], [], []
    for name, group, pixels in films:
        names.append(name)
        groups.append(group or name)
        thumbnails.append(thumbnail(pixels))
    joined = join_duplicates(names, groups, np.array(thumbnails))
    return {name: (part_of(g, salt, shares), g) for name, g in zip(names, joined, strict=True)}


def write_split(path: Path, parts: Mapping[str, tuple[str, str]]) -> None:
    """Writes ``name,group,part`` rows, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("name", "group", "part"))
    writer.writerows((safe_cell(name), safe_cell(group), part) for name, (part, group) in parts.items())
    write_text(path, text.getvalue())


def read_split(path: Path) -> dict[str, str]:
    """The part of each film by name.

    Raises:
        AnnotationError: If the table is missing or holds an unknown part, with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise AnnotationError(
            f"{path}: no split table here -- write one with name,group,part rows"
        ) from error
    parts: dict[str, str] = {}
    for number, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        name, part = row.get("name"), row.get("part")
        if not name or part not in PARTS:
            raise AnnotationError(f"{path}, line {number}: part {part!r} -- it must be train, val or test")
        parts[plain_cell(name)] = part
    return parts


def split_labelled(
    data: Path, data_format: str, schema: str, images: Path | None, salt: str, shares: tuple[float, float]
) -> dict[str, tuple[str, str]]:
    """Part and group of every labelled film of a data set.

    Args:
        data: Folder or file of the annotations.
        data_format: Their format.
        schema: Name of the landmark or class set.
        images: Folder of the images, or None where the format knows.
        salt: Name of the data set.
        shares: Of train and val; test is the rest.

    Raises:
        UsageError: If the shares leave nothing for test, or the format cannot be read.
    """
    rest = 1.0 - sum(shares)
    if rest <= 0:
        raise UsageError(
            f"train {shares[0]:g} and val {shares[1]:g} leave nothing for test -- lower one of them"
        )
    reader = annotation_format(data_format).read
    if reader is None:
        raise UsageError(f"format {data_format}: it can be written, not read -- see spinekit formats")
    scenes = reader(data, load_schema(schema), LabelOptions(images))
    films = ((scene.image.name, scene.group, next(read_images(scene.image.path)).pixels) for scene in scenes)
    return split(films, salt, (shares[0], shares[1], rest))
