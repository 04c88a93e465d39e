"""A folder of films in; named bodies, landmarks, measurements, overlays and a report out."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from spinekit import __version__
from spinekit.anatomy.masked_scene import with_corners
from spinekit.core.errors import NothingUsableError, ReadError, SkipFile, UsageError
from spinekit.core.image import Image, ImageRef
from spinekit.core.measurement import Result
from spinekit.core.scene import Scene
from spinekit.core.spacing import Spacing
from spinekit.files import atomic_path, printable
from spinekit.formats.measurement_csv import MeasurementTable
from spinekit.formats.plugin import MAX_PIXELS, ReadOptions, WindowChoice
from spinekit.formats.reading import FoundFile, find_files, read_images
from spinekit.formats.registry import annotation_format
from spinekit.formats.result_lines import results_to_line
from spinekit.formats.scenes import to_line
from spinekit.measures import measure
from spinekit.runs import DEFAULT_FOLDER, FileRecord, RunRecord, claim_folder, next_folder
from spinekit.views.overlay import draw_overlay, thumbnail, write_overlay
from spinekit.views.report import FileNote, ReportCard, ReportRun, write_report
from spinekit.workflows.outputs import (
    check_save,
    output_path,
    with_shapes,
    write_failures,
    write_film,
    write_probability,
)
from spinekit.workflows.reading import ModelChoice, Reading

_PICTURE_PX = 1600

Progress = Callable[[int, int, str], None]


class PredictSettings(BaseModel):
    """What to read, with what, and what to write.

    Attributes:
        sources: Files and folders; folders are read with their sub-folders.
        model: Name of a shipped model, a path to weights, or ``auto``.
        out: A new or empty folder; None for ``spinekit-out/<n>``.
        save: Further formats: ``mask``, ``via``, ``coco``, ``yolo`` ...
        spacing: Stated by the user; overrides the files'.
        overlays: Whether to draw.
        report: Whether to write ``report.html``.
        threads: Threads to compute with; None for every core.
        max_pixels: Larger images are refused before they are decoded.
        window: Which window DICOM images are read by; None for the files' own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    sources: tuple[Path, ...] = Field(min_length=1)
    model: str = "auto"
    out: Path | None = None
    save: tuple[str, ...] = ()
    spacing: Spacing | None = None
    overlays: bool = True
    report: bool = True
    threads: int | None = Field(None, ge=1, le=1024)
    max_pixels: int = Field(MAX_PIXELS, ge=1)
    window: WindowChoice | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What was made of one image.

    Attributes:
        image: Which image.
        scene: What was found; None where the model refused.
        results: Measurements and refusals.
        warnings: What a reader should know of the image.
        refusal: Why nothing is reported, or empty.
    """

    image: ImageRef
    scene: Scene | None
    results: tuple[Result, ...]
    warnings: tuple[str, ...] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class PredictRun:
    """A finished run.

    Attributes:
        out: Its folder.
        record: What became of every file.
        predictions: One per image, in the order read; probabilities of semantic models are on disk only.
    """

    out: Path
    record: RunRecord
    predictions: tuple[Prediction, ...]


@dataclass(slots=True)
class _Run:
    """A run under way: its places, its open tables and what has become of the files so far."""

    settings: PredictSettings
    out: Path
    choice: ModelChoice
    record: RunRecord
    table: MeasurementTable
    lines: TextIO
    results: TextIO
    on_progress: Progress | None
    predictions: list[Prediction] = field(default_factory=list)
    interrupted: bool = False


def predict(settings: PredictSettings, on_progress: Progress | None = None) -> PredictRun:
    """Reads, detects, names, measures, draws and reports.

    Args:
        settings: What to do.
        on_progress: Told before every file: files done, files in all, the next one's name.

    Returns:
        Where the results are and what they are.

    Raises:
        UsageError: If the settings cannot be, before anything is read.
        EnvironmentFaultError: If a model is missing or the folder cannot be written.
        NothingUsableError: If the sources hold no file that could be read; what was seen is in the message.
        KeyboardInterrupt: If interrupted, after what was done so far has been written.
    """
    check_save(settings.save)
    _check_places(settings)
    found = list(find_files(settings.sources, settings.out))
    if not any(item.skip is None for item in found):
        raise NothingUsableError(f"{_named(settings.sources)}: {_seen(found)}")
    choice = ModelChoice(settings.model, settings.threads)
    out = claim_folder(settings.out) if settings.out else next_folder(Path(DEFAULT_FOLDER))
    record = RunRecord(_plain(settings), _versions())
    with ExitStack() as stack:
        lines = stack.enter_context(_text(stack, out / "predictions.jsonl"))
        table = MeasurementTable(stack.enter_context(_text(stack, out / "measurements.csv")))
        results = stack.enter_context(_text(stack, out / "measurements.jsonl"))
        run = _Run(settings, out, choice, record, table, lines, results, on_progress)
        _drive(run, found)
    for name in settings.save:
        _save_as(name, run)
    record.models.update(sorted(choice.used.items()))
    write_failures(out / "failures.csv", record.files)
    record.write(out / "run.json")
    if run.interrupted:
        raise KeyboardInterrupt
    if on_progress is not None:
        on_progress(len(found), len(found), "")
    return PredictRun(out, record, tuple(run.predictions))


def _text(stack: ExitStack, path: Path) -> TextIO:
    """A text file that appears under its name when the stack ends without an error."""
    temporary = stack.enter_context(atomic_path(path))
    return temporary.open("w", encoding="utf-8", newline="")


def _check_places(settings: PredictSettings) -> None:
    out = settings.out.resolve() if settings.out else None
    for source in settings.sources:
        place = source.resolve()
        if "://" in str(source):
            raise UsageError(f"{source}: addresses are not opened -- download the file and give its path")
        if out is not None and (place == out or out in place.parents):
            raise UsageError(
                f"--out {settings.out}: {source} lies in it -- name a folder apart from the input"
            )


def _drive(run: _Run, found: Sequence[FoundFile]) -> None:
    """Goes through all files; the report, where wanted, pulls one card at a time so that memory stays flat."""
    cards = _cards(run, found)
    if not run.settings.report:
        for _ in cards:
            pass
        return
    failed = (FileNote(r.name, r.reason) for r in run.record.files if r.status in {"failed", "abstained"})
    skipped = (FileNote(r.name, r.reason) for r in run.record.files if r.status == "skipped")
    report = ReportRun(
        cards=cards,
        title="spinekit report",
        models=(run.settings.model,),
        settings=run.record.settings,
        failed=failed,
        skipped=skipped,
        version=__version__,
    )
    write_report(run.out / "report.html", report)


def _cards(run: _Run, found: Sequence[FoundFile]) -> Iterator[ReportCard]:
    for done, item in enumerate(found):
        if run.on_progress is not None:
            run.on_progress(done, len(found), item.name)
        if item.skip is not None:
            run.record.files.append(FileRecord(item.name, "skipped", item.skip))
            continue
        try:
            yield from _file_cards(run, item)
        except KeyboardInterrupt:
            run.interrupted = True
            left = "interrupted before it was read -- run again"
            run.record.files.extend(FileRecord(rest.name, "skipped", left) for rest in found[done:])
            return


def _file_cards(run: _Run, item: FoundFile) -> Iterator[ReportCard]:
    settings = run.settings
    options = ReadOptions(settings.spacing, settings.max_pixels, item.root, settings.window)
    try:
        for image in read_images(item.path, options):
            yield _one_image(run, image)
    except SkipFile as skip:
        run.record.files.append(FileRecord(item.name, "skipped", _reason(skip)))
    except ReadError as error:
        run.record.files.append(FileRecord(item.name, "failed", _reason(error)))


def _reason(error: ReadError) -> str:
    return f"{error.reason} -- {error.fix}"


def _one_image(run: _Run, image: Image) -> ReportCard:
    reading = run.choice.read(image)
    if reading.scene is None or reading.refusal:
        return _refused(run, image, reading)
    scene = reading.scene
    results = measure(with_corners(scene))  # what is written keeps its masks alone
    run.table.add(image.ref.name, results)
    run.lines.write(to_line(scene) + "\n")
    run.results.write(results_to_line(image.ref.name, results) + "\n")
    outputs = [write_film(image, run.out / "films")] if run.settings.report else []
    picture = draw_overlay(image, scene, results) if run.settings.overlays or run.settings.report else None
    if run.settings.overlays and picture is not None:
        path = output_path(run.out / "overlays", image.ref.name, ".png")
        write_overlay(path, picture)
        outputs.append(path)
    if "mask" in run.settings.save:
        outputs += write_probability(scene, run.out / "probability")
    names = tuple(path.relative_to(run.out).as_posix() for path in outputs)
    run.record.files.append(FileRecord(image.ref.name, "ok", "", image.ref.sha256, scene.model, names))
    run.predictions.append(Prediction(image.ref, _without_probability(scene), results, image.warnings))
    small = thumbnail(picture, _PICTURE_PX) if picture is not None else None
    return ReportCard(image.ref, scene, results, small, image.warnings)


def _refused(run: _Run, image: Image, reading: Reading) -> ReportCard:
    """An image that no model knows: listed with the reason, and shown as it is."""
    outputs = [write_film(image, run.out / "films")] if run.settings.report else []
    names = tuple(path.relative_to(run.out).as_posix() for path in outputs)
    record = FileRecord(image.ref.name, "abstained", reading.refusal, image.ref.sha256, reading.model, names)
    run.record.files.append(record)
    run.predictions.append(Prediction(image.ref, None, (), image.warnings, reading.refusal))
    small = thumbnail(np.repeat(image.pixels[:, :, None], 3, axis=2), _PICTURE_PX)
    return ReportCard(image.ref, None, (), small, (*image.warnings, reading.refusal))


def _without_probability(scene: Scene) -> Scene:
    return scene if scene.raster is None else replace(scene, raster=replace(scene.raster, probability=None))


def _save_as(name: str, run: _Run) -> None:
    """Writes the predictions in another format below ``<out>/<name>``."""
    writer = annotation_format(name).write
    if writer is not None:
        scenes = [p.scene for p in run.predictions if p.scene is not None]
        if name == "mask":
            scenes = [shaped for scene in scenes if (shaped := with_shapes(scene)) is not None]
        by_schema: dict[str, list[Scene]] = {}
        for scene in scenes:
            by_schema.setdefault(scene.schema.name, []).append(scene)
        for schema, group in by_schema.items():
            folder = run.out / name
            writer(group, folder if len(by_schema) == 1 else folder / schema)


def _plain(settings: PredictSettings) -> dict[str, str]:
    """The settings as text, without a path of the machine."""
    spacing = settings.spacing
    stated = f"{spacing.row_mm:g}x{spacing.col_mm:g} mm" if spacing else "from the files"
    model = Path(settings.model).name if "/" in settings.model else settings.model
    window = printable(str(settings.window)) if settings.window else "from the files"
    return {"model": model, "spacing": stated, "window": window, "save": ", ".join(settings.save)}


def _versions() -> dict[str, str]:
    packages = ("ultralytics", "torch", "numpy", "opencv-python", "pydicom")
    found = {"spinekit": __version__, "python": platform.python_version()}
    return found | {name: version(name) for name in packages}


def _named(sources: Sequence[Path]) -> str:
    return ", ".join(str(source) for source in sources[:3]) + (" ..." if len(sources) > 3 else "")


def _seen(found: Sequence[FoundFile]) -> str:
    if not found:
        return "holds no file -- name a folder with DICOM, PNG, JPEG or TIFF images"
    kinds = sorted({Path(item.name).suffix.lower() or "no suffix" for item in found})
    return f"none of its {len(found)} files ({', '.join(kinds[:6])}) is an image -- give DICOM, PNG, JPEG or TIFF"
