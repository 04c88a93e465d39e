"""Training: labels of any format and a split go in, weights with a card come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from spinekit.core.image import UInt8Array
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.core.transform import resize_scene
from spinekit.formats.yolo_dataset import DatasetReport, write_dataset
from spinekit.models.canvas import STRIDE, Canvas, shrink
from spinekit.models.tiles import tile_samples
from spinekit.models.training import EpochReport, TrainingPlan
from spinekit.models.training import train as train_network
from spinekit.schemas import load_schema
from spinekit.workflows.recipe import (
    LabelledData,
    expanded,
    labelled_pixels,
    recipe_content,
    scenes_by_part,
    settings_of,
    split_table,
)
from spinekit.workflows.seasoning import negative_samples, phantom_samples
from spinekit.workflows.split import read_split, split_labelled, write_split

Sample = tuple[Scene, UInt8Array]
Progress = Callable[[str, int, int], None]


class TrainSettings(LabelledData):
    """The whole recipe of a first look, or of a reading by pixels.

    Attributes:
        task: ``pose``, ``seg`` or ``sem``.
        model: Architecture, e.g. ``yolo11n``.
        start: Weights to begin from.
        height: Rows of the canvas.
        width: Columns of the canvas.
        epochs: Passes over the training images.
        batch: Images a step.
        learning_rate: Of AdamW.
        augment: Ultralytics' augmentation settings by name.
        sigma_start: Keypoint sigma of the first epoch.
        sigma_end: Keypoint sigma of the last epochs.
        pose_gain: Weight of the landmark term.
        margin: Room around landmarks in their box.
        patience: Epochs without a better score before stopping; 0 never stops.
        precision: ``fp32`` or ``bf16``.
        device: As Ultralytics names devices.
        phantoms: Synthetic films added to the training part.
        negatives: Folders of images that show something else; the model learns to find nothing in them.
        negatives_each: How many of each such folder.
        enlarge: Tiles are enlarged so many times (``sem``).
        freeze: Layers held fixed.
    """

    task: Literal["pose", "seg", "sem"]
    model: str = "yolo11n"
    start: Path | None = None
    height: int = Field(640, ge=STRIDE, le=4096, multiple_of=STRIDE)
    width: int = Field(640, ge=STRIDE, le=4096, multiple_of=STRIDE)
    epochs: int = Field(30, ge=1, le=10_000)
    batch: int = Field(8, ge=1, le=512)
    learning_rate: float = Field(1e-3, gt=0, le=1)
    augment: dict[str, float] = Field(default_factory=dict)
    sigma_start: float | None = Field(None, gt=0, le=1)
    sigma_end: float | None = Field(None, gt=0, le=1)
    pose_gain: float = Field(12.0, gt=0)
    margin: float = Field(0.1, ge=0, le=2)
    patience: int = Field(0, ge=0)
    precision: Literal["fp32", "bf16"] = "fp32"
    device: str | None = None
    phantoms: int = Field(0, ge=0, le=100_000)
    negatives: tuple[Path, ...] = ()
    negatives_each: int = Field(12, ge=1, le=10_000)
    enlarge: int = Field(1, ge=1, le=8)
    freeze: int = Field(0, ge=0, le=24)

    @field_validator("start", mode="before")
    @classmethod
    def _expand_start(cls, value: object) -> object:
        return None if value is None else expanded(str(value))

    @field_validator("negatives", mode="before")
    @classmethod
    def _expand_all(cls, value: object) -> object:
        return tuple(expanded(str(item)) for item in value) if isinstance(value, (list, tuple)) else value


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
    return settings_of(TrainSettings, recipe_content(path, overrides), str(path))


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
    by_part = scenes_by_part(settings, parts)
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
