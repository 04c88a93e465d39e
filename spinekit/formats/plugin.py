"""What a format declares of itself.

A module in `spinekit.formats` that holds a module-level ``FORMAT`` is found, listed and documented;
nothing else has to be edited to add one. That of an image format begins its line with ``FORMAT = ImageFormat(``:
by that line it is found without loading the formats of labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spinekit.core.image import Image
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing

MAX_PIXELS = 200_000_000
MAX_BYTES = 2 << 30
WHOLE_RANGE = "full"


@dataclass(frozen=True, slots=True)
class WindowChoice:
    """Which window of its values a DICOM image is shown by; see `spinekit.formats.reading.parse_window`.

    Attributes:
        centre: Of a window stated in numbers, after the modality transformation.
        width: Likewise, 1 or more; 0 where a name counts.
        name: Number (from 1) or name of one of the file's own windows, or `WHOLE_RANGE`: from the lowest to the
            highest value of the pixels that count.
    """

    centre: float = 0.0
    width: float = 0.0
    name: str = ""

    def __str__(self) -> str:
        """As a user writes it."""
        return self.name or f"{self.centre:g},{self.width:g}"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How images are read.

    Attributes:
        spacing: Stated by the user; overrides what the file says.
        max_pixels: Larger images (rows x columns x frames) are refused before decoding.
        root: Folder that names are made relative to; None for the file's own folder.
        window: Which window a DICOM image is shown by; None for the file's own.
        max_bytes: Larger files are refused before they are opened.
    """

    spacing: Spacing | None = None
    max_pixels: int = MAX_PIXELS
    root: Path | None = None
    window: WindowChoice | None = None
    max_bytes: int = MAX_BYTES


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


def _unheard(_: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class LabelOptions:
    """How annotations are read.

    Attributes:
        images: Folder of the images; None where the annotation says or where they lie beside it.
        class_attribute: Attribute that holds the class, where a format leaves the choice to its user (VIA);
            None to find it by its values.
        allow_missing: Whether an annotated image that is not there is passed over rather than an error.
        notice: Told, in one line each (file, place, what, why), of everything passed over, clipped or repaired.
    """

    images: Path | None = None
    class_attribute: str | None = None
    allow_missing: bool = True
    notice: Callable[[str], None] = field(default=_unheard, repr=False, compare=False)


AS_IT_LIES = LabelOptions()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that an annotation file itself uses, from which a schema can be made.

    Attributes:
        task: ``pose``, ``seg``, ``detect`` or ``sem``: what most of its shapes are good for.
        classes: In the file's own order where it has one, otherwise sorted.
        landmarks: Likewise; empty where instances have no named points.
        edges: Pairs of landmarks that the file joins.
        schema: The very schema, where the file names or holds one whole; it then counts, not the rest.
    """

    task: str
    classes: tuple[str, ...]
    landmarks: tuple[str, ...] = ()
    edges: tuple[tuple[str, str], ...] = ()
    schema: Schema | None = None


@dataclass(frozen=True, slots=True)
class AnnotationFormat:
    """A kind of annotation file or folder.

    Attributes:
        name: Short name as used on the command line, e.g. ``via``.
        title: One line for people.
        keeps: What of a scene survives a write and a read: any of `KEEPABLE`.
        keeps_by_task: What survives besides where the schema is of that task (``detect``: ``rectangles``).
        read: Scenes from a file or folder, one at a time. Raises `AnnotationError`.
        write: Writes scenes below a folder and returns the files written. The scenes may be an iterator.
        detect: Whether a file or folder is of this format, judged by its content alone and cheaply; never
            raises. None for a format that can only be written.
        vocabulary: The names that a file or folder uses; None (the function or its answer) where it holds
            none and a schema must be named (points whose order is their name, class numbers without a list).
        images: Folder below the one that is written in which the images must lie, named as in the labels, for
            the data set to be whole; empty for labels that stand alone.
    """

    name: str
    title: str
    keeps: frozenset[str]
    read: Callable[[Path, Schema, LabelOptions], Iterator[Scene]] | None = None
    write: Callable[[Iterable[Scene], Path], list[Path]] | None = None
    detect: Callable[[Path], bool] | None = None
    vocabulary: Callable[[Path, LabelOptions], Vocabulary | None] | None = None
    images: str = ""
    keeps_by_task: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def keeps_of(self, task: str) -> frozenset[str]:
        """All that survives where the schema is of that task."""
        return self.keeps | self.keeps_by_task.get(task, frozenset())

    @property
    def may_keep(self) -> frozenset[str]:
        """All that survives under one task or another."""
        return self.keeps.union(*self.keeps_by_task.values())


KEEPABLE: dict[str, str] = {
    "labels": "what each thing is called",
    "boxes": "a box of its own beside the shape",
    "rectangles": "things of which only a box is known",
    "landmarks": "named points",
    "visibility": "which points are hidden",
    "outlines": "shapes",
    "holes": "holes in shapes",
    "raster": "a class for every pixel",
    "scores": "how certain a model was",
    "order": "the order of things",
    "spacing": "pixel spacing with its origin",
    "readers": "who of several readers said it",
    "covariates": "age and sex",
    "groups": "what must stay together in a split",
}
