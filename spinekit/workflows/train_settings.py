"""The whole recipe of a first look, or of a reading by pixels: what it may say, within which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from spinekit.core.schema import Schema
from spinekit.models.canvas import STRIDE
from spinekit.models.weights import UNET
from spinekit.schemas import nearest
from spinekit.workflows.recipe import LabelledData, expanded, recipe_content, settings_of

# Ultralytics' augmentations with the bounds that it holds itself, so that a slip is told before anything is read.
AUGMENTATIONS: dict[str, tuple[float, float]] = {
    "degrees": (0, 180), "translate": (0, 1), "scale": (0, 1), "shear": (-180, 180), "perspective": (0, 0.001),
    "fliplr": (0, 1), "flipud": (0, 1), "hsv_h": (0, 1), "hsv_s": (0, 1), "hsv_v": (0, 1),
    "mosaic": (0, 1), "mixup": (0, 1), "cutmix": (0, 1), "copy_paste": (0, 1), "close_mosaic": (0, 10_000),
}  # fmt: skip


class TrainSettings(LabelledData):
    """The whole recipe of a training.

    Attributes:
        task: ``pose``, ``seg``, ``sem`` or ``detect``.
        model: Architecture, e.g. ``yolo11n``; or the name of a model that ships, or a path, to go on from.
        start: Weights to begin from, or ``scratch``; None for the nearest at hand.
        download: Whether Ultralytics' own weights may be fetched to begin from.
        height: Rows of the canvas; ``imgsz`` sets both sides.
        width: Columns of the canvas.
        epochs: Passes over the training images.
        batch: Images a step.
        learning_rate: Of AdamW.
        augment: Ultralytics' augmentation settings by name; None for those that fit the schema.
        sigma_start: Keypoint sigma of the first epoch; None for one that fits the schema.
        sigma_end: Keypoint sigma of the last epochs.
        pose_gain: Weight of the landmark term.
        dice_gain: Weight of the term of Dice of the small U-Net's loss, beside cross entropy: 0 where the share of
            right pixels counts, more where a class is rare.
        margin: Room around landmarks in their box.
        patience: Epochs without a better score before stopping; 0 never stops.
        precision: ``fp32`` or ``bf16``.
        device: As Ultralytics names devices.
        folds: Trainings by turns, each tested on groups that the others learn from; None for one training.
        phantoms: Synthetic films added to the training part.
        negatives: Folders of images that show something else; the model learns to find nothing in them.
        negatives_each: How many of each such folder.
        either_facing: Whether the films all face one way and others may not: the model will read each film as it is
            and mirrored, and keep what it is surer of. Better than ``fliplr`` where films are few.
        enlarge: Tiles are enlarged so many times (``sem``).
        freeze: Layers held fixed.
        seconds: The training ends with the epoch in which so many have passed.
    """

    task: Literal["pose", "seg", "sem", "detect"]
    model: str = "yolo11n"
    start: Path | None = None
    download: bool = False
    height: int = Field(640, ge=STRIDE, le=4096, multiple_of=STRIDE)
    width: int = Field(640, ge=STRIDE, le=4096, multiple_of=STRIDE)
    epochs: int = Field(30, ge=1, le=10_000)
    batch: int = Field(8, ge=1, le=512)
    learning_rate: float = Field(1e-3, gt=0, le=1)
    augment: dict[str, float] | None = None
    sigma_start: float | None = Field(None, gt=0, le=1)
    sigma_end: float | None = Field(None, gt=0, le=1)
    pose_gain: float = Field(12.0, gt=0)
    dice_gain: float = Field(0.5, ge=0, le=10)
    margin: float = Field(0.1, ge=0, le=2)
    patience: int = Field(0, ge=0)
    precision: Literal["fp32", "bf16"] = "fp32"
    device: str | None = None
    folds: int | None = Field(None, ge=3, le=50)
    phantoms: int = Field(0, ge=0, le=100_000)
    negatives: tuple[Path, ...] = ()
    negatives_each: int = Field(12, ge=1, le=10_000)
    either_facing: bool = False
    enlarge: int = Field(1, ge=1, le=8)
    freeze: int = Field(0, ge=0, le=24)
    seconds: float | None = Field(None, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _both_sides(cls, content: Any) -> Any:  # noqa: ANN401  (whatever a recipe holds)
        """``imgsz`` stands for both sides; pixels are learnt by the small U-Net unless another model is named."""
        if not isinstance(content, Mapping):
            return content
        laid = dict(content)
        if "imgsz" in laid:
            side = laid.pop("imgsz")
            laid.setdefault("height", side)
            laid.setdefault("width", side)
        if laid.get("task") == "sem":
            laid.setdefault("model", UNET)
        return laid

    @field_validator("start", mode="before")
    @classmethod
    def _expand_start(cls, value: object) -> object:
        return None if value is None else expanded(str(value))

    @field_validator("negatives", mode="before")
    @classmethod
    def _expand_all(cls, value: object) -> object:
        return tuple(expanded(str(item)) for item in value) if isinstance(value, (list, tuple)) else value

    @field_validator("device", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value

    @field_validator("augment")
    @classmethod
    def _known_augmentations(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        for name, strength in (value or {}).items():
            if name not in AUGMENTATIONS:
                raise ValueError(f"there is no augmentation {name!r}: {nearest(name, AUGMENTATIONS)}")
            low, high = AUGMENTATIONS[name]
            if not low <= strength <= high:
                raise ValueError(f"{name} is {strength:g}, but it lies between {low:g} and {high:g}")
        return value


def read_recipe(path: Path, overrides: Mapping[str, Any] | None = None) -> TrainSettings:
    """A recipe from YAML, with settings of the command line laid over it.

    Args:
        path: E.g. ``experiments/spine-ap-pose.yaml``.
        overrides: Settings by name; None leaves the recipe's.

    Raises:
        UsageError: Naming an unknown or wrong setting and the nearest known one.
    """
    content = recipe_content(path, overrides)
    if (overrides or {}).get("imgsz") is not None:
        content = {key: value for key, value in content.items() if key not in {"height", "width"}}
    return settings_of(TrainSettings, content, str(path))


def with_preset(settings: TrainSettings, schema: Schema) -> TrainSettings:
    """The settings with what they are silent of, chosen for small sets of films of this kind.

    No mosaic, which cuts anatomy apart; mild turns and shifts; mirrored films only where a mirrored film may be met
    and the schema says which landmarks swap; landmarks from a loose pull to their own sigma.

    Args:
        settings: As given.
        schema: What is to be learnt.
    """
    laid: dict[str, Any] = {}
    if settings.augment is None:
        laid["augment"] = _augmentation(settings.task, schema)
    if settings.task == "pose" and settings.sigma_start is None and settings.sigma_end is None:
        sigmas = sorted(landmark.sigma for landmark in schema.landmarks)
        laid["sigma_end"] = min(max(sigmas[len(sigmas) // 2], 0.025), 0.1)
        # One skull fills its film: its points begin far off. Bodies of a spine are small, their neighbours near.
        laid["sigma_start"] = max(0.1 if schema.levels else 0.25, laid["sigma_end"])
    return settings.model_copy(update=laid)


def _augmentation(task: str, schema: Schema) -> dict[str, float]:
    many = bool(schema.levels) or len(schema.classes) > 1
    chosen = {"degrees": 6.0 if many else 8.0, "translate": 0.08, "scale": 0.2, "hsv_v": 0.3}
    either_way = any(word in schema.view for word in ("frontal", "axial", "microscopy"))
    if schema.mirrored if task == "pose" else either_way:
        chosen["fliplr"] = 0.5
    if "microscopy" in schema.view:
        chosen["flipud"] = 0.5
    return chosen
