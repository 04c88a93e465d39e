"""What a person vouches for: the scenes of a run with its review applied."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from spinekit.core.errors import AnnotationError
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.files import printable, sha256_of
from spinekit.formats.neutral import is_neutral
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.review_lines import (
    FILE,
    FOLDER,
    Edit,
    ReviewedImage,
    ReviewHeader,
    ReviewStatus,
    applied,
    read_edits,
    reviewed_image,
    vouched,
)
from spinekit.formats.scenes_line import from_line
from spinekit.formats.sources import ImageFolder, image_folder, parse_json

PREDICTIONS = "predictions.jsonl"


@dataclass(slots=True)
class Record:
    """A review's record, read whole.

    Attributes:
        path: ``edits.jsonl``.
        header: Its first line.
        predictions: The file that was reviewed.
        edits: By image, in their order.
        last: Number of the last edit.
    """

    path: Path
    header: ReviewHeader
    predictions: Path
    edits: dict[str, list[Edit]] = field(default_factory=dict)
    last: int = 0


def review_file(path: Path) -> Path | None:
    """The record of a review that a path stands for; None where it stands for none.

    A run's folder stands for the review in it, a review's folder and its file for themselves.

    Args:
        path: File or folder.

    Raises:
        AnnotationError: If a run holds the readings of several people, of which one must be named.
    """
    if path.is_file():
        return path if path.name == FILE else None
    for folder in (path, path / FOLDER):
        if begun(folder / FILE):
            return folder / FILE
    own = sorted(filter(begun, (path / FOLDER).glob(f"*/{FILE}")))
    own = own or sorted(one for one in path.glob(f"*/{FILE}") if path.name == FOLDER and begun(one))
    if len(own) > 1:
        names = " and ".join(printable(str(one.parent)) for one in own[:4])
        raise AnnotationError(
            f"{printable(str(path))}: holds the readings of {len(own)} people -- name one of them: {names}"
        )
    return own[0] if own else None


def begun(path: Path) -> bool:
    """Whether a record holds a whole line: a page that was only looked at has reviewed nothing."""
    try:
        with path.open("rb") as stream:
            return stream.readline().endswith(b"\n")
    except OSError:
        return False


def read_record(path: Path) -> Record:
    """A review's record with all edits by image.

    Args:
        path: ``edits.jsonl``.

    Raises:
        AnnotationError: If it is broken, or the predictions are not those that were reviewed.
    """
    header, edits = read_edits(path)
    record = Record(path, header, path.parent / header.base)
    try:
        whole = sha256_of(record.predictions)
    except OSError as error:
        raise AnnotationError(
            f"{path}: line 1: {printable(header.base)}: what was reviewed cannot be read ({error.strerror}) -- keep "
            "the review where it was written, in the run's folder"
        ) from error
    if whole != header.sha256:
        raise AnnotationError(
            f"{record.predictions}: has changed since it was reviewed -- put back the file that {FILE} speaks of, or "
            f"begin a new review in another folder"
        )
    for edit in edits:
        record.last = edit.number
        record.edits.setdefault(edit.image, []).append(edit)
    return record


def stands(state: ReviewedImage) -> bool:
    """Whether a person vouches for what is there: it was accepted, or mended and not rejected."""
    mended = any({"instances", "spacing", "strokes"} & set(edit.after) for edit in state.done)
    return state.status is ReviewStatus.ACCEPTED or (state.status is ReviewStatus.OPEN and mended)


def beside(run: Path) -> Record | None:
    """The record of a run's review; None where nobody has reviewed it, or where several have, each apart.

    Raises:
        AnnotationError: If the record is broken.
    """
    path = run / FOLDER / FILE
    return read_record(path) if begun(path) else None


def rejected(edits: list[Edit]) -> bool:
    """Whether a person rejected the image of these edits, told without its scene."""
    said = [edit.after["status"] for edit in edits if "status" in edit.after]
    return bool(said) and said[-1] == ReviewStatus.REJECTED


def replayed(base: Scene, edits: list[Edit], path: Path) -> ReviewedImage:
    """An image with all its edits applied.

    Raises:
        AnnotationError: If an edit is misshapen or one is missing.
    """
    state = reviewed_image(base)
    for edit in edits:
        applied(state, edit, path)
    return state


def read_reviewed(
    path: Path, lines: Iterator[tuple[str, str]], record: Record, schema: Schema, options: LabelOptions
) -> Iterator[Scene]:
    """The scenes that a person vouches for, in the order of the predictions; what is left out is told.

    Args:
        path: As the user names it.
        lines: Of the predictions, each with its place.
        record: Of the review.
        schema: Must have the fingerprint that the lines name.
        options: Folder of the images, and who is told.

    Raises:
        AnnotationError: If a line or an edit is broken.
    """
    images = options.images or images_of(record.predictions.parent) or record.predictions.parent
    left: Counter[str] = Counter()
    waiting = dict(record.edits)
    for text, where in lines:
        scene = from_line(text, schema, images, where)
        edits = waiting.pop(scene.image.name, None)
        if edits is None:
            left["not reviewed"] += 1
            continue
        yield from _vouched(replayed(scene, edits, record.path), record, left)
    for name, edits in waiting.items():
        where = f"{record.path}: edit {edits[0].number} of {printable(name)}"
        scene = from_line(base_line(edits[0], where), schema, images, where)
        yield from _vouched(replayed(scene, edits, record.path), record, left)
    taken = {name: count for name, count in left.items() if name in _TAKEN}
    rest = {name: count for name, count in left.items() if name not in _TAKEN}
    words = ", ".join(f"{count} {name}" for name, count in taken.items()) or "nothing yet"
    out = f"; left out {', '.join(f'{count} {name}' for name, count in rest.items())}" if rest else ""
    raw = printable(os.path.normpath(record.predictions))
    options.notice(
        f"{printable(str(path))}: read as reviewed ({words}{out}) -- name {raw} for what the model said"
    )


_TAKEN = frozenset({"accepted", "mended without being accepted"})


def _vouched(state: ReviewedImage, record: Record, told: Counter[str]) -> Iterator[Scene]:
    if stands(state):
        accepted = state.status is ReviewStatus.ACCEPTED
        told["accepted" if accepted else "mended without being accepted"] += 1
        yield vouched(state, record.header.reader)
    else:
        told["rejected" if state.status is ReviewStatus.REJECTED else "not reviewed"] += 1


def base_line(edit: Edit, where: str) -> str:
    """The line of the scene that an image without a prediction begins from.

    Raises:
        AnnotationError: If its first edit does not hold one.
    """
    if edit.base is None:
        raise AnnotationError(f"{where}: is of no image of the predictions -- take the file from its backup")
    return json.dumps(edit.base, ensure_ascii=False)


def placed(scenes: Iterable[Scene], images: Path | None) -> Iterator[Scene]:
    """Scenes; those whose film goes by a neutral name with its place among the films that the user names.

    Args:
        scenes: As read from lines.
        images: Where the user says that the films are, or None; looked through when the first such name comes.
    """
    folder: ImageFolder | None = None
    for scene in scenes:
        if images is not None and is_neutral(scene.image.name):
            folder = folder or image_folder(images)
            path = folder.path_of(scene.image.name)
            yield scene if path is None else replace(scene, image=replace(scene.image, path=path))
        else:
            yield scene


def images_of(run: Path) -> Path | None:
    """The folder that a run's images are named from, as ``run.json`` says; None where it does not.

    Args:
        run: Folder of the run.
    """
    try:
        content = parse_json((run / "run.json").read_text("utf-8"), "run.json")
    except (OSError, UnicodeDecodeError, AnnotationError):
        return None
    places = content.get("images") if isinstance(content, dict) else None
    return _root(run, places) if isinstance(places, list) else None


def _root(run: Path, places: list[object]) -> Path | None:
    """The nearest folder that holds all sources; names of images are relative to it."""
    folders = [run / place for place in places if isinstance(place, str) and "\0" not in place]
    folders = [place if place.is_dir() else place.parent for place in folders]
    if not folders:
        return None
    try:
        return Path(os.path.commonpath([os.path.abspath(folder) for folder in folders]))  # noqa: PTH100
    except ValueError:
        return None
