"""A figure of merit that says on how many images it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Score:
    """One figure of an evaluation.

    Attributes:
        metric: Its name with unit, e.g. ``MRE (mm)``.
        value: The figure.
        low: Lower end of the 95 % bootstrap interval over images, or None for fewer than two images.
        high: Upper end.
        n: Images that it stands on.
        missed: Images or points without an answer.
        items: The figure of each image, by name.
    """

    metric: str
    value: float
    low: float | None
    high: float | None
    n: int
    missed: int = 0
    items: Mapping[str, float] = field(default_factory=dict)
