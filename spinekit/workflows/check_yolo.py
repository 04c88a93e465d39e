"""Reading a YOLO data set for a check: every row of every label file, also those that no reader takes."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from spinekit.core.errors import AnnotationError
from spinekit.core.finding import Finding, Rule, Severity
from spinekit.core.image import ImageRef
from spinekit.core.scene import Absent, Scene
from spinekit.core.schema import Schema
from spinekit.core.translate import translate, translation
from spinekit.files import printable
from spinekit.formats.aasce import visit_of
from spinekit.formats.image_faults import IMAGE_DAMAGED
from spinekit.formats.sources import csv_rows, image_folder, plain_cell
from spinekit.formats.yolo_faults import LabelFaults, label_faults
from spinekit.formats.yolo_layout import DataSet, label_files, labelled
from spinekit.formats.yolo_rows import RowMeaning, meaning_of
from spinekit.formats.yolo_settings import DataSettings, read_settings, settings_file
from spinekit.formats.yolo_settings_faults import RawSettings, part_places, settings_faults
from spinekit.schemas.made import schema_from_names
from spinekit.workflows.check_gathering import (
    IMAGE_WITHOUT_LABEL,
    LABEL_WITHOUT_IMAGE,
    Gathered,
    Progress,
    gather,
    known_schema,
    unknown_classes,
)
from spinekit.workflows.manifest import completed, known_beside

FOREIGN_CACHE = Rule(
    "labels-cache",
    Severity.WARNING,
    "a cache file lies among the labels: the library runs what it holds, and may read old labels from it",
    "remove it: it is made anew (--fix leaves it out)",
)
KINDS_MIXED = Rule(
    "kinds-mixed",
    Severity.ERROR,
    "some label files hold boxes, others polygons or points",
    "give every instance the same kind of row: a task learns one kind",
)
SAME_FOLDER = Rule(
    "parts-share-a-folder",
    Severity.WARNING,
    "train and val name the same images",
    "divide the data: spinekit dataset split",
)
RULES = (FOREIGN_CACHE, KINDS_MIXED, SAME_FOLDER)

_PARTS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class YoloFile:
    """A label file with what was found in it, for those who mend it.

    Attributes:
        path: The file.
        name: Its name below the data set.
        image: Its image.
        faults: Its rows and their faults.
    """

    path: Path
    name: str
    image: ImageRef
    faults: LabelFaults


@dataclass(slots=True)
class YoloGathered:
    """A YOLO data set that was read for a check.

    Attributes:
        folder: Its folder.
        settings: Its ``data.yaml`` as it stands.
        schema: Of its scenes.
        columns: For each landmark of the schema, which point of a row it is; empty where rows are no poses.
        gathered: What is the same for every format.
        files: Its label files that have an image.
    """

    folder: Path
    settings: RawSettings
    schema: Schema
    columns: tuple[int, ...]
    gathered: Gathered
    files: list[YoloFile] = field(default_factory=list)


def gather_yolo(
    data: Path, images: Path | None, schema: Schema | None, on_progress: Progress | None
) -> YoloGathered:
    """Reads a YOLO data set of boxes, polygons or points.

    Args:
        data: Its folder or its ``data.yaml``.
        images: Folder of the images, where it is another.
        schema: What its names stand for, or None to tell by the names.
        on_progress: Told of work.

    Raises:
        AnnotationError: If there are no images at all, or several settings could be meant.
    """
    folder = data if data.is_dir() else data.parent
    if data.is_dir() and data.name.casefold() in {"labels", "annotations"}:
        folder = data.parent
    path = data if data.is_file() else settings_file(folder)
    raw = settings_faults(path, folder, schema)
    own = _own_schema(raw, schema, folder)
    target = schema or known_schema(own)
    if schema is None and target is not own:
        raw = settings_faults(path, folder, target)
    root = images or (folder / "images" if (folder / "images").is_dir() else folder)
    listed = image_folder(root)
    if not listed.paths:
        raise AnnotationError(f"{root}: holds no image -- name the folder of the images with --images")
    gathered = Gathered(folder, target, list(raw.findings))
    if schema is not None:
        gathered.findings += unknown_classes(
            list(raw.class_names.values()), schema, path.name if path else "", own.landmark_names
        )
    meaning = _meaning(raw, own)
    found = YoloGathered(folder, raw, target, _columns(meaning.schema, target), gathered)
    _read_files(found, DataSet(folder, DataSettings(), listed), meaning, on_progress)
    _parts(found, root)
    _caches(folder, gathered)
    return found


def _own_schema(raw: RawSettings, wanted: Schema | None, folder: Path) -> Schema:
    """The schema that rows are read by: of the settings' own names, of the one wanted where they name nothing."""
    count, _ = raw.points
    names = raw.class_names
    listed = raw.content.get("kpt_names")
    first = next(iter(listed.values()), None) if isinstance(listed, dict) else listed
    named = isinstance(first, list) and len(first) == count and all(isinstance(item, str) for item in first)
    if wanted is not None and not (count and named) and count in {0, len(wanted.landmarks)}:
        return wanted if not names else _with_classes(wanted, names)
    points = [str(item) for item in first] if named and first is not None else [f"P{i}" for i in range(count)]
    classes = [names.get(i, f"class {i}") for i in range(max(names, default=-1) + 1)] or ["class 0"]
    return schema_from_names(folder.name or "yolo", "pose" if count else "seg", classes, points)


def _with_classes(schema: Schema, names: dict[int, str]) -> Schema:
    return schema_from_names(
        schema.name,
        schema.task,
        [names.get(i, f"class {i}") for i in range(max(names) + 1)],
        schema.landmark_names,
    )


def _meaning(raw: RawSettings, own: Schema) -> RowMeaning:
    """What columns mean, also where the settings are too broken for the reader."""
    settings = DataSettings()
    if raw.path is not None:
        try:
            settings = read_settings(raw.path)
            if settings.names or own.classes:
                return meaning_of(settings, own)
        except AnnotationError:
            pass  # told by settings_faults
    names = raw.class_names or dict(enumerate(own.classes))
    points, columns = raw.points
    return RowMeaning(names, own, points or len(own.landmarks), columns)


def _columns(own: Schema, target: Schema) -> tuple[int, ...]:
    """Where each landmark of the target stands among those of the rows; nothing where one is missing."""
    called = translation(own, target).landmarks
    places = {called.get(name): index for index, name in enumerate(own.landmark_names)}
    columns = tuple(places.get(name, -1) for name in target.landmark_names)
    return () if -1 in columns else columns


def _read_files(
    found: YoloGathered, data: DataSet, meaning: RowMeaning, on_progress: Progress | None
) -> None:
    gathered = found.gathered
    pairs = list(labelled(data))
    groups = _original_names(found.folder)
    known = known_beside(found.folder)
    into = translation(meaning.schema, found.schema) if meaning.schema is not found.schema else None
    met: set[str] = set()
    for number, (text, name) in enumerate(pairs, start=1):
        label = _relative(text, found.folder)
        image = data.images.find(name) if name else Absent("no image of this name")
        if on_progress is not None:
            on_progress("reading labels", number, len(pairs))
        if name:
            met.add(name if name in data.images.paths else name.rpartition("#")[0])
        if isinstance(image, Absent):
            gathered.findings.append(_no_image(label, name, image.reason))
            continue
        faults = label_faults(text, label, meaning, image)
        gathered.findings += faults.findings
        found.files.append(YoloFile(text, label, image, faults))
        items = tuple(row.instance for row in faults.rows)
        if faults.unread:
            gathered.partial.add(image.name)
        original = groups.get(PurePosixPath(image.name).name, image.name)
        scene = completed(Scene(image, meaning.schema, items), known)
        scene = replace(scene, group=scene.group or _group(original))
        if into is not None:
            with contextlib.suppress(KeyError):  # a class that the schema lacks: told by unknown_classes
                scene = translate(scene, into).scene
        gather(scene, gathered)
    for name in data.images.paths:
        if name not in met and "masks" not in PurePosixPath(name).parts:
            gathered.findings.append(Finding(IMAGE_WITHOUT_LABEL, name, "", "no label file"))
            ref = data.images.find(name)
            if isinstance(ref, ImageRef):
                gathered.unlabelled.append(ref)
    _kinds(found)


def _no_image(label: str, name: str, reason: str) -> Finding:
    """Why a label's image cannot be used: it is not there, or not whole."""
    if not name:
        return Finding(LABEL_WITHOUT_IMAGE, label, "", reason)
    words = printable(reason).split(" -- ")[0].rpartition(": ")[2]
    return Finding(IMAGE_DAMAGED, name, "", words)


def _kinds(found: YoloGathered) -> None:
    """Files of boxes among files of polygons or poses."""
    only = {
        kind: [file for file in found.files if file.faults.kinds == {kind}]
        for kind in ("box", "polygon", "pose")
    }
    boxes, shaped = only["box"], [*only["polygon"], *only["pose"]]
    if boxes and shaped:
        few, kind = (boxes, "boxes") if len(boxes) <= len(shaped) else (shaped, "polygons or points")
        for file in few:
            found.gathered.findings.append(
                Finding(
                    KINDS_MIXED,
                    file.name,
                    "",
                    f"holds {kind} alone, {len(found.files) - len(few)} files do not",
                )
            )


def _original_names(folder: Path) -> dict[str, str]:
    """What films were called before they came into a workspace, by their file's name; of its ``index.csv``."""
    index = folder / "index.csv"
    if not index.is_file():
        return {}
    try:
        rows = [row for _, row in csv_rows(index)]
    except AnnotationError:
        return {}
    return {PurePosixPath(row[0]).name: plain_cell(row[1]) for row in rows[1:] if len(row) >= 2}


def _group(name: str) -> str:
    """The visit that a name tells of, or empty: a plain name says nothing of patients."""
    visit = visit_of(name)
    stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return visit if visit != stem else ""


def _parts(found: YoloGathered, root: Path) -> None:
    """Which part each image is in, by the entries of the settings."""
    content, gathered = found.settings.content, found.gathered
    stated = content.get("path")
    bases = [found.folder / stated] if isinstance(stated, str) else []
    bases.append(found.folder)
    claimed: dict[str, list[str]] = {}
    for part in _PARTS:
        for place in part_places(content, part):
            for name in _images_of(place, bases, found, root):
                claimed.setdefault(name, []).append(part)
    shared = {name: parts for name, parts in claimed.items() if len(set(parts)) > 1}
    if shared:
        words = f"{len(shared)} images are in {' and '.join(sorted(set(next(iter(shared.values())))))}"
        file = found.settings.path.name if found.settings.path else ""
        gathered.findings.append(Finding(SAME_FOLDER, file, "", words))
        return
    gathered.parts.update({name: parts[0] for name, parts in claimed.items()})


def _images_of(place: str, bases: list[Path], found: YoloGathered, root: Path) -> list[str]:
    """The images, by name, that lie in a folder or stand in a list."""
    names = {entry.image.name: entry.image.path.resolve() for entry in found.gathered.seen}
    names |= {ref.name: ref.path.resolve() for ref in found.gathered.unlabelled}
    del root
    for base in bases:
        target = base / place
        if target.is_dir():
            inside = target.resolve()
            return [name for name, path in names.items() if path.is_relative_to(inside)]
        if target.is_file() and target.suffix.lower() == ".txt":
            try:
                lines = target.read_text(encoding="utf-8-sig").split("\n")
            except (OSError, UnicodeDecodeError):
                return []
            listed = {(target.parent / line.strip()).resolve() for line in lines if line.strip()}
            return [name for name, path in names.items() if path in listed]
    return []


def _caches(folder: Path, gathered: Gathered) -> None:
    for path in sorted({text.parent.parent for text in label_files(folder)} | {folder}):
        for cache in sorted(path.glob("*.cache")):
            gathered.findings.append(Finding(FOREIGN_CACHE, _relative(cache, folder), "", "a pickled file"))


def _relative(path: Path, folder: Path) -> str:
    return printable(path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name)
