"""Converting annotations: any format that can be read into any that can be written, nothing lost in silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from spinekit.core.errors import AnnotationError, NothingUsableError, UsageError
from spinekit.files import printable
from spinekit.formats.plugin import AnnotationFormat, LabelOptions
from spinekit.formats.registry import annotation_format, annotation_formats
from spinekit.schemas import nearest
from spinekit.workflows.convert_settings import ConvertSettings, check_places
from spinekit.workflows.convert_writing import Plan, Progress, Tally, prepared, write_all
from spinekit.workflows.dataset_parts import Parted, part_table
from spinekit.workflows.labelled import Labelled, find_labelled
from spinekit.workflows.mapping import read_map
from spinekit.workflows.split import PARTS
from spinekit.workflows.survey import Survey, count_scene, count_translated, losses, said_of

__all__ = ["Conversion", "ConvertSettings", "Progress", "convert"]

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
        remarks: What a person should know of the whole, one line each.
        parts: Images by part, where a split table divides them.
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
    remarks: tuple[str, ...] = ()
    parts: Mapping[str, int] = field(default_factory=dict)


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
            the schema, the map or the split table do not fit, or if the output would overwrite something.
        AnnotationError: If the annotations are broken; nothing is written then.
        NothingUsableError: If there is nothing to convert.
    """
    target = _writable(settings.to)
    if settings.consensus not in (None, *CONSENSUS):
        offer = nearest(str(settings.consensus), CONSENSUS)
        raise UsageError(f"--consensus {settings.consensus}: there is no such way to agree -- {offer}")
    division = _division(settings)
    notices: list[str] = []
    found = find_labelled(
        settings.source,
        settings.from_format,
        settings.schema_name,
        LabelOptions(settings.images, settings.class_attribute, settings.allow_missing, notices.append),
        None if settings.map is None else read_map(settings.map),
    )
    copies = bool(target.images) if settings.copy_images is None else settings.copy_images
    plan = Plan(settings, found, target, copies, division)
    check_places(settings, copies)
    if settings.window is not None and not copies:
        raise UsageError(
            f"--window {printable(str(settings.window))}: no image is written that it could hold for -- "
            "add --copy-images"
        )
    survey = _surveyed(plan, notices, on_progress)
    if division is not None and (division.counts or division.missing):
        division.refuse(printable(str(settings.source)))
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
    tally = Tally()
    if target.images and survey.task == "pose" and not found.schema.mirrored:
        tally.remarks.append(
            f"no landmark of {found.schema.name} is known to have a mirror image -- train without left-right flips, "
            "or name a --schema with mirrored pairs"
        )
    files = write_all(plan, survey, tally, notices, on_progress)
    return Conversion(
        settings.out,
        found.format.name,
        target.name,
        found.schema.name,
        tally.parts.total(),
        tally.instances,
        tally.rasters,
        tuple(notices),
        dict(survey.left_out),
        lost,
        tuple(tally.failed),
        files,
        tuple(tally.remarks),
        {} if division is None else {part: tally.parts[part] for part in PARTS if tally.parts[part]},
    )


def _division(settings: ConvertSettings) -> Parted | None:
    """The parts that the films go to, or None."""
    if settings.split is None:
        if settings.allow_leak:
            raise UsageError("--allow-leak: speaks of the parts of a split table -- name one with --split")
        return None
    return Parted((part_table(settings.split),), (settings.source,), settings.allow_leak)


def _writable(name: str) -> AnnotationFormat:
    target = annotation_format(name)
    if target.write is None:
        known = ", ".join(item.name for item in annotation_formats() if item.write is not None)
        raise UsageError(f"--to {target.name}: it can be read, not written -- choose one of {known}")
    return target


def _surveyed(plan: Plan, notices: list[str], on_progress: Progress | None) -> Survey:
    """Counts of all that is there; where images are missing and must not be, all of them are told."""
    try:
        return _counted(plan, plan.found, on_progress, plan.division)
    except AnnotationError as error:
        if plan.settings.allow_missing:
            raise
        notices.clear()
        lenient = replace(plan.found, options=replace(plan.found.options, allow_missing=True))
        try:
            _counted(plan, lenient, on_progress, None)
        except AnnotationError as same:
            raise same from None
        what = said_of(str(error))[1]
        names = [name for name, said in map(said_of, notices) if said == what]
        if not names:  # the reader has told all of them by itself
            raise
        raise AnnotationError(_missing(plan, names, what)) from None


def _missing(plan: Plan, names: list[str], what: str) -> str:
    """That annotated images are not there, with the names of the first."""
    shown = ", ".join(map(printable, names[:5])) + (", ..." if len(names) > 5 else "")
    return (
        f"{printable(str(plan.settings.source))}: {len(names)} annotated images cannot be used ({shown}): "
        f"{printable(what)} -- name their folder with --images, or pass over them with --allow-missing"
    )


def _counted(plan: Plan, found: Labelled, on_progress: Progress | None, division: Parted | None) -> Survey:
    survey = Survey()
    gone = frozenset(
        name for name, called in (found.names.landmarks if found.names else {}).items() if called is None
    )
    for scene in prepared(plan, found, lambda item: count_translated(survey, item, gone)):
        if division is not None and not division.see(scene):
            continue
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
