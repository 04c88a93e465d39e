"""Measures what is labelled or was predicted: from landmarks or masks in any format to one table of numbers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from spinekit.anatomy.hidden import to_be_measured
from spinekit.anatomy.masked_scene import with_corners
from spinekit.core.errors import AnnotationError, NothingUsableError, UsageError
from spinekit.core.image import ImageRef
from spinekit.core.level_points import level_point
from spinekit.core.measurement import Measurement, NotMeasured, Result
from spinekit.core.norm import Norm, Person
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing
from spinekit.files import printable, write_text
from spinekit.formats.dicom_person import covariates_of
from spinekit.formats.measurement_csv import MeasurementTable
from spinekit.formats.plugin import LabelOptions
from spinekit.measures import check_measurements, measure, measurement_names, person_of
from spinekit.measures.interval import DRAWS
from spinekit.runs import claim_folder
from spinekit.schemas import load_norms, load_schema, nearest, schema_names
from spinekit.workflows.evaluation_sources import Source
from spinekit.workflows.labelled import Labelled, find_labelled, own_schema, read_labelled
from spinekit.workflows.pairing import by_one_reader
from spinekit.workflows.ruler import Ruler, parse_ruler

Progress = Callable[[int, str], None]
"""Told after each image: how many are done, and its name."""

MOST_DRAWS = 100_000
TABLE = "measurements.csv"


class MeasureSettings(BaseModel):
    """What to measure and with what.

    Attributes:
        source: Folder of a run, file of predictions, or annotations of any format.
        format: Their format; None to tell it by the content.
        schema_name: Landmark or class set, a name or a file; None for the one that the source uses.
        only: Names of measurements or groups; empty for all.
        norms: A file of the user's own norms.
        age: In years, for all images.
        sex: ``F`` or ``M``, for all images.
        covariates: Whether age and sex are taken from the images' own files; the results may then tell of them.
        inferred: Whether bodies that were drawn where they must be are measured too, to be reviewed.
        ruler: A line of known length on the one film, ``x1,y1,x2,y2=100mm``.
        spacing: Overrides what the source says.
        draws: Random positions of each point for the intervals.
        images: Folder of the images, where the source does not know.
        reader: Of several readers; None for their mean.
        out: A new or empty folder for the table; None writes nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    source: Path
    format: str | None = None
    schema_name: str | None = None
    only: tuple[str, ...] = ()
    norms: Path | None = None
    age: float | None = Field(None, ge=0, le=130)
    sex: Literal["F", "M"] | None = None
    covariates: bool = False
    inferred: bool = False
    ruler: str | None = None
    spacing: Spacing | None = None
    draws: int = Field(DRAWS, ge=0, le=MOST_DRAWS)
    images: Path | None = None
    reader: str | None = None
    out: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One image and what was measured on it.

    Attributes:
        image: Which.
        results: Measurements and refusals, in the order of the schema.
        group: The patient or visit that the source names, or empty.
    """

    image: ImageRef
    results: tuple[Result, ...]
    group: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class MeasureRun:
    """What came of it.

    Attributes:
        settings: What was asked for.
        schema: Whose measurements these are.
        format: Of the source.
        images: In the order of the source.
        notices: What was passed over.
        table: The table that was written, or None.
    """

    settings: MeasureSettings
    schema: Schema
    format: str
    images: tuple[Measured, ...]
    notices: tuple[str, ...] = ()
    table: Path | None = None


def measure_files(settings: MeasureSettings, on_progress: Progress | None = None) -> MeasureRun:
    """Measures every image of a source.

    Args:
        settings: What and how.
        on_progress: Told after each image.

    Returns:
        All results, refusals with their reason among them.

    Raises:
        UsageError: If the settings, the schema or a norm cannot be; nothing has been read then.
        AnnotationError: If annotations are broken.
        NothingUsableError: If there is no image, or nothing on any of them could be measured.
    """
    try:
        return _measured(settings, on_progress)
    except (AnnotationError, UsageError) as error:
        # Elsewhere names are paired by an option of the command; here that is a step before.
        words = str(error).replace("in the file of --map", "with spinekit convert --map before")
        raise type(error)(words) from None


def _measured(settings: MeasureSettings, on_progress: Progress | None) -> MeasureRun:
    notices: list[str] = []
    ruler = None if settings.ruler is None else parse_ruler(settings.ruler)
    if ruler is not None and settings.spacing is not None:
        raise UsageError("--ruler and --spacing: both calibrate -- give one of them")
    found = _opened(settings, notices.append)
    norms = _norms(settings, found.schema)
    _check_only(settings.only, found.schema)
    if settings.out is not None:
        claim_folder(settings.out)
    images = []
    for scene in _scenes(settings, found, ruler, notices.append):
        whose = _person(settings, scene)
        wanted = to_be_measured(scene) if settings.inferred else scene
        results = measure(
            with_corners(wanted), settings.only or None, person=whose, norms=norms, draws=settings.draws
        )
        images.append(Measured(scene.image, results, scene.group))
        if on_progress is not None:
            on_progress(len(images), scene.image.name)
    _refuse_nothing(settings, found.schema, images)
    table = None if settings.out is None else _written(settings.out, images)
    return MeasureRun(
        settings, found.schema, found.format.name, tuple(images), tuple(dict.fromkeys(notices)), table
    )


def _opened(settings: MeasureSettings, notice: Callable[[str], None]) -> Labelled:
    """The source under a schema that has measurements."""
    source = Source(settings.source, "--format", settings.format, settings.images)
    form = source.plugin()
    options = LabelOptions(images=settings.images, notice=notice)
    name: Schema | str | None = settings.schema_name
    own = None
    if name is None:
        own = own_schema(settings.source, form, options)
        name = None if own is None or _measures(own) else _like(own)
    having = ", ".join(one for one in schema_names() if _measures(load_schema(one)))
    try:
        found = find_labelled(settings.source, form.name, name, options)
    except UsageError as error:
        if name is None and own is None:  # annotations without names: the message ends with --schema
            raise UsageError(f"{error}: {having}") from None
        raise
    if not _measures(found.schema):
        raise UsageError(
            f"{printable(str(settings.source))}: {printable(found.schema.name)} has no measurements -- name a "
            f"landmark or class set that has some with --schema: {having}"
        )
    try:
        check_measurements(found.schema)
    except UsageError as error:
        own_file = settings.schema_name is not None and Path(settings.schema_name).is_file()
        place = f"{printable(str(settings.schema_name))}: " if own_file else ""
        raise UsageError(f"{place}{error}") from None
    return found


def _measures(schema: Schema) -> bool:
    return bool(schema.measurements or schema.code_measurements)


def _like(own: Schema) -> Schema | None:
    """The one shipped schema with measurements that knows every point of a set, or every class of masks."""
    wanted = own.landmark_names
    fit = []
    for name in schema_names():
        schema = load_schema(name)
        known = (
            all(_knows(schema, point) for point in wanted)
            if wanted
            else set(own.classes) <= set(schema.classes)
        )
        if _measures(schema) and known and bool(schema.landmarks) == bool(wanted):
            fit.append(schema)
    least = min((len(schema.landmarks) for schema in fit), default=0)
    fit = [schema for schema in fit if len(schema.landmarks) == least]
    return fit[0] if len(fit) == 1 else None


def _knows(schema: Schema, point: str) -> bool:
    return schema.resolve(point) is not None or level_point(point, schema) is not None


def _norms(settings: MeasureSettings, schema: Schema) -> Mapping[str, tuple[Norm, ...]]:
    if settings.norms is None:
        return {}
    norms = load_norms(settings.norms)
    names = measurement_names(schema)
    for name in norms:
        if name not in names and not any(name.startswith(f"{code}_") for code in schema.code_measurements):
            raise UsageError(
                f"{printable(str(settings.norms))}: {schema.name} has no measurement {printable(name)!r} -- "
                f"{nearest(name, names)}"
            )
    return norms


def _check_only(only: tuple[str, ...], schema: Schema) -> None:
    """Asks an empty scene, which raises for a name that nothing answers to."""
    measure(Scene(ImageRef(Path("none"), 1, 1), schema), only or None)


def _scenes(
    settings: MeasureSettings, found: Labelled, ruler: Ruler | None, notice: Callable[[str], None]
) -> Iterator[Scene]:
    """The scenes of one reader, with the calibration that the user states."""
    scenes = by_one_reader(read_labelled(found), settings.reader, "--reader", notice)
    if ruler is None:
        for scene in scenes:
            yield _spaced(scene, settings.spacing)
        return
    listed = list(scenes)
    if len(listed) > 1:
        raise UsageError(
            f"--ruler: lies on one film, and {printable(str(settings.source))} holds {len(listed)} -- measure that "
            "film alone, or state --spacing for all"
        )
    for scene in listed:
        yield _spaced(scene, ruler.spacing(scene.image))


def _spaced(scene: Scene, spacing: Spacing | None) -> Scene:
    return scene if spacing is None else replace(scene, image=replace(scene.image, spacing=spacing))


def _person(settings: MeasureSettings, scene: Scene) -> Person:
    """Age and sex as stated, otherwise as the file has it where that was asked for, otherwise unknown."""
    known = Person()
    if settings.covariates:
        known = person_of(scene)
        if known == Person():
            known = person_of(replace(scene, covariates=covariates_of(scene.image.path)))
    return Person(
        known.age_years if settings.age is None else settings.age,
        known.sex if settings.sex is None else settings.sex,
    )


def _refuse_nothing(settings: MeasureSettings, schema: Schema, images: list[Measured]) -> None:
    shown = printable(str(settings.source))
    if not images:
        raise NothingUsableError(f"{shown}: holds no labelled image -- check the path and --images")
    if any(isinstance(result, Measurement) for image in images for result in image.results):
        return
    reasons = [r.reason for image in images for r in image.results if isinstance(r, NotMeasured)]
    asked = ", ".join(settings.only)
    none = (
        f"no result is called {asked} -- without --only all are told" if asked else f"{schema.name} has none"
    )
    why = max(dict.fromkeys(reasons), key=reasons.count) if reasons else none
    count = "1 image" if len(images) == 1 else f"{len(images)} images"
    raise NothingUsableError(f"{shown}: nothing could be measured on {count}: {printable(why)}")


def _written(out: Path, images: list[Measured]) -> Path:
    text = io.StringIO()
    table = MeasurementTable(text)
    for image in images:
        table.add(image.image.name, image.results)
    path = out / TABLE
    write_text(path, text.getvalue())
    return path
