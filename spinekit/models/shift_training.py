"""Training of a network of shifts on films whose bodies are named. Imported late."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from spinekit.core.image import UInt8Array
from spinekit.models.checkpoints import Parts, Standing, load_standing, save_standing
from spinekit.models.close_crops import shrunk
from spinekit.models.close_training import CloseFilm, CloseJitter
from spinekit.models.environment import use_threads
from spinekit.models.history import EpochReport
from spinekit.models.shift_net import ShiftNet, save_shift
from spinekit.models.shift_settings import ShiftSettings
from spinekit.models.straight import (
    ROWS,
    Course,
    StraightView,
    Wobble,
    course_of,
    drawn_out,
    scale_of,
    straightened,
)

_SMOOTHING = 0.05  # a label may be wrong
_ROWS_GAIN = 0.3  # of what single rows of bodies say, beside what all of them say together
_LEFT_OUT = 2  # bodies at either end that a course may lack
_TOO_MANY = 1  # bodies by which it may go on beyond the named ones
_PLACE = 0.2  # bodies by which a look may be moved


@dataclass(frozen=True, slots=True)
class ShiftPlan:
    """A recipe.

    Attributes:
        settings: Levels, view and reach of the network; every film's bodies are these levels, in this order.
        epochs: Passes over all films.
        batch: Films a step.
        repeat: How often every film is met in an epoch, each time another way.
        learning_rate: Of AdamW, rising and falling once.
        seed: Of everything random.
        jitter: How far the bodies that are found are taken to be off.
    """

    settings: ShiftSettings
    epochs: int
    batch: int = 12
    repeat: int = 2
    learning_rate: float = 3e-3
    seed: int = 0
    jitter: CloseJitter = field(default_factory=lambda: CloseJitter(0.06, 0.15, 2.5, 0.1))


def view_of(levels: int, columns: int, unit: float, reach: int) -> StraightView:
    """A view with room for what tells the ends of a spine from what goes on beyond them.

    Args:
        levels: Of the schema.
        columns: Of the picture.
        unit: Columns that a body's diagonal takes.
        reach: By how many levels names may be off.
    """
    return StraightView(levels, reach + 2, reach + 3, columns, unit)


def train_shift(
    plan: ShiftPlan,
    train: Sequence[CloseFilm],
    val: Sequence[CloseFilm],
    out: Path,
    on_epoch: Callable[[EpochReport], None] | None = None,
    resume: bool = False,
) -> Path:
    """Trains, choosing the last of the epochs in which the right shift is found on most val films.

    Args:
        plan: The recipe.
        train: Films to learn from, each with all L bodies.
        val: Films to choose by.
        out: Folder for ``shift.pt``.
        on_epoch: Told after every epoch.
        resume: Whether to go on from the last epoch that ended there.
    """
    torch.manual_seed(plan.seed)
    use_threads()
    train, val = ([_small(film, plan.settings.view) for film in films] for films in (train, val))
    rng = np.random.default_rng(plan.seed)
    net = ShiftNet(plan.settings).to(memory_format=torch.channels_last)
    steps = max(1, len(train) * plan.repeat // plan.batch)
    optimiser = torch.optim.AdamW(net.parameters(), lr=plan.learning_rate, weight_decay=1e-2)
    total = plan.epochs * steps + 1
    # It rises over two steps at least, or a short training has no rise to be computed.
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, plan.learning_rate, total_steps=total, pct_start=max(0.1, 2 / total)
    )
    path, parts = out / "shift.pt", Parts(net, optimiser, schedule, rng)
    standing = load_standing(out, parts) if resume else Standing()
    for epoch in range(len(standing.reports) + 1, plan.epochs + 1):
        net.train()
        losses = []
        for strips, shifts in _batches(train, plan, steps, rng):
            loss = loss_of(net, strips, shifts)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        metrics = _validate(net, val, plan.settings)
        fitness = metrics["metrics/films"]
        # Of epochs that are equally good the last one: it learns on where a few val films cannot tell any more.
        if fitness >= standing.best:
            standing.best = fitness
            save_shift(net, plan.settings, path)
        told = {"loss": float(np.mean(losses))}, metrics
        standing.reports.append(EpochReport(epoch, plan.epochs, *told, fitness))
        save_standing(out, parts, standing)
        if on_epoch is not None:
            on_epoch(standing.reports[-1])
    return path


def _small(film: CloseFilm, view: StraightView) -> CloseFilm:
    """A film as small as it is straightened from, so that it is shrunk once and not in every epoch."""
    scale = scale_of(course_of(film.shapes, range(len(film.shapes))), view)
    return CloseFilm(shrunk(film.pixels, scale), (film.shapes + 0.5) * scale - 0.5)


def loss_of(net: ShiftNet, strips: Tensor, shifts: Tensor) -> Tensor:
    """Cross entropy of the shift, and a share of that of the single rows.

    Args:
        net: The network.
        strips: (B, 2, H, W) uint8.
        shifts: (B,) by how many levels the names should be lower.
    """
    rows = net.rows(strips)
    whole = functional.cross_entropy(net.shifts(rows), shifts + net.reach, label_smoothing=_SMOOTHING)
    bodies = torch.arange(rows.shape[1])
    single = functional.cross_entropy(rows.flatten(0, 1), (bodies + shifts[:, None] + net.reach).flatten())
    total: Tensor = whole + _ROWS_GAIN * single
    return total


def cut(course: Course, rng: np.random.Generator) -> Course:
    """A course that begins and ends anywhere near its ends, as one that a model finds: they must tell nothing."""
    whole = drawn_out(course, _TOO_MANY, _TOO_MANY)
    least = max(2, len(course.centres) - 2 * _LEFT_OUT)
    first = int(rng.integers(0, _TOO_MANY + _LEFT_OUT + 1))
    last = len(whole.centres) - int(rng.integers(0, _TOO_MANY + _LEFT_OUT + 1))
    last = max(last, first + least)
    return Course(whole.centres[first:last], whole.sizes[first:last], whole.first + first)


def _batches(
    films: Sequence[CloseFilm], plan: ShiftPlan, steps: int, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    view, reach = plan.settings.view, plan.settings.reach
    courses = [course_of(film.shapes, range(len(film.shapes))) for film in films]
    order = np.concatenate([rng.permutation(len(films)) for _ in range(plan.repeat + 1)])
    for step in range(steps):
        strips, shifts = [], []
        for index in order[step * plan.batch : (step + 1) * plan.batch]:
            shift = int(rng.integers(-reach, reach + 1))
            course = _shaken(cut(courses[index], rng), plan.jitter, rng)
            called = Course(course.centres, course.sizes, course.first - shift)
            strip = straightened(films[index].pixels, called, view, _wobble(plan.jitter, rng))
            mirrored = plan.settings.mirrored and rng.random() < 0.5
            strips.append(_another(strip[:, :, ::-1] if mirrored else strip, rng))
            shifts.append(shift)
        yield torch.from_numpy(np.stack(strips)), torch.tensor(shifts)


def _shaken(course: Course, jitter: CloseJitter, rng: np.random.Generator) -> Course:
    """Centres a little off, as found ones are."""
    off = rng.normal(0, jitter.point, course.centres.shape) * course.sizes[:, None]
    return Course(course.centres + off, course.sizes, course.first)


def _wobble(jitter: CloseJitter, rng: np.random.Generator) -> Wobble:
    return Wobble(
        rng.uniform(-_PLACE, _PLACE),
        rng.normal(0, jitter.shift),
        rng.normal(0, jitter.stretch),
        np.tan(np.radians(rng.normal(0, jitter.turn))),
    )


def _another(strip: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """The strip of another film: its contrast, noise, sharpness and edges, and things that lie upon it."""
    grey, there = strip[0].astype(np.float32) / 255, strip[1].copy()
    grey = grey ** np.float32(np.exp(rng.normal(0, 0.35))) * rng.uniform(0.7, 1.3) + rng.uniform(-0.1, 0.1)
    if rng.random() < 0.3:
        grey = grey + rng.normal(0, rng.uniform(0, 0.06), grey.shape)
    if rng.random() < 0.3:
        grey = cv2.GaussianBlur(grey, (0, 0), float(rng.uniform(0.3, 1.2)))
    grey = np.clip(grey, 0, 1)
    for _ in range(int(rng.integers(0, 4))):
        _covered(grey, rng)
    for axis in (0, 1):
        if rng.random() < 0.4:
            _cropped(there, axis, rng)
    return np.stack([np.where(there > 0, grey * 255, 0), there]).astype(np.uint8)


def _covered(grey: np.ndarray[tuple[int, ...], np.dtype[np.floating]], rng: np.random.Generator) -> None:
    """Lays an even patch over a part, in place."""
    height, width = (int(rng.integers(ROWS // 2, 3 * ROWS)) for _ in range(2))
    top, left = int(rng.integers(0, grey.shape[0] - height)), int(rng.integers(0, grey.shape[1] - width))
    grey[top : top + height, left : left + width] = rng.uniform(0, 1)


def _cropped(there: UInt8Array, axis: int, rng: np.random.Generator) -> None:
    """Ends the film earlier on one side, in place."""
    taken = int(rng.integers(1, 3 * ROWS))
    side = np.moveaxis(there, axis, 0)
    if rng.random() < 0.5:
        side[:taken] = 0
    else:
        side[-taken:] = 0


@torch.inference_mode()
def _validate(net: ShiftNet, films: Sequence[CloseFilm], settings: ShiftSettings) -> dict[str, float]:
    """Share of films, each with courses of several lengths, whose shift is found; and what the right one costs."""
    net.eval()
    right, costs = [], []
    rng = np.random.default_rng(0)
    for film in films:
        course = course_of(film.shapes, range(len(film.shapes)))
        courses = [course, *(cut(course, rng) for _ in range(4))]
        strips = np.stack([straightened(film.pixels, one, settings.view) for one in courses])
        shares = net(torch.from_numpy(strips)).log_softmax(dim=1).numpy()
        right += list(shares.argmax(axis=1) == settings.reach)
        costs += list(-shares[:, settings.reach])
    return {"metrics/films": float(np.mean(right)), "metrics/log_loss": float(np.mean(costs))}
