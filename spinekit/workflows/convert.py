"""Converting annotations: any format that can be read into any that can be written, nothing lost in silence."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from spinekit.core.errors import (
    AnnotationError,
    EnvironmentFaultError,
    NothingUsableError,
    ReadError,
    UsageError,
)
from spinekit.core.scene import Scene
from spinekit.core.translate import Translated
from spinekit.files import printable, write_text
from spinekit.formats.plugin import AnnotationFormat, LabelOptions
from spinekit.formats.registry import annotation_format, annotation_formats
from spinekit.schemas import nearest
from spinekit.workflows.consensus import mean_of_readers
from spinekit.workflows.convert_settings import ConvertSettings, check_places
from spinekit.workflows.image_copies import copy_image
from spinekit.workflows.labelled import Labelled, find_labelled, read_labelled
from spinekit.workflows.manifest import Manifest, manifest
from spinekit.workflows.mapping import read_map
from spinekit.workflows.raster_outlines import raster_as_outlines
from spinekit.workflows.survey import Survey, count_scene, count_translated, losses, said_of

__all__ = ["Conversion", "ConvertSettings", "Progress", "convert"]

Progress = Callable[[str, int, int], None]

PASSED_OVER = "passed-over.txt"
IMAGES = "images"
CONSENSUS = ("mean",)
_BESIDE = frozenset({"spacing", "groups", "covariates"})  # kept by the manifest, or left out on purpose


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a conversion made.

    Attributes:
        out: Its folder.
        source_format: What was read.
        target_format: What was written.
        schema: Name of the landmark or class set of the output.
        images: Images written.
        instances: Things in them.
        rasters: Images with a class for every pixel.
        passed_over: One line for everything passed over, clipped or repaired.
        left_out: Instances that the map leaves out, by label.
        lost: What the target could not carry, in words.
        failed: Images that could not be read, one line each; their labels are not in the output.
        files: Annotation files and tables, below ``out``.
    """

    out: Path
    source_format: str
    target_format: str
    schema: str
    images: int
    instances: int
    rasters: int
    passed_over: tuple[str, ...]
    left_out: Mapping[str, int]
    lost: Mapping[str, str]
    failed: tuple[str, ...]
    files: tuple[Path, ...]


@dataclass(slots=True)
class _Tally:
    """What the writing pass counts."""

    images: int = 0
    instances: int = 0
    rasters: int = 0
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What holds for a whole conversion."""

    settings: ConvertSettings
    found: Labelled
    target: AnnotationFormat
    copies: bool


def convert(
    settings: ConvertSettings,
    on_progress: Progress | None = None,
    on_loss: Callable[[Mapping[str, str]], None] | None = None,
) -> Conversion:
    """Reads annotations twice, first to see what they hold and then to write them; one image at a time.

    Args:
        settings: What and how.
        on_progress: Told of work: what, how many images are done, of how many (0: unknown).
        on_loss: Told, before anything is written, what the target cannot carry and the user lets go.

    Returns:
        What was written, passed over and lost.

    Raises:
        UsageError: If the target cannot carry what is there and the user does not let it go, if the formats,
            the schema or the map do not fit, or if the output would overwrite something.
        AnnotationError: If the annotations are broken; nothing is written then.
        NothingUsableError: If there is nothing to convert.
    """
    target = _writable(settings.to)
    if settings.consensus not in (None, *CONSENSUS):
        offer = nearest(str(settings.consensus), CONSENSUS)
        raise UsageError(f"--consensus {settings.consensus}: there is no such way to agree -- {offer}")
    notices: list[str] = []
    found = find_labelled(
        settings.source,
        settings.from_format,
        settings.schema_name,
        LabelOptions(settings.images, settings.class_attribute, settings.allow_missing, notices.append),
        None if settings.map is None else read_map(settings.map),
    )
    copies = bool(target.images) if settings.copy_images is None else settings.copy_images
    plan = _Plan(settings, found, target, copies)
    check_places(settings, copies)
    survey = _surveyed(plan, notices, on_progress)
    if survey.empty:
        raise NothingUsableError(_nothing(found, survey, notices))
    lost = losses(survey, target, _BESIDE)
    if lost and not settings.allow_loss:
        raise UsageError(
            f"{target.name} cannot carry what {printable(str(settings.source))} holds: {'; '.join(lost.values())}"
            " -- choose another format (see spinekit formats), or let it go with --allow-loss"
        )
    if lost and on_loss is not None:
        on_loss(lost)
    if target.images and survey.task == "pose" and not found.schema.mirrored:
        notices.append(
            f"{printable(str(settings.source))}: no landmark of {found.schema.name} is known to have a mirror image "
            "-- train without left-right flips, or name a --schema with mirrored pairs"
        )
    tally, files = _written(plan, survey, notices, on_progress)
    return Conversion(
        settings.out,
        found.format.name,
        target.name,
        found.schema.name,
        tally.images,
        tally.instances,
        tally.rasters,
        tuple(notices),
        dict(survey.left_out),
        lost,
        tuple(tally.failed),
        files,
    )


def _writable(name: str) -> AnnotationFormat:
    target = annotation_format(name)
    if target.write is None:
        known = ", ".join(item.name for item in annotation_formats() if item.write is not None)
        raise UsageError(f"--to {target.name}: it can be read, not written -- choose one of {known}")
    return target


def _prepared(plan: _Plan, found: Labelled, hear: Callable[[Translated], None]) -> Iterator[Scene]:
    """The scenes as they are to be written."""
    outlined = "raster" not in plan.target.keeps_of("sem") and "outlines" in plan.target.keeps_of("seg")
    for scene in read_labelled(found, hear):
        merged = mean_of_readers(scene) if plan.settings.consensus == "mean" else scene
        yield raster_as_outlines(merged) if outlined and merged.raster is not None else merged


def _surveyed(plan: _Plan, notices: list[str], on_progress: Progress | None) -> Survey:
    """Counts of all that is there; where images are missing and must not be, all of them are told."""
    try:
        return _counted(plan, plan.found, on_progress)
    except AnnotationError as error:
        if plan.settings.allow_missing:
            raise
        notices.clear()
        lenient = replace(plan.found, options=replace(plan.found.options, allow_missing=True))
        try:
            _counted(plan, lenient, on_progress)
        except AnnotationError as same:
            raise same from None
        what = said_of(str(error))[1]
        names = [name for name, said in map(said_of, notices) if said == what]
        if not names:  # the reader has told all of them by itself
            raise
        raise AnnotationError(_missing(plan, names, what)) from None


def _missing(plan: _Plan, names: list[str], what: str) -> str:
    """That annotated images are not there, with the names of the first."""
    shown = ", ".join(map(printable, names[:5])) + (", ..." if len(names) > 5 else "")
    return (
        f"{printable(str(plan.settings.source))}: {len(names)} annotated images cannot be used ({shown}): "
        f"{printable(what)} -- name their folder with --images, or pass over them with --allow-missing"
    )


def _counted(plan: _Plan, found: Labelled, on_progress: Progress | None) -> Survey:
    survey = Survey()
    gone = frozenset(
        name for name, called in (found.names.landmarks if found.names else {}).items() if called is None
    )
    for scene in _prepared(plan, found, lambda item: count_translated(survey, item, gone)):
        count_scene(survey, scene)
        if on_progress is not None:
            on_progress("reading", survey.images, 0)
    return survey


def _nothing(found: Labelled, survey: Survey, notices: list[str]) -> str:
    """Why there is nothing to convert."""
    source = printable(str(found.source))
    if survey.left_out:
        why = f"the map leaves out all {survey.left_out.total()} labels"
    elif survey.images:
        why = f"{survey.images} images without a single label"
    elif notices:
        why = "no image of the annotation is there"
    else:
        why = f"read as {found.format.name}, it names no image"
    told = f" (first told: {' '.join(said_of(notices[0]))})" if notices else ""
    return (
        f"{source}: nothing to convert: {why}{printable(told)} -- check the source, and --images where the "
        "images lie elsewhere"
    )


def _written(
    plan: _Plan, survey: Survey, notices: list[str], on_progress: Progress | None
) -> tuple[_Tally, tuple[Path, ...]]:
    """Writes into a folder of its own, which takes the place of the output when all is done."""
    out = plan.settings.out
    tally = _Tally()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except OSError as error:
        raise EnvironmentFaultError(
            f"{out.parent}: cannot be written ({error.strerror}) -- choose another folder"
        ) from error
    try:
        with manifest(scratch, plan.settings.source.resolve().name, plan.settings.covariates) as table:
            scenes = _outgoing(plan, scratch, table, tally, survey.images, on_progress)
            files = [] if plan.target.write is None else plan.target.write(scenes, scratch)
        if not tally.images:
            raise NothingUsableError(
                f"{plan.settings.source}: none of its {len(tally.failed)} images can be read, "
                f"e.g. {tally.failed[0]}"
            )
        files = [*files, scratch / "manifest.csv"]
        if notices:
            write_text(scratch / PASSED_OVER, "".join(f"{printable(line)}\n" for line in notices))
            files.append(scratch / PASSED_OVER)
        scratch.chmod(0o755)
        scratch.replace(out)
    except OSError as error:
        raise EnvironmentFaultError(f"{out}: cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return tally, tuple(out / file.relative_to(scratch) for file in files)


def _outgoing(
    plan: _Plan, scratch: Path, table: Manifest, tally: _Tally, total: int, on_progress: Progress | None
) -> Iterator[Scene]:
    """The scenes for the writer; each one's image is copied and listed as it passes."""
    silent = replace(plan.found, options=replace(plan.found.options, notice=lambda _: None))
    folder = scratch / (plan.target.images or IMAGES)
    taken: set[str] = set()
    for done, scene in enumerate(_prepared(plan, silent, lambda _: None), start=1):
        image = scene.image
        if on_progress is not None:
            on_progress("writing", done, total)
        if plan.copies:
            try:
                image = copy_image(scene.image, folder, taken)
            except ReadError as error:
                tally.failed.append(str(error))
                continue
        table.add(scene.image, image, scene.group, scene.covariates)
        tally.images += 1
        tally.instances += len(scene.instances)
        tally.rasters += scene.raster is not None
        covariates = scene.covariates if plan.settings.covariates else {}
        yield replace(scene, image=image, covariates=covariates)
