"""From somebody's labels to a workspace that a training reads: split, shrunk to the canvas, counted, hashed."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spinekit.anatomy.candidates import completed, quad_of
from spinekit.core.errors import EnvironmentFaultError, NothingUsableError, UsageError
from spinekit.core.image import UInt8Array
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.core.transform import resize_scene
from spinekit.files import sha256_of, write_text
from spinekit.formats.reading import read_images
from spinekit.formats.yolo_dataset import DatasetReport, write_dataset
from spinekit.models.canvas import Canvas, shrink
from spinekit.models.tiles import tile_samples
from spinekit.schemas import load_schema
from spinekit.workflows.allotment import FILMS, allot
from spinekit.workflows.recipe import labelled_pixels, read_labelled, scenes_by_part, split_table
from spinekit.workflows.seasoning import negative_samples, phantom_samples
from spinekit.workflows.split import PARTS, join_duplicates, part_of, read_split, thumbnail, write_split
from spinekit.workflows.train_settings import TrainSettings

Sample = tuple[Scene, UInt8Array]
Progress = Callable[[str, int, int], None]
Notice = Callable[[str], None]

SHARES = (0.7, 0.1, 0.2)
_SUMMARY = "data.json"


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What a training learns from.

    Attributes:
        data: The workspace's ``data.yaml``.
        images: Images by part.
        instances: Labels by part.
        dropped: Labels that could not be written, one line each.
        points_outside: Landmarks outside their image, learnt as absent.
        sha256: Of all images and labels as the network sees them, in order of their names.
    """

    data: Path
    images: Mapping[str, int]
    instances: Mapping[str, int]
    dropped: tuple[str, ...]
    points_outside: int
    sha256: str


def _unheard(_: str) -> None:
    """Nobody listens."""


def prepare(
    settings: TrainSettings,
    out: Path,
    parts: tuple[str, ...] = ("train", "val"),
    on_progress: Progress | None = None,
    notice: Notice | None = None,
) -> DataSummary:
    """Writes the workspace of a training.

    Args:
        settings: The recipe, with its split.
        out: Folder of the run; the workspace comes to lie in it.
        parts: Which parts it needs.
        on_progress: Told of work: what, how much is done, of how much.
        notice: Told of everything passed over or doubtful, one line each.

    Raises:
        UsageError: If a part is empty.
    """
    notice = notice or _unheard
    canvas = Canvas(settings.height, settings.width)
    schema = load_schema(settings.schema_name)
    by_part = scenes_by_part(settings, read_split(split_table(settings)), notice)
    if "test" in parts and not by_part["test"]:
        raise UsageError(f"{settings.split}: its test part is empty -- give more films, or lower --folds")
    if settings.task != "sem":
        _tell_unlearnable(by_part, schema, notice)
    samples = {
        part: _samples(settings, by_part[part], part, canvas, schema, on_progress)
        for part in PARTS
        if part in parts
    }
    report = write_dataset(samples, out / "workspace", schema, settings.task, margin=settings.margin)
    if not report.instances.get("val"):
        raise NothingUsableError(
            f"{settings.split}: nothing is labelled in its val part, so no epoch could be chosen by it -- "
            "give more films, or write a split of your own with spinekit dataset split"
        )
    summary = _summary(report, out / "workspace")
    _write_summary(summary, out)
    return summary


def _tell_unlearnable(by_part: Mapping[str, list[Scene]], schema: Schema, notice: Notice) -> None:
    """A line about classes of which there is no example, which a model will never say."""
    counts = {part: Counter(_labels(scenes)) for part, scenes in by_part.items()}
    lacking = [name for name in schema.classes if not counts["train"][name]]
    # Bodies of a spine carry the names of their levels, while the network learns one class for all of them.
    if not lacking or not set(schema.classes) & set(counts["train"]):
        return
    notice(
        f"no example of {', '.join(lacking)} to train on: the model will never say "
        f"{'it' if len(lacking) == 1 else 'them'} -- give films that show more, or a schema without"
    )
    for part in ("val", "test"):
        unseen = sorted(name for name in lacking if counts[part][name])
        if unseen:
            notice(f"{', '.join(unseen)}: only in the {part} part -- divide anew with spinekit dataset split")


def _labels(scenes: list[Scene]) -> Iterator[str]:
    for scene in scenes:
        for item in scene.instances:
            yield item.label


def _summary(report: DatasetReport, workspace: Path) -> DataSummary:
    digest = hashlib.sha256()
    for path in sorted(workspace.rglob("*")):
        if path.is_file() and path.parent.parent.name in {"images", "labels", "masks"}:
            digest.update(f"{path.relative_to(workspace).as_posix()} {sha256_of(path)}\n".encode())
    return DataSummary(
        report.data,
        dict(report.images),
        dict(report.instances),
        tuple(report.dropped),
        report.points_outside,
        digest.hexdigest(),
    )


def _write_summary(summary: DataSummary, out: Path) -> None:
    content = {
        "images": dict(summary.images),
        "instances": dict(summary.instances),
        "dropped": list(summary.dropped),
        "points_outside": summary.points_outside,
        "sha256": summary.sha256,
    }
    write_text(out / _SUMMARY, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_summary(out: Path) -> DataSummary | None:
    """What a workspace holds that was written before, or None where it is not whole.

    Raises:
        EnvironmentFaultError: If its summary is broken.
    """
    path = out / _SUMMARY
    data = out / "workspace" / "data.yaml"
    if not path.is_file() or not data.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return DataSummary(
            data,
            content["images"],
            content["instances"],
            tuple(content["dropped"]),
            int(content["points_outside"]),
            str(content["sha256"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EnvironmentFaultError(f"{path}: broken ({type(error).__name__}) -- train anew") from error


def with_split(settings: TrainSettings, out: Path, notice: Notice | None = None) -> TrainSettings:
    """The recipe with a split: its own, or one made by a hash of the groups and laid into ``out``.

    Where a hash leaves a part of a small set empty, groups are shared out so that each part has some.

    Args:
        settings: The recipe.
        out: Folder of the run.
        notice: Told of what is passed over, and of a split that is no hash.

    Raises:
        UsageError: If there are too few groups.
    """
    if settings.split is not None:
        return settings
    names, groups, thumbnails = [], [], []
    for scene in read_labelled(settings):
        names.append(scene.image.name)
        groups.append(scene.group or scene.image.name)
        thumbnails.append(thumbnail(next(read_images(scene.image.path)).pixels))
    if not names:
        raise NothingUsableError(
            f"{settings.data}: no labelled image could be read -- look at it with spinekit dataset check"
        )
    joined = join_duplicates(names, groups, np.array(thumbnails))
    salt = settings.data.resolve().name
    parts = {group: part_of(group, salt, SHARES) for group in joined}
    if not {"train", "val"} <= set(parts.values()):
        if len(parts) < 2:
            raise UsageError(
                f"{settings.data}: its {len(names)} films are of one group or all alike, and what is trained on must "
                "not be chosen by -- give films of more patients, or name a split of your own with --split"
            )
        held = {group: Counter({FILMS: joined.count(group)}) for group in parts}
        parts = allot(held, dict(zip(PARTS, SHARES, strict=True)), salt)
        parts = parts if {"train", "val"} <= set(parts.values()) else _two(list(parts))
        (notice or _unheard)(
            f"{len(parts)} groups are too few for a hash to fill every part: they were shared out -- keep "
            f"{out / 'split.csv'}"
        )
    rows = {name: (parts[group], group) for name, group in zip(names, joined, strict=True)}
    write_split(out / "split.csv", rows)
    return settings.model_copy(update={"split": out / "split.csv"})


def _two(groups: list[str]) -> dict[str, str]:
    """The last group to choose by, the others to train on."""
    return {group: "val" if group == groups[-1] else "train" for group in groups}


def _samples(
    settings: TrainSettings,
    scenes: list[Scene],
    part: str,
    canvas: Canvas,
    schema: Schema,
    on_progress: Progress | None,
) -> Iterator[Sample]:
    for done, scene in enumerate(scenes, start=1):
        yield from _fitted(settings, scene, labelled_pixels(scene), canvas)
        if on_progress is not None:
            on_progress(f"preparing {part} images", done, len(scenes))
    if part == "train":
        for scene, pixels in negative_samples(schema, settings.negatives, settings.negatives_each):
            rows, columns = canvas.fit(*pixels.shape)
            yield resize_scene(scene, rows, columns), shrink(pixels, rows, columns)
        for scene, pixels in phantom_samples(schema, settings.data_schema, settings.phantoms, settings.seed):
            yield from _fitted(settings, scene, pixels, canvas)


def _fitted(settings: TrainSettings, scene: Scene, pixels: UInt8Array, canvas: Canvas) -> Iterator[Sample]:
    """A film on the canvas, or cut into tiles of it."""
    if settings.task == "sem":
        yield from tile_samples(scene, pixels, canvas, settings.enlarge)
        return
    rows, columns = canvas.fit(*pixels.shape)
    yield resize_scene(with_whole_boxes(scene), rows, columns), shrink(pixels, rows, columns)


def with_whole_boxes(scene: Scene) -> Scene:
    """A scene whose bodies of one marked endplate (C2, S1) have boxes as large as such a body is.

    Around the endplate alone a box would be a line, which no network learns to find.
    """
    if not scene.schema.levels:
        return scene
    return replace(scene, instances=tuple(_with_whole_box(item, scene.schema) for item in scene.instances))


def _with_whole_box(item: Instance, schema: Schema) -> Instance:
    quad = None if item.landmarks is None else quad_of(item, schema)
    if quad is None or not np.isnan(quad).any():
        return item
    whole = completed(quad[None])[0]
    (left, top), (right, bottom) = whole.min(axis=0).tolist(), whole.max(axis=0).tolist()
    return replace(item, box=(left, top, right, bottom))
