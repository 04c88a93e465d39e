"""The report: one HTML file that needs nothing else, opens no connection and runs no script."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from markupsafe import Markup

from spinekit.core.image import ImageRef, UInt8Array
from spinekit.core.measurement import Result
from spinekit.core.scene import Scene
from spinekit.files import atomic_path
from spinekit.views.cohort import Cohort, Distribution, add_image, distributions, widest
from spinekit.views.language import Language, load_language
from spinekit.views.pages import page_parts
from spinekit.views.report_film import Film, film_of
from spinekit.views.report_rows import CardRows, card_rows
from spinekit.views.report_terms import Terms, add_terms
from spinekit.views.wording import family_of, place_doubted

TEMPLATE = "report.html"
MOST_WORST = 12
"""Images that are named where to look first."""


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
        picture: (H, W, 3) BGR overlay, for pages without `film`, or None.
        warnings: What a reader should know of the image, one line each.
        film: The film itself as the bytes of a JPEG, over which the page draws in layers, or None.
        refusal: Why nothing is reported, or empty.
    """

    image: ImageRef
    scene: Scene | None = None
    results: tuple[Result, ...] = ()
    picture: UInt8Array | None = None
    warnings: tuple[str, ...] = ()
    film: bytes | None = None
    refusal: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ReportRun:
    """What the report says about a whole run. It holds no time of day, so that equal runs give equal files.

    Attributes:
        cards: One per image; read once, one at a time, so an iterator keeps memory flat.
        title: Of the page; empty for the language's own word.
        models: Name of each model that was used.
        settings: As they were used, name to value.
        failed: Files that could not be used. Read after the cards, so a list may still grow with them.
        skipped: Files passed over, likewise.
        notes: Remarks on the whole run.
        version: Of spinekit.
        hashes: SHA-256 of each model by its name.
        versions: Of the libraries that decide results, by name.
        language: Code of the page's language, see `spinekit.views.language`.
    """

    cards: Iterable[ReportCard]
    title: str = ""
    models: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    failed: Iterable[FileNote] = ()
    skipped: Iterable[FileNote] = ()
    notes: tuple[str, ...] = ()
    version: str = ""
    hashes: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    language: str = "en"


@dataclass(frozen=True, slots=True)
class _Line:
    """A card's line in the overview.

    Attributes:
        number: Counted from 1; the card's anchor is made of it.
        name: Of the image.
        found: What it holds, in a few words.
        first: The first measurement with its value.
        measured: Number of values.
        review: How many of them a person should look at.
        refused: Number of refusals.
        doubts: Flags of bodies and notes of the scene.
        doubted: Of those, flags that put the place of a body in doubt.
        refusal: Why nothing is reported, or empty.
        short: The same without the way to mend it.
        why: The commonest reason to look, or empty.
        place: Offset and length of its tile.
    """

    number: int
    name: str
    found: str
    first: str
    measured: int
    review: int
    refused: int
    doubts: int
    doubted: int
    refusal: str
    short: str
    why: str
    place: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Worst:
    """An image that should be looked at first, and why."""

    line: _Line
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Body:
    """What has been written so far: cards and tiles in files without a name, and what the head needs of them."""

    cards: IO[bytes]
    tiles: IO[bytes]
    lines: list[_Line] = field(default_factory=list)
    cohort: Cohort = field(default_factory=Cohort)
    terms: Terms = field(default_factory=dict)


def write_report(path: Path, run: ReportRun) -> None:
    """Writes the report whole or not at all.

    Cards are worded one by one into an unnamed temporary file, since the head counts what they hold.

    Args:
        path: The HTML file to be.
        run: What to write; its cards are consumed.

    Raises:
        EnvironmentFaultError: If the folder cannot be written.
        UsageError: If there is no such language.
    """
    language = load_language(run.language)
    with (
        atomic_path(path) as temporary,
        tempfile.TemporaryFile(dir=temporary.parent) as cards,
        tempfile.TemporaryFile(dir=temporary.parent) as tiles,
    ):
        body = _Body(cards, tiles)
        for number, card in enumerate(run.cards, start=1):
            _add(body, number, card, run, language)
        failed, skipped = tuple(run.failed), tuple(run.skipped)
        with temporary.open("wb") as stream:
            for part in _head(body, run, failed, skipped, language):
                stream.write(part)
            cards.seek(0)
            shutil.copyfileobj(cards, stream)
            stream.write(_bytes(_macro("tail")(run, failed, skipped, body.terms, language)))


def _add(body: _Body, number: int, card: ReportCard, run: ReportRun, language: Language) -> None:
    """Words one card and its tile, and keeps of it what the head needs."""
    rows = card_rows(card.results, card.scene, language)
    film = film_of(card.image, card.scene, card.results, card.film, card.picture, language)
    start = body.tiles.tell()
    line = _line(card, number, rows, (start, 0), language)
    body.tiles.write(_bytes(_macro("tile")(line, film, language)))
    line = _line(card, number, rows, (start, body.tiles.tell() - start), language)
    body.lines.append(line)
    add_image(body.cohort, number, card.results)
    add_terms(body.terms, card.results, card.scene, rows.levelled, language)
    body.cards.write(
        _bytes(_macro("card")(card, line, rows, film, _facts(card, film, run, language), language))
    )


def _head(
    body: _Body, run: ReportRun, failed: Sequence[FileNote], skipped: Sequence[FileNote], language: Language
) -> Iterator[bytes]:
    names = {line.number: line.name for line in body.lines}
    order = {line.number: rank for rank, line in enumerate(sorted(body.lines, key=_badness))}
    yield _bytes(_macro("head")(run, body.lines, len(failed), len(skipped), language))
    if len(body.lines) > 1:
        shown = distributions(body.cohort, names, language)
        worst = _worst(body.lines, widest(body.cohort), language)
        yield _bytes(_macro("worst")(worst, language)) if worst else b""
        yield _bytes(_macro("gallery_start")(body.lines, language))
        for line in body.lines:
            start, length = line.place
            body.tiles.seek(start)
            yield f'<li style="--worst:{order[line.number]}">'.encode() + body.tiles.read(length) + b"</li>\n"
        yield _bytes(_macro("gallery_end")())
        yield _bytes(_macro("spread")(*_parted(shown), body.terms, language)) if shown else b""
    yield _bytes(_macro("cards_start")(body.lines, language))


def _parted(shown: Sequence[Distribution]) -> tuple[list[Distribution], list[Distribution]]:
    """What is measured once an image, and what is measured at every level, which would hide the others."""
    families: dict[str, int] = {}
    for one in shown:
        families[family_of(one.name)] = families.get(family_of(one.name), 0) + 1
    levelled = [one for one in shown if family_of(one.name) != one.name and families[family_of(one.name)] > 2]
    return [one for one in shown if one not in levelled], levelled


def _badness(line: _Line) -> tuple[int, int, float, int, int]:
    """Sorts the worst first: no result, bodies in doubt, the share to look at, refusals; then the order read."""
    share = line.review / line.measured if line.measured else 0.0
    return (-bool(line.refusal), -line.doubted, -share, -line.refused, line.number)


def _worst(
    lines: Sequence[_Line], wide: Mapping[int, tuple[str, float]], language: Language
) -> tuple[_Worst, ...]:
    """Images to look at first, each with its reasons; those without a reason are not among them."""
    found = []
    for line in sorted(
        lines, key=lambda line: (_badness(line)[:3], line.number not in wide, _badness(line)[3:])
    ):
        reasons = [line.short] if line.refusal else []
        if line.doubts:
            reasons.append(language.counted("doubt", line.doubts))
        if line.review:
            share = {"review": line.review, "measured": line.measured, "why": line.why}
            reasons.append(language.fill("worst_review", share))
        if line.number in wide:
            name, times = wide[line.number]
            reasons.append(
                language.fill("worst_wide", {"name": name, "times": language.number(times, "deg")[:-1]})
            )
        if reasons:
            found.append(_Worst(line, tuple(reasons)))
    return tuple(found[:MOST_WORST])


def _line(card: ReportCard, number: int, rows: CardRows, place: tuple[int, int], language: Language) -> _Line:
    instances = card.scene.instances if card.scene is not None else ()
    notes = card.scene.notes if card.scene is not None else ()
    first = rows.rows[0] if rows.rows else None
    return _Line(
        number=number,
        name=card.image.name or card.image.path.name,
        found=_found(card.scene, language),
        first=f"{first.title or first.name} {first.value}" if first is not None else "",
        measured=rows.measured,
        review=rows.review,
        refused=rows.refused,
        doubts=sum(len(item.flags) for item in instances) + len(notes),
        doubted=sum(place_doubted(item) for item in instances),
        refusal=language.saying(card.refusal),
        short=language.saying(card.refusal.split(" -- ")[0]),
        why=rows.reasons[0] if rows.reasons else "",
        place=place,
    )


def _found(scene: Scene | None, language: Language) -> str:
    """What an image holds, in a few words: ``17: T1 to L5``."""
    if scene is None:
        return ""
    labels = [item.label for item in scene.instances]
    if scene.raster is not None:
        return ", ".join(scene.schema.classes)
    if scene.schema.levels and len(labels) > 1:
        return language.fill("found_levels", {"n": len(labels), "first": labels[0], "last": labels[-1]})
    points = scene.instances[0].landmarks if len(labels) == 1 else None
    if points is not None:
        return f"{labels[0]}, {language.counted('point', len(points.names))}"
    return ", ".join(labels) if labels else language.text["nothing"]


def _facts(
    card: ReportCard, film: Film, run: ReportRun, language: Language
) -> tuple[tuple[str, str, str], ...]:
    """Calibration and provenance: name, words, and a mark to look or an empty one."""
    image, text = card.image, language.text
    look = text["review_lengths"] if image.spacing is not None and image.spacing.needs_review else ""
    facts = [
        (text["calibration"], _calibration(image, language), look),
        (text["size"], f"{image.width} × {image.height} px", ""),
    ]
    if card.scene is not None and card.scene.model:
        digest = run.hashes.get(card.scene.model, "")
        facts.append((text["model"], card.scene.model + (f", SHA-256 {digest}" if digest else ""), ""))
    facts += [
        (_known(name, language), words, "")
        for name, words in (*image.hints.items(), *image.provenance.items())
    ]
    if film.reduced:
        facts.append((text["shown"], language.fill("reduced", {"size": film.reduced}), ""))
    if image.sha256:
        facts.append((text["file_hash"], image.sha256, ""))
    return tuple(facts)


def _known(name: str, language: Language) -> str:
    """The name of a fact of the image, translated where it is known."""
    return language.text.get(f"fact_{name}", name.replace("_", " "))


def _calibration(image: ImageRef, language: Language) -> str:
    if image.spacing is None:
        words = language.text["scale_unknown"]
        if image.aspect == 1:
            return words
        stretched = language.figures(f"{image.aspect:.4g}")
        return f"{words}; {language.fill('not_square', {'times': stretched})}"
    sides = {"row": image.spacing.row_mm, "column": image.spacing.col_mm}
    numbers = {side: language.figures(f"{mm:.4g}") for side, mm in sides.items()}
    origin = language.text[f"spacing_{image.spacing.origin.value}"]
    return f"{language.fill('scale', numbers)}: {origin}"


def _macro(name: str) -> Callable[..., Markup]:
    """A part of the template, which escapes all that it is given."""
    return cast("Callable[..., Markup]", getattr(page_parts(TEMPLATE), name))


def _bytes(html: Markup) -> bytes:
    return str(html).encode("utf-8")
