"""Training of a close look on labelled films. Imported late."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from spinekit.core.errors import UsageError
from spinekit.core.image import FloatArray, UInt8Array
from spinekit.models.checkpoints import Parts, Standing, load_standing, save_standing
from spinekit.models.close_crops import pyramid, take
from spinekit.models.close_frame import Frame, apply, frame_of, inverse, mean_shape
from spinekit.models.close_net import MapNet, cell_centres, close_network, places, save_close, to_input
from spinekit.models.close_settings import CloseSettings
from spinekit.models.environment import use_threads
from spinekit.models.history import EpochReport

_MAP_SIGMA = 1.25  # cells of the target around a point
_NODES = 6  # along a side of the grid of smooth shifts
_ROUNDS = 4
_WIDEST = 4.0  # crop px: a label further outside its crop than this teaches nothing


@dataclass(frozen=True, slots=True)
class CloseJitter:
    """How far a first look is taken to be off, as parts of the shape's unit length.

    Attributes:
        point: Standard deviation of every landmark by itself.
        shift: Of all of them together.
        turn: Of the direction, in degrees.
        stretch: Of the size, relative.
    """

    point: float = 0.08
    shift: float = 0.08
    turn: float = 4.0
    stretch: float = 0.06


@dataclass(frozen=True, slots=True)
class ClosePlan:
    """A recipe.

    Attributes:
        side: Rows and columns of a crop, a multiple of 16.
        zoom: Crop px per unit of the mean shape.
        views: Fields of view of a crop's channels.
        each: Whether every landmark has a crop of its own.
        flip_index: Mirror partners, empty for films that are never mirrored.
        epochs: Passes over all crops.
        batch: Crops a step.
        learning_rate: Of AdamW.
        seed: Of everything random.
        repeat: How often each film is met in an epoch.
        precision: ``fp32`` or ``bf16``.
        jitter: How far the first look is taken to be off.
        trunk: See `CloseSettings`.
        begin: Weights of a first look whose backbone the network begins from, by the library's names.
        bend: Standard deviation of smooth shifts by which crops and points are bent, in crop px.
    """

    side: int
    zoom: float
    views: tuple[float, ...]
    each: bool
    flip_index: tuple[int, ...]
    epochs: int
    batch: int = 32
    learning_rate: float = 2e-3
    seed: int = 0
    repeat: int = 1
    precision: str = "fp32"
    jitter: CloseJitter = CloseJitter()
    trunk: str = "unet"
    begin: Mapping[str, Tensor] | None = None
    bend: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class CloseFilm:
    """A film with the true landmarks of its instances.

    Attributes:
        pixels: (H, W).
        shapes: (N, K, 2) film px, NaN where absent.
    """

    pixels: UInt8Array
    shapes: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """A film at the resolution of each view; ``scales`` are their px per film px."""

    pyramids: tuple[UInt8Array, ...]
    scales: tuple[float, ...]
    shapes: FloatArray


def train_close(
    plan: ClosePlan,
    train: Sequence[CloseFilm],
    val: Sequence[CloseFilm],
    out: Path,
    on_epoch: Callable[[EpochReport], None] | None = None,
    resume: bool = False,
) -> Path:
    """Trains, choosing the epoch by the mean radial error on val.

    Args:
        plan: The recipe.
        train: Films to learn from.
        val: Films to choose by; their crops are shifted as in training, always alike.
        out: Folder for ``close.pt``.
        on_epoch: Told after every epoch.
        resume: Whether to go on from the last epoch that ended there.
    """
    torch.manual_seed(plan.seed)
    use_threads()
    shapes = np.concatenate([film.shapes for film in train])
    settings = CloseSettings(
        mean_shape(shapes[np.isfinite(shapes).all(axis=(1, 2))]),
        plan.side,
        plan.zoom,
        plan.views,
        plan.each,
        plan.flip_index,
        trunk=plan.trunk,
    )
    rng = np.random.default_rng(plan.seed)
    prepared = [_prepare(film, settings) for film in train]
    held = [_prepare(film, settings) for film in val]
    net = _begun(plan, settings)
    count = plan.repeat * sum(len(film.shapes) * (len(settings.shape) if plan.each else 1) for film in train)
    steps = max(1, count // plan.batch)
    optimiser = torch.optim.AdamW(net.parameters(), lr=plan.learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, plan.learning_rate, total_steps=plan.epochs * steps + 1, pct_start=0.1
    )
    path, parts = out / "close.pt", Parts(net, optimiser, schedule, rng)
    standing = load_standing(out, parts) if resume else Standing()
    for epoch in range(len(standing.reports) + 1, plan.epochs + 1):
        net.train()
        losses = []
        for crops, targets, weights in _batches(prepared, plan, settings, rng):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=plan.precision == "bf16"):
                logits = net(crops.contiguous(memory_format=torch.channels_last))
            loss = _loss(logits.float(), targets, weights, net.cell)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        error, calibration = _validate(net, held, plan, settings)
        if -error > standing.best:
            standing.best = -error
            save_close(net, replace(settings, calibration=calibration), path)
        told = {"loss": float(np.mean(losses))}, {"metrics/MRE(px)": error}
        standing.reports.append(EpochReport(epoch, plan.epochs, *told, -error))
        save_standing(out, parts, standing)
        if on_epoch is not None:
            on_epoch(standing.reports[-1])
    return path


def _begun(plan: ClosePlan, settings: CloseSettings) -> MapNet:
    net = close_network(settings)
    if plan.begin is not None and not net.begin_from(plan.begin):
        raise UsageError(
            "the weights to begin from are of another network -- network: unet begins from nothing"
        )
    begun: MapNet = net.to(memory_format=torch.channels_last)
    return begun


def _prepare(film: CloseFilm, settings: CloseSettings) -> _Prepared:
    units = [np.sqrt(abs(np.linalg.det(frame_of(settings.shape, shape).linear))) for shape in film.shapes]
    levels = pyramid(film.pixels, float(np.median(units)), settings.zoom, settings.views)
    return _Prepared(tuple(p for p, _ in levels), tuple(s for _, s in levels), film.shapes)


def jittered(shape: FloatArray, mean: FloatArray, jitter: CloseJitter, rng: np.random.Generator) -> Frame:
    """The frame that a first look somewhat off would give."""
    true = frame_of(mean, shape)
    noisy = mean + rng.normal(0, jitter.point, mean.shape) + rng.normal(0, jitter.shift, 2)
    turn = math.radians(rng.normal(0, jitter.turn))
    stretch = math.exp(rng.normal(0, jitter.stretch))
    rotation = stretch * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    return frame_of(mean, true.to_film(noisy @ rotation.T))


def _aim(
    shape: FloatArray, point: int, plan: ClosePlan, settings: CloseSettings, rng: np.random.Generator
) -> Frame:
    """Where a close look would look, after a first look somewhat off, at an instance or at one of its points."""
    frame = jittered(shape, settings.shape, plan.jitter, rng)
    if not plan.each:
        return frame
    there = shape[point] if np.isfinite(shape[point]).all() else frame.to_film(settings.shape[point])
    return Frame(frame.linear, frame.linear @ rng.normal(0, plan.jitter.point, 2) + there)


def _example(
    film: _Prepared,
    index: int,
    point: int,
    plan: ClosePlan,
    settings: CloseSettings,
    rng: np.random.Generator,
    mirrored: bool,
) -> tuple[UInt8Array, FloatArray, FloatArray]:
    """A crop, its (K, 2) targets in crop px and (K,) weights."""
    shape = film.shapes[index]
    frame = _aim(shape, point, plan, settings, rng)
    levels = list(zip(film.pyramids, film.scales, strict=True))
    taken, matrix = take(levels, frame, plan, mirrored)
    order = list(plan.flip_index) if mirrored else list(range(len(shape)))
    target = apply(inverse(matrix), shape[order])
    if plan.bend:
        taken, target = bent(taken, target, plan.bend, rng)
    inside = np.isfinite(target).all(axis=1)
    inside &= (np.nan_to_num(target, nan=-99) > -_WIDEST).all(axis=1)
    inside &= (np.nan_to_num(target, nan=9999) < plan.side + _WIDEST).all(axis=1)
    weight: FloatArray = inside.astype(np.float64).reshape(-1)
    if plan.each:
        own = order.index(point)
        # Others that happen to lie in the crop teach a little.
        weight = np.where(np.arange(len(shape)) == own, weight, 0.1 * weight)
    return taken, np.nan_to_num(target), weight


def _batches(
    films: list[_Prepared], plan: ClosePlan, settings: CloseSettings, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    points = range(len(settings.shape)) if plan.each else range(1)
    items = [(f, i, p) for f, film in enumerate(films) for i in range(len(film.shapes)) for p in points]
    order = np.concatenate([rng.permutation(len(items)) for _ in range(plan.repeat)])
    for first in range(0, len(order) - plan.batch + 1, plan.batch):
        rows = []
        for number in order[first : first + plan.batch]:
            f, i, p = items[number]
            mirrored = bool(plan.flip_index) and rng.random() < 0.5
            taken, target, weight = _example(films[f], i, p, plan, settings, rng, mirrored)
            rows.append((shaded(taken, rng), target, weight))
        yield (
            to_input(np.stack([row[0] for row in rows])),
            torch.from_numpy(np.stack([row[1] for row in rows])).float(),
            torch.from_numpy(np.stack([row[2] for row in rows])).float(),
        )


def bent(
    crops: UInt8Array, points: FloatArray, sigma: float, rng: np.random.Generator
) -> tuple[UInt8Array, FloatArray]:
    """Crops and their points, shifted smoothly and differently from place to place: another person's shape.

    Args:
        crops: (V, S, S); the points are those of the first view, the others are bent alike.
        points: (K, 2) crop px, which may be NaN.
        sigma: Standard deviation of the shifts, in crop px.
        rng: Source of chance.
    """
    side = crops.shape[-1]
    coarse = rng.normal(0, sigma, (2, _NODES, _NODES)).astype(np.float32)
    dx, dy = (cv2.resize(nodes, (side, side), interpolation=cv2.INTER_CUBIC) for nodes in coarse)
    x, y = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
    moved = np.stack(
        [cv2.remap(c, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for c in crops]
    )
    # The map says where each px comes from; a few rounds find where a point goes to.
    target = np.array(points)
    for _ in range(_ROUNDS):
        at = np.clip(np.nan_to_num(target), 0, side - 1)
        row, column = at[:, 1].round().astype(int), at[:, 0].round().astype(int)
        target = points - np.stack([dx[row, column], dy[row, column]], axis=1)
    return np.asarray(moved, dtype=np.uint8), target


def shaded(crops: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Another contrast and noise, as another film would have."""
    grey = crops.astype(np.float32) / 255
    grey = grey ** np.float32(rng.uniform(0.7, 1.4))
    grey = grey + rng.normal(0, rng.uniform(0, 0.03), grey.shape).astype(np.float32)
    if rng.random() < 0.2:
        sigma = float(rng.uniform(0.5, 1.5))
        grey = np.stack([cv2.GaussianBlur(channel, (0, 0), sigma) for channel in grey])
    if rng.random() < 0.25:
        grey = 1 - grey if rng.random() < 0.2 else grey
    return np.asarray(np.clip(grey * 255, 0, 255), dtype=np.uint8)


def _loss(logits: Tensor, targets: Tensor, weights: Tensor, cell: int) -> Tensor:
    """Cross entropy with a soft spot around the point, which pulls from afar, and the distance of the mean."""
    h, w = logits.shape[-2:]
    sigma = _MAP_SIGMA * cell
    columns = -((cell_centres(w, cell) - targets[..., 0:1]) ** 2) / (2 * sigma**2)
    rows = -((cell_centres(h, cell) - targets[..., 1:2]) ** 2) / (2 * sigma**2)
    spot = (rows[..., :, None] + columns[..., None, :]).flatten(2).softmax(-1)
    entropy = -(spot * logits.flatten(2).log_softmax(-1)).sum(-1)
    mean, _ = places(logits, cell)
    distance = functional.smooth_l1_loss(mean, targets, reduction="none", beta=1.0).sum(-1)
    total: Tensor = ((0.1 * entropy + 0.1 * distance) * weights).sum() / weights.sum().clamp_min(1)
    return total


@torch.inference_mode()
def _validate(
    net: MapNet, films: list[_Prepared], plan: ClosePlan, settings: CloseSettings
) -> tuple[float, float]:
    """How good the network is on crops that are off as in training.

    Returns:
        The mean radial error in film px, and the factor by which the spread of the maps must be multiplied so
        that 68 % of the errors along an axis lie within it, as those of a normal distribution do.
    """
    net.eval()
    rng = np.random.default_rng(1)
    errors: list[float] = []
    ratios: list[float] = []
    for film in films:
        points = range(len(settings.shape)) if plan.each else range(1)
        for index in range(len(film.shapes)):
            rows = []
            for point in points:
                frame = _aim(film.shapes[index], point, plan, settings, rng)
                rows.append(take(list(zip(film.pyramids, film.scales, strict=True)), frame, plan, False))
            logits = net(to_input(np.stack([taken for taken, _ in rows])))
            mean, variance = places(logits, net.cell)
            for row, point in enumerate(points):
                matrix, own = rows[row][1], [point] if plan.each else slice(None)
                off = (apply(matrix, mean[row].double().numpy()) - film.shapes[index])[own]
                spread = np.sqrt(variance[row].double().numpy() @ (matrix[:, :2].T ** 2))[own]
                errors.extend(np.linalg.norm(off, axis=1))
                ratios.extend((np.abs(off) / np.maximum(spread, 1e-6)).ravel())
    return float(np.nanmean(errors)), float(np.nanpercentile(ratios, 68.27))
