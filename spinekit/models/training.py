"""Training with Ultralytics on a workspace that spinekit has written."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.files import atomic_path
from spinekit.models.canvas import Canvas
from spinekit.models.environment import load_library, use_threads

TASKS = {"pose": "pose", "seg": "segment", "sem": "semantic"}  # spinekit's word: the library's
UNET = "unet"  # our own, for structures a few pixels wide
ARCHITECTURES = {
    "pose": ("yolo11", "yolo12", "yolo26"),
    "seg": ("yolo11", "yolo12", "yolo26"),
    "sem": ("yolo26",),
}


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """All that a training depends on beside its data.

    Attributes:
        task: ``pose``, ``seg`` or ``sem``.
        architecture: ``yolo11n`` and the like, or ``unet``.
        start: Weights to begin from, or None for random ones.
        canvas: Grid at which films are read.
        epochs: Passes over the training images.
        batch: Images a step; ``nbs`` is set to it, or small sets would hardly ever step.
        learning_rate: Of AdamW, falling by a cosine.
        seed: Of everything random.
        augment: Ultralytics' own augmentation settings (degrees, scale, translate, fliplr, hsv_v, ...).
        sigma_start: See `spinekit.models.trainers.Course`.
        sigma_end: See there.
        pose_gain: Weight of the landmark term in the loss.
        patience: Epochs without a better score before stopping; 0 for never.
        precision: ``fp32`` or ``bf16`` (about twice as fast where the processor knows it).
        device: ``cpu``, ``0`` or as Ultralytics names them; None for its own choice.
        freeze: Layers held fixed.
        classes: Of the schema, for a network of our own; Ultralytics' read them from the workspace.
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
    patience: int = 0
    precision: str = "fp32"
    device: str | None = None
    freeze: int = 0
    classes: int = 2


@dataclass(frozen=True, slots=True)
class EpochReport:
    """How far a training is.

    Attributes:
        epoch: Counted from 1.
        epochs: In all.
        losses: By name.
        metrics: By name, e.g. ``metrics/MRE(px)``.
        fitness: What chooses the best epoch; larger is better.
    """

    epoch: int
    epochs: int
    losses: Mapping[str, float]
    metrics: Mapping[str, float]
    fitness: float


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
    if not architecture.startswith(families) or architecture[-1] not in "nslmx":
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
    if plan.device is not None:
        settings["device"] = plan.device
    if plan.task == "pose":
        settings["pose"] = plan.pose_gain
    return settings


def train(
    plan: TrainingPlan,
    data: Path,
    out: Path,
    on_epoch: Callable[[EpochReport], None] | None = None,
    on_batch: Callable[[int, int], None] | None = None,
) -> Path:
    """Trains and returns the best weights, in half precision and without their history.

    Args:
        plan: What to do.
        data: The workspace's ``data.yaml``.
        out: Folder for checkpoints and curves.
        on_epoch: Told after every epoch.
        on_batch: Told after every batch: batches done and batches in the epoch.

    Returns:
        ``out/best.pt``, cleared of paths and arguments.

    Raises:
        EnvironmentFaultError: If training ends without weights.
    """
    check_architecture(plan.task, plan.architecture)
    library = load_library()
    if plan.architecture == UNET:
        from spinekit.models.unet_training import train_unet

        return train_unet(plan, data.parent, out, plan.classes, on_epoch, on_batch)
    from spinekit.models.trainers import Course, trainer_class

    model = _begin(library, plan)
    course = Course(plan.canvas, plan.sigma_start, plan.sigma_end)
    _attach(model, plan, on_epoch, on_batch)
    # Some of the library's bars go to standard output whatever its level; that is for results.
    with contextlib.redirect_stdout(sys.stderr):
        model.train(trainer=trainer_class(plan.task, course), **_overrides(plan, data, out))
    best = out / "weights" / "best.pt"
    if not best.exists():
        raise EnvironmentFaultError(f"{out}: the training ended without weights -- see {out}/results.csv")
    scrubbed = out / "best.pt"
    scrub(best, scrubbed)
    return scrubbed


def _begin(library: Any, plan: TrainingPlan) -> Any:
    """The network to train: the starting weights whole where they are of its kind, otherwise what of them fits.

    Loading weights into a fresh network would lose a pose head whose number of points is not COCO's 17.
    """
    design = f"{plan.architecture}-{plan.task}.yaml"
    if plan.start is not None:
        found = library.YOLO(str(plan.start))
        if Path(str(found.model.yaml.get("yaml_file", ""))).name == design and found.task == TASKS[plan.task]:
            return found
    model = library.YOLO(design, task=TASKS[plan.task])
    if plan.start is not None:
        model.load(str(plan.start))
    return model


def _attach(
    model: Any,
    plan: TrainingPlan,
    on_epoch: Callable[[EpochReport], None] | None,
    on_batch: Callable[[int, int], None] | None,
) -> None:
    done = [0]

    def epoch_start(trainer: Any) -> None:
        done[0] = 0
        if plan.task == "pose":
            trainer.set_sigma()

    def batch_end(trainer: Any) -> None:
        done[0] += 1
        if on_batch is not None:
            on_batch(done[0], len(trainer.train_loader))

    def fit_end(trainer: Any) -> None:
        if on_epoch is not None and trainer.epoch + 1 <= plan.epochs:
            losses = {name: float(value) for name, value in (trainer.tloss or {}).items()}
            metrics = {name: float(value) for name, value in trainer.metrics.items()}
            on_epoch(
                EpochReport(trainer.epoch + 1, plan.epochs, losses, metrics, float(trainer.fitness or 0.0))
            )

    def train_start(trainer: Any) -> None:
        use_threads()
        if plan.precision == "bf16":
            compute_in_bf16(trainer.model)

    model.add_callback("on_train_start", train_start)
    model.add_callback("on_train_epoch_start", epoch_start)
    model.add_callback("on_train_batch_end", batch_end)
    model.add_callback("on_fit_epoch_end", fit_end)


def unwrapped(model: Any) -> Any:
    """The network inside a wrapper for several devices, or itself."""
    from ultralytics.utils.torch_utils import unwrap_model

    return unwrap_model(model)


def compute_in_bf16(model: Any) -> None:
    """Runs a network's forward pass in bfloat16, about twice as fast on processors that have it.

    The library offers this on GPUs only. Hooks around the whole pass do it on any device; the averaged copy
    that is validated and saved was made before them and stays in single precision. The head's outputs are
    widened before the loss: that adds anchors of up to a hundred cells to them in place, and bfloat16 steps
    by half a cell there, which is several pixels.
    """
    import torch

    def widen(output: Any) -> Any:
        if isinstance(output, torch.Tensor):
            return output.float() if output.dtype == torch.bfloat16 else output
        if isinstance(output, dict):
            return {key: widen(value) for key, value in output.items()}
        if isinstance(output, (list, tuple)):
            return type(output)(widen(value) for value in output)
        return output

    entered: list[Any] = []

    def enter(module: Any, _inputs: Any) -> None:
        device = next(module.parameters()).device.type
        context = torch.autocast(device, dtype=torch.bfloat16)
        context.__enter__()
        entered.append(context)

    def leave(_module: Any, _inputs: Any, _output: Any) -> None:
        entered.pop().__exit__(None, None, None)

    head = unwrapped(model).model[-1]
    head.register_forward_hook(lambda _module, _inputs, output: widen(output))
    model.register_forward_pre_hook(enter)
    model.register_forward_hook(leave, always_call=True)


def scrub(source: Path, target: Path) -> None:
    """Writes a checkpoint anew without what names a machine or a data set: paths, arguments, dates, history."""
    import torch
    from ultralytics.nn.tasks import torch_safe_load

    checkpoint, _ = torch_safe_load(str(source))
    model = checkpoint["model"].half()
    # Arguments of the run hold absolute paths; a prediction needs the task and the size alone.
    kept = {name: checkpoint["train_args"][name] for name in ("task", "imgsz")}
    model.args = kept
    model.criterion = None
    for parameter in model.parameters():
        parameter.requires_grad = False
    clean = {
        "epoch": -1, "best_fitness": None, "model": model, "ema": None, "updates": None, "optimizer": None,
        "train_args": kept, "train_metrics": {}, "train_results": {}, "date": "", "version": checkpoint["version"],
        "license": "AGPL-3.0-or-later",
    }  # fmt: skip
    with atomic_path(target) as temporary:
        torch.save(clean, temporary)
