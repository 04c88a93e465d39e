"""Training with Ultralytics on a workspace that spinekit has written."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.models.canvas import Canvas
from spinekit.models.course import Course, write_course
from spinekit.models.environment import load_library
from spinekit.models.faults import Tried, check_pickler, clear_faults
from spinekit.models.following import OnBatch, OnEpoch, following, listen
from spinekit.models.weights import UNET

P = ParamSpec("P")

TASKS = {
    "pose": "pose",
    "seg": "segment",
    "sem": "semantic",
    "detect": "detect",
}  # spinekit's word: the library's
FAMILIES = ("yolo11", "yolo12", "yolo26")
SIZES = "nsmlx"
ARCHITECTURES = {"pose": FAMILIES, "seg": FAMILIES, "detect": FAMILIES, "sem": ("yolo26",)}
_WATCHED = 4  # val images whose predictions are noted after every epoch


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """All that a training depends on beside its data.

    Attributes:
        task: ``pose``, ``seg``, ``sem`` or ``detect``.
        architecture: ``yolo11n`` and the like, or ``unet``.
        start: Weights to begin from, or None for random ones.
        canvas: Grid at which films are read.
        epochs: Passes over the training images.
        batch: Images a step; ``nbs`` is set to it, or small sets would hardly ever step.
        learning_rate: Of AdamW, falling by a cosine.
        seed: Of everything random.
        augment: Ultralytics' own augmentation settings (degrees, scale, translate, fliplr, hsv_v, ...).
        sigma_start: See `spinekit.models.course.Course`.
        sigma_end: See there.
        pose_gain: Weight of the landmark term in the loss.
        dice_gain: Weight of the term of Dice in the loss of the small U-Net.
        patience: Epochs without a better score before stopping; 0 for never.
        precision: ``fp32`` or ``bf16`` (about twice as fast where the processor knows it).
        device: ``cpu``, ``0``, ``0,1`` or as Ultralytics names them; None for its own choice.
        freeze: Layers held fixed.
        classes: Of the schema, for a network of our own; Ultralytics' read them from the workspace.
        seconds: The training ends with the epoch in which so many have passed; None for no such end.
    """

    task: str
    architecture: str
    start: Path | None
    canvas: Canvas
    epochs: int
    batch: int
    learning_rate: float
    seed: int
    augment: Mapping[str, float] = field(default_factory=dict)
    sigma_start: float | None = None
    sigma_end: float | None = None
    pose_gain: float = 12.0
    dice_gain: float = 0.5
    patience: int = 0
    precision: str = "fp32"
    device: str | None = None
    freeze: int = 0
    classes: int = 2
    seconds: float | None = None


# Everything whose library default hurts small sets of films; a plan's own settings come after.
_AUGMENT_OFF: dict[str, float] = {
    "mosaic": 0.0, "mixup": 0.0, "cutmix": 0.0, "copy_paste": 0.0, "flipud": 0.0, "fliplr": 0.0,
    "hsv_h": 0.0, "hsv_s": 0.0, "hsv_v": 0.0, "degrees": 0.0, "translate": 0.0, "scale": 0.0,
    "shear": 0.0, "perspective": 0.0, "erasing": 0.0,
}  # fmt: skip


def check_architecture(task: str, architecture: str) -> None:
    """Refuses, in words, an architecture that Ultralytics does not have for a task.

    Raises:
        UsageError: With what there is instead.
    """
    families = ARCHITECTURES[task]
    if task == "sem" and architecture == UNET:
        return
    if architecture[:-1] not in families or architecture[-1] not in SIZES:
        offers = ", ".join([*(f"{family}n" for family in families), *([UNET] if task == "sem" else [])])
        why = "Ultralytics has no semantic YOLO11 or YOLO12" if task == "sem" else "it is not known"
        raise UsageError(
            f"--model {architecture}: {why} for --task {task} -- use one of {offers} (or s, m, l, x)"
        )


def _overrides(plan: TrainingPlan, data: Path, out: Path) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "data": str(data),
        "save_dir": str(out),
        "epochs": plan.epochs,
        "batch": plan.batch,
        "nbs": plan.batch,
        "imgsz": max(plan.canvas.height, plan.canvas.width),
        "optimizer": "AdamW",
        "lr0": plan.learning_rate,
        "lrf": 0.02,
        "cos_lr": True,
        "warmup_epochs": 1.0,
        "warmup_bias_lr": plan.learning_rate,
        "patience": plan.patience or plan.epochs,
        "seed": plan.seed,
        "amp": False,
        "augmentations": [],
        "cache": "ram",
        "plots": False,
        "verbose": False,
        "exist_ok": True,
        "close_mosaic": 0,
        "max_det": 60,
        "freeze": plan.freeze or None,
        **_AUGMENT_OFF,
        **plan.augment,
    }
    if plan.task == "detect":
        settings["max_det"] = 300
    if plan.device is not None:
        settings["device"] = plan.device
    if plan.task == "pose":
        settings["pose"] = plan.pose_gain
    return settings


def train(
    plan: TrainingPlan,
    data: Path,
    out: Path,
    on_epoch: OnEpoch | None = None,
    on_batch: OnBatch | None = None,
    resume: bool = False,
) -> Path:
    """Trains and returns the best weights, in half precision and without their history.

    Args:
        plan: What to do.
        data: The workspace's ``data.yaml``.
        out: Folder for checkpoints and history.
        on_epoch: Told after every epoch.
        on_batch: Told after every batch: batches done and batches in the epoch; not where several devices train.
        resume: Whether to go on from the last state in ``out``, where there is one.

    Returns:
        ``out/best.pt``, cleared of paths and arguments.

    Raises:
        UsageError: If the loss is no number any more.
        EnvironmentFaultError: If memory or a device is missing, or training ends without weights.
    """
    check_architecture(plan.task, plan.architecture)
    library = load_library()
    if plan.architecture == UNET:
        from spinekit.models.unet_training import train_unet

        with clear_faults(_tried(plan)):
            return train_unet(plan, data.parent, out, plan.classes, on_epoch, on_batch, resume)
    from spinekit.models.checkpoint import scrub, unfinished

    write_course(_course(plan, data.parent), data.parent)
    state = unfinished(out) if resume else None
    if not (resume and state is None and (out / "weights" / "best.pt").is_file()):
        if state is None and out.exists():
            shutil.rmtree(out)  # of a training that was stopped before its first state
        _run(library, plan, data, out, state, on_epoch, on_batch)
    best = out / "weights" / "best.pt"
    if not best.exists():
        raise EnvironmentFaultError(f"{out}: the training ended without weights -- see {out}/results.csv")
    scrubbed = out / "best.pt"
    scrub(best, scrubbed)
    return scrubbed


def _run(
    library: Any,
    plan: TrainingPlan,
    data: Path,
    out: Path,
    state: Path | None,
    on_epoch: OnEpoch | None,
    on_batch: OnBatch | None,
) -> None:
    """The library's training, from the start or from a state of it."""
    from spinekit.models.trainers import TRAINERS

    model = _begin(library, plan) if state is None else library.YOLO(str(state))
    settings = _overrides(plan, data, out)
    if state is not None:
        settings = {"data": str(data), "save_dir": str(out), "resume": True}
        if plan.device is not None:
            settings["device"] = plan.device
    several = "," in (plan.device or "")
    if several:
        check_pickler()
    else:
        listen(model, _aloud(on_epoch), _aloud(on_batch))
    # Some of the library's bars go to standard output whatever its level.
    with (
        clear_faults(_tried(plan)),
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        contextlib.redirect_stdout(nowhere),
        following(out, on_epoch if several else None),
    ):
        model.train(trainer=TRAINERS[plan.task], **settings)


def _aloud(tell: Callable[P, None] | None) -> Callable[P, None] | None:
    """What the caller is told is the caller's to print, on the standard output as it is now."""
    if tell is None:
        return None
    stdout = sys.stdout

    def _told(*args: P.args, **kwargs: P.kwargs) -> None:
        with contextlib.redirect_stdout(stdout):
            tell(*args, **kwargs)

    return _told


def _tried(plan: TrainingPlan) -> Tried:
    return Tried(plan.batch, plan.canvas, plan.learning_rate, plan.device)


def _course(plan: TrainingPlan, workspace: Path) -> Course:
    images = sorted((workspace / "images" / "val").iterdir())
    step = max(1, len(images) // _WATCHED)
    return Course(
        plan.canvas,
        plan.sigma_start,
        plan.sigma_end,
        precision=plan.precision,
        watched=tuple(path.name for path in images[::step][:_WATCHED]),
        seconds=plan.seconds,
    )


def _begin(library: Any, plan: TrainingPlan) -> Any:
    """The network to train: the starting weights whole where they are of its kind, otherwise what of them fits.

    Loading weights into a fresh network would lose a pose head whose number of points is not COCO's 17.
    """
    suffix = "" if plan.task == "detect" else f"-{plan.task}"
    design = f"{plan.architecture}{suffix}.yaml"
    if plan.start is not None:
        found = library.YOLO(str(plan.start))
        if Path(str(found.model.yaml.get("yaml_file", ""))).name == design and found.task == TASKS[plan.task]:
            return found
    model = library.YOLO(design, task=TASKS[plan.task])
    if plan.start is not None:
        model.load(str(plan.start))
    return model


def score_part(plan: TrainingPlan, data: Path, weights: Path, part: str, out: Path) -> dict[str, float]:
    """What weights do on one part of a workspace, by the library's and our own metrics.

    Args:
        plan: Of their training.
        data: The workspace's ``data.yaml``, which names the part.
        weights: What `train` returned.
        part: ``val`` or ``test``.
        out: Folder for the curves.

    Returns:
        ``metrics/...`` by name.
    """
    library = load_library()
    if plan.architecture == UNET:
        from spinekit.models.unet import load_unet
        from spinekit.models.unet_training import read_part, validate

        return validate(load_unet(weights), read_part(data.parent, part))
    from spinekit.models.trainers import TRAINERS

    arguments = {
        "data": str(data), "split": part, "save_dir": str(out), "plots": False, "verbose": False,
        "imgsz": max(plan.canvas.height, plan.canvas.width), "batch": plan.batch, "max_det": 60,
        "task": TASKS[plan.task], "mode": "val", "rect": True,
    }  # fmt: skip
    if plan.device is not None:
        arguments["device"] = plan.device.split(",")[0]
    out.mkdir(parents=True, exist_ok=True)
    with (
        clear_faults(_tried(plan)),
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        contextlib.redirect_stdout(nowhere),
    ):
        validator = TRAINERS[plan.task].validator_class(save_dir=out, args=arguments)
        stats = validator(model=library.YOLO(str(weights)).model)
    return {name: float(value) for name, value in stats.items() if name.startswith("metrics/")}
