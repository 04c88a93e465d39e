"""The second pass of a conversion: images copied, labels written, and the tables beside them."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from spinekit.core.errors import EnvironmentFaultError, NothingUsableError, ReadError
from spinekit.core.scene import Author, Scene
from spinekit.core.translate import Translated
from spinekit.files import printable, write_text
from spinekit.formats.dicom_person import group_of
from spinekit.formats.plugin import AnnotationFormat, ReadOptions
from spinekit.formats.yolo import NOT_WRITTEN
from spinekit.workflows.consensus import mean_of_readers
from spinekit.workflows.convert_settings import ConvertSettings
from spinekit.workflows.dataset_parts import Likenesses, Parted, Place, in_part, places, val_remark
from spinekit.workflows.image_copies import copy_image
from spinekit.workflows.labelled import Labelled, read_labelled
from spinekit.workflows.manifest import Manifest, manifest
from spinekit.workflows.raster_outlines import raster_as_outlines
from spinekit.workflows.survey import Survey

Progress = Callable[[str, int, int], None]

PASSED_OVER = "passed-over.txt"
IMAGES = "images"


@dataclass(frozen=True, slots=True)
class Plan:
    """What holds for a whole conversion.

    Attributes:
        settings: As the user says.
        found: What is read.
        target: Format to write.
        copies: Whether images are laid beside the annotations.
        division: Which part each film goes to, or None.
    """

    settings: ConvertSettings
    found: Labelled
    target: AnnotationFormat
    copies: bool
    division: Parted | None = None


@dataclass(slots=True)
class Tally:
    """What the writing pass counts.

    Attributes:
        parts: Images by part; all under an empty name where nothing divides them.
        instances: Things in them.
        rasters: Images with a class for every pixel.
        failed: Images that could not be read, one line each.
        remarks: What a person should know of the whole, one line each.
        warned: What the reader said of images that it rendered, with the images' names.
    """

    parts: Counter[str] = field(default_factory=Counter)
    instances: int = 0
    rasters: int = 0
    failed: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    warned: dict[str, list[str]] = field(default_factory=dict)

    def warnings(self) -> list[str]:
        """One line for each warning, with how many images it is about and the first of them."""
        return [
            f"{printable(names[0])}{f' and {len(names) - 1} more' if len(names) > 1 else ''}: {printable(warning)}"
            for warning, names in self.warned.items()
        ]


def prepared(plan: Plan, found: Labelled, hear: Callable[[Translated], None]) -> Iterator[Scene]:
    """The scenes as they are to be written; where the labels name no group, a DICOM file's patient is one.

    Args:
        plan: Of the conversion.
        found: What is read.
        hear: Told of what falls out in translation.
    """
    outlined = "raster" not in plan.target.keeps_of("sem") and "outlines" in plan.target.keeps_of("seg")
    salt = plan.settings.source.resolve().name
    for scene in read_labelled(found, hear):
        grouped = scene if scene.group else replace(scene, group=group_of(scene.image.path, salt))
        merged = mean_of_readers(grouped) if plan.settings.consensus == "mean" else grouped
        mended = by_a_person(merged) if plan.settings.corrected else merged
        yield raster_as_outlines(mended) if outlined and mended.raster is not None else mended


def by_a_person(scene: Scene) -> Scene:
    """A scene that a person vouches for: what a model said of its own doubts holds no more."""
    items = (
        replace(item, author=Author.HUMAN, score=1.0, flags=(), level_shares=None) for item in scene.instances
    )
    return replace(scene, instances=tuple(items), model="")


def write_all(
    plan: Plan, survey: Survey, tally: Tally, notices: list[str], on_progress: Progress | None
) -> tuple[Path, ...]:
    """Writes into a folder of its own, which takes the place of the output when all is done.

    Args:
        plan: Of the conversion.
        survey: What the first pass counted.
        tally: Filled.
        notices: What was passed over; a list of them is written, too.
        on_progress: Told of work.

    Returns:
        The annotation files and tables, below the output.

    Raises:
        NothingUsableError: If no image could be read.
        EnvironmentFaultError: If the output cannot be written.
    """
    out = plan.settings.out
    files: list[Path] = []
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except OSError as error:
        raise EnvironmentFaultError(
            f"{out.parent}: cannot be written ({error.strerror}) -- choose another folder"
        ) from error
    likenesses = Likenesses()
    try:
        for place in places(plan.target, plan.division):
            files += _written(
                plan, place, scratch / place.folder, tally, likenesses, survey.images, on_progress
            )
        if not tally.parts:
            raise NothingUsableError(
                f"{plan.settings.source}: none of its {len(tally.failed)} images can be read, "
                f"e.g. {tally.failed[0]}"
            )
        division = plan.division
        tally.remarks += tally.warnings()
        tally.remarks += _unwritten(files, scratch)
        tally.remarks += val_remark(files) if division is None else division.remarks() + likenesses.remark()
        if notices:
            write_text(scratch / PASSED_OVER, "".join(f"{printable(line)}\n" for line in notices))
            files.append(scratch / PASSED_OVER)
        scratch.chmod(0o755)
        scratch.replace(out)
    except OSError as error:
        raise EnvironmentFaultError(f"{out}: cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return tuple(out / file.relative_to(scratch) for file in files)


def _unwritten(files: list[Path], out: Path) -> list[str]:
    """One line for each table of what the rows of a format could not hold."""
    lines = []
    for file in files:
        if file.name == NOT_WRITTEN:
            told = file.read_text(encoding="utf-8").splitlines()
            name = file.relative_to(out).as_posix()
            lines.append(f"{name}: {len(told)} not in the labels as they were, e.g. {printable(told[0])}")
    return lines


def _written(
    plan: Plan,
    place: Place,
    folder: Path,
    tally: Tally,
    likenesses: Likenesses,
    total: int,
    on_progress: Progress | None,
) -> list[Path]:
    """One data set, or the data set of one part, with its manifest."""
    folder.mkdir(exist_ok=True)
    with manifest(folder, plan.settings.source.resolve().name, plan.settings.covariates) as table:
        scenes = _outgoing(plan, place, folder, table, tally, likenesses, total, on_progress)
        files = [] if plan.target.write is None else plan.target.write(scenes, folder)
    return [*files, folder / "manifest.csv"]


def _outgoing(
    plan: Plan,
    place: Place,
    out: Path,
    table: Manifest,
    tally: Tally,
    likenesses: Likenesses,
    total: int,
    on_progress: Progress | None,
) -> Iterator[Scene]:
    """The scenes for the writer; each one's image is copied and listed as it passes."""
    silent = replace(plan.found, options=replace(plan.found.options, notice=lambda _: None))
    folder = out / (plan.target.images or IMAGES)
    taken: set[str] = set()
    options = ReadOptions(window=plan.settings.window)
    for read in prepared(plan, silent, lambda _: None):
        part = "" if plan.division is None else plan.division.part(read.image.name)
        if plan.division is not None and part not in place.parts:
            continue
        group = read.group if plan.division is None else plan.division.group(read)
        scene = replace(read, group=group)
        source = in_part(scene.image, part, place)
        image = source
        said: list[str] = []
        if on_progress is not None:
            on_progress("writing", tally.parts.total() + len(tally.failed) + 1, total)
        if plan.copies:
            try:
                image = copy_image(source, folder, taken, options, said.append)
            except ReadError as error:
                tally.failed.append(str(error))
                continue
        if options.window is not None and plan.copies and image.provenance.get("format") != "DICOM":
            said.append("no DICOM image, so the window asked for does not hold for it")
        for warning in said:
            tally.warned.setdefault(warning, []).append(scene.image.name)
        if plan.division is not None:
            likenesses.add(image, part, group)
        table.add(scene.image, image, scene.group, scene.covariates)
        tally.parts[part] += 1
        tally.instances += len(scene.instances)
        tally.rasters += scene.raster is not None
        covariates = scene.covariates if plan.settings.covariates else {}
        yield replace(scene, image=image, covariates=covariates)
