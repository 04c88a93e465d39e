"""A folder of films in; named bodies, landmarks, measurements, overlays and a report out."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from spinekit.core.errors import EnvironmentFaultError, NothingUsableError, UsageError
from spinekit.files import sync_folder
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import FoundFile, find_files
from spinekit.runs import FileRecord, Journal, RunRecord, run_folder
from spinekit.runs.folder import check_folder, clear_results
from spinekit.runs.journal import RECORDS
from spinekit.runs.record import RUN, stated
from spinekit.workflows.batch import Batch, Progress, drive, films_at_once
from spinekit.workflows.building import (
    PICTURES,
    TABLES,
    Built,
    build_tables,
    clear_building,
    listed,
    save_as,
    save_workbook,
    told_double,
)
from spinekit.workflows.decoding import Decoders, Limits, workers_for
from spinekit.workflows.dicom_outputs import DICOM_KINDS
from spinekit.workflows.film_names import FilmNames, write_table
from spinekit.workflows.image_outputs import ImageOutputs
from spinekit.workflows.outputs import EXCEL, check_save, save_names, write_failures
from spinekit.workflows.predict_settings import (
    Candidates,
    PredictSettings,
    candidates_for,
    check_places,
    fingerprint,
    near_path,
    parameters,
    plain_settings,
    versions,
)
from spinekit.workflows.predictions import Films, InterruptedRunError, Prediction, Predictions, PredictRun
from spinekit.workflows.reading import ModelChoice
from spinekit.workflows.resuming import changed_settings, check_settings, forgotten, still_to_do
from spinekit.workflows.stopping import Stop, stop_on_signals

__all__ = ["InterruptedRunError", "PredictRun", "PredictSettings", "Prediction", "Progress", "predict"]

_FILE_BYTES = 20_000  # of tables and pictures that any film leaves, at the least
_SHARE = 4  # of a film's bytes that a picture of it takes, at the least


@dataclass(frozen=True, slots=True)
class _Task:
    """What a run is about, fixed before it begins.

    Attributes:
        settings: As asked for.
        found: All files, in order.
        names: What they are called.
        candidates: Models that may read them.
        parameters: All that decides what is written.
        fingerprint: Hash of these.
    """

    settings: PredictSettings
    found: Sequence[FoundFile]
    names: FilmNames
    candidates: Candidates
    parameters: dict[str, str]
    fingerprint: str

    @property
    def films(self) -> Films:
        """Where the films and their schemas are."""
        return Films(self.found[0].root, self.candidates.schemas, self.names.paths())

    def called(self, files: Sequence[FoundFile]) -> list[str]:
        """What some of the files are called."""
        return [self.names.of(item) for item in files]


def predict(settings: PredictSettings, on_progress: Progress | None = None) -> PredictRun:
    """Reads, detects, names, measures, draws and reports.

    Args:
        settings: What to do.
        on_progress: Told before every file: files done, files in all, the next one's name.

    Returns:
        Where the results are and what they are.

    Raises:
        UsageError: If the settings cannot be, before anything is read.
        EnvironmentFaultError: If a model is missing, the folder cannot be written or belongs to another run.
        NothingUsableError: If the sources hold no file that could be read; what was seen is in the message.
        KeyboardInterrupt: If interrupted; as `InterruptedRunError` after what was done so far has been written.
    """
    check_save(settings.save)
    if settings.force and not settings.resume:
        raise UsageError("--force: begins a run anew in its folder -- say --resume and --out with it")
    check_places(settings)
    check_folder(settings.out, settings.resume)
    found = list(find_files(settings.sources, settings.out))
    if not any(item.skip is None for item in found):
        raise NothingUsableError(f"{_named(settings.sources)}: {_seen(found)}")
    candidates = candidates_for(settings.model)
    told = parameters(settings, candidates)
    names = FilmNames(found, settings.names)
    task = _Task(settings, found, names, candidates, told, fingerprint(told))
    with stop_on_signals() as stop, ExitStack() as stack:
        # A new run loads its model before it takes a folder; one that goes on may have nothing left to read.
        tools = None if settings.resume else _tools(stack, task, found)
        if stop.wanted:
            raise KeyboardInterrupt
        out = stack.enter_context(run_folder(settings.out, settings.resume))
        journal = stack.enter_context(_opened(task, out))
        todo = still_to_do(journal, found, names, out)
        if not todo and _whole(task, out, journal):
            tables = listed(journal, task.called(found))
            _tell_names(task)
            run = _ended(task, out, tables, len(found))
            run.record.finished = True
            return replace(run, done_before=True)
        _record(task, out).write(out / RUN)
        left = todo
        if todo:
            _check_space(out, todo, settings)
            tools = tools or _tools(stack, task, todo)
        try:
            if tools is not None:
                left = _read(task, out, journal, todo, tools, stop, on_progress)
            run = _built(task, out, journal, left, stop, earlier=len(found) - len(todo))
        except EnvironmentFaultError as error:
            raise EnvironmentFaultError(
                f"{error}; what is done stays, go on with --out {out} --resume"
            ) from error
    if left and stop.wanted:
        raise InterruptedRunError(run)
    if on_progress is not None:
        on_progress(len(found), len(found), "")
    return run


def _tools(stack: ExitStack, task: _Task, files: Sequence[FoundFile]) -> tuple[ModelChoice, Decoders]:
    """Models and decoders; the processes of the latter load while the former do."""
    settings = task.settings
    options = ReadOptions(
        settings.spacing, settings.max_pixels, window=settings.window, max_bytes=settings.max_bytes
    )
    workers = workers_for(settings.workers, [item for item in files if item.skip is None])
    decoders = stack.enter_context(Decoders(workers, Limits(options, settings.seconds)))
    choice = ModelChoice(
        settings.model,
        settings.threads,
        engine=settings.engine,
        precision=settings.precision,
        refine=settings.refine,
        second_opinion=settings.second_opinion,
        at_once=films_at_once(settings.threads, len(files)),
    )
    return choice, decoders


def _opened(task: _Task, out: Path) -> Journal:
    """The records of the folder; those of other settings are refused, or with `force` done away with."""
    settings = task.settings
    clear_building(out)
    if settings.force and changed_settings(out / RUN, task.parameters, task.fingerprint):
        before = stated(out / RUN).get("settings")
        saved = str(before.get("save", "")).split(", ") if isinstance(before, dict) else []
        formats = tuple(name for name in saved if name in save_names())
        clear_results(out, (*TABLES, *PICTURES, *formats, RECORDS, RUN))
    journal = Journal(out)
    if journal.files or (out / RUN).exists():
        check_settings(out, task.parameters, task.fingerprint)
        task.names.look()
    for path in forgotten(journal, task.called(task.found), out):
        path.unlink(missing_ok=True)
    return journal


def _read(
    task: _Task,
    out: Path,
    journal: Journal,
    todo: Sequence[FoundFile],
    tools: tuple[ModelChoice, Decoders],
    stop: Stop,
    on_progress: Progress | None,
) -> list[FoundFile]:
    """Reads what is to do; what of it was left out."""
    settings = task.settings
    outputs = ImageOutputs(
        out,
        settings.overlays,
        settings.report,
        "mask" in settings.save,
        tuple(name for name in settings.save if name in DICOM_KINDS),
        settings.deidentify,
        {name: card.sha256 for name, card in task.candidates.cards.items()},
    )
    at_once = films_at_once(settings.threads, len(todo))
    batch = Batch(journal, outputs, task.names, tools[0], stop, settings.failures_allowed, at_once)
    earlier, total = len(task.found) - len(todo), len(task.found)

    def told(done: int, name: str) -> None:
        if on_progress is not None:
            on_progress(earlier + done, total, name)

    done = drive(batch, todo, tools[1], told)
    return [item for item in todo if task.names.of(item) not in done]


def _built(
    task: _Task, out: Path, journal: Journal, left: Sequence[FoundFile], stop: Stop, earlier: int
) -> PredictRun:
    """The tables of what is done, written in an order by which a killed run knows that they are not whole."""
    missing = {item.path for item in left}
    names = task.called([item for item in task.found if item.path not in missing])
    journal.settle(names)
    tables = build_tables(out, journal, names)
    unsaved: list[str] = []
    for name in (name for name in task.settings.save if name not in {EXCEL, *DICOM_KINDS}):
        unsaved += save_as(name, out, journal, names, task.films)
    why = "interrupted" if stop.wanted else "too many files failed"
    reason = f"left out ({why} before it was read) -- go on with --resume"
    tables.files.extend(FileRecord(name, "skipped", reason) for name in task.called(left))
    write_failures(out / "failures.csv", tables.files)
    if EXCEL in task.settings.save:
        save_workbook(out, tables.files)
    run = replace(_ended(task, out, tables, earlier, len(left)), unsaved=tuple(unsaved))
    sync_folder(out)  # the tables' names, before any record speaks of them
    if task.settings.report:
        run.record.write(out / RUN)
        from spinekit.workflows.report import make_report  # what draws pages is loaded when one is drawn

        make_report(out)
    run.record.finished = not left
    run.record.write(out / RUN)
    _tell_names(task)
    return run


def _tell_names(task: _Task) -> None:
    """Which film is which, where that was asked for."""
    if task.settings.name_table is not None:
        write_table(task.settings.name_table, task.names)


def _ended(task: _Task, out: Path, tables: Built, earlier: int, left_out: int = 0) -> PredictRun:
    record = _record(task, out)
    record.files = tables.files
    cards, settings = task.candidates.cards, task.settings
    used = {file.model for file in tables.files} | (
        {next(iter(cards))} if settings.model != "auto" else set()
    )
    main = [cards[name] for name in used & set(cards)]
    used |= {card.corners for card in main if settings.refine}
    used |= {card.second for card in main if settings.second_opinion}
    record.models = {name: cards[name].sha256 for name in sorted(used & set(cards))}
    predictions = Predictions(out, tables.places, task.films)
    record.notes = tuple(told_double(files) for files in tables.doubles)
    return PredictRun(
        out, record, predictions, earlier, left_out, doubles=tables.doubles, own_names=task.names.own()
    )


def _record(task: _Task, out: Path) -> RunRecord:
    """The record as it is before any file is read."""
    return RunRecord(
        plain_settings(task.settings),
        versions(),
        parameters=task.fingerprint,
        images=near_path(task.found[0].root, out) if task.names.all_own else (),
    )


def _whole(task: _Task, out: Path, journal: Journal) -> bool:
    """Whether nothing is left to be read or built."""
    if stated(out / RUN).get("finished") is not True or len(journal.files) != len(task.found):
        return False
    pages = TABLES if task.settings.report else TABLES[:-1]
    return all((out / name).is_file() for name in pages)


def _check_space(out: Path, files: Sequence[FoundFile], settings: PredictSettings) -> None:
    """Refuses a disk on which a run could not possibly end.

    Raises:
        EnvironmentFaultError: Naming what is free and what it takes at the least.
    """
    pictures = settings.overlays + settings.report
    needed = len(files) * _FILE_BYTES + pictures * sum(_size(item.path) for item in files) // _SHARE
    free = shutil.disk_usage(out).free
    if free < needed:
        raise EnvironmentFaultError(
            f"--out {out}: {free >> 10} KiB are free, and this run takes {needed >> 10} at the least -- free space "
            "on the disk, or choose another folder"
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _named(sources: Sequence[Path]) -> str:
    return ", ".join(str(source) for source in sources[:3]) + (" ..." if len(sources) > 3 else "")


def _seen(found: Sequence[FoundFile]) -> str:
    if not found:
        return "holds no file -- name a folder with DICOM, PNG, JPEG or TIFF images"
    kinds = sorted({Path(item.name).suffix.lower() or "no suffix" for item in found})
    return f"none of its {len(found)} files ({', '.join(kinds[:6])}) is an image -- give DICOM, PNG, JPEG or TIFF"
