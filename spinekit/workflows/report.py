"""A run's folder made into a page for people: films with all that was found and measured, ready to print."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from spinekit import __version__
from spinekit.anatomy.masked_scene import with_corners
from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.image import ImageRef
from spinekit.core.measurement import Result
from spinekit.core.scene import Scene
from spinekit.files import printable
from spinekit.formats.result_lines import read_results
from spinekit.formats.review_lines import vouched
from spinekit.formats.reviewed import beside, rejected, replayed, stands
from spinekit.formats.scenes_line import scene_from_json
from spinekit.formats.scenes_schema import schema_from_json
from spinekit.formats.sources import image_size, parse_json, read_json, unsafe_name
from spinekit.measures import measure
from spinekit.views.language import load_language
from spinekit.views.print_pdf import print_pdf
from spinekit.views.report import FileNote, ReportCard, ReportRun, write_report
from spinekit.views.report_film import shrunken
from spinekit.workflows.outputs import output_path

RECORD, SCENES, RESULTS = "run.json", "predictions.jsonl", "measurements.jsonl"
RECORDS, FILMS = "records.jsonl", "films"
REPORT = "report.html"
MOST_PICTURES = 96 * 2**20
"""Bytes of films that a page holds at full resolution; more are shown smaller, so that it stays usable."""

T = TypeVar("T")
PICTURES = ("auto", "full", "screen")
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a run's record says of one file."""

    name: str
    status: str
    reason: str
    sha256: str


def make_report(
    run_folder: Path,
    out: Path | None = None,
    language: str = "en",
    pdf: bool = False,
    pictures: str = "auto",
    on_progress: Progress | None = None,
) -> Path:
    """Writes the report of a run from what lies in its folder; nothing is read from elsewhere.

    Args:
        run_folder: That `spinekit predict` wrote.
        out: The page to be; None for ``report.html`` in the folder (``report.<language>.html`` in another language
            than English).
        language: Code of the page's language.
        pdf: Whether it is printed too, beside the page, by a Chromium of this machine.
        pictures: ``full`` keeps the films' resolution, ``screen`` shrinks them to 1600 px, ``auto`` does so where
            they are more than `MOST_PICTURES` together.
        on_progress: Told before each image: how many are done, of how many, its name.

    Returns:
        The page, or the PDF where that was asked for.

    Raises:
        UsageError: If the folder holds no run, or there is no such language.
        AnnotationError: If a file of the run is broken.
        EnvironmentFaultError: If the page cannot be written, or no Chromium is found to print with.
    """
    if pictures not in PICTURES:
        raise UsageError(
            f"--pictures {pictures}: there is no such choice -- choose from {', '.join(PICTURES)}"
        )
    load_language(language)
    record = _record(run_folder)
    entries = _entries(record, run_folder)
    target = out or run_folder / (REPORT if language == "en" else f"report.{language}.html")
    page = target.with_suffix(".html") if pdf and target.suffix.lower() == ".pdf" else target
    notes = (*_notes(run_folder), *_said(record))
    run = ReportRun(
        cards=_cards(run_folder, entries, _shrinks(run_folder, pictures), on_progress),
        models=tuple(_texts(record, "models")) or (_texts(record, "settings").get("model", ""),),
        settings=_texts(record, "settings"),
        failed=tuple(FileNote(e.name, e.reason) for e in entries if e.status == "failed"),
        skipped=tuple(FileNote(e.name, e.reason) for e in entries if e.status == "skipped"),
        notes=notes,
        version=_texts(record, "versions").get("spinekit", __version__),
        hashes=_texts(record, "models"),
        versions=_texts(record, "versions"),
        language=language,
    )
    write_report(page, run)
    return print_pdf(page, target.with_suffix(".pdf")) if pdf else page


def is_run(folder: Path) -> bool:
    """Whether a folder holds what a run of predict writes."""
    return (folder / RECORD).is_file() and (folder / SCENES).is_file()


def read_run(folder: Path) -> Iterator[tuple[str, Scene, tuple[Result, ...]]]:
    """Name, scene and results of every image of a run that has a result, one at a time.

    Raises:
        UsageError: If the folder holds no run.
        AnnotationError: If a file of it is broken.
    """
    _record(folder)
    results = _Following(_results(folder))
    for name, scene in _scenes(folder / SCENES):
        kept = results.take(name) if (folder / RESULTS).is_file() else None
        yield name, scene, measure(with_corners(scene)) if kept is None else kept


def _record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    if not path.is_file():
        raise UsageError(f"{folder}: holds no {RECORD} -- name a folder that spinekit predict wrote")
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != "spinekit-run":
        raise AnnotationError(f"{path}: is no record of a run -- run spinekit predict again")
    return content


def _entries(record: dict[str, Any], folder: Path) -> tuple[_Entry, ...]:
    try:
        return tuple(
            _Entry(*(str(item.get(key, "")) for key in ("name", "status", "reason", "sha256")))
            for item in record["files"]
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise AnnotationError(
            f"{folder / RECORD}: files: is misshapen ({error}) -- run spinekit predict again"
        ) from error


def _texts(record: dict[str, Any], key: str) -> dict[str, str]:
    found = record.get(key)
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _notes(folder: Path) -> tuple[str, ...]:
    notes = []
    if not (folder / FILMS).is_dir():
        notes.append(
            "this run kept no films, so there are no pictures; run spinekit predict again to have them"
        )
    if not (folder / RESULTS).is_file():
        notes.append("this run kept no measurements.jsonl, so what was found was measured again")
    reviewed = beside(folder)
    if reviewed is not None:
        count = len(reviewed.edits)
        out = [name for name, edits in reviewed.edits.items() if rejected(edits)]
        left = f"; rejected and left out: {', '.join(map(printable, out))}" if out else ""
        notes.append(f"{count} image{'s' if count != 1 else ''} shown as reviewed by a person{left}")
    return tuple(notes)


def _said(record: dict[str, Any]) -> tuple[str, ...]:
    """What the run's own record says of the whole."""
    notes = record.get("notes")
    return tuple(str(note) for note in notes) if isinstance(notes, list) else ()


def _shrinks(folder: Path, pictures: str) -> bool:
    if pictures != "auto":
        return pictures == "screen"
    return sum(path.stat().st_size for path in (folder / FILMS).rglob("*.jpg")) > MOST_PICTURES


def _cards(
    folder: Path, entries: tuple[_Entry, ...], shrink: bool, on_progress: Progress | None
) -> Iterator[ReportCard]:
    """One card an image, made when it is asked for; lines of the tables are read along."""
    shown = [entry for entry in entries if entry.status in {"ok", "abstained"}]
    scenes = _Following(_scenes(folder / SCENES))
    reviewed = beside(folder)
    results = _Following(_results(folder))
    warnings = _Following(_warnings(folder))
    for done, entry in enumerate(shown):
        if on_progress is not None:
            on_progress(done, len(shown), entry.name)
        film = _film(folder, entry.name, shrink)
        said = warnings.take(entry.name) or ()
        if entry.status == "abstained":
            height, width = film[1] if film is not None else (1, 1)
            image = ImageRef(folder / entry.name, height, width, sha256=entry.sha256, name=entry.name)
            yield ReportCard(image, warnings=said, film=film[0] if film else None, refusal=entry.reason)
            continue
        scene = scenes.take(entry.name)
        if scene is None:
            raise AnnotationError(
                f"{folder / SCENES}: has no line of {entry.name} -- run spinekit predict again"
            )
        measured = results.take(entry.name) if (folder / RESULTS).is_file() else measure(with_corners(scene))
        edits = reviewed.edits.get(entry.name, []) if reviewed is not None else []
        if reviewed is not None and edits:
            if rejected(edits):
                continue
            state = replayed(scene, edits, reviewed.path)
            if stands(state):
                scene = vouched(state)
                measured = measure(with_corners(scene))
        yield ReportCard(scene.image, scene, measured or (), None, said, film[0] if film else None)


def _film(folder: Path, name: str, shrink: bool) -> tuple[bytes, tuple[int, int]] | None:
    """The bytes of an image's film with its height and width, or None where the run kept none."""
    if unsafe_name(name):
        return None
    path = output_path(folder / FILMS, name, ".jpg")
    try:
        size = image_size(path)
        content = path.read_bytes()
    except OSError:  # it was not kept, or is no picture any more
        return None
    return (shrunken(content) if shrink else content), size


class _Following(Generic[T]):
    """Named lines of a table that is read along with another in nearly the same order.

    Args:
        lines: Name and content of each line; lines that are passed on the way are kept until they are asked for.
    """

    def __init__(self, lines: Iterator[tuple[str, T]]) -> None:
        self._lines = lines
        self._passed: dict[str, T] = {}

    def take(self, name: str) -> T | None:
        """The line of a name, or None where there is none."""
        if name in self._passed:
            return self._passed.pop(name)
        for found, content in self._lines:
            if found == name:
                return content
            self._passed[found] = content
        return None


def _scenes(path: Path) -> Iterator[tuple[str, Scene]]:
    """Scenes by their image's name; a run holds those of several schemas."""
    for text, where in _lines(path):
        content = parse_json(text, where)
        try:
            schema = schema_from_json(content["schema"])  # type: ignore[index]
        except (KeyError, TypeError, ValueError) as error:
            raise AnnotationError(
                f"{where}: its schema is misshapen ({error}) -- run spinekit predict again"
            ) from error
        if schema is None:
            raise AnnotationError(
                f"{where}: names a schema that is not at hand -- use the spinekit that wrote it"
            )
        scene = scene_from_json(content, schema, path.parent, where)
        yield scene.image.name, scene


def _results(folder: Path) -> Iterator[tuple[str, tuple[Result, ...]]]:
    path = folder / RESULTS
    yield from read_results(path) if path.is_file() else ()


def _warnings(folder: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a reader should know of each image, from the lines that a run writes while it goes on."""
    path = folder / RECORDS
    if not path.is_file():
        return
    for text, where in _lines(path):
        content = parse_json(text, where)
        try:
            for image in content["images"]:  # type: ignore[index]
                yield str(image["name"]), tuple(str(words) for words in image.get("warnings", ()))
        except (KeyError, TypeError, AttributeError) as error:
            raise AnnotationError(f"{where}: is misshapen ({error}) -- run spinekit predict again") from error


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Each line with its place, for messages."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for index, line in enumerate(stream, 1):
                if line.strip():
                    yield line, f"{path}: line {index}"
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path}: is not UTF-8 text -- run spinekit predict again") from error
    except OSError as error:
        raise AnnotationError(
            f"{path}: cannot be read ({error.strerror}) -- run spinekit predict again"
        ) from error
