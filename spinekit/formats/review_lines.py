"""A person's review of predictions: an append-only record, ``edits.jsonl``, and what it makes of the scenes.

The first line says what was reviewed. Every further line is one edit: of which image, by whom, when, and what it
changed, before and after. The predictions themselves are never touched: what stands now is the predictions with the
edits applied in their order, so that a record that was cut off in the middle of a line has lost nothing else.

A part of an image's state is ``{"instances": {key: instance or null}, "strokes": {key: stroke or null},
"status": ..., "comment": ..., "spacing": ...}`` with only what an edit changed. The key of a predicted instance is
its place in the prediction; those that a person adds have keys of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from spinekit.core.brush import Stroke, painted
from spinekit.core.errors import AnnotationError
from spinekit.core.landmarks import Landmarks
from spinekit.core.scene import Author, Instance, Raster, Scene
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.files import printable
from spinekit.formats.scenes_line import instance_from_json
from spinekit.formats.sources import in_schema_order, parse_json

NAME = "spinekit-review"
VERSION = 1
FILE = "edits.jsonl"
FOLDER = "review"
_MISSHAPEN = (KeyError, TypeError, ValueError, IndexError, AttributeError)

Json = dict[str, Any]


class ReviewStatus(StrEnum):
    """What a person says of an image as a whole."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ReviewHeader:
    """What was reviewed.

    Attributes:
        base: Path of the predictions, relative to the record's folder.
        sha256: Of their bytes when the review began.
        reader: Whose reading this is; empty where the whole team reviews together.
    """

    base: str
    sha256: str
    reader: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """One step of a review.

    Attributes:
        number: From 1 on, in the order of the record.
        image: Name of the image.
        version: Of the image's state after this edit; its first edit makes version 1.
        who: Says so.
        when: Time in UTC, ISO 8601.
        action: What was done, in a word or two.
        before: The parts that were changed, as they were.
        after: The same parts as they are now.
        undoes: Number of the edit that this one takes back, or None.
        redoes: Number of the edit that this one does again, or None.
        base: The scene that the edits begin from, where the image has no prediction; in its first edit alone.
    """

    number: int
    image: str
    version: int
    who: str
    when: str
    action: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    undoes: int | None = None
    redoes: int | None = None
    base: Mapping[str, Any] | None = None


@dataclass(slots=True)
class ReviewedImage:
    """What stands of one image; changed by `apply` alone.

    Attributes:
        base: The prediction, or a scene without instances.
        items: Instances by key, in the order in which they came.
        status: What was said of the whole.
        comment: A person's words, or empty.
        spacing: As a person calibrated it; None for the prediction's own.
        strokes: What a person painted on a semantic answer, by key, in order.
        version: Number of edits so far.
        done: Edits that can be undone, the latest last.
        undone: Edits that can be done again, the latest last.
    """

    base: Scene
    items: dict[str, Instance]
    status: ReviewStatus = ReviewStatus.OPEN
    comment: str = ""
    spacing: Spacing | None = None
    strokes: dict[str, Stroke] = field(default_factory=dict)
    version: int = 0
    done: list[Edit] = field(default_factory=list)
    undone: list[Edit] = field(default_factory=list)

    @property
    def touched(self) -> bool:
        """Whether anything stands that the prediction did not say."""
        return bool(self.done)

    @property
    def scene(self) -> Scene:
        """The scene as it stands, unchanged instances as the model gave them."""
        image = self.base.image if self.spacing is None else replace(self.base.image, spacing=self.spacing)
        items = in_schema_order(list(self.items.values()), self.base.schema)
        return replace(self.base, image=image, instances=items, raster=self._raster())

    def copied(self) -> ReviewedImage:
        """The same as it stands now; edits that come later do not change it."""
        return replace(
            self,
            items=dict(self.items),
            strokes=dict(self.strokes),
            done=list(self.done),
            undone=list(self.undone),
        )

    def _raster(self) -> Raster | None:
        """The semantic answer with all that was painted; a probability is the model's alone and falls away."""
        raster = self.base.raster
        if raster is None or raster.labels is None or not self.strokes:
            return raster
        labels = raster.labels.copy()
        for stroke in self.strokes.values():
            labels[painted(stroke.way, stroke.radius, *labels.shape)] = stroke.label
        return Raster(labels)

    def apply(self, edit: Edit) -> None:
        """Takes an edit over.

        Raises:
            KeyError, TypeError, ValueError, IndexError, AttributeError: If its content is misshapen; nothing is
                changed then.
        """
        part = edit.after
        items = {
            _key(key): None if content is None else instance_from_json(content)
            for key, content in part.get("instances", {}).items()
        }
        status = ReviewStatus(part.get("status", self.status))
        comment = str(part.get("comment", self.comment))
        spacing = _spacing(part["spacing"]) if "spacing" in part else self.spacing
        strokes = {_key(key): _stroke(content) for key, content in part.get("strokes", {}).items()}
        for key, item in items.items():
            if item is None:
                self.items.pop(key, None)
            else:
                self.items[key] = item
        for key, stroke in strokes.items():
            if stroke is None:
                self.strokes.pop(key, None)
            else:
                self.strokes[key] = stroke
        self.status, self.comment, self.spacing, self.version = status, comment, spacing, edit.version
        self._remember(edit)

    def _remember(self, edit: Edit) -> None:
        if edit.undoes is not None:
            self.undone += [one for one in self.done if one.number == edit.undoes]
            self.done = [one for one in self.done if one.number != edit.undoes]
        elif edit.redoes is not None:
            self.done += [one for one in self.undone if one.number == edit.redoes]
            self.undone = [one for one in self.undone if one.number != edit.redoes]
        else:
            self.done.append(edit)
            self.undone.clear()


def reviewed_image(base: Scene) -> ReviewedImage:
    """The state that edits of an image begin from.

    Args:
        base: The prediction, or a scene without instances.
    """
    return ReviewedImage(base, {str(index): item for index, item in enumerate(base.instances)})


def vouched(state: ReviewedImage, reader: str = "") -> Scene:
    """The scene as truth: a person stands by every instance of it, so that the model's doubts are gone.

    The spread of points that nobody moved stays; it says how far off they may be. A comment becomes a note,
    which is a doubt to whoever trains on it, unless the image was accepted all the same.

    Args:
        state: Accepted, or edited.
        reader: Whose reading it is, or empty.
    """
    scene = state.scene
    items = tuple(
        replace(
            item,
            author=Author.HUMAN,
            reader=reader or item.reader,
            score=1.0,
            flags=(),
            level_shares=None,
            landmarks=None if item.landmarks is None else _unscored(item.landmarks),
        )
        for item in scene.instances
    )
    doubted = bool(state.comment) and state.status is not ReviewStatus.ACCEPTED
    notes = (state.comment,) if doubted else ()
    return replace(scene, instances=items, model="", notes=notes)


def _unscored(points: Landmarks) -> Landmarks:
    spread = points.spread
    if spread is not None and bool(np.isnan(spread).all()):
        spread = None
    return replace(points, score=None, spread=spread)


def header_to_line(header: ReviewHeader) -> str:
    """The first line of a record, without its end."""
    content = {
        "format": NAME,
        "version": VERSION,
        "base": header.base,
        "sha256": header.sha256,
        "reader": header.reader,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def edit_to_line(edit: Edit) -> str:
    """An edit as a line of JSON, without its end.

    Raises:
        ValueError: If a number in it is NaN or infinite.
    """
    content: Json = {
        "number": edit.number,
        "image": edit.image,
        "version": edit.version,
        "who": edit.who,
        "when": edit.when,
        "action": edit.action,
        "before": dict(edit.before),
        "after": dict(edit.after),
    }
    for name, value in (("undoes", edit.undoes), ("redoes", edit.redoes), ("base", edit.base)):
        if value is not None:
            content[name] = value
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def read_edits(path: Path) -> tuple[ReviewHeader, Iterator[Edit]]:
    """The header of a record and its edits, one at a time.

    A last line without an end was never finished, and whoever made that edit was never told that it is kept: it is
    passed over.

    Args:
        path: ``edits.jsonl``.

    Raises:
        AnnotationError: If the record cannot be read or a whole line is broken.
    """
    lines = _whole_lines(path)
    where, text = next(lines, (f"{path}: line 1", ""))
    content = parse_json(text, where) if text else None
    if not isinstance(content, dict) or content.get("format") != NAME:
        raise AnnotationError(f"{where}: is no {NAME} -- name the folder of a review")
    if content.get("version") != VERSION:
        raise AnnotationError(
            f"{where}: is of version {content.get('version')!r}, this spinekit reads {VERSION} -- update it"
        )
    try:
        header = ReviewHeader(str(content["base"]), str(content["sha256"]), str(content["reader"]))
    except KeyError as error:
        raise AnnotationError(f"{where}: lacks {error} -- take the file from its backup") from error
    return header, (_edit(text, where) for where, text in lines)


def _edit(text: str, where: str) -> Edit:
    content = parse_json(text, where)
    try:
        if not isinstance(content, dict):
            raise TypeError("no object")
        undoes, redoes = content.get("undoes"), content.get("redoes")
        return Edit(
            int(content["number"]),
            str(content["image"]),
            int(content["version"]),
            str(content["who"]),
            str(content["when"]),
            str(content["action"]),
            dict(content["before"]),
            dict(content["after"]),
            None if undoes is None else int(undoes),
            None if redoes is None else int(redoes),
            content.get("base"),
        )
    except _MISSHAPEN as error:
        raise AnnotationError(f"{where}: is misshapen ({error}) -- take the file from its backup") from error


def applied(state: ReviewedImage, edit: Edit, path: Path) -> None:
    """Takes an edit of a record over.

    Args:
        state: Of its image.
        edit: The next one of that image.
        path: Of the record, for the message.

    Raises:
        AnnotationError: If the edit does not follow, or is misshapen.
    """
    where = f"{path}: edit {edit.number} of {printable(edit.image)}"
    if edit.version != state.version + 1:
        raise AnnotationError(
            f"{where}: makes version {edit.version} of version {state.version} -- take the file from its backup"
        )
    try:
        state.apply(edit)
    except _MISSHAPEN as error:
        raise AnnotationError(f"{where}: is misshapen ({error}) -- take the file from its backup") from error


def _whole_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Place and text of each line that has an end."""
    try:
        with path.open("rb") as stream:
            for index, line in enumerate(stream, 1):
                where = f"{path}: line {index}"
                if not line.endswith(b"\n"):
                    return
                try:
                    yield where, line.decode("utf-8")
                except UnicodeDecodeError as error:
                    raise AnnotationError(
                        f"{where}: is not UTF-8 text -- take the file from its backup"
                    ) from error
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror}) -- check the path") from error


def spacing_to_json(spacing: Spacing | None) -> Json | None:
    """A spacing as a member of an edit."""
    if spacing is None:
        return None
    return {"row_mm": spacing.row_mm, "col_mm": spacing.col_mm, "origin": spacing.origin.value}


def _spacing(content: Json | None) -> Spacing | None:
    if content is None:
        return None
    return Spacing(float(content["row_mm"]), float(content["col_mm"]), SpacingOrigin(content["origin"]))


def stroke_to_json(stroke: Stroke | None) -> Json | None:
    """A stroke as a member of an edit."""
    if stroke is None:
        return None
    return {"way": stroke.way.tolist(), "radius": stroke.radius, "label": stroke.label}


def _stroke(content: Json | None) -> Stroke | None:
    if content is None:
        return None
    way = np.array(content["way"], dtype=np.float64).reshape(-1, 2)
    if not len(way) or not bool(np.isfinite(way).all()):
        raise ValueError("a stroke without a way")
    return Stroke(way, float(content["radius"]), int(content["label"]))


def _key(key: object) -> str:
    if not isinstance(key, str) or not key.isalnum() or len(key) > 40:
        raise ValueError("a key that is none")
    return key
