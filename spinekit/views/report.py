"""The report: one HTML file that needs nothing else, opens no connection and runs no script."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from markupsafe import Markup

from spinekit.core.image import ImageRef, UInt8Array
from spinekit.core.measurement import Measurement, NotMeasured, Result, Status
from spinekit.core.notice import RESEARCH_USE
from spinekit.core.scene import Scene
from spinekit.files import atomic_path
from spinekit.views.overlay import encode_picture, thumbnail
from spinekit.views.pages import page_parts, picture_address
from spinekit.views.wording import interval, number, scale_words

PICTURE_PX = 1600
PICTURE_QUALITY = 82
OPEN_LIST = 30
"""A list of more images than these starts folded."""


@dataclass(frozen=True, slots=True)
class FileNote:
    """A file that gave no result, and why.

    Attributes:
        name: Of the file, relative to the folder that was read.
        reason: In one line, with the way to mend it.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class ReportCard:
    """What the report says about one image.

    Attributes:
        image: Which image; its provenance and spacing are printed.
        scene: What was found, or None.
        results: Measurements and refusals.
        picture: (H, W, 3) BGR overlay, shrunk for the report, or None.
        warnings: What a reader should know of the image, one line each.
    """

    image: ImageRef
    scene: Scene | None = None
    results: tuple[Result, ...] = ()
    picture: UInt8Array | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ReportRun:
    """What the report says about a whole run. It holds no time of day, so that equal runs give equal files.

    Attributes:
        cards: One per image; read once, one at a time, so an iterator keeps memory flat.
        title: Of the page.
        models: Name of each model that was used.
        settings: As they were used, name to value.
        failed: Files that could not be used. Read after the cards, so a list may still grow with them.
        skipped: Files passed over, likewise.
        notes: Remarks on the whole run.
        version: Of spinekit.
    """

    cards: Iterable[ReportCard]
    title: str = "spinekit report"
    models: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    failed: Iterable[FileNote] = ()
    skipped: Iterable[FileNote] = ()
    notes: tuple[str, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """A measurement, worded."""

    name: str
    value: str
    interval: str
    scale: str
    review: bool
    reason: str
    method: str
    details: str


@dataclass(frozen=True, slots=True)
class _Line:
    """A card's line in the list of images."""

    anchor: str
    name: str
    found: str
    first: str
    review: int
    refused: int
    doubts: int


def write_report(path: Path, run: ReportRun) -> None:
    """Writes the report whole or not at all.

    Cards are worded one by one into an unnamed temporary file, since the head counts what they hold.

    Args:
        path: The HTML file to be.
        run: What to write; its cards are consumed.

    Raises:
        EnvironmentFaultError: If the folder cannot be written.
    """
    with atomic_path(path) as temporary, tempfile.TemporaryFile(dir=temporary.parent) as body:
        lines: list[_Line] = []
        measured = 0
        for number_, card in enumerate(run.cards, start=1):
            rows, refused = _worded(card)
            measured += len(rows)
            lines.append(_line(card, f"image-{number_}", rows, refused))
            _put(
                body, _macro("card")(card, lines[-1], rows, refused, _picture(card), _calibration(card.image))
            )
        failed, skipped = tuple(run.failed), tuple(run.skipped)
        with temporary.open("wb") as stream:
            _put(
                stream,
                _macro("head")(run, lines, measured, len(failed), len(skipped), OPEN_LIST, RESEARCH_USE),
            )
            body.seek(0)
            shutil.copyfileobj(body, stream)
            _put(stream, _macro("tail")(run, failed, skipped, RESEARCH_USE))


def _macro(name: str) -> Callable[..., str]:
    """A part of the template, which escapes all that it is given."""
    return cast("Callable[..., str]", getattr(page_parts("report.html"), name))


def _put(stream: IO[bytes], html: str) -> None:
    stream.write(str(html).encode("utf-8"))


def _worded(card: ReportCard) -> tuple[list[_Row], list[NotMeasured]]:
    rows = [
        _Row(
            name=result.name,
            value=number(result.value, result.unit),
            interval=interval(result),
            scale=scale_words(result),
            review=result.status is Status.REVIEW,
            reason=result.reason,
            method=result.method,
            details="; ".join(f"{key}: {words}" for key, words in result.details.items()),
        )
        for result in card.results
        if isinstance(result, Measurement)
    ]
    return rows, [result for result in card.results if isinstance(result, NotMeasured)]


def _line(card: ReportCard, anchor: str, rows: list[_Row], refused: list[NotMeasured]) -> _Line:
    instances = card.scene.instances if card.scene is not None else ()
    notes = card.scene.notes if card.scene is not None else ()
    return _Line(
        anchor=anchor,
        name=card.image.name or card.image.path.name,
        found=_found(card.scene),
        first=f"{rows[0].name} {rows[0].value}" if rows else "",
        review=sum(row.review for row in rows),
        refused=len(refused),
        doubts=sum(len(item.flags) for item in instances) + len(notes),
    )


def _found(scene: Scene | None) -> str:
    """What an image holds, in a few words: ``17: T1 to L5``."""
    if scene is None:
        return ""
    labels = [item.label for item in scene.instances]
    if scene.raster is not None:
        return ", ".join(scene.schema.classes)
    if scene.schema.levels and len(labels) > 1:
        return f"{len(labels)}: {labels[0]} to {labels[-1]}"
    return ", ".join(labels) if labels else "nothing"


def _calibration(image: ImageRef) -> str:
    if image.spacing is None:
        square = "" if image.aspect == 1 else f"; pixels are {image.aspect:.4g} times as high as wide"
        return f"No scale known: lengths are in pixels{square}"
    spacing = image.spacing
    return f"{spacing.row_mm:.4g} × {spacing.col_mm:.4g} mm (row × column): {spacing.label}"


def _picture(card: ReportCard) -> Markup | None:
    if card.picture is None:
        return None
    content = encode_picture(thumbnail(card.picture, PICTURE_PX), ".jpg", PICTURE_QUALITY)
    return picture_address(content, "jpeg")
