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
from spinekit.workflows.dataset_source import DataSource, Progress
from spinekit.workflows.dataset_writing import (
    IMAGES,
    SOURCES,
    TableWriter,
    Written,
    table,
    target_format,
    whole_folder,
    write_annotations,
)
from spinekit.workflows.labelled import Labelled, find_labelled, read_labelled
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
    """

    map: Path | None = None
    name: str | None = None


class MergeSettings(BaseModel):
    """What is to be merged, and into what.

    Attributes:
        sources: The data sets; their own ``schema_name`` counts for nothing.
        schema_name: What everything is to be called, a name or a file.
        out: A new or empty folder.
        to: Format of the annotations; None for lossless lines.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: tuple[MergeSource, ...] = Field(min_length=1)
    schema_name: str
    out: Path
    to: str | None = None


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
    """

    written: Written
    sources: list[SourceReport]
    joined: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    not_kept: Counter[str] = field(default_factory=Counter)
    notices: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


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
    """
    schema = load_schema(settings.schema_name)
    form = target_format(settings.to)
    names = source_names(settings.sources)
    notices: list[str] = []
    found = [
        _find(source, settings.schema_name, _speaking(name, notices.append))
        for source, name in zip(settings.sources, names, strict=True)
    ]
    shared = shared_images(found, names)
    _check_all_there(settings.sources, shared, notices)
    notices.clear()  # the same lines come again while writing
    out = settings.out
    report = MergeReport(
        Written(out, form.name, 0, ()), [SourceReport(name) for name in names], notices=notices
    )
    with whole_folder(out, [source.data for source in settings.sources]) as scratch:
        with table(scratch / SOURCES, ("name", "source", "source_name", "group")) as rows:
            scenes = _merged(found, shared, scratch / IMAGES, report, rows, on_progress)
            files = write_annotations(form, scenes, scratch, report.not_kept)
        images = report.written.images
        if not images:
            raise NothingUsableError(f"{settings.out}: no image of any source could be taken over")
    files = tuple(out / file.relative_to(scratch) for file in files)
    report.written = Written(out, form.name, images, files)
    present = {label for account in report.sources for label in account.labels}
    for account in report.sources:
        account.labels = Counter({label: n for label in labels_of(schema) if (n := account.labels[label])})
        account.never = tuple(
            label for label in labels_of(schema) if label in present and not account.labels[label]
        )
    return report


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
    found: Sequence[Labelled],
    shared: Shared,
    folder: Path,
    report: MergeReport,
    rows: TableWriter,
    on_progress: Progress | None,
) -> Iterator[Scene]:
    """The scenes of all sources, each with its image copied; shared ones wait until all is said of them."""
    waiting: dict[ImageKey, list[Said]] = {}
    taken: set[str] = set()
    for number, source in enumerate(found):
        account = report.sources[number]

        def hear(translated: Translated, account: SourceReport = account) -> None:
            account.left_out.update(translated.instances)
            account.points.update(translated.points)
            account.rasters += translated.rasters

        for scene in read_labelled(source, hear):
            said = [*waiting.pop(image_key(scene.image), []), Said(number, scene)]
            if len(said) < shared.times.get(image_key(scene.image), 1):
                waiting[image_key(scene.image)] = said
                continue
            written = _written(said, shared.groups, folder, taken, report, rows)
            if written is not None:
                yield written
                if on_progress is not None:
                    on_progress(report.written.images, written.image.name)


def _written(
    said: list[Said],
    groups: dict[str, str],
    folder: Path,
    taken: set[str],
    report: MergeReport,
    rows: TableWriter,
) -> Scene | None:
    """The scene of an image that has been copied; None where it cannot be read."""
    first = report.sources[said[0].source]
    old = said[0].scene.image
    wished = ""
    if name_taken(old.name, taken):
        wished = f"{first.name}-{PurePosixPath(old.name).as_posix().replace('/', '-')}"
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
    joined = replace(whole, image=image, group=groups.get(group, group))
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
