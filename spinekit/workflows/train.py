"""Training: labels of any format and a split go in, weights with a card come out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from spinekit.core.errors import ReadError, UsageError
from spinekit.core.image import UInt8Array
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.core.transform import resize_scene
from spinekit.formats.plugin import LabelOptions, ReadOptions
from spinekit.formats.reading import read_images
from spinekit.formats.registry import annotation_format
from spinekit.formats.yolo_dataset import DatasetReport, write_dataset
from spinekit.models.canvas import STRIDE, Canvas, shrink
from spinekit.models.tiles import tile_samples
from spinekit.models.training import EpochReport, TrainingPlan
from spinekit.models.training import train as train_network
from spinekit.schemas import load_schema, load_yaml, nearest
from spinekit.workflows.seasoning import negative_samples, phantom_samples
from spinekit.workflows.split import read_split, split_labelled, write_split

Sample = tuple[Scene, UInt8Array]
Progress = Callable[[str, int, int], None]


def _expanded(text: str) -> str:
    if "$SPINEKIT_DATA" not in text:
        return text
    if "SPINEKIT_DATA" not in os.environ:
        raise ValueError("$SPINEKIT_DATA is not set -- set it to the folder of your data sets")
    return text.replace("$SPINEKIT_DATA", os.environ["SPINEKIT_DATA"])


class TrainSettings(BaseModel):
    """A whole recipe; an unknown word in it is refused.

    Attributes:
        name: Of the model to be.
        task: ``pose``, ``seg`` or ``sem``.
        data: Folder of the labelled data; ``$SPINEKIT_DATA`` in it stands for that variable.
        format: Annotation format, see ``spinekit formats``.
        annotations: Annotation file inside ``data``, where the format needs one.
        images: Folder of the images inside ``data``, where it is not the format's own.
        schema_name: What the model is to say.
        data_schema: What the data say, where it differs (levels as mask classes from named corners).
        split: Table of ``name,group,part``; where left out, one is made by a hash of the groups (70, 10, 20 %).
        model: Architecture, e.g. ``yolo11n``.
        start: Weights to begin from.
        height: Rows of the canvas.
        width: Columns of the canvas.
        epochs: Passes over the training images.
        batch: Images a step.
        learning_rate: Of AdamW.
        seed: Of everything random.
        augment: Ultralytics' augmentation settings by name.
        sigma_start: Keypoint sigma of the first epoch.
        sigma_end: Keypoint sigma of the last epochs.
        pose_gain: Weight of the landmark term.
        margin: Room around landmarks in their box.
        patience: Epochs without a better score before stopping; 0 never stops.
        precision: ``fp32`` or ``bf16``.
        device: As Ultralytics names devices.
        phantoms: Synthetic films added to the training part.
        keep_noted: Whether films whose labels carry a remark (suspect labels) are trained on.
        negatives: Folders of images that show something else; the model learns to find nothing in them.
        negatives_each: How many of each such folder.
        enlarge: Tiles are enlarged so many times (``sem``).
        freeze: Layers held fixed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str
    task: Literal["pose", "seg", "sem"]
    data: Path
    format: str
    annotations: str | None = None
    images: str | None = None
    schema_name: str = Field(alias="schema")
    data_schema: str | None = None
    split: Path | None = None
    model: str = "yolo11n"
    start: Path | None = None
    height: int = Field(640, ge=STRIDE, le=4096, multiple_of=STRIDE)
    width: int = Field(640, ge=STRIDE, le=4096, multiple_of=STRIDE)
    epochs: int = Field(30, ge=1, le=10_000)
    batch: int = Field(8, ge=1, le=512)
    learning_rate: float = Field(1e-3, gt=0, le=1)
    seed: int = Field(0, ge=0)
    augment: dict[str, float] = Field(default_factory=dict)
    sigma_start: float | None = Field(None, gt=0, le=1)
    sigma_end: float | None = Field(None, gt=0, le=1)
    pose_gain: float = Field(12.0, gt=0)
    margin: float = Field(0.1, ge=0, le=2)
    patience: int = Field(0, ge=0)
    precision: Literal["fp32", "bf16"] = "fp32"
    device: str | None = None
    phantoms: int = Field(0, ge=0, le=100_000)
    keep_noted: bool = False
    negatives: tuple[Path, ...] = ()
    negatives_each: int = Field(12, ge=1, le=10_000)
    enlarge: int = Field(1, ge=1, le=8)
    freeze: int = Field(0, ge=0, le=24)

    @field_validator("data", "start", "split", mode="before")
    @classmethod
    def _expand_one(cls, value: object) -> object:
        return None if value is None else _expanded(str(value))

    @field_validator("negatives", mode="before")
    @classmethod
    def _expand_all(cls, value: object) -> object:
        return tuple(_expanded(str(item)) for item in value) if isinstance(value, (list, tuple)) else value


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training made.

    Attributes:
        weights: The best weights, half precision, cleared of paths.
        history: Every epoch's report.
        data: What went in, and what could not.
        settings: The recipe.
    """

    weights: Path
    history: tuple[EpochReport, ...]
    data: DatasetReport
    settings: TrainSettings


def read_recipe(path: Path, overrides: Mapping[str, Any] | None = None) -> TrainSettings:
    """A recipe from YAML, with settings of the command line laid over it.

    Args:
        path: E.g. ``experiments/spine-ap-pose.yaml``.
        overrides: Settings by name; None leaves the recipe's.

    Raises:
        UsageError: Naming an unknown or wrong setting and the nearest known one.
    """
    content = load_yaml(path)
    if not isinstance(content, dict):
        raise UsageError(f"{path}: a recipe is a list of settings like 'epochs: 30'")
    laid = {key: value for key, value in (overrides or {}).items() if value is not None}
    return settings_from({**content, **laid}, str(path))


def settings_from(content: Mapping[str, Any], source: str) -> TrainSettings:
    """Settings from loose values; what is wrong is said in one line.

    Raises:
        UsageError: Naming the setting, what is wrong with it and the nearest known name.
    """
    try:
        return TrainSettings.model_validate(dict(content))
    except ValidationError as error:
        # A misspelt setting is the cause of the missing one beside it, so it is told first.
        faults = sorted(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        first = faults[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = [field.alias or key for key, field in TrainSettings.model_fields.items()]
            raise UsageError(f"{source}: there is no setting {name!r} -- {nearest(name, known)}") from None
        if first["type"] == "missing":
            raise UsageError(
                f"{source}: the setting {name!r} is missing -- add a line '{name}: ...'"
            ) from None
        message = first["msg"].removeprefix("Value error, ")
        given = first.get("input")
        raise UsageError(f"{source}: {name} is {given!r} -- {message[:1].lower()}{message[1:]}") from None


def train(
    settings: TrainSettings,
    out: Path,
    on_epoch: Callable[[EpochReport], None] | None = None,
    on_progress: Progress | None = None,
) -> Trained:
    """Reads, splits, writes a workspace below ``out`` and trains on it.

    Args:
        settings: The recipe.
        out: A new or empty folder.
        on_epoch: Told after every epoch.
        on_progress: Told of work: what, how much is done, of how much (0: unknown).

    Returns:
        Where the weights are and how it went.
    """
    canvas = Canvas(settings.height, settings.width)
    schema = load_schema(settings.schema_name)
    settings = with_split(settings, out)
    parts = read_split(split_table(settings))
    by_part = _scenes_by_part(settings, parts)
    splits = {
        part: _samples(settings, by_part[part], part, canvas, schema, on_progress)
        for part in ("train", "val")
    }
    report = write_dataset(splits, out / "workspace", schema, settings.task, margin=settings.margin)
    history: list[EpochReport] = []

    def keep(epoch: EpochReport) -> None:
        history.append(epoch)
        if on_epoch is not None:
            on_epoch(epoch)

    weights = train_network(
        _plan(settings, canvas), report.data, out / "run", keep, _batches(on_progress, settings)
    )
    return Trained(weights, tuple(history), report, settings)


def split_table(settings: TrainSettings) -> Path:
    """The table that divides a recipe's data.

    Raises:
        UsageError: If the recipe names none.
    """
    if settings.split is None:
        raise UsageError(f"{settings.name}: no split -- write one with spinekit dataset split, and name it")
    return settings.split


def with_split(settings: TrainSettings, out: Path) -> TrainSettings:
    """The recipe with a split: its own, or one made by a hash of the groups and laid into ``out``."""
    if settings.split is not None:
        return settings
    source = settings.data / settings.annotations if settings.annotations else settings.data
    images = settings.data / settings.images if settings.images else None
    schema = settings.data_schema or settings.schema_name
    parts = split_labelled(source, settings.format, schema, images, settings.data.resolve().name, (0.7, 0.1))
    write_split(out / "split.csv", parts)
    return settings.model_copy(update={"split": out / "split.csv"})


def _batches(on_progress: Progress | None, settings: TrainSettings) -> Callable[[int, int], None] | None:
    if on_progress is None:
        return None
    return lambda done, total: on_progress(f"training {settings.name}", done, total)


def _plan(settings: TrainSettings, canvas: Canvas) -> TrainingPlan:
    return TrainingPlan(
        task=settings.task,
        architecture=settings.model,
        start=settings.start,
        canvas=canvas,
        epochs=settings.epochs,
        batch=settings.batch,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        augment=settings.augment,
        sigma_start=settings.sigma_start,
        sigma_end=settings.sigma_end,
        pose_gain=settings.pose_gain,
        patience=settings.patience,
        precision=settings.precision,
        device=settings.device,
        freeze=settings.freeze,
        classes=len(load_schema(settings.schema_name).classes),
    )


def read_labelled(settings: TrainSettings) -> Iterator[Scene]:
    """The labelled scenes of a recipe's data, without their pixels."""
    reader = annotation_format(settings.format).read
    if reader is None:
        raise UsageError(f"format {settings.format}: it can be written, not read -- see spinekit formats")
    schema = load_schema(settings.data_schema or settings.schema_name)
    source = settings.data / settings.annotations if settings.annotations else settings.data
    images = settings.data / settings.images if settings.images else None
    yield from reader(source, schema, LabelOptions(images))


def part_of_scene(scene: Scene, parts: Mapping[str, str]) -> str | None:
    """The part of a scene by its name, or by its file's name alone."""
    return parts.get(scene.image.name) or parts.get(Path(scene.image.name).name)


def _scenes_by_part(settings: TrainSettings, parts: Mapping[str, str]) -> dict[str, list[Scene]]:
    found: dict[str, list[Scene]] = {"train": [], "val": [], "test": []}
    for scene in read_labelled(settings):
        part = part_of_scene(scene, parts)
        if part is not None and (settings.keep_noted or not scene.notes):
            # The split alone decides what stays together; groups of the reader may be finer.
            found[part].append(replace(scene, group=""))
    for part in ("train", "val"):
        if not found[part]:
            raise UsageError(
                f"{settings.split}: no labelled image of {settings.data} is in its {part} part -- "
                "give more films, or write a split of your own with spinekit dataset split"
            )
    return found


def _samples(
    settings: TrainSettings,
    scenes: list[Scene],
    part: str,
    canvas: Canvas,
    schema: Schema,
    on_progress: Progress | None,
) -> Iterator[Sample]:
    for done, scene in enumerate(scenes, start=1):
        pixels = labelled_pixels(scene)
        if settings.task == "sem":
            yield from tile_samples(scene, pixels, canvas, settings.enlarge)
        else:
            rows, columns = canvas.fit(*pixels.shape)
            yield resize_scene(scene, rows, columns), shrink(pixels, rows, columns)
        if on_progress is not None:
            on_progress(f"preparing {part} images", done, len(scenes))
    if part == "train":
        for scene, pixels in negative_samples(schema, settings.negatives, settings.negatives_each):
            rows, columns = canvas.fit(*pixels.shape)
            yield resize_scene(scene, rows, columns), shrink(pixels, rows, columns)
        for scene, pixels in phantom_samples(schema, settings.data_schema, settings.phantoms, settings.seed):
            if settings.task == "sem":
                yield from tile_samples(scene, pixels, canvas, settings.enlarge)
                continue
            rows, columns = canvas.fit(*pixels.shape)
            yield resize_scene(scene, rows, columns), shrink(pixels, rows, columns)


def labelled_pixels(scene: Scene) -> UInt8Array:
    """The pixels of a labelled scene, which must be of the size that the labels were made on.

    Raises:
        ReadError: If they are not.
    """
    image = next(read_images(scene.image.path, ReadOptions()))
    if image.pixels.shape != (scene.image.height, scene.image.width):
        raise ReadError(
            scene.image.path,
            f"{image.pixels.shape[1]}x{image.pixels.shape[0]} pixels, but its labels are for "
            f"{scene.image.width}x{scene.image.height}",
            "pair the labels with the image they were drawn on",
        )
    return image.pixels
