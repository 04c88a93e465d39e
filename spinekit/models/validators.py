"""Ultralytics' validators, which judge an epoch by what the field judges by, and note what they see.

Imported late, after `spinekit.models.environment.load_library`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from ultralytics.models.yolo.detect import DetectionValidator
from ultralytics.models.yolo.pose import PoseValidator
from ultralytics.models.yolo.segment import SegmentationValidator
from ultralytics.models.yolo.semantic import SemanticSegmentationValidator
from ultralytics.utils import RANK, ops

from spinekit.models.history import FinalCurves, WatchedImage, note_curves

_FOUND_WITHIN = 0.4  # of an instance's diagonal: a neighbouring body is further away
_SHOWN = 0.25  # certainty from which a prediction is noted for the film of the epochs
_STEP = 10  # of the library's 1000 points of a curve


def _plain(values: np.ndarray[Any, np.dtype[Any]]) -> Any:
    """Nested lists to a hundredth, None where there is no number."""
    rounded = np.round(values.astype(float), 2)
    plain = rounded.astype(object)
    plain[~np.isfinite(rounded)] = None
    return plain.tolist()


def _nearest_to_each(
    truth: np.ndarray[Any, np.dtype[Any]], found: np.ndarray[Any, np.dtype[Any]]
) -> np.ndarray[Any, np.dtype[Any]]:
    """(N, K, 2): of M found instances the nearest to each of N true ones, each once, NaN where none is left."""
    answer = np.full(truth.shape, np.nan)
    free = list(range(len(found)))
    for row, points in enumerate(truth):
        seen = np.isfinite(points).all(axis=1)
        if not free or not seen.any():
            continue
        best = min(free, key=lambda k: float(np.linalg.norm(found[k][seen] - points[seen], axis=1).mean()))
        answer[row] = found[best]
        free.remove(best)
    return answer


class _Noting:
    """What validators of instances share: predictions of watched images, and curves of the best epoch."""

    watched: tuple[str, ...] = ()

    def init_metrics(self, model: torch.nn.Module) -> None:
        """Forgets the epoch before."""
        super().init_metrics(model)  # type: ignore[misc]
        self.seen_images: list[WatchedImage] = []

    def update_metrics(self, preds: list[dict[str, torch.Tensor]], batch: dict[str, Any]) -> None:
        """Notes watched images and, for the best epoch, what was taken for what."""
        for index, pred in enumerate(preds):
            name = Path(batch["im_file"][index]).name
            final = not self.training  # type: ignore[attr-defined]
            if name not in self.watched and not final:
                continue
            truth = self._prepare_batch(index, batch)  # type: ignore[attr-defined]
            ready = self._prepare_pred({key: value.clone() for key, value in pred.items()})  # type: ignore[attr-defined]
            if final:
                self.confusion_matrix.process_batch(ready, truth, conf=_SHOWN)  # type: ignore[attr-defined]
            else:
                self.seen_images.append(self._noted(name, truth, self.scale_preds(ready, truth)))  # type: ignore[attr-defined]
        super().update_metrics(preds, batch)  # type: ignore[misc]

    def _noted(self, name: str, truth: Mapping[str, Any], scaled: Mapping[str, torch.Tensor]) -> WatchedImage:
        """As many predictions as there are true instances; of landmarks, the nearest to each in turn."""
        order = scaled["conf"].argsort(descending=True)[: len(truth["cls"])]
        boxes = scaled["bboxes"][order[scaled["conf"][order] >= _SHOWN]].cpu().numpy()
        if "keypoints" not in scaled:
            return WatchedImage(0, name, boxes=_plain(boxes))
        found = scaled["keypoints"][order].cpu().numpy()[..., :2]
        true = ops.scale_coords(
            truth["imgsz"], truth["keypoints"].clone(), truth["ori_shape"], ratio_pad=truth["ratio_pad"]
        )
        known = true.cpu().numpy()
        xy = np.where(known[..., 2:] > 0, known[..., :2], np.nan)
        return WatchedImage(0, name, _plain(xy), _plain(_nearest_to_each(xy, found)), _plain(boxes))

    def finalize_metrics(self) -> None:
        """Writes the curves once the best epoch has been looked at again."""
        super().finalize_metrics()  # type: ignore[misc]
        if not self.training:  # type: ignore[attr-defined]
            note_curves(Path(self.save_dir), _curves(self))  # type: ignore[attr-defined]


def _curves(validator: Any) -> FinalCurves:
    """Curves of masks, where there are any, or of boxes: those of landmarks say little, their error says more."""
    metrics = validator.metrics
    masks = hasattr(metrics, "seg")
    metric = metrics.seg if masks else metrics.box
    matrix = np.asarray(validator.confusion_matrix.matrix, dtype=float)
    names = [str(name) for name in validator.names.values()]
    labels = names if len(matrix) == len(names) else [*names, "background"]
    drawn: dict[str, list[float]] = {}
    for name, attribute in (
        ("precision", "p_curve"),
        ("recall", "r_curve"),
        ("f1", "f1_curve"),
        ("precision_at_recall", "prec_values"),
    ):
        curve = np.asarray(getattr(metric, attribute, ()), dtype=float)
        drawn[name] = curve.reshape(-1, curve.shape[-1]).mean(axis=0)[::_STEP].tolist() if curve.size else []
    certainty = np.asarray(getattr(metric, "px", ()), dtype=float)[::_STEP].tolist()
    return FinalCurves(
        certainty, labels=labels, confusion=matrix.tolist(), of="masks" if masks else "boxes", **drawn
    )


class LandmarkValidator(_Noting, PoseValidator):  # type: ignore[misc]
    """Scores an epoch by the mean radial error of the landmarks instead of a blind mean average precision.

    As many predictions as there are true instances are taken, the most certain first; each true instance
    takes the nearest of them. An instance without one near it costs the diagonal of its landmarks.
    """

    def init_metrics(self, model: torch.nn.Module) -> None:
        """Empties the list of errors before an epoch."""
        super().init_metrics(model)
        self.errors: list[float] = []
        self.missed = 0

    def update_metrics(self, preds: list[dict[str, torch.Tensor]], batch: dict[str, Any]) -> None:
        """Adds the landmark errors of a batch, in pixels of the training images."""
        for index, pred in enumerate(preds):
            truth = self._prepare_batch(index, batch)
            scaled = self.scale_preds(
                self._prepare_pred({key: value.clone() for key, value in pred.items()}), truth
            )
            points = ops.scale_coords(
                truth["imgsz"], truth["keypoints"].clone(), truth["ori_shape"], ratio_pad=truth["ratio_pad"]
            )
            self._add(points.cpu().numpy(), scaled)
        super().update_metrics(preds, batch)

    def _add(self, truth: np.ndarray[Any, np.dtype[Any]], pred: Mapping[str, torch.Tensor]) -> None:
        order = pred["conf"].argsort(descending=True)[: len(truth)]
        found = pred["keypoints"][order].cpu().numpy()[..., :2]
        free = list(range(len(found)))
        for instance in truth:
            seen = instance[:, 2] > 0
            if not seen.any():
                continue
            xy = instance[seen, :2]
            extent = float(np.hypot(*np.ptp(xy, axis=0)))
            distances = [float(np.linalg.norm(found[i][seen] - xy, axis=1).mean()) for i in free]
            if not distances or min(distances) > _FOUND_WITHIN * extent:
                self.missed += 1
                self.errors.append(extent)
                continue
            best = int(np.argmin(distances))
            self.errors.append(distances[best])
            del free[best]

    def gather_stats(self) -> None:
        """Brings together what the devices found, on the first of them."""
        super().gather_stats()
        if RANK == -1:
            return
        parts: list[Any] | None = [None] * dist.get_world_size() if RANK == 0 else None
        dist.gather_object((self.errors, self.missed), parts, dst=0)
        if parts is not None:
            self.errors = [error for errors, _ in parts for error in errors]
            self.missed = sum(missed for _, missed in parts)

    def get_stats(self) -> dict[str, Any]:
        """The library's figures with ``metrics/MRE(px)``, ``metrics/missed`` and a fitness of minus the MRE."""
        stats: dict[str, Any] = super().get_stats()
        error = float(np.mean(self.errors)) if self.errors else float("inf")
        stats["metrics/MRE(px)"] = error
        stats["metrics/missed"] = float(self.missed)
        stats["fitness"] = -error
        return stats


class MaskValidator(_Noting, SegmentationValidator):  # type: ignore[misc]
    """Scores an epoch by the mean average precision of the masks alone; the library adds that of the boxes."""

    def get_stats(self) -> dict[str, Any]:
        """The library's figures with the masks' mAP50-95 as fitness."""
        stats: dict[str, Any] = super().get_stats()
        stats["fitness"] = float(stats.get("metrics/mAP50-95(M)", 0.0))
        return stats


class BoxValidator(_Noting, DetectionValidator):  # type: ignore[misc]
    """Scores an epoch as the library does, by the mean average precision of the boxes."""


class PixelValidator(SemanticSegmentationValidator):  # type: ignore[misc]
    """Scores an epoch by Dice: the mean over all classes but the first, which is the ground."""

    def get_stats(self) -> dict[str, Any]:
        """The library's figures with ``metrics/Dice`` as fitness."""
        stats: dict[str, Any] = dict(super().get_stats())
        matrix = self.metrics.matrix
        dice = 0.0 if matrix is None else mean_dice(matrix.detach().cpu().numpy().astype(float))
        stats["metrics/Dice"] = dice
        stats["fitness"] = dice
        return stats

    def finalize_metrics(self) -> None:
        """Writes what was taken for what once the best epoch has been looked at again."""
        super().finalize_metrics()
        if not self.training:
            matrix = np.asarray(self.confusion_matrix.matrix, dtype=float)
            names = [str(name) for name in self.names.values()]
            labels = [*names, *(str(index) for index in range(len(names), len(matrix)))]
            note_curves(Path(self.save_dir), FinalCurves(labels=labels, confusion=matrix.tolist()))


def mean_dice(matrix: np.ndarray[Any, np.dtype[Any]]) -> float:
    """Dice of all classes but the first, the mean of those that are seen or said.

    Args:
        matrix: (C, C) pixels by true and predicted class; which is which does not matter.
    """
    both = matrix.sum(axis=0) + matrix.sum(axis=1)
    dice = [2 * matrix[k, k] / both[k] for k in range(1, len(matrix)) if both[k] > 0]
    return float(np.mean(dice)) if dice else 0.0
