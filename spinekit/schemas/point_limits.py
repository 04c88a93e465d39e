"""Where the landmarks of a schema usually lie to each other, one YAML a schema in ``shapes``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinekit.core.errors import UsageError
from spinekit.core.schema import Schema
from spinekit.schemas.strict_yaml import load_yaml

FloatArray = npt.NDArray[np.float64]
_FOLDER = Path(__file__).resolve().parent / "shapes"


@dataclass(frozen=True, slots=True, eq=False)
class PointLimits:
    """The usual shape of a landmark set and how far points stray from it.

    Attributes:
        schema: Its name.
        learnt_from: Data and number of images.
        names: K landmarks.
        usual: (K, 2) centred, of size 1 (root mean square distance from the centre).
        spread: (K,) robust standard deviation along one axis, in the same unit.
    """

    schema: str
    learnt_from: str
    names: tuple[str, ...]
    usual: FloatArray
    spread: FloatArray


def point_limits(schema: Schema) -> PointLimits | None:
    """The limits of a schema; None where none were learnt for its landmarks.

    Raises:
        UsageError: If the file is not as it was written.
    """
    return _limits(schema.name, schema.landmark_names)


@cache
def _limits(name: str, landmarks: tuple[str, ...]) -> PointLimits | None:
    # The name may be that of a stranger's schema: it is looked for among what ships, and no path is made of it.
    path = next((found for found in _FOLDER.glob("*.yaml") if found.stem == name), None)
    if path is None:
        return None
    content = load_yaml(path)
    if not isinstance(content, dict) or not isinstance(content.get("points"), dict):
        raise UsageError(f"{path}: holds no points -- get the file anew")
    if not set(landmarks) <= set(content["points"]):
        return None  # somebody's own set under the same name
    try:
        values = np.array([content["points"][point] for point in landmarks], dtype=np.float64)
        return PointLimits(name, str(content["learnt_from"]), landmarks, values[:, :2], values[:, 2])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UsageError(f"{path}: lacks or miswrites {error} -- get the file anew") from error


def lines(limits: PointLimits) -> Iterator[str]:
    """Limits as the lines of their YAML file."""
    yield f"# x, y and spread of the landmarks of {limits.schema}, laid on their usual shape of size 1"
    yield f"learnt_from: {limits.learnt_from}"
    yield "points:"
    for name, (x, y), spread in zip(limits.names, limits.usual, limits.spread, strict=True):
        yield f'  "{name}": [{x:.4f}, {y:.4f}, {spread:.4f}]'
