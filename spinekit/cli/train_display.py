"""How a training shows on a terminal: a line for each epoch, a bar with the time left, the best so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console

from spinekit.cli.console import progress_bar, terminal
from spinekit.files import printable

if TYPE_CHECKING:
    from spinekit.models.history import EpochReport

_MOST_NOTICES = 10
# What an epoch is chosen by, the most telling first, and whether less is better.
_CHOSEN_BY = (
    ("metrics/MRE(px)", "MRE", " px", True),
    ("metrics/Dice", "Dice", "", False),
    ("metrics/mAP50-95(M)", "mask mAP50-95", "", False),
    ("metrics/mAP50-95(B)", "box mAP50-95", "", False),
    ("metrics/films", "films named right", "", False),
)


@dataclass(frozen=True, slots=True)
class Display:
    """Whom a training tells.

    Attributes:
        console: Where lines go.
        on_epoch: Of epochs.
        on_progress: Of work.
        notice: Of what is passed over or doubtful.
    """

    console: Console
    on_epoch: Callable[[EpochReport], None]
    on_progress: Callable[[str, int, int], None]
    notice: Callable[[str], None]


def score(epoch: EpochReport) -> str:
    """The figure that an epoch is chosen by, in words."""
    for key, name, unit, _ in _CHOSEN_BY:
        if key in epoch.metrics:
            return f"{name} {epoch.metrics[key]:.3g}{unit}"
    return f"fitness {epoch.fitness:.3g}"


def words(epoch: EpochReport, best: EpochReport, seconds_left: float) -> str:
    """The line of an epoch.

    Args:
        epoch: The one that has ended.
        best: Of those so far.
        seconds_left: By the mean of the epochs so far.
    """
    missed = epoch.metrics.get("metrics/missed", 0.0)
    parts = [f"epoch {epoch.epoch}/{epoch.epochs}", score(epoch)]
    parts += [f"{missed:.0f} missed"] if missed else []
    parts.append("best so far" if best.epoch == epoch.epoch else f"best {score(best)} (epoch {best.epoch})")
    # A single loss needs no name of its own.
    losses = (f"{key} {value:.3g}".removeprefix("loss ") for key, value in epoch.losses.items())
    parts.append("loss " + ", ".join(losses))
    if epoch.epoch < epoch.epochs:
        minutes, seconds = divmod(round(seconds_left), 60)
        parts.append(f"{minutes}:{seconds:02d} left")
    return "  ".join(parts)


@contextmanager
def display(before: Sequence[EpochReport] = ()) -> Iterator[Display]:
    """Shows a training while the block runs; the notices beyond the first ten are counted.

    Args:
        before: Epochs of a training that goes on, among which the best so far may be.
    """
    console = terminal()
    earlier = list(before)
    seen: list[EpochReport] = []
    begun = [time.monotonic()]
    told = [0]

    def notice(line: str) -> None:
        told[0] += 1
        if told[0] <= _MOST_NOTICES:
            console.print(printable(line), style="yellow", markup=False)

    with progress_bar("batches") as bar:
        row = bar.add_task("preparing", total=None)

        def on_epoch(epoch: EpochReport) -> None:
            if seen and epoch.epoch <= seen[-1].epoch:  # the next of several folds
                earlier.clear()
                seen.clear()
                begun[0] = time.monotonic() - epoch.seconds
            seen.append(epoch)
            best = max([*earlier, *seen], key=lambda report: report.fitness)
            left = (time.monotonic() - begun[0]) / len(seen) * (epoch.epochs - epoch.epoch)
            console.print(words(epoch, best, left), markup=False)

        def on_progress(what: str, done: int, total: int) -> None:
            bar.update(row, description=what, completed=done, total=total or None)

        yield Display(console, on_epoch, on_progress, notice)
    if told[0] > _MOST_NOTICES:
        console.print(f"and {told[0] - _MOST_NOTICES} more such lines", style="yellow", markup=False)
