"""A ruler or marker of known length on a film calibrates it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from spinekit.core.errors import UsageError
from spinekit.core.image import ImageRef
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.files import printable

SHORTEST_PX = 10.0  # of which an end that is a pixel off changes every length by a tenth
_NUMBER = r"\s*(-?\d+(?:\.\d+)?)\s*"
_TEXT = re.compile(rf"{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}={_NUMBER}(mm|cm)\s*")


@dataclass(frozen=True, slots=True)
class Ruler:
    """A line of known length.

    Attributes:
        start: Its one end in px, x right, y down.
        end: Its other end.
        length_mm: Its true length.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    length_mm: float

    def spacing(self, image: ImageRef) -> Spacing:
        """The pixel spacing of the image that the ruler lies on; its pixels keep their shape.

        Args:
            image: The film.

        Raises:
            UsageError: If an end lies outside of the film, or the ruler is too short in pixels to say anything.
        """
        for x, y in (self.start, self.end):
            if not (-0.5 <= x <= image.width - 0.5 and -0.5 <= y <= image.height - 0.5):
                raise UsageError(
                    f"--ruler: {x:g},{y:g} lies outside of {printable(image.name)}, which is {image.width} x "
                    f"{image.height} px -- give both ends in pixels of the film"
                )
        known = image.spacing
        aspect = image.aspect if known is None else known.row_mm / known.col_mm
        length = math.hypot(self.end[0] - self.start[0], (self.end[1] - self.start[1]) * aspect)
        if length < SHORTEST_PX:
            raise UsageError(
                f"--ruler: is {length:.3g} px long, of which nothing can be told -- give both ends of a longer one"
            )
        column = self.length_mm / length
        return Spacing(column * aspect, column, SpacingOrigin.STATED)


def parse_ruler(text: str) -> Ruler:
    """A ruler from text such as ``120,80,120,580=100mm``.

    Args:
        text: x and y of both ends in px, and the length in mm or cm.

    Raises:
        UsageError: If it is no such text.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise UsageError(
            f"--ruler {printable(text)!r}: is no ruler -- write both ends in pixels and its length, like "
            "120,80,120,580=100mm"
        )
    x1, y1, x2, y2, length = (float(found[i]) for i in range(1, 6))
    millimetres = length * (10.0 if found[6] == "cm" else 1.0)
    if not 0 < millimetres < 10_000:
        raise UsageError(f"--ruler {text!r}: {millimetres:g} mm cannot be the length of a ruler")
    return Ruler((x1, y1), (x2, y2), millimetres)
