"""How a training went, epoch by epoch: lines in its folder, from which curves, resumption and display are fed.

Lines are added as epochs end, so that a killed training leaves what it had; whoever trains, in this process or
in those of several devices, writes the same file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spinekit.core.errors import AnnotationError

EPOCHS = "epochs.jsonl"
WATCHED = "watched.jsonl"
CURVES = "curves.json"


@dataclass(frozen=True, slots=True)
class EpochReport:
    """How far a training is.

    Attributes:
        epoch: Counted from 1.
        epochs: In all.
        losses: By name.
        metrics: By name, e.g. ``metrics/MRE(px)`` or ``val/pose_loss``.
        fitness: What chooses the best epoch; larger is better.
        seconds: That the epoch took, with its validation.
    """

    epoch: int
    epochs: int
    losses: Mapping[str, float]
    metrics: Mapping[str, float]
    fitness: float
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class WatchedImage:
    """What a model said of one val image after one epoch, in pixels of the workspace's image.

    Attributes:
        epoch: Counted from 1.
        image: Name of the file in the workspace's ``images/val``.
        truth: (N, K, 2) landmarks, None for a coordinate that is absent; empty without landmarks.
        points: (N, K, 2) landmarks found, each row the nearest to the true one; None where nothing was.
        boxes: (M, 4) left, top, right, bottom of what was found with some certainty.
    """

    epoch: int
    image: str
    truth: Sequence[Any] = ()
    points: Sequence[Any] = ()
    boxes: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class FinalCurves:
    """What the best epoch does on val at every certainty.

    Attributes:
        certainty: (N,) from 0 to 1.
        precision: (N,) at each certainty, the mean over classes.
        recall: (N,) likewise.
        f1: (N,) likewise.
        precision_at_recall: (N,) precision where recall is as large as ``certainty`` says.
        labels: Names of rows and columns of the confusion matrix; the last is background.
        confusion: (C, C) counts, predicted by true.
        of: What precision and recall are of: ``boxes``, ``masks`` or ``pixels``.
    """

    certainty: Sequence[float] = ()
    precision: Sequence[float] = ()
    recall: Sequence[float] = ()
    f1: Sequence[float] = ()
    precision_at_recall: Sequence[float] = ()
    labels: Sequence[str] = ()
    confusion: Sequence[Sequence[float]] = field(default_factory=tuple)
    of: str = "pixels"


def _add_line(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="\n") as stream:
        stream.write(json.dumps(content, allow_nan=True) + "\n")


def note_epoch(folder: Path, report: EpochReport) -> None:
    """Adds an epoch to the history in a folder."""
    _add_line(
        folder / EPOCHS,
        {
            "epoch": report.epoch,
            "epochs": report.epochs,
            "losses": dict(report.losses),
            "metrics": dict(report.metrics),
            "fitness": report.fitness,
            "seconds": round(report.seconds, 3),
        },
    )


def note_watched(folder: Path, watched: WatchedImage) -> None:
    """Adds what was said of an image."""
    _add_line(
        folder / WATCHED,
        {
            "epoch": watched.epoch,
            "image": watched.image,
            "truth": watched.truth,
            "points": watched.points,
            "boxes": watched.boxes,
        },
    )


def note_curves(folder: Path, curves: FinalCurves) -> None:
    """Writes the curves of the best epoch."""
    content = {name: getattr(curves, name) for name in FinalCurves.__slots__}
    (folder / CURVES).write_text(json.dumps(content), encoding="utf-8")


def _lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file; a last one that a kill cut short is left out."""
    if not path.is_file():
        return []
    found = []
    texts = path.read_text(encoding="utf-8").splitlines()
    for number, text in enumerate(texts, start=1):
        try:
            found.append(json.loads(text))
        except ValueError:
            if number == len(texts):
                break
            raise AnnotationError(
                f"{path}, line {number}: no whole line of JSON -- train anew, or take the line out"
            ) from None
    return found


def read_history(folder: Path) -> tuple[EpochReport, ...]:
    """The epochs in a folder, in order; where a resumed training did an epoch again, the later one counts.

    Raises:
        AnnotationError: If the file is broken.
    """
    by_epoch: dict[int, EpochReport] = {}
    for line in _lines(folder / EPOCHS):
        try:
            report = EpochReport(
                int(line["epoch"]),
                int(line["epochs"]),
                {str(key): float(value) for key, value in line["losses"].items()},
                {str(key): float(value) for key, value in line["metrics"].items()},
                float(line["fitness"]),
                float(line.get("seconds", 0.0)),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise AnnotationError(f"{folder / EPOCHS}: an epoch lacks {error} -- train anew") from error
        by_epoch[report.epoch] = report
    return tuple(by_epoch[epoch] for epoch in sorted(by_epoch))


def read_watched(folder: Path) -> tuple[WatchedImage, ...]:
    """What was said of the watched images, by epoch.

    Raises:
        AnnotationError: If the file is broken.
    """
    found: dict[tuple[int, str], WatchedImage] = {}
    for line in _lines(folder / WATCHED):
        try:
            item = WatchedImage(
                int(line["epoch"]),
                Path(str(line["image"])).name,
                list(line["truth"]),
                list(line["points"]),
                list(line["boxes"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise AnnotationError(f"{folder / WATCHED}: a line lacks {error} -- train anew") from error
        found[item.epoch, item.image] = item
    return tuple(found[key] for key in sorted(found))


def read_curves(folder: Path) -> FinalCurves | None:
    """The curves of the best epoch, or None where none were written.

    Raises:
        AnnotationError: If the file is broken.
    """
    path = folder / CURVES
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return FinalCurves(**{name: content[name] for name in FinalCurves.__slots__})
    except (KeyError, TypeError, ValueError) as error:
        raise AnnotationError(f"{path}: {error} is missing or wrong -- train anew") from error


def best_epoch(history: Sequence[EpochReport]) -> EpochReport | None:
    """The epoch whose weights are kept: of the largest fitness, the first of equals."""
    usable = [report for report in history if math.isfinite(report.fitness)]
    return max(usable, key=lambda report: report.fitness) if usable else None
