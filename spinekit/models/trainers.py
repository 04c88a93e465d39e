"""Ultralytics' trainers with a film's canvas, loose-to-tight sigmas and a history that every process can add to.

The classes stand at the top of this module and take nothing but what the library hands them, so that the file
which it writes for training on several devices can import them. Imported late, after
`spinekit.models.environment.load_library`.
"""

from __future__ import annotations

import math
import time
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from ultralytics.data.augment import RandomPerspective
from ultralytics.data.dataset import YOLODataset
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.models.yolo.pose import PoseTrainer
from ultralytics.models.yolo.segment import SegmentationTrainer
from ultralytics.models.yolo.semantic import SemanticSegmentationTrainer
from ultralytics.utils import RANK
from ultralytics.utils.torch_utils import unwrap_model

from spinekit.core.errors import UsageError
from spinekit.models.canvas import Canvas
from spinekit.models.course import Course, read_course
from spinekit.models.environment import use_threads
from spinekit.models.history import EpochReport, note_epoch, note_watched
from spinekit.models.mask_targets import learn_covered_cells
from spinekit.models.precision import compute_in_bf16
from spinekit.models.validators import BoxValidator, LandmarkValidator, MaskValidator, PixelValidator


def set_canvas(dataset: YOLODataset, canvas: Canvas) -> None:
    """Lets a training set crop to the film's canvas; the library's own is square whatever ``rect`` says."""
    pending = list(dataset.transforms.transforms)
    while pending:
        step = pending.pop()
        if isinstance(step, RandomPerspective):
            step.size = (canvas.width, canvas.height)
        pending.extend(getattr(step, "transforms", None) or [])


class _CourseTrainer:
    """What our trainers share: the course, the history, threads and precision."""

    validator_class: type[Any]

    def get_validator(self) -> Any:
        """The validator that judges as we do, told which images to watch."""
        validator = self.validator_class(
            self.test_loader,  # type: ignore[attr-defined]
            save_dir=self.save_dir,  # type: ignore[attr-defined]
            args=copy(self.args),  # type: ignore[attr-defined]
            _callbacks=self.callbacks,  # type: ignore[attr-defined]
        )
        if hasattr(validator, "watched"):
            validator.watched = self._course().watched
        return validator

    def _course(self) -> Course:
        if not hasattr(self, "_known"):
            self._known = read_course(Path(str(self.args.data)).parent)  # type: ignore[attr-defined]
        return self._known

    def run_callbacks(self, event: str) -> None:
        """The library's callbacks, and what we do at the same moments: methods reach every process."""
        if event == "on_train_start":
            self._begin()
        elif event == "on_train_epoch_start":
            self._begin_epoch()
        elif event == "on_fit_epoch_end" and RANK in {-1, 0} and not getattr(self, "_over", False):
            self._note()
        super().run_callbacks(event)  # type: ignore[misc]

    def final_eval(self) -> None:
        """The library's look at the best epoch, which is no epoch of the history."""
        self._over = True
        super().final_eval()  # type: ignore[misc]

    def _begin(self) -> None:
        use_threads()
        self._started = time.monotonic()
        if self._course().precision == "bf16":
            compute_in_bf16(self.model)  # type: ignore[attr-defined]

    def _begin_epoch(self) -> None:
        self._epoch_started = time.monotonic()

    def _note(self) -> None:
        trainer: Any = self
        losses = {name: float(value) for name, value in (trainer.tloss or {}).items()}
        if not all(map(math.isfinite, losses.values())):
            raise UsageError(
                f"epoch {trainer.epoch + 1}: the loss is no number any more -- lower learning_rate "
                f"({trainer.args.lr0:g}), use precision: fp32, or look at the labels with spinekit dataset check"
            )
        metrics = {name: float(value) for name, value in trainer.metrics.items()}
        now = time.monotonic()
        trainer.report = EpochReport(
            trainer.epoch + 1,
            trainer.epochs,
            losses,
            metrics,
            float(trainer.fitness if trainer.fitness is not None else 0.0),
            now - self._epoch_started,
        )
        note_epoch(Path(trainer.save_dir), trainer.report)
        for image in getattr(trainer.validator, "seen_images", ()):
            note_watched(Path(trainer.save_dir), replace(image, epoch=trainer.epoch + 1))
        limit = self._course().seconds
        if limit is not None and now - self._started > limit:
            trainer.stop = True


class _CanvasTrainer(_CourseTrainer):
    """A trainer whose crops have the film's canvas."""

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> YOLODataset:
        """The library's data set, cropping to the canvas when training."""
        dataset = super().build_dataset(img_path, mode, batch)  # type: ignore[misc]
        if mode == "train":
            set_canvas(dataset, self._course().canvas)
        return dataset


class LandmarkTrainer(_CanvasTrainer, PoseTrainer):  # type: ignore[misc]
    """Trains landmarks on a film's canvas, from a loose sigma to a tight one, judged by their radial error."""

    validator_class = LandmarkValidator

    def _begin_epoch(self) -> None:
        super()._begin_epoch()
        sigma = self._course().sigma(self.epoch, self.epochs)
        if sigma is None:
            return
        model = unwrap_model(self.model)
        if getattr(model, "criterion", None) is None:
            model.criterion = model.init_criterion()
        loss = model.criterion.keypoint_loss
        loss.sigmas = torch.full_like(loss.sigmas, sigma)


class MaskTrainer(_CanvasTrainer, SegmentationTrainer):  # type: ignore[misc]
    """Trains instance masks on a film's canvas, judged by the mean average precision of the masks."""

    validator_class = MaskValidator

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> YOLODataset:
        """The library's data set, whose masks are as large as the outlines."""
        learn_covered_cells()
        return super().build_dataset(img_path, mode, batch)


class BoxTrainer(_CanvasTrainer, DetectionTrainer):  # type: ignore[misc]
    """Trains boxes on a film's canvas."""

    validator_class = BoxValidator


class PixelTrainer(_CourseTrainer, SemanticSegmentationTrainer):  # type: ignore[misc]
    """Trains classes of pixels in square tiles, judged by Dice."""

    validator_class = PixelValidator


TRAINERS: dict[str, type[Any]] = {
    "pose": LandmarkTrainer,
    "seg": MaskTrainer,
    "detect": BoxTrainer,
    "sem": PixelTrainer,
}
