"""Writing whole data sets: images beside annotations of one format, and a table of where each came from."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.core.scene import Scene
from spinekit.files import atomic_path, printable
from spinekit.formats.plugin import AnnotationFormat
from spinekit.formats.registry import annotation_format, annotation_formats
from spinekit.formats.sources import safe_cell
from spinekit.runs import claim_folder

IMAGES = "images"
LOSSLESS = "scenes"


@dataclass(frozen=True, slots=True)
class Written:
    """A data set that was written.

    Attributes:
        out: Its folder: ``images/``, annotations, ``sources.csv``.
        format: Of the annotations.
        images: How many images.
        files: Annotation files.
    """

    out: Path
    format: str
    images: int
    files: tuple[Path, ...]


def target_format(name: str | None, source: AnnotationFormat | None = None) -> AnnotationFormat:
    """The format to write.

    Args:
        name: As the user says, or None for the source's own, and lossless lines where that cannot be written.
        source: The format that was read, or None.

    Raises:
        UsageError: If the format named can only be read.
    """
    if name is None:
        return source if source is not None and source.write is not None else annotation_format(LOSSLESS)
    form = annotation_format(name)
    if form.write is None:
        known = ", ".join(item.name for item in annotation_formats() if item.write is not None)
        raise UsageError(f"--to {form.name}: it can be read, not written -- choose one of {known}")
    return form


def lost_content(scene: Scene, keeps: frozenset[str]) -> set[str]:
    """What of a scene a format cannot keep, of the things that a label consists of.

    Args:
        scene: To be written.
        keeps: Of the format.
    """
    holds = {
        "landmarks": any(item.landmarks is not None for item in scene.instances),
        "visibility": any(
            item.landmarks is not None and bool((item.landmarks.visibility == 1).any())
            for item in scene.instances
        ),
        "outlines": any(item.outline is not None for item in scene.instances),
        "holes": any(item.outline is not None and item.outline.holes for item in scene.instances),
        "raster": scene.raster is not None,
        "readers": any(item.reader for item in scene.instances),
        "groups": bool(scene.group),
        "covariates": bool(scene.covariates),
        "spacing": scene.image.spacing is not None,
    }
    return {what for what, there in holds.items() if there and what not in keeps}


@contextmanager
def whole_folder(out: Path, sources: Sequence[Path]) -> Iterator[Path]:
    """A data set that appears whole or not at all: what fails or is interrupted leaves nothing behind.

    Args:
        out: The folder to be, new or empty.
        sources: Data sets that are read meanwhile.

    Yields:
        A folder to write into, which takes the place of ``out`` at the end.

    Raises:
        UsageError: If the folder holds something, or lies inside a data set that is read.
        EnvironmentFaultError: If it cannot be written.
    """
    shown = printable(str(out))
    if any(source.is_dir() and source.resolve() in out.resolve().parents for source in sources):
        raise UsageError(f"--out {shown}: lies inside the input -- name a folder outside of it")
    there = out.exists()
    claim_folder(out)
    scratch: Path | None = None
    try:
        scratch = Path(tempfile.mkdtemp(dir=out.resolve().parent, prefix=f".{out.name}."))
        yield scratch
        scratch.chmod(0o755)
        scratch.replace(out.resolve())
    except BaseException as error:
        if not there:
            out.rmdir()
        if isinstance(error, OSError):
            raise EnvironmentFaultError(f"{shown}: cannot be written ({error.strerror})") from error
        raise
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def table(path: Path, header: Sequence[str]) -> Iterator[TableWriter]:
    """A CSV table written row by row, whole or not at all.

    Args:
        path: Of the table.
        header: Names of the columns.

    Yields:
        What takes the rows.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = TableWriter(stream)
        writer.row(*header)
        yield writer


@dataclass(frozen=True, slots=True)
class TableWriter:
    """Takes the rows of a table; no cell can become a formula."""

    stream: IO[str]

    def row(self, *cells: object) -> None:
        """One row."""
        csv.writer(self.stream, lineterminator="\n").writerow([safe_cell(str(cell)) for cell in cells])


def write_annotations(
    form: AnnotationFormat, scenes: Iterable[Scene], out: Path, not_kept: Counter[str]
) -> tuple[Path, ...]:
    """Writes scenes by a format's writer, one at a time.

    Args:
        form: The format.
        scenes: Of one schema.
        out: Folder to write below.
        not_kept: Counts the images of which the format cannot keep something, by what that is.

    Raises:
        UsageError: If the format can only be read.
    """

    def counted() -> Iterator[Scene]:
        for scene in scenes:
            not_kept.update(lost_content(scene, form.keeps_of(scene.schema.task)))
            yield scene

    if form.write is None:
        raise UsageError(f"format {form.name}: it can be read, not written -- see spinekit formats")
    return tuple(form.write(counted(), out))
