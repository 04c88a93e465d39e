"""Training of the small U-Net on a workspace of images and class masks. Imported late."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.files import atomic_path
from spinekit.models.environment import use_threads
from spinekit.models.following import OnBatch, OnEpoch
from spinekit.models.history import (
    EpochReport,
    FinalCurves,
    best_epoch,
    note_curves,
    note_epoch,
    read_history,
)
from spinekit.models.pixel_augmentation import IGNORED, Example, augmented
from spinekit.models.training import TrainingPlan
from spinekit.models.unet import UNet, load_unet, save_unet, to_input
from spinekit.schemas.strict_yaml import load_yaml

_VIEWS_PER_IMAGE = 4  # in an epoch
_MEMORY = 0.99  # of the running mean of the weights, a step


def read_part(workspace: Path, part: str) -> list[Example]:
    """The images and masks of one part of a workspace.

    Raises:
        EnvironmentFaultError: If a mask is missing.
    """
    found = []
    for path in sorted((workspace / "images" / part).iterdir()):
        pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        labels = cv2.imread(str(workspace / "masks" / part / f"{path.stem}.png"), cv2.IMREAD_UNCHANGED)
        if pixels is None or labels is None:
            raise EnvironmentFaultError(f"{path}: its mask is missing -- write the workspace anew")
        found.append(Example(pixels.astype(np.uint8), labels.astype(np.uint8)))
    return found


def loss_of(logits: Tensor, labels: Tensor, dice_gain: float = 0.5) -> Tensor:
    """Cross entropy, which places the border, plus a share of one minus Dice of the last class, which is rare.

    Args:
        logits: (B, C, H, W).
        labels: (B, H, W) class indices; `IGNORED` counts for nothing.
        dice_gain: Weight of the term of Dice.
    """
    entropy = functional.cross_entropy(logits, labels, ignore_index=IGNORED)
    known = labels != IGNORED
    share = logits.softmax(dim=1)[:, -1][known]
    true = (labels == logits.shape[1] - 1)[known].float()
    dice = (2 * (share * true).sum() + 1) / (share.sum() + true.sum() + 1)
    total: Tensor = entropy + dice_gain * (1 - dice)
    return total


@torch.inference_mode()
def confusion(net: UNet, example: Example) -> npt.NDArray[np.int64]:
    """(C, C) pixels of an image by true and found class; those that count for nothing are left out."""
    net.eval()
    rows, columns = (side // net.stride * net.stride for side in example.pixels.shape)
    logits = net(to_input(example.pixels[None, :rows, :columns]))[0]
    labels = example.labels[:rows, :columns].astype(np.int64)
    found = logits.argmax(dim=0).numpy()
    known = labels != IGNORED
    classes = logits.shape[0]
    counts = np.bincount(labels[known] * classes + found[known], minlength=classes * classes)
    return counts.reshape(classes, classes)


def validate(net: UNet, examples: list[Example]) -> dict[str, float]:
    """Dice of all classes but the first, the ground, and pixel accuracy: means over whole images."""
    dice, right = [], []
    for example in examples:
        counts = confusion(net, example)
        both = counts.sum(axis=0) + counts.sum(axis=1)
        # A class that an image neither shows nor is said to show tells nothing.
        of_class = [2 * counts[k, k] / both[k] for k in range(1, len(counts)) if both[k]]
        dice += [float(np.mean(of_class))] if of_class else []
        right.append(np.trace(counts) / max(1, counts.sum()))
    return {
        "metrics/Dice": float(np.mean(dice)) if dice else 0.0,
        "metrics/pixel_acc": float(np.mean(right)),
    }


def _batches(examples: list[Example], size: int, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    order = rng.permutation(np.repeat(np.arange(len(examples)), _VIEWS_PER_IMAGE))
    size = min(size, len(order))
    for first in range(0, len(order) - size + 1, size):
        crops = [augmented(examples[index], rng) for index in order[first : first + size]]
        labels = torch.from_numpy(np.stack([crop.labels for crop in crops])).long()
        yield to_input(np.stack([crop.pixels for crop in crops])), labels


@dataclass(slots=True, eq=False)
class _Learner:
    """A network with all that its next step depends on, and the running mean of its weights, which is what it gives.

    The mean errs less than any single step's weights while steps are large (Polyak and Juditsky 1992).
    """

    net: UNet
    mean: UNet
    optimiser: torch.optim.AdamW
    schedule: torch.optim.lr_scheduler.LambdaLR
    rng: np.random.Generator
    epoch: int = 0
    steps: int = 0

    @torch.no_grad()
    def follow(self) -> None:
        """Takes the weights of a step into the running mean; the first ones are soon forgotten."""
        self.steps += 1
        memory = min(_MEMORY, self.steps / (self.steps + 10))
        for mean, now in zip(self.mean.state_dict().values(), self.net.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - memory)
            else:
                mean.copy_(now)

    def save(self, path: Path) -> None:
        """Writes a state to go on from: tensors and plain values, no code."""
        content = {
            "net": self.net.state_dict(),
            "mean": self.mean.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": {"last_epoch": self.schedule.last_epoch, "_step_count": self.schedule._step_count},
            "rng": json.dumps(self.rng.bit_generator.state),
            "epoch": self.epoch,
            "steps": self.steps,
        }
        with atomic_path(path) as temporary:
            torch.save(content, temporary)

    def restore(self, path: Path) -> None:
        """Goes back to a state, after which all goes on as if nothing had happened."""
        content = torch.load(path, map_location="cpu", weights_only=True)
        self.net.load_state_dict(content["net"])
        self.mean.load_state_dict(content["mean"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.schedule.last_epoch = content["schedule"]["last_epoch"]
        self.schedule._step_count = content["schedule"]["_step_count"]
        self.rng.bit_generator.state = json.loads(content["rng"])
        self.epoch, self.steps = content["epoch"], content["steps"]


def _learner(plan: TrainingPlan, classes: int, batches: int) -> _Learner:
    torch.manual_seed(plan.seed)
    net = UNet(classes)
    if plan.start is not None:
        _take_over(net, plan.start)
    net = net.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), lr=plan.learning_rate, weight_decay=1e-3)
    steps = plan.epochs * batches
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: (
            min(1.0, (step + 1) / batches) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        ),
    )
    return _Learner(net, copy.deepcopy(net), optimiser, schedule, np.random.default_rng(plan.seed))


def _take_over(net: UNet, path: Path) -> None:
    """Begins from the weights of another U-Net, scale by scale from the finest; what does not fit stays."""
    wanted = net.state_dict()
    start = load_unet(path)
    deeper = len(net.widths) - len(start.widths)
    given = {_at_scale(name, deeper): value for name, value in start.state_dict().items()}
    fits = {k for k, v in given.items() if k in wanted and v.shape == wanted[k].shape}
    net.load_state_dict({k: given[k] if k in fits else v for k, v in wanted.items()})


def _at_scale(name: str, deeper: int) -> str:
    """The name of a weight in a network of so many scales more: the way up is counted from the coarsest."""
    part, _, rest = name.partition(".")
    if part != "up":
        return name
    index, _, rest = rest.partition(".")
    return f"up.{int(index) + deeper}.{rest}"


def train_unet(
    plan: TrainingPlan,
    workspace: Path,
    out: Path,
    classes: int,
    on_epoch: OnEpoch | None = None,
    on_batch: OnBatch | None = None,
    resume: bool = False,
) -> Path:
    """Trains, choosing the epoch by Dice on val.

    Args:
        plan: Epochs, batch, learning rate, seed, patience.
        workspace: With ``images/{train,val}`` and ``masks/{train,val}``.
        out: Folder for the weights and the history.
        classes: Of the schema.
        on_epoch: Told after every epoch.
        on_batch: Told after every batch.
        resume: Whether to go on from the state in ``out``, where there is one.

    Returns:
        ``out/best.pt``.

    Raises:
        UsageError: If the loss is no number any more.
    """
    use_threads()
    training, val = read_part(workspace, "train"), read_part(workspace, "val")
    batches = max(1, len(training) * _VIEWS_PER_IMAGE // plan.batch)
    learner = _learner(plan, classes, batches)
    best, last = out / "best.pt", out / "last.pt"
    if resume and last.is_file():
        learner.restore(last)
    history = [report for report in read_history(out) if report.epoch <= learner.epoch]
    begun = time.monotonic()
    while learner.epoch < plan.epochs and not _over(plan, history, time.monotonic() - begun):
        started = time.monotonic()
        loss = _one_epoch(plan, learner, training, batches, on_batch)
        learner.epoch += 1
        metrics = validate(learner.mean, val)
        fitness = metrics["metrics/Dice"]
        best_before = best_epoch(history)
        if best_before is None or fitness > best_before.fitness:
            save_unet(learner.mean, classes, best)
        report = EpochReport(
            learner.epoch, plan.epochs, {"loss": loss}, metrics, fitness, time.monotonic() - started
        )
        history.append(report)
        note_epoch(out, report)
        learner.save(last)
        if on_epoch is not None:
            on_epoch(report)
    counts = np.sum([confusion(load_unet(best), example) for example in val], axis=0)
    note_curves(
        out, FinalCurves(labels=_names(workspace, classes), confusion=counts.T.astype(float).tolist())
    )
    return best


def _names(workspace: Path, classes: int) -> list[str]:
    """What the classes are called, where the workspace says so."""
    path = workspace / "data.yaml"
    content = load_yaml(path, number_keys=True) if path.is_file() else {}
    names = content.get("names", {}) if isinstance(content, dict) else {}
    if isinstance(names, list):
        names = dict(enumerate(names))
    return [str(names.get(index, index)) for index in range(classes)]


def _over(plan: TrainingPlan, history: list[EpochReport], seconds: float) -> bool:
    """Whether patience or time has run out."""
    best = best_epoch(history)
    if plan.seconds is not None and history and seconds > plan.seconds:
        return True
    return bool(plan.patience and best is not None and history[-1].epoch - best.epoch >= plan.patience)


def _one_epoch(
    plan: TrainingPlan, learner: _Learner, training: list[Example], batches: int, on_batch: OnBatch | None
) -> float:
    """Passes over the training images once and returns the mean loss."""
    learner.net.train()
    losses = []
    for done, (images, labels) in enumerate(_batches(training, plan.batch, learner.rng), start=1):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=plan.precision == "bf16"):
            logits = learner.net(images.contiguous(memory_format=torch.channels_last))
        loss = loss_of(logits.float(), labels, plan.dice_gain)
        learner.optimiser.zero_grad()
        loss.backward()
        learner.optimiser.step()
        learner.schedule.step()
        learner.follow()
        losses.append(float(loss.detach()))
        if on_batch is not None:
            on_batch(done, batches)
    mean = float(np.mean(losses)) if losses else 0.0
    if not math.isfinite(mean):
        raise UsageError(
            f"epoch {learner.epoch + 1}: the loss is no number any more -- lower learning_rate "
            f"({plan.learning_rate:g}) or use precision: fp32"
        )
    return mean
