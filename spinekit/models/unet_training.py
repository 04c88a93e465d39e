"""Training of the small U-Net on a workspace of images and class masks. Imported late."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from spinekit.core.errors import EnvironmentFaultError
from spinekit.models.environment import use_threads
from spinekit.models.training import EpochReport, TrainingPlan
from spinekit.models.unet import UNet, save_unet, to_input

UInt8 = npt.NDArray[np.uint8]
_CROP = 256
_CROPS_PER_IMAGE = 4
_IGNORED = 255  # label of pixels that count for nothing
_SHIFT_PX = 7.0  # of the elastic distortion
_COARSE = 5  # nodes of its grid along a side


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """An image with its labels.

    Attributes:
        pixels: (H, W) grey.
        labels: (H, W) class indices.
    """

    pixels: UInt8
    labels: UInt8


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


def augmented(example: Example, rng: np.random.Generator) -> Example:
    """A random crop, turned, mirrored, distorted and of another contrast; labels go along.

    Args:
        example: At least as large as a crop, or padded to it by reflection.
        rng: Source of chance.
    """
    pixels, labels = _padded(example)
    height, width = pixels.shape
    top, left = (int(rng.integers(0, side - _CROP + 1)) for side in (height, width))
    x, y = np.meshgrid(np.arange(_CROP, dtype=np.float32), np.arange(_CROP, dtype=np.float32))
    shifts = rng.normal(0, _SHIFT_PX / 2, (2, _COARSE, _COARSE)).astype(np.float32)
    dx, dy = (cv2.resize(shift, (_CROP, _CROP), interpolation=cv2.INTER_CUBIC) for shift in shifts)
    map_x, map_y = x + dx + left, y + dy + top
    pixels = cv2.remap(pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    labels = cv2.remap(labels, map_x, map_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
    quarter = int(rng.integers(4))
    pixels, labels = np.rot90(pixels, quarter), np.rot90(labels, quarter)
    if rng.random() < 0.5:
        pixels, labels = pixels[:, ::-1], labels[:, ::-1]
    grey = pixels.astype(np.float32) / 255
    grey = np.clip(grey ** rng.uniform(0.75, 1.33) * rng.uniform(0.8, 1.2) + rng.uniform(-0.1, 0.1), 0, 1)
    return Example((grey * 255).astype(np.uint8), np.ascontiguousarray(labels))


def _padded(example: Example) -> tuple[UInt8, UInt8]:
    height, width = example.pixels.shape
    down, right = max(0, _CROP - height), max(0, _CROP - width)
    if not down and not right:
        return example.pixels, example.labels
    return (
        np.pad(example.pixels, ((0, down), (0, right)), mode="reflect"),
        np.pad(example.labels, ((0, down), (0, right)), constant_values=_IGNORED),
    )


def loss_of(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy, which places the border, plus one minus Dice of the last class, which is rare."""
    entropy = functional.cross_entropy(logits, labels, ignore_index=_IGNORED)
    known = labels != _IGNORED
    share = logits.softmax(dim=1)[:, -1][known]
    true = (labels == logits.shape[1] - 1)[known].float()
    dice = (2 * (share * true).sum() + 1) / (share.sum() + true.sum() + 1)
    total: Tensor = entropy + 0.5 * (1 - dice)
    return total


@torch.inference_mode()
def validate(net: UNet, examples: list[Example]) -> dict[str, float]:
    """Dice of the last class and pixel accuracy, means over whole images."""
    net.eval()
    dice, right = [], []
    for example in examples:
        rows, columns = (side // 8 * 8 for side in example.pixels.shape)
        logits = net(to_input(example.pixels[None, :rows, :columns]))[0]
        labels = example.labels[:rows, :columns]
        found = logits.argmax(dim=0).numpy()
        last = logits.shape[0] - 1
        overlap = 2 * np.sum((found == last) & (labels == last))
        dice.append(overlap / max(1, np.sum(found == last) + np.sum(labels == last)))
        right.append(np.mean(found == labels))
    return {"metrics/Dice": float(np.mean(dice)), "metrics/pixel_acc": float(np.mean(right))}


def _batches(examples: list[Example], size: int, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    order = rng.permutation(np.repeat(np.arange(len(examples)), _CROPS_PER_IMAGE))
    for first in range(0, len(order) - size + 1, size):
        crops = [augmented(examples[index], rng) for index in order[first : first + size]]
        labels = torch.from_numpy(np.stack([crop.labels for crop in crops])).long()
        yield to_input(np.stack([crop.pixels for crop in crops])), labels


def train_unet(
    plan: TrainingPlan,
    workspace: Path,
    out: Path,
    classes: int,
    on_epoch: Callable[[EpochReport], None] | None = None,
    on_batch: Callable[[int, int], None] | None = None,
) -> Path:
    """Trains, choosing the epoch by Dice on val.

    Args:
        plan: Epochs, batch, learning rate, seed.
        workspace: With ``images/{train,val}`` and ``masks/{train,val}``.
        out: Folder for the weights.
        classes: Of the schema.
        on_epoch: Told after every epoch.
        on_batch: Told after every batch.

    Returns:
        ``out/best.pt``.
    """
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    use_threads()
    training, val = read_part(workspace, "train"), read_part(workspace, "val")
    net = UNet(classes)
    batches = max(1, len(training) * _CROPS_PER_IMAGE // plan.batch)
    optimiser = torch.optim.AdamW(net.parameters(), lr=plan.learning_rate, weight_decay=1e-3)
    steps = plan.epochs * batches
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: (
            min(1.0, (step + 1) / batches) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        ),
    )
    best, path = -1.0, out / "best.pt"
    for epoch in range(1, plan.epochs + 1):
        net.train()
        losses = []
        for done, (images, labels) in enumerate(_batches(training, plan.batch, rng), start=1):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=plan.precision == "bf16"):
                logits = net(images)
            loss = loss_of(logits.float(), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
            if on_batch is not None:
                on_batch(done, batches)
        metrics = validate(net, val)
        if metrics["metrics/Dice"] > best:
            best = metrics["metrics/Dice"]
            save_unet(net, classes, path)
        if on_epoch is not None:
            report = EpochReport(
                epoch, plan.epochs, {"loss": float(np.mean(losses))}, metrics, metrics["metrics/Dice"]
            )
            on_epoch(report)
    return path
