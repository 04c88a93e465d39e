"""Several data sets made one: names brought under one schema, images beside each other, nothing lost unsaid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, Field

from spinekit.core.errors import NothingUsableError, ReadError, UsageError
from spinekit.core.scene import Scene
from spinekit.core.translate import Translated, labels_of
from spinekit.files import printable
from spinekit.formats.plugin import LabelOptions
from spinekit.schemas import load_schema
from spinekit.workflows.dataset_parts import (
    Likenesses,
    Parted,
    Place,
    in_part,
    part_table,
    places,
    val_remark,
)
from spinekit.workflows.dataset_source import DataSource, Progress
from spinekit.workflows.dataset_writing import (
    IMAGES,
    TableWriter,
    Written,
    table,
    target_format,
    whole_folder,
    write_annotations,
)
from spinekit.workflows.labelled import Labelled, find_labelled, read_labelled
from spinekit.workflows.manifest import SOURCES
from spinekit.workflows.mapping import read_map
from spinekit.workflows.pictures import copy_picture, name_taken
from spinekit.workflows.shared_images import (
    ImageKey,
    Said,
    Shared,
    image_key,
    laid_together,
    own_group,
    shared_images,
)


class MergeSource(DataSource):
    """One of the data sets.

    Attributes:
        map: File with the user's own pairs of names, see `spinekit.workflows.mapping.read_map`.
        name: What it is called in groups and in the table; None for the name of its folder.
        split: Table of name, group and part of its films; all sources have one, or none has.
    """

    map: Path | None = None
    name: str | None = None
    split: Path | None = None


class MergeSettings(BaseModel):
    """What is to be merged, and into what.

    Attributes:
        sources: The data sets; their own ``schema_name`` counts for nothing.
        schema_name: What everything is to be called, a name or a file.
        out: A new or empty folder.
        to: Format of the annotations; None for lossless lines.
        allow_leak: Whether films that belong together may be in two parts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: tuple[MergeSource, ...] = Field(min_length=1)
    schema_name: str
    out: Path
    to: str | None = None
    allow_leak: bool = False


@dataclass(slots=True)
class SourceReport:
    """What became of one data set.

    Attributes:
        name: Of the source.
        images: How many of its images went in.
        labels: Instances that went in, by their new name.
        left_out: Instances left out as the map asks, by their old name.
        points: Placed landmarks that have no place in the schema, by their old name.
        rasters: Probabilities that were left out.
        renamed: Images whose name another had: old and new.
        never: Labels that other sources have and this one has nowhere. Where such a thing is visible all
            the same, it is unlabelled, and a model would learn not to see it.
    """

    name: str
    images: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    rasters: int = 0
    renamed: list[tuple[str, str]] = field(default_factory=list)
    never: tuple[str, ...] = ()


@dataclass(slots=True)
class MergeReport:
    """What was made.

    Attributes:
        written: The data set.
        sources: One account for each source, in their order.
        joined: Images that several sources label, whose labels were laid together.
        conflicts: What two sources both say of one such image, one line each.
        not_kept: Images of which the format cannot keep something, by what that is.
        notices: What was passed over, one line each.
        failed: Images that could not be read, one line each.
        parts: Images by part, where split tables divide them.
    """

    written: Written
    sources: list[SourceReport]
    joined: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    not_kept: Counter[str] = field(default_factory=Counter)
    notices: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    parts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What holds for a whole merge."""

    found: Sequence[Labelled]
    shared: Shared
    division: Parted | None
    likenesses: Likenesses


def merge_datasets(settings: MergeSettings, on_progress: Progress | None = None) -> MergeReport:
    """Writes several data sets as one, with images, annotations and ``sources.csv``.

    Annotations are read twice: once to find the images that several sources label (the same bytes), once to
    write. Groups get their source's name in front, so that patient 7 of one is not patient 7 of the other;
    groups that share an image are one.

    Args:
        settings: What is to be done.
        on_progress: Told after each image written.

    Raises:
        UsageError: If a source, its format, the schema or a map cannot be understood.
        AnnotationError: If a source uses a name that neither schema nor map knows.
        NothingUsableError: If a source has no labelled image, or no image could be written.

    Where split tables are given, each source's films go to the parts that its own table says.
    """
    schema = load_schema(settings.schema_name)
    form = target_format(settings.to)
    names = source_names(settings.sources)
    notices: list[str] = []
    found = [
        _find(source, settings.schema_name, _speaking(name, notices.append))
        for source, name in zip(settings.sources, names, strict=True)
    ]
    division = _division(settings)
    shared = shared_images(found, names)
    _check_all_there(settings.sources, shared, notices)
    if division is not None:
        _check_division(division, found, shared, names)
    notices.clear()  # the same lines come again while writing
    out = settings.out
    report = MergeReport(
        Written(out, form.name, 0, ()), [SourceReport(name) for name in names], notices=notices
    )
    plan = _Plan(found, shared, division, Likenesses())
    files: tuple[Path, ...] = ()
    with whole_folder(out, [source.data for source in settings.sources]) as scratch:
        for place in places(form, division):
            folder = scratch / place.folder
            folder.mkdir(exist_ok=True)
            with table(folder / SOURCES, ("name", "source", "source_name", "group")) as rows:
                scenes = _merged(plan, place, folder / IMAGES, report, rows, on_progress)
                files += write_annotations(form, scenes, folder, report.not_kept)
        images = report.written.images
        if not images:
            raise NothingUsableError(f"{settings.out}: no image of any source could be taken over")
        notices += val_remark(files) if division is None else division.remarks() + plan.likenesses.remark()
    files = tuple(out / file.relative_to(scratch) for file in files)
    report.written = Written(out, form.name, images, files)
    present = {label for account in report.sources for label in account.labels}
    for account in report.sources:
        account.labels = Counter({label: n for label in labels_of(schema) if (n := account.labels[label])})
        account.never = tuple(
            label for label in labels_of(schema) if label in present and not account.labels[label]
        )
    return report


def _division(settings: MergeSettings) -> Parted | None:
    """The parts that the films go to, or None."""
    given = [source.split for source in settings.sources if source.split is not None]
    if not given:
        if settings.allow_leak:
            raise UsageError("--allow-leak: speaks of the parts of a split table -- name one with --split")
        return None
    if len(given) < len(settings.sources):
        lacking = next(source.data for source in settings.sources if source.split is None)
        raise UsageError(
            f"--split: {printable(str(lacking))} has no table -- give each source one, or one that names all films"
        )
    folders = tuple(source.data for source in settings.sources)
    return Parted(tuple(map(part_table, given)), folders, settings.allow_leak)


def _check_division(
    division: Parted, found: Sequence[Labelled], shared: Shared, names: Sequence[str]
) -> None:
    """Refuses tables that tear apart what belongs together; groups that share an image are one."""
    for number, source in enumerate(found):
        for scene in read_labelled(source):
            group = own_group(names[number], scene)
            division.see(replace(scene, group=shared.groups.get(group, group)), number)
    division.refuse("the sources")


def source_names(sources: Sequence[MergeSource]) -> tuple[str, ...]:
    """What the sources are called: as the user says, else by folder, numbered where two are alike.

    Raises:
        UsageError: If the user gives one name twice.
    """
    given = [source.name for source in sources if source.name]
    if len(set(given)) < len(given):
        raise UsageError(f"two sources are called {', '.join(sorted(given))} -- give each a name of its own")
    names: list[str] = []
    for source in sources:
        place = source.data.resolve()
        wished = source.name or (place.parent if place.is_file() else place).name or "data"
        name, number = wished, 1
        while name in names:
            number += 1
            name = f"{wished}-{number}"
        names.append(name)
    return tuple(names)


def _find(source: MergeSource, schema: str, notice: Callable[[str], None]) -> Labelled:
    options = LabelOptions(images=source.images, notice=notice)
    names = None if source.map is None else read_map(source.map)
    return find_labelled(source.data, source.format, schema, options, names)


def _check_all_there(sources: Sequence[MergeSource], shared: Shared, notices: Sequence[str]) -> None:
    """Refuses a source of which nothing would go in: most often its images lie elsewhere."""
    for source, images in zip(sources, shared.images, strict=True):
        if not images:
            told = f", first told: {notices[0]}" if notices else ""
            raise NothingUsableError(
                f"{printable(str(source.data))}: has no labelled image whose pixels are there{printable(told)} -- "
                "name the folder of its images with --images, or leave the source out"
            )


def _speaking(name: str, notice: Callable[[str], None]) -> Callable[[str], None]:
    """Puts the source's name before each line."""
    return lambda line: notice(f"{name}: {line}")


def _merged(
    plan: _Plan,
    place: Place,
    folder: Path,
    report: MergeReport,
    rows: TableWriter,
    on_progress: Progress | None,
) -> Iterator[Scene]:
    """The scenes of all sources, each with its image copied; shared ones wait until all is said of them."""
    first = not report.written.images  # what falls out is counted once, though every part reads anew
    waiting: dict[ImageKey, list[Said]] = {}
    taken: set[str] = set()
    for number, source in enumerate(plan.found):
        hear = _hearing(report.sources[number] if first else SourceReport(""))
        for scene in read_labelled(source, hear):
            said = [*waiting.pop(image_key(scene.image), []), Said(number, scene)]
            if len(said) < plan.shared.times.get(image_key(scene.image), 1):
                waiting[image_key(scene.image)] = said
                continue
            part = _part(plan, said)
            if plan.division is not None and part not in place.parts:
                continue
            written = _written(plan, said, part, place, folder, taken, report, rows)
            if written is not None:
                yield written
                if on_progress is not None:
                    on_progress(report.written.images, written.image.name)


def _hearing(account: SourceReport) -> Callable[[Translated], None]:
    """Counts what falls out of a source's scenes in translation."""

    def hear(translated: Translated) -> None:
        account.left_out.update(translated.instances)
        account.points.update(translated.points)
        account.rasters += translated.rasters

    return hear


def _part(plan: _Plan, said: Sequence[Said]) -> str:
    """The part of an image: that of any of its films that a table names."""
    if plan.division is None:
        return ""
    named = (plan.division.part(one.scene.image.name, one.source) for one in said)
    return next(filter(None, named), "")


def _written(
    plan: _Plan,
    said: list[Said],
    part: str,
    place: Place,
    folder: Path,
    taken: set[str],
    report: MergeReport,
    rows: TableWriter,
) -> Scene | None:
    """The scene of an image that has been copied; None where it cannot be read."""
    first = report.sources[said[0].source]
    old = in_part(said[0].scene.image, part, place)
    wished = ""
    if name_taken(old.name, taken):
        home = f"{part}/" if part and not place.folder else ""
        wished = (
            f"{home}{first.name}-{PurePosixPath(old.name.removeprefix(home)).as_posix().replace('/', '-')}"
        )
    try:
        image = copy_picture(old, folder, taken, wished)
    except ReadError as error:
        report.failed.append(str(error))
        return None
    if wished:
        first.renamed.append((old.name, image.name))
    group = own_group(first.name, said[0].scene)
    names = [report.sources[one.source].name for one in said]
    whole, conflicts = laid_together(said, names)
    if len(said) > 1:
        report.joined.append(f"{old.name}: {' + '.join(dict.fromkeys(names))}")
    report.conflicts += conflicts
    joined = replace(whole, image=image, group=plan.shared.groups.get(group, group))
    if plan.division is not None:
        report.parts[part] += 1
        plan.likenesses.add(image, part, plan.division.group(said[0].scene, said[0].source))
    for one in said:
        account = report.sources[one.source]
        account.images += 1
        account.labels.update(item.label for item in one.scene.instances)
        account.labels.update(_raster_labels(one.scene))
        rows.row(image.name, account.name, one.scene.image.name, joined.group)
    report.written = replace(report.written, images=report.written.images + 1)
    return joined


def _raster_labels(scene: Scene) -> set[str]:
    if scene.raster is None or scene.raster.labels is None:
        return set()
    return {scene.schema.classes[index] for index in set(scene.raster.labels.ravel().tolist())}
