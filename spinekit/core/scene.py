"""What is in an image, by a person or by a model: the one type that everything passes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import Landmarks
from spinekit.core.outline import Outline
from spinekit.core.schema import Schema

Box = tuple[float, float, float, float]


class Author(StrEnum):
    """Who says so."""

    HUMAN = "human"
    MODEL = "model"


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One thing in an image.

    Attributes:
        label: A class of the schema, or a level name once named in sequence.
        box: Left, top, right, bottom in px.
        outline: Its shape, or None.
        landmarks: Its points, or None.
        score: 0..1; 1 for a person's.
        author: A person or a model.
        reader: Which of several readers, or None.
        flags: Doubts in words.
        level_shares: (L,) how likely it is each of the schema's levels: by its looks alone as a candidate, by the
            whole spine once named in sequence. What is missing to 1 is the chance to be none of them. None where
            nothing was said, NaN where it was not looked at.
    """

    label: str
    box: Box
    outline: Outline | None = None
    landmarks: Landmarks | None = None
    score: float = 1.0
    author: Author = Author.HUMAN
    reader: str | None = None
    flags: tuple[str, ...] = ()
    level_shares: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """A semantic answer for every pixel.

    Attributes:
        labels: (H, W) uint8 class indices of the schema, or None where only a probability is known.
        probability: (H, W) float32 of the schema's last class, or None for a person's labels.
    """

    labels: npt.NDArray[np.uint8] | None = None
    probability: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """A point that cannot be given, and why."""

    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """All that is said about one image.

    Attributes:
        image: Which image.
        schema: The names used.
        instances: In the order of the schema where one exists (spine: cranial to caudal).
        raster: For semantic tasks, or None.
        model: Name of the model, or empty for a person's labels.
        notes: Doubts about the whole image, one line each.
        group: What must stay together in a split (patient, visit, series), or empty.
        covariates: What is known of the person beside the image: ``age_years`` and ``sex`` (``F`` or ``M``);
            written only where the user asks for it.
    """

    image: ImageRef
    schema: Schema
    instances: tuple[Instance, ...] = ()
    raster: Raster | None = None
    model: str = ""
    notes: tuple[str, ...] = ()
    group: str = ""
    covariates: Mapping[str, float | str] = field(default_factory=dict)

    def instance(self, label: str) -> Instance | None:
        """The instance of that label, the most certain of several, or None."""
        found = [item for item in self.instances if item.label == label]
        return max(found, key=lambda item: item.score) if found else None

    def point(self, name: str) -> FloatArray | Absent:
        """A landmark's (2,) position in px.

        Args:
            name: ``ANS`` where the image holds a single instance, ``L1.TL`` where levels are named;
                aliases of the schema are understood.

        Returns:
            The point, or `Absent` with the reason.
        """
        label, _, landmark = name.rpartition(".")
        if label:
            item = self.instance(label)
            if item is None:
                return Absent(f"{label} was not found")
        elif len(self.instances) == 1:
            item = self.instances[0]
        elif not self.instances:
            return Absent("nothing was found in the image")
        else:
            return Absent(f"{name} is ambiguous: the image holds {len(self.instances)} instances")
        if item.landmarks is None:
            return Absent(f"{label or item.label} has no landmarks")
        resolved = self.schema.resolve(landmark)
        if resolved is None or resolved not in item.landmarks.names:
            return Absent(f"{landmark} is not a landmark of {self.schema.name}")
        xy = item.landmarks.xy[item.landmarks.index(resolved)]
        return Absent(f"{name} is absent") if bool(np.isnan(xy).any()) else xy
