"""Pictures of a training, or of a run of predict, from what it left in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from spinekit.core.errors import UsageError
from spinekit.core.image import FloatArray, UInt8Array
from spinekit.files import write_bytes
from spinekit.models.history import (
    EpochReport,
    FinalCurves,
    WatchedImage,
    best_epoch,
    read_curves,
    read_history,
    read_watched,
)
from spinekit.views.training_plots import EpochPicture, confusion_chart, epochs_gif, line_chart
from spinekit.workflows.report import is_run
from spinekit.workflows.run_plots import run_pictures

_MOST_FRAMES = 60
_PARTS = (("(B)", "boxes"), ("(M)", "masks"), ("(P)", "landmarks"))


def write_plots(run: Path, out: Path | None = None, against: Path | None = None) -> list[Path]:
    """Draws all that a folder gives.

    Of a training: curves as PNG, and the points' way through the epochs as GIF. Of a run of predict: the tilt of the
    bodies level by level, how each measurement is distributed, and how far it agrees with another run.

    Args:
        run: Folder that `spinekit train` or `spinekit predict` wrote.
        out: Folder for the pictures; None for ``plots`` in the run's.
        against: Another run of predict to compare with, or None.

    Returns:
        The pictures.

    Raises:
        UsageError: If the folder holds neither, or the two runs have nothing in common.
        AnnotationError: If its files are broken.
    """
    predicted = against is not None or is_run(run)
    pictures = run_pictures(run, against) if predicted else _training_pictures(run)
    out = out or run / "plots"
    for name, content in pictures.items():
        write_bytes(out / name, content)
    return [out / name for name in pictures]


def _training_pictures(run: Path) -> dict[str, bytes]:
    inner = run / "run" if (run / "run").is_dir() else run
    history = read_history(inner)
    if not history:
        raise UsageError(
            f"{run}: no epoch of a training lies here -- name the --out of spinekit train or spinekit predict"
        )
    return {
        **_over_epochs(history),
        **_over_certainty(read_curves(inner)),
        **_moving(read_watched(inner), inner.parent / "workspace" / "images" / "val"),
    }


def _over_epochs(history: Sequence[EpochReport]) -> dict[str, bytes]:
    epochs = [float(report.epoch) for report in history]
    best = best_epoch(history)
    mark = None if best is None or len(history) < 2 else float(best.epoch)

    def column(key: str) -> list[float]:
        return [report.metrics.get(key, float("nan")) for report in history]

    def chart(columns: Mapping[str, Sequence[float]], title: str, up: str) -> bytes:
        return line_chart(
            {name: (epochs, values) for name, values in columns.items()},
            title,
            "epoch",
            up,
            mark,
            share=up == "share",
        )

    names = list(dict.fromkeys(name for report in history for name in report.losses))
    losses = {
        f"{name}, train": [report.losses.get(name, float("nan")) for report in history] for name in names
    }
    losses |= {
        f"{name}, val": column(f"val/{name}") for name in names if f"val/{name}" in history[-1].metrics
    }
    pictures = {"losses.png": chart(losses, "Losses", "loss")}
    pictures |= _scores(history, column, chart)
    return pictures


def _scores(history: Sequence[EpochReport], column: Any, chart: Any) -> dict[str, bytes]:  # noqa: ANN401  (two functions of the caller)
    """Precision, recall, F1 and average precision, and what the best epoch is chosen by."""
    found = history[-1].metrics
    pictures: dict[str, bytes] = {}
    for mark, what in _PARTS:
        if f"metrics/precision{mark}" not in found:
            continue
        precision = np.array(column(f"metrics/precision{mark}"))
        recall = np.array(column(f"metrics/recall{mark}"))
        with np.errstate(invalid="ignore"):
            f1 = np.where(precision + recall > 0, 2 * precision * recall / (precision + recall), 0.0)
        lines = {
            "precision": precision,
            "recall": recall,
            "F1": f1,
            "mAP50": column(f"metrics/mAP50{mark}"),
            "mAP50-95": column(f"metrics/mAP50-95{mark}"),
        }
        pictures[f"{what}.png"] = chart(lines, f"{what.capitalize()} on val", "share")
    if "metrics/MRE(px)" in found:
        pictures["mre.png"] = chart(
            {"MRE": column("metrics/MRE(px)")}, "Mean radial error on val", "px of the canvas"
        )
    pixels = {
        key.removeprefix("metrics/"): column(key)
        for key in ("metrics/Dice", "metrics/mIoU", "metrics/pixel_acc")
        if key in found
    }
    if pixels:
        pictures["pixels.png"] = chart(pixels, "Pixels on val", "share")
    return pictures


def _over_certainty(curves: FinalCurves | None) -> dict[str, bytes]:
    if curves is None:
        return {}
    pictures = {}
    if curves.certainty and curves.f1:
        at = list(curves.certainty)
        for name, values, title in (
            ("precision-certainty", curves.precision, "Precision"),
            ("recall-certainty", curves.recall, "Recall"),
            ("f1-certainty", curves.f1, "F1"),
        ):
            pictures[f"{name}.png"] = line_chart(
                {title: (at, values)},
                f"{title} of {curves.of} on val, best epoch",
                "certainty",
                title,
                share=True,
            )
        pictures["precision-recall.png"] = line_chart(
            {"precision": (at, curves.precision_at_recall)},
            f"Precision by recall of {curves.of} on val, best epoch",
            "recall",
            "precision",
            share=True,
        )
    counts = np.asarray(curves.confusion, dtype=np.float64)
    if counts.size:
        pictures["confusion.png"] = confusion_chart(counts, curves.labels, "Said and true on val, best epoch")
    return pictures


def _moving(watched: Sequence[WatchedImage], folder: Path) -> dict[str, bytes]:
    """The moving picture, where images were watched and are still there; an image missing in an epoch is left out."""
    epochs = sorted({item.epoch for item in watched})
    if not epochs:
        return {}
    step = -(-len(epochs) // _MOST_FRAMES)
    shown = sorted({*epochs[::step], epochs[-1]})
    by_place = {(item.epoch, item.image): item for item in watched}
    names = [
        name
        for name in sorted({item.image for item in watched})
        if all((epoch, name) in by_place for epoch in shown)
    ]
    images: dict[str, UInt8Array] = {}
    for name in names:
        pixels = cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE)
        if pixels is not None:
            images[name] = np.asarray(pixels, dtype=np.uint8)
    if not images:
        return {}
    frames = [(epoch, [_picture(by_place[epoch, name]) for name in images]) for epoch in shown]
    return {"epochs.gif": epochs_gif(list(images.values()), frames)}


def _picture(item: WatchedImage) -> EpochPicture:
    return EpochPicture(_array(item.truth, 2), _array(item.points, 2), _array(item.boxes, 4).reshape(-1, 4))


def _array(values: Sequence[Any], last: int) -> FloatArray:
    """Nested lists as numbers, None as NaN."""
    found = np.array(values, dtype=np.float64)
    return found if found.size else np.zeros((0, 0, last) if last == 2 else (0, last))
