"""Reading a film with a network: candidates with scores, landmarks and shapes, nothing named or measured yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from spinekit.core.errors import EnvironmentFaultError
from spinekit.core.image import FloatArray, Image, UInt8Array
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Author, Box, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.models.canvas import Canvas, fit_film
from spinekit.models.environment import load_library, use_threads
from spinekit.models.masks import mask_outline
from spinekit.models.raw import RawDetections
from spinekit.models.training import TASKS
from spinekit.models.views import Look, merge, surest, unmirrored
from spinekit.models.weights import ModelCard, check_weights

CANDIDATE_SCORE = 0.03  # below the reporting threshold: the sequence along a spine may know better
_OVERLAP = 0.5  # intersection over union above which two candidates are the same body


class Reader(Protocol):
    """Turns an image into a scene of candidates."""

    card: ModelCard
    schema: Schema

    def read(self, image: Image) -> Scene:
        """The scene of an image."""
        ...

    def look_closer(self, scene: Scene, image: Image) -> Scene:
        """The scene with its landmarks placed anew, each at the film's resolution, where the model can."""
        ...


class InstanceReader:
    """A pose, mask or box network of Ultralytics.

    Args:
        card: Which model.
        threads: Threads to compute with; None for every core.
    """

    def __init__(self, card: ModelCard, threads: int | None = None) -> None:
        self.card = card
        self.schema = check_weights(card)
        self._threads = threads
        model = load_yolo(card)
        from spinekit.models.close import CloseLook
        from spinekit.models.forward import Network
        from spinekit.models.level_net import LevelLook

        self._network = Network(model)
        self._levels = LevelLook(card.levels.path) if card.levels is not None else None
        self._close = [CloseLook(close.path, card.spread) for close in card.close]

    def read(self, image: Image) -> Scene:
        """All candidates of an image above a low score, most certain first."""
        use_threads(self._threads)
        reading = {"pose": self._poses, "detect": self._boxes}.get(self.card.task, self._shapes)
        items = reading(image)
        return Scene(
            image.ref, self.schema, tuple(self._with_levels(list(items), image)), model=self.card.name
        )

    def _with_levels(self, items: list[Instance], image: Image) -> list[Instance]:
        """What the level network says of each candidate, most certain first."""
        points = [item.landmarks for item in items if item.landmarks is not None]
        if self._levels is None or len(points) < len(items):
            return items
        shares = self._levels.shares(np.array([p.xy for p in points]), image.pixels)
        return [replace(item, level_shares=row) for item, row in zip(items, shares, strict=True)]

    def look_closer(self, scene: Scene, image: Image) -> Scene:
        """The landmarks of a scene placed anew by every close look in turn."""
        use_threads(self._threads)
        items = list(scene.instances)
        for close in self._close:
            items = close.refined(items, image.pixels)
        return replace(scene, instances=tuple(items))

    def _look(self, pixels: UInt8Array, canvas: Canvas) -> Look:
        """One look of a pose network at a film."""
        fitted = fit_film(pixels, canvas)
        raw = self._network(fitted.pixels, CANDIDATE_SCORE, _OVERLAP)
        assert raw.points is not None
        points = raw.points.copy()
        points[..., :2] = fitted.to_film(points[..., :2])
        boxes = fitted.to_film(raw.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        return Look(boxes, raw.scores, points)

    def _poses(self, image: Image) -> Iterator[Instance]:
        canvases = [self.card.canvas.scaled(scale) for scale in self.card.scales]
        looks = [self._look(image.pixels, canvas) for canvas in canvases]
        mirrors = []
        if self.card.mirrored or self.card.either_facing:
            mirror, order = np.ascontiguousarray(image.pixels[:, ::-1]), self.schema.flip_index()
            mirrors = [unmirrored(self._look(mirror, canvas), image.ref.width, order) for canvas in canvases]
        if self.card.either_facing:
            look = surest([merge(looks), merge(mirrors)], self.card.instances)
        else:
            look = merge([*looks, *mirrors])
        for box, score, points in zip(look.boxes, look.scores, look.points, strict=True):
            named = landmarks(self.schema.landmark_names, points[:, :2], points[:, 2].copy())
            yield Instance(self.schema.classes[0], _box(box), None, named, float(score), Author.MODEL)

    def _boxes(self, image: Image) -> Iterator[Instance]:
        fitted = fit_film(image.pixels, self.card.canvas)
        raw = self._network(fitted.pixels, CANDIDATE_SCORE, _OVERLAP)
        boxes = fitted.to_film(raw.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        for box, score, label, share in zip(boxes, raw.scores, raw.labels, self._of_levels(raw), strict=True):
            name = self.schema.classes[int(label)]
            yield Instance(name, _box(box), score=float(score), author=Author.MODEL, level_shares=share)

    def _shapes(self, image: Image) -> Iterator[Instance]:
        fitted = fit_film(image.pixels, self.card.canvas)
        raw = self._network(fitted.pixels, CANDIDATE_SCORE, _OVERLAP)
        assert raw.logits is not None
        boxes = fitted.to_film(raw.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        for box, score, label, share, logits in zip(
            boxes, raw.scores, raw.labels, self._of_levels(raw), raw.logits, strict=True
        ):
            outline = mask_outline(logits, box, fitted, image.ref.height, image.ref.width)
            if outline.rings:
                name = self.schema.classes[int(label)]
                yield Instance(
                    name, _box(box), outline, score=float(score), author=Author.MODEL, level_shares=share
                )

    def _of_levels(self, raw: RawDetections) -> list[FloatArray | None]:
        """How likely each detection is each of the schema's levels, where its classes are levels."""
        classes, levels = self.schema.classes, self.schema.levels
        if not levels or not set(levels) <= set(classes):
            return [None] * len(raw.shares)
        of_level = raw.shares[:, [classes.index(level) for level in levels]]
        # What several classes believe in together is still one body.
        return list(of_level / np.maximum(of_level.sum(axis=1, keepdims=True), 1.0))


def _box(values: FloatArray) -> Box:
    left, top, right, bottom = (float(v) for v in values)
    return left, top, right, bottom


def load_yolo(card: ModelCard) -> Any:
    """The YOLO object of a card, if its task is the one that the card names."""
    library = load_library()
    try:
        model = library.YOLO(str(card.weights))
        task = model.task
    except Exception as error:
        raise EnvironmentFaultError(
            f"{card.weights}: not a model that can be loaded safely ({type(error).__name__}) -- "
            "only weights trained with spinekit or Ultralytics are read, and no code in them is run"
        ) from error
    if task != TASKS[card.task]:
        raise EnvironmentFaultError(
            f"{card.weights}: a {task} model, but its card says {TASKS[card.task]} -- give weights of that task"
        )
    return model


def tensors_of(card: ModelCard) -> dict[str, Any]:
    """The weights of a card's network by the library's names, in single precision."""
    state = load_yolo(card).model.state_dict()
    return {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
