"""spinekit's own lines: one scene a line of JSON, nothing lost.

Every line names the format and its version, the schema with its fingerprint (and its names, where it is
none of those that ship), and the image by its name, size, spacing with origin, and hash; never by its place
on this machine. An absent point is ``null``;
no line holds NaN. A run that a person has reviewed is read as reviewed: what the person vouches for, and nothing
else (`spinekit.formats.reviewed`). Rasters are runs of equal class indices, row by row; a probability is its float32
bytes, packed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from spinekit.core.errors import AnnotationError
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.files import atomic_path
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions, Vocabulary
from spinekit.formats.reviewed import PREDICTIONS as FILE
from spinekit.formats.reviewed import images_of, placed, read_record, read_reviewed, review_file
from spinekit.formats.scenes_line import NAME, from_line, to_line
from spinekit.formats.scenes_schema import schema_from_json
from spinekit.formats.sources import parse_json

__all__ = ["FORMAT", "from_line", "read", "to_line", "write"]

_BEGINNING = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"format"\s*:\s*"spinekit-(scene|review)"')


def write(scenes: Iterable[Scene], out: Path) -> list[Path]:
    """Writes ``predictions.jsonl`` below a folder, one scene at a time."""
    target = out / FILE
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for scene in scenes:
            stream.write(f"{to_line(scene)}\n")
    return [target]


def detect(path: Path) -> bool:
    """Whether a file, or ``predictions.jsonl`` or a review in a folder, begins with a line of this format."""
    try:
        path = (review_file(path) or path / FILE) if path.is_dir() else path
    except AnnotationError:
        return True  # readings of several people, of which `read` asks for one
    try:
        with path.open("rb") as stream:
            return _BEGINNING.match(stream.read(4096)) is not None
    except OSError:
        return False


def vocabulary(path: Path, options: LabelOptions = AS_IT_LIES) -> Vocabulary | None:
    """The schema of the first line; None where there is no line, or none that names a schema at hand.

    Raises:
        AnnotationError: If the first line is broken.
    """
    del options
    review = review_file(path)
    path = read_record(review).predictions if review else path / FILE if path.is_dir() else path
    for text, where in _lines(path):
        content = parse_json(text, where)
        if not isinstance(content, dict):
            raise AnnotationError(f"{where}: is no {NAME} -- name a file that spinekit wrote")
        try:
            schema = schema_from_json(content["schema"])
        except (KeyError, TypeError, ValueError) as error:
            raise AnnotationError(f"{where}: its schema is misshapen ({error}) -- write it again") from error
        if schema is None:
            return None
        return Vocabulary(schema.task, schema.classes, schema.landmark_names, schema.edges, schema)
    return None


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The scenes of a file of lines, in its order.

    Args:
        path: The file, or the folder that holds ``predictions.jsonl``, or a review.
        schema: Must have the fingerprint that the lines name.
        options: The folder of the images, and who is told what was passed over.

    Raises:
        AnnotationError: If a line is broken, of a newer version or of another schema.
    """
    review = review_file(path)
    if review is not None:
        record = read_record(review)
        lines = _lines(record.predictions)
        yield from placed(read_reviewed(path, lines, record, schema, options), options.images)
        return
    path = path / FILE if path.is_dir() else path
    images = options.images or images_of(path.parent) or path.parent
    lines = _lines(path)
    yield from placed((from_line(text, schema, images, where) for text, where in lines), options.images)


def read_mixed(path: Path, images: Path) -> Iterator[Scene]:
    """The scenes of a file of lines, each under the schema that its line names.

    Args:
        path: ``predictions.jsonl``; a review beside it is not looked at.
        images: Folder of the images.

    Raises:
        AnnotationError: If a line is broken, or names a schema that is not at hand.
    """
    for text, where in _lines(path):
        content = parse_json(text, where)
        schema = None
        if isinstance(content, dict) and isinstance(content.get("schema"), dict):
            try:
                schema = schema_from_json(content["schema"])
            except (KeyError, TypeError, ValueError) as error:
                raise AnnotationError(
                    f"{where}: its schema is misshapen ({error}) -- write it again"
                ) from error
        if schema is None:
            raise AnnotationError(
                f"{where}: names a schema that is not at hand -- write it with this spinekit"
            )
        yield from_line(text, schema, images, where)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Each line that is not blank, with its place."""
    try:
        with path.open("rb") as stream:
            for index, line in enumerate(stream, 1):
                where = f"{path}: line {index}"
                try:
                    text = line.decode("utf-8-sig")
                except UnicodeDecodeError as error:
                    raise AnnotationError(f"{where}: is not UTF-8 text -- write the file again") from error
                if text.strip():
                    yield text, where
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror}) -- check the path") from error


FORMAT = AnnotationFormat(
    name="scenes",
    title="spinekit's own lines of JSON, one scene each, nothing lost",
    keeps=frozenset(
        {
            "labels",
            "boxes",
            "rectangles",
            "landmarks",
            "visibility",
            "outlines",
            "holes",
            "raster",
            "scores",
            "order",
            "spacing",
            "readers",
            "covariates",
            "groups",
        }
    ),
    read=read,
    write=write,
    detect=detect,
    vocabulary=vocabulary,
)
