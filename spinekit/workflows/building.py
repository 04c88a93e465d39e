"""The tables of a run, built from its records: they can be built again at any time, and come out the same."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from spinekit.core.errors import AnnotationError, EnvironmentFaultError
from spinekit.core.scene import Scene
from spinekit.files import atomic_path, sync_folder, unwritable
from spinekit.formats.measurement_csv import MeasurementTable
from spinekit.formats.registry import annotation_format
from spinekit.formats.result_lines import line_of_text, read_results
from spinekit.runs import FileOutcome, FileRecord, Journal
from spinekit.workflows.outputs import EXCEL, with_shapes
from spinekit.workflows.predictions import Films, Place, results_of, scene_of

TABLES = ("predictions.jsonl", "measurements.csv", "measurements.jsonl", "failures.csv", "report.html")
PICTURES = ("overlays", "films", "probability")
_BUILDING = ".building"
_OBJECT = re.compile(
    r'"instance":"([0-9a-f]{16})"'
)  # in what is known of an image, which text cannot imitate


@dataclass(frozen=True, slots=True)
class Built:
    """What the tables say.

    Attributes:
        files: What became of every file and image.
        places: Where the records speak of each image that a model has seen.
        objects: Names of the files that hold each DICOM object, by the hash of its UID.
    """

    files: list[FileRecord]
    places: list[Place]
    objects: dict[str, list[str]] = field(default_factory=dict)

    @property
    def doubles(self) -> tuple[tuple[str, ...], ...]:
        """Files that hold one and the same object, in order."""
        return tuple(tuple(files) for files in self.objects.values() if len(files) > 1)


def told_double(files: Sequence[str]) -> str:
    """In one line, that files hold the same object.

    Args:
        files: Their names, two at least.
    """
    more = f" and {len(files) - 2} more" if len(files) > 2 else ""
    return (
        f"{files[0]} and {files[1]}{more} hold the same object (one SOP Instance UID); each was read as a film of "
        "its own -- leave out all but one where films are counted"
    )


def build_tables(out: Path, journal: Journal, files: Sequence[str]) -> Built:
    """Writes ``predictions.jsonl``, ``measurements.csv`` and ``measurements.jsonl``.

    Args:
        out: Folder of the run.
        journal: Its records.
        files: Names of its files, in order; those without a record are passed over.

    Raises:
        EnvironmentFaultError: If something cannot be written.
    """
    told = Built([], [])
    with ExitStack() as stack:
        lines = _text(stack, out / "predictions.jsonl")
        table = MeasurementTable(_text(stack, out / "measurements.csv"))
        results = _text(stack, out / "measurements.jsonl")
        for outcome in journal.outcomes(files):
            _tell(told, outcome, journal)
            for image in outcome.images:
                if image.scene:
                    lines.write(f"{image.scene}\n")
                    table.add(image.name, results_of(image))
                    results.write(f"{line_of_text(image.name, image.results)}\n")
    return told


def listed(journal: Journal, files: Sequence[str]) -> Built:
    """What the tables of a finished run say, without writing any."""
    told = Built([], [])
    for outcome in journal.outcomes(files):
        _tell(told, outcome, journal)
    return told


def _tell(told: Built, outcome: FileOutcome, journal: Journal) -> None:
    told.files.extend(_records(outcome))
    span = journal.span(outcome.file)
    seen = [index for index, image in enumerate(outcome.images) if image.scene or image.image]
    told.places.extend(Place(*span, index) for index in seen)
    known = (_OBJECT.search(image.scene or image.image) for image in outcome.images)
    found = next((match for match in known if match is not None), None)
    if found is not None:
        told.objects.setdefault(found[1], []).append(outcome.file)


def _text(stack: ExitStack, path: Path) -> TextIO:
    """A text file that appears under its name when the stack ends without an error; its folder is synced later."""
    temporary = stack.enter_context(atomic_path(path, lasting=False))
    return stack.enter_context(temporary.open("w", encoding="utf-8", newline=""))


def _records(outcome: FileOutcome) -> Iterator[FileRecord]:
    for image in outcome.images:
        read = image.status in {"ok", "abstained"}
        yield FileRecord(
            image.name,
            image.status,
            image.reason,
            outcome.sha256 if read else "",
            image.model,
            tuple(output.path for output in image.outputs),
        )


def save_as(name: str, out: Path, journal: Journal, files: Sequence[str], films: Films) -> list[str]:
    """Writes the scenes of a run in another format below ``<out>/<name>``, whole or not at all.

    A run may hold what the format cannot (masks, where it knows points alone): that schema is left out.

    Args:
        name: Of the format.
        out: Folder of the run.
        journal: Its records.
        files: Names of its files, in order.
        films: Where films and schemas are.

    Returns:
        A line for every schema that was left out, with the reason.

    Raises:
        EnvironmentFaultError: If something cannot be written.
    """
    left_out: list[str] = []
    writer = annotation_format(name).write
    if writer is None:
        return left_out
    place, target = out / _BUILDING, out / name
    schemas = list(dict.fromkeys(scene.schema.name for scene in _scenes(name, journal, files, films)))
    try:
        if place.exists():
            shutil.rmtree(place)
        place.mkdir()
        for schema in schemas:
            folder = place if len(schemas) == 1 else place / schema
            scenes = (s for s in _scenes(name, journal, files, films) if s.schema.name == schema)
            try:
                writer(scenes, folder)
            except (AnnotationError, EnvironmentFaultError) as error:
                if isinstance(error, EnvironmentFaultError) and not _too_long(error):
                    raise
                left_out.append(f"--save {name}: {schema} is left out: {error}")
                shutil.rmtree(folder, ignore_errors=True)
                place.mkdir(exist_ok=True)
        if target.exists():
            shutil.rmtree(target)
        if any(place.iterdir()):
            place.replace(target)
            sync_folder(out)
        else:
            place.rmdir()
    except OSError as error:
        raise unwritable(target, error) from error
    return left_out


def _too_long(error: EnvironmentFaultError) -> bool:
    """Whether a file could not be written for its name alone, which no room on the disk will mend."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.ENAMETOOLONG


def save_workbook(out: Path, files: Sequence[FileRecord]) -> None:
    """Writes ``<out>/excel/measurements.xlsx`` from the run's measurements, and what became of its other files.

    Args:
        out: Folder of the run, with its tables.
        files: What became of each file.

    Raises:
        EnvironmentFaultError: If something cannot be written.
    """
    from spinekit.formats.excel import write_workbook

    path = out / EXCEL / "measurements.xlsx"
    failed = ((file.name, file.status, file.reason) for file in files if file.status != "ok")
    try:
        write_workbook(path, read_results(out / "measurements.jsonl"), failed)
    except OSError as error:
        raise unwritable(path, error) from error


def _scenes(name: str, journal: Journal, files: Sequence[str], films: Films) -> Iterator[Scene]:
    for outcome in journal.outcomes(files):
        for image in outcome.images:
            scene = scene_of(image, films)
            if scene is not None and name == "mask":
                scene = with_shapes(scene)
            if scene is not None:
                yield scene


def clear_building(out: Path) -> None:
    """Removes what a killed run left of `save_as`."""
    shutil.rmtree(out / _BUILDING, ignore_errors=True)
