"""Reading a film with a network: candidates with scores, landmarks and shapes, nothing named or measured yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from spinekit.core.errors import EnvironmentFaultError
from spinekit.core.image import FloatArray, Image, UInt8Array
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Author, Box, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.models.canvas import Fitted, fit_film
from spinekit.models.close import CloseLook
from spinekit.models.computed import FASTEST, EngineChoice, open_network
from spinekit.models.environment import use_threads
from spinekit.models.graph import beside_network, first_network
from spinekit.models.level_look import LevelLook, level_shape
from spinekit.models.masks import mask_outlines
from spinekit.models.raw import RawDetections, detections
from spinekit.models.shift_look import ShiftLook
from spinekit.models.views import Look, merge, surest, unmirrored
from spinekit.models.weights import ModelCard, check_weights

CANDIDATE_SCORE = 0.03  # below the reporting threshold: the sequence along a spine may know better
_OVERLAP = 0.5  # intersection over union above which two candidates are the same body


class Reader(Protocol):
    """Turns an image into a scene of candidates."""

    card: ModelCard
    schema: Schema

    @property
    def engine(self) -> str:
        """Which engine computes it, with its version and precision."""
        ...

    def read(self, image: Image) -> Scene:
        """The scene of an image."""
        ...

    def say_levels(self, scene: Scene, image: Image) -> Scene:
        """The scene with how likely each candidate is each level, where the model has a network that tells it."""
        ...

    def say_shifts(self, scene: Scene, image: Image) -> Mapping[int, float] | None:
        """How likely all names of a spine are so many levels off; None where no network of the model tells it."""
        ...

    def look_closer(self, scene: Scene, image: Image) -> Scene:
        """The scene with its landmarks placed anew, each at the film's resolution, where the model can."""
        ...


class InstanceReader:
    """A pose, mask or box network of Ultralytics.

    Args:
        card: Which model.
        choice: By which engine its networks are computed.
        refine: Whether landmarks are looked at again where the model can.
    """

    def __init__(self, card: ModelCard, choice: EngineChoice = FASTEST, refine: bool = True) -> None:
        self.card = card
        self.schema = check_weights(card)
        self._threads = choice.each
        self._network = open_network(first_network(card), choice)
        _check_names(card, self.schema, self._network.facts)
        # One that needs the help of a model of corners says the levels only where it is to look again.
        levels = card.levels if refine or not card.corners else None
        self._levels = LevelLook(beside_network("levels", levels), choice) if levels else None
        self._shift = ShiftLook(beside_network("shift", card.shift), choice) if card.shift else None
        close = card.close if refine else ()
        self._close = [CloseLook(beside_network("close", beside), card.spread, choice) for beside in close]

    @property
    def engine(self) -> str:
        """Which engine computes the first look, with its version and precision."""
        return self._network.engine

    def read(self, image: Image) -> Scene:
        """All candidates of an image above a low score, most certain first."""
        use_threads(self._threads)
        reading = {"pose": self._poses, "detect": self._boxes}.get(self.card.task, self._shapes)
        scene = Scene(image.ref, self.schema, tuple(reading(image)), model=self.card.name)
        # Its own network of levels has the say over its classes, unless both help to name another model's bodies.
        return scene if self.card.corners else self.say_levels(scene, image)

    def say_levels(self, scene: Scene, image: Image) -> Scene:
        """What the level network, where there is one, says of candidates, most certain first."""
        if self._levels is None or not scene.instances:
            return scene
        use_threads(self._threads)
        shares = self._levels.shares(np.array([level_shape(item) for item in scene.instances]), image.pixels)
        told = (replace(item, level_shares=row) for item, row in zip(scene.instances, shares, strict=True))
        return replace(scene, instances=tuple(told))

    def say_shifts(self, scene: Scene, image: Image) -> Mapping[int, float] | None:
        """What the network of shifts, where there is one, says of a named spine."""
        levels = self.schema.levels
        bodies = [item for item in scene.instances if item.label in levels]
        if self._shift is None or not bodies:
            return None
        use_threads(self._threads)
        places = [levels.index(item.label) for item in bodies]
        return self._shift.chances(np.array([level_shape(item) for item in bodies]), places, image.pixels)

    def look_closer(self, scene: Scene, image: Image) -> Scene:
        """The landmarks of a scene placed anew by every close look in turn."""
        use_threads(self._threads)
        items = list(scene.instances)
        for close in self._close:
            items = close.refined(items, image.pixels)
        return replace(scene, instances=tuple(items))

    def _detected(self, fitted: Sequence[Fitted]) -> list[RawDetections]:
        """What the network sees on each canvas; canvases of one shape are computed together on a GPU."""
        found: list[RawDetections | None] = [None] * len(fitted)
        facts, most = self._network.facts, self._network.batch
        shapes: dict[tuple[int, ...], list[int]] = {}
        for index, one in enumerate(fitted):
            shapes.setdefault(one.pixels.shape, []).append(index)
        for same in shapes.values():
            for first in range(0, len(same), most):
                rows = same[first : first + most]
                answers = self._network(np.stack([fitted[row].pixels for row in rows]))
                read = detections(answers, facts["classes"], facts["points"], CANDIDATE_SCORE, _OVERLAP)
                for row, raw in zip(rows, read, strict=True):
                    found[row] = raw
        return [raw for raw in found if raw is not None]

    def _looks(self, pixels: UInt8Array) -> tuple[list[Look], list[Look]]:
        """A pose network's looks at a film in every size, and at its mirror image where the card says so."""
        mirrored = self.card.mirrored or self.card.either_facing
        films = [pixels, np.ascontiguousarray(pixels[:, ::-1])] if mirrored else [pixels]
        canvases = [self.card.canvas.scaled(scale) for scale in self.card.scales]
        fitted = [fit_film(film, canvas) for film in films for canvas in canvases]
        looks = [_look(raw, one) for raw, one in zip(self._detected(fitted), fitted, strict=True)]
        width, order = pixels.shape[1], self.schema.flip_index()
        return looks[: len(canvases)], [unmirrored(look, width, order) for look in looks[len(canvases) :]]

    def _poses(self, image: Image) -> Iterator[Instance]:
        looks, mirrors = self._looks(image.pixels)
        if self.card.either_facing:
            look = surest([merge(looks), merge(mirrors)], self.card.instances)
        else:
            look = merge([*looks, *mirrors])
        for box, score, points in zip(look.boxes, look.scores, look.points, strict=True):
            named = landmarks(self.schema.landmark_names, points[:, :2], points[:, 2].copy())
            yield Instance(self.schema.classes[0], _box(box), None, named, float(score), Author.MODEL)

    def _boxes(self, image: Image) -> Iterator[Instance]:
        fitted = fit_film(image.pixels, self.card.canvas)
        (raw,) = self._detected([fitted])
        boxes = fitted.to_film(raw.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        for box, score, label, share in zip(boxes, raw.scores, raw.labels, self._of_levels(raw), strict=True):
            name = self.schema.classes[int(label)]
            yield Instance(name, _box(box), score=float(score), author=Author.MODEL, level_shares=share)

    def _shapes(self, image: Image) -> Iterator[Instance]:
        fitted = fit_film(image.pixels, self.card.canvas)
        (raw,) = self._detected([fitted])
        assert raw.coefficients is not None
        assert raw.prototypes is not None
        boxes = fitted.to_film(raw.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        outlines = mask_outlines(
            raw.coefficients, raw.prototypes, boxes, fitted, image.ref.height, image.ref.width
        )
        for box, score, label, share, outline in zip(
            boxes, raw.scores, raw.labels, self._of_levels(raw), outlines, strict=True
        ):
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


def _look(raw: RawDetections, fitted: Fitted) -> Look:
    """What was seen on a canvas, in the film's pixel frame."""
    assert raw.points is not None
    points = raw.points.copy()
    points[..., :2] = fitted.to_film(points[..., :2])
    return Look(fitted.to_film(raw.boxes.reshape(-1, 2, 2)).reshape(-1, 4), raw.scores, points)


def _check_names(card: ModelCard, schema: Schema, facts: Mapping[str, Any]) -> None:
    """Refuses weights that find other things than their card says: what they find would bear wrong names."""
    names, points = list(facts.get("names", schema.classes)), facts["points"]
    if names != list(schema.classes) or (card.task == "pose" and points != len(schema.landmarks)):
        knows = f"{', '.join(names[:3])}{' ...' if len(names) > 3 else ''}" + (
            f", {points} points" if points else ""
        )
        raise EnvironmentFaultError(
            f"{card.weights}: finds {printable(knows)}, which is not what {schema.name} of its card names -- "
            "correct the card, or give weights of that schema"
        )


def _box(values: FloatArray) -> Box:
    left, top, right, bottom = (float(v) for v in values)
    return left, top, right, bottom
