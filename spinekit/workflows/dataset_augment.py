"""Altered copies of labelled images, with labels that follow the pixels exactly."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from pydantic import ConfigDict, Field

from spinekit.core.errors import NothingUsableError, ReadError, UsageError
from spinekit.core.image import UInt8Array
from spinekit.core.motion import move_scene
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.core.translate import labels_of
from spinekit.files import printable
from spinekit.formats.dicom_person import group_of
from spinekit.schemas import load_schema
from spinekit.workflows.augmentation import (
    Alteration,
    Alterations,
    alter_pixels,
    alter_raster,
    draw_alteration,
    generator,
)
from spinekit.workflows.dataset_parts import (
    Likenesses,
    Parted,
    Place,
    in_part,
    laid_part,
    part_table,
    places,
    val_remark,
)
from spinekit.workflows.dataset_source import DataSource, Progress, scenes_of
from spinekit.workflows.dataset_writing import (
    IMAGES,
    TableWriter,
    Written,
    table,
    target_format,
    whole_folder,
    write_annotations,
)
from spinekit.workflows.manifest import SOURCES
from spinekit.workflows.pictures import copy_picture, free_name, read_picture, write_picture

_UPRIGHT_DEG = 45.0  # turned further, an upper corner is no longer the upper one
_DRAWS = 32  # tries to draw something that no other copy of the image has
_SIDES = re.compile(r"(?<![a-z0-9])(left|right|l|r)(?![a-z0-9])")


class AugmentSettings(DataSource):
    """What is to be altered, and into what.

    Attributes:
        out: A new or empty folder.
        to: Format of the annotations; None for that of the source, or lossless lines where it cannot be written.
        copies: Altered copies of each image.
        seed: Another one draws others.
        may: What may be altered.
        originals: Whether the images themselves go in as well, unaltered.
        split: Table of name, group and part: the output is laid out by its parts, and only films to train on are
            altered. Where none is named, films in folders ``val`` and ``test`` are not altered either.
        allow_leak: Whether films that belong together may be in two parts.
        force: Whether what breaks the anatomy is done all the same.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    out: Path
    to: str | None = None
    copies: int = Field(1, ge=1, le=1000)
    seed: int = Field(0, ge=0)
    may: Alterations = Alterations()
    originals: bool = True
    split: Path | None = None
    allow_leak: bool = False
    force: bool = False


@dataclass(slots=True)
class AugmentReport:
    """What was made.

    Attributes:
        written: The data set.
        originals: Images taken over unaltered.
        copies: Altered copies.
        lost: Instances that left the image, by label.
        points_lost: Landmarks that left it.
        not_kept: Images of which the format cannot keep something, by what that is.
        notices: What was passed over, one line each.
        failed: Images that could not be read, one line each.
        parts: Images by part, where a split table divides them.
    """

    written: Written
    originals: int = 0
    copies: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    points_lost: int = 0
    not_kept: Counter[str] = field(default_factory=Counter)
    notices: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    parts: Counter[str] = field(default_factory=Counter)


def augment_dataset(settings: AugmentSettings, on_progress: Progress | None = None) -> AugmentReport:
    """Writes altered copies of a data set's images with their labels.

    Copies are drawn from the seed, the image's name and the copy's number alone; so they do not change when
    others are added. A copy has the group of its image: a split by group keeps both on one side.

    Args:
        settings: What is to be done.
        on_progress: Told after each image.

    Raises:
        UsageError: If nothing is to be altered, or the anatomy would break.
        NothingUsableError: If there is no image to alter.
    """
    if not settings.may.any:
        raise UsageError("nothing is to be altered -- say what, e.g. --rotate 10 --contrast 0.2")
    notices: list[str] = []
    found = settings.labelled(notices.append)
    if not settings.force:
        refuse_broken_anatomy(found.schema, settings.may)
    form = target_format(settings.to, found.format)
    division = _division(settings)
    out = settings.out
    report = AugmentReport(Written(out, form.name, 0, ()), notices=notices)
    likenesses = Likenesses()
    files: tuple[Path, ...] = ()
    with whole_folder(out, [settings.data]) as scratch:
        for place in places(form, division):
            folder = scratch / place.folder
            folder.mkdir(exist_ok=True)
            with table(folder / SOURCES, ("name", "source", "group", "alteration")) as sources:
                wanted = _wanted(scenes_of(found, on_progress), division, place, likenesses)
                scenes = _altered(settings, wanted, folder / IMAGES, report, sources)
                files += write_annotations(form, scenes, folder, report.not_kept)
        if not report.copies:
            raise NothingUsableError(f"{settings.data}: no image to alter -- is its train part empty?")
        notices[:] = dict.fromkeys(notices)  # every part reads anew
        notices += val_remark(files) if division is None else division.remarks() + likenesses.remark()
    files = tuple(out / file.relative_to(scratch) for file in files)
    report.written = Written(out, form.name, report.originals + report.copies, files)
    return report


def _division(settings: AugmentSettings) -> Parted | None:
    """The parts that the films go to, or None."""
    if settings.split is None:
        if settings.allow_leak:
            raise UsageError("--allow-leak: speaks of the parts of a split table -- name one with --split")
        return None
    division = Parted((part_table(settings.split),), (settings.data,), settings.allow_leak)
    for scene in scenes_of(settings.labelled(lambda _: None)):
        division.see(scene)
    division.refuse(printable(str(settings.data)))
    return division


def _wanted(
    scenes: Iterator[Scene], division: Parted | None, place: Place, likenesses: Likenesses
) -> Iterator[tuple[Scene, str, str]]:
    """The films that go to a place, each with its part and its name there."""
    for scene in scenes:
        if division is None:
            yield scene, laid_part(scene.image.name), scene.image.name
            continue
        part = division.part(scene.image.name)
        if part in place.parts:
            group = division.group(scene)
            likenesses.add(scene.image, part, group)
            yield replace(scene, group=group), part, in_part(scene.image, part, place).name


def refuse_broken_anatomy(schema: Schema, may: Alterations) -> None:
    """Refuses what would make labels false.

    Raises:
        UsageError: If something stands on its head though its parts are named by where they lie, or is mirrored
            though it has a left and a right side that no pair of the schema joins.
    """
    why = "named levels" if schema.levels or _levels(schema) else "named points" if schema.landmarks else ""
    asked = {
        "a vertical flip": may.flip_vertical,
        "quarter turns": may.quarter_turns,
        f"a rotation by more than {_UPRIGHT_DEG:g} degrees": may.rotate > _UPRIGHT_DEG,
    }
    for what, wanted in asked.items():
        if wanted and why:
            raise UsageError(
                f"{what}: {schema.name} has {why}, and no patient stands so -- leave it out, or say --force"
            )
    sided = unpaired_sides(schema) if may.flip_horizontal else ()
    if sided:
        raise UsageError(
            f"a horizontal flip: {', '.join(sided[:4])} of {schema.name} would be on the wrong side -- "
            "pair them under mirrored in the schema, or say --force"
        )


def _levels(schema: Schema) -> bool:
    """Whether classes are vertebral levels by their names alone, as in a schema made of a file's own."""
    return len(set(labels_of(schema)) & set(load_schema("vertebrae").levels)) > 1


def unpaired_sides(schema: Schema) -> tuple[str, ...]:
    """Classes and landmarks whose names say left or right without a mirrored pair that swaps them."""
    paired = {name for pair in schema.mirrored for name in pair}
    names = [*labels_of(schema), *(name for name in schema.landmark_names if name not in paired)]
    words = (re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_\W]+", " ", name).lower() for name in names)
    return tuple(name for name, spaced in zip(names, words, strict=True) if _SIDES.search(spaced))


def _altered(
    settings: AugmentSettings,
    scenes: Iterator[tuple[Scene, str, str]],
    folder: Path,
    report: AugmentReport,
    sources: TableWriter,
) -> Iterator[Scene]:
    """Originals and copies, each written as soon as it is drawn."""
    taken: set[str] = set()
    for scene, part, called in scenes:
        name = scene.image.name
        patient = "" if scene.group else group_of(scene.image.path, settings.data.resolve().name)
        grouped = replace(scene, group=scene.group or patient or name)
        try:
            pixels = read_picture(scene.image).pixels
            if settings.originals or part in {"val", "test"}:
                placed = replace(scene.image, name=called)
                original = replace(grouped, image=copy_picture(placed, folder, taken))
                sources.row(original.image.name, name, grouped.group, "")
                report.originals += 1
                report.parts[part] += 1
                yield original
        except ReadError as error:
            report.failed.append(str(error))
            continue
        for alteration, copy in (
            _drawn(settings, scene, report.notices.append) if part in {"", "train"} else ()
        ):
            altered = _copy(
                grouped, pixels, alteration, f"{_stem(called)}_aug{copy}.png", taken, folder, report
            )
            sources.row(altered.image.name, name, grouped.group, alteration.words)
            report.copies += 1
            report.parts[part] += 1
            yield altered


def _drawn(
    settings: AugmentSettings, scene: Scene, notice: Callable[[str], None]
) -> Iterator[tuple[Alteration, int]]:
    """The alterations of one image: none that changes nothing, and none twice."""
    ref = scene.image
    aspect = ref.aspect if ref.spacing is None else ref.spacing.row_mm / ref.spacing.col_mm
    seen = {""}
    for copy in range(1, settings.copies + 1):
        rng = generator(settings.seed, ref.name, copy)
        for _ in range(_DRAWS):
            drawn = draw_alteration(settings.may, ref.height, ref.width, rng, aspect)
            if drawn.words not in seen or drawn.noise or drawn.motion.bend is not None:
                seen.add(drawn.words)
                yield drawn, copy
                break
        else:
            notice(f"{ref.name}: copy {copy} left out: what may be altered gives only {len(seen) - 1} copies")
            return


def _stem(name: str) -> str:
    """An image's name without its suffix; a frame keeps its number."""
    return PurePosixPath(name.replace("#", "_")).with_suffix("").as_posix()


def _copy(
    scene: Scene,
    pixels: UInt8Array,
    alteration: Alteration,
    wished: str,
    taken: set[str],
    folder: Path,
    report: AugmentReport,
) -> Scene:
    """One altered image, written, with its labels."""
    altered = alter_pixels(pixels, alteration, fill=scene.raster is None)
    moved = move_scene(scene, alteration.motion, alter_raster(scene.raster, alteration.motion))
    report.lost.update(moved.lost)
    report.points_lost += moved.points_lost
    name = free_name(wished, taken)
    return replace(moved.scene, image=write_picture(altered, folder, name, moved.scene.image))
