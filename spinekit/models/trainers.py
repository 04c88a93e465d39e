"""Ultralytics' trainers with a film's canvas, landmark errors that choose the best epoch, and loose-to-tight sigmas.

Imported late, after `spinekit.models.environment.load_library`.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from ultralytics.data.augment import RandomPerspective
from ultralytics.data.dataset import YOLODataset
from ultralytics.models.yolo.pose import PoseTrainer, PoseValidator
from ultralytics.models.yolo.segment import SegmentationTrainer
from ultralytics.models.yolo.semantic import SemanticSegmentationTrainer
from ultralytics.utils import ops
from ultralytics.utils.torch_utils import unwrap_model

from spinekit.models.canvas import Canvas

_FOUND_WITHIN = 0.4  # of an instance's diagonal: a neighbouring body is further away


@dataclass(frozen=True, slots=True)
class Course:
    """What our trainers add to Ultralytics' settings.

    Attributes:
        canvas: Grid of the training crops, the one at which whole films are later read.
        sigma_start: Keypoint sigma of the first epoch, loose enough to pull from afar; None for no course.
        sigma_end: Sigma from ``sigma_turn`` of the epochs on, tight enough to sharpen.
        sigma_turn: Share of the epochs after which ``sigma_end`` is reached.
    """

    canvas: Canvas
    sigma_start: float | None = None
    sigma_end: float | None = None
    sigma_turn: float = 0.7

    def sigma(self, epoch: int, epochs: int) -> float | None:
        """Sigma of an epoch: geometric from start to end."""
        if self.sigma_start is None or self.sigma_end is None:
            return None
        share = min(1.0, epoch / max(1.0, self.sigma_turn * epochs))
        return float(self.sigma_start * (self.sigma_end / self.sigma_start) ** share)


def set_canvas(dataset: YOLODataset, canvas: Canvas) -> None:
    """Lets a training set crop to the film's canvas; the library's own is square whatever ``rect`` says."""
    pending = list(dataset.transforms.transforms)
    while pending:
        step = pending.pop()
        if isinstance(step, RandomPerspective):
            step.size = (canvas.width, canvas.height)
        pending.extend(getattr(step, "transforms", None) or [])


class LandmarkValidator(PoseValidator):  # type: ignore[misc]
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

    def get_stats(self) -> dict[str, Any]:
        """The library's figures with ``metrics/MRE(px)``, ``metrics/missed`` and a fitness of minus the MRE."""
        stats: dict[str, Any] = super().get_stats()
        error = float(np.mean(self.errors)) if self.errors else float("inf")
        stats["metrics/MRE(px)"] = error
        stats["metrics/missed"] = float(self.missed)
        stats["fitness"] = -error
        return stats


class _CourseTrainer:
    """What the pose and mask trainers share: the canvas and the threads."""

    course: Course

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> YOLODataset:
        """The library's data set, cropping to the canvas when training."""
        dataset = super().build_dataset(img_path, mode, batch)  # type: ignore[misc]
        if mode == "train":
            set_canvas(dataset, self.course.canvas)
        return dataset


class LandmarkTrainer(_CourseTrainer, PoseTrainer):  # type: ignore[misc]
    """Trains landmarks on a film's canvas, from a loose sigma to a tight one, judged by their radial error."""

    def get_validator(self) -> LandmarkValidator:
        """The validator that judges by radial error."""
        return LandmarkValidator(
            self.test_loader, save_dir=self.save_dir, args=copy(self.args), _callbacks=self.callbacks
        )

    def set_sigma(self) -> None:
        """Sets this epoch's sigma in the loss."""
        sigma = self.course.sigma(self.epoch, self.epochs)
        if sigma is None:
            return
        model = unwrap_model(self.model)
        if getattr(model, "criterion", None) is None:
            model.criterion = model.init_criterion()
        loss = model.criterion.keypoint_loss
        loss.sigmas = torch.full_like(loss.sigmas, sigma)


class MaskTrainer(_CourseTrainer, SegmentationTrainer):  # type: ignore[misc]
    """Trains instance masks on a film's canvas."""


def trainer_class(task: str, course: Course) -> type[Any]:
    """A trainer that knows its course; the library builds trainers itself and passes no arguments of ours.

    Args:
        task: ``pose``, ``seg`` or ``sem``; pixels need no course, tiles are square.
        course: The canvas and sigmas.
    """
    if task == "sem":
        semantic: type[Any] = SemanticSegmentationTrainer
        return semantic
    base: type[Any] = LandmarkTrainer if task == "pose" else MaskTrainer
    return type(base.__name__, (base,), {"course": course, "__module__": base.__module__})
