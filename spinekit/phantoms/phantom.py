"""A synthetic film with exact truth, and its way into a scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.outline import Outline
from spinekit.core.scene import Author, Instance, Raster, Scene
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.core.spacing import Spacing
from spinekit.phantoms.kinds import Kind

# The same point under the names of the 19-point and of the 27-point set.
SYNONYMS: dict[str, str] = {
    "LI": "ii",
    "UI": "is",
    "Pog'": "DT pog",
    "PNS": "SNP pm",
    "ANS": "SNA",
}


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """A synthetic film and what is true of it.

    Attributes:
        kind: What it shows.
        pixels: (H, W) uint8, or uint16 where more grey levels were asked for.
        labels: Names of the I things in it (``T1`` .. ``L5``, or one thing).
        names: Names of the K points of each thing.
        points: (I, K, 2) exact positions in px, x right, y down, pixel centres at integers.
        mask: (H, W) uint8, 1 where the structure is, for films whose truth is an area; otherwise None.
        spacing: Pixel spacing, or None where the film has none.
        facts: Further truths by name, e.g. ``cobb_deg``.
    """

    kind: Kind
    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
    labels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    points: FloatArray = field(default_factory=lambda: np.zeros((0, 0, 2)))
    mask: npt.NDArray[np.uint8] | None = None
    spacing: Spacing | None = None
    facts: Mapping[str, float] = field(default_factory=dict)

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    def point(self, label: str, name: str) -> FloatArray:
        """The (2,) position of one named point; `ValueError` where label or name is unknown."""
        found: FloatArray = self.points[self.labels.index(label), self.names.index(name)]
        return found


def to_scene(phantom: Phantom, ref: ImageRef, schema: Schema) -> Scene:
    """The truth of a phantom as the scene that a faultless reader would write.

    Args:
        phantom: The film.
        ref: The image that holds its pixels.
        schema: The landmark or class set to speak in; points that the phantom lacks are absent, points
            that the schema lacks are left out.

    Returns:
        One instance for each thing, in the schema's order of landmarks, or a raster for an area.
    """
    raster = Raster(labels=phantom.mask) if phantom.mask is not None and schema.task == "sem" else None
    instances = tuple(
        _to_instance(phantom, row, schema) for row in range(len(phantom.labels)) if phantom.names
    )
    return Scene(ref, schema, instances, raster)


def _to_instance(phantom: Phantom, row: int, schema: Schema) -> Instance:
    """One thing of the phantom in the words of the schema."""
    label = phantom.labels[row] if phantom.labels[row] in schema.levels else schema.classes[0]
    xy = np.array([_position(phantom, row, landmark) for landmark in schema.landmarks]).reshape(-1, 2)
    known = phantom.points[row]
    left, top = known.min(axis=0)
    right, bottom = known.max(axis=0)
    outline = None
    if phantom.names == ("TL", "TR", "BL", "BR"):
        outline = Outline((known[[0, 1, 3, 2]].copy(),))
    return Instance(
        label=label,
        box=(float(left), float(top), float(right), float(bottom)),
        outline=outline,
        landmarks=landmarks(schema.landmark_names, xy) if schema.landmarks else None,
        author=Author.HUMAN,
    )


def _position(phantom: Phantom, row: int, landmark: LandmarkDefinition) -> FloatArray:
    """Where a landmark of a schema lies, by its name, its synonym or an alias; NaN where unknown."""
    candidates = (landmark.name, SYNONYMS.get(landmark.name, ""), *landmark.aliases)
    for candidate in candidates:
        if candidate in phantom.names:
            found: FloatArray = phantom.points[row, phantom.names.index(candidate)]
            return found
    return np.full(2, np.nan)
