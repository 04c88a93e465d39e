"""Reading a film with a network: candidates with scores, landmarks and shapes, nothing named or measured yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from spinekit.core.errors import EnvironmentFaultError
from spinekit.core.image import FloatArray, Image
from spinekit.core.landmarks import landmarks
from spinekit.core.outline import Outline
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.models.canvas import Fitted, fit_film
from spinekit.models.environment import load_library, use_threads
from spinekit.models.masks import mask_outline
from spinekit.models.training import TASKS
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


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """What the network says of one thing, in the film's pixel frame.

    Attributes:
        box: (4,) left, top, right, bottom px.
        score: 0..1.
        label: Index of the class.
        points: (K, 3) x, y px and presence 0..1, or None.
        outline: Its shape, or None.
    """

    box: FloatArray
    score: float
    label: int
    points: FloatArray | None
    outline: Outline | None


class InstanceReader:
    """A pose or mask network of Ultralytics.

    Args:
        card: Which model.
        threads: Threads to compute with; None for every core.
    """

    def __init__(self, card: ModelCard, threads: int | None = None) -> None:
        self.card = card
        self.schema = check_weights(card)
        self._threads = threads
        model = load_yolo(card)
        from spinekit.models.forward import Network

        self._network = Network(model)

    def read(self, image: Image) -> Scene:
        """All candidates of an image above a low score, most certain first."""
        fitted = fit_film(image.pixels, self.card.canvas)
        items = tuple(self._to_instance(found) for found in self.detect(fitted, image.pixels.shape))
        return Scene(image.ref, self.schema, items, model=self.card.name)

    def detect(self, fitted: Fitted, shape: tuple[int, ...]) -> list[Detection]:
        """Runs the network on a fitted film of (height, width) ``shape``."""
        use_threads(self._threads)
        raw = self._network(fitted.pixels, CANDIDATE_SCORE, _OVERLAP)
        found = []
        for row in range(len(raw.scores)):
            box = fitted.to_film(raw.boxes[row].reshape(2, 2)).ravel()
            points = None
            if raw.points is not None:
                points = raw.points[row].astype(np.float64)
                points[:, :2] = fitted.to_film(points[:, :2])
            outline = None
            if raw.logits is not None:
                outline = mask_outline(raw.logits[row], box, fitted, shape[0], shape[1])
                if not outline.rings:
                    continue
            found.append(Detection(box, float(raw.scores[row]), int(raw.labels[row]), points, outline))
        return found

    def _to_instance(self, found: Detection) -> Instance:
        left, top, right, bottom = (float(v) for v in found.box)
        points = None
        if found.points is not None:
            points = landmarks(self.schema.landmark_names, found.points[:, :2], found.points[:, 2].copy())
        return Instance(
            label=self.schema.classes[found.label],
            box=(left, top, right, bottom),
            outline=found.outline,
            landmarks=points,
            score=found.score,
            author=Author.MODEL,
        )


def load_yolo(card: ModelCard) -> Any:
    """The YOLO object of a card, if its task is the one that the card names."""
    library = load_library()
    try:
        model = library.YOLO(str(card.weights))
        task = model.task
    except Exception as error:  # noqa: BLE001  (the library raises whatever torch, pickle and zip do)
        raise EnvironmentFaultError(
            f"{card.weights}: not a model that can be loaded safely ({type(error).__name__}) -- "
            "only weights trained with spinekit or Ultralytics are read, and no code in them is run"
        ) from error
    if task != TASKS[card.task]:
        raise EnvironmentFaultError(
            f"{card.weights}: a {task} model, but its card says {TASKS[card.task]} -- give weights of that task"
        )
    return model
