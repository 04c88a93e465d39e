"""What a format declares of itself.

A module in `spinekit.formats` that holds a module-level ``FORMAT`` is found, listed and documented;
nothing else has to be edited to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from spinekit.core.image import Image
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing

MAX_PIXELS = 200_000_000


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How images are read.

    Attributes:
        spacing: Stated by the user; overrides what the file says.
        max_pixels: Larger images (rows x columns x frames) are refused before decoding.
        root: Folder that names are made relative to; None for the file's own folder.
    """

    spacing: Spacing | None = None
    max_pixels: int = MAX_PIXELS
    root: Path | None = None


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """A kind of image file.

    Attributes:
        name: Short name, e.g. ``dicom``.
        title: One line for people.
        suffixes: Usual suffixes, lower case with dot; content decides, not these.
        sniff: Whether the first 1024 bytes are of this format.
        read: The images of a file, one per frame or page; raises `ReadError` or `SkipFile`.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    sniff: Callable[[bytes], bool]
    read: Callable[[Path, ReadOptions], Iterator[Image]]


@dataclass(frozen=True, slots=True)
class AnnotationFormat:
    """A kind of annotation file or folder.

    Attributes:
        name: Short name as used on the command line, e.g. ``via``.
        title: One line for people.
        keeps: What of a scene survives a write and a read: any of ``labels``, ``boxes``, ``landmarks``,
            ``visibility``, ``outlines``, ``holes``, ``raster``, ``scores``, ``order``, ``spacing``.
        read: Scenes from a file or folder. Arguments: the annotation file or folder, the schema, the
            folder of the images (None: where the annotation says or lies). Raises `AnnotationError`.
        write: Writes scenes below a folder and returns the files written. The scenes may be an iterator.
    """

    name: str
    title: str
    keeps: frozenset[str]
    read: Callable[[Path, Schema, Path | None], Iterator[Scene]] | None = None
    write: Callable[[Iterable[Scene], Path], list[Path]] | None = None
