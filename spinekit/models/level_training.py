"""Training of a level network on films whose bodies are named. Imported late."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from spinekit.core.image import FloatArray, UInt8Array
from spinekit.models.checkpoints import Parts, Standing, load_standing, save_standing
from spinekit.models.close_crops import pyramid, take
from spinekit.models.close_frame import frame_of, mean_shape
from spinekit.models.close_net import to_input
from spinekit.models.close_settings import CloseView, LevelSettings
from spinekit.models.close_training import CloseFilm, CloseJitter, jittered, shaded
from spinekit.models.environment import use_threads
from spinekit.models.history import EpochReport
from spinekit.models.level_net import LevelNet, save_levels

_NEIGHBOUR = 0.08  # share of a label that goes to the levels beside it: a body is rarely taken for a far one


@dataclass(frozen=True, slots=True)
class LevelPlan:
    """A recipe.

    Attributes:
        levels: L names, cranial to caudal; every film's bodies are these, in this order.
        view: How crops are cut.
        mirrored: Whether films may be met mirrored.
        epochs: Passes over all bodies.
        batch: Crops a step.
        learning_rate: Of AdamW.
        seed: Of everything random.
        jitter: How far the first look is taken to be off.
    """

    levels: tuple[str, ...]
    view: CloseView
    mirrored: bool
    epochs: int
    batch: int = 32
    learning_rate: float = 2e-3
    seed: int = 0
    jitter: CloseJitter = field(default_factory=lambda: CloseJitter(0.1, 0.12, 6.0, 0.12))


@dataclass(frozen=True, slots=True, eq=False)
class _Item:
    """A body: its film, its corners, and its class (0 above the first level, L + 1 below the last)."""

    film: int
    shape: FloatArray
    label: int


def beyond(shapes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where the body above the first and the one below the last would lie, going on as the spine does there.

    Args:
        shapes: (L, K, 2) corners of the bodies, cranial to caudal.
    """
    centres = shapes.mean(axis=1)
    return shapes[0] + centres[0] - centres[1], shapes[-1] + centres[-1] - centres[-2]


def train_levels(
    plan: LevelPlan,
    train: Sequence[CloseFilm],
    val: Sequence[CloseFilm],
    out: Path,
    on_epoch: Callable[[EpochReport], None] | None = None,
    resume: bool = False,
) -> Path:
    """Trains, choosing the epoch by the share of val films whose bodies as a whole are named right.

    Args:
        plan: The recipe.
        train: Films to learn from, each with all L bodies.
        val: Films to choose by.
        out: Folder for ``levels.pt``.
        on_epoch: Told after every epoch.
        resume: Whether to go on from the last epoch that ended there.
    """
    torch.manual_seed(plan.seed)
    use_threads()
    rng = np.random.default_rng(plan.seed)
    shape = mean_shape(np.concatenate([film.shapes for film in train]))
    settings = LevelSettings(plan.levels, shape, plan.view)
    pyramids = {
        part: [_levels(film, settings) for film in films] for part, films in (("train", train), ("val", val))
    }
    items = list(_items(train))
    net = LevelNet(len(plan.levels), len(plan.view.views)).to(memory_format=torch.channels_last)
    steps = max(1, len(items) // plan.batch)
    optimiser = torch.optim.AdamW(net.parameters(), lr=plan.learning_rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, plan.learning_rate, total_steps=plan.epochs * steps + 1, pct_start=0.15
    )
    path, parts = out / "levels.pt", Parts(net, optimiser, schedule, rng)
    standing = load_standing(out, parts) if resume else Standing()
    for epoch in range(len(standing.reports) + 1, plan.epochs + 1):
        net.train()
        losses = []
        for crops, labels in _batches(items, pyramids["train"], plan, settings, rng):
            loss = functional.cross_entropy(net(crops), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        metrics = _validate(net, val, pyramids["val"], plan, settings)
        fitness = metrics["metrics/films"] + 0.01 * metrics["metrics/margin"]
        if fitness > standing.best:
            standing.best = fitness
            save_levels(net, settings, path)
        told = {"loss": float(np.mean(losses))}, metrics
        standing.reports.append(EpochReport(epoch, plan.epochs, *told, fitness))
        save_standing(out, parts, standing)
        if on_epoch is not None:
            on_epoch(standing.reports[-1])
    return path


def _levels(film: CloseFilm, settings: LevelSettings) -> list[tuple[UInt8Array, float]]:
    units = [np.sqrt(abs(np.linalg.det(frame_of(settings.shape, shape).linear))) for shape in film.shapes]
    return pyramid(film.pixels, float(np.median(units)), settings.view.zoom, settings.view.views)


def _items(films: Sequence[CloseFilm]) -> Iterator[_Item]:
    for number, film in enumerate(films):
        above, below = beyond(film.shapes)
        for label, shape in enumerate((above, *film.shapes, below)):
            x, y = shape.mean(axis=0)
            if 0 <= x < film.pixels.shape[1] and 0 <= y < film.pixels.shape[0]:
                yield _Item(number, shape, label)


def _soft(labels: FloatArray, count: int) -> Tensor:
    """(B, count) targets: most on the level, a little on its neighbours."""
    target = np.zeros((len(labels), count), np.float32)
    for row, label in enumerate(labels.astype(int)):
        for beside in (label - 1, label + 1):
            if 0 <= beside < count:
                target[row, beside] = _NEIGHBOUR
        target[row, label] = 1 - target[row].sum()
    return torch.from_numpy(target)


def _batches(
    items: list[_Item],
    pyramids: list[list[tuple[UInt8Array, float]]],
    plan: LevelPlan,
    settings: LevelSettings,
    rng: np.random.Generator,
) -> Iterator[tuple[Tensor, Tensor]]:
    order = rng.permutation(len(items))
    for first in range(0, len(order) - plan.batch + 1, plan.batch):
        chosen = [items[i] for i in order[first : first + plan.batch]]
        crops = []
        for item in chosen:
            frame = jittered(item.shape, settings.shape, plan.jitter, rng)
            mirrored = plan.mirrored and rng.random() < 0.5
            crops.append(shaded(take(pyramids[item.film], frame, plan.view, mirrored)[0], rng))
        labels = np.array([item.label for item in chosen], dtype=np.float64)
        yield (
            to_input(np.stack(crops)).contiguous(memory_format=torch.channels_last),
            _soft(labels, len(plan.levels) + 2),
        )


@torch.inference_mode()
def _validate(
    net: LevelNet,
    films: Sequence[CloseFilm],
    pyramids: list[list[tuple[UInt8Array, float]]],
    plan: LevelPlan,
    settings: LevelSettings,
) -> dict[str, float]:
    """Single bodies named right, films whose run of bodies is best where it lies, and by how much.

    The run may lie one body higher or lower: then the bodies beyond it are what was left out.
    """
    net.eval()
    right: list[bool] = []
    margins: list[float] = []
    for film, levels in zip(films, pyramids, strict=True):
        frames = [frame_of(settings.shape, shape) for shape in film.shapes]
        crops = np.stack([take(levels, frame, plan.view, False)[0] for frame in frames])
        share = net(to_input(crops)).log_softmax(dim=1).numpy()
        right += list(share.argmax(axis=1) == np.arange(len(frames)) + 1)
        n = len(frames)
        runs = [np.mean([share[i, i + 1 + shift] for i in range(n)]) for shift in (-1, 0, 1)]
        margins.append(float(runs[1] - max(runs[0], runs[2])))
    return {
        "metrics/bodies": float(np.mean(right)),
        "metrics/films": float(np.mean(np.array(margins) > 0)),
        "metrics/margin": float(np.mean(margins)),
    }
