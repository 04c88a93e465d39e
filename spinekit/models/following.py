"""Telling of a training while it runs: in this process by the library's callbacks, elsewhere by the history."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from spinekit.models.history import EpochReport, read_history

OnEpoch = Callable[[EpochReport], None]
OnBatch = Callable[[int, int], None]


def listen(model: Any, on_epoch: OnEpoch | None, on_batch: OnBatch | None) -> None:
    """Tells of epochs and batches of a training in this process.

    Args:
        model: A ``YOLO`` object.
        on_epoch: Told after every epoch.
        on_batch: Told after every batch.
    """
    done = [0]

    def epoch_start(_trainer: Any) -> None:
        done[0] = 0

    def batch_end(trainer: Any) -> None:
        done[0] += 1
        if on_batch is not None:
            on_batch(done[0], len(trainer.train_loader))

    def fit_end(trainer: Any) -> None:
        # The library calls once more after the last epoch, for the best one: the report is then an old one.
        report = getattr(trainer, "report", None)
        if on_epoch is not None and report is not None and report.epoch == trainer.epoch + 1:
            on_epoch(report)

    model.add_callback("on_train_epoch_start", epoch_start)
    model.add_callback("on_train_batch_end", batch_end)
    model.add_callback("on_fit_epoch_end", fit_end)


@contextlib.contextmanager
def following(out: Path, on_epoch: OnEpoch | None) -> Iterator[None]:
    """Tells of epochs that other processes train, by the history that they write, while the block runs.

    Args:
        out: The folder of the history.
        on_epoch: Told after every epoch; None where nobody is to be told.
    """
    if on_epoch is None:
        yield
        return
    ended = threading.Event()
    told = {report.epoch for report in read_history(out)}

    def tell() -> None:
        for report in read_history(out):
            if report.epoch not in told:
                told.add(report.epoch)
                on_epoch(report)

    def follow() -> None:
        while not ended.wait(1.0):
            tell()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        tell()
